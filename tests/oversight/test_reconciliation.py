"""A difference of one call is found and named; what has a known cause is told apart from what has none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from legible.ledger.changes import Changes
from legible.ledger.lists import LongList
from legible.ledger.probes import ProbeLog
from legible.model import layout
from legible.model.documents import Document
from legible.model.prices import Reconcile
from legible.operations import catalog
from legible.oversight.calls import CallCount, JournalHour
from legible.oversight.differences import Difference, KnownCause
from legible.oversight.interfaces import FAILED, SUCCESSFUL, operation_of, spellings
from legible.oversight.reconciliation import Reconciled, Reconciler
from tests.support.cloud_eye import CloudEye
from tests.support.counting import rollup
from tests.support.rig import IN, Rig

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def at(minute: int, hour: int = 4) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=timezone.utc)


class World:
    """A ledger and a service that may differ."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.rig.clock.at = NOON
        self.eye = CloudEye()
        self.rules = Reconcile()
        self.named: frozenset[str] = frozenset()
        self._number = 0

    def ours(self, minute: datetime, outcome: str = "answered", times: int = 1, slug: str = "passport") -> None:
        self._number += 1
        said = (CallCount(minute.minute, slug, "", "", outcome, times),)
        reading = JournalHour(f"{self._number:032x}", minute, 1, said)
        rollup(self.rig).keep([{minute.replace(minute=0): reading}])

    def both(self, minute: datetime, times: int = 1) -> None:
        self.ours(minute, times=times)
        self.eye.count("PASSPORT", minute, times)

    def probe(self, minute: datetime, slug: str = "passport") -> None:
        now, self.rig.clock.at = self.rig.clock.at, minute
        ProbeLog(self.rig.site, self.rig.call(), "doctor").note(slug)
        self.rig.clock.at = now

    def reconciled(self, *, minutes: bool = False, begin: datetime | None = None, end: datetime = NOON) -> Reconciled:
        call = self.rig.call()
        probes, changes = ProbeLog(self.rig.site, call, "reconcile"), Changes(self.rig.site, call)
        rules, now = self.rules, self.rig.clock.now
        reconciler = Reconciler(self.eye, rollup(self.rig), probes, changes, rules, now, self.named)
        compare = reconciler.by_minute if minutes else reconciler.by_hour
        return compare(begin or NOON - timedelta(hours=24), end)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("minutes", [False, True])
class TestEitherWay:
    def test_what_agrees_is_no_difference(self, world, minutes):
        world.both(at(5), 3)
        world.both(at(6, 7), 2)
        found = world.reconciled(minutes=minutes)
        assert (found.ledger, found.service, found.differences, found.unexplained) == (5, 5, (), 0)

    def test_one_call_that_only_the_service_counted_is_named(self, world, minutes):
        world.both(at(5), 3)
        world.eye.count("PASSPORT", at(30))
        (one,) = world.reconciled(minutes=minutes).differences
        begin, service = (at(30), 1) if minutes else (at(0), 4)
        assert one == Difference(
            begin, "passport", "succeeded", "service-counted-more", service - 1, service, unexplained=1
        )

    def test_one_call_that_only_the_ledger_counted_is_named(self, world, minutes):
        world.both(at(5), 3)
        world.ours(at(30))
        (one,) = world.reconciled(minutes=minutes).differences
        assert (one.begin, one.direction, one.unexplained) == (
            at(30) if minutes else at(0), "ledger-counted-more", 1
        )  # fmt: skip

    def test_calls_without_an_answer_explain_what_the_service_billed_of_them(self, world, minutes):
        world.both(at(5))
        world.ours(at(30), "unknown", 2)
        world.eye.count("PASSPORT", at(30), 3)
        found = world.reconciled(minutes=minutes)
        (one,) = found.differences
        assert (one.causes, one.unexplained, found.unexplained) == ((KnownCause("unknown", 2),), 1, 1)

    def test_probes_are_told_apart_from_calls_that_failed(self, world, minutes):
        world.both(at(5))
        world.ours(at(30), "refused")
        world.probe(at(30))
        world.probe(at(30, 11))
        world.eye.count("PASSPORT", at(30), 2, FAILED)
        found = world.reconciled(minutes=minutes)
        (one,) = found.differences
        assert (one.kind, one.causes, one.unexplained, found.unexplained) == (
            "failed", (KnownCause("probes", 1),), 0, 0
        )  # fmt: skip

    def test_each_turned_away_try_counts_at_the_service(self, world, minutes):
        world.both(at(5))
        world.ours(at(30), "throttled")
        world.eye.count("PASSPORT", at(30), 7, FAILED)
        (one,) = world.reconciled(minutes=minutes).differences
        assert (one.causes, one.unexplained) == ((KnownCause("throttled", 7),), 0)

    def test_a_failed_call_that_nobody_knows_of_is_named_and_bills_nothing(self, world, minutes):
        world.both(at(5))
        world.eye.count("PASSPORT", at(30), 1, FAILED)
        found = world.reconciled(minutes=minutes)
        assert [(one.kind, one.unexplained) for one in found.differences] == [("failed", 1)]
        assert found.unexplained == 0

    def test_a_refusal_that_the_service_did_not_count_is_named(self, world, minutes):
        world.both(at(5))
        world.ours(at(30), "refused")
        (one,) = world.reconciled(minutes=minutes).differences
        assert (one.kind, one.direction) == ("failed", "ledger-counted-more")

    def test_an_operation_that_none_of_ours_calls_is_that_of_other_programs(self, world, minutes):
        world.both(at(5))
        world.eye.count("VIN", at(30), 4)
        world.eye.count("VIN", at(31), 4, FAILED)
        found = world.reconciled(minutes=minutes)
        assert [one.causes for one in found.differences] == [(KnownCause("other-programs", 4),)] * 2
        assert found.unexplained == 0

    def test_so_is_what_the_settings_call_shared(self, world, minutes):
        world.rules = Reconcile(shared=("passport",))
        world.both(at(5))
        world.eye.count("PASSPORT", at(5), 2)
        (one,) = world.reconciled(minutes=minutes).differences
        assert one.causes == (KnownCause("other-programs", 2),)

    @pytest.mark.parametrize("outcome", ["answered", "refused", "unknown", "throttled"])
    @pytest.mark.parametrize("days", [3, 150])
    def test_one_that_ours_called_at_another_time_is_not(self, world, minutes, outcome, days):
        """Given an operation of which no call of ours lies in the compared time, but one before; nor is it listed."""
        world.both(at(5))
        world.eye.listed = {"PASSPORT"}
        world.ours(NOON - timedelta(days=days), outcome, slug="vin")
        world.eye.count("VIN", at(30), 4)
        found = world.reconciled(minutes=minutes)
        assert [(one.causes, one.unexplained) for one in found.differences] == [((), 4)]
        assert found.unexplained == 4

    @pytest.mark.parametrize(("days", "outcome"), [(160, "answered"), (3, "adopted")])
    def test_one_that_ours_called_before_all_that_is_kept_or_never_is(self, world, minutes, days, outcome):
        world.both(at(5))
        world.ours(NOON - timedelta(days=days), outcome, slug="vin")
        world.eye.count("VIN", at(30), 4)
        assert world.reconciled(minutes=minutes).unexplained == 0

    def test_nor_is_one_that_the_settings_name_unless_they_call_it_shared(self, world, minutes):
        world.both(at(5))
        world.named = frozenset({"vin"})
        world.eye.count("VIN", at(30), 4)
        assert world.reconciled(minutes=minutes).unexplained == 4
        world.rules = Reconcile(shared=("vin",))
        assert world.reconciled(minutes=minutes).unexplained == 0

    def test_days_of_which_not_all_could_be_read_are_named(self, world, minutes):
        """Given a line that something else spoilt on the compared day, and one on a day long before."""
        world.both(at(5))
        for hour in (at(0), at(0) - timedelta(days=9)):
            LongList(world.rig.site, world.rig.call(), layout.usage_part(hour)).add(b"no line\n", 0)
        notes = world.reconciled(minutes=minutes, begin=at(0, 3), end=at(0, 6)).notes
        assert notes == (
            "Something changed what was counted on 2026-11-23: run `legible usage --rebuild` to count it again.",
        )

    def test_a_value_that_names_no_operation_is_named_and_not_dropped(self, world, minutes):
        world.both(at(5))
        world.eye.count("Pass+", at(30), 4)
        world.eye.count("Pass+", at(30), 1, FAILED)
        found = world.reconciled(minutes=minutes)
        assert (found.unmapped, found.unexplained) == ({"Pass+": 4}, 4)
        assert "'Pass+'" in found.notes[-1] and "[reconcile.interfaces]" in found.notes[-1]
        world.rules = Reconcile(interfaces={"Pass+": "vin"})
        assert world.reconciled(minutes=minutes).unmapped == {}

    def test_an_operation_that_is_not_listed_any_more_is_asked_for_all_the_same(self, world, minutes):
        world.both(at(5), 3)
        world.eye.listed = set()
        found = world.reconciled(minutes=minutes)
        assert (found.service, found.differences) == (3, ())

    def test_an_operation_that_is_no_more_known_is_compared_with_nothing(self, world, minutes):
        world.ours(at(5), slug="dreams")
        (one,) = world.reconciled(minutes=minutes).differences
        assert (one.operation, one.service) == ("dreams", 0)

    def test_the_last_hours_are_not_judged(self, world, minutes):
        world.ours(at(30, 10))
        found = world.reconciled(minutes=minutes)
        assert (found.end, found.differences) == (at(0, 9), ())
        assert "from 2026-11-23 09:00 on: data may be late" in found.notes[-1]

    def test_nor_is_what_waits_to_be_counted(self, world, minutes):
        now, world.rig.clock.at = world.rig.clock.at, at(30, 3)
        changes = Changes(world.rig.site, world.rig.call())
        changes.mark(Document(IN, "a", "v"), changes.after(0))
        world.rig.clock.at = now
        world.eye.count("PASSPORT", at(30))
        found = world.reconciled(minutes=minutes)
        assert (found.end, found.differences) == (at(0, 3), ())
        assert "journals wait to be counted" in found.notes[0]

    def test_nor_what_a_claim_may_call_that_is_not_over_yet(self, world, minutes):
        """Given a claim of half past three that lasts until the evening."""
        now, world.rig.clock.at = world.rig.clock.at, at(30, 3)
        changes = Changes(world.rig.site, world.rig.call())
        changes.mark(Document(IN, "a", "v"), changes.after(50_000))
        world.rig.clock.at = now
        assert world.reconciled(minutes=minutes).end == at(0, 3)

    def test_what_cloud_eye_keeps_no_longer_is_not_asked_for(self, world, minutes):
        found = world.reconciled(minutes=minutes, begin=NOON - timedelta(days=400))
        kept = timedelta(days=2 if minutes else 155)
        assert found.begin == NOON - kept + timedelta(hours=1)
        assert f"for {kept.days} days" in found.notes[0]

    def test_an_end_within_a_period_is_that_of_the_last_whole_one_and_said(self, world, minutes):
        world.both(at(5))
        world.both(at(30, 5))
        end = at(30, 5) + timedelta(seconds=20)
        found = world.reconciled(minutes=minutes, end=end)
        assert found.end == (at(30, 5) if minutes else at(0, 5))
        assert (found.ledger, found.service, found.differences) == (1, 1, ())
        assert f"05:30:20 is within the next {found.period}" in found.notes[-1]
        assert world.reconciled(minutes=minutes, end=at(0, 5)).notes == ()

    @pytest.mark.parametrize("kind", ["unknown", "probe"])
    @pytest.mark.parametrize(("noted", "counted"), [(at(59, 3), at(0)), (at(0), at(59, 3)), (at(1), at(59, 3))])
    def test_what_is_known_explains_a_call_beyond_the_edge_of_its_period(self, world, minutes, kind, noted, counted):
        world.both(at(40))
        if kind == "unknown":
            world.ours(noted, "unknown")
            world.eye.count("PASSPORT", counted)
        else:
            world.probe(noted)
            world.eye.count("PASSPORT", counted, name=FAILED)
        (one,) = world.reconciled(minutes=minutes).differences
        cause = "unknown" if kind == "unknown" else "probes"
        assert (one.causes, one.unexplained) == ((KnownCause(cause, 1),), 0)

    @pytest.mark.parametrize("noted", [at(59, 1), at(0, 4)])
    def test_also_beyond_the_edge_of_what_is_compared(self, world, minutes, noted):
        """Given an unanswered call a minute before, or just when, the compared time begins or ends."""
        world.both(at(40, 3))
        world.ours(noted, "unknown")
        world.eye.count("PASSPORT", at(0, 2) if noted.hour == 1 else at(59, 3))
        found = world.reconciled(minutes=minutes, begin=at(0, 2), end=at(0, 4))
        assert [(one.causes, one.unexplained) for one in found.differences] == [((KnownCause("unknown", 1),), 0)]

    def test_what_is_far_from_it_explains_nothing(self, world, minutes):
        world.both(at(40))
        world.ours(at(30, 3), "unknown")
        world.probe(at(30, 3))
        world.eye.count("PASSPORT", at(5))
        world.eye.count("PASSPORT", at(5), name=FAILED)
        found = world.reconciled(minutes=minutes)
        assert [(one.causes, one.unexplained) for one in found.differences] == [((), 1)] * 2

    def test_one_call_explains_one_difference_once(self, world, minutes):
        """Given one unanswered call, and a call more that succeeded and one that failed in its period."""
        world.both(at(40))
        world.ours(at(5), "unknown")
        for name in (SUCCESSFUL, FAILED):
            world.eye.count("PASSPORT", at(5), name=name)
        found = world.reconciled(minutes=minutes)
        assert [(one.kind, one.causes, one.unexplained) for one in found.differences] == [
            ("failed", (), 1), ("succeeded", (KnownCause("unknown", 1),), 0)
        ]  # fmt: skip

    def test_nor_does_it_explain_one_of_each_period_beside_it(self, world, minutes):
        world.both(at(40))
        world.ours(at(0), "unknown")
        for minute in (at(59, 3), at(0)):
            world.eye.count("PASSPORT", minute)
        found = world.reconciled(minutes=minutes)
        assert sorted(one.unexplained for one in found.differences) == [0, 1]
        assert [one.begin.hour for one in found.differences if one.unexplained] == [3]

    def test_where_nothing_is_kept_nothing_is_asked(self, world, minutes):
        world.both(at(5))
        end = NOON - timedelta(days=300)
        found = world.reconciled(minutes=minutes, begin=NOON - timedelta(days=400), end=end)
        assert (found.ledger, found.service, world.eye.asked, found.compared) == (0, 0, [], False)
        assert "nothing before" in found.notes[0]

    def test_where_all_may_be_late_nothing_is_compared(self, world, minutes):
        found = world.reconciled(minutes=minutes, begin=NOON - timedelta(hours=1))
        assert (found.compared, len(found.notes)) == (False, 1)
        assert world.reconciled(minutes=minutes).compared


class TestEdges:
    def test_a_call_at_the_edge_of_an_hour_is_moved_and_no_difference(self, world):
        world.ours(at(0, 5))
        world.eye.count("PASSPORT", at(59))
        found = world.reconciled()
        assert (found.differences, found.moved) == ((), 1)

    @pytest.mark.parametrize(("ours", "theirs"), [(at(59), at(0, 5)), (at(1, 5), at(59))])
    def test_it_may_move_either_way(self, world, ours, theirs):
        world.ours(ours)
        world.eye.count("PASSPORT", theirs)
        assert world.reconciled().moved == 1

    def test_a_call_in_the_middle_of_an_hour_does_not_move(self, world):
        world.ours(at(2, 5))
        world.eye.count("PASSPORT", at(30))
        found = world.reconciled()
        assert [(one.begin, one.direction) for one in found.differences] == [
            (at(0), "service-counted-more"), (at(0, 5), "ledger-counted-more")
        ]  # fmt: skip

    def test_no_more_move_than_are_at_the_edge(self, world):
        world.ours(at(0, 5))
        world.ours(at(30, 5), times=2)
        world.eye.count("PASSPORT", at(59), 3)
        found = world.reconciled()
        assert found.moved == 1
        assert [one.unexplained for one in found.differences] == [2, 2]

    def test_by_the_minute_calls_move_by_two_minutes_at_the_most(self, world):
        world.ours(at(12))
        world.ours(at(33))
        world.eye.count("PASSPORT", at(10))
        world.eye.count("PASSPORT", at(30))
        found = world.reconciled(minutes=True)
        assert found.moved == 1
        assert [one.begin for one in found.differences] == [at(30), at(33)]

    @given(some.lists(some.tuples(some.integers(0, 239), some.integers(0, 2)), max_size=12), some.integers(0, 239))
    def test_a_seeded_call_is_found_however_late_the_ledger_writes(self, calls, seeded):
        """Given calls that the ledger records up to a minute later than the service, and one that it never does."""
        world = World()
        base = at(0, 2)
        for minute, late in calls:
            world.eye.count("PASSPORT", base + timedelta(minutes=minute))
            world.ours(base + timedelta(minutes=minute + min(late, 1)))
        world.ours(at(0, 1))
        world.eye.count("PASSPORT", at(0, 1))
        assert world.reconciled().unexplained == 0
        world.eye.count("PASSPORT", base + timedelta(minutes=seeded))
        found = world.reconciled()
        assert found.service - found.ledger == 1
        assert sum(one.unexplained for one in found.differences) == 1
        (one,) = found.differences
        hour = base + timedelta(hours=seeded // 60)
        assert abs(one.begin - hour) <= timedelta(hours=1 if _by_edge(calls) else 0)


def _by_edge(calls: list[tuple[int, int]]) -> bool:
    """Tell whether a call lies where it may be either hour's: then so may be the one that is left over."""
    return any(minute % 60 in (0, 1, 58, 59) or (minute + min(late, 1)) % 60 in (0, 1) for minute, late in calls)


class TestInterfaces:
    @pytest.mark.parametrize("slug", sorted(catalog.slugs()))
    def test_each_way_of_spelling_names_its_operation(self, slug):
        assert {operation_of(value, {}) for value in spellings(slug)} == {slug}
        assert operation_of(f"/v2/{{project_id}}/ocr/{slug}", {}) == slug

    def test_what_the_settings_say_comes_first(self):
        assert operation_of("PASSPORT", {"PASSPORT": "vin"}) == "vin"
        assert operation_of("dreams", {}) == ""
        assert operation_of("", {}) == ""
