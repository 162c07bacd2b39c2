"""Every kind of file that is uploaded: what is read, as how many pages, and how the rest ends; hostile ones in time."""

from __future__ import annotations

import hashlib
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image, ImageDraw

from legible.documents import pages
from legible.model.documents import ObjectRef
from tests.documents import make
from tests.documents.make import saved
from tests.support.fakes import Reply
from tests.support.rig import OUT, PASSPORT, Rig, drawn, pdf, picture, tiff

#: A page of A4, in points.
A4 = b"/MediaBox[0 0 595 842]"
CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


# Documents.


@cache
def noise(width: int = 400, height: int = 300) -> Image.Image:
    """Return the same noise every time: nothing packs it, so that every byte of a document counts."""
    return Image.frombytes("L", (width, height), random.Random(7).randbytes(width * height))


def paged(name: str, count: int, **options: Any) -> bytes:
    frames = [Image.new("RGB", (120, 80), (255, 255, 255 - page)) for page in range(count)]
    return saved(frames[0], name, save_all=True, append_images=frames[1:], **options)


def stream(entries: bytes, body: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(body), body)


def leaf(entries: bytes = A4) -> bytes:
    return b"<</Type/Page/Parent 2 0 R%s>>" % entries


def tree(kids: bytes = b"3 0 R", count: int = 1) -> bytes:
    return b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)


def pdf_of(*objects: bytes, trailer: bytes = b"") -> bytes:
    """Write a PDF of these objects, numbered from 1; the first one is its catalog."""
    body, places = b"%PDF-1.7\n", []
    for number, value in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Root 1 0 R/Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, trailer, len(body)
    )  # fmt: skip


def page_of(content: bytes, entries: bytes = A4, *objects: bytes, packed: bytes = b"") -> bytes:
    """Write a PDF of one page; its content is object 4, more objects follow from 5."""
    return pdf_of(CATALOG, tree(), leaf(entries + b"/Contents 4 0 R"), stream(packed, content), *objects)


def image_page(width: int, height: int, body: bytes, how: bytes = b"/Filter/FlateDecode", bits: int = 8) -> bytes:
    """Write a PDF of one page that one gray image covers."""
    about = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent %d/ColorSpace/DeviceGray" % (
        width, height, bits
    )  # fmt: skip
    resources = A4 + b"/Resources<</XObject<</I 5 0 R>>>>"
    return page_of(b"q 595 0 0 842 0 0 cm /I Do Q", resources, stream(about + how, body))


def sized(*sizes: tuple[int, int]) -> bytes:
    kids = b" ".join(b"%d 0 R" % (3 + place) for place in range(len(sizes)))
    return pdf_of(CATALOG, tree(kids, len(sizes)), *(leaf(b"/MediaBox[0 0 %d %d]" % size) for size in sizes))


def with_text_layer() -> bytes:
    unseen = b" BT 3 Tr /H 20 Tf 50 700 Td (recognized before) Tj ET"
    resources = A4 + b"/Resources<</XObject<</I 5 0 R>>/Font<</H 6 0 R>>>>"
    about = b"/Type/XObject/Subtype/Image/Width 850/Height 1200/BitsPerComponent 8/ColorSpace/DeviceGray"
    scan = stream(about + b"/Filter/FlateDecode", zlib.compress(noise(850, 1200).tobytes(), 1))
    return page_of(b"q 595 0 0 842 0 0 cm /I Do Q" + unseen, resources, scan, HELVETICA)


def rotated(degrees: int) -> bytes:
    """Write a page of 200 x 300 points with a black square in its top left corner before it is turned."""
    return page_of(b"0 g 0 260 40 40 re f", b"/MediaBox[0 0 200 300]/Rotate %d" % degrees)


def rc4(key: bytes, body: bytes) -> bytes:
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in body:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def encrypted() -> bytes:
    """Write a PDF that is encrypted (RC4, 40 bits) with an empty user password: every viewer opens it unasked."""
    padding = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
    owner = rc4(hashlib.md5(padding).digest()[:5], padding)
    name, allowed = b"0123456789abcdef", -4
    key = hashlib.md5(padding + owner + struct.pack("<i", allowed) + name).digest()[:5]
    content = rc4(hashlib.md5(key + b"\4\0\0\0\0").digest()[:10], b"0 g 100 100 200 200 re f")
    lock = b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P %d>>" % (
        owner.hex().encode(), rc4(key, padding).hex().encode(), allowed
    )  # fmt: skip
    names = b"/Encrypt 5 0 R/ID[<%s><%s>]" % (name.hex().encode(), name.hex().encode())
    page = leaf(A4 + b"/Contents 4 0 R")
    return pdf_of(CATALOG, tree(), page, stream(b"", content), lock, trailer=names)


def zipped(*names: str, body: bytes = b"x", method: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name in names:
            archive.writestr(name, body)
    return target.getvalue()


def tarred(body: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("a.pdf", "b.pdf"):
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return target.getvalue()


def tiff_of(
    tags: dict[int, tuple[int, int, int]], body: bytes = b"", order: str = "<", behind: int = 0, repeated: int = 1
) -> bytes:
    """Write a TIFF: tags as ``{tag: (type, count, value)}``, the directory ``repeated`` times, then its pixels."""
    size = 2 + 12 * len(tags) + 4
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for number in range(1, repeated + 1):
        out += struct.pack(order + "H", len(tags))
        for tag, (kind, count, value) in sorted(tags.items()):
            short = kind == 3 and count == 1
            out += struct.pack(order + ("HHIHxx" if short else "HHII"), tag, kind, count, value)
        out += struct.pack(order + "I", 8 + number * size if number < repeated else behind)
    return out + body


def gray_tags(width: int, height: int, length: int, at: int = 200, packing: int = 1) -> dict[int, tuple[int, int, int]]:
    """Return the tags of a gray image in one strip of ``length`` bytes."""
    return {
        256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, packing), 262: (3, 1, 1),
        273: (4, 1, at), 277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, length),
    }  # fmt: skip


def big_endian() -> bytes:
    return tiff_of(gray_tags(60, 40, 2400, 122), bytes([200]) * 2400, ">")


def twelve_bits() -> bytes:
    """Write a gray TIFF of 12 bits that is white paper all over."""
    tags = gray_tags(60, 40, 3600, 122) | {258: (3, 1, 12)}
    return tiff_of(tags, b"\xff" * 3600)


def gray_tiff(body: bytes, bits: int, **more: int) -> bytes:
    """Write a gray TIFF of 60 x 40 px in so many bits; the kind of numbers and what is white as TIFF has it."""
    extra = {262: more.get("white", 1), 339: more.get("kind", 1)}
    tags = gray_tags(60, 40, len(body), 134) | {258: (3, 1, bits)} | {tag: (3, 1, extra[tag]) for tag in extra}
    return tiff_of(tags, body)


def raw_photo() -> bytes:
    """Write what a DNG begins with: a small copy of the picture, which itself is in an inner directory."""
    tags = gray_tags(60, 40, 2400, 146) | {254: (4, 1, 1), 330: (4, 1, 2600)}
    return tiff_of(tags, bytes(2400))


def transparent(name: str, **options: Any) -> bytes:
    """Write black letters on black paper of which nothing but the letters is there."""
    image = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (10, 10, 20, 30))
    return saved(image, name, **options)


def with_a_color_that_is_none(mode: str) -> bytes:
    return saved(Image.new(mode, (60, 40), 0), "PNG", transparency=0)


def with_thumbnail() -> bytes:
    """Write a TIFF of one page and its thumbnail, as cameras and scanners do: NewSubfileType says which is which."""
    page, small = noise(120, 80), noise(120, 80).resize((30, 20))
    page.encoderinfo, small.encoderinfo = {"tiffinfo": {254: 0}}, {"tiffinfo": {254: 1}}
    return saved(page, "TIFF", save_all=True, append_images=[small])


def behind_its_thumbnail() -> bytes:
    """Write a TIFF of one page, all white, behind a black thumbnail of it."""
    page, small = Image.new("L", (120, 80), 255), Image.new("L", (30, 20), 0)
    page.encoderinfo, small.encoderinfo = {"tiffinfo": {254: 0}}, {"tiffinfo": {254: 1}}
    return saved(small, "TIFF", save_all=True, append_images=[page])


def psd(layers: int, colors: int = 3) -> bytes:
    """Write a PSD of so many black layers of 60 x 40 px, which together are white."""
    head = b"8BPS" + struct.pack(">H6xHIIHHII", 1, colors, 40, 60, 8, colors, 0, 0)
    about = struct.pack(">iiiiH", 0, 0, 40, 60, 3) + b"".join(struct.pack(">hI", n, 2402) for n in range(3))
    about += b"8BIMnorm" + bytes([255, 0, 0, 0]) + struct.pack(">III", 12, 0, 0) + b"\3abc"
    body = struct.pack(">h", layers) + about * layers + bytes(2402 * 3 * layers)
    return head + struct.pack(">II", len(body) + 8, len(body)) + body + bytes(6) + b"\xff" * 2400 * colors


def from_a_camera(segments: int = 0) -> bytes:
    """Write an MPO: a photo and a small one behind it, and so many large notes of the camera in front of both."""
    body = saved(noise(), "MPO", save_all=True, append_images=[noise(40, 30)])
    return body[:2] + (b"\xff\xe2" + struct.pack(">H", 65_002) + bytes(65_000)) * segments + body[2:]


def turned_tiff(orientation: int) -> bytes:
    """Write a TIFF of 60 x 40 px as stored, black in its stored top left corner."""
    image = Image.new("L", (60, 40), 255)
    ImageDraw.Draw(image).rectangle((0, 0, 19, 19), fill=0)
    return saved(image, "TIFF", tiffinfo={0x0112: orientation})


def animated(name: str = "GIF") -> bytes:
    frames = [Image.new("L", (60, 40), shade) for shade in (0, 99, 200)]
    return saved(frames[0], name, save_all=True, append_images=frames[1:])


def gif_of(width: int, height: int) -> bytes:
    """Write a GIF with so large a screen and one dot on it."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0;"


def png_of(width: int, height: int) -> bytes:
    """Write a whole PNG of black dots of one bit."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width // 8)) for _ in range(height)) + packer.flush()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def ico_of(picture: bytes) -> bytes:
    """Write an icon that is one PNG."""
    return b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 1, len(picture), 22) + picture


@cache
def zeros(length: int) -> bytes:
    """Pack so many zeros, one MB at a time."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(length >> 20)) + packer.flush()


def form(content: bytes, entries: bytes = b"") -> bytes:
    return stream(b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]" + entries, content)


def forms_of_forms(depth: int, fan: int) -> bytes:
    """Write a page whose form draws another one ``fan`` times, ``depth`` deep."""
    inner = [form(b"/F Do " * fan, b"/Resources<</XObject<</F %d 0 R>>>>" % (6 + level)) for level in range(depth)]
    return page_of(b"/F Do", A4 + b"/Resources<</XObject<</F 5 0 R>>>>", *inner, form(b"0 0 m 99 99 l S"))


def text_in_forms(depth: int) -> bytes:
    """Write a page with a background of 2 x 2 px, and text in forms so deep in one another."""
    dots = b"/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray"
    levels = [form(b"/F Do", b"/Resources<</XObject<</F %d 0 R>>>>" % (7 + level)) for level in range(depth - 1)]
    last = form(b"BT /H 60 Tf 50 600 Td (SIGNED) Tj ET", b"/Resources<</Font<</H %d 0 R>>>>" % (6 + depth))
    resources = A4 + b"/Resources<</XObject<</I 5 0 R/F 6 0 R>>>>"
    content = b"q 595 0 0 842 0 0 cm /I Do Q /F Do"
    return page_of(content, resources, stream(dots, b"\xf0" * 4), *levels, last, HELVETICA)


def stamped() -> bytes:
    """Write a page with a background of 2 x 2 px, and a stamp that lies over it as an annotation."""
    dots = b"/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray"
    stamp = b"<</Type/Annot/Subtype/Stamp/Rect[50 600 500 700]/F 4/AP<</N 7 0 R>>>>"
    look = stream(b"/Type/XObject/Subtype/Form/BBox[0 0 450 100]", b"0 g 10 10 300 40 re f")
    entries = A4 + b"/Resources<</XObject<</I 5 0 R>>>>/Annots[6 0 R]"
    return page_of(b"q 595 0 0 842 0 0 cm /I Do Q", entries, stream(dots, b"\xf0" * 4), stamp, look)


def filled_form() -> bytes:
    """Write a form that was filled in by a program which leaves it to the viewer to draw the value."""
    fields = b"/AcroForm<</Fields[4 0 R]/NeedAppearances true/DR<</Font<</Helv 5 0 R>>>>/DA(/Helv 0 Tf 0 g)>>"
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(ANNA ERIKSSON)/Rect[50 600 500 660]/F 4/P 3 0 R"
    field += b"/DA(/Helv 40 Tf 0 g)>>"
    return pdf_of(CATALOG[:-2] + fields + b">>", tree(), leaf(A4 + b"/Annots[4 0 R]"), field, HELVETICA)


def dynamic_form(needs_rendering: bytes) -> bytes:
    """Write a form in Adobe's XFA; where it must be rendered, its page only tells whose reader can."""
    form = b"/AcroForm<</Fields[]/XFA[(template) 4 0 R]>>/NeedsRendering " + needs_rendering
    return pdf_of(CATALOG[:-2] + form + b">>", tree(), leaf(), stream(b"", b"<template/>"))


def cut_update() -> bytes:
    """Write a PDF of one page to which a second one was added, cut before that page arrived."""
    whole = pdf_of(CATALOG, tree(), leaf())
    return whole + b"2 0 obj\n" + tree(b"3 0 R 4 0 R", 2) + b"\nendobj\n4 0 obj\n<</Type/Page/X(" + b"x" * 9000


def cut_behind_its_thumbnail() -> bytes:
    """Write the beginning of a JPEG: a thumbnail in its EXIF, which has an end of its own, and a few rows."""
    small = saved(noise(60, 45), "JPEG", quality=40)
    tags = [(0x103, 3, 6), (0x201, 4, 56), (0x202, 4, len(small))]
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0" + struct.pack("<I", 14) + struct.pack("<H", len(tags))
    exif += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags) + bytes(4) + small
    whole = saved(noise(), "JPEG", quality=80)
    return (whole[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + whole[2:])[: len(exif) + 1500]


def cut_gif() -> bytes:
    """Cut a GIF where a semicolon, the sign of its end, stands by chance among its pixels."""
    body = saved(noise(), "GIF")
    return body[: body.index(b";", len(body) // 2) + 5]


# Rigs.


class Apart(Rig):
    """A world in which documents are opened in a process apart, as the function does it."""

    def __init__(self, *script: Reply) -> None:
        super().__init__(*script)
        self.sheets = pages.Sheets


class End(NamedTuple):
    """How a document ended."""

    status: str
    code: str
    pages: int
    said: str
    rig: Rig

    def pictures(self) -> list[Image.Image]:
        """Return the pictures that were made of its pages."""
        store = self.rig.store
        return [Image.open(io.BytesIO(store.read(ObjectRef(OUT, key)))) for key in store.keys(OUT, "work/")]


def end_of(key: str, body: bytes, kind: type[Rig] = Rig) -> End:
    """Upload a document, and tell how it ends and what the record says about it."""
    rig = kind(PASSPORT)
    (outcome,) = rig.run(rig.upload(key, body))
    record = rig.record(key)
    reason = record["reason"] or {"code": "", "message": "", "advice": ""}
    answered = outcome.get("pages", 0)
    assert (record["status"], rig.ocr.paid) == (outcome["status"], answered)
    assert "Traceback" not in reason["message"]
    said = [reason["message"], reason["advice"], *(page["note"] for page in record["pages"])]
    return End(outcome["status"], reason["code"], answered, " ".join(said), rig)


class Case(NamedTuple):
    """A document, and how it must end: its status, the code of its reason, its pages, and a word that says why."""

    key: str
    make: Callable[[], bytes]
    status: str = "done"
    code: str = ""
    pages: int = 1
    word: str = ""


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case.key for case in cases])


UPLOADED = [
    Case("passport/photo.png", picture),
    Case("passport/photo.jpg", lambda: picture(name="JPEG")),
    Case("passport/photo.bmp", lambda: picture(name="BMP")),
    Case("passport/cmyk.jpg", lambda: saved(Image.new("CMYK", (60, 40)), "JPEG"), word="CMYK"),
    Case("passport/pages.tif", lambda: tiff(3), pages=3, word="converted from TIFF"),
    Case("general-text/pages.tif", lambda: tiff(3), pages=3, word="converted from TIFF"),
    Case("passport/cmyk.tif", lambda: saved(Image.new("CMYK", (60, 40)), "TIFF"), word="TIFF CMYK"),
    Case("passport/sixteen.tif", lambda: saved(Image.new("I;16", (60, 40), 65535), "TIFF"), word="TIFF I;16"),
    Case("passport/jpeg.tif", lambda: saved(noise(), "TIFF", compression="jpeg")),
    Case("passport/lzw.tif", lambda: saved(noise(), "TIFF", compression="tiff_lzw")),
    Case("passport/fax.tif", lambda: saved(noise().convert("1"), "TIFF", compression="group4")),
    Case("passport/fax-pages.tif", lambda: paged("TIFF", 2, compression="tiff_lzw"), pages=2),
    Case("passport/big-endian.tif", big_endian),
    Case("passport/big.tif", lambda: saved(noise(), "TIFF", big_tiff=True), word="converted from TIFF"),
    Case("general-text/big.tif", lambda: saved(noise(), "TIFF", big_tiff=True), word="converted from TIFF"),
    Case("passport/rare.tif", lambda: saved(noise(), "TIFF", compression="lzma"), word="converted from TIFF"),
    Case("passport/thumbnail.tif", with_thumbnail, pages=1),
    Case("passport/layers.psd", lambda: psd(3), word="converted from PSD"),
    Case("passport/many-layers.psd", lambda: psd(20), word="converted from PSD"),
    Case("passport/no-layers.psd", lambda: psd(0), word="converted from PSD"),
    Case("passport/cmyk.psd", lambda: psd(0, 4), word="converted from PSD CMYK"),
    Case("general-text/many-layers.psd", lambda: psd(20)),
    Case("passport/camera.jpg", from_a_camera),
    Case("passport/camera-with-notes.jpg", lambda: from_a_camera(2)),
    Case("passport/photo.dng", raw_photo, "rejected", "raw-photo", 0, "Save it as JPEG"),
    Case("passport/photo.webp", lambda: picture(name="WEBP"), word="converted from WEBP"),
    Case("general-text/photo.webp", lambda: picture(name="WEBP")),
    Case("passport/animated.gif", animated, word="only the first of 3 frames"),
    Case("general-text/animated.gif", animated, word="only the first of 3 frames"),
    Case("general-text/animated.png", lambda: animated("PNG"), word="only the first of 3 frames"),
    Case("passport/scan.pdf", lambda: pdf(2), pages=2, word="rendered at 72 dpi"),
    Case("general-text/scan.pdf", lambda: pdf(2), pages=2),
    Case("passport/text-layer.pdf", with_text_layer, word="rendered at 103 dpi"),
    Case("general-text/text-layer.pdf", with_text_layer),
    Case("passport/encrypted.pdf", encrypted, word="rendered at 200 dpi"),
    Case("general-text/encrypted.pdf", encrypted, word="rendered at 200 dpi"),
    Case("vat-invoice/invoice.ofd", make.ofd, word="first page"),
    Case("vat-invoice/pictures-first.ofd", lambda: make.ofd(100_000), word="first page"),
    Case("passport/invoice.ofd", make.ofd, "rejected", "format-not-taken", 0, "does not take OFD"),
    Case("passport/a.docx", lambda: zipped("[Content_Types].xml", "word/document.xml"), "rejected", "format-unknown", 0,
         "Save it as PDF"),
    Case("passport/a.xlsx", lambda: zipped("[Content_Types].xml", "xl/workbook.xml"), "rejected", "format-unknown", 0,
         "Save it as PDF"),
    Case("passport/a.doc", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900), "rejected", "format-unknown", 0,
         "Save it as PDF"),
    Case("passport/a.zip", lambda: zipped("a.png", body=picture(), method=zipfile.ZIP_DEFLATED), "rejected",
         "format-unknown", 0, "Unpack it"),
    Case("passport/a.html", lambda: b"<!DOCTYPE html><p>Hello</p>", "rejected", "format-unknown", 0, "text"),
    Case("passport/a.utf8.html", lambda: "<!DOCTYPE html><p>Grüße, 你好</p>".encode(), "rejected", "format-unknown", 0,
         "text"),
    Case("passport/begins-like-a-bmp.txt", lambda: b"BMW 320i, first registered in 2019\n" * 9, "rejected",
         "format-unknown", 0, "text"),
    Case("passport/xfa.pdf", lambda: dynamic_form(b"true"), "rejected", "dynamic-form", 0, "print it to a new PDF"),
    Case("general-text/xfa.pdf", lambda: dynamic_form(b"true"), "rejected", "dynamic-form", 0, "print it to a new PDF"),
    Case("general-text/static-xfa.pdf", lambda: dynamic_form(b"false")),
    Case("passport/empty.png", lambda: b"", "rejected", "empty", 0, "0 bytes"),
    Case("passport/one-byte.png", lambda: b"\x89", "rejected", "format-unknown", 0, "begin with 89"),
]  # fmt: skip


@named(UPLOADED)
def test_what_people_upload_is_read_or_its_end_says_why(case):
    found = end_of(case.key, case.make())
    assert (found.status, found.code, found.pages) == (case.status, case.code, case.pages)
    assert case.word in found.said
    assert ("Animated" in found.said) == ("animated" in case.key)


class TestPictures:
    """The picture that is sent shows what a viewer shows."""

    @pytest.mark.parametrize(
        ("degrees", "sides", "corner"),
        [
            (0, (933, 1400), (9, 9)),
            (90, (1400, 933), (1390, 9)),
            (180, (933, 1400), (923, 1390)),
            (270, (1400, 933), (9, 923)),
        ],
    )
    def test_a_rotated_page_is_upright(self, degrees, sides, corner):
        (image,) = end_of("passport/a.pdf", rotated(degrees)).pictures()
        assert [abs(image.size[side] - sides[side]) <= 1 for side in (0, 1)] == [True, True]
        assert image.convert("L").getpixel(corner) < 50
        assert image.convert("L").getpixel((image.width - corner[0], image.height - corner[1])) > 200

    def test_pages_of_mixed_sizes_keep_their_own(self):
        sizes = [(420, 520), (595, 420), (595, 842), (842, 1191), (1191, 1684)]
        found = end_of("passport/a.pdf", sized(*sizes))
        assert (found.status, found.pages) == ("done", 5)
        for image, size in zip(found.pictures(), sizes, strict=True):
            assert [abs(image.size[side] - size[side] * 200 / 72) <= 1 for side in (0, 1)] == [True, True]

    def test_only_the_cropped_part_of_a_page_is_shown(self):
        entries = b"/MediaBox[0 0 400 400]/CropBox[100 100 300 200]"
        (image,) = end_of("passport/a.pdf", page_of(b"0 g 0 250 400 150 re f", entries)).pictures()
        assert [abs(image.size[side] - (1400, 700)[side]) <= 1 for side in (0, 1)] == [True, True]
        assert image.convert("L").getextrema() == (255, 255)

    @pytest.mark.parametrize("unit", [b"", b"/UserUnit 10"])
    def test_a_page_smaller_than_any_paper_can_be_read_all_the_same(self, unit):
        made = drawn("pdf", page_of(b"0 g 10 10 20 20 re f", b"/MediaBox[0 0 59.5 84.2]" + unit))
        assert (made.height, "rendered at 1197 dpi" in made.note) == (1400, True)

    @pytest.mark.parametrize(("width", "height"), [(1654, 2339), (165, 234)])
    def test_a_scan_placed_on_too_small_a_page_keeps_its_pixels_but_gets_no_more(self, width, height):
        about = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray" % (
            width,
            height,
        )
        scan = stream(about + b"/Filter/FlateDecode", zlib.compress(bytes(width * height)))
        entries = b"/MediaBox[0 0 28 39]/Resources<</XObject<</I 5 0 R>>>>"
        made = drawn("pdf", page_of(b"q 28 0 0 39 0 0 cm /I Do Q", entries, scan))
        assert made.height == pytest.approx(min(height, 1400), abs=1)

    def test_an_encrypted_page_is_decrypted(self):
        (image,) = end_of("passport/a.pdf", encrypted()).pictures()
        assert image.convert("L").getextrema() == (0, 255)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_tiff_is_turned_upright_once(self, orientation):
        corners = {1: (5, 5), 2: (55, 5), 3: (55, 35), 4: (5, 35), 5: (5, 5), 6: (35, 5), 7: (35, 55), 8: (5, 55)}
        made = drawn("tiff", turned_tiff(orientation))
        image = Image.open(io.BytesIO(made.body)).convert("L")
        assert image.size == ((40, 60) if orientation >= 5 else (60, 40))
        black = [spot for spot in set(corners.values()) if image.width > spot[0] and image.height > spot[1]]
        assert [spot for spot in black if image.getpixel(spot) < 50] == [corners[orientation]]

    @pytest.mark.parametrize("make", [behind_its_thumbnail, lambda: psd(3), lambda: psd(0, 4)])
    def test_the_page_is_shown_and_not_what_lies_before_it(self, make):
        (image,) = end_of("passport/a", make()).pictures()
        assert image.convert("L").getextrema() == (255, 255)

    @pytest.mark.parametrize(
        ("make", "shade"),
        [
            (twelve_bits, 255),
            (lambda: gray_tiff(struct.pack("<2400H", *[65_535] * 2400), 16), 255),
            (lambda: gray_tiff(bytes(4800), 16, white=0), 255),
            (lambda: gray_tiff(struct.pack("<2400H", *[65_535] * 2400), 16, white=0), 0),
            (lambda: gray_tiff(struct.pack("<2400f", *[1.0] * 2400), 32, kind=3), 255),
            (lambda: gray_tiff(struct.pack("<2400f", *[0.5] * 2400), 32, kind=3), 127),
            (lambda: gray_tiff(struct.pack("<2400f", *[200.0] * 2400), 32, kind=3), 200),
            (lambda: gray_tiff(struct.pack("<2400f", -1e6, *[1e6] * 2399), 32, kind=3), 255),
            (lambda: gray_tiff(struct.pack("<2400i", *[65_535] * 2400), 32, kind=2), 255),
            (lambda: gray_tiff(bytes(9600), 32, kind=3, white=0), 255),
        ],
    )
    def test_paper_has_its_shade_in_whatever_numbers_it_is_written(self, make, shade):
        (image,) = end_of("passport/a.tif", make()).pictures()
        assert image.convert("L").getpixel((30, 20)) == pytest.approx(shade, abs=2)

    @pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "GIF"])
    @pytest.mark.parametrize("slug", ["passport", "general-text"])
    def test_what_is_transparent_is_white_paper(self, slug, name):
        found = end_of(f"{slug}/a", transparent(name))
        (image,) = found.pictures()
        assert [image.convert("L").getpixel(spot) for spot in ((15, 20), (40, 20))] == pytest.approx([0, 255], abs=9)
        assert "laid on white" in found.said

    @pytest.mark.parametrize("mode", ["1", "L", "P"])
    def test_a_color_that_is_transparent_is_white_paper(self, mode):
        (image,) = end_of("passport/a.png", with_a_color_that_is_none(mode)).pictures()
        assert image.convert("L").getextrema() == (255, 255)

    def test_a_bitmap_whose_alpha_nobody_minds_keeps_its_colors(self):
        assert end_of("passport/a.bmp", transparent("BMP")).pictures() == []
        made = drawn("bmp", transparent("BMP"))
        assert Image.open(io.BytesIO(made.body)).convert("L").getextrema() == (0, 0)

    def test_a_frame_that_can_hold_no_letter_is_not_paid_for(self):
        frames = [noise(), Image.new("L", (1, 1)), noise()]
        found = end_of("passport/a.tif", saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
        assert (found.status, found.code, found.pages) == ("partial", "sides-too-small", 2)
        assert "Image 2 of the document has 1 x 1 px" in found.said

    def test_a_fax_keeps_the_pixels_of_its_finer_side(self):
        fax = image_page(1728, 1078, zlib.compress(bytes(216 * 1078)), bits=1)
        (image,) = end_of("passport/a.pdf", fax).pictures()
        assert image.width >= 1650

    @pytest.mark.parametrize("depth", [1, 2, 3, 5])
    def test_text_over_a_coarse_background_is_seen(self, depth):
        (image,) = end_of("passport/a.pdf", text_in_forms(depth)).pictures()
        assert image.convert("L").getextrema()[0] < 50

    def test_a_stamp_over_a_coarse_background_is_seen(self):
        (image,) = end_of("passport/a.pdf", stamped()).pictures()
        assert image.convert("L").getextrema()[0] < 50
        assert image.width > 1000

    def test_what_was_filled_into_a_form_is_seen(self):
        (image,) = end_of("passport/a.pdf", filled_form()).pictures()
        assert image.convert("L").getextrema()[0] < 50


WHOLE: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved(noise(), "PNG"),
    "jpg": lambda: saved(noise(), "JPEG"),
    "bmp": lambda: saved(noise(), "BMP"),
    "webp": lambda: saved(noise(), "WEBP"),
    "gif": lambda: saved(noise(), "GIF"),
    "raw.tif": lambda: saved(noise(), "TIFF"),
    "lzw.tif": lambda: saved(noise(), "TIFF", compression="tiff_lzw"),
    "jpeg.tif": lambda: saved(noise(), "TIFF", compression="jpeg"),
    "group4.tif": lambda: saved(noise().convert("1"), "TIFF", compression="group4"),
    "pdf": lambda: saved(noise(), "PDF"),
    "ofd": make.ofd,
}


class TestCut:
    """A document whose end is missing is not paid for."""

    @pytest.mark.parametrize("part", [1 / 3, 9 / 10], ids=["a-third", "nine-tenths"])
    @pytest.mark.parametrize("name", WHOLE)
    def test_a_part_of_a_document_is_rejected(self, name, part):
        body = WHOLE[name]()
        found = end_of(f"vat-invoice/a.{name}", body[: int(len(body) * part)])
        assert (found.status, found.pages) == ("rejected", 0)
        assert found.code in {"truncated", "document-broken"}
        assert "cut" in found.said

    @pytest.mark.parametrize("name", WHOLE)
    def test_all_of_it_is_read(self, name):
        assert end_of(f"vat-invoice/a.{name}", WHOLE[name]()).status == "done"

    @pytest.mark.parametrize("part", [1 / 3, 9 / 10], ids=["a-third", "nine-tenths"])
    @pytest.mark.parametrize("packing", ["raw", "tiff_lzw"])
    def test_a_cut_tiff_of_many_pages_is_never_done(self, packing, part):
        frames = [noise(200, 150)] * 5
        body = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression=packing)
        found = end_of("passport/a.tif", body[: int(len(body) * part)])
        assert found.status in {"rejected", "partial"}
        assert "cut" in found.said

    @pytest.mark.parametrize("make", [cut_update, cut_behind_its_thumbnail, cut_gif])
    def test_an_end_of_something_else_is_not_taken_for_the_end(self, make):
        found = end_of("general-text/a", make())
        assert (found.status, found.code, found.pages) == ("rejected", "truncated", 0)


@pytest.mark.parametrize(
    ("key", "make", "format_name"),
    [
        ("general-text/image.pdf", picture, "png"),
        ("general-text/document.png", lambda: pdf(1), "pdf"),
        ("passport/photo.png", lambda: picture(name="JPEG"), "jpeg"),
        ("passport/photo.docx", lambda: tiff(1), "tiff"),
        ("vat-invoice/invoice.zip", make.ofd, "ofd"),
    ],
)
def test_a_document_is_read_for_what_it_is_whatever_its_name_says(key, make, format_name):
    found = end_of(key, make())
    assert (found.status, found.pages) == ("done", 1)
    assert found.rig.record(key)["document"]["format"] == format_name


TWOFOLD = [
    Case("general-text/gif-and-pdf", lambda: gif_of(60, 40)[:13] + b"\n" + pdf(1), "rejected", "format-ambiguous", 0,
         "both GIF and PDF"),
    Case("general-text/png-and-pdf", lambda: picture()[:33] + pdf(1), "rejected", "format-ambiguous", 0,
         "both PNG and PDF"),
    Case("passport/pdf-and-zip", lambda: pdf(1) + zipped("a.txt"), word="rendered"),
    Case("passport/pdf-and-large-zip", lambda: pdf(1) + zipped("a.txt", body=bytes(99_999)), word="rendered"),
    Case("passport/jpeg-and-pdf", lambda: saved(noise(), "JPEG") + pdf(2)),
    Case("passport/small-jpeg-and-pdf", lambda: picture(name="JPEG") + pdf(2), "rejected", "format-ambiguous", 0,
         "both JPEG and PDF"),
    Case("general-text/zip-of-pdfs", lambda: zipped("a.pdf", "b.pdf", body=pdf(1)), "rejected", "format-unknown", 0,
         "ZIP archive"),
    Case("general-text/tar-of-pdfs", lambda: tarred(pdf(1)), "rejected", "format-unknown", 0, "archive"),
]  # fmt: skip


@named(TWOFOLD)
def test_what_could_be_two_things_is_one_or_is_refused(case):
    found = end_of(case.key, case.make())
    assert (found.status, found.code, found.pages) == (case.status, case.code, case.pages)
    assert case.word in found.said


# Hostile documents: opened by the real process apart.


def peak() -> int | None:
    """Return the most memory this process had since ``forget``, in bytes; None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def worked() -> float:
    """Return the seconds of a processor that this process, and those it ran and ended, have taken."""
    return sum(os.times()[:4])


@contextmanager
def bounded(seconds: float, growth: int = 50_000_000) -> Iterator[None]:
    """Hold what happens to so many seconds of work, and this process's peak of memory to so many bytes more.

    Work, not time: what else the machine does meanwhile says nothing about the document.
    """
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")
    before, began = peak(), worked()
    yield
    assert worked() - began < seconds
    after = peak()
    assert before is None or after is None or after - before < growth


def tiny_tiles() -> bytes:
    """Write a page that is painted with more tiles than there are atoms to paint them with."""
    tile = b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.001/YStep 0.001/Resources<<>>"
    content = b"/Pattern cs /P scn 0 0 595 842 re f"
    return page_of(content, A4 + b"/Resources<</Pattern<</P 5 0 R>>>>", stream(tile, b"0 g 0 0 0.5 0.5 re f"))


def own_mask() -> bytes:
    state = b"/Resources<</ExtGState<</G 5 0 R>>>>"
    group = form(b"/G gs 0 0 99 99 re f", b"/Group<</S/Transparency/CS/DeviceGray>>" + state)
    return page_of(b"/G gs 0 g 99 99 200 200 re f", A4 + state, b"<</SMask<</S/Luminosity/G 6 0 R>>>>", group)


def own_form() -> bytes:
    resources = b"/Resources<</XObject<</F 5 0 R>>>>"
    return page_of(b"0 g 99 99 200 200 re f /F Do", A4 + resources, form(b"/F Do", resources))


def deep(opens: bytes, closes: bytes) -> bytes:
    return opens * 10_000 + b"0" + closes * 10_000


#: 1 GB of zeros has 1 MB.
GB = 1 << 30
TWICE = b"/Filter[/FlateDecode/FlateDecode]"
JBIG2 = struct.pack(">IBBBI", 0, 48, 0, 1, 19) + struct.pack(">IIIIBH", 65_000, 65_000, 0, 0, 0, 0)
HOSTILE = [
    Case("passport/bomb.png", lambda: png_of(30_000, 30_000), "rejected", "too-many-pixels", 0, "178 million"),
    Case("general-text/bomb.png", lambda: png_of(30_000, 30_000), "rejected", "too-many-pixels", 0, "178 million"),
    Case("passport/large.png", lambda: png_of(13_000, 13_000), "rejected", "too-many-pixels", 0, "memory"),
    Case("passport/large.ico", lambda: ico_of(png_of(13_000, 13_000)), "rejected", "too-many-pixels", 0, "memory"),
    Case("passport/screen.gif", lambda: gif_of(65_535, 65_535), "rejected", "too-many-pixels", 0, "178 million"),
    Case("passport/large-screen.gif", lambda: gif_of(13_000, 13_000), "rejected", "too-many-pixels", 0, "memory"),
    Case("passport/image-bomb.pdf", lambda: image_page(32_768, 32_768, zeros(GB)), word="rendered"),
    Case("general-text/image-bomb.pdf", lambda: image_page(32_768, 32_768, zeros(GB))),
    Case("passport/jbig2-bomb.pdf", lambda: image_page(65_000, 65_000, JBIG2, b"/Filter/JBIG2Decode", 1),
         word="rendered"),
    Case("passport/content-bomb.pdf", lambda: page_of(zeros(GB), packed=b"/Filter/FlateDecode"), "rejected",
         "too-heavy", 0, "Print it to a new PDF"),
    Case("general-text/content-bomb.pdf", lambda: page_of(zeros(GB), packed=b"/Filter/FlateDecode")),
    Case("passport/bomb-in-bomb.pdf", lambda: page_of(zlib.compress(zeros(GB)), packed=TWICE), "rejected", "too-heavy",
         0, "Page 1"),
    Case("passport/short.tif", lambda: tiff_of(gray_tags(400, 300, 120_000), bytes(500)), "rejected", "", 0, "cut"),
    Case("general-text/short.tif", lambda: tiff_of(gray_tags(400, 300, 120_000), bytes(500)), "rejected", "", 0, "cut"),
    Case("passport/huge-strip.tif", lambda: tiff_of(gray_tags(400, 300, 0xFFFFFFF0), bytes(500)), "rejected", "", 0,
         "cut"),
    Case("passport/huge-packed-strip.tif", lambda: tiff_of(gray_tags(400, 300, 0xFFFFFFF0, 200, 5), bytes(500)),
         "rejected", "", 0, "cut"),
    Case("passport/many-strips.tif",
         lambda: tiff_of(gray_tags(400, 300, 0) | {273: (4, 1 << 29, 200), 279: (4, 1 << 29, 200)}, bytes(500)),
         "rejected", "", 0, "cut"),
    Case("passport/next-is-itself.tif", lambda: tiff_of(gray_tags(40, 30, 1200), bytes(2000), behind=8)),
    Case("passport/many-frames.tif", lambda: tiff_of(gray_tags(40, 30, 1200, 8), repeated=3000), "held",
         "too-many-pages", 0, "3000 pages"),
    Case("passport/tree-in-itself.pdf", lambda: pdf_of(CATALOG, tree(b"2 0 R 3 0 R", 2), leaf()), "partial",
         "page-broken", 1, "Page 2"),
    Case("passport/only-itself.pdf", lambda: pdf_of(CATALOG, tree(b"2 0 R", 1)), "rejected", "page-broken", 0,
         "Page 1"),
    Case("passport/more-promised.pdf", lambda: pdf_of(CATALOG, tree(b"3 0 R 3 0 R", 5), leaf()), "partial",
         "page-broken", 2, "Page 3"),
    Case("general-text/100,000-pages.pdf", lambda: pdf_of(CATALOG, tree(b"3 0 R " * 100_000, 100_000), leaf()), "held",
         "too-many-pages", 0, "100000 pages"),
    Case("passport/own-form.pdf", own_form, word="rendered at 200 dpi"),
    Case("passport/own-mask.pdf", own_mask, word="rendered at 200 dpi"),
    Case("passport/forms-of-forms.pdf", lambda: forms_of_forms(14, 10), "rejected", "too-heavy", 0, "Page 1"),
    Case("passport/200-inches.pdf", lambda: page_of(b"0 g 99 99 9999 9999 re f", b"/MediaBox[0 0 14400 14400]"),
         word="rendered at 20 dpi"),
    Case("passport/no-size.pdf", lambda: page_of(b"", b"/MediaBox[0 0 0 0]"), word="rendered at 200 dpi"),
    Case("passport/thread.pdf", lambda: page_of(b"", b"/MediaBox[0 0 1 14400]"), word="padded"),
    Case("passport/deep-lists.pdf", lambda: page_of(b"", A4 + b"/X " + deep(b"[", b"]")), word="rendered"),
    Case("passport/deep-names.pdf", lambda: page_of(b"", A4 + b"/X " + deep(b"<</A ", b">>")), word="rendered"),
    Case("passport/deep-content.pdf", lambda: page_of(deep(b"[", b"]") + b" TJ"), word="rendered"),
    Case("passport/deep-state.pdf", lambda: page_of(b"q " * 1_000_000), word="rendered"),
]  # fmt: skip


@named(HOSTILE)
def test_a_hostile_document_ends_in_time_and_costs_this_process_nothing(case):
    # given
    body = case.make()

    # when
    with bounded(seconds=5):
        found = end_of(case.key, body, Apart)

    # then
    assert (found.status, found.pages) == (case.status, case.pages)
    assert found.code == case.code or (not case.code and found.code in {"truncated", "document-broken"})
    assert case.word in found.said
    for image in found.pictures():
        assert image.width * image.height <= 16_000_000


@pytest.mark.slow
def test_a_page_that_is_never_finished_is_given_up_on():
    with bounded(seconds=35):
        found = end_of("passport/tiles.pdf", tiny_tiles(), Apart)
    assert (found.status, found.code, found.pages) == ("rejected", "too-slow", 0)
    assert "longer than 30 s" in found.said
