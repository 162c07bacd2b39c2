"""What is done for each route: one method a route, named as the route is."""

from __future__ import annotations

import io
import mimetypes
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct, structs

from legible.api import bodies, openapi, shapes
from legible.api.code import code
from legible.api.ids import gone, id_of, key_of
from legible.api.lookup import Fits, Known, ListedDocument, Lookup
from legible.api.pictures import PagePictures
from legible.api.problems import ProblemError
from legible.api.routes import JSON
from legible.documents.submission import Submission, Submitter
from legible.errors import LegibleError, ObjectGoneError, RejectedError, SettingsError, UnavailableError
from legible.extraction import corrections
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Order, Upload, WorkbookOrder
from legible.model.http import Reply, Request
from legible.model.layout import KINDS as RESULTS
from legible.model.layout import RECORD
from legible.model.pages import Frame
from legible.model.records import Record
from legible.operations import catalog, routing
from legible.operations.operation import Operation
from legible.outputs import csv_jsonl
from legible.ports import ObjectStore, Recognizer, Shown
from legible.recognition import probe
from legible.results.rebuild import Rebuilder
from legible.results.review import Reviewer
from legible.workbooks.builds import Build, Builds
from legible.workbooks.collector import KINDS, check_name

#: A reply of 6 MB goes through the gateway (functiongraph_01_0150), in Base64 and with what is beside the record.
MOST_RECORD_BYTES = 4_000_000
#: A page's picture, a result: open for so many seconds.
_LINK_SECONDS = 300
#: How often somebody who waits is looked after, in seconds, and what is kept free to reply.
_LOOK_SECONDS, _REPLY_SECONDS = 0.5, 3.0
_ONCE = re.compile(r"[!-~]{0,255}")
#: What stands behind the path of a URL.
_TAIL = re.compile(r"[?#].*", re.DOTALL)
#: The result that each ending of a document's URL leads to.
_RESULTS = {"json": RECORD, "xlsx": "record.xlsx", "md": "record.md", "pdf": "record.pdf"}

Answer = Reply | Struct | tuple[int, Any]


class Call(Struct, frozen=True):
    """One request on its way to an endpoint: the parts of its path, its query and its body, checked."""

    request: Request
    places: dict[str, str]
    query: Any = None
    body: Any = None


class Services(Struct, frozen=True):
    """What the endpoints are made of.

    ``tenants`` has, by application, what all its keys begin with; without any, every application sees everything.
    ``app_header`` is where the gateway says which application it is.
    ``start`` has a function read a document, ``collect`` has one build a workbook. ``ocr`` tells where an operation is
    called. ``fetch`` returns what a public URL holds, at most so many bytes of it. ``builds`` tells how workbooks
    stand.
    """

    store: ObjectStore
    input_bucket: str
    output: str
    lookup: Lookup
    submitter: Submitter
    showing: PagePictures
    reviewer: Reviewer
    rebuilder: Rebuilder
    recognizer: Recognizer
    rules: routing.Routing
    tenants: Mapping[str, str]
    app_header: str
    start: Callable[[Upload], None]
    collect: Callable[[WorkbookOrder], None]
    ocr: Callable[[str], str]
    fetch: Callable[[str, int], bytes]
    remaining: Callable[[], float]
    pause: Callable[[float], None]
    version: str
    formats: tuple[Any, ...]
    builds: Builds
    now: Callable[[], datetime]


class Endpoints:
    """Answers what the routes ask.

    Args:
        parts: What it is made of.
    """

    def __init__(self, parts: Services) -> None:
        """See the class."""
        self._parts = parts

    def browser_origin(self) -> tuple[str, ...]:
        """Return the origins that signed URLs have."""
        names = (self._parts.input_bucket, self._parts.output)
        urls = (self._parts.store.url(ObjectRef(name, "x")) for name in names)
        return tuple(dict.fromkeys("/".join(url.split("/")[:3]) for url in urls))

    # Operations

    def operations(self, call: Call) -> Answer:
        """All operations."""
        return shapes.OperationList(tuple(_operation(one) for one in catalog.OPERATIONS.values()))

    def code(self, call: Call) -> Answer:
        """The request of an operation, and code for it."""
        operation = _found(call.places["slug"])
        options = bodies.options_of(call.query.options)
        try:
            routing.checked_options(operation.slug, options, "The query")
        except SettingsError as error:
            raise ProblemError(422, "bad-order", error.message, error.advice) from None
        key = self._key(call, call.query.id) if call.query.id else f"{operation.slug}/document.png"
        source = self._parts.store.url(ObjectRef(self._parts.input_bucket, key))
        return code(operation, options, self._parts.ocr(operation.slug), source)

    # Documents

    def documents(self, call: Call) -> Answer:
        """A part of the list of documents."""
        asked: shapes.Listing = call.query
        prefix = self._prefix(call) + asked.prefix
        lookup = self._parts.lookup
        look = lookup.by_key if asked.order == "key" else lookup.newest
        found, cursor = look(prefix, _wanted(asked), asked.limit, asked.cursor)
        return shapes.DocumentList(tuple(map(_summary, found)), cursor or None)

    def show(self, call: Call) -> Answer:
        """One document."""
        return self._status(self._known(call), call.query.version)

    def submit(self, call: Call) -> Answer:
        """Take a document; wait for its result if that is asked for."""
        until = self._parts.remaining() - call.query.wait
        submission, content = self._submission(call)
        source = call.body.url if call.body else ""
        key = self._parts.submitter.submit(submission, content, self._prefix(call), _once(call), source)
        with suppress(LegibleError):  # it was taken: whoever was told otherwise would send it, and pay, again
            while call.query.wait and self._parts.remaining() > max(until, _REPLY_SECONDS):
                known = self._parts.lookup.find(key)
                if known.status != "running":
                    return self._status(known)
                self._parts.pause(_LOOK_SECONDS)
        return 202, shapes.Accepted(id_of(key), key, "running", {"self": _path(key)})

    def upload(self, call: Call) -> Answer:
        """A signed request that uploads a file."""
        asked: shapes.NewUpload = call.body
        submission = Submission(asked.name, Order(asked.operation, asked.options), asked.content_type)
        key, signed = self._parts.submitter.sign(submission, asked.size, self._prefix(call), asked.md5)
        request = shapes.Signed("PUT", signed.url, signed.headers, signed.expires_at)
        return 201, shapes.UploadTicket(id_of(key), key, request, {"self": _path(key)})

    def result(self, call: Call) -> Answer:
        """A result as a file."""
        known, kind = self._known(call), call.places["kind"]
        if kind == "csv":
            return self._csv(known)
        return self._file(known, _RESULTS[kind])

    def form(self, call: Call) -> Answer:
        """The filled form."""
        return self._file(self._known(call), "form.xlsx")

    def image(self, call: Call) -> Answer:
        """The picture of a page."""
        known, page = self._known(call), int(call.places["page"])
        try:
            picture = self._parts.showing.picture(self._document(known), page, _frame(known, page))
        except RejectedError as error:
            if error.reason_code != "no-such-page":
                raise
            raise ProblemError(404, error.reason_code, error.message, "Pages are counted from 1.") from None
        return self._opened(picture.ref, picture.shown)

    def answer(self, call: Call) -> Answer:
        """The answer of a paid call."""
        known, page = self._known(call), int(call.places["page"])
        if not known.state.has_answer(page):
            raise ProblemError(404, "no-answer", f"Page {page} has no answer.", "It was not paid for.")
        ref = ObjectRef(self._parts.output, layout.answer(known.document, page))
        if self._parts.store.head(ref).size > MOST_RECORD_BYTES:
            return self._opened(ref, Shown(JSON))
        return Reply(200, {"Content-Type": JSON}, self._parts.store.read(ref))

    def review(self, call: Call) -> Answer:
        """Take corrections."""
        key, review = self._known(call).document.key, call.body
        edits = [
            corrections.Change(edit.page, edit.name, edit.value, corrections.digest(edit.was)) for edit in review.edits
        ]
        author = self._author(call, review.author.strip())
        name = layout.shortened(key)
        try:
            applied = self._parts.reviewer.apply(name, review.version, edits, author, review.conflicts)
        except RejectedError as error:
            if error.reason_code != "other-version":
                raise
            raise ProblemError(409, error.reason_code, error.message, "Load the document again.") from None
        return shapes.Reviewed(applied.applied, applied.already, applied.conflicts, applied.unknown)

    def rerun(self, call: Call) -> Answer:
        """Try a document again, or make its results anew."""
        known = self._known(call)
        document, finished = known.document, known.state.finished
        if finished is not None and finished.status == "done":
            self._parts.rebuilder.rebuild(self._document(known))
            return self._status(self._known(call))
        if document.bucket != self._parts.input_bucket:
            raise ProblemError(
                409, "no-upload", "No upload is known of this document: its event could not be read.",
                "Upload the document again.",
            )  # fmt: skip
        if not known.held:  # else its holder goes on; another one would only wait, and be given up in the end
            self._parts.start(
                Upload(
                    document.ref,
                    etag=document.etag,
                    version_id=document.version_id,
                    order=document.order,
                    again=finished.name if finished else "",
                )
            )
        key = document.key
        return 202, shapes.Accepted(id_of(key), key, "running", {"self": _path(key)})

    # Workbooks

    def workbook(self, call: Call) -> Answer:
        """Have a workbook built."""
        asked: shapes.NewWorkbook = call.body
        own = self._prefix(call)
        check_name(own + asked.workbook)  # the function that builds it has nobody to tell
        wanted = WorkbookOrder(
            own + asked.workbook, own + asked.prefix, asked.day, asked.formats or self._parts.formats
        )
        asked_at = self._parts.now()
        self._parts.collect(wanted)
        self._parts.builds.tell(wanted.workbook, Build("running", asked_at))
        links: dict[str, str] = {kind: _workbook(f"{asked.workbook}.{KINDS[kind][0]}") for kind in wanted.formats}
        return 202, shapes.WorkbookTicket(asked.workbook, {"self": _workbook(asked.workbook), **links})

    def workbook_file(self, call: Call) -> Answer:
        """How the build of a workbook stands, or a file of it."""
        own, name = self._prefix(call), call.places["file"]
        ending = next((ending for ending in KINDS.values() if name.endswith(f".{ending[0]}")), None)
        ref = ObjectRef(self._parts.output, layout.workbook(own + name))
        if ending is not None and self._is_there(ref):
            return self._opened(ref, Shown(ending[1], name))
        build = self._parts.builds.known(own + name)
        if build is None:
            stem = name.removesuffix(f".{ending[0]}") if ending else name
            advice = f"POST /v1/workbooks builds one; {_workbook(stem)} tells how that stands."
            raise ProblemError(404, "no-such-workbook", "There is no such file (yet).", advice)
        files = [file.rsplit("/", 1)[-1] for file in build.files]
        links: dict[str, str] = {
            kind: _workbook(file) for file in files for kind, of in KINDS.items() if file == f"{name}.{of[0]}"
        }
        return 200, shapes.WorkbookStatus(
            name, build.status, build.began_at, {"self": _workbook(name), **links}, build.ended_at, build.documents,
            build.running.count, build.running.first, build.reason,
        )  # fmt: skip

    # The rest

    def health(self, call: Call) -> Answer:
        """Whether documents can be read here."""
        parts = self._parts
        self._prefix(call)  # names of buckets, and calls of the service, are nobody else's either
        found = [
            probe.HealthCheck("settings", "ok", "The settings can be read."),
            *probe.buckets(parts.store, parts.input_bucket, parts.output),
        ]
        if call.query.probe:
            found.append(probe.subscription(parts.recognizer, _found(call.query.probe)))
        fine = all(one.status == "ok" for one in found)
        return shapes.Health("ok" if fine else "degraded", parts.version, tuple(found))

    def openapi(self, call: Call) -> Answer:
        """The description of all this."""
        return Reply(200, {"Content-Type": JSON}, msgspec.json.encode(openapi.document()))

    # What several of them need

    def _author(self, call: Call, name: str) -> str:
        """Return who corrects: a person by the name they give; among tenants always with the application they use."""
        app = self._app(call)
        if name and self._parts.tenants:
            return f"{name} ({app})"
        return name or app or "console"

    def _app(self, call: Call) -> str:
        return call.request.headers.get(self._parts.app_header, "")

    def _prefix(self, call: Call) -> str:
        """Return what all keys of the caller begin with."""
        if not self._parts.tenants:
            return ""
        prefix = self._parts.tenants.get(self._app(call), "")
        if not prefix:
            raise ProblemError(
                403, "unknown-application", "This application has no documents here.",
                "Name it in [[http.tenants]] of legible.toml.",
            )  # fmt: skip
        return prefix

    def _key(self, call: Call, id: str) -> str:
        key = key_of(id)
        if not key.startswith(self._prefix(call)):
            raise gone()
        return key

    def _known(self, call: Call) -> Known:
        try:
            return self._parts.lookup.find(self._key(call, call.places["id"]), call.query.version if call.query else "")
        except ObjectGoneError:
            raise gone() from None

    def _status(self, known: Known, version: str = "") -> shapes.DocumentStatus:
        """Return what is known of a document; with links to results of that version, where it was asked for one."""
        summary, finished, pages = _summary(_listed(known)), known.state.finished, _pages(known)
        names = known.published.names if known.published else ()
        return shapes.DocumentStatus(
            **structs.asdict(summary) | {"links": summary.links | _links(known.document.key, names, version)},
            bucket=known.document.bucket,
            page_count=known.pages or None,
            answered=known.state.answered,
            pages=pages,
            reason=known.reason,
            finished_at=finished.at if finished and known.status != "running" else None,
            results=names,
            record=self._record(known, beside=len(msgspec.json.encode(pages))),
        )

    def _record(self, known: Known, beside: int = 0) -> msgspec.Raw | None:
        """Return the record as it stands, unless it is too large for a reply that has so many bytes ``beside`` it."""
        if known.published is None:
            return None
        ref = ObjectRef(self._parts.output, layout.version(known.document, RECORD))
        if self._parts.store.head(ref).size + beside > MOST_RECORD_BYTES:
            return None
        return msgspec.Raw(self._parts.store.read(ref))

    def _document(self, known: Known) -> Document:
        """Return the document with what intake found out, where its record says it."""
        if known.published is None:
            return known.document
        found = self._parts.rebuilder.of_version(known.document)
        return structs.replace(found, version_id=known.document.version_id or found.version_id)

    def _file(self, known: Known, name: str) -> Reply:
        if known.published is None or name not in known.published.names:
            raise ProblemError(
                404, "no-such-result", f"The document has no {name}.", "See `results`; routes say what is made."
            )
        suffix = name.replace("record.", ".").replace("form.", ".form.")
        ref = ObjectRef(self._parts.output, layout.version(known.document, name))
        return self._opened(ref, Shown(RESULTS[name], _leaf(known) + suffix))

    def _csv(self, known: Known) -> Reply:
        body = self._record(known)
        if body is None:
            raise ProblemError(404, "no-such-result", "The document has no record that a reply can carry.", "")
        file = io.BytesIO()
        rows = csv_jsonl.Csv(file)
        rows.add(msgspec.json.decode(body, type=Record), self._parts.store.url(known.document.ref))
        rows.close()
        ending, media_type = KINDS["csv"]
        shown = Shown(media_type, f"{_leaf(known)}.{ending}")
        return Reply(
            200, {"Content-Type": media_type, "Content-Disposition": shown.disposition}, file.getvalue()
        )  # fmt: skip

    def _opened(self, ref: ObjectRef, shown: Shown) -> Reply:
        return Reply(302, {"Location": self._parts.store.signed_url(ref, _LINK_SECONDS, shown)})

    def _is_there(self, ref: ObjectRef) -> bool:
        try:
            self._parts.store.head(ref)
        except ObjectGoneError:
            return False
        return True

    def _submission(self, call: Call) -> tuple[Submission, bytes | Callable[[], bytes]]:
        """Return what was sent, whichever way; of a URL, what fetches it."""
        if call.body is None:
            form = bodies.form_of(call.request)
            name = form.fields.get("name") or form.name
            order = Order(form.fields.get("operation", ""), bodies.options_of(form.fields.get("options", "")))
            return _submission(name, order), form.content
        asked: shapes.NewDocument = call.body
        if bool(asked.content) == bool(asked.url):
            raise bodies.unfit("body", "Expected either `content` or `url`")
        order = Order(asked.operation, asked.options)
        if asked.url:
            return _submission(asked.name or _name_in(asked.url), order), partial(self._fetched, asked.url)
        return _submission(asked.name, order), bodies.content_of(asked.content)

    def _fetched(self, url: str) -> bytes:
        try:
            return self._parts.fetch(url, bodies.MOST_FETCHED)
        except UnavailableError as error:  # whoever asked is waiting: nobody tries again but they
            advice = "Nothing was stored. Check the URL, and send the request again later."
            raise UnavailableError(error.message, code=error.reason_code, advice=advice) from None


def _workbook(name: str) -> str:
    return f"/v1/workbooks/{quote(name)}"


def _once(call: Call) -> str:
    """Return the sender's own key of a request; empty where it has none."""
    once = call.request.headers.get("idempotency-key", "").strip()
    if not _ONCE.fullmatch(once):
        raise ProblemError(
            422, "idempotency-key-unfit", "The idempotency key is none.", "Use at most 255 printable ASCII letters."
        )
    return once


def _name_in(url: str) -> str:
    """Return what the file of a URL is called; an escaped slash is in no name."""
    path = unquote(_TAIL.sub("", url).rsplit("/", 1)[-1])
    return path.rsplit("/", 1)[-1]


def _submission(name: str, order: Order) -> Submission:
    return Submission(name or "document", order, mimetypes.guess_type(name)[0] or "application/octet-stream")


def _found(slug: str) -> Operation:
    if slug not in catalog.slugs():
        raise ProblemError(404, "no-such-operation", "There is no such operation.", "GET /v1/operations lists them.")
    return catalog.find(slug)


def _leaf(known: Known) -> str:
    return known.document.key.rsplit("/", 1)[-1]


def _path(key: str) -> str:
    return f"/v1/documents/{id_of(key)}"


def _links(key: str, names: tuple[str, ...], version: str = "") -> dict[str, str]:
    """Return what can be asked of a document as it stands, or of one of its versions."""
    path, asked = _path(key), f"?version={quote(version)}" if version else ""
    found = {kind: f"{path}.{kind}{asked}" for kind, name in _RESULTS.items() if name in names}
    if RECORD in names:
        found |= {"record": f"{path}.json{asked}", "csv": f"{path}.csv{asked}", "review": f"{path}/review"}
    if "form.xlsx" in names:
        found["form"] = f"{path}/form.xlsx{asked}"
    return {**found, "rerun": f"{path}/rerun"}


def _wanted(asked: shapes.Listing) -> Fits:
    """Return which documents are asked for; None for all."""
    if not asked.status and not asked.doubtful:
        return None
    return lambda one: (not asked.status or one.status == asked.status) and (not asked.doubtful or one.doubtful > 0)


def _summary(one: ListedDocument) -> shapes.Summary:
    return shapes.Summary(
        id=id_of(one.key), key=one.key, version=one.version, size=one.size, uploaded_at=one.uploaded_at,
        status=one.status, operation=one.operation, revision=one.revision, doubtful=one.doubtful,
        links={"self": _path(one.key)},
    )  # fmt: skip


def _listed(known: Known) -> ListedDocument:
    document, published = known.document, known.published
    return ListedDocument(
        document.key, document.version, known.status, known.state.operation, len(known.state.reviews),
        document.size or None, document.uploaded_at or (published.uploaded_at if published else None),
        published.doubtful if published else 0,
    )  # fmt: skip


def _pages(known: Known) -> tuple[shapes.PageStatus, ...]:
    return tuple(_page(known, number) for number in range(1, known.pages + 1))


def _page(known: Known, number: int) -> shapes.PageStatus:
    page = known.state.pages.get(number)
    if page is None:
        return shapes.PageStatus(number, "waiting")
    if page.answered is not None:
        return shapes.PageStatus(number, "done")
    if page.settled is not None:
        return shapes.PageStatus(number, page.settled.state or "dead", page.settled.reason)
    return shapes.PageStatus(number, "calling" if page.open is not None else "waiting")


def _frame(known: Known, number: int) -> Frame | None:
    page = known.state.pages.get(number)
    return page.answered.frame if page is not None and page.answered is not None else None


def _operation(one: Operation) -> shapes.OperationShape:
    options = tuple(shapes.OptionShape(o.name, o.type, o.help, o.required) for o in one.options)
    fields = tuple(shapes.FieldShape(f.path, f.label, f.label_zh, f.type) for f in one.fields)
    return shapes.OperationShape(
        one.slug, one.title, one.title_zh, one.reads, one.life.state, one.url, one.limits.formats, options, fields
    )
