"""From a document to the pages that are called for, one at a time; the only user of the PDF and image libraries."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt

import pypdfium2
from msgspec import Struct
from PIL import Image, ImageOps

from legible.errors import RejectedError
from legible.operation import Operation

#: Formats whose page count needs the whole document; the others hold one picture.
COUNTED = frozenset({"pdf", "tiff", "gif", "webp"})
#: Formats that Pillow renders for an operation that does not take them.
_PICTURES = frozenset({"png", "jpeg", "bmp", "tiff", "gif", "webp", "pcx", "ico", "psd"})
#: A4 at this resolution is 1654 x 2339 px: above the vendor's sample (1024 x 1400), below its advice of 2 MB a page.
DPI = 200
#: The largest picture that is decoded here, in pixels: three bytes each, and copies, within a function's 512 MB.
MOST_PIXELS = 40_000_000
_QUALITY = 90


class Plan(Struct, frozen=True):
    """How the pages of a document are called for.

    ``count`` calls are made, for ``pages`` pages (one call may read them all). With ``rendered`` each one gets a
    picture of its page; else it gets the document itself, and ``parameter``, where set, carries the page's number.
    ``note`` says what a reader of the record should know.
    """

    count: int = 1
    pages: int = 1
    parameter: str | None = None
    rendered: bool = False
    note: str = ""


class Rendered(Struct, frozen=True):
    """The picture of one page. ``note`` says how it was made."""

    body: bytes
    media_type: str
    suffix: str
    width: int
    height: int
    note: str


def measure(first: bytes) -> tuple[int, int] | None:
    """Read an image's sides from its header.

    Args:
        first: The beginning of the image, or all of it.

    Returns:
        Width and height in pixels; None where the header stands further behind, or in a format Pillow does not read.

    Raises:
        RejectedError: So many pixels that no operation takes it.
    """
    try:
        with _opened(first) as image:
            return image.size
    except RejectedError as error:
        if error.reason_code == "too-many-pixels":
            raise
        return None


def plan(operation: Operation, format_name: str, body: bytes | None) -> Plan:
    """Decide how each page of a document is called for; no page is left out.

    Args:
        operation: What reads it.
        format_name: As intake told it.
        body: The whole document where ``COUNTED`` names its format.

    Raises:
        RejectedError: The operation does not take it and it cannot be rendered; encrypted, broken or without pages.
    """
    takes = format_name in operation.limits.formats
    if format_name == "ofd":
        if operation.ofd.pages == "none":
            raise _not_taken(operation, format_name)
        return Plan(note="OFD: only what the service reads of it by itself, its first page.")
    if format_name == "pdf":
        return _plan_pdf(operation, body or b"")
    if not takes and format_name not in _PICTURES:
        raise _not_taken(operation, format_name)
    frames = _frames(body) if body is not None else 1
    if frames > 1 and format_name == "tiff":
        return Plan(count=frames, pages=frames, rendered=True)
    note = f"Animated: only the first of {frames} frames was read." if frames > 1 else ""
    return Plan(rendered=not takes, note=note)


def render(operation: Operation, format_name: str, body: bytes, page: int) -> Rendered:
    """Make the picture of one page.

    Args:
        operation: What will read it; the picture keeps within its sides and its Base64 limit.
        format_name: As intake told it.
        body: The whole document.
        page: Counted from 1.

    Raises:
        RejectedError: This page cannot be rendered.
    """
    image, note = _pdf_page(operation, body, page) if format_name == "pdf" else _frame(body, page)
    side = operation.limits.max_side
    if max(image.size) > side:
        image = ImageOps.contain(image, (side, side))
        note += f", scaled to {image.width} x {image.height} px"
    encoded, media_type, suffix = _encoded(image, operation.limits.base64_bytes // 4 * 3)
    return Rendered(encoded, media_type, suffix, image.width, image.height, note)


def _plan_pdf(operation: Operation, body: bytes) -> Plan:
    count = _pdf_pages(body)
    native = operation.pdf.pages
    if native == "one":
        return Plan(count=count, pages=count, parameter=operation.pdf.parameter)
    if native == "all" or (native == "first" and count == 1):
        return Plan(pages=count)
    return Plan(count=count, pages=count, rendered=True)


def _pdf_pages(body: bytes) -> int:
    with _pdf(body) as document:
        return len(document)


def _pdf_page(operation: Operation, body: bytes, page: int) -> tuple[Image.Image, str]:
    with _pdf(body) as document:
        try:
            sheet = document[page - 1]
            width, height = sheet.get_size()
            scale = min(DPI / 72, operation.limits.max_side / max(width, height), sqrt(MOST_PIXELS / (width * height)))
            image = sheet.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB")
        except pypdfium2.PdfiumError as error:
            raise RejectedError(
                f"Page {page} of the PDF cannot be rendered.",
                code="page-broken",
                advice="Open it, print it to a new PDF and upload that.",
            ) from error
    return image, f"rendered at {scale * 72:.0f} dpi, {image.width} x {image.height} px"


@contextmanager
def _pdf(body: bytes) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise RejectedError(
            "The PDF is locked with a password." if locked else "The PDF is broken.",
            code="encrypted" if locked else "document-broken",
            advice="Save it without a password and upload that." if locked else "Save it again and upload that.",
        ) from None
    try:
        yield document
    finally:
        document.close()


def _frames(body: bytes) -> int:
    with _opened(body) as image:
        return int(getattr(image, "n_frames", 1))


def _frame(body: bytes, page: int) -> tuple[Image.Image, str]:
    try:
        with _opened(body) as image:
            image.seek(page - 1)
            if image.width * image.height > MOST_PIXELS:
                raise _too_many(image.width, image.height)
            upright = ImageOps.exif_transpose(image)
            flat = upright.convert("L" if upright.mode in {"1", "L"} else "RGB")
            return flat, f"converted from {image.format or 'an image'}, {flat.width} x {flat.height} px"
    except RejectedError as error:
        if error.reason_code != "document-broken":
            raise
        raise RejectedError(
            f"Image {page} of the document cannot be read: it is cut or broken.",
            code="page-broken",
            advice=error.advice,
        ) from error


@contextmanager
def _opened(body: bytes) -> Iterator[Image.Image]:
    """Open an image; whatever Pillow raises on hostile bytes, and it raises many things, means that it is broken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body)) as image:
                yield image
    except RejectedError:
        raise
    except Image.DecompressionBombError:
        raise RejectedError(
            "The image has more than 178 million pixels.",
            code="too-many-pixels",
            advice="Scan at 150 to 200 dpi, or scale it down.",
        ) from None
    except Exception as error:
        raise RejectedError(
            "The image cannot be read: it is cut or broken.",
            code="document-broken",
            advice="Scan or save it again and upload that.",
        ) from error


def _encoded(image: Image.Image, largest: int) -> tuple[bytes, str, str]:
    if image.mode == "L":
        png = _saved(image, "PNG", optimize=True)
        if len(png) <= largest:
            return png, "image/png", ".png"
    quality = _QUALITY
    while True:
        jpeg = _saved(image, "JPEG", quality=quality)
        if len(jpeg) <= largest:
            return jpeg, "image/jpeg", ".jpg"
        if quality > 60:
            quality -= 15
        else:
            image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


def _saved(image: Image.Image, name: str, **options: int | bool) -> bytes:
    target = io.BytesIO()
    image.save(target, name, **options)
    return target.getvalue()


def decodes(format_name: str, body: bytes) -> bool:
    """Tell whether a document whose end looks wrong is whole all the same: bytes behind the end are common.

    Args:
        format_name: As intake told it.
        body: The whole document.
    """
    try:
        if format_name == "pdf":
            return _pdf_pages(body) > 0
        with _opened(body) as image:
            if image.width * image.height > MOST_PIXELS:
                return False
            image.draft("RGB", (image.width // 8, image.height // 8))
            image.load()
    except RejectedError:
        return False
    return True


def _too_many(width: int, height: int) -> RejectedError:
    return RejectedError(
        f"The image has {width} x {height} px; at most {MOST_PIXELS / 1e6:.0f} million pixels are converted.",
        code="too-many-pixels",
        advice="Scan at 150 to 200 dpi, or save it as a format the operation takes as it is.",
    )


def _not_taken(operation: Operation, format_name: str) -> RejectedError:
    return RejectedError(
        f"{operation.slug} does not take {format_name.upper()}.",
        code="format-not-taken",
        advice=f"It takes {', '.join(name.upper() for name in operation.limits.formats)}; save it as one of these.",
    )
