"""Documents of kinds that people have, made by a few lines each. Values only."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

from PIL import Image, ImageDraw


def saved(image: Image.Image, name: str, **options: Any) -> bytes:
    """Return an image as a file of a format."""
    target = io.BytesIO()
    image.save(target, name, **options)
    return target.getvalue()


def lettered(text: str = "Invoice 48213", mode: str = "L", ink: Any = 0, ground: Any = 255) -> Image.Image:
    """Return a small picture with a line of text on it."""
    image = Image.new(mode, (400, 100), ground)
    ImageDraw.Draw(image).text((20, 30), text, fill=ink, font_size=32)
    return image


def pdf(*objects: bytes, head: bytes = b"%PDF-1.7\n", trailer: bytes = b"", end: bytes = b"%%EOF\n") -> bytes:
    """Return a PDF of these objects, numbered from 1; the first is its catalog. Offsets count from ``%PDF-``."""
    body, places = head, []
    start = head.find(b"%PDF-")
    for number, text in enumerate(objects, 1):
        places.append(len(body) - start)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    about = b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n" % (len(objects) + 1, trailer, len(body) - start)
    return body + table + about + end


def stream(body: bytes, about: bytes = b"") -> bytes:
    """Return a stream object."""
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(body), about, body)


def text_pdf(
    *pages: bytes,
    font: bytes = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    media: bytes = b"[0 0 595 842]",
    **options: Any,
) -> bytes:
    """Return a PDF with one page for each content stream, and a font ``/F1``."""
    count = len(pages)
    kids = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(count))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)]
    for number, content in enumerate(pages):
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox %s/Resources<</Font<</F1 %s>>>>/Contents %d 0 R>>"
            % (media, font, 4 + 2 * number),
            stream(content),
        ]
    return pdf(*objects, **options)


def line(text: bytes, size: int = 24, at: tuple[int, int] = (72, 700), before: bytes = b"") -> bytes:
    """Return the content of a page with one line of text; ``text`` with its brackets."""
    return b"BT %s /F1 %d Tf %d %d Td %s Tj ET\n" % (before, size, *at, text)


#: A font that is not in the file, and whose characters are numbered as in it: nobody can tell what they look like.
UNKNOWN_FONT = (
    b"<</Type/Font/Subtype/Type0/BaseFont/Nowhere/Encoding/Identity-H/DescendantFonts[<</Type/Font"
    b"/Subtype/CIDFontType2/BaseFont/Nowhere/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
    b"/FontDescriptor<</Type/FontDescriptor/FontName/Nowhere/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0"
    b"/Ascent 800/Descent -200/CapHeight 700/StemV 80>>/DW 600>>]>>"
)
#: Characters of it that no font has.
UNKNOWN_TEXT = b"<FFF1FFF2FFF3>"


def bmp_of_bit_fields(height: int = 40) -> bytes:
    """Return a BMP of 16 bits whose fields are four bits each: right, and not known to Pillow."""
    pixels = struct.pack("<H", 0x0FFF) * (60 * height)
    about = struct.pack("<IiiHHIIiiII", 40, 60, height, 1, 16, 3, len(pixels), 2835, 2835, 0, 0)
    masks = struct.pack("<III", 0xF00, 0x0F0, 0x00F)
    place = 14 + len(about) + len(masks)
    return b"BM" + struct.pack("<IHHI", place + len(pixels), 0, 0, place) + about + masks + pixels


def ofd(behind: int = 0) -> bytes:
    """Write an OFD: a ZIP that names its root file; many writers put their pictures, ``behind``, before it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        if behind:
            archive.writestr("Doc_0/Res/image.png", bytes(behind))
        archive.writestr("OFD.xml", "<ofd:OFD/>")
        archive.writestr("Doc_0/Document.xml", bytes(range(256)) * 9)
    return target.getvalue()
