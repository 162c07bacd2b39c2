"""Which values a person should look at."""

from __future__ import annotations

from legible.model.records import Cell, Field, TextBlock

#: A value of less confidence than this needs eyes.
DOUBTFUL = 0.8


def needs_eyes(item: Field | Cell | TextBlock) -> bool:
    """Tell whether a value breaks a rule or has little confidence, and nobody corrected it."""
    if item.corrected is not None:
        return False
    findings = () if isinstance(item, TextBlock) else item.findings
    return bool(findings) or (item.confidence is not None and item.confidence < DOUBTFUL)
