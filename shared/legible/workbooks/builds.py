"""Builds of files over many documents: how each one ended, and the newest file where people look."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError, UnavailableError
from legible.model import layout
from legible.model.documents import Reason, Selection
from legible.ports import Site

_TRIES = 10
#: So many documents without a result are named; all of them stand in the file.
_NAMED = 20
#: A build is written under its own name here until it is known to be the newest.
BUILDS = ".builds"


#: How a build stands; ``partial`` where documents had no result yet, ``held`` where it cannot be made.
Standing = Literal["running", "done", "partial", "held"]


class Unfinished(Struct):
    """Documents that have no result yet: how many, and the first of them."""

    count: int = 0
    first: tuple[str, ...] = ()

    def add(self, key: str) -> None:
        """Count one document."""
        self.count += 1
        if len(self.first) < _NAMED:
            self.first += (key,)


class Build(Struct, frozen=True):
    """How a build stands. ``documents`` are in the files; ``running`` are those of them without a result yet.

    ``selection`` says which documents were asked for: so it is known whether one that is forgotten may be among them.
    """

    status: Standing
    began_at: datetime
    ended_at: datetime | None = None
    documents: int = 0
    running: Unfinished = msgspec.field(default_factory=Unfinished)
    files: tuple[str, ...] = ()
    reason: Reason | None = None
    selection: Selection | None = None


class Builds:
    """Puts files where people look. Two builds of one name at the same time never mix.

    Which of them began last is told by the clocks of the machines they run on. Whoever copies last looks once more
    whether a later one came meanwhile: only an invocation that dies between copying and looking can leave an earlier
    one standing, until the next build.

    Args:
        site: They go into its output bucket.
        owner: A name no other build has.
    """

    def __init__(self, site: Site, owner: str) -> None:
        """Put files into its output bucket."""
        self._site = site
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
        builds = layout.workbook(f"{BUILDS}/{file}/")
        mine = f"{builds}{began.astimezone(timezone.utc):%Y%m%dT%H%M%S%f}-{self._owner}"
        target = self._site.in_output(layout.workbook(file))
        self._site.store.write(self._site.in_output(mine), path, media_type)
        for _ in range(_TRIES):
            newest = self._newest(builds, mine)
            try:
                self._site.store.copy(self._site.in_output(newest), target)
            except ObjectGoneError:  # tidied away by one that began later
                continue
            if self._newest(builds, newest) == newest:
                self._tidy(builds, newest)
                return target.key
        raise UnavailableError(f"Builds of {file} keep coming.", advice="Let one end before the next begins.")

    def tell(self, name: str, build: Build) -> None:
        """Store how a build stands, unless a build of that name that began later has stored its own.

        Args:
            name: The files' name, without ending.
            build: How it stands.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        known = self.known(name)
        if known is None or known.began_at <= build.began_at:
            ref = self._site.in_output(layout.build(name))
            self._site.store.write(ref, msgspec.json.encode(build), "application/json")

    def known(self, name: str) -> Build | None:
        """Return how the newest build of that name stands; None where there was none.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        try:
            return msgspec.json.decode(self._site.store.read(self._site.in_output(layout.build(name))), type=Build)
        except (ObjectGoneError, msgspec.MsgspecError):  # what something else wrote there tells nothing
            return None

    def _newest(self, builds: str, mine: str) -> str:
        return max((item.key for item in self._site.store.list(self._site.output, builds)), default=mine)

    def _tidy(self, builds: str, newest: str) -> None:
        """Remove what earlier builds left; the newest stays, so that a late earlier one sees it."""
        for item in list(self._site.store.list(self._site.output, builds)):
            if item.key < newest:
                self._site.store.remove(self._site.in_output(item.key))
