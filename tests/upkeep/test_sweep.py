"""What was lost is found by the sweep and repaired once; what is in order, young or waits is left alone."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from legible.errors import HeldError, PendingError, ThrottledError, UnavailableError
from legible.model import layout
from legible.model.documents import ObjectRef, Reason
from legible.pipeline.obstacles import NOT_SUBSCRIBED
from legible.settings.tables import SweepSettings
from legible.upkeep import keys
from tests.support.rig import IN, OUT, PASSPORT, pdf, picture
from tests.upkeep.upkeep_rig import UpkeepRig, dated, without_record

NOT_ALLOWED = PendingError("Not subscribed.", code=NOT_SUBSCRIBED)


class TestALostEvent:
    def test_the_upload_is_read_and_paid_for_once(self):
        rig = UpkeepRig()
        uploads = rig.lose(*(f"passport/{number}.png" for number in range(22)))
        rig.minutes(20)
        report = rig.sweep()
        rig.minute()
        assert (report.found, report.repaired, report.objects) == ({"lost": 22}, {"lost": 22}, 22)
        assert [rig.status_of(upload) for upload in uploads] == ["done"] * 22
        assert rig.ocr.paid == 22
        assert rig.waiting() != []  # a look sees that these have ended
        rig.minutes(5)
        rig.minute()
        assert rig.waiting() == []

    def test_a_second_sweep_finds_nothing_new(self):
        """Given that nothing has been handed on yet, and then that everything was read."""
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)
        rig.sweep()
        rig.minutes(10)
        again = rig.sweep()
        rig.minute()
        rig.minutes(10)
        assert (again.found, rig.sweep().found, rig.ocr.paid) == ({}, {}, 1)

    def test_a_young_upload_is_left_to_its_event(self):
        rig = UpkeepRig()
        (upload,) = rig.lose("passport/a.png")
        rig.minutes(14)
        assert rig.sweep().found == {}
        assert any(one.pending for one in rig.segments())
        rig.run(upload)
        rig.minutes(10)
        assert rig.sweep().found == {}

    def test_one_that_had_its_event_while_it_waits_is_paid_for_once(self):
        rig = UpkeepRig()
        (upload,) = rig.lose("passport/a.png")
        rig.minutes(20)
        rig.sweep()
        rig.run(upload)
        rig.minute()
        assert rig.ocr.paid == 1
        assert rig.waiting() == []

    def test_a_newer_upload_of_the_key_is_told_from_the_one_that_was_read(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(20)
        (newer,) = rig.lose("passport/a.png", body=picture(99))
        rig.minutes(20)
        assert rig.sweep().repaired == {"lost": 1}
        rig.minute()
        assert rig.status_of(newer) == "done"
        assert rig.record("passport/a.png")["document"]["etag"] == newer.etag

    def test_keys_that_are_no_documents_are_passed_over(self):
        rig = UpkeepRig()
        rig.store.put(IN, "passport/", b"")
        rig.store.put(IN, "passport/_complete", b"")
        rig.lose("passport/a.png")
        rig.minutes(20)
        report = rig.sweep()
        assert (report.objects, report.repaired, rig.segments()[0].skipped + rig.segments()[-1].skipped) == (
            3, {"lost": 1}, 2,
        )  # fmt: skip

    def test_in_one_bucket_our_own_files_are_jumped_over(self):
        rig = UpkeepRig()
        rig.output = IN
        rig.run(rig.upload("passport/a.png"))
        rig.lose("zoo/b.png")
        rig.minutes(20)
        report = rig.sweep()
        assert (report.objects, report.repaired) == (2, {"lost": 1})

    def test_of_a_bucket_with_versions_only_what_is_there_now_is_looked_at(self):
        rig = UpkeepRig()
        rig.store.versioned.add(IN)
        rig.lose("passport/a.png", "passport/b.png")
        rig.lose("passport/a.png", body=picture(77))
        rig.store.remove(ObjectRef(IN, "passport/b.png"))
        rig.minutes(20)
        assert rig.sweep().repaired == {"lost": 1}
        rig.minute()
        assert rig.ocr.paid == 1

    def test_an_upload_with_an_order_is_known_by_the_journal_that_it_has(self):
        order = {"legible-operation": "general-text"}
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png", metadata=order))
        rig.minutes(20)
        assert rig.sweep().found == {}

    def test_a_name_that_is_a_folder_too_and_one_that_is_too_long_are_looked_up(self):
        rig = UpkeepRig()
        names = ["passport/a", "passport/a/b.png", "passport/a.png", f"passport/{'x' * 900}"]
        rig.run(*(rig.upload(name, picture(60 + number)) for number, name in enumerate(names)))
        without_record(rig, "passport/a.png")
        rig.lose("passport/a/c", "passport/a/c/d.png", f"passport/{'x' * 901}")
        rig.minutes(20)
        report = rig.sweep()
        assert report.repaired == {"lost": 3, "unpublished": 1}
        rig.minute()
        assert rig.ocr.paid == 7

    def test_what_cannot_be_handed_on_is_tried_by_the_next_sweep(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)

        def full(verb: str, ref: ObjectRef) -> None:
            if verb == "write" and ref.key.startswith(layout.WAITING):
                raise UnavailableError("Not now.")

        rig.store.fail = full
        assert rig.sweep().repaired == {}
        assert [line["key"] for line in rig.events("not-repaired")] == ["passport/a.png"]
        rig.store.fail = lambda verb, ref: None
        rig.minutes(10)
        assert rig.sweep().repaired == {"lost": 1}

    def test_what_is_gone_before_it_is_handed_on_is_no_fault(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)
        rig.sweep()
        rig.store.remove(ObjectRef(IN, "passport/a.png"))
        rig.minute()
        assert rig.ocr.paid == 0


class TestABacklog:
    def test_uploads_behind_the_one_that_is_begun_now_are_left_to_their_events(self):
        """Given uploads of two hours, of which the queue has reached those of the first."""
        rig = UpkeepRig()
        (lost,) = rig.lose("passport/lost.png")
        rig.minutes(30)
        first = rig.upload("passport/first.png", picture(70))
        rig.minutes(60)
        rig.lose("passport/second.png", "passport/third.png")
        rig.minutes(30)
        rig.run(first)
        report = rig.sweep()
        rig.minute()
        assert report.repaired == {"lost": 1}
        assert rig.status_of(lost) == "done"

    def test_an_event_that_cannot_come_any_more_is_not_waited_for(self):
        rig = UpkeepRig()
        first = rig.upload("passport/first.png", picture(70))
        rig.minutes(30)
        rig.lose("passport/second.png")
        rig.minutes(24 * 60)
        rig.run(first)
        assert rig.sweep().repaired == {"lost": 1}

    def test_what_waits_already_is_not_handed_on_a_second_time(self):
        """Given an upload that was put off because the service is not well."""
        rig = UpkeepRig(ThrottledError("Too many calls."))
        upload = rig.upload("passport/a.png")
        rig.bury(upload, Reason.of(ThrottledError("Too many calls.")))
        before = rig.waiting()
        assert before
        rig.minutes(20)
        rig.count()
        rig.minutes(20)
        assert rig.sweep().found == {}
        assert rig.waiting() == before

    def test_nothing_is_handed_on_while_many_uploads_wait(self):
        rig = UpkeepRig()
        rig.lose(*(f"passport/{number}.png" for number in range(5)))
        rig.minutes(20)
        parts = rig.of_wiring("sweep")
        from legible.upkeep.repairs import Repairs
        from legible.wiring import upkeep

        repairs = Repairs(rig.site, parts.call, upkeep.means(parts), upkeep.bounds_of(parts), most=3)
        for item in rig.store.list(IN, ""):
            repairs.listed(item, "unbegun")
        assert (repairs.repaired, repairs.left, len(rig.waiting())) == ({"lost": 3}, 2, 3)
        full = Repairs(rig.site, parts.call, upkeep.means(parts), upkeep.bounds_of(parts), most=2)
        assert all(full.listed(item, "unbegun") for item in rig.store.list(IN, ""))
        assert (full.repaired, full.left) == ({}, 5)


class TestOldUploads:
    @pytest.mark.parametrize("rules", [SweepSettings(), SweepSettings(days=90, since=date(2026, 11, 30))])
    def test_they_are_counted_and_not_read(self, rules):
        rig = UpkeepRig()
        rig.rules_of_sweep = rules
        rig.lose("passport/a.png", "passport/b.png")
        rig.minutes(8 * 24 * 60)
        rig.lose("passport/c.png")
        rig.minutes(20)
        assert rig.sweep().repaired == {"lost": 1}
        rig.minutes(10)
        rig.sweep()
        assert [one.unread for one in rig.segments() if one.unread] == [{"passport": 2}]
        assert rig.sum().unread == 2

    def test_whoever_wants_them_read_widens_the_days(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(8 * 24 * 60)
        rig.rules_of_sweep = SweepSettings(days=30)
        assert rig.sweep().repaired == {"lost": 1}


class TestTheSameBytesAgain:
    def test_a_rejected_document_that_was_uploaded_again_is_tried_again(self):
        rig = UpkeepRig()
        upload = rig.upload("passport/a.png", b"no picture")
        rig.run(upload)
        assert rig.status_of(upload) == "rejected"
        rig.minutes(20)
        rig.lose("passport/a.png", body=b"no picture")
        rig.minutes(20)
        assert rig.sweep().repaired == {"again": 1}
        rig.minute()
        assert rig.waiting() != []
        rig.minutes(10)
        rig.minute()
        assert rig.waiting() == []
        rig.minutes(10)
        assert rig.sweep().found == {}

    def test_a_result_is_put_on_top_again(self):
        """Given A, then B, then A once more, whose event is lost."""
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(1)
        rig.run(rig.upload("passport/a.png", picture(88)))
        rig.minutes(1)
        (again,) = rig.lose("passport/a.png", body=picture())
        rig.minutes(20)
        assert rig.sweep().repaired == {"again": 1}
        assert rig.record("passport/a.png")["document"]["etag"] == again.etag
        rig.minutes(10)
        assert (rig.sweep().found, rig.ocr.paid) == ({}, 2)

    def test_one_whose_event_came_is_left_alone(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(1)
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(20)
        assert rig.sweep().found == {}

    def test_one_that_is_young_is_left_to_its_event(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(1)
        rig.lose("passport/a.png", body=picture())
        assert rig.sweep().found == {}


class TestWhoeverBeganIsGone:
    def killed(self, rig: UpkeepRig, key: str, body: bytes | None = None):
        upload = rig.upload(key, body)

        def dies() -> None:
            raise KeyboardInterrupt

        rig.ocr.during = dies
        with pytest.raises(KeyboardInterrupt):
            rig.run(upload)
        rig.ocr.during = lambda: None
        return upload

    def test_a_document_without_a_record_is_found_by_the_lists(self):
        rig = UpkeepRig()
        upload = self.killed(rig, "passport/a.png")
        rig.minutes(5)
        assert rig.sweep().found == {}
        rig.minutes(20)
        assert rig.sweep().repaired == {"abandoned": 1}
        rig.minute()
        assert rig.status_of(upload) == "done"

    def test_one_that_had_a_record_is_found_by_its_mark(self):
        """Given a document that was rejected, opened again, and left."""
        rig = UpkeepRig()
        upload = rig.upload("passport/a.png", pdf(2))
        rig.ocr.script = [HeldError("Refused.")]
        rig.run(upload)
        rig.ocr.script = [PASSPORT]
        rig.minutes(20)
        self.killed(rig, "passport/a.png", pdf(2))
        rig.minutes(5)
        rig.count()
        assert rig.store.keys(OUT, keys.UNSETTLED) != []
        rig.minutes(20)
        report = rig.sweep()
        assert (report.repaired, report.notes) == ({"abandoned": 1}, 1)
        rig.minute()
        assert rig.status_of(upload) == "done"
        rig.minutes(20)
        assert rig.sweep().settled == 1
        assert rig.store.keys(OUT, keys.UNSETTLED) == []

    def test_one_that_is_left_in_spite_of_its_repair_is_told_as_repaired_in_vain(self):
        rig = UpkeepRig()
        self.killed(rig, "passport/a.png")
        rig.minutes(20)
        rig.sweep()
        for name in rig.waiting():
            rig.store.remove(ObjectRef(OUT, name))
        rig.minutes(20)
        report = rig.sweep()
        assert (report.in_vain, report.repaired) == ({"abandoned": 1}, {})
        assert rig.events("repaired-in-vain")[0]["key"] == "passport/a.png"


class TestHeld:
    def held_by_a_flow(self, rig: UpkeepRig):
        """Given a document that nobody keeps until its operation may be called: a flow ended it."""
        rig.waits = False
        rig.ocr.script = [NOT_ALLOWED]
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        rig.waits = True
        rig.minutes(20)
        rig.count()
        rig.minutes(20)
        return upload

    def test_what_nobody_waits_for_is_tried_once_and_then_waits_like_all_others(self):
        rig = UpkeepRig()
        upload = self.held_by_a_flow(rig)
        assert rig.sweep().repaired == {"held": 1}
        rig.minute()
        assert rig.store.keys(OUT, layout.held(rig_obstacle(rig))) != []
        rig.minutes(40)
        assert rig.sweep().found == {}  # its obstacle is known by now
        rig.ocr.script = [PASSPORT]
        rig.release().walk()
        rig.minute()
        rig.minutes(20)
        assert (rig.status_of(upload), rig.sweep().settled) == ("done", 1)

    def test_what_is_held_for_good_is_no_business_of_the_sweep(self):
        rig = UpkeepRig()
        rig.max_pages = 1
        rig.run(rig.upload("passport/a.pdf", pdf(2)))
        rig.minutes(20)
        rig.count()
        assert rig.store.keys(OUT, keys.UNSETTLED) == []


def rig_obstacle(rig: UpkeepRig) -> str:
    (known,) = rig.holding().obstacles()
    return known.obstacle.name


class TestARemovedResult:
    def test_it_is_put_back_once_without_a_call(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        record = rig.record("passport/a.png")
        rig.minutes(20)
        without_record(rig, "passport/a.png")
        assert rig.sweep().repaired == {"unpublished": 1}
        assert (rig.record("passport/a.png"), rig.ocr.paid) == (record, 1)
        assert rig.has("results/passport/a.png/record.xlsx")
        rig.minutes(10)
        without_record(rig, "passport/a.png")
        assert rig.sweep().in_vain == {"unpublished": 1}  # whoever removes it twice means it
        assert not rig.has("results/passport/a.png/record.json")

    def test_it_is_made_anew_where_nothing_is_left_to_copy(self):
        rig = UpkeepRig()
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        rig.minutes(20)
        without_record(rig, "passport/a.png")
        for name in rig.store.keys(OUT, f"answers/passport/a.png/{upload.etag}/record"):
            rig.store.remove(ObjectRef(OUT, name))
        assert rig.sweep().repaired == {"unpublished": 1}
        assert rig.record("passport/a.png")["status"] == "done"

    def test_one_that_is_just_being_written_is_left_alone(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        without_record(rig, "passport/a.png")
        assert rig.sweep().found == {}


class TestADryRun:
    def test_it_says_what_it_would_do_and_writes_nothing(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png", "passport/b.png")
        rig.minutes(20)
        before = dict(rig.store.objects)
        assert rig.sweep(dry=True).found == {"lost": 2}
        assert rig.store.objects == before


class TestTwoAtOnce:
    def test_the_second_one_leaves_it_to_the_first(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)
        second = []

        def meanwhile(verb: str, ref: ObjectRef) -> None:
            if verb == "list" and ref.bucket == IN and not second:
                second.append(None)
                second[0] = rig.sweep("other")

        rig.store.fail = meanwhile
        first = rig.sweep("one")
        assert first.repaired == {"lost": 1}
        assert second[0].busy_until is not None
        assert len(rig.waiting()) == 1

    def test_a_sweep_that_was_killed_holds_its_turn_no_longer_than_its_time(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)

        def dies(verb: str, ref: ObjectRef) -> None:
            if verb == "list" and ref.bucket == IN:
                raise KeyboardInterrupt

        rig.store.fail = dies
        with pytest.raises(KeyboardInterrupt):
            rig.sweep("one")
        rig.store.fail = lambda verb, ref: None
        assert rig.sweep("other").busy_until is not None
        rig.minutes(2)
        assert rig.sweep("other").repaired == {"lost": 1}


@pytest.mark.parametrize("seconds", [60.0, 31.0])
def test_killed_at_any_step_it_goes_on_and_each_upload_is_paid_for_once(seconds):
    """Given a sweep that dies at its first request, then at its second, and so on, until it lives."""
    rig = UpkeepRig(seconds=seconds)
    uploads = rig.lose(*(f"passport/{number}.png" for number in range(4)), "general-text/x.png")
    rig.minutes(20)
    for step in range(400):
        left = [step]

        def dies(verb: str, ref: ObjectRef, left=left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KeyboardInterrupt

        rig.store.fail = dies
        try:
            rig.sweep()
            ended = left[0] >= 0
        except KeyboardInterrupt:
            ended = False
        rig.store.fail = lambda verb, ref: None
        rig.minutes(2)
        if ended:
            break
    assert ended
    for _ in range(3):
        rig.minute()
        rig.minutes(2)
    assert [rig.status_of(upload) for upload in uploads] == ["done"] * 5
    assert rig.ocr.paid == 5


@pytest.mark.slow
def test_of_five_hundred_documents_with_one_in_twenty_lost_each_is_paid_for_once():
    drawn = random.Random(20)
    rig = UpkeepRig()
    uploads = rig.lose(*(f"passport/{number:03d}.png" for number in range(500)))
    came = [upload for upload in uploads if drawn.random() >= 0.05]
    for upload in came:
        rig.run(upload)
    lost = len(uploads) - len(came)
    rig.minutes(60)
    assert rig.sweep().repaired == {"lost": lost}
    assert lost > 10
    for _ in range(10):
        rig.minute()
        rig.minutes(1)
    assert {rig.status_of(upload) for upload in uploads} == {"done"}
    assert rig.ocr.paid == 500
    assert rig.sum().total.done == rig.sum().total.uploaded == 500
    assert rig.sweep().found == {}


def test_a_fault_of_one_segment_leaves_the_others_swept():
    rig = UpkeepRig()
    rig.lose("passport/a.png", "zoo/b.png")
    rig.minutes(20)
    rig.sweep(dry=True)
    struck = []

    def fault(verb: str, ref: ObjectRef) -> None:
        if verb == "head" and "a.png" in ref.key:
            raise UnavailableError("Not now.")
        if verb == "list" and ref.key.startswith("results/") and not struck:
            struck.append(ref)
            raise UnavailableError("Not now.")

    rig.run(dated(rig.upload("passport/c.png", picture(75))))
    rig.store.fail = fault
    with pytest.raises(UnavailableError):
        rig.sweep()
    assert rig.events("not-swept")
    assert len(rig.waiting()) == 1
    rig.store.fail = lambda verb, ref: None
    rig.minutes(10)
    assert rig.sweep().repaired == {"lost": 1}


def test_young_means_what_the_settings_say():
    rig = UpkeepRig()
    rig.rules_of_sweep = SweepSettings(young_minutes=60)
    rig.lose("passport/a.png")
    rig.minutes(50)
    assert rig.sweep().found == {}
    rig.clock.pause(timedelta(minutes=15).total_seconds())
    assert rig.sweep().repaired == {"lost": 1}
