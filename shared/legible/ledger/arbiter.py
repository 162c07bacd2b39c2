"""Who may pay for a document, where the journal alone decides."""

from __future__ import annotations


class JournalArbiter:
    """The default: the journal's own claim line decides, nobody is asked. See ``legible.ports.Arbiter``."""

    def acquire(self, name: str, owner: str, seconds: float) -> int | None:
        """Always grant; the number 0 says that no arbiter fenced the claim."""
        return 0

    def release(self, name: str, owner: str) -> None:
        """Nothing was taken."""
