"""The process that instances are forked from: runs as a script, and has imported what they will import.

A fork has all that its parent has loaded, and costs milliseconds where a fresh interpreter with the vendor's libraries
takes half a second. Only installed libraries are loaded here, never a function's own code: that is imported by each
instance for itself, as on the platform. Standard library only; one thread, because a fork takes no other with it.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import select
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_CHILD = Path(__file__).with_name("child.py")
#: The longest request, in bytes: an instance's environment.
_LONGEST = 1 << 20


def _child() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_functiongraph_child", _CHILD)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _become(control: socket.socket, wanted: dict[str, Any], descriptors: list[int]) -> int:
    """Be the instance: a session, an environment, a working directory and streams of its own.

    Returns:
        The file descriptor for answers.
    """
    os.setsid()
    stdin, stdout, answers = descriptors
    for number, stream in enumerate((stdin, stdout, stdout)):
        os.dup2(stream, number)
    os.close(stdin)
    os.close(stdout)
    variables = os.environ  # noqa: TID251 - they are not read, but set for the function
    variables.clear()
    variables.update(wanted["environment"])
    os.chdir(wanted["folder"])
    # Only now can it be killed as an instance is, by its group.
    control.send(json.dumps({"pid": os.getpid()}).encode())
    control.close()
    return answers


def _requests(control: socket.socket, parent: int) -> Any:
    """Yield each request with its file descriptors, as long as the platform's process lives."""
    while os.getppid() == parent:
        if select.select([control], [], [], 1.0)[0]:
            message, descriptors, _, _ = socket.recv_fds(control, _LONGEST, 3)
            if not message:
                return
            yield json.loads(message), descriptors


def main() -> None:
    """Load the libraries named in ``argv``, then fork an instance, or tell how one ended, for each request."""
    parent = os.getppid()
    control = socket.socket(fileno=int(sys.argv[1]))
    child = _child()
    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in an instance would write to, and so copy, what it shares
    for wanted, descriptors in _requests(control, parent):
        if "ended" in wanted:
            _, status = os.waitpid(wanted["ended"], 0)
            control.send(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode())
            continue
        if os.fork() == 0:
            child.main(_become(control, wanted, descriptors))
            return
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
