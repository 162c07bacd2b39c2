"""What counts calls and holds them against what the service counted, made as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property, partial
from typing import Any

from legible.errors import LegibleError, SettingsError
from legible.huawei.account import Access
from legible.huawei.context import Context
from legible.ledger.changes import Changes
from legible.ledger.due import Backlog
from legible.ledger.probes import ProbeLog
from legible.model.usage import UsageReport
from legible.notices.outbox import Outbox
from legible.outputs.xlsx import write_usage
from legible.oversight.accounting import AccountingReader, Told
from legible.oversight.audit_trail import AuditConsumer
from legible.oversight.metrics import OwnMetrics, Paying, Queues
from legible.oversight.monthly import MonthlyWorkbooks
from legible.oversight.rebuild import Rebuilt, rebuilt
from legible.oversight.reconciliation import Reconciler
from legible.oversight.rollup import RollUp
from legible.oversight.service_counts import ServiceCounts, both_sides, one_side
from legible.oversight.summing import FIRST, DaySums
from legible.oversight.unmarked import LedgerSweep
from legible.oversight.usage import UsageReader
from legible.oversight.walk import ChangeWalk, Consumer, UsageConsumer
from legible.pipeline.waiting import AGE
from legible.ports.account import Metrics
from legible.upkeep.limits import Price
from legible.upkeep.repairs import told_of_sweeps
from legible.upkeep.unsettled import UnsettledConsumer
from legible.wiring import adapters, audit, functions, redrive
from legible.wiring.account import Account, require_project
from legible.wiring.parts import Parts


class Oversight:
    """The objects that one look at usage needs, each built when it is first asked for.

    Args:
        parts: The settings, the site, and what works on journals.
        account: The services that tell of the account.
    """

    def __init__(self, parts: Parts, account: Account) -> None:
        """Build nothing yet."""
        self._parts = parts
        self._account = account

    @cached_property
    def changes(self) -> Changes:
        """Tells which journals changed."""
        return Changes(self._parts.site, self._parts.call)

    @cached_property
    def rollup(self) -> RollUp:
        """Sums calls up."""
        return RollUp(self._parts.site, self._parts.call, self._parts.settings.ledger.settle_seconds)

    @cached_property
    def usage(self) -> UsageReader:
        """Puts usage together; the billing API is asked what is left of packages."""
        return self.reader(lambda: None, bills=True)

    def two_sided(self, first: date, last: date) -> UsageReport:
        """Return usage as ``usage.report`` does, with what Cloud Eye counted; a note where that cannot be told."""
        report = self.usage.report(first, last)
        try:
            metrics = self._metrics()
        except SettingsError as missing:
            return one_side(report, missing)
        return both_sides(report, ServiceCounts(metrics, self._parts.settings.reconcile), self._parts.call.now())

    def reader(self, timely: Callable[[], None], *, bills: bool) -> UsageReader:
        """Return what puts usage together.

        Args:
            timely: Called for each day that is read; may raise where there is no time left.
            bills: Whether the billing API is asked what is left of packages.
        """
        prices, now, region_of = self._parts.settings.prices, self._parts.call.now, self._parts.rules.region_of
        billing = self._account.billing if bills else None
        return UsageReader(self.rollup, self.changes, prices, billing, now, timely, region_of)

    @cached_property
    def accounting(self) -> AccountingReader:
        """Puts the accounts of enterprise projects together."""
        return self.accountant(lambda: None, bills=True)

    def accountant(self, timely: Callable[[], None], *, bills: bool) -> AccountingReader:
        """Return what puts the accounts together; args are as of ``reader``, with the bill in place of packages."""
        prices, told = (
            self._parts.settings.prices,
            Told(self._account.projects, self._account.billing if bills else None),
        )
        return AccountingReader(self.rollup, self.changes, prices, told, self._parts.call.now, timely)

    @property
    def reconciler(self) -> Reconciler:
        """Holds the ledger against Cloud Eye.

        Raises:
            SettingsError: Cloud Eye is not to be reached here, or no project is set.
        """
        parts, metrics = self._parts, self._metrics()
        probes = ProbeLog(parts.site, parts.call, "reconcile")
        rules, ours = parts.settings.reconcile, parts.rules.named
        return Reconciler(metrics, self.rollup, probes, self.changes, rules, parts.call.now, ours)

    def _metrics(self) -> Metrics:
        """Return Cloud Eye. Raises as ``reconciler`` does."""
        require_project(self._account.project_id, "Cloud Eye")
        metrics = self._account.metrics
        if metrics is None:
            raise SettingsError(
                "Cloud Eye is not reached where the endpoints of OBS and OCR are set by hand.",
                advice="Set cloudeye.endpoint, or the user variable LEGIBLE_ACCOUNT_ENDPOINT, too.",
            )
        return metrics

    @cached_property
    def price(self) -> Price:
        """Says what further calls cost."""
        return redrive.price(lambda: self.reader(lambda: None, bills=False), self._parts.call.now)

    def rebuild(self, prefix: str, tell: Callable[[int], None]) -> Rebuilt:
        """Count all journals again, and write the sums of all days; see ``oversight.rebuild``."""
        others = [redrive.listing(self._parts)]
        count = rebuilt(self._parts.site, self._parts.call, self.rollup, prefix, tell, others)
        self.rollup.sum_up(FIRST, self._parts.call.now().date())
        return count

    def report(self, variable: Callable[[str], str | None], fault: LegibleError | None = None) -> dict[str, Any]:
        """Do what the timer of the reports does; return what came of each part.

        Args:
            variable: Returns a user variable: the key of the audit trail is one.
            fault: What is wrong with the settings. Then Cloud Eye alone is told what waits: that is when documents do.

        Raises:
            SettingsError: There is no such key, or ``fault``.
            LegibleError: A part failed; the others were done all the same.
        """
        parts, call = self._parts, self._parts.call
        try:
            trail = audit.trail(parts, variable)
        except SettingsError as without_key:
            fault = fault or without_key
        if fault is not None:
            return functions.each(call, self._numbers(), fault)
        noted = UnsettledConsumer(parts.site, call)
        consumers: list[Consumer] = [UsageConsumer(self.rollup), AuditConsumer(trail), redrive.listing(parts), noted]
        walk = ChangeWalk(self.changes, parts.ledger.journals, consumers, call)
        monthly = MonthlyWorkbooks(parts.site, call, self.usage, write_usage, self._tell_monthly)
        works: dict[str, Callable[[], Any]] = {
            "changes": walk.walk,
            "days": lambda: {"summed_up": DaySums(parts.site, call, self.rollup).write()},
            **self._numbers(),
            "workbooks": lambda: {"written": monthly.written()},
            "settings": lambda: {"changed": audit.watch_settings(parts)},
            "traces": lambda: audit.fetch_traces(parts, self._account.traces),
            "audit": trail.walk,
            "unmarked": LedgerSweep(parts.site, call).sweep,
        }
        return functions.each(call, works)

    def _tell_monthly(self, key: str, code: str) -> None:
        """Have the audit trail know of a workbook about a month, which is written once a day, or why it was not."""
        cause = f"{key}\n{self._parts.call.now().date()}"
        audit.tell_build(self._parts, "function:on_report", key, cause, code)

    def _numbers(self) -> dict[str, Callable[[], Any]]:
        """Return what tells Cloud Eye how things stand; nothing where it is not to be reached."""
        parts, metrics = self._parts, self._account.metrics
        if metrics is None:
            return {}
        swept = partial(told_of_sweeps, parts.site, parts.call)
        paying = Paying(parts.settings.prices, lambda today: self.usage.told(today)[0])
        own = OwnMetrics(metrics, self.rollup, paying, self._queues, swept, parts.call, parts.site.output)
        return {"metrics": own.write}

    @property
    def _queues(self) -> Queues:
        """What waits, and since when."""
        room, outbox = self._parts.room, Outbox(self._parts.site, self._parts.call)
        return {
            "uploads": lambda: room.waiting(lambda parked: parked.until - AGE),
            "notices": lambda: outbox.waiting(lambda entry: entry.since),
            "journals": lambda: Backlog(*self.changes.waiting()),
        }


def of_function(parts: functions.FunctionParts) -> Oversight:
    """Return what one call of a function needs to look at usage."""
    project = adapters.project_of(parts.settings, parts.context)
    return Oversight(parts, Account(parts.settings, Access(parts.credentials, project)))


def report(context: Any) -> dict[str, Any]:
    """Do what the timer of the reports does, in one call of its function.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        LegibleError: A part failed; the others were done all the same.
    """
    asked, fault = Context(context), None
    try:
        built = functions.FunctionParts(asked)
    except SettingsError as wrong:
        built, fault = functions.FunctionParts(asked, spare=True), wrong
    return of_function(built).report(asked.variable, fault)
