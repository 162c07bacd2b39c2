"""Where adapters meet the HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from legible import VERSION
from legible.api import Api, Endpoints
from legible.api.audit_endpoints import AuditEndpoints
from legible.api.audited_calls import AuditedCalls
from legible.api.calls import Callers
from legible.api.change_endpoints import ChangeEndpoints
from legible.api.deployment_endpoints import DeploymentEndpoints
from legible.api.document_endpoints import DocumentEndpoints
from legible.api.document_view import DocumentView
from legible.api.ends_endpoints import EndsEndpoints
from legible.api.lists import DocumentLists
from legible.api.lookup import Lookup
from legible.api.once import Once
from legible.api.oversight_endpoints import OversightEndpoints, Sources
from legible.api.pictures import PagePictures
from legible.api.result_endpoints import ResultEndpoints
from legible.api.workbook_endpoints import WorkbookEndpoints
from legible.documents.submission import Submitter
from legible.errors import HeldError
from legible.huawei import apig
from legible.huawei.context import Context
from legible.huawei.functiongraph import timer_event
from legible.ledger.probes import ProbeLog
from legible.ledger.tombstones import Erasure, Tombstones
from legible.model.documents import Upload, WorkbookOrder
from legible.outbound import Addresses
from legible.oversight.subscriptions import Subscriptions
from legible.wiring import adapters, audit, redrive
from legible.wiring.functions import FunctionParts
from legible.wiring.parts import holding
from legible.workbooks.builds import Builds

if TYPE_CHECKING:
    from legible.oversight.usage import UsageReader
    from legible.upkeep.status import StatusReader
    from legible.wiring.oversight import Oversight

#: How long fetching a document from a public URL may take, in seconds.
_FETCH_SECONDS = 30.0
#: How many journals that changed since ends were listed are read in one request, at most.
_MOST_CHANGED = 200


def answer(event: Any, context: Any) -> dict[str, Any]:
    """Answer one request that the gateway sent; errors are replies too.

    Args:
        event: The gateway's event.
        context: What FunctionGraph passes to the handler.

    Returns:
        The reply as the gateway takes it.
    """
    asked, request, made = Context(context), apig.request(event), list[FunctionParts]()

    def endpoints() -> Endpoints:
        made.append(FunctionParts(asked))
        return _endpoints(made[-1])

    reply = Api(endpoints, asked.log("INFO"))(request)
    for parts in made:
        if parts.trace is not None:
            parts.trace.answered(request.method, reply.status)
    return apig.response(reply)


def _endpoints(parts: FunctionParts) -> Endpoints:
    settings, site, call = parts.settings, parts.site, parts.call
    callers = Callers({one.app: one.prefix for one in settings.http.tenants}, settings.http.app_header)
    lookup = Lookup(site, call, parts.uploads, parts.ledger.journals, parts.publisher)
    lists = DocumentLists(call, parts.selector, lookup, parts.publisher, parts.rules)
    submitter = Submitter(site, call, parts.rules, settings.workbooks.marker, settings.ledger.settle_seconds)
    view = DocumentView(site, callers, lookup)
    builds = Builds(site, call.owner)
    audited = AuditedCalls(
        audit.desk(parts, "http"),
        callers,
        call.log,
        downloads=settings.audit.downloads,
        digest=Tombstones(site).digest,
    )
    return Endpoints(
        site,
        (
            DocumentEndpoints(view, call, lists, submitter, _fetched),
            ResultEndpoints(view, PagePictures(site, call, parts.intake)),
            ChangeEndpoints(view, parts.reviewer, parts.rebuilder, _start(parts), _forget(parts)),
            WorkbookEndpoints(site, call, callers, builds, _collect(parts), settings.workbooks.formats),
            DeploymentEndpoints(
                site,
                callers,
                parts.recognizer,
                lambda slug: adapters.ocr_endpoint(settings, slug),
                ProbeLog(site, call, "health").note,
                VERSION,
            ),
            AuditEndpoints(site, call, callers),
            OversightEndpoints(call, callers, _sources(parts)),
            _ends(parts, callers),
        ),
        audited.over,
    )


def _ends(parts: FunctionParts, callers: Callers) -> EndsEndpoints:
    def reader() -> UsageReader:
        from legible.wiring.oversight import of_function  # workbooks and four services come with it

        return of_function(parts).reader(lambda: None, bills=False)

    price = redrive.price(reader, parts.call.now)
    return EndsEndpoints(
        parts.call,
        callers,
        lambda: redrive.ends(parts, _MOST_CHANGED),
        lambda: redrive.redrive(parts, price, _MOST_CHANGED),
        price,
        Once(parts.site, parts.call, parts.settings.ledger.settle_seconds),
    )


def _sources(parts: FunctionParts) -> Sources:
    """Return what tells of the account, made when it is asked: most requests are about documents."""

    @cache
    def oversight() -> Oversight:
        from legible.wiring.oversight import of_function  # workbooks and four services come with it

        return of_function(parts)

    def sums() -> StatusReader:
        from legible.wiring.upkeep import status

        return status(parts)

    def held() -> Iterator[tuple[str, str]]:
        for known in holding(parts).obstacles():
            if known.obstacle.kind == "operation" and not known.gone:
                yield known.obstacle.subject, known.obstacle.region

    return Sources(
        lambda timely, *, bills: oversight().reader(timely, bills=bills),
        lambda timely: oversight().accountant(timely, bills=False),
        sums,
        lambda: oversight().reconciler,
        lambda: Subscriptions(
            parts.site, parts.rules, parts.recognizer, ProbeLog(parts.site, parts.call, "subscriptions").note
        ),
        held,
    )


def _fetched(url: str, most_bytes: int) -> bytes:
    return Addresses().read(url, most_bytes, _FETCH_SECONDS)


def _start(parts: FunctionParts) -> Callable[[Upload], None]:
    """Return what calls the function for uploads to read a document; if no function can be called, it is read here."""
    function = parts.sibling(parts.settings.functions.upload)
    if function is not None:
        return function.hand_on

    def here(upload: Upload) -> None:
        parts.pipeline().uploads([upload])

    return here


def _forget(parts: FunctionParts) -> Callable[[str, str, str], None]:
    """Return what notes that a document is to be forgotten: this function may remove nothing itself."""

    def note(key: str, operator: str, reason: str) -> None:
        tombstones = Tombstones(parts.site)
        if tombstones.pending(key) is None:
            tombstones.note(Erasure(key, parts.call.now(), operator, reason))

    return note


def _collect(parts: FunctionParts) -> Callable[[WorkbookOrder], None]:
    """Return what calls the function for timers to build a workbook; if none can be called, it is built here."""
    function = parts.sibling(parts.settings.functions.timer)
    if function is not None:
        return lambda order: function.call(timer_event(order, parts.call.now()))

    def here(order: WorkbookOrder) -> None:
        built = parts.collector.timed(order, None, order.formats)
        if built.reason is not None:
            raise HeldError(built.reason.message, code=built.reason.code, advice=built.reason.advice)

    return here
