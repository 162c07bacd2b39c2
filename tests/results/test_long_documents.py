"""Long documents: pages side by side, over many invocations, in bounded memory; none is lost, none is paid twice."""

from __future__ import annotations

import io
import threading
from collections import Counter

import msgspec
import openpyxl
import pypdfium2
import pytest

from legible.errors import HeldError, RejectedError, UnavailableError
from legible.extraction.contents import Contents
from legible.extraction.fields import placed
from legible.model.documents import Document, ObjectRef, Reason
from legible.model.pages import Frame, Page
from legible.model.records import Cell, Extract, Field, Record, Table, TextBlock
from legible.operations.routing import OperationSettings, Route, Routing
from legible.outputs import record, xlsx
from legible.outputs.searchable import page_words
from legible.recognition.policy import Policy
from tests.support.fakes import NextInvocation
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture
from tests.support.workbooks import dates_in

KEY = "general-text/a.pdf"


def passing():
    return UnavailableError("The backend is busy.", code="backend")


class TestWindow:
    def test_pages_are_on_their_way_together_but_never_more_than_the_window(self):
        # given a service in which a call waits until three are there
        rig = Rig(TEXT, policy=Policy(window=3))
        there, most, lock = [], [], threading.Lock()
        full = threading.Event()

        def during():
            with lock:
                there.append(1)
                most.append(len(there))
                if len(there) == 3:
                    full.set()
            assert full.wait(10)
            with lock:
                there.pop()

        rig.ocr.during = during

        # when
        (outcome,) = rig.run(rig.upload(KEY, pdf(6)))

        # then
        assert (outcome["status"], outcome["pages"]) == ("done", 6)
        assert max(most) == 3
        assert [block["page"] for block in rig.record(KEY)["text"]] == [1, 2, 3, 4, 5, 6]

    def test_each_page_is_called_once_and_has_its_lines(self):
        rig = Rig(TEXT, policy=Policy(window=4))
        rig.run(rig.upload(KEY, pdf(20)))
        assert Counter(call[1]["pdf_page_number"] for call in rig.ocr.calls) == Counter(range(1, 21))
        answered = [line["page"] for line in rig.journal(KEY) if line["event"] == "answered"]
        assert sorted(answered) == list(range(1, 21))

    def test_a_page_that_must_wait_stops_no_other_page(self):
        # given a service that fails for a passing reason, four times, and then is well
        rig = Rig(*[passing()] * 4, TEXT, policy=Policy(window=1))

        # when
        with pytest.raises(UnavailableError):
            rig.run(rig.upload(KEY, pdf(3)))

        # then: the first page's tries are over, the others are done; the next delivery pays for the first alone
        assert rig.ocr.paid == 2
        (outcome,) = rig.run(rig.upload(KEY, pdf(3)))
        assert (outcome["status"], rig.ocr.paid) == ("done", 3)

    def test_a_service_that_is_not_well_is_left_alone(self):
        rig = Rig(passing(), policy=Policy(window=1, attempts=1))
        with pytest.raises(UnavailableError):
            rig.run(rig.upload(KEY, pdf(9)))
        assert len(rig.ocr.calls) == 3

    def test_what_holds_the_document_is_told_before_what_passes(self):
        rig = Rig(passing(), HeldError("not subscribed", code="not-subscribed"), policy=Policy(attempts=1))
        (outcome,) = rig.run(rig.upload(KEY, pdf(5)))
        assert (outcome["status"], outcome["reason"]["code"]) == ("held", "not-subscribed")
        assert len(rig.ocr.calls) == 2

    @pytest.mark.parametrize("window", [1, 3])
    def test_a_defect_ends_all_pages_and_is_told(self, window):
        rig = Rig(KeyError("ours"), policy=Policy(window=window))
        with pytest.raises(Exception, match="KeyError"):
            rig.run(rig.upload(KEY, pdf(9)))
        assert len(rig.ocr.calls) <= window

    def test_no_call_is_begun_that_the_time_would_cut_off(self):
        """Given calls of 20 seconds and a function of 60: a third one would be paid, and its answer lost."""
        rig = Rig(TEXT, seconds=60)
        rig.ocr.during = lambda: rig.clock.pause(20)
        with pytest.raises(Exception, match="must be tried again"):
            rig.run(rig.upload(KEY, pdf(5)))
        assert len(rig.ocr.calls) == 2
        assert not [line for line in rig.journal(KEY) if line["event"] == "unknown"]


class TestBrokenPages:
    def test_sixty_pages_of_which_three_fail_are_partial_and_mended_by_three_calls(self):
        # given
        bad = RejectedError("The picture cannot be read.", code="image-refused", advice="Scan it again.")
        rig = Rig(*[bad] * 3, TEXT, policy=Policy(window=4))

        # when
        (outcome,) = rig.run(rig.upload(KEY, pdf(60)))

        # then
        found = rig.record(KEY)
        states = Counter(page["state"] for page in found["pages"])
        assert (outcome["status"], states["done"], states["rejected"]) == ("partial", 57, 3)
        assert [page["reason"]["code"] for page in found["pages"] if page["state"] != "done"] == ["page-broken"] * 3
        assert len(found["text"]) == 57

        # when the service is well again and the same bytes are uploaded
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload(KEY, pdf(60)))

        # then
        assert (outcome["status"], outcome["pages"], rig.ocr.paid) == ("done", 60, 60)
        assert len(rig.record(KEY)["text"]) == 60

    def test_pages_that_are_broken_in_the_file_have_their_reasons_and_cost_nothing(self):
        # given sixty pages of which three lead nowhere
        kids = b" ".join(b"%d 0 R" % (900 if number in {7, 30, 60} else 3) for number in range(1, 61))
        body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[" + kids
        body += b"]/Count 60>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
        body += b"trailer<</Root 1 0 R/Size 4>>\n%%EOF"
        rig = Rig(PASSPORT, policy=Policy(window=4))

        # when
        (outcome,) = rig.run(rig.upload("passport/a.pdf", body))

        # then
        pages = rig.record("passport/a.pdf")["pages"]
        assert (outcome["status"], outcome["pages"], rig.ocr.paid) == ("partial", 57, 57)
        assert [page["page"] for page in pages if page["state"] != "done"] == [7, 30, 60]
        assert {page["reason"]["code"] for page in pages if page["state"] != "done"} == {"page-broken"}


class TestHands:
    """Where the time ends, a fresh invocation goes on; see ``ports.Relay``."""

    def long(self, pages=14, **values):
        rig = Rig(TEXT, relay=NextInvocation(), seconds=61, **values)
        rig.ocr.during = lambda: rig.clock.pause(10)
        return rig, rig.upload(KEY, pdf(pages))

    def test_a_long_document_is_done_over_several_invocations_and_each_page_is_paid_once(self):
        # given
        rig, upload = self.long()
        said, hands = [], []

        # when each invocation's successor is delivered
        while upload is not None:
            (outcome,) = rig.run(upload)
            said.append(outcome["status"])
            upload = rig.relay.handed.pop() if rig.relay.handed else None
            hands += [upload.hand] if upload else []

        # then
        assert said == ["running", "running", "done"]
        assert hands == [1, 2]
        assert (outcome["pages"], rig.ocr.paid) == (14, 14)
        assert rig.record(KEY)["status"] == "done"
        assert [line["event"] for line in rig.journal(KEY)].count("handed") == 2

    def test_who_got_nowhere_hands_nothing_on(self):
        rig, upload = self.long()
        rig.seconds = 5
        with pytest.raises(Exception, match="must be tried again"):
            rig.run(upload)
        assert rig.relay.handed == []

    def test_where_nobody_takes_over_the_platform_delivers_again(self):
        rig, upload = self.long()

        def refuse():
            raise HeldError("403", code="relay-not-permitted", advice="Permit it.")

        rig.relay.fail = refuse
        with pytest.raises(Exception, match="must be tried again"):
            rig.run(upload)
        assert "relay-not-permitted" in rig.log.text()
        assert rig.journal(KEY)[-1]["event"] == "released"
        with pytest.raises(Exception, match="must be tried again"):
            rig.run(upload)
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("done", 14)

    def test_an_old_event_that_is_given_up_does_not_bury_what_goes_on(self):
        # given a document handed on once
        rig, upload = self.long()
        rig.run(upload)
        (successor,) = rig.relay.handed

        # when the platform gives up a duplicate of the first event
        gone = Reason("platform-gave-up", "It gave up.")
        (outcome,) = rig.bury(upload, gone)

        # then
        assert outcome["status"] == "running"
        rig.run(successor)
        (outcome,) = rig.run(rig.relay.handed.pop())
        assert (outcome["status"], rig.ocr.paid) == ("done", 14)

    def test_a_successor_that_is_given_up_is_buried_with_what_it_has(self):
        rig, upload = self.long()
        rig.run(upload)
        (successor,) = rig.relay.handed
        (outcome,) = rig.bury(successor, Reason("platform-gave-up", "It gave up."))
        assert (outcome["status"], outcome["pages"]) == ("partial", rig.ocr.paid)
        assert len(rig.record(KEY)["pages"]) == 14

    def test_the_end_of_a_long_document_is_left_to_who_has_time_for_it(self):
        # given pages that all fit into the time, and an end that does not
        rig = Rig(TEXT, relay=NextInvocation(), seconds=60)
        rig.ocr.during = lambda: rig.clock.pause(0.1)

        # when
        (first,) = rig.run(rig.upload(KEY, pdf(520)))
        (last,) = rig.run(rig.relay.handed.pop())

        # then
        assert (first["status"], last["status"], rig.ocr.paid) == ("running", "done", 520)


class TestPageCount:
    def test_what_the_service_counts_is_compared_with_what_was_called_for(self):
        # given a service that says three pages of a document of two
        rig = Rig({"total_pages": 3})

        # when
        rig.run(rig.upload("vat-invoice/a.pdf", pdf(2)))

        # then
        assert "Page 2: the service counts 3 pages; 2 were called for." in rig.record("vat-invoice/a.pdf")["notes"]

    def test_where_both_agree_nothing_is_said(self):
        rig = Rig({"total_pages": 2})
        rig.run(rig.upload("vat-invoice/a.pdf", pdf(2)))
        assert not [note for note in rig.record("vat-invoice/a.pdf")["notes"] if "counts" in note]


class TestMostPages:
    def test_a_route_s_own_bound_holds_the_document_and_cuts_nothing(self):
        rules = Routing("cn-north-4", routes=(Route("mail/*", "general-text", max_pages=2),))
        rig = Rig(TEXT, rules=rules)
        (outcome,) = rig.run(rig.upload("mail/a.pdf", pdf(3)))
        assert (outcome["status"], outcome["reason"]["code"]) == ("held", "too-many-pages")
        assert "max_pages of its route" in outcome["reason"]["advice"]
        assert rig.ocr.calls == []

    def test_an_operation_s_bound_counts_the_pages_of_a_single_call_too(self):
        rules = Routing("la-south-2", operations={"peru-id-card": OperationSettings(max_pages=2)})
        rig = Rig(TEXT, rules=rules)
        (outcome,) = rig.run(rig.upload("peru-id-card/a.pdf", pdf(3)))
        assert outcome["status"] == "held"
        (outcome,) = rig.run(rig.upload("peru-id-card/b.pdf", pdf(2)))
        assert outcome["status"] == "done"


class TestOutputs:
    def rig(self, *outputs, **values):
        values = {"operations": {"general-text": OperationSettings(outputs=outputs)}, **values}
        return Rig(TEXT, rules=Routing("cn-north-4", **values))

    def test_markdown_is_made_where_it_is_asked_for(self):
        rig = self.rig("md")
        rig.run(rig.upload(KEY, pdf(2)))
        text = rig.store.read(ObjectRef(OUT, f"results/{KEY}/record.md")).decode()
        assert "Page 2" in text
        assert "Hello" in text

    def test_a_pdf_is_made_whose_words_stand_where_they_were_read(self):
        # given a service that reads words, a field and a cell, each somewhere on the picture it was sent
        corners = [[20, 30], [120, 30], [120, 50], [20, 50]]
        low = [[20, 200], [120, 200], [120, 220], [20, 220]]
        answer = {
            "words_block_list": [{"words": "Rechnung", "location": corners}, {"words": "nowhere"}],
            "title": "Summe",
            "title_location": low,
        }
        rig = self.rig("pdf", "md")
        rig.ocr.script = [answer]

        # when
        rig.run(rig.upload(KEY, pdf(2)))

        # then
        body = rig.store.read(ObjectRef(OUT, f"results/{KEY}/record.pdf"))
        document = pypdfium2.PdfDocument(body)
        assert len(document) == 2
        page = document[1].get_textpage()
        assert "Rechnung" in page.get_text_bounded(15, 225, 125, 255)
        assert "200" not in page.get_text_range()
        assert all(page["frame"]["unit"] == "pt" for page in rig.record(KEY)["pages"])
        assert not [note for note in rig.record(KEY)["notes"] if "record.pdf" in note]

    def test_a_picture_that_was_sent_itself_becomes_a_pdf_too(self):
        rig = Rig(PASSPORT, rules=Routing("cn-north-4", operations={"passport": OperationSettings(outputs=("pdf",))}))
        rig.run(rig.upload("passport/a.png", picture()))
        assert rig.has("results/passport/a.png/record.pdf")

    def test_cells_and_fields_are_searched_too(self):
        location = ((1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (1.0, 9.0))
        fields = (Field("f", "Field", "value", location=location), Field("g", "Field", "no place"))
        extract = Extract(fields, words(1).tables, words(1).text)
        read = Record(document=Document(IN, KEY, "v1"), status="done", pages=(Page(1, "done"),))
        ((number, _, found),) = page_words(read, [extract])
        assert number == 1
        assert [text for text, _ in found] == ["word 0", "value", "cell"]

    def test_a_rejected_document_has_no_pdf_and_one_that_cannot_be_made_is_said(self):
        # given a page that leads nowhere: no layer can be laid over all pages
        kids = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R 9 0 R]/Count 2>>"
        body = kids + b"endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
        rig = self.rig("pdf")
        (outcome,) = rig.run(rig.upload(KEY, body + b"trailer<</Root 1 0 R/Size 4>>\n%%EOF"))
        assert outcome["status"] == "partial"
        assert "record.pdf was not made" in rig.record(KEY)["notes"][0]
        rig.run(rig.upload("general-text/b.pdf", b"%PDF-1.7 nothing %%EOF"))
        assert not rig.has("results/general-text/b.pdf/record.pdf")

    def test_what_an_upload_before_had_beside_its_record_goes_with_it(self):
        rig = self.rig("md")
        rig.run(rig.upload(KEY, pdf(2)))
        assert rig.has(f"results/{KEY}/record.md")
        rig.rules = Routing("cn-north-4")
        rig.clock.pause(60)
        rig.run(rig.upload(KEY, pdf(3)))
        assert not rig.has(f"results/{KEY}/record.md")
        assert rig.has(f"results/{KEY}/record.json")


def words(page, count=1, location=((10.0, 20.0), (30.0, 20.0), (30.0, 40.0), (10.0, 40.0))):
    blocks = tuple(TextBlock(f"word {number}", page, 0.5, location) for number in range(count))
    cells = (Cell(0, 0, "cell", location=location), Cell(0, 1, "no place"))
    table = Table("t", "Table 1", page, 1, 2, cells)
    return Extract((Field("f", "Field", "=1+1", page=page),), (table,), blocks, notes=(f"Page {page}: odd.",))


class TestContents:
    def test_what_was_put_in_comes_out_as_often_as_asked(self):
        with Contents(spool_bytes=1000) as found:
            for page in range(1, 51):
                found.add(words(page, 3))
            assert [block.page for block in found.text][::3] == list(range(1, 51))
            assert len(found.text) == len(list(found.text)) == 150
            for first, second in zip(found.fields, found.fields, strict=True):  # two readers, each at its own place
                assert first == second
            assert next(iter(found.tables)).cells[0].text == "cell"
            assert next(iter(found.fields)) in found.fields
            assert "nothing" not in found.fields

    def test_notes_are_bounded_and_what_is_beyond_is_counted(self):
        with Contents() as found:
            for page in range(1, 1003):
                found.add(Extract(notes=(f"note {page}",)))
            assert len(found.notes) == 1001
            assert found.notes[-1] == "2 more notes."

    @pytest.mark.parametrize("count", [0, 1, 700])
    def test_a_record_written_in_parts_is_the_record_written_whole(self, count):
        # given
        document = Document(IN, KEY, "v1")
        head = Record(document=document, status="done", notes=("n",))
        target = io.BytesIO()

        # when
        with Contents() as found:
            for page in range(1, count + 1):
                found.add(words(page))
            record.write(head, found, target)
            parts = {name: tuple(getattr(found, name)) for name in ("fields", "tables", "text")}

        # then
        whole = msgspec.structs.replace(head, **parts)
        assert target.getvalue() == msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
        assert msgspec.json.decode(target.getvalue(), type=Record) == whole


class TestLargeWorkbook:
    def written(self, pages, count, **values):
        target = io.BytesIO()
        with Contents() as found:
            for page in range(1, pages + 1):
                found.add(words(page, count))
            done = Record(document=Document(IN, KEY, "v1"), status="done", title="General text")
            xlsx.write(done, found, target, **values)
        return target.getvalue()

    def test_what_is_too_much_for_memory_is_written_row_by_row_with_its_tables_on_one_sheet(self):
        # given more tables than a workbook has sheets for, when
        book = openpyxl.load_workbook(io.BytesIO(self.written(201, 2)))

        # then
        assert book.sheetnames == ["Fields", "Tables", "Text", "About"]
        assert book["Text"].max_row == 403
        assert [cell.value for cell in book["Tables"][2]][:7] == [1, "Table 1", 1, 1, 1, 1, "cell"]
        assert book["Fields"]["B2"].value == "=1+1"
        assert book["Fields"]["B2"].data_type == "s"
        assert book["Text"].column_dimensions["C"].width >= 8

    def test_it_has_the_same_bytes_each_time(self):
        first = self.written(201, 1)
        assert first == self.written(201, 1)
        assert dates_in(first) == ({"2000-01-01T00:00:00Z"}, {1980})

    def test_rows_beyond_the_last_row_of_a_sheet_go_on_in_another(self):
        book = openpyxl.load_workbook(io.BytesIO(self.written(201, 2, rows_per_sheet=300)))
        assert book["Text"].max_row == 300
        assert book["Text (2)"].max_row == 402 - 299 + 1
        assert [cell.value for cell in book["Text (2)"][1]] == [cell.value for cell in book["Text"][1]]


class TestPlaces:
    def test_locations_lead_back_to_the_page_as_it_was_uploaded(self):
        rig = Rig({"words_block_list": [{"words": "far", "location": [[4095, 0], [4096, 0], [4096, 82], [4095, 82]]}]})
        rig.run(rig.upload("web-image/a.png", picture(60, 40)))
        rig.run(rig.upload("general-text/large.png", picture(40_000, 800)))
        found = rig.record("general-text/large.png")
        frame = found["pages"][0]["frame"]
        assert (frame["width"], frame["height"], frame["unit"]) == (40_000, 800, "px")
        assert found["text"][0]["location"][0][0] == pytest.approx(4095 / frame["scale"], abs=0.01)
        assert rig.record("web-image/a.png")["pages"][0]["frame"] is None

    def test_fields_cells_and_blocks_are_placed_and_what_has_no_place_stays(self):
        found = placed(words(1), Frame(595, 842, "pt", 2.0))
        assert found.text[0].location == ((5.0, 10.0), (15.0, 10.0), (15.0, 20.0), (5.0, 20.0))
        assert found.tables[0].cells[0].location == found.text[0].location
        assert found.tables[0].cells[1].location is None
        assert placed(words(1), None) == words(1)
