"""What requests about usage, cost, packages and reconciliation take and return, as JSON. See ``shapes``."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from legible.api.audit_shapes import Moment
from legible.model.usage import DayEnds, PackageState


class UsageDays(Struct, frozen=True, forbid_unknown_fields=True):
    """Which days (UTC), both included: by default this month so far."""

    first: date | None = None
    last: date | None = None


class UsageCount(Struct, frozen=True):
    """The calls of one day, operation, project or route; an empty name where none is known.

    ``succeeded`` calls are billed, ``not_needed`` of them gave an answer that was not used. ``unknown`` ones may be
    billed, ``failed`` ones are not. ``pages`` have an answer.
    """

    name: str
    calls: int
    succeeded: int
    failed: int
    unknown: int
    not_needed: int
    pages: int


class Cost(Struct, frozen=True):
    """What one month (UTC+8), or one operation, cost beyond packages.

    ``amount`` is that of the ``billed`` calls that were neither ``packaged`` nor are ``unpriced``, of which the
    settings name no price. ``perhaps`` calls may be billed, too, and are not in it.
    """

    name: str
    billed: int
    packaged: int
    unpriced: int
    perhaps: int
    amount: Decimal


class Usage(Struct, frozen=True):
    """Usage from ``first`` to ``last`` day (UTC), both included; rows of days in their order, others by their calls.

    What ended before ``as_of`` is counted. ``waiting`` journals are not, or not to their end: those of documents that
    are being read, and of the last minutes. ``months`` and ``costs`` are the cost by month and by operation.
    """

    first: date
    last: date
    as_of: datetime
    waiting: int
    currency: str
    days: tuple[UsageCount, ...]
    operations: tuple[UsageCount, ...]
    projects: tuple[UsageCount, ...]
    routes: tuple[UsageCount, ...]
    ends: tuple[DayEnds, ...]
    months: tuple[Cost, ...]
    costs: tuple[Cost, ...]
    notes: tuple[str, ...]


class PackageList(Struct, frozen=True):
    """What is left of the packages in force, by what was counted ``as_of`` then; ``warnings`` ask for something."""

    as_of: datetime
    packages: tuple[PackageState, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


class Reconciling(Struct, frozen=True, forbid_unknown_fields=True):
    """From when to when: by default the last seven days by the hour, or with ``minutes`` the last day by the minute."""

    since: Moment | None = None
    until: Moment | None = None
    minutes: bool = False
