"""Which test runs which lines of legible, and how long it takes: measured once, and again for what changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutate import places
from tests.support.places import ROOT

#: Lines that run when a module is imported.
AT_IMPORT = ""
#: ``{test or AT_IMPORT: {module: lines}}`` and ``{test: seconds}`` of one file of tests.
Measured = dict[str, Any]


class Covering:
    """What was measured of all tests that count."""

    def __init__(self, measured: dict[str, Measured]) -> None:
        """Turn it round: from a line to its tests."""
        self.seconds: dict[str, float] = {}
        self.at_import: dict[str, set[int]] = defaultdict(set)
        self._tests: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for one in measured.values():
            self.seconds.update(one["seconds"])
            for test, lines in one["lines"].items():
                for module, numbers in lines.items():
                    self._add(test, module, numbers)

    def _add(self, test: str, module: str, numbers: Iterable[int]) -> None:
        if test == AT_IMPORT:
            self.at_import[module].update(numbers)
        elif test in self.seconds:
            for number in numbers:
                self._tests[module][number].add(test)

    def tests(self, module: str, first: int, last: int) -> list[str]:
        """Return the tests that run one of these lines, the fastest first."""
        found = {test for line in range(first, last + 1) for test in self._tests[module].get(line, ())}
        return sorted(found, key=self.seconds.__getitem__)

    def tests_of_module(self, module: str) -> list[str]:
        """Return the tests that run anything of a module after its import."""
        found = {test for tests in self._tests[module].values() for test in tests}
        return sorted(found, key=self.seconds.__getitem__)


class _Recorder:
    """Tells coverage whose lines run now, and measures the processor's seconds of each test that passes.

    Not the clock's: on a machine with other work a test would take longer than it does, and be left out.
    """

    def __init__(self, cov: coverage.Coverage) -> None:
        self.cov = cov
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.cov.switch_context(item.nodeid)
        began = _worked()
        yield
        self.seconds[item.nodeid] = _worked() - began
        self.cov.switch_context(AT_IMPORT)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            print(report.longreprtext, file=sys.stderr)
            raise SystemExit(f"{report.nodeid} fails without any mutant. Mend that first.")


def _worked() -> float:
    """Return the seconds that the processor spent on this process and on its children that ended."""
    return sum(os.times()[:4])


def measured(processes: int) -> Covering:
    """Measure what is not known yet, in that many processes, and return all of it."""
    places.KEPT.mkdir(parents=True, exist_ok=True)
    files = {path: places.KEPT / f"{_digest(path)}.json" for path in places.test_files()}
    missing = [path for path, kept in files.items() if not kept.exists()]
    shares = [missing[number::processes] for number in range(processes)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.mutate.covering", *map(str, share)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        for share in shares
        if share
    ]
    if any([one.wait() for one in running]):
        raise SystemExit("The tests could not be measured.")
    known = {str(path): json.loads(kept.read_text("utf-8")) for path, kept in files.items()}
    for old in set(places.KEPT.glob("*.json")) - set(files.values()):
        old.unlink()
    return Covering(known)


def _digest(path: Path) -> str:
    """Return a name that changes with the file, with legible, or with what tests share."""
    digest = hashlib.sha256(_shared_digest().encode())
    digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    if path == places.WORLDS:
        digest.update((ROOT / "tests" / "pipeline" / "test_random_worlds.py").read_bytes())
    return digest.hexdigest()[:24]


def _shared_digest(_known: list[str] = []) -> str:  # noqa: B006 - computed once
    if not _known:
        digest = hashlib.sha256()
        tests = ROOT / "tests"
        shared = [
            places.LEGIBLE,
            tests / "support",
            *tests.rglob("conftest.py"),
            ROOT / "pyproject.toml",
            Path(__file__),
        ]
        for place in shared:
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
        _known.append(digest.hexdigest())
    return _known[0]


def _measure(paths: list[Path]) -> None:
    """Run these files' tests and keep what each ran."""
    cov = coverage.Coverage(data_file=None, source=[str(places.LEGIBLE)], branch=False, config_file=False)
    recorder = _Recorder(cov)
    cov.start()
    cov.switch_context(AT_IMPORT)
    # No cache, no database of examples: no file of the tree is touched.
    options = ["-p", "no:cacheprovider", "--hypothesis-profile=mutate", "-m", "not slow"]
    code = pytest.main([*options, *map(str, paths)], plugins=[recorder])
    cov.stop()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(int(code))
    data = cov.get_data()
    lines: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for file in data.measured_files():
        module = str(Path(file).relative_to(places.LEGIBLE))
        for number, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                lines[context].setdefault(module, []).append(number)
    for path in paths:
        start = str(path.relative_to(ROOT)) + "::"
        mine = {test: value for test, value in lines.items() if test == AT_IMPORT or test.startswith(start)}
        seconds = {test: value for test, value in recorder.seconds.items() if test.startswith(start)}
        (places.KEPT / f"{_digest(path)}.json").write_text(json.dumps({"lines": mine, "seconds": seconds}), "utf-8")


if __name__ == "__main__":
    _measure([Path(name) for name in sys.argv[1:]])
