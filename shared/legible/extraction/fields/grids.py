"""Lists of objects as tables: one row an object, one column a path, lists inside them as tables of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from legible.extraction.fields.answers import Tree
from legible.extraction.fields.gathered import Gathered, Value
from legible.extraction.fields.outline import FieldPlace, implied, list_kind, singular, step

Object = dict[str, Tree]
#: Reads an object at its place into values; what is no plain value it gathers by itself.
Reader = Callable[[FieldPlace, Object], Iterator[Value]]
#: Ends the label of a table that holds what blocks, cells or pairs have beside their text.
DETAILS = " details"
_Row = tuple[str, dict[str, Value]]


class Entry(NamedTuple):
    """An object that will become a row: what it belongs to, and by what name rows inside it say they belong to it."""

    belongs_to: str
    identity: str
    place: FieldPlace
    tree: Object


class Grids:
    """Keeps objects as the rows of tables."""

    def __init__(self, gathered: Gathered, read: Reader) -> None:
        """Gather into ``gathered`` what ``read`` makes of each object."""
        self._gathered = gathered
        self._read = read

    def keep(self, name: str, label: str, entries: list[Entry], owner: str = "") -> None:
        """Keep objects as the rows of a table.

        Args:
            name: Path of the list in the answer.
            label: The table's label.
            entries: The objects. With an owner, those without a value of their own make no row.
            owner: Label of a first column that says what a row belongs to; empty for no such column.
        """
        rows = [(entry.belongs_to, self._values(entry)) for entry in entries]
        rows = [(belongs_to, values) for belongs_to, values in rows if values or not owner]
        if rows:
            self._table(name, label, rows, list(entries[0].place.node.children), owner)
        for key, inner in _inner(entries).items():
            inner_label = f"{label.removesuffix(DETAILS)}: {inner[0].place.node.label}"
            self.keep(step(f"{name}[]", key), inner_label, inner, owner or singular(label))

    def _values(self, entry: Entry) -> dict[str, Value]:
        place = entry.place._replace(outer="", outer_zh="", node=entry.place.node._replace(label="", label_zh=""))
        own = without(entry.tree, *lists_of_objects(entry.tree))
        return {value.name[len(place.name) :]: value for value in self._read(place, own)}

    def _table(self, name: str, label: str, rows: list[_Row], order: list[str], owner: str) -> None:
        labels = {"": owner} if owner else {}
        for _, values in rows:
            # A list of one has the label of the list; where another row has more of them, they are numbered in all.
            labels.update({key: max(labels.get(key, ""), value.label, key=len) for key, value in values.items()})
        keys = sorted(labels, key=lambda key: _rank(key, order))
        columns = {key: column for column, key in enumerate(keys)}
        cells = []
        for belongs_to, values in rows:
            if owner:
                values[""] = Value(name, owner, belongs_to)
            cells.append({columns[key]: value for key, value in values.items()})
        self._gathered.add_rows(name, label, [labels[key] for key in keys], cells)


def lists_of_objects(tree: Object) -> dict[str, list[Object]]:
    """Return the lists of objects right inside an object."""
    return {
        key: [item for item in value if isinstance(item, dict)]
        for key, value in tree.items()
        if isinstance(value, list) and list_kind(value) != "other"
    }


def without(tree: Object, *keys: str) -> Object:
    """Return an object without some keys, and without counts of its lists."""
    return {key: value for key, value in tree.items() if key not in keys and not implied(key, tree)}


def _inner(entries: list[Entry]) -> dict[str, list[Entry]]:
    inner: dict[str, list[Entry]] = {}
    for entry in entries:
        for key, items in lists_of_objects(entry.tree).items():
            place = entry.place.child(key)
            inner.setdefault(key, []).extend(
                Entry(entry.identity, f"{entry.identity}.{index + 1}", place.element(index), item)
                for index, item in enumerate(items)
            )
    return inner


def _rank(key: str, order: list[str]) -> int:
    first = re.split(r"[.\[]", key.removeprefix("."), maxsplit=1)[0]
    if not key:
        return -1
    return order.index(first) if first in order else len(order)
