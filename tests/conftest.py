"""Options and fixtures for all tests."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

import tests.support.examples  # noqa: F401 - it registers the profile

settings.load_profile("third")

#: The rooms whose subject is other code than that of which coverage is measured. To trace them too would take more than
#: half of their time, and a line of `legible` that only they run is not covered by a test of its subject.
UNMEASURED = {"bench", "console", "e2e", "house", "infra", "localcloud", "mutate"}
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Have each of several workers compile a part of the tests first, and find the others' compiled later.

    pytest rewrites assertions when it imports a test, which takes longer than all else of a first collection, and each
    worker collects everything.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or sys.dont_write_bytecode or session.config.args_source != pytest.Config.ArgsSource.TESTPATHS:
        return
    files = sorted(HERE.rglob("test_*.py"))
    for file in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        with suppress(Exception, pytest.skip.Exception):  # what cannot be imported is told when it is collected
            importlib.import_module(".".join(file.relative_to(HERE.parent).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave untraced the rooms whose subject is not measured, and properties: no line may lean on a random example."""
    for item in items:
        of_another_room = item.path.relative_to(HERE).parts[0] in UNMEASURED
        if of_another_room or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the code makes of the recorded answers."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/data/answers/*/record.json again")
