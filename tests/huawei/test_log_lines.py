"""Lines of the log: every event that the code logs is in the documentation, with its level, and no other is."""

from __future__ import annotations

import ast
import re

import pytest

from legible.huawei.context import FunctionLog
from tests.support.places import ROOT

#: Events whose names are put together: what came of each part of a timer, and of a notice.
TOGETHER = {"failures", "uploads", "notices", "changes", "days", "workbooks", "metrics", "notice-sent", "notice-void"}
TOGETHER |= {"notice-given-up", "held", "settings", "traces", "audit", "unmarked"}


def logged() -> set[str]:
    """Return the events of every call of a log that names one."""
    found = set()
    for file in (ROOT / "shared" / "legible").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("log", "_log") and str(node.args[0].value).islower():
                    found.add(str(node.args[0].value))
    return found


def documented() -> dict[str, str]:
    """Return the level of each event in the table."""
    text = (ROOT / "docs" / "operate.md").read_text("utf-8").partition("## Lines of the log")[2]
    rows = re.findall(r"^\| (`[^|]+`) \| (info|warning) \|", text, re.M)
    return {event: level for names, level in rows for event in re.findall(r"`([a-z-]+)`", names)}


class Lines:
    """A logger that keeps the level of each line."""

    def __init__(self) -> None:
        self.levels: list[str] = []

    def info(self, line: str) -> None:
        self.levels.append("info")

    def warning(self, line: str) -> None:
        self.levels.append("warning")


def test_what_is_logged_is_documented_and_what_is_documented_is_logged():
    assert len(logged()) > 20
    assert set(documented()) == logged() | TOGETHER


@pytest.mark.parametrize("event", sorted(logged() | TOGETHER))
def test_each_is_written_at_its_level(event):
    lines = Lines()
    FunctionLog(lines, "INFO", "request")(event)
    assert lines.levels == [documented()[event]]
