"""Pixels of any kind become red, green and blue of 8 bits; what is transparent lies on a ground that loses nothing."""

from __future__ import annotations

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

#: Which number may be white where more than 16 bits are written.
_WHITES = (1.0, 255.0, 65_535.0)
#: A pixel is seen with at least this opacity, and is too light for white paper from this gray on.
_SEEN, _LIGHT = 128, 200
#: The ground where ink is dark, light, and both.
_WHITE, _BLACK, _GRAY = 255, 24, 128
#: Less than this share of the ink is a smudge or the edge of a letter.
_SOME = 0.1


def flat(picture: PIL.Image.Image, bits: int = 16, white_is_zero: bool = False) -> PIL.Image.Image:
    """Return an image as red, green and blue of 8 bits.

    Args:
        picture: The image, in any mode.
        bits: How many bits its values have where they are not of 8: 12 or 16, or more if what is white is said nowhere.
        white_is_zero: Whether 0 is white in such values; in those of 8 bits Pillow minds it.
    """
    if picture.mode[0] in "IF":
        picture = _eight_bits(picture, bits, white_is_zero)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    # Pillow has no way from premultiplied gray to color.
    layer = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
    ground = PIL.Image.new("RGBA", layer.size, (ground_for(layer),) * 3)
    return PIL.Image.alpha_composite(ground, layer).convert("RGB")


def _eight_bits(picture: PIL.Image.Image, bits: int, white_is_zero: bool) -> PIL.Image.Image:
    """Scale 16 bits and more down to 8: Pillow's own conversion cuts everything above 255 to white."""
    values = np.asarray(picture)
    least, most = 0.0, float((1 << bits) - 1)
    if bits > 16:
        smallest, largest = float(values.min()), float(values.max())
        least, most = min(0.0, smallest), next((white for white in _WHITES if largest <= white), largest)
    share = 255 / (most - least)
    gray = np.clip((values - np.float32(least)) * np.float32(share), 0, 255).astype(np.uint8)
    if white_is_zero:
        gray = 255 - gray
    clear = picture.info.get("transparency")
    if not isinstance(clear, int):
        return PIL.Image.fromarray(gray)
    opacity = np.where(values == clear, 0, 255).astype(np.uint8)
    return PIL.Image.fromarray(np.dstack([gray, opacity]), "LA")


def ground_for(layer: PIL.Image.Image) -> int:
    """Return the gray of the paper to lay transparent pixels on, 0 to 255, for an image in RGBA.

    White, unless what stands against transparency is so light that it would vanish there.
    """
    seen = np.asarray(layer.getchannel("A")) >= _SEEN
    edge = seen & ~_shrunk(seen)
    if not edge.any():
        return _WHITE
    light = float((np.asarray(layer.convert("RGB").convert("L"))[edge] >= _LIGHT).mean())
    if light < _SOME:
        return _WHITE
    return _BLACK if light > 1 - _SOME else _GRAY


def _shrunk(seen: Mask) -> Mask:
    """Return the pixels that have no unseen one beside them; beyond the image nothing is unseen."""
    return np.asarray(cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)), np.uint8) > 0
