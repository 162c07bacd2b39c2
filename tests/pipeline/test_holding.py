"""What is held until something outside is mended goes on by itself: one question for all, few documents at first."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec import structs

from legible.errors import HeldError, LegibleError, PendingError, UnavailableError
from legible.ledger.state import State
from legible.model import layout
from legible.model.account import EnterpriseProject
from legible.model.documents import ObjectRef
from legible.notices.targets import Smn
from legible.operations.projects import REGIONS, ProjectRules
from legible.operations.routing import OperationSettings, Route, Routing
from legible.pipeline.holding import FIRST, MOST, Holding
from legible.pipeline.obstacles import KnownObstacle, Obstacle, advised
from legible.pipeline.waiting import AGE
from tests.support.fakes import AccountProjects, Receiver
from tests.support.platform import Platform
from tests.support.rig import OUT, TEXT, Rig, picture

KEY = "general-text/a.png"
UNSUBSCRIBED = PendingError("no", code="not-subscribed", vendor_code="ModelArts.4204")
DENIED = PendingError("no", code="not-permitted", vendor_code="ModelArts.4203")
CLAIMS = "a1111111-0000-4000-8000-000000000001"
TEXTS = Obstacle("operation", "general-text", "cn-north-4")


def held(rig):
    return rig.store.keys(OUT, "held/uploads/")


def obstacles(rig):
    return [rig.store.json(OUT, name) for name in rig.store.keys(OUT, "held/obstacles/")]


def refusing(count=1, error=UNSUBSCRIBED, **options):
    """Return a rig and its platform after so many documents were refused."""
    rig = Rig(error, **options)
    platform = Platform(rig)
    for number in range(count):
        platform.hand_on(rig.upload(f"general-text/{number}.png", picture(60 + number)))
    platform.run(0.9)
    return rig, platform


def statuses(rig, count):
    return {rig.record(f"general-text/{number}.png")["status"] for number in range(count)}


class TestASubscription:
    def test_lets_all_go_that_was_held_each_paid_for_once(self):
        rig, platform = refusing(30)
        assert (statuses(rig, 30), len(held(rig)), rig.ocr.paid) == ({"held"}, 30, 0)
        rig.ocr.script = [TEXT]
        platform.run(90)
        assert statuses(rig, 30) == {"done"}
        assert rig.ocr.paid == 30
        assert rig.store.keys(OUT, "held/") == rig.store.keys(OUT, "waiting/") == []

    def test_that_comes_after_days_does_so_too(self):
        rig, platform = refusing(2)
        rig.clock.pause(timedelta(days=9).total_seconds())
        rig.ocr.script = [TEXT]
        platform.run(10)
        assert statuses(rig, 2) == {"done"}

    def test_that_is_missing_is_asked_for_once_for_all_documents_and_ever_less_often(self):
        rig, platform = refusing(25)
        calls = len(rig.ocr.calls)
        platform.run(60)
        assert len(rig.probes) == 5
        platform.run(24 * 60)
        assert len(rig.probes) < 60
        assert len(rig.ocr.calls) == calls == 25
        assert len(held(rig)) == 25

    def test_lets_few_go_at_first_and_ever_more(self):
        rig, _ = refusing(FIRST * 6)
        rig.ocr.script = [TEXT]
        rig.clock.pause(120)
        counts = []
        for _ in range(4):
            counts.append(rig.release().walk().let_go)
        assert counts == [FIRST, FIRST * 2, FIRST * 3, 0]
        assert rig.probes == ["general-text"]
        assert obstacles(rig) == []

    def test_that_does_not_hold_for_the_documents_after_all_costs_few_of_them_a_try(self):
        """Given a service that takes the probe, and refuses every document: others may call than the documents do."""
        rig, platform = refusing(40)
        rig.probed = lambda obstacle: "gone"
        before = len(rig.ocr.calls)
        platform.run(4 * 60)
        assert len(rig.ocr.calls) - before <= 12 * FIRST
        assert len(held(rig)) == 40
        assert rig.store.keys(OUT, "waiting/") == []
        rig.ocr.script = [TEXT]
        platform.run(3 * 60)
        assert (statuses(rig, 40), rig.ocr.paid) == ({"done"}, 40)

    @pytest.mark.parametrize(
        "error", [DENIED, PendingError("arrears", code="account-restricted", vendor_code="ModelArts.4106")]
    )
    def test_nothing_is_lost_where_asking_does_not_tell_one_document_finds_out(self, error):
        rig, platform = refusing(8, error)
        calls = len(rig.ocr.calls)
        platform.run(5 * 60)
        assert calls < len(rig.ocr.calls) < calls + 20
        rig.ocr.script = [TEXT]
        platform.run(90)
        assert (statuses(rig, 8), rig.ocr.paid) == ({"done"}, 8)

    def test_is_asked_for_in_each_region_and_for_each_operation_by_itself(self):
        rig = Rig(UNSUBSCRIBED, waits=True)
        rig.run(rig.upload(KEY), rig.upload("passport/a.png"))
        rig.rules = Routing("cn-north-4", operations={"general-text": OperationSettings(region="cn-south-1")})
        rig.run(rig.upload("general-text/b.png", picture(70)))
        asked = {(one["obstacle"]["subject"], one["obstacle"]["region"]) for one in obstacles(rig)}
        assert asked == {
            ("general-text", "cn-north-4"), ("general-text", "cn-south-1"), ("passport", "cn-north-4"),
        }  # fmt: skip

    def test_says_what_to_do_and_that_it_goes_on_by_itself(self):
        rig, _ = refusing()
        advice = rig.record("general-text/0.png")["reason"]["advice"]
        assert "ocr:generalText:subscribe" in advice
        assert "It goes on by itself when general-text may be called in cn-north-4" in advice

    def test_is_told_of_once(self):
        rig, receiver = Rig(UNSUBSCRIBED), Receiver()
        rig.targets, rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": receiver}
        platform = Platform(rig)
        platform.hand_on(rig.upload(KEY))
        platform.run(60)
        rig.ocr.script = [TEXT]
        platform.run(60)
        assert [notice.data.status for notice in receiver.notices] == ["held", "done"]

    def test_of_an_operation_that_may_be_called_again_and_then_not_is_waited_for_anew(self):
        rig, platform = refusing(3)
        rig.ocr.script = [TEXT, UNSUBSCRIBED]
        rig.probed = lambda obstacle: "gone"
        platform.run(3.5)
        assert (len(held(rig)), rig.ocr.paid) == (2, 1)
        rig.ocr.script = [TEXT]
        platform.run(60)
        assert (statuses(rig, 3), rig.ocr.paid) == ({"done"}, 3)


class TestAProject:
    def rig(self, **rules):
        rig = Rig(TEXT)
        rig.rules = Routing(REGIONS[0], projects=ProjectRules(**rules), pinned=True)
        rig.account = AccountProjects()
        return rig, Platform(rig)

    def test_that_is_made_lets_all_go_and_is_asked_for_once_in_a_walk(self):
        rig, platform = self.rig()
        for number in range(12):
            key = f"general-text/{number}.png"
            platform.hand_on(rig.upload(key, picture(60 + number), {"legible-project": CLAIMS}))
        platform.run(30)
        assert (statuses(rig, 12), rig.ocr.calls) == ({"held"}, [])
        assert len(rig.account.asked) < 8
        rig.account.projects.append(EnterpriseProject(CLAIMS, "claims"))
        platform.run(60)
        assert (statuses(rig, 12), rig.ocr.paid) == ({"done"}, 12)
        assert {one.project for _, _, one in rig.ocr.calls} == {CLAIMS}

    def test_that_is_enabled_lets_go(self):
        rig, platform = self.rig()
        rig.account.projects.append(EnterpriseProject(CLAIMS, "claims", False))
        platform.hand_on(rig.upload(KEY, None, {"legible-project": CLAIMS}))
        platform.run(2)
        rig.account.projects = [EnterpriseProject(CLAIMS, "claims")]
        platform.run(60)
        assert rig.record(KEY)["status"] == "done"

    def test_that_could_not_be_asked_for_goes_on_when_it_can(self):
        rig, platform = self.rig()
        rig.account.projects.append(EnterpriseProject(CLAIMS, "claims"))
        rig.account.fail = HeldError("403", code="not-permitted")
        platform.hand_on(rig.upload(KEY, None, {"legible-project": CLAIMS}))
        platform.run(20)
        assert rig.record(KEY)["reason"]["code"] == "project-unchecked"
        rig.account.fail = None
        platform.run(60)
        assert rig.record(KEY)["status"] == "done"

    def test_that_is_missing_goes_on_when_the_settings_name_one(self):
        rig, platform = self.rig(required=True)
        platform.hand_on(rig.upload(KEY))
        platform.run(60)
        assert rig.record(KEY)["reason"]["code"] == "project-missing"
        rig.account.projects.append(EnterpriseProject(CLAIMS, "claims"))
        rig.rules = structs.replace(rig.rules, project=CLAIMS)
        platform.run(60)
        assert (rig.record(KEY)["status"], len(rig.ocr.calls)) == ("done", 1)

    def test_that_is_rejected_waits_for_nothing(self):
        rig, platform = self.rig(required=True, refused="rejected")
        platform.hand_on(rig.upload(KEY))
        platform.run(5)
        assert rig.store.keys(OUT, "held/") == []


class TestTheWalk:
    @pytest.mark.parametrize("step", range(1, 12))
    def test_that_dies_anywhere_loses_nothing_and_pays_for_nothing_twice(self, step):
        """Given a timer that dies at its n-th request that changes something."""
        rig, platform = refusing(3)
        rig.ocr.script = [TEXT]
        rig.clock.pause(120)
        left = step

        def die(verb, ref):
            nonlocal left
            left -= verb in ("write", "remove", "append")
            if left == 0:
                raise UnavailableError("killed")

        rig.store.fail = die
        try:
            rig.release().walk()
        except LegibleError:
            assert step <= 10
        rig.store.fail = lambda verb, ref: None
        platform.run(90)
        assert (statuses(rig, 3), rig.ocr.paid) == ({"done"}, 3)
        assert rig.store.keys(OUT, "held/") == []

    def test_ends_in_time_and_goes_on_with_the_rest_next_time(self):
        rig, _ = refusing(5)
        rig.ocr.script = [TEXT]
        rig.clock.pause(120)
        rig.store.fail = lambda verb, ref: rig.clock.pause(5.0 if verb == "write" else 0)
        first = rig.release().walk()
        assert 0 < first.let_go < 5
        assert obstacles(rig)[0]["gone"]
        for _ in range(3):
            rig.release().walk()
        assert held(rig) == []

    def test_leaves_other_obstacles_for_the_next_one_when_its_time_is_over(self):
        rig = Rig(UNSUBSCRIBED, waits=True)
        rig.run(rig.upload(KEY), rig.upload("passport/a.png"))
        rig.clock.pause(120)
        ask = rig.probed
        rig.probed = lambda obstacle: (rig.clock.pause(20), ask(obstacle))[1]
        report = rig.release().walk()
        assert (report.there, report.left, len(rig.probes)) == (1, 1, 1)

    def test_asks_nothing_where_nothing_waits_any_more(self):
        rig, _ = refusing()
        for name in held(rig):
            rig.store.remove(ObjectRef(OUT, name))
        rig.clock.pause(120)
        rig.release().walk()
        assert (rig.probes, obstacles(rig)) == ([], [])

    def test_is_stopped_by_nothing_that_somebody_else_put_there(self):
        rig, platform = refusing(2)
        rig.store.put(OUT, "held/obstacles/odd.json", b"[]")
        rig.store.put(OUT, layout.held(TEXTS.name, "00-odd"), b"{")
        rig.ocr.script = [TEXT]
        platform.run(30)
        assert statuses(rig, 2) == {"done"}
        assert {"held-unreadable", "obstacle-unreadable"} <= {line["event"] for line in rig.log.lines}

    @pytest.mark.parametrize("how", ["spoilt", "refused"])
    def test_an_obstacle_that_cannot_be_read_loses_no_document_and_lets_no_crowd_go(self, how):
        """Given thirty documents behind an obstacle of which nobody can read what it is."""
        rig, _ = refusing(30)
        (name,) = rig.store.keys(OUT, "held/obstacles/")
        if how == "spoilt":
            rig.store.put(OUT, name, b'{"obstacle": {"kind": "of a newer version"}}')

        def fail(verb, ref):
            if how == "refused" and verb == "read" and ref.key == name:
                raise HeldError("403", code="obs-denied")

        rig.store.fail = fail
        for walk in range(1, 4):
            report = rig.release().walk()
            assert (report.let_go, report.there, len(held(rig))) == (1, 1, 30 - walk)
        assert rig.probes == []
        assert "obstacle-unreadable" in {line["event"] for line in rig.log.lines}

    def test_the_first_document_that_is_held_up_again_notes_the_obstacle_anew(self):
        rig, platform = refusing(5)
        (name,) = rig.store.keys(OUT, "held/obstacles/")
        rig.store.put(OUT, name, b"{")
        platform.run(3)
        assert rig.store.json(OUT, name)["obstacle"]["subject"] == "general-text"
        assert (statuses(rig, 5), len(held(rig))) == ({"held"}, 5)
        rig.ocr.script = [TEXT]
        platform.run(90)
        assert statuses(rig, 5) == {"done"}

    def test_a_store_that_fails_for_a_moment_is_a_fault_that_passes(self):
        rig, _ = refusing()

        def fail(verb, ref):
            if verb == "read" and ref.key.startswith("held/obstacles/"):
                raise UnavailableError("503")

        rig.store.fail = fail
        with pytest.raises(UnavailableError):
            rig.release().walk()
        assert len(held(rig)) == 1

    def test_passes_over_what_another_walk_took(self):
        rig, _ = refusing(1)
        (name,) = held(rig)
        assert rig.holding().let_go(name, rig.room())
        assert not rig.holding().let_go(name, rig.room())

    def test_keeps_an_obstacle_for_which_something_came_while_it_was_forgotten(self):
        rig, _ = refusing(1)
        holding = rig.holding()
        (known,) = holding.obstacles()
        holding.drop(known)
        assert holding.known(known.obstacle) == known

    def test_lets_go_no_more_than_so_many_at_once(self):
        rig, _ = refusing(1)
        rig.holding().put(KnownObstacle(TEXTS, gone=True, together=MOST))
        rig.release().walk()
        assert len(rig.store.keys(OUT, "waiting/")) == 1

    def test_of_many_documents_it_looks_at_so_many_alone(self):
        """Given thousands of documents that wait."""
        rig, _ = refusing(1)
        body = rig.store.read(ObjectRef(OUT, held(rig)[0]))
        for number in range(2_000):
            rig.store.put(OUT, layout.held(TEXTS.name, f"{number:032x}"), body)
        rig.clock.pause(120)
        rig.release().walk()
        assert rig.probes == ["general-text"]
        assert rig.release().walk().there == 1
        assert len(rig.probes) == 1


class TestTheWaitingRoom:
    def test_gives_what_version_0_1_left_there_to_those_who_ask_once(self):
        rig, platform = refusing(1)
        (name,) = held(rig)
        parked = rig.store.json(OUT, name)
        for key in rig.store.keys(OUT, "held/"):
            rig.store.remove(ObjectRef(OUT, key))
        due = rig.clock.now() + timedelta(minutes=1)
        rig.store.put(OUT, layout.queued("waiting/", due, 1, "f" * 32), json.dumps(parked).encode())
        platform.run(5)
        assert (len(held(rig)), rig.store.keys(OUT, "waiting/"), len(rig.ocr.calls)) == (1, [], 1)

    @pytest.mark.parametrize("code", ["obs-denied", "service-unavailable"])
    def test_keeps_what_waits_for_another_reason(self, code):
        rig = Rig(PendingError("no", code=code), waits=True)
        rig.run(rig.upload(KEY))
        (slot,) = rig.store.keys(OUT, "waiting/")
        parked = rig.room().read(type("Slot", (), {"key": slot})())
        state = rig.parts().ledger.journals.load(parked.document)
        assert not rig.holding().takes_over(parked, state)
        assert not rig.holding().takes_over(parked, State())


def test_an_obstacle_says_what_it_is_and_is_named_by_what_it_is():
    several = [
        TEXTS,
        Obstacle("operation", "passport", "cn-north-4"),
        Obstacle("project", CLAIMS),
        Obstacle("settings", "f"),
    ]
    assert len({one.name for one in several}) == 4
    assert [str(one) for one in several[1:]] == [
        "passport may be called in cn-north-4", f"the project {CLAIMS} may be billed, or the settings change",
        "the settings change",
    ]  # fmt: skip


def test_what_the_settings_say_of_projects_has_one_hash_and_each_change_another():
    rules = Routing("cn-north-4")
    rig = Rig(TEXT)
    changed = [
        rules, structs.replace(rules, project=CLAIMS), structs.replace(rules, region=REGIONS[0]),
        structs.replace(rules, routes=(Route("*", "passport"),)),
        structs.replace(rules, projects=ProjectRules(folders={"a/": CLAIMS})),
    ]  # fmt: skip
    hashes = [Holding(rig.site, rig.call(), one).settings for one in changed]
    assert len(set(hashes)) == len(changed)
    assert hashes[0] == Holding(rig.site, rig.call(), Routing("cn-north-4")).settings


def test_an_error_without_a_task_is_as_it_was():
    assert advised(UNSUBSCRIBED, None) is UNSUBSCRIBED
    assert timedelta(days=1) == AGE
