"""The table of what documents cost in FunctionGraph and OBS, for docs/performance.md."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import yaml

#: What one new document of one page takes: seconds of one invocation, and requests to OBS. Measured by
#: `python -m bench --part document`, with OBS 20 ms and OCR 300 ms away.
SECONDS, REQUESTS = Decimal("0.84"), 24
#: USD for a million requests and for a GB-second, and what is free in a month: the vendor's billing examples
#: (intl/en-us/price-functiongraph/functiongraph_00_0011, 2023-11-06, and _0010, 2024-09-09).
PER_MILLION, PER_GB_SECOND = Decimal("0.20"), Decimal("0.00001667")
FREE_REQUESTS, FREE_GB_SECONDS = 1_000_000, 400_000
#: Documents a month that are told.
SCALES = (1_000, 1_000_000, 100_000_000)


def memory() -> int:
    """Return the MB that serverless.yml gives a function."""
    said = yaml.safe_load((Path(__file__).parents[1] / "serverless.yml").read_text("utf-8"))
    return int(said["provider"]["memorySize"])


def function_cost(documents: int) -> Decimal:
    """Return what so many documents a month cost in FunctionGraph, in USD, after what is free."""
    requests, gb_seconds = documents, documents * SECONDS * memory() / 1024
    return (
        max(Decimal(0), Decimal(requests - FREE_REQUESTS)) / 1_000_000 * PER_MILLION
        + max(Decimal(0), gb_seconds - FREE_GB_SECONDS) * PER_GB_SECOND
    )


def reference() -> str:
    """Return the costs as a Markdown table."""
    rows = [
        "| documents a month | GB-seconds | FunctionGraph | of that a document | requests to OBS |",
        "|---:|---:|---:|---:|---:|",
    ]
    for documents in SCALES:
        gb_seconds, cost = documents * SECONDS * memory() / 1024, function_cost(documents)
        each = f"{cost / documents:.8f} USD" if cost else "nothing"
        rows.append(
            f"| {documents:,} | {gb_seconds:,.0f} | {f'{cost:,.2f} USD' if cost else 'free'} | {each} |"
            f" {documents * REQUESTS:,} |"
        )
    return "\n".join(rows)
