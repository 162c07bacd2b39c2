"""Documents that come by HTTP: taken once, told how it goes on, refused with a reason."""

from __future__ import annotations

import base64
import json
from contextlib import nullcontext
from datetime import timedelta

import pytest

from legible.documents.submission import Submission, Submitter
from legible.errors import AppendConflictError, BusyError, RejectedError, UnavailableError
from legible.model.documents import ObjectRef, Order
from legible.operations.routing import Routing
from legible.ports import Site
from tests.support.front import form, problem
from tests.support.rig import IN, OUT, picture

IMAGE = picture()
CONTENT = base64.b64encode(IMAGE).decode()


def uploads(front):
    return front.rig.store.keys(IN)


class TestSending:
    def test_a_document_in_json_is_put_into_the_input_bucket_and_the_reply_says_where_to_look(self, front):
        reply = front.ask("POST", "/v1/documents", {"name": "anna.png", "operation": "passport", "content": CONTENT})

        found = json.loads(reply.body)
        (key,) = uploads(front)
        assert reply.status == 202
        assert reply.headers["Location"] == found["links"]["self"] == f"/v1/documents/{found['id']}"
        assert found["key"] == key == f"passport/2026-11-23-{key.split('-')[-1].split('/')[0]}/anna.png"
        body, content_type, _, metadata = front.rig.store.objects[ObjectRef(IN, key)]
        assert (body, content_type) == (IMAGE, "image/png")
        assert metadata == {"legible-operation": "passport", "legible-size": str(len(IMAGE))}

    def test_a_form_is_taken_as_well(self, front):
        body, headers = form(IMAGE, "a b.png", operation="general-text", options='{"detect_direction": true}')

        reply = front.ask("POST", "/v1/documents", body, headers=headers)

        assert reply.status == 202
        (key,) = uploads(front)
        assert key.endswith("/a b.png")
        assert front.rig.store.head(ObjectRef(IN, key)).metadata["legible-options"] == '{"detect_direction":true}'

    def test_a_name_in_the_form_counts_above_that_of_the_file(self, front):
        body, headers = form(IMAGE, "scan.png", name="passport/anna.png")
        front.ask("POST", "/v1/documents", body, headers=headers)
        assert uploads(front)[0].startswith("passport/")
        assert uploads(front)[0].endswith("/anna.png")

    def test_who_waits_gets_the_record(self, front):
        body = {"name": "anna.png", "operation": "passport", "content": CONTENT}

        reply = front.ask("POST", "/v1/documents", body, wait="20")

        found = json.loads(reply.body)
        assert (reply.status, found["status"]) == (200, "done")
        assert found["record"]["fields"][0]["value"] == "P"

    def test_who_waits_for_a_document_that_takes_longer_is_told_where_to_look(self, front):
        front.deliver = lambda: None
        body = {"name": "anna.png", "operation": "passport", "content": CONTENT}
        assert front.ask("POST", "/v1/documents", body, wait="3").status == 202

    def test_what_took_long_before_is_time_that_was_waited(self, front):
        def fetch(url, most_bytes):
            front.rig.clock.pause(30)
            return IMAGE

        front.deliver = lambda: None
        front.rig.seconds = 300
        front.changes = {"fetch": fetch}
        began = front.rig.clock.now()
        body = {"url": "https://example.com/anna.png", "operation": "passport"}
        assert front.ask("POST", "/v1/documents", body, wait="50").status == 202
        assert (front.rig.clock.now() - began).total_seconds() < 52

    def test_a_fault_after_it_was_taken_is_no_reason_to_send_it_again(self, front):
        def down(verb, ref):
            if verb == "head":
                raise UnavailableError("The store is down.")

        front.rig.store.fail = down
        body = {"name": "anna.png", "operation": "passport", "content": CONTENT}
        assert front.ask("POST", "/v1/documents", body, wait="20").status == 202
        assert len(uploads(front)) == 1

    def given_faults(self, front, moment, count):
        def fault(verb, ref):
            nonlocal count
            if verb == "write" and ref.bucket == IN and count:
                count -= 1
                raise UnavailableError("OBS did not answer.")

        setattr(front.rig.store, moment, fault)

    def test_one_whose_answer_was_lost_is_not_stored_again(self, front):
        self.given_faults(front, "after", 1)
        writes = []
        front.rig.store.fail = lambda verb, ref: writes.append(ref) if (verb, ref.bucket) == ("write", IN) else None
        body = {"name": "anna.png", "operation": "passport", "content": CONTENT}
        assert front.ask("POST", "/v1/documents", body).status == 202
        assert len(writes) == len(uploads(front)) == 1

    @pytest.mark.parametrize(("faults", "status"), [(2, 202), (3, 503)])
    def test_a_fault_that_passes_soon_is_outlasted(self, front, faults, status):
        self.given_faults(front, "fail", faults)
        body = {"name": "anna.png", "operation": "passport", "content": CONTENT}
        assert front.ask("POST", "/v1/documents", body).status == status
        assert len(uploads(front)) == (status == 202)

    def test_a_public_url_is_fetched(self, front):
        front.fetched["https://example.com/scans/anna.png?x=1"] = IMAGE

        reply = front.ask(
            "POST", "/v1/documents", {"url": "https://example.com/scans/anna.png?x=1", "operation": "passport"}
        )

        assert reply.status == 202
        assert uploads(front)[0].endswith("/anna.png")

    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("https://example.com/Rechnung%20M%C3%A4rz.pdf#page=2", "Rechnung März.pdf"),
            ("https://example.com/a%2Fb.pdf", "b.pdf"),
        ],
    )
    def test_what_is_fetched_is_called_as_people_read_its_url(self, front, url, name):
        front.fetched[url] = IMAGE
        front.ask("POST", "/v1/documents", {"url": url, "operation": "passport"})
        (key,) = uploads(front)
        assert key.rsplit("/", 1)[-1] == name
        assert key.count("/") == 2

    def test_whoever_names_a_url_that_does_not_answer_is_not_told_that_somebody_tries_again(self, front):
        def down(url, most_bytes):
            raise UnavailableError("example.com cannot be reached: too slow.", advice="It is tried again.")

        front.changes = {"fetch": down}
        reply = front.ask("POST", "/v1/documents", {"url": "https://example.com/a.png", "operation": "passport"})
        assert problem(reply) == (503, "unavailable")
        assert reply.headers["Retry-After"]
        found = json.loads(reply.body)
        assert found["detail"] == "example.com cannot be reached: too slow."
        assert found["advice"] == "Nothing was stored. Check the URL, and send the request again later."

    def test_without_any_name_it_is_called_document(self, front):
        front.ask("POST", "/v1/documents", {"content": CONTENT, "operation": "passport"})
        assert uploads(front)[0].endswith("/document")

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("../../etc/passwd", "etc/2026-11-23-U/passwd"),
            ("a\\b\x00c.png", "2026-11-23-U/a-b-c.png"),
            ("/", "2026-11-23-U/document"),
            ("x" * 300 + ".png", "2026-11-23-U/" + "x" * 196 + ".png"),
            ("y" * 300, "2026-11-23-U/" + "y" * 200),
            ("护照/扫描.png", "护照/2026-11-23-U/扫描.png"),
        ],
    )
    def test_names_become_keys_that_stay_where_they_belong(self, front, name, kept):
        key = front.submitter().key_of(Submission(name, Order("passport")), "", "U")
        assert key == f"passport/{kept}"


class TestOnce:
    BODY = {"name": "anna.png", "operation": "passport", "content": CONTENT}
    KEY = {"idempotency-key": "order-7"}

    def send(self, front, body=None):
        return front.ask("POST", "/v1/documents", body or self.BODY, headers=self.KEY)

    def test_the_same_request_makes_one_document(self, front):
        first, second = self.send(front), self.send(front)
        assert (first.status, first.body) == (second.status, second.body)
        assert len(uploads(front)) == 1

    def test_the_same_key_for_another_request_is_refused(self, front):
        self.send(front)
        other = self.send(front, {**self.BODY, "content": base64.b64encode(b"other").decode()})
        assert problem(other) == (422, "idempotency-key-reused")

    def test_the_same_url_may_hold_something_else_by_now(self, front):
        body = {"url": "https://example.com/a.png", "operation": "passport"}
        front.fetched[body["url"]] = IMAGE
        self.send(front, body)
        front.fetched[body["url"]] = b"changed"
        assert self.send(front, body).status == 202
        assert len(uploads(front)) == 1

    def test_a_url_that_is_gone_by_now_changes_nothing_of_what_was_taken(self, front):
        body = {"url": "https://example.com/once.png", "operation": "passport"}
        front.fetched[body["url"]] = IMAGE
        first = self.send(front, body)
        front.changes = {"fetch": self.gone}
        second = self.send(front, body)
        assert (first.status, first.body) == (second.status, second.body)

    def test_a_url_that_could_not_be_fetched_is_free_for_the_next_try(self, front):
        body = {"url": "https://example.com/late.png", "operation": "passport"}
        front.changes = {"fetch": self.gone}
        assert problem(self.send(front, body)) == (422, "not-downloaded")
        front.changes = {}
        front.fetched[body["url"]] = IMAGE
        assert self.send(front, body).status == 202

    def gone(self, url, most_bytes):
        raise RejectedError("example.com answers 404.", code="not-downloaded")

    def test_while_the_first_one_is_served_the_second_is_told_to_come_back(self, front):
        def during(verb, ref):
            if ref.bucket == IN:
                front.rig.store.after = lambda verb, ref: None
                second = front.submitter("request-2")
                with pytest.raises(BusyError):
                    second.submit(Submission("anna.png", Order("passport"), "image/png"), IMAGE, "", "order-7")

        front.rig.store.after = during
        assert self.send(front).status == 202
        assert len(uploads(front)) == 1

    def test_one_that_died_before_it_stored_is_done_by_the_next_after_its_time(self, front):
        def die(verb, ref):
            if verb == "write" and ref.bucket == IN:
                raise UnavailableError("The store is down.")

        front.rig.store.fail = die
        assert problem(self.send(front)) == (503, "unavailable")
        front.rig.store.fail = lambda verb, ref: None
        assert self.send(front).headers["Retry-After"] == "5"
        front.rig.clock.pause(front.rig.seconds + 2)
        assert self.send(front).status == 202
        assert len(uploads(front)) == 1

    def test_one_that_died_after_it_stored_stores_nothing_again(self, front):
        def die(verb, ref):
            if verb == "append" and ref.key.startswith("requests/") and uploads(front):
                raise UnavailableError("The store is down.")

        front.rig.store.fail = die
        assert self.send(front).status == 202  # it stands; that this could not be written down harms nobody
        front.rig.store.fail = lambda verb, ref: None
        writes = []
        front.rig.store.after = lambda verb, ref: writes.append(ref)
        front.rig.clock.pause(front.rig.seconds + 2)
        assert self.send(front).status == 202
        assert [ref for ref in writes if ref.bucket == IN] == []

    def test_an_append_whose_answer_was_lost_is_repeated_and_meets_its_own_line(self, front):
        def repeat(verb, ref):
            front.rig.store.after = lambda verb, ref: None
            raise AppendConflictError("The object has 200 bytes, not 0.")

        front.rig.store.after = repeat
        assert self.send(front).status == 202
        assert len(uploads(front)) == 1

    def test_of_two_at_the_same_moment_one_stores(self, front):
        submission = Submission("anna.png", Order("passport"), "image/png")

        def race(verb, ref):
            if verb == "append":
                front.rig.store.fail = lambda verb, ref: None
                front.submitter("request-2").submit(submission, IMAGE, "", "order-7")

        front.rig.store.fail = race
        front.submitter("request-1").submit(submission, IMAGE, "", "order-7")
        assert len(uploads(front)) == 1

    def test_an_append_that_was_swallowed_stores_nothing(self, front):
        """OBS promises no order between simultaneous appends: both may succeed, and the last one stands."""
        submission = Submission("anna.png", Order("passport"), "image/png")

        def swallow(verb, ref):
            front.rig.store.after = lambda verb, ref: None
            front.rig.store.remove(ref)
            front.submitter("request-2").submit(submission, IMAGE, "", "order-7")

        front.rig.store.after = swallow
        front.submitter("request-1").submit(submission, IMAGE, "", "order-7")
        assert len(uploads(front)) == 1

    def test_a_journal_that_takes_no_line_is_told(self, front):
        submission, store = Submission("anna.png", Order("passport"), "image/png"), front.rig.store
        store.after = lambda verb, ref: store.objects.pop(ref, None) if verb == "append" else None
        with pytest.raises(UnavailableError):
            front.submitter().submit(submission, IMAGE, "", "order-7")
        assert uploads(front) == []

    def test_what_a_request_was_is_kept_without_its_content(self, front):
        self.send(front)
        (key,) = front.rig.store.keys(OUT, "requests/")
        assert [line["stored"] for line in front.rig.store.lines(OUT, key)] == [False, True]
        assert "order-7" not in json.dumps(front.rig.store.lines(OUT, key))


class TestRefused:
    def ask(self, front, body, **more):
        return front.ask("POST", "/v1/documents", body, **more)

    def test_a_document_no_operation_reads_is_refused_before_it_is_stored(self, front):
        assert problem(self.ask(front, {"name": "a.png", "content": CONTENT})) == (422, "no-route")
        assert uploads(front) == []

    def test_who_names_no_operation_is_told_so_and_not_of_a_folder_that_they_never_named(self, front):
        found = json.loads(self.ask(front, {"name": "scans/a.png", "content": CONTENT}).body)
        assert found["detail"] == "No operation is named, and no route fits the name 'scans/a.png'."
        assert "`operation`" in found["advice"]

    @pytest.mark.parametrize("wrong", [{}, {"operation": "no-such"}, {"operation": "passport", "options": {"x": 1}}])
    def test_nothing_is_fetched_for_a_request_that_is_refused(self, front, wrong):
        fetched = []
        front.changes = {"fetch": lambda url, most_bytes: fetched.append(url)}
        assert self.ask(front, {"url": "https://example.com/a.png", **wrong}).status == 422
        assert fetched == []

    def test_an_operation_that_is_not_in_the_region_is_refused(self, front):
        front.rig.rules = Routing(region="af-south-1")
        found = problem(self.ask(front, {"name": "a.png", "operation": "passport", "content": CONTENT}))
        assert found == (409, "operation-not-in-region")

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"name": "a.png"}, (422, "body-unfit")),
            ({"content": CONTENT, "url": "https://example.com"}, (422, "body-unfit")),
            ({"content": "no base64!"}, (422, "body-unfit")),
            ({"content": "QUJDR"}, (422, "body-unfit")),
            ({"content": "é"}, (422, "body-unfit")),
            ({"content": CONTENT, "operation": "NO"}, (422, "body-unfit")),
            ({"content": CONTENT, "operation": "no-such"}, (422, "bad-order")),
            ({"content": CONTENT, "operation": "passport", "options": {"x": 1}}, (422, "bad-order")),
            ({"content": CONTENT, "surprise": 1}, (422, "body-unfit")),
            ([], (422, "body-unfit")),
            (b"{", (400, "body-unreadable")),
            (b"\xff", (400, "body-unreadable")),
            (b'{"options": {"a":' + b"[" * 5000, (400, "body-unreadable")),
        ],
    )
    def test_a_body_that_does_not_fit_says_what_and_where(self, front, body, expected):
        assert problem(self.ask(front, body)) == expected

    def test_a_body_of_another_type_is_refused(self, front):
        assert problem(self.ask(front, {}, headers={"content-type": "text/plain"})) == (415, "media-type")

    def test_a_body_that_is_too_large_is_told_about_signed_uploads(self, front):
        reply = self.ask(front, b"x" * (4 * 1024 * 1024 + 1))
        assert problem(reply) == (413, "body-too-large")
        assert "/v1/uploads" in json.loads(reply.body)["advice"]

    @pytest.mark.parametrize(
        ("body", "headers", "expected"),
        [
            (b"no form", {"content-type": "multipart/form-data; boundary=x"}, (400, "body-unreadable")),
            (b"no form", {"content-type": "multipart/form-data"}, (400, "body-unreadable")),
            (form(b"", "a.png", options="[1]")[0], form(b"", "")[1], (422, "request-unfit")),
            (form(b"", "a.png", surprise="1")[0], form(b"", "")[1], (422, "body-unfit")),
            (form(b"1", "a.png")[0][:-14] + form(b"2", "b.png")[0], form(b"", "")[1], (422, "body-unfit")),
            (
                b'--frontier\r\nContent-Disposition: form-data; name="name"\r\n\r\n1\r\n--frontier--\r\n',
                form(b"", "")[1],
                (422, "body-unfit"),
            ),
        ],
    )
    def test_a_form_that_does_not_fit_says_so(self, front, body, headers, expected):
        assert problem(self.ask(front, body, headers=headers)) == expected

    @pytest.mark.parametrize("key", ["é", "\ud800", "a b", "x" * 256])
    def test_an_idempotency_key_that_is_none_is_refused(self, front, key):
        body = {"operation": "passport", "content": CONTENT}
        assert problem(self.ask(front, body, headers={"idempotency-key": key})) == (422, "idempotency-key-unfit")
        assert uploads(front) == []

    def test_a_wait_beyond_what_the_gateway_allows_is_refused(self, front):
        assert problem(self.ask(front, {}, wait="90")) == (422, "query-unfit")

    def test_a_page_of_another_origin_cannot_send(self, front):
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            assert problem(self.ask(front, {}, headers=headers)) == (403, "cross-origin")
        own = {"sec-fetch-site": "same-origin", "origin": "https://api.example"}
        assert self.ask(front, {"content": CONTENT, "operation": "passport"}, headers=own).status == 202

    def test_a_name_that_says_that_a_folder_is_complete_is_none_of_a_document(self, front):
        body = {"name": "scans/_complete", "operation": "passport", "content": CONTENT}
        assert problem(self.ask(front, body)) == (422, "bad-name")
        assert uploads(front) == []

    def test_in_one_bucket_for_both_no_document_is_put_among_results(self, front):
        rig = front.rig
        for bucket, refused in ((OUT, True), (IN, False)):
            rules = Routing(region="cn-north-4", default="general-text")
            submitter = Submitter(Site(rig.store, bucket, OUT), rig.call("request-1"), rules, "", 0.2)
            with pytest.raises(RejectedError, match="No document can have the name") if refused else nullcontext():
                submitter.submit(Submission("results/a.png"), IMAGE)
        assert rig.store.keys(OUT) == []

    def test_options_too_long_for_metadata_are_refused(self, front):
        with pytest.raises(RejectedError):
            front.submitter().submit(Submission("a", Order("passport", {"a": "x" * 4000})), b"x")


class TestSignedUploads:
    BODY = {"name": "scan.pdf", "operation": "general-text", "size": 200_000_000, "content_type": "application/pdf"}

    def test_a_large_file_gets_a_request_of_its_own(self, front):
        reply = front.ask("POST", "/v1/uploads", {**self.BODY, "md5": "XrY7u+Ae7tCTyyK7j1rNww=="})

        found = json.loads(reply.body)
        assert reply.status == 201
        assert reply.headers["Location"] == found["links"]["self"]
        assert found["upload"]["method"] == "PUT"
        assert found["key"] in found["upload"]["url"]
        headers = found["upload"]["headers"]
        assert headers["Content-Type"] == "application/pdf"
        assert headers["x-obs-meta-legible-size"] == "200000000"
        assert headers["x-obs-meta-legible-operation"] == "general-text"
        assert uploads(front) == []

    def test_it_is_good_for_a_quarter_of_an_hour(self, front):
        _, signed = front.submitter().sign(Submission("a.pdf", Order("general-text")), 5)
        assert signed.expires_at - front.rig.clock.now() == timedelta(minutes=15)

    @pytest.mark.parametrize(
        "change",
        [
            {"size": 0}, {"size": 6 * 1024**3}, {"content_type": "x"}, {"content_type": "é/x"},
            {"content_type": "a/b\n"}, {"md5": "x"}, {"md5": "XrY7u+Ae7tCTyyK7j1rNww==\n"},
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused(self, front, change):
        assert problem(front.ask("POST", "/v1/uploads", {**self.BODY, **change})) == (422, "body-unfit")

    def test_signed_urls_are_never_logged(self, front):
        front.ask("POST", "/v1/uploads", self.BODY)
        assert "canary" not in front.rig.log.text()
