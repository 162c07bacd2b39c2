"""What a cold instance costs: the import of each function from the zip, its memory, and the first document of all.

Each figure is the median of fresh processes of the runtime's own version, from the packaged zip with its bytecode.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from bench.document import Function, numbered, picture, upload
from bench.servers import Places, running
from bench.table import Line, Say
from infra.package import bytecode
from infra.package.build import ROOT, RUNTIMES, build

_TIMES = 5
_MS = 1000.0
_OBS, _OCR, _BYTES = 0.02, 0.3, 200_000
#: The bars of on_upload: import and first document in milliseconds, memory after the import in megabytes.
_IMPORT, _FIRST, _RESIDENT = 150.0, 240.0, 50.0
#: Imports a handler; prints the seconds, and how many kilobytes the process has then.
_IMPORTS = """
import sys, time
start = time.perf_counter()
sys.path.insert(0, sys.argv[1])
__import__(sys.argv[2])
spent = time.perf_counter() - start
resident = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(spent, resident)
"""
#: Handles the events of its input, one after the other; prints how many seconds each took.
_HANDLES = """
import importlib.util, json, sys, time
task = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("context", task["context"])
context = importlib.util.module_from_spec(spec)
spec.loader.exec_module(context)
sys.path.insert(0, sys.argv[1])
took = []
for event in task["events"]:
    began = time.perf_counter()
    import on_upload
    facts = {**task["facts"], "deadline": time.monotonic() + 300}
    documents = on_upload.handler(event, context.Context(facts, open("/dev/null", "w")))["documents"]
    assert [one["status"] for one in documents] == ["done"], documents
    took.append(time.perf_counter() - began)
print(json.dumps(took))
"""


def lines(say: Say) -> list[Line]:
    """Measure every function; for the newest runtime whose interpreter is found."""
    with tempfile.TemporaryDirectory() as target:
        runtime, python = next(
            (one, path) for one in reversed(RUNTIMES) if (path := bytecode.interpreter(one.removeprefix("Python")))
        )
        say(f"cold: packaging for {runtime}")
        folder = Path(target, "function")
        with zipfile.ZipFile(build(runtime, target=Path(target)).zip) as packed:
            packed.extractall(folder)
        compared = []
        for handler in sorted(file.stem for file in (ROOT / "functions").glob("*.py") if file.stem != "__init__"):
            say(f"cold: {handler}")
            compared += _imported(python, folder, handler)
        say("cold: the first document")
        return [*compared, _first(python, folder)]


def _imported(python: str, folder: Path, handler: str) -> list[Line]:
    told = [_run(python, _IMPORTS, "", str(folder), handler).split() for _ in range(_TIMES)]
    spent = statistics.median(float(one[0]) for one in told) * _MS
    resident = statistics.median(int(one[1]) for one in told) / 1024
    held = 1.0 if handler == "on_upload" else None
    return [
        Line(f"cold: import of {handler}", f"{spent:.0f} ms", f"{_IMPORT:.0f} ms", spent / _IMPORT, most=held),
        Line(
            f"cold: memory of {handler}", f"{resident:.0f} MB", f"{_RESIDENT:.0f} MB", resident / _RESIDENT, most=held
        ),
    ]


def _first(python: str, folder: Path) -> Line:
    """Compare what the first document costs beyond a warm one, from the start of the process on."""
    with running(_OBS, _OCR) as places:
        beyond = [_beyond(python, folder, places, number) for number in range(_TIMES)]
    spent = statistics.median(beyond) * _MS
    what = "cold: first document of on_upload beyond a warm one"
    return Line(what, f"{spent:.0f} ms", f"{_FIRST:.0f} ms", spent / _FIRST, most=1.0)


def _beyond(python: str, folder: Path, places: Places, number: int) -> float:
    body = picture(_BYTES)
    events = [upload(places, f"general-text/{number}-{one}.jpg", numbered(body, 10 * number + one)) for one in range(5)]
    time.sleep(1.1)  # in a bucket without versions a call waits until the second of the upload is over
    facts: dict[str, Any] = Function(places).facts()
    context = ROOT / "shared" / "localcloud" / "functiongraph" / "context.py"
    task = json.dumps({"events": events, "facts": facts, "context": str(context)})
    began = time.perf_counter()
    took = json.loads(_run(python, _HANDLES, task, str(folder)))
    whole = time.perf_counter() - began
    return float(whole - sum(took[1:]) - statistics.median(took[1:]))


def _run(python: str, script: str, given: str, *arguments: str) -> str:
    command = [python, "-I", "-S", "-B", "-c", script, *arguments]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout
