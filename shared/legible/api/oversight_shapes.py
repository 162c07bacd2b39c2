"""What requests about usage, cost, packages and reconciliation take and return, as JSON. See ``shapes``."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from legible.api.audit_shapes import Moment
from legible.model.accounting import ProjectMonth, ProjectShare
from legible.model.sums import By
from legible.model.usage import DayEnds, PackageState
from legible.oversight.subscriptions import Subscription


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

    What was called before ``as_of`` is counted. ``waiting`` journals are not, or not to their end: those of documents
    that are being read, and of the last minutes. ``months`` and ``costs`` are the cost by month and by operation.
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


class StatusAsking(Struct, frozen=True, forbid_unknown_fields=True):
    """By what documents are told apart, and of which first folder, such as ``passport/``; without one of all."""

    by: By = "prefix"
    prefix: Annotated[str, Meta(max_length=200)] | None = None


class Accounts(Struct, frozen=True):
    """What each enterprise project used and cost by the ledger, over all days (UTC+8) and by the month.

    An empty project, and ``0``, is the default one. ``names`` are those of projects by their ids, as far as EPS tells.
    """

    first: date
    last: date
    as_of: datetime
    currency: str
    projects: tuple[ProjectShare, ...]
    months: tuple[ProjectMonth, ...]
    names: dict[str, str]
    notes: tuple[str, ...]


class SubscriptionAsking(Struct, frozen=True, forbid_unknown_fields=True):
    """Which operation is asked for; without one, those in use are told, and none is asked for."""

    operation: Annotated[str, Meta(max_length=100)] = ""


class HeldOperation(Struct, frozen=True):
    """An operation that holds documents up, because it may not be called in a region."""

    operation: str
    region: str


class SubscriptionList(Struct, frozen=True):
    """Operations with what leads to them, and those that hold documents up, asked for or not."""

    subscriptions: tuple[Subscription, ...]
    held: tuple[HeldOperation, ...]


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
