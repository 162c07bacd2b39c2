"""Read-only queries of one document: its version, its state, and its published results."""

from __future__ import annotations

from msgspec import Struct, structs

from legible.documents.uploads import UNREADABLE_BUCKET, Uploads
from legible.errors import DocumentError, InternalError, ObjectGoneError, SkippedError
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, Reason, Status, Upload
from legible.model.layout import RECORD
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import Invocation, Site, Wanted
from legible.results.publication import Published, Publisher


class Known(Struct, frozen=True):
    """One document: its version, its state, its published results, and whether an invocation holds it."""

    document: Document
    state: State
    published: Published | None = None
    held: bool = False

    @property
    def status(self) -> Status:
        """How it ended; ``running`` before that, and until its results are published."""
        finished = self.state.finished
        if finished is None or finished.status is None or self.published is None:
            # An event that could not be read, and an object that is gone, have a result but no journal.
            return self.published.status if self.published and not self.state.lines else "running"
        return finished.status

    @property
    def reason(self) -> Reason | None:
        """Why it is not done; also where no function has begun on it yet."""
        if self.state.finished is not None:
            return self.state.finished.reason
        return None if self.held else why_unfinished(self.state, self.published)

    @property
    def pages(self) -> int:
        """How many pages are called for; 0 where that is not known yet."""
        claim = self.state.counted_claim
        return claim.pages if claim else 0


def why_unfinished(state: State, published: Published | None = None) -> Reason | None:
    """Return why nobody works on a document that has not ended: it waits for another try, or no function has it.

    Args:
        state: Its journal, in which nobody holds it.
        published: Its published results; None if it has none.
    """
    last = state.lines[-1] if state.lines else None
    if last is None:
        if published is not None:  # an event that could not be read has a result, and no journal
            return None
        message, advice = "No function has begun to read it.", "check the trigger of on_upload, or have it tried again."
        return Reason("not-begun", message, f"If this stays so, {advice}")
    if last.event == "released" and last.reason is not None:
        return structs.replace(last.reason, advice=f"{last.reason.advice} {last.note}".strip())
    since = state.leases.busy_until or last.at
    return Reason(
        "not-held", f"No function has worked on it since {since:%Y-%m-%d %H:%M} UTC.",
        "If this stays so, have it tried again, or upload it again: answered pages are not paid for again.",
    )  # fmt: skip


class Lookup:
    """Finds a document with its state and results.

    Args:
        site: Where documents and results are stored.
        call: The invocation: gives the time.
        uploads: Finds the document that an upload is.
        journals: Read the states of documents.
        publisher: Finds published results.
    """

    def __init__(
        self, site: Site, call: Invocation, uploads: Uploads, journals: Journals, publisher: Publisher
    ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._uploads = uploads
        self._journals = journals
        self._publisher = publisher

    def find(self, key: str, version: str = "") -> Known:
        """Return a document with its state and results.

        Args:
            key: Its decoded key.
            version: Which of its versions; the newest if none is named.

        Raises:
            ObjectGoneError: There is no such document.
            UnavailableError: The store has a passing fault.
        """
        document = self.uploaded(key)
        if version and (document is None or document.version != version):
            document = Document(self._bucket(key), key, version)
        if document is None:
            current = self._publisher.current(key)
            document = Document(self._bucket(key), key, current.version if current else "")
        return self._known(document)

    def uploaded(self, key: str) -> Document | None:
        """Return the newest upload of a key in the input bucket; None if there is none.

        Raises:
            DocumentError: The store does not let us look at it.
            UnavailableError: The store has a passing fault.
        """
        try:
            document, error = self._uploads.locate(Upload(self._site.in_input(key)))
        except SkippedError:
            return None
        if isinstance(error, ObjectGoneError):
            return None
        if isinstance(error, DocumentError) and not document.etag:  # the store did not even show it
            raise error
        return document

    def unfinished(self, document: Document) -> Reason | None:
        """Return why nobody works on a document that has no result; None while somebody does.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        try:
            state = self._journals.load(document)
        except InternalError as unreadable:
            return Reason.of(unreadable)
        return None if state.leases.held(self._call.now()) else why_unfinished(state)

    def _bucket(self, key: str) -> str:
        """Return the bucket that journals of a key are filed under."""
        unreadable = key.startswith(f"{layout.UNREADABLE}/")
        return UNREADABLE_BUCKET if unreadable else self._site.input

    def _known(self, document: Document) -> Known:
        state = self._journals.load(document)
        published = self._publisher.known(document)
        if not document.etag and not state.lines and published is None:
            raise ObjectGoneError("There is no such document.", code="document-not-found")
        if published is not None and not document.etag:
            ref = self._site.in_output(layout.version(document, RECORD))
            document = document_of(self._site.store.read(ref, Wanted(first=0, last=HEAD_BYTES - 1)))
        return Known(document, state, published, state.leases.held(self._call.now()))
