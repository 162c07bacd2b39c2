"""A call whose invocation died: whether an answer is there, and whether it is of the document or of another upload."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from legible.errors import HeldError, UnavailableError
from legible.ledger.answers import Answers
from legible.ledger.journal import Line
from legible.ledger.orphans import RENDERED, Orphan, Orphans
from legible.ledger.state import State
from legible.model.documents import Document, ObjectRef
from legible.ports import Site
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.rig import IN, OUT

BODY = b'{"result": {}}'
REF = ObjectRef(IN, "passport/a.png")


class World:
    """A document in a bucket that keeps versions, a claim on it, and the answer that its owner stored."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.store.versioned.add(IN)
        self.upload(b"a picture")
        head = self.store.head(REF)
        self.document = Document(
            IN, REF.key, head.etag, version_id=head.version_id, etag=head.etag, uploaded_at=head.modified_at
        )
        self.claimed = Line(
            "claimed", START, "dead", 1, uploaded_at=head.modified_at, version_id=head.version_id, pages=1
        )
        self.answers = Answers(Site(self.store, IN, OUT), invocation(self.store.clock))
        self.answers.keep(self.document, 1, "dead", BODY, "request-1")

    def upload(self, body: bytes) -> None:
        self.store.put(IN, REF.key, body)

    def examine(self, *, source="url", note="", claimed=True, document=None, page=1, answer="") -> Orphan:
        line = Line("calling", START, "dead", 2, page, source=source, note=note, answer=answer)
        others = Line("claimed", START, "other", 1, uploaded_at=START - timedelta(days=1), version_id="other")
        state = State([others, self.claimed, line] if claimed else [others, line])
        orphans = Orphans(Site(self.store, IN, OUT), self.answers)
        return orphans.examine(document or self.document, state, page, line)


@pytest.fixture
def world() -> World:
    return World()


class TestAnAnswer:
    def test_that_is_stored_is_told_with_its_call(self, world):
        orphan = world.examine()
        assert (orphan.page, orphan.line.owner, orphan.doubtful) == (1, "dead", False)
        assert orphan.answer is not None
        assert (orphan.answer.body, orphan.answer.request_id) == (BODY, "request-1")

    @pytest.mark.parametrize("same", [True, False])
    def test_whose_claim_was_overwritten_is_for_any_upload_that_others_claimed(self, world, same):
        line = Line("calling", START, "dead", 2, 1, source="url")
        other = structs.replace(world.claimed, owner="other", version_id="" if same else "another")
        orphans = Orphans(Site(world.store, IN, OUT), world.answers)
        assert orphans.examine(world.document, State([other, line]), 1, line).doubtful is not same

    def test_of_which_nothing_is_stored_is_no_doubt_and_nothing_is_looked_at(self, world):
        def unread(verb, ref):
            assert ref.bucket == OUT

        world.store.fail = unread
        world.upload(b"another picture")
        orphan = world.examine(page=2)
        assert (orphan.answer, orphan.doubtful) == (None, False)

    def test_is_looked_for_where_its_call_names_it(self, world):
        key = world.answers.keep(world.document, 1, "dead-inline", b"inline", "request-2")
        orphan = world.examine(answer=key)
        assert orphan.answer is not None
        assert (orphan.answer.key, orphan.answer.body) == (key, b"inline")


class TestADoubt:
    """The service opened a URL; another upload may have lain there."""

    def test_is_none_while_the_claimed_upload_lies_there(self, world):
        assert not world.examine().doubtful

    def test_is_another_upload_of_other_bytes(self, world):
        world.upload(b"another picture")
        assert world.examine().doubtful

    @pytest.mark.parametrize("seconds", [0, 5])
    def test_is_another_upload_of_the_same_bytes_too(self, world, seconds):
        """Between the two, other bytes may have lain there; in one second only the version tells them apart."""
        world.store.clock.pause(seconds)
        world.upload(b"a picture")
        assert world.examine().doubtful

    def test_is_other_bytes_that_came_in_the_same_second_to_a_bucket_without_versions(self, world):
        world.claimed = Line("claimed", START, "dead", 1, uploaded_at=START)
        world.upload(b"another picture")
        assert world.examine().doubtful

    def test_is_none_in_a_bucket_without_versions_while_the_same_upload_lies_there(self, world):
        world.claimed = Line("claimed", START, "dead", 1, uploaded_at=START)
        assert not world.examine().doubtful

    def test_is_none_about_the_bytes_where_nobody_knows_their_etag(self, world):
        assert not world.examine(document=Document(IN, REF.key, "v1", uploaded_at=START)).doubtful

    def test_is_an_upload_that_is_gone(self, world):
        world.store.remove(REF)
        assert world.examine().doubtful

    @pytest.mark.parametrize("sent", [{"source": "inline"}, {"note": RENDERED}])
    def test_is_none_where_the_service_was_sent_the_bytes_themselves(self, world, sent):
        world.upload(b"another picture")
        assert not world.examine(**sent).doubtful

    def test_where_no_claim_is_left_nobody_knows_which_upload_was_read(self, world):
        assert world.examine(claimed=False).doubtful

    def test_is_not_decided_while_the_store_does_not_tell(self, world):
        def refuse(verb, ref):
            if ref.bucket == IN:
                raise HeldError("403", code="obs-denied")

        world.store.fail = refuse
        with pytest.raises(UnavailableError, match="403"):
            world.examine()
