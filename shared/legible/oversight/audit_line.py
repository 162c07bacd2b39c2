"""The lines of the audit trail: each holds the digest of the line before it and of itself, and may be sealed."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import msgspec

from legible.model.audit import AuditEvent

#: What the first line names in place of a line before it.
NOTHING = "0" * 64
#: How long the ends of a line are: ``,"sum":"..."}`` with its line feed, and before it ``,"seal":"..."``.
_SUM, _SEAL = 75, 74


class AuditLine(AuditEvent, frozen=True, kw_only=True, omit_defaults=True):
    """An event as the ``n``-th line of the trail; ``prev`` is the SHA-256 of the line before, its end included."""

    n: int
    prev: str
    recorded_at: datetime


_DECODER = msgspec.json.Decoder(AuditLine)


def of_event(event: AuditEvent, n: int, prev: str, recorded_at: datetime) -> AuditLine:
    """Return the line of an event."""
    return AuditLine(**msgspec.structs.asdict(event), n=n, prev=prev, recorded_at=recorded_at)


def sealed(body: bytes, key: bytes | None) -> bytes:
    """Return an object of JSON as a line: with a key its HMAC-SHA256 is added, then the SHA-256 of all before."""
    text = body[:-1]
    if key is not None:
        text += b',"seal":"%s"' % _mac(text, key)
    return text + b',"sum":"%s"}\n' % digest(text).encode()


def encode(line: AuditLine, key: bytes | None) -> bytes:
    """Return a line of the trail, its end included, sealed where there is a key."""
    return sealed(msgspec.json.encode(line), key)


def decode(line: bytes) -> AuditLine | None:
    """Return what a line holds; None for what is none."""
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def lines_of(body: bytes) -> list[bytes]:
    """Return the lines of a part, each with its end; the last one may lack it."""
    *whole, rest = body.split(b"\n")
    return [*(line + b"\n" for line in whole), *([rest] if rest else [])]


def digest(line: bytes) -> str:
    """Return the SHA-256 of a line."""
    return hashlib.sha256(line).hexdigest()


def intact(line: bytes) -> bool:
    """Tell whether a line is as its own digest says."""
    frame = line[-_SUM : 8 - _SUM], line[-3:]
    return frame == (b',"sum":"', b'"}\n') and digest(line[:-_SUM]).encode() == line[8 - _SUM : -3]


def is_sealed(line: bytes) -> bool:
    """Tell whether a line has a seal, whosesoever."""
    return line[-_SUM - _SEAL : 9 - _SUM - _SEAL] == b',"seal":"'


def sealed_by(line: bytes, keys: tuple[bytes, ...]) -> bool:
    """Tell whether a line has the seal of one of these keys."""
    text, seal = line[: -_SUM - _SEAL], line[9 - _SUM - _SEAL : -_SUM - 1]
    return is_sealed(line) and any(hmac.compare_digest(_mac(text, key), seal) for key in keys)


def _mac(text: bytes, key: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).hexdigest().encode()
