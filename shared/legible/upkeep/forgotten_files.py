"""Files over many documents that may hold rows of one that is forgotten: removed, and built again without it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec import Struct, structs

from legible.errors import LegibleError, ObjectGoneError
from legible.ledger.tombstones import Erasure
from legible.model import layout
from legible.model.documents import Format, ObjectRef, Selection
from legible.model.layout import TOMBSTONES
from legible.ports import Invocation, Site
from legible.upkeep.eraser import Eraser
from legible.workbooks.builds import BUILDS, Build
from legible.workbooks.collector import KINDS

#: What is to be built again, until that is done.
AGAIN = f"{TOMBSTONES}.files/"
_STATES = layout.build("").removesuffix(".json")
#: Builds files; tells whether it could.
Rebuild = Callable[[str, Selection, tuple[Format, ...]], bool]


class _Again(Struct, frozen=True):
    """Files that are to be built again: their name without ending, which documents, and which kinds of files."""

    name: str
    selection: Selection
    formats: tuple[Format, ...]


class RebuiltFiles(NamedTuple):
    """The names of the files that were built again, and of those that could not be: these are gone."""

    built: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class ForgottenFiles:
    """Removes files over many documents that may hold a document, and builds them again.

    Args:
        site: The output bucket has the files.
        call: The invocation: gives the log.
        eraser: Removes objects for good.
        rebuild: Builds files again.
    """

    def __init__(self, site: Site, call: Invocation, eraser: Eraser, rebuild: Rebuild) -> None:
        """Remove nothing yet."""
        self._site = site
        self._call = call
        self._eraser = eraser
        self._rebuild = rebuild

    def remove(self, erasures: Collection[Erasure]) -> tuple[str, ...]:
        """Remove each file that may hold one of these documents; return their names, without ending.

        A file of which nobody knows what it holds may hold anything. Raises as ``Eraser.remove`` does.
        """
        removed = []
        for name, build, files in list(self._files()):
            if any(_may_hold(build, one) for one in erasures):
                selection = None if build is None else _without(build.selection, erasures)
                if selection is not None:
                    formats = tuple(kind for kind, (ending, _) in KINDS.items() if f"{name}.{ending}" in files)
                    again = _Again(name, selection, formats or ("xlsx",))
                    self._site.store.write(self._again(name), msgspec.json.encode(again), "application/json")
                for file in files:
                    self._eraser.one(layout.workbook(file))
                    self._eraser.remove(self._site.output, layout.workbook(f"{BUILDS}/{file}/"))
                self._eraser.one(layout.build(name))
                removed.append(name)
        return tuple(removed)

    def build_again(self) -> RebuiltFiles:
        """Build again what was removed, what a run that died left too; what cannot be built is left for later."""
        built, gone = list[str](), list[str]()
        for item in list(self._site.store.list(self._site.output, AGAIN)):
            with suppress(ObjectGoneError, msgspec.MsgspecError):
                again = msgspec.json.decode(self._site.store.read(self._site.in_output(item.key)), type=_Again)
                try:
                    done = self._rebuild(again.name, again.selection, again.formats)
                except LegibleError as error:
                    self._call.log("not-built-again", reason=error.reason_code)
                    gone.append(again.name)
                    continue
                (built if done else gone).append(again.name)
            self._eraser.one(item.key)
        return RebuiltFiles(tuple(built), tuple(gone))

    def _files(self) -> Iterator[tuple[str, Build | None, set[str]]]:
        """Yield the name of each build, what is known of it, and the names of its files."""
        files = dict[str, set[str]]()
        for one in self._eraser.look(self._site.output, layout.workbook(""), lambda one: True):
            file = one.key[len(layout.workbook("")) :]
            if one.key.startswith(_STATES):
                files.setdefault(one.key[len(_STATES) :].removesuffix(".json"), set())
            else:
                file = file[len(BUILDS) + 1 :].rpartition("/")[0] if file.startswith(f"{BUILDS}/") else file
                files.setdefault(_stem(file), set()).add(file)
        for name, names in files.items():
            yield name, self._known(name), names

    def _known(self, name: str) -> Build | None:
        with suppress(ObjectGoneError, msgspec.MsgspecError):
            return msgspec.json.decode(self._site.store.read(self._site.in_output(layout.build(name))), type=Build)
        return None

    def _again(self, name: str) -> ObjectRef:
        return self._site.in_output(f"{AGAIN}{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}.json")


def _without(selection: Selection | None, erasures: Collection[Erasure]) -> Selection | None:
    """Return a selection that does not name these documents; None where it would name none."""
    if selection is None or selection.keys is None:
        return selection
    gone = {one.key for one in erasures}
    keys = tuple(key for key in selection.keys if key not in gone)
    return structs.replace(selection, keys=keys) if keys else None


def _stem(file: str) -> str:
    """Return the name of a file without the ending of its kind."""
    endings = [f".{ending}" for ending, _ in KINDS.values() if file.endswith(f".{ending}")]
    return file.removesuffix(max(endings, key=len)) if endings else file


def _may_hold(build: Build | None, erasure: Erasure) -> bool:
    """Tell whether a build may hold a document: as its selection says, and when it was begun."""
    if build is None:
        return True
    if erasure.emptied is not None and build.began_at > erasure.emptied:
        return False
    selection = build.selection
    if selection is None or build.status not in ("done", "partial"):  # then the file is that of an earlier build
        return True
    if not (erasure.key in selection.keys if selection.keys is not None else erasure.key.startswith(selection.prefix)):
        return False
    # A document that runs is listed as one; once it has ended, only in the files of that day.
    ended = any(selection.has(at) for at in erasure.ended)
    return not erasure.ended or ended or build.began_at <= max(erasure.ended)
