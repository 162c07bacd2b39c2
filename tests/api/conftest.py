"""One front a test."""

import pytest

from asking import Front
from rig import Rig


@pytest.fixture
def front() -> Front:
    return Front(Rig())
