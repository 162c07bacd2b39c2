"""What else may lie there, be gone, be too much or fail: the sweep says so, and does the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from legible.errors import UnavailableError
from legible.ledger.lists import LongList
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import ListedObject
from legible.upkeep import keys, unbegun
from legible.upkeep.findings import told as told_by_lists
from legible.upkeep.progress import Turn
from legible.upkeep.repairs import Repairs, told_of_sweeps
from legible.upkeep.unsettled import note
from legible.wiring import upkeep
from tests.support.rig import IN, OUT, picture
from tests.upkeep.upkeep_rig import UpkeepRig, without_record


def repairs(rig: UpkeepRig) -> Repairs:
    parts = rig.of_wiring("repairs")
    return Repairs(rig.site, parts.call, upkeep.means(parts), upkeep.bounds_of(parts))


class TestNotes:
    def noted(self, rig: UpkeepRig) -> None:
        """Given the note of a document that has ended."""
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        note(rig.site, Document(IN, "passport/a.png", upload.etag))
        rig.minutes(20)

    def test_one_that_says_nothing_is_told_and_left(self):
        rig = UpkeepRig()
        rig.store.put(OUT, keys.unsettled("x"), b"?")
        rig.minutes(20)
        assert (rig.sweep().settled, rig.events("note-unreadable")[0]["key"]) == (0, keys.unsettled("x"))

    def test_a_dry_run_leaves_it(self):
        rig = UpkeepRig()
        self.noted(rig)
        assert (rig.sweep(dry=True).settled, len(rig.store.keys(OUT, keys.UNSETTLED))) == (1, 1)

    def test_one_that_is_gone_meanwhile_is_settled(self):
        rig = UpkeepRig()
        self.noted(rig)

        def gone(verb: str, ref: ObjectRef) -> None:
            if verb == "read" and ref.key.startswith(keys.UNSETTLED):
                rig.store.objects.pop(ref, None)

        rig.store.fail = gone
        assert rig.sweep().settled == 1

    def test_where_they_cannot_be_listed_the_bucket_is_swept_all_the_same(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)

        def fault(verb: str, ref: ObjectRef) -> None:
            if verb == "list" and ref.key == keys.UNSETTLED:
                raise UnavailableError("Not now.")

        rig.store.fail = fault
        with pytest.raises(UnavailableError):
            rig.sweep()
        assert len(rig.waiting()) == 1

    def test_what_cannot_be_handed_on_stays_noted(self):
        rig = UpkeepRig()
        upload = rig.upload("passport/a.png")

        def dies() -> None:
            raise KeyboardInterrupt

        rig.ocr.during = dies
        with pytest.raises(KeyboardInterrupt):
            rig.run(upload)
        rig.minutes(5)
        rig.count()
        rig.minutes(20)

        def full(verb: str, ref: ObjectRef) -> None:
            if verb == "write" and ref.key.startswith(layout.WAITING):
                raise UnavailableError("Not now.")

        rig.store.fail = full
        assert (rig.sweep().settled, len(rig.store.keys(OUT, keys.UNSETTLED))) == (0, 1)


class TestRepairs:
    def test_what_is_a_folder_by_now_is_none(self):
        rig = UpkeepRig()
        rig.lose("passport/f/")
        (item,) = rig.store.list(IN, "")
        rig.store.put(IN, "passport/f/", b"")
        rig.minutes(20)
        assert repairs(rig).listed(structs.replace(item, modified_at=item.modified_at), "unbegun") is False

    def test_an_upload_whose_list_tells_a_later_time_than_the_object_is_in_order(self):
        """Given that lists tell milliseconds, and the result on top is that of another upload."""
        rig = UpkeepRig()
        first = rig.upload("passport/a.png")
        rig.run(first)
        without_record(rig, "passport/a.png")
        rig.minutes(20)
        (item,) = rig.store.list(IN, "")
        assert repairs(rig).listed(item, "again") is False

    def test_lines_that_something_else_wrote_are_told_and_count_nothing(self):
        rig = UpkeepRig()
        stem = keys.repairs("lost", rig.clock.now().date())
        LongList(rig.site, rig.call(), stem).add(b"?" * 63 + b"\n", None)
        rig.lose("passport/a.png")
        rig.minutes(20)
        assert rig.sweep().repaired == {"lost": 1}
        assert rig.events("repair-unreadable") != []

    def test_how_many_there_were_today_is_told_for_cloud_eye(self):
        rig = UpkeepRig()
        rig.lose(*(f"passport/{number}.png" for number in range(3)))
        rig.run(rig.upload("passport/x.png"))
        rig.minutes(20)
        for _ in range(2):
            without_record(rig, "passport/x.png")
            rig.sweep()
            rig.minutes(10)
        assert told_of_sweeps(rig.site, rig.call()) == {"sweep_repaired": 4, "sweep_in_vain": 1}


class TestSegments:
    def test_what_was_known_of_a_segment_is_known_of_its_rest_until_that_is_looked_at(self):
        """Given a segment with uploads that nobody began, of which the next look sees but the beginning."""
        rig = UpkeepRig()
        rig.rules_of_sweep = structs.replace(rig.rules_of_sweep, young_minutes=1440)
        rig.lose(*(f"passport/{number:02d}.png" for number in range(10)))
        rig.sweep()
        rig.sweep()
        rig.minutes(10)
        parts = rig.of_wiring("small")
        upkeep.sweep(parts, size=4).run()
        assert len(rig.segments()) > 2
        assert rig.sum().total.running == 10
        assert {one.journal for _, one in unbegun.stored(rig.site, [one.name for one in rig.segments()])} != set()

    def test_where_time_ends_within_a_segment_the_next_run_goes_on_behind_it(self):
        rig = UpkeepRig(seconds=40.0)
        for number in range(600):
            rig.store.put(IN, f"a/{number:03d}/_complete", b"")
        listed = rig.store.list

        def slow(bucket: str, prefix: str, after: str = ""):
            for given, item in enumerate(listed(bucket, prefix, after)):
                rig.clock.pause(20 if bucket == IN and given == 200 else 0)
                yield item

        rig.store.list = slow
        first, second = rig.sweep(), rig.sweep()
        assert (first.objects, first.left) == (256, 1)
        assert second.objects > 0
        rig.store.list = listed
        rig.minutes(10)
        rig.sweep()
        assert sum(one.objects for one in rig.segments()) == 600

    def test_folders_and_keys_in_none_are_where_a_new_bucket_is_cut(self):
        rig = UpkeepRig()
        for number in range(70):
            rig.store.put(IN, f"f{number:02d}/_complete", b"")
        rig.store.put(IN, "_complete", b"")
        assert rig.sweep().segments == 64  # the first key lies in no folder
        rig.minutes(10)
        assert rig.sweep().segments == 1  # each is small, so they are one

    def test_an_object_without_a_time_is_looked_at(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png", "passport/a.png/b.png")
        listed = rig.store.list

        def timeless(bucket: str, prefix: str, after: str = ""):
            for item in listed(bucket, prefix, after):
                yield structs.replace(item, modified_at=None) if bucket == IN else item

        rig.store.list = timeless
        rig.minutes(20)
        assert rig.sweep().repaired == {"lost": 2}

    def test_marks_that_say_nothing_tell_nothing_of_a_queue(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.minutes(20)
        rig.store.put(OUT, layout.queued(layout.CHANGES, rig.clock.now(), 1, "x"), b"?")
        rig.store.put(OUT, f"{layout.CHANGES}z", b"?")
        assert rig.sweep().repaired == {"lost": 1}

    def test_a_document_that_is_a_folder_too_and_has_a_journal_but_no_record_is_looked_up(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a"), rig.upload("passport/a/b.png", picture(70)))
        rig.minutes(20)
        without_record(rig, "passport/a")
        rig.run(rig.upload("passport/a/b.png", picture(70)))
        assert rig.sweep().repaired["unpublished"] >= 1


class TestALongSweep:
    def slow(self, rig: UpkeepRig, seconds: float, first=lambda: None) -> None:
        """Make each list of the input bucket take so long."""
        rig.seconds = 1e6

        def takes(verb: str, ref: ObjectRef) -> None:
            if verb == "list" and ref.bucket == IN:
                rig.clock.pause(seconds)
                first()

        rig.store.fail = takes

    def test_keeps_its_turn(self):
        rig = UpkeepRig()
        rig.lose(*(f"f{number}/a.png" for number in range(4)))
        rig.minutes(20)
        self.slow(rig, 400)
        assert rig.sweep("desk").repaired == {"lost": 4}

    def test_ends_where_somebody_else_has_the_turn_by_now(self):
        rig = UpkeepRig()
        rig.lose(*(f"f{number}/a.png" for number in range(4)))
        rig.minutes(20)
        taken = []

        def other() -> None:
            if not taken:
                taken.append(Turn(rig.site, rig.call("other"), 0.2).take(9000))

        self.slow(rig, 1000, other)
        report = rig.sweep("desk")
        assert taken == [None]
        assert report.left > 0
        assert Turn(rig.site, rig.call("third"), 0.2).take(300) is not None  # it is the other's yet


def test_lists_of_an_object_without_an_etag_name_it_all_the_same():
    item = ListedObject("a", 1, "")
    assert told_by_lists(item, {}, record=False, since=item.modified_at or rig_time()) == "unbegun"


def rig_time():
    return UpkeepRig().clock.now() - timedelta(days=1)
