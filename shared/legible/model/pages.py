"""Pages: the picture that one call reads, its answer, and where things are on a page."""

from __future__ import annotations

import json
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from legible.model.documents import PageState, Reason

#: What is odd about the picture of a page: it has one color; or text of its PDF left no ink in it.
Ink = Literal["", "one-color", "text-unseen"]

#: Why a page gave nothing, as far as it can be told: by what is odd about its picture; else the service found nothing.
Empty = Literal["one-color", "text-unseen", "nothing-found"]

#: The same in words, behind "Nothing was recognized on this page".
EMPTY_WORDS: dict[Empty, str] = {
    "one-color": "its picture has one color. It is blank, or it could not be drawn as it is meant to look",
    "text-unseen": "it has text, but none of it is seen in the picture. Its font is not in the file and could not be "
    "replaced",
    "nothing-found": "the service found nothing on it",
}


class Share(Struct, frozen=True):
    """One of ``of`` equal parts of a document's pages: every ``of``-th page, from page ``number`` on."""

    number: int
    of: int

    def covers(self, page: int) -> bool:
        """Tell whether a page is in this share; each page is in exactly one of the shares."""
        return (page - self.number) % self.of == 0


Source = Literal["url", "signed-url", "inline"]

#: Four corners ``((x, y), ...)``, clockwise from the text's own top left. On a page with a ``frame``: in its unit; else
#: in pixels of the uploaded image or, for a PDF page that the service drew by itself, of its drawing.
Location = tuple[tuple[float, float], ...]


class Picture(Struct, frozen=True):
    """The picture that one call reads: a URL the service opens, or bytes sent inline as Base64.

    ``parameters`` are the page options of an operation that pages by itself (``{"pdf_page_number": 2}``). The call
    is billed to the enterprise ``project``; empty for none.
    """

    source: Source
    url: str = ""
    body: bytes = b""
    parameters: dict[str, Any] = {}
    project: str = ""


class Answer(Struct, frozen=True):
    """The answer of one paid call: ``body`` is the JSON as received, byte for byte."""

    body: bytes
    request_id: str = ""
    http_status: int = 200


def answer_text(body: bytes) -> str:
    """Return an answer as text, whichever of UTF-8, -16 and -32 it came in; bytes that are no text become U+FFFD."""
    return body.decode(json.detect_encoding(body), "replace")


class Frame(Struct, frozen=True):
    """Where a picture lies on its page.

    ``width`` and ``height`` are the page's, in ``unit``: points of 1/72 inch for a PDF page as it is shown, pixels of
    the upright image for anything else. ``scale`` is pixels of the picture per unit. What was padded is right and
    below, so both have one origin, top left.
    """

    width: float
    height: float
    unit: Literal["px", "pt"]
    scale: float


class Page(Struct, frozen=True):
    """One page of a record: where its answer is, how it was read, or why it has none.

    ``source`` is how the service got the image; ``note`` says why that was not the configured way, or what was done to
    the image first. ``answer`` is the key of the stored answer in the output bucket. ``frame`` says how the picture
    that was sent lies on the page; None where the document itself was sent. ``empty`` is a page whose answer holds no
    text, no field and no table, and hints at why; it is left out where there is something.
    """

    page: int
    state: PageState
    source: Source | None = None
    answer: str = ""
    request_id: str = ""
    note: str = ""
    frame: Frame | None = None
    reason: Reason | None = None
    empty: Empty | UnsetType = UNSET
