"""Documents that other people's programs made: all of their pages arrive, upright, and as pictures that can be read."""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest
from PIL import Image, ImageStat

from legible.documents.pages import Want
from legible.model.documents import ObjectRef
from legible.operations import catalog
from tests.support.places import DOCUMENTS
from tests.support.rig import OUT, PASSPORT, TEXT, Rig

REAL = DOCUMENTS / "real"
PASSPORTS = Want.of(catalog.find("passport").limits)


class Sheet(NamedTuple):
    """What a page must look like: sides in pixels as seen, and which quarter of it has the most ink."""

    width: int
    height: int
    darkest: str = ""


#: Each document, and its pages as passports take them. The number of pages is what other viewers show.
DOCUMENTS: dict[str, list[Sheet]] = {
    "bigtiff.tif": [Sheet(128, 128)],
    "broken-index.pdf": [Sheet(1700, 2200, "top left")] * 30,
    "ccitt.pdf": [Sheet(1610, 2291, "top right")],
    "encrypted.pdf": [Sheet(1654, 2339)],
    "four-directions.pdf": [
        Sheet(1700, 2200, "top left"),
        Sheet(2200, 1700, "top right"),
        Sheet(1700, 2200, "bottom right"),
        Sheet(2200, 1700, "bottom left"),
    ],
    "huge-page.pdf": [Sheet(4000, 4000, "top left")],
    "jbig2.pdf": [Sheet(922, 1400, "bottom left")],
    "jpeg2000.pdf": [Sheet(120, 44, "top right")],
    "rotated-skewed.pdf": [Sheet(1700, 2200, "top left")],
    "text-layer.pdf": [Sheet(958, 400, "top left")],
    "three-pages.tif": [Sheet(3307, 4677, "top left")] * 3,
    "tiled-cmyk-jpeg.tif": [Sheet(100, 100)],
    "turned.tif": [Sheet(590, 88, "top left")],
    "two-resolutions.pdf": [Sheet(1000, 800)],
}
#: Pages that general text reads from the document itself; the others get pictures. One is encrypted, and the page of
#: another has 90 x 33 points: drawn as it says, no letter would be left.
BY_NUMBER = {name for name in DOCUMENTS if name.endswith(".pdf")} - {"encrypted.pdf", "jpeg2000.pdf"}


def pictures(rig: Rig, name: str) -> list[bytes]:
    """Return what the calls were asked to read, page by page: pictures of pages, or the document as it is."""
    made = rig.store.keys(OUT, "work/")
    assert len(rig.ocr.calls) == len({picture.url for _, _, picture in rig.ocr.calls})
    if not made:
        return [(REAL / name).read_bytes()]
    assert sorted(picture.url for _, _, picture in rig.ocr.calls) == [
        rig.store.url(ObjectRef(OUT, key)) for key in made
    ]
    return [rig.store.read(ObjectRef(OUT, key)) for key in made]


def darkest(image: Image.Image) -> str:
    """Say which quarter of an image has the most ink."""
    ink = image.convert("L").point(lambda value: 255 if value < 128 else 0)
    middle, center = image.width // 2, image.height // 2
    quarters = {
        "top left": (0, 0, middle, center),
        "top right": (middle, 0, image.width, center),
        "bottom left": (0, center, middle, image.height),
        "bottom right": (middle, center, image.width, image.height),
    }
    return max(quarters, key=lambda name: ImageStat.Stat(ink.crop(quarters[name])).mean[0])


def test_every_file_is_listed_with_its_origin():
    said = (REAL / "README.md").read_text("utf-8")
    assert {file.name for file in REAL.iterdir()} - {"README.md"} == set(DOCUMENTS)
    assert all(f"| `{name}` |" in said for name in DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_becomes_a_picture_that_shows_it_upright(name):
    # given
    rig = Rig(PASSPORT)

    # when
    (outcome,) = rig.run(rig.upload(f"passport/{name}", (REAL / name).read_bytes()))

    # then
    assert (outcome["status"], outcome["pages"]) == ("done", len(DOCUMENTS[name]))
    record = rig.record(f"passport/{name}")
    assert record["document"]["page_count"] == len(DOCUMENTS[name])
    assert [page["state"] for page in record["pages"]] == ["done"] * len(DOCUMENTS[name])
    bodies = pictures(rig, name)
    assert len(bodies) == len(DOCUMENTS[name])
    for body, sheet in zip(bodies, DOCUMENTS[name], strict=True):
        with Image.open(io.BytesIO(body)) as image:
            image.load()
            dark, light = image.convert("L").getextrema()
            assert (image.width, image.height) == (sheet.width, sheet.height)
            assert light - dark > 64, "a blank page"
            assert not sheet.darkest or darkest(image) == sheet.darkest
        assert PASSPORTS.min_side <= min(sheet.width, sheet.height)
        assert max(sheet.width, sheet.height) <= PASSPORTS.max_side
        assert len(body) <= PASSPORTS.largest


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_is_called_for_once(name):
    # given
    rig = Rig(TEXT)

    # when
    (outcome,) = rig.run(rig.upload(f"general-text/{name}", (REAL / name).read_bytes()))

    # then
    pages = len(DOCUMENTS[name])
    assert (outcome["status"], outcome["pages"], rig.ocr.paid) == ("done", pages, pages)
    assert [page["page"] for page in rig.record(f"general-text/{name}")["pages"]] == list(range(1, pages + 1))
    asked = [picture.parameters.get("pdf_page_number") for _, _, picture in rig.ocr.calls]
    if name in BY_NUMBER:
        assert sorted(asked) == list(range(1, pages + 1))
    else:
        assert asked == [None] * pages
        assert len(pictures(rig, name)) == pages
