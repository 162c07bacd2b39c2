"""The process in which documents are opened: a hostile one may hang, crash or eat memory only here.

It reads questions from stdin and answers each on stdout: MessagePack, its length in front. It has no keys and none of
the function's environment; it reads one document and its texts, and writes nothing but the searchable copy, where it is
told to.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from msgspec import Struct

from legible.documents.pages import probe, render
from legible.documents.pages.open_document import OpenDocument
from legible.documents.pages.values import Box, Look, Rendered, Want
from legible.errors import RejectedError
from legible.model import messages

#: What the process may allocate beyond what it starts with, in bytes: one decoded image and the picture made of it.
MEMORY = 360_000_000
#: The largest file it may write, in bytes.
_LARGEST = 2_000_000_000


class Ask(Struct, frozen=True):
    """One question, to be answered within so many seconds of CPU.

    ``what`` is ``look``, ``whole`` (with its ``ending``), ``render`` (with its ``page``, as ``want`` says), ``crops``
    (of its ``page``, what is in ``boxes``), or ``layer`` (with the names of two files: the ``texts``, and the
    ``target`` that is written).
    """

    what: str
    path: str
    format: str
    seconds: int
    ending: bytes = b""
    page: int = 0
    want: Want | None = None
    target: str = ""
    texts: str = ""
    boxes: tuple[Box, ...] = ()


class WorkerReply(Struct, frozen=True):
    """One answer: what was asked for, or why not. ``layers`` counts the pages that can be searched."""

    look: Look | None = None
    whole: bool = False
    rendered: Rendered | None = None
    crops: tuple[bytes, ...] = ()
    layers: int = 0
    code: str = ""
    message: str = ""
    advice: str = ""


def send(pipe: IO[bytes], message: Struct) -> None:
    """Write one message at once."""
    messages.send(pipe, message)
    pipe.flush()


def answer(ask: Ask, kept: OpenDocument | None = None) -> WorkerReply:
    """Answer one question; a fault of the document is an answer too. ``kept`` remembers it for the next question."""
    path = Path(ask.path)
    try:
        if ask.what == "look":
            return WorkerReply(look=probe.look(path, ask.format))
        if ask.what == "whole":
            return WorkerReply(whole=probe.whole(path, ask.format, ask.ending))
        if ask.what == "layer":
            from legible.documents.pages import searchable  # it loads a library that only this question needs

            return WorkerReply(layers=searchable.write(path, ask.format, Path(ask.target), Path(ask.texts)))
        if ask.what == "crops":
            return WorkerReply(crops=render.crops(path, ask.format, ask.page, ask.boxes, kept))
        assert ask.want is not None  # a picture is made for somebody
        return WorkerReply(rendered=render.picture(path, ask.format, ask.page, ask.want, kept))
    except RejectedError as error:
        return WorkerReply(code=error.reason_code, message=error.message, advice=error.advice)
    except MemoryError:
        return WorkerReply(
            code="too-heavy",
            message=f"It takes more than {MEMORY // 1_000_000} MB of memory to open.",
            advice="Save it at 150 to 200 dpi, or print it to a new PDF, and upload that.",
        )


def serve(questions: IO[bytes], answers: IO[bytes], kept: OpenDocument | None = None) -> None:
    """Answer until the questions end. ``kept`` remembers the document between them."""
    kept = kept or OpenDocument()
    while (ask := messages.receive(questions, Ask)) is not None:
        _limit_seconds(ask.seconds)
        send(answers, answer(ask, kept))


def _limit_memory() -> None:  # pragma: no cover - only ever in the process apart; see TestApart
    with suppress(ImportError, OSError, ValueError):  # no such limits on this system: the parent's clock still holds
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))


def _limit_seconds(seconds: int) -> None:
    """Bound the CPU time from now on: should the parent die, this process still ends."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        ends = int(used.ru_utime + used.ru_stime) + seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (ends, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:  # pragma: no cover - only ever in the process apart; see TestApart
    """Bound the memory of this process, then answer questions from stdin on stdout."""
    _limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)
