"""What is made of answers: a few at a time, in the order of the pages, with what somebody should look at counted."""

from __future__ import annotations

import io
import sys
import threading
import zipfile

import pytest

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, ObjectRef
from legible.model.pages import Frame
from legible.model.records import Cell, Extract, Field, Table, TextBlock
from legible.results import files
from legible.results.files import preload
from tests.support.fakes import START
from tests.support.rig import IN, OUT, PASSPORT, Rig, pdf, picture

KEY = "passport/a.png"


def answered(*numbers: int) -> State:
    return State(Line("answered", START, "o", number, page=number) for number in numbers)


class TestBatches:
    @pytest.mark.parametrize(
        ("count", "sizes"), [(0, []), (1, [1]), (8, [8]), (9, [8, 1]), (16, [8, 8]), (17, [8, 8, 1])]
    )
    def test_eight_answers_are_read_at_once_and_none_twice(self, count, sizes):
        batches = list(files.batches(answered(*range(count, 0, -1)), count))
        assert [len(batch) for batch in batches] == sizes
        assert [line.page for batch in batches for line in batch] == list(range(1, count + 1))

    def test_pages_without_an_answer_are_passed_over(self):
        (batch,) = files.batches(answered(1, 3, 4), 3)
        assert [line.page for line in batch] == [1, 3]


class TestTheServicesCount:
    def noted(self, *fields: Field, pages: int = 2, frame: Frame | None = None) -> tuple[str, ...]:
        line = Line("answered", START, "o", 1, page=3, frame=frame)
        return files._counted(Extract(fields=fields, notes=("before",)), pages, line).notes

    def test_another_number_than_was_called_for_is_noted(self):
        other = Field("other", "Other", "9", "integer", "9")
        total = Field("total_pages", "Pages", "5", "integer", "5")
        note = "Page 3: the service counts 5 pages; 2 were called for."
        assert self.noted(other, total) == ("before", note)
        assert self.noted(other, total, pages=5) == ("before",)
        assert self.noted(other) == ("before",)
        assert self.noted(Field("total_pages", "Pages", "?", "integer", None)) == ("before",)

    def test_a_page_that_was_drawn_is_one_page_whatever_it_says(self):
        total = Field("total_pages", "Pages", "5", "integer", "5")
        assert self.noted(total, frame=Frame(1, 1, 1, 1)) == ("before",)


class TestWhatIsDoubtful:
    def test_fields_text_and_cells_are_counted(self):
        sure, unsure = 0.99, 0.1
        extract = Extract(
            fields=(Field("a", "A", "x", confidence=unsure), Field("b", "B", "x", confidence=sure)),
            text=(TextBlock("x", confidence=unsure), TextBlock("y", confidence=sure)),
            tables=(Table("t", "T", 1, 1, 2, (Cell(0, 0, "x", confidence=unsure), Cell(0, 1, "x", confidence=sure))),),
        )
        assert files._doubtful(extract) == 3
        assert files._doubtful(Extract()) == 0

    def test_the_record_counts_those_of_all_pages(self):
        unsure = {**PASSPORT, "confidence": {"passport_number": 0.1, "surname": 0.1}}
        rig = Rig(unsure)
        rig.run(rig.upload("passport/a.pdf", pdf(3)))
        known = rig.parts().publisher.current("passport/a.pdf")
        assert known.doubtful == 6

    def test_nothing_is_read_of_a_page_without_an_answer(self):
        rig = Rig()
        rig.run(rig.upload(KEY))
        document, parts = rig.rebuilder().current(KEY), rig.parts()
        state = parts.ledger.journals.load(document)
        task = rig.rebuilder().task(document, state)
        assert parts.results.corrected(task, state, 2) == Extract()
        assert parts.results.corrected(task, state, 1).fields


def test_a_document_has_a_workbook_beside_its_record():
    rig = Rig()
    rig.run(rig.upload(KEY))
    body = rig.store.objects[ObjectRef(OUT, f"results/{KEY}/record.xlsx")][0]
    assert zipfile.is_zipfile(io.BytesIO(body))


def test_what_was_replaced_before_it_was_read_counts_as_older_than_any_other():
    rig = Rig()
    old = rig.upload(KEY)
    rig.upload(KEY, picture(61, 41))
    rig.run(old)
    known = rig.parts().publisher.known(Document(IN, KEY, old.etag))
    assert (known.status, known.uploaded_at) == ("rejected", None)


def test_without_a_task_nothing_is_read():
    rig = Rig()
    assert rig.parts().results.read(Document(OUT, KEY, "v"), None, answered(1), {}, None) == ()


def test_what_workbooks_are_written_with_is_loaded_ahead_where_it_is_not_yet():
    before = threading.active_count()
    preload()
    assert threading.active_count() == before
    preload(loaded=())
    assert "legible.outputs.xlsx" in sys.modules
