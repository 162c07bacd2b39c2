"""Charts of a workbook that stay readable, however many days and names there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from legible.outputs.xlsx.book import Book, BookSheet

#: From this many days on a chart has a band instead of a column for each day, and its axis months instead of days.
MANY_DAYS = 62
#: How many names a chart shows; the rest is one bar.
MOST_NAMES = 12
#: Colors that are told apart by everybody, in print too (Okabe and Ito): what succeeded, failed, is not known.
COLORS = ("#0072B2", "#D55E00", "#999999")
#: For several names, which are told apart by it (Okabe and Ito, the palest left out); the last is for the rest.
MANY_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")
_WIDTH, _HEIGHT = 1000, 320
_FAINT = {"line": {"color": "#D9D9D9", "width": 0.75}}
_TEXT = {"size": 9, "color": "#404040"}


class Columns(NamedTuple):
    """Where a chart has its numbers: a sheet, its rows from ``first`` to ``last``, the column of names, the series."""

    sheet: BookSheet
    first: int
    last: int
    names: int
    values: Sequence[tuple[str, int]]

    def place(self, column: int) -> list[Any]:
        """Return one column as a chart refers to it."""
        return [self.sheet.name, self.first, column, self.last, column]


def by_day(book: Book, title: str, columns: Columns, days: Sequence[date]) -> Any:
    """Return a chart over days, its series on top of one another; ``days`` are those of its rows, without a gap."""
    many = len(days) > MANY_DAYS
    chart = book.chart({"type": "area" if many else "column", "subtype": "stacked"})
    for number, (name, column) in enumerate(columns.values):
        fill = {"fill": {"color": COLORS[number % len(COLORS)]}, "border": {"none": True}}
        gap = {} if many else {"gap": 40}
        chart.add_series({"name": name, "categories": columns.place(columns.names), "values": columns.place(column),
                          **fill, **gap})  # fmt: skip
    months = max(1, round(len(days) / 365))
    axis: dict[str, Any] = {"date_axis": True, "num_format": "yyyy-mm" if many else "mm-dd", "num_font": _TEXT}
    axis |= {"major_unit": months, "major_unit_type": "months"} if many else {"major_unit": max(1, len(days) // 15)}
    chart.set_x_axis(axis | {"major_tick_mark": "outside", "text_axis": False})
    _finish(chart, title, len(columns.values) > 1)
    return chart


def by_name(book: Book, title: str, columns: Columns, count: int, number: str = "#,##0") -> Any:
    """Return a chart of bars, one for each of ``count`` names, the first on top."""
    chart = book.chart({"type": "bar", "subtype": "stacked"})
    for place, (name, column) in enumerate(columns.values):
        chart.add_series({"name": name, "categories": columns.place(columns.names), "values": columns.place(column),
                          "fill": {"color": COLORS[place % len(COLORS)]}, "gap": 35})  # fmt: skip
    chart.set_y_axis({"reverse": True, "num_font": _TEXT, "major_gridlines": {"visible": False}})
    chart.set_x_axis({"num_format": number, "num_font": _TEXT, "major_gridlines": {"visible": True, **_FAINT}})
    _title(chart, title, len(columns.values) > 1)
    chart.set_size({"width": _WIDTH, "height": max(170, 90 + 22 * count)})
    return chart


def by_month(book: Book, title: str, columns: Columns, number: str) -> Any:
    """Return a chart of columns, one for each month."""
    chart = book.chart({"type": "column"})
    for name, column in columns.values:
        chart.add_series({"name": name, "categories": columns.place(columns.names), "values": columns.place(column),
                          "fill": {"color": COLORS[0]}, "gap": 60})  # fmt: skip
    chart.set_x_axis({"num_font": _TEXT})
    _finish(chart, title, legend=False, number=number)
    return chart


def trend(book: Book, title: str, columns: Columns, *, days: bool = False) -> Any:
    """Return a chart of columns over months or days, one color of each series on top of another's."""
    chart = book.chart({"type": "column", "subtype": "stacked"})
    for place, (name, column) in enumerate(columns.values):
        chart.add_series({"name": name, "categories": columns.place(columns.names), "values": columns.place(column),
                          "fill": {"color": MANY_COLORS[place % len(MANY_COLORS)]}, "gap": 50})  # fmt: skip
    dates = {"date_axis": True, "num_format": "mm-dd", "major_unit": max(1, (columns.last - columns.first) // 15)}
    chart.set_x_axis({"num_font": _TEXT, **(dates if days else {})})
    _finish(chart, title, legend=True)
    return chart


def height(chart: Any) -> int:
    """Return the height of a chart in pixels."""
    return int(chart.height)


def _finish(chart: Any, title: str, legend: bool, number: str = "#,##0") -> None:  # noqa: FBT001
    chart.set_y_axis(
        {"num_format": number, "min": 0, "num_font": _TEXT, "major_gridlines": {"visible": True, **_FAINT}}
    )
    _title(chart, title, legend)
    chart.set_size({"width": _WIDTH, "height": _HEIGHT})


def _title(chart: Any, title: str, legend: bool) -> None:  # noqa: FBT001
    chart.set_title({"name": title, "name_font": {"size": 12, "color": "#1F3864"}, "overlay": False})
    chart.set_legend({"position": "top"} if legend else {"none": True})
