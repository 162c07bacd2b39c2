"""What the answers of a document say, page by page: a little is held in memory, more lies on the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from types import TracebackType
from typing import Generic, TypeVar

import msgspec

from legible.model import messages
from legible.model.pages import Empty
from legible.model.records import Check, Extract, Field, Table, TextBlock

#: What is beyond lies on the disk, in bytes.
SPOOL_BYTES = 2_000_000
#: So many notes are kept; what is beyond is counted in the last one.
MOST_NOTES = 1000

_Kind = TypeVar("_Kind")


class Contents:
    """Takes what each page says, in the order of the pages; gives it back as often as asked, one page at a time."""

    def __init__(self, spool_bytes: int = SPOOL_BYTES) -> None:
        """Begin with nothing; what is beyond ``spool_bytes`` goes on the disk."""
        self._spool = tempfile.SpooledTemporaryFile(max_size=spool_bytes, prefix="legible-")  # noqa: SIM115
        self._notes: list[str] = []
        self._more_notes = 0
        self._counts = {"fields": 0, "tables": 0, "text": 0, "checks": 0}
        #: Why answers could not be read, by page; whoever reads them puts it here.
        self.unreadable: dict[int, str] = {}
        #: How many values somebody should look at; whoever adds to the contents counts them.
        self.doubtful = 0
        #: How many checks failed.
        self.findings = 0
        #: Which pages gave nothing, and why as far as it is known; whoever reads the answers puts it here.
        self.empty: dict[int, Empty] = {}

    def add(self, extract: Extract) -> None:
        """Take in what one page says; its files are kept elsewhere."""
        for name in self._counts:
            self._counts[name] += len(getattr(extract, name))
        self.findings += sum(not check.passed for check in extract.checks)
        room = max(0, MOST_NOTES - len(self._notes))
        self._notes += extract.notes[:room]
        self._more_notes += len(extract.notes[room:])
        self._spool.seek(0, 2)
        messages.send(self._spool, msgspec.structs.replace(extract, files=(), notes=()))

    def pages(self) -> Iterator[Extract]:
        """Yield what each page says."""
        place = 0
        while True:
            self._spool.seek(place)  # several may be reading, each at its own place
            extract = messages.receive(self._spool, Extract)
            if extract is None:
                return
            place = self._spool.tell()
            yield extract

    @property
    def fields(self) -> Collection[Field]:
        """See ``Recognized``."""
        return _View(self._counts["fields"], lambda: (item for page in self.pages() for item in page.fields))

    @property
    def tables(self) -> Collection[Table]:
        """See ``Recognized``."""
        return _View(self._counts["tables"], lambda: (item for page in self.pages() for item in page.tables))

    @property
    def text(self) -> Collection[TextBlock]:
        """See ``Recognized``."""
        return _View(self._counts["text"], lambda: (item for page in self.pages() for item in page.text))

    @property
    def checks(self) -> Collection[Check]:
        """See ``Recognized``."""
        return _View(self._counts["checks"], lambda: (item for page in self.pages() for item in page.checks))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd in the answers."""
        more = (f"{self._more_notes} more notes.",) if self._more_notes else ()
        return (*self._notes, *more)

    def __enter__(self) -> Contents:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give disk and memory back."""
        self._spool.close()


class _View(Generic[_Kind]):
    """A collection that is read again from the disk each time it is iterated."""

    def __init__(self, count: int, items: Callable[[], Iterator[_Kind]]) -> None:
        self._count = count
        self._items = items

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_Kind]:
        return self._items()

    def __contains__(self, item: object) -> bool:
        return any(other == item for other in self)
