"""The processes of instances, as their platform starts them: forked from a template, or afresh where that cannot be."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from localcloud.functiongraph import processes

_CHILD = Path(__file__).with_name("child.py")
_TEMPLATE = Path(__file__).with_name("template.py")
#: Isolated: neither the caller's PYTHONPATH nor this folder is on the instance's import path.
_PYTHON = (sys.executable, "-I", "-u", "-X", "utf8")
#: The exit code of a process whose template ended first, and took it along.
_KILLED = -9


class Started(Protocol):
    """A process with its streams, as far as an instance uses it; ``subprocess.Popen`` is one."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group and its session too."""
        ...

    @property
    def returncode(self) -> int | None:
        """The exit code once it was waited for; negative for a signal."""
        ...

    def poll(self) -> int | None:
        """Return the exit code, or None as long as it runs."""
        ...

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        ...


class Forked:
    """A process that a template has forked. It is no child of this one, so the template is asked how it ended."""

    def __init__(self, template: Template, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        """Watch a process. Until it was waited for, its id is nobody else's."""
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.returncode: int | None = None
        self._template = template
        self._watch = os.pidfd_open(pid)
        self._waiting = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, or None as long as it runs."""
        return self._wait(0.0)

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        code = self._wait(None)
        assert code is not None
        return code

    def _wait(self, seconds: float | None) -> int | None:
        with self._waiting:
            if self.returncode is None and select.select([self._watch], [], [], seconds)[0]:
                self.returncode = self._template.code_of(self.pid)
                os.close(self._watch)
            return self.returncode


class Template:
    """A running template. It ends with this process, and so does whatever it forked."""

    def __init__(self, libraries: Sequence[str]) -> None:
        """Start it; the libraries are loaded meanwhile."""
        self._owner = os.getpid()
        self._asking = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [*_PYTHON, str(_TEMPLATE), str(theirs.fileno()), *libraries],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={"HOME": tempfile.gettempdir(), "TMPDIR": tempfile.gettempdir()},
                start_new_session=True,
            )
        self.memory = 0

    @property
    def usable(self) -> bool:
        """Whether it runs, and for this process: a fork of this process must not talk in its place."""
        return self._owner == os.getpid() and self._process.poll() is None

    def fork(self, environment: Mapping[str, str], folder: Path, answers: int) -> Forked:
        """Start an instance's process.

        Raises:
            OSError: The template is gone.
        """
        stdin, ours = os.pipe()
        theirs, stdout = os.pipe()
        streams = os.fdopen(ours, "wb"), os.fdopen(theirs, "rb")
        wanted = json.dumps({"environment": dict(environment), "folder": str(folder)}).encode()
        try:
            with self._asking:
                socket.send_fds(self._control, [wanted], [stdin, stdout, answers])
                told = self._told()
            self.memory = self.memory or processes.anonymous(self._process.pid)
            return Forked(self, told["pid"], *streams)
        except OSError:
            for stream in streams:
                stream.close()
            raise
        finally:
            os.close(stdin)
            os.close(stdout)

    def code_of(self, pid: int) -> int:
        """Return the exit code of a process that has ended; its id is free from then on."""
        try:
            with self._asking:
                self._control.send(json.dumps({"ended": pid}).encode())
                return self._told()["code"]
        except OSError:
            return _KILLED

    def _told(self) -> dict[str, int]:
        answer = self._control.recv(1 << 16)
        if not answer:
            raise BrokenPipeError("the template of the instances has ended")
        return dict(json.loads(answer))

    def close(self) -> None:
        """End it."""
        if self._owner == os.getpid():
            self._control.close()
            self._process.kill()
            self._process.wait()


_templates: dict[tuple[str, ...], Template] = {}
_choosing = threading.Lock()


def template(libraries: Sequence[str]) -> Template | None:
    """Return this process's template with these libraries loaded, started if need be; None where none can be used.

    A process that is no child is watched by its file descriptor, which only Linux has.
    """
    if not _can_watch():
        return None
    key = tuple(libraries)
    with _choosing:
        found = _templates.get(key)
        if found is None or not found.usable:
            found = _templates[key] = Template(key)
            atexit.register(found.close)
        return found


def _can_watch() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def start(libraries: Sequence[str], environment: Mapping[str, str], folder: Path, answers: int) -> tuple[Started, int]:
    """Start the process of an instance.

    Args:
        libraries: What its template has loaded.
        environment: Its variables.
        folder: Its working directory.
        answers: The file descriptor that it writes answers to.

    Returns:
        The process, and the bytes of memory that it shares with its template.
    """
    origin = template(libraries)
    if origin is not None:
        with contextlib.suppress(OSError):
            return origin.fork(environment, folder, answers), origin.memory
    return start_afresh(environment, folder, answers), 0


def start_afresh(environment: Mapping[str, str], folder: Path, answers: int) -> subprocess.Popen[bytes]:
    """Start the process of an instance by an interpreter of its own."""
    return subprocess.Popen(
        [*_PYTHON, str(_CHILD), str(answers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[answers],
        env=environment,
        cwd=folder,
        start_new_session=True,
    )
