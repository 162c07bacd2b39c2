"""The first sheet of a workbook over many documents: how they ended, in numbers and in a chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from legible.model.documents import Status
from legible.model.records import Recognized, Record
from legible.outputs.xlsx.cells import BODY, DOUBTS, HEADER, HEADING, LABEL, MARKS, SURE, Style, status_style
from legible.outputs.xlsx.formats import Formats
from legible.outputs.xlsx.values import fit

NAME = "Summary"
#: The statuses in the order in which people count them, with their colors in the chart.
_COLORS: dict[Status, str] = {
    "done": "#70AD47",
    "partial": "#FFC000",
    "rejected": "#ED7D31",
    "held": "#8EA9DB",
    "dead": "#C00000",
    "running": "#BFBFBF",
}
_STATUSES = tuple(_COLORS)
_SHARES = ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01))
#: Where the table by operation begins, and the chart beside it.
_HEAD, _CHART = 3, len(_STATUSES) + 3
#: The chart's sides in pixels; its height has a bound, whatever the number of operations.
_WIDE, _LEAST, _PER_BAR, _TALLEST = 760, 200, 24, 1_400
_SPREAD: Style = {"font_color": "#595959"}


class SummarySheet:
    """Counts documents, then writes the sheet."""

    def __init__(self) -> None:
        """Begin with no document counted."""
        self._counts: Counter[tuple[str, Status]] = Counter()
        self._findings: Counter[str] = Counter()
        self._shares: Counter[int] = Counter()
        self._first: datetime | None = None
        #: When the newest document was finished.
        self.last: datetime | None = None

    def count(self, record: Record, parts: Recognized, confidence: float | None) -> None:
        """Count one document.

        Args:
            record: What is known of it.
            parts: What was recognized in it.
            confidence: The lowest of that.
        """
        self._counts[record.operation, record.status] += 1
        self._findings.update(check.rule for check in parts.checks if not check.passed)
        if confidence is not None:
            self._shares[next((n for n, (_, end) in enumerate(_SHARES) if confidence < end), len(_SHARES) - 1)] += 1
        at = record.finished_at
        if at is not None:
            self._first = at if self._first is None else min(self._first, at)
            self.last = at if self.last is None else max(self.last, at)

    def write(self, book: Any, page: Any, formats: Formats, title: str, unfit: int) -> None:
        """Write the sheet.

        Args:
            book: The ``xlsxwriter.Workbook``, for its chart.
            page: The sheet.
            formats: The formats of the workbook.
            title: What the workbook is about.
            unfit: How many characters no worksheet can hold.
        """
        page.set_column(0, 0, 42)
        page.set_column(1, len(_STATUSES) + 1, 11)
        page.write_string(0, 0, fit(title)[0][:200], formats.styled(HEADING))
        page.write_string(1, 0, self._sentence(), formats.styled(_SPREAD))
        operations = sorted({operation for operation, _ in self._counts})
        row = self._by_operation(page, formats, operations)
        for heading, beside, entries in self._tables(unfit):
            row += 2
            page.write_string(row, 0, heading, formats.styled(HEADER))
            page.write_string(row, 1, beside, formats.styled(HEADER | {"align": "right"}))
            for label, number in entries or [("none", 0)]:
                row += 1
                page.write_string(row, 0, label, formats.styled(LABEL))
                page.write_number(row, 1, number, formats.look("count"))
        self._legend(page, formats, row + 2)
        self._chart(book, page, len(operations))
        page.fit_to_pages(1, 1)
        page.activate()

    def _sentence(self) -> str:
        totals = Counter[Status]()
        for (_, status), number in self._counts.items():
            totals[status] += number
        parts = ", ".join(f"{totals[status]:,} {status}" for status in _STATUSES if totals[status])
        sentence = f"{sum(totals.values()):,} documents" + (f": {parts}" if parts else "")
        if self._first is None or self.last is None:
            return f"{sentence}."
        first, last = (at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M") for at in (self._first, self.last))
        return f"{sentence}. Finished {first} to {last} UTC."

    def _by_operation(self, page: Any, formats: Formats, operations: list[str]) -> int:
        """Write one row an operation and their sum; return the last row's number."""
        for column, label in enumerate(("Operation", *_STATUSES, "all")):
            style = HEADER | (status_style(label) if label in _COLORS else {}) | ({"align": "right"} if column else {})
            page.write_string(_HEAD, column, label, formats.styled(style))
        row = _HEAD
        for operation in (*operations, None):
            row += 1
            counts = [self._count_of(operation, status) for status in _STATUSES]
            label = "All" if operation is None else operation or "none (no route, or no result yet)"
            page.write_string(row, 0, label, formats.styled(LABEL))
            tint = LABEL if operation is None else None
            for column, number in enumerate((*counts, sum(counts)), 1):
                page.write_number(row, column, number, formats.look("count", tint))
        return row

    def _count_of(self, operation: str | None, status: Status) -> int:
        """Return how many documents of an operation, None for all, have a status."""
        return sum(n for (o, s), n in self._counts.items() if s == status and operation in (o, None))

    def _tables(self, unfit: int) -> Iterator[tuple[str, str, list[tuple[str, int]]]]:
        yield "Broken rule", "times", sorted(self._findings.items())
        shares = [(_share(n), self._shares[n]) for n in range(len(_SHARES)) if self._shares[n]]
        yield "Lowest confidence of a document", "documents", shares
        if unfit:
            yield "Characters no worksheet can hold", "number", [("shown as \u2400 to \u2421 or as \ufffd", unfit)]

    def _legend(self, page: Any, formats: Formats, row: int) -> None:
        page.write_string(row, 0, "Colors of values", formats.styled(HEADER))
        doubts = [(text, style) for _, style, text in DOUBTS]
        for number, (text, style) in enumerate((*doubts, (SURE, {}), *((text, mark) for mark, text in MARKS)), row + 1):
            page.write_string(number, 0, text, formats.styled(BODY | style))

    def _chart(self, book: Any, page: Any, count: int) -> None:
        """Draw the documents of each operation by status, one bar an operation."""
        if not count:
            return
        chart = book.add_chart({"type": "bar", "subtype": "stacked"})
        first, last = _HEAD + 1, _HEAD + count
        for column, (status, color) in enumerate(_COLORS.items(), 1):
            chart.add_series(
                {
                    "name": status,
                    "categories": [NAME, first, 0, last, 0],
                    "values": [NAME, first, column, last, column],
                    "fill": {"color": color},
                    "gap": 40,
                }
            )
        chart.set_title({"name": "Documents by operation and status", "name_font": {"size": 12}})
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": _WIDE, "height": min(_LEAST + _PER_BAR * count, _TALLEST)})
        page.insert_chart(_HEAD, _CHART, chart)


def _share(number: int) -> str:
    low, high = _SHARES[number]
    return f"{low:.0%} to below {high:.0%}" if high <= 1 else f"{low:.0%} or more"
