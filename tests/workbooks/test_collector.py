"""Which documents a workbook has, where it stands, and what happens when a folder is said to be complete."""

from __future__ import annotations

import io
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone

import openpyxl
import pytest

from legible.errors import BusyError, EventError, HeldError, RejectedError, UnavailableError
from legible.huawei import functiongraph
from legible.model.documents import ObjectRef, Reason, Selection, WorkbookOrder
from legible.model.layout import shortened
from legible.outputs.record_reader import ReadLimits
from legible.ports import Site
from legible.workbooks import collector
from legible.workbooks.builds import Unfinished
from legible.workbooks.folders import name_of
from legible.workbooks.listing import Candidate, Selector
from legible.workbooks.records import RecordLimits
from tests.support.fakes import NextInvocation
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture, tiff

#: Every record is read in pieces, as large ones are.
LARGE = RecordLimits(small=100)


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
        assert built.running == Unfinished(1, ("passport/x.png",))

    def test_what_was_uploaded_and_has_no_result_is_listed_as_running(self):
        rig = three()
        rig.upload("passport/late.png")
        rig.upload("passport/folder/", b"")
        rig.upload("passport/_complete", b"")
        rig.upload("passport/with-content/")
        built = rig.collector().build("all", Selection("passport/"))
        assert ("passport/late.png", "running") in listed(rig)
        assert built.running == Unfinished(2, ("passport/late.png", "passport/with-content/"))
        assert built.documents == 5

    def test_of_many_that_run_the_first_are_named_and_all_are_listed(self):
        rig = three()
        for number in range(30):
            rig.upload(f"late/{number:02d}.png")
        built = rig.collector().build("all", Selection("late/"))
        assert (built.running.count, len(built.running.first), len(listed(rig))) == (30, 20, 30)

    def test_one_bucket_for_both_lists_no_own_object(self):
        rig = three()
        assert list(candidates(rig, "results/", selector=Selector(Site(rig.store, OUT, OUT), ""))) == []

    @pytest.mark.parametrize("name", ["", "/a", "a/", ".hidden", "a/../b", "a\nb", "x" * 300])
    def test_a_name_that_is_none_is_refused(self, name):
        with pytest.raises(RejectedError, match="no name for a workbook"):
            three().collector().build(name, Selection())


def candidates(rig, prefix="", selector=None):
    with ExitStack() as opened:
        return list((selector or Selector(rig.site, "_complete")).find(Selection(prefix), opened))


class TestCandidates:
    """What lists of both buckets tell, brought together on the disk."""

    def put(self, rig, key, *, uploaded=True, ended=True):
        if uploaded:
            rig.store.put(IN, key, b"document")
        if ended:
            rig.store.put(OUT, f"results/{shortened(key)}/record.json", b"{}")

    @pytest.mark.parametrize("together", [1, 2, 10_000])
    def test_each_name_is_there_once_whatever_the_order_of_the_lists(self, together):
        """Given names of which one begins another: a list of results has them in another order than one of uploads."""
        rig = Rig()
        keys = ["a", "a b", "a!", "a-1.png", "a.png", "a/b", "a.png-2", "a.png/x", "护照.png", "\U0001f600.png"]
        for key in keys:
            self.put(rig, key)
        found = candidates(rig, selector=Selector(rig.site, "_complete", together))
        assert [item.name for item in found] == sorted(keys)
        assert all(item.key == item.name and item.etag and item.size == 2 for item in found)

    def test_long_names_find_their_results_too(self):
        rig = Rig()
        keys = [f"{'x' * 900}{number}" for number in range(3)]
        for key in keys:
            self.put(rig, key)
        found = candidates(rig)
        assert [item.key for item in found] == sorted(keys, key=shortened)
        assert all(item.size == 2 for item in found)

    def test_what_only_one_list_has_is_there_too(self):
        rig = Rig()
        self.put(rig, "a.png", ended=False)
        self.put(rig, "b.png", uploaded=False)
        assert [(item.key, item.size) for item in candidates(rig)] == [("a.png", None), ("", 2)]
        assert candidates(rig)[1] == Candidate("b.png", "", "", 2, rig.clock.now())


class TestRecords:
    def test_one_of_an_upload_that_was_replaced_says_so_until_the_newer_one_has_its_own(self):
        rig = three()
        rig.upload("passport/b.png", picture(99, 40))
        built = rig.collector().build("all", Selection("passport/"))
        assert ("passport/b.png", "running") in listed(rig)
        assert built.running == Unfinished(1, ("passport/b.png",))
        assert built.documents == 3

    def test_one_that_is_not_small_is_read_a_few_values_at_a_time(self):
        """Given records of all kinds, read whole and read in pieces: the files are the same."""
        rig = three()
        rig.run(rig.upload("passport/many.tiff", tiff(5)), rig.upload("passport/none.png", b"no picture"))
        rig.collector().build("whole", Selection(), ("xlsx", "jsonl"))
        limits = RecordLimits(small=100, part=700, reading=ReadLimits(batch=2))
        rig.collector(limits=limits).build("pieces", Selection(), ("xlsx", "jsonl"))
        assert [status for _, status in listed(rig, "pieces")] == ["done"] * 4 + ["rejected"]
        whole, pieces = (
            rig.store.objects[ObjectRef(OUT, f"workbooks/{name}.jsonl")][0] for name in ("whole", "pieces")
        )
        assert whole == pieces
        assert [row for row in workbook(rig, "whole")["Passport"].values] == [
            row for row in workbook(rig, "pieces")["Passport"].values
        ]

    def test_one_that_is_rewritten_while_it_is_read_in_pieces_is_read_again(self):
        rig = three()
        ref, changes = ObjectRef(OUT, "results/passport/a.png/record.json"), iter(range(2))

        def rewritten(verb, found):
            if (verb, found) == ("read", ref) and next(changes, None) is not None:
                body = rig.store.objects[ref][0]
                rig.store.put(OUT, ref.key, body + b"\n")

        rig.store.fail = rewritten
        rig.collector(limits=LARGE).build("all", Selection("passport/a"))
        assert listed(rig) == [("passport/a.png", "done")]

    def test_one_that_is_rewritten_again_and_again_is_left_to_another_time(self):
        rig = three()
        ref = ObjectRef(OUT, "results/passport/a.png/record.json")

        def rewritten(verb, found):
            if (verb, found) == ("read", ref):
                rig.store.put(OUT, ref.key, rig.store.objects[ref][0] + b"\n")

        rig.store.fail = rewritten
        with pytest.raises(UnavailableError, match="rewritten again and again"):
            rig.collector(limits=LARGE).build("all", Selection("passport/a"))

    def test_one_that_is_not_small_may_go_too(self):
        rig = three()

        def gone(verb, ref):
            if verb == "read" and ref.key.endswith("b.png/record.json"):
                rig.store.remove(ref)

        rig.store.fail = gone
        rig.collector(limits=LARGE).build("all", Selection("passport/"))
        assert ("passport/b.png", "running") in listed(rig)

    def test_no_room_on_the_disk_is_said_so(self):
        rig = three()

        def full(kind, file, title, folder):
            raise OSError(28, "No space left on device")

        rig.collecting = {"sink": full}
        with pytest.raises(HeldError, match="cannot be written here") as caught:
            rig.collector().build("all", Selection())
        assert caught.value.reason_code == "disk-full"
        (outcome,) = rig.run(rig.upload("passport/_complete", b""))
        assert (outcome["status"], outcome["reason"]["code"]) == ("held", "disk-full")

    def test_what_takes_longer_than_the_function_may_is_said_so_and_leaves_nothing(self, tmp_path):
        """Given 30 documents and an invocation that loses 4 of its 60 seconds with each record it reads."""
        rig = Rig(*[PASSPORT] * 30)
        for number in range(30):
            rig.run(rig.upload(f"passport/{number:02d}.png", picture(60 + number, 40)))
        rig.store.after = lambda verb, ref: rig.clock.pause(4) if verb == "read" else None
        with pytest.raises(HeldError, match="of 30 documents were read") as caught:
            rig.collector().write("all", Selection(), {"xlsx": tmp_path / "all.xlsx"})
        assert caught.value.reason_code == "no-time"
        assert list(tmp_path.iterdir()) == []

    def test_a_large_one_of_other_make_is_listed_without_its_content(self):
        rig = three()
        rig.collector(limits=RecordLimits(small=100, reading=ReadLimits(largest=100))).build(
            "all", Selection("passport/a")
        )
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
        rig.store.put(OUT, "results/passport/b.png/record.json", b" " * 2_000_000)
        rig.collector().build("all", Selection("passport/"))
        assert listed(rig)[:2] == [("passport/a.png", "dead"), ("passport/b.png", "dead")]

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
        built = rig.collector().build("a/b", Selection(), tuple(collector.KINDS))
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
        with pytest.raises(BusyError, match=r"1 documents below 'passport/' still run, 'passport/late\.png' among"):
            rig.run(rig.upload("passport/_complete", b""))
        assert ObjectRef(OUT, "workbooks/passport.xlsx") not in rig.store.objects

    def test_that_the_platform_gave_up_on_is_built_with_what_is_there(self):
        rig = three()
        rig.upload("passport/late.png", picture(90, 40))
        marker = rig.upload("passport/_complete", b"")
        found = rig.bury(marker, Reason("given-up", "Retries are used up."))
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
        assert Selector(rig.site, "").folder_of(ObjectRef(IN, "passport/_complete")) is None
        assert rig.collector().folder_of(ObjectRef(OUT, "passport/_complete")) is None

    @pytest.mark.parametrize(
        ("folder", "name"),
        [("", "all"), ("a/", "a"), ("a/b c/", "a/b c"), ("护照/", "护照"), ("_x/", "_x")],
    )
    def test_gives_its_workbook_its_name(self, folder, name):
        assert name_of(folder) == name

    def test_whose_name_cannot_be_one_gets_one_of_its_own(self):
        folders = [
            ".a/",
            "..a/",
            "a//b/",
            "a/./b/",
            "a/../b/",
            "a\n/",
            "a\t/",
            "./",
            "/",
            "x" * 500 + "/",
            "x" * 501 + "/",
        ]
        rig, names = three(), [name_of(folder) for folder in folders]
        assert len(set(names)) == len(folders)
        for name in names:
            rig.collector().build(name, Selection("nothing/"))


class TestATimer:
    def event(self, said):
        return {"trigger_type": "TIMER", "time": "2026-11-25T00:20:00Z", "user_event": said}

    def test_asks_for_a_workbook(self):
        said = '{"workbook": "daily", "day": "yesterday", "formats": ["xlsx", "csv"]}'
        asked, at = functiongraph.timed(self.event(said))
        assert at == datetime(2026, 11, 25, 0, 20, tzinfo=timezone.utc)
        assert asked == WorkbookOrder("daily", "", "yesterday", ("xlsx", "csv"))
        assert asked.selection(date(2026, 11, 25)) == Selection("", date(2026, 11, 25) - timedelta(days=1))
        assert WorkbookOrder("x", "a/").selection(date(2026, 11, 25)) == Selection("a/")

    @pytest.mark.parametrize(
        "said", ["", None, "{}", '{"workbook": 7}', '{"workbook": "a", "other": 1}', "[]", "no JSON"]
    )
    def test_that_asks_for_nothing_is_said_so(self, said):
        with pytest.raises(EventError) as caught:
            functiongraph.timed(self.event(said))
        assert caught.value.advice

    def test_builds_the_workbook_of_its_day(self):
        rig = three()
        built = rig.collector().timed(
            WorkbookOrder("daily", "", "yesterday"), datetime(2026, 11, 25, tzinfo=timezone.utc), ("csv",)
        )
        assert (built.documents, built.files, built.reason) == (1, ("workbooks/daily.csv.zip",), None)
        assert rig.collector().timed(WorkbookOrder("now", "", "yesterday"), None, ("xlsx",)).documents == 1

    def test_that_asks_for_what_cannot_be_is_told_why_and_not_tried_again(self):
        built = three().collector().timed(WorkbookOrder("/daily"), None, ("xlsx",))
        assert built.reason is not None
        assert (built.files, built.reason.code) == ((), "bad-name")

    def test_that_is_none_is_said_so(self):
        with pytest.raises(EventError, match="no user_event"):
            functiongraph.timed([])
