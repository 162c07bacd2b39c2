"""Makes the files that people open from a journal and its answers; again at any time, and nothing is paid."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Struct

from legible.documents import pages
from legible.errors import InternalError, OutOfTimeError, RejectedError, SettingsError
from legible.extraction import checks, corrections, fields
from legible.extraction.contents import Contents
from legible.extraction.corrections import Edits
from legible.extraction.doubts import needs_eyes
from legible.extraction.emptiness import emptiness, empty_check, unseen_check
from legible.ledger.answers import Answers
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document
from legible.model.layout import FORM, RECORD
from legible.model.pages import Empty
from legible.model.records import Attachment, Cell, Extract, Field, Record, TextBlock
from legible.operations.operation import Extras, Task
from legible.outputs import record as record_file
from legible.ports import Invocation, Site
from legible.results.publication import Publisher

if TYPE_CHECKING:
    from legible.outputs import crops, xlsx
    from legible.outputs.forms import Form

#: The one field of all operations that tells how many pages a document has (``vat-invoice``).
_PAGE_COUNT = "total_pages"
#: What writes workbooks; loaded when the first is to be written.
_WORKBOOKS = "legible.outputs.xlsx"
#: The results of a document of so many pages are made in memory: files cost a small one more than what is in them.
_SMALL_PAGES = 4
#: How many answers are read at once.
AT_ONCE = 8


def preload(loaded: Container[str] = sys.modules) -> None:
    """Begin to load what workbooks are written with, in a thread of its own: a claim settles meanwhile."""
    if _WORKBOOKS not in loaded:
        threading.Thread(target=import_module, args=(_WORKBOOKS,), daemon=True).start()


class Publishing(Struct, frozen=True):
    """How results are made.

    ``extras`` are made besides record and workbook. ``sheets`` are the document's pages, if they are open. ``yields``
    means that the upload was replaced: its result never takes the place of another one of its key. ``before`` ends
    before the record is published; with ``sure`` nobody else can be publishing this document, and nothing else waits.
    """

    extras: Extras = Extras()
    sheets: pages.Sheets | None = None
    yields: bool = False
    before: Callable[[], None] = lambda: None
    sure: bool = False


class Results:
    """Makes results. Memory holds a few answers at a time, whatever the number of pages.

    Args:
        site: Where attachments are kept.
        call: The invocation: gives the time left.
        answers: Finds paid answers.
        publisher: Puts results where people look.
        form: Opens a form by the name that a route gives it.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        answers: Answers,
        publisher: Publisher,
        form: Callable[[str], Form],
    ) -> None:
        """Make nothing yet."""
        self._site = site
        self._call = call
        self._answers = answers
        self._publisher = publisher
        self._form = form

    def read(
        self, document: Document, task: Task | None, state: State, received: Mapping[int, bytes], contents: Contents
    ) -> tuple[Attachment, ...]:
        """Read what each answer says, in the order of the pages, with its corrections and checks.

        Args:
            document: The document that the answers are of.
            task: Its task; with None, nothing is read.
            state: Its journal.
            received: Answers at hand, by page; the others are read from the store.
            contents: Collects what the answers say.

        Returns:
            The files that came inside answers, now stored.

        Raises:
            InternalError: A stored answer or review is gone, or not what the journal says.
            UnavailableError: The store has a passing fault.
        """
        if task is None:
            return ()
        edits = self._edits(state)
        attachments: list[Attachment] = []
        for batch in batches(state, task.pages):
            with ThreadPoolExecutor(AT_ONCE) as together:
                read = map if len(batch) == 1 else together.map
                bodies = list(read(lambda line: self._answers.verified(line, received.get(line.page)), batch))
            for line, body in zip(batch, bodies, strict=True):
                extract, unreadable = self._extract(task, line, body, edits)
                extract = checks.checked(task.operation, extract)
                if unreadable:
                    contents.unreadable[line.page] = unreadable
                else:
                    extract = _looked_at(extract, line, contents.empty)
                attachments += [self._attach(document, *file) for file in extract.files]
                contents.add(_counted(extract, task.pages, line))
                contents.doubtful += _doubtful(extract)
        return tuple(attachments)

    def corrected(self, task: Task, state: State, page: int) -> Extract:
        """Return what one page says, with its corrections; an empty extract for a page without an answer."""
        line = state.page(page).answered
        return (
            Extract()
            if line is None
            else self._extract(task, line, self._answers.verified(line), self._edits(state))[0]
        )

    def _extract(self, task: Task, line: Line, body: bytes, edits: dict[int, Edits]) -> tuple[Extract, str]:
        """Return what an answer says, with its corrections, and why it cannot be read."""
        extract, unreadable = fields.read_page(task.operation, line.page, body)
        edited = corrections.corrected(task.operation, fields.placed(extract, line.frame), edits.get(line.page, {}))
        return edited, unreadable

    def _edits(self, state: State) -> dict[int, Edits]:
        """Return the corrections from all reviews of a journal, by page and name."""
        edits: dict[int, Edits] = {}
        for line in state.reviews:
            body = self._answers.verified(line)
            try:
                review = msgspec.json.decode(body, type=corrections.Review)
            except msgspec.MsgspecError:
                raise InternalError(
                    f"The review {line.answer} was written by a newer version of Legible.",
                    code="newer-review",
                    advice="Make the results with that version: without its corrections they would say less.",
                ) from None
            corrections.add(edits, review, line.author, line.at)
        return edits

    def publish(self, record: Record, contents: Contents, publishing: Publishing) -> bool:
        """Make the results of a document and put them where people look.

        Returns:
            False if a newer upload's result is published instead.
        """
        small = len(record.pages) <= _SMALL_PAGES
        in_memory = small and not publishing.extras.outputs and not publishing.extras.form
        with nullcontext("") if in_memory else tempfile.TemporaryDirectory(prefix="legible-") as folder:
            files: dict[str, Path | bytes] = {RECORD: b"", "record.xlsx": b""}  # in their order
            from legible.outputs import xlsx  # not before there is something to write

            if "md" in publishing.extras.outputs:
                from legible.outputs import markdown

                files["record.md"] = target = Path(folder) / "record.md"
                with target.open("w", encoding="utf-8") as text:
                    text.writelines(f"{line}\n" for line in markdown.lines(record, contents.pages()))
            if "pdf" in publishing.extras.outputs:
                record = self._searchable(record, contents, publishing, files, Path(folder))
            pictures: xlsx.Pictures = {}
            if "crops" in publishing.extras.outputs:
                from legible.outputs import crops

                pictures, notes = crops.draw(record, contents.fields, self._cut(publishing.sheets))
                record = msgspec.structs.replace(record, notes=(*record.notes, *notes))
            if publishing.extras.form:
                record = self._formed(record, contents, publishing.extras.form, files, Path(folder))
            files[RECORD] = _written(
                None if small else Path(folder) / RECORD, partial(record_file.write, record, contents)
            )
            files["record.xlsx"] = _written(
                None if small else Path(folder) / "record.xlsx",
                lambda file: xlsx.write(record, contents, file, pictures=pictures),
            )
            return self._publisher.publish(
                record, files, doubtful=contents.doubtful, empty=len(contents.empty), yields=publishing.yields,
                before=publishing.before, sure=publishing.sure,
            )  # fmt: skip

    def _attach(self, document: Document, name: str, page: int, media_type: str, body: bytes) -> Attachment:
        key = layout.attachment(document, page, name)
        self._site.store.write(self._site.in_output(key), body, media_type)
        return Attachment(name, page, key, media_type, len(body))

    def _formed(
        self, record: Record, contents: Contents, name: str, files: dict[str, Path | bytes], folder: Path
    ) -> Record:
        """Make ``form.xlsx``; the record's notes say what could not be made."""
        target = folder / FORM
        try:
            form = self._form(name)
            with target.open("wb") as file:
                notes = form.write(record, contents, file)
        except SettingsError as error:
            notes = [f"form.xlsx was not made: {error}"]
        else:
            files[FORM] = target
        return msgspec.structs.replace(record, notes=(*record.notes, *notes))

    def _cut(self, sheets: pages.Sheets | None) -> crops.Cut | None:
        """Return what cuts crops out of the pages; None if they are not open."""
        return None if sheets is None else lambda page, boxes: sheets.crops(page, boxes, self._call.remaining() / 2)

    def _searchable(
        self, record: Record, contents: Contents, publishing: Publishing, files: dict[str, Path | bytes], folder: Path
    ) -> Record:
        """Make ``record.pdf``; where it cannot be made, the record says why."""
        if record.status not in {"done", "partial"}:
            return record
        if publishing.sheets is None:
            note = "record.pdf was not made: the document was not at hand when it ended."
            return msgspec.structs.replace(record, notes=(*record.notes, note))
        from legible.outputs import searchable

        texts, target = folder / "texts", folder / "record.pdf"
        with texts.open("wb") as file:
            for words in searchable.page_words(record, contents.pages()):
                file.write(msgspec.json.encode(pages.PageText(*words)) + b"\n")
        try:
            publishing.sheets.layer(texts, target, self._call.remaining() / 2)  # the other half is for the record
        except (RejectedError, OutOfTimeError) as error:
            note = f"record.pdf was not made: {error}"
            return msgspec.structs.replace(record, notes=(*record.notes, note))
        files["record.pdf"] = target
        return record


def _written(path: Path | None, write: Callable[[IO[bytes]], None]) -> Path | bytes:
    """Return what is written, in memory or, with a ``path``, there."""
    if path is None:
        memory = BytesIO()
        write(memory)
        return memory.getvalue()
    with path.open("wb") as file:
        write(file)
    return path


def batches(state: State, count: int) -> Iterator[list[Line]]:
    """Yield the lines of the answers that count, a few at a time, in the order of the pages."""
    lines = [line for number in range(1, count + 1) if (line := state.page(number).answered) is not None]
    for first in range(0, len(lines), AT_ONCE):
        yield lines[first : first + AT_ONCE]


def _looked_at(extract: Extract, line: Line, empty: dict[int, Empty]) -> Extract:
    """Return what a page says with a finding if that is nothing, or if text of it was not in the picture."""
    why = emptiness(extract, line.ink)
    if why is not None:
        empty[line.page] = why
        return msgspec.structs.replace(extract, checks=(*extract.checks, empty_check(line.page, why)))
    if line.ink == "text-unseen":
        return msgspec.structs.replace(extract, checks=(*extract.checks, unseen_check(line.page)))
    return extract


def _doubtful(extract: Extract) -> int:
    """Return how many values of a page somebody should look at."""
    cells = (cell for table in extract.tables for cell in table.cells)
    items: Iterator[Field | TextBlock | Cell] = chain(extract.fields, extract.text, cells)
    return sum(map(needs_eyes, items))


def _counted(extract: Extract, pages_called: int, line: Line) -> Extract:
    """Add a note if the service, sent the document itself, counts another number of pages than was called for."""
    count = next((field.typed for field in extract.fields if field.name == _PAGE_COUNT), None)
    if count is None or line.frame is not None or count == str(pages_called):
        return extract
    note = f"Page {line.page}: the service counts {count} pages; {pages_called} were called for."
    return msgspec.structs.replace(extract, notes=(*extract.notes, note))
