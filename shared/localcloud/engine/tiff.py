"""What Pillow does not tell of a TIFF file's colors, and files that it decodes to other colors than they have."""

from __future__ import annotations

import PIL.Image
from PIL import ImagePalette
from PIL.TiffImagePlugin import COLORMAP, PLANAR_CONFIGURATION, TiffImageFile

#: BitsPerSample and PhotometricInterpretation, and one of its values (TIFF 6.0).
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
#: Each channel lies in a plane of its own.
_PLANES = 2
#: A color map has 16 bits a color; the largest value of one that was written with 8 bits.
_BYTE = 255


def mend(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Have an opened image decode to the colors it has; to be called before its pixels are loaded."""
    if isinstance(picture, TiffImageFile):
        _mend_planes(picture)
        _mend_palette(picture)
    return picture


def values_of(picture: PIL.Image.Image) -> tuple[int, bool]:
    """Return how many bits a value of an image has, 16 if that is not known, and whether 0 is white."""
    if not isinstance(picture, TiffImageFile):
        return 16, False
    return picture.tag_v2.get(_BITS, (16,))[0], picture.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _mend_palette(picture: TiffImageFile) -> None:
    """Take a color map without a value above 255 for one of 8 bits, as libtiff does: some scanners write such."""
    colors = picture.tag_v2.get(COLORMAP, ())
    if picture.mode == "P" and colors and max(colors) <= _BYTE:
        picture.palette = ImagePalette.raw("RGB;L", bytes(colors))


def _mend_planes(picture: TiffImageFile) -> None:
    """Have planes of 16 bits read as such where they are not compressed: Pillow 13 takes them for planes of 8."""
    bits = set(picture.tag_v2.get(_BITS, ()))
    if picture.tag_v2.get(PLANAR_CONFIGURATION) != _PLANES or bits != {16}:
        return
    order = "16B" if picture.tag_v2.prefix == b"MM" else "16L"
    picture.tile = [
        tile._replace(args=(f"{tile.args[0]};{order}", *tile.args[1:]))
        if tile.codec_name == "raw" and isinstance(tile.args, tuple) and len(str(tile.args[0])) == 1
        else tile
        for tile in picture.tile
    ]
