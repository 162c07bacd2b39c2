"""Errors of the service that stand inside an answer: as the whole of it, or as the status of one of its parts.

The service tells an error by ``error_code`` and ``error_msg``, which an answer that succeeded does not have
(ocr_03_0028); in a list of documents each has them in its ``status``, ``AIS.0000`` where it was recognized
(ocr_03_0113).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from legible.extraction.fields.answers import Numeral, Tree, as_text

#: How an object may name its code and its message; in an object of errors the short words are used too.
_CODES, _MESSAGES = ("error_code",), ("error_msg", "error_message")
_WITHIN = (*_CODES, "code"), (*_MESSAGES, "message", "msg")
#: Objects that hold nothing but what became of something.
_HOLDERS = ("status", "error")
#: Keys that say nothing of what was recognized: those of the error, and what kind of document was not recognized.
_BESIDE = frozenset({*_CODES, *_MESSAGES, *_HOLDERS, "type", "request_id"})
_SUCCESS = re.compile(r"|0+|2\d\d|[A-Za-z]+\.0000|ok|succe.*", re.IGNORECASE)
_VENDOR_CODE = re.compile(r"[A-Za-z]+\.\d{4}")


class Failure(NamedTuple):
    """An error inside an answer; ``parts`` counts the documents of a list that all failed, 0 for the answer itself."""

    code: str
    message: str
    parts: int = 0

    def __str__(self) -> str:
        """Return code and message on one line."""
        return " ".join(part for part in (self.code, self.message) if part)


def succeeded(text: str) -> bool:
    """Tell whether a code or a message, the empty one too, says that all went well."""
    return _SUCCESS.fullmatch(text.strip()) is not None


def failure(tree: Tree) -> Failure | None:
    """Return the error that a whole answer is; None where any text was recognized, or no error is told."""
    parts = _flat(tree) if isinstance(tree, list) else []
    if isinstance(tree, dict):
        result = tree.get("result")
        for holder in (tree, result):
            known = _told(holder)
            if known is not None and not _says(result):
                return known
        if result is None:
            return _bare(tree)
        parts = _flat(result) if isinstance(result, list) else []
    failed = [known for part in parts if (known := _told(part)) is not None and not _says(part)]
    return failed[0]._replace(parts=len(parts)) if failed and len(failed) == len(parts) else None


def _told(tree: Tree, names: tuple[tuple[str, ...], tuple[str, ...]] = (_CODES, _MESSAGES)) -> Failure | None:
    """Return the error that an object tells of itself, or the object inside it that is there to tell it."""
    if not isinstance(tree, dict):
        return None
    code, message = (next((text for key in keys if (text := _text(tree.get(key)))), "") for keys in names)
    if code or message:
        return None if succeeded(code or message) else Failure(code, message)
    inner = (_told(tree[key], _WITHIN) for key in _HOLDERS if key in tree)
    return next((known for known in inner if known is not None), None)


def _bare(tree: dict[str, Tree]) -> Failure | None:
    """Return the error that a body without a result tells in the gateway's short words, by a code of the vendor's."""
    known = _told(tree, _WITHIN)
    return known if known is not None and _VENDOR_CODE.fullmatch(known.code) else None


def _text(tree: Tree) -> str:
    return "" if isinstance(tree, (dict, list)) else as_text(tree).strip()


def _flat(items: list[Tree]) -> list[Tree]:
    return [part for item in items for part in (_flat(item) if isinstance(item, list) else [item])]


def _says(tree: Tree) -> bool:
    """Tell whether any text was recognized: counts, places and flags stand in an answer without one too."""
    return any(text.strip() for text in _texts(tree))


def _texts(tree: Tree) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from () if key in _BESIDE else _texts(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _texts(item)
    elif isinstance(tree, str) and not isinstance(tree, Numeral):
        yield tree
