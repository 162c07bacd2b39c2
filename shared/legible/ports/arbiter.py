"""The interface to what decides who may pay, beside the journal."""

from __future__ import annotations

from typing import Protocol

from legible.model.pages import Share


class Arbiter(Protocol):
    """Decides who may pay for a document, where the journal's own promise is not enough.

    A claim is of the whole of ``name``, or of a ``share``; whoever has the whole shares it with nobody.
    """

    def acquire(
        self, name: str, owner: str, seconds: float, *, share: Share | None = None, above: int = 0
    ) -> int | None:
        """Take a claim, or go on with it where ``owner`` has it already.

        Args:
            name: What is claimed.
            owner: A name no other claim has.
            seconds: After how many seconds it ends by itself.
            share: The part that is claimed; None for the whole.
            above: The greatest fencing number that is known of ``name``: one that was lost there is not given again.

        Returns:
            A fencing number, greater than ``above`` and all before; 0 where claims are not fenced; None while somebody
            else has it.

        Raises:
            SettingsError: Nobody is let in by these settings.
            UnavailableError: It cannot be asked now: nobody may pay.
        """
        ...

    def release(self, name: str, owner: str, *, share: Share | None = None) -> None:
        """Give a claim back if ``owner`` has it. Never raises: what cannot be given back ends by itself."""
        ...
