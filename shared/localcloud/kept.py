"""What a local service has counted or recorded: in memory, and written through to a file, one line each."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

_Entry = TypeVar("_Entry")


class Kept(Generic[_Entry]):
    """Entries in the order in which they were added."""

    def __init__(self, path: Path | None, kind: type[_Entry]) -> None:
        """Continue the file; without one, in memory only.

        Args:
            path: The file, made when missing.
            kind: What an entry is, a struct.
        """
        self._lock = threading.Lock()
        self._path = path
        self._entries: list[_Entry] = []
        if path and path.exists():
            # A line cut short by kill -9 was never acknowledged to anybody.
            lines = path.read_bytes().split(b"\n")[:-1]
            self._entries = [msgspec.json.decode(line, type=kind) for line in lines]
        elif path:
            path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, entry: _Entry) -> None:
        """Keep an entry; when this returns, it survives ``kill -9``."""
        with self._lock:
            self._entries.append(entry)
            if self._path:
                with self._path.open("ab") as file:
                    file.write(msgspec.json.encode(entry) + b"\n")

    @property
    def entries(self) -> tuple[_Entry, ...]:
        """The entries so far."""
        with self._lock:
            return tuple(self._entries)
