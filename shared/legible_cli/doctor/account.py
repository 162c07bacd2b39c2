"""Checks of the account: its keys, its project, its enterprise project, its quotas; none costs anything."""

from __future__ import annotations

from datetime import datetime

from legible.errors import HeldError
from legible.operations.projects import NamedProject
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.connection import KEYS
from legible_cli.doctor.inspector import Inspector, Quota
from legible_cli.doctor.outcomes import looked, unknown

#: After so many days a permanent key is told of; the vendor asks to change them regularly, and names no term.
_OLD_DAYS = 90
#: Shares of a quota from which on it is told of.
_NEARLY = 0.9
_QUOTAS = {"fgs_func_num": "functions", "fgs_func_code_size": "MB of code"}


def credentials(inspector: Inspector, temporary: bool, now: datetime) -> HealthCheck:
    """Whether the keys are taken, and how old they are."""

    def look() -> HealthCheck:
        try:
            created = inspector.age()
        except HeldError as error:
            advice = f"Check {', '.join(KEYS)}, all of one key, and this machine's clock: a signature names its time."
            return HealthCheck("credentials", "failed", error.message, advice)
        return _temporary_keys() if temporary else _age(created, now)

    return looked("credentials", look)


def _temporary_keys() -> HealthCheck:
    return HealthCheck(
        "credentials", "ok", "The keys are temporary, and taken. When they end cannot be asked for.",
        "Keys of an agency end after 24 hours at the most.",
    )  # fmt: skip


def _age(created: datetime | None, now: datetime) -> HealthCheck:
    if created is None:
        return HealthCheck("credentials", "ok", "The keys are taken; IAM does not say how old they are.")
    days = max(0, (now - created).days)
    advice = f"Make a new one; this one is older than {_OLD_DAYS} days." if days > _OLD_DAYS else ""
    return HealthCheck("credentials", "ok", f"The key is taken; it was made {days} days ago.", advice)


def project(inspector: Inspector, settings: Settings) -> HealthCheck:
    """Whether the project id is the one of the region."""
    region, configured = settings.cloud.region, settings.cloud.project_id

    def look() -> HealthCheck:
        actual = inspector.project()
        if actual and configured == actual:
            return HealthCheck("project", "ok", f"{configured} is the project of {region}.")
        if not actual:
            return HealthCheck("project", "failed", f"The user has no project in {region}.", "Check cloud.region.")
        what = f"cloud.project_id is {configured!r}" if configured else "cloud.project_id is not set"
        advice = f"Set it to {actual}, or the variable LEGIBLE_PROJECT_ID."
        return HealthCheck("project", "failed", f"{what}; the project of {region} is another one.", advice)

    return looked("project", look)


def enterprise_project(inspector: Inspector, settings: Settings) -> HealthCheck:
    """Whether calls are billed to the enterprise project that is meant: a wrong id is an error nowhere."""
    name, wanted = "enterprise-project", settings.ocr.enterprise_project
    if not wanted:
        return HealthCheck(name, "ok", "None is named: calls are billed to the default one.")
    if not NamedProject(wanted).formed:
        advice = "An id is a UUID, or 0 for the default one; the service bills what is none to the default one."
        return HealthCheck(name, "failed", f"ocr.enterprise_project {wanted!r} is no id.", advice)

    def look() -> HealthCheck:
        enabled = True if wanted == "0" else inspector.enterprise_project(wanted)
        if enabled is None:
            advice = "Check the id; the service bills to one that does not exist, and says nothing."
            return HealthCheck(name, "failed", f"The account has no enterprise project {wanted}.", advice)
        if not enabled:
            return HealthCheck(name, "failed", f"The enterprise project {wanted} is disabled.", "Enable it.")
        outside, regions = settings.cloud.region not in settings.projects.regions, ", ".join(settings.projects.regions)
        advice = f"The user guide has them count in {regions} only: see projects.elsewhere." if outside else ""
        return HealthCheck(name, "ok", f"Calls are billed to {wanted}.", advice)

    return looked(name, look)


def quotas(inspector: Inspector) -> HealthCheck:
    """Whether functions and their code have room left."""
    return looked("quotas", lambda: _room([one for one in inspector.quotas() if one.kind in _QUOTAS]))


def _room(listed: list[Quota]) -> HealthCheck:
    if not listed:
        return unknown("quotas", "FunctionGraph names no quota of functions.")
    used = ", ".join(f"{one.used} of {one.most} {_QUOTAS[one.kind]}" for one in listed)
    if any(one.used >= one.most for one in listed):
        return HealthCheck("quotas", "failed", f"A quota is used up: {used}.", "Ask for a higher one, or tidy up.")
    near = any(one.used >= _NEARLY * one.most for one in listed)
    return HealthCheck("quotas", "ok", f"Used: {used}.", "Ask for a higher one soon." if near else "")
