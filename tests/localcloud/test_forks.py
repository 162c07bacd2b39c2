"""Instances forked from a process that has loaded what they will import: like fresh ones, but started at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import LIBRARIES
from localcloud.functiongraph import Function, FunctionGraph, forks
from localcloud.iam.credentials import Keyring
from tests.support.places import ROOT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is forked is read from /proc")

#: Says what it is, and keeps others from taking its instance meanwhile.
WHO = """
import os, random, sys, time

with open(os.environ["RUNTIME_CODE_ROOT"] + "/imported", "a") as file:
    file.write("once\\n")
calls = 0

def handler(event, context):
    global calls
    calls += 1
    time.sleep(event.get("seconds", 0))
    for name in event.get("import", ()):
        __import__(name)
    return {"pid": os.getpid(), "group": os.getpgrp(), "parent": os.getppid(), "drawn": random.random(), "calls": calls,
        "loaded": [name for name in event.get("names", ()) if name in sys.modules], "variables": dict(os.environ)}
"""


@pytest.fixture
def graph(code: Callable[[str], Path], keys: Keyring) -> Iterator[Callable[..., FunctionGraph]]:
    running: list[FunctionGraph] = []

    def start(libraries: tuple[str, ...] = (), instances: int = 1) -> FunctionGraph:
        function = Function("f", "h.handler", timeout=30.0, memory=512)
        running.append(FunctionGraph({"f": function}, [code(WHO)], keys, max_instances=instances, libraries=libraries))
        return running[-1]

    yield start
    for graph in running:
        graph.stop()


def test_each_instance_is_a_process_and_a_session_of_its_own_that_imports_its_code_itself(graph, tmp_path):
    # given
    running = graph(instances=3)

    # when
    begun = [running.begin("f", {"seconds": 0.5}) for _ in range(3)]
    found = [one.result().result for one in begun]

    # then
    assert len({one["pid"] for one in found}) == 3
    assert all(one["group"] == one["pid"] != os.getpid() for one in found)
    assert {one["parent"] for one in found} != {os.getpid()}, "nothing was forked"
    assert [one["calls"] for one in found] == [1, 1, 1]
    assert len({one["drawn"] for one in found}) == 3
    assert (tmp_path / "code" / "imported").read_text() == "once\n" * 3


def test_what_the_functions_here_load_is_loaded_and_nothing_else():
    # given
    script = f"""
import importlib, sys
def installed():
    files = {{name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}}
    return {{name.partition(".")[0] for name, file in files.items() if "site-packages" in file}} - {{"_distutils_hack"}}
for name in sys.argv[1:]:
    importlib.import_module(name)
before = installed()
sys.path[:0] = [{str(ROOT / "functions")!r}, {str(ROOT / "shared")!r}]
import on_upload
print(*sorted(before), sep=",")
print(*sorted(installed()), sep=",")
"""

    def run(*names):
        command = [sys.executable, "-I", "-c", script, *names]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    # when
    _, imported = (set(line.split(",")) for line in run())
    loaded, imported_then = (set(line.split(",")) for line in run(*LIBRARIES))

    # then beside what is imported there is what the first document loads; the SDK of OBS is loaded in a way of our own,
    # and the signer by functions without its ASN.1, which here comes with it
    assert len(imported) > 6
    assert imported - loaded <= {"obs"}
    assert loaded - imported == {"pyasn1", "pypdfium2", "pypdfium2_cfg", "pypdfium2_raw", "stdnum", "xlsxwriter"}
    assert imported_then == loaded | imported


def test_an_instance_has_the_libraries_and_only_its_own_variables(graph):
    found = graph(("xlsxwriter",)).invoke("f", {"names": ["xlsxwriter", "tenacity"]}).result
    assert found["loaded"] == ["xlsxwriter"]
    assert "PATH" not in found["variables"]
    assert found["variables"]["RUNTIME_HANDLER"] == "h.handler"


def test_memory_counts_what_an_instance_was_forked_with_whole_however_many_share_it(graph):
    # given
    alone = graph(instances=1).invoke("f", {"import": LIBRARIES}).memory

    # when four that were forked from one process run at once
    running = graph(LIBRARIES, instances=4)
    begun = [running.begin("f", {"seconds": 1}) for _ in range(4)]
    together = [one.result().memory for one in begun]

    # then
    assert min(together) > alone * 0.6
    assert max(together) < alone * 1.4


def test_an_instance_starts_though_the_process_that_forks_was_killed(graph):
    # given
    first = graph().invoke("f", {}).result

    # when
    os.kill(first["parent"], signal.SIGKILL)
    second = graph().invoke("f", {}).result

    # then
    assert second["parent"] != first["parent"]


def test_where_nothing_can_be_forked_an_interpreter_of_its_own_runs_the_instance(code):
    # given
    folder = code(WHO)
    reading, writing = os.pipe()

    # when
    process = forks.start_afresh({"RUNTIME_CODE_ROOT": str(folder)}, folder.parent, writing)
    os.close(writing)
    assert process.stdin is not None

    def said(command: dict[str, Any]) -> Any:
        assert process.stdin is not None
        process.stdin.write(json.dumps(command).encode() + b"\n")
        process.stdin.flush()
        return json.loads(answers.readline())

    with os.fdopen(reading, encoding="utf-8") as answers:
        facts = {"invoke_id": "0" * 32, "timeout": 5}
        said({"code": [str(folder)], "handler": "h.handler", "initializer": "", "facts": facts})
        found = json.loads(said({"event": {}, "facts": facts})["result"])
        process.stdin.close()

    # then
    assert (found["pid"], found["parent"], found["group"]) == (process.pid, os.getpid(), process.pid)
    assert process.wait(20) == 0
