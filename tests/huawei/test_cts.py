"""Traces of CTS, as they come in many forms: what is read of them, and what nobody may break."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.errors import EventError
from legible.huawei import cts

AT = datetime(2026, 11, 30, 9, 0, tzinfo=timezone.utc)
MILLISECONDS = int(AT.timestamp() * 1000)
TRACE = {
    "trace_id": "5f0c", "trace_name": "subscribeAISubService", "trace_rating": "warning", "trace_type": "ConsoleAction",
    "service_type": "OCR", "resource_type": "ai_service", "resource_name": "passport", "resource_id": "r-1",
    "code": "403", "request": "{}", "response": {"code": "x"}, "time": MILLISECONDS, "record_time": MILLISECONDS + 1000,
    "user": {"name": "ops"}, "request_id": "q-1", "enterprise_project_id": "0",
}  # fmt: skip


def encoded(**changes: object) -> bytes:
    return json.dumps({**TRACE, **changes}).encode()


def test_a_trace_keeps_its_bytes_and_says_what_it_is():
    raw = encoded()
    found = cts.trace(raw)
    assert found.raw is raw
    assert (found.id, found.name, found.service, found.kind) == (
        "5f0c",
        "subscribeAISubService",
        "OCR",
        "ConsoleAction",
    )
    assert (found.resource_type, found.resource, found.resource_id) == ("ai_service", "passport", "r-1")
    assert (found.operator, found.rating, found.code) == ("ops", "warning", "403")
    assert (found.request_id, found.enterprise_project) == ("q-1", "0")
    assert (found.at, found.recorded_at) == (AT, AT.replace(second=1))


@pytest.mark.parametrize("code", [403, "403"])
@pytest.mark.parametrize("user", [{"name": "ops"}, '{"name": "ops"}'])
@pytest.mark.parametrize("time", [MILLISECONDS, str(MILLISECONDS), "2026-11-30T09:00:00Z", "2026-11-30T17:00:00+08:00"])
def test_published_samples_differ_in_form_and_are_read_alike(code, user, time):
    found = cts.trace(encoded(code=code, user=user, time=time))
    assert (found.code, found.operator, found.at) == ("403", "ops", AT)


def test_a_time_without_a_zone_is_utc_and_one_that_is_none_is_that_of_the_record():
    assert cts.trace(encoded(time="2026-11-30T09:00:00")).at == AT
    assert cts.trace(encoded(time="soon")).at == AT.replace(second=1)
    assert cts.trace(encoded(record_time=None)).recorded_at == AT
    assert cts.trace(encoded(time=None, record_time=10**30)).at.year == 1970


def test_a_rating_that_nobody_knows_is_no_success():
    assert cts.trace(encoded(trace_rating="severe")).rating == "warning"
    assert cts.trace(encoded(trace_rating="Normal")).rating == "normal"


def test_without_an_id_its_digest_is_its_id():
    raw = encoded(trace_id=None)
    assert cts.trace(raw).id == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("raw", [b"no JSON", b"\xff", b"[" * 100_000, b"[]", b"3", b""])
def test_what_is_no_trace_is_kept_and_says_nothing(raw):
    found = cts.trace(raw)
    assert (found.raw, found.id, found.name) == (raw, hashlib.sha256(raw).hexdigest(), "")


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(
        lambda value: json.dumps({"trace_id": value, "user": value, "time": value, "code": value}).encode()
    )
)
def test_no_bytes_break_it(raw):
    assert cts.trace(raw).raw == raw


@pytest.mark.parametrize("wrap", [lambda inner: {"cts": inner}, lambda inner: {"source": "HC.OCR", "data": inner}])
def test_an_event_says_trace_status(wrap):
    inner = {name: value for name, value in TRACE.items() if name != "trace_rating"}
    found = cts.event(wrap({**inner, "trace_status": "incident"}))
    assert (found.id, found.rating, found.at) == ("5f0c", "incident", AT)
    assert json.loads(found.raw)["trace_status"] == "incident"


@pytest.mark.parametrize("value", [None, [], "cts", {}, {"cts": None}, {"cts": {}}, {"data": {"obs": {}}}, {"cts": []}])
def test_an_event_without_a_trace_is_refused(value):
    with pytest.raises(EventError, match="holds no trace"):
        cts.event(value)
