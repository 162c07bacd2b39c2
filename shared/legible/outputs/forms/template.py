"""Checks of a template: it is a workbook, filling it would lose nothing, and its placeholders name real fields."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from itertools import chain
from typing import Any

from legible.errors import SettingsError
from legible.outputs.forms.placeholders import cells, cells_to_fill, names_in, rest_of, rows_to_repeat, text_in
from legible.outputs.forms.references import FormulaPlace, RowPlan, formula_of, moved
from legible.outputs.forms.sources import known, nearest
from legible.outputs.unpacking import Bounds, UnpackedSizeError, repack

#: Limits of a template. Unpacked and read it takes about ten times as much memory.
BOUNDS, MOST_CELLS = Bounds(20_000_000), 100_000
#: What would be lost, by the beginning of its name in the package.
_LOST = {
    "xl/charts/": "a chart",
    "xl/chartsheets/": "a sheet that is a chart",
    "xl/pivot": "a pivot table",
    "xl/vbaProject": "a macro",
    "xl/macrosheets/": "a macro",
    "xl/dialogsheets/": "a dialog",
    "xl/externalLinks/": "a link to another workbook",
    "xl/embeddings/": "an embedded object",
    "xl/activeX/": "a control",
    "xl/ctrlProps/": "a control",
    "xl/slicer": "a slicer",
    "xl/timeline": "a timeline",
    "xl/diagrams/": "a diagram",
    "xl/threadedComments/": "a thread of comments",
    "xl/queryTables/": "a query",
    "xl/connections": "a connection to data",
    "xl/model/": "a data model",
    "xl/metadata": "a formula that spills into other cells, or a picture in a cell",
    "_xmlsignatures/": "a signature",
}
#: What would be lost, by what it looks like in the parts of which the name matches.
_LOST_INSIDE = (
    (r"xl/drawings/drawing", rb"<(?:\w+:)?(?:sp|grpSp|cxnSp|contentPart)[ >]", "a shape or a text box"),
    (r"xl/drawings/drawing", rb"<(?:\w+:)?graphicFrame[ >]", "a chart"),
    (r"xl/drawings/drawing", rb"<a:srcRect [^>]*[lrtb]=", "a picture that is cut"),
    (r"xl/drawings/drawing", rb"<a:blip [^>]*r:link=", "a picture that is not in it"),
    (r"xl/worksheets/sheet", rb"<legacyDrawingHF[ />]", "a picture in a header or footer"),
    (r"xl/worksheets/sheet", rb":sparklineGroups[ >]", "a sparkline"),
    (r"xl/worksheets/sheet", rb":conditionalFormattings[ >]", "a conditional format of a newer kind"),
    (r"xl/worksheets/sheet", rb":dataValidations[ >]", "a data validation that looks at another sheet"),
    (r"xl/worksheets/sheet", rb"t=\"dataTable\"", "a what-if table"),
    (r"xl/media/.*\.(?!png$|jpe?g$|gif$)", rb"", "a picture that is no PNG, JPEG or GIF"),
    (r".*\.(?:xml|rels|vml)$", rb"<!(?:DOCTYPE|ENTITY)", "a document type, which no workbook has"),
)
_NO_WORKBOOK = "Open it in Excel and save it as .xlsx, without a password."


def check(body: bytes, name: str, slug: str, most_cells: int = MOST_CELLS) -> bytes:
    """Refuse a template that cannot be filled, or that would lose something by it; return it packed anew.

    Args:
        body: The template.
        name: Its name, for errors.
        slug: The operation whose fields it asks for; empty where that is not known yet.
        most_cells: How many cells it may have.

    Raises:
        SettingsError: It says what was found, where, and what to do.
    """
    body = _repacked(body, name)
    _check_parts(body, name)
    book = opened(body, name)
    if sum(len(cells(sheet)) for sheet in book.worksheets) > most_cells:
        raise SettingsError(f"{name} has more than {most_cells:,} cells.", advice="Remove the ones that are empty.")
    if not any(names for sheet in book.worksheets for _, names in cells_to_fill(sheet)):
        raise SettingsError(f"{name} has no placeholder.", advice="Write {{passport_number}} where it is to stand.")
    for sheet in book.worksheets:
        for cell in cells(sheet).values():
            _check_cell(cell, f"{name}: {sheet.title}!{cell.coordinate}", slug)
        _check_rows(sheet, name)
    return body


def opened(body: bytes, name: str) -> Any:
    """Open a template, rich text and all.

    Raises:
        SettingsError: It is no workbook.
    """
    import openpyxl  # a quarter of a second that only forms need

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it could not keep was looked for before
            return openpyxl.load_workbook(io.BytesIO(body), rich_text=True)
    except Exception as error:  # whatever a broken file makes of it
        raise SettingsError(
            f"{name} cannot be read as a workbook ({type(error).__name__}).", advice=_NO_WORKBOOK
        ) from None


def _repacked(body: bytes, name: str) -> bytes:
    target = io.BytesIO()
    try:
        repack(io.BytesIO(body), target, BOUNDS)
    except UnpackedSizeError as error:
        raise SettingsError(f"{name} {error}.", advice="Make it smaller.") from None
    except Exception:  # whatever a broken file makes of it
        raise SettingsError(f"{name} is no Excel workbook.", advice=_NO_WORKBOOK) from None
    return target.getvalue()


def _check_parts(body: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        for part in packed.namelist():
            what = _kind_lost(part, packed.read(part))
            if what:
                raise SettingsError(
                    f"{name} holds {what} ({part}); it would be lost when it is filled.",
                    advice="Remove it, or keep it in a workbook of its own.",
                )


def _kind_lost(part: str, content: bytes) -> str:
    """Return, in words, what would be lost of a part of the package; empty for nothing."""
    named = (what for begins, what in _LOST.items() if part.startswith(begins))
    inside = (what for name, looks, what in _LOST_INSIDE if re.match(name, part) and re.search(looks, content))
    return next(chain(named, inside), "")


def _check_cell(cell: Any, where: str, slug: str) -> None:
    text, formula = text_in(cell), formula_of(cell)
    if formula is not None:
        if names_in(formula):
            raise SettingsError(
                f"{where} has a placeholder in a formula.",
                advice="Give the placeholder a cell of its own, and let the formula refer to that.",
            )
        try:
            moved(formula, FormulaPlace("", 0), "", RowPlan({}))
        except Exception as error:
            raise SettingsError(
                f"{where} has a formula that cannot be read ({type(error).__name__}).", advice="Write it anew."
            ) from None
    rest = rest_of(text)
    if "{{" in rest or "}}" in rest:
        raise SettingsError(
            f"{where} has braces that are no placeholder.", advice="Write {{name}}, both braces closed."
        )
    for placeholder in names_in(text):
        if slug and not known(placeholder, slug):
            raise SettingsError(
                f"{where} has {{{{{placeholder}}}}}, which names nothing of {slug}.",
                advice=nearest(placeholder, slug) or "See the operation's fields in the catalog.",
            )


def _check_rows(sheet: Any, name: str) -> None:
    """Refuse merged cells that begin in a repeated row and end below it."""
    for row in rows_to_repeat(sheet):
        for merged in sheet.merged_cells.ranges:
            if merged.min_row == row < merged.max_row:
                raise SettingsError(
                    f"{name}: {sheet.title}!{merged.coord} is merged beyond row {row}, which is repeated.",
                    advice="Merge within the row, or not at all.",
                )
