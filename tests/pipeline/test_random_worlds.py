"""The promises in random worlds: whatever happens in whatever order, they hold once it is quiet."""

from __future__ import annotations

import itertools

import pytest

from tests.support.worlds import World

# What a world comes across is luck: the tests of each subject cover its lines. To trace worlds takes longer than they.
pytestmark = pytest.mark.no_cover

KINDS = [
    {},
    {"coarse": True},
    {"source": "inline"},
    {"denied": True},
    {"flows": True},
    {"flows": True, "source": "inline"},
    {"bucket": "versioned"},
    {"bucket": "versioned", "copies": True},
    {"bucket": "encrypted", "copies": True},
    {"copies": True, "coarse": True},
    {"races": True},
    {"races": True, "flows": True},
    {"waits": True},
    {"single": True},
    {"told": True},
    {"waits": True, "single": True, "told": True},
]


def check(seeds, **kind):
    for seed in seeds:
        world = World(seed, **kind)
        broken = world.run()
        assert broken == [], f"World({seed}, {kind}) after uploads {world.uploads}"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_promises_hold(kind):
    check(range(25), **kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_promises_hold_in_many_worlds(kind):
    check(itertools.chain(range(25, 50), range(1000, 4000)), **kind)
