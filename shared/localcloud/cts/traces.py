"""Traces as CTS keeps them, as its API lists them, and as an event tells them."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

#: What the user guide's chapter 9 lists of OCR: one operation. The counterpart's name is on no page: a guess.
SERVICE, RESOURCE_TYPE = "OCR", "ai_service"
SUBSCRIBE, UNSUBSCRIBE = "subscribeAISubService", "unsubscribeAISubService"


class Recorded(Struct, frozen=True, kw_only=True):
    """One trace; times in seconds since the epoch. ``objects`` says that request, response and code are no texts.

    Published samples have both forms.
    """

    trace_id: str
    trace_name: str
    time: float
    record_time: float
    user: str = "local"
    service_type: str = SERVICE
    resource_type: str = RESOURCE_TYPE
    resource_name: str = ""
    resource_id: str = ""
    trace_rating: str = "normal"
    trace_type: str = "ConsoleAction"
    code: int = 200
    request: dict[str, Any] = {}
    response: dict[str, Any] = {}
    objects: bool = False

    def listed(self, project_id: str, domain_id: str) -> dict[str, Any]:
        """Return the trace as ListTraces has it."""
        return {
            **self._facts(domain_id),
            "trace_rating": self.trace_rating,
            "code": self.code if self.objects else str(self.code),
            "request": self.request if self.objects else json.dumps(self.request),
            "response": self.response if self.objects else json.dumps(self.response),
            "source_ip": "192.0.2.7",
            "request_id": self.trace_id,
            "operation_id": self.trace_name,
            "read_only": False,
            "enterprise_project_id": "0",
            "project_id": project_id,
        }

    def event(self, domain_id: str) -> dict[str, Any]:
        """Return the event that a function gets (functiongraph_01_0209): it says ``trace_status``, not ``_rating``."""
        told = {
            "trace_status": self.trace_rating,
            "code": self.code,
            "request": self.request,
            "response": self.response,
        }
        return {"cts": {**self._facts(domain_id), **told}}

    def _facts(self, domain_id: str) -> dict[str, Any]:
        domain = {"id": domain_id, "name": "local"}
        return {
            "trace_id": self.trace_id,
            "trace_name": self.trace_name,
            "trace_type": self.trace_type,
            "service_type": self.service_type,
            "resource_type": self.resource_type,
            "resource_name": self.resource_name,
            "resource_id": self.resource_id,
            "time": int(self.time * 1000),
            "record_time": int(self.record_time * 1000),
            "user": {"id": f"{self.user}-id", "name": self.user, "domain": domain, "type": "User"},
        }
