"""Pages: what people really upload becomes pictures that the operation reads, page by page, and hostile files end."""

from __future__ import annotations

import io
import struct
import time
import zlib

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from legible import ports
from legible.documents import formats, pages
from legible.documents.pages import Look, PagePlan, Worker, open_document, render, worker
from legible.documents.pages.plan import fits
from legible.errors import HeldError, OutOfTimeError, RejectedError, UnavailableError
from legible.model import messages
from legible.operations import catalog
from tests.documents import make
from tests.documents.make import saved
from tests.support.examples import examples
from tests.support.fakes import SheetsHere
from tests.support.places import DOCUMENTS
from tests.support.rig import IN, Rig, drawn, pdf, picture, tiff

#: Made with a user password; nothing can be read of it without.
LOCKED = DOCUMENTS / "hostile" / "locked.pdf"
OFD = "OFD: only what the service reads of it by itself, its first page."
HEIC = DOCUMENTS / "odd" / "photo.heic"


def opened(kind, name, body, **values):
    return kind(name, len(body), lambda first, last: body[first : last + 1], **values)


def look(name, body):
    with opened(SheetsHere, name, body) as document:
        return document.look(60)


def size_of(made):
    return Image.open(io.BytesIO(made.body)).size


def png_of(width, height):
    """Return a PNG that claims so many pixels and holds none."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + b"\0\0\0\0IDAT"


def turned(orientation):
    """Return a JPEG, 60 x 40 px as it is stored, black in its stored top left corner."""
    image = Image.new("RGB", (60, 40), "white")
    ImageDraw.Draw(image).rectangle((0, 0, 19, 19), fill="black")
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, "JPEG", exif=exif, quality=95)


class TestHeader:
    def test_sides_are_read_from_a_beginning(self):
        found = pages.header(picture(300, 200)[:64])
        assert (found.width, found.height, found.mode) == (300, 200, "RGB")
        assert pages.header(b"\x89PNG\r\n\x1a\n") is None

    def test_a_bomb_is_refused_by_its_header(self):
        with pytest.raises(RejectedError, match="178 million"):
            pages.header(png_of(60000, 60000))

    @pytest.mark.parametrize(("orientation", "sides"), [(1, (60, 40)), (3, (60, 40)), (6, (40, 60)), (99, (60, 40))])
    def test_a_photo_is_judged_upright(self, orientation, sides):
        found = pages.header(turned(orientation))
        assert (found.width, found.height) == sides
        assert found.turned == (orientation in {3, 6})

    def test_broken_exif_is_no_turn(self):
        body = turned(6).replace(b"MM\0*", b"XX\0*").replace(b"II*\0", b"XX*\0")
        assert not pages.header(body).turned
        number, text = b"\x01\x12\0\x03\0\0\0\x01\0\x06", b"\x01\x12\0\x02\0\0\0\x01A\0"
        assert number in turned(6)
        assert not pages.header(turned(6).replace(number, text)).turned


class TestPlan:
    @pytest.mark.parametrize(
        ("slug", "kind", "body", "plan"),
        [
            ("general-text", "pdf", pdf(2), PagePlan(count=2, pages=2, parameter="pdf_page_number")),
            ("passport", "pdf", pdf(2), PagePlan(count=2, pages=2, rendered=True)),
            ("peru-id-card", "pdf", pdf(2), PagePlan(pages=2)),
            ("business-license", "pdf", pdf(1), PagePlan()),
            ("business-license", "pdf", pdf(2), PagePlan(count=2, pages=2, rendered=True)),
            ("passport", "tiff", tiff(1), PagePlan()),
            ("passport", "tiff", tiff(2), PagePlan(count=2, pages=2, rendered=True)),
            ("passport", "webp", picture(name="WEBP"), PagePlan(rendered=True)),
            ("passport", "avif", picture(name="AVIF"), PagePlan(rendered=True)),
            ("passport", "png", picture(), PagePlan()),
            ("passport", "png", picture(9000, 20), PagePlan(rendered=True)),
            ("passport", "png", picture(60, 9), PagePlan(rendered=True)),
            ("passport", "jpeg", turned(6), PagePlan(rendered=True)),
            ("passport", "jpeg", saved(Image.new("CMYK", (60, 40)), "JPEG"), PagePlan(rendered=True)),
            ("passport", "png", saved(Image.new("I;16", (60, 40)), "PNG"), PagePlan(rendered=True)),
        ],
    )
    def test_each_page_has_its_call(self, slug, kind, body, plan):
        assert pages.page_plan(catalog.find(slug), kind, len(body), look(kind, body)) == plan

    def test_ofd_is_what_the_service_reads(self):
        assert pages.page_plan(catalog.find("vat-invoice"), "ofd", 9, Look()) == PagePlan(note=OFD)

    def test_a_pdf_too_large_for_its_operation_is_sent_page_by_page(self):
        plan = pages.page_plan(catalog.find("general-text"), "pdf", 8 * 2**20, Look(pages=3))
        assert plan == PagePlan(count=3, pages=3, rendered=True)

    def test_a_pdf_without_pages_is_broken(self):
        with pytest.raises(RejectedError, match="no pages"):
            pages.page_plan(catalog.find("general-text"), "pdf", 999, Look(pages=0))

    def test_an_encrypted_pdf_that_opens_is_sent_page_by_page(self):
        plan = pages.page_plan(catalog.find("general-text"), "pdf", 999, Look(pages=1, drawn=True))
        assert plan == PagePlan(rendered=True)

    def test_too_many_pixels_for_the_operation_are_scaled_down(self):
        plan = pages.page_plan(catalog.find("general-text"), "png", 999, Look(width=30000, height=6000, mode="L"))
        assert plan.rendered

    def test_an_animation_says_that_one_frame_is_read(self):
        frames = [Image.new("L", (20, 20), shade) for shade in (0, 99, 200)]
        body = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
        plan = pages.page_plan(catalog.find("general-text"), "gif", len(body), look("gif", body))
        assert plan == PagePlan(note="Animated: only the first of 3 frames was read.")

    @pytest.mark.parametrize("sides", [(7, 60), (14, 14), (60, 7)])
    def test_what_can_hold_no_letter_is_rejected(self, sides):
        with pytest.raises(RejectedError, match="takes sides of 15 to 8192 px") as caught:
            pages.page_plan(catalog.find("passport"), "png", 99, Look(width=sides[0], height=sides[1], mode="L"))
        assert caught.value.reason_code == "sides-too-small"

    @pytest.mark.parametrize(("slug", "kind"), [("passport", "ofd"), ("passport", "tga")])
    def test_what_the_operation_does_not_take_is_said(self, slug, kind):
        with pytest.raises(RejectedError, match="does not take"):
            pages.page_plan(catalog.find(slug), kind, 9, Look())

    def test_heic_without_its_library_is_said(self):
        photo = Look(width=60, height=40, mode="RGB")
        with pytest.raises(RejectedError, match="group heif"):
            pages.page_plan(catalog.find("passport"), "heic", 9, photo, reads_heic=False)


class TestLook:
    @pytest.mark.parametrize(
        ("name", "body", "said"),
        [
            ("pdf", b"%PDF-1.7 nothing %%EOF", "is broken"),
            ("pdf", LOCKED.read_bytes(), "locked with a password"),
            ("tiff", b"II*\0", "cannot be read"),
            ("png", png_of(60000, 60000), "178 million"),
        ],
    )
    def test_what_cannot_be_opened_is_said(self, name, body, said):
        with pytest.raises(RejectedError, match=said):
            look(name, body)

    def test_a_pdf_without_pages(self):
        target = io.BytesIO()
        pypdfium2.PdfDocument.new().save(target)
        with pytest.raises(RejectedError):
            look("pdf", target.getvalue())

    @pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "PDF"])
    def test_bytes_behind_the_end_are_no_fault_and_a_missing_end_is(self, name):
        body = picture(300, 200, name)
        ending = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9", "GIF": b"\x3b", "PDF": b"%%EOF"}[name]
        with opened(SheetsHere, name.lower(), body + b" " * 9999) as whole:
            assert whole.whole(ending, 60)
        with opened(SheetsHere, name.lower(), body[: len(body) // 3].replace(ending, b"")) as cut:
            assert not cut.whole(ending, 60)
        with opened(SheetsHere, name.lower(), body[:9] + ending) as broken:
            assert not broken.whole(ending, 60)

    def test_a_bomb_is_not_opened_to_see_whether_it_is_whole(self):
        body = saved(Image.new("RGB", (9000, 9000)), "PNG")
        with opened(SheetsHere, "png", body) as bomb:
            assert not bomb.whole(b"IEND", 60)


class TestRender:
    def test_a_page_of_text_is_drawn_at_200_dpi_and_a_scan_at_its_own(self):
        sheet = pypdfium2.PdfDocument.new()
        sheet.new_page(595, 842)
        target = io.BytesIO()
        sheet.save(target)
        text, scan = drawn("pdf", target.getvalue()), drawn("pdf", pdf(2), 2)
        assert ("200 dpi" in text.note, max(text.width, text.height)) == (True, 2339)
        assert "72 dpi" in scan.note
        assert (scan.width, scan.height) == (200, 280) == size_of(scan)

    def test_a_page_with_more_than_a_scan_on_it_is_drawn(self):
        document = pypdfium2.PdfDocument(pdf(1))
        sheet = document[0]
        line = pypdfium2.raw.FPDFPageObj_CreateNewRect(10, 10, 50, 2)
        pypdfium2.raw.FPDFPath_SetDrawMode(line, pypdfium2.raw.FPDF_FILLMODE_WINDING, 0)
        pypdfium2.raw.FPDFPage_InsertObject(sheet, line)
        pypdfium2.raw.FPDFPage_GenerateContent(sheet)
        target = io.BytesIO()
        document.save(target)
        assert "360 dpi" in drawn("pdf", target.getvalue()).note

    def test_a_scan_inside_a_form_is_a_scan(self):
        document = pypdfium2.PdfDocument.new()
        source = pypdfium2.PdfDocument(pdf(1))
        sheet = document.new_page(200, 280)
        sheet.insert_obj(source.page_as_xobject(0, document).as_pageobject())
        sheet.gen_content()
        target = io.BytesIO()
        document.save(target)
        assert "72 dpi" in drawn("pdf", target.getvalue()).note

    def test_a_small_picture_on_a_large_page_is_no_scan(self):
        body = saved(Image.new("RGB", (100, 100), "red"), "PDF")
        document = pypdfium2.PdfDocument(body)
        document[0].set_mediabox(0, 0, 600, 800)
        target = io.BytesIO()
        document.save(target)
        assert "200 dpi" in drawn("pdf", target.getvalue()).note

    def test_a_page_that_is_missing_is_said_by_its_number(self):
        body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R 9 0 R]/Count 2>>"
        body += b"endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
        body += b"trailer<</Root 1 0 R/Size 4>>\n%%EOF"
        assert look("pdf", body).pages == 2
        with pytest.raises(RejectedError, match="Page 2 of the PDF cannot be rendered"):
            drawn("pdf", body, 2)

    def test_few_colors_stay_exact_and_many_become_jpeg(self):
        gray, color = drawn("tiff", tiff(2), 2), drawn("webp", saved(Image.radial_gradient("L").convert("RGB"), "WEBP"))
        assert (gray.suffix, color.suffix) == (".png", ".jpg")

    @pytest.mark.parametrize("big", [False, True])
    def test_each_page_of_a_tiff_is_its_own(self, big):
        frames = [Image.new("L", (60 + page, 40), 40 * page) for page in range(4)]
        body = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:], big_tiff=big)
        made = [Image.open(io.BytesIO(drawn("tiff", body, page).body)) for page in (4, 1, 3, 2)]
        assert [(image.width, image.getpixel((9, 9))) for image in made] == [(63, 120), (60, 0), (62, 80), (61, 40)]

    def test_too_large_is_scaled_down_and_said_and_its_frame_leads_back(self):
        made = drawn("png", picture(5000, 1000), slug="taxi-invoice")
        assert size_of(made) == (made.width, made.height) == (4096, 819)
        assert "scaled from 5000 x 1000 px" in made.note
        assert (made.frame.width, made.frame.height, made.frame.unit) == (5000, 1000, "px")
        assert made.frame.scale == pytest.approx(4096 / 5000)

    @pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF"])
    def test_a_place_far_down_a_long_strip_leads_back_to_where_it_is(self, name):
        # given a till receipt: so narrow that a pixel lost of its width is a percent
        strip = Image.new("L", (100, 10_000), 255)
        strip.paste(0, (0, 9_900, 100, 9_950))

        # when
        made = drawn(name.lower(), saved(strip, name), slug="passport")

        # then
        found = Image.open(io.BytesIO(made.body)).point(lambda value: 255 * (value < 128)).getbbox()
        assert (found[1] / made.frame.scale, found[3] / made.frame.scale) == pytest.approx((9_900, 9_950), abs=2)

    def test_a_place_far_down_a_long_page_leads_back_to_where_it_is(self):
        sheet = pypdfium2.PdfDocument.new()
        sheet.new_page(227, 8504)
        target = io.BytesIO()
        sheet.save(target)
        made = drawn("pdf", target.getvalue())
        assert made.height / made.frame.scale == pytest.approx(8504, abs=1)

    def test_a_large_jpeg_is_decoded_small(self):
        made = drawn("jpeg", saved(Image.new("L", (9000, 6000), 200), "JPEG"))
        assert made.width * made.height <= render.MOST_PIXELS
        assert "scaled from 9000 x 6000 px" in made.note

    def test_a_jpeg_that_memory_does_not_hold_is_decoded_small(self):
        # given a photo of 300 x 200 px and memory for a quarter of it
        exif = Image.Exif()
        exif[0x0112] = 6

        # when
        made = drawn("jpeg", saved(Image.new("RGB", (300, 200), "white"), "JPEG", exif=exif), most_bytes=60_000)

        # then
        assert (made.width, made.height) == (100, 150)
        assert "scaled from 200 x 300 px" in made.note
        assert made.frame.scale == 0.5

    @pytest.mark.slow
    @pytest.mark.parametrize("sides", [(7000, 5600), (8064, 6048), (12_000, 9000)])
    def test_a_large_photo_that_a_phone_took_upright_fits_into_memory(self, sides):
        exif = Image.Exif()
        exif[0x0112] = 6
        body = saved(Image.new("RGB", sides, "white"), "JPEG", exif=exif)
        with opened(pages.Sheets, "jpeg", body) as document:
            made = document.render(1, pages.Want.of(catalog.find("passport").limits), 30)
        assert 12_000_000 < made.width * made.height <= render.MOST_PIXELS

    def test_too_small_is_padded_and_said(self):
        made = drawn("png", picture(60, 9), slug="passport")
        assert size_of(made) == (60, 15)
        assert "padded from 60 x 9 px" in made.note
        assert made.frame.scale == 1.0

    @pytest.mark.parametrize("orientation", range(2, 9))
    def test_a_photo_is_turned_upright(self, orientation):
        made = drawn("jpeg", turned(orientation))
        image = Image.open(io.BytesIO(made.body)).convert("L")
        corners = {2: (55, 5), 3: (55, 35), 4: (5, 35), 5: (5, 5), 6: (35, 5), 7: (35, 55), 8: (5, 55)}
        assert image.getpixel(corners[orientation]) < 50
        assert "turned upright" in made.note

    @pytest.mark.parametrize(
        ("image", "name"),
        [
            (Image.new("CMYK", (60, 40), (0, 0, 0, 0)), "TIFF"),
            (Image.new("CMYK", (60, 40), (0, 0, 0, 0)), "JPEG"),
            (Image.new("I;16", (60, 40), 65535), "TIFF"),
            (Image.new("I;16", (60, 40), 65535), "PNG"),
            (Image.new("RGBA", (60, 40), (0, 0, 0, 0)), "PNG"),
            (Image.new("LA", (60, 40), (0, 0)), "PNG"),
            (Image.new("P", (60, 40), 0).convert("1", dither=0).point(lambda value: 255, "1"), "PNG"),
        ],
    )
    def test_every_kind_of_pixels_becomes_white_paper(self, image, name):
        made = drawn(name.lower(), saved(image, name))
        assert Image.open(io.BytesIO(made.body)).convert("L").getpixel((30, 20)) >= 254

    def test_a_jpeg_compressed_tiff(self):
        assert drawn("tiff", saved(Image.new("RGB", (60, 40), "white"), "TIFF", compression="jpeg")).width == 60

    @pytest.mark.parametrize("page", [2, 9])
    def test_a_frame_that_is_broken_or_missing_is_said(self, page):
        body = tiff(2, noise=True)
        body = body[: len(body) // 2] if page == 2 else body
        with pytest.raises(RejectedError, match=f"Image {page}") as caught:
            drawn("tiff", body, page)
        assert caught.value.reason_code == "page-broken"

    def test_what_does_not_fit_into_memory_is_said(self):
        body = saved(Image.new("RGB", (9000, 9000)), "PNG")
        with pytest.raises(RejectedError, match="9000 x 9000 px; that is more than fits"):
            drawn("png", body)

    def test_a_bomb_behind_the_first_page_is_said(self):
        target = io.BytesIO()
        small, bomb = Image.new("1", (20, 20)), Image.new("1", (20_000, 20_000))
        small.save(target, "TIFF", compression="group4", save_all=True, append_images=[bomb])
        with pytest.raises(RejectedError) as caught:
            drawn("tiff", target.getvalue(), 2)
        assert caught.value.reason_code == "too-many-pixels"

    def test_a_picture_that_passes_the_limit_is_pressed_until_it_fits(self):
        made = drawn("png", saved(Image.effect_noise((900, 900), 120), "PNG"), largest=60_000)
        assert (made.media_type, len(made.body) <= 60_000) == ("image/jpeg", True)
        assert made.frame.scale == pytest.approx(made.width / 900, rel=0.01)

    def test_few_colors_too_large_as_png_become_jpeg(self):
        noise = Image.effect_noise((400, 400), 200).point(lambda value: 255 if value > 128 else 0)
        assert drawn("png", saved(noise, "PNG"), largest=15_000).media_type == "image/jpeg"


class TestOneCanvasForAllPages:
    """The memory that a page was drawn in is drawn in again."""

    def test_each_page_is_as_if_it_were_drawn_alone(self, tmp_path):
        box, text = b"0.2 0.4 0.8 rg 20 20 60 60 re f", make.line(b"(Invoice 48213)")
        path, want = tmp_path / "document", pages.Want.of(catalog.find("general-text").limits)
        path.write_bytes(make.text_pdf(text, box, text))
        kept = open_document.OpenDocument()
        together = [render.picture(path, "pdf", page, want, kept).body for page in (1, 2, 3)]
        assert together == [drawn("pdf", make.text_pdf(content)).body for content in (text, box, text)]

    def test_few_colors_of_a_page_are_kept_exactly(self):
        made = drawn("pdf", make.text_pdf(b"1 0 0 rg 0 0 300 842 re f"))
        with Image.open(io.BytesIO(made.body)) as image:
            assert (image.format, image.mode, image.getpixel((10, 10))) == ("PNG", "RGB", (255, 0, 0))


class TestApart:
    """Documents are opened in a process that may hang, crash or starve without harm to the function."""

    def test_a_document_is_looked_at_and_drawn_apart(self):
        with opened(pages.Sheets, "pdf", pdf(3)) as document:
            assert document.look(30).pages == 3
            assert document.render(3, pages.Want.of(catalog.find("passport").limits), 30).width == 200

    def test_a_documents_own_fault_comes_back_as_its_reason(self):
        with opened(pages.Sheets, "pdf", LOCKED.read_bytes()) as document, pytest.raises(RejectedError) as caught:
            document.look(30)
        assert caught.value.reason_code == "encrypted"

    def test_a_question_that_takes_too_long_is_ended_and_the_next_one_is_answered(self, tmp_path):
        # given a process that hangs the first time
        once = f"import pathlib, time\nflag = pathlib.Path({str(tmp_path / 'hung')!r})\n"
        once += "if not flag.exists():\n    flag.touch()\n    time.sleep(99)\n"
        (tmp_path / "words").touch()
        with opened(pages.Sheets, "pdf", pdf(1), worker=Worker(once + Worker().program, seconds=0.5)) as document:
            # when
            began = time.monotonic()
            with pytest.raises(RejectedError, match="longer than 0.5 s") as caught:
                document.look(30)

            # then
            assert caught.value.reason_code == "too-slow"
            assert time.monotonic() - began < 50
            assert document.layer(tmp_path / "words", tmp_path / "copy", 30) == 0
        assert len(pypdfium2.PdfDocument(tmp_path / "copy")) == 1

    def test_too_little_time_is_no_fault_of_the_document(self):
        hanging = Worker("import time; time.sleep(99)")
        with opened(pages.Sheets, "pdf", pdf(1), worker=hanging) as document, pytest.raises(OutOfTimeError):
            document.look(0.2)

    @pytest.mark.parametrize(
        "code",
        [
            "raise SystemExit",
            "import sys; sys.stdin.buffer.read(4); raise SystemExit",
            "import sys; print('\\xff' * 9, flush=True); sys.stdin.buffer.read()",  # far too long a reply
        ],
    )
    def test_a_crash_is_the_documents_end_not_the_functions(self, code):
        crashing = Worker(code)
        document = opened(pages.Sheets, "pdf", pdf(1), worker=crashing)
        with document, pytest.raises(RejectedError, match="crashed"):
            document.look(30)
        with opened(pages.Sheets, "pdf", pdf(1), worker=crashing) as document:
            assert not document.whole(b"%%EOF", 30)

    def test_memory_is_bounded(self):
        greedy = Worker(
            "import sys; sys.path[:] = sys.argv[1:]\n"
            "from legible.documents.pages import probe, worker\n"
            "probe.look = lambda path, name: len(bytes(10**9))\n"
            "worker.main()"
        )
        document = opened(pages.Sheets, "pdf", pdf(1), worker=greedy)
        with document, pytest.raises(RejectedError, match="360 MB") as caught:
            document.look(30)
        assert caught.value.reason_code == "too-heavy"

    def test_no_process_to_be_had_passes(self):
        missing = Worker(interpreter="/nowhere/python")
        with opened(pages.Sheets, "pdf", pdf(1), worker=missing) as document, pytest.raises(UnavailableError):
            document.look(30)

    def test_a_full_disk_holds_the_document(self):
        def full(first, last):
            raise OSError(28, "No space left on device")

        with pages.Sheets("pdf", 10, full) as document, pytest.raises(HeldError, match="does not fit") as caught:
            document.look(30)
        assert caught.value.reason_code == "disk-full"

    def test_a_store_that_fails_leaves_nothing_behind(self):
        def down(first, last):
            raise UnavailableError("down")

        with pages.Sheets("pdf", 10, down) as document:
            with pytest.raises(UnavailableError):
                document.look(30)
            assert document._folder is None

    def test_a_large_document_is_copied_part_by_part(self):
        asked = []
        body = pdf(1) + bytes(2 * ports.PART)

        def read(first, last):
            asked.append(last - first + 1)
            return body[first : last + 1]

        with pages.Sheets("pdf", len(body), read) as document:
            document.look(30)
        assert max(asked) == ports.PART
        assert sum(asked) == len(body)

    def test_the_process_serves_until_its_questions_end(self, tmp_path):
        path = tmp_path / "document"
        path.write_bytes(pdf(2))
        questions, answers = io.BytesIO(), io.BytesIO()
        worker.send(questions, worker.Ask("look", str(path), "pdf", 9999))
        questions.seek(0)
        worker.serve(questions, answers)
        answers.seek(0)
        assert messages.receive(answers, worker.WorkerReply).look.pages == 2
        assert messages.receive(io.BytesIO(b"\0\0\0\x09cut"), worker.WorkerReply) is None

    def test_a_tiff_is_walked_through_once_for_all_of_its_pages(self, tmp_path):
        # given
        walked, find = [], open_document.page_places
        kept = open_document.OpenDocument(lambda path: walked.append(path) or find(path))
        questions, answers = io.BytesIO(), io.BytesIO()
        for name in ("first", "second"):
            (tmp_path / name).write_bytes(tiff(3))
            for page in (1, 2, 3):
                want = pages.Want.of(catalog.find("passport").limits)
                worker.send(questions, worker.Ask("render", str(tmp_path / name), "tiff", 9999, page=page, want=want))
        questions.seek(0)

        # when
        worker.serve(questions, answers, kept)

        # then
        answers.seek(0)
        assert [messages.receive(answers, worker.WorkerReply).code for _ in range(6)] == [""] * 6
        assert len(walked) == 2

    def test_memory_that_ends_is_said(self):
        class Starved(open_document.OpenDocument):
            def pdf(self, path):
                raise MemoryError

        want = pages.Want.of(catalog.find("passport").limits)
        ask = worker.Ask("render", "x", "pdf", 9, page=1, want=want)
        assert worker.answer(ask, Starved()).code == "too-heavy"


def test_a_pdf_of_100_000_pages_is_held_in_time():
    kids = b" ".join(b"3 0 R" for _ in range(100_000))
    body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[" + kids
    body += b"]/Count 100000>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
    body += b"trailer<</Root 1 0 R/Size 4>>\n%%EOF"
    rig = Rig()
    began = time.monotonic()
    (outcome,) = rig.run(rig.upload("general-text/a.pdf", body))
    assert (outcome["status"], outcome["reason"]["code"]) == ("held", "too-many-pages")
    assert time.monotonic() - began < 60, "a function has a minute"
    assert rig.ocr.calls == []


def test_an_ofd_is_read_by_the_operations_that_take_it():
    rig = Rig()
    (outcome,) = rig.run(rig.upload("vat-invoice/a.ofd", make.ofd()))
    assert outcome["status"] == "done"
    assert rig.record("vat-invoice/a.ofd")["pages"][0]["note"] == OFD


def test_a_large_document_of_a_paged_format_is_read_part_by_part_and_its_end_apart():
    rig = Rig()
    assert len(tiff(2, noise=True)) > formats.FIRST_BYTES
    (outcome,) = rig.run(rig.upload("passport/a.tif", tiff(2, noise=True)))
    assert (outcome["status"], outcome["pages"]) == ("done", 2)


def test_a_photo_of_a_telephone_is_read():
    rig = Rig()
    (outcome,) = rig.run(rig.upload("passport/photo.heic", HEIC.read_bytes()))
    assert outcome["status"] == "done"
    assert "converted from HEIF" in rig.record("passport/photo.heic")["pages"][0]["note"]


SEEDS = {
    "png": picture(), "jpeg": turned(6), "tiff": tiff(2), "gif": picture(name="GIF"), "webp": picture(name="WEBP"),
    "pdf": pdf(2), "bmp": picture(name="BMP"),
}  # fmt: skip


@settings(max_examples=examples(150), deadline=None)
@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 4000),
)
def test_no_bytes_crash_the_reading_of_pages(name, changes, cut):
    body = bytearray(SEEDS[name])
    for place, what in changes:
        place %= len(body)
        body[place : place + len(what)] = what
    body = bytes(body[: len(body) - cut % len(body)])
    rig = Rig()
    (outcome,) = rig.run(rig.upload("passport/a", body))
    assert outcome["status"] in {"done", "partial", "rejected", "held"}
    assert rig.ocr.paid <= 2
    assert rig.store.json("legible-out", "results/passport/a/record.json")["document"]["bucket"] == IN
    assert fits(catalog.find("passport").limits, len(body))
