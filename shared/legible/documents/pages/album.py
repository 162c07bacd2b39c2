"""A new PDF whose pages are pictures, with what was recognized as invisible text on them."""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pikepdf
from PIL import Image

from legible.documents.pages import packed_pdf, probe, render
from legible.documents.pages.glyphless_font import Glyphs, packed
from legible.documents.pages.open_document import OpenDocument
from legible.documents.pages.text_layer import PageAxes, lettering
from legible.documents.pages.values import PageText, Want
from legible.errors import RejectedError

_A4 = (595.0, 842.0)
#: A page of a PDF has at most so many points a side (ISO 32000-1, annex C).
_LONGEST = 14_400.0
#: Resolutions that scanners write; the lower ones are those of screens, and say nothing of paper.
_LEAST_DPI, _MOST_DPI = 100.0, 1200.0
#: Without a resolution the longer side is A4's, if that makes one between these.
_ASSUMED_LEAST, _ASSUMED_MOST = 72.0, 200.0
#: A picture has any sides that a JPEG can have, and any size.
_ANY = Want(min_side=1, max_side=65_000, max_pixels=None, largest=2**31)


def write(
    source: Path,
    format_name: str,
    pages: int,
    target: Path,
    text_of: Callable[[int], PageText | None],
    most_held: int,
) -> int:
    """Write a PDF whose pages are pictures.

    Args:
        source: The image.
        format_name: As intake told it.
        pages: How many pages it has.
        target: Where the PDF goes; of many large pictures a file without a name lies beside it meanwhile.
        text_of: Returns the words of a page, counted from 1; called in the order of the pages.
        most_held: Bytes of pictures in memory; what is beyond goes on the disk.

    Returns:
        How many pages have words.

    Raises:
        RejectedError: The only page cannot be read; one of several is blank then.
    """
    with closing(_Album(target, most_held)) as album:
        for number in range(1, pages + 1):
            album.add(source, format_name, number, text_of(number), alone=pages == 1)
        return album.finish()


class _Album:
    """A new PDF, a picture a page."""

    def __init__(self, target: Path, most_held: int) -> None:
        self._target = target
        self._most_held = most_held
        self._document = pikepdf.new()
        self._font: pikepdf.Object = self._document.make_indirect(pikepdf.Dictionary())
        self._glyphs = Glyphs()
        self._held = self._layers = 0
        self._kept = OpenDocument()

    def add(self, source: Path, format_name: str, page: int, text: PageText | None, *, alone: bool) -> None:
        """Add a page; one that cannot be read is blank, unless it is the only one."""
        try:
            size, picture = self._picture(source, format_name, page)
        except RejectedError:
            if alone:
                raise
            self._page(_A4, pikepdf.Dictionary(), b"")
            return
        words = b""
        if text is not None:
            place = PageAxes((0, size[1]), (size[0], 0), (0, -size[1]))
            words = lettering(text.words, text.frame, place, b"/Legible0", self._glyphs)
            self._layers += 1
        self._page(size, pikepdf.Dictionary(Picture=picture), words + b"q %.3f 0 0 %.3f 0 0 cm /Picture Do Q\n" % size)
        if self._held > self._most_held:
            self._put_down()

    def finish(self) -> int:
        """Write all of it; return how many pages have words."""
        self._glyphs.write(self._document, self._font)
        with self._target.open("wb") as file:
            packed_pdf.save(self._document, file)
        return self._layers

    def close(self) -> None:
        """Close the document."""
        self._document.close()

    def _put_down(self) -> None:
        """Write the pages so far to the disk; from there they are read when needed."""
        file = tempfile.TemporaryFile(dir=self._target.parent)  # noqa: SIM115 - the PDF below holds it
        packed_pdf.save(self._document, file)
        self._document.close()
        self._document, self._held = packed_pdf.opened(file), 0
        self._font = self._document.pages[0].obj.Resources.Font.Legible0

    def _page(self, size: tuple[float, float], pictures: pikepdf.Dictionary, content: bytes) -> None:
        page = pikepdf.Dictionary(
            Type=pikepdf.Name.Page,
            MediaBox=pikepdf.Array([0, 0, *(round(side, 3) for side in size)]),
            Resources=pikepdf.Dictionary(XObject=pictures, Font=pikepdf.Dictionary(Legible0=self._font)),
            Contents=packed(self._document, content),
        )
        self._document.pages.append(pikepdf.Page(self._document.make_indirect(page)))

    def _picture(self, source: Path, format_name: str, page: int) -> tuple[tuple[float, float], pikepdf.Stream]:
        """Return a page's sides in points, and its picture."""
        with self._kept.image(source, page) as image:
            size = _paper(image)
            if _as_it_is(image):
                return size, self._stream(image, source.read_bytes(), pikepdf.Name.DCTDecode)
        picture = render.picture(source, format_name, page, _ANY, self._kept)
        with Image.open(io.BytesIO(picture.body)) as image:
            if picture.media_type == "image/jpeg":
                return size, self._stream(image, picture.body, pikepdf.Name.DCTDecode)
            return size, self._stream(image, zlib.compress(image.tobytes()), pikepdf.Name.FlateDecode)

    def _stream(self, image: Image.Image, body: bytes, how: pikepdf.Name) -> pikepdf.Stream:
        self._held += len(body)
        return self._document.make_stream(
            body,
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=image.width,
            Height=image.height,
            ColorSpace=pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=how,
        )


def _as_it_is(image: Image.Image) -> bool:
    """Tell whether a PDF can hold the image's own bytes: an upright JPEG in gray or RGB."""
    return image.format == "JPEG" and image.mode in {"L", "RGB"} and probe.orientation_of(image) == 1


def _paper(image: Image.Image) -> tuple[float, float]:
    """Return width and height of the upright paper, in points."""
    across, down = _resolution(image)
    sideways, seen = probe.orientation_of(image) >= 5, image.format == "TIFF"
    if sideways and seen:  # Pillow tells a TIFF's sides as they are seen, and its resolution as it is stored
        across, down = down, across
    wide, high = image.width / across * 72, image.height / down * 72
    share = min(1.0, _LONGEST / max(wide, high))
    wide, high = max(1.0, wide * share), max(1.0, high * share)
    return (high, wide) if sideways and not seen else (wide, high)


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Return dots per inch across and down: what a scanner wrote, else what makes a page like A4."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (LookupError, TypeError, ValueError, ArithmeticError):
        across = down = 0.0
    if all(_LEAST_DPI <= value <= _MOST_DPI for value in (across, down)):
        return across, down
    assumed = max(image.size) / _A4[1] * 72
    assumed = min(max(assumed, _ASSUMED_LEAST), _ASSUMED_MOST)
    return assumed, assumed
