"""The local FunctionGraph: context, instances, limits, retries, destinations, faults."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.faults import Fault
from localcloud.functiongraph import AsyncPolicy, Context, EventTooLargeError, Function, FunctionGraph
from localcloud.iam.credentials import Keyring

HANDLER = """
import json, os, time
from pathlib import Path

def handler(event, context):
    if "note" in event:
        with open(event["note"], "a") as file:
            file.write(f"{context.getRequestID()} {os.getpid()}\\n")
    time.sleep(event.get("sleep", 0))
    if event.get("fail"):
        raise ValueError("it failed")
    if event.get("exit"):
        os._exit(3)
    if event.get("megabytes"):
        block = bytearray(event["megabytes"] * 1024 * 1024)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(0.5)
    if event.get("answer"):
        return "x" * event["answer"]
    return event.get("result", "done")

def unserializable(event, context):
    return object()

def failed(event, context):
    Path(event.get("note") or json.loads(event["request_payload"])["failures"]).write_text(json.dumps(event))
"""

#: Starts processes of its own, from a thread too, and waits until they have what memory they shall have.
FAMILY = """
import os, subprocess, sys, threading, time
from pathlib import Path

def child(event, found):
    script = "import sys, time; x = bytearray(b'x') * (int(sys.argv[1]) << 20); print(1, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script, str(event["megabytes"])], stdout=subprocess.PIPE,
        start_new_session=event.get("apart", False))
    process.stdout.readline()
    found.append(process)

def handler(event, context):
    found = []
    threads = [threading.Thread(target=child, args=(event, found)) for _ in range(event["children"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if "note" in event:
        Path(event["note"] + ".tmp").write_text(" ".join(str(process.pid) for process in found))
        Path(event["note"] + ".tmp").rename(event["note"])
    if event.get("then") == "exit":
        os._exit(3)
    time.sleep(60 if "then" in event else 0.3)
    for process in found:
        process.kill()
        process.wait()
"""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def run(code: Callable[[str], Path], keys: Keyring, tmp_path: Path) -> Iterator[Callable[..., FunctionGraph]]:
    """Start a FunctionGraph with one function ``f`` from ``h.handler``, its failures going to ``failed``."""
    running: list[FunctionGraph] = []

    def run(text: str = HANDLER, *, state: Path | None = None, instances: int = 2, **options: Any) -> FunctionGraph:
        facts = {"handler": "h.handler", "timeout": 5.0, "memory": 256} | options
        functions = {"f": Function("f", **facts), "failed": Function("failed", "h.failed")}
        graph = FunctionGraph(
            functions,
            [code(text)],
            keys,
            project_id="p1",
            user_data={"LEGIBLE_REGION": "here"},
            state=state,
            max_instances=instances,
            backoff=lambda attempt: 0.02,
        )
        running.append(graph)
        return graph

    yield run
    for graph in running:
        graph.stop()


def test_the_context_has_the_documented_methods(run: Any) -> None:
    # given
    graph = run(
        """
def handler(event, context):
    names = [name for name in dir(context) if name.startswith("get")]
    return {name: getattr(context, name)() for name in names if name not in ("getUserData", "getLogger")} | {
        "user": context.getUserData("LEGIBLE_REGION"), "none": context.getUserData("NOTHING")}
""",
        user_data={"LEGIBLE_REGION": "there"},
    )

    # when
    seen = graph.invoke("f", {}).result

    # then
    assert seen["getSecurityAccessKey"].startswith("HST")
    assert seen["getSecuritySecretKey"] and seen["getSecurityToken"]
    assert (seen["getAccessKey"], seen["getSecretKey"]) == ("", "")
    assert (seen["user"], seen["none"]) == ("here", None)
    assert (seen["getProjectID"], seen["getFunctionName"], seen["getVersion"]) == ("p1", "f", "latest")
    assert (seen["getMemorySize"], seen["getCPUNumber"], seen["getRunningTimeInSeconds"]) == (256, 400, 5)
    assert 0 < seen["getRemainingTimeInMilliSeconds"] <= 5000
    assert re.fullmatch(r"[0-9a-f-]{36}", seen["getRequestID"])


def test_handlers_can_be_called_directly() -> None:
    # given
    log = io.StringIO()
    context = Context({"request_id": "r1", "user_data": {"A": "b"}, "deadline": time.monotonic() + 2}, log)

    # when
    context.getLogger().info("read %d pages", 3)

    # then
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z r1  INFO read 3 pages\n", log.getvalue())
    assert context.getUserData("A") == "b"
    assert 1000 < context.getRemainingTimeInMilliSeconds() <= 2000
    assert context.getSecurityAccessKey() == ""


def test_code_finds_the_zip_and_nothing_of_the_runtime(run: Any, tmp_path: Path) -> None:
    # given
    graph = run(
        """
import os, sys
import neighbor
def handler(event, context):
    try:
        import localcloud
        found = True
    except ImportError:
        found = False
    return [neighbor.NAME, found, os.environ["RUNTIME_FUNC_NAME"], "PYTHONPATH" in os.environ, sys.stdin.read()]
"""
    )
    (tmp_path / "code" / "neighbor.py").write_text('NAME = "beside"')

    # then
    assert graph.invoke("f", {}).result == ["beside", False, "f", False, ""]


def test_an_instance_is_reused_and_handles_one_event_at_a_time(run: Any, tmp_path: Path) -> None:
    # given
    graph = run(instances=2)
    note = tmp_path / "note"

    # when
    for _ in range(6):
        graph.invoke_async("f", {"note": str(note), "sleep": 0.05})
    assert graph.wait_idle(10)

    # then
    processes = {line.split()[1] for line in note.read_text().splitlines()}
    assert 1 <= len(processes) <= 2
    assert len({line.split()[0] for line in note.read_text().splitlines()}) == 6


class TestOutcomes:
    def test_a_result(self, run: Any) -> None:
        outcome = run().invoke("f", {"result": {"ü": [1, None]}})
        assert outcome.ok
        assert outcome.result == {"ü": [1, None]}

    def test_an_exception(self, run: Any) -> None:
        outcome = run().invoke("f", {"fail": True})
        assert outcome.kind == "error"
        assert (outcome.result["errorMessage"], outcome.result["errorType"]) == ("it failed", "ValueError")

    def test_a_result_that_is_no_json(self, run: Any) -> None:
        outcome = run(handler="h.unserializable").invoke("f", {})
        assert (outcome.kind, outcome.result["errorType"]) == ("error", "TypeError")

    def test_a_result_too_large(self, run: Any) -> None:
        graph = run()
        assert graph.invoke("f", {"answer": 6_000_000}).ok
        assert graph.invoke("f", {"answer": 6_300_000}).kind == "result"

    def test_a_timeout_kills_the_instance(self, run: Any) -> None:
        # given
        graph = run(timeout=0.3, instances=1)

        # when
        started = time.monotonic()
        outcome = graph.invoke("f", {"sleep": 30})

        # then
        assert outcome.kind == "timeout"
        assert time.monotonic() - started < 20
        assert graph.invoke("f", {}).ok

    def test_a_process_that_exits(self, run: Any) -> None:
        graph = run(instances=1)
        assert graph.invoke("f", {"exit": True}).kind == "exit"
        assert graph.invoke("f", {}).ok

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
    def test_memory_is_limited(self, run: Any) -> None:
        graph = run(memory=128, instances=1)
        assert graph.invoke("f", {"megabytes": 40}).ok
        assert graph.invoke("f", {"megabytes": 300}).kind == "memory"
        assert graph.invoke("f", {}).ok

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
    def test_memory_counts_all_processes(self, run: Any) -> None:
        graph = run(FAMILY, memory=192, instances=1)
        alone = graph.invoke("f", {"children": 0, "megabytes": 0})
        together = graph.invoke("f", {"children": 2, "megabytes": 50})
        afterwards = graph.invoke("f", {"children": 0, "megabytes": 0})
        assert together.memory - alone.memory > 95
        assert afterwards.memory < alone.memory + 20, "each invocation has its own peak"
        assert graph.invoke("f", {"children": 2, "megabytes": 90}).kind == "memory"
        (line,) = [line for _, line in graph.log if f"memory used: {together.memory:.3f}MB" in line]
        assert "Finish invoke request" in line

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are read from /proc")
    @pytest.mark.parametrize(
        ("end", "apart"),
        [("exit", False), *((end, apart) for end in ("timeout", "kill", "stop") for apart in (False, True))],
    )
    def test_what_an_instance_started_ends_with_it(self, run: Any, tmp_path: Path, end: str, apart: bool) -> None:
        # given
        graph = run(FAMILY, timeout=0.7 if end == "timeout" else 20, instances=1)
        note = tmp_path / "note"
        event = {"children": 2, "megabytes": 0, "note": str(note), "apart": apart, "then": end}

        # when
        if end == "kill":
            graph.faults.add(Fault("kill", method="run", seconds=0.7))
        if end == "stop":
            graph.invoke_async("f", event)
            while not note.exists():
                time.sleep(0.01)
            graph.stop()
        else:
            assert graph.invoke("f", event).kind == {"kill": "exit"}.get(end, end)

        # then
        started = [int(text) for text in note.read_text().split()]
        assert len(started) == 2
        until = time.monotonic() + 5
        while any(_alive(pid) for pid in started) and time.monotonic() < until:
            time.sleep(0.01)
        assert not any(_alive(pid) for pid in started)

    def test_an_exit_is_noticed_while_what_was_forked_goes_on(self, run: Any) -> None:
        graph = run(
            "import os, time\ndef handler(event, context):\n    os.fork() and os._exit(3)\n    time.sleep(60)\n"
        )
        begun = time.monotonic()
        assert graph.invoke("f", {}).kind == "exit"
        assert time.monotonic() - begun < 30

    def test_code_that_cannot_be_imported(self, run: Any) -> None:
        outcome = run("import nothing_of_that_name").invoke("f", {})
        assert outcome.kind == "initializer"
        assert outcome.result["errorType"] == "ModuleNotFoundError"

    def test_the_initializer_runs_once(self, run: Any) -> None:
        graph = run(
            """
count = 0
def initializer(context):
    global count
    count += 1
def handler(event, context):
    return count
""",
            initializer="h.initializer",
            instances=1,
        )
        assert [graph.invoke("f", {}).result for _ in range(3)] == [1, 1, 1]

    def test_the_initializer_has_three_attempts(self, run: Any, tmp_path: Path) -> None:
        note = tmp_path / "note"
        graph = run(
            f"""
def initializer(context):
    with open({str(note)!r}, "a") as file:
        file.write("x")
    raise RuntimeError("no")
def handler(event, context):
    pass
""",
            initializer="h.initializer",
        )
        assert graph.invoke("f", {}).kind == "initializer"
        assert note.read_text() == "xxx"


def test_the_log(run: Any) -> None:
    # given
    graph = run(
        """
import logging
def handler(event, context):
    context.getLogger().warning("from the logger")
    print("from print")
    print("x" * 100_000)
"""
    )

    # when
    graph.invoke("f", {})
    graph.stop()

    # then
    lines = [line for function, line in graph.log if function == "f"]
    assert re.search(r"Start invoke request '[0-9a-f-]{36}'", lines[0])
    assert re.search(r"Z [0-9a-f-]{36} [0-9a-f]{32} WARNING from the logger", lines[1])
    assert "from print" in lines
    assert sorted(len(line) for line in lines if set(line) == {"x"}) == [100_000 - 92_160, 92_160]
    assert any("Finish invoke request" in line for line in lines)


def test_the_log_has_a_calls_lines_before_its_answer(run: Any, tmp_path: Path) -> None:
    # given a log kept in a file, slower than its writer, who does not end the last line and later closes the log
    graph = run(
        """
import os
def handler(event, context):
    if event:
        return os.close(1)
    print("\\n".join(str(number) for number in range(3_000)))
    print("\\0not a mark")
    print("no end", end="")
""",
        state=tmp_path / "state",
    )

    # when
    for call in range(1, 4):
        graph.invoke("f", {})

        # then
        lines = [line for _, line in graph.log]
        assert [lines.count(line) for line in ("2999", "\0not a mark", "no end")] == [call, call, call]
        assert "Finish invoke request" in lines[-1]
    assert graph.invoke("f", {"close": True}).ok


class TestAsync:
    def test_retries_then_the_failure_destination(self, run: Any, tmp_path: Path) -> None:
        # given
        graph = run(policy=AsyncPolicy(2, on_failure="failed"))
        note, failures = tmp_path / "note", tmp_path / "failures"
        event = {"fail": True, "note": str(note), "failures": str(failures)}

        # when
        request_id = graph.invoke_async("f", event)
        assert graph.wait_idle(10)

        # then
        assert [line.split()[0] for line in note.read_text().splitlines()] == [request_id] * 3
        told = json.loads(failures.read_text())
        assert json.loads(told["request_payload"]) == event
        assert told["request_context"]["request_id"] == request_id
        assert told["request_context"]["approximate_invoke_count"] == 3
        assert told["request_context"]["function_urn"] == "urn:fss:cn-north-4:p1:function:default:f:latest"
        assert told["response_context"] == {"status_code": 200, "function_error": "it failed"}
        assert json.loads(told["response_payload"])["errorType"] == "ValueError"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\+08:00", told["timestamp"])
        assert [call.state for call in graph.invocations] == ["FAIL", "FAIL", "FAIL", "SUCCESS"]

    def test_a_system_error_has_another_status(self, run: Any, tmp_path: Path) -> None:
        graph = run(timeout=0.2, policy=AsyncPolicy(0, on_failure="failed"))
        graph.invoke_async("f", {"sleep": 9, "failures": str(tmp_path / "failures")})
        assert graph.wait_idle(10)
        assert json.loads((tmp_path / "failures").read_text())["response_context"]["status_code"] == 500

    def test_without_a_policy_an_error_is_final(self, run: Any, tmp_path: Path) -> None:
        graph = run()
        graph.invoke_async("f", {"fail": True, "note": str(tmp_path / "note")})
        assert graph.wait_idle(10)
        assert len((tmp_path / "note").read_text().splitlines()) == 1

    def test_what_fails_and_has_no_function_for_it_is_kept_under_the_name_of_its_own(self, run: Any) -> None:
        graph, kept = run(), dict[str, bytes]()
        graph._keep = kept.__setitem__
        request_id = graph.invoke_async("f", {"fail": True})
        graph.invoke_async("f", {"result": 5})
        assert graph.wait_idle(10)
        assert list(kept) == [f"failures/f/{request_id}.json"]
        told = json.loads(kept[f"failures/f/{request_id}.json"])
        assert json.loads(told["request_payload"]) == {"fail": True}

    def test_an_old_event_is_discarded(self, run: Any, tmp_path: Path) -> None:
        # given
        graph = run(policy=AsyncPolicy(3, max_event_age=1, on_failure="failed"))
        graph._backoff = lambda attempt: 1.2

        # when
        graph.invoke_async("f", {"fail": True, "failures": str(tmp_path / "failures")})
        assert graph.wait_idle(10)

        # then
        assert [call.state for call in graph.invocations] == ["FAIL", "DISCARD", "SUCCESS"]
        assert json.loads((tmp_path / "failures").read_text())["request_context"]["condition"] == "age"

    def test_a_success_destination(self, run: Any, tmp_path: Path) -> None:
        graph = run(policy=AsyncPolicy(on_success="failed"))
        graph.invoke_async("f", {"result": 5, "failures": str(tmp_path / "told")})
        assert graph.wait_idle(10)
        assert json.loads((tmp_path / "told").read_text())["response_payload"] == "5"

    def test_events_are_limited_to_256_kb(self, run: Any, tmp_path: Path) -> None:
        graph = run(policy=AsyncPolicy(0, on_failure="failed"))
        with pytest.raises(EventTooLargeError, match="FSS.0413"):
            graph.invoke_async("f", {"text": "x" * 262_144})
        # The largest event still reaches the destination, wrapped as it is.
        graph.invoke_async("f", {"fail": True, "failures": str(tmp_path / "told"), "text": "x" * 261_800})
        assert graph.wait_idle(10)
        assert (tmp_path / "told").stat().st_size > 262_144


class TestRestart:
    def test_what_is_not_finished_is_delivered_again(self, run: Any, tmp_path: Path) -> None:
        # given
        note, state = tmp_path / "note", tmp_path / "state"
        first = run(state=state, instances=1)
        running = first.invoke_async("f", {"note": str(note), "sleep": 30})
        waiting = first.invoke_async("f", {"note": str(note)})
        while not note.exists():
            time.sleep(0.01)

        # when
        first.stop()
        note.unlink()
        second = run(HANDLER.replace('event.get("sleep", 0)', "0"), state=state, instances=1)
        assert second.wait_idle(10)

        # then
        assert [line.split()[0] for line in note.read_text().splitlines()] == [running, waiting]
        assert list((state / "queue").iterdir()) == []

    def test_attempts_are_counted_over_a_restart(self, run: Any, tmp_path: Path) -> None:
        # given
        note, state = tmp_path / "note", tmp_path / "state"
        first = run(state=state, policy=AsyncPolicy(1))
        first._backoff = lambda attempt: 1.0
        first.invoke_async("f", {"note": str(note), "fail": True})
        while not first.invocations:
            time.sleep(0.01)
        assert not first.wait_idle(0.05)

        # when
        first.stop()
        second = run(state=state, policy=AsyncPolicy(1))
        assert second.wait_idle(10)

        # then
        assert len(note.read_text().splitlines()) == 2
        assert [(call.attempt, call.state) for call in second.invocations] == [(2, "FAIL")]

    def test_finished_events_stay_finished(self, run: Any, tmp_path: Path) -> None:
        first = run(state=tmp_path / "state")
        first.invoke_async("f", {"note": str(tmp_path / "note")})
        assert first.wait_idle(10)
        first.stop()
        assert run(state=tmp_path / "state").wait_idle(1)
        assert len((tmp_path / "note").read_text().splitlines()) == 1
        assert "Finish invoke request" in (tmp_path / "state" / "f.log").read_text()


class TestFaults:
    def test_duplicates(self, run: Any, tmp_path: Path) -> None:
        graph = run()
        graph.faults.add(Fault("duplicate", method="invoke", count=3))
        request_id = graph.invoke_async("f", {"note": str(tmp_path / "note")})
        assert graph.wait_idle(10)
        assert [line.split()[0] for line in (tmp_path / "note").read_text().splitlines()] == [request_id] * 3

    def test_late_events_are_overtaken(self, run: Any, tmp_path: Path) -> None:
        graph = run(instances=1)
        graph.faults.add(Fault("late", method="invoke", seconds=0.3))
        ids = [graph.invoke_async("f", {"note": str(tmp_path / "note")}) for _ in range(2)]
        assert graph.wait_idle(10)
        assert [line.split()[0] for line in (tmp_path / "note").read_text().splitlines()] == ids[::-1]

    def test_dropped_events(self, run: Any, tmp_path: Path) -> None:
        graph = run()
        graph.faults.add(Fault("drop", method="invoke"))
        graph.invoke_async("f", {"note": str(tmp_path / "note")})
        assert graph.wait_idle(10)
        assert not (tmp_path / "note").exists()
        assert [call.state for call in graph.invocations] == ["DISCARD"]

    def test_a_killed_instance_is_retried(self, run: Any, tmp_path: Path) -> None:
        graph = run(policy=AsyncPolicy(1))
        graph.faults.add(Fault("kill", method="run", seconds=0.1))
        graph.invoke_async("f", {"note": str(tmp_path / "note"), "sleep": 0.4})
        assert graph.wait_idle(10)
        assert [call.outcome.kind for call in graph.invocations] == ["exit", "success"]
        assert len((tmp_path / "note").read_text().splitlines()) == 2

    def test_a_seed_repeats_itself(self, run: Any) -> None:
        def states() -> list[str]:
            graph = run()
            graph.faults.draw(3, [(Fault("drop", method="invoke"), 0.5)])
            for _ in range(12):
                graph.invoke_async("f", {})
            assert graph.wait_idle(10)
            return sorted(call.state for call in graph.invocations)

        assert states() == states()
        assert set(states()) == {"DISCARD", "SUCCESS"}


def test_stopping_answers_who_waits(run: Any, tmp_path: Path) -> None:
    # given
    import threading

    graph = run(instances=1)
    outcomes: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: outcomes.append(graph.invoke("f", {"note": str(tmp_path / "note"), "sleep": 30})),
            daemon=True,
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 20
    while not (tmp_path / "note").exists() and time.monotonic() < end:
        time.sleep(0.05)

    # when
    graph.stop()
    for thread in threads:
        thread.join(timeout=5)

    # then
    assert [outcome.kind for outcome in outcomes] == ["exit", "exit"]
