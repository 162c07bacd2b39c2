"""Intake: format by the first bytes, ends, sizes, sides."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.documents import formats
from legible.errors import RejectedError
from legible.operations import catalog
from tests.support.rig import pdf, picture, tiff


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
        (b"\0\0\0\x18ftypheic", "heic"), (picture(name="AVIF"), "avif"), (b"junk before %PDF-1.7", "pdf"),
    ],
)  # fmt: skip
def test_the_format_is_told_by_the_first_bytes(body, name):
    assert formats.format_of(body[: formats.FIRST_BYTES]) == name


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
        formats.format_of(body)
    assert caught.value.advice


def test_what_two_readers_take_for_two_things_is_refused():
    with pytest.raises(RejectedError, match="both GIF and PDF") as caught:
        formats.format_of(picture(name="GIF")[:60] + b"%PDF-1.7")
    assert caught.value.reason_code == "format-ambiguous"


def test_a_media_file_that_is_no_picture_is_foreign():
    with pytest.raises(RejectedError, match="not an image"):
        formats.format_of(b"\0\0\0\x18ftypmp42")


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_cut_image_is_told_by_its_missing_end(name):
    whole = picture(300, 200, name)
    kind = formats.format_of(whole)
    assert formats.ends(kind, len(whole), whole[:99], whole[-formats.LAST_BYTES :])
    cut = whole[: len(whole) // 2]
    assert not formats.ends(kind, len(cut), cut[:99], cut[-formats.LAST_BYTES :])


def test_a_cut_pdf_is_told_and_formats_without_an_end_pass():
    assert not formats.ends("pdf", 10, b"%PDF-", b"%PDF-")
    assert formats.ends("tiff", 10, b"II*\0", b"")
    assert formats.ends("bmp", 4, b"BM", b"BM")


class TestLimits:
    passport = catalog.find("passport")

    def test_the_base64_text_counts_not_the_file(self):
        largest = 10 * 2**20 // 4 * 3
        formats.judge_size(self.passport, largest)
        with pytest.raises(RejectedError, match="at most 7.5 MB"):
            formats.judge_size(self.passport, largest + 1)

    def test_small_sizes_are_shown_in_bytes(self):
        assert formats._mb(10) == "10 bytes"


@given(st.binary(max_size=200))
def test_no_first_bytes_crash(body):
    try:
        name = formats.format_of(body)
    except RejectedError as error:
        assert error.advice
    else:
        formats.ends(name, len(body), body, body)
