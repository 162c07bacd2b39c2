"""Reads a line: the model's class probabilities become characters, with others that it thought possible."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from localcloud.engine.glyphs import Glyph, text_of
from localcloud.engine.models import Floats, Image, Models

#: The characters of a machine readable zone.
ZONE_CHARSET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"

_LOOKALIKES = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТХУаеорсухі", "ABEZHIKMNOPTYXoABEKMHOPCTXYaeopcyxi")
_GREEK_OR_CYRILLIC = re.compile("[\u0370-\u03ff\u0400-\u04ff]")
_LATIN = re.compile("[A-Za-z]")


@dataclass(frozen=True)
class Recognized:
    """One line, read twice from the same probabilities: as any text, and as the text of a machine readable zone."""

    glyphs: tuple[Glyph, ...]
    zone: tuple[Glyph, ...]

    @cached_property
    def characters(self) -> tuple[Glyph, ...]:
        """The glyphs of the text: no spaces around it, look-alikes of other scripts written in Latin."""
        text = _latinized(text_of(self.glyphs))
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        return tuple(replace(self.glyphs[place], character=text[place]) for place in range(start, end))

    @property
    def text(self) -> str:
        """The line as text."""
        return text_of(self.characters)

    @property
    def is_foreign(self) -> bool:
        """Tell whether the line is in Greek or Cyrillic, of which the model knows only the letters of formulas."""
        return len(_GREEK_OR_CYRILLIC.findall(self.text)) > len(self.text) / 3

    @property
    def confidence(self) -> float:
        """The mean probability of the characters; 0 for an empty line."""
        return float(np.mean([glyph.probability for glyph in self.characters])) if self.characters else 0.0


def recognize_line(line: Image, models: Models) -> Recognized:
    """Recognize one upright line."""
    probabilities, filled = models.classes(line)
    glyphs = _best_path(probabilities, models.charset, filled)
    # Masking all but the zone's characters before the best path is taken cures look-alikes and kana read for fillers:
    # 25 -> 34 of 39 zones right.
    zone = _best_path(probabilities[:, _zone_classes(models.charset)], "\0" + ZONE_CHARSET, filled, ranked=True)
    return Recognized(glyphs, zone)


@cache
def _zone_classes(charset: str) -> NDArray[np.intp]:
    return np.array([0, *(charset.index(character) for character in ZONE_CHARSET)])


def _best_path(probabilities: Floats, charset: str, filled: float, ranked: bool = False) -> tuple[Glyph, ...]:
    """Decode CTC: one glyph for each run of the same class; its place is where the run is surest."""
    best = probabilities.argmax(axis=1)
    starts = np.flatnonzero(np.r_[True, best[1:] != best[:-1]])
    glyphs = []
    for start, end in zip(starts, np.r_[starts[1:], len(best)], strict=True):
        if best[start] == 0:
            continue
        peak = start + int(probabilities[start:end, best[start]].argmax())
        position = min(1.0, (peak + 0.5) / len(best) / filled)
        entries = _ranked(probabilities[peak], charset) if ranked else ()
        glyphs.append(Glyph(charset[best[start]], float(probabilities[peak, best[start]]), position, entries))
    return tuple(glyphs)


def _ranked(step: Floats, charset: str) -> tuple[tuple[str, float], ...]:
    return tuple((charset[index], float(step[index])) for index in np.argsort(step)[::-1] if index)


def _latinized(text: str) -> str:
    """Write Greek and Cyrillic look-alikes as Latin letters where the line is Latin otherwise."""
    folded = text.translate(_LOOKALIKES)
    return folded if _LATIN.search(text) and not _GREEK_OR_CYRILLIC.search(folded) else text
