"""Which test runs which lines of legible, and how long it takes: measured once, and again where the tests changed.

Where legible changed, what was measured is carried over: a test that ran a function is taken to run all of what that
has become, and one that ran anything of a module all functions that are new in it. A test too many costs time only.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutate import places
from tests.support.places import ROOT

#: Lines that run when a module is imported.
AT_IMPORT = ""
_OUTSIDE = "(outside)"
#: Of one file of tests: ``lines``, ``{test or AT_IMPORT: {module: lines}}``; ``seconds``, ``{test: seconds}``; ``key``,
#: what changes with the tests; ``modules``, ``{module: digest}``, as they were.
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
    _sources().mkdir(parents=True, exist_ok=True)
    files = list(places.test_files())
    while missing := [path for path in files if _kept(path) is None]:
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
    for old in set(places.KEPT.glob("*.json")) - {_file(path) for path in files}:
        old.unlink()
    return Covering({str(path): found for path in files if (found := _kept(path)) is not None})


def _file(path: Path) -> Path:
    return places.KEPT / f"{'-'.join(path.relative_to(ROOT).with_suffix('').parts)}.json"


def _sources() -> Path:
    """Return where modules lie as they were measured, by their digests."""
    return places.KEPT / "sources"


def _kept(path: Path) -> Measured | None:
    """Return what was measured of a file of tests, by the lines of today; None where it has to be measured."""
    file = _file(path)
    if not file.exists():
        return None
    found: Measured = json.loads(file.read_text("utf-8"))
    if found["key"] != _key(path):
        return None
    changed = {module: before for module, before in found["modules"].items() if before != _current(module)}
    for lines in found["lines"].values():
        for module in changed.keys() & lines.keys():
            lines[module] = carried(lines[module], *_texts(module, changed[module]))
    return found


@cache
def _current(module: str) -> str:
    path = places.LEGIBLE / module
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


@cache
def _texts(module: str, before: str) -> tuple[str, str]:
    path = places.LEGIBLE / module
    return (_sources() / before).read_text("utf-8"), path.read_text("utf-8") if path.exists() else ""


def carried(lines: Iterable[int], before: str, now: str) -> list[int]:
    """Return which lines of a module a test runs now, if it ran these of it as it was before."""
    ran, found = set(lines), set[int]()
    for block, becomes, same in _pairs(before, now):
        met = [place for place, number in enumerate(block) if number in ran]
        if met:
            found.update([becomes[place] for place in met] if same else becomes)
    outside, more = _added(before, now)
    return sorted(found if found <= outside else found | more)


@cache
def _pairs(before: str, now: str) -> list[tuple[list[int], list[int], bool]]:
    """Return the lines of each block before and now, and whether they say the same."""
    old, new = _blocks(before), _blocks(now)
    was, is_ = (["", *text.splitlines(), ""] for text in (before, now))
    return [
        (old[name], new[name], name != _OUTSIDE and [was[n] for n in old[name]] == [is_[n] for n in new[name]])
        for name in old.keys() & new.keys()
    ]


@cache
def _added(before: str, now: str) -> tuple[set[int], set[int]]:
    """Return which lines now are outside of functions, and which of functions that were not there before."""
    old, new = _blocks(before), _blocks(now)
    return set(new[_OUTSIDE]), {number for name in new.keys() - old.keys() for number in new[name]}


@cache
def _blocks(text: str) -> dict[str, list[int]]:
    """Return the lines of each outermost function, without those of its head, and all that are outside of them."""
    functions = dict(_functions(ast.parse(text), ""))
    inside = {number for numbers in functions.values() for number in numbers}
    outside = [number for number in range(1, len(text.splitlines()) + 1) if number not in inside]
    return {**functions, _OUTSIDE: outside}


def _functions(node: ast.AST, where: str) -> Iterator[tuple[str, list[int]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield f"{where}{child.name}", list(range(child.body[0].lineno, (child.end_lineno or 0) + 1))
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{where}{child.name}.")


def _key(path: Path) -> str:
    """Return a name that changes with the file, or with what all tests share."""
    digest = hashlib.sha256(_shared_digest().encode())
    digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    if path == places.WORLDS:
        digest.update((ROOT / "tests" / "pipeline" / "test_random_worlds.py").read_bytes())
    return digest.hexdigest()


@cache
def _shared_digest() -> str:
    digest = hashlib.sha256()
    tests = ROOT / "tests"
    data = [path for path in places.LEGIBLE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    for place in [*sorted(data), tests / "support", *tests.rglob("conftest.py"), ROOT / "pyproject.toml"]:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _measure(paths: list[Path]) -> None:
    """Run these files' tests and keep what each ran."""
    keys = {path: _key(path) for path in paths}  # as they are now: they may be changed while they run
    sources = {str(path.relative_to(places.LEGIBLE)): path.read_bytes() for path in places.LEGIBLE.rglob("*.py")}
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
    lines = _lines(cov.get_data())
    for path in paths:
        start = str(path.relative_to(ROOT)) + "::"
        mine = {test: value for test, value in lines.items() if test == AT_IMPORT or test.startswith(start)}
        seconds = {test: value for test, value in recorder.seconds.items() if test.startswith(start)}
        modules = {module: _keep(sources[module]) for value in mine.values() for module in value}
        found: Measured = {"key": keys[path], "modules": modules, "lines": mine, "seconds": seconds}
        _file(path).write_text(json.dumps(found), "utf-8")


def _lines(data: coverage.CoverageData) -> dict[str, dict[str, list[int]]]:
    lines: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for file in data.measured_files():
        module = str(Path(file).relative_to(places.LEGIBLE))
        for number, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                lines[context].setdefault(module, []).append(number)
    return lines


def _keep(source: bytes) -> str:
    """Keep the text of a module as it was measured; return its digest."""
    digest = hashlib.sha256(source).hexdigest()
    (_sources() / digest).write_bytes(source)
    return digest


if __name__ == "__main__":
    _measure([Path(name) for name in sys.argv[1:]])
