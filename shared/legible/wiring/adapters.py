"""What the settings say of the outside world, as adapters: storage, OCR, functions, targets of notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from legible.huawei import eventgrid, obs, ocr, smn
from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.huawei.relay import FunctionRelay
from legible.huawei.relay import endpoint as functions_endpoint
from legible.notices import webhook
from legible.notices.targets import Smn, Webhook
from legible.ports import Notifier, ObjectStore, Recognizer, Relay, utc_now
from legible.settings import Settings

#: Where FunctionGraph unpacks the zip (functiongraph_02_0502); this file's own place where the platform does not say.
_ROOTS = (Path(__file__).parents[2], Path(__file__).parents[3])
#: A fresh invocation is called within the time that is kept free at the end (``Policy.reserve``).
_RELAY_SECONDS = 4.0


def settings_file() -> Path | None:
    """Return ``legible.toml`` beside the code, as the zip and the repository lay it out; None where there is none."""
    return next((root / "legible.toml" for root in _ROOTS if (root / "legible.toml").is_file()), None)


def settings_folder() -> Path:
    """Return where the settings file is, or would be."""
    file = settings_file()
    return file.parent if file else _ROOTS[0]


def store_of(settings: Settings, credentials: Credentials) -> ObjectStore:
    """Return the object storage that the settings name."""
    where = settings.obs.endpoint or obs.endpoint(settings.cloud.region)
    address = obs.ObsEndpoint(where, settings.obs.signature, settings.obs.path_style, settings.cloud.region)
    return obs.ObsStore(address, credentials)


def recognizer(settings: Settings, context: Context, credentials: Credentials) -> Recognizer:
    """Return what makes the paid calls."""
    return ocr.OcrRecognizer(
        lambda slug: ocr_endpoint(settings, slug),
        credentials,
        settings.cloud.project_id or context.project_id,
        settings.ocr.enterprise_project,
        settings.ocr.connect_seconds,
    )


def ocr_endpoint(settings: Settings, slug: str) -> str:
    """Return where an operation is called."""
    own = settings.operations.get(slug)
    return settings.ocr.endpoint or ocr.endpoint((own.region if own else "") or settings.cloud.region)


def notifiers(settings: Settings, context: Context, credentials: Credentials) -> dict[str, Notifier]:
    """Return what tells each target of the settings, by the target's name.

    With the endpoints of OBS and OCR both set by hand, SMN and EventGrid are reached only where their own endpoints say
    (see ``relay``). The URL of a webhook is always set by hand.

    Raises:
        SettingsError: A user variable holds no secret of a webhook.
    """
    project = settings.cloud.project_id or context.project_id
    by_name: dict[str, Notifier] = {}
    for name, target in settings.notify.items():
        if isinstance(target, Webhook):
            secret = webhook.secret_of(context.variable(target.secret) or "", target.secret)
            by_name[name] = webhook.WebhookNotifier(target.url, secret, settings.addresses(), utc_now)
        elif isinstance(target, Smn):
            if where := _endpoint(settings, settings.smn.endpoint, smn.endpoint):
                by_name[name] = smn.SmnNotifier(where, credentials, project, target.topic_urn)
        elif where := _endpoint(settings, settings.eventgrid.endpoint, eventgrid.endpoint):
            by_name[name] = eventgrid.EventGridNotifier(where, credentials, project, target.channel_id, target.source)
    return by_name


def relay(settings: Settings, context: Context, credentials: Credentials) -> Relay | None:
    """Return what has a fresh invocation go on; None where there is none, and the event is simply delivered again.

    With the endpoints of OBS and OCR both set by hand a handler reaches no other host, so that a setup apart from the
    cloud, a local one or a test, can trust that nothing leaves it: functions are then called only where
    ``functions.endpoint`` says. Nor is there a relay where the runtime does not say what the function is called.
    """
    return function(settings, context, credentials, context.urn(settings.cloud.region))


def function(settings: Settings, context: Context, credentials: Credentials, urn: str) -> FunctionRelay | None:
    """Return what calls the function of that name; None as with ``relay``."""
    where = _endpoint(settings, settings.functions.endpoint, functions_endpoint)
    if not where or not urn:
        return None
    return FunctionRelay(where, credentials, context.project_id, urn, seconds=_RELAY_SECONDS)


def _endpoint(settings: Settings, own: str, regional: Callable[[str], str]) -> str:
    """Return where a service of the vendor is called; empty in an isolated setup that does not say."""
    return own or ("" if settings.isolated else regional(settings.cloud.region))
