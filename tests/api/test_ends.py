"""Over HTTP: what is not done, by its causes, and a cause tried once more, within a limit and once for each request."""

from __future__ import annotations

import pytest

from legible.model import layout
from tests.support.front import Front, problem
from tests.support.rig import OUT, TEXT, Rig
from tests.upkeep.ends_rig import BROKEN, GAVE_UP, THROTTLED, ended, listed

ONCE = {"idempotency-key": "one"}
LIMITED = {"reasons": ["throttled"], "max_calls": 100}


@pytest.fixture
def front() -> Front:
    rig = Rig(TEXT, waits=True)
    for number in range(4):
        ended(rig, f"a/general-text/{number}.png", "dead", THROTTLED)
    ended(rig, "a/general-text/x.png", "rejected", BROKEN)
    ended(rig, "b/general-text/y.png", "dead", GAVE_UP)
    listed(rig)
    return Front(rig)


def parked(front: Front) -> int:
    return len(front.rig.store.keys(OUT, layout.WAITING))


class TestDead:
    def test_causes_with_evidence_and_price(self, front):
        found = front.json("GET", "/v1/dead", limit="2")
        assert found["total"] == 6
        assert [(one["code"], one["documents"], one["cost"]["amount"]) for one in found["causes"]] == [
            ("throttled", 4, "0.04"), ("image-refused", 1, "0.01"), ("platform-gave-up", 1, "0.01"),
        ]  # fmt: skip
        assert len(found["documents"]) == 2

    @pytest.mark.parametrize(
        ("asked", "total"),
        [
            ({"prefix": "b/"}, 1),
            ({"reason": "APIG.0308"}, 4),
            ({"status": "rejected"}, 1),
            ({"operation": "passport"}, 0),
            ({"since": "2027-01-01T00:00:00Z"}, 0),
            ({"until": "2027-01-01T00:00:00Z"}, 6),
        ],
    )
    def test_what_is_asked_for(self, front, asked, total):
        assert front.json("GET", "/v1/dead", **asked)["total"] == total

    def test_a_tenant_sees_its_own(self, front):
        front.tenants = {"one": "a/", "two": "c/"}
        assert front.json("GET", "/v1/dead", headers={"x-legible-app": "one"})["total"] == 5
        assert front.json("GET", "/v1/dead", headers={"x-legible-app": "two"})["total"] == 0

    def test_what_takes_too_long_says_so(self, front):
        front.changes["remaining"] = lambda: 3.0
        assert problem(front.ask("GET", "/v1/dead")) == (422, "too-much-to-count")


class TestRedrives:
    def test_a_cause_is_tried_once_more_and_audited(self, front):
        report = front.json("POST", "/v1/redrives", LIMITED)
        assert (report["moved"], report["cost"]["amount"]) == (4, "0.04")
        assert parked(front) == 4
        assert front.json("POST", "/v1/redrives", LIMITED)["left"] == {"asked for already": 4}
        events = front.rig.store.keys(OUT, "audit/.pending/")
        assert [front.rig.store.json(OUT, key)["name"] for key in events] == ["redriveDocuments"] * 2

    def test_the_same_request_is_done_once_and_has_the_same_reply(self, front):
        first = front.ask("POST", "/v1/redrives", LIMITED, headers=ONCE)
        second = front.ask("POST", "/v1/redrives", LIMITED, headers=ONCE)
        assert first.status == second.status == 200
        assert first.body == second.body
        assert parked(front) == 4

    def test_a_key_of_another_request_is_refused(self, front):
        front.ask("POST", "/v1/redrives", LIMITED, headers=ONCE)
        other = front.ask("POST", "/v1/redrives", {**LIMITED, "max_calls": 1}, headers=ONCE)
        assert problem(other) == (422, "idempotency-key-reused")
        unfit = front.ask("POST", "/v1/redrives", LIMITED, headers={"idempotency-key": "\u00e4"})
        assert problem(unfit) == (422, "idempotency-key-unfit")

    def test_the_key_of_one_tenant_is_none_of_another(self, front):
        front.tenants = {"one": "a/", "two": "b/"}
        body = {"reasons": ["throttled", "platform-gave-up"], "max_calls": 100}
        moved = [
            front.json("POST", "/v1/redrives", body, headers={**ONCE, "x-legible-app": app})["moved"]
            for app in ("one", "two")
        ]
        assert moved == [4, 1]

    def test_one_that_died_is_served_again_when_its_time_is_over(self, front):
        class Dying:
            def run(self, choice, limits):
                raise RuntimeError

        front.changes["redrive"] = Dying
        assert front.ask("POST", "/v1/redrives", LIMITED, headers=ONCE).status == 500
        del front.changes["redrive"]
        assert problem(front.ask("POST", "/v1/redrives", LIMITED, headers=ONCE)) == (503, "busy")
        front.rig.clock.pause(120)
        assert front.json("POST", "/v1/redrives", LIMITED, headers=ONCE)["moved"] == 4

    def test_a_dry_run_needs_no_limit_and_moves_nothing(self, front):
        report = front.json("POST", "/v1/redrives", {"prefix": "a/", "dry_run": True})
        assert (report["dry"], report["chosen"], report["moved"]) == (True, 4, 0)
        assert report["left"] == {"the same would come of it again": 1}
        assert parked(front) == 0

    def test_limits_are_kept_to(self, front):
        body = {"reasons": ["throttled"], "max_cost": "0.03", "documents": 2}
        assert front.json("POST", "/v1/redrives", body)["moved"] == 2

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"max_calls": 5},
            {"reasons": ["throttled"]},
            {"prefix": "a/", "max_cost": "much"},
            {"statuses": ["done"]},
        ],
    )
    def test_what_says_too_little_or_nonsense_is_refused(self, front, body):
        assert problem(front.ask("POST", "/v1/redrives", body)) == (422, "body-unfit")
        assert parked(front) == 0
