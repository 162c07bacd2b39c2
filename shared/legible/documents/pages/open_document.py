"""Opens PDFs and images, page by page; any error of the libraries means that the document is broken."""

from __future__ import annotations

import io
import mmap
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from PIL import Image

from legible.documents.pages import masks, mending, structure, tiff
from legible.documents.pages.pdf_page import Canvas
from legible.documents.pages.pdfium import pypdfium2
from legible.errors import RejectedError

#: Optional: its libraries are under the LGPL, so whoever packages Legible decides (CONTRIBUTING, licenses).
READS_HEIC = find_spec("pi_heif") is not None
#: Optional too, for the size of the package: opens PDFs that PDFium does not.
HAS_QPDF = find_spec("pikepdf") is not None
#: The code of the reason of an image that is whole, but of a kind that the library does not know.
KIND_NOT_READ = "kind-not-read"
#: Formats whose frames are something else than pictures one after another, by Pillow's names.
_ONE_PICTURE = frozenset({"MPO", "PSD"})
#: What a PDF's trailer says of its encryption (ISO 32000-1, 7.5.5): a dictionary, or where one is.
_ENCRYPTED = re.compile(rb"/Encrypt\s*(<<|\d+\s+\d+\s+R)")


def frames(image: Image.Image) -> list[int]:
    """Return which frames of an image that is no TIFF are pages.

    Layers of a PSD are no frames, nor is what a camera puts behind its photo (MPO).
    """
    return [0] if image.format in _ONE_PICTURE else list(range(int(getattr(image, "n_frames", 1))))


def page_places(path: Path) -> list[int]:
    """Return where the pages of an image file are: the places of a TIFF's directories, else the numbers of its frames.

    Raises:
        RejectedError: It cannot be read.
    """
    with path.open("rb") as file:
        if tiff.is_tiff(file.read(4)):
            try:
                return tiff.pages(file)
            except ValueError:
                raise broken("The image cannot be read: it is cut or broken.") from None
        file.seek(0)
        with opened(file) as image:
            return frames(image)


class OpenDocument:
    """Remembers the document that was opened last, because pages are asked for one by one.

    Each opening of a PDF reads fonts and pictures anew; to find the pages of a TIFF, all of it is walked through.
    """

    def __init__(self, find: Callable[[Path], list[int]] = page_places) -> None:
        """Remember none yet; ``find`` returns where the pages of an image file are, as ``page_places`` does."""
        self._path: Path | None = None
        self._document: pypdfium2.PdfDocument | None = None
        self._find = find
        self._frames: tuple[Path, list[int]] | None = None
        self._masks: tuple[Path, bool] | None = None
        self.canvas = Canvas()

    @contextmanager
    def image(self, path: Path, page: int) -> Iterator[Image.Image]:
        """Open an image at a page, counted from 1. Raises as ``opened`` does."""
        if self._frames is None or self._frames[0] != path:
            self._frames = path, self._find(path)
        places = self._frames[1]
        if page > len(places):
            raise broken("There is no such page.")
        with tiff.AtDirectory(path, places[page - 1]) as file, opened(file, still=True) as image:
            yield image

    def pdf(self, path: Path) -> pypdfium2.PdfDocument:
        """Return the opened PDF, its forms too. Raises as ``pdf`` does."""
        if self._document is None or self._path != path:
            self.close()
            self._document, self._path = _opened_pdf(path), path
            self._document.init_forms()  # else what was filled into a form is not drawn
        return self._document

    def has_finer_masks(self, path: Path) -> bool:
        """Tell whether an image of a PDF has a mask that is finer than it is."""
        if self._masks is None or self._masks[0] != path:
            self._masks = path, masks.any_is_finer(path)
        return self._masks[1]

    def close(self) -> None:
        """Close the PDF, if one is open."""
        if self._document is not None:
            self._document.close()
        self._document = self._path = self._masks = None


@contextmanager
def pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """Open a PDF; it is read piece by piece, never whole."""
    document = _opened_pdf(path)
    try:
        yield document
    finally:
        document.close()


def _opened_pdf(path: Path, has_qpdf: bool = HAS_QPDF) -> pypdfium2.PdfDocument:
    from legible.documents.pages import fallback_font  # it is made of PDFium's own

    fallback_font.offer()
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        encrypted = _says_encrypted(path)
        unlocked = _unlocked(path) if encrypted and has_qpdf else None
        if unlocked is not None:
            return unlocked
        raise _refused(str(error).lower(), encrypted) from None


def was_locked(document: pypdfium2.PdfDocument) -> bool:
    """Tell whether a PDF was opened without the encryption that it came with."""
    return bool(getattr(document, "was_locked", False))


def _unlocked(path: Path) -> pypdfium2.PdfDocument | None:
    """Return a PDF without its encryption, where that needs no password all the same; None where it does.

    Of two passwords the owner's may be empty: PDFium does not try that one (``CPDF_SecurityHandler::CheckSecurity``),
    qpdf does. It is there where the group ``searchable`` is installed.
    """
    import pikepdf  # it takes as long to load as a page to be drawn

    target = io.BytesIO()
    try:
        with pikepdf.open(path) as locked:
            locked.save(target)
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return None
    try:
        document = pypdfium2.PdfDocument(target.getvalue())
        document.was_locked = True
        return document
    except pypdfium2.PdfiumError:
        raise broken("The PDF is broken.") from None


def _refused(message: str, encrypted: bool) -> RejectedError:
    """Return why a PDF is not opened, by PDFium's message and by whether the file says that it is encrypted.

    Of one without pages PDFium says something else: its last error, whatever that was.
    """
    if not encrypted:
        return broken("The PDF is broken.")
    what, advice = "is encrypted, and cannot be opened", "Save it without encryption and upload that."
    if "password" in message:
        what, advice = "is locked with a password", "Save it without a password and upload that."
    if "security" in message:  # it is encrypted for certain recipients, or in a way that PDFium does not know
        what = "is encrypted for those who hold a certificate"
    return RejectedError(f"The PDF {what}.", code="encrypted", advice=advice)


def _says_encrypted(path: Path) -> bool:
    """Tell whether a PDF says that it is encrypted."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        return _ENCRYPTED.search(body) is not None


@contextmanager
def opened(file: IO[bytes], *, still: bool = False) -> Iterator[Image.Image]:
    """Open an image; any error that Pillow raises, and there are many, means that it is broken or not known to it.

    With ``still``, an animated PNG is the picture that readers show which know no animation.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _read_heic(file)
            with _image(file, still) as image:
                mending.mend(image)
                yield image
    except (RejectedError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise RejectedError(
            "The image has more than 178 million pixels.",
            code="too-many-pixels",
            advice="Scan at 150 to 200 dpi, or scale it down.",
        ) from None
    except Exception as error:
        raise _unread(file) from error


def _image(file: IO[bytes], still: bool) -> Image.Image:
    try:
        image = Image.open(file)
        if not (still and image.format == "PNG"):
            return image
        return Image.open(mending.without_what_breaks(file) or file)
    except Exception:
        mended = mending.without_what_breaks(file)
        if mended is None:
            raise
        image = Image.open(mended)
        image.info[mending.MENDED] = True
        return image


def _unread(file: IO[bytes]) -> RejectedError:
    """Return why an image cannot be read: it is cut or broken, or whole and of a kind that is not read here."""
    if structure.whole(file) is None:
        return broken("The image cannot be read: it is cut or broken.")
    return RejectedError(
        "This kind of image is not read here, though its file is whole.",
        code=KIND_NOT_READ,
        advice="Save it as PNG or JPEG and upload that.",
    )


def _read_heic(file: IO[bytes]) -> None:
    """Let Pillow read HEIC, only where the file may be one: loading it takes as long as drawing half a page."""
    first = file.read(12)
    file.seek(0)
    if first[4:8] == b"ftyp" and READS_HEIC:
        _register_heic()


@cache
def _register_heic() -> None:
    from pi_heif import register_heif_opener

    register_heif_opener()


def broken(message: str) -> RejectedError:
    """Return the error for a document that cannot be opened."""
    return RejectedError(message, code="document-broken", advice="Scan or save it again and upload that.")
