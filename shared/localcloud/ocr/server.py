"""The local OCR over HTTP: signature, subscription, limits, OBS authorization, billing; and real recognition.

Not imitated: which region offers which operation, withdrawn operations (the catalog says both), and the gateway's own
throttling (``throttle`` faults stand for it). The order of checks if several fail at once is ours.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from legible.operations.catalog import OPERATIONS
from localcloud.api import Answer, SignedApi, answered, encoded
from localcloud.faults import Fault
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.obs import LocalObs
from localcloud.ocr import body as request_body
from localcloud.ocr.errors import OcrError
from localcloud.ocr.fetch import ObsReader
from localcloud.ocr.journal import Call, Journal, enterprise_project
from localcloud.web import Environ, StartResponse, raw_uri, read_body, read_headers

Recognize = Callable[[str, bytes, dict[str, Any]], Any]

_PATH = re.compile(r"/v2/(?P<project>[^/]+)/ocr/(?P<slug>[^/?]+)")
_log = logging.getLogger("localcloud.ocr")


@dataclass
class OcrAnswer(Answer):
    """An answer, and what the journal says of it: the error's code, where the image came from, units to be billed."""

    code: str = ""
    source: str = ""
    units: int = 0


def embedded(slug: str, image: bytes, options: dict[str, Any]) -> Any:
    """Recognize with the embedded OCR engine, loaded on first use."""
    from localcloud.engine import EngineError, recognize

    try:
        return recognize(slug, image, options)
    except EngineError as error:
        raise OcrError(error.code, error.message) from error


class LocalOcr(SignedApi):
    """A WSGI application that answers as Huawei Cloud OCR does.

    Fault kinds, struck after the signature check; paths are slugs, the method is POST.

    - Not billed: ``throttle`` (429 APIG.0308), ``error`` (``status``, ``code``, ``message``; ModelArts.4402 unless
      named), ``redirect`` (302).
    - The work is done and billed: ``lost-answer`` (silence for ``seconds``, an hour unless named, then the connection
      closes), ``cut`` (breaks in mid-answer), ``no-result`` (200 with an empty object), ``empty`` (204), ``html`` (200
      with a page), ``error-in-result`` (200 with an error's ``code`` and ``message`` in ``result``, as published of
      general-table), ``error-alone`` (200 with them and no ``result``), ``body`` (``status``, ``body``,
      ``content_type``; billed if 2xx). Only 2xx is billed (user guide, chapter 2); whether one with an error in it is,
      no page says.
    - ``delay`` waits ``seconds`` and then answers.
    - ``kill-before`` (not billed) and ``kill-after`` (billed) kill the function instance that calls, see ``on_kill``.
    """

    silence = 3600.0

    def __init__(
        self,
        keys: Keyring,
        project_id: str,
        *,
        region: str = "cn-north-4",
        obs: LocalObs | None = None,
        state: Path | None = None,
        recognizer: Recognize = embedded,
        recorded: Mapping[str, bytes | Path] | None = None,
    ) -> None:
        """Serve one project.

        Args:
            keys: The access keys that may call.
            project_id: The only project there is.
            region: Where the service is; an OBS bucket elsewhere cannot be read.
            obs: The OBS that ``url`` may point into; its port is ``reader.port``.
            state: A folder for the journal, so that the count survives a restart.
            recognizer: What recognizes: slug, file and options in, the value of ``result`` out; may raise OcrError.
            recorded: Slugs that answer with this recorded body instead, marked ``X-OCR-Engine: recorded`` and, in the
                body, by a key ``recorded``.
        """
        super().__init__(keys, project_id)
        self.journal = Journal(state / "journal.jsonl" if state else None)
        self.reader = ObsReader(obs, region)
        self.recorded: dict[str, bytes | Path] = dict(recorded or {})
        #: Slugs that the account is not subscribed to; it is to all others.
        self.unsubscribed: set[str] = set()
        #: Is told of a subscription or its end, as the user of the console makes it: what, and of which slug, and who.
        self.on_subscription: Callable[[Literal["subscribe", "unsubscribe"], str, str], object] = lambda *told: None
        self._recognizer = recognizer

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        body = read_body(environ)
        uri = raw_uri(environ)
        request_id = uuid.uuid4().hex
        if environ["REQUEST_METHOD"] == "GET" and uri.startswith("/_local/"):
            return answered(start_response, self._control(uri), request_id)
        fault, answer = self._answer(environ, uri, body, request_id)
        self._note(environ, uri, answer, fault, request_id)
        head = f"HTTP/1.1 200 OK\r\nX-Request-Id: {request_id}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
        self._strike(fault, environ, sent=head.encode() + answer.body[: len(answer.body) // 2])
        return answered(start_response, answer, request_id)

    def subscribe(self, slug: str, user: str = "local") -> None:
        """Subscribe to an operation, as a user does in the console; no API does that."""
        self.unsubscribed.discard(slug)
        self.on_subscription("subscribe", slug, user)

    def unsubscribe(self, slug: str, user: str = "local") -> None:
        """End a subscription."""
        self.unsubscribed.add(slug)
        self.on_subscription("unsubscribe", slug, user)

    def _answer(self, environ: Environ, uri: str, body: bytes, request_id: str) -> tuple[Fault | None, OcrAnswer]:
        fault = None
        try:
            slug = self._admit(environ, uri, body)
            fault = self.faults.take("POST", slug)
            if fault:
                early = self._strike_before(fault)
                if early:
                    return fault, early
            answer = self._recognize(slug, body)
            return fault, _strike_after(fault, slug, answer) if fault else answer
        except OcrError as error:
            return fault, OcrAnswer(error.status, encoded(error.body(request_id)), code=error.code)

    def _admit(self, environ: Environ, uri: str, body: bytes) -> str:
        path = _PATH.fullmatch(uri.partition("?")[0])
        if environ["REQUEST_METHOD"] != "POST" or path is None:
            raise OcrError("APIG.0101")
        try:
            signature.check("POST", uri, read_headers(environ), body, self._keys)
        except signature.SignatureError as error:
            raise OcrError("APIG.0301", str(error)) from None
        if path["project"] != self._project_id or path["slug"] not in OPERATIONS:
            raise OcrError("APIG.0101")
        if path["slug"] in self.unsubscribed:
            raise OcrError("ModelArts.4204")
        return path["slug"]

    def _recognize(self, slug: str, body: bytes) -> OcrAnswer:
        asked = request_body.read(OPERATIONS[slug], body, self.reader)
        if slug in self.recorded:
            recorded = self.recorded[slug]
            content = _marked(recorded if isinstance(recorded, bytes) else recorded.read_bytes(), slug)
            return OcrAnswer(200, content, {"X-OCR-Engine": "recorded"}, source=asked.source, units=1)
        try:
            result = self._recognizer(slug, asked.document, asked.options)
        except OcrError:
            raise
        except Exception as error:
            _log.exception("recognizing %s failed", slug)
            raise OcrError("ModelArts.4505", f"Internal error of the backend service: {error}") from error
        content = encoded({"result": result})
        units = _units(slug, content)
        return OcrAnswer(200, content, {"X-OCR-Engine": "embedded"}, source=asked.source, units=units)

    def _strike_before(self, fault: Fault) -> OcrAnswer | None:
        if fault.kind == "throttle":
            raise OcrError("APIG.0308")
        if fault.kind == "error":
            raise OcrError(fault.code or "ModelArts.4402", fault.message, fault.status)
        if fault.kind == "kill-before":
            return OcrAnswer(499, b"", code="killed")
        if fault.kind == "redirect":
            return OcrAnswer(302, b"", {"Location": "https://example.invalid/"})
        if fault.kind == "delay":
            self._stopping.wait(fault.seconds)
        return None

    def _note(self, environ: Environ, uri: str, answer: OcrAnswer, fault: Fault | None, request_id: str) -> None:
        path = _PATH.fullmatch(uri.partition("?")[0])
        self.journal.add(
            Call(
                time=time.time(),
                slug=path["slug"] if path else "",
                request_id=request_id,
                status=answer.status,
                project=enterprise_project(read_headers(environ).get("enterprise-project-id", "")),
                units=answer.units if 200 <= answer.status < 300 else 0,
                code=answer.code,
                source=answer.source,
                fault=fault.kind if fault else "",
            )
        )

    def _control(self, uri: str) -> OcrAnswer:
        if uri == "/_local/journal":
            return OcrAnswer(200, msgspec.json.encode(self.journal.calls))
        if uri == "/_local/bill":
            return OcrAnswer(200, encoded(self.journal.bill()))
        return OcrAnswer(404, b"{}")


def _marked(content: bytes, slug: str) -> bytes:
    """Mark a recorded answer as one, so that the record made from it says so too."""
    body = json.loads(content)
    note = f"This is the recorded answer of {slug}; the document itself was not read."
    return encoded({**body, "recorded": note}) if isinstance(body, dict) else content


def _units(slug: str, content: bytes) -> int:
    """Return what a call is billed as: one, but for auto-classification each document it recognized (ocr_03_0113)."""
    try:
        found = json.loads(content)["result"] if slug == "auto-classification" else None
        codes = [part["status"]["error_code"] if "status" in part else "AIS.0000" for part in found or []]
    except (ValueError, TypeError, KeyError):
        return 1
    return codes.count("AIS.0000") if codes else 1


def _strike_after(fault: Fault, slug: str, answer: OcrAnswer) -> OcrAnswer:
    if fault.kind == "no-result":
        answer.body = b"{}"
    elif fault.kind in ("error-in-result", "error-alone"):
        error = OcrError(fault.code or "AIS.0103", fault.message)
        body = error.body(uuid.uuid4().hex)
        answer.body, answer.code = encoded({"result": body} if fault.kind == "error-in-result" else body), error.code
    elif fault.kind == "empty":
        answer.status, answer.body = 204, b""
    elif fault.kind == "html":
        answer.body = b"<!DOCTYPE html><html><body>Service page</body></html>"
        answer.headers["Content-Type"] = "text/html"
    elif fault.kind == "body":
        answer.status, answer.body = fault.status or 200, fault.body
        answer.headers["Content-Type"] = fault.content_type
        answer.units = _units(slug, fault.body)
    return answer
