"""The only place where adapters meet the pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from legible.documents.intake import Documents
from legible.huawei import eventgrid, obs, ocr, smn
from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.huawei.relay import FunctionRelay
from legible.huawei.relay import endpoint as functions_endpoint
from legible.ledger.answers import Filing
from legible.ledger.journals import utc_now
from legible.ledger.ledger import Ledger
from legible.notices import webhook
from legible.notices.outbox import Outbox
from legible.notices.sender import NoticeSender, Recipients
from legible.notices.targets import Smn, Webhook
from legible.operations.routing import Routing
from legible.outputs import forms
from legible.pipeline.finish import Finisher
from legible.pipeline.pipeline import Invocation, Pipeline
from legible.ports import Notifier, ObjectStore, Recognizer, Relay
from legible.recognition.context import CallContext
from legible.recognition.document import DocumentCalls
from legible.recognition.policy import Policy
from legible.results.files import Results
from legible.results.newest import Newest
from legible.results.publication import Publisher
from legible.results.rebuild import Rebuilder
from legible.results.review import Reviewer
from legible.settings import Settings
from legible.workbooks.collector import Collector
from legible.workbooks.folders import Folders

#: Where FunctionGraph unpacks the zip (functiongraph_02_0502); this file's own place where the platform does not say.
_ROOTS = (Path(__file__).parents[2], Path(__file__).parents[3])
#: A fresh invocation is called within the time that is kept free at the end (``Policy.reserve``).
_RELAY_SECONDS = 4.0


def recognizer(settings: Settings, call: Context, credentials: Credentials) -> Recognizer:
    """Return what makes the paid calls."""
    return ocr.OcrRecognizer(
        lambda slug: ocr_endpoint(settings, slug),
        credentials,
        settings.cloud.project_id or call.project_id,
        settings.ocr.enterprise_project,
        settings.ocr.connect_seconds,
    )


def assemble(
    settings: Settings,
    store: ObjectStore,
    recognizer: Recognizer,
    call: Context,
    fresh: Relay | None = None,
    tell: Mapping[str, Notifier] | None = None,
) -> Pipeline:
    """Put a pipeline together from its parts.

    Args:
        settings: The settings.
        store: The object storage.
        recognizer: Makes the paid calls.
        call: The call it runs in.
        fresh: Goes on where the time of this invocation ends.
        tell: Tells the targets of the settings, by their names.
    """
    made, said = parts(settings, store, call.remaining, settings_folder()), settings.ocr
    policy = Policy(
        source=said.source,
        attempts=said.attempts,
        window=said.window,
        wait=said.wait_seconds,
        call=said.call_seconds,
        settle=settings.ledger.settle_seconds,
        signed_url=said.signed_url_seconds,
    )
    output = settings.buckets.output
    filing = Filing(store, output)
    return Pipeline(
        documents=made.documents,
        ledger=made.ledger,
        caller=DocumentCalls(CallContext(store, recognizer, output, policy, call.remaining, time.sleep), filing),
        finisher=Finisher(
            made.ledger,
            made.results,
            made.publisher,
            filing,
            notifying(settings, store, call, made.ledger, tell or {}),
        ),
        publisher=made.publisher,
        rules=rules(settings),
        settings={"enterprise_project": said.enterprise_project, "routes": msgspec.to_builtins(settings.operations)},
        invocation=Invocation(call.owner, call.remaining),
        log=call.log(settings.log.level),
        relay=fresh,
        folders=Folders(
            collector(settings, store, call.owner, call.remaining),
            settings.workbooks.formats,
            call.remaining,
            time.sleep,
            fresh,
        ),
    )


def collector(
    settings: Settings, store: ObjectStore, owner: str, remaining: Callable[[], float] | None = None
) -> Collector:
    """Return what builds files over many documents.

    Args:
        settings: The settings.
        store: The object storage.
        owner: A name no other build has.
        remaining: How many seconds are left; None for whoever has no function's deadline.
    """
    buckets = settings.buckets
    return Collector(
        store,
        buckets.input,
        buckets.output,
        marker=settings.workbooks.marker,
        now=utc_now,
        owner=owner,
        remaining=remaining or _unhurried,
    )


def notifiers(settings: Settings, call: Context, credentials: Credentials) -> dict[str, Notifier]:
    """Return what tells each target of the settings.

    With the endpoints of OBS and OCR both set by hand, SMN and EventGrid are reached only where their own endpoints say
    (see ``relay``). The URL of a webhook is always set by hand.

    Raises:
        SettingsError: A user variable holds no secret of a webhook.
    """
    project = settings.cloud.project_id or call.project_id
    found: dict[str, Notifier] = {}
    for name, target in settings.notify.items():
        if isinstance(target, Webhook):
            secret = webhook.secret_of(call.variable(target.secret) or "", target.secret)
            found[name] = webhook.WebhookNotifier(target.url, secret, settings.addresses(), utc_now)
        elif isinstance(target, Smn):
            if where := _endpoint(settings, settings.smn.endpoint, smn.endpoint):
                found[name] = smn.SmnNotifier(where, credentials, project, target.topic_urn)
        elif where := _endpoint(settings, settings.eventgrid.endpoint, eventgrid.endpoint):
            found[name] = eventgrid.EventGridNotifier(where, credentials, project, target.channel_id, target.source)
    return found


def _endpoint(settings: Settings, said: str, regional: Callable[[str], str]) -> str:
    """Return where a service is called; empty in a setup apart from the cloud that does not say."""
    return said or ("" if settings.apart else regional(settings.cloud.region))


def notifying(
    settings: Settings, store: ObjectStore, call: Context, ledger: Ledger, tell: Mapping[str, Notifier]
) -> NoticeSender:
    """Return what tells the targets of the settings how documents end."""
    buckets = settings.buckets
    whom = Recipients(settings.notify, tell, f"/legible/{settings.cloud.region}/{buckets.input}", buckets.output)
    outbox = Outbox(store, buckets.output, ledger.now, ledger.pause)
    return NoticeSender(whom, outbox, ledger, call.remaining, call.log(settings.log.level))


def rebuilder(settings: Settings, store: ObjectStore, folder: Path) -> Rebuilder:
    """Return what makes results anew, for whoever has no function's deadline; forms lie in ``folder``."""
    made = parts(settings, store, _patient, folder)
    return Rebuilder(
        store,
        settings.buckets.output,
        ledger=made.ledger,
        documents=made.documents,
        publisher=made.publisher,
        results=made.results,
        rules=rules(settings),
    )


def reviewer(settings: Settings, store: ObjectStore, folder: Path, owner: str) -> Reviewer:
    """Return what applies reviews; ``owner`` is a name no other run has, forms lie in ``folder``."""
    made = parts(settings, store, _patient, folder)
    return Reviewer(
        store,
        settings.buckets.output,
        ledger=made.ledger,
        results=made.results,
        rebuilder=rebuilder(settings, store, folder),
        owner=owner,
        settle=settings.ledger.settle_seconds,
    )


def store_of(settings: Settings, credentials: Credentials) -> ObjectStore:
    """Return the object storage that the settings name."""
    where = settings.obs.endpoint or obs.endpoint(settings.cloud.region)
    address = obs.ObsEndpoint(where, settings.obs.signature, settings.obs.path_style, settings.cloud.region)
    return obs.ObsStore(address, credentials)


class UseCases(NamedTuple):
    """What every use case needs."""

    ledger: Ledger
    publisher: Publisher
    documents: Documents
    results: Results


def parts(settings: Settings, store: ObjectStore, remaining: Callable[[], float], folder: Path) -> UseCases:
    """Return what every use case needs; forms lie in ``folder``."""
    output = settings.buckets.output
    ledger = Ledger(store, output)
    publisher = Publisher(store, output, Newest(store, output, ledger.now, ledger.pause))
    documents = Documents(store, settings.buckets.input, output, settings.limits.max_pages, remaining)
    return UseCases(
        ledger, publisher, documents, Results(store, output, publisher, remaining, partial(forms.opened, folder))
    )


def rules(settings: Settings) -> Routing:
    """Return how keys are routed."""
    return Routing(
        region=settings.cloud.region,
        routes=settings.routes,
        default=settings.default,
        operations=settings.operations,
        pinned=bool(settings.ocr.endpoint),
    )


def _unhurried() -> float:
    """Return how long somebody at a desk waits for a file over many documents, in seconds: as long as it takes."""
    return 1e9


def _patient() -> float:
    """Return how long somebody at a desk waits for one document, in seconds."""
    return 3600.0


def relay(settings: Settings, call: Context, credentials: Credentials) -> Relay | None:
    """Return what has a fresh invocation go on; None where there is none, and the event is simply delivered again.

    With the endpoints of OBS and OCR both set by hand a handler reaches no other host, so that a setup apart from the
    cloud, a local one or a test, can trust that nothing leaves it: functions are then called only where
    ``functions.endpoint`` says. Nor is there a relay where the runtime does not say what the function is called.
    """
    return function(settings, call, credentials, call.urn(settings.cloud.region))


def function(settings: Settings, call: Context, credentials: Credentials, urn: str) -> FunctionRelay | None:
    """Return what calls the function of that name; None as with ``relay``."""
    where = _endpoint(settings, settings.functions.endpoint, functions_endpoint)
    if not where or not urn:
        return None
    return FunctionRelay(where, credentials, call.project_id, urn, seconds=_RELAY_SECONDS)


def settings_file() -> Path | None:
    """Return ``legible.toml`` beside the code, as the zip and the repository lay it out; None where there is none."""
    return next((root / "legible.toml" for root in _ROOTS if (root / "legible.toml").is_file()), None)


def settings_folder() -> Path:
    """Return where the settings file is, or would be."""
    file = settings_file()
    return file.parent if file else _ROOTS[0]


def ocr_endpoint(settings: Settings, slug: str) -> str:
    """Return where an operation is called."""
    said = settings.operations.get(slug)
    return settings.ocr.endpoint or ocr.endpoint((said.region if said else "") or settings.cloud.region)
