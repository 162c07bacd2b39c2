"""Options and fixtures for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

import tests.support.examples  # noqa: F401 - it registers the profile

settings.load_profile("third")

#: The rooms whose subject is other code than that of which coverage is measured. To trace them too would take more than
#: half of their time, and a line of `legible` that only they run is not covered by a test of its subject.
UNMEASURED = {"console", "e2e", "house", "infra", "localcloud", "mutate"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the rooms whose subject is not measured untraced."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).parts[0] in UNMEASURED:
            item.add_marker(pytest.mark.no_cover)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the code makes of the recorded answers."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/data/answers/*/record.json again")
