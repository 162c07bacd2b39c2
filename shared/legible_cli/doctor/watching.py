"""Checks of who watches: whether CTS knows OCR, and Cloud Eye has its series, and those of this deployment."""

from __future__ import annotations

from collections.abc import Callable

from legible.errors import LegibleError
from legible.oversight.metrics import DIMENSION, NAMESPACE
from legible.ports.account import Metrics, Traces
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.outcomes import unknown

#: The trace source of OCR: no page names it. The rule is a service's acronym in capitals (cts_03_0010); CTS is asked.
_SERVICE, _SUBSCRIBED = "OCR", "subscribeAISubService"
_OCR, _INTERFACE = "SYS.OCR", "call_of_interface"


def traced(traces: Traces | None, settings: Settings) -> HealthCheck:
    """Whether CTS records what is done to OCR: else nobody hears of a subscription."""
    name, region = "cts", settings.cloud.region
    if traces is None:
        return _apart(name, "CTS", "cts.endpoint")

    def look() -> HealthCheck:
        names = {one for found in traces.operations(_SERVICE) for one in found.names}
        if _SUBSCRIBED in names:
            return HealthCheck(name, "ok", f"CTS records operations of {_SERVICE}: {', '.join(sorted(names))}.")
        what = f"only {', '.join(sorted(names))}" if names else f"no service called {_SERVICE}"
        advice = "Do not count on tell_of_subscriptions and on a CTS trigger there: they may hear nothing."
        return unknown(name, f"CTS knows {what} in {region}.", advice)

    return _asked(name, "What CTS records of OCR", look)


def counted(metrics: Metrics | None, settings: Settings) -> HealthCheck:
    """Whether Cloud Eye has series of OCR: what usage is held against."""
    name, region = "cloud-eye", settings.cloud.region
    if metrics is None:
        return _apart(name, "Cloud Eye", "cloudeye.endpoint")

    def look() -> HealthCheck:
        interfaces = {one.value(_INTERFACE) for one in metrics.names(_OCR)} - {""}
        if interfaces:
            return HealthCheck(name, "ok", f"Cloud Eye has series of {len(interfaces)} OCR APIs in {region}.")
        advice = "There is none before the first call, nor long after the last; look again after a document was read."
        return unknown(name, f"Cloud Eye has no series of {_OCR} in {region}.", advice)

    return _asked(name, "Whether Cloud Eye has series of OCR", look)


def told(metrics: Metrics | None, settings: Settings) -> HealthCheck:
    """Whether on_report tells Cloud Eye of this deployment: alarms on a stall hear nothing otherwise."""
    name, deployment = "own-metrics", settings.buckets.output
    if metrics is None:
        return _apart(name, "Cloud Eye", "cloudeye.endpoint")

    def look() -> HealthCheck:
        own = [one for one in metrics.names(NAMESPACE) if one.value(DIMENSION) == deployment]
        if own:
            return HealthCheck(name, "ok", f"Cloud Eye has {len(own)} numbers of {deployment}.")
        advice = (
            "on_report writes them every ten minutes, with ces:metricData:create; see metrics-not-written in its log."
        )
        return unknown(name, f"Cloud Eye has no number of {deployment} in {NAMESPACE}.", advice)

    return _asked(name, f"Whether Cloud Eye has numbers of {deployment}", look)


def _asked(name: str, what: str, look: Callable[[], HealthCheck]) -> HealthCheck:
    """Make a check; a right that is missing is no fault of the deployment."""
    try:
        return look()
    except LegibleError as error:
        return unknown(name, f"{what} cannot be seen. {error.message}", error.advice)


def _apart(name: str, service: str, setting: str) -> HealthCheck:
    return unknown(name, f"{service} is not asked: this setup stands apart from the cloud, and sets no {setting}.")
