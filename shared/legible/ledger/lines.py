"""Appends lines to an object that has many writers, and makes sure that the lines are there.

OBS AppendObject is optimistic: ``position`` must equal the object's length (api-obs obs_04_0088), and a read after a
successful write sees it (obs_04_0118). What OBS does not promise is an order between truly simultaneous appends
(obs_faq_0165): both may succeed, and the later one overwrites the earlier one.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from legible.errors import AppendConflictError, ObjectGoneError, RejectedError, UnavailableError
from legible.model.documents import ObjectRef
from legible.ports import ObjectStore, Wanted

#: The store's clock, by which leases go, is known to an instance within a second; two of them may differ by this much.
#: A lease is taken over only that long after its end.
SKEW_SECONDS = 2.0
#: How often an append is tried before ``UnavailableError`` is raised.
TRIES = 30


class Lines:
    """One object that consists of lines.

    Args:
        store: The store that holds it.
        ref: Which object.
        pause: Waits for a number of seconds.
        name: What errors call it: some are shown to people who may not know where it is stored.
        tries: How often an append is tried.
    """

    def __init__(
        self, store: ObjectStore, ref: ObjectRef, pause: Callable[[float], None], *, name: str, tries: int = TRIES
    ) -> None:
        """Read nothing yet."""
        self._name = name
        self._store = store
        self._ref = ref
        self._pause = pause
        self._tries = tries

    def read(self) -> bytes:
        """Return all lines; nothing where there is no such object yet."""
        return read(self._store, self._ref)

    def add(self, make: Callable[[bytes], bytes | None], settle: float | None = None) -> tuple[bytes, bool]:
        """Append a line that is made from the lines so far; if another writer was faster, make it again.

        Args:
            make: Returns the line, with its end, for all lines so far; None where there is nothing to write.
            settle: Seconds after which the line is read back to make sure that it is there; None to trust the store's
                reply.

        Returns:
            All lines so far, this one among them, and whether it was written: False where there was nothing to write.

        Raises:
            UnavailableError: The store takes no line.
            HeldError: The object cannot be appended to.
        """
        for number in range(self._tries):
            self._wait(number)
            lines = self.read()
            line = make(lines)
            if line is None:
                return lines, False
            if self._took(len(lines), line, settle):
                return lines + line, True
        raise self._untaken()

    def put(self, line: bytes, settle: float | None = None) -> None:
        """Append a line, or several, at the end without reading the others; ``settle`` and errors are as of ``add``."""
        for number in range(self._tries):
            self._wait(number)
            if self._took(self._length(), line, settle):
                return
        raise self._untaken()

    def _wait(self, number: int) -> None:
        if number:
            self._pause(random.uniform(0.01, 0.1))

    def _took(self, position: int, line: bytes, settle: float | None = None) -> bool:
        """Append at a position; tell whether the line is there, also where the append was sent twice."""
        try:
            self._store.append(self._ref, position, line)
        except AppendConflictError:
            taken = False
        else:
            taken = settle is None
        self._pause(settle or 0.0)
        return taken or self._stands(position, line)

    def _stands(self, position: int, line: bytes) -> bool:
        try:
            return self._store.read(self._ref, Wanted(first=position, last=position + len(line) - 1)) == line
        except RejectedError:  # shorter than that: a simultaneous append overwrote it
            return False

    def _length(self) -> int:
        try:
            return self._store.head(self._ref).size
        except ObjectGoneError:
            return 0

    def _untaken(self) -> UnavailableError:
        return UnavailableError(f"{self._name} took no line in {self._tries} tries.", advice="Try again in a moment.")


def read(store: ObjectStore, ref: ObjectRef) -> bytes:
    """Return an object's content; nothing where there is no such object."""
    try:
        return store.read(ref)
    except ObjectGoneError:
        return b""
