"""Adapters to the outside world, made as the settings say: storage, OCR, functions, targets of notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from legible.errors import HeldError, SettingsError
from legible.huawei import obs, ocr
from legible.huawei.connections import Connections
from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.huawei.foresight import ForesightStore
from legible.huawei.relay import FunctionRelay
from legible.huawei.relay import endpoint as functions_endpoint
from legible.model.notices import Notice
from legible.notices.targets import Smn, Webhook
from legible.ports import Notifier, ObjectStore, Recognizer, Relay, utc_now
from legible.ports.versions import ObjectVersions
from legible.settings import Settings

#: Where the settings file may be, from this file: where FunctionGraph unpacks the zip (functiongraph_02_0502), or the
#: repository.
_ROOTS = (Path(__file__).parents[2], Path(__file__).parents[3])
#: How long the call of a fresh invocation may take: less than what is kept free at the end (``Policy.reserve``).
_RELAY_SECONDS = 4.0


def settings_file() -> Path | None:
    """Return ``legible.toml`` beside the code, as the zip and the repository lay it out; None where there is none."""
    return next((root / "legible.toml" for root in _ROOTS if (root / "legible.toml").is_file()), None)


def settings_folder() -> Path:
    """Return where the settings file is, or would be."""
    file = settings_file()
    return file.parent if file else _ROOTS[0]


def store_of(settings: Settings, credentials: Credentials, connections: Connections | None = None) -> ObjectStore:
    """Return the object storage that the settings name; its ``connections`` outlive it, None for its own."""
    return ForesightStore(_obs_endpoint(settings), credentials, connections=connections)


def plain_store_of(settings: Settings, credentials: Credentials) -> ObjectStore:
    """Return the same without foresight, for whoever looks at any number of objects: it keeps nothing of them."""
    return obs.ObsStore(_obs_endpoint(settings), credentials)


def versions_of(settings: Settings, credentials: Credentials) -> ObjectVersions:
    """Return what lists and removes all versions of objects in the object storage that the settings name."""
    from legible.huawei.obs_versions import ObsVersions  # only who forgets documents has a need of it

    return ObsVersions(_obs_endpoint(settings), credentials)


def _obs_endpoint(settings: Settings) -> obs.ObsEndpoint:
    where = settings.obs.endpoint or obs.endpoint(settings.cloud.region)
    return obs.ObsEndpoint(where, settings.obs.signature, settings.obs.path_style, settings.cloud.region)


def project_of(settings: Settings, context: Context) -> str:
    """Return the project that APIs are called in: that of the settings, else the function's own."""
    return settings.cloud.project_id or context.project_id


def recognizer(
    settings: Settings, context: Context, credentials: Credentials, connections: Connections | None = None
) -> Recognizer:
    """Return what makes the paid calls; its ``connections`` outlive it, None for its own."""
    return ocr.OcrRecognizer(
        lambda slug: ocr_endpoint(settings, slug),
        credentials,
        project_of(settings, context),
        settings.ocr.connect_seconds,
        connections,
    )


def ocr_endpoint(settings: Settings, slug: str) -> str:
    """Return where an operation is called."""
    own = settings.operations.get(slug)
    return settings.ocr.endpoint or ocr.endpoint((own.region if own else "") or settings.cloud.region)


class UnusableNotifier:
    """Stands for a target that cannot be told as the settings are: its notices wait. See ``legible.ports.Notifier``.

    Args:
        fault: What is wrong with the target's settings.
    """

    def __init__(self, fault: SettingsError) -> None:
        """Tell nobody."""
        self.fault = fault

    def send(self, notice: Notice, seconds: float) -> None:
        """See ``Notifier.send``."""
        raise HeldError.of(self.fault)


def notifiers(
    settings: Settings, context: Context, credentials: Credentials, *, spare: bool = False
) -> dict[str, Notifier]:
    """Return a notifier for each target of the settings, by the target's name.

    With the endpoints of OBS and OCR both set by hand, SMN and EventGrid are reached only if their own endpoints are
    set too (see ``relay``). The URL of a webhook is always set by hand.

    With ``spare``, a webhook whose user variable does not hold a secret has an ``UnusableNotifier``.

    Raises:
        SettingsError: Without ``spare``: a webhook's user variable does not hold a secret.
    """
    if not settings.notify:
        return {}
    from legible.huawei import eventgrid, smn  # most deployments tell nobody
    from legible.notices import webhook

    project = project_of(settings, context)
    by_name: dict[str, Notifier] = {}
    for name, target in settings.notify.items():
        if isinstance(target, Webhook):
            try:
                secret = webhook.secret_of(context.variable(target.secret) or "", target.secret)
            except SettingsError as fault:
                if not spare:
                    raise
                by_name[name] = UnusableNotifier(fault)
            else:
                by_name[name] = webhook.WebhookNotifier(target.url, secret, settings.addresses(), utc_now)
        elif isinstance(target, Smn):
            if where := service_endpoint(settings, settings.smn.endpoint, smn.endpoint):
                by_name[name] = smn.SmnNotifier(where, credentials, project, target.topic_urn)
        elif where := service_endpoint(settings, settings.eventgrid.endpoint, eventgrid.endpoint):
            by_name[name] = eventgrid.EventGridNotifier(where, credentials, project, target.channel_id, target.source)
    return by_name


def relay(settings: Settings, context: Context, credentials: Credentials) -> Relay | None:
    """Return the relay that calls a fresh invocation; None without one: then the event is delivered again.

    With the endpoints of OBS and OCR both set by hand, a handler reaches no other host, so that an isolated setup, a
    local one or a test, can trust that nothing leaves it: functions are then called only if ``functions.endpoint`` is
    set. There is no relay either if the runtime does not tell the function's name.
    """
    return function(settings, context, credentials, context.urn(settings.cloud.region))


def function(settings: Settings, context: Context, credentials: Credentials, urn: str) -> FunctionRelay | None:
    """Return what calls the function with that URN; None in the same cases as ``relay``."""
    where = service_endpoint(settings, settings.functions.endpoint, functions_endpoint)
    if not where or not urn:
        return None
    return FunctionRelay(where, credentials, context.project_id, urn, seconds=_RELAY_SECONDS)


def service_endpoint(settings: Settings, own: str, regional: Callable[[str], str]) -> str:
    """Return the endpoint of one of the vendor's services; empty in an isolated setup that sets none."""
    return own or ("" if settings.isolated else regional(settings.cloud.region))
