"""What CTS recorded joins the trail as it was received, once, by whichever way it came."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from legible.huawei import cts
from legible.model.account import Trace, TraceQuery
from legible.oversight.audit_traces import TraceKeeper, event_of
from tests.oversight.audit_rig import TrailRig
from tests.support.fakes import START

#: An event as a CTS trigger sends it (functiongraph_01_0209); everybody in it is invented.
TRIGGERED: dict[str, Any] = {
    "cts": {
        "time": 1795424400000, "user": {"name": "ops", "id": "1", "domain": {"name": "acme", "id": "2"}},
        "request": {"service": "passport"}, "response": {"code": "OCR.ok"}, "code": 200, "service_type": "OCR",
        "resource_type": "ai_service", "resource_name": "passport", "resource_id": "r",
        "trace_name": "subscribeAISubService", "trace_type": "ConsoleAction", "record_time": 1795424401000,
        "trace_id": "5f0c-11", "trace_status": "normal",
    }
}  # fmt: skip


class Cts:
    """CTS, with the traces that it lists."""

    def __init__(self, *traces: Trace) -> None:
        self.traces = traces
        self.asked: list[TraceQuery] = []

    def find(self, query: TraceQuery):
        self.asked.append(query)
        return iter(self.traces)

    def operations(self, service: str):
        return ()


def listed(**values: Any) -> Trace:
    """Return the same trace as the list has it: other names, and other bytes."""
    body = {**TRIGGERED["cts"], "trace_rating": "normal", "request": json.dumps({"service": "passport"}), **values}
    del body["trace_status"]
    return cts.trace(json.dumps(body).encode())


def keeper(rig: TrailRig) -> TraceKeeper:
    return TraceKeeper(rig.call(), rig.desk())


def test_its_fields_are_those_that_are_searched():
    event = event_of(cts.event(TRIGGERED))
    assert (event.id, event.source, event.service, event.resource_type, event.resource_name, event.resource_id) == (
        "cts-5f0c-11", "cts", "OCR", "ai_service", "passport", "r",
    )  # fmt: skip
    assert (event.name, event.operator, event.status, event.details["code"]) == (
        "subscribeAISubService", "ops", "normal", "200",
    )  # fmt: skip
    assert event.at.timestamp() == 1795424400


def test_it_is_kept_as_it_was_received_with_the_digest_of_its_bytes():
    trace = listed()
    event = event_of(trace)
    assert event.raw.encode() == trace.raw
    assert event.raw_sha256 == hashlib.sha256(trace.raw).hexdigest()
    assert json.loads(event.raw)["response"] == {"code": "OCR.ok"}


def test_of_a_very_long_one_the_digest_stays():
    event = event_of(listed(request="x" * 70_000))
    assert (event.raw, len(event.raw_sha256)) == ("", 64)


@pytest.mark.parametrize("first", ["triggered", "listed"])
def test_one_that_comes_both_ways_is_one_event(first):
    """Given that a day passes between the two, and that each comes twice."""
    rig = TrailRig()
    ways = [lambda: keeper(rig).keep([cts.event(TRIGGERED)]), lambda: keeper(rig).fetch(Cts(listed()), ("OCR",))]
    for way in ways if first == "triggered" else reversed(ways):
        way(), way()
        rig.trail().walk()
        rig.store.clock.pause(86_400)
    assert rig.events() == ["cts-5f0c-11"]


def test_what_the_trail_has_is_not_kept_again_because_cts_still_lists_it():
    rig = TrailRig()
    assert keeper(rig).fetch(Cts(listed()), ("OCR",)) == 1
    rig.trail().walk()
    assert keeper(rig).fetch(Cts(listed()), ("OCR",)) == 0


def test_a_failed_operation_is_a_warning():
    assert event_of(listed(trace_rating="warning")).status == "warning"


@pytest.mark.parametrize("identity", ["", "../../x", "a" * 200, "ä"])
def test_an_id_that_fits_in_no_key_gives_way_to_its_digest(identity):
    rig = TrailRig()
    for number in range(2):
        keeper(rig).keep([listed(trace_id=identity, code=number)])
    rig.trail().walk()
    assert len(rig.events()) == (1 if identity else 2)
    assert all(len(one) <= 80 and "/" not in one for one in rig.events())


def test_cts_is_asked_for_the_days_that_it_has():
    rig, service = TrailRig(), Cts()
    assert keeper(rig).fetch(service, ("OCR", "OBS")) == 0
    assert [query.service for query in service.asked] == ["OCR", "OBS"]
    (first, _) = service.asked
    assert (first.begin, first.end) == (START - timedelta(days=7) + timedelta(minutes=5), START)
