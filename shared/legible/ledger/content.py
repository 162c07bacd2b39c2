"""Paid once by content: equal bytes under another key, in another bucket or encrypted anew adopt what was paid for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta

import msgspec
from msgspec import Struct, structs

from legible.errors import AppendConflictError, BusyError, DocumentError, HeldError, InternalError
from legible.ledger.answers import ADOPTED, Answers, digest
from legible.ledger.changes import name_of
from legible.ledger.claim import Claim
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.ledger.ledger import plan_of
from legible.ledger.lines import SKEW_SECONDS, read
from legible.ledger.orphans import Orphans
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.operations.operation import Task
from legible.ports import Invocation, ObjectStore, Site, Wanted, glanced, ranges

#: How much of the time that is left is spent waiting for another document of the same content.
_PATIENCE = 0.5
#: Seconds between two looks at that document.
_PAUSE = 1.0


class Holder(Struct, frozen=True):
    """A document that has some content: where its journal lies, and the owner of the claim that paid for it."""

    bucket: str
    key: str
    version: str
    owner: str = ""

    @property
    def document(self) -> Document:
        """The document, as far as it is known."""
        return Document(self.bucket, self.key, self.version)


class SharedContent:
    """Which documents have one content, and which of them may pay for it now.

    A list in the output bucket has one line for each claim that began to pay for a content and operation. The document
    of the last one may pay; it says so anew at each try, so that nobody takes it for idle. Any other waits until nobody
    works on that one, adopts its answers, and becomes the last one only if pages are still missing. A new content costs
    one append; nothing is read.

    What is promised hangs on appends as the journal does (``ledger.lines``), and MD5 is no defence against somebody who
    makes two files with one MD5 on purpose.

    Args:
        site: Where documents, journals and lists are stored.
        call: The invocation: gives the time and a way to wait.
        journals: Read the states of other documents.
        answers: Stores and finds answers.
    """

    def __init__(self, site: Site, call: Invocation, journals: Journals, answers: Answers) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._journals = journals
        self._answers = answers
        self._orphans = Orphans(site, answers)

    def adopt(
        self, claim: Claim, task: Task, pages: Iterable[int], published: Callable[[str], Document | None]
    ) -> None:
        """Adopt answers to the missing pages of a claim; afterwards no other document pays for the rest of them.

        Args:
            claim: The claim on the document.
            task: What the document is read by.
            pages: The pages that the claim covers.
            published: Returns the document whose results are published under a key, if there is one. Before there were
                lists, version 0.1 may have read these bytes: in a bucket whose objects were copied to this one.

        Raises:
            BusyError: Another document of the same content is being read, and this invocation waited long enough.
            UnavailableError: The store has a passing fault.
        """
        missing = _missing(claim, pages)
        md5 = md5_of(self._site.store, claim.document) if missing else ""
        if not md5:
            return
        plan = plan_of(task.operation.slug, task.options, {})
        list_ref = self._site.in_output(layout.content(md5, claim.document.size, plan))
        try:
            if self._enter(claim, list_ref, plan, missing):
                self._adopt_earlier(claim, published(claim.document.key), plan, missing)
        except HeldError as error:  # a list that takes no line: this document is read as if it were the only one
            self._call.log("content-not-shared", key=claim.document.key, reason=error.reason_code, message=str(error))

    def _enter(self, claim: Claim, list_ref: ObjectRef, plan: str, missing: list[int]) -> bool:
        """Adopt what there is; become the last line of the list if pages are missing still.

        Returns:
            Whether it is the first line.
        """
        document = claim.document
        mine = Holder(document.bucket, document.key, document.version, claim.owner)
        give_up = self._call.now() + timedelta(seconds=self._call.remaining() * _PATIENCE)
        known = b""
        while True:
            try:
                self._site.store.append(list_ref, len(known), msgspec.json.encode(mine) + b"\n")
            except AppendConflictError:
                known = read(self._site.store, list_ref)
            else:
                return not known
            while not self._is_free(claim, _holders(known), mine, plan, missing):
                if self._call.now() >= give_up:
                    raise BusyError(
                        f"The same content as that of {document.ref} is being read as another document.",
                        advice="The event is delivered again; by then its answers are there to be adopted.",
                    )
                self._call.pause(_PAUSE)
                known = read(self._site.store, list_ref)
            if _holders(known)[-1:] == [mine] or not _missing(claim, missing):
                return _holders(known) == [mine]

    def _is_free(self, claim: Claim, holders: list[Holder], mine: Holder, plan: str, missing: list[int]) -> bool:
        """Adopt what others have paid for; tell whether none of them pays now for what is missing still."""
        for other in reversed(dict.fromkeys(holder.document for holder in holders)):
            if other != mine.document and _missing(claim, missing):
                self._adopt_from(claim, other, plan, missing)
        if not holders or holders[-1].document == mine.document or not _missing(claim, missing):
            return True
        state = self._journals.readable(holders[-1].document)
        return not state.leases.held(self._call.now() - timedelta(seconds=SKEW_SECONDS))

    def _adopt_earlier(self, claim: Claim, earlier: Document | None, plan: str, missing: list[int]) -> None:
        if earlier is not None and (earlier.etag, earlier.size) == (claim.document.etag, claim.document.size):
            self._adopt_from(claim, earlier, plan, missing)

    def _adopt_from(self, claim: Claim, other: Document, plan: str, missing: list[int]) -> None:
        state = self._journals.readable(other)
        begun = state.counted_claim
        if begun is None or plan_of(begun.operation, begun.options, {}) != plan:
            return
        for page in _missing(claim, missing):
            line = state.page(page).answered or self._stored(state, other, page)
            if line is not None:
                self._adopt_page(claim, other, line)

    def _stored(self, state: State, other: Document, page: int) -> Line | None:
        """Return a line for an answer that was stored by an invocation that died before it could say so."""
        announced = state.page(page).open
        if announced is None:
            return None
        orphan = self._orphans.examine(other, state, page, announced)
        if orphan.answer is None or orphan.doubtful:
            return None
        stored = orphan.answer
        return structs.replace(
            announced, page=page, request_id=stored.request_id, answer=stored.key, sha256=digest(stored.body)
        )

    def _adopt_page(self, claim: Claim, other: Document, line: Line) -> None:
        try:
            body = self._answers.verified(line)
        except InternalError as error:  # gone, or changed: this document pays for an answer of its own
            self._call.log("not-adopted", key=claim.document.key, reason=error.reason_code, message=str(error))
            return
        key = self._answers.keep(claim.document, line.page, claim.owner + ADOPTED, body, line.request_id)
        claim.write(
            "answered", page=line.page, request_id=line.request_id, answer=key, sha256=digest(body),
            source=line.source, frame=line.frame, ink=line.ink, note=line.note, state=line.state, reason=line.reason,
            adopted=line.adopted or name_of(layout.journal(other)),
        )  # fmt: skip


def md5_of(store: ObjectStore, document: Document) -> str:
    """Return the MD5 of a document's bytes, in hexadecimal; empty if they are gone, which whoever sends them will say.

    Where the store does not tell it, they are read: an object that was encrypted or uploaded in parts.

    Raises:
        HeldError: The store refuses.
        UnavailableError: The store has a passing fault.
    """
    wanted = Wanted(document.version_id, document.etag)
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        head = glanced(store, document.ref, document.version_id) or store.head(document.ref, document.version_id)
        if head.etag != document.etag:  # another upload lies there by now
            return ""
        if head.md5:
            return head.md5
        for first, last in ranges(document.size):
            md5.update(store.read(document.ref, structs.replace(wanted, first=first, last=last)))
    except HeldError:
        raise
    except DocumentError:
        return ""
    return md5.hexdigest()


def _missing(claim: Claim, pages: Iterable[int]) -> list[int]:
    return [page for page in pages if not claim.state.page(page).known]


def _holders(body: bytes) -> list[Holder]:
    """Read a list; a line that cannot be read names no journal."""
    holders = []
    for line in body.splitlines():
        try:
            holders.append(msgspec.json.decode(line, type=Holder))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return holders
