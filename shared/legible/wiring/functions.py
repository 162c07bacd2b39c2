"""What each function of FunctionGraph does with its event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from legible.huawei.context import Context
from legible.ledger.ledger import Ledger
from legible.model.documents import WorkbookOrder
from legible.pipeline.pipeline import Pipeline
from legible.pipeline.steps import Steps
from legible.settings import load
from legible.wiring.parts import assemble, collector, notifiers, notifying, recognizer, relay, settings_file, store_of


def pipeline(context: Any) -> Pipeline:
    """Build the pipeline for one call of a function.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        CredentialsError: The function's agency gives no keys.
    """
    call = Context(context)
    settings = load(settings_file(), call.variable)
    credentials = call.credentials()
    return assemble(
        settings,
        store_of(settings, credentials),
        recognizer(settings, call, credentials),
        call,
        relay(settings, call, credentials),
        notifiers(settings, call, credentials),
    )


def steps(context: Any) -> Steps:
    """Build what a flow's step does; no invocation of it is followed by one of its own, the flow tries again.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        CredentialsError: The function's agency gives no keys.
    """
    call = Context(context)
    settings = load(settings_file(), call.variable)
    credentials = call.credentials()
    made = assemble(
        settings,
        store_of(settings, credentials),
        recognizer(settings, call, credentials),
        call,
        tell=notifiers(settings, call, credentials),
    )
    return Steps(made, settings.buckets.output, call.log(settings.log.level))


def timed(context: Any, asked: WorkbookOrder, at: datetime | None) -> dict[str, Any]:
    """Build the workbook that a timer asks for; return what came of it, ready for JSON.

    Args:
        context: What FunctionGraph passes to the handler.
        asked: What the timer asks for.
        at: When it rang; None for now.

    Raises:
        SettingsError: A setting is missing or wrong.
        RetryableError: It must be tried again.
    """
    call = Context(context)
    settings = load(settings_file(), call.variable)
    made = collector(settings, store_of(settings, call.credentials()), call.owner, call.remaining)
    built = made.timed(asked, at, settings.workbooks.formats)
    call.log(settings.log.level)("workbook", **msgspec.to_builtins(built))
    found: dict[str, Any] = msgspec.to_builtins(built)
    return found


def notices(context: Any) -> dict[str, Any]:
    """Send the notices that wait and are due; return how many were sent, ready for JSON.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        UnavailableError: The outbox cannot be listed.
    """
    call = Context(context)
    settings = load(settings_file(), call.variable)
    credentials = call.credentials()
    store = store_of(settings, credentials)
    ledger = Ledger(store, settings.buckets.output)
    told = notifying(settings, store, call, ledger, notifiers(settings, call, credentials)).walk()
    found: dict[str, Any] = msgspec.to_builtins(told)
    call.log(settings.log.level)("notices", **found)
    return found
