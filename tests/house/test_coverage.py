"""``docs/coverage.md`` maps every section of the vendor's user guide, and whatever it names is there."""

from __future__ import annotations

import re
from typing import NamedTuple

import click
import pytest

from legible.api.routes import ROUTES
from legible_cli.__main__ import main
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "coverage.md").read_text("utf-8")
#: The chapters of the guide, each with its numbered sections: its table of contents (issue 01, 2023-10-26).
GUIDE = {
    "1 How to use OCR": ("1",),
    "2 Subscribing to an OCR service": ("2",),
    "3 Preparing data": ("3",),
    "4 Calling APIs or SDKs": ("4.1", "4.2"),
    "5 Obtaining recognition results": ("5.1", "5.2"),
    "6 Collecting API usage statistics": ("6",),
    "7 Unsubscribing from an OCR service": ("7",),
    "8 Monitoring": ("8.1", "8.2"),
    "9 Auditing": ("9.1", "9.2"),
    "10 Permission management": ("10.1", "10.2", "10.3", "10.4", "10.5"),
    "11 Enterprise project management": ("11.1", "11.2", "11.3"),
}
COVERED = ("yes", "partly", "console", "not covered")
#: What stands between backticks and is a word of the guide, of the settings or of a request, not a thing that does it.
WORDS = {
    "ModelArts.4204", "SYS.OCR", "subscribeAISubService", "Enterprise-Project-Id", "extracted_data", "image", "url",
    "record.xlsx", "held", "doctor", "ocr:<service>:subscribe", "ocr:<service>:subscribeAllUsers",
    "*(Everyone)",
}  # fmt: skip


class Row(NamedTuple):
    """One line of a table: what the guide says, how far that is covered, how, and where."""

    chapter: str
    guide: str
    covered: str
    how: str
    where: str

    @property
    def section(self) -> str:
        return self.guide.split()[0]


def rows(text: str) -> list[Row]:
    """Return the rows of all tables."""
    found = []
    for chapter in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        lines = [line for line in chapter.splitlines() if line.startswith("|")][2:]
        found += [Row(chapter.splitlines()[0], *(cell.strip() for cell in line.split("|")[1:5])) for line in lines]
    return found


ROWS = rows(PAGE)
NAMED = sorted(set(re.findall(r"`([^`]+)`", PAGE)))


def exists(name: str) -> bool:
    """Tell whether what is named is there: a command, a route, a view, a file, a setting, a target of make."""
    if name.startswith("legible "):
        return _command(name.split()[1:])
    if re.match(r"(GET|POST) /", name):
        return tuple(name.split(" ", 1)) in {(route.method, route.path) for route in ROUTES}
    if name.startswith("#/"):
        return f'name === "{name[2:]}"' in _file("shared/legible/api/console/main.js")
    if re.match(r"(functions|infra|tests|shared|docs)/", name):
        return (ROOT / name).is_file()
    if name.startswith("make "):
        return f"\n{name[5:]}:" in _file("Makefile")
    if re.match(r"LEGIBLE_[A-Z_]+=", name):
        return f"`{name.partition('=')[0]}`" in _file("docs/settings.md")
    if re.fullmatch(r"ocr\.[a-z_]+", name):
        return f"`{name}`" in _file("docs/settings.md")
    if name == "tell_of_subscriptions":
        return f'variable "{name}"' in _file("infra/terraform/variables.tf")
    return name in WORDS or name == "/console/"


def _file(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def _command(words: list[str]) -> bool:
    """Tell whether words lead to a command: each one to a command of the one before, options to its own."""
    command: click.Command = main
    for word in words:
        options = {option for one in command.params for option in one.opts}
        known = command.commands if isinstance(command, click.Group) else {}
        if word.startswith("--"):
            if word not in options:
                return False
        elif word in known:
            command = known[word]
        elif isinstance(command, click.Group) or not any(word in _choices(one) for one in command.params):
            return False
    return True


def _choices(parameter: click.Parameter) -> tuple[str, ...]:
    kind = parameter.type
    return tuple(map(str, kind.choices)) if isinstance(kind, click.Choice) else ()


def test_every_section_of_the_guide_has_its_rows_and_no_other_has():
    found = {chapter: {row.section for row in ROWS if row.chapter == chapter} for chapter in GUIDE}
    assert found == {chapter: set(sections) for chapter, sections in GUIDE.items()}
    assert {row.chapter for row in ROWS} == set(GUIDE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.guide[:60])
def test_a_row_says_how_far_it_goes_and_where_that_is_held(row: Row):
    """Given what is done: where, and a test that holds it; what is not done: why, in words."""
    assert row.covered in COVERED
    assert len(row.how) > 10 or row.covered == "yes" or row.how == "not measured"
    if row.covered in ("yes", "partly"):
        assert "`tests/" in row.where
    if row.covered == "console":
        assert len(row.how) > 40, "why it can only be done there"


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_there(name: str):
    assert exists(name), f"docs/coverage.md names {name}"


@pytest.mark.parametrize(
    "name",
    ["legible usge", "legible usage --bye", "legible usage --by nobody", "legible policy nobody", "GET /v1/use",
     "POST /v1/usage", "functions/on_repot.py", "#/operation", "tests/house", "make packages", "LEGIBLE_SAUCE=x",
     "ocr.nothing", "anything"],
)  # fmt: skip
def test_what_is_not_there_is_noticed(name: str):
    assert not exists(name)


def test_each_function_and_each_command_of_the_guide_s_chapters_is_named():
    """Given the commands and functions that do what chapters 2 and 6 to 11 ask for: none is left out."""
    assert {"legible usage", "legible reconcile", "legible audit", "legible audit verify", "legible doctor"} <= set(
        NAMED
    )
    assert {f"functions/{name}.py" for name in ("on_upload", "http_api", "on_report", "on_audit_event")} <= set(NAMED)
    assert {f"GET /v1/{name}" for name in ("usage", "accounts", "packages", "subscriptions", "reconciliation")} <= set(
        NAMED
    )
