"""Checks of how the OCR service reads OBS: the ways of the user guide (chapter 3), each as the setting names it.

``url``: the service's own authorization. ``signed-url``: a URL that expires. ``public-url``: everybody may read the
object. With ``inline`` the service reads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from legible.errors import LegibleError, ObjectGoneError
from legible.model.documents import ObjectRef
from legible.operations.operation import Operation
from legible.ports import ObjectStore, Recognizer
from legible.recognition import probe
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.bucket_policy import lets_everybody_read, shuts_out
from legible_cli.doctor.outcomes import unknown
from legible_cli.doctor.storage import Storage

#: No upload is called so: what is asked for is never there.
_NOWHERE = ".legible-doctor/not-there.png"
#: Where rendered pages lie in the output bucket.
_PAGES = "work/"
_RESULT = "results/x/record.json"
_LOUD = "ANYBODY ON THE INTERNET MAY READ"
#: A page waits for its turn while another one is called for, and is called for then; its URL is signed before.
_CALLS = 2
_PROBE_SECONDS = 60


class Reading:
    """Looks whether the OCR service can read, and who else can.

    Args:
        settings: Name the buckets, and the way.
        store: The buckets, by the operator's keys.
        storage: Whom the buckets let in.
    """

    def __init__(self, settings: Settings, store: ObjectStore, storage: Storage) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._store = store
        self._storage = storage
        self._way = settings.ocr.source
        self._input, self._output = settings.buckets.input, settings.buckets.output

    def public(self) -> HealthCheck:
        """Whether strangers may read documents or results, and whether that is meant."""
        name = "public-access"

        def look() -> HealthCheck:
            public = [one for one in (self._input, self._output) if self._storage.public(one)]
            if not public:
                return HealthCheck(name, "ok", "Neither bucket is public.")
            message = f"{_LOUD} {' AND '.join(public)}."
            if self._way != "public-url":
                advice = (
                    "Take everybody out of the bucket's policy and ACL, and block public access; "
                    f"ocr.source = {self._way!r} needs none of it."
                )
                return HealthCheck(name, "failed", message, advice)
            if self._output in public and not self._only_pages():
                advice = (
                    f"Results are not read by the service: let everybody read {self._output}/{_PAGES}* at the most."
                )
                return HealthCheck(name, "failed", message, advice)
            advice = "ocr.source = 'public-url' means it so; for documents of people, 'url' does without."
            return HealthCheck(name, "ok", message, advice)

        return _seen(name, look)

    def _only_pages(self) -> bool:
        """Tell whether the output bucket is public for nothing but rendered pages, by its policy."""
        said = self._storage.policy(self._output)
        pages, results = (f"{self._output}/{key}" for key in (f"{_PAGES}x.jpg", _RESULT))
        return lets_everybody_read(said, pages) and not lets_everybody_read(said, results)

    def ways(self, recognizer: Recognizer, operation: Operation, note: Callable[[str], None]) -> Iterator[HealthCheck]:
        """Yield whether the service can read in the way that is set; nothing of it is billed.

        Args:
            recognizer: Makes the calls.
            operation: One that reads URLs, and may be called.
            note: Is told the operation's slug before each call.
        """
        asked = partial(probe.authorization, recognizer, operation, note=note)
        yield self._authorization(asked)
        if self._way == "signed-url":
            yield _seen("signed-url", lambda: self._signed(asked))
        if self._way == "public-url":
            yield _seen("public-read", self._public_read)

    # --- service authorization

    def _authorization(self, asked: Callable[[str], HealthCheck]) -> HealthCheck:
        """Whether the service may read the input bucket's objects by its own authorization."""
        name = "obs-authorization"
        if self._way != "url":
            return HealthCheck(name, "ok", f"Not needed: ocr.source is {self._way!r}.")
        found = asked(self._store.url(self._nowhere(self._input)))
        if found.status == "ok" and self._is_public(self._input):
            advice = "Close the bucket, and look again."
            return unknown(name, f"The service reads {self._input}, but so may anybody: that proves nothing.", advice)
        return found

    def _is_public(self, bucket: str) -> bool:
        try:
            return self._storage.public(bucket)
        except LegibleError:
            return False

    # --- temporary signed URLs

    def _signed(self, asked: Callable[[str], HealthCheck]) -> HealthCheck:
        name, ocr = "signed-url", self._settings.ocr
        least = int(_CALLS * ocr.call_seconds + max(ocr.wait_seconds))
        if ocr.signed_url_seconds < least:
            message = (
                f"A signed URL ends after {ocr.signed_url_seconds} s; a page may be read {least} s after it was made."
            )
            return HealthCheck(name, "failed", message, f"Set ocr.signed_url_seconds to {least} or more.")
        places = [self._nowhere(self._input), ObjectRef(self._output, _PAGES + _NOWHERE)]
        for place in places:
            refused = self._refused(place)
            if refused is not None:
                return refused
        url = self._store.signed_url(places[0], _PROBE_SECONDS)
        found = asked(url)
        if found.status == "ok":
            message = f"The service looked for an object by a signed URL, which lasts {ocr.signed_url_seconds} s."
            return HealthCheck(name, "ok", message)
        return unknown(name, f"Anybody with a signed URL gets through; whether the service does: {found.message}")

    def _refused(self, place: ObjectRef) -> HealthCheck | None:
        """Say that a signed URL does not open what it is made for, or that this cannot be seen; None where it does."""
        name, bucket = "signed-url", place.bucket
        said = self._conditions(place)
        if "always" in said:
            return HealthCheck(name, "failed", f"The policy of {bucket} forbids everybody to read it.", "Change it.")
        if self._storage.opened(self._store.signed_url(place, _PROBE_SECONDS)) in (401, 403):
            if not self._mine(place):
                return unknown(name, f"Your user may not read {bucket}, so that no signed URL can be tried.")
            advice = f"Let signed URLs through in the policy of {bucket}, or set ocr.source to 'inline'."
            return HealthCheck(name, "failed", f"OBS refuses a signed URL of {bucket} by its policy.", advice)
        if said:
            advice = "Let the service through, or set ocr.source to 'inline'."
            why = f"The policy of {bucket} forbids reading by {', '.join(said)};"
            return unknown(name, f"{why} whether that shuts the service out cannot be seen.", advice)
        return None

    def _conditions(self, place: ObjectRef) -> list[str]:
        try:
            return shuts_out(self._storage.policy(place.bucket), f"{place.bucket}/{place.key}")
        except LegibleError:  # not to be seen; that a URL opens it is seen by opening it
            return []

    def _mine(self, place: ObjectRef) -> bool:
        try:
            self._store.head(place)
        except ObjectGoneError:
            return True
        except LegibleError:
            return False
        return True

    # --- anonymous public read

    def _public_read(self) -> HealthCheck:
        name = "public-read"
        seen = {
            where: self._readable(bucket, prefix)
            for where, bucket, prefix in (
                (self._input, self._input, ""), (f"{self._output}/{_PAGES}", self._output, _PAGES),
            )
        }  # fmt: skip
        closed = [where for where, open_ in seen.items() if open_ is False]
        if closed:
            advice = (
                f"Let everybody GetObject on {self._input}/* and {self._output}/{_PAGES}* by the buckets' policies; or "
                "set ocr.source to 'url' and enable OBS authorization in the OCR console, which lets in nobody else."
            )
            message = f"Nobody without keys may read {' and '.join(closed)}: pages are sent inside the request."
            return HealthCheck(name, "failed", message, advice)
        hidden = [where for where, open_ in seen.items() if open_ is None]
        if hidden:
            return unknown(name, f"Whether anybody may read {' and '.join(hidden)} cannot be seen: nothing lies there.")
        return HealthCheck(name, "ok", f"Anybody may read {' and '.join(seen)}, and so may the service.")

    def _readable(self, bucket: str, prefix: str) -> bool | None:
        """Tell whether anybody may read what lies there: by its first object, or by the policy where there is none."""
        first = next(iter(self._store.list(bucket, prefix)), None)
        if first is not None:
            status = self._storage.opened(self._store.url(ObjectRef(bucket, first.key)))
            return True if status in (200, 206, 416) else False if status in (401, 403) else None
        if lets_everybody_read(self._storage.policy(bucket), f"{bucket}/{prefix}{_NOWHERE}"):
            return True
        return None if self._storage.public(bucket) else False

    def _nowhere(self, bucket: str) -> ObjectRef:
        return ObjectRef(bucket, _NOWHERE)


def _seen(name: str, look: Callable[[], HealthCheck]) -> HealthCheck:
    """Make a check; whoever may not look, or looks where OBS has no answer yet (405, obs_04_0177), finds no fault."""
    try:
        return look()
    except LegibleError as error:
        return unknown(name, error.message, error.advice)
