"""Messages between the pipeline and the process that draws pages. Values only."""

from __future__ import annotations

from msgspec import Struct

from legible.model.pages import Frame, Ink, Location
from legible.operations.operation import Limits

#: The most memory that the decoded pixels of one image may take, in bytes.
MOST_BYTES = 160_000_000
#: A shorter side than this holds no letter: such an image is rejected, a larger one is padded to the operation's least.
_LEAST_SIDE = 8


#: The ``mode`` of an image that is whole, but of a kind that cannot be converted here.
UNREAD = ";unread"


class Look(Struct, frozen=True):
    """How many pages a document has and what they are, known before anything is paid.

    ``pages`` counts PDF pages, or the frames of a TIFF, GIF or WEBP. ``width`` and ``height`` are those of the first
    image, upright, in pixels; None for a PDF. ``mode`` is Pillow's word for an image's kind of pixels (``L``, ``RGB``,
    ``CMYK``, ``I;16``), with ``;transparent`` or ``;rare`` behind it where readers may differ. ``turned`` says that
    EXIF tells to turn it before it is looked at. A PDF is ``drawn``, not sent as it is, where readers may differ: it is
    encrypted, though it opens without a password; other bytes stand before its header; a page is smaller than any
    paper. ``attached`` names the files inside it, which are not read.
    """

    pages: int = 1
    width: int | None = None
    height: int | None = None
    mode: str = ""
    turned: bool = False
    drawn: bool = False
    attached: tuple[str, ...] = ()


class Want(Struct, frozen=True):
    """Limits of a picture. Sides in pixels; ``largest`` is its size in bytes, before Base64.

    ``most_bytes`` is what the decoded pixels of the image that it is made of may take.
    """

    min_side: int
    max_side: int
    max_pixels: int | None
    largest: int
    most_bytes: int = MOST_BYTES

    @classmethod
    def of(cls, limits: Limits) -> Want:
        """Return the limits of pictures for an operation."""
        return cls(limits.min_side, limits.max_side, limits.max_pixels, limits.base64_bytes // 4 * 3)

    def too_small(self, width: float, height: float) -> bool:
        """Tell whether an image is too small to be padded: to enlarge it would add no detail."""
        short, long = min(width, height), max(width, height)
        return short < min(_LEAST_SIDE, self.min_side) or long < self.min_side


class Rendered(Struct, frozen=True):
    """The picture of one page. ``note`` says what was done to make it, ``ink`` what is odd about it."""

    body: bytes
    media_type: str
    suffix: str
    width: int
    height: int
    note: str
    frame: Frame
    ink: Ink = ""


#: Left, top, right and bottom, in the frame's unit.
Box = tuple[float, float, float, float]


class PageText(Struct, frozen=True):
    """What was recognized on one page, and where: corners in the frame's unit, from the text's own top left."""

    page: int
    frame: Frame
    words: tuple[tuple[str, Location], ...] = ()
