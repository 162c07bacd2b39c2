"""The lines of a document's journal, and how they are encoded. Values only; the ledger writes them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Literal

import msgspec
from msgspec import Struct

from legible.errors import InternalError
from legible.model.documents import PageState, Reason, Status
from legible.model.pages import Frame, Ink, Share, Source

Event = Literal[
    "claimed",
    "calling",
    "answered",
    "refused",
    "unknown",
    "surplus",
    "released",
    "handed",
    "finished",
    "corrected",
    "continued",
    "forgotten",
]


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of a journal, identified by its owner and number.

    ``claimed`` carries ``lease_until``, ``plan`` (the hash of operation, options and settings), ``fence`` (the
    arbiter's number), ``operation``, ``options``, the number of ``pages`` to call for, ``uploaded_at`` and
    ``version_id`` of the upload, the enterprise ``project`` that is billed and the ``route`` that led to the operation
    (its pattern), where there are such. One of version 0.1 may have a ``page``, whose call it announced. With a
    ``share`` it claims that part alone, and claims of the other shares with the same plan stay in force. With
    ``resumed`` it opens a document again whose reason passes by itself; ``run`` names the run that it was part of.
    ``calling`` is written before a paid call; it has an ``answer`` if that is not kept under the owner's own name, and
    a ``project`` if another one is billed than the claim names (``0``: the default one).
    When the service first turns it away because there were too many calls (which is not paid), it is written once more
    as ``throttled``, and stands for every further try of its owner.
    ``answered`` and ``surplus`` name request, stored answer and its SHA-256; with ``state`` the answer could
    not be read when it came. ``ink`` says what is odd about the picture that was read. A ``surplus`` answer that is of
    this very document, and was surplus only because its payer had lost its claim, has the ``plan`` it was paid by.
    ``refused`` is a call that was not paid; with ``state`` the page is settled. ``unknown`` is a call that may have
    been paid; ``held`` says that it brought an error that somebody must mend. ``of`` names the owner that made it;
    where that owner was waiting to call again, it is ``throttled`` too.
    ``frame`` says where the recognized picture lies on its page. ``adopted`` names the journal that says
    who paid for the answer, where that was another document of the same content: by the digest of its key
    (``changes.name_of``), because that document may be forgotten; versions up to 0.2 wrote the key itself.
    ``handed`` gives the document to a fresh invocation, which was called for the ``hand``-th time. ``finished`` carries
    the document's ``status``, and how many checks had failed (``findings``). ``corrected`` is a review by ``author``:
    ``answer`` names where it is stored.
    ``forgotten`` says that everything about the document is being removed: it takes no claim any more.
    ``continued`` is the last line of a part: the journal goes on in the part whose number is ``n``. It has no owner.

    ``v`` is the version of the format that first had such a line. While a new version is deployed, or after it was
    taken back, a journal has lines that this version does not know; see ``decode``.
    """

    event: str
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
    version_id: str = ""
    source: Source | None = None
    frame: Frame | None = None
    ink: Ink = ""
    request_id: str = ""
    answer: str = ""
    sha256: str = ""
    note: str = ""
    of: str = ""
    adopted: str = ""
    hand: int = 0
    share: Share | None = None
    project: str = ""
    route: str = ""
    throttled: bool = False
    resumed: bool = False
    run: str = ""
    author: str = ""
    state: PageState | None = None
    status: Status | None = None
    reason: Reason | None = None
    findings: int = 0
    v: int = 1

    @property
    def name(self) -> str:
        """The line's name, unique in its journal."""
        return f"{self.owner}#{self.n}"


#: The version of the format whose lines are all known here; version 1 did not know ``continued``.
FORMAT = 2
#: No line is longer, in bytes: texts in it are bounded (``errors.redact``), and a key has at most 1,024 bytes.
LONGEST_LINE = 64 * 1024
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def encode(line: Line) -> bytes:
    """Return the line as one line of JSON, its end included."""
    return _ENCODER.encode(line) + b"\n"


def goes_on(lines: Iterable[Line]) -> bool:
    """Tell whether these lines of one part say that the journal goes on in the next one."""
    return any(line.event == "continued" for line in lines)


def last_line(body: bytes) -> bytes:
    """Return the last line of a journal's bytes, its end included."""
    return body[body.rfind(b"\n", 0, -1) + 1 :]


def decode(body: bytes, name: str) -> tuple[Line, ...]:
    """Read a journal.

    A line of a newer version is never an error: an event that is not known here stays what it is, for ``State`` to name
    and pass over, and of a line with a value that is not known here the rest is taken.

    Args:
        body: The journal's bytes; empty for a journal that does not exist yet.
        name: Its key, for the error.

    Raises:
        InternalError: A line cannot be read: something else wrote to the journal.
    """
    lines = []
    for number, text in enumerate(body.splitlines(), 1):
        try:
            lines.append(_line(text))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InternalError(
                f"Line {number} of the journal {name} cannot be read.",
                code="journal-unreadable",
                advice="Something else wrote to it. Keep a copy: its lines say what was paid for. Remove it, and "
                "append what are lines of Legible to a new object of that name; one that is put takes no further line.",
            ) from error
    return tuple(lines)


def _line(text: bytes) -> Line:
    try:
        return _zoned(_DECODER.decode(text))
    except msgspec.ValidationError:
        return _zoned(_newer(msgspec.json.decode(text, type=dict[str, Any])))


def _zoned(line: Line) -> Line:
    """Return a line whose times are comparable: one that somebody wrote by hand without its zone is UTC."""
    times = ("at", line.at), ("lease_until", line.lease_until), ("uploaded_at", line.uploaded_at)
    odd = {name: time.replace(tzinfo=timezone.utc) for name, time in times if time is not None and time.tzinfo is None}
    return msgspec.structs.replace(line, **odd) if odd else line


def _newer(values: dict[str, Any]) -> Line:
    """Return what is known here of a line of a newer version. A document that it ended stays ended.

    Raises:
        MsgspecError: It is no line of any version.
    """
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(Line):
        if field.name in values:
            with suppress(msgspec.ValidationError):
                known[field.name] = msgspec.convert(values[field.name], field.type, strict=True)
    if known.get("event") == "finished" and "status" not in known:
        advice = "Use that version to look at it."
        reason = Reason("newer-version", f"A newer version ended it as {values.get('status')!r:.40}.", advice)
        known |= {"status": "held", "reason": reason}
    try:
        return Line(**{**known, "v": max(FORMAT + 1, known.get("v", 1))})
    except TypeError as error:  # no owner, no number, or one that is none
        raise msgspec.ValidationError(str(error)) from None
