"""Whether the URL of a document opened this very document: what cannot be proven is sent again, inline."""

from __future__ import annotations

import threading
from datetime import timedelta

from legible.errors import ObjectGoneError, ReplacedError
from legible.model.documents import Document
from legible.ports import Head, Invocation, Site, Wanted, glanced

#: OBS tells an object's time in whole seconds, and its clock and ours may be a second apart: an upload older than this
#: cannot be followed by another with the same time.
_APART_SECONDS = 3.0
#: How often a second is waited for that is to pass; each wait reaches its end by the clock here.
_WAITS = 4


class UrlProof:
    """The upload that lies under a document's key while its URL is given to the service.

    The service opens what lies there at that moment, which another upload may have replaced, and an equal one may have
    put back. Whatever another upload is, its version id or its time differs. So one upload must lie there, with the
    document's bytes, before the first call and after each. One thing it cannot see: in a bucket with versions, an
    upload that came and whose very version was deleted while a call ran.

    Safe for several threads.

    Args:
        site: Where documents are stored.
        call: The invocation: gives the time and a way to wait.
        document: The document.
    """

    def __init__(self, site: Site, call: Invocation, document: Document) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._document = document
        self._lock = threading.Lock()
        self._before: Head | None = None
        self._refusal: str | None = None

    def refusal(self) -> str:
        """Say why the service cannot be given the URL; empty where it can. Only the first time, this looks and waits.

        Raises:
            DocumentError: The store does not tell.
            UnavailableError: The store has a passing fault.
        """
        with self._lock:
            if self._refusal is None:
                self._refusal = self._look()
            return self._refusal

    def doubt(self) -> str:
        """Say, after a call, why its answer may be of another upload; empty where it is of this document.

        After a doubt, ``refusal`` says the same for the calls to come.

        Raises:
            DocumentError: The store does not tell.
            UnavailableError: The store has a passing fault.
        """
        after = self._lying()
        if after is not None and self._before is not None and after.same_upload(self._before):
            return ""
        doubt = "the upload was removed" if after is None else "another upload lay there"
        with self._lock:
            self._refusal = f"sent inline: {doubt} while its URL was read"
        return doubt

    def require_own_bytes(self, doubt: str) -> None:
        """See that the document's own bytes can still be read, so that a page can be sent inline after a doubt.

        Raises:
            ReplacedError: They are gone.
        """
        document = self._document
        try:
            self._site.store.read(document.ref, Wanted(document.version_id, document.etag, 0, 0))
        except (ObjectGoneError, ReplacedError) as error:
            raise ReplacedError(
                f"{document.ref} cannot be read any more, and while its URL was read {doubt}.",
                advice="If there is a newer upload, it has its own record. The answer, which may be of that, is stored "
                "and counted as surplus.",
            ) from error

    def _look(self) -> str:
        lying = self._found_earlier() or self._lying()
        for _ in range(_WAITS):
            if lying is None or lying.etag != self._document.etag:
                return "sent inline: this upload is not the newest of its key"
            if lying.told_apart:
                self._before = lying
                return ""
            self._call.pause(1.0 - self._call.now().microsecond / 1e6)
            lying = self._lying()
        return "sent inline: the times of this upload and of a later one could not be told apart"

    def _found_earlier(self) -> Head | None:
        """Return what intake found, if nothing can have come in its second since; else None, and it is looked at."""
        found, now = self._document, self._call.now()
        seen = glanced(self._site.store, found.ref)  # what lay there, whatever version the event named
        if seen is not None and seen.etag == found.etag:
            return seen
        if found.version_id or found.uploaded_at is None:
            return None
        if now - found.uploaded_at < timedelta(seconds=_APART_SECONDS):
            return None
        return Head(found.size, found.etag, modified_at=found.uploaded_at, seen_at=now)

    def _lying(self) -> Head | None:
        try:
            return self._site.store.head(self._document.ref)
        except ObjectGoneError:
            return None
