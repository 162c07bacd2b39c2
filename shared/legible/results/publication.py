"""Publishes what people open: the results of the newest upload of a key, and never of an older one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from legible.errors import DocumentError, HeldError, ObjectGoneError, RetryableError, UnavailableError
from legible.model import layout
from legible.model.documents import NEVER, Document, ObjectRef
from legible.model.layout import KINDS, RECORD
from legible.model.records import SCHEMA_NUMBER, Record
from legible.ports import Site, Wanted, ranges
from legible.results.newest import LostError, Newest, Precedence, Version
from legible.results.published import Published, read_published

__all__ = ["Published", "Publisher"]

_TRIES = 10
#: How many objects are written at once.
_AT_ONCE = 8
#: Below a key that is also a folder there may lie the results of many documents; so many are looked at.
_MOST_LISTED = 1000
#: A file up to this size is sent from memory, so that it can be sent again at once if the connection breaks.
_SMALL_BYTES = 4_000_000


class Survey(Struct, frozen=True):
    """What was found under a document's key after it had been announced, before it is published.

    ``names`` are the results that lie there, those of ``current``, the record of it, and what else a publisher left.
    """

    document: Document
    current: Published | None
    names: frozenset[str]


class Publisher:
    """Writes results.

    Args:
        site: Its output bucket holds the results.
        newest: Knows which upload of a key is the newest.
    """

    def __init__(self, site: Site, newest: Newest) -> None:
        """Write nothing yet."""
        self._site = site
        self._newest = newest
        self._first: Document | None = None
        self._survey: Survey | None = None

    def announce(self, document: Document) -> None:
        """Announce a document that will be published, if it is the first of its key today; else ``publish`` does.

        Raises:
            UnavailableError: The list of versions cannot be used.
        """
        try:
            self._first = document if self._newest.announce_first(document) else None
        except (HeldError, RetryableError):
            self._first = None
        except DocumentError as error:
            raise UnavailableError.of(error) from error

    def survey(self, document: Document) -> None:
        """Look at what lies under the key of a document that was announced, so that ``publish`` need not."""
        if self._first is None:
            return
        with suppress(Exception), ThreadPoolExecutor(1) as beside:
            lying = beside.submit(self._lying, document.key)
            alone = self._newest.precedence(document).alone
            names = lying.result()
            current = self.current(document.key) if alone and RECORD in names else None
            self._survey = Survey(document, current, names) if alone else None

    def publish(
        self,
        record: Record,
        files: Mapping[str, Path | bytes],
        *,
        doubtful: int = 0,
        empty: int = 0,
        yields: bool = False,
        before: Callable[[], None] = lambda: None,
        sure: bool = False,
    ) -> bool:
        """Put a document's results where people look, unless a newer upload of the key has its own there.

        Args:
            record: What the results say.
            files: Name and content of each result; see ``KINDS``.
            doubtful: How many of its values somebody should look at.
            empty: How many of its pages gave nothing.
            yields: The upload was replaced; it counts as older than any other one of its key.
            before: Ends before the record is written.
            sure: Nobody else can be publishing this very document: then nothing waits for ``before`` but the record.

        Returns:
            False if a newer upload's result is published instead.
        """
        document = record.document
        uploaded_at = None if yields else document.uploaded_at
        published = Published(
            document.version, uploaded_at, record.status, tuple(files), record.revision, record.operation, doubtful,
            SCHEMA_NUMBER, empty,
        )  # fmt: skip
        document = msgspec.structs.replace(document, uploaded_at=None) if yields else document
        survey = self._surveyed(document) if sure else None
        tasks = [partial(self._keep, document, name, file, published) for name, file in files.items()]
        if survey is None:
            before()
            self._together(tasks)
            return self._stand(document, published)
        others = [partial(self._write, layout.results(document.key, name), name, files[name]) for name in files]
        self._together([before, *tasks, *(task for task in others if task.args[1] != RECORD)])
        return self._stand(document, published, survey, files[RECORD])

    def publish_again(self, document: Document) -> bool:
        """Put the results of an earlier upload of the same bytes back on top: they were uploaded again.

        Returns:
            False if there are none, or a newer upload's result is published instead.
        """
        published = self.known(document)
        if published is None:
            return False
        if (document.uploaded_at or NEVER) > (published.uploaded_at or NEVER) and not published.newer:
            published = self._redated(document, published)
        return self._stand(document, published)

    def known(self, document: Document) -> Published | None:
        """Return what the record of this very version says of itself; None if it has no record."""
        return self._published(self._site.in_output(layout.version(document, RECORD)))

    def current(self, key: str) -> Published | None:
        """Return what the record published under a document's key says of itself; None if there is none."""
        return self.filed(layout.shortened(key))

    def filed(self, folder: str) -> Published | None:
        """Return the same by the folder that the results are in (``layout.filed``)."""
        return self._published(self._site.in_output(layout.filed(folder, RECORD)))

    def _surveyed(self, document: Document) -> Survey | None:
        """Return what was found when the document was announced, if its results may be written where people look."""
        survey, self._survey = self._survey, None
        if survey is None or survey.document.version != document.version:
            return None
        if survey.document.uploaded_at != document.uploaded_at or self._later(document, survey.current) is not None:
            return None
        return survey

    def _stand(
        self, document: Document, published: Published, survey: Survey | None = None, record: Path | bytes | None = None
    ) -> bool:
        """Put results where people look; with a ``survey`` all but the ``record`` are there."""
        for _ in range(_TRIES):
            try:
                if survey is not None and record is not None:
                    told, newer = True, self._end(document, published, survey, record)
                    survey = None
                else:
                    told, newer = self._announced(document, published)
                if newer is not None:
                    self._restore(document, newer, told=told)
            except LostError:
                survey = None
                continue
            return newer is None
        raise UnavailableError(f"The list of versions of {document.ref} keeps losing lines.")

    def _announced(self, document: Document, published: Published) -> tuple[bool, Version | None]:
        told = self._newest.announce(document)
        precedence = self._newest.precedence(document) if told else Precedence()
        newer = precedence.newer or self._later_version(document)
        if newer is None:
            if told and not precedence.alone:
                self._newest.give_way()
            self._raise(document, published)
            newer = self._newest.newer(document) if told else None
        return told, newer

    def _end(self, document: Document, published: Published, survey: Survey, record: Path | bytes) -> Version | None:
        """Write the record, behind all others, and look meanwhile whether anybody else publishes."""
        gone = set(KINDS) - set(published.names)
        self._together([partial(self._remove, document, name) for name in gone & survey.names])
        place = layout.results(document.key, RECORD)
        write = partial(self._write, place, RECORD, record, published.metadata())
        precedence = self._newest.beside(document, write)
        if not precedence.alone:  # whoever came in between may have left what the survey did not see
            self._together([partial(self._remove, document, name) for name in gone])
        return precedence.newer

    def _restore(self, document: Document, newer: Version, *, told: bool) -> None:
        """Put the newest result back, until none newer has come in between."""
        while True:
            self._put_back(document, newer)
            last = self._newest.newer(document) if told else None
            if last is None or last.version == newer.version:
                return
            newer = last

    def _put_back(self, document: Document, version: Version) -> None:
        """Publish the newer version's results again, if it has any and nothing newer is there."""
        newer = msgspec.structs.replace(document, version=version.version, uploaded_at=version.uploaded_at)
        if self._later_version(newer) is not None:
            return
        published = self.known(newer)
        if published is not None:
            self._raise(newer, published)

    def _later_version(self, document: Document) -> Version | None:
        """Return the version whose result is published, if it was uploaded later than this one."""
        return self._later(document, self.current(document.key))

    def _later(self, document: Document, current: Published | None) -> Version | None:
        if current is None or current.version == document.version:
            return None
        later = (current.uploaded_at or NEVER) > (document.uploaded_at or NEVER)
        return Version(current.version, current.uploaded_at) if later else None

    def _published(self, ref: ObjectRef) -> Published | None:
        try:
            return read_published(self._site.store.head(ref).metadata.get("legible", ""))
        except ObjectGoneError:
            return None

    def _raise(self, document: Document, published: Published) -> None:
        """Copy a version's results to where people look, and remove what only an earlier upload had."""
        gone = set(KINDS) - set(published.names)  # an invocation killed here may have left more than any record names
        # The record comes last: whoever finds it finds all the others.
        self._together(
            [partial(self._copy, document, name) for name in published.names if name != RECORD]
            + [partial(self._remove, document, name) for name in gone]
        )
        self._copy(document, RECORD)

    def _remove(self, document: Document, name: str) -> None:
        with suppress(HeldError):  # without the right to remove, results are published all the same
            self._site.store.remove(self._site.in_output(layout.results(document.key, name)))

    def _copy(self, document: Document, name: str) -> None:
        source, target = layout.version(document, name), layout.results(document.key, name)
        self._site.store.copy(self._site.in_output(source), self._site.in_output(target))

    def _keep(self, document: Document, name: str, file: Path | bytes, published: Published) -> None:
        """Write a result beside the answers of its version."""
        metadata = published.metadata() if name == RECORD else None
        self._write(layout.version(document, name), name, file, metadata)

    def _write(self, key: str, name: str, file: Path | bytes, metadata: dict[str, str] | None = None) -> None:
        body = file if isinstance(file, bytes) or file.stat().st_size > _SMALL_BYTES else file.read_bytes()
        self._site.store.write(self._site.in_output(key), body, KINDS[name], metadata)

    def _lying(self, key: str) -> frozenset[str]:
        """Return the names of the results that lie under a document's key; all where too much lies there to be seen."""
        below = layout.results(key, "")
        keys = [item.key for item in islice(self._site.store.list(self._site.output, below), _MOST_LISTED)]
        return frozenset(KINDS if len(keys) == _MOST_LISTED else (one[len(below) :] for one in keys))

    def _redated(self, document: Document, published: Published) -> Published:
        """Write the record again with the time of the later upload; nothing else of it changes."""
        ref = self._site.in_output(layout.version(document, RECORD))
        old, new = (
            b'"uploaded_at": ' + msgspec.json.encode(at) for at in (published.uploaded_at, document.uploaded_at)
        )
        published = msgspec.structs.replace(published, uploaded_at=document.uploaded_at)
        with tempfile.TemporaryDirectory(prefix="legible-") as folder:
            path = Path(folder) / RECORD
            with path.open("wb") as file:
                for first, last in ranges(self._site.store.head(ref).size):
                    part = self._site.store.read(ref, Wanted(first=first, last=last))
                    file.write(part if first else part.replace(old, new, 1))
            self._keep(document, RECORD, path, published)
        return published

    def _together(self, tasks: Sequence[Callable[[], None]]) -> None:
        if not tasks:
            return
        with ThreadPoolExecutor(_AT_ONCE) as together:
            for done in [together.submit(task) for task in tasks]:
                done.result()
