"""The formats of a workbook's cells: each is made once for a kind of value and a color, and found again."""

from __future__ import annotations

from typing import Any

from legible.model.records import Correction
from legible.outputs.xlsx.cells import CORRECTED, DOUBTS, FINDING, Style

#: From this confidence on nothing is colored.
SURE_FROM = max(limit for limit, _, _ in DOUBTS)


class Formats:
    """The formats of one workbook.

    Args:
        book: The ``xlsxwriter.Workbook``.
    """

    def __init__(self, book: Any) -> None:
        """Begin without formats; each is made once."""
        self._book = book
        self._styled: dict[Any, Any] = {}
        self._looks: dict[Any, Any] = {}

    def look(self, kind: str, tint: Style | None = None, currency: str = "", digits: int = 0) -> Any:
        """Return the format of a cell.

        Args:
            kind: The type of its value; or of text ``long``, ``lines`` and ``quoted``, ``link``; ``time``; ``place`` (a
                page or row), ``count``.
            tint: Colors; a constant, known by its identity.
            currency: Of an amount.
            digits: Of a number, behind its point.
        """
        key = (kind, id(tint), currency, digits)
        look = self._looks.get(key)
        if look is None:
            style = {"valign": "top"} | (tint or {}) | _number_format(kind, currency, digits)
            look = self._looks[key] = self.styled(style)
        return look

    def styled(self, style: Style) -> Any:
        """Return the format of a style."""
        key = tuple(sorted(style.items()))
        if key not in self._styled:
            self._styled[key] = self._book.add_format(style)
        return self._styled[key]


def tint_of(findings: tuple[str, ...], corrected: Correction | None, confidence: float | None) -> Style | None:
    """Return the color of a recognized value: of a finding, else a correction, else a doubt; None without any."""
    if findings:
        return FINDING
    if corrected is not None:
        return CORRECTED
    if confidence is None or confidence >= SURE_FROM:
        return None
    return doubt(confidence)


def doubt(confidence: float) -> Style | None:
    """Return the colors of a confidence; None where it is high enough."""
    for limit, style, _ in DOUBTS:
        if confidence < limit:
            return style
    return None


def _number_format(kind: str, currency: str, digits: int) -> Style:
    """Return the number format of a kind of value; see ``cells.styled``."""
    if kind == "quoted":
        return {"num_format": "@", "quote_prefix": True}
    if kind == "link":
        return {"font_color": "#0563C1", "underline": 1}
    number = "0." + "0" * digits if digits else "0"
    money = f'"{currency}" ' if currency else ""
    formats = {
        "text": "@",
        "long": "General",
        "lines": "@",
        "place": '0;-0;"-"',
        "boolean": "General",
        "date": "yyyy-mm-dd",
        "time": "yyyy-mm-dd hh:mm:ss",
        "share": "0.0%",
        "count": '#,##0;-#,##0;"-"',
        "amount": f"{money}#,##{number}",
    }
    style: Style = {"num_format": formats.get(kind, number)}
    if kind in ("date", "time", "place"):
        style["align"] = "left"
    if kind == "lines":
        style["text_wrap"] = True
    return style
