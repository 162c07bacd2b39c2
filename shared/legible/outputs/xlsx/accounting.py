"""The workbook of accounts by enterprise project: a summary with trend and distribution, months, details, the bill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import IO

from legible.model.accounting import AccountingReport, ProjectDay, ProjectShare
from legible.model.usage import Totals
from legible.outputs.xlsx import charts
from legible.outputs.xlsx.book import Book, BookSheet, Imprint
from legible.outputs.xlsx.cells import FAINT, HEADING, LABEL, VALUE, Content, Style
from legible.outputs.xlsx.charts import MANY_COLORS, MANY_DAYS, MOST_NAMES, Columns
from legible.outputs.xlsx.drawn import DrawnSheet

_CALLS = ("Calls", "Succeeded (billed)", "Failed", "Unknown (perhaps billed)", "Pages")
_NOTE: Style = {"font_color": "#595959"}
#: How many projects a trend tells apart; the others are one.
_APART = len(MANY_COLORS) - 1
_OTHERS = "others"
#: More lines than these are summed up by the month: nobody reads them one by one.
_MOST_DETAILS = 5000
_Cells = list[Content]


def write_accounting(report: AccountingReport, file: IO[bytes]) -> None:
    """Write the workbook.

    Args:
        report: The accounts.
        file: Where to, from its beginning.
    """
    title = f"Accounts {report.first} to {report.last}"
    book = Book(file, Imprint(title, f"Legible: {title}", report.as_of), large=False)
    summary, money = DrawnSheet(book, book.sheet("Summary")), _Money(report)
    header = ("Month (UTC+8)", "Enterprise project", *_CALLS, "Cost by settings", "Billed by the vendor")
    months = [
        [_month(one.month), _name(report.title(one.project)), *_calls(one.totals),
         money.cost(one.amount), money.billed(one.billed)]
        for one in report.months
    ]  # fmt: skip
    book.listing("By month", header, lambda: iter(months))
    trend = _Trend(report)
    over_months = book.listing("Trend by month", trend.header("Month (UTC+8)"), lambda: iter(trend.months()))
    over_days = book.listing("Trend by day", trend.header("Day (UTC+8)"), lambda: iter(trend.days()))
    _details(book, report)
    if report.bill is not None:
        lines = [
            [_month(one.month), _name(report.title(one.project)), Content(one.resource),
             money.billed(one.amount)]
            for one in report.bill
        ]  # fmt: skip
        book.listing("Bill", ("Month (UTC+8)", "Enterprise project", "Resource", "Amount"), lambda: iter(lines))
    _summarize(summary, report, trend, over_months, over_days)
    book.close()


def _summarize(
    summary: DrawnSheet,
    report: AccountingReport,
    trend: _Trend,
    over_months: BookSheet | None,
    over_days: BookSheet | None,
) -> None:
    summary.lines([[Content(f"Accounts by enterprise project, {report.first} to {report.last}", style=HEADING)]])
    summary.lines(
        [
            [Content("As of (UTC)", style=LABEL), Content(f"{report.as_of:%Y-%m-%d %H:%M}", style=VALUE)],
            [Content("Documents not counted yet", style=LABEL), _count(report.waiting)],
            [Content("Days and months", style=LABEL), Content("UTC+8, as on bills", style=VALUE)],
        ]
    )
    summary.lines([Content(text, style=_NOTE)] for text in report.notes)
    summary.row += 1
    _distribution(summary, report)
    if over_months is not None and len(trend.month_names) > 1:
        columns = Columns(over_months, 1, len(trend.month_names), 0, trend.series())
        summary.chart(charts.trend(summary.book, "Billed calls by month and enterprise project", columns))
    if over_days is not None and 1 < len(trend.day_names) <= MANY_DAYS:
        columns = Columns(over_days, 1, len(trend.day_names), 0, trend.series())
        summary.chart(charts.trend(summary.book, "Billed calls by day and enterprise project", columns, days=True))
    summary.sheet.set_widths()


def _distribution(summary: DrawnSheet, report: AccountingReport) -> None:
    """Write the projects with most billed calls, all others as one, and the chart of how calls are distributed."""
    if not report.projects:
        return
    shown = list(report.projects[:MOST_NAMES])
    money = _Money(report)
    rows = [_share(money, one, report.title(one.project)) for one in shown]
    rest = report.projects[MOST_NAMES:]
    if rest:
        rows.append(_share(money, _together(rest), f"{len(rest)} others"))
    header = ("Enterprise project", *_CALLS, "Share of billed calls", "Cost by settings", "Billed by the vendor")
    first = summary.table(header, rows)
    columns = Columns(summary.sheet, first, summary.row - 1, 0, [("Billed calls", 2)])
    summary.row += 1
    if len(rows) > 1:
        title = "Distribution of billed calls by enterprise project"
        summary.chart(charts.by_name(summary.book, title, columns, len(rows)))


def _share(money: _Money, one: ProjectShare, title: str) -> _Cells:
    share = f"{one.share:.6f}"
    return [
        _name(title), *_calls(one.totals), Content(share, "share", share),
        money.cost(one.amount), money.billed(one.billed),
    ]  # fmt: skip


def _together(found: Sequence[ProjectShare]) -> ProjectShare:
    amounts = [one.amount for one in found if one.amount is not None]
    bills = [one.billed for one in found if one.billed is not None]
    return ProjectShare(
        _OTHERS, _sum(one.totals for one in found), sum((one.share for one in found), Decimal(0)),
        sum(amounts, Decimal(0)) if len(amounts) == len(found) else None, sum(bills, Decimal(0)) if bills else None,
    )  # fmt: skip


class _Money:
    """Amounts as cells: all of a workbook with as many decimals, at least two, so that they stand below one another.

    Args:
        report: The accounts.
    """

    def __init__(self, report: AccountingReport) -> None:
        amounts = [amount for one in report.months for amount in (one.amount, one.billed)]
        amounts += [amount for one in report.projects for amount in (one.amount, one.billed)]
        amounts += [line.amount for line in report.bill or ()]
        exponents = [one.normalize().as_tuple().exponent for one in amounts if one is not None]
        self._places = max([2, *(-one for one in exponents if isinstance(one, int))])
        self._report = report

    def cost(self, amount: Decimal | None) -> Content:
        """Return the cell of what something cost by the settings' prices."""
        return self._cell(amount, self._report.currency, "no price")

    def billed(self, amount: Decimal | None) -> Content:
        """Return the cell of what the vendor billed; an empty one where that is not known."""
        return self._cell(amount, self._report.bill_currency, "")

    def _cell(self, amount: Decimal | None, currency: str, missing: str) -> Content:
        if amount is None:
            return Content(missing, style=FAINT)
        shown = f"{amount:.{self._places}f}"
        return Content(shown, "amount", shown, currency=currency)


class _Trend:
    """Billed calls over months and days, told apart by the projects with most of them.

    Args:
        report: The accounts.
    """

    def __init__(self, report: AccountingReport) -> None:
        ranked = [one.project for one in report.projects]
        more = len(ranked) > len(MANY_COLORS)
        self._apart = ranked[:_APART] if more else ranked
        self._names = [report.title(project) for project in self._apart] + ([_OTHERS] if more else [])
        self._by_month: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._by_day: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for one in report.days:
            project = one.project if one.project in self._apart else _OTHERS
            self._by_month[one.day.replace(day=1)][project] += one.totals.succeeded
            self._by_day[one.day][project] += one.totals.succeeded
        self.month_names = list(_months(self._by_month))
        self.day_names = list(_days(self._by_day))

    def header(self, label: str) -> tuple[str, ...]:
        """Return the labels of the columns."""
        return (label, *self._names)

    def series(self) -> list[tuple[str, int]]:
        """Return what a chart shows: names and columns."""
        return [(name, number) for number, name in enumerate(self._names, 1)]

    def months(self) -> list[_Cells]:
        """Return the rows by month, those without a call too."""
        return [[_month(month), *self._row(self._by_month.get(month, {}))] for month in self.month_names]

    def days(self) -> list[_Cells]:
        """Return the rows by day, those without a call too."""
        return [[_day(day), *self._row(self._by_day.get(day, {}))] for day in self.day_names]

    def _row(self, counts: Mapping[str, int]) -> _Cells:
        keys = [*self._apart, *([_OTHERS] if len(self._names) > len(self._apart) else [])]
        return [_count(counts.get(key, 0)) for key in keys]


def _months(known: Mapping[date, object]) -> Iterator[date]:
    """Yield each month from the first to the last: a chart needs those without a call, too."""
    month = min(known, default=None)
    while month is not None and month <= max(known):
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def _days(known: Mapping[date, object]) -> Iterator[date]:
    day = min(known, default=None)
    while day is not None and day <= max(known):
        yield day
        day += timedelta(days=1)


def _details(book: Book, report: AccountingReport) -> None:
    """List calls by day, project and operation; very many of them by month."""
    if len(report.days) <= _MOST_DETAILS:
        rows = [_detail(report, one, _day(one.day)) for one in report.days]
        book.listing("Details", ("Day (UTC+8)", "Enterprise project", "Operation", *_CALLS), lambda: iter(rows))
        return
    found: dict[tuple[date, str, str], list[ProjectDay]] = defaultdict(list)
    for one in report.days:
        found[one.day.replace(day=1), one.project, one.operation].append(one)
    summed = [
        ProjectDay(month, project, slug, _sum(one.totals for one in ones))
        for (month, project, slug), ones in sorted(found.items())
    ]
    of_months = [_detail(report, one, _month(one.day)) for one in summed]
    book.listing("Details", ("Month (UTC+8)", "Enterprise project", "Operation", *_CALLS), lambda: iter(of_months))


def _detail(report: AccountingReport, one: ProjectDay, when: Content) -> _Cells:
    return [when, _name(report.title(one.project)), _name(one.operation), *_calls(one.totals)]


def _sum(found: Iterable[Totals]) -> Totals:
    known = list(found)
    return Totals(**{name: sum(getattr(one, name) for one in known) for name in Totals.__struct_fields__})


def _calls(totals: Totals) -> _Cells:
    return [_count(one) for one in (totals.calls, totals.succeeded, totals.failed, totals.unknown, totals.pages)]


def _name(name: str) -> Content:
    return Content(name, style=LABEL)


def _month(month: date) -> Content:
    return Content(f"{month:%Y-%m}", style=LABEL)


def _day(day: date) -> Content:
    return Content(f"{day}", "date", f"{day}", style=VALUE)


def _count(number: int) -> Content:
    return Content(f"{number}", "amount", f"{number}")
