"""A document's end: answers read page by page, results written, the last line of the journal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from legible import checks, fields, layout, markdown, pages, record, workbook
from legible.contents import Contents
from legible.errors import (
    BusyError,
    DocumentError,
    InternalError,
    ObjectGoneError,
    OutOfTimeError,
    RejectedError,
    ReplacedError,
    UnavailableError,
)
from legible.filing import Filing
from legible.journal import Line
from legible.ledger import Claim, Ledger
from legible.model import Attachment, Document, Extract, Frame, Location, ObjectRef, Page, Reason, Record, Status
from legible.onecall import digest
from legible.operation import Output
from legible.ports import ObjectStore
from legible.publishing import RECORD, Publisher
from legible.record import Asked, assemble, status_of

#: The one field of all operations that tells how many pages a document has (``vat-invoice``).
_PAGE_COUNT = "total_pages"
#: So many answers are read, or filed, at once.
_AT_ONCE = 8


class End(Struct, frozen=True):
    """How a document ends: what was asked for, the answers received just now by page, and what went wrong, if any.

    ``yields`` says that the upload was replaced: its result never stands above another one of its key. ``sheets`` are
    the document's pages, where they are at hand.
    """

    asked: Asked | None = None
    received: dict[int, bytes] = {}
    error: DocumentError | None = None
    yields: bool = False
    sheets: pages.Sheets | None = None

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What is made beside record and workbook."""
        return self.asked.outputs if self.asked else ()


class Finisher:
    """Ends documents. Memory holds a few answers at a time, whatever the number of pages.

    Args:
        store: Where answers and results lie.
        output: The output bucket.
        ledger: Tells the time, and whose document it is.
        publisher: Puts results where people look.
        filing: Files the answers that count.
        remaining: How many seconds the function has left.
    """

    def __init__(
        self,
        store: ObjectStore,
        output: str,
        ledger: Ledger,
        publisher: Publisher,
        filing: Filing,
        remaining: Callable[[], float],
    ) -> None:
        """See the class."""
        self._remaining = remaining
        self._filing = filing
        self._store = store
        self._output = output
        self._ledger = ledger
        self._publisher = publisher

    def finish(self, claim: Claim, end: End) -> None:
        """Make the results from everything the journal knows, publish them, finish the journal.

        Raises:
            BusyError: The claim does not stand any more; nothing was published.
            InternalError: A stored answer is gone, or not what was paid for.
            UnavailableError: The store has a passing fault.
        """
        with Contents() as contents:
            attachments = self._read(claim, end, contents)
            self._close(claim, end, contents, attachments)

    def finish_anyway(self, claim: Claim, end: End) -> None:
        """Do the same for a document that was given up: if its answers cannot be read, the record says so instead.

        Raises:
            BusyError: The claim does not stand any more; nothing was published.
            UnavailableError: The store has a passing fault.
        """
        try:
            self.finish(claim, end)
        except (BusyError, UnavailableError, DocumentError):
            raise
        except Exception as error:  # the very defect may be why it was given up
            note = f"The answers could not be read ({type(error).__name__}); they are stored as they came."
            with Contents() as nothing:
                nothing.add(Extract(notes=(note,)))
                self._close(claim, end, nothing, (), unread=True)

    def record_only(self, document: Document, error: DocumentError) -> Status:
        """Publish why a document ended whose journal cannot be used, unless it has a record already.

        Returns:
            The status of the record that stands.
        """
        known = self._publisher.known(document)
        if known is not None:
            return known.status
        now, reason = self._ledger.now(), Reason.of(error)
        with Contents() as nothing:
            self._publish(
                Record(document=document, status="dead", reason=reason, finished_at=now), nothing, End(), None
            )
        return "dead"

    def _read(self, claim: Claim, end: End, contents: Contents) -> tuple[Attachment, ...]:
        """Read what each answer says, in the order of the pages; store the files that came inside."""
        attachments: list[Attachment] = []
        for batch in self._batches(claim, end):
            with ThreadPoolExecutor(_AT_ONCE) as together:
                bodies = list(together.map(lambda line: self._body(line, end.received.get(line.page)), batch))
            for line, body in zip(batch, bodies, strict=True):
                assert end.asked is not None  # there are no answers where nothing was asked
                extract = fields.placed(fields.extract(end.asked.operation, [(line.page, body)]), line.frame)
                extract = checks.checked(end.asked.operation, extract)
                attachments += [self._attach(claim.document, *file) for file in extract.files]
                contents.add(_counted(extract, end.asked.pages, line))
        return tuple(attachments)

    def _batches(self, claim: Claim, end: End) -> Iterator[list[Line]]:
        """Yield the lines of the answers that count, a few at a time."""
        numbers = range(1, (end.asked.pages if end.asked else 0) + 1)
        lines = [line for number in numbers if (line := claim.state.page(number).answered) is not None]
        for first in range(0, len(lines), _AT_ONCE):
            yield lines[first : first + _AT_ONCE]

    def _body(self, line: Line, received: bytes | None) -> bytes:
        """Return the answer a line names; the store's own where it was not received just now."""
        body = received
        if body is None or digest(body) != line.sha256:
            body = self._stored(line.answer)
        if digest(body) != line.sha256:
            raise InternalError(
                f"The stored answer {line.answer} is not the one that was paid for.",
                code="answer-altered",
                advice="Something else wrote it; restore it.",
            )
        return body

    def _stored(self, key: str) -> bytes:
        try:
            return self._store.read(ObjectRef(self._output, key))
        except ObjectGoneError:
            raise _gone(key) from None

    def _attach(self, document: Document, name: str, page: int, media_type: str, body: bytes) -> Attachment:
        key = layout.attachment(document, page, name)
        self._store.write(ObjectRef(self._output, key), body, media_type)
        return Attachment(name, page, key, media_type, len(body))

    def _close(
        self, claim: Claim, end: End, contents: Contents, attachments: tuple[Attachment, ...], *, unread: bool = False
    ) -> None:
        claim.must_stand()
        reason = Reason.of(end.error) if end.error else None
        status = status_of(claim.state, end.asked.pages if end.asked else 0, reason, _status(end.error))
        found = assemble(
            claim.document,
            end.asked,
            claim.state,
            contents.notes,
            attachments,
            status=status,
            reason=None if status == "done" else reason,
            finished_at=self._ledger.now(),
        )
        with ThreadPoolExecutor(1) as beside:  # answers are filed while the results are made
            filed = None if unread else beside.submit(self._file, claim, end)
            newest = self._publish(found, contents, end, filed)
        note = "" if newest else "A newer upload of this key has its own result."
        claim.finish(status=status, reason=found.reason, note=note)

    def _file(self, claim: Claim, end: End) -> None:
        """File the answers that count beside the record, under the names it gives."""
        with ThreadPoolExecutor(_AT_ONCE) as together:
            for batch in self._batches(claim, end):
                list(together.map(lambda line: self._filing.file(claim.document, line), batch))

    def _publish(self, found: Record, contents: Contents, end: End, filed: Future[None] | None) -> bool:
        with tempfile.TemporaryDirectory(prefix="legible-") as folder:
            files = {name: Path(folder) / name for name in (RECORD, "record.xlsx")}
            if "md" in end.outputs:
                files["record.md"] = Path(folder) / "record.md"
                with files["record.md"].open("w", encoding="utf-8") as text:
                    text.writelines(f"{line}\n" for line in markdown.lines(found, contents.pages()))
            if "pdf" in end.outputs:
                found = self._searchable(found, contents, end, files, Path(folder))
            with files[RECORD].open("wb") as file:
                record.write(found, contents, file)
            with files["record.xlsx"].open("wb") as file:
                workbook.write(found, contents, file)
            if filed is not None:
                filed.result()  # nothing is published before
            yields = end.yields or isinstance(end.error, ReplacedError)
            return self._publisher.publish(found.document, found.status, files, yields=yields)

    def _searchable(self, found: Record, contents: Contents, end: End, files: dict[str, Path], folder: Path) -> Record:
        """Make ``record.pdf``; where it cannot be made, the record says why."""
        if found.status not in {"done", "partial"}:
            return found
        if end.sheets is None:
            note = "record.pdf was not made: the document was not at hand when it ended."
            return msgspec.structs.replace(found, notes=(*found.notes, note))
        texts, target = folder / "texts", folder / "record.pdf"
        with texts.open("wb") as file:
            done = (page for page in found.pages if page.state == "done")
            for page, extract in zip(done, contents.pages(), strict=False):
                text = pages.PageText(page.page, _frame(found.document, page), tuple(_words(extract)))
                file.write(msgspec.json.encode(text) + b"\n")
        try:
            end.sheets.layer(texts, target, self._remaining() / 2)  # the other half is the record's
        except (RejectedError, OutOfTimeError) as error:
            note = f"record.pdf was not made: {error}"
            return msgspec.structs.replace(found, notes=(*found.notes, note))
        files["record.pdf"] = target
        return found


def _counted(extract: Extract, pages_called: int, line: Line) -> Extract:
    """Note where the service, which was sent the document itself, counts its pages otherwise than it was called for."""
    said = next((field.typed for field in extract.fields if field.name == _PAGE_COUNT), None)
    if said is None or line.frame is not None or int(said) == pages_called:
        return extract
    note = f"Page {line.page}: the service counts {said} pages; {pages_called} were called for."
    return msgspec.structs.replace(extract, notes=(*extract.notes, note))


def _words(extract: Extract) -> Iterator[tuple[str, Location]]:
    """Yield everything that was recognized at a known place."""
    for block in extract.text:
        if block.location is not None:
            yield block.text, block.location
    for field in extract.fields:
        if field.location is not None and field.type != "location":  # a place that belongs to no text is none itself
            yield field.value, field.location
    for table in extract.tables:
        yield from ((cell.text, cell.location) for cell in table.cells if cell.location is not None)


def _frame(document: Document, page: Page) -> Frame:
    """Return what a page's locations are measured in; a document that was sent itself is its own picture."""
    return page.frame or Frame(document.width or 1, document.height or 1, "px", 1.0)


def _gone(key: str) -> InternalError:
    return InternalError(
        f"The stored answer {key} is gone.", code="answer-gone", advice="Something else removed it; restore it."
    )


def _status(error: DocumentError | None) -> Status | None:
    statuses: dict[str, Status] = {"rejected": "rejected", "held": "held", "dead": "dead"}
    return statuses[error.status] if error is not None else None
