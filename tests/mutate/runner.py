"""Runs tests against mutants: pytest collects once, then each mutant gets a fork of it, with its code put in place.

No file is touched. A fork ends at the first test that fails, or when its time is over: a mutant that loops is killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.machinery
import io
import os
import re
import resource
import signal
import sys
import time
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutate import places
from tests.mutate.covering import Covering
from tests.mutate.mutants import Mutant
from tests.support.places import ROOT

SURVIVED, KILLED, BROKEN = 0, 1, 3
#: Beside what its tests take, a mutant may use the processor for so many seconds, and wait for three times as many.
_SECONDS = 5.0
_MEMORY = 4 << 30
#: How many seconds of tests a mutant has to get through at most, beside the worlds: a survivor takes all of them.
_ENOUGH = 16.0
#: Rooms that have no tests of their own, and which has them.
_TESTED_WITH = {"recognition": "pipeline"}
_WORLDS = str(places.WORLDS.relative_to(ROOT))
#: What is imported again with a mutant: everything of the tree but what runs it.
_PACKAGES = frozenset({"legible", "localcloud", "tests"})
_STAYS = frozenset(
    {"tests", "tests.mutate", *(f"tests.mutate.{name}" for name in ("covering", "mutants", "places", "runner"))}
)
_OPTIONS = ["-s", "-p", "no:cacheprovider", "--hypothesis-profile=mutate", "-m", "not slow", "--tb=no"]


#: A mutant that is none, run as one outside all functions, and as one within.
_MODULE, _CONTROL = "(module)", "(control)"


class Verdict(NamedTuple):
    """How one mutant ended: killed or not, by how many tests it was tried, and in how many seconds."""

    mutant: Mutant
    killed: bool
    tests: int
    seconds: float


class _Fork(NamedTuple):
    mutant: Mutant
    tests: int
    began: float


class Runner:
    """A plugin of pytest that runs mutants in place of the tests that were collected.

    Args:
        mutants: What is to be killed.
        covering: Which tests meet which lines.
        processes: How many forks run side by side.
        show: Is told of each mutant as soon as it ended.
    """

    def __init__(
        self, mutants: list[Mutant], covering: Covering, processes: int, show: Callable[[Verdict], None]
    ) -> None:
        """Run nothing yet."""
        self._show = show
        self.verdicts: list[Verdict] = []
        self._mutants = mutants
        self._covering = covering
        self._processes = processes
        self._kills: Counter[tuple[str, str, str]] = Counter()
        self._items: dict[str, pytest.Item] = {}
        self._named: dict[str, set[str]] = {}
        self._pipes: dict[int, int] = {}
        self._tell = -1
        self._functions: dict[tuple[str, str, int], list[types.FunctionType]] = {}
        self._sources = {mutant.module: (places.LEGIBLE / mutant.module).read_bytes() for mutant in mutants}

    def run(self) -> list[Verdict]:
        """Collect the tests that meet the mutants, run all mutants, and return how they ended."""
        if self._mutants:
            wanted = {test.partition("::")[0] for mutant in self._mutants for test in self._tests(mutant)}
            files = sorted(str(ROOT / name) for name in wanted)
            with contextlib.redirect_stdout(io.StringIO()) as output:
                code = pytest.main([*_OPTIONS, *files], plugins=[self])
            if code != pytest.ExitCode.OK:
                raise SystemExit(output.getvalue())
        return self.verdicts

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the mutants; pytest runs no test of its own."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} files of tests cannot be collected")
        self._items = {item.nodeid: item for item in session.items}
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and str(thing.__module__).startswith("legible."):
                code = thing.__code__
                self._functions.setdefault((thing.__module__, code.co_name, code.co_firstlineno), []).append(thing)
        gc.freeze()
        running: dict[int, _Fork] = {}
        for number, mutant in enumerate(self._mutants, 1):
            while len(running) >= self._processes:
                self._wait(running)
            self._start(mutant, running)
            if number % 100 == 0:
                print(f"  {number} of {len(self._mutants)} mutants", file=sys.stderr)
        while running:
            self._wait(running)
        self._control(running)
        return True

    def _control(self, running: dict[int, _Fork]) -> None:
        """Run the tests that killed without any mutant: one that fails would kill every mutant."""
        killers = sorted({killer for _, _, killer in self._kills}, key=self._covering.seconds.__getitem__)
        for module, source in list(self._sources.items())[:1]:
            for function in (_MODULE, _CONTROL):
                self._start(Mutant(module, function, 0, 1, 0, "", "", source.decode()), running, killers)
        while running:
            self._wait(running)

    def _tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that a mutant has to get through.

        First those that killed others of its module; then, for most of the time, the fastest of its room, or of files
        that import its module; then each file has its turn with its next fastest one.
        """
        naming = self._naming(mutant.module)
        if _runs_at_import(mutant, self._covering):
            tests = list({*self._covering.tests_of_module(mutant.module), *naming})
            tests.sort(key=lambda test: (self._covering.seconds[test], test))
        else:
            tests = self._covering.tests(mutant.module, mutant.first, mutant.last)
        room = f"tests/{_TESTED_WITH.get(mutant.room, mutant.room)}/"
        kills = self._kills
        near = self._within(0.75 * _ENOUGH, [test for test in tests if test.startswith(room) or test in naming])
        turns: Counter[str] = Counter()
        turn: dict[str, int] = {}
        for test in tests:
            turns[test.partition("::")[0]] += 1
            turn[test] = 0 if test in near else turns[test.partition("::")[0]]
        tests.sort(key=turn.__getitem__)
        tests.sort(key=lambda test: (-kills[mutant.module, mutant.function, test], -kills[mutant.module, "", test]))
        taken = self._within(_ENOUGH, tests)
        return [*taken, *(test for test in tests if test.startswith(_WORLDS) and test not in taken)]

    def _within(self, seconds: float, tests: list[str]) -> dict[str, None]:
        """Return as many tests as that time holds, in their order, and the first in any case."""
        taken: dict[str, None] = {}
        for test in tests:
            seconds -= self._covering.seconds[test]
            if not taken or seconds > 0:
                taken[test] = None
        return taken

    def _naming(self, module: str) -> set[str]:
        """Return the tests of files that import a module: what it defines may be looked at without running it."""
        if module not in self._named:
            package, _, name = _dotted(module).rpartition(".")
            imported = re.compile(rf"{package}[.]{name}\b|from {package} import [^\n]*\b{name}\b")
            files = {test.partition("::")[0] for test in self._covering.seconds}
            naming = {file for file in files if imported.search((ROOT / file).read_text("utf-8"))}
            self._named[module] = {test for test in self._covering.seconds if test.partition("::")[0] in naming}
        return self._named[module]

    def _start(self, mutant: Mutant, running: dict[int, _Fork], tests: list[str] | None = None) -> None:
        tests = tests or self._tests(mutant)
        if not tests:
            self._end(Verdict(mutant, False, 0, 0.0))
            return
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(told)
                os._exit(self._child(mutant, tests, tell))
            except (SystemExit, KeyboardInterrupt, MemoryError):
                os._exit(KILLED)
            except BaseException:  # not the mutant's: a test that fails is reported
                os.write(tell, traceback.format_exc().encode())
                os._exit(BROKEN)
        os.close(tell)
        running[child] = _Fork(mutant, len(tests), time.monotonic())
        self._pipes[child] = told

    def _wait(self, running: dict[int, _Fork]) -> None:
        child, status = os.wait()
        fork = running.pop(child)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # what its tests started and did not end
        with open(self._pipes.pop(child), "rb") as pipe:  # noqa: PTH123 - a descriptor
            killer = pipe.read().decode()
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BROKEN:
            raise SystemExit(f"{fork.mutant.module}:{fork.mutant.line} could not be run:\n{killer}")
        if killer:
            self._kills[fork.mutant.module, fork.mutant.function, killer] += 1
            self._kills[fork.mutant.module, "", killer] += 1
        status = os.waitstatus_to_exitcode(status)
        killed = status != SURVIVED
        if fork.mutant.line == 0 and killed:
            raise SystemExit(f"Without any mutant, in a fork, there fails: {killer or status}.")
        self._end(Verdict(fork.mutant, killed, fork.tests, time.monotonic() - fork.began))

    def _end(self, verdict: Verdict) -> None:
        if verdict.mutant.line:
            self.verdicts.append(verdict)
            self._show(verdict)

    # In the fork.

    def _child(self, mutant: Mutant, tests: list[str], tell: int) -> int:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        seconds = _SECONDS + 5 * sum(self._covering.seconds[test] for test in tests)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        for timer, name, limit in (
            (signal.ITIMER_PROF, signal.SIGPROF, seconds),
            (signal.ITIMER_REAL, signal.SIGALRM, 3 * seconds),
        ):
            signal.signal(name, signal.SIG_DFL)
            signal.setitimer(timer, limit)
        functions = self._changed(mutant)
        if functions is None and mutant.function != _CONTROL:
            return _anew(mutant, tests, tell)
        for function, code in functions or []:
            function.__code__ = code
        return self._run([self._items[test] for test in tests], tell)

    def _run(self, items: list[pytest.Item], tell: int) -> int:
        self._tell = tell
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return SURVIVED

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End the fork at the first test that fails, and tell which it is."""
        if report.failed:
            os.write(self._tell, report.nodeid.encode())
            os._exit(KILLED)

    def _changed(self, mutant: Mutant) -> list[tuple[types.FunctionType, types.CodeType]] | None:
        """Return the functions whose code the mutant changes, each with it; None if only an import shows the change."""
        if _runs_at_import(mutant, self._covering):
            return None
        before = compile(self._sources[mutant.module], mutant.module, "exec")
        after = compile(mutant.text, mutant.module, "exec")
        changed: list[tuple[types.FunctionType, types.CodeType]] = []
        for old, new in _pairs(before, after):
            live = self._functions.get((_dotted(mutant.module), old.co_name, old.co_firstlineno))
            if not live or old.co_freevars != new.co_freevars:
                return None
            changed += [(function, new) for function in live]
        return changed or None


def _runs_at_import(mutant: Mutant, covering: Covering) -> bool:
    return not covering.at_import[mutant.module].isdisjoint(range(mutant.first, mutant.last + 1))


def _dotted(module: str) -> str:
    return "legible." + ".".join(Path(module).with_suffix("").parts)


def _pairs(before: types.CodeType, after: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """Yield the outermost functions that differ."""
    inner = [[one for one in code.co_consts if isinstance(one, types.CodeType)] for code in (before, after)]
    for old, new in zip(*inner, strict=True):
        if old == new:
            continue
        if old.co_flags & 1:  # it has fast locals: a function; the body of a class has none
            yield old, new
        else:
            yield from _pairs(old, new)


def _anew(mutant: Mutant, tests: list[str], tell: int) -> int:
    """Import the tree again with the mutant in it, and run the tests by a pytest of their own."""
    ours = (str(ROOT / "shared"), str(ROOT / "tests"), str(ROOT / "functions"))
    for name, module in list(sys.modules.items()):
        of_tree = str(getattr(module, "__file__", "")).startswith(ours) or name.partition(".")[0] in _PACKAGES
        if of_tree and name not in _STAYS:
            del sys.modules[name]
    loader = importlib.machinery.SourceFileLoader
    usual = loader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> types.CodeType | None:
        if fullname == _dotted(mutant.module):
            return compile(mutant.text, str(places.LEGIBLE / mutant.module), "exec")
        return usual(self, fullname)

    loader.get_code = get_code  # type: ignore[method-assign]
    files = dict.fromkeys(str(ROOT / test.partition("::")[0]) for test in tests)
    code = pytest.main([*_OPTIONS, "-x", *files], plugins=[_Only(tests, tell)])
    return SURVIVED if code == pytest.ExitCode.OK else KILLED


class _Only:
    """Keeps these tests of those that are collected, in their order, and tells which of them failed."""

    def __init__(self, tests: list[str], tell: int) -> None:
        self._tell = tell
        self._places = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self._places), key=self._place)

    def _place(self, item: pytest.Item) -> int:
        return self._places[item.nodeid]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._tell, report.nodeid.encode())
