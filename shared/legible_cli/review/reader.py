"""A workbook that comes back from a reviewer, read: what was written in its column for corrections."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import openpyxl

from legible.extraction.corrections import Change, digest
from legible.outputs.unpacking import Bounds, UnpackedSizeError, repack
from legible.outputs.xlsx import CORRECTED, KEY, read_key

#: How large a workbook may be: some hundred thousand values. What is larger was not written by Legible, or is a bomb.
BOUNDS = Bounds(300_000_000, parts=100_000)
#: The last row that Excel has; a file can name any number, and the rows before it would all be gone through.
_LAST_ROW = 1_048_576


class UnreadableWorkbookError(Exception):
    """The file is no workbook that Legible wrote; the message says why."""


@dataclass
class Reviewed:
    """What a workbook says: edits by document and version; ``problems`` says where it says nothing clear."""

    edits: dict[tuple[str, str], list[Change]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(file: Path, bounds: Bounds = BOUNDS) -> Reviewed:
    """Return what a reviewer wrote in a workbook.

    Args:
        file: The workbook.
        bounds: How large it may be.

    Raises:
        UnreadableWorkbookError: It is none, is too large, or has no column for corrections.
    """
    reviewed = Reviewed()
    try:
        with file.open("rb") as packed, tempfile.TemporaryFile(prefix="legible-") as copy:
            repack(packed, copy, bounds)
            sheets = _read(copy, reviewed)
    except UnpackedSizeError as error:
        raise UnreadableWorkbookError(f"{file.name} {error}. Use a workbook that Legible wrote.") from None
    except Exception as error:  # whatever a broken file makes of it
        raise UnreadableWorkbookError(f"{file.name} is no Excel workbook ({type(error).__name__}).") from None
    if not sheets:
        raise UnreadableWorkbookError(
            f"{file.name} has no sheet with the columns {CORRECTED} and {KEY} (hidden). Use a workbook that Legible "
            "wrote, and keep its first row."
        )
    return reviewed


def _read(workbook: IO[bytes], reviewed: Reviewed) -> int:
    """Read the sheets that have a column for corrections; return their number."""
    sheets = 0
    book = openpyxl.load_workbook(workbook, read_only=True)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # a file can name any, and rows would be filled up to them
            places = _places(next(sheet.iter_rows(max_row=1), ()))
            if places is None:
                continue
            sheets += 1
            rows = sheet.iter_rows(min_row=2, max_row=_LAST_ROW, max_col=max(places) + 1)
            for number, row in enumerate(rows, 2):
                _take(reviewed, f"{sheet.title}, row {number}", row, *places)
    finally:
        book.close()
    return sheets


def _places(header: Any) -> tuple[int, int] | None:
    labels = [cell.value for cell in header]
    return (labels.index(CORRECTED), labels.index(KEY)) if CORRECTED in labels and KEY in labels else None


def _take(reviewed: Reviewed, place: str, row: Any, corrected: int, key_at: int) -> None:
    cell = row[corrected] if corrected < len(row) else None
    text = "" if cell is None else _text(cell.value)
    key = read_key(str(row[key_at].value)) if key_at < len(row) and row[key_at].value else None
    if key is None:
        if text:
            reviewed.problems.append(f"{place}: the hidden key is gone or was changed; {text!r} belongs to nothing.")
        return
    if cell is not None and cell.data_type == "f":
        reviewed.problems.append(f"{place}: it holds a formula; write the value itself.")
        return
    if (digest(text) if text else "") == key.written:
        return
    edit = Change(key.page, key.name, text or None, key.was)
    reviewed.edits.setdefault((key.document, key.version), []).append(edit)


def _text(value: Any) -> str:
    """Return what a cell holds as text: Excel makes dates and numbers of what looks like one."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value).replace("\r\n", "\n").strip()
