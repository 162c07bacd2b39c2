"""The mutants themselves: each kind of fault is made, says where it is, and leaves the other lines where they are."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.mutate import places
from tests.mutate.covering import AT_IMPORT, Covering, carried
from tests.mutate.mutants import Mutant, read
from tests.support.places import ROOT


@pytest.fixture
def mutants(tmp_path):
    def of(text: str) -> set[str]:
        return {mutant.becomes for mutant in all_of(tmp_path, text)}

    return of


def all_of(folder, text: str) -> list[Mutant]:
    file = folder / "module.py"
    file.write_text(text, "utf-8")
    return read("room/module.py", file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a <= b", {"x = a < b"}),
        ("x = (a) > (b)", {"x = (a) >= (b)"}),
        ("x = a != b", {"x = a == b"}),
        ("x = a is not b", {"x = a is b"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a and b", {"x = a or b", "x = True and b", "x = a and True"}),
        ("x = a or b", {"x = a and b", "x = False or b", "x = a or False"}),
        ("x = not a", {"x = (a)"}),
        ("x = -a", {"x = (a)"}),
        ("x = a + b", {"x = a - b"}),
        ("x = a // b", {"x = a * b"}),
        ("x = 16", {"x = 17"}),
        ("x = True", {"x = False"}),
        ("x = 'key'", {"x = 'XXkey'"}),
        ("x = 'what people read'", set()),
        ("f(a)", {"pass", "(a)"}),
        ("x = f(a, b)", {"x = f(b, a)"}),
        ("x = max(a, b)", {"x = min(a, b)"}),
        ("x = f(key=a)", {"x = f()"}),
        ("x = zip(a, strict=True)", {"x = (a)"} - {"x = (a)"}),
        ("x = a.strip()", {"x = a"}),
        ("x = a[b:c]", {"x = a[:c]", "x = a[b:]"}),
        ("x.y = a", {"pass"}),
        ("x += a", {"x -= a", "pass"}),
        ("del x", {"pass"}),
        ("raise x", {"pass"}),
        ("x = a if b else c", {"x = a if True else c", "x = a if False else c"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
        ('"""A docstring."""', set()),
    ],
)
def test_each_kind_of_fault_is_made(mutants, text, expected):
    assert mutants(text) == expected


def test_what_a_function_gives_back_is_forgotten_or_turned_round(mutants):
    assert mutants("def f():\n    return a") == {"return None"}
    assert mutants("def f():\n    return a == b") == {"return None", "return True", "return a != b"}
    assert mutants("def f(a=1):\n    return a") == {"def f(a=2):", "return None"}


def test_a_sample_stays_the_same_where_other_lines_change(tmp_path):
    lines = [f"x{number} = {number}" for number in range(20)]
    before = {mutant.was: mutant.number for mutant in all_of(tmp_path, "\n".join(lines))}
    after = {mutant.was: mutant.number for mutant in all_of(tmp_path, "\n".join(["y = 1", *lines[5:]]))}
    assert {name: after[name] for name in lines[5:]} == {name: before[name] for name in lines[5:]}
    assert {number % 2 for number in before.values()} == {0, 1}


def test_conditions_are_forced(mutants):
    assert mutants("if a:\n    b") == {"if True:", "if False:"}
    assert mutants("while a:\n    b") == {"while False:"}


def test_it_says_where_it_is_and_the_other_lines_stay(tmp_path):
    text = (
        "class Room:\n    def method(self):\n        if a:\n            f(\n                b,\n            )\nx = 1\n"
    )
    found = all_of(tmp_path, text)
    (dropped,) = [mutant for mutant in found if mutant.becomes == "pass"]
    assert (dropped.module, dropped.function, dropped.line) == ("room/module.py", "Room.method", 4)
    assert (dropped.first, dropped.last, dropped.was) == (4, 6, "f( b, )")
    assert dropped.text.splitlines()[6] == "x = 1"
    (forced,) = [mutant for mutant in found if mutant.becomes == "if True:"]
    assert (forced.first, forced.last) == (3, 3)


def tried(every: int) -> list[Any]:
    """Each module of what is judged; of every so many, one is tried in `make test` too."""
    modules = sorted(places.modules([]))
    return [pytest.param(one, marks=[pytest.mark.slow] if number % every else []) for number, one in enumerate(modules)]


@pytest.mark.parametrize("module", tried(4))
def test_every_mutant_of_what_is_judged_differs_and_can_be_compiled(module):
    path = places.LEGIBLE / module
    found = read(module, path)
    assert found
    assert len({mutant.text for mutant in found}) == len(found)
    assert all(mutant.text != path.read_text("utf-8") for mutant in found)


def test_the_fastest_test_comes_first_and_only_those_that_meet_the_lines():
    covering = Covering(
        {
            "a": {
                "seconds": {"slow": 2.0, "fast": 0.1, "other": 0.5},
                "lines": {
                    AT_IMPORT: {"m.py": [1]},
                    "slow": {"m.py": [3, 4]},
                    "fast": {"m.py": [4]},
                    "other": {"m.py": [9]},
                },
            }
        }
    )
    assert covering.tests("m.py", 3, 5) == ["fast", "slow"]
    assert covering.tests("m.py", 1, 2) == []
    assert covering.tests_of_module("m.py") == ["fast", "other", "slow"]
    assert covering.at_import["m.py"] == {1}


BEFORE = """LIMIT = 1
class Room:
    def first(self):
        a()
        b()

    def second(self):
        c()
"""


@pytest.mark.parametrize(
    ("was", "becomes", "ran", "runs"),
    [
        ("LIMIT = 1\n", "LIMIT = 2\nMORE = 3\n", [4, 8], [5, 9]),
        ("        b()\n", "        d()\n        b()\n", [4], [4, 5, 6]),
        ("        b()\n", "        d()\n        b()\n", [8], [9]),
        ("    def second", "    def third(self):\n        e()\n\n    def second", [8], [8, 11]),
        ("    def second(self):\n        c()\n", "", [4, 8], [4]),
        ("LIMIT = 1\n", "LIMIT = 2\nMORE = 3\n", [1, 2], [1, 2, 3, 4, 7, 8]),
    ],
    ids=["outside", "in-the-function", "in-another-one", "a-new-function", "a-function-less", "at-import"],
)
def test_what_was_measured_is_carried_over_where_the_code_changed(was, becomes, ran, runs):
    assert carried(ran, BEFORE, BEFORE.replace(was, becomes)) == runs


def test_a_module_that_is_not_there_is_said():
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutate", "nowhere.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert 'There is no "nowhere.py"' in done.stderr
