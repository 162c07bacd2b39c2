"""Rows as CSV and as JSON Lines. In CSV no text is a formula: an apostrophe stands before one that would be.

Nor is any part of a text: a spreadsheet of another locale splits rows elsewhere, and takes ``;=1+1`` for two cells.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from datetime import datetime
from typing import IO, Any

import msgspec

from legible.model.records import Cell, Field, Recognized, Record, TextBlock
from legible.outputs.columns import Sheet
from legible.outputs.rows import Row, Value, lines

#: What a formula begins with when a spreadsheet opens a CSV, in East Asian editions full width too (OWASP, CSV
#: Injection). Spaces and quotes before it may be taken off.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
_BEGINNING = re.compile(rf"[\s\ufeff\"']*[{re.escape(_FORMULA)}]")
#: Where a cell of its own begins for a spreadsheet whose locale has another separator, which knows no quotes then.
_SEPARATORS = ";|\t\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_RUN = re.compile(rf"[\s\ufeff\"';|]+([{re.escape(_FORMULA)}])?")
#: Readers in several languages make no number of more digits than this.
_MOST_DIGITS = 300
_NUMBERS = frozenset({"amount", "number", "integer", "confidence"})
_CLOCKLESS = (1980, 1, 1, 0, 0, 0)


class Csv:
    """A zip of CSV files, one a sheet, for Excel and for programs: UTF-8 with a mark, comma, CRLF, quotes where needed.

    A text that begins as a formula does gets an apostrophe in front; one that begins with an apostrophe gets another,
    so that the first character can be taken off again. Within a text an apostrophe stands between a semicolon, a tab, a
    bar or a line break and what begins as a formula. Numbers and dates that read as such stand as ``1234.50`` and
    ``2026-01-31``.

    Args:
        file: Where to.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Begin without sheets; each lies on the disk until the end."""
        self._file = file
        self._sheets: dict[str, tuple[Sheet, Any, Any]] = {}

    def add(self, record: Record, source: str = "", parts: Recognized | None = None) -> None:
        """Write the rows of one document; see ``rows.lines``."""
        for line in lines(record, source, parts):
            self.write(line)

    def write(self, line: Row) -> None:
        """Write one row."""
        known = self._sheets.get(line.sheet.name)
        if known is None:
            # Not one that begins in memory: before Python 3.11 those are no files that a text can be written to.
            spool = tempfile.TemporaryFile(prefix="legible-")  # noqa: SIM115
            text = io.TextIOWrapper(spool, "utf-8-sig", errors="replace", newline="", write_through=True)
            known = self._sheets[line.sheet.name] = (line.sheet, text, csv.writer(text))
            known[2].writerow([_safe(column.label) for column in line.sheet.columns])
        known[2].writerow(list(map(plain, line.values)))

    def close(self) -> None:
        """End the file."""
        names: set[str] = set()
        with zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED) as packed:
            for sheet, text, _ in self._sheets.values():
                text.flush()
                pack(packed, f"{file_name(sheet.label, names)}.csv", text.detach())


class JsonLines:
    """One JSON object a line: ``sheet``, then the row's values by the labels of their columns; empty ones are left out.

    Numbers are JSON numbers digit for digit (text, where no reader could hold them), dates ``YYYY-MM-DD``, everything
    else is text.

    Args:
        file: Where to.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Begin without lines."""
        self._file = file

    def add(self, record: Record, source: str = "", parts: Recognized | None = None) -> None:
        """Write the rows of one document; see ``rows.lines``."""
        for line in lines(record, source, parts):
            self.write(line)

    def write(self, line: Row) -> None:
        """Write one row."""
        values = {
            column.label: _json(value)
            for column, value in zip(line.sheet.columns, line.values, strict=True)
            if value is not None and value != ""
        }
        self._file.write(msgspec.json.encode({"sheet": line.sheet.label, **values}) + b"\n")

    def close(self) -> None:
        """Do nothing: every line is written already."""


def plain(value: Value) -> str:
    """Return a value as the text that a CSV holds; see ``Csv``."""
    if (
        isinstance(value, (Field, Cell))
        and value.typed is not None
        and value.type in {*_NUMBERS, "date", "datetime", "boolean"}
    ):
        return value.typed
    if isinstance(value, (Field, Cell, TextBlock)):
        return _safe(value.final)
    if isinstance(value, str):
        return _safe(value)
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)


def _safe(text: str) -> str:
    text = text.replace("\x00", "\u2400")  # which no CSV can hold
    begins = text.startswith(("'", "\t", "\r")) or _BEGINNING.match(text)
    text = _RUN.sub(_held_apart, text)
    return f"'{text}" if begins else text


def _held_apart(run: re.Match[str]) -> str:
    """Put an apostrophe behind the last separator of a run that ends with what begins a formula."""
    text = run[0]
    last = max(map(text.rfind, _SEPARATORS))
    return f"{text[: last + 1]}'{text[last + 1 :]}" if run[1] and last >= 0 else text


def _json(value: Value) -> Any:
    if isinstance(value, (Field, Cell)) and value.typed is not None:
        if value.type in _NUMBERS or value.type == "boolean":
            return msgspec.Raw(value.typed.encode()) if len(value.typed) <= _MOST_DIGITS else value.typed
        if value.type in ("date", "datetime"):
            return value.typed
    return value.final if isinstance(value, (Field, Cell, TextBlock)) else value


def file_name(label: str, taken: set[str]) -> str:
    """Return a file name that every system accepts and that is not in ``taken`` yet; it is added there."""
    plain_label = "".join(letter if letter.isalnum() or letter in " -_" else "-" for letter in label).strip()[:80]
    number = 1
    while True:
        name = plain_label if number == 1 else f"{plain_label} ({number})"
        if name.lower() not in taken:
            taken.add(name.lower())
            return name
        number += 1


def pack(packed: zipfile.ZipFile, name: str, spool: IO[bytes]) -> None:
    """Put a spooled file into a zip, part by part, under a fixed date; the spool is closed."""
    info = zipfile.ZipInfo(name, _CLOCKLESS)
    info.compress_type = zipfile.ZIP_DEFLATED
    spool.seek(0)
    with packed.open(info, "w", force_zip64=True) as target:
        while part := spool.read(1 << 20):
            target.write(part)
    spool.close()
