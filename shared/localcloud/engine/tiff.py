"""What Pillow does not tell of a TIFF file's colors."""

from __future__ import annotations

import PIL.Image
from PIL.TiffImagePlugin import TiffImageFile

#: BitsPerSample and PhotometricInterpretation, and one of its values (TIFF 6.0).
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0


def values_of(picture: PIL.Image.Image) -> tuple[int, bool]:
    """Return how many bits a value of an image has, 16 if that is not known, and whether 0 is white."""
    if not isinstance(picture, TiffImageFile):
        return 16, False
    return picture.tag_v2.get(_BITS, (16,))[0], picture.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
