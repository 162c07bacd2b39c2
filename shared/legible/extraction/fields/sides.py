"""Which confidences and locations of an object speak of which of its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Set
from typing import Literal

from legible.extraction.fields.answers import Tree, as_confidence, as_location
from legible.extraction.fields.outline import Beside, FieldPlace, Node, Source

Side = Literal["confidence", "location"]
_SIDES: tuple[Side, Side] = ("confidence", "location")
#: How a key that the catalog does not have says that it holds confidences or locations of its siblings.
_NAMED = re.compile(r"(?:(?P<of>.+)_)?(?P<side>confidence|location)s?")
Object = dict[str, Tree]


def sides_of(node: Node, tree: Object) -> dict[str, Side]:
    """Return the keys of an object that hold confidences or locations of their siblings."""
    others = [key for key in tree if _NAMED.fullmatch(key) is None]
    stems = {None, "text", "field", *others, *(key.partition("_")[0] for key in others)}
    return {key: kind for key in tree if (kind := _side(key, node.child(key), tree[key], stems))}


def _side(key: str, node: Node, value: Tree, stems: Set[str | None]) -> Side | None:
    kind = node.type if node.known else _named(key, stems)
    if kind == "confidence" and (isinstance(value, (dict, list)) or as_confidence(value) is not None):
        return "confidence"
    if kind == "location" and (isinstance(value, dict) or as_location(value) is not None):
        return "location"
    return None


def _named(key: str, stems: Set[str | None]) -> str:
    """Return what a key says by its name: ``confidence``, or ``plate_confidence`` where there is a ``plate_number``."""
    match = _NAMED.fullmatch(key)
    return match["side"] if match is not None and match["of"] in stems else ""


def besides(place: FieldPlace, tree: Object, sides: dict[str, Side], odd: Callable[[str], None]) -> dict[str, Beside]:
    """Return, by key, the confidences and locations that speak of it: those beside it, then those from further out.

    Args:
        place: Where the object stands.
        tree: The object.
        sides: Its own keys that hold confidences or locations.
        odd: Takes notes: of a name that was taken for another one because of its place only.
    """
    inner = [(kind, Source(place.child(key).name, tree[key]), key) for key, kind in sides.items()]
    outer = [(kind, source, "") for kind in _SIDES for source in getattr(place.beside, kind)]
    found: dict[str, dict[Side, list[Source]]] = {key: {"confidence": [], "location": []} for key in tree}
    by_word: dict[str, list[str]] = {}
    for key in tree:
        by_word.setdefault(key.partition("_")[0], []).append(key)
    for kind, source, own in (*inner, *outer):
        names = _names(source, tree, sides, place.node, odd)
        # `plate_confidence` speaks of keys that begin with `plate` alone; whatever else there is need not be looked at.
        named = own not in ("", kind) and not _is_map(source, kind)
        for key in by_word.get(own.partition("_")[0], ()) if named else tree:
            part = _speaking(source, own, kind, names.get(key, key), key, tree[key])
            if part is not None:
                found[key][kind].append(part)
    return {key: Beside(tuple(parts["confidence"]), tuple(parts["location"])) for key, parts in found.items()}


def _speaking(source: Source, own: str, kind: Side, name: str, key: str, value: Tree) -> Source | None:
    """Return the part of a source that speaks of a key, which it calls by that name."""
    if not own:
        return source.at(name)
    if _is_map(source, kind):
        part = source.at(name)
        # Pages of a household register have theirs: {"content": {"name": ...}, "confidence": {"name": 0.9}}.
        inside = isinstance(value, dict) and isinstance(source.tree, dict) and not source.tree.keys().isdisjoint(value)
        return source if part is None and inside else part
    return source if _speaks_of(own, kind, key) and not isinstance(value, dict) else None


def _is_map(source: Source, kind: Side) -> bool:
    """Tell whether a source has a part for each key; a list of corners is one location."""
    return isinstance(source.tree, dict) or (kind == "confidence" and isinstance(source.tree, list))


def _speaks_of(side_key: str, kind: Side, sibling: str) -> bool:
    """Tell whether a single confidence or location is that of a sibling: ``plate_location`` of ``plate_number``."""
    stem = "" if side_key == kind else side_key.removesuffix(kind)
    return sibling == stem.rstrip("_") or sibling.startswith(stem)


def _names(
    source: Source, tree: Object, sides: dict[str, Side], node: Node, odd: Callable[[str], None]
) -> dict[str, str]:
    """Return by what name a map speaks of keys that it does not have: the catalog's, one spelled alike, or its place.

    Published answers call the confidence of ``departure_time`` ``starting_time``, and that of ``card_number``
    `` card_number`` (train ticket, bank card).
    """
    if not isinstance(source.tree, dict) or source.tree.keys() <= tree.keys():
        return {}
    fields = {key: tree[key] for key in tree if key not in sides}
    names = {key: key for key in fields if key in source.tree}
    names |= _by_spelling([name for name in source.tree if name not in tree], fields.keys() - names.keys(), node)
    for key, name in _by_place(source.tree, fields, names):
        names[key] = name
        odd(f"`{source.path}` has no `{key}`; what it says of `{name}`, in the same place, is taken for it.")
    return names


def _by_spelling(left: list[str], fields: Collection[str], node: Node) -> dict[str, str]:
    """Return the names that are those of a field but for spaces and signs, or that the catalog has for it."""
    spelled: dict[str, list[str]] = {}
    for name in left:
        if _plain(name):
            spelled.setdefault(_plain(name), []).append(name)
    names: dict[str, str] = {}
    for key in sorted(fields):
        alike = {plain for name in (key, *node.child(key).also) if (plain := _plain(name)) in spelled}
        if len(alike) == 1 and len(free := spelled[alike.pop()]) == 1:
            names[key] = free.pop()
    return names


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _by_place(spoken: Object, fields: Object, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Pair what is left of a map with what is left of the fields, where as many of each stand between the same two."""
    keys = {name: key for key, name in names.items()}
    left = _between(list(fields), {key: key for key in names})
    for ends, between in _between([name for name in spoken if name in keys or name not in fields], keys).items():
        same = left.get(ends, [])
        pairs = list(zip(same, between, strict=True)) if any(ends) and len(same) == len(between) else []
        if all(_alike(fields[key], spoken[name]) for key, name in pairs):
            yield from pairs


def _between(items: list[str], known: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    """Group the items that are not known by what is known before and behind them, empty where there is nothing."""
    behind, ends = "", []
    for item in reversed(items):
        behind = known.get(item, behind)
        ends.append(behind)
    groups: dict[tuple[str, str], list[str]] = {}
    before = ""
    for item, behind in zip(items, reversed(ends), strict=True):
        before = known.get(item, before)
        if item not in known:
            groups.setdefault((before, behind), []).append(item)
    return groups


def _alike(value: Tree, said: Tree) -> bool:
    """Tell whether this may be said of a value: one confidence or place of a plain value, a list of those of a list."""
    one = as_confidence(said) is not None or as_location(said) is not None
    if isinstance(value, list):
        return isinstance(said, list) and not one
    return one and not isinstance(value, dict)
