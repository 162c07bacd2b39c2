"""Beside a field in doubt the workbook shows the place of the page where it was read."""

from __future__ import annotations

import io

import msgspec
import openpyxl
import pytest
from PIL import Image, ImageDraw

from legible.model.documents import ObjectRef
from legible.model.records import Record
from legible.operations.routing import OperationSettings, Routing
from legible.outputs.crops import draw
from tests.support.rig import IN, OUT, Rig

RED, BLUE = (200, 0, 0), (0, 0, 200)
#: The last digit of the number does not fit the others; the name is sure and the seal has no place.
RESULT = {
    "vehicle_identification_number": "LSVAU218000183294",
    "engine_number": "EA123456",
    "seller_name": "An invented seller",
    "buyer_name": "An invented buyer",
    "confidence": {"engine_number": 0.4, "seller_name": 0.99, "buyer_name": 0.1},
    "text_location": {
        "vehicle_identification_number": [[20, 30], [180, 30], [180, 50], [20, 50]],
        "engine_number": [[20, 100], [120, 100], [120, 120], [20, 120]],
        "seller_name": [[20, 150], [120, 150], [120, 170], [20, 170]],
    },
}


def page(size=(400, 300)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 30, 180, 50), fill=RED)
    draw.rectangle((20, 100, 120, 120), fill=BLUE)
    return image


def saved(kind: str, pages: int = 1) -> bytes:
    target = io.BytesIO()
    rest = [page() for _ in range(pages - 1)]
    page().save(target, kind, **({"save_all": True, "append_images": rest} if rest else {}))
    return target.getvalue()


def rig(*script, outputs=("crops",)):
    found = Rig(*script)
    found.rules = Routing(region="cn-north-4", operations={"mvs-invoice": OperationSettings(outputs=outputs)})
    return found


def crops(found, key):
    """Return label of the row and the color that its picture mostly has, of every picture."""
    sheet = openpyxl.load_workbook(io.BytesIO(found.store.objects[ObjectRef(OUT, f"results/{key}/record.xlsx")][0]))[
        "Fields"
    ]
    pictures = {}
    for image in sheet._images:
        at = image.anchor._from
        assert sheet.cell(1, at.col + 1).value == "On the page"
        colors = Image.open(image.ref).convert("RGB").getcolors(100_000)
        pictures[sheet.cell(at.row + 1, 1).value] = max(colors)[1]
    return pictures


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_fields_in_doubt_have_theirs_and_sure_ones_have_none(kind):
    found = rig(RESULT)
    key = f"mvs-invoice/a.{kind.lower()}"
    found.run(found.upload(key, saved(kind)))
    shown = crops(found, key)
    assert shown == {"VIN": RED, "Engine number": BLUE}
    assert found.record(key)["notes"] == []


def test_a_page_of_a_pdf_is_drawn_here_so_that_its_places_are_known():
    found = rig(RESULT)
    found.run(found.upload("mvs-invoice/a.pdf", saved("PDF")))
    frame = found.record("mvs-invoice/a.pdf")["pages"][0]["frame"]
    assert frame["unit"] == "pt"
    assert len(crops(found, "mvs-invoice/a.pdf")) == 2


def test_every_page_has_its_own():
    found = rig(RESULT, RESULT)
    found.run(found.upload("mvs-invoice/a.tif", saved("TIFF", 2)))
    sheet = openpyxl.load_workbook(
        io.BytesIO(found.store.objects[ObjectRef(OUT, "results/mvs-invoice/a.tif/record.xlsx")][0])
    )["Fields"]
    assert len(sheet._images) == 4


def test_without_the_option_there_are_none():
    found = rig(RESULT, outputs=())
    found.run(found.upload("mvs-invoice/a.png", saved("PNG")))
    assert crops(found, "mvs-invoice/a.png") == {}


def test_a_place_that_is_not_on_the_page_harms_nobody():
    away = [[-500, -500], [-400, -500], [-400, -480], [-500, -480]]
    far = [[9e9, 9e9], [9e9 + 1, 9e9], [9e9 + 1, 9e9 + 1], [9e9, 9e9 + 1]]
    locations = {"engine_number": away, "buyer_name": far}
    found = rig({**RESULT, "text_location": locations})
    (outcome,) = found.run(found.upload("mvs-invoice/a.png", saved("PNG")))
    assert outcome["status"] == "done"
    assert len(crops(found, "mvs-invoice/a.png")) == 2


def test_more_than_a_workbook_should_have_is_said():
    # given a record of two pages, each with two fields in doubt
    found = rig(RESULT, RESULT)
    found.run(found.upload("mvs-invoice/a.tif", saved("TIFF", 2)))
    body = found.store.objects[ObjectRef(OUT, "results/mvs-invoice/a.tif/record.json")][0]
    record = msgspec.json.decode(body, type=Record)

    # when
    pictures, notes = draw(record, record.fields, lambda page, boxes: tuple(b"png" for _ in boxes), most=3)

    # then
    assert [page for page, _ in pictures] == [1, 1]
    assert notes == ["From page 2 on the workbook has no crops: 3 are the most."]


class TestRebuild:
    def rebuilt(self, found, key):
        found.rules = Routing(region="cn-north-4", operations={"mvs-invoice": OperationSettings(outputs=("crops",))})
        rebuilder = found.rebuilder()
        rebuilder.rebuild(rebuilder.current(key))
        return found.record(key)["notes"]

    def test_has_them_where_the_document_is_there(self):
        found = rig(RESULT, outputs=())
        found.run(found.upload("mvs-invoice/a.png", saved("PNG")))
        assert self.rebuilt(found, "mvs-invoice/a.png") == []
        assert len(crops(found, "mvs-invoice/a.png")) == 2

    def test_says_so_where_it_is_gone(self):
        found = rig(RESULT, outputs=())
        found.run(found.upload("mvs-invoice/a.png", saved("PNG")))
        found.store.remove(ObjectRef(IN, "mvs-invoice/a.png"))
        assert "was not at hand" in self.rebuilt(found, "mvs-invoice/a.png")[0]

    def test_says_so_where_the_service_drew_the_page(self):
        said = {
            "number": "1",
            "confidence": {"number": 0.3},
            "text_location": {"number": [[1, 1], [9, 1], [9, 9], [1, 9]]},
        }
        found = Rig(said)
        found.run(found.upload("vat-invoice/a.pdf", saved("PDF")))
        assert found.record("vat-invoice/a.pdf")["pages"][0]["frame"] is None
        found.rules = Routing(region="cn-north-4", operations={"vat-invoice": OperationSettings(outputs=("crops",))})
        rebuilder = found.rebuilder()
        rebuilder.rebuild(rebuilder.current("vat-invoice/a.pdf"))
        assert "of the service's drawing" in found.record("vat-invoice/a.pdf")["notes"][0]


def test_a_page_that_cannot_be_drawn_any_more_is_said():
    found = rig(RESULT)

    class Broken(found.sheets):
        def crops(self, page, boxes, left):
            from legible.errors import RejectedError

            raise RejectedError("Page 1 of the PDF cannot be rendered.", code="page-broken")

    found.sheets = Broken
    found.run(found.upload("mvs-invoice/a.png", saved("PNG")))
    assert found.record("mvs-invoice/a.png")["notes"] == [
        "The workbook has no crops of page 1: Page 1 of the PDF cannot be rendered."
    ]
