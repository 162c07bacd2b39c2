"""The keys of what the sweep keeps below ``sweep/``: where it stood, what it found, what it repaired.

All of it may be removed at any time: the next sweep begins anew.
"""

from __future__ import annotations

from datetime import date

from legible.model.layout import SWEEP

#: Where the sweep stood; the prefixes of uploads that it found unread, and of documents that it looks at again.
STATE, UNBEGUN, UNSETTLED = f"{SWEEP}state.json", f"{SWEEP}unbegun/", f"{SWEEP}unsettled/"


def unbegun(segment: str) -> str:
    """Return the key of the list of uploads that were found unread in one segment of the input bucket."""
    return f"{UNBEGUN}{segment}.json"


def unsettled(name: str) -> str:
    """Return the key of the note of a document that is looked at again; ``name`` is that of its journal."""
    return f"{UNSETTLED}{name}.json"


def repairs(kind: str, day: date) -> str:
    """Return the key, without its ending, of the list of what was repaired on one day (UTC); see ``layout.listed``."""
    return f"{SWEEP}repairs/{day:%Y-%m-%d}-{kind}"


def turns(day: date) -> str:
    """Return the key of the list of who swept on one day (UTC), and until when."""
    return f"{SWEEP}turns/{day:%Y-%m-%d}.jsonl"
