"""A report about usage, as large as a test wants it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from legible.model.usage import Totals, UsageReport, UsageRow
from legible.operations import catalog


def report(days: int, operations: int, projects: int, **more: Any) -> UsageReport:
    """Return a report in which each operation is called on each day, the first of them most."""
    first = date(2025, 11, 1)
    slugs = list(catalog.slugs())[:operations]
    details = [
        UsageRow(f"{first + timedelta(days=day)}", Totals(answered=1000 // (place + 1), refused=place % 3), slug)
        for day in range(days)
        for place, slug in enumerate(slugs)
    ]
    per_day = sum(1000 // (place + 1) for place in range(operations))
    return UsageReport(
        first, first + timedelta(days=days - 1), datetime(2026, 12, 1, 9, 50, tzinfo=timezone.utc), 17, "USD",
        operations=tuple(UsageRow(slug, Totals(answered=days * 1000 // (n + 1))) for n, slug in enumerate(slugs)),
        days=tuple(UsageRow(f"{first + timedelta(days=day)}", Totals(answered=per_day)) for day in range(days)),
        projects=tuple(UsageRow(f"p{n}" if n else "", Totals(answered=days)) for n in range(projects)),
        routes=(UsageRow("passport/*", Totals(answered=days)),),
        details=tuple(details), ended={"done": days}, **more,
    )  # fmt: skip
