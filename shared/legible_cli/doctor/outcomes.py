"""How a check of ``legible doctor`` ends: ok, failed with a remedy, or unknown with the reason."""

from __future__ import annotations

from collections.abc import Callable

from legible.errors import LegibleError, RetryableError
from legible.recognition.probe import HealthCheck


def unknown(name: str, why: str, advice: str = "") -> HealthCheck:
    """Return a check that could not be made."""
    return HealthCheck(name, "unknown", why, advice)


def looked(name: str, look: Callable[[], HealthCheck]) -> HealthCheck:
    """Make a check; what it raises becomes its outcome."""
    try:
        return look()
    except RetryableError as error:
        return HealthCheck(name, "unknown", error.message, error.advice)
    except LegibleError as error:
        return HealthCheck(name, "failed", error.message, error.advice)
