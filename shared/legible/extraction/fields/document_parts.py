"""Lists that make tables and text of their own: cells, text blocks, and pairs of a key and a value."""

from __future__ import annotations

from collections.abc import Iterator

from legible.extraction.fields.answers import Tree, as_confidence, as_indexes, as_location, as_text
from legible.extraction.fields.gathered import Gathered, Value, pattern
from legible.extraction.fields.grids import DETAILS, Entry, Grids, Object, lists_of_objects, without
from legible.extraction.fields.outline import Beside, FieldPlace, ListKind, Source, singular
from legible.model.pages import Location
from legible.model.records import Cell, Table, TextBlock

#: What the ``type`` of a pair's text box may say without being lost: whether it is the key or the value.
_BOX_TYPES = ("", None, "key", "value")


class DocumentParts:
    """Reads lists of cells, text blocks and pairs; what their objects hold beside their text goes into tables."""

    def __init__(self, gathered: Gathered, grids: Grids) -> None:
        """Gather tables and text into ``gathered``, and what else there is by ``grids``."""
        self._gathered = gathered
        self._grids = grids

    def read(self, kind: ListKind, place: FieldPlace, items: list[Object]) -> Iterator[Value]:
        """Read a list of ``cells``, ``blocks`` or ``pairs``; pairs are yielded as values, the others are gathered."""
        if kind == "pairs":
            yield from self._pairs(place, items)
        elif kind == "cells":
            self._cells(place, items)
        else:
            self._details(place, "Block", [self._block(place.element(i), item) for i, item in enumerate(items)])

    def _details(self, place: FieldPlace, owner: str, entries: list[Entry], label: str | None = None) -> None:
        """Keep as a table what blocks, cells or pairs hold beside their text."""
        self._grids.keep(f"{place.name}[]", f"{label or singular(place.node.label)}{DETAILS}", entries, owner)

    def _pairs(self, place: FieldPlace, items: list[Object]) -> Iterator[Value]:
        entries = []
        for index, item in enumerate(items):
            element, (key, value) = place.element(index), (as_text(item["key"]), as_text(item["value"]))
            beside, taken = _own_sides(element, item, ("confidence",), ("location",))
            boxes, location = _boxes(item, key, value)
            label = ": ".join(part for part in (place.outer, key or "No key") if part)
            confidence, location = self._gathered.confidence(beside), location or self._gathered.location(beside)
            yield Value(f"{element.name}.value", label, value, "text", confidence, location)
            rest = _rest(item, "key", "value", "words_block_list", *taken) | boxes
            entries.append(Entry(str(index + 1), str(index + 1), element, rest))
        self._details(place, "Pair", entries)

    def _block(self, place: FieldPlace, tree: Object) -> Entry:
        """Keep an object with ``words`` as a text block, and return what else it holds."""
        beside, taken = _own_sides(place, tree, ("confidence", "words_confidence"), ("location",))
        confidence, location = self._gathered.confidence(beside), self._gathered.location(beside)
        words, surest = _words(tree)
        confidence = surest if confidence is None else confidence
        self._gathered.text.append(TextBlock(words, self._gathered.page, confidence, location))
        number = str(len(self._gathered.text))
        return Entry(number, number, place, _rest(tree, "words", *taken))

    def _cells(self, place: FieldPlace, items: list[Object]) -> None:
        cells: list[Cell] = []
        entries = [self._cell(place.element(index), item, cells) for index, item in enumerate(items)]
        rows = max((cell.row + cell.row_span for cell in cells), default=0)
        columns = max((cell.column + cell.column_span for cell in cells), default=0)
        noun = "Form" if "form_list" in place.name else "Table"
        label = f"{noun} {sum(table.label.startswith(noun) for table in self._gathered.tables) + 1}"
        if cells:
            self._gathered.tables.append(Table(place.name, label, self._gathered.page, rows, columns, tuple(cells)))
        self._details(place, "Cell", entries, label)

    def _cell(self, place: FieldPlace, tree: Object, cells: list[Cell]) -> Entry:
        rows, columns = as_indexes(tree.get("rows")), as_indexes(tree.get("columns"))
        if rows is None or columns is None:
            self._gathered.odd(f"`{pattern(place.name)}` has no usable rows and columns; it is kept as a text block.")
            return self._block(place, tree)
        beside, taken = _own_sides(place, tree, ("confidence",), ("cell_location", "location"))
        confidence, location = self._gathered.confidence(beside), self._gathered.location(beside)
        row, column = min(rows), min(columns)
        spans = (max(rows) - row + 1, max(columns) - column + 1)
        words, surest = _words(tree)
        confidence = surest if confidence is None else confidence
        cells.append(Cell(row, column, words, *spans, confidence=confidence, location=location))
        identity = f"R{row + 1}C{column + 1}"
        return Entry(identity, identity, place, _rest(tree, "words", "rows", "columns", *taken))


def _words(tree: Object) -> tuple[str, float | None]:
    """Return the text of a cell or block, and the least confidence of what it is made of.

    Where it has no ``words`` of its own, those of the blocks inside it are its lines: a cell of a table that comes with
    the places of its texts has ``words_list`` instead (general table, ``return_text_location``). Lines are told apart
    as the service does it in ``words``.
    """
    if tree.get("words") not in ("", None):
        return as_text(tree["words"]), None
    inside = [item for items in lists_of_objects(tree).values() for item in items]
    lines = [(words, item) for item in inside if (words := _words(item)[0])]
    known = [number for _, item in lines if (number := _least(item)) is not None]
    return "\n".join(words for words, _ in lines), min(known, default=None)


def _least(tree: Object) -> float | None:
    own = (as_confidence(tree.get(key)) for key in ("confidence", "words_confidence"))
    return next((number for number in own if number is not None), _words(tree)[1])


def _own_sides(
    place: FieldPlace, tree: Object, confidences: tuple[str, ...], locations: tuple[str, ...]
) -> tuple[Beside, tuple[str, ...]]:
    """Return what stands inside an object for its own text, and the keys that were used for it."""
    confidence = next((key for key in confidences if as_confidence(tree.get(key)) is not None), None)
    location = next((key for key in locations if as_location(tree.get(key)) is not None), None)
    own = [(Source(place.child(key).name, tree[key]),) if key else () for key in (confidence, location)]
    beside = Beside(own[0] + place.beside.confidence, own[1] + place.beside.location)
    return beside, tuple(key for key in (confidence, location) if key)


def _rest(tree: Object, *taken: str) -> Object:
    """Return what an object holds beside the keys that were taken, blanks left out."""
    return {key: value for key, value in without(tree, *taken).items() if value not in ("", None, [], {})}


def _boxes(pair: Object, key: str, value: str) -> tuple[Object, Location | None]:
    """Return the text boxes of a pair that are neither its key nor its value, and where its value stands."""
    boxes = pair.get("words_block_list")
    if not isinstance(boxes, list):
        return {"words_block_list": boxes} if boxes else {}, None
    location, left, wanted = None, list[Tree](), [value, key]
    for box in boxes:
        words = _plain_box(box)
        if words not in wanted:
            left.append(box)
            continue
        wanted.remove(words)
        if words == value and isinstance(box, dict):
            location = as_location(box.get("location"))
    return {"words_block_list": left} if left else {}, location


def _plain_box(box: Tree) -> str | None:
    """Return the text of a box that says nothing but its text, its place and whether it is the key or the value."""
    if not isinstance(box, dict) or set(box) - {"words", "location", "type"} or box.get("type", "") not in _BOX_TYPES:
        return None
    location = box.get("location")
    return as_text(box.get("words")) if not location or as_location(location) else None
