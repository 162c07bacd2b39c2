"""What is known of documents: their list, one of them, its results and pages; and nothing of anybody else's."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.api.ids import id_of, key_of
from legible.api.problems import ProblemError
from legible.errors import HeldError, RejectedError, UnavailableError
from legible.model.documents import ObjectRef, Reason, Upload
from legible.model.pages import Answer
from legible.operations.routing import OperationSettings, Routing
from tests.support.front import Front, problem
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture, tiff


@given(st.text(min_size=1))
def test_every_key_has_an_id_and_comes_back(key):
    try:
        key.encode()
    except UnicodeEncodeError:
        with pytest.raises(ProblemError):
            key_of(id_of(key))
    else:
        assert key_of(id_of(key)) == key


@given(st.text(alphabet="abcXYZ019-_=+/é", max_size=20))
def test_what_is_no_id_is_no_document(text):
    try:
        assert id_of(key_of(text)) == text
    except ProblemError as error:
        assert error.problem.status == 404


@pytest.mark.parametrize("id", ["", "YQ==", "YR", "a", "YQ+", "é", "_w"])
def test_an_id_that_no_key_has_is_no_document(id):
    with pytest.raises(ProblemError) as refused:
        key_of(id)
    assert (refused.value.problem.status, key_of("YQ")) == (404, "a")


class TestOne:
    def test_a_document_shows_status_pages_links_and_record(self, front):
        path = front.document("passport/anna.png")

        found = front.json("GET", path)

        assert (found["status"], found["operation"], found["page_count"], found["answered"]) == (
            "done",
            "passport",
            1,
            1,
        )
        assert found["pages"] == [{"page": 1, "state": "done", "reason": None}]
        assert found["results"] == ["record.json", "record.xlsx"]
        assert set(found["links"]) == {"self", "json", "xlsx", "csv", "record", "review", "rerun"}
        assert found["record"]["fields"][0]["name"] == "passport_type"
        assert found["finished_at"] == found["record"]["finished_at"]
        assert found["size"] == found["record"]["document"]["size"]

    def test_one_that_nobody_has_begun_says_so(self, front):
        front.rig.upload("passport/anna.png")
        found = front.json("GET", f"/v1/documents/{id_of('passport/anna.png')}")
        assert (found["status"], found["reason"]["code"], found["record"]) == ("running", "not-begun", None)
        assert found["page_count"] is None

    def test_one_that_waits_for_another_try_says_why_and_when_in_the_list_too(self):
        """Given a service that was down for four deliveries."""
        front = Front(Rig(UnavailableError("503", code="service-unavailable"), waits=True))
        upload = front.rig.upload("passport/anna.png")
        with pytest.raises(UnavailableError):
            front.rig.run(upload)
        front.rig.bury(upload, Reason("platform-gave-up", "gave up", passes=True))

        found = front.json("GET", f"/v1/documents/{id_of('passport/anna.png')}")
        (listed,) = front.json("GET", "/v1/documents")["documents"]

        assert (found["status"], found["reason"]["code"]) == ("running", "service-unavailable")
        assert "It is tried again by itself, next at 2026-11-23 09:" in found["reason"]["advice"]
        assert listed["reason"] == found["reason"]

    def test_one_that_nobody_works_on_says_since_when_and_what_to_do(self, front):
        """Given an invocation that was killed, and one that still works."""
        keys, seen = ("passport/anna.png", "passport/bert.png"), {}

        class KilledError(BaseException):
            pass

        def kill():
            seen["meanwhile"] = front.json("GET", "/v1/documents")["documents"][0]["reason"]
            raise KilledError

        front.rig.ocr.during = kill
        with pytest.raises(KilledError):
            front.rig.run(front.rig.upload(keys[0]))
        front.rig.clock.pause(3600)

        (listed,) = front.json("GET", "/v1/documents")["documents"]

        assert seen["meanwhile"] is None
        assert (listed["status"], listed["reason"]["code"]) == ("running", "not-held")
        assert "since 2026-11-23 09:01 UTC" in listed["reason"]["message"]
        assert "have it tried again" in listed["reason"]["advice"]

    def test_one_whose_journal_was_removed_is_as_its_record_says(self, front):
        path = front.document("passport/anna.png")
        (journal,) = [key for key in front.rig.store.keys("legible-out", "ledger/") if "newest-" not in key]
        front.rig.store.remove(ObjectRef("legible-out", journal))
        found = front.json("GET", path)
        assert (found["status"], found["reason"]) == ("done", None)

    def test_a_journal_that_cannot_be_read_hides_no_other_document_of_the_list(self, front):
        front.rig.upload("passport/anna.png")
        etag = front.rig.store.head(ObjectRef(IN, "passport/anna.png")).etag
        front.rig.store.put("legible-out", f"ledger/{IN}/passport/anna.png/{etag}.jsonl", b"not json")
        front.document("passport/bert.png")
        listed = front.json("GET", "/v1/documents")["documents"]
        assert {one["reason"]["code"] if one["reason"] else None for one in listed} == {"journal-unreadable", None}

    def test_while_it_is_read_its_pages_tell_how_far_it_is(self):
        front = Front(Rig(TEXT, HeldError("Not subscribed.", code="not-subscribed")))
        seen = []
        front.rig.ocr.during = lambda: seen.append(front.json("GET", f"/v1/documents/{id_of('general-text/a.tif')}"))

        path = front.document("general-text/a.tif", tiff(3))

        assert [page["state"] for page in seen[0]["pages"]] == ["calling", "waiting", "waiting"]
        assert (seen[0]["status"], seen[0]["finished_at"]) == ("running", None)
        pages = front.json("GET", path)["pages"]
        assert pages[0]["state"] == "done"
        assert {page["state"] for page in pages[1:]} <= {"held", "waiting"}
        assert pages[1]["reason"] is None or pages[1]["reason"]["code"] == "not-subscribed"

    def test_a_page_that_was_refused_says_why(self):
        front = Front(Rig(TEXT, RejectedError("Too dark.", code="dark")))
        pages = front.json("GET", front.document("general-text/a.tif", tiff(2)))["pages"]
        assert (pages[1]["state"], pages[1]["reason"]["code"]) == ("rejected", "dark")

    def test_a_page_whose_answer_cannot_be_read_says_why(self):
        front = Front(Rig(TEXT, Answer(b'{"result": "a word"}')))
        found = front.json("GET", front.document("general-text/a.tif", tiff(2)))
        assert (found["status"], found["pages"][0]["state"]) == ("partial", "done")
        assert (found["pages"][1]["state"], found["pages"][1]["reason"]["code"]) == ("dead", "answer-unreadable")

    def test_an_older_version_can_be_asked_for(self, front):
        path = front.document("passport/anna.png", picture(60, 40))
        first = front.json("GET", path)["version"]
        front.rig.clock.pause(60)
        front.document("passport/anna.png", picture(61, 40))

        older = front.json("GET", path, version=first)

        assert older["version"] == first != front.json("GET", path)["version"]
        assert older["record"]["document"]["version"] == first

    def test_the_links_of_an_older_version_lead_to_its_own_results(self, front):
        path = front.document("passport/anna.png", picture(60, 40))
        first = front.json("GET", path)["version"]
        front.document("passport/anna.png", picture(61, 40))

        links = front.json("GET", path, version=first)["links"]

        for name in ("json", "xlsx", "csv", "record"):
            assert links[name].endswith(f"?version={first}")
        front.ask("GET", links["xlsx"].partition("?")[0], version=first)
        assert f"/{first}/" in front.shown[-1][0].key

    def test_one_whose_upload_was_removed_is_still_there(self, front):
        path = front.document("passport/anna.png")
        front.rig.store.remove(ObjectRef(IN, "passport/anna.png"))
        found = front.json("GET", path)
        assert (found["status"], found["size"] > 0) == ("done", True)

    def test_an_event_that_could_not_be_read_is_there_too(self, front):
        from legible.huawei import functiongraph

        (outcome,) = front.rig.run(*functiongraph.uploads({"Records": [{}]}))
        found = front.json("GET", f"/v1/documents/{id_of(outcome['key'])}")
        assert (found["status"], found["bucket"]) == ("rejected", "unreadable")

    def test_an_upload_that_is_gone_has_its_record(self, front):
        front.rig.run(Upload(ObjectRef(IN, "passport/gone.png"), etag="0" * 32))
        found = front.json("GET", f"/v1/documents/{id_of('passport/gone.png')}")
        assert (found["status"], found["reason"]["code"]) == ("rejected", "object-gone")

    @pytest.mark.parametrize("key", ["passport/none.png", "passport/", "results/x"])
    def test_what_is_not_there_is_not_found(self, front, key):
        assert problem(front.ask("GET", f"/v1/documents/{id_of(key)}")) == (404, "document-not-found")

    def test_a_record_too_large_for_a_reply_is_left_to_a_link(self, front):
        front.changes["most_bytes"] = 100
        path = front.document("passport/anna.png")
        found = front.json("GET", path)
        assert found["record"] is None
        assert front.ask("GET", found["links"]["record"]).status == 302
        assert problem(front.ask("GET", found["links"]["csv"]))[0] == 404
        assert front.ask("GET", f"{path}/pages/1/answer").status == 302

    def test_the_reasons_of_many_pages_take_of_the_same_room(self):
        front = Front(Rig(TEXT, RejectedError("Too dark.", code="dark")))
        path = front.document("general-text/a.tif", tiff(3))
        size = front.rig.store.head(ObjectRef(OUT, "results/general-text/a.tif/record.json")).size
        front.changes["most_bytes"] = size + 50
        assert front.json("GET", path)["record"] is None
        assert front.ask("GET", f"{path}.csv").status == 200

    def test_an_object_whose_access_is_refused_says_so(self, front):
        front.rig.upload("passport/anna.png")

        def refuse(verb, ref):
            if ref.bucket == IN:
                raise HeldError("OBS refused.", code="obs-denied")

        front.rig.store.fail = refuse
        assert problem(front.ask("GET", f"/v1/documents/{id_of('passport/anna.png')}")) == (409, "obs-denied")

    def test_an_order_that_cannot_be_read_is_shown_with_its_document(self, front):
        front.rig.upload("passport/anna.png", metadata={"legible-size": "3"})
        front.deliver()
        found = front.json("GET", f"/v1/documents/{id_of('passport/anna.png')}")
        assert (found["status"], found["reason"]["code"]) == ("rejected", "size-differs")

    def test_so_is_an_upload_of_nothing_where_something_was_promised(self, front):
        front.rig.upload("passport/anna.png", b"", metadata={"legible-size": "3"})
        front.deliver()
        found = front.json("GET", f"/v1/documents/{id_of('passport/anna.png')}")
        assert (found["status"], found["reason"]["code"]) == ("rejected", "size-differs")

    @pytest.mark.parametrize("version", ["b.png/1", "..", "newest-2026-11-23", "a\x00b"])
    def test_a_version_that_is_none_leads_nowhere(self, front, version):
        path = front.document("passport/anna.png")
        assert front.ask("GET", path, version=version).status in {404, 422}

    def test_a_version_does_not_lead_to_another_key(self, front):
        inner = front.json("GET", front.document("passport/anna/b.png"))["version"]
        path = f"/v1/documents/{id_of('passport/anna')}"
        assert problem(front.ask("GET", path, version=f"b.png/{inner}")) == (422, "query-unfit")


class TestList:
    def given_documents(self, front, count=5):
        for number in range(count):
            front.rig.clock.pause(60)
            front.document(f"passport/{number}.png", picture(60 + number, 40))
        front.rig.clock.pause(60)
        front.rig.upload("general-text/new.png")
        front.rig.clock.pause(60)
        front.rig.upload("no-route.png")

    def names(self, found):
        return [one["key"].rsplit("/", 1)[-1] for one in found["documents"]]

    def test_the_newest_come_first_with_how_far_each_is(self, front):
        self.given_documents(front)
        found = front.json("GET", "/v1/documents")
        assert self.names(found) == ["no-route.png", "new.png", "4.png", "3.png", "2.png", "1.png", "0.png"]
        assert [one["status"] for one in found["documents"][:3]] == ["running", "running", "done"]
        assert [one["operation"] for one in found["documents"][:3]] == ["", "general-text", "passport"]
        assert all(one["size"] > 0 for one in found["documents"])
        assert found["next"] is None

    def test_it_comes_in_parts_that_leave_nothing_out(self, front):
        self.given_documents(front)
        names, cursor = [], ""
        for _ in range(10):
            found = front.json("GET", "/v1/documents", limit="2", cursor=cursor)
            names += self.names(found)
            cursor = found["next"]
            if cursor is None:
                break
        assert names == ["no-route.png", "new.png", "4.png", "3.png", "2.png", "1.png", "0.png"]

    def test_it_can_be_narrowed_by_status_and_prefix(self, front):
        self.given_documents(front)
        assert self.names(front.json("GET", "/v1/documents", status="running")) == ["no-route.png", "new.png"]
        assert self.names(front.json("GET", "/v1/documents", prefix="general")) == ["new.png"]
        part = front.json("GET", "/v1/documents", status="done", limit="2")
        assert self.names(part) == ["4.png", "3.png"]
        rest = front.json("GET", "/v1/documents", status="done", limit="5", cursor=part["next"])
        assert (self.names(rest), rest["next"]) == (["2.png", "1.png", "0.png"], None)

    def test_a_part_that_is_full_ends_there_and_the_next_one_begins_behind_it(self, front):
        self.given_documents(front)
        part = front.json("GET", "/v1/documents", status="done", limit="3")
        assert self.names(part) == ["4.png", "3.png", "2.png"]
        rest = front.json("GET", "/v1/documents", status="done", limit="3", cursor=part["next"])
        assert (self.names(rest), rest["next"]) == (["1.png", "0.png"], None)

    def test_it_counts_what_somebody_should_look_at_and_can_be_narrowed_to_that(self):
        # given a passport with two values of low confidence, and a letter of high confidence
        front = Front(Rig())
        front.rig.ocr.script = [{**PASSPORT, "confidence": {"surname": 0.4, "given_name": 0.79}}, TEXT]
        passport = front.document("passport/anna.png")
        front.document("general-text/letter.png")

        # when
        found = {one["key"]: one["doubtful"] for one in front.json("GET", "/v1/documents")["documents"]}
        narrowed = front.json("GET", "/v1/documents", doubtful="true")

        # then
        assert found == {"passport/anna.png": 2, "general-text/letter.png": 0}
        assert self.names(narrowed) == ["anna.png"]
        assert self.names(front.json("GET", "/v1/documents", doubtful="true", status="held")) == []

        # and once one of them is corrected
        version = front.json("GET", passport)["version"]
        edit = {"page": 1, "name": "surname", "was": "ERIKSSON", "value": "ERIKSEN"}
        assert (
            front.ask("POST", f"{passport}/review", {"version": version, "edits": [edit], "author": "Mei"}).status
            == 200
        )
        assert front.json("GET", passport)["doubtful"] == 1

    def test_by_key_it_lists_no_more_than_the_part_however_many_there_are(self, front):
        # given
        self.given_documents(front)
        front.rig.store.put(OUT, "results/gone.png/record.json", b"{}")
        seen = []
        listing = front.rig.store.list
        front.rig.store.list = lambda *where: (seen.append(one.key) or one for one in listing(*where))

        # when
        names, cursor = [], ""
        while cursor is not None:
            found = front.json("GET", "/v1/documents", order="key", limit="2", cursor=cursor)
            assert len(seen) <= 3
            seen.clear()
            names += self.names(found)
            cursor = found["next"]

        # then
        assert names == ["new.png", "no-route.png", "0.png", "1.png", "2.png", "3.png", "4.png"]
        done = front.json("GET", "/v1/documents", order="key", status="done", limit="1", prefix="passport/")
        assert self.names(done) == ["0.png"]

    def test_a_cursor_of_one_order_is_none_of_the_other(self, front):
        self.given_documents(front)
        for order, other in (("key", "newest"), ("newest", "key")):
            cursor = front.json("GET", "/v1/documents", order=order, limit="1")["next"]
            reply = front.ask("GET", "/v1/documents", order=other, cursor=cursor)
            assert problem(reply) == (422, "bad-cursor")

    def test_more_than_can_be_put_in_order_in_time_is_said_so_with_another_way(self, front):
        # given a store whose list takes 30 seconds for each object
        self.given_documents(front)
        listing = front.rig.store.list
        front.rig.store.list = lambda *where: (front.rig.clock.pause(30) or one for one in listing(*where))

        # when
        reply = front.ask("GET", "/v1/documents")

        # then
        assert problem(reply) == (422, "too-many-documents")
        assert b"order=key" in reply.body
        assert front.json("GET", "/v1/documents", order="key", limit="1")["documents"]

    def test_both_buckets_are_listed_once_a_part(self, front):
        self.given_documents(front)
        listed = []
        front.rig.store.fail = lambda verb, ref: listed.append(ref.bucket) if verb == "list" else None
        front.json("GET", "/v1/documents", status="done", limit="5")
        assert sorted(listed) == ["legible-in", "legible-out"]

    def test_a_part_that_was_looked_through_in_vain_leads_on(self, front):
        front.changes["most_looked"] = 3
        self.given_documents(front)
        found = front.json("GET", "/v1/documents", status="held")
        assert found["documents"] == []
        assert found["next"]

    def test_a_newer_upload_without_a_result_runs(self, front):
        front.document("passport/a.png", picture(60, 40))
        front.rig.clock.pause(60)
        front.rig.upload("passport/a.png", picture(61, 40))
        (one,) = front.json("GET", "/v1/documents")["documents"]
        assert one["status"] == "running"
        assert one["version"] != front.rig.record("passport/a.png")["document"]["version"]

    def test_a_result_without_its_upload_is_listed(self, front):
        front.document("passport/a.png")
        front.rig.store.remove(ObjectRef(IN, "passport/a.png"))
        (one,) = front.json("GET", "/v1/documents")["documents"]
        assert (one["key"], one["status"]) == ("passport/a.png", "done")

    def test_what_vanishes_while_it_is_listed_is_no_error(self, front):
        front.rig.upload("passport/a.png")

        def vanish(verb, ref):
            if verb == "head" and ref.bucket == IN:
                front.rig.store.objects.pop(ref, None)

        front.rig.store.fail = vanish
        (one,) = front.json("GET", "/v1/documents")["documents"]
        assert one["status"] == "running"

    def test_one_that_cannot_be_looked_at_hides_no_other(self, front):
        front.document("passport/a.png")
        front.rig.clock.pause(60)
        front.rig.upload("passport/locked.png")

        def refuse(verb, ref):
            if verb == "head" and ref == ObjectRef(IN, "passport/locked.png"):
                raise HeldError("OBS refused.", code="obs-denied")

        front.rig.store.fail = refuse
        found = front.json("GET", "/v1/documents")["documents"]
        assert [(one["key"], one["status"]) for one in found] == [
            ("passport/locked.png", "running"), ("passport/a.png", "done"),
        ]  # fmt: skip

    @pytest.mark.parametrize("cursor", ["???", "bm8", "é", "WzFd"])
    def test_a_cursor_that_is_none_is_refused(self, front, cursor):
        assert problem(front.ask("GET", "/v1/documents", cursor=cursor)) == (422, "bad-cursor")

    @pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"status": "lost"}, {"what": "x"}])
    def test_a_query_that_does_not_fit_is_refused(self, front, query):
        assert problem(front.ask("GET", "/v1/documents", **query)) == (422, "query-unfit")


class TestResults:
    def test_results_are_opened_by_short_links_of_their_own_type(self, front):
        path = front.document("passport/anna.png")

        reply = front.ask("GET", f"{path}.xlsx")

        assert reply.status == 302
        assert "Expires=300" in reply.headers["Location"]
        ref, shown = front.shown[-1]
        assert ref.key.endswith("/record.xlsx")
        assert (shown.file_name, shown.content_type.rsplit(".", 1)[-1]) == ("anna.png.xlsx", "sheet")
        assert front.ask("GET", f"{path}.json").status == 302

    def test_csv_is_made_from_the_record(self, front):
        reply = front.ask("GET", front.document("passport/anna.png") + ".csv")
        names = zipfile.ZipFile(io.BytesIO(reply.body)).namelist()
        assert "Documents.csv" in names

    def test_rows_of_a_record_that_a_newer_version_wrote_are_left_to_that_version(self, front):
        path = front.document("passport/anna.png")
        for ref, (body, *rest) in list(front.rig.store.objects.items()):
            if ref.key.endswith("record.json"):
                front.rig.store.objects[ref] = (body.replace(b'"status": "done"', b'"status": "archived"'), *rest)
        assert problem(front.ask("GET", f"{path}.csv")) == (404, "newer-record")

    def test_csv_is_saved_under_the_documents_name_as_the_zip_that_it_is(self, front):
        reply = front.ask("GET", front.document("passport/anna märz.png") + ".csv")
        assert reply.headers["Content-Type"] == "application/zip"
        assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''anna%20m%C3%A4rz.png.csv.zip"

    def test_what_was_not_made_is_not_found(self, front):
        path = front.document("passport/anna.png")
        for name in (f"{path}.md", f"{path}.pdf", f"{path}/form.xlsx"):
            assert problem(front.ask("GET", name)) == (404, "no-such-result")

    def test_what_a_route_asks_for_is_linked(self):
        rules = Routing(region="cn-north-4", operations={"general-text": OperationSettings(outputs=("md",))})
        front = Front(Rig(TEXT, rules=rules))
        links = front.json("GET", front.document("general-text/a.png"))["links"]
        assert front.ask("GET", links["md"]).status == 302

    def test_a_filled_form_is_linked(self, front, tmp_path):
        from openpyxl import Workbook

        book = Workbook()
        book.active["A1"] = "{{surname}}"
        book.save(tmp_path / "visa.xlsx")
        front.rig.forms = tmp_path
        front.rig.rules = Routing(region="cn-north-4", operations={"passport": OperationSettings(form="visa.xlsx")})
        links = front.json("GET", front.document("passport/anna.png"))["links"]
        assert front.ask("GET", links["form"]).status == 302
        assert front.shown[-1][1].file_name == "anna.png.form.xlsx"


class TestPages:
    def test_an_image_that_browsers_show_is_shown_as_it_was_uploaded(self, front):
        reply = front.ask("GET", front.document("passport/anna.png") + "/pages/1/image")
        ref, shown = front.shown[-1]
        assert (reply.status, ref, shown.content_type) == (302, ObjectRef(IN, "passport/anna.png"), "image/png")

    def test_what_lies_there_now_is_not_shown_for_what_was_read(self, front):
        path = front.document("passport/anna.png", picture(60, 40))
        first = front.json("GET", path)["version"]
        front.document("passport/anna.png", picture(61, 40))
        assert problem(front.ask("GET", f"{path}/pages/1/image", version=first)) == (409, "replaced")
        front.rig.store.remove(ObjectRef(IN, "passport/anna.png"))
        assert problem(front.ask("GET", f"{path}/pages/1/image")) == (404, "object-gone")

    def test_a_page_of_a_pdf_is_drawn_once(self, front):
        path = front.document("general-text/a.pdf", pdf(2))
        for _ in range(2):
            assert front.ask("GET", f"{path}/pages/2/image").status == 302
        views = [key for key in front.rig.store.keys(OUT, "work/") if "view-" in key]
        assert [key.rsplit("/", 1)[-1] for key in views] == ["view-0002.png"]
        assert front.shown[-1][1].content_type == "image/png"

    def test_a_page_of_a_document_that_nobody_has_begun_is_drawn_too(self, front):
        front.rig.upload("general-text/a.tif", tiff(2))
        assert front.ask("GET", f"/v1/documents/{id_of('general-text/a.tif')}/pages/2/image").status == 302

    def test_a_page_that_is_not_there_says_so(self, front):
        path = front.document("general-text/a.pdf", pdf(2))
        assert problem(front.ask("GET", f"{path}/pages/3/image")) == (404, "no-such-page")

    def test_what_has_no_pages_says_so(self, front):
        path = front.document("passport/a.bin", b"neither image nor document")
        assert problem(front.ask("GET", f"{path}/pages/1/image"))[0] == 422
        front.rig.upload("passport/empty.png", b"")
        empty = f"/v1/documents/{id_of('passport/empty.png')}"
        assert problem(front.ask("GET", f"{empty}/pages/1/image")) == (422, "empty")

    def test_ofd_is_not_shown(self, front):
        from msgspec import structs

        front.document("passport/a.png")
        known = front.lookup().find("passport/a.png")
        document = structs.replace(known.document, format="ofd")
        with pytest.raises(RejectedError, match="OFD"):
            front.pictures().picture(document, 1, None)

    def test_the_answer_of_a_call_is_shown_as_it_was_received(self, front):
        path = front.document("passport/anna.png")
        reply = front.ask("GET", f"{path}/pages/1/answer")
        assert json.loads(reply.body)["result"]["surname"] == "ERIKSSON"
        assert problem(front.ask("GET", f"{path}/pages/2/answer")) == (404, "no-answer")


class TestTenants:
    def given_two(self, front):
        front.tenants = {"app-a": "acme/", "app-b": "beta/"}
        for prefix in ("acme/", "beta/"):
            ref = front.rig.store.put(IN, f"{prefix}a.png", picture(), metadata={"legible-operation": "passport"})
            front.rig.run(Upload(ref))
        return {"x-legible-app": "app-a"}, {"x-legible-app": "app-b"}

    def test_each_sees_its_own_documents_and_no_others(self, front):
        first, second = self.given_two(front)
        mine = f"/v1/documents/{id_of('acme/a.png')}"
        assert front.ask("GET", mine, headers=first).status == 200
        for path in (mine, f"{mine}.xlsx", f"{mine}/pages/1/image", f"{mine}/pages/1/answer"):
            assert problem(front.ask("GET", path, headers=second)) == (404, "document-not-found")
        assert problem(front.ask("POST", f"{mine}/rerun", headers=second)) == (404, "document-not-found")
        body = {"version": "x", "edits": [{"page": 1, "name": "surname", "was": "a", "value": "b"}]}
        assert problem(front.ask("POST", f"{mine}/review", body, headers=second)) == (404, "document-not-found")
        listed = front.json("GET", "/v1/documents", headers=second)["documents"]
        assert [one["key"] for one in listed] == ["beta/a.png"]
        assert front.json("GET", "/v1/documents", headers=second, prefix="acme")["documents"] == []
        assert (
            problem(front.ask("GET", "/v1/operations/passport/code", headers=second, id=id_of("acme/a.png")))[0] == 404
        )

    def test_what_each_sends_lies_below_its_own_prefix(self, front):
        first, _ = self.given_two(front)
        body = {"name": "../beta/x.png", "size": 3, "operation": "passport"}
        key = front.json("POST", "/v1/uploads", body, headers=first)["key"]
        assert key.startswith("acme/passport/beta/")

    def test_workbooks_are_each_ones_own(self, front):
        first, second = self.given_two(front)
        front.ask("POST", "/v1/workbooks", {"workbook": "all"}, headers=first)
        assert (front.collected[0].workbook, front.collected[0].prefix) == ("acme/all", "acme/")
        front.rig.store.put(OUT, "workbooks/acme/all.xlsx", b"x")
        assert front.ask("GET", "/v1/workbooks/all.xlsx", headers=first).status == 302
        assert problem(front.ask("GET", "/v1/workbooks/all.xlsx", headers=second))[0] == 404
        assert problem(front.ask("GET", "/v1/workbooks/acme%2Fall.xlsx", headers=second))[0] == 404

    def test_an_application_nobody_named_sees_nothing(self, front):
        self.given_two(front)
        for headers in ({}, {"x-legible-app": "app-c"}):
            for path in ("/v1/documents", "/v1/health"):
                assert problem(front.ask("GET", path, headers=headers)) == (403, "unknown-application")


def test_a_store_that_is_down_is_told_with_when_to_come_back(front):
    def down(verb, ref):
        raise UnavailableError("OBS is down.")

    front.rig.store.fail = down
    reply = front.ask("GET", "/v1/documents")
    assert problem(reply) == (503, "unavailable")
    assert reply.headers["Retry-After"] == "5"
    assert {
        "event": "not-answered",
        "status": 503,
        "code": "unavailable",
        "message": "OBS is down.",
    } in front.rig.log.lines
