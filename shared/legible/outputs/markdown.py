"""A record as Markdown (GitHub's kind), page by page; what was recognized stays plain text in it.

Recognized text is foreign: it never becomes a heading, a list, a link, an image or HTML, and none of it is lost but
spaces. Web addresses do not turn into links by themselves either; e-mail addresses may where GitHub shows them: nothing
escapes them there, and such a link leads where it says. One page is held at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from statistics import median
from typing import NamedTuple

from legible.model.documents import Reason, Status
from legible.model.pages import EMPTY_WORDS, Page
from legible.model.records import Cell, Extract, Field, Record, Table, TextBlock

_STATUS: dict[Status, str] = {
    "running": "This document is being recognized",
    "done": "Done",
    "partial": "Partial: some pages have no result",
    "rejected": "Rejected: this document was not recognized",
    "held": "Held: this document waits",
    "dead": "Dead: this document could not be recognized",
}
#: Tables beyond this are listed cell by cell, as in the workbook: hardly a place in them has a text.
_MAX_DRAWN = 500_000
#: A line so many times as high as the page's middle one is a heading, if it is no longer than a heading is.
_TALL, _HEADING = 1.5, 120
#: So many lines must have a place before one of them is taken for a heading.
_ENOUGH = 3

_SPECIAL = re.compile(r"[\\`*_{}\[\]#~$|]")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: What GitHub makes a link of where it stands in a text: ``http://`` and ``www.``.
_LINKING = re.compile(r":(?=/)|(?<=www)\.", re.IGNORECASE)
#: What makes a list, a heading, a quote, a rule, a table or a definition of a line that begins with it, or a formula
#: where a line is pasted into a spreadsheet.
_BEGINNING = re.compile(r"([-+=:@]|\d+(?=[.)]))")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")
#: What ends a line for one reader of text or another.
_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: Scripts written without spaces between words: Chinese and Japanese.
_SPACELESS = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def lines(record: Record, pages: Iterable[Extract]) -> Iterator[str]:
    """Yield a record as lines of Markdown, without their ends.

    Args:
        record: What is known of the document; its fields, tables and text are not looked at.
        pages: What each answered page says, in order: one for each page of the record that is ``done``.
    """
    yield f"# {escaped(record.document.key.rstrip('/').rsplit('/', 1)[-1])}"
    yield ""
    yield from _head(record)
    extracts = iter(pages)
    for page in record.pages:
        if len(record.pages) > 1:
            yield f"## Page {page.page}"
            yield ""
        if page.empty:
            yield f"Nothing was recognized on this page: {EMPTY_WORDS[page.empty]}."
            yield ""
        if page.state == "done":
            yield from _page(next(extracts, Extract()))
        else:
            yield from _missing(page)
    for extract in extracts:
        yield from _page(extract)


def escaped(text: str) -> str:
    """Return a text on one line, escaped so that Markdown shows it as it is, anywhere in a document."""
    text = " ".join(_CONTROLS.sub(_picture, text).split())
    text = _SPECIAL.sub(r"\\\g<0>", re.sub("[&<>]", lambda match: _HTML[match[0]], text))
    text = _LINKING.sub(r"\\\g<0>", text)
    begins = _BEGINNING.match(text)
    if begins is None:
        return text
    at = begins.end() if begins[0].isdigit() else 0
    return text[:at] + "\\" + text[at:]


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _broken(text: str, between: str) -> str:
    """Return a text of several lines, each escaped."""
    return between.join(part for part in map(escaped, _ENDS.split(text)) if part)


def _head(record: Record) -> Iterator[str]:
    name = f"{record.title} ({record.operation})" if record.title else record.operation
    operation = f" Read by {escaped(name)}." if name else " No operation was found for it."
    yield f"{_STATUS[record.status]}.{operation} Source: {escaped(str(record.document.ref))}"
    yield ""
    if record.reason is not None:
        yield _because(record.reason)
        yield ""


def _because(reason: Reason) -> str:
    code = reason.vendor_code or reason.code
    advice = f" {escaped(reason.advice)}" if reason.advice else ""
    return f"{escaped(reason.message.rstrip('.'))} ({escaped(code)}).{advice}"


def _missing(page: Page) -> Iterator[str]:
    because = f": {_because(page.reason)}" if page.reason is not None else "."
    yield f"This page has no result ({page.state}){because}"
    yield ""


def _page(extract: Extract) -> Iterator[str]:
    empty = True
    for line in chain(_fields(extract.fields), *map(_table, extract.tables), _text(extract.text)):
        empty = False
        yield line
    if empty:
        yield "Nothing was recognized on this page."
        yield ""


def _fields(fields: tuple[Field, ...]) -> Iterator[str]:
    if fields:
        yield "| Field | Value |"
        yield "| --- | --- |"
        yield from (_row((field.label or field.name, field.final)) for field in fields)
        yield ""


def _row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(_broken(text, '<br>') for text in texts)} |"


def _table(table: Table) -> Iterator[str]:
    yield f"**{escaped(table.label or table.name) or 'Table'}**"
    yield ""
    rows: dict[int, list[Cell]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row, []).append(cell)
    height = max((table.rows, *(row + 1 for row in rows)))
    width = max((1, table.columns, *(cell.column + 1 for cell in table.cells)))
    if height * width > _MAX_DRAWN:
        yield from _listed(table.cells)
        return
    first = 1 if table.header else 0
    yield _row(_across(rows.get(0, []) if table.header else [], width))
    yield f"|{' --- |' * width}"
    yield from (_row(_across(rows.get(row, []), width)) for row in range(first, height))
    yield ""


def _across(cells: list[Cell], width: int) -> list[str]:
    """Return the texts of a row; a cell that spans others has its text in the first."""
    texts = [""] * width
    for cell in cells:
        before = texts[cell.column]
        texts[cell.column] = f"{before}\n{cell.final}" if before else cell.final
    return texts


def _listed(cells: tuple[Cell, ...]) -> Iterator[str]:
    yield "| Row | Column | Text |"
    yield "| --- | --- | --- |"
    yield from (_row((str(cell.row + 1), str(cell.column + 1), cell.final)) for cell in cells)
    yield ""


class _Box(NamedTuple):
    """A block's text, and the area of the page that it covers."""

    text: str
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    @property
    def height(self) -> float:
        return self.bottom - self.top


def _text(blocks: tuple[TextBlock, ...]) -> Iterator[str]:
    boxes = [_box(block) for block in blocks if block.final.strip()]
    heights = [box.height for box in boxes if box.height > 0]
    tall = _TALL * median(heights) if len(heights) >= _ENOUGH else float("inf")
    for paragraph in _paragraphs(boxes):
        text = ""
        for box in paragraph:
            text = _joined(text, box.text)
        if len(text) <= _HEADING and all(_stands_out(box, tall) for box in paragraph):
            yield f"### {_broken(text, ' ')}"
        else:
            yield from _broken(text, "\\\n").split("\n")
        yield ""


def _box(block: TextBlock) -> _Box:
    if not block.location:
        return _Box(block.final)
    xs, ys = [x for x, _ in block.location], [y for _, y in block.location]
    return _Box(block.final, min(xs), min(ys), max(xs), max(ys))


def _stands_out(box: _Box, tall: float) -> bool:
    """Tell whether a line is so high that it is a heading; one that is higher than wide is a column of letters."""
    return tall <= box.height < box.right - box.left


def _paragraphs(boxes: list[_Box]) -> Iterator[list[_Box]]:
    paragraph: list[_Box] = []
    for box in boxes:
        if paragraph and not _goes_on(paragraph[-1], box):
            yield paragraph
            paragraph = []
        paragraph.append(box)
    if paragraph:
        yield paragraph


def _goes_on(before: _Box, box: _Box) -> bool:
    """Tell whether a line goes on with the one before: beside it, or close below it where that one is full."""
    high = min(before.height, box.height)
    if high <= 0 or max(before.height, box.height) > _TALL * high:
        return False
    if abs(before.top - box.top) < high / 2:
        return before.right - high / 2 <= box.left
    below = -high / 2 < box.top - before.bottom < high * 0.75 and box.top > before.top
    aligned = -high < before.left - box.left < 4 * high
    return below and aligned and before.right > box.right - 2 * high


def _joined(text: str, more: str) -> str:
    """Return a line with the next one behind it: a space between, but for scripts that have none."""
    text, more = text.rstrip(), more.lstrip()
    spaceless = _SPACELESS.match(text[-1:]) and _SPACELESS.match(more[:1])
    return f"{text}{'' if spaceless or not text else ' '}{more}"
