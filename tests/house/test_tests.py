"""Every test can fail: it asserts something, and nothing by comparing it with itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tools
from tests.support.places import ROOT

#: Calls that fail by themselves: where what they look for is not there, or where what they judge is wrong.
ASSERTING = ("raises", "see", "wait", "check", "validate")


def functions_of(source: str) -> Iterator[ast.FunctionDef]:
    """Yield the tests of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def asserting(name: str) -> bool:
    return name.startswith(ASSERTING)


def faults(test: ast.FunctionDef) -> Iterator[str]:
    """Yield why a test cannot fail."""
    nodes = list(ast.walk(test))
    called = [ast.unparse(node.func).rpartition(".")[2] for node in nodes if isinstance(node, ast.Call)]
    if not any(isinstance(node, ast.Assert) for node in nodes) and not any(map(asserting, called)):
        yield "it asserts nothing"
    for node in nodes:
        if isinstance(node, ast.Compare) and not any(isinstance(part, ast.Call) for part in ast.walk(node)):
            sides = [ast.dump(side) for side in (node.left, *node.comparators)]
            if len(set(sides)) < len(sides):
                yield f"it compares {ast.unparse(node.left)} with itself"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_of_this_tree_can_fail(path: Path) -> None:
    found = [f"{test.name}: {why}" for test in functions_of(path.read_text(encoding="utf-8")) for why in faults(test)]
    assert found == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("parse(lines)", "it asserts nothing"),
        ("assert a.b == a.b", "it compares a.b with itself"),
        ("assert 1 < x < 1", "it compares 1 with itself"),
    ],
)
def test_one_that_cannot_is_named(body: str, why: str) -> None:
    (test,) = functions_of(f"def test_it():\n    {body}\n")
    assert list(faults(test)) == [why]


@pytest.mark.parametrize(
    "body",
    [
        "assert made() == made()",
        "with pytest.raises(ValueError): f()",
        "browser.see('.a')",
        "check_it(x)",
        "assert a == b",
    ],
)
def test_one_that_can_is_not(body: str) -> None:
    (test,) = functions_of(f"def test_it():\n    {body}\n")
    assert list(faults(test)) == []


def skips(source: str) -> Iterator[str]:
    """Yield why tests of a module are skipped, as code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "pytest.skip":
                yield ast.unparse(node.args[0])
            if name == "pytest.mark.skipif":
                yield next(ast.unparse(word.value) for word in node.keywords if word.arg == "reason")
            if name == "pytest.importorskip":
                yield "a package, which the lock brings"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_whatever_is_skipped_names_the_command_that_installs_it(path: Path) -> None:
    """What another system than Linux does not have cannot be installed."""
    whys = list(skips(path.read_text(encoding="utf-8")))
    there = ("from /proc", "only Linux has")
    assert [why for why in whys if not why.startswith("tools.missing(") and not any(of in why for of in there)] == []


def test_the_command_is_one_of_the_makefile() -> None:
    target = tools.COMMAND.removeprefix("make ")
    assert f"\n{target}: " in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"`{tools.COMMAND}`" in tools.missing("x")
    assert tools.program("no-such-program", "python3", "sh") is not None
    assert tools.program("no-such-program") is None
