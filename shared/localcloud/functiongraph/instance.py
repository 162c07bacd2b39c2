"""One function instance, from outside: a process that handles one event at a time.

Memory is measured, not capped: RLIMIT_AS counts address space, of which numpy and onnxruntime reserve gigabytes they
never use. The memory of the instance's processes is read while a call runs (Linux), and an instance above its limit is
killed, as the platform does. Elsewhere the peak that the instance itself reports after the call decides.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.functiongraph import forks, processes
from localcloud.functiongraph.config import Function
from localcloud.iam.credentials import AccessKey, Keyring

#: "at most three attempts, then the instance is dropped and the request fails" (devg-functiongraph, initializer).
INITIALIZER_ATTEMPTS = 3
#: A synchronous answer has at most 6 MB (RUNTIME_MAX_RESP_BODY_SIZE).
MAX_RESULT = 6291456
#: Longest wait, in seconds, for the log lines of a call that has answered: its handler may have closed its stdout.
LOG_SECONDS = 5.0
#: Where the log lines of one call end; ``child.py`` writes it.
_MARK = re.compile("\0([0-9a-f]{32})$")
_MB = 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended. ``kind`` is ``success``, ``error`` (the code's own), or a system error's name.

    System errors are ``timeout``, ``memory``, ``exit`` (the process died), ``initializer`` and ``result`` (too large).
    The public pages give no texts for them; the messages are ours. ``memory`` is the most that the instance's processes
    had together while it ran, in MB.
    """

    kind: str
    payload: str = "null"
    seconds: float = 0.0
    memory: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether the handler returned."""
        return self.kind == "success"

    @property
    def result(self) -> Any:
        """What the handler returned, or the error as JSON."""
        return json.loads(self.payload)


class Instance:
    """A running instance with its own temporary credentials, so that its requests can be told from others'."""

    def __init__(
        self,
        function: Function,
        code: Sequence[Path],
        keys: Keyring,
        facts: dict[str, Any],
        log: Callable[[str], None],
        libraries: Sequence[str] = (),
    ) -> None:
        """Prepare; the process starts with the first call.

        Args:
            function: What to run.
            code: Folders on its import path, as the zip lays them out.
            keys: Where the agency's temporary keys come from.
            facts: The values that every context of this function has.
            log: Takes each log line.
            libraries: Installed libraries that its process has loaded when it starts, for it would load them anyway.
        """
        self._function = function
        self._code = [str(folder) for folder in code]
        self._keys = keys
        self._facts = facts
        self._log = log
        self._libraries = tuple(libraries)
        self._inherited = 0
        self._process: forks.Started | None = None
        self._answers = -1
        self._buffer = b""
        self._reader: threading.Thread | None = None
        self._logged = ""
        self._log_read = threading.Condition()
        self._peak = processes.Peak()
        self.key: AccessKey | None = None

    def invoke(self, event: Any, request_id: str, kill_after: float | None = None) -> Outcome:
        """Handle one event; a failed or overdue instance is gone afterwards, and the next call starts a new one."""
        started = time.monotonic()
        failed = self._ensure()
        if failed is not None:
            return failed
        self._peak = processes.Peak(self._inherited)
        facts = self._invocation_facts(request_id)
        outcome = self._exchange({"event": event, "facts": facts}, self._function.timeout, kill_after)
        if outcome.ok and len(outcome.payload.encode()) > MAX_RESULT:
            outcome = _system("result", "The function's result exceeds 6 MB.")
        return Outcome(outcome.kind, outcome.payload, time.monotonic() - started, self._peak.bytes / _MB)

    def kill(self) -> None:
        """End the process, and all that it started, at once (kill -9)."""
        process = self._process
        if process is not None:
            processes.kill(process)

    def close(self) -> None:
        """End the process, wait for it, and give up its credentials."""
        process, self._process = self._process, None
        if process is None:
            return
        processes.kill(process)
        process.wait()
        if self._reader:
            self._reader.join(timeout=2)
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        os.close(self._answers)
        self._buffer = b""
        if self.key:
            self._keys.revoke(self.key)
            self.key = None

    # --- the process

    def _ensure(self) -> Outcome | None:
        if self._process is not None and self._process.poll() is None:
            return None
        self.close()
        limit = self._function.initializer_timeout if self._function.initializer else max(30.0, self._function.timeout)
        outcome = Outcome("initializer")
        for _ in range(INITIALIZER_ATTEMPTS if self._function.initializer else 1):
            self._spawn()
            outcome = self._exchange(self._start_command(), limit)
            if outcome.ok:
                return None
            self.close()
        return Outcome("initializer", outcome.payload)

    def _spawn(self) -> None:
        self.key = self._keys.temporary()
        self._answers, theirs = os.pipe()
        try:
            # The working directory is the code's parent folder, so that relative paths fail here as they do there.
            folder = Path(self._code[0]).parent
            self._process, self._inherited = forks.start(self._libraries, self._environment(), folder, theirs)
        finally:
            os.close(theirs)
        self._peak = processes.Peak(self._inherited)
        self._reader = threading.Thread(target=self._read_log, args=(self._process,), daemon=True)
        self._reader.start()

    def _environment(self) -> dict[str, str]:
        """Give the platform's variables (devg-functiongraph), none of the caller's; only /tmp is writable there."""
        function = self._function
        return {
            "HOME": tempfile.gettempdir(),
            "TMPDIR": tempfile.gettempdir(),
            "RUNTIME_PROJECT_ID": str(self._facts.get("project_id", "")),
            "RUNTIME_FUNC_NAME": function.name or function.key,
            "RUNTIME_FUNC_VERSION": "latest",
            "RUNTIME_PACKAGE": function.package,
            "RUNTIME_HANDLER": function.handler,
            "RUNTIME_TIMEOUT": str(int(function.timeout)),
            "RUNTIME_MEMORY": str(function.memory),
            "RUNTIME_MAX_RESP_BODY_SIZE": str(MAX_RESULT),
            "RUNTIME_CODE_ROOT": self._code[0],
        }

    def _start_command(self) -> dict[str, Any]:
        return {
            "code": self._code,
            "handler": self._function.handler,
            "initializer": self._function.initializer,
            "facts": self._invocation_facts(""),
        }

    def _invocation_facts(self, request_id: str) -> dict[str, Any]:
        key = self.key
        assert key is not None
        return self._facts | {
            "request_id": request_id,
            "invoke_id": uuid.uuid4().hex,
            "timeout": self._function.timeout,
            "access_key": key.access,
            "secret_key": key.secret,
            "token": key.token,
        }

    # --- one exchange

    def _exchange(self, command: dict[str, Any], limit: float, kill_after: float | None = None) -> Outcome:
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._died(process)
        now = time.monotonic()
        answer = self._await(process, now + limit, None if kill_after is None else now + kill_after)
        if isinstance(answer, Outcome):
            self.close()
            return answer
        invoke_id = command["facts"]["invoke_id"]
        with self._log_read:
            self._log_read.wait_for(lambda: self._logged == invoke_id, LOG_SECONDS)
        if self._measure(process.pid, answer.get("max_rss", 0)) > self._function.memory * _MB:
            self.close()
            return _system("memory", f"The function used more than its {self._function.memory} MB.")
        if "error" in answer:
            return Outcome("error", json.dumps(answer["error"], ensure_ascii=False))
        return Outcome("success", answer["result"])

    def _await(self, process: forks.Started, deadline: float, kill_at: float | None) -> dict[str, Any] | Outcome:
        while b"\n" not in self._buffer:
            now = time.monotonic()
            if now >= deadline:
                return _system("timeout", f"The function did not end within {self._function.timeout:g} seconds.")
            if kill_at is not None and now >= kill_at:
                self.kill()
                kill_at = None
            if self._peak.look(process.pid) > self._function.memory * _MB:
                return _system("memory", f"The function used more than its {self._function.memory} MB.")
            pause = min(0.05, deadline - now, (kill_at - now) if kill_at is not None else 1.0)
            if select.select([self._answers], [], [], max(0.0, pause))[0]:
                chunk = os.read(self._answers, 1 << 20)
                if not chunk:
                    return self._died(process)
                self._buffer += chunk
            elif process.poll() is not None:  # a process it forked may hold the other end of the pipe
                return self._died(process)
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _died(self, process: forks.Started) -> Outcome:
        code = process.wait()
        return _system("exit", f"The function's process ended unexpectedly ({code}).")

    def _measure(self, pid: int, max_rss: int) -> int:
        """Return the invocation's peak in bytes; without /proc, the highest its own process ever had."""
        if not self._peak.look(pid) and sys.platform == "darwin":
            self._peak.bytes = max_rss  # in bytes on macOS
        return self._peak.bytes

    def _read_log(self, process: forks.Started) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in process.stdout:
                text = line.decode("utf-8", "replace").rstrip("\n")
                mark = _MARK.search(text)
                if mark is None:
                    self._log(text)
                    continue
                if mark.start():  # the handler did not end its last line
                    self._log(text[: mark.start()])
                with self._log_read:
                    self._logged = mark[1]
                    self._log_read.notify_all()


def _system(kind: str, message: str) -> Outcome:
    return Outcome(kind, json.dumps({"errorMessage": message, "errorType": kind}))
