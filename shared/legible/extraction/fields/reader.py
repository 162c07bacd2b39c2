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

from legible.errors import redact
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
from legible.extraction.fields.failures import Failure, failure
from legible.extraction.fields.gathered import Gathered, Value, pattern
from legible.extraction.fields.grids import Entry, Grids, Object
from legible.extraction.fields.outline import (
    FieldPlace,
    Node,
    Source,
    has_document_parts,
    humanized,
    implied,
    list_kind,
    result_node,
    singular,
    unknown,
)
from legible.extraction.fields.sides import Side, besides, sides_of
from legible.model.pages import answer_text
from legible.model.records import Extract
from legible.operations import catalog
from legible.operations.operation import Operation

#: No kind of document has a longer name.
_LONGEST_KIND = 100


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
    return _why(parse(body)[0])


def failed(body: bytes) -> Failure | None:
    """Return the error that an answer is, though it came as a success; None where it holds what was recognized."""
    text = answer_text(body)
    # Most answers tell of no error, and need not be read to know that.
    return failure(parse(body)[0]) if "error" in text or '"result"' not in text else None


def _why(tree: Tree) -> str:
    known = failure(tree)
    return f"it is an error of the service, {redact(str(known))}" if known else why_unreadable(tree)


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
    return gathered.extract(), _why(tree)


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
        sides = sides_of(place.node, tree)
        around = besides(place, tree, sides, self._gathered.odd)
        for key in _ordered(place.node, tree):
            if key not in place.node.children and not place.node.open:
                self._gathered.odd(f"`{pattern(place.child(key).name)}` is not in the catalog; it is kept.")
            if key not in sides and not implied(key, tree):
                yield from self._walk(_relabeled(place.child(key, around[key]), place, tree, key), tree[key])
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
        elif (numbers := self._numbers(place, items)) is not None:
            yield numbers
        else:
            for index, item in enumerate(items):
                label = _element_label(place.node.label, index, len(items), item)
                yield from self._walk(place.element(index, label), item)

    def _numbers(self, place: FieldPlace, items: list[Tree]) -> Value | None:
        """Return a list of numbers, be it of one, or of lists of numbers as one value; None for any other list."""
        label, node = place.label or "Result", place.node
        if _are_numbers(node, items) and not _each_has_its_own(place, items):
            beside = place.element(0).beside if len(items) == 1 else place.beside
            confidence, location = self._gathered.confidence(beside), self._gathered.location(beside)
            text, type_ = ", ".join(map(as_text, items)), node.type if len(items) == 1 else "text"
            return Value(place.name, label, text, type_, confidence, location, place.label_zh)
        if items and all(isinstance(item, list) and item and all(map(_is_number, item)) for item in items):
            location = as_location(items)
            return Value(place.name, label, compact(items), "location" if location else node.type, None, location)
        return None


def _are_numbers(node: Node, items: list[Tree]) -> bool:
    """Tell whether a list holds numbers; where it is documented to, also numbers as text and places without one."""
    declared = node.sdk_type in ("list[int]", "list[float]")
    return bool(items) and all(map(_may_be_number if declared else _is_number, items))


def _each_has_its_own(place: FieldPlace, items: list[Tree]) -> bool:
    """Tell whether each of several numbers has a confidence of its own."""
    return len(items) > 1 and any(isinstance(source.tree, list) for source in place.beside.confidence)


def _is_number(tree: Tree) -> bool:
    return isinstance(tree, Numeral)


def _may_be_number(tree: Tree) -> bool:
    """Tell whether this may stand for a number where one is documented: a number as text, true or false, nothing."""
    return tree in ("", None) or isinstance(tree, bool) or as_number(tree) is not None


def _ordered(node: Node, tree: Object) -> list[str]:
    """Return the keys of an object in the order of the catalog, then what the catalog does not have."""
    return [key for key in node.children if key in tree] + [key for key in tree if key not in node.children]


def _element_label(label: str, index: int, count: int, item: Tree) -> str:
    """Return the label of one element; where there are several, they are numbered."""
    if not isinstance(item, (dict, list)):
        return label if count == 1 else f"{label} ({index + 1})".strip()
    noun = singular(label)
    return noun if count == 1 else f"{noun or 'Result'} {index + 1}"


def _relabeled(child: FieldPlace, place: FieldPlace, tree: Object, key: str) -> FieldPlace:
    """Give ``words`` the label of the field whose text it is, and ``content`` the outline of its document type."""
    if key == "words" and place.label and set(tree) <= {"words", "location", "confidence"}:
        return child._replace(node=child.node._replace(label=""))
    kind = tree.get("type")
    if key == "type" and isinstance(kind, str) and "content" in place.node.children and child.node.type == "enum":
        known = catalog.slug_of_kind(kind[:_LONGEST_KIND])
        named = (kind.lower(), catalog.find(known).title if known else humanized(kind))
        return child._replace(node=child.node._replace(values=(*child.node.values, named)))
    slug = catalog.slug_of_kind(kind[:_LONGEST_KIND]) if isinstance(kind, str) else ""
    if key == "content" and child.node.open and slug:
        return child._replace(node=result_node(catalog.find(slug))._replace(label=child.node.label))
    return child
