"""Settings judged before they go out: by all that refuses to start with them, and by what the region has.

Nothing is asked, so it can be done where the package is made, where a deployment is planned, and on a laptop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from legible.errors import DocumentError, SettingsError
from legible.notices.targets import Smn
from legible.operations import catalog, routing
from legible.operations.routing import Routing
from legible.settings import Settings, load
from legible.settings.checks import check_secrets


def judged(file: Path, variables: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that a function would have.

    Args:
        file: ``legible.toml``, with the forms that it names beside it.
        variables: The user variables of a function, its secrets among them; None where they are not known: then no
            region, no bucket and no secret need be set.

    Raises:
        SettingsError: A function would refuse to start; or a route leads to an operation that cannot be called.
    """
    if variables is None:
        settings = load(file, lambda name: None, required=())
    else:
        settings = load(file, variables.get)
        check_secrets(settings, file.name, variables.get)
    _apart(settings, file.name)
    _callable(settings, file.name)
    _told_here(settings, file.name)
    return settings


def _apart(settings: Settings, origin: str) -> None:
    """Refuse two uses of one bucket: a result in the input bucket would be an upload, and what failed needs its own."""
    uses = [(use, name) for use, name in msgspec.structs.asdict(settings.buckets).items() if name]
    for number, (use, name) in enumerate(uses):
        for earlier, same in uses[:number]:
            if name == same:
                raise SettingsError(
                    f"{origin}: buckets.{earlier} and buckets.{use} are one, {name}.",
                    advice="Give each a bucket of its own.",
                )


def _callable(settings: Settings, origin: str) -> None:
    """Refuse an operation that a route or the default leads to, and that was removed, or is not in the region."""
    region = settings.cloud.region
    rules = Routing(
        region=region, operations=settings.operations, pinned=bool(settings.ocr.endpoint) or not region
    )  # fmt: skip
    for place, slug in _named(settings):
        try:
            routing.check(catalog.find(slug), rules, datetime.now(timezone.utc).date())
        except DocumentError as error:
            raise SettingsError(f"{origin}: {place}: {error.message}", advice=error.advice) from None


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.default:
        yield "default", settings.default
    for number, rule in enumerate(settings.routes, 1):
        yield f"route {number}", rule.operation


def _told_here(settings: Settings, origin: str) -> None:
    """Refuse a topic of another region: it is published to by the endpoint of the function's own."""
    here = settings.cloud.region
    for name, target in settings.notify.items():
        if isinstance(target, Smn) and here and not settings.smn.endpoint:
            region = target.topic_urn.split(":")[2]
            if region != here:
                raise SettingsError(
                    f"{origin}: notify.{name}.topic_urn is of {region}, and the functions are in {here}.",
                    advice=f"Name a topic of {here}.",
                )
