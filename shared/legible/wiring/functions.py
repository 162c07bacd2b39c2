"""What each function of FunctionGraph does with its event."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from legible.huawei.context import Context
from legible.model.documents import Outcome, WorkbookOrder
from legible.notices.sender import WalkReport
from legible.pipeline.pipeline import Pipeline
from legible.pipeline.steps import Steps
from legible.ports import Invocation, Notifier, Recognizer, Relay
from legible.settings import load
from legible.wiring import adapters, parts
from legible.workbooks.collector import Built


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

    def pipeline(self, relay: Relay | None = None) -> Pipeline:
        """Return the use cases; without a relay, an invocation that runs out of time calls no fresh one."""
        return parts.pipeline(self, self.recognizer, self.notifiers, relay)


def pipeline(context: Any) -> Pipeline:
    """Return the use cases for one call of a function.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        CredentialsError: The function's agency gives no keys.
    """
    built = FunctionParts(Context(context))
    return built.pipeline(built.relay)


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


def notices(context: Any) -> WalkReport:
    """Send the notices that wait and are due; return how many were sent.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        UnavailableError: The outbox cannot be listed.
    """
    built = FunctionParts(Context(context))
    report = parts.notice_sender(built, built.notifiers).walk()
    built.call.log("notices", **as_json(report))
    return report


def documents(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return a handler's result for an event: ``{"documents": [outcome, ...]}``, ready for JSON."""
    return {"documents": [as_json(outcome) for outcome in outcomes]}


def as_json(value: Any) -> Any:
    """Return a value as the plain types that JSON has."""
    return msgspec.to_builtins(value)
