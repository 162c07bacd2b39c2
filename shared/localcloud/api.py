"""What the local APIs share: signed calls, answers in JSON, errors by the vendor's codes, faults struck on calls."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from localcloud.faults import Fault, Schedule
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.web import Environ, Server, StartResponse, cut, read_headers, send


@dataclass
class Answer:
    """An answer as it is sent: HTTP status, body, and headers beside those of every answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An error answer: the vendor's code, its message, and the HTTP status it comes with."""

    #: Code to HTTP status and message; each API has its own.
    known: ClassVar[Mapping[str, tuple[int, str]]] = {}

    def __init__(self, code: str, message: str = "", status: int = 0) -> None:
        """Take what is not said from the table; a code outside the table is a 400."""
        known_status, known_message = self.known.get(code, (400, "The request failed."))
        self.code = code
        self.message = message or known_message
        self.status = status or known_status
        super().__init__(f"{self.code}: {self.message}")


class SignedApi(ABC):
    """A WSGI application of which callers prove who they are; it answers, or breaks off as a fault has it.

    Fault kinds that every such API knows: ``lost-answer`` (silence for ``seconds``, then the connection breaks),
    ``cut`` (the connection breaks at once), ``kill-before`` and ``kill-after``, see ``on_kill``.

    Args:
        keys: The access keys that may call.
        project_id: The only project there is.
    """

    #: How many seconds a lost answer is silent, unless the fault says.
    silence: ClassVar[float] = 0.0

    def __init__(self, keys: Keyring, project_id: str) -> None:
        """Serve without faults."""
        self.faults = Schedule()
        #: Kills whoever holds an access key id; the local cloud sets it to kill function instances.
        self.on_kill: Callable[[str], object] = lambda access: None
        self._keys = keys
        self._project_id = project_id
        self._stopping = threading.Event()

    @abstractmethod
    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def close(self) -> None:
        """Let go of calls that are held on purpose."""
        self._stopping.set()

    def _strike(self, fault: Fault | None, environ: Environ, sent: bytes = b"") -> None:
        """Break a call off where a fault says so; of a ``cut`` one these bytes arrive."""
        if fault is None or fault.kind not in ("kill-before", "kill-after", "lost-answer", "cut"):
            return
        if fault.kind == "lost-answer":
            self._stopping.wait(fault.seconds or self.silence)
        elif fault.kind != "cut":
            self.on_kill(signature.access_of(read_headers(environ)))
        cut(environ, sent if fault.kind == "cut" else b"")


def answered(start_response: StartResponse, answer: Answer, request_id: str) -> Iterable[bytes]:
    """Send an answer; return what a WSGI application returns."""
    return send(start_response, answer.status, answer.body, answer.headers, request_id)


def encoded(value: Any) -> bytes:
    """Return a value as JSON."""
    return json.dumps(value, ensure_ascii=False).encode()
