"""What an image shows is what is read: colors as they are written, and ink that no ground swallows."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from localcloud.engine.decoding import decode
from tests.localcloud.engine.samples import encoded, png, sheet

#: Two gray values that are told apart at sight.
APART = 90


def tiff(order: str, tags: dict[int, tuple[int, tuple[int, ...]]], strips: list[bytes]) -> bytes:
    """A TIFF of uncompressed strips; tags are given as type (3 short, 4 long) and values."""
    tags = tags | {273: (4, (0,) * len(strips)), 279: (4, tuple(len(strip) for strip in strips))}
    values = io.BytesIO()
    place = 8 + 2 + 12 * len(tags) + 4
    offsets, start = [], place + sum(len(numbers) * (2 if kind == 3 else 4) + 4 for kind, numbers in tags.values())
    for strip in strips:
        offsets.append(start)
        start += len(strip)
    tags[273] = (4, tuple(offsets))
    entries = b""
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'L'}", *numbers)
        entries += struct.pack(f"{order}HHL", tag, kind, len(numbers))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}L", place + values.tell())
            values.write(packed)
    head = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HLH", 42, 8, len(tags))
    body = head + entries + bytes(4) + values.getvalue()
    return body.ljust(offsets[0], b"\0") + b"".join(strips)


def sided(width: int, height: int) -> dict[int, tuple[int, tuple[int, ...]]]:
    return {256: (3, (width,)), 257: (3, (height,)), 259: (3, (1,)), 278: (3, (height,))}


@pytest.mark.parametrize("order", [">", "<"])
def test_planes_of_16_bits_have_their_own_colors(order: str) -> None:
    color = np.random.default_rng(5).integers(0, 1 << 16, (6, 9, 3)).astype(f"{order}u2")
    tags = sided(9, 6) | {258: (3, (16, 16, 16)), 262: (3, (2,)), 277: (3, (3,)), 284: (3, (2,))}

    decoded = decode(tiff(order, tags, [color[:, :, plane].tobytes() for plane in range(3)]))

    assert np.array_equal(decoded[:, :, ::-1], color >> 8)


@pytest.mark.parametrize("times", [1, 257], ids=["8 bits", "16 bits"])
def test_a_color_map_of_8_bits_is_not_black(times: int) -> None:
    # GIVEN a map of 256 colors as the standard wants it, and as some scanners write it
    reds, greens, blues = range(256), range(255, -1, -1), (40,) * 256
    tags = sided(256, 1) | {258: (3, (8,)), 262: (3, (3,))}
    tags[320] = (3, tuple(color * times for color in (*reds, *greens, *blues)))

    decoded = decode(tiff("<", tags, [bytes(range(256))]))

    assert np.array_equal(decoded[0], np.array([blues, greens, reds]).T)


def test_a_color_map_that_is_black_stays_black() -> None:
    tags = sided(4, 1) | {258: (3, (8,)), 262: (3, (3,)), 320: (3, (0,) * 768)}

    assert decode(tiff("<", tags, [bytes(4)])).max() == 0


def test_gray_of_16_bits_lies_on_white_where_it_is_transparent() -> None:
    # GIVEN values of a dark text, and one that a PNG calls transparent
    values = np.full((8, 8), 300, np.uint16)
    values[:, :4] = 255

    decoded = decode(encoded(Image.fromarray(values), "PNG", transparency=255))

    assert decoded[0, 0].tolist() == [255, 255, 255]
    assert decoded[0, 7].max() < APART


def test_premultiplied_gray_is_decoded() -> None:
    # GIVEN dark ink, half of it transparent: its gray is stored multiplied by its opacity
    tags = sided(4, 2) | {258: (3, (8, 8)), 262: (3, (1,)), 277: (3, (2,)), 338: (3, (1,))}

    decoded = decode(tiff("<", tags, [bytes([40, 255, 0, 0]) * 4]))

    assert decoded[0, 0].tolist() == [40, 40, 40]
    assert decoded[0, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("inks", "ground"),
    [(["black"], 255), (["#777777"], 255), (["white"], 24), (["#eeeecc"], 24), (["white", "black"], 128)],
    ids=["black", "gray", "white", "pale", "black and white"],
)
def test_no_ink_vanishes_on_the_ground_under_a_transparent_image(inks: list[str], ground: int) -> None:
    layer = Image.new("RGBA", (600, 80 * len(inks)), (0, 0, 0, 0))
    for row, ink in enumerate(inks):
        layer.paste(sheet("Total 42", mode="RGBA", paper=(0, 0, 0, 0), ink=ink, height=80), (0, 80 * row))

    decoded = decode(png(layer))

    assert decoded[0, 0].tolist() == [ground] * 3
    for row in range(len(inks)):
        part = decoded[80 * row : 80 * row + 80].astype(int)
        assert np.abs(part - ground).max() > APART


def test_paper_with_transparent_corners_keeps_its_dark_text() -> None:
    paper = sheet("Total 42").convert("RGBA")
    paper.paste((0, 0, 0, 0), (0, 0, 8, 8))

    decoded = decode(png(paper))

    assert decoded[100, 100].tolist() == [255, 255, 255]
    assert decoded.min() == 0


def test_a_turned_photo_of_a_transparent_kind_is_set_upright() -> None:
    wide = Image.new("LA", (30, 10), (0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6

    assert decode(encoded(wide, "PNG", exif=exif)).shape == (30, 10, 3)


def test_a_bmp_whose_colors_stand_in_another_order_is_read_by_another_reader() -> None:
    # given pixels of 32 bits with red first, which Pillow does not know
    pixels = struct.pack("<I", 0x0000_00FF) * (40 * 20)
    about = struct.pack("<IiiHHIIiiII", 40, 40, 20, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    masks = struct.pack("<III", 0x0000_00FF, 0x0000_FF00, 0x00FF_0000)
    place = 14 + len(about) + len(masks)
    body = b"BM" + struct.pack("<IHHI", place + len(pixels), 0, 0, place) + about + masks + pixels
    with pytest.raises(OSError, match="bitfields"):
        Image.open(io.BytesIO(body))

    # then it is read all the same, if not in its own colors
    assert decode(body).shape == (20, 40, 3)
    assert decode(body).max() == 255
