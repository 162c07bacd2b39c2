"""A document is forgotten: nothing of it is left in either bucket, and what others have stays whole."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from legible.errors import BusyError, HeldError, ObjectGoneError, SkippedError, UnavailableError
from legible.model.documents import Document, Format, ObjectRef, Reason, Selection, Upload
from legible.notices.targets import Webhook
from legible.upkeep.forget import Refused
from legible.upkeep.forgotten_files import AGAIN
from legible.workbooks.builds import Build, Builds
from tests.support.fakes import Receiver, invocation
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture
from tests.upkeep.forget_rig import Forgetter


def world(*keys: str, versioned: bool = False) -> tuple[Rig, Forgetter]:
    rig = Rig(PASSPORT)
    if versioned:
        rig.store.versioned = {IN, OUT}
    for number, key in enumerate(keys):
        rig.run(rig.upload(key, picture(60 + number)))
    return rig, Forgetter(rig)


class TestForgettingADocument:
    @pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
    def test_nothing_of_it_is_left_and_others_stay_whole(self, versioned):
        """Given two documents that were read, when one is forgotten, then the other's objects are what they were."""
        rig, forgetter = world("passport/anna.png", "passport/bert.png", versioned=versioned)
        others = {ref: stored for ref, stored in rig.store.objects.items() if "bert" in ref.key}
        assert forgetter.forget("passport/anna.png").emptied == 1
        assert not [one for one in forgetter.left("ERIKSSON") if "anna" in one]
        report = forgetter.later()
        assert (report.forgotten, report.waiting) == (1, 0)
        assert forgetter.left("anna") == []
        assert {ref: stored for ref, stored in rig.store.objects.items() if "bert" in ref.key} == others

    def test_a_tombstone_without_personal_data_says_when_why_and_by_whom(self):
        rig, forgetter = world("passport/anna.png")
        at = rig.clock.now()
        forgetter.forget("passport/anna.png", reason="case 12")
        forgetter.later()
        (name,) = [key for key in rig.store.keys(OUT, "tombstones/") if not key.endswith(".key")]
        (last,) = rig.store.json(OUT, name)["times"]
        assert (last["by"], last["reason"], last["counts"]) == ("cli:olga", "case 12", [{"lines": 5}])
        assert last["at"] == at.isoformat().replace("+00:00", "Z")
        assert name == f"tombstones/{forgetter.tombstones.digest('passport/anna.png')}.json"

    def test_values_go_at_once_and_names_when_nobody_can_be_at_work_any_more(self):
        """Given that it was asked for just now, then its closed journal is there for an hour, and no longer."""
        rig, forgetter = world("passport/anna.png")
        forgetter.forget("passport/anna.png")
        assert {one.split("/")[1] for one in forgetter.left("anna")} == {"ledger", "tombstones", "changes"}
        assert forgetter.forgetting.resume().waiting == 1
        rig.clock.pause(7200)
        assert forgetter.forgetting.resume().waiting == 1  # nobody has counted its calls yet
        forgetter.counted()
        assert forgetter.forgetting.resume().forgotten == 1

    def test_one_that_is_being_read_is_refused_with_the_time_when_it_can_be(self):
        rig, forgetter = world()
        upload = rig.upload("passport/anna.png")
        seen: list[tuple[Refused, ...]] = []
        rig.ocr.during = lambda: seen.append(forgetter.forget("passport/anna.png").refused)
        rig.run(upload)
        until = [
            datetime.fromisoformat(one["lease_until"].replace("Z", "+00:00"))
            for one in rig.journal("passport/anna.png")[:1]
        ]
        ((refused,),) = seen
        assert refused.key == "passport/anna.png"
        assert refused.until == until[0]
        assert rig.record("passport/anna.png")["status"] == "done"

    def test_to_look_changes_nothing(self):
        rig, forgetter = world("passport/anna.png")
        before = dict(rig.store.objects)
        assert forgetter.forgetting.look("passport/anna.png", forgetter.asked()) is True
        assert forgetter.forgetting.look("passport/nobody.png", forgetter.asked()) is False
        assert rig.store.objects == before

    def test_what_names_nothing_is_said_to_be_unknown(self):
        _, forgetter = world("passport/anna.png")
        assert forgetter.forget("passport/nobody.png").unknown == 1

    def test_a_key_below_it_is_another_document(self):
        """Given a document whose key is also a folder, when it is forgotten, then what lies in the folder stays."""
        rig, forgetter = world("passport/a", "passport/a/b.png", "passport/a.png")
        forgetter.whole("passport/a")
        assert {rig.record(key)["status"] for key in ("passport/a/b.png", "passport/a.png")} == {"done"}
        assert not rig.has("results/passport/a/record.json")
        assert ObjectRef(IN, "passport/a/b.png") in rig.store.objects

    def test_it_is_refused_a_claim_while_it_is_being_forgotten(self):
        rig, forgetter = world("passport/anna.png")
        forgetter.forget("passport/anna.png")
        rig.clock.pause(5)
        upload = rig.upload("passport/anna.png", picture(60))
        with pytest.raises(BusyError, match="being forgotten"):
            rig.run(upload)
        forgetter.later()
        assert rig.run(upload)[0]["status"] == "done"
        assert rig.ocr.paid == 2


class TestLateEvents:
    def test_a_late_event_reads_nothing_and_leaves_nothing(self):
        rig, forgetter = world()
        upload = rig.upload("passport/anna.png")
        rig.run(upload)
        forgetter.whole("passport/anna.png")
        assert rig.run(upload)[0]["reason"]["code"] == "forgotten"
        assert forgetter.left("anna") == []
        assert rig.ocr.paid == 1

    def test_so_it_is_while_it_is_being_forgotten(self):
        rig, forgetter = world()
        upload = rig.upload("passport/anna.png")
        rig.run(upload)
        forgetter.forget("passport/anna.png")
        assert rig.run(upload)[0]["reason"]["code"] == "forgotten"

    def test_a_late_event_of_it_is_not_taken_for_the_upload_that_lies_there_now(self):
        rig, forgetter = world()
        old = rig.upload("passport/anna.png")
        rig.run(old)
        forgetter.whole("passport/anna.png")
        new = rig.upload("passport/anna.png", picture(99))
        assert rig.run(old)[0]["reason"]["code"] == "forgotten"
        assert rig.run(new)[0]["status"] == "done"

    def test_an_upload_that_was_never_forgotten_and_is_gone_is_recorded_as_ever(self):
        rig, forgetter = world("passport/bert.png")
        forgetter.whole("passport/bert.png")
        gone = Upload(ObjectRef(IN, "passport/anna.png"), etag="0" * 32)
        assert rig.run(gone)[0]["status"] == "rejected"

    @pytest.mark.parametrize(("later", "skipped"), [(-60, True), (3600 * 3, False)])
    def test_events_with_a_time_are_judged_by_it(self, later, skipped):
        rig, forgetter = world("passport/anna.png")
        at = rig.clock.now()
        forgetter.whole("passport/anna.png")
        outcome = rig.run(Upload(ObjectRef(IN, "passport/anna.png"), at=at + timedelta(seconds=later)))
        assert (outcome[0]["status"] == "skipped") == skipped

    def test_an_event_that_tells_nothing_but_a_key_is_skipped(self):
        rig, forgetter = world("passport/anna.png")
        forgetter.whole("passport/anna.png")
        with pytest.raises(SkippedError):
            rig.parts().uploads.locate(Upload(ObjectRef(IN, "passport/anna.png")))

    def test_who_may_not_look_for_tombstones_records_what_is_gone(self):
        rig, forgetter = world("passport/anna.png")
        forgetter.whole("passport/anna.png")

        def refuse(verb: str, ref: ObjectRef) -> None:
            if ref.key.startswith("tombstones/"):
                raise HeldError("not permitted")

        rig.store.fail = refuse
        gone = Upload(ObjectRef(IN, "passport/anna.png"), etag="0" * 32)
        assert rig.run(gone)[0]["status"] == "rejected"


class TestWhatManyShare:
    def test_a_copy_keeps_its_results_when_the_one_that_paid_is_forgotten(self):
        rig, forgetter = world()
        for name in ("anna", "copy"):
            rig.run(rig.upload(f"passport/{name}.png"))
        copy = {ref: stored for ref, stored in rig.store.objects.items() if "copy" in ref.key}
        forgetter.whole("passport/anna.png")
        assert forgetter.left("anna") == []
        assert {ref: stored for ref, stored in rig.store.objects.items() if "copy" in ref.key} == copy
        assert rig.ocr.paid == 1

    def test_others_stay_in_the_list_of_documents_of_one_content(self):
        """Given a list that names two documents, when one is forgotten, then a third copy pays for nothing."""
        rig, forgetter = world()
        rig.run(rig.upload("passport/bert.png"))
        (name,) = rig.store.keys(OUT, "contents/")
        (line,) = rig.store.lines(OUT, name)
        more = json.dumps({**line, "key": "passport/anna.png"}).encode() + b"\n"
        rig.store.append(ObjectRef(OUT, name), len(rig.store.objects[ObjectRef(OUT, name)][0]), more)
        rig.store.put(OUT, f"answers/passport/anna.png/{line['version']}/0001.json", b"{}")
        forgetter.forget("passport/anna.png")
        assert rig.store.lines(OUT, name) == [line]
        rig.run(rig.upload("passport/third.png"))
        assert rig.ocr.paid == 1

    def test_notices_that_are_not_delivered_are_dropped(self):
        rig, forgetter = world()
        receiver = Receiver()

        def fail() -> None:
            raise UnavailableError("not now")

        receiver.fail = fail
        target = Webhook("https://example.com", "SECRET", fields=("surname",))
        rig.targets, rig.notifiers = {"a": target}, {"a": receiver}
        rig.run(rig.upload("passport/anna.png"), rig.upload("passport/bert.png", picture(70)))
        assert len(rig.store.keys(OUT, "notices/outbox/")) == 2
        forgetter.forget("passport/anna.png")
        (name,) = rig.store.keys(OUT, "notices/outbox/")
        assert rig.store.json(OUT, name)["notice"]["subject"] == "passport/bert.png"

    def test_an_upload_that_waits_is_dropped(self):
        rig = Rig(UnavailableError("not now"), waits=True)
        upload = rig.upload("passport/anna.png")
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.bury(upload, Reason("unavailable", "not now", passes=True))
        rig.clock.pause(3600)
        forgetter = Forgetter(rig)
        assert rig.store.keys(OUT, "waiting/")
        forgetter.forget("passport/anna.png")
        assert rig.store.keys(OUT, "waiting/") == []

    def test_a_workbook_that_holds_it_is_built_again_without_it(self):
        rig, forgetter = world("passport/anna.png", "passport/bert.png")
        rig.collector().build("all", Selection("passport/"), ("jsonl",))
        rig.collector().build("others", Selection("visa/"), ("jsonl",))
        before = rig.store.objects[ObjectRef(OUT, "workbooks/others.jsonl")]
        rig.clock.pause(10)
        report = forgetter.forget("passport/anna.png")
        assert (report.built, report.gone) == (("all",), ())
        body = rig.store.objects[ObjectRef(OUT, "workbooks/all.jsonl")][0]
        assert b"bert" in body
        assert b"anna" not in body
        assert rig.store.objects[ObjectRef(OUT, "workbooks/others.jsonl")] == before
        forgetter.later()
        assert forgetter.left("anna") == []

    def test_a_file_that_was_built_again_is_not_built_twice(self):
        rig, forgetter = world("passport/anna.png", "passport/bert.png")
        rig.collector().build("all", Selection("passport/"), ("jsonl",))
        rig.clock.pause(10)
        build = forgetter.rebuild

        def slowly(name: str, selection: Selection, formats: tuple[Format, ...]) -> bool:
            rig.clock.pause(10)
            return build(name, selection, formats)

        forgetter.rebuild = slowly
        assert forgetter.forget("passport/anna.png").built == ("all",)
        assert forgetter.later().built == ()

    def test_a_workbook_of_which_nobody_knows_what_it_holds_is_removed_and_said_so(self):
        rig, forgetter = world("passport/anna.png")
        rig.store.put(OUT, "workbooks/old.xlsx", b"rows of anna")
        rig.store.put(OUT, "workbooks/.builds/old.xlsx/1", b"rows of anna")
        forgetter.forget("passport/anna.png")
        assert rig.store.keys(OUT, "workbooks/") == []

    def test_a_workbook_that_cannot_be_built_again_now_is_built_by_the_next_run(self):
        rig, forgetter = world("passport/anna.png", "passport/bert.png")
        rig.collector().build("all", Selection("passport/"), ("jsonl",))
        rig.clock.pause(10)
        build = forgetter.rebuild

        def full(name: str, selection: Selection, formats: tuple[Format, ...]) -> bool:
            raise HeldError("no room")

        forgetter.rebuild = full
        assert forgetter.forget("passport/anna.png").gone == ("all",)
        rig.store.put(OUT, f"{AGAIN}spoilt.json", b"{")
        forgetter.rebuild = build
        assert forgetter.forgetting.resume().built == ("all",)
        forgetter.rebuild = lambda name, selection, formats: False
        rig.clock.pause(10)
        assert forgetter.forget("passport/bert.png").gone == ("all",)

    def test_files_of_other_days_and_lists_stay(self):
        """Given files of which it is known that they cannot hold the document, then they are left alone."""
        rig, forgetter = world("passport/anna.png", "passport/bert.png")
        rig.clock.pause(2 * 86400)
        day = rig.clock.now().date()
        rig.collector().build("today", Selection("passport/", day), ("jsonl",))
        rig.collector().build("listed", Selection(keys=("passport/bert.png",)), ("jsonl",))
        both = ("passport/anna.png", "passport/bert.png")
        rig.collector().build("named", Selection(keys=both), ("jsonl",))
        rig.collector().build("alone", Selection(keys=both[:1]), ("jsonl",))
        rig.clock.pause(10)
        assert forgetter.forget("passport/anna.png").built == ("named",)
        assert rig.store.keys(OUT, "workbooks/alone") == rig.store.keys(OUT, "workbooks/.states/alone") == []
        assert rig.store.json(OUT, "workbooks/.states/named.json")["selection"]["keys"] == ["passport/bert.png"]
        forgetter.later()
        assert forgetter.left("anna") == []

    def test_a_workbook_that_is_being_built_at_that_moment_is_looked_at_again(self):
        """Given a build that read the document before it was forgotten, and ends after that, then its file goes too."""
        rig, forgetter = world("passport/anna.png")
        began = rig.clock.now()
        forgetter.forget("passport/anna.png")
        builds = Builds(rig.site, "slow")
        rig.store.put(OUT, "workbooks/late.jsonl", b"rows of anna")
        builds.tell("late", Build("done", began, rig.clock.now(), 1, selection=Selection("passport/")))
        forgetter.later()
        assert forgetter.left("rows of anna") == []

    def test_lists_of_what_is_not_done_and_where_a_sweep_stood_lose_it(self):
        rig, forgetter = world("passport/anna.png")
        body = b'{"key":"passport/anna.png"}\n{"key":"passport/bert.png"}\n'
        rig.store.append(ObjectRef(OUT, "reports/.ends/2026/11/23.jsonl"), 0, body)
        rig.store.put(OUT, "sweep/state.json", b'{"after":"passport/anna.png"}')
        rig.store.put(OUT, "backfills/old/manifest.json", b'{"after":"passport/bert.png"}')
        rig.store.put(OUT, "waiting/20261123T090000.1.x.json", b"something else")
        rig.store.put(OUT, "notices/outbox/20261123T090000.1.x.json", b"something else")
        forgetter.forget("passport/anna.png")
        assert rig.store.read(ObjectRef(OUT, "reports/.ends/2026/11/23.jsonl")) == b'{"key":"passport/bert.png"}\n'
        assert rig.store.keys(OUT, "sweep/") == []
        assert rig.store.keys(OUT, "backfills/") == ["backfills/old/manifest.json"]
        assert len(rig.store.keys(OUT, "waiting/")) == len(rig.store.keys(OUT, "notices/outbox/")) == 1

    @pytest.mark.parametrize("gone", [False, True])
    def test_an_encrypted_document_is_found_in_the_list_of_its_content(self, gone):
        """Given a bucket whose etags are no digests: the upload is read, or, if it is gone, all lists are."""
        rig = Rig(PASSPORT)
        rig.store.encrypted = {IN}
        rig.run(rig.upload("passport/anna.png"))
        forgetter = Forgetter(rig)
        rig.store.put(OUT, "contents/spoilt/1.jsonl", b"no line\n")
        if gone:
            rig.store.remove(ObjectRef(IN, "passport/anna.png"))
        rig.store.reads.clear()
        forgetter.forget("passport/anna.png")
        read = {ref.key for ref, _ in rig.store.reads}
        assert ("contents/spoilt/1.jsonl" in read) == gone
        forgetter.later()
        assert forgetter.left("anna") == []

    def test_an_upload_that_somebody_else_removes_meanwhile_is_no_fault(self):
        rig, forgetter = world("passport/anna.png")

        def vanish(verb: str, ref: ObjectRef) -> None:
            if verb == "head" and ref.bucket == IN:
                raise ObjectGoneError("gone")

        rig.store.fail = vanish
        assert forgetter.forget("passport/anna.png").emptied == 1
        rig.store.fail = lambda verb, ref: None
        forgetter.later()
        assert forgetter.left("anna") == []


class TestUploadsThatComeMeanwhile:
    def test_one_with_other_bytes_is_read_and_stays_whole(self):
        """Given a new upload under the key while it is being forgotten, then it is read, and nothing of it is lost."""
        rig, forgetter = world("passport/anna.png")
        forgetter.forget("passport/anna.png")
        rig.clock.pause(5)
        assert rig.run(rig.upload("passport/anna.png", picture(99)))[0]["status"] == "done"
        forgetter.later()
        assert rig.record("passport/anna.png")["document"]["size"] == len(picture(99))
        assert len(rig.store.keys(OUT, "answers/passport/anna.png/")) > 1
        (listed,) = [one for one in rig.store.keys(OUT, "ledger/") if "newest-" in one]
        assert len(rig.store.lines(OUT, listed)) == 1

    def test_one_that_came_after_it_was_asked_for_is_another_document(self):
        rig, forgetter = world("passport/anna.png")
        asked = forgetter.asked()
        rig.clock.pause(5)
        rig.run(rig.upload("passport/anna.png", picture(99)))
        forgetter.forgetting.forget(["passport/anna.png"], asked)
        assert rig.record("passport/anna.png")["document"]["size"] == len(picture(99))

    def test_what_somebody_begins_to_read_in_that_instant_goes_on_and_is_forgotten_later(self):
        rig, forgetter = world()
        upload, claimed = rig.upload("passport/anna.png"), []
        rig.run(upload)
        again = rig.upload("passport/anna.png", picture(80))

        def begin(verb: str, ref: ObjectRef) -> None:
            if verb == "write" and ref.key.startswith("tombstones/.pending/") and not claimed:
                claimed.append(ref)
                rig.ocr.during = lambda: claimed.append(forgetter.forgetting.resume().refused)
                rig.run(again)

        rig.store.after = begin
        forgetter.forget("passport/anna.png")
        assert claimed[1][0].key == "passport/anna.png"
        forgetter.later()
        forgetter.later()
        assert forgetter.left("anna") == []


def test_with_no_time_left_nothing_is_begun():
    rig, _ = world("passport/anna.png")
    hurried = Forgetter(rig, call=invocation(rig.clock, "forget", 5.0))
    assert hurried.forget("passport/anna.png").left == 1
    Forgetter(rig).forget("passport/anna.png")
    assert hurried.forgetting.resume().left == 1


KEYS = ("passport/anna.png", "passport/copy.png", "passport/bert.png")


def rich(versioned: bool) -> tuple[Rig, Forgetter]:
    """Return a world with everything in it that is shared."""
    rig = Rig(PASSPORT)
    if versioned:
        rig.store.versioned = {IN, OUT}
    receiver = Receiver()
    rig.targets, rig.notifiers = {"a": Webhook("https://example.com", "SECRET", fields=("surname",))}, {"a": receiver}
    receiver.fail = lambda: (_ for _ in ()).throw(UnavailableError("not now"))
    for key in KEYS:
        rig.run(rig.upload(key, picture(99) if "bert" in key else picture()))
    rig.collector().build("all", Selection("passport/"), ("jsonl",))
    rig.clock.pause(10)
    return rig, Forgetter(rig)


def remains(rig: Rig) -> dict[str, object]:
    """Return what is left in both buckets, without times, digests and what no two runs have alike."""
    left = {}
    for ref, (body, *_rest) in rig.store.objects.items():
        if ref.key.startswith(("tombstones/", "workbooks/", "changes/")):
            left[ref.key.split("/")[0]] = True
            continue
        left[f"{ref.bucket}/{ref.key}"] = sorted(body.splitlines()) if ref.key.endswith(".jsonl") else body
    return left


class Dead(Exception):
    """The process dies."""


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
def test_death_at_any_step_is_gone_on_with_by_the_next_run(versioned):
    """Given a run that dies at any of its steps, when the next one has come, then all is as if it had never died."""
    rig, forgetter = rich(versioned)
    forgetter.whole("passport/anna.png")
    expected, step = remains(rig), 0
    assert forgetter.left("anna") == []
    while True:
        step += 1
        rig, forgetter = rich(versioned)
        steps = iter(range(step - 1))

        def fail(verb: str, ref: ObjectRef, steps=steps) -> None:
            if verb in ("write", "append") and next(steps, None) is None:
                raise Dead

        try:
            rig.store.fail = fail
            forgetter.forget("passport/anna.png")
            forgetter.later()
            break
        except Dead:
            rig.store.fail = lambda verb, ref: None
        again = Forgetter(rig)
        again.forget("passport/anna.png")
        again.later()
        again.later()
        assert again.left("anna") == [], step
        assert remains(rig) == expected, step
    assert step > 30


def test_two_at_once_end_as_one(tmp_path):
    """Given two runs for the same documents, one in the midst of the other, then nothing is lost and nothing left."""
    rig, forgetter = rich(versioned=False)
    other, met = Forgetter(rig), []

    def meet(verb: str, ref: ObjectRef) -> None:
        if verb == "remove" and not met and ref.key.startswith("contents/"):
            met.append(ref)
            other.forget("passport/bert.png", "passport/anna.png")

    rig.store.after = meet
    forgetter.forget("passport/anna.png")
    rig.store.after = lambda verb, ref: None
    forgetter.later()
    other.later()
    assert met
    assert forgetter.left("anna") == forgetter.left("bert") == []
    assert rig.record("passport/copy.png")["fields"]
    assert rig.store.keys(OUT, "tombstones/.lists/") == []


def test_thousands_are_forgotten_in_batches_with_progress():
    """Given more documents than a batch holds, most never read, one without an upload, then all are forgotten."""
    rig, forgetter = world("passport/a.png", "passport/b.png")
    for number in range(300):
        rig.store.put(IN, f"scans/{number:04}.png", b"never read")
    rig.store.put(OUT, "results/scans/old.png/record.json", json.dumps({"document": {}}).encode())
    told: list[int] = []
    batched = Forgetter(rig, batch=64)
    report = batched.forgetting.forget(batched.scope.keys("scans/"), batched.asked(), told.append)
    assert (report.emptied, report.unknown) == (301, 0)
    assert told == [64, 128, 192, 256, 301]
    batched.later()
    assert batched.left("scans/") == []
    assert rig.record("passport/a.png")["status"] == "done"


class TestScope:
    def test_a_folder_a_beginning_and_a_key(self):
        rig, forgetter = world("passport/a.png", "passport/ab.png", "passport/b.png")
        keys = forgetter.scope.keys
        assert list(keys("passport/a.png")) == ["passport/a.png"]
        assert list(keys("passport/a*")) == ["passport/a.png", "passport/ab.png"]
        assert len(list(keys("passport/"))) == len(list(keys("*"))) == 3

    def test_what_has_several_versions_is_one_document(self):
        rig, forgetter = world("passport/a.png", versioned=True)
        rig.upload("passport/a.png", picture(99))
        assert list(forgetter.scope.keys("passport/")) == ["passport/a.png"]

    def test_an_upload_that_somebody_removed_is_forgotten_with_its_versions(self):
        rig, forgetter = world("passport/anna.png", versioned=True)
        rig.store.remove(ObjectRef(IN, "passport/anna.png"))
        forgetter.whole("passport/")
        assert forgetter.left("anna") == []

    def test_what_is_left_of_a_removed_upload_is_found_once(self):
        rig, forgetter = world("passport/a.png", "passport/" + "b" * 900 + ".png")
        for key in rig.store.keys(IN):
            rig.store.remove(ObjectRef(IN, key))
        assert sorted(len(key) for key in forgetter.scope.keys("*")) == [14, 913]
        forgetter.whole("*")
        assert forgetter.left("passport") == []


def test_where_both_are_one_bucket_own_files_are_no_documents():
    """Given one bucket for uploads and results, when all is forgotten, then each document is forgotten once."""
    rig = Rig(PASSPORT)
    rig.output = IN
    rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png", picture(70)))
    forgetter = Forgetter(rig)
    assert list(forgetter.scope.keys("*")) == ["passport/a.png", "passport/b.png"]
    assert forgetter.forget("*").emptied == 2
    forgetter.later()
    assert forgetter.left("passport/") == []


def test_a_folder_of_a_long_key_without_a_record_names_nobody():
    rig, forgetter = world()
    name = "b" * 770 + "~" + "0" * 32
    rig.store.put(OUT, f"ledger/{IN}/{name}/v.jsonl", b"")
    assert list(forgetter.scope.keys("b*")) == []


def test_a_death_after_the_journals_went_leaves_a_new_upload_of_the_same_bytes_alone():
    """Given a run that died before it set the tombstone, and the same bytes uploaded since, then these stay read."""
    rig, forgetter = world("passport/anna.png")
    forgetter.forget("passport/anna.png")
    rig.clock.pause(7200)
    forgetter.counted()

    def die(verb: str, ref: ObjectRef) -> None:
        if verb == "write" and ref.key.startswith("tombstones/") and ".pending" not in ref.key:
            raise Dead

    rig.store.fail = die
    with pytest.raises(Dead):
        forgetter.forgetting.resume()
    rig.store.fail = lambda verb, ref: None
    assert rig.run(rig.upload("passport/anna.png", picture(60)))[0]["status"] == "done"
    assert forgetter.forgetting.resume().forgotten == 1
    assert rig.record("passport/anna.png")["status"] == "done"
    assert rig.journal("passport/anna.png")


def test_thinning_out_keeps_results_and_their_journal():
    rig, forgetter = world("passport/anna.png")
    report = forgetter.forget("passport/anna.png", keep=("results",))
    assert (report.emptied, report.waiting, report.forgotten) == (1, 0, 0)
    assert rig.record("passport/anna.png")["fields"]
    assert {one.split("/")[1] for one in forgetter.left("anna")} == {"results", "ledger", "contents", "changes"}
    upload = Upload(ObjectRef(IN, "passport/anna.png"), etag=Document(IN, "", "").etag)
    assert rig.run(upload)[0]["status"] in ("done", "rejected")
