"""HTTP at its edges: who may ask, whose a request is, how long a reply waits, what a shell makes of shown code."""

from __future__ import annotations

import base64
import json
import shlex

import pytest

from legible.api.code import code
from legible.documents.submission import Submission
from legible.errors import BusyError
from legible.model.documents import ObjectRef, Order
from legible.operations import catalog
from tests.support.front import problem
from tests.support.rig import IN, OUT, picture

IMAGE = picture()
BODY = {"name": "anna.png", "operation": "passport", "content": base64.b64encode(IMAGE).decode()}
SUBMISSION = Submission("anna.png", Order("passport"), "image/png")


class TestWhereARequestComesFrom:
    @pytest.mark.parametrize("site", ["cross-site", "same-site", "SAME-ORIGIN-NOT", "x"])
    def test_another_origin_of_the_same_site_is_another_origin(self, front, site):
        headers = {"sec-fetch-site": site, "origin": "https://api.example"}
        assert problem(front.ask("POST", "/v1/documents", BODY, headers=headers)) == (403, "cross-origin")
        assert front.rig.store.keys(IN) == []

    @pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin"}])
    def test_a_program_a_person_and_our_own_page_may_ask(self, front, headers):
        assert front.ask("POST", "/v1/documents", BODY, headers=headers).status == 202

    def test_an_older_browser_names_its_origin(self, front):
        own = {"origin": "https://api.example"}
        assert front.ask("POST", "/v1/documents", BODY, headers=own).status == 202
        other = {"origin": "https://api.example:8443"}
        assert problem(front.ask("POST", "/v1/documents", BODY, headers=other)) == (403, "cross-origin")


class TestIdempotencyKeys:
    def test_one_key_of_two_tenants_makes_two_documents(self, front):
        submitter = front.submitter()
        one = submitter.submit(SUBMISSION, IMAGE, "tenant-a/", "order-7")
        two = submitter.submit(SUBMISSION, IMAGE, "tenant-b/", "order-7")
        assert (one.split("/")[0], two.split("/")[0]) == ("tenant-a", "tenant-b")
        assert len({key.split("/")[2] for key in (one, two)}) == 2, "nobody can guess another's key from their own"
        assert front.rig.store.keys(IN) == sorted([one, two])
        assert len(front.rig.store.keys(OUT, "requests/")) == 2

    def test_and_another_body_under_it_is_no_reuse_of_the_others_key(self, front):
        submitter = front.submitter()
        submitter.submit(SUBMISSION, IMAGE, "tenant-a/", "order-7")
        submitter.submit(SUBMISSION, b"another document", "tenant-b/", "order-7")
        assert len(front.rig.store.keys(IN)) == 2

    def test_two_requests_in_one_instant_store_once_though_both_appends_succeed(self, front):
        """Given what OBS warns of: the later of two simultaneous appends overwrites the line of the earlier."""
        store, lines = front.rig.store, []

        def meanwhile(verb, ref):
            if verb == "append" and ref.key.startswith("requests/"):
                store.after = lambda verb, ref: None
                body, *rest = store.objects[ref]
                other = json.loads(body) | {"owner": "request-2"}
                lines.append(other)
                store.objects[ref] = (json.dumps(other).encode() + b"\n", *rest)

        store.after = meanwhile
        with pytest.raises(BusyError):
            front.submitter("request-1").submit(SUBMISSION, IMAGE, "", "order-7")
        assert len(lines) == 1
        assert store.keys(IN) == [], "request-2 stores it"


class TestWaiting:
    def test_the_reply_comes_before_the_gateway_ends_the_request(self, front):
        """Given a document that nobody reads: the gateway waits for 60 seconds, the instance lives for 300."""
        front.rig.seconds = 300
        front.deliver = lambda: None  # type: ignore[method-assign]
        began = front.rig.clock.now()
        reply = front.ask("POST", "/v1/documents", BODY, wait="50")
        assert reply.status == 202
        assert 50 <= (front.rig.clock.now() - began).total_seconds() < 55

    def test_who_asks_for_less_waits_for_less(self, front):
        front.deliver = lambda: None  # type: ignore[method-assign]
        began = front.rig.clock.now()
        front.ask("POST", "/v1/documents", BODY, wait="10")
        assert 10 <= (front.rig.clock.now() - began).total_seconds() < 13

    @pytest.mark.parametrize("wait", ["50.1", "60", "3600", "-1", "nan"])
    def test_nobody_can_ask_for_longer_than_the_gateway_waits(self, front, wait):
        assert problem(front.ask("POST", "/v1/documents", BODY, wait=wait)) == (422, "query-unfit")
        assert front.rig.store.keys(IN) == []

    def test_an_instance_whose_time_ends_still_replies(self, front):
        front.rig.seconds = 20
        front.deliver = lambda: None  # type: ignore[method-assign]
        began = front.rig.clock.now()
        assert front.ask("POST", "/v1/documents", BODY, wait="50").status == 202
        assert (front.rig.clock.now() - began).total_seconds() < 20


class TestCode:
    @pytest.mark.parametrize(
        "name", ["it's.png", "a'; rm -rf ~; echo '.png", "$(id).png", "`id`.png", 'a"b.png', "a\\.png"]
    )
    def test_a_shell_reads_the_body_as_it_is(self, name):
        source = f"https://in.obs.example/{name}"
        shown = code(catalog.find("passport"), {"country_code": "GENERAL"}, "https://ocr.example", source)
        words = shlex.split(shown.curl)
        assert words[:3] == ["curl", "-X", "POST"]
        assert words[-2] == "-d"
        assert json.loads(words[-1]) == {"url": source, "country_code": "GENERAL"}
        assert ObjectRef("in", name).key in words[-1].encode().decode("unicode_escape")

    def test_a_shell_fills_in_project_and_token_and_nothing_else(self):
        shown = code(catalog.find("passport"), {}, "https://ocr.example", "https://in.obs.example/$HOME.png")
        assert shown.curl.count("$") == 3
        assert '\'{"url": "https://in.obs.example/$HOME.png"}\'' in shown.curl
