"""The raw JSON of an answer, read so that no digit and no key is lost, and the small values found inside it."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from typing import TypeAlias

from legible.model.pages import Location, answer_text

#: Objects and lists below this depth are kept as their own JSON text: a hostile answer must not exhaust the stack.
MAX_DEPTH = 40
#: A list of more points than this is no location, and need not be looked at to know that.
MAX_CORNERS = 64

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"GIF8", "image/gif", "gif"),
    (b"BM", "image/bmp", "bmp"),
    (b"II*\x00", "image/tiff", "tif"),
    (b"MM\x00*", "image/tiff", "tif"),
    (b"%PDF-", "application/pdf", "pdf"),
    (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
)
_UNKNOWN_FILE = ("application/octet-stream", "bin")


class Numeral(str):
    """A JSON number, digit for digit as received."""

    __slots__ = ()


Leaf: TypeAlias = "str | bool | None"
Tree: TypeAlias = "dict[str, Tree] | list[Tree] | Leaf"


def parse(body: bytes) -> tuple[Tree, list[str]]:
    """Return the JSON of an answer and notes on what is odd about it.

    It may come in any of the encodings that JSON has had (RFC 4627). Numbers stay text (``Numeral``). Of a key that
    stands twice in one object both values are kept, the later under ``key (2)``. Half surrogate pairs, which no UTF-8
    can hold, become U+FFFD. What does not read as JSON is None.
    """
    notes: list[str] = []
    try:
        return _settled(_decoder(notes).decode(_text(body, notes)), notes, 0), notes
    except ValueError as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    return None, [f"The answer does not read as JSON ({reason}); it is kept as received."]


def why_unreadable(tree: Tree) -> str:
    """Say why a whole answer holds nothing that was recognized; empty where it holds a result that can be read.

    An empty result can be read: nothing was recognized. Every result is an object or, in 5 operations, a list of
    objects (models of the SDK, 3.1.219); whoever sends text or a number for it sends none of the fields.
    """
    if not isinstance(tree, dict):
        return "it is no JSON object"
    result = tree.get("result")
    if result is None:
        return "it has no `result`"
    if isinstance(result, dict) or result == [] or _holds_object(result):
        return ""
    return f"its `result` is {shape(result)} without any field"


def _holds_object(tree: Tree) -> bool:
    return isinstance(tree, dict) or (isinstance(tree, list) and any(map(_holds_object, tree)))


def shape(tree: Tree) -> str:
    """Return in words what kind of value this is; empty for null."""
    if isinstance(tree, Numeral):
        return "a number"
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(tree), "")


def _text(body: bytes, notes: list[str]) -> str:
    encoding = json.detect_encoding(body).removesuffix("-sig").upper()
    if encoding != "UTF-8":
        notes.append(f"The answer came in {encoding}, not in UTF-8.")
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        notes.append(f"Some bytes of the answer are not {encoding}; they are shown as U+FFFD.")
    return answer_text(body)


def _decoder(notes: list[str]) -> json.JSONDecoder:
    def pairs(items: list[tuple[str, Tree]]) -> dict[str, Tree]:
        tree: dict[str, Tree] = {}
        for key, value in items:
            name = _free_name(tree, key)
            if name != key:
                notes.append(f"`{_mended(key)}` stands more than once in one object; every value is kept.")
            tree[name] = value
        return tree

    return json.JSONDecoder(
        object_pairs_hook=pairs, parse_float=Numeral, parse_int=Numeral, parse_constant=Numeral, strict=False
    )


def _free_name(taken: dict[str, Tree], key: str) -> str:
    name, number = key, 1
    while name in taken:
        number += 1
        name = f"{key} ({number})"
    return name


def _settled(tree: Tree, notes: list[str], depth: int) -> Tree:
    if isinstance(tree, Numeral) or not isinstance(tree, (str, dict, list)):
        return tree
    if isinstance(tree, str):
        return _mended(tree, notes)
    if depth >= MAX_DEPTH:
        notes.append("Part of the answer is nested too deeply to be shown apart; it is kept as JSON text.")
        return _mended(compact(tree), notes)
    if isinstance(tree, list):
        return [_settled(item, notes, depth + 1) for item in tree]
    settled: dict[str, Tree] = {}
    for key, value in tree.items():
        settled[_free_name(settled, _mended(key, notes))] = _settled(value, notes, depth + 1)
    return settled


def _mended(text: str, notes: list[str] | None = None) -> str:
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    if notes is not None:
        notes.append("The answer holds half a surrogate pair; it is shown as U+FFFD.")
    return _SURROGATE.sub("\ufffd", text)


def compact(tree: Tree) -> str:
    """Return the tree as compact JSON text, numbers as received; no nesting is too deep."""
    texts: list[str] = []
    todo: list[Tree] = [tree]
    while todo:  # a call for each level would exhaust the stack
        item = todo.pop()
        if isinstance(item, Numeral):  # and what stands between values
            texts.append(item)
        elif isinstance(item, dict):
            pairs = ((Numeral(f"{json.dumps(key, ensure_ascii=False)}:"), value) for key, value in item.items())
            todo += reversed(_joined("{", pairs, "}"))
        elif isinstance(item, list):
            todo += reversed(_joined("[", ((value,) for value in item), "]"))
        else:
            texts.append(json.dumps(item, ensure_ascii=False))
    return "".join(texts)


def _joined(begin: str, groups: Iterable[tuple[Tree, ...]], end: str) -> list[Tree]:
    """Return groups of values, with commas between them, as a list to be written."""
    joined: list[Tree] = [Numeral(begin)]
    for number, group in enumerate(groups):
        joined += [Numeral(","), *group] if number else group
    return [*joined, Numeral(end)]


def leaf_text(leaf: Leaf) -> str:
    """Return a plain value as text: numbers as received, ``true``, ``false``, and nothing for null."""
    if leaf is None:
        return ""
    return str(leaf).lower() if isinstance(leaf, bool) else str(leaf)


def as_text(tree: Tree) -> str:
    """Return anything as text: a plain value as ``leaf_text`` does, an object or a list as compact JSON."""
    return compact(tree) if isinstance(tree, (dict, list)) else leaf_text(tree)


def as_number(tree: Tree) -> float | None:
    """Return a number, or a text that reads as one, as a finite float."""
    if not isinstance(tree, str):
        return None
    try:
        value = float(tree)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def as_confidence(tree: Tree) -> float | None:
    """Return a value from 0 to 1 as a float, else None."""
    value = as_number(tree)
    return value if value is not None and 0 <= value <= 1 else None


def as_location(tree: Tree) -> Location | None:
    """Return a list of ``[x, y]`` corners as a location, else None."""
    if not isinstance(tree, list) or not 0 < len(tree) <= MAX_CORNERS:
        return None
    corners = [_corner(item) for item in tree]
    known = tuple(corner for corner in corners if corner is not None)
    return known if len(known) == len(corners) else None


def _corner(tree: Tree) -> tuple[float, float] | None:
    if not isinstance(tree, list) or len(tree) != 2:
        return None
    x, y = map(as_number, tree)
    return None if x is None or y is None else (x, y)


def as_indexes(tree: Tree) -> list[int] | None:
    """Return a list of row or column numbers, from 0, as integers, else None."""
    if not isinstance(tree, list) or not tree:
        return None
    texts = [item for item in tree if isinstance(item, str) and re.fullmatch(r"[0-9]{1,9}", item)]
    return [int(text) for text in texts] if len(texts) == len(tree) else None


def decoded(text: str) -> tuple[str, str, bytes] | None:
    """Return media type, file name extension and bytes of a Base64 text, else None."""
    payload = "".join(_without_prefix(text).split())
    try:
        data = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None
    return (*_kind(data, _MAGIC), data) if data else None


def looks_like_file(text: str) -> bool:
    """Tell whether a text nobody declared to be a file is one: long, Base64, and with the first bytes of a file."""
    if len(text) < 1024:
        return False
    content = decoded(text)
    return content is not None and content[:2] != _UNKNOWN_FILE


def _without_prefix(text: str) -> str:
    head, comma, rest = text[:100].partition(",")
    return text[len(head) + 1 :] if comma and head.startswith("data:") and rest else text


def _kind(data: bytes, known: Iterable[tuple[bytes, str, str]]) -> tuple[str, str]:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", "webp"
    return next(((media, ending) for magic, media, ending in known if data.startswith(magic)), _UNKNOWN_FILE)
