"""Decides how many calls a document needs and what each one sends. Values only, no library."""

from __future__ import annotations

from msgspec import Struct

from legible.documents.formats import CONVERTED
from legible.documents.pages.open_document import KIND_NOT_READ, READS_HEIC, broken
from legible.documents.pages.values import UNREAD, Look, Want
from legible.errors import RejectedError
from legible.operations.operation import Limits, Operation

#: Kinds of pixels that every reader of images knows; others (CMYK, 16 bits, Lab, transparent ones) are converted.
_PLAIN = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})


#: So many of the files inside a PDF are named.
_MOST_NAMED = 10


class PagePlan(Struct, frozen=True):
    """How many calls a document needs, and what each one sends.

    ``count`` calls are made, for ``pages`` pages (one call may read them all). With ``rendered`` each one gets a
    picture of its page; else it gets the document itself, and ``parameter``, where set, carries the page's number.
    ``note`` says what a reader of the record should know.
    """

    count: int = 1
    pages: int = 1
    parameter: str | None = None
    rendered: bool = False
    note: str = ""


def page_plan(
    operation: Operation,
    format_name: str,
    size: int,
    look: Look,
    *,
    placed: bool = False,
    reads_heic: bool = READS_HEIC,
) -> PagePlan:
    """Decide by which call each page of a document is read; no page is left out.

    Args:
        operation: What reads it.
        format_name: As intake told it.
        size: The document's length in bytes.
        look: What its pages are.
        placed: Where each word stands on its page must be known; of a PDF page that the service draws it is not.
        reads_heic: Whether the library is there that HEIC is converted with.

    Raises:
        RejectedError: The operation does not take it and it cannot be converted; or it is too small to hold a letter.
    """
    if format_name == "ofd":
        if operation.ofd.pages == "none":
            raise _not_taken(operation, format_name)
        return PagePlan(note="OFD: only what the service reads of it by itself, its first page.")
    if format_name == "pdf":
        return _plan_pdf(operation, fits(operation.limits, size) and not placed, look)
    takes = format_name in operation.limits.formats
    if not takes and format_name not in CONVERTED and not (format_name == "heic" and reads_heic):
        raise _not_taken(operation, format_name)
    return _plan_image(operation, format_name, takes and fits(operation.limits, size), look)


def fits(limits: Limits, size: int) -> bool:
    """Tell whether a document's Base64 text keeps within the operation's limit."""
    return -(-size // 3) * 4 <= limits.base64_bytes


def _plan_image(operation: Operation, format_name: str, fitting: bool, look: Look) -> PagePlan:
    if look.pages > 1 and format_name == "tiff":
        return PagePlan(count=look.pages, pages=look.pages, rendered=True)
    note = f"Animated: only the first of {look.pages} frames was read." if look.pages > 1 else ""
    if look.mode == UNREAD:
        return _sent_as_it_is(operation, format_name, fitting, look)
    as_it_is = fitting and not look.turned and look.mode in _PLAIN
    return PagePlan(rendered=not (_sides_fit(operation, look) and as_it_is), note=note)


def _sent_as_it_is(operation: Operation, format_name: str, fitting: bool, look: Look) -> PagePlan:
    """Plan an image that cannot be converted here: the service may know it.

    Raises:
        RejectedError: The operation does not take it as it is.
    """
    if fitting and _sides_fit(operation, look):
        return PagePlan(note=f"This kind of {format_name.upper()} cannot be converted here; it was sent as it is.")
    raise RejectedError(
        f"This kind of {format_name.upper()} is not read here, and {operation.slug} does not take it as it is.",
        code=KIND_NOT_READ,
        advice="Its file is whole. Save it as PNG or JPEG, and upload that.",
    )


def _plan_pdf(operation: Operation, fitting: bool, look: Look) -> PagePlan:
    count = look.pages
    if not count:
        raise broken("The PDF has no pages.")
    native = operation.pdf.pages if fitting and not look.drawn else "none"
    note = _attached(look.attached)
    if native == "one":
        return PagePlan(count=count, pages=count, parameter=operation.pdf.parameter, note=note)
    if native == "all" or (native == "first" and count == 1):
        return PagePlan(pages=count, note=note)
    return PagePlan(count=count, pages=count, rendered=True, note=note)


def _attached(names: tuple[str, ...]) -> str:
    """Name the files inside a PDF, as far as there is room."""
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"Inside the PDF, and not read: {', '.join(names[:_MOST_NAMED])}{more}."


def _sides_fit(operation: Operation, look: Look) -> bool:
    """Tell whether the image can be sent as it is, or must be scaled down or padded first."""
    limits, width, height = operation.limits, look.width or 0, look.height or 0
    short, long = min(width, height), max(width, height)
    if Want.of(limits).too_small(width, height):
        raise RejectedError(
            f"The image has {width} x {height} px; {operation.slug} takes sides of {limits.min_side} to "
            f"{limits.max_side} px.",
            code="sides-too-small",
            advice="Scan again at 150 dpi or more; enlarging adds no detail.",
        )
    most = limits.max_pixels or width * height
    return short >= limits.min_side and long <= limits.max_side and width * height <= most


def _not_taken(operation: Operation, format_name: str) -> RejectedError:
    advice = f"It takes {', '.join(name.upper() for name in operation.limits.formats)}; save it as one of these."
    if format_name == "heic":
        advice += " Or install the group heif, which reads HEIC (LGPL)."
    message = f"{operation.slug} does not take {format_name.upper()}."
    return RejectedError(message, code="format-not-taken", advice=advice)
