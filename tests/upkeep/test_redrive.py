"""Exactly the chosen cause is tried again, each document once after its end, whoever runs, dies or meets."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from legible.documents.uploads import UNREADABLE_BUCKET
from legible.errors import SettingsError, ThrottledError, UnavailableError
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import Reason, Upload
from legible.model.ends import EndChoice
from legible.model.prices import BoughtPackage, Prices, Tier
from legible.model.prices import Price as Listed
from legible.recognition.policy import Policy
from legible.upkeep.limits import ASKED, BEYOND, LASTING, MOVED_ON, NO_TIME, NO_UPLOAD, RedriveLimits
from legible.upkeep.redrive import ABANDONED, Redrive
from tests.support.platform import Platform
from tests.support.rig import OUT, TEXT, Rig, pdf
from tests.upkeep.ends_rig import (
    BROKEN,
    DAY,
    EMPTY,
    GAVE_UP,
    PRICED,
    THROTTLED,
    ended,
    ends,
    listed,
    price,
    redrive,
    said,
    waiting,
)

CHOSEN = EndChoice(reasons=("throttled",))
NO_LIMITS = RedriveLimits()


def world(documents: int, throttled: int) -> Rig:
    """Return a mixed set of ended documents, of which so many were throttled, all listed."""
    rig = Rig(TEXT, waits=True)
    others = [("rejected", BROKEN), ("dead", GAVE_UP), ("rejected", EMPTY), ("held", Reason("too-many-pages", "3000"))]
    every = documents // throttled
    for number in range(documents):
        other = others[(number + number // every) % len(others)]
        status, reason = other if number % every else ("dead", THROTTLED)
        ended(rig, f"general-text/{number:04}.png", status, reason)
    listed(rig)
    return rig


def parked(rig: Rig) -> list[str]:
    return [rig.store.json(OUT, key)["upload"]["ref"]["key"] for key in rig.store.keys(OUT, layout.WAITING)]


def minutes(rig: Rig, count: int) -> None:
    """Have the timer ring every minute, for so many minutes."""
    for _ in range(count):
        rig.clock.pause(60)
        rig.redelivery().walk()


class TestAMixedSetOfAThousand:
    def test_only_the_named_cause_moves_and_each_document_is_tried_once(self):
        rig = world(1000, 50)
        wanted = {f"general-text/{number:04}.png" for number in range(0, 1000, 20)}
        before = {ref: stored for ref, stored in rig.store.objects.items() if "ledger/" in ref.key}

        reports = [redrive(rig, f"run-{number}").run(CHOSEN, NO_LIMITS) for number in range(2)]

        assert [report.moved for report in reports] == [50, 0]
        assert sorted(parked(rig)) == sorted(wanted)
        minutes(rig, 8)
        assert Counter(picture.url.rsplit("/", 1)[-1] if picture.url else "" for _, _, picture in rig.ocr.calls) == (
            Counter(key.rsplit("/", 1)[-1] for key in wanted)
        )
        assert parked(rig) == []
        changed = {ref.key for ref, stored in before.items() if rig.store.objects[ref] != stored}
        assert {key.split("/", 2)[2].rpartition("/")[0] for key in changed} == wanted
        assert {end.code for end in ends(rig).find(EndChoice())} == {
            "image-refused", "platform-gave-up", "empty", "too-many-pages",
        }  # fmt: skip

    def test_two_that_run_at_once_share_the_documents(self):
        rig = world(1000, 100)
        reports = []
        at_once = [
            threading.Thread(target=lambda owner=owner: reports.append(redrive(rig, owner).run(CHOSEN, NO_LIMITS)))
            for owner in ("one", "two")
        ]
        for thread in at_once:
            thread.start()
        for thread in at_once:
            thread.join()
        assert sum(report.moved for report in reports) == 100
        assert len(parked(rig)) == len(set(parked(rig))) == 100

    def test_while_the_service_still_throttles_each_is_tried_once_by_one_redrive(self):
        """Given a service that turns everything away: what waits is not multiplied by asking again."""
        rig = world(40, 10)
        rig.policy = Policy(attempts=1, wait=0.1)
        rig.ocr.script = [ThrottledError("429", vendor_code="APIG.0308")]
        redrive(rig).run(CHOSEN, NO_LIMITS)
        rig.clock.pause(60)
        rig.redelivery().walk()
        again = redrive(rig, "second").run(CHOSEN, NO_LIMITS)
        assert again.moved == 0
        assert len(parked(rig)) == 10


@given(
    kill=st.integers(0, 60), second=st.integers(0, 60), documents=st.integers(1, 12)
)  # fmt: skip
def test_whoever_dies_or_meets_each_document_is_parked_once_and_none_is_forgotten(kill, second, documents):
    """Given a redrive that dies at any request, another that runs in between at any request, and one after a while."""
    rig = Rig(TEXT, waits=True)
    for number in range(documents):
        ended(rig, f"general-text/{number}.png", "dead", THROTTLED)
    listed(rig)
    requests = Counter[str]()

    def at_request(verb, ref):
        requests["first"] += 1
        if requests["first"] == second:
            rig.store.fail = lambda verb, ref: None
            redrive(rig, "second").run(CHOSEN, NO_LIMITS)
            rig.store.fail = at_request
        if requests["first"] > kill:
            raise UnavailableError("killed")

    rig.store.fail = at_request
    try:
        redrive(rig, "first").run(CHOSEN, NO_LIMITS)
    except UnavailableError:
        requests["died"] = 1
    rig.store.fail = lambda verb, ref: None
    rig.clock.pause(ABANDONED.total_seconds())

    redrive(rig, "third").run(CHOSEN, NO_LIMITS)

    assert sorted(parked(rig)) == sorted(f"general-text/{number}.png" for number in range(documents))
    minutes(rig, 3)
    assert rig.ocr.paid == documents


class TestWhatIsLeft:
    @pytest.fixture
    def rig(self) -> Rig:
        return world(20, 5)

    def test_of_what_the_same_would_come_is_left_unless_its_cause_is_named(self, rig):
        lasting = Counter(end.code for end in ends(rig).find(EndChoice()) if end.lasting)
        assert set(lasting) == {"image-refused", "empty"}
        report = redrive(rig).run(EndChoice(prefix="general-text/"), NO_LIMITS)
        assert report.left == {LASTING: lasting.total()}
        assert set(report.causes) == {"throttled", "platform-gave-up", "too-many-pages"}
        assert redrive(rig).run(EndChoice(reasons=("AIS.0103",)), NO_LIMITS).moved == lasting["image-refused"]

    def test_what_would_exceed_the_cost_is_not_begun(self, rig):
        assert said(redrive(rig).run(CHOSEN, RedriveLimits(cost=Decimal("0.03")))) == (3, Decimal("0.03"), {BEYOND: 2})
        assert len(parked(rig)) == 3

    def test_what_would_exceed_calls_or_documents_is_not_begun(self, rig):
        assert said(redrive(rig).run(CHOSEN, RedriveLimits(calls=2))) == (2, Decimal("0.02"), {BEYOND: 3})
        assert redrive(rig).run(CHOSEN, RedriveLimits(documents=1)).left == {BEYOND: 2, ASKED: 2}
        assert len(parked(rig)) == 3

    def test_a_long_document_that_does_not_fit_makes_room_for_a_short_one(self):
        rig = Rig(TEXT, waits=True)
        ended(rig, "general-text/a.pdf", "dead", THROTTLED, pages=9, body=pdf(9))
        ended(rig, "general-text/b.png", "dead", THROTTLED)
        report = redrive(rig).run(CHOSEN, RedriveLimits(calls=5))
        assert (report.moved, report.left) == (1, {BEYOND: 1})
        assert parked(rig) == ["general-text/b.png"]

    def test_without_a_price_no_cost_can_be_kept_to(self, rig):
        with pytest.raises(SettingsError, match="no price for general-text"):
            redrive(rig, prices=Prices()).run(CHOSEN, RedriveLimits(cost=Decimal(5)))
        assert parked(rig) == []

    def test_packages_and_tiers_make_the_price(self, rig):
        prices = Prices(
            list=(Listed(("*",), DAY, (Tier("0"), Tier("0.5", above=2))),),
            packages=(BoughtPackage(("general-text",), 1, DAY),),
        )
        report = redrive(rig, prices=prices).plan(CHOSEN, NO_LIMITS)
        assert report.cost is not None
        assert (report.cost.packaged, report.cost.amount) == (1, Decimal("1.0"))

    def test_a_plan_moves_nothing_and_says_what_would_be_done(self, rig):
        report = redrive(rig).plan(CHOSEN, NO_LIMITS)
        assert (report.dry, report.chosen, report.moved) == (True, 5, 0)
        assert redrive(rig).plan(CHOSEN, RedriveLimits(calls=1)).left == {BEYOND: 4}
        assert parked(rig) == rig.store.keys(OUT, "requests/") == []

    def test_what_goes_on_meanwhile_is_left(self, rig):
        (first, *_) = ends(rig).find(CHOSEN)
        drive = redrive(rig)
        found = list(ends(rig).find(CHOSEN))
        rig.run(Upload(first.ref, etag=first.etag, again=first.end))
        report = _over(rig, found).run(CHOSEN, NO_LIMITS)
        assert (report.moved, report.left) == (4, {MOVED_ON: 1})
        assert drive.run(CHOSEN, NO_LIMITS).left == {ASKED: 4}

    def test_an_event_that_could_not_be_read_has_no_upload_to_try(self, rig):
        (first, *_) = ends(rig).find(CHOSEN)
        report = _over(rig, [structs.replace(first, bucket=UNREADABLE_BUCKET)]).run(CHOSEN, NO_LIMITS)
        assert report.left == {NO_UPLOAD: 1}

    def test_with_no_time_left_no_more_is_begun(self, rig):
        rig.seconds = 5
        assert redrive(rig).run(CHOSEN, NO_LIMITS).left == {NO_TIME: 5}

    def test_a_spoilt_journal_is_tried_all_the_same_and_the_try_says_so(self, rig):
        (first, *_) = ends(rig).find(CHOSEN)
        rig.store.put(OUT, layout.journal(first.document), b"spoilt")
        assert redrive(rig).run(CHOSEN, NO_LIMITS).moved == 5


class _Found:
    def __init__(self, found):
        self.found = found

    def find(self, choice):
        return iter(self.found)


def _over(rig: Rig, found) -> Redrive:
    """Return a redrive whose lists say this, whatever has happened since."""
    return Redrive(rig.site, rig.call("late"), _Found(found), Journals(rig.site), waiting(rig), price(PRICED))


class TestWaiting:
    def test_so_many_a_minute_are_due(self):
        rig = world(30, 10)
        report = redrive(rig).run(CHOSEN, RedriveLimits(a_minute=4))
        dues = Counter(layout.place_in_queue(layout.WAITING, key)[0] for key in rig.store.keys(OUT, layout.WAITING))
        assert list(dues.values()) == [4, 4, 2]
        assert report.last - report.first == timedelta(minutes=2)

    def test_one_that_ends_as_before_is_not_tried_for_a_day(self):
        """Given a document that was given up by the platform, and will be again."""
        rig = Rig(TEXT, waits=True)
        platform = Platform(rig)
        ended(rig, "general-text/a.png", "dead", GAVE_UP)
        listed(rig)
        redrive(rig).run(EndChoice(reasons=("platform-gave-up",)), NO_LIMITS)
        rig.ocr.script = [UnavailableError("503", code="service-unavailable"), TEXT]
        platform.run(30)
        assert rig.record("general-text/a.png")["status"] == "done"
        assert parked(rig) == []

    @pytest.mark.parametrize("body", [b"", b"not json\n", b"\xff"])
    def test_a_note_that_nobody_can_read_hinders_no_other_redrive(self, body):
        rig = world(4, 1)
        drive = redrive(rig)
        drive.run(CHOSEN, NO_LIMITS)
        (note,) = rig.store.keys(OUT, "requests/")
        for key in rig.store.keys(OUT, layout.WAITING):
            rig.store.remove(rig.site.in_output(key))
        rig.store.remove(rig.site.in_output(note))
        rig.store.append(rig.site.in_output(note), 0, body)
        assert redrive(rig).run(CHOSEN, NO_LIMITS).moved == 1

    def test_a_note_that_cannot_be_appended_to_any_more_leaves_the_document(self):
        """Given a note that another redrive takes over at the same time."""
        rig = world(4, 1)
        redrive(rig, "died").run(CHOSEN, NO_LIMITS)
        for key in rig.store.keys(OUT, layout.WAITING):
            rig.store.remove(rig.site.in_output(key))
        rig.clock.pause(ABANDONED.total_seconds())
        (note,) = rig.store.keys(OUT, "requests/")
        other = []

        def taken_over(verb, ref):
            if verb == "read" and ref.key == note and not other:
                other.append(True)
                other.append(redrive(rig, "other").run(CHOSEN, NO_LIMITS).moved)

        rig.store.after = taken_over
        assert redrive(rig, "late").run(CHOSEN, NO_LIMITS).left == {ASKED: 1}
        assert other == [True, 1]
