"""Corrections by people: kept in the ledger, above what was recognized, never above what somebody else said unasked."""

from __future__ import annotations

import hashlib
import json

import pytest

from legible.errors import BusyError, InternalError, RejectedError, UnavailableError
from legible.extraction.corrections import Change, digest
from legible.ledger.journal import Line, encode
from legible.model import layout
from legible.model.documents import ObjectRef
from tests.support.rig import OUT, PASSPORT, TEXT, Rig, picture, tiff

KEY = "passport/a.png"
ITEMS = {"item_list": [{"name": "Tea", "quantity": "2"}, {"name": "Cups", "quantity": "x"}], "total": "7.00"}


def recognized(*script, key=KEY, body=None):
    rig = Rig(*script)
    rig.run(rig.upload(key, body))
    return rig


def edit(name, value, was, page=1):
    return Change(page, name, value, digest(was))


def apply(rig, *edits, key=KEY, author="Wang Fang", conflicts="refuse", owner="review-1"):
    version = rig.record(key)["document"]["version"]
    return rig.reviewer(owner).apply(key, version, iter(edits), author, conflicts)


def field(rig, name, key=KEY):
    return next(field for field in rig.record(key)["fields"] if field["name"] == name)


class TestACorrection:
    def test_counts_beside_what_was_recognized(self):
        rig = recognized()
        applied = apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        found = field(rig, "surname")
        assert (applied.applied, applied.conflicts) == (1, ())
        assert found["value"] == "ERIKSSON"
        assert found["corrected"]["value"] == "ERIKSSEN"
        assert found["corrected"]["author"] == "Wang Fang"
        assert rig.record(KEY)["revision"] == 1

    def test_is_a_line_of_the_ledger_that_holds_nothing_recognized(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        line = rig.journal(KEY)[-1]
        assert (line["event"], line["author"]) == ("corrected", "Wang Fang")
        assert "ERIKSSEN" not in json.dumps(line)
        assert line["at"] == field(rig, "surname")["corrected"]["at"]

    def test_is_typed_as_the_field_is(self):
        rig = recognized()
        apply(rig, edit("date_of_birth", "13/08/1974", "1974-08-12"))
        assert field(rig, "date_of_birth")["typed"] == "1974-08-13"
        apply(rig, edit("date_of_birth", "nobody knows", "13/08/1974"), owner="review-2")
        assert field(rig, "date_of_birth")["typed"] is None

    def test_costs_nothing(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        assert len(rig.ocr.calls) == 1
        assert rig.record(KEY)["calls"]["answered"] == 1

    def test_reaches_cells_and_text_of_any_page(self):
        rig = recognized(ITEMS, key="vat-invoice/a.png", body=picture(200, 200))
        apply(rig, edit("item_list#2,1", "12", "x"), key="vat-invoice/a.png")
        cell = next(
            c for c in rig.record("vat-invoice/a.png")["tables"][0]["cells"] if (c["row"], c["column"]) == (2, 1)
        )
        assert (cell["text"], cell["typed"], cell["corrected"]["value"]) == ("x", "12", "12")

        rig = recognized(TEXT, TEXT, key="general-text/a.tif", body=tiff(2))
        apply(rig, edit("#1", "Hallo", "Hello", page=2), key="general-text/a.tif")
        blocks = rig.record("general-text/a.tif")["text"]
        assert [block["corrected"] and block["corrected"]["value"] for block in blocks] == [None, "Hallo"]

    def test_can_be_taken_back(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        applied = apply(rig, edit("surname", None, "ERIKSSEN"), owner="review-2")
        assert applied.applied == 1
        assert field(rig, "surname")["corrected"] is None
        assert apply(rig, edit("surname", None, "ERIKSSON"), owner="review-3").already == 1

    def test_stays_when_the_document_is_done_again(self):
        """Given a page that failed and bytes that come again: what was corrected on the other page stays."""
        rig = Rig(TEXT, RejectedError("blurred", code="image-blurred"), TEXT)
        key, body = "general-text/a.tif", tiff(2)
        rig.run(rig.upload(key, body))
        assert rig.record(key)["status"] == "partial"
        apply(rig, edit("#1", "Hallo", "Hello"), key=key)
        rig.clock.pause(60)
        rig.run(rig.upload(key, body))
        record = rig.record(key)
        assert (record["status"], record["revision"]) == ("done", 1)
        assert record["text"][0]["corrected"]["value"] == "Hallo"

    def test_in_an_enum_reads_as_its_word(self):
        rig = recognized({**PASSPORT, "sex": "M"})
        assert field(rig, "sex")["typed"] == "male"
        apply(rig, edit("sex", "F", "M"))
        assert field(rig, "sex")["typed"] == "female"

    def test_that_agrees_takes_the_finding_away(self):
        """Given a date of birth after the date of issue: it is a finding until it is corrected."""
        rig = recognized({**PASSPORT, "date_of_issue": "1970-01-01"})
        assert field(rig, "date_of_issue")["findings"] == ["dates-in-order"]
        apply(rig, edit("date_of_issue", "2020-01-01", "1970-01-01"))
        assert field(rig, "date_of_issue")["findings"] == []
        assert [check["passed"] for check in rig.record(KEY)["checks"]] == [True]


class TestTwoReviewers:
    def test_of_different_fields_do_not_disturb_one_another(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        applied = apply(rig, edit("given_name", "ANNE", "ANNA MARIA"), author="Li Na", owner="review-2")
        assert applied.applied == 1
        assert field(rig, "surname")["corrected"]["author"] == "Wang Fang"
        assert field(rig, "given_name")["corrected"]["author"] == "Li Na"

    def test_of_one_field_are_a_conflict_and_nothing_of_the_later_review_is_applied(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        later = (edit("surname", "ERICSSON", "ERIKSSON"), edit("given_name", "ANNE", "ANNA MARIA"))
        applied = apply(rig, *later, author="Li Na", owner="review-2")
        assert applied.applied == 0
        (conflict,) = applied.conflicts
        assert (conflict.mine, conflict.theirs, conflict.author) == ("ERICSSON", "ERIKSSEN", "Wang Fang")
        assert field(rig, "surname")["corrected"]["value"] == "ERIKSSEN"
        assert field(rig, "given_name")["corrected"] is None

    @pytest.mark.parametrize(("conflicts", "stands"), [("mine", "ERICSSON"), ("theirs", "ERIKSSEN")])
    def test_of_one_field_go_on_as_they_were_told(self, conflicts, stands):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        later = (edit("surname", "ERICSSON", "ERIKSSON"), edit("given_name", "ANNE", "ANNA MARIA"))
        apply(rig, *later, conflicts=conflicts, owner="review-2")
        assert field(rig, "surname")["corrected"]["value"] == stands
        assert field(rig, "given_name")["corrected"]["value"] == "ANNE"

    def test_who_say_the_same_agree(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        applied = apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"), owner="review-2")
        assert (applied.applied, applied.already, applied.conflicts) == (0, 1, ())
        assert applied.outcome is None

    def test_at_the_same_moment_are_compared_with_one_another(self):
        """Given a review whose line comes in between another one's look and its line."""
        rig = recognized()
        real = rig.store.append

        def beaten(ref, position, body):
            rig.store.append = real
            apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"), owner="faster")
            return real(ref, position, body)

        rig.store.append = beaten
        applied = apply(rig, edit("surname", "ERICSSON", "ERIKSSON"), owner="slower")
        assert [conflict.theirs for conflict in applied.conflicts] == ["ERIKSSEN"]
        assert field(rig, "surname")["corrected"]["value"] == "ERIKSSEN"

    def test_whose_line_was_swallowed_writes_it_again(self):
        """Given an OBS that lets two appends through at one position, and the last one stands."""
        rig = recognized()
        real = rig.store.append

        def swallowed(ref, position, body):
            rig.store.append = real
            length = real(ref, position, body)
            whole = rig.store.objects[ref]
            other = encode(Line("surplus", rig.clock.now(), "other", 1, page=1))
            rig.store.objects[ref] = (whole[0][:position] + other, *whole[1:])
            return length

        rig.store.append = swallowed
        assert apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON")).applied == 1
        assert [line["event"] for line in rig.journal(KEY)][-2:] == ["surplus", "corrected"]
        assert field(rig, "surname")["corrected"]["value"] == "ERIKSSEN"


class TestAReviewThatIsRefused:
    def test_of_an_upload_that_was_replaced(self):
        rig = recognized(PASSPORT, {**PASSPORT, "surname": "NEWER"})
        version = rig.record(KEY)["document"]["version"]
        rig.clock.pause(60)
        rig.run(rig.upload(KEY, picture(61, 41)))
        with pytest.raises(RejectedError, match="uploaded again since") as caught:
            rig.reviewer().apply(KEY, version, [edit("surname", "X", "ERIKSSON")], "Wang Fang", "mine")
        assert caught.value.reason_code == "other-version"
        assert field(rig, "surname")["value"] == "NEWER"

    def test_of_a_document_under_way(self):
        rig = recognized()
        document = rig.rebuilder().current(KEY)
        rig.store.remove(ObjectRef(OUT, layout.journal(document)))
        with pytest.raises(BusyError):
            apply(rig, edit("surname", "X", "ERIKSSON"))

    def test_of_what_is_not_there_is_told_and_the_rest_applied(self):
        rig = recognized()
        applied = apply(
            rig, edit("no_such_field", "X", ""), edit("surname", "ERIKSSEN", "ERIKSSON"), edit("a", "b", "c", 7)
        )
        assert applied.unknown == ("page 1: no_such_field", "page 7: a")
        assert applied.applied == 1

    def test_of_a_document_that_was_not_read_at_all(self):
        rig = recognized(key="no-such-operation/a.bin", body=b"neither image nor document")
        applied = apply(rig, edit("surname", "X", ""), key="no-such-operation/a.bin")
        assert applied.unknown == ("page 1: surname",)

    def test_by_a_store_that_takes_no_line(self):
        rig = recognized()

        def refuse(ref, position, body):
            from legible.errors import AppendConflictError

            raise AppendConflictError("not now")

        rig.store.append = refuse
        with pytest.raises(UnavailableError, match="took no line"):
            apply(rig, edit("surname", "X", "ERIKSSON"))


class TestWhatWasInterrupted:
    def test_a_review_whose_results_were_not_made_is_made_by_the_same_review_again(self):
        rig = recognized()

        def killed(verb, ref):
            if verb == "write" and ref.key.endswith("record.json"):
                raise UnavailableError("503")

        rig.store.fail = killed
        with pytest.raises(UnavailableError):
            apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        rig.store.fail = lambda *_: None
        assert field(rig, "surname")["corrected"] is None
        applied = apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"), owner="review-2")
        assert (applied.applied, applied.already) == (0, 1)
        assert field(rig, "surname")["corrected"]["value"] == "ERIKSSEN"

    def test_a_review_that_was_altered_stops_the_making_of_results(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        (key,) = [key for key in rig.store.keys(OUT, "answers/") if "/review." in key]
        rig.store.put(OUT, key, b'{"edits": []}')
        with pytest.raises(InternalError, match="not the one"):
            rig.rebuilder().rebuild(rig.rebuilder().current(KEY))

    def test_a_review_that_only_a_newer_version_reads_is_left_to_that_version(self):
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        (key,) = [key for key in rig.store.keys(OUT, "answers/") if "/review." in key]
        body = b'{"edits": {"surname": "ERIKSSEN"}}'
        (ref,) = [ref for ref in rig.store.objects if ref.key.startswith("ledger/") and "newest-" not in ref.key]
        old, *rest = rig.store.objects[ref]
        sha256 = hashlib.sha256(rig.store.objects[ObjectRef(OUT, key)][0]).hexdigest().encode()
        rig.store.objects[ref] = (old.replace(sha256, hashlib.sha256(body).hexdigest().encode()), *rest)
        rig.store.put(OUT, key, body)
        with pytest.raises(InternalError, match="newer version of Legible") as newer:
            rig.rebuilder().rebuild(rig.rebuilder().current(KEY))
        assert newer.value.advice == "Make the results with that version: without its corrections they would say less."

    def test_a_correction_of_what_is_read_no_more_is_noted(self):
        """Given answers that are read otherwise by now: what was corrected has no place."""
        rig = recognized()
        apply(rig, edit("surname", "ERIKSSEN", "ERIKSSON"))
        document = rig.rebuilder().current(KEY)
        asked = rig.rebuilder().task(document, rig.parts().ledger.journals.load(document))
        from legible.extraction.corrections import corrected
        from legible.model.records import Correction, Extract

        lost = {"surname": Correction("ERIKSSEN", "Wang Fang", rig.clock.now())}
        assert "fits nothing" in corrected(asked.operation, Extract(), lost).notes[0]
