"""Over HTTP: what was used, what it cost, what is left, and what the service counted; for no tenant."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from legible.errors import HeldError, RejectedError
from legible.ledger.changes import Changes
from legible.model.account import EnterpriseProject, Package
from legible.model.documents import Document
from legible.model.prices import BoughtPackage, Price, Prices, Tier
from legible.oversight.audit_chain import AuditChain
from legible.oversight.audit_trail import AuditTrail
from legible.oversight.calls import CallCount, Ended, JournalHour
from tests.oversight.audit_rig import event
from tests.oversight.test_reconciliation import CloudEye
from tests.support.counting import rollup
from tests.support.front import Front, problem
from tests.support.rig import IN, OUT, Rig

PATHS = ("/v1/usage", "/v1/status", "/v1/accounts", "/v1/packages", "/v1/subscriptions", "/v1/reconciliation")


class Bills:
    """A billing API with one package; or one that refuses, naming a right."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused

    def service_code(self, name: str) -> str:
        return "ocr"

    def packages(self, service: str = "") -> list[Package]:
        if self.refused:
            raise HeldError("403", advice=self.refused)
        return [Package(id="1", product="P", item="Calls", left=7, bought=9, state="in-force")]  # type: ignore[arg-type]


class Eps:
    """The projects of an account; or a service that refuses, naming a right."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused

    def all(self) -> list[EnterpriseProject]:
        if self.refused:
            raise HeldError("403", advice=self.refused)
        return [EnterpriseProject(id="p", name="Port Ellery", enabled=True)]


@pytest.fixture
def now(front: Front) -> datetime:
    return front.rig.clock.now()


def said(number: int, at: datetime, slug: str, project: str, route: str, outcome: str, times: int, status: str = ""):
    """Return what one journal says of the hour of its calls."""
    ended = Ended(status, slug, project, route) if status else None
    call = CallCount(at.minute, slug, project, route, outcome, times)
    return {at.replace(minute=0, second=0, microsecond=0): JournalHour(f"{number:032x}", at, 1, (call,), ended)}


@pytest.fixture
def used(front: Front, now: datetime) -> Front:
    """Given calls of today, of yesterday and of 40 days ago, and a document that ended with the calls of each."""
    days = ((0, "done", 3), (1, "held", 2), (40, "dead", 5))
    for number, (ago, status, times) in enumerate(days):
        at = now - timedelta(days=ago)
        told = said(number, at, "passport", "p", "passport/*", "answered", times, status)
        rollup(front.rig).keep([told, said(number + 10, at, "vin", "", "*", "refused", 1)])
    front.rig.clock.pause(3600)
    return front


class TestUsage:
    def test_the_month_so_far_is_told_in_each_way(self, used, now):
        found = used.json("GET", "/v1/usage", first=f"{now - timedelta(days=1):%Y-%m-%d}")
        assert found["operations"][0] == {
            "name": "passport", "calls": 5, "succeeded": 5, "failed": 0, "unknown": 0, "not_needed": 0, "pages": 5,
        }  # fmt: skip
        assert [row["name"] for row in found["days"]] == [
            f"{now - timedelta(days=days):%Y-%m-%d}" for days in (1, 0)
        ]  # fmt: skip
        assert [row["name"] for row in found["projects"]] == ["p", ""]
        assert [row["name"] for row in found["routes"]] == ["passport/*", "*"]
        assert [one["counts"] for one in found["ends"]] == [{"held": 1}, {"done": 1}]

    def test_the_first_day_is_that_of_the_month(self, used, now):
        found = used.json("GET", "/v1/usage")
        assert found["first"] == f"{now:%Y-%m}-01"
        assert used.json("GET", "/v1/usage", last="2199-01-01")["last"] == f"{now:%Y-%m-%d}"

    def test_cost_is_told_by_month_and_operation_and_what_has_no_price_is_counted(self, used, now):
        price = Price(("passport",), now.date() - timedelta(days=90), (Tier("0.10"),))
        used.changes["prices"] = Prices(currency="EUR", list=(price,))
        found = used.json("GET", "/v1/usage", first=f"{now - timedelta(days=60):%Y-%m-%d}")
        assert found["currency"] == "EUR"
        assert sum(float(one["amount"]) for one in found["months"]) == pytest.approx(1.0)
        assert found["costs"] == [
            {"name": "passport", "billed": 10, "packaged": 0, "unpriced": 0, "perhaps": 0, "amount": "1.00"}
        ]
        used.changes["prices"] = Prices()
        (cost,) = used.json("GET", "/v1/usage", first=f"{now - timedelta(days=60):%Y-%m-%d}")["costs"]
        assert (cost["unpriced"], cost["amount"]) == (10, "0")

    def test_what_waits_to_be_counted_is_said(self, used, now):
        Changes(used.rig.site, used.rig.call()).mark(Document(IN, "passport/a.png", "e"), now)
        assert used.json("GET", "/v1/usage")["waiting"] == 1

    @pytest.mark.parametrize(
        "query",
        [
            {"first": "2026-11-20", "last": "2026-11-19"},
            {"first": "2001-01-01"},
            {"last": "0001-01-01"},
            {"first": "soon"},
            {"by": "day"},
        ],
    )
    def test_days_that_cannot_be_shown_are_refused(self, front, query):
        assert problem(front.ask("GET", "/v1/usage", **query)) == (422, "query-unfit")

    def test_what_takes_too_long_is_refused_before_the_gateway_gives_up(self, used):
        used.changes["remaining"] = lambda: 9.0
        assert problem(used.ask("GET", "/v1/usage")) == (422, "too-much-to-count")


class TestStatus:
    def test_the_sum_holds_and_one_prefix_can_be_asked_for(self, front):
        front.rig.run(front.rig.upload("passport/a.png"), front.rig.upload("b.png"))
        found = front.json("GET", "/v1/status", by="operation")
        assert (found["total"]["uploaded"], found["total"]["done"], found["total"]["rejected"]) == (2, 1, 1)
        assert [row["name"] for row in front.json("GET", "/v1/status", prefix="passport/")["rows"]] == ["passport/"]
        assert problem(front.ask("GET", "/v1/status", prefix="passport/deep/")) == (422, "query-unfit")

    def test_what_takes_too_long_is_refused(self, used):
        used.changes["remaining"] = lambda: 9.0
        assert problem(used.ask("GET", "/v1/status")) == (422, "too-much-to-count")


class TestAccounts:
    def test_what_each_project_cost_is_told_by_the_ledger_with_its_name(self, used, now):
        used.changes["prices"] = Prices(list=(Price(("*",), now.date() - timedelta(days=90), (Tier("0.10"),)),))
        used.changes["projects"] = Eps()
        found = used.json("GET", "/v1/accounts", first=f"{now - timedelta(days=60):%Y-%m-%d}")
        assert [(one["project"], float(one["amount"])) for one in found["projects"] if one["amount"]][0] == ("p", 1.0)
        assert (found["names"], found["notes"], len(found["months"]) >= 2) == ({"p": "Port Ellery"}, [], True)

    def test_names_that_may_not_be_seen_are_a_note(self, used):
        used.changes["projects"] = Eps("Grant eps:enterpriseProjects:list.")
        found = used.json("GET", "/v1/accounts")
        assert found["projects"] and "eps:enterpriseProjects:list" in " ".join(found["notes"])

    def test_what_takes_too_long_is_refused(self, used):
        used.changes["remaining"] = lambda: 9.0
        assert problem(used.ask("GET", "/v1/accounts")) == (422, "too-much-to-count")

    def test_days_that_cannot_be_shown_are_refused(self, front):
        assert problem(front.ask("GET", "/v1/accounts", first="2001-01-01")) == (422, "query-unfit")


class TestSubscriptions:
    def test_operations_in_use_are_told_and_none_is_asked_for(self, front):
        front.rig.upload("passport/a.png")
        found = front.json("GET", "/v1/subscriptions")
        one = next(one for one in found["subscriptions"] if one["operation"] == "passport")
        assert (one["state"], one["used_by"]) == ("not-asked", ["folder passport/"])
        assert front.rig.ocr.calls == []

    def test_one_is_asked_for_and_that_is_noted(self):
        front = Front(Rig(RejectedError("no image")))
        (one,) = front.json("GET", "/v1/subscriptions", operation="passport")["subscriptions"]
        assert (one["state"], one["used_by"], front.rig.ocr.paid) == ("subscribed", [], 0)
        assert front.rig.store.keys(OUT, "reports/.probes/")

    def test_what_holds_documents_up_is_told(self, front):
        front.changes["held"] = (("vin", "cn-north-4"), ("id-card", "cn-north-4"))
        held = front.json("GET", "/v1/subscriptions")["held"]
        assert [one["operation"] for one in held] == ["id-card", "vin"]

    def test_there_is_no_other_operation(self, front):
        assert problem(front.ask("GET", "/v1/subscriptions", operation="vein")) == (404, "no-such-operation")


class TestPackages:
    @pytest.fixture
    def bought(self, used: Front, now: datetime) -> Front:
        package = BoughtPackage(("passport",), 100, now.date() - timedelta(days=50), product="P")
        used.changes["prices"] = Prices(packages=(package,))
        return used

    def test_what_is_left_says_the_billing_api(self, bought):
        bought.changes["billing"] = Bills()
        (found,) = bought.json("GET", "/v1/packages")["packages"]
        assert (found["left"], found["size"], found["estimated"]) == (7, 100, False)
        assert found["runs_out"]

    def test_a_missing_right_is_a_note_and_what_is_left_an_estimate(self, bought):
        bought.changes["billing"] = Bills("Grant bss:order:view.")
        found = bought.json("GET", "/v1/packages")
        assert (found["packages"][0]["left"], found["packages"][0]["estimated"]) == (90, True)
        assert "bss:order:view" in " ".join(found["notes"])

    def test_who_looks_at_usage_does_not_ask_the_billing_api(self, bought):
        bought.changes["billing"] = Bills("Nobody asks this.")
        assert bought.json("GET", "/v1/usage")["notes"] == []


class TestReconciliation:
    @pytest.fixture
    def metered(self, used: Front, now: datetime) -> Front:
        """Given that the service counted one call more than the ledger yesterday."""
        eye = CloudEye()
        eye.count("passport", (now - timedelta(days=1)).replace(second=0, microsecond=0), 3)
        used.changes["metrics"] = eye
        return used

    @pytest.mark.parametrize("query", [{}, {"minutes": "true"}])
    def test_a_difference_is_named(self, metered, now, query):
        day = now - timedelta(days=1, hours=1)
        since = {"since": day.isoformat()} if query else {}
        one, other = metered.json("GET", "/v1/reconciliation", **query, **since)["differences"]
        assert (one["operation"], one["direction"], one["unexplained"]) == ("passport", "service-counted-more", 1)
        assert (other["operation"], other["direction"], other["kind"]) == ("vin", "ledger-counted-more", "failed")

    @pytest.mark.parametrize(
        "query",
        [
            {"since": "2026-01-01T00:00:00Z"},
            {"since": "2026-11-01T00:00:00Z", "minutes": "true"},
            {"since": "2199-01-01T00:00:00Z"},
            {"since": "0001-01-01T00:00:00+23:00"},
            {"since": "2026-11-01T00:00:00"},
        ],
    )
    def test_times_that_cannot_be_compared_are_refused(self, metered, query):
        assert problem(metered.ask("GET", "/v1/reconciliation", **query)) == (422, "query-unfit")

    def test_a_right_that_is_missing_is_named(self, used):
        class Refusing(CloudEye):
            def names(self, namespace: str) -> Any:
                raise HeldError("403", advice="Grant ces:metrics:list.", code="not-permitted")

        used.changes["metrics"] = Refusing()
        reply = used.ask("GET", "/v1/reconciliation")
        assert problem(reply) == (409, "not-permitted") and b"ces:metrics:list" in reply.body

    def test_where_cloud_eye_is_not_reached_the_setting_is_named(self, front):
        reply = front.ask("GET", "/v1/reconciliation")
        assert problem(reply) == (409, "setting") and b"cloudeye.endpoint" in reply.body


@pytest.mark.parametrize("path", PATHS)
def test_a_tenant_does_not_see_what_is_of_the_whole_account(front, path):
    front.tenants = {"app-a": "team/"}
    reply = front.ask("GET", path, headers={"x-legible-app": "app-a"})
    assert problem(reply) == (403, "whole-account")
    assert problem(front.ask("GET", path)) == (403, "unknown-application")


def test_the_end_of_the_audit_trail_is_told_to_who_sees_all_of_it(front):
    assert (front.json("GET", "/v1/audit")["n"], front.json("GET", "/v1/audit")["sha256"]) == (0, "")
    call = front.rig.call("desk")
    trail = AuditTrail(front.rig.site, call, AuditChain(front.rig.site, call, 0.0), 1)
    trail.put({"a": [event("a", datetime(2026, 11, 23, tzinfo=timezone.utc), resource_name="team/a.png")]})
    found = front.json("GET", "/v1/audit")
    assert found["n"] == 1 and len(found["sha256"]) == 64
    front.tenants = {"app-a": "team/"}
    found = front.json("GET", "/v1/audit", headers={"x-legible-app": "app-a"})
    assert (found["n"], found["sha256"]) == (0, "")
