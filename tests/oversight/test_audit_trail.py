"""Events are kept where they happen, and put into the trail once, however they come and whoever fails."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest

from legible.errors import HeldError, UnavailableError
from legible.ledger.changes import Changes
from legible.model import layout
from legible.model.audit import CALL, FINISH, RERUN
from legible.model.documents import Document, ObjectRef
from legible.oversight.audit_journal import events_of
from legible.oversight.audit_line import NOTHING
from legible.oversight.audit_told import ToldList
from legible.oversight.audit_trail import AuditConsumer, AuditTrail, AuditWalk
from legible.oversight.walk import ChangeWalk
from tests.oversight.audit_rig import TrailRig, event
from tests.support.rig import IN, OUT, Rig


def told_key(source: str) -> str:
    return layout.audit_told(source)


class TestDesk:
    def test_what_is_done_is_kept_at_once(self):
        rig = TrailRig()
        identity = rig.desk().record(RERUN, "document", "passport/a.png", operator="app:7", details={"a": "b", "c": ""})
        (key,) = rig.store.keys(OUT, layout.AUDIT_PENDING)
        assert key == f"audit/.pending/20261123T090000.1.{identity}.json"
        assert rig.store.json(OUT, key) == {
            "id": identity, "at": "2026-11-23T09:00:00Z", "name": "rerunDocument", "resource_type": "document",
            "resource_name": "passport/a.png", "operator": "app:7", "details": {"a": "b"},
        }  # fmt: skip

    def test_who_acts_is_known_where_an_event_does_not_say_it(self):
        rig = TrailRig()
        rig.desk().record(RERUN, "document", "a")
        rig.trail().walk()
        assert rig.lines()[0].operator == "desk"

    def test_texts_of_others_break_no_line_and_are_bounded(self):
        rig = TrailRig()
        rig.desk().record(RERUN, "document", "a\n\x1b[31m\ud800" + "b" * 5_000, operator="m\x9bei")
        rig.trail().walk()
        (line,) = rig.lines()
        assert (line.operator, line.resource_name[:8], len(line.resource_name)) == ("m ei", "a [31m?b", 1_023)


class TestWalk:
    def test_what_is_kept_goes_into_the_trail_and_does_not_wait_any_more(self):
        rig = TrailRig()
        rig.keep("a", "b")
        walk = rig.trail(at_once=8).walk()
        last = rig.lines()[-1]
        assert (walk.told, walk.left, walk.n) == (2, 0, last.n)
        assert rig.store.keys(OUT, layout.AUDIT_PENDING) == []
        assert rig.verify().sha256 == walk.sha256

    def test_many_go_together(self):
        rig = TrailRig(most=(9_000, 1 << 24))
        rig.keep(*(f"e{number}" for number in range(1_200)))
        assert rig.trail(at_once=8).walk().told == 1_200
        assert rig.store.appendable[ObjectRef(OUT, rig.parts()[0])] == 3

    def test_the_same_event_twice_is_told_once(self):
        rig = TrailRig()
        rig.told("a")
        rig.told("a", days=9)
        assert rig.events() == ["a"]

    def test_one_whose_time_is_over_leaves_the_rest_to_the_next(self):
        rig = TrailRig()
        rig.keep("a")
        assert rig.trail(seconds=10).walk() == AuditWalk(sha256=NOTHING)
        assert len(rig.store.keys(OUT, layout.AUDIT_PENDING)) == 1

    def test_an_event_of_a_newer_version_waits_for_that_version(self):
        rig = TrailRig()
        rig.keep("a", "b")
        first = rig.store.keys(OUT, layout.AUDIT_PENDING)[0]
        rig.spoil(first, json.dumps({**rig.store.json(OUT, first), "unheard_of": 1}).encode())
        walk = rig.trail().walk()
        assert (walk.told, walk.left) == (1, 1)
        (key,) = rig.store.keys(OUT, layout.AUDIT_PENDING)
        assert key.endswith(".2.a.json") and rig.store.json(OUT, key)["unheard_of"] == 1
        assert [line["event"] for line in rig.log.lines] == ["audit-unreadable"]

    def test_one_that_another_walk_took_is_no_loss(self):
        rig = TrailRig()
        rig.keep("a")
        slots = rig.store.list

        def list_(bucket, prefix, after=""):
            found = list(slots(bucket, prefix, after))
            rig.store.list = slots
            rig.trail().walk()
            return iter(found)

        rig.store.list = list_
        assert rig.trail().walk().told == 0
        assert rig.events() == ["a"]

    def test_an_event_whose_own_list_takes_no_line_is_left_and_the_others_are_told(self):
        rig = TrailRig()
        rig.keep("a", "b")
        rig.store.put(OUT, told_key("a"), b"")
        walk = rig.trail().walk()
        assert (walk.told, walk.left, rig.events()) == (1, 1, ["b"])
        assert {line["event"] for line in rig.log.lines} == {"audit-not-told"}


class TestJournals:
    def consumer(self, rig: Rig, trail: TrailRig) -> AuditConsumer:
        return AuditConsumer(trail.trail())

    def test_the_walk_over_changed_journals_puts_their_calls_into_the_trail_once(self):
        # given
        world = Rig()
        rig = TrailRig(world.store, most=(100, 1 << 20))
        upload = world.upload("passport/anna.png")
        world.run(upload)
        for _ in range(2):
            world.clock.pause(600)
            journals = world.parts().ledger.journals
            call = rig.call()
            walk = ChangeWalk(Changes(rig.site, call), journals, [self.consumer(world, rig)], call, at_once=1)

            # when
            walk.walk()
            Changes(rig.site, call).mark(Document(IN, upload.ref.key, upload.etag), world.clock.now())

        # then
        assert [line.name for line in rig.lines()] == [CALL, FINISH]
        assert all(line.resource_name == "passport/anna.png" for line in rig.lines())

    def test_what_a_journal_got_later_is_added(self):
        world = Rig()
        rig = TrailRig(world.store, most=(100, 1 << 20))
        upload = world.upload("passport/anna.png")
        world.run(upload)
        document = Document(IN, upload.ref.key, upload.etag)
        for lines in (2, None):
            state = world.parts().ledger.journals.load(document)
            rig.trail().put({"journal": list(events_of(document, state.lines[:lines]))})
        assert [line.name for line in rig.lines()] == [CALL, FINISH]

    def test_a_journal_whose_list_takes_no_line_is_told_event_by_event(self):
        rig = TrailRig()
        rig.store.put(OUT, told_key("journal"), b"something else")
        rig.trail().put({"journal": [event("a", rig.now), event("b", rig.now)]})
        assert rig.trail().walk().told == 2
        assert rig.events() == ["a", "b"]

    def test_without_anything_to_tell_nothing_is_read(self):
        rig = TrailRig()
        rig.trail().put({})
        assert rig.store.reads == []

    @pytest.mark.parametrize("error", [HeldError("403", code="obs-denied"), UnavailableError("503")])
    def test_a_trail_that_cannot_be_written_is_an_error_so_that_the_journal_comes_again(self, error):
        rig = TrailRig()

        def refuse(verb, ref):
            if verb == "append" and ref.key.startswith("audit/2"):
                raise error

        rig.store.fail = refuse
        with pytest.raises(type(error)):
            rig.trail().put({"journal": [event("a", rig.now)]})
        rig.store.fail = lambda verb, ref: None
        rig.trail().put({"journal": [event("a", rig.now)]})
        assert rig.events() == ["a"]


class TestToldLists:
    def begin(self, rig: TrailRig, by: str = "x", end=None):
        listed = ToldList(rig.site, rig.call(), "source", by)
        return listed, listed.begin([event("a", rig.now), event("b", rig.now)], end or rig.chain().end())

    def test_it_looks_from_where_somebody_who_has_not_ended_began(self):
        rig = TrailRig()
        first, _ = self.begin(rig)
        rig.told("x")
        second, new = self.begin(rig, "y")
        assert (second.since, [one.id for one in new]) == (first.since, ["a", "b"])

    def test_of_one_who_has_ended_nothing_is_looked_for(self):
        rig = TrailRig()
        first, new = self.begin(rig)
        first.done(new[:1])
        rig.told("x")
        second, new = self.begin(rig, "y")
        assert second.since == rig.chain().end() != first.since
        assert [one.id for one in new] == ["b"]

    def test_of_one_who_died_long_ago_somebody_looked_since(self):
        rig = TrailRig()
        self.begin(rig, "dead")
        second, new = self.begin(rig, "y")
        second.done(new[:1])
        rig.told("x", days=2)
        third, _ = self.begin(rig, "z")
        assert third.since == rig.chain().end()

    def test_of_one_who_died_and_after_whom_nobody_looked_all_is_looked_through(self):
        rig = TrailRig()
        first, _ = self.begin(rig, "dead")
        rig.told("x", days=2)
        second, _ = self.begin(rig, "y")
        assert second.since == first.since

    def test_lines_of_something_else_say_nothing(self):
        rig = TrailRig()
        first, new = self.begin(rig)
        first.done(new)
        rig.store.append(ObjectRef(OUT, told_key("source")), len(rig.body(told_key("source"))), b"\xff hello\n{}\n")
        assert self.begin(rig, "y")[1] == []


def test_an_event_reads_back_as_it_was():
    rig = TrailRig()
    rig.keep("a", details={"k": "v"}, status="incident", resource_id="1")
    rig.trail().walk()
    (line,) = rig.lines()
    want = event("a", rig.lines()[0].at, details={"k": "v"}, status="incident", resource_id="1")
    found = msgspec.to_builtins(line)
    assert {name: found[name] for name in msgspec.to_builtins(want)} == msgspec.to_builtins(want)
    assert line.recorded_at - line.at < timedelta(seconds=5)
    assert isinstance(rig.trail(), AuditTrail)
