"""One front a test."""

import pytest

from tests.support.front import Front
from tests.support.rig import Rig


@pytest.fixture
def front() -> Front:
    return Front(Rig())
