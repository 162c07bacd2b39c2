"""Is the audit trail as it was written? Names the first byte that is not, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.model import layout
from legible.model.audit import CONTINUE
from legible.oversight import audit_line
from legible.oversight.audit_chain import ChainPlace
from legible.oversight.audit_damage import damaged_byte
from legible.oversight.audit_line import NOTHING, AuditLine
from legible.ports import Site

#: What was done to the trail; ``unsealed`` is a line that nobody who has the key has written.
Damage = Literal["changed", "removed", "inserted", "reordered", "truncated", "unsealed"]


class Witness(Struct, frozen=True):
    """A line of the trail that somebody wrote down: its number and its SHA-256; ``name`` says where that stands."""

    n: int
    sha256: str
    name: str = "the head that was given"


class ChainFault(Struct, frozen=True):
    """What is wrong first: in which object, from which byte on (from 0), and in which of its lines (from 1)."""

    damage: Damage
    key: str
    byte: int
    line: int
    message: str


class ChainReport(Struct, frozen=True):
    """What was looked at, up to the first fault: ``sealed`` lines among ``lines``, and the last line that holds.

    ``sealed_checked`` says whether the seals were checked: without the key they cannot be.
    """

    parts: int
    lines: int
    sealed: int
    sealed_checked: bool
    n: int = 0
    sha256: str = NOTHING
    fault: ChainFault | None = None


class _FaultError(Exception):
    """Ends the look at the trail."""

    def __init__(self, damage: Damage, key: str, byte: int, line: int, message: str) -> None:
        super().__init__(message)
        self.fault = ChainFault(damage, key, byte, line, message)


class AuditVerifier:
    """Reads the trail from its beginning, a part at a time.

    Args:
        site: Its output bucket holds the trail.
        keys: Check the seals; none to leave them unchecked.
        witnesses: Lines that were written down elsewhere.
        first: The day to begin with, whose first line is believed; None for the trail's own beginning.
    """

    def __init__(
        self,
        site: Site,
        keys: tuple[bytes, ...] = (),
        witnesses: tuple[Witness, ...] = (),
        first: date | None = None,
    ) -> None:
        """Read nothing yet."""
        self._site = site
        self._keys = keys
        self._witnesses = witnesses
        self._first = first
        self._n, self._sha256 = 0, NOTHING
        self._begun = first is None
        self._parts = self._lines = self._sealed = 0
        #: The part that was read last, its size, and which part its last line names.
        self._last, self._size, self._following = "", 0, ""
        #: Where the last line begins, and which line of its part it is.
        self._start, self._number = 0, 0

    def verify(self) -> ChainReport:
        """Return what was found.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        fault = None
        try:
            head = self._head()  # read first: the trail is at least as long by the time it is read
            for key in self._keys_of_parts():
                self._part(key)
            self._ended(head)
        except _FaultError as error:
            fault = error.fault
        return ChainReport(
            self._parts, self._lines, self._sealed, bool(self._keys), self._n, self._sha256, fault
        )  # fmt: skip

    def _head(self) -> bool:
        """Take what the bucket itself says of the trail's end as a witness; tell whether it says something."""
        key = layout.AUDIT_HEAD
        try:
            body = self._site.store.read(self._site.in_output(key))
        except ObjectGoneError:
            return False
        try:
            place = msgspec.json.decode(body, type=ChainPlace)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            place = None
        if place is None or not audit_line.intact(body):
            raise _FaultError("changed", key, damaged_byte([body], 0), 1, "It is not as it was written.")
        if self._keys and audit_line.is_sealed(body) and not audit_line.sealed_by(body, self._keys):
            raise _FaultError("unsealed", key, 0, 1, "It has not the seal of a key that was given.")
        self._witnesses += (Witness(place.n, place.sha256, key),)
        return True

    def _keys_of_parts(self) -> Iterator[str]:
        for item in self._site.store.list(self._site.output, layout.AUDIT_PARTS):
            place = layout.place_in_audit(item.key)
            if place is None:
                raise _FaultError("inserted", item.key, 0, 1, "No object of the trail is called so.")
            if self._first is None or place[0] >= self._first:
                yield item.key

    def _part(self, key: str) -> None:
        body = self._site.store.read(self._site.in_output(key))
        lines = audit_line.lines_of(body)
        if self._following and key != self._following:
            if key < self._following:
                raise _FaultError("inserted", key, 0, 1, f"The trail goes on in {self._following}.")
            raise _FaultError("removed", self._following, 0, 1, f"{self._last} says that the trail goes on there.")
        if not lines:
            raise _FaultError("truncated", key, 0, 1, "It has no line.")
        self._following = ""
        start = 0
        for number, text in enumerate(lines, 1):
            line = self._whole(key, lines, number, start)
            self._linked(key, lines, number, start, line)
            self._take(key, text, line, start, number)
            start += len(text)
            if line.name == CONTINUE and number < len(lines):
                raise _FaultError("inserted", key, start, number + 1, "It stands behind the line that ends the part.")
            self._following = line.resource_name if line.name == CONTINUE else ""
        self._last, self._size = key, len(body)
        self._parts += 1

    def _whole(self, key: str, lines: list[bytes], number: int, start: int) -> AuditLine:
        """Return a line that is as its own digest says."""
        text = lines[number - 1]
        line = audit_line.decode(text) if audit_line.intact(text) else None
        if line is not None:
            return line
        byte = damaged_byte(lines, number - 1)
        if not text.endswith(b"\n") and byte in (0, len(text)):
            raise _FaultError("truncated", key, start + len(text), number, "The line was cut.")
        raise _FaultError("changed", key, start + byte, number, "The line is not as it was written.")

    def _linked(self, key: str, lines: list[bytes], number: int, start: int, line: AuditLine) -> None:
        """Refuse a line that does not follow on the one before it."""
        if not self._begun:
            self._n, self._sha256, self._begun = line.n - 1, line.prev, True
        if (line.n, line.prev) == (self._n + 1, self._sha256):
            return
        cut = bool(number == 1 and self._last)
        if line.n > self._n + 1:
            if any(self._number_of(text) == self._n + 1 for text in lines[number:]):
                raise _FaultError("reordered", key, start, number, f"Line {line.n} stands before line {self._n + 1}.")
            message = f"{line.n - self._n - 1} lines are missing: here follows line {line.n} on line {self._n}."
            place = (self._last, self._size, self._number + 1) if cut else (key, start, number)
            raise _FaultError("truncated" if cut else "removed", *place, message)
        if line.n <= self._n:
            raise _FaultError("inserted", key, start, number, f"Line {line.n} stands behind line {self._n}.")
        self._replaced(key, lines, number, start, line)

    def _replaced(self, key: str, lines: list[bytes], number: int, start: int, line: AuditLine) -> None:
        """Say which of two lines somebody else wrote: the one that neither a witness nor the line behind it knows."""
        behind = audit_line.decode(lines[number]) if number < len(lines) else None
        vouched = any((one.n, one.sha256) == (self._n, self._sha256) for one in self._witnesses)
        if line.n == 1 or vouched or (behind is not None and behind.prev != audit_line.digest(lines[number - 1])):
            raise _FaultError("changed", key, start, number, "It does not name the line before it.")
        place = (self._last, self._start, self._number) if number == 1 else (key, self._start, self._number)
        raise _FaultError("changed", *place, f"It is not the line that line {line.n} names as the one before it.")

    def _take(self, key: str, text: bytes, line: AuditLine, start: int, number: int) -> None:
        """Take a line that holds, by its seal and by what others wrote down."""
        sealed, sha256 = audit_line.is_sealed(text), audit_line.digest(text)
        if self._sealed and not sealed:
            raise _FaultError("unsealed", key, start, number, "Lines before it are sealed, and it is not.")
        if sealed and self._keys and not audit_line.sealed_by(text, self._keys):
            raise _FaultError("unsealed", key, start, number, "It has not the seal of a key that was given.")
        for witness in self._witnesses:
            if witness.n == line.n and witness.sha256 != sha256:
                message = f"Line {line.n} is another one than {witness.name} says: here or before, lines are others."
                raise _FaultError("changed", key, start, number, message)
        self._n, self._sha256, self._start, self._number = line.n, sha256, start, number
        self._lines += 1
        self._sealed += sealed

    def _ended(self, head: bool) -> None:
        """See that the trail is as long as it was, and sealed if it should be."""
        for witness in self._witnesses:
            if witness.n > self._n:
                message = f"It ends with line {self._n}; by {witness.name} there was a line {witness.n}."
                raise _FaultError("truncated", self._last, self._size, self._number + 1, message)
        if self._lines and not head:
            raise _FaultError("removed", layout.AUDIT_HEAD, 0, 1, "Nothing says how long the trail was.")
        if self._lines and self._keys and not self._sealed:
            raise _FaultError("unsealed", self._last, self._start, self._number, "No line has a seal.")

    @staticmethod
    def _number_of(text: bytes) -> int:
        line = audit_line.decode(text)
        return line.n if line is not None else 0
