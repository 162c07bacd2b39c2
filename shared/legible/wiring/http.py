"""Where adapters meet the HTTP API; what it shares with the pipeline, ``wiring`` makes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from legible import VERSION
from legible.api import Api, Endpoints
from legible.api.endpoints import Services
from legible.api.lookup import Lookup
from legible.api.pictures import PagePictures
from legible.documents.submission import Submitter
from legible.errors import HeldError
from legible.huawei import apig
from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.huawei.functiongraph import timer_event
from legible.huawei.relay import FunctionRelay
from legible.ledger.journals import utc_now
from legible.model.documents import Upload, WorkbookOrder
from legible.outbound import Addresses
from legible.ports import ObjectStore
from legible.settings import Settings, load
from legible.wiring import parts
from legible.workbooks.builds import Builds

#: How long a document may take to be fetched from a public URL, in seconds.
_FETCH_SECONDS = 30.0


def answer(event: Any, context: Any) -> dict[str, Any]:
    """Answer one request that the gateway sent; errors are replies too.

    Args:
        event: The gateway's event.
        context: What FunctionGraph passes to the handler.

    Returns:
        The reply as the gateway takes it.
    """
    call = Context(context)
    return apig.response(Api(lambda: _endpoints(call), call.log("INFO"))(apig.request(event)))


def _endpoints(call: Context) -> Endpoints:
    settings = load(parts.settings_file(), call.variable)
    credentials = call.credentials()
    return Endpoints(_parts(settings, parts.store_of(settings, credentials), call, credentials))


def _parts(settings: Settings, store: ObjectStore, call: Context, credentials: Credentials) -> Services:
    buckets, folder = settings.buckets, parts.settings_folder()
    made = parts.parts(settings, store, call.remaining, folder)
    rules = parts.rules(settings)
    return Services(
        store=store,
        input_bucket=buckets.input,
        output=buckets.output,
        lookup=Lookup(
            store,
            buckets.input,
            buckets.output,
            ledger=made.ledger,
            publisher=made.publisher,
            documents=made.documents,
            rules=rules,
            marker=settings.workbooks.marker,
            remaining=call.remaining,
        ),
        submitter=Submitter(
            store,
            buckets.input,
            buckets.output,
            rules=rules,
            marker=settings.workbooks.marker,
            owner=call.owner,
            now=utc_now,
            pause=time.sleep,
            remaining=call.remaining,
            settle=settings.ledger.settle_seconds,
        ),
        showing=PagePictures(store, buckets.output, made.documents, call.remaining),
        reviewer=parts.reviewer(settings, store, folder, call.owner),
        rebuilder=parts.rebuilder(settings, store, folder),
        recognizer=parts.recognizer(settings, call, credentials),
        rules=rules,
        tenants={one.app: one.prefix for one in settings.http.tenants},
        app_header=settings.http.app_header,
        start=_start(settings, store, call, credentials),
        collect=_collect(settings, store, call, credentials),
        ocr=lambda slug: parts.ocr_endpoint(settings, slug),
        fetch=lambda url, most_bytes: Addresses().read(url, most_bytes, _FETCH_SECONDS),
        remaining=call.remaining,
        pause=time.sleep,
        version=VERSION,
        formats=settings.workbooks.formats,
        builds=Builds(store, buckets.output, call.owner),
        now=utc_now,
    )


def _start(settings: Settings, store: ObjectStore, call: Context, credentials: Credentials) -> Callable[[Upload], None]:
    """Return what has the function for uploads read a document; where functions cannot be called, it is read here."""
    function = _sibling(settings, call, credentials, settings.functions.upload)
    if function is not None:
        return function.hand_on

    def here(upload: Upload) -> None:
        reads = parts.recognizer(settings, call, credentials)
        tell = parts.notifiers(settings, call, credentials)
        parts.assemble(settings, store, reads, call, tell=tell).uploads([upload])

    return here


def _collect(
    settings: Settings, store: ObjectStore, call: Context, credentials: Credentials
) -> Callable[[WorkbookOrder], None]:
    """Return what has the function for timers build a workbook; where functions cannot be called, it is built here."""
    function = _sibling(settings, call, credentials, settings.functions.timer)
    if function is not None:
        return lambda asked: function.call(timer_event(asked, utc_now()))

    def here(asked: WorkbookOrder) -> None:
        built = parts.collector(settings, store, call.owner, call.remaining).timed(asked, None, asked.formats)
        if built.reason is not None:
            raise HeldError(built.reason.message, code=built.reason.code, advice=built.reason.advice)

    return here


def _sibling(settings: Settings, call: Context, credentials: Credentials, name: str) -> FunctionRelay | None:
    return parts.function(settings, call, credentials, call.sibling(settings.cloud.region, name))
