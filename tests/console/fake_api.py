"""A small real HTTP API for the console: the contract's paths, documents in memory, and a store at another origin.

Everything is deterministic but the clock: sample documents are as old as they say, counted back from the start. People,
companies and numbers are invented.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from legible.operations.catalog import OPERATIONS
from tests.console import fake_oversight
from tests.support.places import ROOT

CONSOLE = ROOT / "shared" / "legible" / "api" / "console"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: How long a document takes to be read here, in seconds.
READING = 0.6
Json = dict[str, Any]

INVOICE = [
    ("seller", "Seller", "销售方名称", "Harbor Lane Freight Ltd", 0.99, (90, 90), 44),
    ("number", "Invoice number", "发票号码", "HL-2026-00417", 0.97, (90, 190), 30),
    ("issue_date", "Date of issue", "开票日期", "12 March 2026", 0.91, (700, 190), 30),
    ("buyer", "Buyer", "购买方名称", "Northwick Paper Works", 0.96, (90, 260), 30),
    ("buyer_id", "Buyer's tax number", "购买方税号", "91310115MA1K3T0X7Q", 0.62, (700, 260), 30),
    ("total", "Total", "价税合计", "1,284.60", 0.98, (840, 760), 36),
    ("tax", "Tax", "税额", "214.00", 0.83, (840, 700), 30),
    ("drawer", "Drawn by", "开票人", "Maja Lindqvist", None, (90, 860), 30),
]
LINES = [
    ("Item", "Quantity", "Price", "Amount"),
    ("Pallets, collected", "12", "48.00", "576.00"),
    ("Storage, days", "9", "30.50", "274.50"),
    ("Customs clearance", "1", "220.10", "220.10"),
]
LETTER = [
    "Dear Ms Lindqvist,",
    "the lease of the hall at 14 Harbor Lane, Port Ellery, begins on the first of April.",
    "The rent is due on the third working day of each month, for the first time in April.",
    "Yours sincerely, Tomas Okonjo Varga",
]


def encoded(key: str) -> str:
    """Return the id of a document: its key as the contract says."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


@dataclass
class Stored:
    """One document as the API knows it."""

    key: str
    status: str = "running"
    operation: str = "vat-invoice"
    uploaded_at: datetime | None = field(default_factory=lambda: datetime.now(timezone.utc))
    size: int = 184_320
    version: str = "9b2c41f07a"
    page_count: int | None = 1
    pages: list[Json] = field(default_factory=list)
    reason: Json | None = None
    results: tuple[str, ...] = ()
    record: Json | None = None
    image: Callable[[int], bytes] | None = None
    apart: bool = False
    due: float | None = None
    #: Links that are not as they should be.
    links: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        return encoded(self.key)


def font(size: int) -> Any:
    return ImageFont.load_default(size=size)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def written(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int) -> list[list[float]]:
    """Write text and return its four corners."""
    draw.text(at, text, font=font(size), fill="#16202b")
    left, top, right, bottom = draw.textbbox(at, text, font=font(size))
    return [[left - 4, top - 4], [right + 4, top - 4], [right + 4, bottom + 4], [left - 4, bottom + 4]]


@cache
def invoice() -> tuple[bytes, Json]:
    """Draw an invoice; return its picture and what is recognized on it."""
    image = Image.new("RGB", (1240, 960), "#fdfdfb")
    draw = ImageDraw.Draw(image)
    draw.line((90, 165, 1150, 165), fill="#16202b", width=2)
    fields = []
    for name, label, label_zh, value, confidence, at, size in INVOICE:
        corners = written(draw, at, value, size)
        findings = ["tax-number-checksum"] if name == "buyer_id" else ["totals"] if name == "total" else []
        fields.append(a_field(name, label, value, confidence, corners, label_zh=label_zh, findings=findings))
    fields[2] |= {"type": "date", "typed": "2026-03-12"}
    fields[5] |= {"type": "amount", "typed": "1284.60", "currency": "CNY"}
    fields.append(a_field("remarks", "Remarks", "", None, None, label_zh="备注"))
    cells = []
    for row, line in enumerate(LINES):
        for column, text in enumerate(line):
            corners = written(draw, (100 + column * 270 + (110 if column else 0), 370 + row * 66), text, 28)
            sure = 0.74 if text == "220.10" and column == 2 else 0.98
            cells.append({"row": row, "column": column, "text": text, "confidence": sure, "location": corners})
    table = {"name": "item_list", "label": "Line items", "page": 1, "rows": 4, "columns": 4, "cells": cells}
    checks = [
        a_check("totals", ["total", "tax"], "The lines add up to 1,070.60 and the tax to 214.00, together 1,284.60."),
        a_check("tax-number-checksum", ["buyer_id"], "The last digit of the tax number should be J, not Q."),
    ]
    checks[0] |= {"passed": False, "message": "1,070.60 and 214.00 make 1,284.60, but the currency is not printed."}
    return png(image), {"fields": fields, "tables": [table | {"header": True}], "text": [], "checks": checks}


@cache
def letter(pages: tuple[int, ...]) -> tuple[Callable[[int], bytes], Json]:
    """Draw a letter of a PDF, whose locations are in points; a page that is not in ``pages`` has no text."""
    blocks: list[Json] = []
    image = Image.new("RGB", (1654, 2339), "white")
    draw = ImageDraw.Draw(image)
    corners = [written(draw, (180, 260 + 110 * index), text, 36) for index, text in enumerate(LETTER)]
    scale = 1654 / 595.0
    for page in pages:
        for text, box in zip(LETTER, corners, strict=True):
            location = [[x / scale, y / scale] for x, y in box]
            blocks.append({"text": text, "page": page, "confidence": 0.93, "location": location, "corrected": None})
    body = png(image)
    return lambda _: body, {"fields": [], "tables": [], "text": blocks, "checks": []}


def a_field(
    name: str, label: str, value: str, confidence: float | None, location: Any, label_zh: str = "", **more: Any
) -> Json:
    return {
        "name": name,
        "label": label,
        "label_zh": label_zh,
        "value": value,
        "type": "text",
        "typed": None,
        "page": 1,
        "confidence": confidence,
        "location": location,
        "currency": "",
        "findings": [],
        "corrected": None,
        **more,
    }


def a_check(rule: str, fields: list[str], message: str) -> Json:
    return {"rule": rule, "passed": False, "page": 1, "fields": fields, "message": message}


def a_reason(code: str, message: str, advice: str, vendor_code: str = "", request_id: str = "") -> Json:
    return {"code": code, "message": message, "advice": advice, "vendor_code": vendor_code, "request_id": request_id}


def a_record(stored: Stored, read: Json, width: int = 1240, height: int = 960, **more: Any) -> Json:
    document = {"bucket": "in", "key": stored.key, "version": stored.version, "format": "png"}
    return {
        "schema": "legible.record/1",
        "document": document | {"width": width, "height": height, "page_count": stored.page_count},
        "status": stored.status,
        "operation": stored.operation,
        "pages": [{"page": 1, "state": "done", "frame": None}],
        "notes": [],
        "revision": 0,
        **read,
        **more,
    }


def an_invoice(key: str, **more: Any) -> Stored:
    body, read = invoice()
    made = ("record.json", "record.xlsx", "record.md", "record.pdf", "form.xlsx")
    stored = Stored(key, "done", pages=[{"page": 1, "state": "done", "reason": None}], results=made, **more)
    stored.image = lambda _: body
    stored.record = a_record(stored, copy.deepcopy(read))
    return stored


def a_letter(key: str, **more: Any) -> Stored:
    lost = a_reason("page-unreadable", "The page has no picture that could be read.", "Scan it again at 150 dpi.")
    states = [{"page": 1, "state": "done", "reason": None}, {"page": 2, "state": "dead", "reason": lost}]
    states.append({"page": 3, "state": "done", "reason": None})
    made = ("record.json", "record.xlsx")
    stored = Stored(key, "partial", "general-text", page_count=3, pages=states, results=made, **more)
    stored.image, read = letter((1, 3))
    frame = {"width": 595, "height": 842, "unit": "pt", "scale": 2.78}
    stored.record = a_record(stored, copy.deepcopy(read), pages=[page | {"frame": frame} for page in states])
    return stored


def a_blank(key: str, **more: Any) -> Stored:
    stored = an_invoice(key, **more)
    about = {"rule": "page-empty", "fields": [], "message": "Nothing was recognized on this page: it has one color."}
    nothing: Json = {"fields": [], "tables": [], "text": [], "checks": [a_check(**about)]}
    page = {"page": 1, "state": "done", "frame": None, "empty": "one-color"}
    stored.record = a_record(stored, nothing, pages=[page])
    return stored


def samples(start: datetime) -> list[Stored]:
    """Return the sample documents, newest first."""
    ago = lambda **span: start - timedelta(**span)  # noqa: E731 - a word, not a function
    advice = "Scan again at 150 dpi or more; a photo should show the whole page."
    small = a_reason("too-small", "The image has 14 x 14 px; passport takes sides of 15 to 8192 px.", advice)
    subscribe = "Subscribe to the operation in the OCR console, then run the document again."
    held = a_reason(
        "not-subscribed", "The account has not subscribed to id-card.", subscribe, "ModelArts.4204", "8f0c1"
    )
    given_up = a_reason("given-up", "The service did not answer 12 times.", "Run it again when the region is well.")
    found = [
        Stored("invoices/2026-03/pallets-scan.pdf", page_count=5, uploaded_at=ago(seconds=40), size=2_400_000),
        an_invoice("invoices/2026-03/harbor-lane.png", uploaded_at=ago(minutes=9)),
        a_letter("contracts/lease-port-ellery.pdf", uploaded_at=ago(hours=3), size=911_000),
        Stored("passport/tiny.png", "rejected", "passport", ago(hours=5), 412, reason=small),
        Stored("id-card/card-0031.jpg", "held", "id-card", ago(hours=20), 512_000, reason=held),
        Stored("receipts/taxi-night.jpg", "dead", "taxi-invoice", ago(days=1, hours=2), 88_000, reason=given_up),
        an_invoice("archive/large-record.png", uploaded_at=ago(days=1, hours=5), apart=True),
    ]
    for one in found[3:6]:
        one.record = a_record(one, {"fields": [], "tables": [], "text": [], "checks": []}, reason=one.reason)
        one.results = ("record.json", "record.xlsx")
    found[0].image = found[2].image
    found[0].pages = [{"page": n, "state": s, "reason": None} for n, s in enumerate(("done", "done", "calling"), 1)]
    for number in range(64):
        status = "rejected" if number % 17 == 3 else "partial" if number % 13 == 5 else "done"
        at = ago(days=1 + (number * 7 % 12), hours=number % 9, minutes=number)
        key = f"invoices/2026-{1 + number % 3:02}/scan-{number:04}.png"
        found.append(Stored(key, status, "vat-invoice", at, 90_000 + 7919 * number, page_count=1 + number % 3))
    return sorted(found, key=lambda one: one.uploaded_at or start, reverse=True)


class Refused(Exception):
    """A problem document."""

    def __init__(self, status: int, code: str, title: str, detail: str, advice: str = "", **more: Any) -> None:
        super().__init__(title)
        self.status = status
        self.body = {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail, "advice": advice}
        self.body |= more


class QuietHandler(WSGIRequestHandler):
    """Keeps connections open, and says nothing of the requests it answers."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        return


class FakeApi:
    """The gateway's side at ``url``, the store's at ``store_url``; ``requests`` lists what came to the former."""

    def __init__(self, documents: list[Stored] | None = None) -> None:
        self.fill(samples(datetime.now(timezone.utc)) if documents is None else documents)
        self._lock = threading.Lock()
        self._gateway = self._served(self._dispatch)
        self._store = self._served(self._from_store)
        self.url = f"http://127.0.0.1:{self._gateway.port}"
        self.store_url = f"http://127.0.0.1:{self._store.port}"

    @staticmethod
    def _served(application: Callable[[Request], Response]) -> BaseWSGIServer:
        wsgi = Request.application(application)
        server = make_server("127.0.0.1", 0, wsgi, threaded=True, request_handler=QuietHandler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def close(self) -> None:
        for server in (self._gateway, self._store):
            server.shutdown()
            server.server_close()

    def fill(self, documents: list[Stored]) -> None:
        """Begin anew with these documents."""
        self.documents = {one.id: one for one in documents}
        self.options: dict[str, Json] = {}
        self.reviews: list[Json] = []
        self.requests: list[tuple[str, str]] = []
        self.broken: Refused | None = None
        #: So many replies get lost on their way, after what was asked for was done.
        self.lost = 0
        #: Whether a route takes what no operation is named for, and how many documents a part of the list looks at.
        self.routes, self.most_looked = True, 400
        self.keys: list[str] = []
        #: What is told of the account, by path; and what refuses to.
        self.account = fake_oversight.plenty()
        self.shut: dict[str, Refused] = {}

    def add(self, stored: Stored) -> Stored:
        self.documents = {stored.id: stored, **self.documents}
        return stored

    # --- the gateway ---

    ROUTES = Map(
        [
            Rule("/", endpoint="home"),
            Rule("/console/", endpoint="console"),
            Rule("/console/<name>", endpoint="console"),
            Rule("/v1/operations", endpoint="operations"),
            Rule("/v1/operations/<slug>/code", endpoint="code"),
            Rule("/v1/documents", endpoint="listed", methods=["GET"]),
            Rule("/v1/documents", endpoint="posted", methods=["POST"]),
            Rule("/v1/documents/<id>", endpoint="document"),
            Rule("/v1/documents/<id>.<ending>", endpoint="result"),
            Rule("/v1/documents/<id>/form.xlsx", endpoint="form"),
            Rule("/v1/documents/<id>/pages/<int:page>/image", endpoint="image"),
            Rule("/v1/documents/<id>/pages/<int:page>/answer", endpoint="answer"),
            Rule("/v1/documents/<id>/review", endpoint="review", methods=["POST"]),
            Rule("/v1/documents/<id>/rerun", endpoint="rerun", methods=["POST"]),
            Rule("/v1/uploads", endpoint="uploads", methods=["POST"]),
            Rule("/v1/health", endpoint="health"),
            *(Rule(f"/v1/{name}", endpoint="overseen") for name in fake_oversight.PATHS),
        ]
    )

    def _dispatch(self, request: Request) -> Response:
        self.requests.append((request.method, request.full_path.rstrip("?")))
        try:
            endpoint, values = self.ROUTES.bind_to_environ(request.environ).match()
            if self.broken and request.path.startswith("/v1"):
                raise self.broken
            if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in (
                "same-origin",
                "none",
            ):
                raise Refused(403, "cross-origin", "Another site asks", "The request comes from another site.")
            return getattr(self, f"_{endpoint}")(request, **values)
        except Refused as refused:
            headers = {"Retry-After": "1"} if refused.status in (429, 503) else {}
            body = json.dumps(refused.body)
            return Response(body, refused.status, headers, content_type="application/problem+json")
        except HTTPException as error:
            detail = f"Nothing is at {request.path}."
            body = json.dumps({"type": "/problems/not-found", "title": "Not found", "detail": detail})
            return Response(body, error.code, content_type="application/problem+json")

    def _home(self, _: Request) -> Response:
        return redirect("/console/")

    def _console(self, _: Request, name: str = "index.html") -> Response:
        file = CONSOLE / name
        if file.suffix not in TYPES or not file.is_file():
            raise NotFound
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' {self.store_url} data: blob:; "
            f"connect-src 'self' {self.store_url}; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "max-age=600",
        }
        return Response(file.read_bytes(), headers=headers, content_type=f"{TYPES[file.suffix]}; charset=utf-8")

    def _operations(self, _: Request) -> Response:
        return answered({"operations": [operation(slug) for slug in OPERATIONS]})

    def _code(self, request: Request, slug: str) -> Response:
        key = base64.urlsafe_b64decode(request.args.get("id", "") + "===").decode() or "<key>"
        given = {"url": f"https://in.obs.example/{key}", **json.loads(request.args.get("options") or "{}")}
        path = f"/v2/{{project_id}}/ocr/{slug}"
        curl = (
            f"curl -X POST 'https://ocr.example{path}' \\\n  -H \"X-Auth-Token: $TOKEN\" \\\n  -d '{json.dumps(given)}'"
        )
        python = f'from legible import read\n\nrecord = read(\n    "{slug}",\n    {given!r},\n)\nprint(record.fields)\n'
        return answered({"request": {"method": "POST", "path": path, "body": given}, "python": python, "curl": curl})

    def _listed(self, request: Request) -> Response:
        prefix, status = request.args.get("prefix", ""), request.args.get("status", "")
        found = [self._settled(one) for one in self.documents.values()]
        found = [one for one in found if one.key.startswith(prefix)]
        start, limit = int(request.args.get("cursor", "0")), int(request.args.get("limit", "50"))
        end = start + (self.most_looked if status else limit)
        shown = [self._summary(one) for one in found[start:end] if status in ("", one.status)]
        if request.args.get("doubtful") == "true":
            shown = [one for one in shown if one["doubtful"] + one["empty"]]
        return answered({"documents": shown[:limit], "next": str(end) if end < len(found) else None})

    def _document(self, _: Request, id: str) -> Response:
        return answered(self._whole(self._settled(self._known(id))))

    def _posted(self, request: Request) -> Response:
        if request.mimetype == "multipart/form-data":
            file = request.files["file"]
            name, size, given = file.filename or "file", len(file.read()), request.form.to_dict()
            options = json.loads(given.get("options", "{}"))
        else:
            given = json.loads(request.get_data())
            name, size, options = str(given["url"]).rsplit("/", 1)[-1], 1000, given.get("options", {})
        stored = self.add(an_invoice(f"{given['operation']}/{name}", size=size))
        stored.operation = given["operation"]
        self.options[stored.id] = options
        self.keys.append(request.headers["Idempotency-Key"])
        if self._loses():
            raise Refused(503, "lost", "No answer came", "The gateway gave up.", "Send it again.")
        return answered(self._whole(stored))

    def _uploads(self, request: Request) -> Response:
        asked = json.loads(request.get_data())
        if not self.routes and "operation" not in asked:
            raise Refused(422, "no-route", "Unprocessable Entity", "No operation is named.", "Choose an operation.")
        key = f"{asked.get('operation', 'inbox')}/{asked['name']}"
        self.options[encoded(key)] = asked.get("options", {})
        headers = {"Content-Type": asked["content_type"], "x-obs-meta-legible": "1"}
        upload = {"method": "PUT", "url": f"{self.store_url}/in/{encoded(key)}?signed=1", "headers": headers}
        links = {"self": f"/v1/documents/{encoded(key)}"}
        return answered({"id": encoded(key), "key": key, "upload": upload, "links": links}, 201)

    def _review(self, request: Request, id: str) -> Response:
        stored, asked = self._known(id), json.loads(request.get_data())
        self.reviews.append(asked)
        if asked["version"] != stored.version:
            advice = "Open the newest version and look again."
            raise Refused(409, "other-version", "Another version", "The document was uploaded again.", advice)
        with self._lock:
            return answered(self._reviewed(stored, asked))

    def _reviewed(self, stored: Stored, asked: Json) -> Json:
        result: Json = {"applied": 0, "already": 0, "conflicts": [], "unknown": []}
        for edit in asked["edits"]:
            found = item(stored.record or {}, edit["page"], edit["name"])
            if found is None:
                result["unknown"].append(edit["name"])
                continue
            now, by = counting(found), (found.get("corrected") or {}).get("author", "")
            if now not in (edit["was"], edit["value"]) and asked["conflicts"] == "refuse":
                theirs = {
                    "page": edit["page"],
                    "name": edit["name"],
                    "mine": edit["value"],
                    "theirs": now,
                    "author": by,
                }
                result["conflicts"].append(theirs)
                continue
            self.correct(stored, edit["page"], edit["name"], edit["value"], asked.get("author", ""))
            result["applied"] += 1
        return result

    def correct(self, stored: Stored, page: int, name: str, value: str | None, author: str) -> None:
        """Put a correction in the record, as a review does."""
        assert stored.record is not None
        found = item(stored.record, page, name)
        assert found is not None
        at = datetime.now(timezone.utc).isoformat()
        found["corrected"] = None if value is None else {"value": value, "author": author, "at": at}
        stored.record["revision"] += 1

    def _rerun(self, _: Request, id: str) -> Response:
        stored = self._known(id)
        stored.status, stored.due = "running", time.monotonic() + READING
        return answered({"id": id, "status": "running"}, 202, {"Location": f"/v1/documents/{id}"})

    def _result(self, _: Request, id: str, ending: str) -> Response:
        self._known(id)
        return redirect(f"{self.store_url}/out/{id}/record.{ending}?signed=1")

    def _form(self, _: Request, id: str) -> Response:
        return redirect(f"{self.store_url}/out/{id}/form.xlsx?signed=1")

    def _image(self, _: Request, id: str, page: int) -> Response:
        if self._known(id).image is None:
            raise Refused(404, "no-picture", "No picture", f"Page {page} is not kept as a picture.")
        return redirect(f"{self.store_url}/pages/{id}/{page}?signed=1")

    def _answer(self, _: Request, id: str, page: int) -> Response:
        fields = {one["name"]: one["value"] for one in (self._known(id).record or {}).get("fields", [])}
        return answered({"result": fields | {"serial": 12345678901234567890, "page": page}})

    def _health(self, request: Request) -> Response:
        advice = "Grant the agency ocr:*:get in this region, or take the operation out of the routes."
        checks = [
            {"name": "Input bucket", "status": "ok", "message": "in: readable, 1 trigger.", "advice": ""},
            {"name": "Ledger", "status": "ok", "message": "Appending works.", "advice": ""},
            {"name": "OCR subscription", "status": "failed", "message": "id-card is not subscribed.", "advice": advice},
            {"name": "Notifications", "status": "unknown", "message": "No topic is set.", "advice": ""},
        ]
        if probe := request.args.get("probe"):
            checks.append({"name": f"subscription {probe}", "status": "ok", "message": "It may be called."})
        return answered({"status": "degraded", "checks": checks, "version": "0.1.0"})

    def _overseen(self, request: Request) -> Response:
        name = request.path.removeprefix("/v1/")
        if name in self.shut:
            raise self.shut[name]
        if name == "redrives":
            return answered(self.account.redrive(request.get_json()))
        return answered(self.account.told(name, request.args.to_dict()))

    # --- what is known ---

    def _known(self, id: str) -> Stored:
        if id not in self.documents:
            advice = "It may have been removed; look at the list."
            raise Refused(404, "no-document", "No such document", "No document has this id.", advice)
        return self.documents[id]

    def _settled(self, stored: Stored) -> Stored:
        """Let a document be finished once its time has come."""
        if stored.due is not None and time.monotonic() >= stored.due:
            done = an_invoice(stored.key, uploaded_at=stored.uploaded_at, size=stored.size)
            stored.status, stored.record, stored.image, stored.due = "done", done.record, done.image, None
            stored.pages, stored.results, stored.reason = done.pages, done.results, None
        return stored

    def _summary(self, stored: Stored) -> Json:
        return {
            "id": stored.id,
            "key": stored.key,
            "version": stored.version,
            "size": stored.size,
            "uploaded_at": stored.uploaded_at and stored.uploaded_at.isoformat(),
            "status": stored.status,
            "operation": stored.operation,
            "revision": (stored.record or {}).get("revision", 0),
            "doubtful": doubts(stored.record or {}),
            "empty": sum("empty" in page for page in (stored.record or {}).get("pages", ())),
            "links": {"self": f"/v1/documents/{stored.id}"},
        }

    def _whole(self, stored: Stored) -> Json:
        base = f"/v1/documents/{stored.id}"
        links = {name: f"{base}.{name}" for name in ("xlsx", "csv", "md", "pdf")}
        links |= {
            "form": f"{base}/form.xlsx",
            "record": f"{base}.json",
            "rerun": f"{base}/rerun",
            "review": f"{base}/review",
        }
        return self._summary(stored) | {
            "bucket": "in",
            "page_count": stored.page_count,
            "answered": sum(page["state"] == "done" for page in stored.pages),
            "pages": stored.pages,
            "reason": stored.reason,
            "finished_at": None,
            "results": stored.results,
            "record": None if stored.apart else stored.record,
            "links": {"self": base} | links | stored.links,
        }

    # --- the store ---

    def _from_store(self, request: Request) -> Response:
        kind, id, *rest = request.path.strip("/").split("/")
        allowed = {"Access-Control-Allow-Origin": self.url, "Access-Control-Allow-Methods": "PUT, GET"}
        allowed["Access-Control-Allow-Headers"] = "content-type, x-obs-meta-legible"
        if request.method == "OPTIONS":
            return Response("", 204, allowed)
        if request.method == "PUT":
            return self._put(request, id, allowed)
        stored = self._known(id)
        if kind == "pages":
            assert stored.image is not None
            return Response(stored.image(int(rest[0])), headers=allowed, content_type="image/png")
        name = rest[0]
        body = json.dumps(stored.record) if name == "record.json" else f"{name} of {stored.key}"
        allowed["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(body, headers=allowed, content_type="application/octet-stream")

    def _put(self, request: Request, id: str, allowed: dict[str, str]) -> Response:
        body = request.get_data()
        if not request.headers.get("x-obs-meta-legible") or not request.headers.get("Content-Type"):
            return Response("SignatureDoesNotMatch", 403, allowed)
        key = base64.urlsafe_b64decode(id + "===").decode()
        self.add(Stored(key, "running", key.split("/")[0], size=len(body), due=time.monotonic() + READING))
        return Response("", 503 if self._loses() else 200, allowed)

    def _loses(self) -> bool:
        self.lost -= 1
        return self.lost >= 0


def operation(slug: str) -> Json:
    """Return what the API tells of one operation."""
    found = OPERATIONS[slug]
    options = [{"name": o.name, "type": o.type, "help": o.help, "required": o.required} for o in found.options]
    fields = [{"path": f.path, "label": f.label, "label_zh": f.label_zh, "type": f.type} for f in found.fields]
    told = {"slug": slug, "title": found.title, "title_zh": found.title_zh}
    told |= {"reads": found.reads, "formats": found.limits.formats, "url": found.url}
    return told | {"life": found.life.state, "options": options, "fields": fields}


def item(record: Json, page: int, name: str) -> Json | None:
    """Return the field, cell or block of that name."""
    for one in record.get("fields", []):
        if (one["page"], one["name"]) == (page, name):
            return one
    for table in record.get("tables", []):
        for cell in table["cells"]:
            if (table["page"], f"{table['name']}#{cell['row']},{cell['column']}") == (page, name):
                return cell
    blocks = [one for one in record.get("text", []) if one["page"] == page]
    return next((one for number, one in enumerate(blocks, 1) if f"#{number}" == name), None)


def counting(found: Json) -> str:
    """Return the text that counts."""
    corrected = found.get("corrected")
    return str(corrected["value"] if corrected else found.get("value", found.get("text")))


def doubts(record: Json) -> int:
    """Count the values of a record that somebody should look at."""
    cells = [cell for table in record.get("tables", []) for cell in table["cells"]]
    values = [one for one in (*record.get("fields", []), *record.get("text", []), *cells) if not one.get("corrected")]
    broken = {name for check in record.get("checks", []) if not check["passed"] for name in check["fields"]}
    return sum(
        bool(one.get("findings")) or one.get("name") in broken or (one.get("confidence") or 1) < 0.8 for one in values
    )


def answered(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, headers, content_type="application/json")


def redirect(to: str) -> Response:
    return Response("", 302, {"Location": to, "Cache-Control": "no-store"})
