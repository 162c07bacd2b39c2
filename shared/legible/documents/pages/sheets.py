"""The pages of a document, opened in a separate process that may be killed at any time."""

from __future__ import annotations

import io
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec
from msgspec import Struct

from legible.documents.pages import worker
from legible.documents.pages.values import Box, Look, Rendered, Want
from legible.errors import HeldError, OutOfTimeError, RejectedError, UnavailableError
from legible.model import messages
from legible.ports import ranges

#: No key, nothing of ours. With glibc's own bounds each picture's memory is given back to the system and faulted in
#: again for the next page: a third of the time of drawing a scan (measured, 46 ms a page against 31).
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
#: A picture passes in few pieces, in bytes; Linux lets nobody ask for more (pipe(7)).
_PIPE = 1 << 20
#: No reply is longer, in bytes; who says so was taken over by what it opened, and is not believed.
_LONGEST_REPLY = 64 << 20
#: The paths are given, so that none need be looked for: ``-S`` saves what `site` would do.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from legible.documents.pages.worker import main; main()"


class Worker(Struct, frozen=True):
    """The process that opens documents.

    ``program`` is the Python code it runs, with the import paths as its arguments; ``interpreter`` is what runs it.
    One question is answered within ``seconds``, or the page is refused; the searchable copy takes all pages and may
    take ``layer_seconds``.
    """

    program: str = _PROGRAM
    interpreter: str = sys.executable or "python3"
    seconds: float = 30.0
    layer_seconds: float = 120.0


class Sheets:
    """The pages of one document; nothing is read or started before the first question. Safe for several threads.

    Args:
        format_name: As intake told it.
        size: The document's length in bytes.
        read: Returns the document's bytes from the first to the last number, both included.
        worker: The process that opens it.
    """

    def __init__(
        self, format_name: str, size: int, read: Callable[[int, int], bytes], worker: Worker | None = None
    ) -> None:
        """Begin without a copy of the document and without a process."""
        self._format = format_name
        self._size = size
        self._read = read
        self._worker = worker or Worker()
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def look(self, left: float) -> Look:
        """Return how many pages there are and what they are.

        Args:
            left: Seconds there are to answer; where fewer than a question may take, lateness is no fault of the page.

        Raises:
            RejectedError: It cannot be opened, within the time and memory that one document may take.
            OutOfTimeError: There was not time enough to know.
            HeldError: It does not fit on the disk.
            UnavailableError: The store or the system has a passing fault.
        """
        look = self._ask("look", "The document", left).look
        assert look is not None
        return look

    def whole(self, ending: bytes, left: float) -> bool:
        """Tell whether ``ending`` stands somewhere in the document and it can be read. Raises as ``look`` does."""
        try:
            return self._ask("whole", "The document", left, ending=ending).whole
        except RejectedError:
            return False

    def render(self, page: int, want: Want, left: float) -> Rendered:
        """Make the picture of one page, counted from 1. Raises as ``look`` does, for this page."""
        rendered = self._ask("render", f"Page {page}", left, page=page, want=want).rendered
        assert rendered is not None
        return rendered

    def crops(self, page: int, boxes: tuple[Box, ...], left: float) -> tuple[bytes, ...]:
        """Return a small PNG of each box of a page, counted from 1. Raises as ``look`` does, for this page."""
        return self._ask("crops", f"Page {page}", left, page=page, boxes=boxes).crops

    def layer(self, texts: Path, target: Path, left: float) -> int:
        """Write the searchable copy to ``target``. Raises as ``render`` does; what ``target`` holds then is no result.

        Args:
            texts: A ``PageText`` as JSON in each line, in the order of the pages.
            target: Where the PDF goes.
            left: Seconds there are to answer.

        Returns:
            How many pages have a text layer.
        """
        values = {"texts": str(texts), "target": str(target)}
        return self._ask("layer", "The document", left, self._worker.layer_seconds, **values).layers

    def close(self) -> None:
        """End the process and remove the copy."""
        with self._lock:
            self._end()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def __enter__(self) -> Sheets:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _ask(self, what: str, whom: str, left: float, most: float | None = None, **values: Any) -> worker.WorkerReply:
        most = self._worker.seconds if most is None else most
        until = time.monotonic() + left
        with self._lock:  # others may be drawn first; their time is not this one's
            self._running()  # it starts while the document is read
            path = self._copy()
            seconds = min(most, until - time.monotonic())
            ask = worker.Ask(what, str(path), self._format, int(most) + 1, **values)
            reply = self._exchange(ask, seconds)
        if isinstance(reply, worker.WorkerReply) and not reply.code:
            return reply
        if isinstance(reply, worker.WorkerReply):
            message = f"{whom}: {reply.message}" if reply.code == "too-heavy" else reply.message
            raise RejectedError(message, code=reply.code, advice=reply.advice)
        if reply == "late" and seconds < most:
            raise OutOfTimeError(f"{whom} could not be opened in the time that is left.")
        raise RejectedError(
            f"{whom} cannot be opened: "
            + (f"it takes longer than {most:g} s." if reply == "late" else "the attempt crashed."),
            code="too-slow" if reply == "late" else "too-heavy",
            advice="Print it to a new PDF, or save it as an image, and upload that.",
        )

    def _copy(self) -> Path:
        """Return the document as a file; it is read from the store once, part by part."""
        if self._folder is not None:
            return Path(self._folder.name) / "document"
        folder = tempfile.TemporaryDirectory(prefix="legible-")
        path = Path(folder.name) / "document"
        try:
            with path.open("wb") as file:
                for first, last in ranges(self._size):
                    file.write(self._read(first, last))
        except OSError as error:
            folder.cleanup()
            raise HeldError(
                f"The document has {self._size / 1e6:.0f} MB and does not fit on the function's disk "
                f"({type(error).__name__}).",
                code="disk-full",
                advice="Split it, or give the function a larger /tmp, and upload it again.",
            ) from None
        except BaseException:
            folder.cleanup()
            raise
        self._folder = folder
        return path

    def _exchange(self, ask: worker.Ask, seconds: float) -> worker.WorkerReply | str:
        """Return the reply, or ``late``, or ``crashed``; after either the process is gone."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):  # what it died of is told by the end of its answers
            worker.send(process.stdin, ask)
        body = _received(process.stdout, time.monotonic() + seconds)
        if not body:
            self._end()
            return "late" if body is None else "crashed"
        return msgspec.msgpack.decode(body, type=worker.WorkerReply)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    [self._worker.interpreter, "-I", "-S", "-c", self._worker.program, *sys.path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                    pipesize=_PIPE,
                )
            except OSError as error:
                raise UnavailableError(f"No process could be started ({type(error).__name__}).") from None
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(BrokenPipeError):
            process.communicate()


def _received(pipe: IO[bytes], until: float) -> bytearray | None:
    """Return one message's body; None where time ran out, nothing where the pipe ended."""
    with selectors.DefaultSelector() as ready, io.FileIO(pipe.fileno(), closefd=False) as raw:
        ready.register(raw, selectors.EVENT_READ)
        head = _filled(bytearray(messages.LENGTH_BYTES), raw, ready, until)
        if not head:
            return head
        length = int.from_bytes(head, "big")
        return _filled(bytearray(length), raw, ready, until) if length <= _LONGEST_REPLY else bytearray()


def _filled(body: bytearray, raw: io.FileIO, ready: selectors.BaseSelector, until: float) -> bytearray | None:
    """Fill a buffer from the pipe; None where time ran out, nothing where the pipe ended."""
    view = memoryview(body)
    while view:
        if not ready.select(max(0.0, until - time.monotonic())):
            return None
        count = raw.readinto(view)
        if not count:
            return bytearray()
        view = view[count:]
    return body
