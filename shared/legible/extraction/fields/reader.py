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
    as_location,
    as_number,
    as_text,
    compact,
    leaf_text,
    looks_like_file,
    parse,
    shape,
    why_unreadable,
)
from legible.extraction.fields.document_parts import DocumentParts
from legible.extraction.fields.gathered import Gathered, Value, pattern
from legible.extraction.fields.grids import Entry, Grids, Object
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
    result_node,
    side,
    singular,
    speaks_of,
    unknown,
)
from legible.model.records import Extract
from legible.operations import catalog
from legible.operations.operation import Operation


def extract(operation: Operation, answers: Sequence[tuple[int, bytes]]) -> Extract:
    """Return what the answers of a document say, page by page in the order given.

    Args:
        operation: What was asked.
        answers: Page number and raw answer of each paid call.
    """
    pages = [read_page(operation, page, body)[0] for page, body in answers]
    return Extract(
        fields=tuple(field for page in pages for field in page.fields),
        tables=tuple(table for page in pages for table in page.tables),
        text=tuple(block for page in pages for block in page.text),
        files=tuple(file for page in pages for file in page.files),
        notes=tuple(note for page in pages for note in page.notes),
    )


def unreadable(body: bytes) -> str:
    """Say why an answer holds nothing that was recognized; empty where it can be read."""
    return why_unreadable(parse(body)[0])


def read_page(operation: Operation, page: int, body: bytes) -> tuple[Extract, str]:
    """Return what the answer for one page says, and why it cannot be read; the latter is empty where it can.

    What an answer that cannot be read holds is kept all the same, as far as it is JSON.

    Args:
        operation: What was asked.
        page: The page's number.
        body: The raw answer.
    """
    gathered = Gathered(page)
    tree, notes = parse(body)
    for note in notes:
        gathered.odd(note)
    if tree is not None:
        _Reader(gathered).read(result_node(operation), tree)
    return gathered.extract(), why_unreadable(tree)


class _Reader:
    """Walks one answer. Values are yielded to whom they belong, a field or a row; the rest is gathered on the way."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._grids = Grids(gathered, self._object)
        self._parts = DocumentParts(gathered, self._grids)

    def read(self, node: Node, tree: Tree) -> None:
        """Read a whole answer: ``result`` as the catalog knows it, then what else is there."""
        rest = tree
        if isinstance(tree, dict):
            rest = {key: value for key, value in tree.items() if key != "result"}
        if isinstance(tree, dict) and tree.get("result") is not None:
            self._gathered.add_fields(self._walk(FieldPlace(node), tree["result"]))
        else:
            self._gathered.odd("The answer has no `result`.")
        if rest != {}:
            self._gathered.add_fields(self._walk(FieldPlace(unknown(""), "$"), rest))

    def _walk(self, place: FieldPlace, tree: Tree) -> Iterator[Value]:
        expected, actual = place.node.expects, shape(tree)
        if expected and actual and expected != actual:
            self._gathered.odd(f"`{pattern(place.name)}` is {actual} where {expected} is documented.")
        if isinstance(tree, dict):
            return self._object(place, tree)
        return self._list(place, tree) if isinstance(tree, list) else self._leaf(place, tree)

    def _object(self, place: FieldPlace, tree: Object) -> Iterator[Value]:
        sides = {key: kind for key in tree if (kind := side(key, place.node.child(key), tree[key]))}
        for key in _ordered(place.node, tree):
            if key not in place.node.children and not place.node.open:
                self._gathered.odd(f"`{pattern(place.child(key).name)}` is not in the catalog; it is kept.")
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
        elif not self._gathered.used(source) and source.tree not in ("", None):
            detail = source.path[len(place.name) :].lstrip(".")
            label = f"{place.label}: {humanized(detail)}" if detail else place.label
            yield Value(source.path, label, as_text(source.tree), kind, None, location)

    def _leaf(self, place: FieldPlace, leaf: Leaf) -> Iterator[Value]:
        text = leaf_text(leaf)
        if place.node.absent is not None and as_number(text) == place.node.absent:
            text = ""
        if place.node.type in ("image", "file") or (not place.node.known and looks_like_file(text)):
            if text:
                self._gathered.add_file(place.name, text)
            return
        confidence, location = self._gathered.confidence(place.beside), self._gathered.location(place.beside)
        node, label = place.node, place.label or "Result"
        point = "." if isinstance(leaf, Numeral) else node.point  # JSON has one way to write a number
        catalog_facts = (place.label_zh, node.values, node.currency, node.day_first, node.taxed, point)
        yield Value(place.name, label, text, node.type, confidence, location, *catalog_facts)

    def _list(self, place: FieldPlace, items: list[Tree]) -> Iterator[Value]:
        kind = list_kind(items)
        objects = [item for item in items if isinstance(item, dict)]
        if kind in ("pairs", "cells", "blocks"):
            yield from self._parts.read(kind, place, objects)
        elif kind == "rows" and place.name and not has_document_parts(items):
            entries = [Entry("", str(i + 1), place.element(i), item) for i, item in enumerate(objects)]
            self._grids.keep(place.name, place.label, entries)
        elif (numbers := _numbers(place, items)) is not None:
            yield numbers
        else:
            for index, item in enumerate(items):
                label = _element_label(place.node.label, index, len(items), item)
                yield from self._walk(place.element(index, label), item)


def _numbers(place: FieldPlace, items: list[Tree]) -> Value | None:
    """Return a list of numbers, or of lists of numbers, as one value; None for any other list."""
    label = place.label or "Result"
    if len(items) > 1 and all(map(_is_number, items)):
        return Value(place.name, label, ", ".join(map(as_text, items)), label_zh=place.label_zh)
    if items and all(isinstance(item, list) and item and all(map(_is_number, item)) for item in items):
        location = as_location(items)
        return Value(place.name, label, compact(items), "location" if location else place.node.type, None, location)
    return None


def _is_number(tree: Tree) -> bool:
    return isinstance(tree, Numeral)


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
    sources: dict[Side, list[Source]] = {"confidence": [], "location": []}
    for side_key, kind in sides.items():
        source = Source(place.child(side_key).name, tree[side_key])
        is_map = isinstance(source.tree, dict) or (kind == "confidence" and isinstance(source.tree, list))
        part = _part(source, key, tree[key]) if is_map else source
        if part is not None and (is_map or (speaks_of(side_key, kind, key) and not isinstance(tree[key], dict))):
            sources[kind].append(part)
    outer = place.beside.at(key)
    beside = Beside((*sources["confidence"], *outer.confidence), (*sources["location"], *outer.location))
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
        return child._replace(node=result_node(catalog.find(slug))._replace(label=child.node.label))
    return child
