"""Gray or color of 8 bits without transparency, made of any kind of pixels, so that what is to be seen is seen."""

from __future__ import annotations

from math import ceil, sqrt
from typing import cast

from PIL import Image, ImageChops, ImageFilter
from PIL.TiffImagePlugin import TiffImageFile

from legible.documents.pages import probe

#: TIFF's BitsPerSample and PhotometricInterpretation, and one of its values (TIFF 6.0).
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
#: Which number may be white where more than 16 bits are written.
_WHITES = (1.0, 255.0, 65_535.0)
#: Modes of Pillow whose colors are multiplied by how opaque they are, and those that they are made first.
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
#: The grounds that a transparent image may be laid on, the one that documents have first; and the color of each.
_GROUNDS = {"white": 255, "black": 0, "gray": 128}
#: A pixel is seen if it is so opaque, and lost on a ground that it differs from by less; of 255.
_SEEN, _LOST = 64, 56
#: So large a share of what lies next to transparent pixels may be lost: the smooth edges of letters are.
_MOST_LOST = 0.1
#: So many pixels are looked at to choose the ground.
_LOOKED_AT = 4_000_000


def flat(image: Image.Image) -> tuple[Image.Image, str]:
    """Make an image one of mode ``L`` or ``RGB``.

    Returns:
        The image, and what it was laid on where parts of it are transparent; else nothing.
    """
    if image.mode[0] in "IF":
        return _eight_bits(image)
    if probe.transparent(image):
        return _laid(_with_alpha(image))
    image.load()
    if image.mode == "1":
        return image.convert("L"), ""
    return (image if image.mode in {"L", "RGB"} else image.convert("RGB")), ""


def _with_alpha(image: Image.Image) -> Image.Image:
    image.load()
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 0xFF:  # of 16 bits, which Pillow has cut to 8
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _laid(layer: Image.Image) -> tuple[Image.Image, str]:
    """Lay an image on the ground that what is seen of it stands out from: white ink is not seen on white paper."""
    ground = _ground(layer)
    paper = Image.new("RGB", layer.size, ground)
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper, ground


def _ground(layer: Image.Image) -> str:
    """Return the first ground on which hardly anything is lost of what borders on transparent pixels."""
    step = ceil(sqrt(layer.width * layer.height / _LOOKED_AT))
    if step > 1:
        layer = layer.resize((max(1, layer.width // step), max(1, layer.height // step)), Image.Resampling.NEAREST)
    seen = layer.getchannel("A").point(lambda alpha: 255 if alpha >= _SEEN else 0)
    edge = ImageChops.subtract(seen, seen.filter(ImageFilter.MinFilter(3)))
    counts = layer.convert("RGB").convert("L").histogram(mask=edge)
    total = max(1, sum(counts))
    lost = {name: sum(counts[max(0, color - _LOST) : color + _LOST]) / total for name, color in _GROUNDS.items()}
    return next((name for name, share in lost.items() if share <= _MOST_LOST), min(lost, key=lost.__getitem__))


def _eight_bits(image: Image.Image) -> tuple[Image.Image, str]:
    """Scale 16 bits and more down to 8: Pillow's own conversion cuts everything above 255 to white."""
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    bits = tags.get(_BITS, (16,))[0]  # a TIFF may have 12
    wide = image if image.mode in {"I", "F"} else image.convert("I")
    least, most = 0.0, float((1 << bits) - 1)
    if bits > 16:  # what is white is said nowhere: measured values, of a kind that the largest one tells
        smallest, largest = cast("tuple[float, float]", wide.getextrema())
        least, most = min(smallest, 0.0), next((white for white in _WHITES if largest <= white), largest)
    share, black = 255 / (most - least), 0.0
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow minds it in 8 bits only
        share, black = -share, 255.0
    gray = wide.point(lambda value: value * share + (black - least * share)).convert("L")
    key = image.info.get("transparency")
    if not isinstance(key, int) or isinstance(image, TiffImageFile):
        return gray, ""
    layer = gray.convert("LA")
    layer.putalpha(_differs(wide, key))
    return _laid(layer.convert("RGBA"))


def _differs(wide: Image.Image, value: int) -> Image.Image:
    """Return a mask of the pixels of a wide image that have another value."""
    # Below the value nothing, from it on all: two such steps leave out the value alone. 255 is what `L` holds at most.
    above = wide.point(lambda pixel: pixel * 255 - value * 255).convert("L")
    below = wide.point(lambda pixel: pixel * -255 + value * 255).convert("L")
    return ImageChops.add(above, below)
