"""The lines of a document's journal, and how they are encoded. Values only; the ledger writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from legible.errors import InternalError
from legible.model.documents import PageState, Reason, Status
from legible.model.pages import Frame, Share, Source

Event = Literal[
    "claimed", "calling", "answered", "refused", "unknown", "surplus", "released", "handed", "finished", "corrected"
]


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of a journal, identified by its owner and number.

    ``claimed`` carries ``lease_until``, ``plan`` (the hash of operation, options and settings), ``fence`` (the
    arbiter's number), ``operation``, ``options``, the number of ``pages`` to call for, ``uploaded_at`` and, when the
    first paid call follows at once, its ``page``. With a ``share`` it claims that part alone, and claims of the other
    shares with the same plan stay in force.
    ``calling`` is written before a paid call. ``answered`` and ``surplus`` name request, stored answer and its SHA-256;
    with ``state`` the answer could not be read when it came.
    ``refused`` is a call that was not paid; with ``state`` the page is settled. ``unknown`` is a call that may have
    been paid; ``of`` names the owner that made it. ``frame`` says where the recognized picture lies on its page.
    ``handed`` gives the document to a fresh invocation, which was called for the ``hand``-th time. ``finished`` carries
    the document's ``status``. ``corrected`` is a review by ``author``: ``answer`` names where it is stored.
    """

    event: Event
    at: datetime
    owner: str
    n: int
    page: int = 0
    operation: str = ""
    options: dict[str, Any] = {}
    pages: int = 0
    plan: str = ""
    fence: int = 0
    lease_until: datetime | None = None
    uploaded_at: datetime | None = None
    source: Source | None = None
    frame: Frame | None = None
    request_id: str = ""
    answer: str = ""
    sha256: str = ""
    note: str = ""
    of: str = ""
    hand: int = 0
    share: Share | None = None
    author: str = ""
    state: PageState | None = None
    status: Status | None = None
    reason: Reason | None = None

    @property
    def name(self) -> str:
        """The line's name, unique in its journal."""
        return f"{self.owner}#{self.n}"


#: No line is longer, in bytes: texts in it are bounded (``errors.redact``), and a key has at most 1,024 bytes.
LONGEST_LINE = 64 * 1024
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def encode(line: Line) -> bytes:
    """Return the line as one line of JSON, its end included."""
    return _ENCODER.encode(line) + b"\n"


def last_line(body: bytes) -> bytes:
    """Return the last line of a journal's bytes, its end included."""
    return body[body.rfind(b"\n", 0, -1) + 1 :]


def decode(body: bytes, name: str) -> tuple[Line, ...]:
    """Read a journal.

    Args:
        body: The journal's bytes; empty for a journal that does not exist yet.
        name: Its key, for the error.

    Raises:
        InternalError: A line cannot be read: something else wrote to the journal.
    """
    lines = []
    for number, text in enumerate(body.splitlines(), 1):
        try:
            lines.append(_DECODER.decode(text))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InternalError(
                f"Line {number} of the journal {name} cannot be read.",
                code="journal-unreadable",
                advice="Something else wrote to it; restore it, or remove it to let the document be paid for again.",
            ) from error
    return tuple(lines)
