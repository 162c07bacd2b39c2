"""What one writer knows of a part of a journal, and of a line that waits to be appended to it. Values only."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from legible.errors import RetryableError
from legible.ledger.journal import Line


class Part(Struct):
    """A part of a journal as far as it is known: its size in bytes and lines, its end, and the lines just read.

    ``tail`` is the last line that was read, and our own lines after it.
    """

    number: int
    size: int = 0
    count: int = 0
    tail: bytes = b""
    lines: tuple[Line, ...] = ()


class WaitingLine:
    """A line that waits to be appended, and what became of it."""

    def __init__(self, line: Line, refusal: Callable[[], RetryableError | None]) -> None:
        """Wait."""
        self.line = line
        self.refusal = refusal
        self.done = False
        self.error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Say that it is appended, or why it is not."""
        self.done, self.error = True, error
