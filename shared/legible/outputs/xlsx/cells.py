"""What goes into the cells of a workbook: text or exact value, look, and the color of doubt. Values only."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from legible.model.documents import Status
from legible.model.pages import Location
from legible.model.records import Cell, Field, Table, TextBlock
from legible.outputs.xlsx.values import MAX_COLUMNS, MAX_ROWS, decimals, shown

Style = dict[str, Any]

HEADER: Style = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3864", "border": 1, "valign": "top"}
BODY: Style = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#D9D9D9"}
VALUE: Style = BODY | {"align": "left"}
LABEL: Style = BODY | {"bold": True, "font_color": "#1F3864"}
FAINT: Style = BODY | {"font_color": "#595959"}
HEADING: Style = {"bold": True, "font_size": 12, "font_color": "#1F3864", "bottom": 2, "bottom_color": "#1F3864"}
BANNER: Style = {"bold": True, "font_size": 12, "valign": "vcenter", "text_wrap": True, "border": 1}

_GOOD: Style = {"bg_color": "#E2EFDA", "font_color": "#1E4620"}
_FAIR: Style = {"bg_color": "#FFF2CC", "font_color": "#5C4400"}
_POOR: Style = {"bg_color": "#F8CBAD", "font_color": "#641E16"}
_STATUS = {"done": _GOOD, "partial": _FAIR, "running": _FAIR, "held": _FAIR}
#: Confidence below which a value is colored, the colors (contrast above 7 to 1), and what they ask of the reader.
DOUBTS = ((0.8, _POOR, "Confidence below 80 %: read it yourself"), (0.95, _FAIR, "Confidence below 95 %: have a look"))
SURE = "Confidence of 95 % or more, or none given"
#: What breaks a rule, what a reviewer corrected, and what waits for a correction; color and what it says.
FINDING: Style = {"bg_color": "#E4D9F2", "font_color": "#3B1E5A"}
CORRECTED: Style = {"bg_color": "#D6E6F5", "font_color": "#123A5C"}
MARKS = ((FINDING, "It breaks a rule: see Findings"), (CORRECTED, "Corrected by a reviewer"))
#: A cell that is not for people.
HIDDEN: Style = {"num_format": "@"}
#: A cell to write in: what is written stays a text, whatever it looks like.
EDIT: Style = BODY | {"num_format": "@", "bg_color": "#FFFFF0"}

_OWN_WORD = re.compile("[a-z]+(?:_[a-z]+)+")
#: Tables beyond this are listed cell by cell: drawing them would take more memory than a function has.
_MAX_DRAWN = 500_000


class Content(NamedTuple):
    """What goes into one cell of a sheet."""

    text: str = ""
    type: str = "text"
    typed: str | None = None
    confidence: float | None = None
    style: Style = BODY
    currency: str = ""
    mark: Style | None = None
    #: A PNG that stands in the cell.
    picture: bytes = b""


def status_style(status: Status) -> Style:
    """Return the colors of a status."""
    return _STATUS.get(status, _POOR)


def of(item: Field | Cell | TextBlock) -> Content:
    """Return the cell of a recognized value: what counts now, and the color of its finding or doubt."""
    if isinstance(item, TextBlock):
        return Content(item.final, confidence=item.confidence, mark=_mark(item))
    style = VALUE if isinstance(item, Field) else BODY
    return Content(_word(item) or item.final, item.type, item.typed, item.confidence, style, item.currency, _mark(item))


def _word(item: Field | Cell) -> str:
    """Return what a word of the service's own means (``quota_invoice``); empty for what the document itself says."""
    word = item.typed or ""
    own = _OWN_WORD.fullmatch(item.final) or (item.final.islower() and word.lower().replace(" ", "") == item.final)
    return word if item.type == "enum" and own else ""


def _mark(item: Field | Cell | TextBlock) -> Style | None:
    if not isinstance(item, TextBlock) and item.findings:
        return FINDING
    return CORRECTED if item.corrected is not None else None


def original(field: Field) -> Content:
    """Return the text as recognized where something else is shown in its place."""
    value = _word(field) or shown(field.type, field.typed)
    differs = value is not None and field.value not in (field.typed, str(value))
    return Content(field.value if differs or field.corrected is not None else "", style=FAINT)


def edit(field: Field) -> Content:
    """Return the cell in which a reviewer writes what is right; it holds what the last one wrote."""
    return Content(field.corrected.value if field.corrected else "", style=EDIT)


def sides(item: Field | Cell | TextBlock) -> tuple[Content, Content]:
    """Return the cells of a recognized value's confidence and location."""
    confidence = "" if item.confidence is None else repr(item.confidence)
    location = "" if item.location is None else _corners(item.location)
    return Content(confidence, "share", confidence or None, item.confidence, VALUE), Content(location, style=FAINT)


def _corners(location: Location) -> str:
    return " ".join(f"{repr(x).removesuffix('.0')},{repr(y).removesuffix('.0')}" for x, y in location)


def count(number: int) -> Content:
    """Return the cell of a page or row number."""
    return Content(str(number), "integer", str(number), style=VALUE)


def styled(content: Content) -> Style:
    """Return the style of a cell with the format its value needs and the color its confidence asks for."""
    confidence = 1.0 if content.confidence is None else content.confidence
    doubt = content.mark or next((style for limit, style, _ in DOUBTS if confidence < limit), {})
    if content.typed is None or shown(content.type, content.typed) is None:
        return content.style | doubt | _as_text(content.text)
    digits = decimals(content.typed)
    number = "0." + "0" * digits if digits else "0"
    currency = f'"{content.currency}" ' if content.currency else ""
    formats = {"date": "yyyy-mm-dd", "amount": f"{currency}#,##{number}", "share": "0.0%", "boolean": "General"}
    return content.style | doubt | {"num_format": formats.get(content.type, number)}


def looks(content: Content) -> str:
    """Return the text that a cell shows: an amount has its currency and its thousands apart."""
    if content.type != "amount" or content.typed is None or shown(content.type, content.typed) is None:
        return content.text
    currency = f"{content.currency} " if content.currency else ""
    return f"{currency}{float(content.typed):,.{decimals(content.typed)}f}"


def _as_text(text: str) -> Style:
    """Keep a text a text when its cell is edited: ``=1+1`` and ``007`` would be read anew.

    Older Excel shows a text format as ``####`` in cells of more than 255 characters.
    """
    style: Style = {"num_format": "@"} if 0 < len(text) <= 255 else {}
    return style | {"quote_prefix": True} if text.startswith(("=", "+", "-", "@", "\t")) else style


def drawable(table: Table) -> bool:
    """Tell whether a table fits on a sheet and no two of its cells claim the same place."""
    area = sum(cell.row_span * cell.column_span for cell in table.cells)
    if table.rows > MAX_ROWS or table.columns > MAX_COLUMNS or area > _MAX_DRAWN:
        return False
    claimed = {
        (row, column)
        for cell in table.cells
        for row in range(cell.row, cell.row + cell.row_span)
        for column in range(cell.column, cell.column + cell.column_span)
    }
    return len(claimed) == area
