"""Traces by OpenTelemetry, where ``[telemetry] endpoint`` says so: a request, its documents, and their paid calls.

A span says how long something took and how it ended, by names of ours alone: no key, no name of a document, nothing
that was recognized, no token and no URL is in an attribute, because none but ``ATTRIBUTES`` can be. The library makes
and encodes spans; they are sent by the way of webhooks, once, at the end of a call, and whatever becomes of that is one
line of the log.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

from legible import VERSION
from legible.errors import LegibleError
from legible.model.pages import Answer, Picture
from legible.operations.operation import Operation
from legible.outbound import Addresses
from legible.ports import Foresight, Head, Log, ObjectStore, Recognizer
from legible.settings import Settings

#: All that spans tell, beside their times: slugs, statuses, codes of ours, and numbers.
ATTRIBUTES = frozenset({"operation", "status", "pages", "code", "source", "method", "http.response.status_code"})
#: How a line of the log says that a document was dealt with (``pipeline.delivery``).
_ENDS = frozenset({"document", "retry", "skipped"})
#: How long the collector may take, and how much time must be left for it, in seconds.
_SECONDS, _LEFT = 2.0, 5.0
_ANSWER_BYTES = 64 * 1024
_HEADERS = {"Content-Type": "application/x-protobuf"}
_LIBRARY = "opentelemetry"


class RequestTrace:
    """Follows one call of a function.

    Documents of one event come one after the other, and the log says when each is dealt with: a document's span ends
    there, and the next one begins.

    Args:
        endpoint: The collector.
        resource: What is told of the function itself.
        remaining: Returns how many seconds the call has left.
        log: The log.
    """

    def __init__(self, endpoint: str, resource: dict[str, str], remaining: Callable[[], float], log: Log) -> None:
        """Begin the request's span."""
        from opentelemetry.sdk.resources import Resource  # not in every package
        from opentelemetry.sdk.trace import TracerProvider, sampling
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._endpoint = endpoint
        self._remaining = remaining
        self._log = log
        self._spans = InMemorySpanExporter()
        # Both are told here, for the library would read them from the environment.
        provider = TracerProvider(sampler=sampling.ALWAYS_ON, resource=Resource(dict(resource)), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self._tracer = provider.get_tracer("legible", VERSION)
        self._requests = Counter[str]()
        self._lock = threading.Lock()
        self._request = self._begun("request", None)
        self._document = self._begun("document", self._request)
        self._documents = 0

    @classmethod
    def of(
        cls, settings: Settings, remaining: Callable[[], float], log: Log, library: str = _LIBRARY
    ) -> RequestTrace | None:
        """Return what follows a call; None where the settings do not say so, or, which is logged, nothing can."""
        endpoint = settings.telemetry.endpoint
        if not endpoint:
            return None
        if find_spec(library) is None:
            # A document does not wait for a package with it; ``make package`` refuses to make one without.
            log("traces-not-sent", reason="not-in-the-package", message='Make it with OPTIONS="--telemetry".')
            return None
        resource = {"service.name": "legible", "service.version": VERSION, "cloud.region": settings.cloud.region}
        return cls(endpoint, resource, remaining, log)

    def heard(self, event: str, **values: Any) -> None:
        """Write a line of the log; one that says that a document was dealt with ends its span."""
        self._log(event, **values)
        if event in _ENDS:
            reason = values.get("reason")
            code = reason.get("code") if isinstance(reason, dict) else reason
            told = {name: values.get(name) for name in ("operation", "status", "pages")}
            _end(self._document, {"status": event, **told, "code": code} if event == "document" else {
                "status": event, "code": code,
            })  # fmt: skip
            self._documents += 1
            self._document = self._begun("document", self._request)

    def counted(self, store: ObjectStore) -> ObjectStore:
        """Return the same store; requests to it are counted."""
        counted = _CountedForesight if isinstance(store, Foresight) else _CountedStore
        return cast("ObjectStore", counted(store, self._count))

    def followed(self, recognizer: Recognizer) -> Recognizer:
        """Return the same recognizer; each call of it is a span."""
        return _FollowedRecognizer(recognizer, self)

    def call(self, operation: Operation, picture: Picture) -> _Call:
        """Return what follows one paid call, of a document or of the request itself."""
        return _Call(self._begun("call", self._document), {"operation": operation.slug, "source": picture.source})

    def answered(self, method: str, status: int) -> None:
        """End the span of a request that came by HTTP, and send all."""
        self._sent({"method": method, "http.response.status_code": status})

    def __enter__(self) -> RequestTrace:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the request's span, and send all."""
        self._sent(_told(error))

    def _begun(self, name: str, parent: Any) -> Any:
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        return self._tracer.start_span(name, context=set_span_in_context(parent, Context()) if parent else Context())

    def _count(self, name: str) -> None:
        with self._lock:
            self._requests[name] += 1

    def _sent(self, values: dict[str, Any]) -> None:
        """End the request's span and send what ended; a collector that is not there harms nobody."""
        for name, count in sorted(self._requests.items()):
            self._request.set_attribute(f"store.{name}", count)
        _end(self._request, values)
        try:
            if self._remaining() < _LEFT:
                raise TimeoutError
            self._post()
        except Exception as error:  # the library's own troubles are no trouble of a document either
            self._log("traces-not-sent", reason=_told(error)["code"], message="The spans of this call are lost.")

    def _post(self) -> None:
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        body = encode_spans(self._spans.get_finished_spans()).SerializeToString()
        allowed = Addresses((urlsplit(self._endpoint).hostname or "",))
        reply = allowed.exchange("POST", self._endpoint, body, _HEADERS, _SECONDS, _ANSWER_BYTES)
        if not 200 <= reply.status < 300:
            self._log("traces-not-sent", reason=f"status-{reply.status}", message="The collector refuses the spans.")


class _Call:
    """Follows one paid call."""

    def __init__(self, span: Any, values: dict[str, Any]) -> None:
        self._span = span
        self._values = values

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end(self._span, {**self._values, **_told(error)})


class _FollowedRecognizer:
    """Makes paid calls, each in a span of its own. See ``legible.ports.Recognizer``."""

    def __init__(self, recognizer: Recognizer, trace: RequestTrace) -> None:
        self._recognizer = recognizer
        self._trace = trace

    def recognize(self, operation: Operation, options: dict[str, Any], picture: Picture, seconds: float) -> Answer:
        with self._trace.call(operation, picture):
            return self._recognizer.recognize(operation, options, picture, seconds)


class _CountedStore:
    """Passes everything on to a store, and counts what is asked. See ``legible.ports.ObjectStore``."""

    #: What asks nobody.
    _LOCAL = frozenset({"now", "url", "signed_url", "signed_put"})

    def __init__(self, store: ObjectStore, count: Callable[[str], None]) -> None:
        self._store = store
        self._count = count

    def __getattr__(self, name: str) -> Any:
        if name not in self._LOCAL:
            self._count(name)
        return getattr(self._store, name)


class _CountedForesight(_CountedStore):
    """The same for a store with foresight, whose methods must be there to be seen. See ``legible.ports.Foresight``."""

    def glance(self, *asked: Any, **named: Any) -> Head:
        self._count("glance")
        return cast("Foresight", self._store).glance(*asked, **named)

    def glanced(self, *asked: Any, **named: Any) -> Head | None:
        return cast("Foresight", self._store).glanced(*asked, **named)

    def prefetch(self, *asked: Any, **named: Any) -> None:
        self._count("prefetch")
        cast("Foresight", self._store).prefetch(*asked, **named)


def _told(error: BaseException | None) -> dict[str, Any]:
    """Return what is told of an error: its code, or its kind; never its words, which may quote something."""
    if error is None:
        return {"status": "ok"}
    return {"status": "error", "code": error.reason_code if isinstance(error, LegibleError) else type(error).__name__}


def _end(span: Any, values: dict[str, Any]) -> None:
    """End a span, with those values that may be told."""
    for name, value in values.items():
        if name in ATTRIBUTES and isinstance(value, (str, int)) and value != "":
            span.set_attribute(name, value)
    span.end()
