"""The bytes of a document become the pixels of one page."""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps

from legible.documents.pages.mending import mend
from localcloud.engine.drawing import draw
from localcloud.engine.errors import EngineError
from localcloud.engine.flattening import flat
from localcloud.engine.models import Image
from localcloud.engine.tiff import values_of

#: The largest image any operation takes (general text); more would also exhaust a laptop.
MAX_PIXELS = 160_000_000


def decode(data: bytes) -> Image:
    """Decode an image file: EXIF orientation applied, transparency over paper, channels blue, green, red."""
    try:
        with warnings.catch_warnings():
            # The size is judged below, by the service's own bound.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(io.BytesIO(data))
    except PIL.Image.DecompressionBombError as error:
        raise _too_large() from error
    except (PIL.UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return _by_another_reader(data, error)
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large()
    try:
        mend(picture)
        bits, white_is_zero = values_of(picture)
        return _pixels(flat(PIL.ImageOps.exif_transpose(picture), bits, white_is_zero))
    # Decoders of damaged files raise nearly anything; whatever it is, the image cannot be read.
    except Exception as error:
        raise EngineError("AIS.0104", "the image is damaged or cut short") from error


def _by_another_reader(data: bytes, error: Exception) -> Image:
    """Decode an image that Pillow does not know, such as a BMP of bit fields, by OpenCV."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if pixels is None:
        raise EngineError("AIS.0102", "the image format is not supported, or this is not an image") from error
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        raise _too_large()
    return np.ascontiguousarray(pixels)


def decode_page(data: bytes, page_number: int) -> Image:
    """Decode an image, or draw one page of a PDF; ``page_number`` counts from 1."""
    return _pixels(draw(data, page_number)) if data.startswith(b"%PDF") else decode(data)


def _too_large() -> EngineError:
    return EngineError("AIS.0103", f"the image has more than {MAX_PIXELS:,} pixels")


def _pixels(picture: PIL.Image.Image) -> Image:
    return np.ascontiguousarray(np.asarray(picture, np.uint8)[:, :, ::-1])
