"""A folder becomes a workbook when an upload says that it is complete and all of its documents have ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from legible.errors import BusyError, DocumentError
from legible.model.documents import Arrival, Format, Outcome, Reason, Selection, Upload
from legible.ports import Invocation, Relay
from legible.workbooks.builds import Unfinished
from legible.workbooks.collector import Collector

#: How much of its time an invocation waits for documents that still run; the rest is for the workbook.
_PATIENCE = 0.5
#: The longest pause between two looks, in seconds.
_LONGEST_PAUSE = 10.0
#: A longer name, in characters, is cut.
_LONGEST_NAME = 160
#: So often a fresh invocation is called to go on waiting; then the workbook is built with what is there.
_MOST_HANDS = 10


class Folders:
    """Builds the workbooks of folders.

    Args:
        collector: Builds them.
        call: The invocation: how much time is left, and what waits.
        formats: Which kinds of files are built.
        relay: Has a fresh invocation go on waiting; without one, the platform's retry does.
        tell: Is told, by its marker, of a folder whose workbook is built now; does not raise.
    """

    def __init__(
        self,
        collector: Collector,
        call: Invocation,
        formats: tuple[Format, ...],
        relay: Relay | None = None,
        tell: Callable[[Upload, str], None] = lambda upload, folder: None,
    ) -> None:
        """Begin with no folder waited for."""
        self._tell = tell
        self._collector = collector
        self._call = call
        self._formats = formats
        self._relay = relay

    def complete(self, arrival: Arrival) -> str | None:
        """Return the folder that an upload says is complete; None where it is a document like any other."""
        return self._collector.folder_of(arrival.ref) if isinstance(arrival, Upload) else None

    def collect(self, upload: Upload, folder: str, *, last: bool = False) -> Outcome:
        """Build a folder's workbook; with documents that still run, in a fresh invocation or at the next delivery.

        Args:
            upload: The marker.
            folder: What it says is complete.
            last: Build it with what is there: nobody will try again.

        Returns:
            ``done``; ``partial`` where documents still run; ``running`` where a fresh invocation waits for them; or why
            it cannot be built: ``held`` where it has more documents than disk or time hold.

        Raises:
            BusyError: Documents still run; it must be tried again.
            UnavailableError: The store has a passing fault.
        """
        running = Unfinished() if last else self._wait(folder)
        if running.count:
            return self._later(upload, folder, running)
        at = upload.ref
        self._tell(upload, folder)
        try:
            built = self._collector.build(name_of(folder), Selection(folder), self._formats)
        except DocumentError as error:
            return Outcome(at.bucket, at.key, "held", reason=Reason.of(error))
        if not built.running.count:
            return Outcome(at.bucket, at.key, "done", record=built.files[0])
        message = f"{built.running.count} of {built.documents} documents have no result yet; they are listed so"
        reason = Reason(
            "documents-running",
            f"{message}: {', '.join(map(repr, built.running.first))}.",
            "Upload the marker again when they have ended.",
        )
        return Outcome(at.bucket, at.key, "partial", record=built.files[0], reason=reason)

    def _wait(self, folder: str) -> Unfinished:
        """Return which documents still run after as much waiting as there is time for."""
        until, wait = self._call.remaining() * _PATIENCE, 0.5
        while (running := self._collector.running(folder)).count and self._call.remaining() > until + wait:
            self._call.pause(wait)
            wait = min(wait * 2, _LONGEST_PAUSE)
        return running

    def _later(self, upload: Upload, folder: str, running: Unfinished) -> Outcome:
        message = f"{running.count} documents below {folder!r} still run, {running.first[0]!r} among them."
        if self._relay is None:
            raise BusyError(message, advice="The event is delivered again; the workbook is built when they have ended.")
        if upload.hand >= _MOST_HANDS:
            return self.collect(upload, folder, last=True)
        self._relay.hand_on(msgspec.structs.replace(upload, hand=upload.hand + 1))
        return Outcome(upload.ref.bucket, upload.ref.key, "running", reason=Reason("documents-running", message))


def name_of(folder: str) -> str:
    """Return the name of a folder's workbook: the folder's own, where that can be one; ``all`` for that of everything.

    A name that is cut or mended ends in a digest, so that two folders never have one.
    """
    plain = folder.strip("/")
    parts = ["".join(letter if letter.isprintable() else "_" for letter in part) for part in plain.split("/")]
    name = (
        "/".join(f"_{part}" if part in ("", ".", "..") else part for part in parts)[:_LONGEST_NAME] if plain else "all"
    )
    name = f"_{name[1:]}" if name.startswith(".") else name
    return name if name == plain or not plain else f"{name}~{hashlib.sha256(folder.encode()).hexdigest()[:8]}"
