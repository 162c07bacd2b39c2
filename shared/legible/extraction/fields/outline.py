"""The catalog's description of an answer as a tree: labels, types, and where a value stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from legible.extraction.fields.answers import Tree, as_location, as_number
from legible.operations.operation import FieldType, Operation

_ACRONYMS = {"id": "ID", "vat": "VAT", "vin": "VIN", "mrz": "MRZ", "url": "URL", "ocr": "OCR", "pdf": "PDF", "qr": "QR"}

#: What a path is made of, and what names a cell; a key that has it is quoted.
_ODD = re.compile(r"[.\[\]#]|^\$")

#: What a list holds: table cells, text blocks, key-value pairs, other objects, or anything else.
ListKind = Literal["cells", "blocks", "pairs", "rows", "other"]


class Node(NamedTuple):
    """One key of an answer as the catalog knows it.

    ``known`` is False for a key that it does not have; ``point`` is what the document writes before decimals.
    """

    label: str
    type: FieldType
    sdk_type: str
    children: dict[str, Node]
    known: bool = True
    label_zh: str = ""
    values: tuple[tuple[str, str], ...] = ()
    currency: str = ""
    day_first: bool = False
    absent: float | None = None
    taxed: bool = False
    point: str = ""
    also: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether anything may stand below, because nothing is declared."""
        return not self.children and (self.type == "object" or not self.known)

    @property
    def expects(self) -> str:
        """The documented shape in words (``a list``); empty where anything may stand here."""
        if self.sdk_type.startswith("list["):
            return "a list"
        if self.children:
            return "an object"
        return {"str": "text", "bool": "true or false", "int": "a number", "float": "a number"}.get(self.sdk_type, "")

    def child(self, key: str) -> Node:
        """Return what the catalog says of a key below this one."""
        return self.children.get(key) or _EVERYWHERE.get(key) or unknown(humanized(key))

    def element(self, label: str) -> Node:
        """Return what the catalog says of one element of this list, under a label of its own."""
        declared = self.sdk_type
        return self._replace(label=label, sdk_type=declared[5:-1] if declared.startswith("list[") else declared)


#: Keys that mean the same wherever the service gives them, in older answers of operations that do not list them too: a
#: direction of -1 stands for none (handwriting, general text; ocr_03_0042).
_EVERYWHERE = {"direction": Node("Rotation in degrees", "number", "", {}, known=False, absent=-1)}


class Source(NamedTuple):
    """Confidences or locations of other values: a tree that mirrors them, or one value for all; ``path`` names it."""

    path: str
    tree: Tree

    def at(self, key: str | int) -> Source | None:
        """Return the part that speaks of one key or element, if any; one value speaks of every element."""
        if isinstance(self.tree, dict):
            return self._part(key, suffix(str(key))) if key in self.tree else None
        if isinstance(key, str):
            return None
        if not isinstance(self.tree, list) or as_location(self.tree) is not None:
            return self
        return self._part(key, f"[{key}]") if key < len(self.tree) else None

    def parts(self) -> Iterator[Source]:
        """Yield the part of each key or element; none of a plain value."""
        if isinstance(self.tree, dict):
            yield from (self._part(key, suffix(key)) for key in self.tree)
        length = len(self.tree) if isinstance(self.tree, list) else 0
        yield from (self._part(index, f"[{index}]") for index in range(length))

    def _part(self, key: Any, step: str) -> Source:
        tree: Any = self.tree
        return Source(self.path + step, tree[key])


class Beside(NamedTuple):
    """What stands beside a value: where its confidence and its location may be found."""

    confidence: tuple[Source, ...] = ()
    location: tuple[Source, ...] = ()

    def at(self, key: str | int) -> Beside:
        """Return what speaks of one key or element."""
        return Beside(*(tuple(part for source in sources if (part := source.at(key))) for sources in self))


class FieldPlace(NamedTuple):
    """Where a value stands: its path, what the catalog says of it, the label of what it is part of."""

    node: Node
    name: str = ""
    outer: str = ""
    beside: Beside = Beside()
    outer_zh: str = ""

    @property
    def label(self) -> str:
        """The full label, that of the outer value first."""
        return ": ".join(part for part in (self.outer, self.node.label) if part)

    @property
    def label_zh(self) -> str:
        """The full label of a Chinese document, as far as it has one."""
        return ": ".join(part for part in (self.outer_zh, self.node.label_zh) if part)

    def child(self, key: str, beside: Beside | None = None) -> FieldPlace:
        """Return the place of a key of this object."""
        beside = self.beside.at(key) if beside is None else beside
        return FieldPlace(self.node.child(key), step(self.name, key), self.label, beside, self.label_zh)

    def element(self, index: int, label: str | None = None) -> FieldPlace:
        """Return the place of an element of this list, under a label of its own or that of the list."""
        node = self.node.element(self.node.label if label is None else label)
        return FieldPlace(node, f"{self.name}[{index}]", self.outer, self.beside.at(index), self.outer_zh)


def step(path: str, key: str) -> str:
    """Return the path of a key below another one."""
    part = suffix(key)
    return part[1:] if not path and part.startswith(".") else path + part


def suffix(key: str) -> str:
    """Return what a key adds to a path; one that reads like a path itself stands in brackets.

    So no two keys have one path: ``{"a.b": 1, "a": {"b": 2}}`` has ``["a.b"]`` and ``a.b``.
    """
    return f".{key}" if key and _ODD.search(key) is None else f"[{json.dumps(key, ensure_ascii=False)}]"


def unknown(label: str) -> Node:
    """Return the node of a key that the catalog does not have."""
    return Node(label, "text", "", {}, known=False)


@lru_cache(maxsize=64)
def result_node(operation: Operation) -> Node:
    """Return what the catalog says of the ``result`` of an operation."""
    root: dict[str, Node] = {}
    point = operation.decimal_point
    for field in operation.fields:
        *parents, key = field.path.removeprefix("[].").replace("[]", "").split(".")
        children = root
        for parent in parents:
            children = children[parent].children
        facts = (
            field.label_zh, field.values, field.currency, field.day_first, field.absent, field.taxed, point, field.also,
        )  # fmt: skip
        children[key] = Node(field.label, field.type, field.sdk_type, {}, True, *facts)
    declared = {"list": "list[Result]", "object": "Result", "untyped": "object"}[operation.result]
    return Node("", "object", declared, root)


def humanized(key: str) -> str:
    """Return a label made from a JSON key."""
    words = [_ACRONYMS.get(word.lower(), word) for word in key.replace("-", "_").split("_") if word]
    text = " ".join(words) or key
    return text[:1].upper() + text[1:]


def singular(label: str) -> str:
    """Return the label of one of several, as English mostly has it."""
    return label[:-1] if re.search(r"[^s]s$", label) else label


def list_kind(items: list[Tree]) -> ListKind:
    """Tell what a list holds, from its elements."""
    objects = [item for item in items if isinstance(item, dict)]
    if not objects or len(objects) < len(items):
        return "other"
    if any(map(_is_cell, objects)):
        return "cells"
    if all(is_leaf(item, "words") for item in objects):
        return "blocks"
    if all(is_leaf(item, "key") and is_leaf(item, "value") for item in objects):
        return "pairs"
    return "rows"


def _is_cell(tree: dict[str, Tree]) -> bool:
    return isinstance(tree.get("rows"), list) and isinstance(tree.get("columns"), list)


def is_leaf(tree: dict[str, Tree], key: str) -> bool:
    """Tell whether an object has a plain value under the key."""
    return key in tree and not isinstance(tree[key], (dict, list))


def has_document_parts(tree: Tree) -> bool:
    """Tell whether somewhere inside are cells, text blocks or pairs, which make tables and text of their own."""
    if isinstance(tree, dict):
        return any(map(has_document_parts, tree.values()))
    return isinstance(tree, list) and (list_kind(tree) not in ("rows", "other") or any(map(has_document_parts, tree)))


def implied(key: str, tree: dict[str, Tree]) -> bool:
    """Tell whether a value only repeats what its siblings show: a list's length, the kind of a region."""
    listed = tree.get(f"{key.removesuffix('_count')}_list") if key.endswith("_count") else None
    if isinstance(listed, list):
        return as_number(tree[key]) == len(listed)
    blocks = tree.get("words_block_list")
    return (
        key == "type"
        and isinstance(blocks, list)
        and (tree[key], list_kind(blocks))
        in (
            ("table", "cells"),
            ("text", "blocks"),
        )
    )
