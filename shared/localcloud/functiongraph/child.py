"""One function instance, from inside: a script of its own process, or forked from ``template.py``; standard library.

Reads commands from stdin, one JSON line each; answers each by a JSON line on a file descriptor of its own; stdout
and stderr are the function's log, in which a mark says where a command's lines end.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_HERE = str(Path(__file__).resolve().parent)


def _load(handler: str) -> Callable[..., Any]:
    """Load ``folder/file.function`` from the code root, as the runtime does."""
    file, _, name = handler.rpartition(".")
    module = importlib.import_module(file.replace("/", "."))
    return getattr(module, name)  # type: ignore[no-any-return]


def _context_class() -> type:
    spec = importlib.util.spec_from_file_location("_functiongraph_context", f"{_HERE}/context.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Context  # type: ignore[no-any-return]


def _failure(error: BaseException) -> dict[str, Any]:
    """Describe an exception as the runtime does; the stack goes to the log as well."""
    traceback.print_exc()
    return {
        "error": {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_exception(error),
        }
    }


def _call(handler: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    try:
        result = handler(*arguments)
        return {"result": json.dumps(result, ensure_ascii=False)}
    except Exception as error:
        return _failure(error)


def _start(command: dict[str, Any], context: type) -> tuple[Callable[..., Any] | None, dict[str, Any]]:
    try:
        sys.path[:0] = command["code"]
        handler = _load(command["handler"])
        if command["initializer"]:
            _load(command["initializer"])(context(command["facts"]))
        return handler, {"result": "null"}
    except Exception as error:
        return None, _failure(error)


def _end_of_log(invoke_id: str) -> None:
    """Mark the end of an invocation's lines: they take another pipe than its answer, and may be read after it."""
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):  # the handler may have closed it
        os.write(1, f"\0{invoke_id}\n".encode())


def _die_with(parent: int) -> None:
    """End this instance when the platform's process ends, however it ends: its event is delivered again elsewhere."""
    while os.getppid() == parent:
        time.sleep(0.1)
    os.killpg(0, signal.SIGKILL)


def main(descriptor: int) -> None:
    """Serve commands until stdin closes, and write the answers to a file descriptor."""
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(descriptor, "w", encoding="utf-8")
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    # What a handler reads from stdin must not be the runtime's own commands.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    context = _context_class()
    command = json.loads(commands.readline())
    handler, answer = _start(command, context)
    while True:
        _end_of_log(command["facts"]["invoke_id"])
        answer["max_rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        line = commands.readline()
        if not line or handler is None:
            return
        command = json.loads(line)
        facts = command["facts"]
        facts["deadline"] = time.monotonic() + facts["timeout"]
        answer = _call(handler, command["event"], context(facts))


if __name__ == "__main__":
    main(int(sys.argv[1]))
