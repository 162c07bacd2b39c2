"""One recognized character, with the others that the model thought possible."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

#: How much less likely (natural logarithm) than the best guess a character may be to count as possible to the
#: model. Without this floor a repair INVENTED a number on a specimen whose printed digits are wrong.
POSSIBLE = 9.0
#: How many characters the model may hold possible at one place.
ALTERNATIVES = 6


@dataclass(frozen=True)
class Glyph:
    """One recognized character: its probability, and where it stands along its line.

    ``ranked`` are all characters of the charset with their probabilities, likeliest first (in a zone reading only).
    """

    character: str
    probability: float = 1.0
    position: float = 0.0
    ranked: tuple[tuple[str, float], ...] = ()

    def possible(self, charset: str, reach: float = POSSIBLE) -> list[Glyph]:
        """Return what else of a charset the model held possible here, likeliest first."""
        if not self.ranked:
            return []
        floor = self.ranked[0][1] * math.exp(-reach)
        return [
            replace(self, character=character, probability=probability)
            for character, probability in self.ranked[: ALTERNATIVES + 1]
            if character in charset and character != self.character and probability > floor
        ]

    def among(self, charset: str) -> Glyph:
        """Return the likeliest character of a charset, with its probability given that one of them stands here."""
        fitting = [entry for entry in self.ranked if entry[0] in charset]
        total = sum(probability for _, probability in fitting)
        if not total:
            return self
        character, probability = fitting[0]
        return replace(self, character=character, probability=probability / total)


def text_of(glyphs: Iterable[Glyph]) -> str:
    """Return the characters as text."""
    return "".join(glyph.character for glyph in glyphs)


def lowest(glyphs: Iterable[Glyph]) -> float:
    """Return the probability of the least certain character; 0 for none."""
    return min((glyph.probability for glyph in glyphs), default=0.0)
