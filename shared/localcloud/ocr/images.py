"""Checks files: the format by first bytes, the sides without decoding the pixels."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from legible.operations.operation import Limits
from localcloud.ocr.errors import OcrError

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"GIF8", "gif"),
    (b"8BPS", "psd"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "ofd"),
    (b"\x0a\x00\x01", "pcx"),
    (b"\x0a\x02\x01", "pcx"),
    (b"\x0a\x03\x01", "pcx"),
    (b"\x0a\x05\x01", "pcx"),
)


def format_of(content: bytes) -> str | None:
    """Return the format as the catalog spells it, or None."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return next((name for magic, name in _MAGIC if content.startswith(magic)), None)


def check(content: bytes, limits: Limits) -> None:
    """Refuse what the operation does not take: AIS.0102 for the format, AIS.0103 for the sides."""
    name = format_of(content)
    if name is None or name not in limits.formats:
        raise OcrError("AIS.0102")
    if name not in ("pdf", "ofd"):
        _check_sides(content, limits)


def _check_sides(content: bytes, limits: Limits) -> None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        raise OcrError("AIS.0103") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise OcrError("AIS.0102") from None
    if min(width, height) < limits.min_side or max(width, height) > limits.max_side:
        raise OcrError("AIS.0103")
    if limits.max_pixels is not None and width * height > limits.max_pixels:
        raise OcrError("AIS.0103")
