"""Options and fixtures for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

import tests.support.examples  # noqa: F401 - it registers the profile

settings.load_profile("third")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the code makes of the recorded answers."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/data/answers/*/record.json again")
