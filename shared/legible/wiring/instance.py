"""What lives as long as an instance of a function: connections, and the settings as they were read last.

It is made when it is first asked for, never on import. Keys are none of it: each invocation brings its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from legible.huawei.connections import Connections
from legible.settings import VARIABLES, Settings, load

#: What the settings were read from: the file, when it changed last and its size, and the user variables.
_Source = tuple[Path | None, int, int, tuple[str | None, ...]]


class Instance:
    """What invocations of one instance share. Safe for several threads."""

    def __init__(self) -> None:
        """Read and open nothing yet."""
        self.connections = Connections()
        self._read: tuple[_Source, Settings] | None = None

    def settings(self, file: Path | None, variable: Callable[[str], str | None]) -> Settings:
        """Return the settings, read again if the file or a user variable changed. Args and errors as of ``load``."""
        stat = file.stat() if file is not None and file.is_file() else None
        changed, size = (stat.st_mtime_ns, stat.st_size) if stat else (0, 0)
        source = file, changed, size, tuple(variable(name) for name in VARIABLES)
        known = self._read
        if known is None or known[0] != source:
            self._read = known = source, load(file, variable)
        return known[1]


_lock = threading.Lock()
_made: list[Instance] = []


def instance() -> Instance:
    """Return what the invocations of this instance share."""
    with _lock:
        if not _made:
            _made.append(Instance())
        return _made[0]
