"""A few random worlds of each kind: what a mutant has to get through after all other tests."""

from __future__ import annotations

import pytest

from tests.pipeline.test_random_worlds import KINDS, check


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_promises_hold_in_a_few_worlds(kind):
    check(range(3), **kind)
