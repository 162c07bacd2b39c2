"""Values one after the other in a file or pipe: MessagePack, each with its length in front."""

from __future__ import annotations

from typing import IO, Any

import msgspec

#: How many bytes in front of a message tell its length, the highest first.
LENGTH_BYTES = 4


def send(pipe: IO[bytes], message: Any) -> None:
    """Write one message: four bytes of length, then MessagePack. A large one is written as it is, not copied first."""
    body = msgspec.msgpack.encode(message)
    pipe.write(len(body).to_bytes(LENGTH_BYTES, "big"))
    pipe.write(body)


def receive(pipe: IO[bytes], kind: type[Any]) -> Any:
    """Read one message of a kind; None where the pipe or file has ended."""
    head = pipe.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    body = pipe.read(length)
    return msgspec.msgpack.decode(body, type=kind) if len(body) == length else None
