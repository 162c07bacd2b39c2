"""Options of a request: read as the service documents them, refused where they cannot be honored honestly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.engine.errors import refused_option

Options = Mapping[str, Any]

#: Languages whose letters the recognition model can write; the others would come out as garbage or not at all.
LANGUAGES = frozenset(
    {"auto", "zh", "ms", "id", "de", "la", "fr", "it", "es", "pt", "ro", "pl", "ja", "tr", "no", "da", "sv"}
)


def flag(options: Options, name: str, default: bool = False) -> bool:
    """Return a Boolean option; the service refuses anything but true and false."""
    value = options.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise refused_option(name, f"expected true or false, found {value!r}")
    return value


def refuse(options: Options, *names: str) -> None:
    """Refuse options that are asked for and need a model this engine has not: no result and no score is made up."""
    for name in names:
        if options.get(name):
            raise refused_option(name, "the embedded engine has no model for it; leave it out or set it to false")


def choice(options: Options, name: str, *supported: str) -> str:
    """Return a text option, empty when absent; refuse values that are not supported."""
    value = options.get(name) or ""
    if value and value not in supported:
        raise refused_option(name, f"{value!r} is not supported here, only: {', '.join(sorted(supported))}")
    return str(value)


def check_language(options: Options) -> None:
    """Refuse languages whose script the model does not know."""
    choice(options, "language", *LANGUAGES)


def page_number(options: Options) -> int:
    """Return the page of a PDF that is asked for, from 1."""
    value = options.get("pdf_page_number")
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused_option("pdf_page_number", f"expected a whole number, found {value!r}")
    return value
