"""The commands that README and the pages name, as the README has people make them: nothing installs a ``legible``."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from legible_cli.__main__ import main
from tests.support.places import PAGES, ROOT

README = (ROOT / "README.md").read_text("utf-8")
TEXTS = {page.name: page.read_text("utf-8") for page in PAGES}
#: What stands as a command: in a block, or in the text between backticks. The second group is all of it.
COMMAND = re.compile(r"(?:^    |`)(?P<tool>legible|make) (?P<rest>[^`\n#]+)", re.MULTILINE)
NAMED = sorted({(match["tool"], match["rest"].strip()) for text in TEXTS.values() for match in COMMAND.finditer(text)})
LEGIBLE = [rest for tool, rest in NAMED if tool == "legible"]
MAKE = [rest for tool, rest in NAMED if tool == "make"]


@pytest.fixture(scope="module")
def shell():
    (alias,) = re.findall(r"^    (alias legible=.*)$", README, re.MULTILINE)
    # The interpreter of the tests, wherever it is.
    said = alias.replace("$PWD/.venv/bin/python", sys.executable)
    assert said != alias

    def run(command: str) -> subprocess.CompletedProcess[str]:
        lines = f"shopt -s expand_aliases\n{said}\n{command}\n"
        return subprocess.run(["bash", "-c", lines], cwd=ROOT, capture_output=True, text=True, check=False)

    return run


def test_commands_are_named():
    assert {"doctor", "policy", "run", "console"} <= {rest.split()[0] for rest in LEGIBLE}
    assert {"demo", "up", "test", "check", "package", "deploy"} <= {rest.split()[0] for rest in MAKE}


def test_the_alias_of_the_readme_is_the_command(shell):
    done = shell("legible --help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = done.stdout.partition("Commands:")[2]
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("  ")} >= set(main.commands)


@pytest.mark.parametrize("name", sorted({rest.split()[0] for rest in LEGIBLE}))
def test_a_command_that_is_named_is_there(name):
    done = CliRunner().invoke(main, [name, "--help"])
    assert (done.exit_code, f"Usage: main {name}" in done.output) == (0, True), done.output


@pytest.mark.parametrize("rest", LEGIBLE)
def test_subcommands_and_options_that_are_named_are_there(rest):
    """Given `review import FILE` or `doctor --json`: each word leads to a command, each option is one of its own."""
    command: click.Command = main
    words = rest.split()
    while isinstance(command, click.Group) and words and words[0][0].islower():
        name = words.pop(0)
        assert name in command.commands, f"{command.name} has no {name}"
        command = command.commands[name]
    options = {option for one in command.params for option in one.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("rest", MAKE)
def test_targets_that_are_named_are_there(rest):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = [word for word in rest.partition('"')[0].split() if "=" not in word]
    assert named and set(named) <= targets
