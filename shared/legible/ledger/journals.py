"""Reads the journal of a document from the store."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(timezone.utc)
