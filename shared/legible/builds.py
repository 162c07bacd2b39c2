"""Where files over many documents stand: each build under its own name, the last where people look."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from legible.errors import ObjectGoneError, UnavailableError
from legible.model import ObjectRef
from legible.ports import ObjectStore

_TRIES = 10
#: A build is written under its own name here until it is known to be the newest.
_BUILDS = ".builds"


class Builds:
    """Puts files where people look. Neither of two builds of one name at the same time mixes with the other.

    Which of them began last is told by the clocks of the machines they run on. Whoever copies last looks once more
    whether a later one came meanwhile: only an invocation that dies between copying and looking can leave an earlier
    one standing, until the next build.

    Args:
        store: Where files go.
        output: The bucket.
        owner: A name no other build has.
    """

    def __init__(self, store: ObjectStore, output: str, owner: str) -> None:
        """See the class."""
        self._store = store
        self._output = output
        self._owner = owner

    def put(self, file: str, began: datetime, path: Path, media_type: str) -> str:
        """Put a file where people look, unless a build that began later stands or comes there; return its key.

        Args:
            file: Its name below ``workbooks/``.
            began: When its build began.
            path: Where it lies by now.
            media_type: What it is.

        Raises:
            UnavailableError: The store has a passing fault, or builds keep coming.
        """
        builds = f"workbooks/{_BUILDS}/{file}/"
        mine = f"{builds}{began.astimezone(timezone.utc):%Y%m%dT%H%M%S%f}-{self._owner}"
        target = ObjectRef(self._output, f"workbooks/{file}")
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
        raise UnavailableError(f"Builds of {file} keep coming.", advice="Let one end before the next begins.")

    def _newest(self, builds: str, mine: str) -> str:
        return max((item.key for item in self._store.list(self._output, builds)), default=mine)

    def _tidy(self, builds: str, newest: str) -> None:
        """Remove what earlier builds left; the newest stays, so that a late earlier one sees it."""
        for item in list(self._store.list(self._output, builds)):
            if item.key < newest:
                self._store.remove(ObjectRef(self._output, item.key))
