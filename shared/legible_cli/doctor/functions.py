"""Checks of the functions: whether uploads call them, on what they run, and what becomes of what they fail on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from legible.errors import LegibleError
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.answers import texts
from legible_cli.doctor.inspector import Deployed, Inspector, Retries, Trigger
from legible_cli.doctor.outcomes import looked, unknown
from legible_cli.doctor.subscriptions import SOURCE
from legible_cli.policy import needs

#: What the zip is made for (infra/package/).
_RUNTIMES = ("Python3.10", "Python3.12")
_CREATED = {"put", "post", "copy", "completemultipartupload"}
_EVENTGRID, _EVERY = "EVENTGRID", "OBS:DWR:ObjectCreated:*"


def function(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether the function is there, runs on what the zip is made for, has keys, and works on the buckets looked at."""
    name = settings.functions.upload
    return looked("function", lambda: _fit(name, inspector.function(package, name), settings))


def _fit(name: str, deployed: Deployed, settings: Settings) -> HealthCheck:
    if deployed.runtime not in _RUNTIMES:
        advice = f"Make it anew with {' or '.join(_RUNTIMES)}; a function cannot change its runtime."
        return HealthCheck("function", "failed", f"{name} runs on {deployed.runtime}.", advice)
    if not deployed.agency:
        advice = "Give it an execution agency with what `legible policy function` prints."
        return HealthCheck("function", "failed", f"{name} has no agency, and so no keys.", advice)
    elsewhere = _elsewhere(deployed, settings)
    if elsewhere:
        advice = "Look with the same settings as are deployed, or deploy again."
        return HealthCheck("function", "failed", f"{name} works elsewhere: {', '.join(elsewhere)}.", advice)
    message = f"{name} runs on {deployed.runtime}, as {deployed.agency}, on these buckets."
    return HealthCheck("function", "ok", message)


def _elsewhere(deployed: Deployed, settings: Settings) -> list[str]:
    """Return which of the function's own variables lead it to another place than the settings."""
    cloud, buckets, there = settings.cloud, settings.buckets, deployed.variables
    here = {
        "LEGIBLE_REGION": cloud.region, "LEGIBLE_PROJECT_ID": cloud.project_id,
        "LEGIBLE_INPUT_BUCKET": buckets.input, "LEGIBLE_OUTPUT_BUCKET": buckets.output,
    }  # fmt: skip
    return [
        f"{key} is {there[key]!r} there and {value!r} here"
        for key, value in here.items()
        if there.get(key, value) != value
    ]


def trigger(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether an upload to the input bucket calls the function, in every way in which an object is created."""
    name, source = settings.functions.upload, settings.buckets.input

    def look() -> HealthCheck:
        listed = [one for one in inspector.triggers(package, name) if _of_objects(one)]
        hidden = [one for one in listed if "bucket" not in one.data]
        seen = [one for one in listed if "bucket" in one.data]
        try:
            shown = _shown(hidden, inspector.subscriptions(package, name)) if hidden else []
        except LegibleError as error:
            return _unseen(name, source, f"EventGrid does not tell: {error.message}")
        if shown is None:
            return _unseen(name, source, "EventGrid has no subscription that names it.")
        return _called(name, source, [one for one in (*seen, *shown) if one.data["bucket"] == source])

    return looked("trigger", look)


def _of_objects(one: Trigger) -> bool:
    """Tell whether a trigger is one of uploads, as far as its own words go."""
    return one.kind == "OBS" or (one.kind == _EVENTGRID and one.data.get("source_name", SOURCE) == SOURCE)


def _shown(hidden: list[Trigger], subscribed: list[Trigger]) -> list[Trigger] | None:
    """Return the triggers of EventGrid with the buckets that their subscriptions name; None where that is not known.

    Which trigger has which subscription, no page says; so where all triggers are off, all subscriptions count as off.
    A subscription that names no types of events lets all through.
    """
    if not subscribed or any("bucket" not in one.data for one in subscribed):
        return None
    types = [*{one for trigger in hidden for one in texts(trigger.data.get("event_types"))}] or [_EVERY]
    on = any(one.active for one in hidden)
    return [
        Trigger(one.kind, one.active and on, {**one.data, "event_types": one.data["event_types"] or types})
        for one in subscribed
    ]


def _unseen(name: str, source: str, why: str) -> HealthCheck:
    advice = f"Look at the trigger in the console of FunctionGraph: it must watch {source}."
    return unknown("trigger", f"A trigger of EventGrid calls {name}; its bucket cannot be seen. {why}", advice)


def _called(name: str, source: str, watching: list[Trigger]) -> HealthCheck:
    """Say whether one of the triggers on the bucket, and only one, calls the function."""
    active = [one for one in watching if one.active]
    if not watching:
        advice = f"Make an EventGrid trigger (or one of OBS) on {source}, or deploy again."
        return HealthCheck("trigger", "failed", f"No upload to {source} calls {name}.", advice)
    if not active:
        return HealthCheck("trigger", "failed", f"The trigger of {name} is disabled.", "Enable it.")
    if len({one.kind for one in active}) > 1:
        advice = "Remove one of them; `serverless deploy` adds one of OBS to the EventGrid trigger of Terraform."
        return HealthCheck("trigger", "failed", f"Triggers of both kinds call {name}: each upload twice.", advice)
    missed = _CREATED - {kind for one in active for kind in _kinds(one)}
    if missed:
        advice = "Let it watch all four: SDKs and consoles upload large files by parts."
        return HealthCheck("trigger", "failed", f"The trigger misses {', '.join(sorted(missed))}.", advice)
    return _heard(source, name, active)


def _heard(source: str, name: str, mine: list[Trigger]) -> HealthCheck:
    """Say of triggers that miss no kind of upload whether they miss some keys."""
    filters = [(str(one.data.get("prefix") or ""), str(one.data.get("suffix") or "")) for one in mine]
    if ("", "") in filters:
        return HealthCheck("trigger", "ok", f"An upload to {source} calls {name}.")
    where = ", or ".join(f"begins with {before!r} and ends with {after!r}" for before, after in filters)
    advice = "Any other upload calls nobody: leave prefix and suffix empty, if that is not meant."
    return HealthCheck("trigger", "ok", f"An upload to {source} calls {name} where its key {where}.", advice)


def _kinds(one: Trigger) -> set[str]:
    """Return which creations a trigger watches: ``s3:ObjectCreated:Put``, or ``OBS:DWR:ObjectCreated:PUT``."""
    events: Iterable[Any] = one.data.get("events") or one.data.get("event_types") or ()
    kinds = {str(event).rpartition(":")[2].lower() for event in events if "objectcreated" in str(event).lower()}
    return _CREATED if "*" in kinds else kinds


def retries(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether what fails is tried again, and heard of: without a policy the platform does neither."""
    name = settings.functions.upload
    return looked("retries", lambda: _tried_again(name, inspector.retries(package, name)))


def _tried_again(name: str, policies: list[Retries]) -> HealthCheck:
    if not any(one.attempts for one in policies):
        advice = "Give it an async policy with retries (infra/terraform, or the console): nothing is tried again."
        return HealthCheck("retries", "failed", f"An event that {name} fails on is not tried again.", advice)
    if not any(one.destination for one in policies):
        advice = "Set on_failure as its failure destination: what was given up leaves no record else."
        return HealthCheck("retries", "failed", f"Nobody hears of what {name} gave up.", advice)
    times = max(one.attempts for one in policies)
    return HealthCheck("retries", "ok", f"What {name} fails on is tried {times} more times, and then told of.")


def notices(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether a notice that was not taken at once is sent again: a timer has to call for that."""
    name = needs.beside(settings, "notices")

    def look() -> HealthCheck:
        if any(one.kind == "TIMER" and one.active for one in inspector.triggers(package, name)):
            return HealthCheck("notices", "ok", f"A timer calls {name}, which sends again what was not taken.")
        advice = "Enable it in the console, or deploy again: what a target does not take at once stays in the outbox."
        return HealthCheck("notices", "failed", f"No timer calls {name}.", advice)

    return looked("notices", look)
