"""Whose the calls of a journal are: by the claim that it is committed to, not by what routes said afterwards.

A claim names what the routes of its time say. But the operation that has begun a document also ends it, so from the
first answer on calls are of the claim that brought it, whoever makes them. Only the enterprise project is named anew
with each claim; where another one is billed after all, the announcement of the call names it.
"""

from __future__ import annotations

from typing import NamedTuple

from legible.ledger.journal import Line


class Origin(NamedTuple):
    """Whose calls these are: operation, enterprise project, and the pattern of the route; empty where not known."""

    operation: str = ""
    project: str = ""
    route: str = ""


class Origins:
    """The origins of a journal's calls, learned line by line: what was told does not change as the journal grows."""

    def __init__(self) -> None:
        """Know no line yet."""
        self._claims: dict[str, Line] = {}
        self._last: Line | None = None
        self._committed: Line | None = None
        #: What was so when an owner claimed, and when it announced a page.
        self._claimed: dict[str, Origin] = {}
        self._announced: dict[tuple[int, str], Origin] = {}

    def of(self, line: Line) -> Origin:
        """Return whose call the outcome in a line is; lines before it are known, and it may be, too.

        A call of which no announcement is left is of what its owner claimed; but an answer is of what the journal is
        committed to.
        """
        payer = line.of or line.owner
        announced = self._announced.get((line.page, payer))
        if announced is not None:
            return announced
        return self._now(payer) if line.event == "answered" else self._claimed.get(payer) or self._now(payer)

    def take(self, line: Line) -> None:
        """Learn from the next line."""
        payer = line.of or line.owner
        if line.event == "claimed" and line.operation:
            self._claims[line.owner] = self._last = line
            self._claimed[line.owner] = self._now(line.owner)
        elif line.event == "answered" and self._committed is None:
            self._committed = self._claims.get(payer)
        if line.event in ("claimed", "calling") and line.page:
            origin = self._now(line.owner)
            told = line.event == "calling" and line.project
            self._announced[line.page, line.owner] = origin._replace(project=line.project) if told else origin

    def _now(self, owner: str) -> Origin:
        """Return whose a call of an owner is at this moment."""
        counted = self._committed or self._claims.get(owner) or self._last
        if counted is None:
            return Origin()
        return Origin(counted.operation, self._claims.get(owner, counted).project, counted.route)
