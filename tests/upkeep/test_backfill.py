"""An existing bucket is read by the functions: bounded, within its limits, and whatever dies, each document once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from legible.errors import BusyError, HeldError, RejectedError, SettingsError, UnavailableError
from legible.huawei.functiongraph import event_of, uploads
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.backfills import Backfill, SentDocument
from legible.model.documents import Document, ObjectRef, Reason, Upload
from legible.model.prices import Prices
from legible.upkeep.expected import Expected
from legible.upkeep.manifest import Manifests
from legible.upkeep.sent import IDLE, UNBEGUN, SentDocuments
from tests.support.fakes import START
from tests.support.rig import IN, OUT, pdf, picture
from tests.upkeep.backfill_rig import NAME, Old


class Killed(BaseException):
    """The machine is gone."""


class TestAnExistingBucket:
    def test_is_read_once_with_so_many_under_way_at_most(self):
        old = Old(12)
        report = old.run(in_flight=4)
        assert old.statuses == ["done"] * 12
        assert (old.rig.ocr.paid, len(old.functions.sent), old.functions.most) == (12, 12, 4)
        assert (report.backfill.ended, report.backfill.calls, report.backfill.stopped) == (
            {"done": 12}, {"general-text": 12}, "",
        )  # fmt: skip
        assert report.cost.amount == Decimal("0.12")
        assert report.backfill.finished is not None

    def test_documents_that_ended_before_are_passed_over(self):
        old = Old(6)
        old.rig.run(old.rig.upload("general-text/002.png", picture(62)))
        report = old.run()
        assert (report.backfill.known, report.backfill.sent) == (1, 5)
        assert len(old.functions.sent) == 5

    def test_an_upload_that_is_newer_than_the_results_of_its_key_is_sent(self):
        old = Old(1)
        old.run()
        old.rig.clock.pause(60)
        old.rig.upload("general-text/000.png", picture(99))
        assert list(old.session().preview()) == []  # the manifest is behind it
        old.rig.store.remove(old.rig.site.in_output("backfills/old/manifest.json"))
        assert list(old.session().preview()) == [False]
        assert old.run().backfill.sent == 1
        assert old.rig.ocr.paid == 2

    def test_each_claim_names_the_run(self):
        old = Old(1)
        old.run()
        assert old.rig.journal("general-text/000.png")[0]["run"] == NAME

    def test_a_document_that_ends_without_a_call_costs_nothing(self):
        old = Old(2)
        old.rig.upload("general-text/note.txt", b"hello")
        report = old.run()
        assert report.backfill.ended == {"done": 2, "rejected": 1}
        assert report.backfill.calls == {"general-text": 2}

    def test_one_that_no_operation_reads_is_sent_and_says_so(self):
        old = Old(0)
        old.rig.upload("nowhere/a.png")
        run = _below(old, "nowhere/")
        assert run.run().backfill.ended == {"rejected": 1}

    def test_it_counts_what_is_to_come_and_sends_nothing_for_that(self):
        old = Old(3)
        run = old.session()
        assert run.total() == 3
        assert list(run.preview()) == [False] * 3
        assert old.functions.sent == []


def _below(old: Old, prefix: str):
    Manifests(old.rig.site).save(Backfill(NAME, prefix, old.rig.clock.now()))
    return old.session()


class TestLimits:
    @pytest.mark.parametrize("in_flight", [1, 4, 50])
    def test_so_many_calls_and_no_more_are_made(self, in_flight):
        old = Old(12)
        report = old.run(in_flight=in_flight, calls=7)
        assert report.backfill.stopped == "max-calls"
        assert old.rig.ocr.paid == 7
        assert old.functions.queue == []

    def test_so_much_is_spent_and_no_more_over_all_sessions(self):
        old = Old(12)
        assert old.run(cost=Decimal("0.05")).backfill.stopped == "max-cost"
        assert old.run(cost=Decimal("0.05")).backfill.stopped == "max-cost"
        assert old.rig.ocr.paid == 5
        report = old.run(cost=Decimal("0.08"))
        assert (report.cost.amount, old.rig.ocr.paid) == (Decimal("0.08"), 8)
        assert old.run().backfill.stopped == ""
        assert old.rig.ocr.paid == 12

    def test_a_long_document_is_reckoned_by_its_size(self):
        old = Old(0)
        old.rig.upload("general-text/a.pdf", pdf(3) + b"\n" * 1_000_000)
        old.rig.upload("general-text/b.png")
        assert old.run(calls=5).backfill.stopped == "max-calls"
        assert old.rig.ocr.calls == []

    def test_without_a_price_no_cost_can_be_kept_to(self):
        old = Old(2)
        with pytest.raises(SettingsError, match="no price"):
            old.session(prices=Prices(), cost=Decimal(1)).run()
        assert old.functions.sent == []

    def test_without_a_price_the_cost_is_not_known(self):
        old = Old(2)
        report = old.session(prices=Prices()).run()
        assert (report.cost.amount, report.cost.calls) == (None, 2)

    def test_expectations_follow_what_documents_took(self):
        expected = Expected()
        one = SentDocument("a.PDF", "", 1_000_000, None, "general-text", START)
        assert expected.calls(one) == 10
        assert expected.calls(structs.replace(one, key="a.png")) == 1
        assert expected.calls(structs.replace(one, operation="")) == 0
        for _ in range(20):
            expected.learn(one, 100)
            expected.learn(structs.replace(one, key="a.png"), 1)
        assert expected.calls(one) == 151
        assert expected.calls(structs.replace(one, size=10**12)) == 2000


class TestKilled:
    @given(kills=st.lists(st.integers(1, 60), max_size=4), in_flight=st.integers(1, 5), documents=st.integers(1, 8))
    def test_at_any_point_and_begun_again_each_document_is_read_once(self, kills, in_flight, documents):
        old = Old(documents, a_pause=2)
        for kill in [*kills, 10**9]:
            requests = Counter[str]()

            def at_request(verb, ref, kill=kill, requests=requests):
                requests["all"] += 1
                if requests["all"] == kill:
                    raise Killed

            session = old.session(in_flight=in_flight)
            old.rig.store.fail = _outside(old, at_request)
            try:
                report = session.run()
            except Killed:
                old.rig.clock.pause(1)
            finally:
                old.rig.store.fail = lambda verb, ref: None

        assert old.statuses == ["done"] * documents
        assert old.rig.ocr.paid == documents
        assert (report.backfill.ended, report.backfill.known) == ({"done": documents}, 0)
        assert report.backfill.calls == {"general-text": documents}

    def test_between_writing_down_and_sending_leaves_none_out(self):
        old = Old(3)

        def killed():
            raise Killed

        old.functions.fail = killed
        with pytest.raises(Killed):
            old.run()
        old.functions.fail = lambda: None
        assert len(Manifests(old.rig.site).load(NAME).under_way) == 3

        report = old.run()

        assert old.statuses == ["done"] * 3
        assert report.backfill.ended == {"done": 3}
        assert old.rig.ocr.paid == 3

    def test_what_was_stopped_politely_goes_on_at_once(self):
        old = Old(6)
        told = []
        report = old.session(in_flight=2).run(told.append, lambda: len(told) == 3)
        assert report.backfill.stopped == "interrupted"
        assert report.backfill.owner == ""
        before = old.rig.clock.now()
        assert old.run(in_flight=2).backfill.ended == {"done": 6}
        assert old.rig.clock.now() - before < timedelta(seconds=15)

    def test_another_session_that_lives_is_not_joined(self):
        old = Old(3)
        living = Backfill(NAME, "general-text/", old.rig.clock.now(), owner="other")

        def beat(seconds):
            old.rig.clock.pause(seconds)
            until = old.rig.clock.now() + timedelta(seconds=15)
            Manifests(old.rig.site).save(structs.replace(living, until=until))

        beat(0)
        old.functions.pause = beat
        with pytest.raises(BusyError, match="at work elsewhere"):
            old.run()
        assert old.functions.sent == []

    def test_a_manifest_that_is_gone_while_it_is_waited_for_is_written_anew(self):
        old = Old(1)
        dead = Backfill(NAME, "general-text/", old.rig.clock.now(), owner="dead",
                        until=old.rig.clock.now() + timedelta(seconds=15))  # fmt: skip
        Manifests(old.rig.site).save(dead)
        session = old.session()
        old.rig.store.remove(old.rig.site.in_output("backfills/old/manifest.json"))
        assert session.run().backfill.ended == {"done": 1}


def _outside(old: Old, at_request):
    """Strike only the backfill's own requests, not those of the functions that it calls."""

    def strike(verb, ref):
        if not old.functions.working:
            at_request(verb, ref)

    return strike


class TestLostEvents:
    def test_an_event_that_is_lost_is_sent_again_after_a_while(self):
        old = Old(4)
        lost = []

        def lose(upload):
            if upload.ref.key.endswith("002.png") and not lost:
                lost.append(upload)
                return True
            return False

        old.functions.lose = lose
        report = old.run()
        assert report.backfill.ended == {"done": 4}
        assert len(old.functions.sent) == 5
        assert old.rig.ocr.paid == 4

    def test_a_platform_that_takes_no_call_now_is_asked_again(self):
        old = Old(3)
        refusals = [UnavailableError("429"), UnavailableError("429")]

        def fail():
            if refusals:
                raise refusals.pop()

        old.functions.fail = fail
        assert old.run().backfill.ended == {"done": 3}

    def test_functions_that_may_not_be_called_end_it_and_lose_nothing(self):
        old = Old(3)

        def refused():
            raise HeldError("403", code="relay-not-permitted")

        old.functions.fail = refused
        with pytest.raises(HeldError):
            old.run()
        old.functions.fail = lambda: None
        assert old.run().backfill.ended == {"done": 3}

    @pytest.mark.parametrize(
        ("lines", "later", "again", "lost"),
        [
            ([], timedelta(0), True, True),
            ([], timedelta(0), False, False),
            ([], UNBEGUN, False, True),
            (["claimed"], timedelta(seconds=30), True, False),
            (["claimed"], UNBEGUN, False, False),
            (["claimed"], IDLE, False, True),
            (["claimed", "waits"], IDLE, False, False),
            (["claimed", "released"], IDLE, False, True),
        ],
    )
    def test_what_is_begun_goes_on_or_waits_and_is_not_sent_twice(self, lines, later, again, lost):
        old = Old(1)
        sent = _sent(old)
        _journal(old, sent, lines)
        old.rig.clock.pause(later.total_seconds())
        assert _look(old).lost(sent, again=again) is lost

    def test_a_journal_of_an_earlier_try_says_nothing_of_this_one(self):
        old = Old(1)
        _journal(old, _sent(old), ["claimed"])
        old.rig.clock.pause(3600)
        assert _look(old).lost(_sent(old), again=True)


def _sent(old: Old) -> SentDocument:
    ref = old.rig.site.in_input("general-text/000.png")
    head = old.rig.store.head(ref)
    return SentDocument(ref.key, head.etag, head.size, head.modified_at, "general-text", old.rig.clock.now())


def _look(old: Old) -> SentDocuments:
    parts = old.rig.parts()
    return SentDocuments(old.rig.site, parts.call, parts.publisher, Journals(old.rig.site), NAME)


def _journal(old: Old, sent: SentDocument, events: list[str]) -> None:
    now = old.rig.clock.now()
    passes = Reason("throttled", "429", passes=True)
    lines = {
        "claimed": Line("claimed", now, "o", 1, operation="general-text", lease_until=now + timedelta(seconds=60)),
        "waits": Line("released", now, "o", 2, reason=passes),
        "released": Line("released", now, "o", 2),
    }
    body = b"".join(journal.encode(lines[event]) for event in events)
    if body:
        document = Document(IN, sent.key, sent.etag)
        old.rig.store.append(old.rig.site.in_output(layout.journal(document)), 0, body)


class TestCounting:
    def test_calls_that_were_paid_before_are_none_of_this_run(self):
        """Given a document of which a page was answered a day before, and which goes on now."""
        old = Old(0)
        old.rig.ocr.script = [{"words_block_list": []}, UnavailableError("503")]
        upload = old.rig.upload("general-text/a.pdf", pdf(2))
        with pytest.raises(UnavailableError):
            old.rig.run(upload)
        old.rig.ocr.script = [{"words_block_list": []}]
        old.rig.clock.pause(86_400)
        assert old.run().backfill.calls == {"general-text": 1}

    def test_what_an_older_function_claimed_since_it_was_sent_counts_too(self):
        old = Old(1)
        sent = _sent(old)
        old.rig.run(structs.replace(_upload(old), run=""))
        published = old.rig.parts().publisher.current("general-text/000.png")
        assert _look(old).calls(sent, published) == 1
        later = structs.replace(sent, at=sent.at + timedelta(hours=1))
        assert _look(old).calls(later, published) == 0

    def test_they_are_told_once_the_journal_is_whole_for_a_record_comes_before_its_last_lines(self):
        old = Old(1)
        sent = _sent(old)
        old.rig.run(structs.replace(_upload(old), run=NAME))
        published = old.rig.parts().publisher.current("general-text/000.png")
        (key,) = [key for key in old.rig.store.keys(OUT, "ledger/") if layout.NEWEST not in key]
        whole = old.rig.store.read(old.rig.site.in_output(key))
        old.rig.store.put(OUT, key, b"".join(whole.splitlines(keepends=True)[:2]))
        assert _look(old).calls(sent, published) is None
        old.rig.store.put(OUT, key, whole)
        assert _look(old).calls(sent, published) == 1

    def test_what_another_run_claimed_does_not(self):
        old = Old(1)
        sent = _sent(old)
        old.rig.run(structs.replace(_upload(old), run="other"))
        published = old.rig.parts().publisher.current("general-text/000.png")
        assert _look(old).calls(sent, published) == 0


def _upload(old: Old):
    return Upload(old.rig.site.in_input("general-text/000.png"))


def test_a_manifest_that_is_none_is_refused():
    old = Old(0)
    old.rig.store.put(OUT, "backfills/old/manifest.json", b"[]")
    with pytest.raises(RejectedError, match="no manifest"):
        Manifests(old.rig.site).load("old")


def test_the_run_travels_in_the_event_and_back():
    upload = Upload(ObjectRef(IN, "a b.png"), raw_key="a+b.png", etag="0" * 32, run="old")
    assert uploads(event_of(upload)) == [upload]
