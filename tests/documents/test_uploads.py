"""Events and the documents they name: which version of which object it is, and what is said where it is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from legible.documents.uploads import Uploads, newest_head, replaced
from legible.errors import HeldError, ObjectGoneError, RejectedError, SkippedError, UnavailableError
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.model import layout
from legible.model.documents import Document, Ignored, ObjectRef, Order, Reason, Unreadable, Upload
from legible.ports import Site
from tests.support.fakes import START, MemoryStore
from tests.support.rig import IN, OUT

REF = ObjectRef(IN, "passport/a b.png")
ETAG = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def uploads(store) -> Uploads:
    return Uploads(Site(store, IN, OUT))


class TestNoDocument:
    def test_an_event_that_cannot_be_read_is_recorded_under_its_digest(self, uploads):
        reason = Reason("event-unreadable", "It names nothing.", "Look at the trigger.")
        document, error = uploads.locate(Unreadable(reason, "0f0f"))
        assert document == Document("unreadable", ".events/0f0f", "0f0f")
        assert isinstance(error, RejectedError)
        assert (error.message, error.reason_code, error.advice) == (
            "It names nothing.", "event-unreadable", "Look at the trigger.",
        )  # fmt: skip

    def test_a_removal_is_skipped_with_its_reason(self, uploads):
        with pytest.raises(SkippedError, match="It was removed") as skipped:
            uploads.locate(Ignored(REF, Reason("removed", "It was removed.")))
        assert skipped.value.reason_code == "removed"

    @pytest.mark.parametrize(
        ("bucket", "code", "advice"),
        [(OUT, "own-output", "watch the input bucket"), ("other", "other-bucket", "set LEGIBLE_INPUT_BUCKET")],
    )
    def test_an_object_of_another_bucket_is_skipped_and_not_looked_at(self, store, uploads, bucket, code, advice):
        store.fail = lambda verb, ref: pytest.fail("looked at")
        with pytest.raises(SkippedError) as skipped:
            uploads.locate(Upload(ObjectRef(bucket, "a.png")))
        assert skipped.value.reason_code == code
        assert advice in skipped.value.advice

    @pytest.mark.parametrize(("body", "skipped"), [(b"", True), (b"x", False)])
    def test_a_folder_is_an_empty_object(self, store, uploads, body, skipped):
        store.put(IN, "folder/", body)
        if skipped:
            with pytest.raises(SkippedError, match="is a folder") as folder:
                uploads.locate(Upload(ObjectRef(IN, "folder/")))
            assert folder.value.reason_code == "folder"
        else:
            assert uploads.locate(Upload(ObjectRef(IN, "folder/")))[1] is None

    @pytest.mark.parametrize(("size", "skipped"), [(0, True), (None, True), (5, False)])
    def test_one_that_is_gone_was_a_folder_where_its_event_names_no_byte(self, uploads, size, skipped):
        upload = Upload(ObjectRef(IN, "folder/"), size=size)
        if skipped:
            with pytest.raises(SkippedError):
                uploads.locate(upload)
        else:
            assert isinstance(uploads.locate(upload)[1], ObjectGoneError)


class TestTheDocument:
    def test_is_what_the_store_tells_of_it(self, store, uploads):
        store.versioned.add(IN)
        store.put(IN, REF.key, b"bytes", "image/png")
        head = store.head(REF)
        document, error = uploads.locate(Upload(REF))
        assert error is None
        assert document == Document(
            IN, REF.key, head.etag, head.etag, "version-1", 5, uploaded_at=START, content_type="image/png"
        )

    def test_that_is_gone_is_named_as_its_event_does_and_what_to_do(self, uploads):
        at = START + timedelta(milliseconds=345)
        document, error = uploads.locate(Upload(REF, etag=ETAG, version_id="v1", at=at))
        assert isinstance(error, ObjectGoneError)
        assert "removed or renamed before it was read; upload it again" in error.advice
        assert document == Document(IN, REF.key, ETAG, ETAG, uploaded_at=START)

    def test_that_may_not_be_looked_at_is_named_as_its_event_does_too(self, store, uploads):
        def deny(verb, ref):
            raise HeldError("403", code="obs-denied")

        store.fail = deny
        document, error = uploads.locate(Upload(REF, etag=ETAG))
        assert isinstance(error, HeldError)
        assert (document.version, document.uploaded_at) == (ETAG, None)

    def test_is_not_decided_while_the_store_does_not_tell(self, store, uploads):
        def down(verb, ref):
            raise UnavailableError("503")

        store.fail = down
        with pytest.raises(UnavailableError):
            uploads.locate(Upload(REF))

    @pytest.mark.parametrize("journals", [True, False])
    def test_whose_journals_may_not_be_looked_at_is_told(self, store, uploads, journals):
        store.versioned.add(IN)
        store.put(IN, REF.key, b"bytes")

        def deny(verb, ref):
            if ref.bucket == OUT and journals:
                raise HeldError("403", code="obs-denied")

        store.fail = deny
        _, error = uploads.locate(Upload(REF, etag=ETAG))
        assert isinstance(error, HeldError) == journals

    @pytest.mark.parametrize("decoded", [True, False])
    def test_of_two_keys_that_an_event_may_mean_the_one_with_its_etag_is_right(self, store, uploads, decoded):
        raw = ObjectRef(IN, "passport/a+b.png")
        store.put(IN, REF.key, b"decoded")
        store.put(IN, raw.key, b"as spelled")
        right = REF if decoded else raw
        document, _ = uploads.locate(Upload(REF, raw_key=raw.key, etag=store.head(right).etag))
        assert document.key == right.key

    def test_where_both_have_it_the_decoded_key_counts(self, store, uploads):
        for key in (REF.key, "passport/a+b.png"):
            store.put(IN, key, b"bytes")
        etag = store.head(REF).etag
        assert uploads.locate(Upload(REF, raw_key="passport/a+b.png", etag=etag))[0].key == REF.key

    def test_that_is_announced_has_the_name_of_its_bytes_whether_or_not_journals_may_be_looked_at(self, store, uploads):
        upload = Upload(REF, etag=ETAG, version_id="version-1")
        found = uploads.announced(upload)

        def deny(verb, ref):
            raise HeldError("403", code="obs-denied")

        store.fail = deny
        assert uploads.announced(upload).version == found.version == ETAG

    def test_that_is_announced_by_its_bytes_is_none_that_had_no_name(self, store, uploads):
        """Given a journal of an upload of that key that was gone, and of which its event said nothing."""
        store.put(OUT, layout.journal(uploads.announced(Upload(REF))), b"")
        assert uploads.announced(Upload(REF, etag=ETAG)).version == ETAG

    def test_that_is_announced_is_best_the_one_that_has_not_ended(self, store, uploads):
        ends = {
            f"{ETAG}.0123abcd": Line("finished", START, "a", 1, status="done"),
            ETAG: Line("claimed", START, "b", 1),
        }
        for name, line in ends.items():
            store.put(OUT, layout.journal(Document(IN, REF.key, name)), journal.encode(line))
        assert uploads.announced(Upload(REF, etag=ETAG)).version == ETAG

    def test_where_neither_has_it_the_decoded_key_counts(self, store, uploads):
        store.put(IN, REF.key, b"decoded")
        store.put(IN, "passport/a+b.png", b"as spelled")
        assert uploads.locate(Upload(REF, raw_key="passport/a+b.png", etag=ETAG))[0].key == REF.key

    def test_where_only_one_is_there_it_is_that(self, store, uploads):
        store.put(IN, "passport/a+b.png", b"as spelled")
        assert uploads.locate(Upload(REF, raw_key="passport/a+b.png"))[0].key == "passport/a+b.png"


class TestOrders:
    def test_that_of_the_metadata_counts_and_that_of_the_event_before_it(self, store, uploads):
        store.put(IN, REF.key, b"bytes", metadata={"legible-operation": "passport"})
        assert uploads.locate(Upload(REF))[0].order == Order("passport")
        assert uploads.locate(Upload(REF, order=Order("invoice")))[0].order == Order("invoice")

    def test_one_that_cannot_be_read_is_told_with_the_document(self, store, uploads):
        store.put(IN, REF.key, b"bytes", metadata={"legible-options": "{"})
        document, error = uploads.locate(Upload(REF))
        assert isinstance(error, RejectedError)
        assert (error.reason_code, document.key, document.order) == ("bad-order", REF.key, None)


class TestReplaced:
    @pytest.mark.parametrize(
        ("named", "lying", "answer"),
        [
            (ETAG, ETAG, False),
            (ETAG, "other", True),
            (f"{ETAG}-3", ETAG, True),
            ("", ETAG, False),
            ("etag", ETAG, False),
            (f"{ETAG}x", ETAG, False),
        ],
    )
    def test_only_an_etag_says_that_another_upload_lies_there(self, named, lying, answer):
        assert replaced(Upload(REF, etag=named), Document(IN, REF.key, "v", etag=lying)) == answer


class TestNewestHead:
    def test_it_is_that_of_the_version_or_else_of_what_lies_there_or_none(self, store):
        store.versioned.add(IN)
        store.put(IN, REF.key, b"one")
        store.put(IN, REF.key, b"three")
        sizes = [head.size for version in ("version-1", "gone", "") if (head := newest_head(store, REF, version))]
        assert sizes == [3, 5, 5]
        assert newest_head(store, ObjectRef(IN, "missing"), "version-1") is None

    def test_where_no_version_is_named_one_look_is_enough(self, store):
        looks = []
        store.put(IN, REF.key, b"one")
        store.fail = lambda verb, ref: looks.append(verb)
        assert newest_head(store, REF) is not None
        assert looks == ["head"]


def test_an_event_without_a_time_or_etag_names_a_document_by_its_version(uploads):
    assert uploads.announced(Upload(REF, version_id="v1")) == Document(IN, REF.key, "v1")
