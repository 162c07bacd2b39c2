"""Kinds of documents that people have: what other programs show whole is read, and what is not is called what it is."""

from __future__ import annotations

import io
import struct
import time
import warnings
import zlib
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageDraw

from legible.documents import formats
from legible.documents.pages import masks, mending, open_document, probe, structure
from legible.errors import RejectedError
from tests.documents import make
from tests.support.rig import PASSPORT, TEXT, Rig, drawn

WORDS = make.line(b"(Statement of account)", at=(72, 760))
LETTERED = make.lettered()
#: What JPEG, in which pictures are sent, changes of a pixel at the most.
ALIKE = 48


def sent(rig: Rig) -> str:
    """Say what the last call was given: the document, or a picture."""
    return "a picture" if "/work/" in rig.ocr.calls[-1][2].url else "the document"


def read(body: bytes, slug: str = "general-text", name: str = "a") -> Rig:
    rig = Rig(PASSPORT if slug == "passport" else TEXT)
    rig.run(rig.upload(f"{slug}/{name}", body))
    return rig


def reason(body: bytes, slug: str = "general-text") -> tuple[str, str]:
    record = read(body, slug).record(f"{slug}/a")
    return record["status"], record["reason"]["code"] if record["reason"] else ""


def picture_of(name: str, body: bytes, page: int = 1, slug: str = "web-image") -> Image.Image:
    rendered = drawn(name, body, page, slug)
    image = Image.open(io.BytesIO(rendered.body))
    image.load()
    return image.convert("L")


def differs(one: Image.Image, other: Image.Image) -> int:
    """Return by how much two pictures differ at the most, pixel by pixel, of 255."""
    from PIL import ImageChops

    return ImageChops.difference(one.convert("L"), other.convert("L")).getextrema()[1]


# --- PDF ---


class TestBytesBeforeTheHeader:
    BEFORE = {
        "a byte order mark": b"\xef\xbb\xbf",
        "empty lines": b"\r\n\r\n",
        "mail headers": b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\n\r\n",
        "a MacBinary label": b"\0\x05a.pdf" + bytes(121),
    }

    @pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
    def test_its_pages_are_drawn_and_not_sent_as_they_are(self, before):
        rig = read(make.text_pdf(WORDS, WORDS, head=before + b"%PDF-1.7\n"))
        record = rig.record("general-text/a")
        assert (record["status"], record["document"]["page_count"]) == ("done", 2)
        assert sent(rig) == "a picture"


class TestTheEndMark:
    WHOLE = make.text_pdf(WORDS)

    @pytest.mark.parametrize("end", [b"", b"%", b"%%E", b"%%EO", b"\r\n\r\n", b"%%\0\0\0"])
    def test_what_lacks_only_its_end_mark_is_whole(self, end):
        assert reason(make.text_pdf(WORDS, end=end)) == ("done", "")

    def test_so_is_one_whose_table_is_a_few_bytes_from_where_it_is_said_to_be(self):
        whole = make.text_pdf(WORDS, end=b"")
        place = whole.rindex(b"startxref\n") + 10
        moved = whole[:place] + b"%d\n" % (int(whole[place:]) + 5)
        assert reason(moved) == ("done", "")

    @pytest.mark.parametrize("lost", [8, 12, 60, 200, 400])
    def test_what_lacks_more_is_cut(self, lost):
        assert reason(self.WHOLE[:-lost]) == ("rejected", "truncated")

    def test_a_place_where_there_is_no_table_is_none(self):
        whole = make.text_pdf(WORDS, end=b"")
        place = whole.rindex(b"startxref\n") + 10
        assert reason(whole[:place] + b"90\n") == ("rejected", "truncated")


class TestPagesWithoutSides:
    @pytest.mark.parametrize("crop", ["600 900 700 1000", "600 100 700 800", "100 900 300 1000", "-90 -90 -50 -50"])
    def test_one_that_is_cropped_to_nothing_is_broken_and_its_neighbors_are_read(self, crop):
        body = make.pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R 4 0 R 3 0 R]/Count 3>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/CropBox[%s]>>" % crop.encode(),
        )
        pages = read(body, "web-image").record("web-image/a")["pages"]
        assert [page["state"] for page in pages] == ["done", "rejected", "done"]
        assert pages[1]["reason"]["code"] == "page-broken"


class TestSmallPages:
    def test_a_page_smaller_than_any_paper_is_drawn(self):
        small = make.text_pdf(make.line(b"(Account 5512)", 2, (7, 70)), media=b"[0 0 59.5 84.2]/UserUnit 10")
        rig = read(small)
        assert sent(rig) == "a picture"
        assert max(picture_of("pdf", small).size) == 1400

    def test_a_card_is_sent_as_it_is(self):
        assert sent(read(make.text_pdf(WORDS, media=b"[0 0 243 153]"))) == "the document"

    def test_a_page_that_is_not_there_is_no_small_one(self):
        body = make.pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R 9 0 R]/Count 2>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        )
        assert sent(read(body)) == "the document"

    def test_one_small_page_among_others_is_enough(self):
        body = make.pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 60 84]>>",
        )
        assert sent(read(body)) == "a picture"


def scan(mask: bytes = b"", *more: bytes, before: bytes = b"") -> bytes:
    """Return a page that one image of 60 x 85 pixels covers: with a mask, or another shape."""
    image = make.stream(
        zlib.compress(bytes(60 * 85)),
        b"/Type/XObject/Subtype/Image/Width 60/Height 85/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/FlateDecode"
        + mask,
    )
    return make.pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 5 0 R>>>>/Contents 4 0 R>>",
        make.stream(b"q " + before + b" 595 0 0 842 0 0 cm /I Do Q"),
        image,
        *more,
    )


def mask_of(width: int, height: int, bits: int = 8) -> bytes:
    letters = Image.new("L" if bits == 8 else "1", (width, height), 0)
    ImageDraw.Draw(letters).text((width // 10, height // 10), "Policy PX-20418", fill=255, font_size=height // 40)
    kind = b"/ImageMask true" if bits == 1 else b"/ColorSpace/DeviceGray"
    about = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent %d%s/Filter/FlateDecode"
    return make.stream(zlib.compress(letters.tobytes()), about % (width, height, bits, kind))


class TestTheFinestLayer:
    @pytest.mark.parametrize(("entry", "bits"), [(b"/SMask 6 0 R", 8), (b"/Mask 6 0 R", 1), (b"/SMask  6  0  R", 8)])
    def test_a_scan_is_drawn_as_finely_as_its_mask_needs(self, entry, bits):
        # given an image of 7 dpi, in whose mask the letters stand at 200 dpi
        body = scan(entry, mask_of(1653, 2339, bits))
        assert picture_of("pdf", body).size == (1653, 2339)
        counts = picture_of("pdf", body).histogram()
        assert min(sum(counts[:100]), sum(counts[156:])) > 2_000

    def test_a_mask_no_finer_than_its_image_changes_nothing(self):
        assert picture_of("pdf", scan(b"/SMask 6 0 R", mask_of(60, 85))).size == picture_of("pdf", scan()).size

    def test_an_image_shaped_by_a_fine_path_is_drawn_as_paper_is(self):
        letters = b" ".join(b"%d %d m %d %d l %d %d l h" % (x, 700, x + 5, 710, x + 9, 700) for x in range(72, 400, 12))
        assert picture_of("pdf", scan(before=letters + b" W n")).size == (1653, 2339)

    def test_an_image_whose_edges_are_cut_is_a_scan_still(self):
        assert picture_of("pdf", scan(before=b"0 0 595 842 re W n")).size == picture_of("pdf", scan()).size

    def test_the_file_is_looked_through_once_for_all_pages(self, tmp_path):
        path = tmp_path / "a.pdf"
        path.write_bytes(scan(b"/SMask 6 0 R", mask_of(1653, 2339)))
        kept = open_document.OpenDocument()
        assert kept.has_finer_masks(path)
        path.write_bytes(scan())
        assert kept.has_finer_masks(path)
        kept.close()
        assert not kept.has_finer_masks(path)

    def test_a_mask_that_cannot_be_found_is_taken_for_a_fine_one(self):
        assert picture_of("pdf", scan(b"/SMask 99 0 R")).size == (1653, 2339)


def with_files(*names: bytes, catalog: bytes = b"", packed: bool = False) -> bytes:
    """Return a PDF of one page with files inside it."""
    first = 5
    listed = b" ".join(b"(%s) %d 0 R" % (name, first + 2 * n) for n, name in enumerate(names))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[%s]>>>>%s>>" % (listed, catalog),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont"
        b"/Helvetica>>>>>>/Contents 4 0 R>>",
        make.stream(WORDS),
    ]
    for number, name in enumerate(names):
        objects += [
            b"<</Type/Filespec/F(%s)/UF(%s)/EF<</F %d 0 R>>>>" % (name, name, first + 2 * number + 1),
            make.stream(b"%PDF-1.7 inside", b"/Type/EmbeddedFile"),
        ]
    if packed:
        inside = b"<</Type/Collection/View/D>>"
        objects.append(
            make.stream(
                zlib.compress(b"99 0 " + b"/Collection 98 0 R " + inside),
                b"/Type/ObjStm/N 1/First 5/Filter/FlateDecode",
            )
        )
    return make.pdf(*objects)


class TestFilesInside:
    @pytest.mark.parametrize(
        "about", [{"catalog": b"/Collection<</Type/Collection>>"}, {"catalog": b"/Collection 9 0 R"}, {"packed": True}]
    )
    def test_a_portfolio_is_refused_by_the_names_of_what_is_in_it(self, about):
        rig = read(with_files(b"offer.pdf", b"terms.pdf", **about))
        record = rig.record("general-text/a")
        assert (record["status"], record["reason"]["code"], rig.ocr.paid) == ("rejected", "portfolio", 0)
        assert "2 files: offer.pdf, terms.pdf" in record["reason"]["message"]

    def test_many_are_counted(self):
        names = [b"%d.pdf" % number for number in range(25)]
        record = read(with_files(*names, catalog=b"/Collection<<>>")).record("general-text/a")
        assert "19.pdf and 5 more" in record["reason"]["message"]

    @pytest.mark.parametrize("slug", ["general-text", "web-image"])
    def test_files_attached_to_a_document_are_named_at_its_pages(self, slug):
        record = read(with_files(b"factur-x.xml"), slug).record(f"{slug}/a")
        assert record["status"] == "done"
        assert "Inside the PDF, and not read: factur-x.xml." in record["pages"][0]["note"]

    def test_of_many_attached_files_some_are_named(self):
        record = read(with_files(*(b"%d.xml" % number for number in range(12)))).record("general-text/a")
        assert "9.xml and 2 more." in record["pages"][0]["note"]

    def test_a_stream_that_is_packed_otherwise_says_nothing(self, tmp_path):
        path = tmp_path / "a.pdf"
        path.write_bytes(b"<</Type/ObjStm>>stream\nnot packed at all" + b"/Type/ObjStm" + bytes(5000))
        assert not probe.attachments.is_portfolio(path)

    def test_so_many_streams_are_looked_into(self, tmp_path):
        path = tmp_path / "a.pdf"
        path.write_bytes(b"<</Type/ObjStm>>stream\nx" * 2_100)
        assert not probe.attachments.is_portfolio(path)


class TestEncryption:
    CERTIFICATE = (
        b"/Encrypt<</Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4/Length 128/Recipients[<30>]>>/ID[<00><00>]"
    )

    def test_for_those_who_hold_a_certificate_it_is_encrypted_not_broken(self):
        assert reason(make.text_pdf(WORDS, trailer=self.CERTIFICATE)) == ("rejected", "encrypted")

    def test_so_is_what_says_that_it_is_and_does_not_open(self):
        broken = b"/Encrypt<</Filter/Standard/V 5/R 6/O(x)/U(x)/P -1>>/ID[<00><00>]"
        assert reason(make.text_pdf(WORDS, trailer=broken)) == ("rejected", "encrypted")

    def test_so_is_one_that_is_damaged_besides(self):
        assert reason(b"%PDF-1.7\ntrailer<</Root 1 0 R/Encrypt 5 0 R>>\nstartxref\n9\n%%EOF\n") == (
            "rejected",
            "encrypted",
        )

    @pytest.mark.parametrize("revision", [5, 6])
    def test_one_whose_owner_has_no_password_is_read_and_drawn(self, revision):
        rig = read(locked(owner="", revision=revision))
        assert (rig.record("general-text/a")["status"], sent(rig)) == ("done", "a picture")

    def test_one_with_two_passwords_is_not(self):
        assert reason(locked(owner="theirs", revision=6)) == ("rejected", "encrypted")

    def test_one_that_holds_nothing_is_broken(self):
        assert reason(locked(owner="", revision=6, pages=0)) == ("rejected", "document-broken")

    def test_an_error_that_was_told_before_is_not_told_again(self, tmp_path):
        # given a document that was locked, and another one in the same process, which only has no pages
        path, empty = tmp_path / "a.pdf", tmp_path / "b.pdf"
        path.write_bytes(locked(owner="theirs", revision=6))
        pikepdf.new().save(empty)

        # when
        reasons = []
        for each in (path, empty):
            with pytest.raises(RejectedError) as caught:
                probe.look(each, "pdf")
            reasons.append(caught.value.reason_code)

        # then
        assert reasons == ["encrypted", "document-broken"]

    def test_where_nothing_else_can_open_it_it_is_encrypted(self, tmp_path):
        path = tmp_path / "a.pdf"
        path.write_bytes(locked(owner="", revision=6))
        with pytest.raises(RejectedError, match="locked with a password"):
            open_document._opened_pdf(path, has_qpdf=False)

    def test_what_is_broken_without_saying_so_is_broken(self):
        assert reason(b"%PDF-1.7\nnothing at all\n%%EOF\n") == ("rejected", "document-broken")


def locked(owner: str, revision: int, pages: int = 1) -> bytes:
    """Return a PDF with a user's password, and one of its owner's."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(make.text_pdf(WORDS))) as document, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del document.pages[pages:]
        document.save(target, encryption=pikepdf.Encryption(owner=owner, user="secret", R=revision))
    return target.getvalue()


# --- images ---


def tiff_with(tags: dict[int, tuple[str, list[int]]], strip: bytes, order: str = "<") -> bytes:
    """Return a TIFF of one directory; types are ``H`` and ``I``, and 273 and 279 are filled in."""
    tags = dict(tags)
    tags[273], tags[279] = ("I", [8]), ("I", [len(strip)])
    place = 8 + len(strip)
    entries, values = b"", b""
    behind = place + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        body = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(body) > 4:
            at, values = struct.pack(order + "I", behind + len(values)), values + body
        else:
            at = body.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(numbers)) + at
    head = b"II*\0" if order == "<" else b"MM\0*"
    count = struct.pack(order + "H", len(tags))
    return head + struct.pack(order + "I", place) + strip + count + entries + bytes(4) + values


def with_small_palette(bits: int) -> bytes:
    gray = LETTERED.quantize(1 << min(bits, 4)) if bits < 8 else LETTERED.convert("P")
    if bits == 8:
        palette = [min(255, value) for _ in range(3) for value in range(256)]
        strip = LETTERED.tobytes()
    else:
        levels = 1 << bits
        small = LETTERED.point(lambda value: value * (levels - 1) // 255)
        palette = [value * 255 // (levels - 1) for _ in range(3) for value in range(levels)]
        rows = [small.tobytes()[y * 400 : (y + 1) * 400] for y in range(100)]
        strip = b"".join(bytes(row[x] << 4 | row[x + 1] for x in range(0, 400, 2)) for row in rows)
    assert gray.size == (400, 100)
    tags = {256: ("I", [400]), 257: ("I", [100]), 258: ("H", [bits]), 259: ("H", [1]), 262: ("H", [3])}
    return tiff_with({**tags, 277: ("H", [1]), 278: ("I", [100]), 320: ("H", palette)}, strip)


class TestPalettesOfEightBits:
    @pytest.mark.parametrize("bits", [4, 8])
    def test_they_are_not_taken_for_black(self, bits):
        body = with_small_palette(bits)
        assert differs(picture_of("tiff", body), LETTERED) < ALIKE
        assert sent(read(body)) == "a picture"

    def test_a_usual_palette_stays_what_it_is(self):
        body = make.saved(LETTERED.convert("P"), "TIFF")
        assert differs(picture_of("tiff", body), LETTERED) < ALIKE
        assert sent(read(body)) == "the document"


class TestSixteenBitsInPlanes:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_both_orders_of_bytes_are_read(self, order):
        color = Image.merge("RGB", (LETTERED, LETTERED.point(lambda v: v // 2), LETTERED.point(lambda v: 255 - v)))
        planes = [struct.pack(f"{order}40000H", *(value * 257 for value in band.tobytes())) for band in color.split()]
        strip = b"".join(planes)
        tags = {256: ("I", [400]), 257: ("I", [100]), 258: ("H", [16] * 3), 259: ("H", [1]), 262: ("H", [2])}
        body = tiff_with({**tags, 277: ("H", [3]), 278: ("I", [100]), 284: ("H", [2])}, strip, order)
        # three strips, one a plane
        body = body.replace(struct.pack(order + "HHII", 273, 4, 1, 8), struct.pack(order + "HHII", 273, 4, 1, 8))
        head = three_strips(body, order, [8, 8 + 80_000, 8 + 160_000], 80_000)
        assert differs(picture_of("tiff", head), color) < ALIKE


def three_strips(body: bytes, order: str, places: list[int], length: int) -> bytes:
    """Have a TIFF's strips told one by one: their places and lengths stand behind everything else."""
    behind = len(body)
    for tag, numbers in ((273, places), (279, [length] * 3)):
        at = body.index(struct.pack(order + "HHI", tag, 4, 1))
        body = body[:at] + struct.pack(order + "HHII", tag, 4, 3, behind) + body[at + 12 :]
        body += struct.pack(order + "3I", *numbers)
        behind = len(body)
    return body


class TestTransparency:
    @pytest.mark.parametrize(
        ("ink", "ground"),
        [
            pytest.param((0, 0, 0), "white", id="black ink"),
            pytest.param((255, 255, 255), "black", id="white ink"),
            pytest.param((250, 245, 180), "black", id="pale ink"),
            pytest.param((30, 60, 160), "white", id="blue ink"),
        ],
    )
    def test_ink_is_laid_on_what_it_stands_out_from(self, ink, ground):
        image = make.lettered(mode="RGBA", ink=(*ink, 255), ground=(*ink, 0))
        rendered = drawn("png", make.saved(image, "PNG"))
        assert f"laid on {ground}" in rendered.note
        dark, light = Image.open(io.BytesIO(rendered.body)).convert("L").getextrema()
        assert light - dark > 90

    def test_black_and_white_ink_are_both_seen_on_gray(self):
        image = make.lettered(mode="RGBA", ink=(0, 0, 0, 255), ground=(0, 0, 0, 0))
        ImageDraw.Draw(image).text((220, 30), "Total 9", fill=(255, 255, 255, 255), font_size=32)
        rendered = drawn("png", make.saved(image, "PNG"))
        assert "laid on gray" in rendered.note
        counts = Image.open(io.BytesIO(rendered.body)).convert("L").histogram()
        assert sum(counts[:40]) > 200 and sum(counts[215:]) > 200

    def test_a_page_with_transparent_edges_stays_readable(self):
        page = Image.new("RGBA", (500, 200), (0, 0, 0, 0))
        page.paste(LETTERED.convert("RGBA"), (50, 50))
        picture = picture_of("png", make.saved(page, "PNG"))
        assert differs(picture.crop((50, 50, 450, 150)), LETTERED) <= 30

    @pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
    def test_in_every_mode(self, mode):
        image = make.lettered(mode="RGBA", ink=(255, 255, 255, 255), ground=(255, 255, 255, 0))
        if mode == "P":
            image = image.quantize(16)
        else:
            image = image.convert(mode)
        assert picture_of("png", make.saved(image, "PNG")).getextrema()[0] < 90

    def test_a_large_image_is_looked_at_in_parts(self):
        image = Image.new("RGBA", (3000, 2400), (255, 255, 255, 0))
        ImageDraw.Draw(image).text((100, 100), "Large white letters", fill="white", font_size=200)
        assert "laid on black" in drawn("png", make.saved(image, "PNG", compress_level=1)).note

    @pytest.mark.parametrize("premultiplied", [1, 2])
    def test_gray_that_is_multiplied_by_its_opacity(self, premultiplied):
        pixels = b"".join(bytes((value, 255)) for value in LETTERED.tobytes())
        tags = {256: ("I", [400]), 257: ("I", [100]), 258: ("H", [8, 8]), 259: ("H", [1]), 262: ("H", [1])}
        body = tiff_with({**tags, 277: ("H", [2]), 278: ("I", [100]), 338: ("H", [premultiplied])}, pixels)
        assert differs(picture_of("tiff", body), LETTERED) < ALIKE

    def test_one_value_of_sixteen_bits(self):
        values = [0 if value < 128 else 40_000 for value in LETTERED.tobytes()]
        body = png_of(values, transparent=40_000)
        picture = picture_of("png", body)
        assert differs(picture, LETTERED.point(lambda value: 0 if value < 128 else 255)) < ALIKE

    def test_one_color_of_sixteen_bits(self):
        body = make.saved(make.lettered(mode="RGB", ink=(0, 0, 0), ground=(10, 200, 10)), "PNG")
        key = struct.pack(">3H", 10 * 257, 200 * 257, 10 * 257)
        wide = sixteen(body, key)
        assert picture_of("png", wide).getextrema()[1] == 255


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(values: list[int], transparent: int) -> bytes:
    rows = b"".join(b"\0" + struct.pack(">400H", *values[y * 400 : (y + 1) * 400]) for y in range(100))
    head = struct.pack(">IIBBBBB", 400, 100, 16, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tRNS", struct.pack(">H", transparent))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def sixteen(body: bytes, key: bytes) -> bytes:
    """Return an RGB PNG with 16 bits a sample and one transparent color."""
    with Image.open(io.BytesIO(body)) as image:
        pixels = image.convert("RGB").tobytes()
    row = 400 * 3
    rows = b"".join(
        b"\0" + b"".join(bytes((value, value)) for value in pixels[y * row : (y + 1) * row]) for y in range(100)
    )
    head = struct.pack(">IIBBBBB", 400, 100, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"tRNS", key) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


class TestFormatsByTheirBrands:
    @pytest.mark.parametrize("version", [0, 2, 3, 4, 5])
    def test_every_version_of_pcx(self, version):
        body = bytearray(make.saved(LETTERED.convert("1"), "PCX"))
        body[1] = version
        assert formats.format_of(bytes(body)) == "pcx"
        assert reason(bytes(body)) == ("done", "")

    def test_a_text_that_begins_with_a_line_feed_is_no_pcx(self):
        with pytest.raises(RejectedError, match="not an image"):
            formats.format_of(b"\n\x02\x01 and so on" + bytes(200))

    @pytest.mark.parametrize(
        ("major", "compatible", "name"),
        [
            (b"avif", [], "avif"),
            (b"avis", [b"msf1"], "avif"),
            (b"mif1", [b"miaf", b"avif"], "avif"),
            (b"msf1", [b"avis"], "avif"),
            (b"MA1B", [b"avif"], "avif"),
            (b"heic", [b"mif1"], "heic"),
            (b"hevc", [b"msf1"], "heic"),
            (b"mif1", [b"heic"], "heic"),
            (b"mif1", [], "heic"),
        ],
    )
    def test_pictures_and_sequences_by_what_they_say_they_are(self, major, compatible, name):
        box = major + bytes(4) + b"".join(compatible)
        body = struct.pack(">I", 8 + len(box)) + b"ftyp" + box + bytes(100)
        assert formats.format_of(body) == name

    @pytest.mark.parametrize("major", [b"isom", b"mp42", b"qt  "])
    def test_a_film_is_none_whatever_it_is_compatible_with(self, major):
        box = major + bytes(4) + b"avif"
        with pytest.raises(RejectedError):
            formats.format_of(struct.pack(">I", 8 + len(box)) + b"ftyp" + box + bytes(100))

    def test_of_a_sequence_the_first_picture_is_read(self):
        frames = [make.lettered(f"Page {number}", "RGB", (0, 0, 0), (255, 255, 255)) for number in (1, 2)]
        body = make.saved(frames[0], "AVIF", save_all=True, append_images=frames[1:])
        assert body[8:12] == b"avis"
        record = read(body, "web-image").record("web-image/a")
        assert record["status"] == "done"
        assert "only the first of 2 frames" in record["pages"][0]["note"]


class TestLosslessJpeg:
    def test_bytes_behind_its_end_do_not_make_it_cut(self):
        body = lossless_jpeg() + b"\0\x01behind it"
        rig = read(body)
        assert rig.record("general-text/a")["status"] == "done"

    def test_nor_do_they_one_that_cannot_be_decoded_here(self):
        rig = read(lossless_jpeg(bits=16) + b"\0\x01behind it")
        record = rig.record("general-text/a")
        assert (record["status"], sent(rig)) == ("done", "the document")
        assert "cannot be converted here" in record["pages"][0]["note"]
        assert reason(lossless_jpeg(bits=16)[:-80])[1] == "truncated"

    def test_it_is_scaled_down_after_it_was_decoded(self):
        assert drawn("jpeg", lossless_jpeg(), slug="passport", max_side=40).width <= 40


def lossless_jpeg(bits: int = 8) -> bytes:
    """Return a lossless JPEG of 64 x 64 gray pixels, all of one value (ITU-T T.81, annex H)."""
    sof = struct.pack(">BHHB", bits, 64, 64, 1) + bytes((1, 0x11, 0))
    lengths = bytes((1, *[0] * 15))  # one code of one bit: no difference
    dht = bytes((0,)) + lengths + bytes((0,))
    sos = bytes((1, 1, 0x00, 1, 0, 0))  # predictor 1
    data = bytes(64 * 64 // 8)
    segments = ((0xC3, sof), (0xC4, dht), (0xDA, sos))
    body = b"".join(struct.pack(">BBH", 0xFF, marker, len(part) + 2) + part for marker, part in segments)
    return b"\xff\xd8" + body + data + b"\xff\xd9"


def tiff_of_unknown_packing() -> bytes:
    tags = {256: ("I", [60]), 257: ("I", [40]), 258: ("H", [8]), 259: ("H", [34_712]), 262: ("H", [1])}
    return tiff_with({**tags, 277: ("H", [1]), 278: ("I", [40])}, b"something packed in JPEG 2000's way")


class TestKindsThatTheLibraryDoesNotKnow:
    KINDS = {"bmp": make.bmp_of_bit_fields(), "tiff": tiff_of_unknown_packing()}

    @pytest.mark.parametrize("body", KINDS.values(), ids=KINDS)
    def test_where_the_operation_takes_the_format_it_is_sent_as_it_is(self, body):
        rig = read(body)
        record = rig.record("general-text/a")
        assert (record["status"], sent(rig)) == ("done", "the document")
        assert "cannot be converted here; it was sent as it is" in record["pages"][0]["note"]
        assert (record["document"]["width"], record["document"]["height"]) == (60, 40)

    def test_else_it_is_called_what_it_is_and_not_broken(self):
        # given one that the operation would only take after it was padded
        rig = read(make.bmp_of_bit_fields(height=8), "passport")
        record = rig.record("passport/a")
        assert (record["status"], record["reason"]["code"], rig.ocr.paid) == ("rejected", "kind-not-read", 0)
        assert "This kind of BMP is not read here" in record["reason"]["message"]

    @pytest.mark.parametrize("body", [make.bmp_of_bit_fields()[:-200], tiff_of_unknown_packing()[:60]])
    def test_what_is_cut_is_still_cut(self, body):
        assert reason(body)[1] in {"truncated", "document-broken"}

    def test_a_page_of_such_a_kind_behind_others_is_told_and_they_are_read(self):
        # given three pages, the second in a packing that nobody here knows
        body = make.saved(LETTERED, "TIFF", save_all=True, append_images=[LETTERED, LETTERED])
        packing = struct.pack("<HHIH", 259, 3, 1, 1)
        second = body.index(packing, body.index(packing) + 1)
        body = body[:second] + struct.pack("<HHIH", 259, 3, 1, 34_712) + body[second + 10 :]

        # when
        record = read(body).record("general-text/a")

        # then
        assert [page["state"] for page in record["pages"]] == ["done", "rejected", "done"]
        assert record["pages"][1]["reason"]["code"] == "kind-not-read"
        assert "of a kind that is not read here" in record["pages"][1]["reason"]["message"]

    def test_of_a_document_of_many_such_pages_none_is_sent_alone(self):
        body = make.saved(LETTERED, "TIFF", save_all=True, append_images=[LETTERED])
        body = body.replace(struct.pack("<HHIH", 259, 3, 1, 1), struct.pack("<HHIH", 259, 3, 1, 34_712))
        record = read(body).record("general-text/a")
        assert (record["status"], [page["reason"]["code"] for page in record["pages"]]) == (
            "rejected",
            ["kind-not-read"] * 2,
        )

    @pytest.mark.parametrize(
        "body",
        [pytest.param(make.saved(LETTERED, name), id=name) for name in ("PNG", "JPEG", "BMP", "TIFF")],
    )
    def test_a_whole_file_is_whole_and_a_cut_one_is_not(self, body):
        assert structure.whole(io.BytesIO(body)) == (400, 100, 1)
        for end in range(0, len(body) - 1, max(1, len(body) // 40)):
            if body[:2] not in {b"II", b"MM"}:  # a TIFF's directory may stand before the pixels
                assert structure.whole(io.BytesIO(body[:end])) is None

    def test_a_tiff_of_64_bits_is_whole_in_either_order(self):
        body = make.saved(LETTERED, "TIFF", big_tiff=True)
        assert structure.whole(io.BytesIO(body)) == (400, 100, 1)
        assert structure.whole(io.BytesIO(body[: len(body) // 2])) is None
        turned = big_tiff_of_motorola()
        assert structure.whole(io.BytesIO(turned)) == (60, 40, 1)
        assert differs(picture_of("tiff", turned), LETTERED.crop((0, 0, 60, 40))) < ALIKE
        assert sent(read(turned)) == "a picture"
        assert reason(turned[:-60])[1] == "document-broken"

    def test_a_directory_whose_link_was_left_out_is_the_last_one(self):
        body = tiff_with({256: ("I", [60]), 257: ("I", [40]), 258: ("H", [8]), 262: ("H", [1])}, bytes(range(240)) * 10)
        place = struct.unpack_from("<I", body, 4)[0]
        entries = struct.unpack_from("<H", body, place)[0]
        without = body[:4] + struct.pack("<I", len(body)) + body[8:] + body[place : place + 2 + 12 * entries]
        assert structure.whole(io.BytesIO(without)) == (60, 40, 1)
        assert differs(picture_of("tiff", without), picture_of("tiff", body)) == 0
        assert reason(without[:-1])[1] == "document-broken"

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            pytest.param(2, 0, id="it may tell no length"),
            pytest.param(28, 5, id="five bits of a pixel"),
            pytest.param(46, 1 << 20, id="colors behind its end"),
        ],
    )
    def test_a_bmp_that_is_cut_or_wrong_is_not_whole(self, place, value):
        body = make.saved(LETTERED, "BMP")
        form = "<H" if place == 28 else "<I"
        changed = body[:place] + struct.pack(form, value) + body[place + struct.calcsize(form) :]
        assert structure.whole(io.BytesIO(changed if place != 2 else changed[:-200])) is None

    def test_a_cut_bmp_that_tells_no_length_is_not_paid_for(self):
        body = make.saved(LETTERED, "BMP")
        silent = body[:2] + bytes(4) + body[6:]
        assert read(silent).record("general-text/a")["status"] == "done"
        assert reason(silent[:-5000]) == ("rejected", "truncated")

    def test_colors_that_a_bmp_of_24_bits_tells_of_are_none(self):
        body = make.saved(LETTERED.convert("RGB"), "BMP")
        assert structure.whole(io.BytesIO(body[:46] + struct.pack("<I", 1 << 20) + body[50:])) == (400, 100, 1)

    def test_a_png_without_pixels_is_not_whole(self):
        body = make.saved(LETTERED, "PNG")
        assert structure.whole(io.BytesIO(body[:33] + body[-12:])) is None

    def test_a_tiff_with_too_few_strips_is_not_whole(self):
        tags = {256: ("I", [60]), 257: ("I", [40]), 258: ("H", [8]), 262: ("H", [1]), 278: ("I", [10])}
        assert structure.whole(io.BytesIO(tiff_with(tags, bytes(600)))) is None


def big_tiff_of_motorola() -> bytes:
    """Return a TIFF of 64 bits whose numbers begin with the highest byte; Pillow knows only the other order."""
    strip = LETTERED.crop((0, 0, 60, 40)).tobytes()
    name = b"a scanner's name"
    half = len(strip) // 2
    behind = struct.pack(">QQ", 16, 16 + half) + struct.pack(">QQ", half, half) + name
    place = 16 + len(strip)
    single = {256: 60, 257: 40, 258: 8, 259: 1, 262: 1, 277: 1, 278: 20}
    several = {273: (16, 2, place), 279: (16, 2, place + 16), 305: (2, len(name), place + 32)}
    entries = {tag: (16, 1, value) for tag, value in single.items()} | several
    listed = b"".join(struct.pack(">HHQQ", tag, *entry) for tag, entry in sorted(entries.items()))
    head = b"MM\0+" + struct.pack(">HHQ", 8, 0, place + len(behind))
    return head + strip + behind + struct.pack(">Q", len(entries)) + listed + struct.pack(">Q", 0)


class TestWhatBreaksTheLibrary:
    @pytest.mark.parametrize("frames", [0, 1, 2])
    def test_an_animation_with_parts_missing_is_its_first_picture(self, frames):
        still = make.saved(LETTERED, "PNG")
        body = still[:33] + chunk(b"acTL", struct.pack(">II", frames, 0)) + still[33:]
        record = read(body, "web-image").record("web-image/a")
        assert record["status"] == "done"
        assert differs(picture_of("png", body), LETTERED) < ALIKE

    def test_a_jfif_segment_that_is_too_short_is_passed_over(self):
        whole = make.saved(LETTERED, "JPEG", quality=95)
        assert whole[2:4] == b"\xff\xe0"
        length = struct.unpack(">H", whole[4:6])[0]
        body = whole[:2] + b"\xff\xe0\0\x07JFIF\0" + whole[2 + 2 + length :]
        with_two = whole[:2] + b"\xff\xe0\0\x07JFIF\0" + whole[2:]
        for one in (body, with_two):
            assert differs(picture_of("jpeg", one), LETTERED) < ALIKE
            assert reason(one) == ("done", "")
        assert sent(read(body)) == "a picture"  # other readers may give up, too

    @pytest.mark.parametrize("body", [b"", b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xd8\xff", b"GIF89a"])
    def test_what_has_none_of_these_parts_is_left_alone(self, body):
        assert mending.without_what_breaks(io.BytesIO(body)) is None


class TestPsd:
    @staticmethod
    def psd(channels: int, *, merged: bool = True, packed: bool = True) -> bytes:
        rows = [LETTERED.tobytes()[y * 400 : (y + 1) * 400] for y in range(100)]
        lines = [
            b"".join(
                bytes((127,)) + row[x : x + 128]
                if len(row[x : x + 128]) == 128
                else bytes((len(row[x:]) - 1,)) + row[x:]
                for x in range(0, 400, 128)
            )
            for row in rows
        ]
        resource = b"8BIM" + struct.pack(">HHI", 0x0421, 0, 5) + struct.pack(">IB", 1, merged) + b"\0"
        head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, 100, 400, 8, 3)
        about = head + struct.pack(">I", 0) + struct.pack(">I", len(resource)) + resource + struct.pack(">I", 0)
        if not packed:
            return about + struct.pack(">H", 0) + b"".join(rows) * channels
        table = b"".join(struct.pack(">H", len(line)) for line in lines) * channels
        return about + struct.pack(">H", 1) + table + b"".join(lines) * channels

    @pytest.mark.parametrize("channels", [3, 5, 6])
    @pytest.mark.parametrize("packed", [True, False])
    def test_channels_that_are_no_colors_do_not_shift_the_others(self, channels, packed):
        assert differs(picture_of("psd", self.psd(channels, packed=packed)), LETTERED) < ALIKE

    def test_one_without_a_picture_of_its_own_is_refused(self):
        assert reason(self.psd(3, merged=False))[1] == "without-picture"


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "bmp"])
def test_no_bytes_break_the_look_at_a_structure(kind):
    # given a whole file, when any byte of its first 200 has any of a few values, then it is whole, or it is not
    body = {"png": "PNG", "jpeg": "JPEG", "tiff": "TIFF", "bmp": "BMP"}[kind]
    whole = bytearray(make.saved(make.lettered(), body))
    found = set()
    for place in range(min(200, len(whole))):
        for value in (0, 1, 0x7F, 0xFF):
            changed = bytes(whole[:place] + bytes((value,)) + whole[place + 1 :])
            found.add(structure.whole(io.BytesIO(changed)) is None)
            structure.is_lossless_jpeg(io.BytesIO(changed))
            mending.without_what_breaks(io.BytesIO(changed))
    assert found == {True, False}


def test_masks_are_counted_no_further_than_is_worth_it(tmp_path: Path):
    path = tmp_path / "a.pdf"
    image = b"1 0 obj<</Width 9/Height 9/SMask 2 0 R>>stream\n2 0 obj<</Width 9/Height 9>>stream\n"
    path.write_bytes(image)
    assert not masks.any_is_finer(path)
    path.write_bytes(image + b" 7 0 obj<</Width 9/Height 9/SMask 2 0 R>>stream" * 1_001)
    assert masks.any_is_finer(path)


def test_a_scan_of_many_pages_with_masks_is_gone_through_once(tmp_path: Path):
    pages = b"".join(
        b"%d 0 obj<</Subtype/Image/Width 90/Height 90/SMask %d 0 R>>stream\n" % (number, number + 1)
        + bytes(60_000)
        + b"endstream endobj\n%d 0 obj<</Width 90/Height %d>>stream\n\nendstream endobj\n" % (number + 1, 90)
        for number in range(1, 801, 2)
    )
    path = tmp_path / "a.pdf"
    path.write_bytes(pages)
    began = time.process_time()
    assert not masks.any_is_finer(path)
    assert time.process_time() - began < 5  # to look for each mask from the beginning takes ten times as long
    path.write_bytes(pages + b"800 0 obj<</Width 90/Height 91>>stream\n\nendstream endobj\n")
    assert masks.any_is_finer(path)  # the last one of two objects of a number counts


def test_directories_without_end_are_refused(tmp_path: Path):
    from legible.documents.pages import tiff

    many = b"".join(struct.pack("<HI", 0, 8 + 6 * (number + 1)) for number in range(100_001))
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + many)
    with path.open("rb") as file, pytest.raises(ValueError, match="no end"):
        tiff.directories(file)


@pytest.mark.parametrize(("head", "order"), [(b"MM\0+", ">"), (b"II+\0", "<")])
def test_a_thumbnail_of_a_bigtiff_is_no_page_in_either_order(tmp_path: Path, head, order):
    from legible.documents.pages import tiff

    entry = struct.pack(order + "HHQI4x", tiff.KIND, 4, 1, tiff.OVERVIEW)
    thumbnail = struct.pack(order + "Q", 1) + entry + struct.pack(order + "Q", 16 + 36)
    path = tmp_path / "a.tif"
    path.write_bytes(head + struct.pack(order + "HHQ", 8, 0, 16) + thumbnail + struct.pack(order + "QQ", 0, 0))
    with path.open("rb") as file:
        assert tiff.pages(file) == [16 + 36]
