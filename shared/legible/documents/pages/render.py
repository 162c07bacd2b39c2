"""Makes the picture of a page that is sent. Runs apart; see ``legible.documents.pages.worker``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from pathlib import Path

from PIL import Image

from legible.documents.pages import flattened, ink, pdf_page, probe
from legible.documents.pages.open_document import KIND_NOT_READ, OpenDocument
from legible.documents.pages.values import Box, Rendered, Want
from legible.errors import RejectedError
from legible.model.pages import Frame, Ink

#: The largest picture that is made, in pixels: A2 at 200 dpi has 15 million, and memory holds two copies.
MOST_PIXELS = 16_000_000
#: A crop of a page is at most so large, in pixels, and shows so much around its box, in heights of it and in pixels.
_LARGEST_CROP, _AROUND, _LEAST_AROUND = (360, 90), 0.2, 3
_WHOLE = Want(min_side=1, max_side=8192, max_pixels=None, largest=1 << 30)
#: With so few colors a picture is drawn, not photographed: PNG keeps it exact, and smaller than JPEG would.
_FEW_COLORS = 16
_QUALITY = 90


def picture(path: Path, format_name: str, page: int, want: Want, kept: OpenDocument | None = None) -> Rendered:
    """Make the picture of one page.

    Args:
        path: The document.
        format_name: As intake told it.
        page: Counted from 1.
        want: What the picture must keep to.
        kept: Keeps for the next page what is known of the document.

    Raises:
        RejectedError: This page cannot be drawn.
    """
    with _page(path, format_name, page, want, kept) as (image, frame, done):
        if frame.unit == "px" and want.too_small(frame.width, frame.height):
            raise _too_small(page, frame, want)
        image, frame = _scaled(image, frame, want, done)
        if frame.unit == "px":  # a page of a PDF was looked at when it was drawn
            done.ink = ink.of_image(image)
        image = _padded(image, want, done)
        body, media_type, suffix, image = _encoded(image, want.largest, done)
        frame = Frame(frame.width, frame.height, frame.unit, frame.scale * _scale(image, *done.sides))
        return Rendered(body, media_type, suffix, image.width, image.height, done.text(image), frame, done.ink)


def crops(
    path: Path, format_name: str, page: int, boxes: tuple[Box, ...], kept: OpenDocument | None = None
) -> tuple[bytes, ...]:
    """Return a small PNG of each box of one page, with a little around it.

    Args:
        path: The document.
        format_name: As intake told it.
        page: Counted from 1.
        boxes: In the unit of the page's frame; what lies outside of the page is left out.
        kept: Keeps for the next page what is known of the document.

    Raises:
        RejectedError: This page cannot be drawn.
    """
    with _page(path, format_name, page, _WHOLE, kept) as (image, frame, _):
        return tuple(_crop(image, [side * frame.scale for side in box]) for box in boxes)


def _crop(image: Image.Image, box: list[float]) -> bytes:
    around = (box[3] - box[1]) * _AROUND + _LEAST_AROUND
    # A box that is not on the page at all is a dot of its edge.
    left, top = (int(min(max(0.0, box[n] - around), image.size[n] - 1)) for n in (0, 1))
    right, bottom = (int(min(image.size[n], box[n + 2] + around)) for n in (0, 1))
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    part.thumbnail(_LARGEST_CROP)
    return _saved(part, "PNG")


class _Done:
    """What was done to a page, in words; what is odd about its picture; the sides its scale was last computed for."""

    def __init__(self, first: str, ink: Ink = "") -> None:
        self.words = [first]
        self.ink = ink
        self.sides: tuple[float, float] = (1, 1)

    def text(self, image: Image.Image) -> str:
        return ", ".join((*self.words, f"{image.width} x {image.height} px"))


@contextmanager
def _page(
    path: Path, format_name: str, page: int, want: Want, kept: OpenDocument | None
) -> Iterator[tuple[Image.Image, Frame, _Done]]:
    kept = kept or OpenDocument()
    if format_name == "pdf":
        yield _pdf_page(kept, path, page, want)
        return
    try:
        with kept.image(path, page) as image:
            yield _frame(image, want)
    except RejectedError as error:
        if error.reason_code == KIND_NOT_READ:
            raise RejectedError(
                f"Image {page} of the document is of a kind that is not read here, though the file is whole.",
                code=KIND_NOT_READ,
                advice=error.advice,
            ) from error
        if error.reason_code != "document-broken":
            raise
        raise RejectedError(
            f"Image {page} of the document cannot be read: it is cut or broken.",
            code="page-broken",
            advice=error.advice,
        ) from error


def _pdf_page(kept: OpenDocument, path: Path, page: int, want: Want) -> tuple[Image.Image, Frame, _Done]:
    image, sides, dpi, seen = pdf_page.drawn(
        kept.pdf(path), kept.canvas, page, want.max_side, MOST_PIXELS, lambda: kept.has_finer_masks(path)
    )
    return image, Frame(*sides, "pt", _scale(image, *sides)), _Done(f"rendered at {dpi:.0f} dpi", seen)


def _frame(image: Image.Image, want: Want) -> tuple[Image.Image, Frame, _Done]:
    kind, orientation = image.format or "an image", probe.orientation_of(image)
    width, height = image.size
    _decode_small(image, want)
    if probe.decoded(image) > want.most_bytes:
        raise _too_many(width, height)
    mode = image.mode
    flat, ground = flattened.flat(image)
    done = _Done(f"converted from {kind}" + (f" {mode}" if mode not in {"1", "L", "P", "RGB", "RGBA"} else ""))
    if ground:
        done.words.append(f"laid on {ground}")
    if orientation > 1:
        done.words.append("turned upright")
    if orientation > 1 and kind != "TIFF":  # Pillow has turned a TIFF while it was decoded
        flat = _upright(_smaller(flat, want), orientation)  # in this order: memory does not hold a large photo twice
        if orientation >= 5:
            width, height = height, width
    if flat is not image:
        image.close()  # memory does not hold a large scan twice and its smaller picture too
    return flat, Frame(float(width), float(height), "px", _scale(flat, width, height)), done


def _decode_small(image: Image.Image, want: Want) -> None:
    """Have a JPEG decoded at a half, a quarter or an eighth, where it is scaled down anyway or memory holds no more."""
    width, height = image.size
    share = min(1.0, want.max_side / max(image.size), sqrt(MOST_PIXELS / (width * height)))
    fitting = next((part for part in (1, 2, 4, 8) if probe.decoded(image) <= want.most_bytes * part**2), 8)
    share = min(share, 1 / fitting)
    if share < 1.0 and not probe.is_lossless(image):
        image.draft(None, (int(width * share), int(height * share)))


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }[orientation]
    return image.transpose(turn)


def _scaled(image: Image.Image, frame: Frame, want: Want, done: _Done) -> tuple[Image.Image, Frame]:
    image = _smaller(image, want)
    if frame.unit == "px" and image.width < frame.width:
        done.words.append(f"scaled from {frame.width:.0f} x {frame.height:.0f} px")
    done.sides = image.size
    return image, Frame(frame.width, frame.height, frame.unit, _scale(image, frame.width, frame.height))


def _smaller(image: Image.Image, want: Want) -> Image.Image:
    """Return the image scaled down to what is wanted, if it is larger."""
    pixels = min(want.max_pixels or MOST_PIXELS, MOST_PIXELS)
    share = min(1.0, want.max_side / max(image.size), sqrt(pixels / (image.width * image.height)))
    if share == 1.0:
        return image
    return image.resize((max(1, int(image.width * share)), max(1, int(image.height * share))), reducing_gap=2.0)


def _scale(image: Image.Image, width: float, height: float) -> float:
    """Return the pixels per unit of a page with such sides, by the longer one: there a rounded pixel weighs least."""
    return image.width / width if width >= height else image.height / height


def _padded(image: Image.Image, want: Want, done: _Done) -> Image.Image:
    side = want.min_side
    if min(image.size) >= side:
        return image
    done.words.append(f"padded from {image.width} x {image.height} px")
    paper = Image.new(image.mode, (max(side, image.width), max(side, image.height)), "white")
    paper.paste(image)
    done.sides = paper.size
    return paper


def _encoded(image: Image.Image, largest: int, done: _Done) -> tuple[bytes, str, str, Image.Image]:
    if _has_few_colors(image):
        png = _saved(image, "PNG", compress_level=6)
        if len(png) <= largest:
            return png, "image/png", ".png", image
    quality = _QUALITY
    while True:
        jpeg = _saved(image, "JPEG", quality=quality)
        if len(jpeg) <= largest:
            return jpeg, "image/jpeg", ".jpg", image
        if quality > 60:
            quality -= 15
        else:
            image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


def _has_few_colors(image: Image.Image) -> bool:
    return all(map(_counts_few_colors, (*ink.strips(image), image)))


def _counts_few_colors(image: Image.Image) -> bool:
    # Of a page of a PDF the fourth byte of a pixel says nothing: it has two values at most.
    counted = image.getcolors(2 * _FEW_COLORS)
    if counted is None:
        return False
    return len({color[:3] if isinstance(color, tuple) else color for _, color in counted}) <= _FEW_COLORS


def _saved(image: Image.Image, name: str, **options: int) -> bytes:
    target = io.BytesIO()
    if image.mode == "RGBX" and name == "PNG":
        image = image.convert("RGB")
    image.save(target, name, **options)
    return target.getvalue()


def _too_small(page: int, frame: Frame, want: Want) -> RejectedError:
    return RejectedError(
        f"Image {page} of the document has {frame.width:.0f} x {frame.height:.0f} px; sides of {want.min_side} to "
        f"{want.max_side} px are taken.",
        code="sides-too-small",
        advice="Scan this page again at 150 dpi or more, or leave it out if it is none.",
    )


def _too_many(width: int, height: int) -> RejectedError:
    return RejectedError(
        f"The image has {width} x {height} px; that is more than fits into memory to be converted.",
        code="too-many-pixels",
        advice="Scan at 150 to 200 dpi, or save it as JPEG.",
    )
