"""The command as the README has people make it: nothing installs one called ``legible``."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support.places import ROOT

README = (ROOT / "README.md").read_text("utf-8")
#: What stands as a command in the README: in a block, or in the text.
NAMED = sorted(set(re.findall(r"(?:^    |`)legible ([a-z]+)", README, re.MULTILINE)))


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
    assert {"doctor", "policy", "run", "console"} <= set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_command_that_the_readme_names_is_there(shell, name):
    done = shell(f"legible {name} --help")
    assert done.returncode == 0, done.stderr
