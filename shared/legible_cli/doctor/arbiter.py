"""Whether the strict arbiter of the settings can be asked, and is set up so that it forgets no claim."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from legible.errors import UnavailableError
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible.wiring.arbiter import redis_of
from legible_cli.doctor.outcomes import looked, unknown

_NAME = "arbiter"


def arbiter(settings: Settings, variable: Callable[[str], str | None], folder: Path) -> HealthCheck:
    """Whether Redis lets us in, takes writes, and removes nothing that has not ended.

    A Redis of DCS is reached only inside its VPC: from elsewhere nothing can be said.

    Args:
        settings: The settings, whose arbiter is Redis.
        variable: Returns a variable, the one with the password among them.
        folder: Where the settings file is.
    """

    def look() -> HealthCheck:
        try:
            facts = redis_of(settings, variable, folder).facts()
        except UnavailableError as error:
            return unknown(_NAME, error.message, "Run this inside its VPC; functions outside of it pay for nothing.")
        if facts.role != "master":
            advice = "Set ledger.redis to the instance's address for reading and writing."
            return HealthCheck(_NAME, "failed", f"Redis is a {facts.role or 'copy'}, which takes no claims.", advice)
        if facts.eviction != "noeviction":
            advice = "Set the instance's maxmemory-policy to noeviction."
            message = f"Redis removes claims when it is full ({facts.eviction or 'it does not say how'})."
            return HealthCheck(_NAME, "failed", message, advice)
        kept = "writes each down" if facts.appends else "forgets them when it starts anew; the journals still know"
        return HealthCheck(_NAME, "ok", f"Redis {facts.version} takes claims, and {kept}.")

    return looked(_NAME, look)
