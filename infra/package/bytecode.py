"""Bytecode for a runtime, compiled by an interpreter of its own version."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.errors import PackageError

#: Where FunctionGraph unpacks the zip (functiongraph_02_0502): tracebacks name files by it.
CODE_ROOT = "/opt/function/code"


def interpreter(version: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return an interpreter of that version that runs; None where none is found.

    ``python3.12`` is looked for on the PATH, then among what pyenv holds where ``PYENV_ROOT`` says so: a shim of pyenv
    is on the PATH even for versions that it will not run here.
    """
    environment = os.environ if environment is None else environment  # noqa: TID251 - a command has nothing else
    return next((found for found in _candidates(version, environment) if _runs(found, version)), None)


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[str]:
    python = shutil.which(f"python{version}", path=environment.get("PATH", ""))
    if python:
        yield python
    root = environment.get("PYENV_ROOT")
    if root:
        yield from map(str, sorted(Path(root, "versions").glob(f"{version}.*/bin/python{version}")))


def _runs(python: str, version: str) -> bool:
    answer = subprocess.run(
        [python, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
    )
    return answer.returncode == 0 and answer.stdout.strip() == version


def compile_all(python: str, folder: Path) -> None:
    """Compile every module below the folder, the same bytes each time.

    The bytecode names its source by hash and is used unchecked: the source's time does not matter, and nothing is
    looked at twice in a folder that cannot be written. One process, one order and one hash seed, because sets and the
    sharing of constants inside the bytecode depend on them.

    Raises:
        PackageError: A module does not compile.
    """
    done = subprocess.run(
        [
            *(python, "-s", "-S", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", CODE_ROOT, str(folder)),
        ],
        env={"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise PackageError(f"{python} could not compile the package: {done.stdout.strip()} {done.stderr.strip()}")
