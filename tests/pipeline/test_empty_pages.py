"""A page that gave nothing is never plainly done: record, list and workbook say so, and why as far as it is known."""

from __future__ import annotations

import io

import openpyxl
import pytest

from legible.errors import UnavailableError
from legible.model.documents import ObjectRef
from legible.operations.routing import Route, Routing
from legible.results.rebuild import recorded_document
from tests.documents import make
from tests.support.front import Front
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, picture

NOTHING = {"words_block_count": 0, "words_block_list": []}
SPOKEN = make.saved(make.lettered(), "PNG")
WORDS = make.line(b"(Statement of account)")


def hints(record):
    return [page.get("empty") for page in record["pages"]]


def findings(record):
    return [(check["rule"], check["page"]) for check in record["checks"] if not check["passed"]]


class TestTheRecord:
    def test_says_which_pages_gave_nothing_and_why(self):
        # given three pages that are drawn: one with words, a blank one, and one whose font nobody has
        rig = Rig(TEXT, NOTHING, NOTHING)
        rig.rules = Routing(region="cn-north-4", routes=(Route("*", "web-image"),))
        body = make.text_pdf(WORDS, b"", make.line(make.UNKNOWN_TEXT), font=make.UNKNOWN_FONT)

        # when
        (outcome,) = rig.run(rig.upload("mail/a.pdf", body))

        # then
        record = rig.record("mail/a.pdf")
        assert outcome["status"] == record["status"] == "done"
        assert hints(record)[1:] == ["one-color", "text-unseen"]
        assert findings(record)[-2:] == [("page-empty", 2), ("page-empty", 3)]
        assert "one color" in record["checks"][-2]["message"]

    @pytest.mark.parametrize(("body", "hint"), [(picture(), "one-color"), (SPOKEN, "nothing-found")])
    def test_an_image_that_the_service_opened_by_itself_is_looked_at_afterwards(self, body, hint):
        rig = Rig(NOTHING)
        rig.run(rig.upload("general-text/a.png", body))
        assert hints(rig.record("general-text/a.png")) == [hint]
        assert rig.ocr.paid == 1

    def test_so_is_each_page_of_a_pdf_that_gave_nothing(self):
        rig = Rig(NOTHING, TEXT, NOTHING)
        rig.run(rig.upload("general-text/a.pdf", make.text_pdf(b"", WORDS, WORDS)))
        assert hints(rig.record("general-text/a.pdf")) == ["one-color", None, "nothing-found"]

    def test_a_page_of_which_only_a_part_could_be_drawn_has_a_finding_too(self):
        rig = Rig(TEXT)
        rig.rules = Routing(region="cn-north-4", routes=(Route("*", "web-image"),))
        content = b"72 750 200 20 re f\n" + make.line(make.UNKNOWN_TEXT)
        rig.run(rig.upload("mail/a.pdf", make.text_pdf(content, font=make.UNKNOWN_FONT)))
        record = rig.record("mail/a.pdf")
        assert (hints(record), findings(record)) == ([None], [("text-unseen", 1)])

    def test_says_nothing_of_a_page_that_was_read(self):
        rig = Rig(TEXT)
        rig.run(rig.upload("general-text/a.png", SPOKEN))
        record = rig.record("general-text/a.png")
        assert "empty" not in record["pages"][0]
        assert findings(record) == []

    def test_is_the_same_when_it_is_made_anew(self):
        rig = Rig(NOTHING)
        rig.run(rig.upload("general-text/a.png"))
        before = rig.record("general-text/a.png")
        rebuilder = rig.rebuilder()
        rebuilder.rebuild(recorded_document(rig.site, ObjectRef(OUT, "results/general-text/a.png/record.json")))
        assert rig.record("general-text/a.png") == before

    def test_an_upload_that_cannot_be_looked_at_any_more_ends_all_the_same(self):
        # given a store that reads no upload any more once the service was asked
        rig = Rig(NOTHING)
        upload = rig.upload("general-text/a.png", SPOKEN)
        reading = rig.store.read

        def read(ref, *wanted):
            if rig.ocr.paid and ref.bucket == IN:
                raise UnavailableError("The store is away.")
            return reading(ref, *wanted)

        rig.store.read = read

        # when
        (outcome,) = rig.run(upload)

        # then
        assert outcome["status"] == "done"
        assert hints(rig.record("general-text/a.png")) == ["nothing-found"]

    def test_nor_does_one_that_cannot_be_looked_at_here(self):
        # given an OFD, which only the service opens, and a kind of BMP that is sent as it is
        rig = Rig({})
        rig.run(rig.upload("vat-invoice/a.ofd", make.ofd()))
        rig.run(rig.upload("general-text/a.bmp", make.bmp_of_bit_fields()))
        assert hints(rig.record("vat-invoice/a.ofd")) == hints(rig.record("general-text/a.bmp")) == ["nothing-found"]


class TestWhereItIsSaid:
    def given(self):
        front = Front(Rig(NOTHING, {**PASSPORT, "confidence": {"surname": 0.99}}))
        blank = front.document("general-text/blank.png")
        front.document("passport/anna.png")
        return front, blank

    def test_the_list_counts_the_pages_and_can_be_narrowed_to_them(self):
        front, blank = self.given()
        listed = {one["key"]: one["empty"] for one in front.json("GET", "/v1/documents")["documents"]}
        assert listed == {"general-text/blank.png": 1, "passport/anna.png": 0}
        for asked in ({"empty": "true"}, {"doubtful": "true"}):
            narrowed = front.json("GET", "/v1/documents", **asked)["documents"]
            assert [one["key"] for one in narrowed] == ["general-text/blank.png"]
        assert front.json("GET", blank)["empty"] == 1

    def test_the_workbook_says_it_first_and_among_its_findings(self):
        front, _ = self.given()
        body = front.rig.store.objects[ObjectRef(OUT, "results/general-text/blank.png/record.xlsx")][0]
        book = openpyxl.load_workbook(io.BytesIO(body))
        assert "Nothing was recognized on it." in book["About"]["A1"].value
        read = openpyxl.load_workbook(
            io.BytesIO(front.rig.store.objects[ObjectRef(OUT, "results/passport/anna.png/record.xlsx")][0])
        )
        assert book["About"]["A1"].fill.fgColor.rgb != read["About"]["A1"].fill.fgColor.rgb, "not the color of done"
        assert "page-empty" in [row[1] for row in book["Findings"].iter_rows(values_only=True)]

    def test_markdown_says_it_at_the_page(self):
        rig = Rig(NOTHING)
        rig.rules = Routing(region="cn-north-4", routes=(Route("*", "general-text", outputs=("md",)),))
        rig.run(rig.upload("mail/a.png"))
        text = rig.store.objects[ObjectRef(OUT, "results/mail/a.png/record.md")][0].decode()
        assert "Nothing was recognized on this page: its picture has one color" in text
