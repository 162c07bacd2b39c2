"""Simulated deployments keep what real ones promise, whatever is lost, comes twice or dies."""

from __future__ import annotations

import pytest

from bench.simulation import charts
from bench.simulation.rules import Backoff
from bench.simulation.summary import quantile, summary
from bench.simulation.world import Plan, World
from legible.recognition.policy import Policy

#: Everything that can go wrong goes wrong often.
ROUGH = Plan(400, 40, 20, loss=0.1, duplicates=0.3, deaths=0.2, seed=7)


class Cap:
    """A budget of so many calls."""

    def __init__(self, most: int) -> None:
        self.left = most

    def may_pay(self, now: float) -> bool:
        self.left -= 1
        return self.left >= 0


class Slots:
    """A rule of rate: each call has a place in time, so many a second."""

    def __init__(self, rate: float) -> None:
        self._apart, self._next = 1 / rate, 0.0
        self.throttled = 0

    def wait(self, now: float) -> float:
        if now >= self._next:
            self._next = now + self._apart
            return 0.0
        return self._next - now

    def told(self, now: float, *, throttled: bool) -> None:
        self.throttled += throttled


@pytest.fixture(scope="module")
def rough():
    world = World(ROUGH)
    return world, world.run()


class TestPromises:
    def test_every_upload_ends_although_events_are_lost(self, rough):
        world, figures = rough
        assert figures.lost_events and figures.swept == figures.lost_events
        assert (world.left, sum(figures.ended.values())) == (0, ROUGH.documents)

    def test_a_call_is_paid_once_or_the_journal_says_why(self, rough):
        _, figures = rough
        assert figures.unknown > 0
        assert figures.paid_more_than_told == 0
        assert figures.ended["done"] <= figures.calls <= figures.ended["done"] + figures.unknown + figures.surplus

    def test_the_quota_is_never_passed(self, rough):
        assert max(rough[1].by_second.values()) == ROUGH.quota

    def test_without_deaths_each_document_is_called_for_once_however_often_its_event_comes(self):
        plan = Plan(300, 30, 15, loss=0.0, duplicates=1.0, deaths=0.0)
        figures = World(plan).run()
        assert (figures.calls, figures.unknown, figures.surplus) == (300, 0, 0)

    def test_the_same_seed_is_the_same_run(self):
        plan = Plan(60, 10, 10)
        assert summary(plan, World(plan).run()) == summary(plan, World(plan).run())


class TestRules:
    def test_waits_after_a_refusal_are_those_of_the_product(self):
        backoff, policy = Backoff(Policy(), lambda: 300.0), Policy()
        for number in (1, 2, 3, 4, 5, 5):
            assert policy.wait[0] * number <= (backoff.after(throttled=True) or 0.0) <= policy.wait[1] * number

    def test_no_try_is_begun_that_the_time_left_does_not_hold(self):
        assert Backoff(Policy(), lambda: 8.0).after(throttled=True) is None

    def test_a_rule_of_rate_that_is_put_in_keeps_calls_from_being_turned_away(self):
        plan, slots = Plan(200, 40, 20, deaths=0.0), Slots(19)
        figures = World(plan, rate=slots).run()
        assert (figures.turned_away, slots.throttled, figures.ended["done"]) == (0, 0, 200)

    def test_a_budget_that_is_put_in_bounds_the_calls_and_holds_the_rest(self):
        figures = World(Plan(100, 20, 20, deaths=0.0), budget=Cap(30)).run()
        assert (figures.calls, figures.ended) == (30, {"done": 30, "dead": 0, "held": 70})


class TestFigures:
    def test_a_quantile_is_a_value_that_was_there(self):
        assert [quantile([3, 1, 2], share) for share in (0.0, 0.5, 0.99)] == [1, 2, 3]
        assert quantile([], 0.5) == 0.0

    def test_size_does_not_matter_where_uploads_come_steadily(self):
        small, large = (summary(plan, World(plan).run()) for plan in (Plan(n, 50, 40, 32.0) for n in (500, 2000)))
        assert large.appends == pytest.approx(small.appends, rel=0.02)
        assert large.quota_used == pytest.approx(small.quota_used, rel=0.15)

    def test_a_chart_has_a_line_for_each_quota(self):
        plans = [Plan(40, instances, quota) for instances in (5, 10) for quota in (5, 10)]
        drawn = charts.figure([summary(plan, World(plan).run()) for plan in plans])
        assert drawn.count(">5/s<") == drawn.count(">10/s<") == 4
