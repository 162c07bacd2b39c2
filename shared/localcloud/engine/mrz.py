"""The machine readable zone of travel documents (ICAO 9303): formats, check digits, and the values of a zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from localcloud.engine.glyphs import Glyph, lowest, text_of

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
FILLER = "<"
_WEIGHTS = (7, 3, 1)


class Span(NamedTuple):
    """A stretch of one row."""

    row: int
    start: int
    end: int


@dataclass(frozen=True)
class Format:
    """One layout of a zone. ``types`` are the letters its first character may be."""

    name: str
    types: str
    rows: int
    width: int
    spans: Mapping[str, Span]
    #: The stretches that the composite digit covers; empty for visas, which have none.
    composite: tuple[Span, ...] = ()

    @property
    def checks(self) -> dict[str, tuple[Span, ...]]:
        """Check digit fields, with what each covers."""
        covered: dict[str, tuple[Span, ...]] = {
            f"{name}_digit": (span,) for name, span in self.spans.items() if f"{name}_digit" in self.spans
        }
        return covered | ({"composite": self.composite} if self.composite else {})


def _two_rows(width: int, **tail: Span) -> dict[str, Span]:
    return {
        "type": Span(0, 0, 2),
        "state": Span(0, 2, 5),
        "names": Span(0, 5, width),
        "number": Span(1, 0, 9),
        "number_digit": Span(1, 9, 10),
        "nationality": Span(1, 10, 13),
        "birth": Span(1, 13, 19),
        "birth_digit": Span(1, 19, 20),
        "sex": Span(1, 20, 21),
        "expiry": Span(1, 21, 27),
        "expiry_digit": Span(1, 27, 28),
        **tail,
    }


_TD1_SPANS = {
    "type": Span(0, 0, 2),
    "state": Span(0, 2, 5),
    "number": Span(0, 5, 14),
    "number_digit": Span(0, 14, 15),
    "optional": Span(0, 15, 30),
    "birth": Span(1, 0, 6),
    "birth_digit": Span(1, 6, 7),
    "sex": Span(1, 7, 8),
    "expiry": Span(1, 8, 14),
    "expiry_digit": Span(1, 14, 15),
    "nationality": Span(1, 15, 18),
    "optional2": Span(1, 18, 29),
    "composite": Span(1, 29, 30),
    "names": Span(2, 0, 30),
}

TD3 = Format(
    "TD3",
    "P",
    2,
    44,
    _two_rows(44, optional=Span(1, 28, 42), optional_digit=Span(1, 42, 43), composite=Span(1, 43, 44)),
    (Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, 43)),
)
TD2 = Format(
    "TD2",
    "ACIP",
    2,
    36,
    _two_rows(36, optional=Span(1, 28, 35), composite=Span(1, 35, 36)),
    (Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, 35)),
)
TD1 = Format("TD1", "ACI", 3, 30, _TD1_SPANS, (Span(0, 5, 30), Span(1, 0, 7), Span(1, 8, 15), Span(1, 18, 29)))
MRV_A = Format("MRV-A", "V", 2, 44, _two_rows(44, optional=Span(1, 28, 44)))
MRV_B = Format("MRV-B", "V", 2, 36, _two_rows(36, optional=Span(1, 28, 36)))
FORMATS = (TD3, TD1, TD2, MRV_A, MRV_B)


def check_digit(text: str) -> str:
    """Return the check digit of a text of A-Z, 0-9 and fillers."""
    values = (0 if character == FILLER else int(character, 36) for character in text)
    return str(sum(value * _WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


@dataclass(frozen=True)
class Zone:
    """A zone that has the shape of its format; `failures` says whether it agrees with itself."""

    format: Format
    rows: tuple[tuple[Glyph, ...], ...]
    #: Where the names end in their field; what is behind is noise. None where nothing is known of it.
    names_end: int | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The rows as text."""
        return tuple(text_of(row) for row in self.rows)

    def glyphs(self, name: str) -> tuple[Glyph, ...]:
        """Return the characters of a field."""
        span = self.format.spans[name]
        return self.rows[span.row][span.start : span.end]

    def raw(self, name: str) -> str:
        """Return a field as it stands, fillers included."""
        return text_of(self.glyphs(name))

    def value(self, name: str) -> str:
        """Return a field without its trailing fillers; those inside become spaces."""
        if name == "number" and self._overflow:
            return self.raw("number") + self._overflow[:-1]
        return self.raw(name).rstrip(FILLER).replace(FILLER, " ")

    def certainty(self, name: str) -> float:
        """Return the model's probability of the field's least certain character, fillers aside."""
        end = self.names_end if name == "names" else None
        return lowest(glyph for glyph in self.glyphs(name)[:end] if glyph.character != FILLER)

    def put(self, row: int, place: int, glyph: Glyph) -> Zone:
        """Return the zone with one character replaced."""
        changed = (*self.rows[row][:place], glyph, *self.rows[row][place + 1 :])
        return replace(self, rows=(*self.rows[:row], changed, *self.rows[row + 1 :]))

    def failures(self) -> tuple[str, ...]:
        """Return the names of the fields that contradict themselves: check digits, dates, sex."""
        failed = [name for name, covered in self.format.checks.items() if not self._holds(name, covered)]
        failed += [name for name in ("birth", "expiry") if not _is_date(self.raw(name))]
        if self.raw("sex") not in "MFX<":
            failed.append("sex")
        return tuple(failed)

    @property
    def _overflow(self) -> str:
        """The rest of a number longer than nine characters, with its digit: TD1 and TD2 put it into ``optional``."""
        if self.format not in (TD1, TD2) or self.raw("number_digit") != FILLER:
            return ""
        return self.raw("optional").split(FILLER)[0]

    def _holds(self, name: str, covered: Sequence[Span]) -> bool:
        text = "".join(text_of(self.rows[span.row][span.start : span.end]) for span in covered)
        digit = self.raw(name)
        if name == "number_digit" and len(self._overflow) > 1:
            text, digit = text + self._overflow[:-1], self._overflow[-1]
        if name == "optional_digit" and digit == FILLER:
            return not text.strip(FILLER)
        return digit == check_digit(text)

    @property
    def names(self) -> tuple[str, str]:
        """Surname and given names, which two fillers may part once more."""
        names = self.raw("names")[: self.names_end].rstrip(FILLER)
        surname, *given = (part.replace(FILLER, " ").strip() for part in names.split(FILLER * 2))
        return surname, " ".join(part for part in given if part)


def _is_date(text: str) -> bool:
    """Tell whether six characters are a date; the day, the month or all of it may be unknown."""
    known = text.rstrip(FILLER)
    return len(known) in (0, 2, 4, 6) and bool(full_date(known + "000101"[len(known) :], 2000))


def full_date(text: str, century: int) -> str:
    """Return ``YYYY-MM-DD``, or nothing if the six digits are not a date of that century."""
    try:
        return date(century + int(text[:2]), int(text[2:4]), int(text[4:6])).isoformat()
    except ValueError:
        return ""


def birth_date(text: str, today: date) -> str:
    """Return a date of birth in full: the latest one that is not in the future. Nothing if parts are unknown."""
    recent = full_date(text, 2000)
    return recent if recent and recent <= today.isoformat() else full_date(text, 1900)


def expiry_date(text: str) -> str:
    """Return a date of expiry in full: machine readable documents began in the 1980s."""
    return full_date(text, 1900 if text[:2] >= "80" else 2000)
