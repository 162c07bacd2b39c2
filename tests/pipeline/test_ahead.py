"""What is asked ahead, and done at once, breaks no promise: random worlds, and each place where one may die."""

from __future__ import annotations

import pytest

from legible.errors import BusyError, RejectedError, UnavailableError
from legible.ledger.claim import Claim, Wish
from legible.ledger.ledger import Ledger
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Site
from tests.pipeline.test_random_worlds import KINDS
from tests.support.ahead import Ahead, AheadWorld
from tests.support.examples import examples
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, picture

KEY = "general-text/a.png"


class Killed(BaseException):
    """The instance is gone."""


def ahead(*script) -> Rig:
    rig = Rig(*(script or (TEXT,)))
    rig.store = Ahead(rig.clock)
    return rig


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_promises_hold_where_the_store_is_asked_ahead(kind):
    for seed in range(2000, 2000 + examples(40)):
        world = AheadWorld(seed, **kind)
        broken = world.run()
        assert broken == [], f"AheadWorld({seed}, {kind}) after uploads {world.uploads}"


class TestRequests:
    def operations(self, rig: Rig) -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        rig.store.fail = lambda verb, ref: seen.append((verb, ref.key.partition("/")[0]))
        return seen

    def test_a_new_document_of_one_page_is_looked_for_nowhere_twice(self):
        rig = ahead()
        upload = rig.upload(KEY)
        rig.clock.at = rig.clock.at.replace(hour=15)
        seen = self.operations(rig)
        rig.run(upload)
        assert seen.count(("head", "general-text")) == 2, "a glance, and a look after the call"
        assert seen.count(("read", "general-text")) == 0
        assert seen.count(("list", "answers")) == 1, "whether anybody else has a flag there"
        assert seen.count(("list", "results")) == 1
        assert [verb for verb, _ in seen].count("append") == 5, "claim, content, call, list of versions, answer and end"

    def test_nothing_is_removed_that_was_never_there(self):
        rig = ahead()
        removed = []
        rig.store.remove = lambda ref: removed.append(ref.key)
        rig.run(rig.upload(KEY))
        assert removed == []

    def test_a_redelivery_looks_and_reads_the_journal(self):
        rig = ahead()
        upload = rig.upload(KEY)
        rig.run(upload)
        seen = self.operations(rig)
        (outcome,) = rig.run(upload)
        assert outcome["duplicate"]
        assert len(seen) == 2


class TestReplaced:
    def test_a_journal_that_was_read_ahead_is_that_of_the_upload_that_was_announced(self):
        rig = ahead(TEXT, {"words_block_list": [{"words": "newer"}]})
        old = rig.upload(KEY)
        rig.clock.pause(5)
        new = rig.upload(KEY, picture(61, 41))
        rig.run(old)
        rig.run(new)
        assert rig.record(KEY)["document"]["etag"] == new.etag

    def test_bytes_that_were_replaced_after_the_glance_are_noticed_after_the_call(self):
        rig = ahead()
        upload = rig.upload(KEY)
        rig.clock.pause(5)
        rig.ocr.during = lambda: rig.store.put(IN, KEY, picture(61, 41)) and None
        rig.run(upload)
        events = [line["event"] for line in rig.store.lines(OUT, f"ledger/{IN}/{KEY}/{upload.etag}.jsonl")]
        assert events == ["claimed", "calling", "surplus", "finished"]
        assert rig.record(KEY)["reason"]["code"] == "replaced"


class TestDeaths:
    @pytest.mark.parametrize("when", ["answers/", "results/", "newest-", "contents/"])
    @pytest.mark.parametrize("verb", ["write", "append", "list"])
    def test_a_death_at_any_of_what_is_done_at_once_costs_no_second_call(self, verb, when):
        # given
        rig = ahead()
        upload = rig.upload(KEY)
        killed = []

        def kill(done, ref):
            if done == verb and when in ref.key and not killed:
                killed.append(ref)
                raise Killed

        # when
        rig.store.after = kill
        rig.store.fail = lambda done, ref: kill(done, ref) if done == "list" else None
        try:
            rig.run(upload)
        except Killed:
            rig.clock.pause(70)
        (outcome,) = rig.run(upload)

        # then
        assert outcome["status"] == "done"
        assert rig.ocr.paid == 1
        assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}

    def test_a_claim_whose_reply_was_lost_stands_and_pays_once(self):
        rig = ahead()
        upload = rig.upload(KEY)
        lost = []

        def lose(verb, ref):
            if verb == "append" and ref.key.startswith("ledger/") and not lost:
                lost.append(ref)
                raise UnavailableError("503")

        rig.store.after = lose
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)


class TestTheFirstClaim:
    DOCUMENT = Document(IN, KEY, "v1")

    def claim(self, store: MemoryStore) -> Claim:
        call = invocation(store.clock)
        claim = Ledger(Site(store, IN, OUT), call, settle=0.2).claim(self.DOCUMENT, Wish("mine", pages=1), 0)
        assert isinstance(claim, Claim)
        return claim

    def test_is_first_where_there_was_no_journal_and_its_append_was_quick(self):
        assert self.claim(MemoryStore()).standing.first

    def test_is_not_first_where_its_append_took_as_long_as_another_s_call_may(self):
        store = MemoryStore()
        store.after = lambda verb, ref: store.clock.pause(0.2) if verb == "append" else None
        assert not self.claim(store).standing.first

    @pytest.mark.parametrize("before", [b"", b'{"event":"released","at":"2026-11-23T09:00:00Z","owner":"x","n":1}\n'])
    def test_is_not_first_where_there_was_an_object(self, before):
        store = MemoryStore()
        store.append(ObjectRef(OUT, layout.journal(self.DOCUMENT)), 0, before)
        assert not self.claim(store).standing.first

    def test_its_end_is_seen_to_stand_at_once_when_it_had_settled(self):
        store = MemoryStore()
        mine = self.claim(store)
        mine.require_in_force(0.2)
        before = store.clock.now()
        mine.finish(mine.line("finished", status="done"))
        assert store.clock.now() == before

    def test_an_end_that_was_overwritten_all_the_same_is_somebody_else_s(self):
        store = MemoryStore()
        mine = self.claim(store)
        mine.require_in_force(0.2)
        ref = ObjectRef(OUT, layout.journal(self.DOCUMENT))

        def once(verb, where):
            store.after = lambda verb, where: None
            store.land(ref, b"", b'{"event":"claimed","at":"2026-11-23T09:00:00Z","owner":"x","n":1}\n')

        store.after = once
        with pytest.raises(BusyError):
            mine.finish(mine.line("finished", status="done"))


class TestPublishedAhead:
    def test_what_another_publisher_left_meanwhile_does_not_stay(self):
        # given a PDF that an older upload's publisher leaves after the survey, and its announcement
        rig = ahead()
        upload = rig.upload(KEY)

        def leave(verb, ref):
            if verb == "write" and ref.key == f"results/{KEY}/record.xlsx":
                rig.store.after = lambda verb, ref: None
                rig.store.put(OUT, f"results/{KEY}/record.pdf", b"older")
                listed = ObjectRef(OUT, layout.newest(IN, KEY, rig.clock.now().date()))
                rig.store.append(listed, rig.store.head(listed).size, b'{"version":"older"}\n')

        # when
        rig.store.after = leave
        rig.run(upload)

        # then
        assert rig.store.keys(OUT, f"results/{KEY}/") == [f"results/{KEY}/record.json", f"results/{KEY}/record.xlsx"]

    def test_where_a_later_result_stands_nothing_is_written_over_it(self):
        rig = ahead(TEXT, {"words_block_list": [{"words": "newer"}]})
        old = rig.upload(KEY)
        rig.clock.pause(5)
        new = rig.upload(KEY, picture(61, 41))
        rig.run(new)
        rig.clock.pause(24 * 3600)
        written = []
        rig.store.after = lambda verb, ref: written.append(ref.key) if verb == "write" else None
        rig.run(old)
        assert rig.record(KEY)["document"]["etag"] == new.etag

    def test_a_list_that_refuses_the_announcement_has_the_document_tried_again(self):
        rig = ahead(PASSPORT)
        upload = rig.upload("passport/a.png")

        def refuse(verb, ref):
            if verb == "append" and "newest-" in ref.key:
                raise RejectedError("400", code="obs-refused")

        rig.store.fail = refuse
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
