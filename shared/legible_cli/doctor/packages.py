"""The check of this machine: is what is installed here what is locked?"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from legible.recognition.probe import HealthCheck
from legible_cli.doctor.outcomes import unknown


def versions(lock: Path) -> HealthCheck:
    """Whether what is installed here is what is locked, and would be packaged."""
    if not lock.is_file():
        return unknown("packages", f"There is no {lock.name} to compare with.")
    wrong = [text for wanted in _locked(lock) for text in _differs(wanted)]
    if wrong:
        advice = "Install what is locked: rm .venv/.local && make .venv/.local"
        return HealthCheck("packages", "failed", f"Not as locked: {', '.join(wrong)}.", advice)
    return HealthCheck("packages", "ok", "What ships is installed as it is locked.")


def _locked(lock: Path) -> list[Requirement]:
    """Return what the lock asks for on this machine."""
    lines = [line for line in lock.read_text("utf-8").splitlines() if line[:1].isalnum()]
    listed = [Requirement(line.rstrip(" \\")) for line in lines]
    return [one for one in listed if one.marker is None or one.marker.evaluate()]


def _differs(wanted: Requirement) -> list[str]:
    try:
        installed = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return [f"{wanted.name} is missing"]
    right = wanted.specifier.contains(installed, prereleases=True)
    return [] if right else [f"{wanted.name} {installed}, not {wanted.specifier}"]
