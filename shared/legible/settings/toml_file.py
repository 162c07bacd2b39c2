"""Reads and checks ``legible.toml``; a user variable of the function overrides the setting it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from legible.errors import SettingsError
from legible.settings.checks import (
    check_forms,
    check_patterns,
    check_prices,
    check_routes,
    check_targets,
    check_tenants,
    check_urls,
)
from legible.settings.explanations import explained
from legible.settings.tables import Settings

#: User variable -> its place in the settings. The names are fixed: deployments use them.
VARIABLES: dict[str, tuple[str, str]] = {
    "LEGIBLE_REGION": ("cloud", "region"),
    "LEGIBLE_PROJECT_ID": ("cloud", "project_id"),
    "LEGIBLE_INPUT_BUCKET": ("buckets", "input"),
    "LEGIBLE_OUTPUT_BUCKET": ("buckets", "output"),
    "LEGIBLE_FAILURES_BUCKET": ("buckets", "failures"),
    "LEGIBLE_OBS_ENDPOINT": ("obs", "endpoint"),
    "LEGIBLE_OBS_SIGNATURE": ("obs", "signature"),
    "LEGIBLE_OBS_PATH_STYLE": ("obs", "path_style"),
    "LEGIBLE_OCR_ENDPOINT": ("ocr", "endpoint"),
    "LEGIBLE_SOURCE": ("ocr", "source"),
    "LEGIBLE_INLINE_FALLBACK": ("ocr", "inline_fallback"),
    "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ("functions", "endpoint"),
    "LEGIBLE_UPLOAD_FUNCTION": ("functions", "upload"),
    "LEGIBLE_TIMER_FUNCTION": ("functions", "timer"),
    "LEGIBLE_SMN_ENDPOINT": ("smn", "endpoint"),
    "LEGIBLE_EVENTGRID_ENDPOINT": ("eventgrid", "endpoint"),
    "LEGIBLE_ACCOUNT_ENDPOINT": ("cloud", "account_endpoint"),
    "LEGIBLE_LOG_LEVEL": ("log", "level"),
    "LEGIBLE_TELEMETRY_ENDPOINT": ("telemetry", "endpoint"),
}
_FLAGS = {"true": True, "false": False}
#: What must be set somewhere.
REQUIRED = ("LEGIBLE_REGION", "LEGIBLE_INPUT_BUCKET", "LEGIBLE_OUTPUT_BUCKET")


def load(file: Path | None, variable: Callable[[str], str | None], required: Iterable[str] = REQUIRED) -> Settings:
    """Read and check the settings.

    Args:
        file: ``legible.toml``; None, or a file that is not there, stands for an empty one.
        variable: Returns a user variable's value, or nothing (``context.getUserData``).
        required: What must be set, by its user variable; nothing where a file is judged before it is deployed.

    Raises:
        SettingsError: Names the file or variable, the key, what was found and what is allowed.
    """
    values = read(file)
    origin = str(file.name) if file is not None else "legible.toml"
    set_by = override(values, variable)
    check_targets(values.get("notify"), origin)
    settings = _converted(values, origin, set_by)
    for name in required:
        section, key = VARIABLES[name]
        if not getattr(getattr(settings, section), key):
            raise SettingsError(
                f"{origin}: {section}.{key} is not set.", advice=f"Set it there, or the user variable {name}."
            )
    check_patterns(settings, origin)
    check_routes(settings, origin)
    check_urls(settings, origin)
    check_tenants(settings, origin)
    check_prices(settings, origin)
    if file is not None:
        check_forms(settings, origin, file.parent)
    return settings


def read(file: Path | None) -> dict[str, Any]:
    """Return what a settings file says, unchecked; nothing where there is none.

    Raises:
        SettingsError: It is not TOML.
    """
    if file is None or not file.is_file():
        return {}
    try:
        # Some editors put a mark before the first line, which TOML does not know.
        return msgspec.toml.decode(file.read_bytes().decode("utf-8-sig"), type=dict[str, Any])
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise SettingsError(f"{file.name} is not UTF-8 (line {line}).", advice="Save it as UTF-8.") from None
    except ValueError as error:
        raise SettingsError(f"{file.name} is not TOML: {error}.", advice="Correct the line it names.") from None
    except RecursionError:
        raise SettingsError(
            f"{file.name} has lists or tables too deep inside each other.", advice="No setting needs more than three."
        ) from None


def override(values: dict[str, Any], variable: Callable[[str], str | None]) -> dict[tuple[str, str], str]:
    """Put the user variables into ``values``; return which place each one set."""
    set_by = {}
    for name, (section, key) in VARIABLES.items():
        text = variable(name)
        if text is None or not str(text).strip():
            continue
        value: Any = str(text).strip()
        if key in ("path_style", "inline_fallback"):
            value = _FLAGS.get(value.lower(), value)
        if key == "level":
            value = value.upper()
        if key in ("endpoint", "account_endpoint"):
            value = (value if "://" in value else f"https://{value}").rstrip("/")
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
        set_by[section, key] = name
    return set_by


def _converted(values: dict[str, Any], origin: str, set_by: dict[tuple[str, str], str]) -> Settings:
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise explained(str(error), values, origin, set_by) from None
