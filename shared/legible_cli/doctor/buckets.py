"""Checks of the buckets: where they are, what they allow, and whether what was uploaded is read; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

from legible.errors import UnavailableError
from legible.model.documents import Selection
from legible.ports import ObjectStore, Site
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible.workbooks.builds import Unfinished
from legible.workbooks.listing import Selector
from legible_cli.doctor.outcomes import looked
from legible_cli.doctor.storage import Bucket, Storage

#: An event waits for its function for a day at most (serverless.yml); the hour is for what is read by then.
OVERDUE = timedelta(days=1, hours=1)
#: So long both buckets are listed at most.
_LISTED_SECONDS = 60.0


def bucket(storage: Storage, which: str, name: str, settings: Settings) -> Iterator[HealthCheck]:
    """Whether a bucket is there and in the region, and whether a journal can be kept in the output bucket."""
    seen: list[Bucket] = []

    def look() -> HealthCheck:
        seen.append(storage.bucket(name))
        where = seen[0].region
        if where == settings.cloud.region:
            return HealthCheck(f"{which}-bucket", "ok", f"{name} is in {where}.")
        advice = "The OCR service reads URLs in its own region only: make the bucket there, or set cloud.region."
        return HealthCheck(f"{which}-bucket", "failed", f"{name} is in {where}, not {settings.cloud.region}.", advice)

    yield looked(f"{which}-bucket", look)
    if seen and which == "output":
        yield _journals(name, seen[0])
    elif seen:
        yield _versions(name, seen[0])


def _versions(name: str, seen: Bucket) -> HealthCheck:
    if seen.versioned:
        return HealthCheck("versioning", "ok", f"{name} keeps versions.")
    advice = "With versioning an upload that is overwritten while it is read can still be read."
    return HealthCheck("versioning", "ok", f"{name} keeps no versions.", advice)


def _journals(name: str, seen: Bucket) -> HealthCheck:
    """Say whether objects can be appended to (AppendObject, obs_04_0088, names what it does not go with)."""
    against = [
        what
        for what, there in (
            ("it is a parallel file system", seen.parallel),
            ("it is replicated to another region", seen.replicated),
            ("its objects are locked (WORM)", seen.locked),
        )
        if there
    ]
    if not against:
        return HealthCheck("journals", "ok", f"Objects of {name} can be appended to, as far as it is seen.")
    advice = "Use a plain bucket as buckets.output; replicate or lock copies elsewhere."
    return HealthCheck("journals", "failed", f"No journal can be kept in {name}: {', '.join(against)}.", advice)


def uploads(store: ObjectStore, settings: Settings, clock: Callable[[], datetime]) -> HealthCheck:
    """Whether what was uploaded is read: where its event was lost, or no trigger was there, nothing else tells."""

    def look() -> HealthCheck:
        waiting = _overdue(store, settings, clock)
        if not waiting.count:
            return HealthCheck("uploads", "ok", "Every upload of more than a day ago has a record.")
        first = ", ".join(repr(key) for key in waiting.first[:3])
        return HealthCheck(
            "uploads", "failed", f"Uploads of more than a day ago without a record: {waiting.count} ({first}).",
            "See the trigger and the function's log. Upload them again, or POST /v1/documents/{id}/rerun reads them.",
        )  # fmt: skip

    return looked("uploads", look)


def _overdue(store: ObjectStore, settings: Settings, clock: Callable[[], datetime]) -> Unfinished:
    """Return the uploads that should have a record by now."""
    began, here, waiting = clock(), settings.buckets, Unfinished()

    def timely() -> None:
        if (clock() - began).total_seconds() > _LISTED_SECONDS:
            raise UnavailableError(
                f"Both buckets were listed for {_LISTED_SECONDS:.0f} seconds, and have more.",
                advice="legible workbook lists what has no result below a --prefix.",
            )

    with ExitStack() as opened:
        selector = Selector(Site(store, here.input, here.output), settings.workbooks.marker)
        for one in selector.find(Selection(), opened, timely=timely):
            if one.size is None and one.uploaded_at is not None and began - one.uploaded_at > OVERDUE:
                waiting.add(one.key)
    return waiting
