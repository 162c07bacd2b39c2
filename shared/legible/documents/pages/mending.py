"""What Pillow does not read, or reads wrongly, of images that other readers show as they are; and how it is mended."""

from __future__ import annotations

import io
import struct
from typing import IO, Any

from PIL import Image, ImagePalette
from PIL.PsdImagePlugin import PsdImageFile
from PIL.TiffImagePlugin import TiffImageFile

from legible.documents.pages import tiff

#: TIFF tags (TIFF 6.0): the palette, bits of a sample, and whether the samples lie in planes.
_COLOR_MAP, _BITS, _PLANES, _IN_PLANES = 320, 258, 284, 2
#: Chunks that make an animation of a PNG; without them it shows its first picture, as every other reader does.
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_PNG = b"\x89PNG\r\n\x1a\n"
_BIG_MOTOROLA = b"MM\0+"
_PCX_4, _PCX_3 = b"\x0a\x04", b"\x0a\x03"
#: A JFIF segment has at least so many bytes behind its marker (ITU-T T.871, 10.1).
_JFIF_BYTES = 16
_APP0, _SCAN = 0xE0, 0xDA
#: Stands among what Pillow tells of an image that was opened without what breaks it.
MENDED = "legible.mended"
#: Where a PSD says how many channels it has (Adobe's file format specification).
_PSD_CHANNELS = 12


def needs_mending(image: Image.Image) -> bool:
    """Tell whether readers may take this image for another one than it is; see ``mend``, ``without_what_breaks``."""
    if MENDED in image.info:
        return True
    if isinstance(image, PsdImageFile):
        return _hidden_channels(image) > 0
    return isinstance(image, TiffImageFile) and (_has_small_palette(image) or _has_wide_planes(image))


def mend(image: Image.Image) -> None:
    """Have an opened image decoded as what it is.

    The palette of a TIFF has numbers up to 65,535; some scanners write 0 to 255, and Pillow sees black. libtiff takes
    a palette without a number above 255 for one of 8 bits (``checkcmap`` in its tools), and so is it done here. And of
    16 bits in planes, as they are, Pillow reads one byte for two (13.0.0). Of a PSD with more channels than its colors
    have it takes the table of lines for shorter than it is.
    """
    if isinstance(image, PsdImageFile) and (hidden := _hidden_channels(image)):
        shift = hidden * image.height * 2
        image.tile = [tile._replace(offset=tile.offset + shift) for tile in image.tile]
    if not isinstance(image, TiffImageFile):
        return
    if _has_small_palette(image):
        body = bytes(image.tag_v2[_COLOR_MAP])
        image.palette = ImagePalette.raw("RGB;L", body)
    if _has_wide_planes(image):
        order = "B" if image.tag_v2.prefix == b"MM" else "L"
        image.tile = [tile._replace(args=(f"{_band(tile)};16{order}", 0, 1)) for tile in image.tile]


def _hidden_channels(image: PsdImageFile) -> int:
    """Return how many channels of a packed PSD are no colors; of one that is not packed they come last."""
    if image.fp is None or not image.tile or image.tile[0].codec_name != "packbits":
        return 0
    place = image.fp.tell()
    image.fp.seek(_PSD_CHANNELS)
    (channels,) = struct.unpack(">H", image.fp.read(2))
    image.fp.seek(place)
    return max(0, int(channels) - len(image.tile))


def _has_small_palette(image: TiffImageFile) -> bool:
    return image.mode == "P" and max(image.tag_v2.get(_COLOR_MAP, (0xFFFF,))) <= 0xFF


def _has_wide_planes(image: TiffImageFile) -> bool:
    tags = image.tag_v2
    wide = tags.get(_PLANES) == _IN_PLANES and set(tags.get(_BITS, ())) == {16}
    return wide and bool(image.tile) and all(len(_band(tile)) == 1 for tile in image.tile)


def _band(tile: Any) -> str:
    """Return which samples a tile holds, where it is not packed; empty where it is."""
    return str(tile.args[0]) if tile.codec_name == "raw" else ""


def without_what_breaks(file: IO[bytes]) -> IO[bytes] | None:
    """Return an image without what Pillow gives up at and nobody needs to show it; None if it has none.

    Such are the chunks of an animation in a PNG, a JFIF segment that is too short to be one, and the number of a PCX's
    version where it is 4: like 3 it is one without a palette, but Pillow knows 0, 2, 3 and 5. Of a BigTIFF it knows
    the order of Intel only (13.0.0); one in Motorola's becomes one of 32 bits.
    """
    file.seek(0)
    first = file.read(8)
    file.seek(0)
    try:
        if first == _PNG:
            return _still(file)
        if first[:2] == b"\xff\xd8":
            return _without_short_jfif(file)
        if first[:4] == _BIG_MOTOROLA:
            return tiff.narrowed(file)
        if first[:2] == _PCX_4:
            return io.BytesIO(_PCX_3 + file.read()[2:])
    except struct.error:
        return None
    return None


def _still(file: IO[bytes]) -> IO[bytes] | None:
    kept, place, found = [(0, 8)], 8, False
    file.seek(place)
    while head := file.read(8):
        length, kind = struct.unpack(">I4s", head)
        found = found or kind in _ANIMATION
        if kind not in _ANIMATION:
            kept.append((place, length + 12))
        place += length + 12
        file.seek(place)
    if not found:
        return None
    target = io.BytesIO()
    for place, length in kept:
        file.seek(place)
        target.write(file.read(length))
    target.seek(0)
    return target


def _without_short_jfif(file: IO[bytes]) -> IO[bytes] | None:
    target, found = io.BytesIO(), False
    target.write(file.read(2))
    while True:
        head = file.read(4)
        marker, length = struct.unpack(">HH", head)
        if marker & 0xFF == _SCAN or marker < 0xFF00:
            target.write(head)
            break
        body = file.read(max(0, length - 2))
        if marker & 0xFF == _APP0 and length < _JFIF_BYTES:
            found = True
        else:
            target.write(head + body)
    target.write(file.read())
    target.seek(0)
    return target if found else None
