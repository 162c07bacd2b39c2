"""The processes of an instance, with all that they started: their memory, and their end. Reads /proc, so Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it; itself alone where the system does not tell."""
    pids = [pid]
    for member in pids:  # grows while it is walked
        with contextlib.suppress(OSError):  # it ended meanwhile
            for thread in Path(f"/proc/{member}/task").iterdir():
                pids += _started_by(thread)
    return pids


def _started_by(thread: Path) -> list[int]:
    """Return the children of one thread: a process belongs to the thread that started it."""
    try:
        return [int(number) for number in (thread / "children").read_text(encoding="ascii").split()]
    except OSError:  # the thread ended meanwhile, or the kernel has no such file
        return []


def kill(leader: subprocess.Popen[bytes]) -> None:
    """Kill -9 a process that leads a session, its group, and what it started in sessions of their own.

    The platform throws the whole instance away; none of its processes goes on.
    """
    # After a wait, the process id may be another process's; the group's id cannot, as long as the group has members.
    started = family(leader.pid)[1:] if leader.returncode is None else []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    for member in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


class Peak:
    """The most memory that an instance had at once, in bytes, as seen by each ``look``; 0 on a system without /proc.

    The platform counts the whole instance, helper processes too. Their resident sizes (RSS) count what they share, the
    interpreter and its libraries, once each, so proportional sizes (PSS) are added up. What other instances share too
    counts in part only, some MB too little. PSS takes milliseconds of the kernel's time (measured: 3 for 300 MB), RSS
    some microseconds; so PSS is read only when the sum of RSS, which is never less, is higher than it ever was.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.bytes = 0
        self._resident = 0

    def look(self, pid: int) -> int:
        """Look at a process and all that descend from it, and return the peak so far."""
        members = family(pid)
        resident = sum(map(_resident, members))
        if resident > self._resident:
            self._resident = resident
            self.bytes = max(self.bytes, sum(map(_proportional, members)))
        return self.bytes


def _resident(pid: int) -> int:
    """Return RSS in bytes, 0 for a process that is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def _proportional(pid: int) -> int:
    """Return PSS in bytes; RSS if the kernel does not tell it."""
    try:
        return _pss(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines())
    except (OSError, StopIteration, ValueError):
        return _resident(pid)


def _pss(lines: Iterable[str]) -> int:
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
