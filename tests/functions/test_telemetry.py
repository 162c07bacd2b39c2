"""Traces: off unless asked for; they tell how long things took and how they ended, and nothing of what they were."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from functions import http_api, on_upload
from legible import ports
from legible.errors import SettingsError
from legible.model.documents import ObjectRef
from legible.ports import Head
from legible.settings import load
from legible.wiring.telemetry import RequestTrace
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from localcloud.web import Server
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

#: What must be in no span: a document's key, a value that was recognized.
CANARIES = (b"canary-key", b"ERIKSSON", b"L898902C3")


class Collector:
    """Takes traces, and answers as it is told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = "200 OK"
        self.headers: list[tuple[str, str]] = []

    def __call__(self, environ, start_response):
        self.bodies.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start_response(self.status, [("Content-Length", "0"), *self.headers])
        return [b""]

    @property
    def spans(self):
        """Every span that came, by the library's own reading of it."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        found = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [s for one in found for r in one.resource_spans for scope in r.scope_spans for s in scope.spans]


def values(span):
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    taker = Collector()
    server = Server(taker)
    taker.endpoint = f"{server.endpoint}/v1/traces"
    yield taker
    server.stop()


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        yield running


def context(cloud, endpoint, **changes):
    return clouds.context(cloud, user_data={**cloud.user_data, "LEGIBLE_TELEMETRY_ENDPOINT": endpoint}, **changes)


def upload(cloud, endpoint="", key="passport/canary-key.png", **changes):
    clouds.upload(cloud, key, picture())
    return on_upload.handler(clouds.event(key), context(cloud, endpoint, **changes))["documents"]


def request(path):
    return {
        "httpMethod": "GET",
        "path": path,
        "headers": {},
        "queryStringParameters": {},
        "body": "",
        "isBase64Encoded": False,
    }


class Ahead:
    """A store that knows what it was asked ahead."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def glance(self, ref: ObjectRef, *_: object) -> Head:
        self.asked.append("glance")
        return Head(7, "etag")

    def glanced(self, ref: ObjectRef, *_: object) -> None:
        self.asked.append("glanced")

    def prefetch(self, ref: ObjectRef, *_: object) -> None:
        self.asked.append("prefetch")


class Log:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def __call__(self, event: str, **told: object) -> None:
        self.lines.append({"event": event, **told})

    @property
    def lost(self) -> list[object]:
        """Why traces were not sent."""
        return [line["reason"] for line in self.lines if line["event"] == "traces-not-sent"]


def trace(endpoint: str, log: Log, remaining: float = 60) -> RequestTrace:
    settings = load(None, {"LEGIBLE_TELEMETRY_ENDPOINT": endpoint}.get, required=())
    made = RequestTrace.of(settings, lambda: remaining, log)
    assert made is not None
    return made


class TestOff:
    def test_unless_a_collector_is_named_nothing_is_sent(self, cloud, collector):
        assert [one["status"] for one in upload(cloud)] == ["done"]
        assert RequestTrace.of(load(None, {}.get, required=()), lambda: 60, Log()) is None
        assert collector.bodies == []

    def test_without_the_library_documents_are_read_all_the_same_and_a_line_says_how_to_make_a_package(self, collector):
        settings = load(None, {"LEGIBLE_TELEMETRY_ENDPOINT": collector.endpoint}.get, required=())
        log = Log()
        assert RequestTrace.of(settings, lambda: 60, log, library="no_library_is_called_so") is None
        (line,) = log.lines
        assert line["event"] == "traces-not-sent" and "--telemetry" in line["message"]

    def test_a_store_with_foresight_keeps_it(self, collector):
        settings = load(None, {"LEGIBLE_TELEMETRY_ENDPOINT": collector.endpoint}.get, required=())
        trace = RequestTrace.of(settings, lambda: 60, Log())
        ahead = Ahead()
        store = trace.counted(ahead)
        for name in ("glance", "glanced", "prefetch"):
            assert inspect.getattr_static(store, name)  # Python 3.12 looks nowhere else
        ref = ObjectRef("in", "a.png")
        assert ports.glance(store, ref).size == 7
        assert ports.glanced(store, ref) is None
        ports.prefetch(store, ref)
        assert ahead.asked == ["glance", "glanced", "prefetch"]

    @pytest.mark.parametrize("endpoint", ["collector:4318", "http://collector:4318", "http://c/v1?x=1", "ftp://c/v1"])
    def test_what_is_no_collectors_url_is_refused_with_what_is_allowed(self, tmp_path, endpoint):
        file = tmp_path / "legible.toml"
        file.write_text(f'[telemetry]\nendpoint = "{endpoint}"\n')
        with pytest.raises(SettingsError, match="telemetry.endpoint"):
            load(file, {}.get, required=())


class TestUpload:
    def test_a_request_its_document_and_its_call_are_one_trace(self, cloud, collector):
        assert [one["status"] for one in upload(cloud, collector.endpoint)] == ["done"]
        spans = {span.name: span for span in collector.spans}
        assert set(spans) == {"request", "document", "call"} and len(collector.spans) == 3
        assert len({span.trace_id for span in spans.values()}) == 1
        assert spans["document"].parent_span_id == spans["request"].span_id
        assert spans["call"].parent_span_id == spans["document"].span_id
        assert values(spans["call"]) == {"operation": "passport", "source": "url", "status": "ok"}
        assert values(spans["document"]) == {"operation": "passport", "status": "done", "pages": 1}
        assert values(spans["request"])["store.append"] >= 1

    def test_documents_of_one_event_have_a_span_each_with_their_own_calls(self, cloud, collector):
        names = ["passport/one.png", "passport/two.png"]
        for number, key in enumerate(names):
            clouds.upload(cloud, key, picture(60 + number))
        event = {"Records": [clouds.event(key)["Records"][0] for key in names]}
        on_upload.handler(event, context(cloud, collector.endpoint))
        documents = {span.span_id for span in collector.spans if span.name == "document"}
        assert len(documents) == 2
        assert {span.parent_span_id for span in collector.spans if span.name == "call"} == documents

    def test_nothing_of_the_document_and_no_key_is_told(self, cloud, collector):
        made = context(cloud, collector.endpoint)
        clouds.upload(cloud, "passport/canary-key.png", picture())
        on_upload.handler(clouds.event("passport/canary-key.png"), made)
        secrets = [made.getSecurityAccessKey(), made.getSecuritySecretKey(), made.getSecurityToken()]
        (body,) = collector.bodies
        assert not [one for one in (*CANARIES, *(text.encode() for text in secrets)) if one in body]

    def test_a_call_that_is_refused_says_so_by_its_code_and_not_by_its_words(self, cloud, collector):
        cloud.ocr.faults.add(Fault("error", "*", "passport", status=400, code="AIS.0103", message="canary-key"))
        (outcome,) = upload(cloud, collector.endpoint)
        spans = {span.name: values(span) for span in collector.spans}
        assert spans["call"]["status"] == "error" and spans["call"]["code"]
        assert spans["document"]["code"] == outcome["reason"]["code"]
        assert b"canary-key" not in collector.bodies[0]


class TestHttp:
    def test_a_request_says_its_method_and_how_it_was_answered(self, cloud, collector):
        http_api.handler(request("/v1/documents"), context(cloud, collector.endpoint))
        (span,) = collector.spans
        said = values(span)
        assert (said["method"], said["http.response.status_code"]) == ("GET", 200)
        assert said["store.list"] >= 1


class TestCollector:
    @pytest.mark.parametrize("status", ["403 Forbidden", "429 Too Many Requests", "503 Service Unavailable"])
    def test_one_that_refuses_is_a_line_of_the_log(self, collector, status):
        collector.status, log = status, Log()
        with trace(collector.endpoint, log):
            pass
        assert log.lost == [f"status-{status[:3]}"]

    def test_one_that_is_not_there_harms_no_document(self, cloud):
        (outcome,) = upload(cloud, "http://127.0.0.1:9/v1/traces")
        assert outcome["status"] == "done"
        log = Log()
        with trace("http://127.0.0.1:9/v1/traces", log):
            pass
        assert len(log.lost) == 1

    def test_where_it_leads_elsewhere_nobody_follows(self, collector):
        other = Collector()
        server = Server(other)
        collector.status, collector.headers = "307 Temporary Redirect", [("Location", f"{server.endpoint}/v1/traces")]
        log = Log()
        with trace(collector.endpoint, log):
            pass
        server.stop()
        assert other.bodies == [] and len(log.lost) == 1

    def test_without_time_nothing_is_sent(self, collector):
        log = Log()
        with trace(collector.endpoint, log, remaining=1):
            pass
        assert log.lost == ["TimeoutError"] and collector.bodies == []

    def test_an_error_is_told_by_its_kind(self, collector):
        with pytest.raises(ValueError, match="canary-key"), trace(collector.endpoint, Log()):
            raise ValueError("canary-key")
        assert values(collector.spans[0])["code"] == "ValueError"

    @pytest.mark.parametrize("event", ["retry", "skipped"])
    def test_a_document_that_did_not_end_says_why(self, collector, event):
        log = Log()
        with trace(collector.endpoint, log) as one:
            one.heard(event, key="canary-key", reason="unavailable", message="canary-key")
            one.heard("handed-on", documents=1)
        assert values(collector.spans[0]) == {"status": event, "code": "unavailable"}
        assert [line["event"] for line in log.lines] == [event, "handed-on"]
