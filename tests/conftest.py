"""Options and fixtures for all tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the code makes of the recorded answers."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/data/answers/*/record.json again")
