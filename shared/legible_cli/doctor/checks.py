"""The checks of ``legible doctor``, each with its remedy; none of them costs anything, and none writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from legible.errors import HeldError, LegibleError, RetryableError, UnavailableError
from legible.model.documents import ObjectRef, Selection
from legible.operations.operation import Operation
from legible.ports import ObjectStore, Recognizer, Site
from legible.recognition import probe
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible.workbooks.builds import Unfinished
from legible.workbooks.listing import Selector
from legible_cli.connection import KEYS
from legible_cli.doctor.inspector import Bucket, Inspector, Trigger
from legible_cli.policy import needs

#: After so many days a permanent key is told of; the vendor asks to change them regularly, and names no term.
_OLD_DAYS = 90
#: No upload is called so: what is asked for is never there.
_NOWHERE = ".legible-doctor/not-there.png"
#: Where enterprise projects count calls (user guide 11.1).
_ENTERPRISE_REGIONS = ("ap-southeast-1", "ap-southeast-2", "ap-southeast-3")
_ENTERPRISE = re.compile(r"0|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Shares of a quota from which on it is told of.
_NEARLY = 0.9
#: What the zip is made for (infra/package/).
_RUNTIMES = ("Python3.10", "Python3.12")
#: An event waits for its function for a day at most (serverless.yml); the hour is for what is read by then.
OVERDUE = timedelta(days=1, hours=1)
#: So long both buckets are listed at most.
_LISTED_SECONDS = 60.0
_CREATED = {"put", "post", "copy", "completemultipartupload"}


def unknown(name: str, why: str, advice: str = "") -> HealthCheck:
    """Return a check that could not be made."""
    return HealthCheck(name, "unknown", why, advice)


def looked(name: str, look: Callable[[], HealthCheck]) -> HealthCheck:
    """Make a check; what it raises becomes its outcome."""
    try:
        return look()
    except RetryableError as error:
        return HealthCheck(name, "unknown", error.message, error.advice)
    except LegibleError as error:
        return HealthCheck(name, "failed", error.message, error.advice)


def credentials(inspector: Inspector, temporary: bool, now: datetime) -> HealthCheck:
    """Whether the keys are taken, and how old they are."""

    def look() -> HealthCheck:
        try:
            made = inspector.age()
        except HeldError as error:
            advice = f"Check {', '.join(KEYS)}, all of one key, and this machine's clock: a signature names its time."
            return HealthCheck("credentials", "failed", error.message, advice)
        if temporary:
            return HealthCheck(
                "credentials", "ok", "The keys are temporary, and taken. When they end cannot be asked for.",
                "Keys of an agency end after 24 hours at the most.",
            )  # fmt: skip
        if made is None:
            return HealthCheck("credentials", "ok", "The keys are taken; IAM does not say how old they are.")
        days = max(0, (now - made).days)
        advice = f"Make a new one; this one is older than {_OLD_DAYS} days." if days > _OLD_DAYS else ""
        return HealthCheck("credentials", "ok", f"The key is taken; it was made {days} days ago.", advice)

    return looked("credentials", look)


def project(inspector: Inspector, settings: Settings) -> HealthCheck:
    """Whether the project id is the one of the region."""
    region, said = settings.cloud.region, settings.cloud.project_id

    def look() -> HealthCheck:
        found = inspector.project()
        if found and said == found:
            return HealthCheck("project", "ok", f"{said} is the project of {region}.")
        if not found:
            return HealthCheck("project", "failed", f"The user has no project in {region}.", "Check cloud.region.")
        what = f"cloud.project_id is {said!r}" if said else "cloud.project_id is not set"
        advice = f"Set it to {found}, or the variable LEGIBLE_PROJECT_ID."
        return HealthCheck("project", "failed", f"{what}; the project of {region} is another one.", advice)

    return looked("project", look)


def region(operation: Operation, settings: Settings, today: date) -> HealthCheck:
    """Whether an operation runs where it is called."""
    said = settings.operations.get(operation.slug)
    where, name = (said.region if said else "") or settings.cloud.region, f"region {operation.slug}"
    if operation.removed(today) and not (said and said.live):
        advice = f"Use {operation.life.replaced_by}." if operation.life.replaced_by else "Route to another operation."
        return HealthCheck(name, "failed", f"{operation.title} was removed.", advice)
    if not operation.regions:
        return unknown(name, f"No table lists a region of {operation.title}.", "See the OCR console of the region.")
    if where not in operation.regions:
        advice = f"Set operations.{operation.slug}.region to one of: {', '.join(operation.regions)}."
        return HealthCheck(name, "failed", f"{operation.title} does not run in {where}.", advice)
    return HealthCheck(name, "ok", f"{operation.title} runs in {where}.")


def authorization(recognizer: Recognizer, store: ObjectStore, operation: Operation, settings: Settings) -> HealthCheck:
    """Whether the OCR service may read the input bucket's objects by their URLs."""
    if settings.ocr.source != "url":
        return HealthCheck("obs-authorization", "ok", f"Not needed: ocr.source is {settings.ocr.source!r}.")
    return probe.authorization(recognizer, operation, store.url(ObjectRef(settings.buckets.input, _NOWHERE)))


def bucket(inspector: Inspector, which: str, name: str, settings: Settings) -> Iterator[HealthCheck]:
    """Whether a bucket is there and in the region, and whether a journal can be kept in the output bucket."""
    found: list[Bucket] = []

    def look() -> HealthCheck:
        found.append(inspector.bucket(name))
        where = found[0].region
        if where == settings.cloud.region:
            return HealthCheck(f"{which}-bucket", "ok", f"{name} is in {where}.")
        advice = "The OCR service reads URLs in its own region only: make the bucket there, or set cloud.region."
        return HealthCheck(f"{which}-bucket", "failed", f"{name} is in {where}, not {settings.cloud.region}.", advice)

    yield looked(f"{which}-bucket", look)
    if found and which == "output":
        yield _journals(name, found[0])
    elif found:
        yield _versions(name, found[0])


def _versions(name: str, found: Bucket) -> HealthCheck:
    if found.versioned:
        return HealthCheck("versioning", "ok", f"{name} keeps versions.")
    advice = "With versioning an upload that is overwritten while it is read can still be read."
    return HealthCheck("versioning", "ok", f"{name} keeps no versions.", advice)


def _journals(name: str, found: Bucket) -> HealthCheck:
    """Say whether objects can be appended to (AppendObject, obs_04_0088, names what it does not go with)."""
    against = [
        what
        for what, there in (
            ("it is a parallel file system", found.parallel),
            ("it is replicated to another region", found.replicated),
            ("its objects are locked (WORM)", found.locked),
        )
        if there
    ]
    if not against:
        return HealthCheck("journals", "ok", f"Objects of {name} can be appended to, as far as it is seen.")
    advice = "Use a plain bucket as buckets.output; replicate or lock copies elsewhere."
    return HealthCheck("journals", "failed", f"No journal can be kept in {name}: {', '.join(against)}.", advice)


def function(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether the function is there, runs on what the zip is made for, has keys, and works on the buckets looked at."""
    name, cloud, buckets = settings.functions.upload, settings.cloud, settings.buckets
    here = {
        "LEGIBLE_REGION": cloud.region, "LEGIBLE_PROJECT_ID": cloud.project_id,
        "LEGIBLE_INPUT_BUCKET": buckets.input, "LEGIBLE_OUTPUT_BUCKET": buckets.output,
    }  # fmt: skip

    def look() -> HealthCheck:
        found = inspector.function(package, name)
        if found.runtime not in _RUNTIMES:
            advice = f"Make it anew with {' or '.join(_RUNTIMES)}; a function cannot change its runtime."
            return HealthCheck("function", "failed", f"{name} runs on {found.runtime}.", advice)
        if not found.agency:
            advice = "Give it an execution agency with what `legible policy function` prints."
            return HealthCheck("function", "failed", f"{name} has no agency, and so no keys.", advice)
        other = [f"{key} is {found.variables[key]!r} there and {value!r} here" for key, value in here.items()
                 if found.variables.get(key, value) != value]  # fmt: skip
        if other:
            advice = "Look with the same settings as are deployed, or deploy again."
            return HealthCheck("function", "failed", f"{name} works elsewhere: {', '.join(other)}.", advice)
        return HealthCheck("function", "ok", f"{name} runs on {found.runtime}, as {found.agency}, on these buckets.")

    return looked("function", look)


def trigger(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether an upload to the input bucket calls the function, in every way in which an object is created."""
    name, source = settings.functions.upload, settings.buckets.input

    def look() -> HealthCheck:
        mine = [one for one in inspector.triggers(package, name) if _watches(one, source)]
        if not mine:
            advice = f"Make an EventGrid trigger (or one of OBS) on {source}, or deploy again."
            return HealthCheck("trigger", "failed", f"No upload to {source} calls {name}.", advice)
        if not any(one.active for one in mine):
            return HealthCheck("trigger", "failed", f"The trigger of {name} is disabled.", "Enable it.")
        if len({one.kind for one in mine if one.active}) > 1:
            advice = "Remove one of them; `serverless deploy` adds one of OBS to the EventGrid trigger of Terraform."
            return HealthCheck("trigger", "failed", f"Triggers of both kinds call {name}: each upload twice.", advice)
        missed = _CREATED - {kind for one in mine if one.active for kind in _kinds(one)}
        if missed:
            advice = "Let it watch all four: SDKs and consoles upload large files by parts."
            return HealthCheck("trigger", "failed", f"The trigger misses {', '.join(sorted(missed))}.", advice)
        return _heard(source, name, [one for one in mine if one.active])

    return looked("trigger", look)


def _heard(source: str, name: str, mine: list[Trigger]) -> HealthCheck:
    """Say of triggers that miss no kind of upload whether they miss some keys."""
    filters = [(str(one.data.get("prefix") or ""), str(one.data.get("suffix") or "")) for one in mine]
    if ("", "") in filters:
        return HealthCheck("trigger", "ok", f"An upload to {source} calls {name}.")
    said = ", or ".join(f"begins with {before!r} and ends with {after!r}" for before, after in filters)
    advice = "Any other upload calls nobody: leave prefix and suffix empty, if that is not meant."
    return HealthCheck("trigger", "ok", f"An upload to {source} calls {name} where its key {said}.", advice)


def _watches(one: Trigger, source: str) -> bool:
    return one.kind in ("OBS", "EVENTGRID") and one.data.get("bucket") == source


def _kinds(one: Trigger) -> set[str]:
    """Return which creations a trigger watches: ``s3:ObjectCreated:Put``, or ``OBS:DWR:ObjectCreated:PUT``."""
    events = one.data.get("events") or one.data.get("event_types") or ()
    kinds = {str(event).rpartition(":")[2].lower() for event in events if "objectcreated" in str(event).lower()}
    return _CREATED if "*" in kinds else kinds


def retries(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether what fails is tried again, and heard of: without a policy the platform does neither."""
    name = settings.functions.upload

    def look() -> HealthCheck:
        found = inspector.retries(package, name)
        if not any(one.attempts for one in found):
            advice = "Give it an async policy with retries (infra/terraform, or the console): nothing is tried again."
            return HealthCheck("retries", "failed", f"An event that {name} fails on is not tried again.", advice)
        if not any(one.destination for one in found):
            advice = "Set on_failure as its failure destination: what was given up leaves no record else."
            return HealthCheck("retries", "failed", f"Nobody hears of what {name} gave up.", advice)
        times = max(one.attempts for one in found)
        return HealthCheck("retries", "ok", f"What {name} fails on is tried {times} more times, and then told of.")

    return looked("retries", look)


def notices(inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether a notice that was not taken at once is sent again: a timer has to call for that."""
    name = needs.beside(settings, "notices")

    def look() -> HealthCheck:
        if any(one.kind == "TIMER" and one.active for one in inspector.triggers(package, name)):
            return HealthCheck("notices", "ok", f"A timer calls {name}, which sends again what was not taken.")
        advice = "Enable it in the console, or deploy again: what a target does not take at once stays in the outbox."
        return HealthCheck("notices", "failed", f"No timer calls {name}.", advice)

    return looked("notices", look)


def uploads(store: ObjectStore, settings: Settings, clock: Callable[[], datetime]) -> HealthCheck:
    """Whether what was uploaded is read: where its event was lost, or no trigger was there, nothing else tells."""
    began, here = clock(), settings.buckets

    def timely() -> None:
        if (clock() - began).total_seconds() > _LISTED_SECONDS:
            raise UnavailableError(
                f"Both buckets were listed for {_LISTED_SECONDS:.0f} seconds, and have more.",
                advice="legible workbook lists what has no result below a --prefix.",
            )

    def look() -> HealthCheck:
        waiting = Unfinished()
        with ExitStack() as opened:
            selector = Selector(Site(store, here.input, here.output), settings.workbooks.marker)
            for one in selector.find(Selection(), opened, timely=timely):
                if one.size is None and one.uploaded_at is not None and began - one.uploaded_at > OVERDUE:
                    waiting.add(one.key)
        if not waiting.count:
            return HealthCheck("uploads", "ok", "Every upload of more than a day ago has a record.")
        first = ", ".join(repr(key) for key in waiting.first[:3])
        return HealthCheck(
            "uploads", "failed", f"Uploads of more than a day ago without a record: {waiting.count} ({first}).",
            "See the trigger and the function's log. Upload them again, or POST /v1/documents/{id}/rerun reads them.",
        )  # fmt: skip

    return looked("uploads", look)


def enterprise_project(inspector: Inspector, settings: Settings) -> HealthCheck:
    """Whether calls are billed to the enterprise project that is meant: a wrong id is an error nowhere."""
    name, said = "enterprise-project", settings.ocr.enterprise_project
    if not said:
        return HealthCheck(name, "ok", "None is named: calls are billed to the default one.")
    if not _ENTERPRISE.fullmatch(said):
        advice = "An id is a UUID, or 0 for the default one; the service bills what is none to the default one."
        return HealthCheck(name, "failed", f"ocr.enterprise_project {said!r} is no id.", advice)

    def look() -> HealthCheck:
        enabled = True if said == "0" else inspector.enterprise_project(said)
        if enabled is None:
            advice = "Check the id; the service bills to one that does not exist, and says nothing."
            return HealthCheck(name, "failed", f"The account has no enterprise project {said}.", advice)
        if not enabled:
            return HealthCheck(name, "failed", f"The enterprise project {said} is disabled.", "Enable it.")
        outside = settings.cloud.region not in _ENTERPRISE_REGIONS
        advice = f"The user guide has them count in {', '.join(_ENTERPRISE_REGIONS)} only." if outside else ""
        return HealthCheck(name, "ok", f"Calls are billed to {said}.", advice)

    return looked(name, look)


def quotas(inspector: Inspector) -> HealthCheck:
    """Whether functions and their code have room left."""

    def look() -> HealthCheck:
        kinds = {"fgs_func_num": "functions", "fgs_func_code_size": "MB of code"}
        found = [one for one in inspector.quotas() if one.kind in kinds]
        if not found:
            return unknown("quotas", "FunctionGraph names no quota of functions.")
        said = ", ".join(f"{one.used} of {one.most} {kinds[one.kind]}" for one in found)
        if any(one.used >= one.most for one in found):
            return HealthCheck("quotas", "failed", f"A quota is used up: {said}.", "Ask for a higher one, or tidy up.")
        near = any(one.used >= _NEARLY * one.most for one in found)
        return HealthCheck("quotas", "ok", f"Used: {said}.", "Ask for a higher one soon." if near else "")

    return looked("quotas", look)


def versions(lock: Path) -> HealthCheck:
    """Whether what is installed here is what is locked, and would be packaged."""
    if not lock.is_file():
        return unknown("packages", f"There is no {lock.name} to compare with.")
    wrong = []
    for line in lock.read_text("utf-8").splitlines():
        if not line[:1].isalnum():
            continue
        wanted = Requirement(line.rstrip(" \\"))
        if wanted.marker is None or wanted.marker.evaluate():
            wrong += _differs(wanted)
    if wrong:
        advice = "Install what is locked: rm .venv/.local && make .venv/.local"
        return HealthCheck("packages", "failed", f"Not as locked: {', '.join(wrong)}.", advice)
    return HealthCheck("packages", "ok", "What ships is installed as it is locked.")


def _differs(wanted: Requirement) -> list[str]:
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return [f"{wanted.name} is missing"]
    return (
        [] if wanted.specifier.contains(found, prereleases=True) else [f"{wanted.name} {found}, not {wanted.specifier}"]
    )
