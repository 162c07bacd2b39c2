"""The usage workbook: a summary with charts, and lists of calls by day, operation, project and route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import IO

from legible.model.usage import Dimension, ServiceRow, Totals, UsageReport, UsageRow
from legible.outputs.xlsx import charts
from legible.outputs.xlsx.book import Book, BookSheet, Imprint
from legible.outputs.xlsx.cells import FAINT, HEADING, LABEL, VALUE, Content, Style
from legible.outputs.xlsx.charts import MOST_NAMES, Columns
from legible.outputs.xlsx.drawn import DrawnSheet

_CALLS = ("Calls", "Succeeded (billed)", "Failed", "Unknown (perhaps billed)", "Not needed", "Pages", "Pages adopted")
#: The columns of these that charts show, counted from the first of them.
_SHOWN = (("Succeeded", 1), ("Failed", 2), ("Unknown", 3))
_KNOWS = (
    "Cloud Eye counts the calls of all programs of the project, by operation and by day: it knows neither enterprise "
    "projects nor routes. legible reconcile names what differs."
)
#: What stands where a project or a route is not known.
UNNAMED = "(none)"
_NOTE: Style = {"font_color": "#595959"}
_WARNING: Style = {"bg_color": "#FFF2CC", "font_color": "#5C4400", "bold": True}
#: More days and operations than these are summed up by the month: nobody reads them one by one.
_MOST_DETAILS = 3000
_Cells = list[Content]


def write_usage(report: UsageReport, file: IO[bytes]) -> None:
    """Write the workbook.

    Args:
        report: The usage.
        file: Where to, from its beginning.
    """
    title = f"Usage {report.first} to {report.last}"
    book = Book(file, Imprint(title, f"Legible: {title}", report.as_of), large=False)
    summary = book.sheet("Summary")
    heads, every = report.service_heads("day"), _every_day(report)
    days = [date.fromisoformat(row.name) for row, _ in every]
    by_day = _list(
        book, "By day", ("Day (UTC)", *_CALLS, *heads), ([_day(row.name), *_sides(row, one)] for row, one in every)
    )
    tables: tuple[tuple[str, str, Dimension], ...] = (
        ("By operation", "Operation", "operation"), ("By project", "Enterprise project", "project"),
        ("By route", "Route", "route"),
    )  # fmt: skip
    for name, label, by in tables:
        rows = ([_name(row.name), *_sides(row, one)] for row, one in report.both(by))
        _list(book, name, (label, *_CALLS, *report.service_heads(by)), rows)
    _list(book, "Costs", _COSTS, _costs(report))
    _list(book, "Packages", _PACKAGES, _packages(report))
    _details(book, report.details)
    _Summary(book, summary, report).write(by_day, days)
    book.close()


def _sides(row: UsageRow, service: ServiceRow | None) -> _Cells:
    """Return the cells of both sides; those of the service's stay empty where it is not known."""
    beside = [] if service is None else [_count(service.succeeded), _count(service.failed)]
    return [*_calls(row.totals), *beside]


class _Summary(DrawnSheet):
    """The first sheet."""

    def __init__(self, book: Book, sheet: BookSheet, report: UsageReport) -> None:
        super().__init__(book, sheet)
        self._report = report

    def write(self, by_day: BookSheet | None, days: Sequence[date]) -> None:
        """Write what is most wanted, and charts."""
        report = self._report
        self.lines([[Content(f"Usage from {report.first} to {report.last}", style=HEADING)]])
        self.lines(_facts(report))
        for text in report.warnings:
            self.lines([[Content(text, style=_WARNING)]])
        for text in (*report.notes, *([_KNOWS] if report.service else ())):
            self.lines([[Content(text, style=_NOTE)]])
        self.row += 1
        if by_day is not None and len(days) > 1:
            columns = Columns(by_day, 1, len(days), 0, [(name, 1 + place) for name, place in _SHOWN])
            self.chart(charts.by_day(self.book, "Calls a day (UTC)", columns, days))
        self._top("Operation", "Calls by operation", report.operations)
        self._top("Enterprise project", "Calls by enterprise project", report.projects)
        self._months()
        self.sheet.set_widths()

    def _top(self, label: str, title: str, rows: Sequence[UsageRow]) -> None:
        """Write the names with the most calls, all others as one, and their chart."""
        if len(rows) < 2:
            return
        shown = [*rows[:MOST_NAMES], *_others(rows[MOST_NAMES:])]
        first = self.table((label, *_CALLS), ([_name(row.name), *_calls(row.totals)] for row in shown))
        columns = Columns(self.sheet, first, self.row - 1, 0, [(name, 1 + place) for name, place in _SHOWN])
        self.row += 1
        self.chart(charts.by_name(self.book, title, columns, len(shown)))

    def _months(self) -> None:
        """Write what each month cost, and the chart."""
        amounts: dict[date, Decimal] = {}
        for cost in self._report.costs:
            if cost.amount is not None:
                amounts[cost.month] = amounts.get(cost.month, Decimal(0)) + cost.amount
        if not any(amounts.values()):
            return
        currency = self._report.currency
        rows = ([Content(f"{month:%Y-%m}", style=LABEL), _amount(amounts[month], currency)] for month in amounts)
        first = self.table(("Month (UTC+8)", "Pay per use"), rows)
        if len(amounts) < 2:
            return
        columns = Columns(self.sheet, first, self.row - 1, 0, [("Pay per use", 1)])
        self.row += 1
        title = f"Pay per use by month ({currency}, by the settings' prices)"
        self.chart(charts.by_month(self.book, title, columns, "#,##0.00"))


def _facts(report: UsageReport) -> Iterator[_Cells]:
    """Yield what stands at the top, name and value."""
    rows = [row.totals for row in report.operations]
    facts = {
        "As of (UTC)": f"{report.as_of:%Y-%m-%d %H:%M}",
        "Documents not counted yet": f"{report.waiting}",
        "Calls": f"{sum(one.calls for one in rows)}",
        "Succeeded (billed)": f"{sum(one.succeeded for one in rows)}",
        "Failed": f"{sum(one.failed for one in rows)}",
        "Unknown (perhaps billed)": f"{sum(one.unknown for one in rows)}",
        **_service_facts(report),
        **{f"Documents ended as {status}": f"{number}" for status, number in report.ended.items()},
    }
    for name, value in facts.items():
        yield [Content(name, style=LABEL), _count(int(value)) if value.isdecimal() else Content(value, style=VALUE)]
    amounts = [cost.amount for cost in report.costs if cost.amount is not None]
    if amounts:
        yield [Content("Pay per use", style=LABEL), _amount(sum(amounts, Decimal(0)), report.currency)]


def _service_facts(report: UsageReport) -> dict[str, str]:
    if report.service is None:
        return {}
    rows = report.service.operations
    counts = (sum(one.succeeded for one in rows), sum(one.failed for one in rows))
    return {head: f"{count}" for head, count in zip(report.service_heads("operation"), counts, strict=True)}


def _list(book: Book, name: str, header: Sequence[str], rows: Iterable[_Cells]) -> BookSheet | None:
    """List rows; their last cells are empty where they have fewer than the header."""
    known = [[*row, *[Content("")] * (len(header) - len(row))] for row in rows]
    return book.listing(name, header, lambda: iter(known))


def _details(book: Book, rows: Sequence[UsageRow]) -> None:
    """List the calls of each day and operation; of very many, of each month and operation."""
    if len(rows) <= _MOST_DETAILS:
        of_days = ([_day(row.name), _name(row.operation), *_calls(row.totals)] for row in rows)
        _list(book, "Days and operations", ("Day (UTC)", "Operation", *_CALLS), of_days)
        return
    months: dict[tuple[str, str], list[UsageRow]] = {}
    for row in rows:
        months.setdefault((row.name[:7], row.operation), []).append(row)
    of_months = ([_name(month), _name(slug), *_calls(_sum(found))] for (month, slug), found in months.items())
    _list(book, "Months and operations", ("Month (UTC)", "Operation", *_CALLS), of_months)


def _sum(rows: Sequence[UsageRow]) -> Totals:
    return Totals(**{name: sum(getattr(row.totals, name) for row in rows) for name in Totals.__struct_fields__})


def _every_day(report: UsageReport) -> list[tuple[UsageRow, ServiceRow | None]]:
    """Return each day from the first to the last that has any call, those without a call too: a chart needs them."""
    known = {row.name: (row, service) for row, service in report.both("day")}
    if not known:
        return []
    first, last = date.fromisoformat(min(known)), date.fromisoformat(max(known))
    names = [f"{first + timedelta(days=number)}" for number in range((last - first).days + 1)]
    side = report.service
    return [known.get(name, (UsageRow(name, Totals()), side.row("day", name) if side else None)) for name in names]


def _others(rows: Sequence[UsageRow]) -> Iterator[UsageRow]:
    if rows:
        yield UsageRow(f"{len(rows)} others", _sum(rows))


def _calls(totals: Totals) -> _Cells:
    numbers = (totals.calls, totals.succeeded, totals.failed, totals.unknown, totals.surplus, totals.pages,
               totals.adopted)  # fmt: skip
    return [_count(number) for number in numbers]


_COSTS = ("Month (UTC+8)", "Operation", "Billed calls", "Of these from packages", "Perhaps billed", "Pay per use")
_PACKAGES = (
    "Package", "Operations", "Bought", "Left", "By", "Calls a day, 7 days", "Calls a day, 30 days", "Used up on",
    "Expires on",
)  # fmt: skip


def _costs(report: UsageReport) -> Iterator[_Cells]:
    for cost in report.costs:
        amount = Content("no price", style=FAINT) if cost.amount is None else _amount(cost.amount, report.currency)
        yield [Content(f"{cost.month:%Y-%m}", style=LABEL), _name(cost.operation), _count(cost.billed),
               _count(cost.packaged), _count(cost.perhaps), amount]  # fmt: skip


def _packages(report: UsageReport) -> Iterator[_Cells]:
    for one in report.packages:
        by = "estimate" if one.estimated else "billing API"
        yield [
            Content(one.name, style=LABEL), Content(", ".join(one.slugs)), _count(one.size), _count(one.left),
            Content(by), _number(one.week), _number(one.month), _day(f"{one.runs_out or ''}"),
            _day(f"{one.ends or ''}"),
        ]  # fmt: skip


def _name(name: str) -> Content:
    return Content(name or UNNAMED, style=LABEL)


def _day(day: str) -> Content:
    return Content(day, "date", day or None, style=VALUE)


def _amount(amount: Decimal, currency: str) -> Content:
    shown = f"{amount:f}"
    return Content(shown, "amount", shown, style=VALUE, currency=currency)


def _count(number: int) -> Content:
    """Return the cell of a number of calls, its thousands apart."""
    return Content(f"{number}", "amount", f"{number}")


def _number(number: Decimal) -> Content:
    return Content(f"{number:f}", "number", f"{number:f}", style=VALUE)
