"""Enterprise projects are checked before anything is paid; what the account says is kept, and outlives its silence."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from legible.documents.projects import (
    BAD_FOR,
    GOOD_FOR,
    MOST_KNOWN,
    MOST_UNKNOWN,
    SILENCE,
    KnownProjects,
    ProjectAnswer,
    ProjectChecker,
)
from legible.errors import HeldError, PendingError, RejectedError, ThrottledError, UnavailableError
from legible.model.account import EnterpriseProject
from legible.model.documents import ObjectRef
from legible.operations import catalog
from legible.operations.operation import Task
from legible.operations.projects import NamedProject, ProjectRules
from tests.support.fakes import AccountProjects
from tests.support.rig import OUT, Rig

CLAIMS = "a1111111-0000-4000-8000-000000000001"
CLOSED = "c1111111-0000-4000-8000-000000000001"
GHOST = "d1111111-0000-4000-8000-000000000001"
HERE = "ap-southeast-1"
DENIED = HeldError("EPS answers 403 EPS.0004", code="not-permitted", advice="Let it do eps:enterpriseProjects:list.")


class World:
    """A bucket, an account, and as many instances as a test wants."""

    def __init__(self, **rules):
        self.rig = Rig()
        self.account = AccountProjects(EnterpriseProject(CLAIMS, "claims"), EnterpriseProject(CLOSED, "old", False))
        self.rules = ProjectRules(**rules)
        self.known = KnownProjects()

    def checker(self, known=None):
        call = self.rig.call()
        return ProjectChecker(self.rig.site, call, self.rules, lambda: self.account, known or self.known)

    def check(self, project=CLAIMS, by="route", region=HERE, known=None):
        task = Task(catalog.find("passport"), {}, region=region, project=NamedProject(project, by if project else ""))
        return self.checker(known).checked(task)

    def later(self, wait):
        self.rig.clock.pause(wait.total_seconds())


class TestRefusals:
    @pytest.mark.parametrize(
        ("project", "code"),
        [
            ("", "project-missing"), ("claims", "project-malformed"), ("a" * 36, "project-malformed"),
            (GHOST, "project-unknown"), (CLOSED, "project-disabled"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(("refused", "kind"), [("held", PendingError), ("rejected", RejectedError)])
    def test_each_has_a_reason_of_its_own_and_ends_as_the_settings_say(self, project, code, refused, kind):
        world = World(required=True, refused=refused)
        with pytest.raises(kind) as caught:
            world.check(project)
        assert (caught.value.reason_code, type(caught.value)) == (code, kind)
        assert caught.value.advice

    def test_without_a_project_nothing_is_asked_and_nothing_named(self):
        world = World()
        assert world.check("").project.id == ""
        assert world.account.asked == []

    def test_the_default_project_is_always_there(self):
        world = World(required=True)
        assert world.check("0").project.id == "0"
        assert world.account.asked == []

    @pytest.mark.parametrize(("elsewhere", "kind"), [("held", PendingError), ("rejected", RejectedError)])
    def test_a_region_without_projects_refuses_one_that_is_asked_for(self, elsewhere, kind):
        with pytest.raises(kind, match="cn-north-4 has no enterprise projects") as caught:
            World(elsewhere=elsewhere).check(region="cn-north-4")
        assert caught.value.reason_code == "project-not-here"

    def test_or_the_record_says_that_the_default_project_pays(self):
        task = World(elsewhere="without").check(region="cn-north-4")
        assert task.project.id == ""
        assert f"Not billed to the enterprise project {CLAIMS}" in task.note

    def test_a_ghost_is_a_ghost_there_too(self):
        with pytest.raises(PendingError) as caught:
            World(elsewhere="without").check(GHOST, region="cn-north-4")
        assert caught.value.reason_code == "project-unknown"

    def test_the_default_project_needs_no_header_there(self):
        assert World().check("0", region="cn-north-4").project.id == ""

    def test_the_settings_may_know_more_regions(self):
        assert World(regions=("cn-north-4",)).check(region="cn-north-4").project.id == CLAIMS


class TestWhatIsKept:
    def test_a_project_is_asked_for_once_for_hours_by_all_instances(self):
        world = World()
        for _ in range(3):
            world.check()
        for _ in range(100):
            world.check(known=KnownProjects())
        assert world.account.asked == [CLAIMS]
        world.later(GOOD_FOR - timedelta(minutes=1))
        world.check()
        assert world.account.asked == [CLAIMS]
        world.later(timedelta(minutes=2))
        world.check()
        assert world.account.asked == [CLAIMS, CLAIMS]

    def test_a_refusal_counts_for_minutes(self):
        world = World()
        for wait in (timedelta(), BAD_FOR - timedelta(seconds=30)):
            world.later(wait)
            with pytest.raises(PendingError):
                world.check(GHOST)
        assert world.account.asked == [GHOST]
        world.account.projects.append(EnterpriseProject(GHOST, "new"))
        world.later(timedelta(minutes=1))
        assert world.check(GHOST).project.id == GHOST

    def test_an_answer_of_another_instance_is_learned_when_ones_own_is_old(self):
        world, other = World(), KnownProjects()
        world.check()
        world.check(known=other)
        world.later(GOOD_FOR)
        world.check(known=other)
        world.check()
        assert len(world.account.asked) == 2

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"id": "x"', json.dumps({"id": GHOST, "state": "enabled",
                                      "at": "2026-11-23T09:00:00Z"}).encode()])  # fmt: skip
    def test_what_something_else_put_there_is_asked_for_anew(self, body):
        world = World()
        world.rig.store.put(OUT, f"reports/.projects/{CLAIMS}.json", body)
        assert world.check().project.id == CLAIMS
        assert world.account.asked == [CLAIMS]

    def test_an_answer_from_the_future_does_not_count(self):
        world = World()
        future = {"id": CLAIMS, "state": "disabled", "at": "2027-01-01T00:00:00Z"}
        world.rig.store.put(OUT, f"reports/.projects/{CLAIMS}.json", json.dumps(future).encode())
        world.check(known=KnownProjects())
        assert world.account.asked == [CLAIMS]

    @pytest.mark.parametrize("verb", ["write", "read"])
    def test_a_bucket_that_refuses_holds_up_nothing(self, verb):
        world = World()

        def fail(done, ref):
            if done == verb and "/.projects/" in ref.key:
                raise UnavailableError("503")

        world.rig.store.fail = fail
        assert world.check().project.id == CLAIMS


def ghost(number):
    return f"{number:08x}-0000-4000-8000-000000000000"


class TestBogusIds:
    def refused(self, world, number, known=None):
        with pytest.raises(PendingError) as caught:
            world.check(ghost(number), by="metadata", known=known)
        return caught.value.reason_code

    def test_leave_one_object_together_and_it_is_bounded(self):
        """Given more ids that the account does not know than are kept."""
        world = World()
        for number in range(MOST_UNKNOWN + 20):
            world.later(timedelta(seconds=1))
            assert self.refused(world, number) == "project-unknown"
        assert world.rig.store.keys(OUT, "reports/.projects/") == ["reports/.projects/unknown.json"]
        kept = world.rig.store.json(OUT, "reports/.projects/unknown.json")["answers"]
        assert [one["id"] for one in kept] == [ghost(number) for number in range(20, MOST_UNKNOWN + 20)]

    def test_are_asked_for_once_by_all_instances(self):
        world = World()
        for _ in range(50):
            assert self.refused(world, 1, KnownProjects()) == "project-unknown"
        assert world.account.asked == [ghost(1)]

    def test_are_few_in_memory_and_drive_out_nothing_that_may_be_billed(self):
        known, at = KnownProjects(), datetime(2026, 11, 23, tzinfo=timezone.utc)
        known.learn(ProjectAnswer(CLAIMS, "enabled", at - timedelta(days=9)))
        for number in range(MOST_KNOWN + 20):
            known.learn(ProjectAnswer(ghost(number), "unknown", at + timedelta(seconds=number)))
        assert known.answer(CLAIMS) is not None
        assert [known.answer(ghost(number)) is None for number in (0, 20, 21, MOST_KNOWN + 19)] == [
            True,
            True,
            False,
            False,
        ]

    def test_of_as_many_projects_as_may_be_the_oldest_answer_is_asked_for_anew(self):
        known, at = KnownProjects(), datetime(2026, 11, 23, tzinfo=timezone.utc)
        for number in range(MOST_KNOWN + 1):
            known.learn(ProjectAnswer(ghost(number), "enabled", at + timedelta(seconds=number)))
        assert [known.answer(ghost(number)) is None for number in (0, 1)] == [True, False]

    def test_one_that_the_account_knew_before_is_unknown_for_all_instances(self):
        """Given a project that was deleted, and then a silent account."""
        world = World()
        world.check()
        world.account.projects = []
        world.later(GOOD_FOR)
        with pytest.raises(PendingError):
            world.check()
        world.account.fail = DENIED
        with pytest.raises(PendingError) as caught:
            world.check(known=KnownProjects())
        assert caught.value.reason_code == "project-unknown"
        assert world.rig.store.keys(OUT, "reports/.projects/") == [f"reports/.projects/{CLAIMS}.json"]

    def test_one_that_comes_into_being_counts_for_all_instances(self):
        world = World()
        self.refused(world, 1)
        world.account.projects.append(EnterpriseProject(ghost(1), "new"))
        world.later(BAD_FOR)
        for _ in range(2):
            assert world.check(ghost(1), known=KnownProjects()).project.id == ghost(1)
        assert world.account.asked == [ghost(1)] * 2

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"answers": 1}'])
    def test_a_list_that_something_else_spoilt_is_begun_anew(self, body):
        world = World()
        world.rig.store.put(OUT, "reports/.projects/unknown.json", body)
        assert self.refused(world, 1) == "project-unknown"
        assert len(world.rig.store.json(OUT, "reports/.projects/unknown.json")["answers"]) == 1


class TestSilence:
    @pytest.mark.parametrize("error", [DENIED, ThrottledError("EPS.0006"), UnavailableError("closed")])
    def test_a_project_of_the_settings_goes_on_and_the_record_says_so(self, error):
        world = World()
        world.account.fail = error
        task = world.check()
        assert task.project.id == CLAIMS
        assert task.note.startswith(f"Billed to the enterprise project {CLAIMS}, which could not be checked: ")
        assert error.message in task.note

    def test_one_that_an_uploader_named_is_held_whatever_the_settings_say(self):
        world = World(refused="rejected")
        world.account.fail = DENIED
        with pytest.raises(PendingError, match="cannot be checked") as caught:
            world.check(by="metadata")
        assert caught.value.reason_code == "project-unchecked"
        assert "eps:enterpriseProjects:list" in caught.value.advice

    def test_the_last_answer_counts_however_old_it_is(self):
        world = World()
        world.check()
        world.account.fail = DENIED
        world.later(timedelta(days=400))
        assert world.check(by="metadata", known=KnownProjects()) == world.check(by="metadata")

    def test_also_an_old_refusal(self):
        world = World()
        with pytest.raises(PendingError):
            world.check(CLOSED)
        world.account.fail = DENIED
        world.later(timedelta(days=2))
        with pytest.raises(PendingError, match="is disabled"):
            world.check(CLOSED)

    def test_an_account_that_is_silent_is_not_asked_for_each_document(self):
        world = World()
        world.account.fail = UnavailableError("closed")
        for _ in range(20):
            world.check()
        assert len(world.account.asked) == 1
        world.later(SILENCE)
        world.account.fail = None
        assert world.check().note == ""

    def test_where_no_endpoint_leads_to_it_the_same_holds(self):
        world = World()
        world.account = None
        assert "eps.endpoint" in world.check().note

    def test_what_it_was_asked_anew_is_kept_and_silence_is_no_answer(self):
        world = World()
        assert world.checker().mended(CLAIMS) is True
        assert world.checker().mended(CLOSED) is False
        world.account.fail = DENIED
        assert world.checker().mended(CLAIMS) is None
        assert ObjectRef(OUT, f"reports/.projects/{CLOSED}.json") in world.rig.store.objects


def test_an_older_answer_never_takes_the_place_of_a_newer_one():
    world, known = World(), KnownProjects()
    world.check(known=known)
    newer = known.answer(CLAIMS)
    known.learn(type(newer)(CLAIMS, "disabled", newer.at - timedelta(hours=1)))
    assert known.answer(CLAIMS) is newer
