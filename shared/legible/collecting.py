"""One file over many documents: which documents, their records one after the other, and the file where people look."""

from __future__ import annotations

import json
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Literal, Protocol

import msgspec
from msgspec import Struct

from legible import exports, layout, parquet
from legible.errors import HeldError, ObjectGoneError, RejectedError, UnavailableError
from legible.model import Document, ObjectRef, Reason, Record
from legible.ports import Listed, ObjectStore, Wanted
from legible.publishing import RECORD
from legible.record import HEAD_BYTES, document_of
from legible.rows import Line
from legible.workbook.many import Many

#: A record of more bytes is listed, but its content is not: memory would not hold it. About 400 pages of text.
LARGEST_RECORD = 16_000_000
#: So many records are read ahead, as long as none has more bytes than that.
_AHEAD, _SMALL_RECORD = 16, 1_000_000
_TRIES = 10
#: A build is written under its own name here until it is known to be the newest.
_BUILDS = ".builds"
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")

Format = Literal["xlsx", "csv", "jsonl", "parquet"]
#: Ending and media type of each kind of file.
KINDS: dict[Format, tuple[str, str]] = {
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("csv.zip", "application/zip"),
    "jsonl": ("jsonl", "application/x-ndjson"),
    "parquet": ("parquet.zip", "application/zip"),
}


class Selection(Struct, frozen=True):
    """Which documents: those whose key begins with ``prefix``, if given of one ``day`` (UTC), or a list of ``keys``."""

    prefix: str = ""
    day: date | None = None
    keys: tuple[str, ...] | None = None

    def has(self, at: datetime | None) -> bool:
        """Tell whether a document that was finished then belongs to it."""
        return self.day is None or (at is not None and at.astimezone(timezone.utc).date() == self.day)


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """What a timer asks for: a ``workbook`` by its name, over a ``prefix`` or a ``day`` (``yesterday``, ``today``)."""

    workbook: str
    prefix: str = ""
    day: Literal["", "yesterday", "today"] = ""
    formats: tuple[Format, ...] = ()

    def selection(self, today: date) -> Selection:
        """Return which documents that are, by the day it is in UTC."""
        days = {"today": today, "yesterday": today - timedelta(days=1)}
        return Selection(self.prefix, days.get(self.day))


class Built(Struct, frozen=True):
    """What was built: how many documents are in it, which of them still run, and where the files stand."""

    documents: int = 0
    running: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Sink(Protocol):
    """A file that takes rows."""

    def write(self, line: Line) -> None:
        """Write one row."""
        ...

    def add(self, record: Record, source: str = "") -> None:
        """Write the rows of one document."""
        ...

    def close(self) -> None:
        """End the file."""
        ...


class Collector:
    """Builds files over many documents. Memory holds a few records at a time.

    Args:
        store: Where documents and results lie.
        input_bucket: Where documents come from.
        output: Where results lie and files go.
        marker: The name of an object that says that a folder is complete; it is no document.
        now: The clock.
        owner: A name no other build has.
    """

    def __init__(
        self,
        store: ObjectStore,
        input_bucket: str,
        output: str,
        *,
        marker: str,
        now: Callable[[], datetime],
        owner: str,
    ) -> None:
        """See the class."""
        self._store = store
        self._input = input_bucket
        self._output = output
        self._marker = marker
        self._now = now
        self._owner = owner

    def folder_of(self, ref: ObjectRef) -> str | None:
        """Return the folder that a marker says is complete, with its slash; None for anything else."""
        folder, _, name = ref.key.rpartition("/")
        is_marker = bool(self._marker) and name == self._marker and ref.bucket == self._input
        return (f"{folder}/" if folder else "") if is_marker else None

    def running(self, prefix: str) -> list[str]:
        """Return the keys of documents below a prefix that have no result yet."""
        done = {name for name, _ in self._results(Selection(prefix))}
        return [item.key for item in self._documents(prefix) if layout.shortened(item.key) not in done]

    def build(
        self,
        name: str,
        selection: Selection,
        formats: tuple[Format, ...] = ("xlsx",),
        tell: Callable[[int, int], None] = lambda done, total: None,
    ) -> Built:
        """Build files and put them where people look: ``workbooks/<name>.xlsx``.

        Of two builds of one name at the same time the one that began later stands in the end; neither mixes with the
        other, because each is written under a name of its own first.

        Args:
            name: The files' name, without ending; it may have slashes.
            selection: Which documents.
            formats: Which kinds of files.
            tell: Called with how many documents were read, of how many.

        Raises:
            RejectedError: The name cannot be one.
            UnavailableError: The store has a passing fault.
        """
        if not _NAME.fullmatch(name) or name.startswith(("/", ".")) or name.endswith("/"):
            raise RejectedError(
                f"{name!r} is no name for a workbook.", code="bad-name", advice="Use letters, digits, '-' and '/'."
            )
        began = self._now()
        with tempfile.TemporaryDirectory(prefix="legible-") as folder:
            paths = {kind: Path(folder) / KINDS[kind][0] for kind in formats}
            built = self.write(name, selection, paths, tell)
            files = tuple(self._publish(name, began, kind, path) for kind, path in paths.items())
        return msgspec.structs.replace(built, files=files)

    def write(
        self,
        name: str,
        selection: Selection,
        paths: dict[Format, Path],
        tell: Callable[[int, int], None] = lambda done, total: None,
    ) -> Built:
        """Write files here; see ``build``."""
        try:
            return self._write(name, selection, paths, tell)
        except OSError as error:
            raise HeldError(
                f"The files of {name} cannot be written here ({type(error).__name__}).",
                code="disk-full",
                advice="Give the function a larger /tmp, or choose fewer documents.",
            ) from None

    def _write(
        self, name: str, selection: Selection, paths: dict[Format, Path], tell: Callable[[int, int], None]
    ) -> Built:
        found = list(self._results(selection))
        uploads = self._uploads(selection)
        there = {result for result, _ in found}
        missing = [item.key for result, item in uploads.items() if result not in there]
        count, outdated = 0, list[str]()
        with ExitStack() as opened:
            sinks = [_sink(kind, opened.enter_context(path.open("wb")), name, path) for kind, path in paths.items()]
            for number, (result, record) in enumerate(self._records(found), 1):
                tell(number, len(found))
                if record is None:
                    missing.append(result)
                elif selection.has(record.finished_at):
                    count += 1
                    upload = uploads.get(result)
                    newer = upload is not None and record.document.etag not in ("", upload.etag)
                    self._add(sinks, _outdated(record) if newer else record)
                    outdated += [record.document.key] if newer else []
            for key in missing:
                self._add(sinks, _unfinished(self._input, key))
            for sink in sinks:
                sink.close()
        return Built(count + len(missing), (*outdated, *missing))

    def _add(self, sinks: list[Sink], record: Record) -> None:
        for sink in sinks:
            sink.add(record, self._source(record.document))

    def _source(self, document: Document) -> str:
        return self._store.url(document.ref) if document.bucket == self._input else ""

    def _results(self, selection: Selection) -> Iterator[tuple[str, Listed | None]]:
        """Yield the result folders of a selection, as far as a list of objects tells; the record tells the rest."""
        if selection.keys is not None:
            yield from ((layout.shortened(key), None) for key in selection.keys)
            return
        for item in self._store.list(self._output, layout.results_below(selection.prefix)):
            name = layout.result_of(item.key, RECORD)
            if name is not None and _may_be_of(selection.day, item.modified_at):
                yield name, item

    def _documents(self, prefix: str) -> Iterator[Listed]:
        for item in self._store.list(self._input, prefix):
            own = self._input == self._output and item.key.startswith(layout.OWN)
            marker = self.folder_of(ObjectRef(self._input, item.key)) is not None
            if not own and not marker and not item.key.endswith("/"):
                yield item

    def _uploads(self, selection: Selection) -> dict[str, Listed]:
        """Return what lies in the input bucket, by result folder; nothing for a day: that is of what ended on it."""
        if selection.keys is not None or selection.day is not None:
            return {}
        return {layout.shortened(item.key): item for item in self._documents(selection.prefix)}

    def _records(self, found: list[tuple[str, Listed | None]]) -> Iterator[tuple[str, Record | None]]:
        """Yield the records in their order, some of them read ahead; None for one that is not there."""
        waiting: deque[tuple[str, Future[bytes | int | None]]] = deque()
        with ThreadPoolExecutor(_AHEAD) as pool:
            for name, item in found:
                waiting.append((name, pool.submit(self._body, name, item)))
                if len(waiting) >= _AHEAD:
                    first, done = waiting.popleft()
                    yield first, self._record(first, done.result())
            while waiting:
                first, done = waiting.popleft()
                yield first, self._record(first, done.result())

    def _body(self, name: str, item: Listed | None) -> bytes | int | None:
        """Return a record's bytes; of one that is not small its size: such are read one at a time. None of none."""
        ref = ObjectRef(self._output, layout.results(name, RECORD))
        try:
            size = item.size if item is not None else self._store.head(ref).size
            return self._store.read(ref) if size <= _SMALL_RECORD else size
        except ObjectGoneError:
            return None

    def _record(self, name: str, body: bytes | int | None) -> Record | None:
        ref = ObjectRef(self._output, layout.results(name, RECORD))
        try:
            if isinstance(body, int):
                if body > LARGEST_RECORD:
                    return self._large(ref, body)
                body = self._store.read(ref)
            return None if body is None else msgspec.json.decode(body, type=Record)
        except ObjectGoneError:
            return None
        except (msgspec.MsgspecError, ValueError):
            return _unreadable(self._input, name)

    def _large(self, ref: ObjectRef, size: int) -> Record:
        """Return what the index says of a record that is too large: who it is, how it ended, where its content is."""
        said = self._store.head(ref).metadata.get("legible", "{}")
        status = json.loads(said).get("status", "done")
        document = document_of(self._store.read(ref, Wanted(first=0, last=HEAD_BYTES - 1)))
        reason = Reason(
            "too-large-to-collect",
            f"Its record has {size / 1e6:.0f} MB; what is in it is not listed here.",
            "Open its own record.xlsx.",
        )
        at = self._store.head(ref).modified_at
        return Record(document=document, status=status, reason=reason, finished_at=at)

    def _publish(self, name: str, began: datetime, kind: Format, path: Path) -> str:
        """Put a file where people look, unless a build that began later stands or comes there."""
        ending, media_type = KINDS[kind]
        builds = f"workbooks/{_BUILDS}/{name}.{ending}/"
        mine = f"{builds}{began.astimezone(timezone.utc):%Y%m%dT%H%M%S%f}-{self._owner}"
        target = ObjectRef(self._output, f"workbooks/{name}.{ending}")
        self._store.write(ObjectRef(self._output, mine), path, media_type)
        for _ in range(_TRIES):
            newest = self._newest(builds, mine)
            try:
                self._store.copy(ObjectRef(self._output, newest), target)
            except ObjectGoneError:  # tidied away by one that began later
                continue
            if self._newest(builds, newest) == newest:
                self._tidy(builds, newest)
                return target.key
        raise UnavailableError(f"Builds of {name} keep coming.", advice="Let one end before the next begins.")

    def _newest(self, builds: str, mine: str) -> str:
        return max((item.key for item in self._store.list(self._output, builds)), default=mine)

    def _tidy(self, builds: str, newest: str) -> None:
        """Remove what earlier builds left; the newest stays, so that a late earlier one sees it."""
        for item in list(self._store.list(self._output, builds)):
            if item.key < newest:
                self._store.remove(ObjectRef(self._output, item.key))


def _sink(kind: Format, file: IO[bytes], name: str, path: Path) -> Sink:
    if kind == "xlsx":
        return Many(file, name, folder=path.parent)
    if kind == "parquet":
        return parquet.Parquet(file)
    return exports.Csv(file) if kind == "csv" else exports.JsonLines(file)


def _may_be_of(day: date | None, modified_at: datetime | None) -> bool:
    """Tell whether a record that was last written then may be one that ended on a day; it may be rebuilt later."""
    return day is None or modified_at is None or modified_at.date() >= day - timedelta(days=1)


def _unfinished(bucket: str, key: str) -> Record:
    reason = Reason("no-result", "It has no result yet.", "It is being recognized, or waits for its turn.")
    return Record(document=Document(bucket, key, ""), status="running", reason=reason)


def _outdated(record: Record) -> Record:
    reason = Reason("newer-upload", "A newer upload has no result yet; what is shown is of the one before.")
    return msgspec.structs.replace(record, status="running", reason=reason)


def _unreadable(bucket: str, key: str) -> Record:
    reason = Reason("record-unreadable", "Its record was changed by something else.", "Run `legible rebuild` for it.")
    return Record(document=Document(bucket, key, ""), status="dead", reason=reason)
