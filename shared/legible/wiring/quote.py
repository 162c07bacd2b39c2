"""What makes quotes, of the objects of a command."""

from __future__ import annotations

from legible.documents.intake import Intake
from legible.upkeep.limits import Price
from legible.upkeep.look import DocumentLook
from legible.upkeep.quote import Quoter
from legible.wiring.backfill import operation_of
from legible.wiring.parts import Parts


def quoter(parts: Parts, price: Price) -> Quoter:
    """Return what makes quotes; ``price`` says what calls cost."""

    def intake() -> Intake:
        return Intake(parts.site, parts.call, parts.settings.limits.max_pages)

    look = DocumentLook(parts.site, parts.rules, parts.ledger.journals, intake, parts.call.now)
    return Quoter(parts.site, parts.selector, look, lambda key: operation_of(parts, key), price)
