"""The processes of an instance, with all that they started: their memory, and their end. Reads /proc, so Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Protocol

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


class Leader(Protocol):
    """A process that leads a session; ``subprocess.Popen`` is one."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    @property
    def returncode(self) -> int | None:
        """Its exit code once it was waited for."""
        ...


def kill(leader: Leader) -> None:
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
    What an instance was forked with is its own, however many others have it: up to ``inherited`` bytes of what its own
    process shares are added.
    """

    def __init__(self, inherited: int = 0) -> None:
        """Start with nothing seen."""
        self.bytes = 0
        self._resident = 0
        self._inherited = inherited

    def look(self, pid: int) -> int:
        """Look at a process and all that descend from it, and return the peak so far."""
        members = family(pid)
        resident = sum(map(_resident, members))
        if resident > self._resident:
            self._resident = resident
            shared = min(self._inherited, _shared(pid)) if self._inherited else 0
            self.bytes = max(self.bytes, shared + sum(map(_proportional, members)))
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
        return _sizes(pid)["Pss"]
    except (OSError, KeyError, ValueError):
        return _resident(pid)


def anonymous(pid: int) -> int:
    """Return the memory of a process that is not that of a file, in bytes; 0 if the kernel does not tell it."""
    try:
        return _sizes(pid)["Anonymous"]
    except (OSError, KeyError, ValueError):
        return 0


def _shared(pid: int) -> int:
    """Return what PSS leaves out of a process's anonymous memory, in bytes; 0 if the kernel does not tell it."""
    try:
        sizes = _sizes(pid)
        return sizes["Anonymous"] - sizes["Pss_Anon"]
    except (OSError, KeyError, ValueError):
        return 0


def _sizes(pid: int) -> dict[str, int]:
    """Return the sizes of all that a process has mapped, in bytes, by the kernel's names."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    named = (line.split() for line in lines)
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in named}
