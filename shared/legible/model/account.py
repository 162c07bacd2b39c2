"""What the vendor's own services tell of the account: metrics, traces, enterprise projects, packages and bills."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import Struct


class Metric(Struct, frozen=True, order=True):
    """One series of Cloud Eye: ``dimensions`` are pairs of name and value, in the order of the service."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    unit: str = ""

    def value(self, dimension: str) -> str:
        """Return the value of a dimension; empty where the series has none of that name."""
        return dict(self.dimensions).get(dimension, "")


class Period(Struct, frozen=True):
    """A period that Cloud Eye is asked for.

    ``asked`` is what a request calls it, ``step`` how far its points are apart, ``window`` the longest that one call
    may be about, ``kept`` how long its points are there.
    """

    asked: int
    step: timedelta
    window: timedelta
    kept: timedelta


# Windows: the SDK's text of `from` (batch_list_metric_data_request_body.py, 3.1.219). Retention: ces_faq_0010 of the
# European edition, which names none for the last two. OCR's raw points are a minute apart (user guide, chapter 8).
RAW = Period(1, timedelta(minutes=1), timedelta(hours=4), timedelta(days=2))
FIVE_MINUTES = Period(300, timedelta(minutes=5), timedelta(days=1), timedelta(days=6))
TWENTY_MINUTES = Period(1200, timedelta(minutes=20), timedelta(days=3), timedelta(days=20))
HOUR = Period(3600, timedelta(hours=1), timedelta(days=10), timedelta(days=155))
FOUR_HOURS = Period(14400, timedelta(hours=4), timedelta(days=30), timedelta(days=155))
DAY = Period(86400, timedelta(days=1), timedelta(days=180), timedelta(days=180))


class Span(Struct, frozen=True):
    """Which points are wanted: those of periods that begin at ``begin`` or later, and before ``end`` (both in UTC)."""

    begin: datetime
    end: datetime
    period: Period


class MetricSeries(Struct, frozen=True):
    """The sums of one series, by the begin of their periods in UTC; a period without a call has no entry."""

    metric: Metric
    sums: dict[datetime, float] = {}

    def at(self, begin: datetime) -> float:
        """Return the sum of the period that begins then: 0 where Cloud Eye has no point."""
        return self.sums.get(begin, 0.0)

    @property
    def total(self) -> float:
        """The sum of all periods."""
        return sum(self.sums.values())


class Measured(Struct, frozen=True):
    """A number of our own for Cloud Eye, as it was at ``at``."""

    metric: Metric
    value: float
    at: datetime


#: ``normal``: the operation succeeded; ``warning``: it failed; ``incident``: with severe consequences (CTS user guide).
Rating = Literal["normal", "warning", "incident"]


class Trace(Struct, frozen=True, kw_only=True):
    """One event of CTS. ``service`` is the trace source, ``operator`` the user, ``raw`` the bytes as received."""

    id: str
    name: str
    service: str
    raw: bytes
    at: datetime
    recorded_at: datetime
    rating: Rating = "normal"
    kind: str = ""
    resource_type: str = ""
    resource: str = ""
    resource_id: str = ""
    operator: str = ""
    code: str = ""
    request_id: str = ""
    enterprise_project: str = ""


class TraceQuery(Struct, frozen=True, kw_only=True):
    """Which traces are wanted; empty texts ask for any. CTS has those of the last seven days, by ``Trace.at``."""

    begin: datetime
    end: datetime
    service: str = ""
    resource_type: str = ""
    name: str = ""
    resource: str = ""
    resource_id: str = ""
    rating: str = ""
    operator: str = ""


class TracedOperation(Struct, frozen=True):
    """The names of operations on one type of resource that CTS records."""

    service: str
    resource_type: str
    names: tuple[str, ...] = ()


class EnterpriseProject(Struct, frozen=True):
    """An enterprise project; calls must not be billed to one that is not ``enabled``. ``0`` is the default one."""

    id: str
    name: str
    enabled: bool = True
    kind: str = ""


class Package(Struct, frozen=True, kw_only=True):
    """What is ``left`` of how much (``bought``) of one item of a package; of a refilled one, in this cycle.

    ``item`` says what is counted, in the vendor's words: which operation that is, the settings must say. The items of
    one package have one ``instance``.
    """

    id: str
    product: str
    item: str
    left: Decimal
    bought: Decimal
    starts: datetime | None = None
    ends: datetime | None = None
    state: Literal["not-yet", "in-force", "used-up", "expired", "unsubscribed", "unknown"] = "unknown"
    refilled: bool = False
    service: str = ""
    region: str = ""
    enterprise_project: str = ""
    instance: str = ""


class Deduction(Struct, frozen=True):
    """What was taken out of a package at one time (UTC), and what was left of it then."""

    at: datetime
    package: str
    product: str
    used: Decimal
    left: Decimal


class BillLine(Struct, frozen=True, kw_only=True):
    """One line of the bill. ``day`` is a day in UTC+8.

    ``amount`` is what is to be paid, ``official`` the price without discount.
    ``enterprise_project`` is None where the vendor attributes the cost to none.
    """

    day: date
    amount: Decimal
    currency: str
    enterprise_project: str | None = None
    project_name: str = ""
    service: str = ""
    resource: str = ""
    product: str = ""
    region: str = ""
    official: Decimal = Decimal(0)
