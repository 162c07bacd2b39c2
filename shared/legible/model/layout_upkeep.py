"""The keys of what is kept over time in the output bucket: lists of ends, notes of second tries, backfills."""

from __future__ import annotations

import hashlib
import re
from datetime import date

from legible.model import layout

_ENDS = re.compile(re.escape(layout.ENDS) + r"([0-9]{4})/([0-9]{2})/([0-9]{2})(?:\.[0-9]+)?\.jsonl")


def ends(day: date) -> str:
    """Return the key, without its ending, of the lists of what ended on one day (UTC) and is not done."""
    return f"{layout.ENDS}{day:%Y/%m/%d}"


def day_of_ends(key: str) -> date | None:
    """Return the day of such a list; None for any other key."""
    found = _ENDS.fullmatch(key)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def asked_again(journal: str, end: str) -> str:
    """Return the key of the note that a document is tried once more after one end of its journal.

    Args:
        journal: The journal's name in marks and lists (``changes.name_of``).
        end: The name of the line that ended the document.
    """
    return layout.request("again-" + hashlib.sha256(f"{journal}#{end}".encode()).hexdigest()[:32])


def backfill(name: str, file: str) -> str:
    """Return the key of a file about one backfill: what it is about, or how far it is."""
    return f"{layout.BACKFILLS}{name}/{file}"
