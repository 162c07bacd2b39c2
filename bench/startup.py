"""How long a cold instance imports its handler: from the one zip of all functions, and from a zip of its own.

A zip of its own is measured at its best: only the packages from which the import loads anything are in it, which is
less than the function would need later. The difference is the most that a zip for each function could save of the
import; what the platform does before the import (fetching and unpacking) cannot be measured outside of it.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
import zipfile
from pathlib import Path

from bench.table import Line, Say
from infra.package import bytecode
from infra.package.build import ROOT, RUNTIMES, build

_TIMES = 5
_MS = 1000.0
#: Imports a handler; prints the seconds, and the files of what was loaded.
_IMPORT = """
import sys, time
start = time.perf_counter()
sys.path.insert(0, sys.argv[1])
__import__(sys.argv[2])
spent = time.perf_counter() - start
import json
files = [str(getattr(one, "__file__", None) or "") for one in list(sys.modules.values())]
print(json.dumps([spent, [file for file in files if file.startswith(sys.argv[1])]]))
"""


def lines(say: Say) -> list[Line]:
    """Compare for each handler; for the first runtime whose interpreter is found."""
    compared = []
    with tempfile.TemporaryDirectory() as target:
        runtime, python = next(
            (one, path) for one in reversed(RUNTIMES) if (path := bytecode.interpreter(one.removeprefix("Python")))
        )
        say(f"startup: packaging for {runtime}")
        whole = _unpacked(build(runtime, target=Path(target)).zip, Path(target, "whole"))
        for handler in sorted(file.stem for file in (ROOT / "functions").glob("*.py") if file.stem != "__init__"):
            say(f"startup: {handler}")
            own = _own(python, whole, handler, Path(target, "own", handler))
            one, apart = _seconds(python, whole, handler), _seconds(python, own, handler)
            what = f"startup: import of {handler} from one zip beside a zip of its own"
            compared.append(Line(what, f"{one * _MS:.0f} ms", f"{apart * _MS:.0f} ms", one / apart))
    return compared


def _unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def _own(python: str, whole: Path, handler: str, folder: Path) -> Path:
    """Return a folder with nothing but what importing the handler needs: the module itself, and whole packages."""
    folder.mkdir(parents=True)
    libraries = {library.name for library in whole.glob("*.libs")}
    for name in libraries | {Path(file).relative_to(whole).parts[0] for file in _import(python, whole, handler)[1]}:
        if (whole / name).is_dir():
            shutil.copytree(whole / name, folder / name)
        else:
            shutil.copyfile(whole / name, folder / name)
            shutil.copytree(whole / "__pycache__", folder / "__pycache__", dirs_exist_ok=True)
    return folder


def _seconds(python: str, folder: Path, handler: str) -> float:
    return statistics.median(_import(python, folder, handler)[0] for _ in range(_TIMES))


def _import(python: str, folder: Path, handler: str) -> tuple[float, list[str]]:
    command = [python, "-I", "-S", "-B", "-c", _IMPORT, str(folder), handler]
    spent, files = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return float(spent), list(files)
