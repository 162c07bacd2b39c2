"""Builds files over many documents: selects documents, reads their records one by one, writes the file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct

from legible.errors import DocumentError, HeldError, RejectedError
from legible.model.documents import Document, Format, ObjectRef, Reason, Selection, WorkbookOrder
from legible.model.records import Recognized, Record
from legible.ports import Invocation, Site
from legible.workbooks.builds import Build, Builds, Standing, Unfinished
from legible.workbooks.listing import Candidates, Selector
from legible.workbooks.records import USUAL, Fetched, RecordLimits, Records

if TYPE_CHECKING:
    from legible.outputs.rows import Row

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
#: What is kept free of an invocation's time to end the file and to write it: seconds, and a share of what was used.
_END_SECONDS, _END_SHARE = 2.0, 0.25
#: Ending and media type of each kind of file.
KINDS: dict[Format, tuple[str, str]] = {
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("csv.zip", "application/zip"),
    "jsonl": ("jsonl", "application/x-ndjson"),
    "parquet": ("parquet.zip", "application/zip"),
}


class Built(Struct, frozen=True):
    """What was built: how many documents, which of them still run, and the keys of the files; or why nothing was."""

    documents: int = 0
    running: Unfinished = msgspec.field(default_factory=Unfinished)
    files: tuple[str, ...] = ()
    reason: Reason | None = None


class Sink(Protocol):
    """A file that takes rows."""

    def write(self, line: Row) -> None:
        """Write one row."""
        ...

    def add(self, record: Record, source: str = "", parts: Recognized | None = None) -> None:
        """Write the rows of one document; ``parts`` is what was recognized, where the record does not hold it."""
        ...

    def close(self) -> None:
        """End the file."""
        ...


def _sink(kind: Format, file: IO[bytes], name: str, folder: Path) -> Sink:
    if kind == "xlsx":
        from legible.outputs.xlsx.many import Many  # what is not written is not loaded

        return Many(file, name, folder=folder)
    from legible.outputs import csv_jsonl, parquet

    if kind == "parquet":
        return parquet.Parquet(file)
    return csv_jsonl.Csv(file) if kind == "csv" else csv_jsonl.JsonLines(file)


class Collector:
    """Builds files over many documents. Memory holds a few records at a time, the disk the rest.

    For each 100,000 documents of ten fields the disk takes about 130 MB. Where it has no room, or the time of an
    invocation does not hold it all, nothing is built, and an error says so: a file is whole, or it is not there.

    Args:
        site: Where documents and results lie, and files go.
        call: The invocation: its clock and its time, and a name no other build has.
        selector: Finds the documents.
        limits: How records are read.
        sink: Opens a kind of file: from where to, its title, and the folder for what waits on the disk.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        selector: Selector,
        *,
        limits: RecordLimits = USUAL,
        sink: Callable[[Format, IO[bytes], str, Path], Sink] = _sink,
    ) -> None:
        """Build files from the documents and results of both buckets."""
        self._site = site
        self._call = call
        self._selector = selector
        self._records = Records(site, limits)
        self._builds = Builds(site, call.owner)
        self._sink = sink

    def folder_of(self, ref: ObjectRef) -> str | None:
        """Return the folder that a marker says is complete, with its slash; None for anything else."""
        return self._selector.folder_of(ref)

    def running(self, prefix: str) -> Unfinished:
        """Return which documents below a prefix have no result yet."""
        waiting = Unfinished()
        with ExitStack() as opened:
            for candidate in self._selector.find(Selection(prefix), opened):
                if candidate.size is None:
                    waiting.add(candidate.key)
        return waiting

    def build(
        self,
        name: str,
        selection: Selection,
        formats: tuple[Format, ...] = ("xlsx",),
        tell: Callable[[int, int], None] = lambda done, total: None,
    ) -> Built:
        """Build files and put them where people look: ``workbooks/<name>.xlsx``; ``Builds.known`` tells how it stands.

        Of two builds of one name at the same time the one that began later stands in the end; see ``Builds``.

        Args:
            name: The files' name, without ending; it may have slashes.
            selection: Which documents.
            formats: Which kinds of files.
            tell: Called with how many documents were read, of how many.

        Raises:
            RejectedError: The name cannot be one.
            HeldError: Disk or time do not hold it.
            UnavailableError: The store has a passing fault.
        """
        check_name(name)
        began = self._call.now()
        self._builds.tell(name, Build("running", began, selection=selection))
        try:
            built = self._build(name, selection, formats, tell, began)
        except DocumentError as error:
            self._builds.tell(
                name, Build("held", began, self._call.now(), reason=Reason.of(error), selection=selection)
            )
            raise
        status: Standing = "partial" if built.running.count else "done"
        ended = Build(
            status, began, self._call.now(), built.documents, built.running, built.files, selection=selection
        )  # fmt: skip
        self._builds.tell(name, ended)
        return built

    def _build(
        self,
        name: str,
        selection: Selection,
        formats: tuple[Format, ...],
        tell: Callable[[int, int], None],
        began: datetime,
    ) -> Built:
        with tempfile.TemporaryDirectory(prefix="legible-") as folder:
            paths = {kind: Path(folder) / KINDS[kind][0] for kind in formats}
            built = self.write(name, selection, paths, tell)
            files = tuple(
                self._builds.put(f"{name}.{KINDS[kind][0]}", began, path, KINDS[kind][1])
                for kind, path in paths.items()
            )
        return msgspec.structs.replace(built, files=files)

    def timed(self, asked: WorkbookOrder, at: datetime | None, formats: tuple[Format, ...]) -> Built:
        """Build the files of a timer's order; returns a reason where building fails and trying again would not help.

        Args:
            asked: What.
            at: When the timer rang; None for now.
            formats: Which kinds of files, where it does not say.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        today = (at or self._call.now()).astimezone(timezone.utc).date()
        try:
            return self.build(asked.workbook, asked.selection(today), asked.formats or formats)
        except DocumentError as error:
            return Built(reason=Reason.of(error))

    def write(
        self,
        name: str,
        selection: Selection,
        paths: dict[Format, Path],
        tell: Callable[[int, int], None] = lambda done, total: None,
    ) -> Built:
        """Write files on this disk, whole or not at all; see ``build``."""
        check_name(name)
        try:
            with ExitStack() as opened:
                beside = next(iter(paths.values())).parent
                folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix=".legible-", dir=beside)))
                unfinished = {kind: folder / KINDS[kind][0] for kind in paths}
                built = self._write(name, selection, unfinished, tell)
                for kind, path in paths.items():
                    unfinished[kind].replace(path)
                return built
        except OSError as error:
            raise HeldError(
                f"The files of {name} cannot be written here ({type(error).__name__}).",
                code="disk-full",
                advice="Give the function a larger /tmp, choose fewer documents, or run `legible workbook`.",
            ) from None

    def _write(
        self, name: str, selection: Selection, paths: dict[Format, Path], tell: Callable[[int, int], None]
    ) -> Built:
        count, waiting = 0, Unfinished()
        with ExitStack() as opened:
            files = [(kind, opened.enter_context(path.open("wb")), path.parent) for kind, path in paths.items()]
            sinks = [self._sink(kind, file, name, folder) for kind, file, folder in files]
            candidates = self._selector.find(selection, opened, files[0][2])
            for number, fetched in enumerate(self._timely(name, candidates), 1):
                tell(number, candidates.count)
                record = self._known(fetched)
                if fetched.record is None or selection.has(fetched.record.finished_at):
                    count += 1
                    if record.status == "running":
                        waiting.add(record.document.key)
                    for sink in sinks:
                        sink.add(record, self._source(record.document), fetched.parts)
            for sink in sinks:
                sink.close()
        return Built(count, waiting)

    def _timely(self, name: str, candidates: Candidates) -> Iterator[Fetched]:
        """Yield each document's record, as long as there is time left to end the file."""
        had = self._call.remaining()
        for number, fetched in enumerate(self._records.each(candidates)):
            left = self._call.remaining()
            if left < _END_SECONDS + _END_SHARE * (had - left):
                read = f"{number:,} of {candidates.count:,} documents were read"
                raise HeldError(
                    f"{name} takes longer than the function may: {read}.",
                    code="no-time",
                    advice="Give the function more time, choose fewer documents, or run `legible workbook`.",
                )
            yield fetched

    def _known(self, fetched: Fetched) -> Record:
        """Return a document's record; one without a record, or with that of an older upload, is still running."""
        candidate, record = fetched.candidate, fetched.record
        if record is None:
            reason = Reason("no-result", "It has no result yet.", "It is being recognized, or waits for its turn.")
            document = Document(self._site.input, candidate.key or candidate.name, "")
            return Record(document=document, status="running", reason=reason)
        if candidate.etag and record.document.etag not in ("", candidate.etag):
            reason = Reason("newer-upload", "A newer upload has no result yet; what is shown is of the one before.")
            return msgspec.structs.replace(record, status="running", reason=reason)
        return record

    def _source(self, document: Document) -> str:
        return self._site.store.url(document.ref) if document.bucket == self._site.input else ""


def check_name(name: str) -> None:
    """Check the name of files over many documents, without ending.

    Raises:
        RejectedError: It can be none.
    """
    if not _NAME.fullmatch(name) or name.startswith(("/", ".")) or name.endswith("/") or ".." in name.split("/"):
        raise RejectedError(
            f"{name!r} is no name for a workbook.",
            code="bad-name",
            advice="Use letters, digits, '-' and '/', at most 200 with the folder it is in.",
        )
