"""Intake: format by the first bytes, ends, sizes, sides."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from legible import catalog, intake, pages
from legible.errors import RejectedError
from rig import pdf, picture, tiff

#: Made with a user password; nothing can be read of it without.
LOCKED = Path(__file__).parents[1] / "documents" / "hostile" / "locked.pdf"


OFD = "OFD: only what the service reads of it by itself, its first page."


def zipped(*names):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (picture(), "png"), (picture(name="JPEG"), "jpeg"), (picture(name="BMP"), "bmp"), (picture(name="GIF"), "gif"),
        (picture(name="WEBP"), "webp"), (picture(name="ICO"), "ico"), (picture(name="PCX"), "pcx"), (tiff(1), "tiff"),
        (pdf(1), "pdf"), (zipped("OFD.xml", "Doc_0/Document.xml"), "ofd"), (b"8BPS\0\1", "psd"),
        (b"\0\0\0\x18ftypheic", "heic"), (b"junk before %PDF-1.7", "pdf"),
    ],
)  # fmt: skip
def test_the_format_is_told_by_the_first_bytes(body, name):
    assert intake.format_of(body[: intake.FIRST_BYTES]) == name


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty: 0 bytes"), (zipped("word/document.xml"), "an Office file"), (zipped("a.txt"), "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Office"), (b"{\\rtf1", "RTF"), (b"  <svg xmlns=", "SVG"),
        (b"Dear Anna", "text"),
        (b"\x01\x02\x03\x04\x05\x06\x07\x80", "begin with 01 02 03"), (b"Rar!\x1a", "RAR"), (b"7z\xbc\xaf", "7z"),
    ],
)  # fmt: skip
def test_what_no_operation_reads_is_named_and_advised(body, said):
    with pytest.raises(RejectedError, match=said) as caught:
        intake.format_of(body)
    assert caught.value.advice


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_cut_image_is_told_by_its_missing_end(name):
    whole = picture(300, 200, name)
    kind = intake.format_of(whole)
    assert intake.ends(kind, len(whole), whole[:99], whole[-intake.LAST_BYTES :])
    cut = whole[: len(whole) // 2]
    assert not intake.ends(kind, len(cut), cut[:99], cut[-intake.LAST_BYTES :])
    assert pages.decodes(kind, whole)
    assert pages.decodes("pdf", pdf(1))
    assert not pages.decodes(kind, cut)


def test_a_cut_pdf_is_told_and_formats_without_an_end_pass():
    assert not intake.ends("pdf", 10, b"%PDF-", b"%PDF-")
    assert intake.ends("tiff", 10, b"II*\0", b"")
    assert intake.ends("bmp", 4, b"BM", b"BM")


class TestLimits:
    text, passport = catalog.find("general-text"), catalog.find("passport")

    def test_the_base64_text_counts_not_the_file(self):
        largest = 10 * 2**20 // 4 * 3
        intake.judge_size(self.passport, largest)
        with pytest.raises(RejectedError, match="at most 7.5 MB"):
            intake.judge_size(self.passport, largest + 1)

    @pytest.mark.parametrize("sides", [(15, 15), (8192, 15)])
    def test_sides_within(self, sides):
        intake.judge_sides(self.passport, *sides)

    @pytest.mark.parametrize(
        ("sides", "code"), [((14, 99), "sides-too-small"), ((99, 8193), "sides-too-large")]
    )  # fmt: skip
    def test_sides_without(self, sides, code):
        with pytest.raises(RejectedError, match="takes sides of 15 to 8192 px") as caught:
            intake.judge_sides(self.passport, *sides)
        assert caught.value.reason_code == code

    def test_pixels(self):
        intake.judge_sides(self.text, 30000, 5000)
        with pytest.raises(RejectedError, match="at most 160 million pixels"):
            intake.judge_sides(self.text, 30000, 6000)

    def test_small_sizes_are_shown_in_bytes(self):
        assert intake._mb(10) == "10 bytes"


@given(st.binary(max_size=200))
def test_no_first_bytes_crash(body):
    try:
        name = intake.format_of(body)
    except RejectedError as error:
        assert error.advice
    else:
        intake.ends(name, len(body), body, body)


class TestPages:
    def test_sides_are_read_from_a_beginning(self):
        assert pages.measure(picture(300, 200)[:64]) == (300, 200)
        assert pages.measure(b"\x89PNG\r\n\x1a\n") is None

    def test_a_bomb_is_refused_by_its_header(self):
        import struct
        import zlib

        head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        body = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + b"\0\0\0\0IDAT"
        with pytest.raises(RejectedError, match="178 million"):
            pages.measure(body)

    @pytest.mark.parametrize(
        ("slug", "kind", "body", "plan"),
        [
            ("general-text", "pdf", pdf(2), pages.Plan(count=2, pages=2, parameter="pdf_page_number")),
            ("passport", "pdf", pdf(2), pages.Plan(count=2, pages=2, rendered=True)),
            ("peru-id-card", "pdf", pdf(2), pages.Plan(pages=2)),
            ("business-license", "pdf", pdf(1), pages.Plan()),
            ("business-license", "pdf", pdf(2), pages.Plan(count=2, pages=2, rendered=True)),
            ("passport", "tiff", tiff(1), pages.Plan()),
            ("passport", "tiff", tiff(2), pages.Plan(count=2, pages=2, rendered=True)),
            ("passport", "webp", picture(name="WEBP"), pages.Plan(rendered=True)),
            ("passport", "png", None, pages.Plan()),
            (
                "vat-invoice",
                "ofd",
                None,
                pages.Plan(note=OFD),
            ),
        ],
    )
    def test_each_page_has_its_call(self, slug, kind, body, plan):
        assert pages.plan(catalog.find(slug), kind, body) == plan

    def test_an_animation_says_that_one_frame_is_read(self):
        target = io.BytesIO()
        frames = [Image.new("L", (20, 20), shade) for shade in (0, 99, 200)]
        frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
        plan = pages.plan(catalog.find("general-text"), "gif", target.getvalue())
        assert plan == pages.Plan(note="Animated: only the first of 3 frames was read.")

    @pytest.mark.parametrize(("slug", "kind"), [("passport", "ofd"), ("passport", "heic")])
    def test_what_the_operation_does_not_take_is_said(self, slug, kind):
        with pytest.raises(RejectedError, match="does not take"):
            pages.plan(catalog.find(slug), kind, None)

    @pytest.mark.parametrize(("body", "code"), [(b"%PDF-1.7 nothing %%EOF", "document-broken")])
    def test_a_broken_pdf(self, body, code):
        with pytest.raises(RejectedError) as caught:
            pages.plan(catalog.find("passport"), "pdf", body)
        assert caught.value.reason_code == code

    def test_a_pdf_without_pages(self):
        target = io.BytesIO()
        pypdfium2.PdfDocument.new().save(target)
        with pytest.raises(RejectedError, match="is broken"):
            pages.plan(catalog.find("passport"), "pdf", target.getvalue())

    def test_a_pdf_with_a_password(self):
        with pytest.raises(RejectedError, match="locked with a password"):
            pages.plan(catalog.find("passport"), "pdf", LOCKED.read_bytes())

    def test_a_page_that_is_missing_is_said_by_its_number(self):
        body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R 9 0 R]/Count 2>>"
        body += b"endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
        body += b"trailer<</Root 1 0 R/Size 4>>\n%%EOF"
        assert pages.plan(catalog.find("passport"), "pdf", body).count == 2
        with pytest.raises(RejectedError, match="Page 2 of the PDF cannot be rendered"):
            pages.render(catalog.find("passport"), "pdf", body, 2)

    def test_an_image_that_cannot_be_opened(self):
        with pytest.raises(RejectedError, match="cannot be read"):
            pages.plan(catalog.find("passport"), "tiff", b"II*\0")

    def test_a_page_is_rendered_at_200_dpi_within_the_operations_sides(self):
        made = pages.render(catalog.find("passport"), "pdf", pdf(2), 2)
        assert (made.media_type, made.suffix) == ("image/jpeg", ".jpg")
        assert "200 dpi" in made.note
        assert Image.open(io.BytesIO(made.body)).size == (made.width, made.height)

    def test_a_frame_keeps_its_gray_and_a_picture_its_color(self):
        gray = pages.render(catalog.find("passport"), "tiff", tiff(2), 2)
        color = pages.render(catalog.find("passport"), "webp", picture(name="WEBP"), 1)
        assert (gray.suffix, color.suffix) == (".png", ".jpg")

    def test_a_picture_larger_than_the_operation_takes_is_scaled_and_said(self):
        made = pages.render(catalog.find("taxi-invoice"), "webp", picture(5000, 100, "WEBP"), 1)
        assert made.width == 4096
        assert "scaled to 4096 x 82 px" in made.note

    def test_a_frame_that_is_broken_is_said(self):
        body = tiff(2)
        with pytest.raises(RejectedError, match="Image 9"):
            pages.render(catalog.find("passport"), "tiff", body, 9)

    def test_what_is_too_large_to_be_converted_is_said(self):
        one = Image.new("1", (9000, 5000))
        target = io.BytesIO()
        one.save(target, "TIFF", compression="group4", save_all=True, append_images=[one])
        with pytest.raises(RejectedError, match="9000 x 5000 px; at most 40 million pixels"):
            pages.render(catalog.find("passport"), "tiff", target.getvalue(), 2)
        assert not pages.decodes("tiff", target.getvalue())

    def test_a_bomb_behind_the_first_page_is_said(self):
        target = io.BytesIO()
        small, bomb = Image.new("1", (20, 20)), Image.new("1", (20_000, 20_000))
        small.save(target, "TIFF", compression="group4", save_all=True, append_images=[bomb])
        with pytest.raises(RejectedError) as caught:
            pages.render(catalog.find("passport"), "tiff", target.getvalue(), 2)
        assert caught.value.reason_code == "too-many-pixels"

    def test_a_picture_that_passes_the_limit_is_pressed_until_it_fits(self):
        noise = Image.effect_noise((900, 900), 120)
        body, media_type, _ = pages._encoded(noise, 60_000)
        assert media_type == "image/jpeg"
        assert len(body) <= 60_000
