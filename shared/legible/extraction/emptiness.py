"""Tells whether an answer holds anything that was recognized on its page."""

from __future__ import annotations

import re

from legible.model.pages import EMPTY_WORDS, Empty, Ink
from legible.model.records import Check, Extract, Field

#: The rules that a page breaks which gave nothing, and one whose picture lacks text that the document has.
EMPTY_RULE, UNSEEN_RULE = "page-empty", "text-unseen"
#: Names of fields that speak of the picture, not of what stands on it: how it lies, how large it is, how much was
#: counted on it. Scores and booleans (blurred, covered, tampered, verified) do so in every operation that has them.
_OF_PICTURE = re.compile(r"(^|\.)(direction|side|image_size\.\w+|\w*_?count|\w+_score)$")
_JUDGMENTS = frozenset({"boolean", "confidence", "location"})


def says_nothing(extract: Extract) -> bool:
    """Tell whether the answer of a page has no text, no field and no table cell with anything in it, and no file.

    Args:
        extract: What the answer says.
    """
    return not (
        extract.files
        or any(block.text.strip() for block in extract.text)
        or any(
            cell.text.strip() for table in extract.tables for cell in table.cells if not (table.header and not cell.row)
        )
        or any(field.value.strip() for field in extract.fields if not _of_picture(field))
    )


def empty_check(page: int, empty: Empty) -> Check:
    """Return the finding on a page that gave nothing."""
    return Check(EMPTY_RULE, False, page, (), f"Nothing was recognized on this page: {EMPTY_WORDS[empty]}.")


def unseen_check(page: int) -> Check:
    """Return the finding on a page of which text was read, but not all."""
    return Check(
        UNSEEN_RULE, False, page, (),
        "Some text of this page left no ink in the picture that was read: its font is not in the file and could not be "
        "replaced. Print the document to a new PDF, and upload that.",
    )  # fmt: skip


def emptiness(extract: Extract, ink: Ink) -> Empty | None:
    """Return why a page gave nothing, as far as it is known; None where it gave something.

    Args:
        extract: What its answer says.
        ink: What is odd about its picture.
    """
    return (ink or "nothing-found") if says_nothing(extract) else None


def _of_picture(field: Field) -> bool:
    return field.type in _JUDGMENTS or _OF_PICTURE.search(field.name) is not None
