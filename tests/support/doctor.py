"""What ``legible doctor`` said, read."""

from __future__ import annotations

import json
from typing import Any

from click.testing import Result

from localcloud.cloud import LocalCloud

#: The enterprise project of the local cloud; invented.
EPS = "0f4c0000-c10d-4e0a-9b1e-c0de10ca1000"


def found(result: Result) -> dict[str, dict[str, Any]]:
    """Return the checks by their names."""
    return {one["name"]: one for one in json.loads(result.output)}


def failed(result: Result) -> list[str]:
    """Return which checks failed; the command's exit says whether any did."""
    checks = found(result)
    assert result.exit_code == (1 if any(one["status"] == "failed" for one in checks.values()) else 0)
    return [name for name, one in checks.items() if one["status"] == "failed"]


def paid(cloud: LocalCloud) -> int:
    """Return what the OCR service billed."""
    return sum(call.units for call in cloud.ocr.journal.calls)
