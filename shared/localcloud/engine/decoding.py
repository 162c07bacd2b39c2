"""The bytes of a document become the pixels of one page."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np
import PIL.Image
import PIL.ImageOps
import pypdfium2

from localcloud.engine.errors import EngineError, refused_option
from localcloud.engine.models import Image

#: The largest image any operation takes (general text); more would also exhaust a laptop.
MAX_PIXELS = 160_000_000
#: The service says that it renders PDF pages at 144 dpi (smart document recognizer).
PDF_DPI = 144
#: The longest side of a larger page's drawing; at 144 dpi the largest page a PDF can have would take gigabytes.
MAX_PAGE_PIXELS = 40_000_000


def decode(data: bytes) -> Image:
    """Decode an image file: EXIF orientation applied, transparency over white, channels blue, green, red."""
    try:
        with warnings.catch_warnings():
            # The size is judged below, by the service's own bound.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(io.BytesIO(data))
    except PIL.Image.DecompressionBombError as error:
        raise _too_large() from error
    except (PIL.UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise EngineError("AIS.0102", "the image format is not supported, or this is not an image") from error
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large()
    try:
        return _pixels(_opaque(_eight_bit(PIL.ImageOps.exif_transpose(picture))))
    # Decoders of damaged files raise nearly anything; whatever it is, the image cannot be read.
    except Exception as error:
        raise EngineError("AIS.0104", "the image is damaged or cut short") from error


def decode_page(data: bytes, page_number: int) -> Image:
    """Decode an image, or render one page of a PDF; ``page_number`` counts from 1."""
    if not data.startswith(b"%PDF"):
        return decode(data)
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise EngineError("AIS.0102", "the PDF is damaged or protected") from error
    try:
        if not 1 <= page_number <= len(pdf):
            raise refused_option("pdf_page_number", f"the PDF has {len(pdf)} page(s), page {page_number} was asked for")
        page = pdf[page_number - 1]
        return _pixels(page.render(scale=_scale_of(*page.get_size())).to_pil().convert("RGB"))
    finally:
        pdf.close()


def _scale_of(width: float, height: float) -> float:
    """Return how many pixels a point is drawn with."""
    most = math.sqrt(MAX_PAGE_PIXELS / max(1.0, width * height))
    return min(PDF_DPI / 72, most)


def _too_large() -> EngineError:
    return EngineError("AIS.0103", f"the image has more than {MAX_PIXELS:,} pixels")


def _eight_bit(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Scale 16-bit gray images down: Pillow's own conversion clips them to white."""
    if not picture.mode.startswith("I;16"):
        return picture
    return PIL.Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))


def _opaque(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Put transparent images, palette images among them, over white paper."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    paper = PIL.Image.new("RGBA", layer.size, "white")
    return PIL.Image.alpha_composite(paper, layer).convert("RGB")


def _pixels(picture: PIL.Image.Image) -> Image:
    return np.ascontiguousarray(np.asarray(picture, np.uint8)[:, :, ::-1])
