"""The trail is searched by the filters of the guide's chapter 9, the newest first, in memory that does not grow."""

from __future__ import annotations

import json
import random
import tracemalloc
from datetime import datetime, timedelta
from typing import Any

import pytest

from legible.huawei.cts import trace
from legible.model import layout
from legible.model.audit import AuditEvent
from legible.model.documents import ObjectRef
from legible.oversight.audit_search import AuditFilters, AuditSearch
from legible.oversight.audit_traces import event_of
from tests.oversight.audit_rig import TrailRig, event
from tests.support.fakes import START
from tests.support.rig import OUT


def filters(**values: Any) -> AuditFilters:
    return AuditFilters(**{"since": START - timedelta(days=400), "until": START + timedelta(days=400), **values})


def found(rig: TrailRig, limit: int = 100, **values: Any) -> list[str]:
    return [
        line.id for line in AuditSearch(rig.site).find(filters(**values), limit).lines if line.name != "continueTrail"
    ]


@pytest.fixture
def rig() -> TrailRig:
    rig = TrailRig(most=(4, 1 << 20))
    rig.keep("a", operator="mei", resource_id="1")
    rig.store.clock.pause(1)
    rig.keep("b", operator="eve", status="warning", name="correctDocument")
    rig.store.clock.pause(1)
    rig.keep("c", source="cts", service="OCR", resource_type="ai_service", resource_name="passport", status="incident")
    rig.store.clock.pause(1)
    rig.keep("d", resource_type="settings", resource_name="legible.toml")
    rig.trail().walk()
    return rig


class TestFilters:
    @pytest.mark.parametrize(
        ("values", "ids"),
        [
            ({}, "dcba"),
            ({"service": "OCR"}, "c"),
            ({"service": "Legible"}, "dba"),
            ({"resource_type": "ai_service"}, "c"),
            ({"name": "correctDocument"}, "b"),
            ({"resource_id": "1"}, "a"),
            ({"resource_name": "passport"}, "c"),
            ({"operator": "mei"}, "dca"),
            ({"status": "normal"}, "da"),
            ({"status": "warning"}, "b"),
            ({"status": "incident"}, "c"),
            ({"operator": "mei", "status": "normal", "resource_id": "1"}, "a"),
            ({"operator": "nobody"}, ""),
            ({"prefix": "passport/"}, "ba"),
            ({"prefix": "passport"}, "ba"),
            ({"prefix": "legible"}, ""),
        ],
    )
    def test_each_narrows_what_is_found(self, rig, values, ids):
        assert found(rig, **values) == list(ids)

    def test_the_time_is_that_of_the_event_its_beginning_in_and_its_end_out(self):
        rig = TrailRig()
        for hour in range(4):
            rig.desk().keep(event(str(hour), START + timedelta(hours=hour)))
        rig.trail().walk()
        assert found(rig, since=START + timedelta(hours=1), until=START + timedelta(hours=3)) == ["2", "1"]


HOSTILE = (
    "=cmd()",
    "[bold]x[/]",
    "a\x1b[2J",
    "b\x9b31m",
    "\ud800",
    "c\x00d",
    "e\n{}",
    '"}\n',
    "张\u202e三",
    "x" * 3_000,
)


class TestHostileTexts:
    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize(
        "filter_", ["service", "resource_type", "name", "resource_id", "resource_name", "operator"]
    )
    def test_what_was_received_is_found_by_what_was_received(self, text, filter_):
        """Given an event of CTS of which every text is hostile: it is sought as it came, and as the trail shows it."""
        rig = TrailRig(most=(100, 1 << 20))
        names = ("trace_name", "service_type", "resource_type", "resource_name", "resource_id", "trace_type")
        raw = json.dumps({**dict.fromkeys(names, text), "user": {"name": text}, "time": int(START.timestamp() * 1000),
                          "trace_rating": "incident", "trace_id": text}).encode()  # fmt: skip
        received = trace(raw)
        if not received.name:  # JSON that cannot be read tells nothing of itself
            assert "\ud800" in text
            return
        rig.keep("beside")
        rig.desk().keep(event_of(received))
        rig.trail().walk()
        (line,) = [one for one in rig.lines() if one.source == "cts"]
        for sought in (text, getattr(line, filter_)):
            assert found(rig, **{filter_: sought}, status="incident") == [line.id]
        assert found(rig, **{filter_: "y" + text}) == []
        assert rig.verify().fault is None


class TestDays:
    def test_an_event_that_was_told_on_a_later_day_is_found_on_its_own(self):
        """Given one that CTS listed six days later, one that came after midnight, and one of tomorrow by its clock."""
        rig = TrailRig()
        day = timedelta(days=1)
        for name, at in (
            ("old", START - 6 * day),
            ("midnight", START - 10 * timedelta(hours=1)),
            ("soon", START + day),
        ):
            rig.desk().keep(event(name, at))
        rig.keep("today")
        rig.trail().walk()
        assert rig.parts() == ["audit/2026/11/23.jsonl"]
        assert found(rig) == ["soon", "today", "midnight", "old"]
        assert found(rig, since=START - 7 * day, until=START - 5 * day) == ["old"]
        assert found(rig, since=START + timedelta(hours=1), until=START + 2 * day) == ["soon"]

    def test_days_that_are_not_asked_for_are_not_read(self):
        rig = TrailRig(most=(100, 1 << 20))
        for day in range(6):
            rig.told(f"e{day}", days=bool(day))
        rig.store.reads.clear()
        assert found(rig, since=START + timedelta(days=2), until=START + timedelta(days=2, hours=9)) == ["e2"]
        assert {ref.key for ref, _ in rig.store.reads} == {"audit/2026/11/25.jsonl"}

    def test_what_is_no_part_and_no_note_is_passed_over(self, rig):
        rig.store.put(OUT, "audit/2026/11/notes.txt", b"x")
        rig.store.put(OUT, f"{layout.AUDIT_LATE}2026-11-23/never", b"")
        rig.spoil(rig.parts()[0], rig.body(rig.parts()[0]) + b"spoilt\n")
        assert found(rig) == list("dcba")

    def test_a_part_that_is_gone_meanwhile_is_passed_over(self, rig):
        listed = rig.store.list

        def list_(bucket, prefix, after=""):
            items = list(listed(bucket, prefix, after))
            for item in items:
                rig.store.objects.pop(ObjectRef(OUT, item.key))
            return iter(items)

        rig.store.list = list_
        assert found(rig) == []


class TestPages:
    def test_the_parts_of_what_is_found_are_all_of_it_each_once(self):
        rng = random.Random(5)
        rig = TrailRig(most=(7, 1 << 20))
        events: dict[str, datetime] = {}
        for number in range(60):
            rig.store.clock.pause(rng.choice([1, 7_000]))
            events[f"e{number}"] = rig.now - timedelta(seconds=rng.choice([0, 0, 5, 90_000]))
            rig.desk().keep(event(f"e{number}", events[f"e{number}"]))
            rig.trail().walk()
        numbers = {line.id: line.n for line in rig.lines()}
        want = sorted(events, key=lambda one: (events[one], numbers[one]), reverse=True)
        ids, cursor = [], None
        while True:
            page = AuditSearch(rig.site).find(filters(resource_type="document"), 7, cursor)
            ids += [line.id for line in page.lines]
            assert len(page.lines) <= 7
            cursor = page.cursor
            if cursor is None:
                break
        assert ids == want

    def test_a_last_part_that_is_full_says_that_there_is_no_more(self, rig):
        wanted = filters(service="Legible", name="rerunDocument")
        assert AuditSearch(rig.site).find(wanted, 2).cursor is None
        assert AuditSearch(rig.site).find(wanted, 1).cursor is not None

    def test_whoever_has_no_time_left_may_say_so_before_each_part(self, rig):
        parts = []
        AuditSearch(rig.site, lambda: parts.append(1)).find(filters(), 100)
        assert len(parts) == len(rig.parts())


def test_what_waits_is_counted(rig):
    rig.keep("e", "f")
    assert AuditSearch(rig.site).waiting() == 2


def test_what_waits_is_counted_up_to_a_bound():
    rig = TrailRig()
    for number in range(1_010):
        rig.store.put(OUT, f"{layout.AUDIT_PENDING}{number}", b"")
    assert AuditSearch(rig.site).waiting() == 1_000
    assert AuditSearch(TrailRig().site).waiting() == 0


def test_memory_does_not_grow_with_the_days():
    """Given a trail of 4 and one of 40 days, of which each has a part of some 150 kB."""

    def peak(days: int) -> int:
        rig = TrailRig(most=(10_000, 1 << 30))
        for day in range(days):
            at = START + timedelta(days=day)
            rig.store.clock.at = at
            told = [event(f"{day}-{number}", at, details={"text": "x" * 300}) for number in range(250)]
            rig.chain().add(told, rig.chain().end())
            rig.chain().note_end(rig.chain().end())
        tracemalloc.start()
        AuditSearch(rig.site).find(filters(operator="nobody"), 100)
        measured = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return measured

    assert peak(40) < 1.5 * peak(4)


def test_an_event_is_searched_as_it_stands():
    assert filters(status=None).fits(AuditEvent(id="a", at=START, name="x"))
