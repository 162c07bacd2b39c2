"""Results at their edges: the newer upload stays on top however late the older one ends, and the record comes last."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from legible.errors import BusyError, InternalError, RejectedError, UnavailableError
from legible.extraction.corrections import Change, digest
from legible.model import layout
from legible.model.documents import ObjectRef, Outcome, Reason, Upload
from legible.results.review import Conflict, Conflicts
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture, tiff

KEY = "passport/a.png"


def versions() -> tuple[Rig, Upload, Upload]:
    """Return a bucket that keeps versions, an older upload in it, and a newer one."""
    rig = Rig({**PASSPORT, "surname": "OLDER"}, {**PASSPORT, "surname": "NEWER"})
    rig.store.versioned.add(IN)
    uploads = []
    for color in (10, 200):
        ref = rig.store.put(IN, KEY, picture(60, 40 + color))
        head = rig.store.head(ref)
        uploads.append(Upload(ref, raw_key=KEY, etag=head.etag, version_id=head.version_id))
        rig.clock.pause(3600)
    return rig, *uploads


class TestTheNewerUploadStaysOnTop:
    @pytest.mark.parametrize("days", [0, 1, 2, 3, 30])
    def test_an_older_one_that_ends_days_later_never_takes_its_place(self, days):
        # given
        rig, older, newer = versions()
        rig.run(newer)
        assert rig.record(KEY)["document"]["version"] == newer.etag

        # when
        rig.clock.pause(timedelta(days=days).total_seconds())
        (outcome,) = rig.run(older)

        # then
        assert outcome["status"] == "done"
        assert rig.record(KEY)["document"]["version"] == newer.etag
        assert rig.store.json(OUT, f"answers/{KEY}/{older.etag}/record.json")["status"] == "done", (
            "nothing of it is lost"
        )

    @pytest.mark.parametrize("days", [0, 1, 3])
    def test_a_newer_one_takes_the_place_of_an_older(self, days):
        rig, older, newer = versions()
        rig.run(older)
        rig.clock.pause(timedelta(days=days).total_seconds())
        rig.run(newer)
        assert rig.record(KEY)["document"]["version"] == newer.etag


class TestTheRecordComesLast:
    """Whoever finds the record finds the rest."""

    def rig(self) -> Rig:
        rig = Rig()
        rig.upload(KEY)
        return rig

    def test_it_is_copied_after_all_others(self):
        rig, copied = self.rig(), []
        rig.store.after = lambda verb, ref: copied.append(ref.key) if ref.key.startswith("results/") else None
        rig.run(Upload(ObjectRef(IN, KEY)))
        assert len(copied) > 1
        assert copied[-1] == f"results/{KEY}/record.json"
        assert copied.count(f"results/{KEY}/record.json") == 1

    def test_where_another_cannot_be_copied_there_is_no_record(self):
        rig = self.rig()

        def refuse(verb, ref):
            if verb == "write" and ref.key == f"results/{KEY}/record.xlsx":
                raise UnavailableError("503")

        rig.store.fail = refuse
        with pytest.raises(Exception, match="must be tried again"):
            rig.run(Upload(ObjectRef(IN, KEY)))
        assert not rig.has(f"results/{KEY}/record.json")

        rig.store.fail = lambda verb, ref: None
        rig.clock.pause(120)
        (outcome,) = rig.run(Upload(ObjectRef(IN, KEY)))
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert rig.has(f"results/{KEY}/record.xlsx")


class TestMadeAnew:
    def test_the_outcome_is_that_of_the_document(self):
        rig = Rig()
        rig.run(rig.upload("general-text/a.tif", tiff(3)))
        document = rig.rebuilder().current("general-text/a.tif")
        assert rig.rebuilder().rebuild(document) == Outcome(
            IN,
            "general-text/a.tif",
            "done",
            operation="general-text",
            pages=3,
            record=layout.version(document, "record.json"),
            reason=None,
        )

    def test_one_that_did_not_go_well_keeps_its_reason(self):
        rig = Rig(RejectedError("It is blurred.", code="blurred", advice="Scan it again."))
        rig.run(rig.upload(KEY))
        outcome = rig.rebuilder().rebuild(rig.rebuilder().current(KEY))
        assert outcome.status == "rejected"
        assert outcome.reason == msgspec.convert(rig.record(KEY)["reason"], type=Reason)

    def test_the_time_of_its_upload_stays_and_so_does_its_place(self):
        rig, older, newer = versions()
        rig.run(newer)
        rig.run(older)
        current = rig.rebuilder().current(KEY)
        rig.rebuilder().rebuild(current)
        known = rig.parts().publisher.current(KEY)
        assert (known.version, known.uploaded_at) == (newer.etag, current.uploaded_at)
        assert known.uploaded_at is not None

    def test_a_folder_without_a_record_has_no_review(self):
        assert Rig().rebuilder().revision(KEY) == 0

    def test_below_a_prefix_are_documents_and_nothing_else(self):
        rig = Rig()
        rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png"), rig.upload("general-text/c.png"))
        assert list(rig.rebuilder().below("passport/")) == ["passport/a.png", "passport/b.png"]

    def test_a_record_that_somebody_else_wrote_says_what_to_do(self):
        rig = Rig()
        rig.store.put(OUT, f"results/{KEY}/record.json", b"hello")
        with pytest.raises(InternalError) as caught:
            rig.rebuilder().current(KEY)
        assert caught.value.reason_code == "record-unreadable"
        assert "upload the same bytes once more" in caught.value.advice

    def test_a_document_under_way_says_when_to_try_again(self):
        rig = Rig()
        rig.run(rig.upload(KEY))
        document = rig.rebuilder().current(KEY)
        rig.store.remove(ObjectRef(OUT, layout.journal(document)))
        with pytest.raises(BusyError) as caught:
            rig.rebuilder().rebuild(document)
        assert "try again then" in caught.value.advice


class TestReviews:
    def apply(self, rig: Rig, *edits: Change, conflicts: Conflicts = "refuse", owner: str = "review-1", key: str = KEY):
        version = rig.record(key)["document"]["version"]
        return rig.reviewer(owner).apply(key, version, edits, "Wang Fang", conflicts)

    def rig(self) -> Rig:
        rig = Rig()
        rig.run(rig.upload(KEY))
        return rig

    def test_one_that_changes_nothing_makes_nothing_anew(self):
        rig = self.rig()
        applied = self.apply(rig, Change(1, "surname", "ERIKSSON", digest("ERIKSSON")))
        assert (applied.applied, applied.already, applied.outcome) == (0, 1, None)

    def test_one_that_changes_something_makes_the_results_anew_though_the_record_counts_as_many_reviews(self):
        """Given results that were made anew between the review's line and its own making."""
        rig = self.rig()
        edit = Change(1, "surname", "ERIKSSEN", digest("ERIKSSON"))

        def meanwhile(verb, ref):
            if verb == "append":
                rig.store.after = lambda verb, ref: None
                rig.rebuilder().rebuild(rig.rebuilder().current(KEY))

        rig.store.after = meanwhile
        assert self.apply(rig, edit).outcome is not None

    def test_what_is_not_there_is_told_in_the_order_of_the_pages(self):
        edits = [Change(page, "x", "y", "") for page in (90, 9, 1, 33, 2)]
        unknown = self.apply(self.rig(), *edits).unknown
        assert unknown == tuple(f"page {page}: x" for page in (1, 2, 9, 33, 90))

    def test_it_is_kept_as_json_beside_the_answers(self):
        rig = self.rig()
        self.apply(rig, Change(1, "surname", "ERIKSSEN", digest("ERIKSSON")))
        (key,) = [key for key in rig.store.keys(OUT, "answers/") if "/review." in key]
        assert rig.store.head(ObjectRef(OUT, key)).content_type == "application/json"

    def test_what_was_recognized_has_no_author(self):
        applied = self.apply(self.rig(), Change(1, "surname", "ERIKSSEN", digest("ANOTHER")))
        assert applied.conflicts == (Conflict(1, "surname", "ERIKSSEN", "ERIKSSON"),)
        assert applied.conflicts[0].author == ""

    def test_one_of_another_upload_says_what_to_do(self):
        with pytest.raises(RejectedError) as caught:
            self.rig().reviewer().apply(KEY, "another", [], "Wang Fang", "mine")
        assert "Export the review again" in caught.value.advice

    @pytest.mark.parametrize("word", ["refuse", "mine", "theirs"])
    def test_a_conflict_is_settled_by_one_of_three_words(self, word):
        assert msgspec.convert(word, Conflicts) == word
