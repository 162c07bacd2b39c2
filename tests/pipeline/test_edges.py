"""The pipeline at its edges: how often a document was handed on, whose options a document gets."""

from __future__ import annotations

import pytest
from msgspec import structs

from legible.documents import orders
from legible.errors import OutOfTimeError
from legible.ledger.claim import Claim, Wish
from legible.model.documents import Document, Order
from legible.operations.routing import Route, Routing
from legible.pipeline.claims import Claims
from tests.support.fakes import START, NextInvocation
from tests.support.rig import IN, TEXT, Rig

KEY = "passport/a.png"


class TestHands:
    """A chain of invocations is numbered, so that an old event never ends what a later one goes on with."""

    def claim(self, rig: Rig, document: Document, owner: str) -> Claim:
        claim = rig.parts(owner).ledger.claim(document, Wish(owner, operation="passport", pages=9), 0)
        assert isinstance(claim, Claim)
        return claim

    def handed(self, rig: Rig, document: Document, hand: int) -> int:
        """Have an event with that number run out of time after a page; return the number of its successor."""
        upload = structs.replace(rig.upload(KEY), hand=hand)
        claim = self.claim(rig, document, f"event-{hand}-{len(rig.relay.handed)}")
        claims = Claims(rig.parts().ledger, rig.call(), {}, rig.relay)

        def work() -> None:
            claim.write("answered", page=1, answer="a", sha256="s")
            raise OutOfTimeError("No time is left.")

        outcome = claims.work(claim, work, upload)
        assert outcome.status == "running"
        return rig.relay.handed[-1].hand

    def test_a_redelivered_original_goes_on_counting_where_the_chain_is(self):
        # given a document that was handed on three times
        rig, document = Rig(relay=NextInvocation()), Document(IN, KEY, "v1", uploaded_at=START)
        assert [self.handed(rig, document, hand) for hand in (0, 1, 2)] == [1, 2, 3]

        # when the first event is delivered again, and runs out of time, too
        hand = self.handed(rig, document, 0)

        # then no event before it can end what its successor does
        assert hand == 4
        claims = Claims(rig.parts().ledger, rig.call(), {}, rig.relay)
        for number in (0, 1, 2, 3):
            assert claims.carried_on(document, structs.replace(rig.upload(KEY), hand=number))
        assert not claims.carried_on(document, structs.replace(rig.upload(KEY), hand=4))

    def test_an_event_that_knows_more_than_the_journal_counts_from_its_own_number(self):
        rig, document = Rig(relay=NextInvocation()), Document(IN, KEY, "v1", uploaded_at=START)
        assert self.handed(rig, document, 7) == 8


class TestWhoseOptions:
    RULE = Route("*", "passport", options={"country_code": "GENERAL"}, max_pages=1, outputs=("md",))

    def rig(self) -> Rig:
        return Rig(TEXT, rules=Routing(region="cn-north-4", routes=(self.RULE,)))

    @pytest.mark.parametrize("options", [{}, {"detect_direction": True}])
    def test_an_order_for_another_operation_has_none_of_the_rules(self, options):
        rig = self.rig()
        (outcome,) = rig.run(rig.upload("a.png", metadata=orders.metadata_of(Order("general-text", options))))
        assert (outcome["status"], outcome["operation"]) == ("done", "general-text")
        assert rig.ocr.calls[0][:2] == ("general-text", options)
        assert not rig.has("results/a.png/record.md")

    def test_an_order_for_the_rules_own_operation_keeps_them(self):
        rig = self.rig()
        rig.run(rig.upload("a.png", metadata=orders.metadata_of(Order("passport"))))
        assert rig.ocr.calls[0][:2] == ("passport", {"country_code": "GENERAL"})
        assert rig.has("results/a.png/record.md")
