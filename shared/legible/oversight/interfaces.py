"""Which operation a value of Cloud Eye's dimension ``call_of_interface`` names.

No page says how the values are spelled. So each name that the catalog has of an operation is known, however it is
written: its slug, the path of its API, the SDK's method and class, its title. What is none of these the settings may
name (``reconcile.interfaces``); what nobody knows keeps its own name and is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from legible.operations import catalog

#: What Cloud Eye calls OCR's metrics and their dimension (user guide, chapter 8).
NAMESPACE, DIMENSION = "SYS.OCR", "call_of_interface"
SUCCESSFUL, FAILED = "successful_call_times_of_service", "failed_call_times_of_service"


def operation_of(value: str, named: Mapping[str, str]) -> str:
    """Return the slug of the operation that a value names; empty where it names none.

    Args:
        value: As Cloud Eye spells it.
        named: What the settings say of values.
    """
    return named.get(value) or _known().get(_plain(value.rstrip("/").rpartition("/")[2]), "")


def spellings(slug: str) -> tuple[str, ...]:
    """Return how Cloud Eye may spell an operation: what did not report lately it does not list."""
    sdk = catalog.find(slug).sdk
    words = slug.split("-")
    camel = "".join(word.capitalize() for word in words)
    named = (slug, slug.upper(), "_".join(words), "_".join(words).upper(), camel, sdk.request.removesuffix("Request"))
    return tuple(dict.fromkeys(named))


@cache
def _known() -> dict[str, str]:
    """Return the operation of each name, as far as it is the name of one alone."""
    names: dict[str, set[str]] = {}
    for one in catalog.OPERATIONS.values():
        for name in (one.slug, one.title, one.title_zh, one.sdk.method, one.sdk.request, one.sdk.body):
            names.setdefault(_plain(name), set()).add(one.slug)
    return {name: slugs.pop() for name, slugs in names.items() if len(slugs) == 1 and name}


def _plain(name: str) -> str:
    """Return a name without what differs from one spelling to another."""
    plain = re.sub(r"[\W_]", "", name.lower())
    return plain.removeprefix("recognize").removesuffix("requestbody").removesuffix("request").removesuffix("ocr")
