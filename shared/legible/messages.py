"""Values one behind the other in a file or pipe: MessagePack, each with its length in front."""

from __future__ import annotations

from typing import IO, Any

import msgspec

_LENGTH_BYTES = 4


def packed(message: Any) -> bytes:
    """Return one message: four bytes of length, then MessagePack."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def receive(pipe: IO[bytes], kind: type[Any]) -> Any:
    """Read one message of a kind; None where the pipe or file has ended."""
    head = pipe.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    body = pipe.read(length)
    return msgspec.msgpack.decode(body, type=kind) if len(body) == length else None
