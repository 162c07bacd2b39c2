"""Times in what was stored: one without a zone would be comparable to no other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

#: A time that is not taken without its zone: what says one is not what Legible wrote, and counts as unreadable.
Moment = Annotated[datetime, Meta(tz=True)]
