"""The HTTP API over a rig: requests in, replies out, uploads carried to the pipeline as OBS would."""

from __future__ import annotations

import itertools
import json
from typing import Any

from msgspec import structs

from legible.api import Api, Endpoints
from legible.api.endpoints import Services
from legible.api.ids import id_of
from legible.api.lookup import Lookup
from legible.api.pictures import PagePictures
from legible.documents.submission import Submitter
from legible.model.documents import ObjectRef, Upload, WorkbookOrder
from legible.model.http import Reply, Request
from legible.ports import AS_IT_IS, Shown
from legible.workbooks.builds import Builds
from tests.support.rig import IN, OUT, Rig


class Front:
    """Asks the API, and delivers what was uploaded through it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.started: list[Upload] = []
        self.collected: list[WorkbookOrder] = []
        self.tenants: dict[str, str] = {}
        self.fetched: dict[str, bytes] = {}
        self.changes: dict[str, Any] = {}
        self.numbers = itertools.count(1)
        self.shown: list[tuple[ObjectRef, Shown]] = []
        rig.store.signed_url = self._signed  # type: ignore[method-assign]

    def _signed(self, ref: ObjectRef, seconds: int, shown: Shown = AS_IT_IS) -> str:
        self.shown.append((ref, shown))
        return f"https://obs.example/{ref.bucket}/{ref.key}?Expires={seconds}&Signature=canary-signature"

    def parts(self) -> Services:
        rig, made = self.rig, self.rig.parts()
        return Services(
            store=rig.store,
            input_bucket=IN,
            output=OUT,
            lookup=Lookup(
                rig.store, IN, OUT, ledger=made.ledger, publisher=made.publisher, documents=made.documents,
                rules=rig.rules, marker="_complete", remaining=made.remaining,
            ),
            submitter=self.submitter(),
            showing=PagePictures(rig.store, OUT, made.documents, made.remaining),
            reviewer=rig.reviewer(f"review-{next(self.numbers)}"),
            rebuilder=rig.rebuilder(),
            recognizer=rig.ocr,
            rules=rig.rules,
            tenants=self.tenants,
            app_header="x-legible-app",
            start=self.started.append,
            collect=self.collected.append,
            ocr=lambda slug: "https://ocr.cn-north-4.myhuaweicloud.com",
            fetch=lambda url, most: self.fetched[url][:most],
            remaining=made.remaining,
            pause=self._pause,
            version="1.2.3",
            formats=("xlsx",),
            builds=Builds(rig.store, OUT, "api"),
            now=rig.clock.now,
        )  # fmt: skip

    def submitter(self, owner: str = "request-1") -> Submitter:
        rig, made = self.rig, self.rig.parts()
        return Submitter(
            rig.store, IN, OUT, rules=rig.rules, marker="_complete", owner=owner, now=rig.clock.now,
            pause=rig.clock.pause, remaining=made.remaining, settle=0.2,
        )  # fmt: skip

    def _pause(self, seconds: float) -> None:
        self.rig.clock.pause(seconds)
        self.deliver()

    def deliver(self) -> None:
        """Bring every upload that has no record yet to the pipeline."""
        for key in self.rig.store.keys(IN):
            if not self.rig.has(f"results/{key}/record.json"):
                self.rig.run(Upload(ObjectRef(IN, key)))

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: str
    ) -> Reply:
        said = {"content-type": "application/json"} if body is not None else {}
        sent = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        request = Request(method, path, query, {"host": "api.example", **said, **(headers or {})}, sent)
        parts = structs.replace(self.parts(), **self.changes)
        return Api(lambda: Endpoints(parts), self.rig.log)(request)

    def json(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return json.loads(self.ask(method, path, body, **more).body)

    def document(self, key: str, body: bytes | None = None) -> str:
        """Have a document recognized; return its path."""
        self.rig.run(self.rig.upload(key, body))
        return f"/v1/documents/{id_of(key)}"


def form(body: bytes, file: str, **fields: str) -> tuple[bytes, dict[str, str]]:
    """Return a form with a file, and its header."""
    line = "--frontier\r\nContent-Disposition: form-data; name="
    parts = [f'{line}"{key}"\r\n\r\n{text}\r\n'.encode() for key, text in fields.items()]
    parts.append(f'{line}"file"; filename="{file}"\r\nContent-Type: image/png\r\n\r\n'.encode() + body + b"\r\n")
    return b"".join([*parts, b"--frontier--\r\n"]), {"content-type": "multipart/form-data; boundary=frontier"}


def problem(reply: Reply) -> tuple[int, str]:
    """Return status and stable word of a problem document."""
    assert reply.headers["Content-Type"] == "application/problem+json"
    found = json.loads(reply.body)
    assert found["status"] == reply.status
    return reply.status, found["type"].removeprefix("/problems/")
