"""The journal of calls, and the bill: each 2xx counts, per operation and enterprise project (facts ocr_api 7)."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from msgspec import Struct

from localcloud.kept import Kept

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Call(Struct, frozen=True, omit_defaults=True):
    """One call. ``units`` is what it is billed as, 0 for a failed one; ``fault`` is the fault that struck it."""

    time: float
    slug: str
    request_id: str
    status: int
    project: str = "default"
    units: int = 0
    code: str = ""
    source: str = ""
    fault: str = ""

    @property
    def billed(self) -> bool:
        """Tell whether the call is on the bill."""
        return self.units > 0


class Journal(Kept[Call]):
    """All calls, in order of their end; written through to a file if there is one."""

    def __init__(self, path: Path | None) -> None:
        """Continue the journal in that file."""
        super().__init__(path, Call)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls so far."""
        return self.entries

    def bill(self) -> dict[str, dict[str, int]]:
        """Return billed units by operation, then by enterprise project."""
        units: Counter[tuple[str, str]] = Counter()
        for call in self.calls:
            units[call.slug, call.project] += call.units
        bill: dict[str, dict[str, int]] = {}
        for (slug, project), count in sorted(units.items()):
            if count:
                bill.setdefault(slug, {})[project] = count
        return bill

    def billed(self, slug: str | None = None) -> int:
        """Return how many units were billed, of one operation or of all."""
        return sum(call.units for call in self.calls if slug in (None, call.slug))


def enterprise_project(header: str) -> str:
    """Return the project a call is billed to: a missing or malformed id goes to "default", an unknown one as it is."""
    return header.lower() if _UUID.fullmatch(header) else "default"
