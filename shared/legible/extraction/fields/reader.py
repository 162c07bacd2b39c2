"""Answers become fields, tables, text and files; whatever an answer holds, nothing of it is lost.

The catalog gives order, labels and types; the answer decides what is there:

- A plain value is a field, named by its path (``verification_result.valid_number``). A list of texts is one field
  per text, ``phone[0]`` and ``phone[1]``, but numbers stay together. Null reads as an empty text.
- Elements with ``rows`` and ``columns`` are the cells of a table, elements with ``words`` are text blocks, elements
  with ``key`` and ``value`` are fields labeled by their key. Other lists of objects are tables with a header row,
  unless they are the result itself or hold one of the former: then each element is read by itself.
- What a text block, cell or pair holds beside its text (characters, fonts) are rows of a table that names it.
- Confidences and locations go to the values they speak of; one that speaks of none is a field of its own. Only where
  the key of a pair stands on the page is left to the stored answer.
- Base64 images and files are decoded into files, never shown as text.
- A list's length and a region's kind are not repeated where the list or the table shows them.
- A key that the catalog does not have is kept as text; a value of another shape than documented is read as what it
  is. Both are noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from legible.extraction.fields.answers import (
    Leaf,
    Numeral,
    Tree,
    as_confidence,
    as_indexes,
    as_location,
    as_number,
    compact,
    leaf_text,
    looks_like_file,
    parse,
)
from legible.extraction.fields.gathered import Gathered, Value, pattern
from legible.extraction.fields.grids import DETAILS, Entry, Grids, Object, without
from legible.extraction.fields.outline import (
    Beside,
    FieldPlace,
    Node,
    Side,
    Source,
    has_document_parts,
    humanized,
    implied,
    list_kind,
    outline,
    side,
    singular,
    speaks_of,
    unknown,
)
from legible.model.pages import Location
from legible.model.records import Cell, Extract, Table, TextBlock
from legible.operations import catalog
from legible.operations.operation import Operation

_BOX_TYPES = ("", None, "key", "value")


def extract(operation: Operation, answers: Sequence[tuple[int, bytes]]) -> Extract:
    """Return what the answers of a document say, page by page in the order given.

    Args:
        operation: What was asked.
        answers: Page number and raw answer of each paid call.
    """
    pages = [_read(operation, page, body) for page, body in answers]
    return Extract(
        fields=tuple(field for page in pages for field in page.fields),
        tables=tuple(table for page in pages for table in page.tables),
        text=tuple(block for page in pages for block in page.text),
        files=tuple(file for page in pages for file in page.files),
        notes=tuple(note for page in pages for note in page.notes()),
    )


def _read(operation: Operation, page: int, body: bytes) -> Gathered:
    found = Gathered(page)
    tree, notes = parse(body)
    for note in notes:
        found.odd(note)
    if tree is not None:
        _Reader(found).read(outline(operation), tree)
    return found


class _Reader:
    """Walks one answer. Values are yielded to whom they belong, a field or a row; the rest is gathered on the way."""

    def __init__(self, found: Gathered) -> None:
        self._found = found
        self._grids = Grids(found, self._object)

    def read(self, node: Node, tree: Tree) -> None:
        """Read a whole answer: ``result`` as the catalog knows it, then what else is there."""
        rest = tree
        if isinstance(tree, dict):
            rest = {key: value for key, value in tree.items() if key != "result"}
        if isinstance(tree, dict) and tree.get("result") is not None:
            self._found.add_fields(self._walk(FieldPlace(node), tree["result"]))
        else:
            self._found.odd("The answer has no `result`.")
        if rest != {}:
            self._found.add_fields(self._walk(FieldPlace(unknown(""), "$"), rest))

    def _walk(self, place: FieldPlace, tree: Tree) -> Iterator[Value]:
        expected, found = place.node.expects, _shape(tree)
        if expected and found and expected != found:
            self._found.odd(f"`{pattern(place.name)}` is {found} where {expected} is documented.")
        if isinstance(tree, dict):
            return self._object(place, tree)
        return self._list(place, tree) if isinstance(tree, list) else self._leaf(place, tree)

    def _object(self, place: FieldPlace, tree: Object) -> Iterator[Value]:
        sides = {key: kind for key in tree if (kind := side(key, place.node.child(key), tree[key]))}
        for key in _ordered(place.node, tree):
            if key not in place.node.children and not place.node.open:
                self._found.odd(f"`{pattern(place.child(key).name)}` is not in the catalog; it is kept.")
            if key not in sides and not implied(key, tree):
                yield from self._walk(_child(place, tree, key, sides), tree[key])
        for key, kind in sides.items():
            child = place.child(key)
            yield from self._unused(child, Source(child.name, tree[key]), kind)

    def _unused(self, place: FieldPlace, source: Source, kind: Side) -> Iterator[Value]:
        """Yield the confidences or locations that no value took."""
        location = as_location(source.tree) if kind == "location" else None
        if isinstance(source.tree, (dict, list)) and location is None:
            for part in source.parts():
                yield from self._unused(place, part, kind)
        elif not self._found.used(source) and source.tree not in ("", None):
            detail = source.path[len(place.name) :].lstrip(".")
            label = f"{place.label}: {humanized(detail)}" if detail else place.label
            yield Value(source.path, label, _text(source.tree), kind, None, location)

    def _leaf(self, place: FieldPlace, leaf: Leaf) -> Iterator[Value]:
        text = leaf_text(leaf)
        if place.node.absent is not None and as_number(text) == place.node.absent:
            text = ""
        if place.node.type in ("image", "file") or (not place.node.known and looks_like_file(text)):
            if text:
                self._found.add_file(place.name, text)
            return
        confidence, location = self._found.confidence(place.beside), self._found.location(place.beside)
        node, label = place.node, place.label or "Result"
        said = (place.label_zh, node.values, node.currency, node.day_first)
        yield Value(place.name, label, text, node.type, confidence, location, *said)

    def _list(self, place: FieldPlace, items: list[Tree]) -> Iterator[Value]:
        kind, objects = list_kind(items), [item for item in items if isinstance(item, dict)]
        if kind == "pairs":
            yield from self._pairs(place, objects)
        elif kind == "cells":
            self._cells(place, objects)
        elif kind == "blocks":
            self._details(place, "Block", [self._block(place.element(i), item) for i, item in enumerate(objects)])
        elif kind == "rows" and place.name and not has_document_parts(items):
            entries = [Entry("", str(i + 1), place.element(i), item) for i, item in enumerate(objects)]
            self._grids.keep(place.name, place.label, entries)
        elif len(items) > 1 and all(map(_is_number, items)):
            label = place.label or "Result"
            yield Value(place.name, label, ", ".join(map(_text, items)), label_zh=place.label_zh)
        elif items and all(isinstance(item, list) and item and all(map(_is_number, item)) for item in items):
            location = as_location(items)
            shown = "location" if location else place.node.type
            yield Value(place.name, place.label or "Result", compact(items), shown, None, location)
        else:
            for index, item in enumerate(items):
                label = _element_label(place.node.label, index, len(items), item)
                yield from self._walk(place.element(index, label), item)

    def _details(self, place: FieldPlace, owner: str, entries: list[Entry], label: str | None = None) -> None:
        """Keep as a table what blocks, cells or pairs hold beside their text."""
        self._grids.keep(f"{place.name}[]", f"{label or singular(place.node.label)}{DETAILS}", entries, owner)

    def _pairs(self, place: FieldPlace, items: list[Object]) -> Iterator[Value]:
        entries = []
        for index, item in enumerate(items):
            element, (key, value) = place.element(index), (_text(item["key"]), _text(item["value"]))
            beside, taken = _own_sides(element, item, ("confidence",), ("location",))
            boxes, location = _boxes(item, key, value)
            label = ": ".join(part for part in (place.outer, key or "No key") if part)
            confidence, location = self._found.confidence(beside), location or self._found.location(beside)
            yield Value(f"{element.name}.value", label, value, "text", confidence, location)
            rest = _rest(item, "key", "value", "words_block_list", *taken) | boxes
            entries.append(Entry(str(index + 1), str(index + 1), element, rest))
        self._details(place, "Pair", entries)

    def _block(self, place: FieldPlace, tree: Object) -> Entry:
        """Keep an object with ``words`` as a text block, and return what else it holds."""
        beside, taken = _own_sides(place, tree, ("confidence", "words_confidence"), ("location",))
        confidence, location = self._found.confidence(beside), self._found.location(beside)
        self._found.text.append(TextBlock(_text(tree.get("words")), self._found.page, confidence, location))
        number = str(len(self._found.text))
        return Entry(number, number, place, _rest(tree, "words", *taken))

    def _cells(self, place: FieldPlace, items: list[Object]) -> None:
        cells: list[Cell] = []
        entries = [self._cell(place.element(index), item, cells) for index, item in enumerate(items)]
        rows = max((cell.row + cell.row_span for cell in cells), default=0)
        columns = max((cell.column + cell.column_span for cell in cells), default=0)
        noun = "Form" if "form_list" in place.name else "Table"
        label = f"{noun} {sum(table.label.startswith(noun) for table in self._found.tables) + 1}"
        if cells:
            self._found.tables.append(Table(place.name, label, self._found.page, rows, columns, tuple(cells)))
        self._details(place, "Cell", entries, label)

    def _cell(self, place: FieldPlace, tree: Object, cells: list[Cell]) -> Entry:
        rows, columns = as_indexes(tree.get("rows")), as_indexes(tree.get("columns"))
        if rows is None or columns is None:
            self._found.odd(f"`{pattern(place.name)}` has no usable rows and columns; it is kept as a text block.")
            return self._block(place, tree)
        beside, taken = _own_sides(place, tree, ("confidence",), ("cell_location", "location"))
        confidence, location = self._found.confidence(beside), self._found.location(beside)
        row, column = min(rows), min(columns)
        spans = (max(rows) - row + 1, max(columns) - column + 1)
        cells.append(Cell(row, column, _text(tree.get("words")), *spans, confidence=confidence, location=location))
        identity = f"R{row + 1}C{column + 1}"
        return Entry(identity, identity, place, _rest(tree, "words", "rows", "columns", *taken))


def _shape(tree: Tree) -> str:
    if isinstance(tree, Numeral):
        return "a number"
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(tree), "")


def _is_number(tree: Tree) -> bool:
    return isinstance(tree, Numeral)


def _text(tree: Tree) -> str:
    return compact(tree) if isinstance(tree, (dict, list)) else leaf_text(tree)


def _ordered(node: Node, tree: Object) -> list[str]:
    """Return the keys of an object in the order of the catalog, then what the catalog does not have."""
    return [key for key in node.children if key in tree] + [key for key in tree if key not in node.children]


def _element_label(label: str, index: int, count: int, item: Tree) -> str:
    """Return the label of one element; where there are several, they are numbered."""
    if not isinstance(item, (dict, list)):
        return label if count == 1 else f"{label} ({index + 1})".strip()
    noun = singular(label)
    return noun if count == 1 else f"{noun or 'Result'} {index + 1}"


def _child(place: FieldPlace, tree: Object, key: str, sides: dict[str, Side]) -> FieldPlace:
    """Return the place of a key, with the confidences and locations that its siblings give for it."""
    found: dict[Side, list[Source]] = {"confidence": [], "location": []}
    for side_key, kind in sides.items():
        source = Source(place.child(side_key).name, tree[side_key])
        is_map = isinstance(source.tree, dict) or (kind == "confidence" and isinstance(source.tree, list))
        part = _part(source, key, tree[key]) if is_map else source
        if part is not None and (is_map or (speaks_of(side_key, kind, key) and not isinstance(tree[key], dict))):
            found[kind].append(part)
    outer = place.beside.at(key)
    beside = Beside((*found["confidence"], *outer.confidence), (*found["location"], *outer.location))
    return _relabeled(place.child(key, beside), place, tree, key)


def _part(source: Source, key: str, value: Tree) -> Source | None:
    """Return what a map of confidences or locations says of a key: its entry, or all of it, if that is about its parts.

    So pages of a household register have theirs: ``{"content": {"name": ...}, "confidence": {"name": 0.9}}``.
    """
    part = source.at(key)
    inside = isinstance(value, dict) and isinstance(source.tree, dict) and not source.tree.keys().isdisjoint(value)
    return source if part is None and inside else part


def _relabeled(child: FieldPlace, place: FieldPlace, tree: Object, key: str) -> FieldPlace:
    """Give ``words`` the label of the field whose text it is, and ``content`` the outline of its document type."""
    if key == "words" and place.label and set(tree) <= {"words", "location", "confidence"}:
        return child._replace(node=child.node._replace(label=""))
    kind = tree.get("type")
    slug = kind.replace("_", "-") if isinstance(kind, str) else ""
    if key == "content" and child.node.open and slug in catalog.OPERATIONS:
        return child._replace(node=outline(catalog.find(slug))._replace(label=child.node.label))
    return child


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
    return _text(box.get("words")) if not location or as_location(location) else None
