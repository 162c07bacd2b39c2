"""Which byte of a line was changed, found by trying: the digest at the line's end says which change takes it back."""

from __future__ import annotations

from collections.abc import Iterator

from legible.oversight.audit_line import intact

#: In a longer line, in bytes, it is not looked for: the tries grow with the square of the length.
_LONGEST = 4_096
#: What a byte may have been: first what a line consists of, JSON in ASCII, then the others.
_LIKELY = [bytes([value]) for value in range(0x20, 0x7F)]
_OTHERS = [bytes([value]) for value in range(256) if not 0x20 <= value < 0x7F]


def damaged_byte(lines: list[bytes], number: int) -> int:
    """Return the place of the one byte that was changed, added or taken away in a line; 0 if it was not just one.

    Args:
        lines: The lines of a part, each with its end.
        number: The index of the first that is not as its own digest says.

    Returns:
        Its offset from the beginning of the line.
    """
    line = lines[number]
    following = lines[number + 1] if number + 1 < len(lines) else b""
    if len(line) > _LONGEST:
        return 0
    return next((place for place, text in _mended(line, following) if intact(text)), 0)


def _mended(line: bytes, following: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what the line may have been, each with the place of the byte that would have been changed."""
    end = len(line) - 1
    for place, byte in enumerate(line):
        if byte == ord("}"):  # the line feed behind it was changed, or taken away: two lines became one
            yield place + 1, line[: place + 1] + b"\n"
    for value in _LIKELY + _OTHERS:  # a byte became a line feed, or one was added: one line became two
        yield end, line[:end] + value + following
    yield end, line[:end] + following
    for place in range(len(line)):  # one was added
        yield place, line[:place] + line[place + 1 :]
    for values in (_LIKELY, _OTHERS):
        for place in range(len(line)):  # one was changed
            before, behind = line[:place], line[place + 1 :]
            yield from ((place, before + value + behind) for value in values)
        for place in range(len(line)):  # one was taken away
            before, behind = line[:place], line[place:]
            yield from ((place, before + value + behind) for value in values)
