"""How many examples a property is tried on: a third of them in `make test`, all of them in `make test-all`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

WHOLE = settings.get_profile("default").max_examples
# A busy machine is no failure: neither for the time of one example nor for the time in which they are drawn.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("third", settings.get_profile("default"), max_examples=WHOLE // 3)
# A mutant is met by the same examples each time, and leaves none behind.
settings.register_profile("mutate", max_examples=WHOLE // 5, derandomize=True, database=None, deadline=None)


def examples(number: int) -> int:
    """Return the part of `number` that the profile asks for which `--hypothesis-profile` named, a third unless told."""
    return number * settings().max_examples // WHOLE


def sampled(values: Iterable[Any], every: int) -> list[Any]:
    """Return the values of a parametrized test: one of so many is tried in `make test`, all in `make test-all`."""
    return [
        value if not number % every else pytest.param(value, marks=pytest.mark.slow)
        for number, value in enumerate(values)
    ]
