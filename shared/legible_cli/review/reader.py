"""A workbook that comes back from a reviewer, read: what was written in its column for corrections."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from legible.extraction.corrections import Change, digest
from legible.outputs.xlsx import CORRECTED, KEY, read_key

#: An unpacked workbook may have so many bytes; what is larger was not written by Legible, or is a bomb.
_LARGEST = 1_000_000_000


class UnreadableWorkbookError(Exception):
    """The file is no workbook that Legible wrote; the message says why."""


@dataclass
class Reviewed:
    """What a workbook says: edits by document and version; ``problems`` says where it says nothing clear."""

    edits: dict[tuple[str, str], list[Change]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(file: Path) -> Reviewed:
    """Return what a reviewer wrote in a workbook.

    Raises:
        UnreadableWorkbookError: It is none, or has no column for corrections.
    """
    found, sheets = Reviewed(), 0
    book = _opened(file)
    try:
        for sheet in book.worksheets:
            rows = sheet.iter_rows()
            places = _places(next(rows, ()))
            if places is None:
                continue
            sheets += 1
            for number, row in enumerate(rows, 2):
                _take(found, f"{sheet.title}, row {number}", row, *places)
    finally:
        book.close()
    if not sheets:
        raise UnreadableWorkbookError(
            f"{file.name} has no sheet with the columns {CORRECTED} and {KEY} (hidden). Use a workbook that Legible "
            "wrote, and keep its first row."
        )
    return found


def _opened(file: Path) -> Any:
    try:
        with zipfile.ZipFile(file) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > _LARGEST:
            raise UnreadableWorkbookError(f"{file.name} has {size:,} bytes unpacked; at most {_LARGEST:,} are read.")
        return openpyxl.load_workbook(file, read_only=True)
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise UnreadableWorkbookError(f"{file.name} is no Excel workbook ({type(error).__name__}).") from None


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
