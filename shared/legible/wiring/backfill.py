"""A backfill made of the objects of a command: who finds documents, who tells of them, who reads them."""

from __future__ import annotations

from legible.errors import DocumentError, SettingsError
from legible.huawei.credentials import Credentials
from legible.huawei.relay import FunctionRelay, endpoint
from legible.model.backfills import Backfill
from legible.operations import routing
from legible.ports import Relay
from legible.settings import Settings
from legible.upkeep.backfill import BackfillLimits, BackfillRun, BackfillTools
from legible.upkeep.limits import Price
from legible.upkeep.sent import SentDocuments
from legible.wiring.adapters import service_endpoint
from legible.wiring.parts import Parts

#: How long one call of the function may take, tries included, in seconds.
_CALL_SECONDS = 15.0


def uploads_function(settings: Settings, credentials: Credentials, package: str = "default") -> FunctionRelay:
    """Return what calls the function that reads uploads, for whoever is no function.

    Args:
        settings: Say where functions are called, and how this one is named.
        credentials: The keys of who calls it.
        package: The functions' FunctionGraph application.

    Raises:
        SettingsError: It is not known where functions are called.
    """
    where, cloud = service_endpoint(settings, settings.functions.endpoint, endpoint), settings.cloud
    if not where or not cloud.project_id:
        lacking = "cloud.project_id" if where else "functions.endpoint"
        raise SettingsError(f"Functions are called in a project of a region; {lacking} is not set.", advice="Set it.")
    name, _, version = settings.functions.upload.partition(":")
    urn = f"urn:fss:{cloud.region}:{cloud.project_id}:function:{package}:{name}:{version or 'latest'}"
    return FunctionRelay(where, credentials, cloud.project_id, urn, seconds=_CALL_SECONDS)


def backfill_run(
    parts: Parts, relay: Relay, price: Price, backfill: Backfill, limits: BackfillLimits
) -> BackfillRun:  # fmt: skip
    """Return one session of a backfill.

    Args:
        parts: The objects of the command.
        relay: Calls the function that reads uploads.
        price: Says what calls cost.
        backfill: What is known of it so far.
        limits: How much it may cost.
    """
    sent = SentDocuments(parts.site, parts.call, parts.publisher, parts.ledger.journals, backfill.name)
    tools = BackfillTools(parts.selector, sent, relay, lambda key: operation_of(parts, key), price)
    return BackfillRun(parts.site, parts.call, tools, backfill, limits)


def operation_of(parts: Parts, key: str) -> str:
    """Return the slug of the operation that reads a key by the routes; empty where none does."""
    try:
        return routing.route(key, parts.rules).operation.slug
    except DocumentError:
        return ""
