"""What makes quotes, over a rig."""

from __future__ import annotations

from legible.documents.intake import Intake
from legible.errors import DocumentError
from legible.ledger.journals import Journals
from legible.model.prices import Prices
from legible.operations import routing
from legible.upkeep.look import DocumentLook
from legible.upkeep.quote import Quoter
from legible.workbooks.listing import Selector
from tests.support.rig import Rig
from tests.upkeep.ends_rig import PRICED, price


def operation(rig: Rig, key: str) -> str:
    try:
        return routing.route(key, rig.rules).operation.slug
    except DocumentError:
        return ""


def quoter(rig: Rig, prices: Prices = PRICED) -> Quoter:
    call = rig.call("quote")
    look = DocumentLook(
        rig.site, rig.rules, Journals(rig.site), lambda: Intake(rig.site, call, rig.max_pages, rig.sheets), call.now
    )
    return Quoter(rig.site, Selector(rig.site, "_complete"), look, lambda key: operation(rig, key), price(prices))
