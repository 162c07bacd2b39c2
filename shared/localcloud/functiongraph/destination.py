"""The event that the destination of an asynchronous event gets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from localcloud.functiongraph.events import AsyncEvent
from localcloud.functiongraph.instance import Outcome


def destination_payload(urn: str, event: AsyncEvent, outcome: Outcome) -> dict[str, Any]:
    """Return what a destination gets (functiongraph_01_0390_03); the payload is the event's JSON as text.

    The page shows ``request_payload`` and ``response_payload`` as texts and does not say more. Its timestamp is not
    valid ISO 8601, and neither is this one, on purpose.
    """
    local = datetime.now(timezone(timedelta(hours=8)))
    return {
        "timestamp": local.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z+08:00",
        "request_context": {
            "request_id": event.request_id,
            "function_urn": urn,
            "condition": "" if outcome.ok else outcome.kind,
            "approximate_invoke_count": event.attempts,
        },
        "request_payload": json.dumps(event.payload, ensure_ascii=False),
        "response_context": {
            # "If the code is not 200, a system error occurred."
            "status_code": 200 if outcome.kind in ("success", "error") else 500,
            "function_error": "" if outcome.ok else str((outcome.result or {}).get("errorMessage", outcome.kind)),
        },
        "response_payload": outcome.payload,
    }
