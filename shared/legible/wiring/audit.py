"""The audit trail as a function, a command or a timer uses it, made as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from legible import VERSION
from legible.errors import LegibleError, SettingsError
from legible.model.audit import BUILD
from legible.oversight.audit_chain import AuditChain
from legible.oversight.audit_settings import SettingsWatch
from legible.oversight.audit_traces import TraceKeeper
from legible.oversight.audit_trail import AuditDesk, AuditTrail
from legible.ports.account import Traces
from legible.settings import Settings
from legible.wiring.parts import Parts

#: A key that seals lines has at least so many characters: HMAC-SHA256 asks for as many bytes as its digest has
#: (RFC 2104, 3).
SHORTEST_KEY = 32
#: The trace source of the OCR service in CTS; no page names it (``CtsTraces.operations`` tells).
OCR = "OCR"


def desk(parts: Parts, operator: str) -> AuditDesk:
    """Return what keeps events; ``operator`` is who acts."""
    return AuditDesk(parts.site, parts.call, operator)


def trail(parts: Parts, variable: Callable[[str], str | None]) -> AuditTrail:
    """Return what puts events into the trail.

    Args:
        parts: The objects of the request.
        variable: Returns a user variable, the one with the key among them.

    Raises:
        SettingsError: The variable that the settings name holds no key.
    """
    keys = seal_keys(parts.settings, variable)
    settle = parts.settings.ledger.settle_seconds
    return AuditTrail(parts.site, parts.call, AuditChain(parts.site, parts.call, settle, keys[-1] if keys else None))


def seal_keys(settings: Settings, variable: Callable[[str], str | None]) -> tuple[bytes, ...]:
    """Return the keys that the variable named by the settings holds, the newest last; none where none is named.

    Keys are separated by blanks: after a change of keys the old ones check the older lines.

    Raises:
        SettingsError: It holds no key, or one that is too short.
    """
    name = settings.audit.key
    if not name:
        return ()
    keys = tuple(key.encode() for key in (variable(name) or "").split())
    if not keys or min(map(len, keys)) < SHORTEST_KEY:
        raise SettingsError(
            f"audit.key names the variable {name}, which holds {'a short key' if keys else 'no key'}.",
            advice=f"Give it a key of {SHORTEST_KEY} random characters or more: openssl rand -hex 32.",
        )
    return keys


def watch_settings(parts: Parts) -> bool:
    """Keep an event if the settings, or the version of the code, are not those of the last time; tell whether so.

    Raises:
        LegibleError: What was told last cannot be read, or the event cannot be kept.
    """
    watch = SettingsWatch(parts.site, parts.call, desk(parts, "function"))
    return watch.look({"version": VERSION, **effective(parts.settings)})


def tell_build(parts: Parts, operator: str, workbook: str, cause: str, code: str = "", **details: str) -> None:
    """Keep the event of a workbook that a function builds; where it cannot be kept, that is said, and it is built.

    It reads what is there and writes it anew: nothing is paid, and nothing changes that cannot be made again.

    Args:
        parts: The objects of the call.
        operator: Which function it is.
        workbook: Its name.
        cause: What it is built for: tried again for that, it is one event.
        code: Why it could not be built; then it is an event of its own.
        details: More words of ours.
    """
    try:
        desk(parts, operator).record(
            BUILD, "workbook", workbook, status="warning" if code else "normal", cause=f"{cause}\n{code}",
            details={**details, "code": code},
        )  # fmt: skip
    except LegibleError as error:
        parts.call.log("not-audited", name=BUILD, resource=workbook, operator=operator, reason=error.reason_code)


class TracesFetched(Struct, frozen=True, omit_defaults=True):
    """How many events of CTS were kept that the trail had not; or why CTS could not be asked."""

    kept: int = 0
    reason: str = ""
    message: str = ""


def fetch_traces(parts: Parts, traces: Traces | None) -> TracesFetched:
    """Keep what CTS lists of the OCR service. Where CTS is not enabled or not permitted, nothing else suffers from it.

    Args:
        parts: The objects of the request.
        traces: CTS; None where it is not reached.
    """
    if traces is None:
        return TracesFetched()
    try:
        return TracesFetched(TraceKeeper(parts.call, desk(parts, "function")).fetch(traces, (OCR,)))
    except LegibleError as error:
        return TracesFetched(reason=error.reason_code, message=str(error))


def effective(settings: Settings) -> dict[str, Any]:
    """Return the effective settings as the types that JSON has; they hold no secret, only names of variables."""
    values: dict[str, Any] = msgspec.to_builtins(settings)
    return values
