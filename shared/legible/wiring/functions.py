"""What each function of FunctionGraph does with its event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from legible.errors import LegibleError
from legible.huawei import functiongraph
from legible.huawei.account import Access
from legible.huawei.context import Context
from legible.huawei.relay import FunctionRelay
from legible.model.documents import Outcome, WorkbookOrder
from legible.pipeline.failures import Failures
from legible.pipeline.holding import Release
from legible.pipeline.pipeline import Pipeline
from legible.pipeline.steps import Steps
from legible.pipeline.waiting import UPLOADS_TOGETHER, Redelivery
from legible.ports import Invocation, Notifier, Recognizer, Relay
from legible.ports.account import EnterpriseProjects
from legible.settings import load
from legible.wiring import adapters, parts
from legible.wiring.asking import asking
from legible.workbooks.collector import Built

#: How long a document waits for EPS, and for IAM before it, in seconds each.
_ASKED_SECONDS = 4.0


class FunctionParts(parts.Parts):
    """The objects of one call of a function, with those that need its context.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        CredentialsError: The function's agency gives no keys.
    """

    def __init__(self, context: Context) -> None:
        """Read the settings and the keys."""
        settings = load(adapters.settings_file(), context.variable)
        self.context = context
        self.credentials = context.credentials()
        log = context.log(settings.log.level)
        store = adapters.store_of(settings, self.credentials)
        call = Invocation(context.owner, context.remaining, store.now, time.sleep, log)
        super().__init__(settings, store, call, adapters.settings_folder())

    @cached_property
    def recognizer(self) -> Recognizer:
        """Makes the paid calls."""
        return adapters.recognizer(self.settings, self.context, self.credentials)

    @cached_property
    def notifiers(self) -> dict[str, Notifier]:
        """The notifier of each target of the settings, by the target's name."""
        return adapters.notifiers(self.settings, self.context, self.credentials)

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
        return parts.pipeline(self, self.recognizer, self.notifiers, relay, self.account_projects, waits=waits)

    def account_projects(self) -> EnterpriseProjects | None:
        """Return what asks the account about its enterprise projects: a document waits for the answer, and not long."""
        from legible.wiring.account import Account  # most documents name no project

        project = self.settings.cloud.project_id or self.context.project_id
        return Account(self.settings, Access(self.credentials, project, seconds=_ASKED_SECONDS)).projects

    def sibling(self, name: str) -> FunctionRelay | None:
        """Return what calls another function of this deployment; None if no function can be called."""
        urn = self.context.sibling(self.settings.cloud.region, name)
        return adapters.function(self.settings, self.context, self.credentials, urn)


def pipeline(context: Any) -> Pipeline:
    """Return the use cases for one call of a function.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        CredentialsError: The function's agency gives no keys.
    """
    built = FunctionParts(Context(context))
    return built.pipeline(built.relay, waits=True)


def steps(context: Any) -> Steps:
    """Return the steps of a flow; they have no relay, because the flow itself tries again.

    Args and errors are as of ``pipeline``.
    """
    built = FunctionParts(Context(context))
    return Steps(built.pipeline(), built.site.output, built.call.log)


def timed(context: Any, order: WorkbookOrder, at: datetime | None) -> Built:
    """Build the workbook that a timer asks for; return what came of it.

    Args:
        context: What FunctionGraph passes to the handler.
        order: What the timer asks for.
        at: When the timer fired; None for now.

    Raises:
        SettingsError: A setting is missing or wrong.
        RetryableError: It must be tried again.
    """
    built = FunctionParts(Context(context))
    workbook = built.collector.timed(order, at, built.settings.workbooks.formats)
    built.call.log("workbook", **as_json(workbook))
    return workbook


def minute(context: Any) -> dict[str, Any]:
    """Do what waits and is due: uploads are tried again, and notices sent; return how many.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        LegibleError: What waits cannot be listed; the rest was done all the same.
    """
    built = FunctionParts(Context(context))
    relay = built.sibling(built.settings.functions.upload)
    hand_on = built.pipeline(waits=True).try_again if relay is None else lambda uploads: relay.hand_on(*uploads)
    together = 1 if relay is None else UPLOADS_TOGETHER
    held = parts.holding(built)
    redelivery = Redelivery(built.room, built.ledger.journals, built.call, hand_on, together, held.takes_over)
    asked = asking(built, held.settings, lambda: built.recognizer, built.account_projects)
    failures = Failures(built.site.store, built.settings.buckets.failures, built.call, functiongraph.abandoned, hand_on)
    walks: dict[str, Callable[[], Any]] = {
        "failures": failures.walk,
        "held": Release(held, built.room, asked, built.call).walk,
        "uploads": redelivery.walk,
        "notices": parts.notice_sender(built, built.notifiers).walk,
    }
    return each(built.call, walks)


def each(call: Invocation, walks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Do several things of a timer, whatever becomes of the others, and log what came of each; return that by its name.

    Raises:
        LegibleError: One failed, the first that did; the others were done all the same.
    """
    reports, errors = dict[str, Any](), list[LegibleError]()
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


def documents(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return a handler's result for an event: ``{"documents": [outcome, ...]}``, ready for JSON."""
    return {"documents": [as_json(outcome) for outcome in outcomes]}


def as_json(value: Any) -> Any:
    """Return a value as the plain types that JSON has."""
    return msgspec.to_builtins(value)
