"""Which documents a workbook has, where it stands, and what happens when a folder is said to be complete."""

from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest

from fakes import NextInvocation
from legible import collecting
from legible.collecting import Asked, Selection
from legible.errors import BusyError, EventError, HeldError, RejectedError, UnavailableError
from legible.huawei import functiongraph
from legible.model import ObjectRef, Reason
from rig import IN, OUT, PASSPORT, Rig, picture


def workbook(rig, name):
    return openpyxl.load_workbook(io.BytesIO(rig.store.objects[ObjectRef(OUT, f"workbooks/{name}.xlsx")][0]))


def listed(rig, name="all"):
    """Return documents and statuses of the index."""
    rows = list(workbook(rig, name)["Documents"].iter_rows(values_only=True))
    return [row[:2] for row in rows[1:]]


def three():
    rig = Rig(PASSPORT, PASSPORT, PASSPORT)
    for number, key in enumerate(("passport/a.png", "passport/b.png", "passport/c/d.png")):
        rig.run(rig.upload(key, picture(60 + number, 40)))
        rig.clock.pause(86_400)
    return rig


class TestSelection:
    def test_a_prefix(self):
        rig = three()
        built = rig.collector().build("all", Selection("passport/b"))
        assert listed(rig) == [("passport/b.png", "done")]
        assert (built.documents, built.files) == (1, ("workbooks/all.xlsx",))

    def test_a_day(self):
        rig = three()
        rig.collector().build("all", Selection(day=date(2026, 11, 24)))
        assert listed(rig) == [("passport/b.png", "done")]

    def test_a_list_of_keys_in_its_order_and_what_is_not_there_is_said(self):
        rig = three()
        built = rig.collector().build("all", Selection(keys=("passport/c/d.png", "passport/a.png", "passport/x.png")))
        assert listed(rig) == [
            ("passport/c/d.png", "done"),
            ("passport/a.png", "done"),
            ("passport/x.png", "running"),
        ]
        assert built.running == ("passport/x.png",)

    def test_what_was_uploaded_and_has_no_result_is_listed_as_running(self):
        rig = three()
        rig.upload("passport/late.png")
        rig.upload("passport/folder/", b"")
        rig.upload("passport/_complete", b"")
        built = rig.collector().build("all", Selection("passport/"))
        assert ("passport/late.png", "running") in listed(rig)
        assert built.running == ("passport/late.png",)
        assert built.documents == 4

    def test_one_bucket_for_both_lists_no_own_object(self):
        rig = three()
        collector = collecting.Collector(rig.store, OUT, OUT, marker="", now=rig.clock.now, owner="x")
        assert collector.running("results/") == []

    @pytest.mark.parametrize("name", ["", "/a", "a/", ".hidden", "a\nb", "x" * 300])
    def test_a_name_that_is_none_is_refused(self, name):
        with pytest.raises(RejectedError, match="no name for a workbook"):
            three().collector().build(name, Selection())


class TestRecords:
    def test_one_of_an_upload_that_was_replaced_says_so_until_the_newer_one_has_its_own(self):
        rig = three()
        rig.upload("passport/b.png", picture(99, 40))
        built = rig.collector().build("all", Selection("passport/"))
        assert ("passport/b.png", "running") in listed(rig)
        assert built.running == ("passport/b.png",)
        assert built.documents == 3

    def test_one_that_is_not_small_is_read_by_itself(self, monkeypatch):
        rig = three()
        monkeypatch.setattr(collecting, "_SMALL_RECORD", 100)
        rig.collector().build("all", Selection())
        assert [status for _, status in listed(rig)] == ["done"] * 3

    def test_one_that_is_not_small_may_go_too(self, monkeypatch):
        rig = three()
        monkeypatch.setattr(collecting, "_SMALL_RECORD", 100)

        def gone(verb, ref):
            if verb == "read" and ref.key.endswith("b.png/record.json"):
                rig.store.remove(ref)

        rig.store.fail = gone
        rig.collector().build("all", Selection("passport/"))
        assert ("passport/b.png", "running") in listed(rig)

    def test_no_room_on_the_disk_is_said_so(self, monkeypatch):
        rig = three()

        class Full:
            def __init__(self, *values, **named):
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(collecting, "Many", Full)
        with pytest.raises(HeldError, match="cannot be written here") as caught:
            rig.collector().build("all", Selection())
        assert caught.value.reason_code == "disk-full"

    def test_one_that_is_too_large_is_listed_without_its_content(self, monkeypatch):
        rig = three()
        monkeypatch.setattr(collecting, "LARGEST_RECORD", 100)
        monkeypatch.setattr(collecting, "_SMALL_RECORD", 100)
        rig.collector().build("all", Selection("passport/a"))
        row = dict(zip(*list(workbook(rig, "all")["Documents"].iter_rows(values_only=True)), strict=True))
        assert (row["Document"], row["Status"], row["Reason code"]) == (
            "passport/a.png",
            "done",
            "too-large-to-collect",
        )
        assert "Passport" not in workbook(rig, "all").sheetnames

    def test_one_that_something_else_wrote_is_listed_as_such(self):
        rig = three()
        rig.store.put(OUT, "results/passport/a.png/record.json", b"{}")
        rig.collector().build("all", Selection("passport/a"))
        assert listed(rig) == [("passport/a.png", "dead")]

    def test_one_that_goes_while_it_is_read_is_listed_as_running(self):
        rig = three()

        def gone(verb, ref):
            if verb == "read" and ref.key.endswith("b.png/record.json"):
                rig.store.remove(ref)

        rig.store.fail = gone
        rig.collector().build("all", Selection("passport/"))
        assert ("passport/b.png", "running") in listed(rig)

    def test_progress_is_told(self):
        rig, told = three(), []
        rig.collector().build("all", Selection(), tell=lambda done, total: told.append((done, total)))
        assert told == [(1, 3), (2, 3), (3, 3)]

    def test_many_are_read_ahead_and_stay_in_order(self):
        rig = Rig(*[PASSPORT] * 40)
        keys = [f"passport/{number:02d}.png" for number in range(40)]
        for number, key in enumerate(keys):
            rig.run(rig.upload(key, picture(60 + number, 40)))
        rig.collector().build("all", Selection())
        assert [key for key, _ in listed(rig)] == keys


class TestBuilds:
    def test_every_kind_of_file_stands_under_the_name(self):
        rig = three()
        built = rig.collector().build("a/b", Selection(), tuple(collecting.KINDS))
        assert built.files == (
            "workbooks/a/b.xlsx",
            "workbooks/a/b.csv.zip",
            "workbooks/a/b.jsonl",
            "workbooks/a/b.parquet.zip",
        )
        assert all(ObjectRef(OUT, name) in rig.store.objects for name in built.files)

    def test_of_two_at_once_the_one_that_began_later_stands(self):
        """Given an earlier build that is slow, and a later one, with another document, that ends before it."""
        rig = three()
        early, late = rig.collector("early"), rig.collector("late")
        real = rig.store.write

        def slow(ref, *values):
            rig.store.write = real
            rig.clock.pause(1)
            rig.run(rig.upload("passport/new.png", picture(90, 40)))
            late.build("all", Selection())
            return real(ref, *values)

        rig.store.write = slow
        early.build("all", Selection())
        assert len(listed(rig)) == 4

    def test_an_earlier_one_that_copies_last_puts_the_later_back(self):
        rig = three()
        early, late = rig.collector("early"), rig.collector("late")
        real = rig.store.copy

        def slow(source, target):
            rig.store.copy = real
            rig.clock.pause(1)
            rig.run(rig.upload("passport/new.png", picture(90, 40)))
            late.build("all", Selection())
            return real(source, target)

        rig.store.copy = slow
        early.build("all", Selection())
        assert len(listed(rig)) == 4

    def test_builds_that_keep_coming_are_left_to_the_last(self):
        rig = three()
        count = iter(range(100))

        def more(verb, ref):
            if verb == "write" and ref.key == "workbooks/all.xlsx":
                rig.store.put(OUT, f"workbooks/.builds/all.xlsx/9{next(count):03d}", b"")

        rig.store.after = more
        with pytest.raises(UnavailableError, match="keep coming"):
            rig.collector().build("all", Selection())

    def test_what_earlier_builds_left_goes(self):
        rig = three()
        for owner in ("one", "two", "three"):
            rig.collector(owner).build("all", Selection())
            rig.clock.pause(1)
        assert len(rig.store.keys(OUT, "workbooks/.builds/")) == 1


class TestACompleteFolder:
    def test_becomes_a_workbook_when_all_have_ended(self):
        rig = three()
        (outcome,) = rig.run(rig.upload("passport/_complete", b""))
        assert outcome["status"] == "done"
        assert outcome["record"] == "workbooks/passport.xlsx"
        assert len(listed(rig, "passport")) == 3
        assert len(rig.ocr.calls) == 3

    def test_at_the_top_is_called_all(self):
        rig = three()
        rig.run(rig.upload("_complete", b""))
        assert len(listed(rig, "all")) == 3

    def test_waits_for_what_still_runs(self):
        rig = three()
        late = rig.upload("passport/late.png", picture(90, 40))
        real, pauses = rig.clock.pause, []

        def pause(seconds):
            pauses.append(seconds)
            real(seconds)
            if len(pauses) == 3:
                rig.clock.pause = real
                rig.run(late)

        marker = rig.upload("passport/_complete", b"")
        rig.clock.pause = pause
        (outcome,) = rig.run(marker)
        assert outcome["status"] == "done"
        assert ("passport/late.png", "done") in listed(rig, "passport")

    def test_is_tried_again_by_the_platform_where_no_invocation_can_be_called(self):
        rig = three()
        rig.upload("passport/late.png", picture(90, 40))
        with pytest.raises(BusyError, match="1 documents below 'passport/' still run"):
            rig.run(rig.upload("passport/_complete", b""))
        assert ObjectRef(OUT, "workbooks/passport.xlsx") not in rig.store.objects

    def test_that_the_platform_gave_up_on_is_built_with_what_is_there(self):
        rig = three()
        rig.upload("passport/late.png", picture(90, 40))
        marker = rig.upload("passport/_complete", b"")
        found = rig.invocation().bury([marker], Reason("given-up", "Retries are used up."))["documents"]
        assert [outcome["status"] for outcome in found] == ["partial"]
        assert "1 of 4 documents have no result yet" in found[0]["reason"]["message"]
        assert ("passport/late.png", "running") in listed(rig, "passport")

    def test_hands_on_and_ends_in_the_end(self):
        """Given a document that never ends: fresh invocations wait for it, a bounded number of times."""
        rig = three()
        rig.relay = NextInvocation()
        rig.upload("passport/late.png", picture(90, 40))
        marker, hands = rig.upload("passport/_complete", b""), 0
        while True:
            (outcome,) = rig.run(marker)
            if outcome["status"] != "running":
                break
            hands += 1
            marker = rig.relay.handed[-1]
        assert hands == 10
        assert outcome["status"] == "partial"

    def test_another_name_can_be_chosen_or_none(self):
        rig = three()
        collector = collecting.Collector(rig.store, IN, OUT, marker="", now=rig.clock.now, owner="x")
        assert collector.folder_of(ObjectRef(IN, "passport/_complete")) is None
        assert rig.collector().folder_of(ObjectRef(OUT, "passport/_complete")) is None


class TestATimer:
    def event(self, said):
        return {"trigger_type": "TIMER", "time": "2026-11-25T00:20:00Z", "user_event": said}

    def test_asks_for_a_workbook(self):
        asked = functiongraph.timed(self.event('{"workbook": "daily", "day": "yesterday", "formats": ["xlsx", "csv"]}'))
        assert asked == Asked("daily", "", "yesterday", ("xlsx", "csv"))
        assert asked.selection(date(2026, 11, 25)) == Selection("", date(2026, 11, 25) - timedelta(days=1))
        assert Asked("x", "a/").selection(date(2026, 11, 25)) == Selection("a/")

    @pytest.mark.parametrize(
        "said", ["", None, "{}", '{"workbook": 7}', '{"workbook": "a", "other": 1}', "[]", "no JSON"]
    )
    def test_that_asks_for_nothing_is_said_so(self, said):
        with pytest.raises(EventError) as caught:
            functiongraph.timed(self.event(said))
        assert caught.value.advice

    def test_that_is_none_is_said_so(self):
        with pytest.raises(EventError, match="no user_event"):
            functiongraph.timed([])
