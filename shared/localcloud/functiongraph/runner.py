"""The local FunctionGraph: instances, the asynchronous queue with its retries, destinations (facts functiongraph 3).

It differs from the cloud in this: a call over the instance limit waits instead of being dropped, the pause between
retries is a setting (the pages give none). The destination of an event can be a function, or, where none is named and
the call failed, OBS, as Terraform has it.
"""

from __future__ import annotations

import heapq
import itertools
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from localcloud.faults import Fault, Schedule
from localcloud.functiongraph.config import Function
from localcloud.functiongraph.destination import destination_payload
from localcloud.functiongraph.events import MAX_ASYNC_EVENT, AsyncEvent, Mailbox
from localcloud.functiongraph.instance import Instance, Outcome
from localcloud.functiongraph.work import Invocation, Run, Work
from localcloud.iam.credentials import Keyring

#: "An idle instance is removed after about one minute." (facts 1.7)
IDLE_SECONDS = 60.0
#: The only version there is.
VERSION = "latest"
#: "One line is split at 90 KB." (facts 1.4)
MAX_LINE = 90 * 1024


def backoff(attempt: int) -> float:
    """Pause before retry number ``attempt``, in seconds; ours, the pages name none."""
    return float(min(60, 2**attempt))


class FunctionGraph:
    """Runs the functions of one project.

    Fault kinds, paths are function keys. Method ``invoke``, struck when an asynchronous event is accepted:
    ``duplicate`` (delivered ``count`` times in all), ``late`` (held for ``seconds``, so that later events overtake it),
    ``drop`` (accepted and lost). Method ``run``, struck when an invocation starts: ``kill`` (the instance dies after
    ``seconds``).
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        code: Sequence[Path],
        keys: Keyring,
        *,
        project_id: str = "",
        region: str = "cn-north-4",
        user_data: Mapping[str, str] | None = None,
        state: Path | None = None,
        max_instances: int = 2,
        backoff: Callable[[int], float] = backoff,
        keep: Callable[[str, bytes], None] = lambda key, body: None,
        libraries: Sequence[str] = (),
    ) -> None:
        """Start; events that an earlier run has left in the state folder are delivered again.

        Args:
            functions: The functions by key.
            code: Folders on their import path, as the zip lays them out.
            keys: Where instances get the agency's temporary credentials.
            project_id: The project.
            region: The region, as URNs say it.
            user_data: Values that override those of serverless.yml.
            state: A folder for the queue and the log; without it, memory only.
            max_instances: Instances of each function.
            backoff: Seconds before the first, second, third retry.
            keep: Keeps what failed and has no function for it, under its key in OBS.
            libraries: Installed libraries that all functions load; an instance starts with them loaded, where it can.

        Raises:
            ConfigError: A function has more user variables than the platform takes, those of ``user_data`` included.
        """
        more = dict(user_data or {})
        self.functions = {
            key: replace(function, user_data={**function.user_data, **more}) for key, function in functions.items()
        }
        self.faults = Schedule()
        self.invocations: list[Invocation] = []
        #: The last runs, synchronous ones too.
        self.runs: deque[Run] = deque(maxlen=10_000)
        #: The last log lines: ``(function, line)``.
        self.log: deque[tuple[str, str]] = deque(maxlen=10_000)
        self._code, self._keys, self._state = list(code), keys, state
        self._libraries = tuple(libraries)
        self._project_id, self._region = project_id, region
        self._backoff = backoff
        self._keep = keep
        self._mailbox = Mailbox(state / "queue" if state else None)
        self._turn = threading.Condition()
        self._queues: dict[str, list[Work]] = {key: [] for key in functions}
        self._order = itertools.count()
        self._running = 0
        self._stopping = False
        self._instances: list[Instance] = []
        self._log_lock = threading.Lock()
        for event in self._mailbox.pending():
            if event.function in self._queues:
                self._push(event)
        self._threads = [
            threading.Thread(target=self._work, args=(function,), name=f"{key}-{number}", daemon=True)
            for key, function in self.functions.items()
            for number in range(max_instances)
        ]
        for thread in self._threads:
            thread.start()

    # --- calling

    def invoke(self, function: str, event: Any, request_id: str = "") -> Outcome:
        """Invoke synchronously, under a request id of its own unless one is given; a failed call is not retried."""
        return self.begin(function, event, request_id).result()

    def begin(self, function: str, event: Any, request_id: str = "") -> Future[Outcome]:
        """Invoke synchronously and let the caller decide how long it waits; the function runs on all the same."""
        answer: Future[Outcome] = Future()
        work = Work(0.0, next(self._order), event, request_id or str(uuid.uuid4()), answer=answer)
        with self._turn:
            if self._stopping:
                answer.set_result(Outcome("exit"))
                return answer
            heapq.heappush(self._queues[function], work)
            self._turn.notify_all()
        return answer

    def invoke_async(self, function: str, event: Any) -> str:
        """Accept an event and return its request id; when this returns, the event survives ``kill -9``.

        Raises:
            EventTooLargeError: The event is larger than 256 KB.
        """
        return self._accept(function, event, MAX_ASYNC_EVENT)

    def _accept(self, function: str, event: Any, limit: int | None) -> str:
        with self._turn:
            accepted = self._mailbox.accept(function, event, limit)
            fault = self.faults.take("invoke", function)
            if fault and fault.kind == "drop":
                self._mailbox.finish(accepted)
                self._note(accepted, "DISCARD", Outcome("drop"))
                return accepted.request_id
            if fault and fault.kind == "late":
                accepted.due += fault.seconds
                self._mailbox.save(accepted)
            self._push(accepted)
            for _ in range(fault.count - 1 if fault and fault.kind == "duplicate" else 0):
                self._push(accepted, copy=True)
            self._turn.notify_all()
        return accepted.request_id

    def waiting(self, function: str) -> list[AsyncEvent]:
        """Return the events that wait for their first invocation, or for the next."""
        with self._turn:
            return [work.accepted for work in self._queues[function] if work.accepted and not work.copy]

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is queued, waiting for a retry or running; tell whether this was reached in time."""
        deadline = time.monotonic() + timeout
        with self._turn:
            while self._running or any(self._queues.values()):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._turn.wait(left)
        return True

    def kill_instance(self, access: str) -> bool:
        """Kill the instance that holds this temporary access key, wherever its code stands; tell if there is one."""
        owned = [instance for instance in list(self._instances) if instance.key and instance.key.access == access]
        for instance in owned:
            instance.kill()
        return bool(owned)

    def stop(self) -> None:
        """Stop at once: running invocations are killed, and what is not finished stays in the state folder."""
        with self._turn:
            self._stopping = True
            for queue in self._queues.values():
                for work in queue:
                    if work.answer is not None:
                        work.answer.set_result(Outcome("exit"))
                queue.clear()
            self._turn.notify_all()
        while any(thread.is_alive() for thread in self._threads):
            # Again and again: an instance may be starting just now.
            for instance in list(self._instances):
                instance.kill()
            for thread in self._threads:
                thread.join(0.02)

    def urn(self, function: str) -> str:
        """Return the function's URN."""
        known = self.functions[function]
        name = known.name or known.key
        return f"urn:fss:{self._region}:{self._project_id}:function:{known.package}:{name}:{VERSION}"

    # --- one worker for each instance

    def _work(self, function: Function) -> None:
        facts = self._facts(function)
        log = lambda line: self._write_log(function.key, line)  # noqa: E731 - the shortest way to say it
        instance = Instance(function, self._code, self._keys, facts, log, self._libraries)
        self._instances.append(instance)
        try:
            while True:
                work = self._next(function, instance)
                if work is None:
                    return
                try:
                    self._run(function, instance, work)
                finally:
                    with self._turn:
                        self._running -= 1
                        self._turn.notify_all()
        finally:
            instance.close()

    def _next(self, function: Function, instance: Instance) -> Work | None:
        queue = self._queues[function.key]
        idle_at = time.monotonic() + IDLE_SECONDS
        with self._turn:
            while not self._stopping:
                if queue and queue[0].due <= time.time():
                    self._running += 1
                    return heapq.heappop(queue)
                if time.monotonic() >= idle_at:
                    instance.close()
                    idle_at = float("inf")
                until = [idle_at - time.monotonic(), 3600.0]
                if queue:
                    until.append(queue[0].due - time.time())
                self._turn.wait(max(0.001, min(until)))
        return None

    def _run(self, function: Function, instance: Instance, work: Work) -> None:
        event = work.accepted
        if event and not work.copy and time.time() - event.accepted > function.policy.max_event_age:
            self._discard(function, event)
            return
        fault: Fault | None = self.faults.take("run", function.key)
        kill_after = fault.seconds if fault and fault.kind == "kill" else None
        self._write_log(function.key, f"{_stamp()} Start invoke request '{work.request_id}', version: {VERSION}")
        begun = time.time()
        outcome = instance.invoke(work.event, work.request_id, kill_after)
        self.runs.append(Run(function.key, begun, outcome))
        self._write_log(
            function.key,
            f"{_stamp()} Finish invoke request '{work.request_id}', duration: {outcome.seconds * 1000:.3f}ms, "
            f"memory used: {outcome.memory:.3f}MB, result: {outcome.kind}",
        )
        if work.answer is not None:
            work.answer.set_result(outcome)
            return
        if self._stopping and not outcome.ok:
            return
        assert event is not None
        if work.copy:
            self._note(event, "SUCCESS" if outcome.ok else "FAIL", outcome)
        else:
            self._settle(function, event, outcome)

    def _settle(self, function: Function, event: AsyncEvent, outcome: Outcome) -> None:
        """Finish an event and send it to its destination, or schedule its retry."""
        event.attempts += 1
        self._note(event, "SUCCESS" if outcome.ok else "FAIL", outcome)
        policy = function.policy
        if not outcome.ok and event.attempts <= policy.max_retry_attempts:
            event.due = time.time() + self._backoff(event.attempts)
            self._mailbox.save(event)
            with self._turn:
                self._push(event)
                self._turn.notify_all()
            return
        target = policy.on_success if outcome.ok else policy.on_failure
        self._forward(function, event, outcome, target)

    def _discard(self, function: Function, event: AsyncEvent) -> None:
        outcome = Outcome("age", json.dumps({"errorMessage": "The event's age exceeds its limit.", "errorType": "age"}))
        self._note(event, "DISCARD", outcome)
        self._forward(function, event, outcome, function.policy.on_failure)

    def _forward(self, function: Function, event: AsyncEvent, outcome: Outcome, target: str) -> None:
        # The destination gets the event before the queue drops it: after a kill in between it comes twice.
        payload = destination_payload(self.urn(function.key), event, outcome)
        if target:
            self._accept(target, payload, limit=None)
        elif not outcome.ok:
            key = f"failures/{function.key}/{event.request_id}.json"
            self._keep(key, json.dumps(payload, ensure_ascii=False).encode())
        self._mailbox.finish(event)

    # --- small parts

    def _push(self, event: AsyncEvent, copy: bool = False) -> None:
        work = Work(event.due, next(self._order), event.payload, event.request_id, accepted=event, copy=copy)
        heapq.heappush(self._queues[event.function], work)

    def _note(self, event: AsyncEvent, state: str, outcome: Outcome) -> None:
        at = event.accepted, time.time()
        self.invocations.append(
            Invocation(event.function, event.request_id, event.attempts, state, outcome, event.payload, *at)
        )

    def _facts(self, function: Function) -> dict[str, Any]:
        return {
            "project_id": self._project_id,
            "function": function.name or function.key,
            "package": function.package,
            "version": VERSION,
            "memory": function.memory,
            "user_data": dict(function.user_data),
        }

    def _write_log(self, function: str, line: str) -> None:
        with self._log_lock:
            for start in range(0, max(1, len(line)), MAX_LINE):
                part = line[start : start + MAX_LINE]
                self.log.append((function, part))
                if self._state:
                    with (self._state / f"{function}.log").open("a", encoding="utf-8") as file:
                        file.write(part + "\n")


def _stamp() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
