"""The HTTP API over a rig: requests in, replies out, uploads carried to the pipeline as OBS would."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from legible.api import Api, Endpoints
from legible.api.audit_endpoints import AuditEndpoints
from legible.api.audited_calls import AuditedCalls
from legible.api.calls import Callers
from legible.api.change_endpoints import ChangeEndpoints
from legible.api.deployment_endpoints import DeploymentEndpoints
from legible.api.document_endpoints import DocumentEndpoints
from legible.api.document_view import MOST_RECORD_BYTES, DocumentView
from legible.api.ends_endpoints import EndsEndpoints
from legible.api.ids import id_of
from legible.api.lists import MOST_LOOKED, DocumentLists
from legible.api.lookup import Lookup
from legible.api.once import Once
from legible.api.oversight_endpoints import OversightEndpoints, Sources
from legible.api.pictures import PagePictures
from legible.api.result_endpoints import ResultEndpoints
from legible.api.static import CONSOLE
from legible.api.workbook_endpoints import WorkbookEndpoints
from legible.documents.submission import Submitter
from legible.errors import SettingsError
from legible.ledger.changes import Changes
from legible.ledger.probes import ProbeLog
from legible.ledger.tombstones import Erasure, Tombstones
from legible.model.documents import ObjectRef, Upload, WorkbookOrder
from legible.model.http import Reply, Request
from legible.model.prices import Prices, Reconcile
from legible.oversight.accounting import AccountingReader, Told
from legible.oversight.audit_trail import AuditDesk
from legible.oversight.reconciliation import Reconciler
from legible.oversight.subscriptions import Subscriptions
from legible.oversight.usage import UsageReader
from legible.ports import AS_IT_IS, Invocation, Shown
from legible.settings import Settings
from legible.settings.tables import Buckets
from legible.upkeep.status import StatusReader
from legible.wiring import upkeep
from legible.wiring.parts import Parts
from legible.workbooks.builds import Builds
from legible.workbooks.listing import Selector
from tests.support.counting import rollup
from tests.support.rig import IN, Rig
from tests.upkeep import ends_rig


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

    def endpoints(self) -> Endpoints:
        rig, made, changes = self.rig, self.rig.parts(f"request-{next(self.numbers)}"), self.changes
        call = structs.replace(
            made.call,
            pause=self._pause,
            now=changes.get("now", made.call.now),
            remaining=changes.get("remaining", made.call.remaining),
        )
        callers = Callers(self.tenants, "x-legible-app")
        view = DocumentView(rig.site, callers, self.lookup(), changes.get("most_bytes", MOST_RECORD_BYTES))
        lists = DocumentLists(
            call, Selector(rig.site, "_complete"), self.lookup(), made.publisher, rig.rules,
            changes.get("most_looked", MOST_LOOKED),
        )  # fmt: skip
        reviewer = changes.get("reviewer") or rig.reviewer(f"review-{next(self.numbers)}")
        collect = changes.get("collect", self.collected.append)
        fetch = changes.get("fetch", lambda url, most: self.fetched[url][:most])
        ocr = lambda slug: "https://ocr.cn-north-4.myhuaweicloud.com"  # noqa: E731 - the shortest way to say it
        return Endpoints(
            rig.site,
            (
                DocumentEndpoints(view, call, lists, self.submitter(), fetch),
                ResultEndpoints(view, self.pictures()),
                ChangeEndpoints(view, reviewer, rig.rebuilder(), self.started.append, self._forget),
                WorkbookEndpoints(rig.site, call, callers, Builds(rig.site, "api"), collect, ("xlsx",)),
                DeploymentEndpoints(rig.site, callers, rig.ocr, ocr, ProbeLog(rig.site, call, "health").note, "1.2.3"),
                AuditEndpoints(rig.site, call, callers),
                OversightEndpoints(call, callers, self._sources(rig)),
                self._ends(call, callers),
            ),
            AuditedCalls(
                AuditDesk(rig.site, call, "http"),
                callers,
                rig.log,
                downloads=changes.get("downloads", True),
                digest=Tombstones(rig.site).digest,
            ).over,
        )

    def _forget(self, key: str, operator: str, reason: str) -> None:
        Tombstones(self.rig.site).note(Erasure(key, self.rig.clock.now(), operator, reason))

    def _ends(self, call: Invocation, callers: Callers) -> EndsEndpoints:
        rig, price = self.rig, ends_rig.price(self.changes.get("prices", ends_rig.PRICED))
        redrive = self.changes.get("redrive", lambda: ends_rig.redrive(rig, f"redrive-{next(self.numbers)}"))
        once = Once(rig.site, structs.replace(call, pause=rig.clock.pause), 0.0)
        return EndsEndpoints(call, callers, lambda: ends_rig.ends(rig), redrive, price, once)

    def _sources(self, rig: Rig) -> Sources:
        def accountant(timely: Callable[[], None]) -> AccountingReader:
            prices, told = self.changes.get("prices", Prices()), Told(self.changes.get("projects"), None)
            return AccountingReader(rollup(rig), Changes(rig.site, rig.call()), prices, told, self._now, timely)

        note = ProbeLog(rig.site, rig.call(), "subscriptions").note
        asked = Subscriptions(rig.site, rig.rules, rig.ocr, note)
        held = self.changes.get("held", ())
        return Sources(self._reader, accountant, self._sums, self._reconciler, lambda: asked, lambda: held)

    def _sums(self) -> StatusReader:
        call = structs.replace(self.rig.call(), now=self._now)
        settings = Settings(buckets=Buckets(self.rig.input, self.rig.output))
        return upkeep.status(Parts(settings, self.rig.store, call, Path()))

    def _reader(self, timely: Callable[[], None], *, bills: bool) -> UsageReader:
        prices, bill = self.changes.get("prices", Prices()), self.changes.get("billing") if bills else None
        return UsageReader(rollup(self.rig), Changes(self.rig.site, self.rig.call()), prices, bill, self._now, timely)

    def _reconciler(self) -> Reconciler:
        """Raises SettingsError, as where Cloud Eye is not to be reached."""
        if "metrics" not in self.changes:
            raise SettingsError("Cloud Eye is not reached here.", advice="Set cloudeye.endpoint.")
        call = self.rig.call()
        changes, probes = Changes(self.rig.site, call), ProbeLog(self.rig.site, call, "reconcile")
        return Reconciler(self.changes["metrics"], rollup(self.rig), probes, changes, Reconcile(), self._now)

    def _now(self) -> datetime:
        return self.rig.clock.now()

    def lookup(self) -> Lookup:
        made = self.rig.parts()
        return Lookup(self.rig.site, made.call, made.uploads, made.ledger.journals, made.publisher)

    def pictures(self) -> PagePictures:
        made = self.rig.parts()
        return PagePictures(self.rig.site, made.call, made.intake)

    def submitter(self, owner: str = "request-1") -> Submitter:
        return Submitter(self.rig.site, self.rig.call(owner), self.rig.rules, "_complete", 0.2)

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
        return Api(self.endpoints, self.rig.log, self.changes.get("console", CONSOLE))(request)

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
