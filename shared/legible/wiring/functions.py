"""What each function of FunctionGraph does with its event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import msgspec

from legible.errors import LegibleError, SettingsError
from legible.huawei import functiongraph
from legible.huawei.account import Access
from legible.huawei.context import Context
from legible.huawei.relay import FunctionRelay
from legible.model.account import Trace
from legible.model.documents import Arrival, Outcome, Upload, WorkbookOrder
from legible.oversight.audit_traces import TraceKeeper
from legible.pipeline.failures import Failures
from legible.pipeline.holding import Release
from legible.pipeline.pipeline import Pipeline
from legible.pipeline.steps import Steps
from legible.pipeline.waiting import UPLOADS_TOGETHER, Redelivery
from legible.ports import Invocation, Log, Notifier, Recognizer, Relay
from legible.ports.account import EnterpriseProjects
from legible.settings import Usable, usable
from legible.wiring import adapters, audit, parts
from legible.wiring.asking import asking
from legible.wiring.instance import instance
from legible.wiring.telemetry import RequestTrace
from legible.workbooks.collector import Built
from legible.workbooks.folders import name_of

#: How long a document waits for EPS, and for IAM before it, in seconds each.
_ASKED_SECONDS = 4.0


class FunctionParts(parts.Parts):
    """The objects of one call of a function, with those that need its context.

    Args:
        context: What FunctionGraph passes to the handler.
        spare: Whether it goes on with what can be used of wrong settings: for whoever ends documents and tells of it.

    Raises:
        SettingsError: A setting is missing or wrong; with ``spare``: not even the buckets are known.
        CredentialsError: The function's agency gives no keys.
    """

    def __init__(self, context: Context, *, spare: bool = False) -> None:
        """Read the settings and the keys."""
        file, self._spare, self._shared = adapters.settings_file(), spare, instance()
        found = usable(file, context.variable) if spare else Usable(self._shared.settings(file, context.variable), None)
        settings, self._fault, self._partial = found
        self.context = context
        self.credentials = context.credentials()
        log: Log = context.log(settings.log.level)
        store = adapters.store_of(settings, self.credentials, self._shared.connections)
        #: Follows this call where the settings say so; whoever ends documents that were given up needs none.
        self.trace = None if spare else RequestTrace.of(settings, context.remaining, log)
        if self.trace is not None:
            store, log = self.trace.counted(store), self.trace.heard
        call = Invocation(context.owner, context.remaining, store.now, time.sleep, log)
        super().__init__(settings, store, call, adapters.settings_folder())

    @cached_property
    def recognizer(self) -> Recognizer:
        """Makes the paid calls."""
        made = adapters.recognizer(self.settings, self.context, self.credentials, self._shared.connections)
        return self.trace.followed(made) if self.trace else made

    @cached_property
    def notifiers(self) -> dict[str, Notifier]:
        """The notifier of each target of the settings, by the target's name."""
        return adapters.notifiers(self.settings, self.context, self.credentials, spare=self._spare)

    def require(self, table: str) -> None:
        """Refuse to go on with a table of the settings of which something had to be left out.

        Raises:
            SettingsError: What is wrong with the settings.
        """
        if self._fault is not None and table in self._partial:
            raise self._fault

    @cached_property
    def fault(self) -> SettingsError | None:
        """What is wrong with the settings, with a webhook's secret too; None where nothing is."""
        unusable = (one for one in self.notifiers.values() if isinstance(one, adapters.UnusableNotifier))
        fault = self._fault or next((one.fault for one in unusable), None)
        if fault is not None:
            self.call.log("settings-wrong", reason=fault.reason_code, message=str(fault))
        return fault

    @cached_property
    def relay(self) -> Relay | None:
        """Calls a fresh invocation to go on; None if there is no such relay."""
        return adapters.relay(self.settings, self.context, self.credentials)

    def pipeline(self, relay: Relay | None = None, *, waits: bool = False) -> Pipeline:
        """Return the use cases.

        Args:
            relay: Calls a fresh invocation when the time of this one ends; None for none.
            waits: Whether uploads are parked for another try that on_notices makes; else whoever calls tries again.
        """
        asks = self.account_projects
        return parts.pipeline(self, self.recognizer, self.notifiers, relay, asks, waits=waits, tell=self._tell_folder)

    def _tell_folder(self, upload: Upload, folder: str) -> None:
        """Have the audit trail know that a folder's workbook is built because its marker came."""
        cause = f"{upload.ref}\n{upload.event_id or upload.version_id or upload.at or self.context.request_id}"
        audit.tell_build(self, "function", name_of(folder), cause, prefix=folder)

    def account_projects(self) -> EnterpriseProjects | None:
        """Return what asks the account about its enterprise projects: a document waits for the answer, and not long."""
        from legible.wiring.account import Account  # most documents name no project

        project = adapters.project_of(self.settings, self.context)
        return Account(self.settings, Access(self.credentials, project, seconds=_ASKED_SECONDS)).projects

    def sibling(self, name: str) -> FunctionRelay | None:
        """Return what calls another function of this deployment; None if no function can be called."""
        urn = self.context.sibling(self.settings.cloud.region, name)
        return adapters.function(self.settings, self.context, self.credentials, urn)


def uploads(context: Any, arrivals: Iterable[Arrival]) -> tuple[Outcome, ...]:
    """Turn what an event named into records, in one call of a function.

    Args:
        context: What FunctionGraph passes to the handler.
        arrivals: What the event named.

    Raises:
        SettingsError: A setting is missing or wrong.
        CredentialsError: The function's agency gives no keys.
        RetryableError: After all were tried, if any must be tried again.
    """
    built = FunctionParts(Context(context))
    with built.trace or nullcontext():
        return built.pipeline(built.relay, waits=True).uploads(arrivals)


def ending(context: Any) -> Pipeline:
    """Return the use cases for a call that ends what was given up: wrong settings may be why, so it needs few of them.

    It writes to both buckets and pays for nothing. Who can be told as the settings are is told; notices to a webhook
    without its secret wait.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: Not even region, buckets and OBS are known.
        CredentialsError: The function's agency gives no keys.
    """
    built = FunctionParts(Context(context), spare=True)
    return built.pipeline(built.relay if built.fault is None else None, waits=True)


def steps(context: Any, *, ending: bool = False) -> Steps:
    """Return the steps of a flow; they have no relay, because the flow itself tries again.

    Args and errors are as of ``uploads``; the step that ends what was given up (``ending``) needs few settings.
    """
    built = FunctionParts(Context(context), spare=ending)
    return Steps(built.pipeline(), built.site.output, built.call.log)


def timed(context: Any, order: WorkbookOrder, at: datetime | None) -> Built:
    """Build the workbook that a timer asks for; return what came of it.

    Args:
        context: What FunctionGraph passes to the handler.
        order: What the timer asks for.
        at: When the timer fired; None for now.

    Raises:
        SettingsError: The buckets or the settings of workbooks are missing or wrong; it needs no others.
        RetryableError: It must be tried again.
    """
    built = FunctionParts(Context(context), spare=True)
    built.require("workbooks")
    # A delivery that is tried again has the same event; one that does not say when it rang has the same request id.
    cause = f"{order}\n{at or built.context.request_id}"
    tell = partial(
        audit.tell_build, built, "function:on_timer", order.workbook, cause, prefix=order.prefix, day=order.day
    )
    tell()
    workbook = built.collector.timed(order, at, built.settings.workbooks.formats)
    if workbook.reason is not None:
        tell(workbook.reason.code)
    built.call.log("workbook", **as_json(workbook))
    return workbook


def traced(context: Any, trace: Trace) -> dict[str, Any]:
    """Keep what CTS recorded for the audit trail; return its id.

    Args:
        context: What FunctionGraph passes to the handler.
        trace: What CTS recorded.

    Raises:
        SettingsError: A setting is missing or wrong.
        LegibleError: It cannot be kept now; it must be tried again.
    """
    built = FunctionParts(Context(context))
    TraceKeeper(built.call, audit.desk(built, "function:on_audit_event")).keep([trace])
    built.call.log("traced", name=trace.name, resource=trace.resource, rating=trace.rating, id=trace.id)
    return {"trace": trace.id}


def minute(context: Any) -> dict[str, Any]:
    """Do what waits and is due: uploads are tried again, and notices sent; return how many.

    While settings are wrong, uploads wait: whoever reads them refuses to. Notices go to whoever can be told.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong; what could be done was done all the same.
        LegibleError: What waits cannot be listed; the rest was done all the same.
    """
    built = FunctionParts(Context(context), spare=True)
    walks: dict[str, Callable[[], Any]] = {} if built.fault else _redeliveries(built)
    walks["notices"] = parts.notice_sender(built, built.notifiers).walk
    return each(built.call, walks, built.fault)


def each(call: Invocation, walks: Mapping[str, Callable[[], Any]], fault: LegibleError | None = None) -> dict[str, Any]:
    """Do several things of a timer, whatever becomes of the others, and log what came of each; return that by its name.

    Args:
        call: The running invocation.
        walks: What to do, by its name.
        fault: What went wrong before already; it is raised at the end, too.

    Raises:
        LegibleError: One failed, the first that did; the others were done all the same.
    """
    reports, errors = dict[str, Any](), [fault] if fault else []
    for name, walk in walks.items():
        try:
            reports[name] = as_json(walk())
        except LegibleError as error:
            call.log("not-walked", walk=name, reason=error.reason_code, message=str(error))
            errors.append(error)
        else:
            call.log(name, **reports[name])
    if errors:
        raise errors[0]
    return reports


def _redeliveries(built: FunctionParts) -> dict[str, Callable[[], Any]]:
    """Return the walks that have uploads tried again."""
    relay = built.sibling(built.settings.functions.upload)
    hand_on = built.pipeline(waits=True).try_again if relay is None else lambda uploads: relay.hand_on(*uploads)
    together = 1 if relay is None else UPLOADS_TOGETHER
    held = parts.holding(built)
    redelivery = Redelivery(built.room, built.ledger.journals, built.call, hand_on, together, held.takes_over)
    asked = asking(built, held.settings, lambda: built.recognizer, built.account_projects)
    failures = Failures(built.site.store, built.settings.buckets.failures, built.call, functiongraph.abandoned, hand_on)
    released = Release(held, built.room, asked, built.call)
    return {"failures": failures.walk, "held": released.walk, "uploads": redelivery.walk}


def documents(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return a handler's result for an event: ``{"documents": [outcome, ...]}``, ready for JSON."""
    return {"documents": [as_json(outcome) for outcome in outcomes]}


def as_json(value: Any) -> Any:
    """Return a value as the plain types that JSON has."""
    return msgspec.to_builtins(value)
