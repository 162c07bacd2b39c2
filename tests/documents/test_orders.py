"""What an uploader asks for beside the routes, in the object's metadata or in a call of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from legible.documents import orders
from legible.errors import RejectedError
from legible.huawei import functiongraph
from legible.model.documents import ObjectRef, Order, Upload
from legible.operations.routing import Route, Routing
from tests.support.rig import TEXT, Rig, picture

values = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=20), st.lists(st.text(max_size=5)))


@given(st.sampled_from(["", "passport"]), st.dictionaries(st.text(max_size=10), values, max_size=4))
def test_an_order_written_as_metadata_is_read_back(operation, options):
    order = Order(operation, options)

    found = orders.read(orders.metadata_of(order, 7), 7)

    assert found == (order if operation or options else None)


@given(st.dictionaries(st.sampled_from([orders.OPERATION, orders.OPTIONS, orders.SIZE]), st.text(max_size=40)))
def test_whatever_metadata_say_they_are_read_or_refused(metadata):
    try:
        orders.read(metadata, 7)
    except RejectedError as error:
        assert error.reason_code in {"bad-order", "size-differs"}


def test_options_too_long_for_metadata_are_refused_with_advice():
    with pytest.raises(RejectedError, match=r"legible\.toml"):
        orders.metadata_of(Order("passport", {"a": "x" * 3000}))


class TestInTheMetadata:
    def test_an_operation_and_its_options_overrule_folder_and_route(self):
        rig = Rig(TEXT, rules=Routing(region="cn-north-4", routes=(Route("*", "passport"),)))
        order = Order("general-text", {"detect_direction": True})

        (outcome,) = rig.run(rig.upload("passport/a.png", metadata=orders.metadata_of(order)))

        assert (outcome["status"], outcome["operation"]) == ("done", "general-text")
        assert rig.ocr.calls[0][:2] == ("general-text", {"detect_direction": True})
        assert rig.record("passport/a.png")["document"]["order"]["operation"] == "general-text"

    def test_options_alone_count_above_those_of_the_route(self):
        route = Route("*", "general-text", options={"detect_direction": False, "character_mode": True})
        rig = Rig(TEXT, rules=Routing(region="cn-north-4", routes=(route,)))

        rig.run(rig.upload("a.png", metadata={"legible-options": '{"detect_direction": true}'}))

        assert rig.ocr.calls[0][1] == {"detect_direction": True, "character_mode": True}

    @pytest.mark.parametrize(
        "metadata",
        [
            {"legible-operation": "no-such-thing"},
            {"legible-options": '{"no_such_option": 1}'},
            {"legible-options": "not json"},
            {"legible-options": "[1]"},
            {"legible-options": '{"a":' * 2000},
        ],
    )
    def test_an_order_that_cannot_be_followed_is_rejected_unpaid_with_its_reason(self, metadata):
        rig = Rig()

        (outcome,) = rig.run(rig.upload("passport/a.png", metadata=metadata))

        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "bad-order")
        assert rig.ocr.calls == []

    def test_an_object_of_another_size_than_was_promised_is_rejected_unpaid(self):
        rig = Rig()

        (outcome,) = rig.run(rig.upload("passport/a.png", metadata={"legible-size": "12"}))

        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "size-differs")
        assert rig.ocr.calls == []

    def test_options_without_any_operation_have_no_route(self):
        rig = Rig()

        (outcome,) = rig.run(rig.upload("a.png", metadata={"legible-options": '{"x": 1}'}))

        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "no-route")


class TestInACallOfOurOwn:
    def test_it_travels_in_the_event_and_overrules_the_metadata(self):
        rig = Rig(TEXT)
        upload = rig.upload("passport/a.png", metadata={"legible-operation": "passport"})
        event = functiongraph.event_of(structs.replace(upload, order=Order("general-text")))

        (outcome,) = rig.run(*functiongraph.uploads(event))

        assert outcome["operation"] == "general-text"

    def test_it_was_for_one_upload_and_is_none_for_the_next(self):
        rig = Rig(TEXT)
        older = structs.replace(rig.upload("a.png"), order=Order("passport"))
        newer = rig.upload("a.png", picture(61, 40), metadata={"legible-operation": "general-text"})

        for _ in range(2):
            (outcome,) = rig.run(older)
            assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "replaced")
        assert rig.ocr.calls == []
        rig.run(newer)

        assert [slug for slug, _, _ in rig.ocr.calls] == ["general-text"]
        assert rig.record("a.png")["status"] == "done"

    @pytest.mark.parametrize("order", [7, {"operation": 1}, {"operations": "passport"}])
    def test_one_that_cannot_be_read_makes_the_event_unreadable(self, order):
        event = functiongraph.event_of(Upload(ObjectRef("legible-in", "a.png")))
        event["Records"][0]["legible"]["order"] = order

        (found,) = functiongraph.uploads(event)

        assert "order" in found.reason.message


class TestTryingAgain:
    def given_a_rejected_document(self):
        rig = Rig(RejectedError("Too dark.", code="dark"), {"passport_number": "A1"})
        upload = rig.upload("passport/a.png", picture())
        rig.run(upload)
        line = next(line for line in rig.journal("passport/a.png") if line["event"] == "finished")
        return rig, upload, f"{line['owner']}#{line['n']}"

    def test_a_document_that_was_not_done_is_tried_again_when_its_end_is_named(self):
        rig, upload, end = self.given_a_rejected_document()

        (outcome,) = rig.run(*functiongraph.uploads(functiongraph.event_of(structs.replace(upload, again=end))))

        assert outcome["status"] == "done"

    def test_asked_for_twice_it_is_paid_for_once(self):
        rig, upload, end = self.given_a_rejected_document()
        again = structs.replace(upload, again=end)

        rig.run(again)
        (second,) = rig.run(again)

        assert second["duplicate"]
        assert len(rig.ocr.calls) == 2

    def test_an_end_that_is_not_the_last_one_reopens_nothing(self):
        rig, upload, _ = self.given_a_rejected_document()

        (outcome,) = rig.run(structs.replace(upload, again="somebody#3"))

        assert (outcome["status"], outcome["duplicate"]) == ("rejected", True)
