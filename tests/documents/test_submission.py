"""Documents that come by HTTP, at the edges: names that become keys, requests that are sent again, orders."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Any

import pytest

from legible.documents import orders
from legible.documents.submission import Submission, Submitter
from legible.errors import BusyError, RejectedError, UnavailableError
from legible.ledger.lines import SKEW_SECONDS
from legible.model.documents import ObjectRef, Order
from legible.operations.routing import Routing
from legible.ports import Site
from tests.support.rig import IN, OUT, Rig, picture

IMAGE = picture()
SUBMISSION = Submission("anna.png", Order("passport"), "image/png")


@pytest.fixture
def rig() -> Rig:
    return Rig()


def submitter(rig: Rig, owner: str = "request-1", **changes: Any) -> Submitter:
    values = {"site": rig.site, "call": rig.call(owner), "rules": rig.rules, "marker": "_complete", "settle": 0.2}
    return Submitter(**{**values, **changes})


def key_of(rig: Rig, name: str, operation: str = "passport", prefix: str = "", **changes: Any) -> str:
    return submitter(rig, **changes).key_of(Submission(name, Order(operation)), prefix, "U")


class TestNames:
    """A name that is sent becomes a key: below the folder of its operation, unique, with an end that people know."""

    @pytest.mark.parametrize(
        ("name", "key"),
        [
            ("a.png", "passport/2026-11-23-U/a.png"),
            ("", "passport/2026-11-23-U/document"),
            ("passport/a.png", "passport/2026-11-23-U/a.png"),
            ("passport/x/a.png", "passport/x/2026-11-23-U/a.png"),
            ("scans/a.png", "passport/scans/2026-11-23-U/a.png"),
            ("passports/a.png", "passport/passports/2026-11-23-U/a.png"),
            ("//x///a.png", "passport/x/2026-11-23-U/a.png"),
            ("x//y/a.png", "passport/x/y/2026-11-23-U/a.png"),
            ("TAX/a.png", "passport/TAX/2026-11-23-U/a.png"),
            ("./x/.././a.png", "passport/x/2026-11-23-U/a.png"),
            ("1/2/3/4/5/a.png", "passport/3/4/5/2026-11-23-U/a.png"),
            ("a\\b\x00\x1f\x7fc.png", "passport/2026-11-23-U/a-b-c.png"),
            ("half\ud800.png", "passport/2026-11-23-U/half?.png"),
            ("e\u0301.png", "passport/2026-11-23-U/é.png"),
        ],
    )
    def test_they_are_made_fit(self, rig, name, key):
        assert key_of(rig, name) == key

    def test_without_an_operation_the_folder_names_it(self, rig):
        assert key_of(rig, "general-text/a.png", "") == "general-text/2026-11-23-U/a.png"

    def test_below_a_prefix_there_is_no_empty_folder(self):
        rig = Rig(rules=Routing(region="cn-north-4", default="passport"))
        assert key_of(rig, "a.png", "", prefix="tenant-a/") == "tenant-a/2026-11-23-U/a.png"
        assert key_of(rig, "a.png", "") == "2026-11-23-U/a.png"

    def test_a_long_name_keeps_its_ending_where_that_is_short(self, rig):
        def last(name: str) -> str:
            return key_of(rig, name).rpartition("/")[2]

        assert last("a" * 196 + ".png") == "a" * 196 + ".png"
        assert last("a" * 197 + ".png") == "a" * 196 + ".png"
        assert last("a" * 300) == "a" * 200
        assert last("." + "a" * 15) == "." + "a" * 15
        assert last("a" * 300 + "." + "b" * 20) == "a" * 179 + "." + "b" * 20
        assert last("a" * 300 + "." + "b" * 21) == "a" * 200
        assert last("." + "b" * 300) == "." + "b" * 199
        assert last("护" * 100 + ".png") == "护" * 65 + ".png"

    def test_the_word_for_a_complete_folder_is_no_name_and_without_such_a_word_every_name_is_one(self, rig):
        with pytest.raises(RejectedError, match="No document can have the name '_complete' here") as caught:
            key_of(rig, "scans/_complete")
        assert caught.value.reason_code == "bad-name"
        assert "'_complete'" in caught.value.advice
        assert key_of(rig, "_complete", marker="").endswith("/_complete")
        assert key_of(rig, "", marker="").endswith("/document")

    def test_in_one_bucket_for_both_a_name_is_none_only_below_our_own_folders(self, rig):
        rig.rules = Routing(region="cn-north-4", default="passport")
        one = Site(rig.store, IN, IN)
        assert key_of(rig, "scans/a.png", "", site=one) == "scans/2026-11-23-U/a.png"
        with pytest.raises(RejectedError):
            key_of(rig, "results/a.png", "", site=one)


class TestTicketsAndBodies:
    def test_a_signed_upload_fixes_neither_prefix_nor_digest_unless_they_are_given(self, rig):
        asked = []
        signed_put = rig.store.signed_put
        rig.store.signed_put = lambda *values: asked.append(values) or signed_put(*values)
        key, _ = submitter(rig).sign(SUBMISSION, 7)
        assert key.startswith("passport/2026-11-23-")
        assert asked[0][-1] == ""
        key, _ = submitter(rig).sign(SUBMISSION, 7, "tenant-a/", "XrY7u+Ae7tCTyyK7j1rNww==")
        assert key.startswith("tenant-a/passport/")
        assert asked[1][-1] == "XrY7u+Ae7tCTyyK7j1rNww=="

    def test_without_a_type_it_is_bytes(self, rig):
        key = submitter(rig).submit(Submission("a", Order("passport")), IMAGE)
        assert rig.store.head(ObjectRef(IN, key)).content_type == "application/octet-stream"

    def test_without_a_key_of_its_own_each_request_is_a_document(self, rig):
        keys = {submitter(rig).submit(SUBMISSION, IMAGE) for _ in range(2)}
        assert rig.store.keys(IN) == sorted(keys)
        assert len(keys) == 2
        assert rig.store.keys(OUT) == []


class TestAgain:
    def send(self, rig: Rig, owner: str = "request-1", body: Any = IMAGE, source: str = "") -> str:
        return submitter(rig, owner).submit(SUBMISSION, body, "", "order-7", source)

    def lose(self, rig: Rig) -> None:
        """Have a request die before it stores its document."""

        def die(verb, ref):
            if verb == "write" and ref.bucket == IN:
                raise UnavailableError("The store is down.")

        rig.store.fail = die
        with pytest.raises(UnavailableError):
            self.send(rig)
        rig.store.fail = lambda verb, ref: None

    def test_a_request_that_is_sent_again_after_midnight_has_the_key_of_its_day(self, rig):
        # given a request late in the evening, that died
        rig.clock.at = datetime(2026, 11, 23, 23, 59, 30, tzinfo=timezone.utc)
        self.lose(rig)
        rig.clock.pause(120)

        # when
        key = self.send(rig, "request-2")

        # then
        assert key.startswith("passport/2026-11-23-")
        assert rig.store.keys(IN) == [key]
        rig.clock.pause(86400)
        assert self.send(rig, "request-3") == key
        assert rig.store.keys(IN) == [key]

    def test_a_request_that_died_is_served_by_another_only_when_its_time_is_over_by_both_clocks(self, rig):
        began = rig.clock.now().timestamp()
        self.lose(rig)
        end = began + rig.seconds + SKEW_SECONDS
        for moment in (end - SKEW_SECONDS - 0.1, end - 0.1):
            rig.clock.pause(moment - rig.clock.now().timestamp())
            with pytest.raises(BusyError, match="is being served") as caught:
                self.send(rig, "request-2")
            assert caught.value.advice == "Send it again in a moment."
        rig.clock.pause(end - rig.clock.now().timestamp())
        key = self.send(rig, "request-3")
        assert rig.store.keys(IN) == [key]

    def test_what_is_fetched_is_fetched_once_though_another_writer_is_faster(self, rig):
        fetched = []

        def fetch() -> bytes:
            fetched.append(1)
            return IMAGE

        def overtaken(verb, ref):
            if verb == "append":
                rig.store.fail = lambda verb, ref: None
                rig.store.append(ref, 0, self.line(rig))

        rig.store.fail = overtaken
        key = self.send(rig, body=fetch, source="https://example.com/a.png")
        assert len(fetched) == 1
        assert rig.store.keys(IN) == [key]

    def line(self, rig: Rig) -> bytes:
        """Return the line of the same request, begun long ago by another instance that died."""
        other = Rig()
        other.clock.at = datetime(2026, 11, 23, 1, 0, tzinfo=timezone.utc)
        self.send(other, "request-0", lambda: IMAGE, "https://example.com/a.png")
        (journal,) = other.store.keys(OUT, "requests/")
        return other.store.objects[ObjectRef(OUT, journal)][0].splitlines(keepends=True)[0]

    def test_one_that_was_overtaken_while_it_fetched_stores_nothing(self, rig):
        stored = []

        def overtaken(verb, ref):
            if verb == "append":
                rig.store.fail = lambda verb, ref: None
                self.send(rig, "request-2", lambda: IMAGE, "https://example.com/a.png")
                rig.store.after = lambda verb, ref: stored.append(ref) if ref.bucket == IN else None

        rig.store.fail = overtaken
        key = self.send(rig, "request-1", lambda: IMAGE, "https://example.com/a.png")
        assert rig.store.keys(IN) == [key]
        assert stored == []

    def test_a_store_that_fails_for_a_moment_is_asked_three_times(self, rig):
        tries, began = [], rig.clock.now()

        def fail(verb, ref):
            if verb == "write":
                tries.append(rig.clock.now())
                raise UnavailableError("503")

        rig.store.fail = fail
        with pytest.raises(UnavailableError, match="503"):
            submitter(rig).submit(SUBMISSION, IMAGE)
        assert [(at - began).total_seconds() for at in tries] == [0, 0.5, 1]

    def test_what_does_not_pass_is_not_asked_for_again(self, rig):
        tries = []

        def fail(verb, ref):
            if verb == "write":
                tries.append(ref)
                raise RejectedError("No.", code="no")

        rig.store.fail = fail
        with pytest.raises(RejectedError):
            submitter(rig).submit(SUBMISSION, IMAGE)
        assert len(tries) == 1

    def test_a_journal_that_is_busy_is_tried_twenty_times(self, rig):
        tries = []

        def lose(verb, ref):
            if verb == "append":
                tries.append(ref)
                rig.store.objects.pop(ref, None)

        rig.store.after = lose
        with pytest.raises(UnavailableError, match=r"The request's journal took no line in 20 tries"):
            self.send(rig)
        assert len(tries) == 20

    def test_the_same_key_for_something_else_is_refused_with_advice(self, rig):
        self.send(rig)
        with pytest.raises(RejectedError) as caught:
            self.send(rig, body=b"another")
        assert (caught.value.reason_code, caught.value.advice) == (
            "idempotency-key-reused",
            "Use a new key for every new request.",
        )

    def test_what_was_sent_is_known_by_its_digest_alone(self, rig):
        self.send(rig)
        (journal,) = rig.store.keys(OUT, "requests/")
        assert hashlib.sha256(IMAGE).hexdigest() not in str(rig.store.objects[ObjectRef(OUT, journal)][0])


class TestOrders:
    def test_nothing_ordered_is_nothing_written(self):
        assert orders.metadata_of(None) == orders.metadata_of(Order()) == {}
        assert orders.metadata_of(Order("", {"a": 1})) == {"legible-options": '{"a":1}'}
        assert orders.metadata_of(Order("passport")) == {"legible-operation": "passport"}
        assert orders.metadata_of(None, 0) == {"legible-size": "0"}

    def test_one_order_is_one_text_in_whatever_order_it_is_given(self):
        one, two = Order("", {"a": 1, "b": 2}), Order("", {"b": 2, "a": 1})
        assert orders.metadata_of(one) == orders.metadata_of(two) == {"legible-options": '{"a":1,"b":2}'}

    def test_as_much_as_metadata_hold_is_taken_and_not_more(self):
        room = 2048 - len("legible-options") - len('{"a":""}')
        assert orders.metadata_of(Order("", {"a": "x" * room}))
        with pytest.raises(RejectedError, match="more than 2,048 characters") as caught:
            orders.metadata_of(Order("", {"a": "x" * (room + 1)}))
        assert caught.value.reason_code == "bad-order"
        assert "legible.toml" in caught.value.advice

    def test_what_cannot_be_read_says_what_to_do(self):
        with pytest.raises(RejectedError) as caught:
            orders.read({"legible-size": "8"}, 7)
        assert (caught.value.reason_code, "the whole file again" in caught.value.advice) == ("size-differs", True)
        with pytest.raises(RejectedError) as caught:
            orders.read({"legible-options": "[]"}, 7)
        assert (caught.value.reason_code, "detect_direction" in caught.value.advice) == ("bad-order", True)
