"""Over HTTP: what is changed or taken is audited, and the trail is searched, each tenant's own part of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from legible.errors import HeldError, RejectedError, UnavailableError
from legible.model import layout
from legible.oversight.audit_chain import AuditChain
from legible.oversight.audit_trail import AuditTrail
from tests.oversight.audit_rig import event
from tests.support.front import Front, problem
from tests.support.rig import OUT, PASSPORT, Rig

APP = {"x-legible-app": "app-a"}


def kept(front: Front) -> list[dict[str, Any]]:
    """Return the events that were kept, the oldest first."""
    store = front.rig.store
    return [store.json(OUT, key) for key in store.keys(OUT, layout.AUDIT_PENDING)]


def told(front: Front) -> None:
    """Have what is kept put into the trail."""
    call = front.rig.call("chainer")
    AuditTrail(front.rig.site, call, AuditChain(front.rig.site, call, 0.2), 1).walk()


def refuse_audit(verb: str, ref: Any) -> None:
    if verb == "write" and ref.key.startswith(layout.AUDIT_PENDING):
        raise HeldError("403", code="obs-denied")


class TestChanges:
    def test_a_rerun_tells_who_asked_for_it_before_it_is_begun(self):
        front = Front(Rig(RejectedError("Too dark.", code="dark"), PASSPORT))
        path = front.document("passport/anna.png")
        front.ask("POST", f"{path}/rerun", headers=APP)
        (told,) = kept(front)
        assert (told["name"], told["operator"], told["resource_type"], told["resource_name"]) == (
            "rerunDocument", "app:app-a", "document", "passport/anna.png",
        )  # fmt: skip
        assert front.started

    def test_without_an_application_it_was_somebody_over_http(self, front):
        front.ask("POST", f"{front.document('passport/anna.png')}/rerun")
        assert kept(front)[0]["operator"] == "http"

    def test_a_workbook_that_was_asked_for_is_told_with_the_tenant_s_prefix(self, front):
        front.tenants = {"app-a": "team/"}
        front.ask("POST", "/v1/workbooks", {"workbook": "daily"}, headers=APP)
        (told,) = kept(front)
        assert (told["name"], told["resource_type"], told["resource_name"]) == (
            "orderWorkbook", "workbook", "team/daily",
        )  # fmt: skip

    def test_what_cannot_be_audited_is_not_done(self, front):
        path = front.document("passport/anna.png")
        front.rig.store.fail = refuse_audit
        assert problem(front.ask("POST", f"{path}/rerun")) == (409, "obs-denied")
        assert problem(front.ask("POST", "/v1/workbooks", {"workbook": "x"})) == (409, "obs-denied")
        assert (front.started, front.collected) == ([], [])

    @pytest.mark.parametrize(
        ("error", "code"), [(UnavailableError("503", code="busy-there"), "busy-there"), (None, "bad-name")]
    )
    def test_what_failed_is_told_to_have_failed(self, front, error, code):
        def collect(order):
            raise error or RejectedError("No.", code="bad-name")

        front.changes = {"collect": collect}
        front.ask("POST", "/v1/workbooks", {"workbook": "daily"})
        first, second = sorted(kept(front), key=lambda one: one.get("status", ""))
        assert (second["status"], second["details"]) == ("warning", {"of": first["id"], "code": code})

    @pytest.mark.parametrize(
        ("error", "said"),
        [(UnavailableError("503", code="busy-there"), (503, "busy-there")), (KeyError("x"), (500, "internal"))],
    )
    def test_that_a_failure_cannot_be_told_hides_it_from_nobody(self, front, error, said):
        """Given a trail that takes the event of the beginning and no other: the caller sees the first error."""
        order = ("POST", "/v1/workbooks", {"workbook": "daily"})

        def collect(order):
            front.rig.store.fail = refuse_audit
            raise error

        front.changes = {"collect": collect}
        assert problem(front.ask(*order)) == said
        (line,) = [one for one in front.rig.log.lines if one["event"] == "not-audited"]
        assert (line["name"], line["code"], line["reason"]) == ("orderWorkbook", said[1], "obs-denied")
        assert [one.get("status", "normal") for one in kept(front)] == ["normal"]

    def test_a_defect_is_told_to_have_failed(self, front):
        front.changes = {"collect": lambda order: {}["x"]}
        assert front.ask("POST", "/v1/workbooks", {"workbook": "daily"}).status == 500
        assert sorted(one.get("status", "normal") for one in kept(front)) == ["normal", "warning"]

    def test_a_problem_is_told_by_its_word(self, front):
        front.document("passport/anna.png")
        front.ask("POST", "/v1/documents/bm9uZQ/rerun")
        assert [one["details"]["code"] for one in kept(front) if "details" in one] == ["document-not-found"]

    def test_of_what_is_somebody_else_s_nothing_is_told(self, front):
        path = front.document("passport/anna.png")
        front.tenants = {"app-a": "team/"}
        assert problem(front.ask("POST", f"{path}/rerun", headers=APP)) == (404, "document-not-found")
        assert kept(front) == []

    def test_what_only_looks_is_not_told(self, front):
        path = front.document("passport/anna.png")
        for one in (path, "/v1/documents", f"{path}/pages/1/image", "/v1/operations", "/v1/health", "/v1/audit"):
            assert front.ask("GET", one).status in (200, 302)
        assert kept(front) == []


class TestDownloads:
    @pytest.mark.parametrize(
        ("path", "details"),
        [
            (".json", {"file": "json"}),
            (".xlsx", {"file": "xlsx"}),
            (".csv", {"file": "csv"}),
            ("/pages/1/answer", {"file": "answer", "page": "1"}),
        ],
    )
    def test_a_file_that_was_given_out_is_told(self, front, path, details):
        document = front.document("passport/anna.png")
        assert front.ask("GET", document + path, headers=APP).status in (200, 302)
        (told,) = kept(front)
        assert (told["name"], told["operator"], told["resource_name"], told["details"]) == (
            "downloadResult", "app:app-a", "passport/anna.png", details,
        )  # fmt: skip

    def test_a_workbook_that_was_given_out_is_told_and_the_status_of_its_build_is_not(self, front):
        front.rig.store.put(OUT, "workbooks/daily.xlsx", b"PK")
        assert front.ask("GET", "/v1/workbooks/daily.xlsx").status == 302
        front.ask("POST", "/v1/workbooks", {"workbook": "daily"})
        assert front.ask("GET", "/v1/workbooks/daily").status == 200
        names = [one["name"] for one in kept(front)]
        assert sorted(names) == ["downloadResult", "orderWorkbook"]

    def test_one_that_was_not_given_out_is_not_told(self, front):
        assert front.ask("GET", f"{front.document('passport/anna.png')}.md").status == 404
        assert kept(front) == []

    def test_one_that_cannot_be_audited_is_given_out_and_logged(self, front):
        document = front.document("passport/anna.png")
        front.rig.store.fail = refuse_audit
        assert front.ask("GET", f"{document}.json").status == 302
        (line,) = [one for one in front.rig.log.lines if one["event"] == "not-audited"]
        assert (line["resource"], line["operator"], line["reason"]) == ("passport/anna.png", "http", "obs-denied")

    def test_they_are_not_told_where_the_settings_say_so(self, front):
        document = front.document("passport/anna.png")
        front.changes = {"downloads": False}
        assert front.ask("GET", f"{document}.json").status == 302
        assert kept(front) == []
        front.ask("POST", f"{document}/rerun")
        assert len(kept(front)) == 1


def test_nothing_that_was_recognized_or_sent_is_in_an_event(front):
    """Given canaries in a correction, in its author's note, and in what is sent along."""
    path = front.document("passport/anna.png")
    version = front.json("GET", path)["version"]
    edit = {"page": 1, "name": "surname", "was": "ERIKSSON", "value": "canary"}
    front.ask("POST", f"{path}/review", {"version": version, "edits": [edit], "author": "Mei"})
    for kind in ("json", "csv", "xlsx"):
        front.ask("GET", f"{path}.{kind}", headers={"x-canary": "canary"})
    front.ask("POST", f"{path}/rerun", {"canary": "canary"})
    told(front)
    trail = b"".join(front.rig.store.objects[ref][0] for ref in front.rig.store.objects if ref.key.startswith("audit/"))
    assert b"anna.png" in trail
    for value in (b"canary", b"ERIKSSON", b"L898902C3"):
        assert value not in trail


@pytest.fixture
def audited(front) -> Front:
    """Given events of documents, a workbook, settings and CTS, in the trail."""
    call = front.rig.call("desk")
    trail = AuditTrail(front.rig.site, call, AuditChain(front.rig.site, call, 0.0), 1)
    now = front.rig.clock.now()
    trail.put(
        {
            "a": [event("a", now - timedelta(minutes=5), resource_name="team/a.png", operator="mei")],
            "b": [event("b", now - timedelta(minutes=4), resource_name="other/b.png", status="warning")],
            "c": [event("c", now - timedelta(minutes=3), resource_type="settings", resource_name="team/x")],
            "d": [event("d", now - timedelta(minutes=2), source="cts", service="OCR", resource_name="team/x",
                        raw="canary raw", raw_sha256="0" * 64)],
            "e": [event("e", now - timedelta(days=9), resource_name="team/old.png")],
        }
    )  # fmt: skip
    return front


def ids(front: Front, **query: str) -> list[str]:
    return [one["id"] for one in front.json("GET", "/v1/audit", **query)["events"]]


class TestSearch:
    def test_the_last_seven_days_are_shown_the_newest_first(self, audited):
        assert ids(audited) == ["d", "c", "b", "a"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"service": "OCR"}, "d"),
            ({"operator": "mei"}, "dcba"),
            ({"status": "warning"}, "b"),
            ({"resource_name": "team/x"}, "dc"),
            ({"resource_type": "settings"}, "c"),
            ({"name": "rerunDocument", "status": "normal"}, "dca"),
            ({"resource_id": "none"}, ""),
            ({"since": "2026-11-14T00:00:00Z"}, "dcbae"),
            ({"since": "2026-11-14T00:00:00Z", "until": "2026-11-15T00:00:00+01:00"}, "e"),
            ({"until": "2026-11-15T00:00:00Z"}, "e"),
        ],
    )
    def test_each_filter_narrows_it(self, audited, query, found):
        assert ids(audited, **query) == list(found)

    def test_it_comes_in_parts(self, audited):
        first = audited.json("GET", "/v1/audit", limit="3")
        second = audited.json("GET", "/v1/audit", limit="3", cursor=first["cursor"])
        assert [one["id"] for part in (first, second) for one in part["events"]] == ["d", "c", "b", "a"]
        assert (bool(first["cursor"]), second["cursor"]) == (True, "")

    @pytest.mark.parametrize("cursor", ["x", "e30=", "é"])
    def test_a_cursor_that_is_none_is_refused(self, audited, cursor):
        assert problem(audited.ask("GET", "/v1/audit", cursor=cursor))[0] == 422

    @pytest.mark.parametrize(
        "query",
        [
            {"status": "bad"}, {"since": "yesterday"}, {"since": "2026-11-14T00:00:00"}, {"limit": "0"}, {"x": "y"},
            {"until": "0001-01-01T00:00:00Z"}, {"since": "0001-01-01T00:00:00+10:00"},
        ],
    )  # fmt: skip
    def test_a_query_that_does_not_fit_is_refused(self, audited, query):
        assert problem(audited.ask("GET", "/v1/audit", **query)) == (422, "query-unfit")

    def test_what_waits_is_said(self, audited):
        document = audited.document("passport/anna.png")
        audited.ask("GET", f"{document}.json")
        assert audited.json("GET", "/v1/audit")["waiting"] == 1

    def test_what_cts_sent_is_shown_by_its_digest(self, audited):
        reply = audited.ask("GET", "/v1/audit", service="OCR")
        (shown,) = json.loads(reply.body)["events"]
        assert shown["raw_sha256"] == "0" * 64 and b"canary" not in reply.body

    def test_a_tenant_sees_what_legible_did_with_the_tenant_s_own(self, audited):
        audited.tenants = {"app-a": "team/"}
        reply = audited.json("GET", "/v1/audit", headers=APP)
        assert [one["id"] for one in reply["events"]] == ["a"]
        assert reply["waiting"] == 0

    def test_who_is_no_tenant_sees_nothing(self, audited):
        audited.tenants = {"app-a": "team/"}
        assert problem(audited.ask("GET", "/v1/audit")) == (403, "unknown-application")

    def test_a_request_without_time_says_what_to_do(self, audited):
        audited.rig.seconds = 5
        assert problem(audited.ask("GET", "/v1/audit")) == (422, "too-many-events")
