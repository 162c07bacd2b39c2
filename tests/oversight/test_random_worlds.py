"""Whatever happens in whatever order, deaths of the timer among it: the sums say what the journals say."""

from __future__ import annotations

import pytest

from tests.support.counting import CountedWorld
from tests.support.examples import examples

pytestmark = pytest.mark.no_cover

KINDS = [
    {},
    {"flows": True},
    {"bucket": "versioned", "copies": True},
    {"copies": True},
    {"races": True},
    {"races": True, "flows": True},
    {"waits": True},
    {"single": True},
]


def check(seeds, **kind):
    walks = 0
    for seed in seeds:
        world = CountedWorld(seed, **kind)
        broken = world.run()
        assert broken == [], f"CountedWorld({seed}, {kind}) after uploads {world.uploads}"
        walks += world.walks
    assert walks


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_sums_say_what_the_journals_say(kind):
    check(range(examples(30)), **kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_sums_say_what_the_journals_say_in_many_worlds(kind):
    check(range(1000, 3000), **kind)
