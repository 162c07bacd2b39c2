"""Texts of others are shown as they are: nothing in a name is taken for an order to the console."""

from __future__ import annotations

import ast
import io
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

import legible_cli
from legible.model.accounting import AccountingReport, ProjectMonth, ProjectShare
from legible.model.usage import MonthCost, PackageState, Totals, UsageReport, UsageRow
from legible.oversight.differences import Difference
from legible.oversight.reconciliation import Reconciled
from legible_cli import accounting, reconcile, usage
from legible_cli.screen import colored, screen

#: Names that are an error, a color, a link, an emoji or nothing at all where they are read as markup.
HOSTILE = [
    "scans/[/x]*",
    "[red]",
    "[link=https://example.com]A[/link]",
    "[/]",
    "[a]b[/a]",
    r"\[bold]",
    "OCR [10,000]",
    ":smile:",
]
SOURCES = sorted(Path(legible_cli.__file__).parent.rglob("*.py"))
DAY, AT = date(2026, 11, 1), datetime(2026, 11, 1, tzinfo=timezone.utc)
ONE = Totals(answered=1)


@pytest.fixture
def shown() -> Console:
    console = screen()
    console.file, console.width = io.StringIO(), 400
    return console


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
class TestAName:
    def test_in_a_sentence_a_cell_a_head_and_a_footer_stays_as_it_is(self, shown, name):
        table = Table(title=name, caption=name)
        table.add_column(name, footer=name)
        table.add_row(name)
        table.add_row(colored(name, "red"))
        shown.print(f"This is {name}.")
        shown.print(table)
        assert said(shown).count(name) >= 6

    @pytest.mark.parametrize("by", ["operation", "day", "project", "route"])
    def test_in_a_report_on_usage(self, shown, name, by):
        rows = (UsageRow(name, ONE),)
        report = UsageReport(
            DAY, DAY, AT, 0, "USD", rows, rows, rows, rows, ended={name: 1}, warnings=(f"Package {name}.",),
            costs=(MonthCost(DAY, name, 1, 0, 0, Decimal(1)),), notes=(f"Note {name}.",),
            packages=(PackageState(name, (name,), 9, 1, False, Decimal(1), Decimal(1)),),
        )  # fmt: skip
        usage._show(shown, report, by)
        for text in (
            f"Warning: Package {name}.",
            f"Note {name}.",
            f"({name} 1)",
            f"Package {name}: 1 of 9",
            f"1 {name}.",
        ):
            assert text in said(shown)
        assert any(line.startswith("│ ") and name in line for line in said(shown).splitlines())

    @pytest.mark.parametrize("view", [accounting._months, accounting._distribution])
    def test_of_an_enterprise_project(self, shown, name, view):
        report = AccountingReport(
            DAY, DAY, AT, 0, "USD", (ProjectMonth(DAY, "p", ONE),), (), (ProjectShare("p", ONE, Decimal(1)),),
            names={"p": name},
        )  # fmt: skip
        view(shown, report)
        assert f"{name} (p)" in said(shown)

    def test_of_an_operation_that_differs(self, shown, name):
        one = Difference(AT, name, "succeeded", "service-counted-more", 0, 1, unexplained=1)
        reconcile._show(shown, Reconciled(AT, AT.replace(hour=3), "hour", 0, 1, 0, (one,), notes=(name,)))
        assert said(shown).count(name) == 2


def calls(name: str) -> list[str]:
    """Return where a name is called."""
    return [
        f"{source.name}:{node.lineno}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")) == name
    ]


def test_no_command_has_a_console_of_its_own():
    assert len(calls("Console")) == 1 and calls("screen")
    assert calls("from_markup") == [] and calls("render") == []


def test_progress_takes_no_description_for_markup():
    texts = [
        (source.name, {word.arg for word in node.keywords})
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "TextColumn"
    ]
    assert texts and all("markup" in words for _, words in texts)
