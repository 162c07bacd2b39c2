"""From a key to an operation: what is asked for counts in its order, and what cannot work says why and what to do."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date

import msgspec
import pytest
from msgspec import structs

from legible.errors import HeldError, RejectedError, SettingsError
from legible.model.documents import Document, Order
from legible.operations import catalog, routing
from legible.operations.operation import Extras, Life, Operation, Option
from legible.operations.routing import MaxPages, OperationSettings, Route, Routing

TODAY = date(2026, 11, 23)


def task(key: str, order: Order | None = None, **values):
    return routing.route(key, Routing(region="cn-north-4", **values), order)


class TestWhoseWordCounts:
    ROUTES = (Route("mail/*", "vat-invoice"), Route("*", "general-text"))

    def test_the_order_before_the_folder_before_the_rules_before_the_default(self):
        assert task("passport/a.png", Order("id-card"), routes=self.ROUTES).operation.slug == "id-card"
        assert task("passport/a.png", routes=self.ROUTES).operation.slug == "passport"
        assert task("mail/a.png", routes=self.ROUTES).operation.slug == "vat-invoice"
        assert task("other/a.png", routes=self.ROUTES).operation.slug == "general-text"
        assert task("other/a.png", default="web-image").operation.slug == "web-image"

    def test_a_file_that_is_called_like_an_operation_lies_in_no_folder(self):
        assert task("passport", default="web-image").operation.slug == "web-image"

    def test_only_the_first_folder_names_one(self):
        assert task("passport/general-text/a.png").operation.slug == "passport"
        assert task("scans/passport/a.png", default="web-image").operation.slug == "web-image"

    @pytest.mark.parametrize(("key", "place"), [("a.png", "lies in no folder"), ("x/a.png", "its first folder is 'x'")])
    def test_where_nothing_names_one_it_says_where_it_looked(self, key, place):
        with pytest.raises(RejectedError, match=place) as caught:
            task(key)
        assert caught.value.reason_code == "no-route"
        assert "[[routes]]" in caught.value.advice

    def test_an_api_that_is_published_and_not_there_is_named_so(self):
        with pytest.raises(RejectedError, match="United Arab Emirates .* is not in the vendor's SDK") as caught:
            task("uae-id-card/a.png")
        assert caught.value.reason_code == "no-route"
        with pytest.raises(RejectedError, match="no operation 'emirates-id-card'. The ID card of the United Arab"):
            task("a.png", Order("emirates-id-card"))
        assert task("uae-id-card/a.png", default="general-text").operation.slug == "general-text"

    def test_options_of_the_order_over_those_of_the_rule_over_those_of_the_operation(self):
        own = {"general-text": OperationSettings(options={"a": 1, "b": 1, "detect_direction": False})}
        rules = (Route("*", "general-text", options={"b": 2, "quick_mode": True}),)
        asked = task("a.png", Order("", {"detect_direction": True}), routes=rules, operations=own)
        assert asked.options == {"a": 1, "b": 2, "quick_mode": True, "detect_direction": True}

    def test_a_rule_overrules_what_its_operation_makes(self):
        own = {"general-text": OperationSettings(outputs=("md",), form="own", max_pages=3)}
        plain = task("a.png", routes=(Route("*", "general-text"),), operations=own)
        assert (plain.extras, plain.max_pages) == (Extras(("md",), "own"), 3)
        rule = Route("*", "general-text", outputs=(), form="", max_pages=9)
        ruled = task("a.png", routes=(rule,), operations=own)
        assert (ruled.extras, ruled.max_pages) == (Extras(), 9)

    def test_an_order_that_cannot_be_is_refused_as_such(self):
        with pytest.raises(RejectedError, match="The order of this document: general-text has no option 'x'") as caught:
            task("general-text/a.png", Order("", {"x": 1}))
        assert caught.value.reason_code == "bad-order"
        assert "Its options are: " in caught.value.advice
        with pytest.raises(RejectedError, match="there is no operation 'nope'") as caught:
            task("a.png", Order("nope"))
        assert caught.value.reason_code == "bad-order"


@pytest.mark.parametrize(("pages", "fine"), [(0, False), (1, True), (4900, True), (4901, False)])
def test_a_journal_has_room_for_so_many_pages(pages, fine):
    with nullcontext() if fine else pytest.raises(msgspec.ValidationError):
        assert msgspec.convert(pages, MaxPages) == pages


class TestWhatCannotWork:
    """It is refused before anything is paid."""

    def refused(self, operation: Operation, today: date = TODAY, **values) -> tuple[str, str, str]:
        rules = Routing(**{"region": "cn-north-4", **values})
        with pytest.raises((RejectedError, HeldError)) as caught:
            routing.check(operation, rules, today)
        return caught.value.message, caught.value.reason_code, caught.value.advice

    def removed(self, **life) -> Operation:
        return structs.replace(catalog.find("passport"), life=Life("removed", **life))

    def test_an_operation_that_was_removed_says_when_and_what_to_use(self):
        operation = self.removed(removed_on=date(2026, 1, 2), replaced_by="id-card", note="It ended.")
        assert self.refused(operation) == (
            "passport was removed on 2026-01-02.",
            "operation-removed",
            "It ended. Use id-card instead. Where it still runs, set live = true in [operations.passport].",
        )

    def test_what_is_not_known_is_not_said(self):
        assert self.refused(self.removed()) == (
            "passport was removed.",
            "operation-removed",
            "Where it still runs, set live = true in [operations.passport].",
        )

    def test_where_it_still_runs_it_is_called(self):
        live = {"passport": OperationSettings(live=True, region="cn-north-4")}
        routing.check(self.removed(), Routing(region="cn-north-4", operations=live), TODAY)

    def test_an_operation_of_other_regions_is_held_and_says_which(self):
        operation = structs.replace(catalog.find("passport"), regions=("ap-southeast-1", "ap-southeast-3"))
        assert self.refused(operation) == (
            "passport is not offered in cn-north-4.",
            "operation-not-in-region",
            "Its regions are ap-southeast-1, ap-southeast-3. Set region in [operations.passport].",
        )
        for fine in (
            Routing(region="ap-southeast-3"),
            Routing(region="cn-north-4", pinned=True),
            Routing(region="cn-north-4", operations={"passport": OperationSettings(region="ap-southeast-1")}),
        ):
            routing.check(operation, fine, TODAY)
        routing.check(structs.replace(operation, regions=()), Routing(region="cn-north-4"), TODAY)

    def test_one_that_reads_no_document_has_no_place_in_a_route(self):
        operation = structs.replace(catalog.find("passport"), inline=None, url=False)
        message, code, advice = self.refused(operation)
        assert (message, code) == ("passport reads no document.", "operation-reads-no-document")
        assert "no place in an upload's route" in advice
        for fine in (structs.replace(operation, url=True), structs.replace(operation, inline="image")):
            routing.check(fine, Routing(region="cn-north-4", pinned=True), TODAY)


class TestOptions:
    def refused(self, slug: str, **options) -> tuple[str, str]:
        with pytest.raises(SettingsError) as caught:
            routing.checked_options(slug, options, "Here")
        return caught.value.message, caught.value.advice

    def test_an_operation_that_is_none_says_which_there_are(self):
        message, advice = self.refused("nope")
        assert message == "Here: there is no operation 'nope'."
        assert advice == f"Operations are: {', '.join(catalog.slugs())}."

    def test_an_option_that_is_none_says_which_there_are(self):
        message, advice = self.refused("passport", x=1)
        names = sorted(option.name for option in catalog.find("passport").options)
        assert (message, advice) == ("Here: passport has no option 'x'.", f"Its options are: {', '.join(names)}.")
        without = next(slug for slug in catalog.slugs() if not catalog.find(slug).options)
        assert self.refused(without, x=1)[1] == "Its options are: none."

    def test_a_value_of_another_type_says_which_it_must_be(self):
        message, advice = self.refused("general-text", detect_direction="true")
        option = catalog.find("general-text").option("detect_direction")
        assert message == "Here: option detect_direction is 'true'."
        assert advice == f"It must be bool. {option.help}".strip()

    @pytest.mark.parametrize(
        ("kind", "right", "wrong"),
        [
            ("str", ["", "a"], [1, True, None, []]),
            ("bool", [True, False], ["true", 1, 0]),
            ("int", [0, 7, -1], [True, 1.0, "1"]),
            ("float", [0, 1.5], [True, "1.5"]),
            ("list[str]", [[], ["a"]], ["a", {}, 1]),
            ("object", [{}, {"a": 1}], ["a", [], 1]),
        ],
    )
    def test_values_have_the_type_that_the_service_takes(self, kind, right, wrong):
        option = Option("name", kind)
        assert [routing._fits(option, value) for value in right] == [True] * len(right)
        assert [routing._fits(option, value) for value in wrong] == [False] * len(wrong)


class TestWhatWasBegun:
    """What was begun with one operation is ended with it; extras are those of today, if the operation is."""

    DOCUMENT = Document("b", "a.png", "v")

    def extras(self, rules: tuple[Route, ...]) -> Extras:
        resumed = routing.resumed(self.DOCUMENT, "passport", {"x": 1}, 3, Routing(region="cn-north-4", routes=rules))
        assert (resumed.operation.slug, resumed.options, resumed.pages) == ("passport", {"x": 1}, 3)
        return resumed.extras

    def test_extras_are_those_that_the_routes_ask_for_now(self):
        assert self.extras((Route("*", "passport", outputs=("md",), form="f"),)) == Extras(("md",), "f")

    def test_those_of_another_operation_are_not_its_own(self):
        assert self.extras((Route("*", "general-text", outputs=("md",)),)) == Extras()
        assert self.extras(()) == Extras()
