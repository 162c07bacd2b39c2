"""Workbooks that others wrote: however much a zip holds, and whatever it says of itself, memory stays bounded."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from legible.outputs.unpacking import Bounds, UnpackedSizeError, repack

SHEET, STYLES, TEXTS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"
HUGE = 40_000_000


def packed(**parts: bytes) -> bytes:
    """Return a zip; in the names of its parts, ``__`` stands for a slash."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in parts.items():
            made.writestr(name.replace("__", "/") + ".xml", body)
    return target.getvalue()


def lying(body: bytes, honest: int, said: int) -> bytes:
    """Return a zip of one part that says it has ``said`` zeros where it has ``honest``, checksum and all."""
    for truth, lie in (
        (struct.pack("<I", honest), struct.pack("<I", said)),
        (struct.pack("<I", zlib.crc32(bytes(honest))), struct.pack("<I", zlib.crc32(bytes(said)))),
    ):
        assert body.count(truth) == 2
        body = body.replace(truth, lie)
    return body


def repacked(body: bytes, bounds: Bounds) -> zipfile.ZipFile:
    target = io.BytesIO()
    repack(io.BytesIO(body), target, bounds)
    return zipfile.ZipFile(target)


def test_what_is_within_bounds_is_the_same_afterwards() -> None:
    parts = {"xl__worksheets__sheet1": b"rows" * 1000, "xl__styles": b"looks", "docProps__app": b""}
    with repacked(packed(**parts), Bounds(10_000)) as copy:
        assert {name: copy.read(name) for name in copy.namelist()} == {
            name.replace("__", "/") + ".xml": body for name, body in parts.items()
        }


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("xl__worksheets__sheet1", 1001, "more than 1,000 bytes in 'xl/worksheets/sheet1.xml'"),
        ("xl__sharedStrings", 334, "more than 333 bytes in 'xl/sharedStrings.xml'"),
        ("xl__styles", 101, "more than 100 bytes in 'xl/styles.xml'"),
    ],
)
def test_a_part_beyond_its_bounds_is_refused_in_words(name: str, size: int, said: str) -> None:
    bounds = Bounds(1000, part_bytes=100)
    repacked(packed(**{name: b"x" * (size - 1)}), bounds).close()
    with pytest.raises(UnpackedSizeError, match=said):
        repacked(packed(**{name: b"x" * size}), bounds)


def test_many_parts_are_counted_together() -> None:
    with pytest.raises(UnpackedSizeError, match="more than 400 bytes"):
        repacked(packed(xl__worksheets__a=b"x" * 600, xl__worksheets__b=b"x" * 600), Bounds(1000))
    with pytest.raises(UnpackedSizeError, match="3 parts; at most 2"):
        repacked(packed(a=b"", b=b"", c=b""), Bounds(1000, parts=2))


@pytest.mark.parametrize("honest", [True, False])
def test_a_bomb_takes_no_memory_whatever_it_says_of_itself(honest: bool) -> None:
    # given 40 MB in 40 KB, which may say that they are 1,000 bytes
    bomb = packed(xl__worksheets__sheet1=bytes(HUGE))
    bomb = bomb if honest else lying(bomb, HUGE, 1000)
    assert len(bomb) < 100_000

    # when
    tracemalloc.start()
    try:
        with repacked(bomb, Bounds(1_000_000)) as copy:
            size = len(copy.read(SHEET))
    except UnpackedSizeError:
        size = 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # then
    assert size == (0 if honest else 1000)
    assert peak < 5_000_000
