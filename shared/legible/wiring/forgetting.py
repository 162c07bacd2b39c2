"""What forgets documents, made of the objects of a request; and the timer that goes on with it, and keeps retention."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec

from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.ledger.changes import Changes, mark_of
from legible.ledger.state import State
from legible.ledger.tombstones import Tombstones
from legible.model import layout
from legible.model.audit import FORGET
from legible.model.documents import Document, Format, Selection
from legible.oversight.rollup import RollUp
from legible.oversight.walk import Reading, UsageConsumer
from legible.upkeep.eraser import Eraser
from legible.upkeep.forget import ForgetReport, Forgetting, ForgetTools
from legible.upkeep.forget_scope import ForgetScope
from legible.upkeep.forgotten_files import ForgottenFiles
from legible.upkeep.retention import Retention
from legible.upkeep.traces import DocumentTraces
from legible.wiring import adapters, audit
from legible.wiring.functions import FunctionParts, as_json
from legible.wiring.parts import Parts


class ForgettingParts:
    """What forgets documents.

    Args:
        parts: The objects of the request.
        credentials: Keys of somebody who may remove all versions of both buckets.
        operator: Who forgets, as the audit trail names them.
    """

    def __init__(self, parts: Parts, credentials: Credentials, operator: str) -> None:
        """Forget nothing yet."""
        self.tombstones = Tombstones(parts.site)
        versions = adapters.versions_of(parts.settings, credentials)
        eraser = Eraser(parts.site, versions, parts.call)
        self.scope = ForgetScope(parts.site, versions, self.tombstones)
        files = ForgottenFiles(parts.site, parts.call, eraser, partial(_build_again, parts, operator))
        changes = Changes(parts.site, parts.call)
        self.forgetting = Forgetting(
            parts.site,
            parts.call,
            ForgetTools(
                DocumentTraces(parts.site, eraser, parts.publisher),
                eraser,
                files,
                parts.ledger.journals,
                self.tombstones,
                partial(_counted, parts),
                lambda document: changes.mark(document, parts.call.now()),
                parts.settings.ledger.settle_seconds,
            ),
        )
        self.retention = Retention(parts.site, parts.call, parts.settings.retention, self.forgetting)


def _counted(parts: Parts, document: Document, state: State) -> Iterable[dict[str, Any]]:
    """Return what a journal counted, hour by hour: so that sums which are made again have it."""
    counter = UsageConsumer(RollUp(parts.site, parts.call, parts.settings.ledger.settle_seconds))
    reading = Reading(mark_of(layout.journal(document)), state, parts.call.now())
    for hour, said in sorted(counter.digest(reading).items()):
        yield {"hour": hour.isoformat(), "said": msgspec.to_builtins(said)}


def _build_again(parts: Parts, operator: str, name: str, selection: Selection, formats: tuple[Format, ...]) -> bool:
    audit.tell_build(parts, operator, name, f"forgotten\n{parts.call.now()}", prefix=selection.prefix)
    parts.collector.build(name, selection, formats)
    return True


def timed(context: Any) -> dict[str, Any]:
    """Go on with what is being forgotten, and forget what has reached its age, in one call of a function.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        LegibleError: A bucket refuses, or the store has a passing fault; the next call goes on.
    """
    parts = FunctionParts(Context(context))
    made = ForgettingParts(parts, parts.credentials, "function:on_forget")
    done = made.forgetting.resume()
    expired = made.retention.run()
    tell_expired(parts, expired)
    found = {"resumed": as_json(done), "expired": as_json(expired)}
    parts.call.log("forgotten", **found)
    return found


def tell_expired(parts: Parts, report: ForgetReport) -> None:
    """Have the audit trail know how many documents had reached their age; each has a tombstone that says so.

    Raises:
        LegibleError: It cannot be kept.
    """
    if report.emptied:
        desk = audit.desk(parts, "function:on_forget")
        desk.record(FORGET, "documents", "retention", details={"documents": str(report.emptied)})
