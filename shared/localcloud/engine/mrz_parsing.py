"""Rows of recognized characters become a zone: fitted to a format, coerced to letters and digits, repaired."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product
from statistics import median

from localcloud.engine.glyphs import POSSIBLE, Glyph, text_of
from localcloud.engine.mrz import DIGITS, FILLER, FORMATS, LETTERS, Format, Span, Zone
from localcloud.engine.states import STATES

#: The characters that a field may have. The other fields (numbers, optional data) hold anything.
_CHARSETS = {
    "type": LETTERS + FILLER,
    "state": LETTERS + FILLER,
    "nationality": LETTERS + FILLER,
    "names": LETTERS + FILLER,
    "number_digit": DIGITS + FILLER,
    "birth": DIGITS + FILLER,
    "birth_digit": DIGITS,
    "sex": "MFX" + FILLER,
    "expiry": DIGITS + FILLER,
    "expiry_digit": DIGITS,
    "optional_digit": DIGITS + FILLER,
    "composite": DIGITS,
}
#: How unlikely (see `POSSIBLE`) a replacement may be that nothing but a check digit confirms, and one that is printed
#: on the document too. Measured: X for 1 at 8.3 passed a check digit by chance; O for a clear 0 was right at 9.3.
_LIKELY = 6.0
_PRINTED = 16.0
#: Names stand in two groups, surname and given names; letters in a third one are names if they are so many.
_THIRD, _SHORTEST_NAME = 2, 3
_ANYTHING = DIGITS + LETTERS + FILLER
#: What OCR-B characters are mistaken for; used if the model's other guesses are not known.
_TO_DIGIT = dict(zip("OQDUILZSGBTA", "000011256874", strict=True))
_TO_LETTER = dict(zip("0123456789", "OIZJASGTBG", strict=True))
#: A row may be longer or shorter than its format by this many characters, and by more fillers at its end.
_SLACK = 4
#: Two characters closer together than this many pitches are one that was read twice.
_DOUBLE = 0.6
#: Two characters further apart than this many pitches have lost a filler between them.
_GAP = 1.6


def parse(rows: Sequence[Sequence[Glyph]], seen: frozenset[str] = frozenset()) -> Zone | None:
    """Read rows as a zone.

    Args:
        rows: Recognized characters of two or three rows.
        seen: What else is printed on the document, to confirm the number and the names.

    Returns:
        The zone with the fewest failures (see `Zone.failures`); None if the rows have the shape of no format.
    """
    zones = [_settled(zone, seen) for form in FORMATS for zone in _fitted(rows, form)]
    return min(zones, key=lambda zone: len(zone.failures()), default=None)


def parse_text(*lines: str) -> Zone | None:
    """Read lines of plain text as a zone: no other character is thought possible."""
    return parse([[Glyph(character, position=place) for place, character in enumerate(line)] for line in lines])


def _fitted(rows: Sequence[Sequence[Glyph]], form: Format) -> Iterator[Zone]:
    if len(rows) != form.rows or not rows[0] or _first_letter(rows[0]) not in form.types:
        return
    names = form.spans["names"].row
    candidates = (fits(row, form.width, is_names=place == names) for place, row in enumerate(rows))
    yield from (Zone(form, full) for full in product(*candidates))


def _first_letter(row: Sequence[Glyph]) -> str:
    return _coerced(row[0], LETTERS).character


def fits(row: Sequence[Glyph], width: int, *, is_names: bool) -> list[tuple[Glyph, ...]]:
    """Give a row the width of its format by adding or dropping fillers; where, only check digits can tell."""
    fitted = _with_lost_fillers(_without_doubles(list(row), width), width)
    if is_names:
        # Names end in fillers, and a long run of them is never counted right.
        while len(fitted) > width and fitted[-1].character == FILLER:
            fitted.pop()
        fitted += [Glyph(FILLER)] * (width - len(fitted) if text_of(fitted).endswith(FILLER) else 0)
    if len(fitted) == width:
        return [tuple(fitted)]
    return list(_stretched(fitted, width)) if abs(width - len(fitted)) <= _SLACK else []


def _without_doubles(row: list[Glyph], width: int) -> list[Glyph]:
    """Drop characters that stand closer to their neighbors than the even pitch of OCR-B allows."""
    while len(row) > width:
        steps = [after.position - before.position for before, after in pairwise(row)]
        closest = min(range(len(steps)), key=lambda place: steps[place])
        if steps[closest] > _DOUBLE * median(steps):
            break
        worse = closest if row[closest].probability < row[closest + 1].probability else closest + 1
        row = [*row[:worse], *row[worse + 1 :]]
    return row


def _with_lost_fillers(row: list[Glyph], width: int) -> list[Glyph]:
    """Put fillers where the even pitch of OCR-B shows that a character was lost."""
    if len(row) >= width or len(row) < 2:
        return row
    steps = [after.position - before.position for before, after in pairwise(row)]
    pitch = median(steps)
    spaced = row[:1]
    for step, glyph in zip(steps, row[1:], strict=True):
        if pitch > 0 and step > _GAP * pitch and FILLER in (spaced[-1].character, glyph.character):
            spaced += [Glyph(FILLER)] * (round(step / pitch) - 1)
        spaced.append(glyph)
    return spaced if len(spaced) <= width else row


def _stretched(row: list[Glyph], width: int) -> Iterator[tuple[Glyph, ...]]:
    """Yield the row with one run of fillers made longer or shorter: the longest first, as it is miscounted soonest."""
    runs = list(re.finditer(f"{FILLER}+", text_of(row)))
    for run in sorted(runs, key=lambda run: run.start() - run.end()):
        length = run.end() - run.start() + width - len(row)
        if length > 0:
            yield (*row[: run.start()], *[Glyph(FILLER)] * length, *row[run.end() :])


def _settled(zone: Zone, seen: frozenset[str]) -> Zone:
    """Coerce by position, then repair what contradicts itself with what the model held possible."""
    for name in zone.format.spans:
        zone = _coerce_field(zone, name)
    zone = _settle_number(zone, seen)
    for digit, covered in zone.format.checks.items():
        if digit in zone.failures():
            zone = _repaired(zone, digit, covered)
    for name, other in (("state", "nationality"), ("nationality", "state")):
        zone = _settle_state(zone, name, zone.value(other))
    return _without_noise(zone, seen)


def _coerce_field(zone: Zone, name: str) -> Zone:
    span = zone.format.spans[name]
    if charset := _CHARSETS.get(name):
        for place, glyph in enumerate(zone.glyphs(name), span.start):
            zone = zone.put(span.row, place, _coerced(glyph, charset))
    return zone


def _coerced(glyph: Glyph, charset: str) -> Glyph:
    """Return the likeliest character of a charset; the glyph itself if nothing fits."""
    if glyph.ranked or glyph.character in charset:
        return glyph.among(charset)
    table = _TO_DIGIT if DIGITS[0] in charset else _TO_LETTER
    similar = table.get(glyph.character, "")
    return replace(glyph, character=similar) if similar and similar in charset else glyph


def _settle_number(zone: Zone, seen: frozenset[str]) -> Zone:
    """Choose the document number that is also printed on the document, where the model held it possible.

    Check digits are blind to characters ten apart in value (G/6, S/8, Z/5, I/8, O/4, A/0, B/1): a number that was read
    twice comes before the one that was read best in the zone.
    """
    covered = (zone.format.spans["number"],)
    variants = [zone, *_variants(zone, "number_digit", covered, changes=2, reach=_PRINTED)]
    printed = {v.value("number"): v for v in reversed(variants) if v.value("number") in seen and _number_holds(v)}
    return next(iter(printed.values())) if len(printed) == 1 else zone


def _number_holds(zone: Zone) -> bool:
    return "number_digit" not in zone.failures()


def _repaired(zone: Zone, digit: str, covered: Sequence[Span]) -> Zone:
    """Replace one character where exactly one replacement mends the check, and a likely one; else leave it broken."""
    before = set(zone.failures())
    mended = [v for v in _variants(zone, digit, covered) if _is_mended(v, digit, before)]
    likely = [v for v in _variants(zone, digit, covered, reach=_LIKELY) if _is_mended(v, digit, before)]
    return likely[0] if len(mended) == len(likely) == 1 else zone


def _is_mended(zone: Zone, digit: str, before: set[str]) -> bool:
    after = set(zone.failures())
    return digit not in after and after < before


def _variants(
    zone: Zone, digit: str, covered: Sequence[Span], changes: int = 1, reach: float = POSSIBLE
) -> Iterator[Zone]:
    """Yield the zone with up to so many characters of a checked stretch replaced by what the model held possible."""
    spans = (*covered, zone.format.spans[digit])
    places = [(span.row, place) for span in spans for place in range(span.start, span.end)]
    yield from _replaced(zone, places, changes, reach)


def _replaced(zone: Zone, places: Sequence[tuple[int, int]], changes: int, reach: float) -> Iterator[Zone]:
    for index, (row, place) in enumerate(places):
        for glyph in zone.rows[row][place].possible(_charset_at(zone.format, row, place), reach):
            variant = zone.put(row, place, glyph)
            yield variant
            if changes > 1:
                yield from _replaced(variant, places[index + 1 :], changes - 1, reach)


def _charset_at(form: Format, row: int, place: int) -> str:
    for name, span in form.spans.items():
        if span.row == row and span.start <= place < span.end:
            return _CHARSETS.get(name, _ANYTHING)
    return _ANYTHING


def _settle_state(zone: Zone, name: str, other: str) -> Zone:
    """Mend a code that no state has: by what the model held possible, else by the document's other code.

    No check digit covers these letters.
    """
    code = zone.value(name)
    if code in STATES:
        return zone
    known = [variant for variant in _variants(zone, name, ()) if variant.value(name) in STATES]
    if known:
        same = [variant for variant in known if variant.value(name) == other]
        return (same or known)[0]
    if other in STATES and sum(a != b for a, b in zip(code.ljust(3), other.ljust(3), strict=True)) == 1:
        span = zone.format.spans[name]
        for place, letter in enumerate(other.ljust(3, FILLER), span.start):
            if zone.rows[span.row][place].character != letter:
                # The model did not hold this letter possible: it has no probability of its own.
                zone = zone.put(span.row, place, Glyph(letter, 0.0))
    return zone


def _without_noise(zone: Zone, seen: frozenset[str]) -> Zone:
    """Leave stray letters behind the names out of them; the lines stay as they were read.

    Two fillers end the surname, and by ICAO 9303 nothing but fillers comes behind the given names. Zones that part
    given names by two fillers are met as well. So what comes there is a name if it is printed too, or looks like one;
    and a short word behind a single filler must be printed where other names are.
    """
    names = zone.raw("names")
    end = group = 0
    for word in re.finditer("[A-Z]+", names):
        group += word.start() - end > 1 and end > 0
        if group < _THIRD or word[0] in seen or _is_name(word[0]):
            end = word.end()
    tail = re.search(r"<<.*[A-Z]<([A-Z]{1,2})$", names[:end])
    if tail and tail[1] not in seen and seen & set(re.findall("[A-Z]+", names[: tail.start(1)])):
        end = tail.start(1)
    return replace(zone, names_end=end)


def _is_name(word: str) -> bool:
    """Tell a name from fillers that were read as letters: those are few, or all the same."""
    return len(word) >= _SHORTEST_NAME and len(set(word)) > 1
