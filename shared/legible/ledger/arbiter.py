"""The arbiter of deployments in which the journal alone decides who may pay."""

from __future__ import annotations

from contextlib import suppress

from legible.errors import LegibleError
from legible.model.pages import Share
from legible.ports.arbiter import Arbiter


class JournalArbiter:
    """The default: the claim line in the journal decides, alone. See ``legible.ports.arbiter.Arbiter``."""

    def acquire(
        self, name: str, owner: str, seconds: float, *, share: Share | None = None, above: int = 0
    ) -> int | None:
        """Always grant; the number 0 means that no arbiter fenced the claim."""
        return 0

    def release(self, name: str, owner: str, *, share: Share | None = None) -> None:
        """Do nothing: nothing was taken."""


class LenientArbiter:
    """For whoever ends documents and pays for nothing: where the arbiter cannot be asked, the journal decides.

    Nobody else is let in meanwhile either, so nobody pays. Else a document that was given up because of the arbiter
    could not even be put where it waits for it.

    Args:
        strict: The arbiter.
    """

    def __init__(self, strict: Arbiter) -> None:
        """Ask nothing yet."""
        self._strict = strict

    def acquire(
        self, name: str, owner: str, seconds: float, *, share: Share | None = None, above: int = 0
    ) -> int | None:
        """See ``Arbiter.acquire``; 0 where it cannot be asked."""
        with suppress(LegibleError):
            return self._strict.acquire(name, owner, seconds, share=share, above=above)
        return 0

    def release(self, name: str, owner: str, *, share: Share | None = None) -> None:
        """See ``Arbiter.release``."""
        self._strict.release(name, owner, share=share)
