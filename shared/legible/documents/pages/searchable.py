"""The searchable copy of a document: a PDF of its pages, with what was recognized as unseen text on them.

A PDF keeps what it has: its streams are copied as they are packed, from file to file. Images become the pages of a new
PDF. Memory holds the texts and what ties the document together, but of what is copied one stream, and of new pictures
few. Runs apart, where documents are opened; see ``legible.documents.pages.worker``.
"""

from __future__ import annotations

import copy
import io
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import IO, BinaryIO

import msgspec
import pypdfium2
from PIL import Image

from legible.documents.pages import probe, render
from legible.documents.pages.glyphless_font import Glyphs, packed
from legible.documents.pages.text_layer import PageAxes, lettering
from legible.documents.pages.values import PageText, Want
from legible.errors import RejectedError

try:  # optional: with what it asks for it is 8 MB, so whoever packages Legible decides
    import pikepdf
except ImportError:  # pragma: no cover - the tests install the group
    WRITES_PDF = False
else:
    WRITES_PDF = True

_A4 = (595.0, 842.0)
_LETTER = (0.0, 0.0, 612.0, 792.0)
#: A page of a PDF has at most so many points a side (ISO 32000-1, annex C).
_LONGEST = 14_400.0
#: Resolutions that scanners write; the lower ones are those of screens, and say nothing of paper.
_LEAST_DPI, _MOST_DPI = 100.0, 1200.0
#: Without a resolution the longer side is A4's, if that makes one between these.
_ASSUMED_LEAST, _ASSUMED_MOST = 72.0, 200.0
#: A picture has any sides that a JPEG can have, and any size.
_ANY = Want(min_side=1, max_side=65_000, max_pixels=None, largest=2**31)
#: So many bytes of pictures are held before they are put on the disk.
_HELD = 64_000_000

_Box = tuple[float, float, float, float]


def write(source: Path, format_name: str, target: Path, texts: Path) -> int:
    """Write the searchable PDF of a document.

    Args:
        source: The document.
        format_name: As intake told it: ``pdf``, or an image's.
        target: Where the PDF goes; of many large pictures a file without a name lies beside it meanwhile.
        texts: A ``PageText`` as JSON in each line, in the order of the pages; pages without words may be left out.

    Returns:
        How many pages have a text layer. A page without words has none, nor has one that cannot be loaded.

    Raises:
        RejectedError: The document cannot be opened, its pages cannot be told apart, the copy does not fit on the disk,
            or pikepdf is not installed. What ``target`` holds then is no result.
    """
    if not WRITES_PDF:
        raise RejectedError(
            "Searchable PDFs cannot be written in this installation.",
            code="searchable-not-installed",
            advice="Package Legible with its group searchable.",
        )
    with _told(), _spool(texts) as spool:
        if format_name == "pdf":
            return _write_pdf(source, target, spool)
        pages = probe.look(source, format_name).pages if format_name == "tiff" else 1
        with closing(_Album(target)) as album:
            for number in range(1, pages + 1):
                album.add(source, format_name, number, spool.of(number), alone=pages == 1)
            return album.finish()


@contextmanager
def _told() -> Iterator[None]:
    """Whatever pikepdf raises on hostile bytes, and it raises many things, means that there is no searchable copy."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (RejectedError, MemoryError):
        raise
    except OSError as error:
        raise RejectedError(
            f"The searchable PDF cannot be written ({type(error).__name__}).",
            code="disk-full",
            advice="Split the document, or give the function a larger /tmp.",
        ) from error
    except Exception as error:
        raise _unfit() from error


def _unfit() -> RejectedError:
    return RejectedError(
        "The PDF is written in a way that takes no text layer.",
        code="document-broken",
        advice="Print it to a new PDF and upload that.",
    )


class _Spool:
    """The texts of pages, read one by one."""

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self._next = self._read()

    def of(self, page: int) -> PageText | None:
        """Return what a page has; pages are asked for in order."""
        while self._next is not None and self._next.page < page:
            self._next = self._read()
        found = self._next
        return found if found is not None and found.page == page and found.words else None

    def _read(self) -> PageText | None:
        line = self._lines.readline()
        return msgspec.json.decode(line, type=PageText) if line.strip() else None


@contextmanager
def _spool(texts: Path) -> Iterator[_Spool]:
    with texts.open("rb") as lines:
        yield _Spool(lines)


def _write_pdf(source: Path, target: Path, spool: _Spool) -> int:
    # Frames are those of pdfium, which drew the pages: what both readers see of a page must be the same
    with probe.pdf(source) as drawn, source.open("rb") as file, _opened(file) as document:
        if len(drawn) != len(document.pages):
            raise _unfit()
        overlay = _Overlay(document)
        for index, page in enumerate(document.pages):
            text = spool.of(index + 1)
            if text is not None:
                overlay.add(page, drawn, text)
        found = overlay.finish()
        with target.open("wb") as made:
            _save(document, made)
        return found


def _opened(file: BinaryIO) -> pikepdf.Pdf:
    """Open a PDF; it is read piece by piece, and what pages inherit is put on each of them."""
    return pikepdf.open(file, access_mode=pikepdf.AccessMode.stream)


def _save(document: pikepdf.Pdf, file: BinaryIO) -> None:
    """Write a PDF, without encryption; each stream as it is packed."""
    as_packed = pikepdf.StreamDecodeLevel.none
    document.save(file, compress_streams=False, stream_decode_level=as_packed, fix_metadata_version=False)
    # qpdf leaves out what there was no memory to copy, and goes on
    if any(word in said for said in document.get_warnings() for word in ("bad_alloc", "MemoryError")):
        raise MemoryError


class _Overlay:
    """The text layer of a PDF: a font, and a stream before the others of each page.

    Before them, because there the page's own state is not yet changed by anything; and unseen text hides nothing.
    """

    def __init__(self, document: pikepdf.Pdf) -> None:
        self._document = document
        self._glyphs = Glyphs()
        self._font = document.make_indirect(pikepdf.Dictionary())
        self._layers = 0
        #: Of resources that several pages share, those with the font, and its name there.
        self._shared: dict[tuple[int, int], tuple[pikepdf.Object, pikepdf.Name]] = {}

    def add(self, page: pikepdf.Page, drawn: pypdfium2.PdfDocument, text: PageText) -> None:
        """Put a page's words on it; it stays as it is where that cannot be, whatever the libraries say of it."""
        try:
            self._add(page, drawn.get_page_size(text.page - 1), text)
        except MemoryError:
            raise
        except Exception:
            return
        self._layers += 1

    def finish(self) -> int:
        """Make the font; return how many pages have words."""
        if self._layers:
            self._glyphs.write(self._document, self._font)
        return self._layers

    def _add(self, page: pikepdf.Page, size: tuple[float, float], text: PageText) -> None:
        place = _place(page.obj, size)
        resources, name = self._with_font(page.obj.get("/Resources"))
        body = lettering(text.words, text.frame, place, str(name).encode(), self._glyphs)
        page.contents_add(packed(self._document, body), prepend=True)
        page.obj.Resources = resources

    def _with_font(self, found: pikepdf.Object | None) -> tuple[pikepdf.Object, pikepdf.Name]:
        """Return a copy of resources with the font, and its name in them: others may use the same ones."""
        if found is not None and found.objgen in self._shared:
            return self._shared[found.objgen]
        resources = _copied(found)
        fonts = _copied(resources.get("/Font"))
        name = next(name for name in (pikepdf.Name(f"/Legible{turn}") for turn in count()) if name not in fonts)
        fonts[name] = self._font
        resources.Font = fonts
        made = self._document.make_indirect(resources), name
        if found is not None and found.is_indirect:
            self._shared[found.objgen] = made
        return made


def _copied(found: pikepdf.Object | None) -> pikepdf.Dictionary:
    """Return a copy of a dictionary; what stands in it is the same."""
    if found is None:
        return pikepdf.Dictionary()
    if not isinstance(found, pikepdf.Dictionary):
        raise TypeError("Resources are of another kind.")
    return copy.copy(found)


def _place(page: pikepdf.Object, size: tuple[float, float]) -> PageAxes:
    """Return where a page is; what another reader sees of it must have the same sides."""
    media = _box(page.get("/MediaBox")) or _LETTER
    crop = _box(page.get("/CropBox")) or media
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    wide, high = right - left, top - bottom
    turn = int(page.get("/Rotate", 0)) // 90 % 4
    sides = (high, wide) if turn % 2 else (wide, high)
    if not all(one > 0 and abs(one - other) <= 1 for one, other in zip(sides, size, strict=True)):
        raise ValueError("Another reader sees another page.")
    return (
        PageAxes((left, top), (wide, 0), (0, -high)),
        PageAxes((left, bottom), (0, high), (wide, 0)),
        PageAxes((right, bottom), (-wide, 0), (0, high)),
        PageAxes((right, top), (0, -high), (-wide, 0)),
    )[turn]


def _box(found: pikepdf.Object | None) -> _Box | None:
    """Return left, bottom, right and top; None where there is no box, or an empty one."""
    if found is None:
        return None
    x, y, other_x, other_y = (float(value) for value in list(found)[:4])
    box = (min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y))
    return box if box[0] < box[2] and box[1] < box[3] else None


class _Album:
    """A new PDF, a picture a page."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._document = pikepdf.new()
        self._font: pikepdf.Object = self._document.make_indirect(pikepdf.Dictionary())
        self._glyphs = Glyphs()
        self._held = self._layers = 0
        self._kept = probe.OpenDocument()

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
        if self._held > _HELD:
            self._put_down()

    def finish(self) -> int:
        """Write all of it; return how many pages have words."""
        self._glyphs.write(self._document, self._font)
        with self._target.open("wb") as file:
            _save(self._document, file)
        return self._layers

    def close(self) -> None:
        """Let go of what is held."""
        self._document.close()

    def _put_down(self) -> None:
        """Put what there is so far on the disk; from there it is read when it is needed."""
        file = tempfile.TemporaryFile(dir=self._target.parent)  # noqa: SIM115 - the PDF below holds it
        _save(self._document, file)
        self._document.close()
        self._document, self._held = _opened(file), 0
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
        made = render.render(source, format_name, page, _ANY, self._kept)
        with Image.open(io.BytesIO(made.body)) as image:
            if made.media_type == "image/jpeg":
                return size, self._stream(image, made.body, pikepdf.Name.DCTDecode)
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
    """Tell whether a PDF shows the very bytes as they are meant: an upright JPEG, gray or of plain colors."""
    return image.format == "JPEG" and image.mode in {"L", "RGB"} and probe.orientation_of(image) == 1


def _paper(image: Image.Image) -> tuple[float, float]:
    """Return the sides of the paper in points, upright."""
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
