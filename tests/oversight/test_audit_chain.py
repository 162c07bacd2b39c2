"""The trail is one chain over all days, and names each event once, whoever writes it and whoever dies at it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from msgspec import structs

from legible.errors import AppendConflictError, HeldError, UnavailableError
from legible.model import layout
from legible.model.audit import CONTINUE
from legible.model.documents import ObjectRef
from legible.oversight import audit_line
from legible.oversight.audit_chain import AuditChain, ChainPlace, read_head
from legible.oversight.audit_line import NOTHING
from legible.ports import Site
from tests.oversight.audit_rig import KEY, TrailRig, event
from tests.support.examples import examples
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT


class Killed(BaseException):
    """The function is gone."""


class TestLines:
    def test_each_line_names_the_one_before_over_all_parts_and_days(self):
        rig = TrailRig()
        rig.told(*"abcdefg")
        rig.told("h", days=1)
        rig.told("i", days=40)

        assert rig.parts() == [
            "audit/2026/11/23.jsonl", "audit/2026/11/23_0002.jsonl", "audit/2026/11/24.jsonl", "audit/2027/01/03.jsonl",
        ]  # fmt: skip
        texts = [text for key in rig.parts() for text in audit_line.lines_of(rig.body(key))]
        lines = rig.lines()
        assert [line.n for line in lines] == list(range(1, len(texts) + 1))
        assert [line.prev for line in lines] == [NOTHING, *map(audit_line.digest, texts[:-1])]
        assert rig.events() == list("abcdefghi")

    def test_a_part_ends_with_a_line_that_names_the_next(self):
        rig = TrailRig()
        rig.told(*"abcdef")
        closing = [line for line in rig.lines() if line.name == CONTINUE]
        assert [line.resource_name for line in closing] == ["audit/2026/11/23_0002.jsonl"]
        assert rig.store.appendable[ObjectRef(OUT, "audit/2026/11/23.jsonl")] == 2

    def test_a_part_ends_when_it_is_long_in_bytes(self):
        rig = TrailRig(most=(1000, 300))
        rig.told("a")
        rig.told("b")
        assert len(rig.parts()) == 2

    def test_a_batch_is_bounded_in_bytes(self):
        rig = TrailRig(most=(9_000, 1 << 30))
        rig.keep("a", "b", raw="x" * 700_000)
        rig.trail().walk()
        assert rig.store.appendable[ObjectRef(OUT, rig.parts()[0])] == 2

    def test_an_object_takes_all_the_appends_it_may_get(self):
        """Given one append a line: the part goes on before the store refuses the next."""
        rig = TrailRig(most=(8, 1 << 20))
        rig.store.most = 10
        for number in range(30):
            rig.told(f"e{number}")
        assert len(rig.events()) == 30 and rig.verify().fault is None

    def test_without_anything_to_tell_nothing_is_written(self):
        rig = TrailRig()
        assert rig.trail().walk().told == 0
        assert rig.store.keys(OUT) == []
        assert rig.verify().fault is None


class TestWhereItGoesOn:
    def test_the_head_leads_to_the_end_and_nothing_before_it_is_read(self):
        rig = TrailRig(most=(1000, 1 << 20))
        for number in range(60):
            rig.told(f"e{number}")
        rig.store.reads.clear()
        rig.told("last")
        assert sum(size for ref, size in rig.store.reads if ref.key in rig.parts()) < len(rig.body(rig.parts()[0])) / 8

    @pytest.mark.parametrize("head", [None, b"{", b'{"key":"audit/2031/01/01.jsonl"}', b'{"key":"results/x"}'])
    def test_without_a_head_that_leads_to_a_part_the_last_part_is_looked_for(self, head):
        rig = TrailRig()
        rig.told(*"abcdef")
        ref = ObjectRef(OUT, layout.AUDIT_HEAD)
        del rig.store.objects[ref]
        if head is not None:
            rig.store.write(ref, head, "")
        rig.store.put(OUT, "audit/2026/11/notes.txt", b"of somebody else")
        rig.told("g")
        del rig.store.objects[ObjectRef(OUT, "audit/2026/11/notes.txt")]
        assert rig.events() == list("abcdefg") and rig.verify().fault is None

    def test_a_head_that_lags_behind_is_no_obstacle(self):
        rig = TrailRig()
        rig.told("a")
        head = rig.body(layout.AUDIT_HEAD)
        rig.told(*"bcdefghijklm")
        rig.spoil(layout.AUDIT_HEAD, head)
        rig.told("n")
        assert rig.events() == list("abcdefghijklmn") and rig.verify().fault is None

    def test_the_head_never_goes_back(self):
        rig = TrailRig()
        rig.told(*"abc")
        chain, head = rig.chain(), read_head(rig.site)
        chain.note_end(ChainPlace(rig.parts()[0], 1, 1))
        assert read_head(rig.site) == head

    def test_a_day_that_passed_between_a_part_s_end_and_the_next_one_s_begin_is_passed_over(self):
        """Given a chainer that died when it had closed a part; it is two days later before the next one comes."""
        rig = TrailRig()
        rig.told(*"abcde")
        append = rig.store.append

        def die(ref, position, body):
            append(ref, position, body)
            if ref.key in rig.parts():
                raise Killed

        rig.store.append = die
        with pytest.raises(Killed):
            rig.told("f", days=1)
        rig.store.append = append
        rig.told("g", days=2)
        assert rig.parts()[1:] == ["audit/2026/11/24.jsonl", "audit/2026/11/26.jsonl"]
        assert rig.events() == list("abcdefg") and rig.verify().fault is None


class TestWhatOthersSpoilt:
    def test_a_part_that_takes_no_line_is_gone_on_behind_and_still_looked_at(self):
        """Given a part that something put, with the very same lines."""
        rig = TrailRig()
        rig.told(*"ab")
        del rig.store.appendable[ObjectRef(OUT, rig.parts()[0])]
        rig.told("c")
        rig.told("d")
        assert rig.parts() == ["audit/2026/11/23.jsonl", "audit/2026/11/23_0002.jsonl"]
        assert rig.events() == list("abcd") and rig.verify().fault is None
        assert {line["event"] for line in rig.log.lines} == {"audit-part-shut"}

    def test_a_line_that_lost_nothing_but_its_end_is_ended(self):
        rig = TrailRig(most=(100, 1 << 20))
        rig.told(*"abc")
        rig.spoil(rig.parts()[0], rig.body(rig.parts()[0])[:-1])
        rig.told("d")
        assert rig.events() == list("abcd") and rig.verify().fault is None

    @pytest.mark.parametrize("cut", [2, 7, 200])
    def test_a_trail_that_was_cut_goes_on_and_the_cut_is_found_for_ever(self, cut):
        rig = TrailRig(most=(100, 1 << 20))
        rig.told(*"abc")
        size = len(rig.body(rig.parts()[0]))
        rig.spoil(rig.parts()[0], rig.body(rig.parts()[0])[:-cut])
        rig.told("d")
        assert rig.events()[-1] == "d"
        fault = rig.verify().fault
        assert (fault.key, fault.line) == (rig.parts()[0], 3)
        assert size - 1000 < fault.byte <= size

    def test_lines_of_something_else_do_not_stop_it(self):
        rig = TrailRig(most=(100, 1 << 20))
        rig.told(*"ab")
        rig.spoil(rig.parts()[0], rig.body(rig.parts()[0]) + b"hello\n")
        rig.told("c")
        assert [line.n for line in rig.lines()] == [1, 2, 4]
        assert rig.verify().fault.line == 3

    def test_a_last_line_that_leads_backwards_is_not_followed(self):
        rig = TrailRig()
        rig.told(*"abcdef")
        first = rig.body(rig.parts()[0])
        rig.spoil(rig.parts()[1], first)
        rig.told("g")
        assert "g" in rig.events()

    def test_a_bucket_that_refuses_says_so(self):
        rig = TrailRig()
        rig.keep("a")

        def refuse(verb, ref):
            if verb == "append" and ref.key.startswith("audit/2"):
                raise HeldError("403", code="obs-denied")

        rig.store.fail = refuse
        with pytest.raises(HeldError, match="403"):
            rig.trail().walk()

    def test_a_trail_that_takes_no_line_is_given_up_after_a_while(self):
        rig = TrailRig()
        rig.keep("a")

        def busy(verb, ref):
            if verb == "append" and ref.key.startswith("audit/2"):
                raise AppendConflictError("409")

        rig.store.fail = busy
        with pytest.raises(UnavailableError, match="took no line in 30 tries"):
            rig.trail().walk()
        rig.store.fail = lambda verb, ref: None
        rig.trail().walk()
        assert rig.events() == ["a"]

    def test_a_line_that_a_simultaneous_append_overwrote_is_written_again(self):
        rig = TrailRig()
        rig.told("a")
        ref, append = ObjectRef(OUT, rig.parts()[0]), rig.store.append

        def overwritten(target, position, body):
            append(target, position, body)
            if target == ref:
                rig.store.append = append
                other = audit_line.of_event(event("other", rig.now), 2, audit_line.digest(rig.body(ref.key)[:position]),
                                            rig.now)  # fmt: skip
                rig.spoil(ref.key, rig.body(ref.key)[:position] + audit_line.encode(other, None))
            return position + len(body)

        rig.store.append = overwritten
        rig.told("b")
        assert rig.events() == ["a", "other", "b"] and rig.verify().fault is None


class Nesting(MemoryStore):
    """A store at whose operations others come in between, appends take a while, and functions die."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.depth, self.quiet = 0, False
        self.landings: list = []
        self.fail, self.after = lambda verb, ref: self.happen(), lambda verb, ref: self.happen()
        self.do = lambda: None

    def happen(self) -> None:
        self.clock.pause(0.01)
        self.land_due()
        if self.quiet or not self.depth or self.depth > 3:
            return
        chance = self.random.random()
        if chance < 0.015:
            raise Killed
        if chance < 0.025:
            raise UnavailableError("503")
        if chance < 0.08:
            self.do()
        elif chance < 0.09:
            self.clock.pause(self.random.choice([1, 60, 600]))

    def append(self, ref, position, body):
        """Append, but not at once: whatever others append meanwhile succeeds too, and is overwritten (obs_faq_0165)."""
        self.fail("append", ref)
        landing = (self.clock.now() + timedelta(seconds=self.random.uniform(0, 0.1)), str(ref), ref,
                   self.appended_to(ref, position), body)  # fmt: skip
        self.landings.append(landing)
        if self.random.random() < 0.3 and not self.quiet and 0 < self.depth < 3:
            self.do()
        self.clock.pause(max(0.0, (landing[0] - self.clock.now()).total_seconds()))
        self.land_due()
        self.after("append", ref)
        return position + len(body)

    def land_due(self) -> None:
        for landing in sorted(one for one in self.landings if one[0] <= self.clock.now()):
            self.landings.remove(landing)
            self.land(*landing[2:])


class Chainers:
    """Chainers that meet at any step, and the events that they are given."""

    def __init__(self, seed: int, key: bytes | None = None) -> None:
        self.store = Nesting(seed)
        self.random = self.store.random
        self.store.do = self.step
        self.rig = TrailRig(self.store, most=(self.random.choice([2, 4, 7]), self.random.choice([900, 1 << 20])))
        self.rig.key = key
        self.names: list[str] = []

    def step(self) -> None:
        if not self.store.depth and self.random.random() < 0.1:
            self.store.clock.pause(20 * 3600)
        self.store.depth += 1
        try:
            if self.random.random() < 0.45:
                name = f"e{len(self.names)}"
                for _ in range(self.random.choice([1, 1, 2])):  # the same event, told twice
                    at = self.rig.now - timedelta(hours=self.random.choice([0, 0, 30]))
                    self.rig.desk().keep(event(name, at))
                    self.names.append(name)
            else:
                self.rig.trail().walk()
        except (Killed, UnavailableError, HeldError):
            pass
        finally:
            self.store.depth -= 1

    def run(self) -> None:
        for _ in range(12):
            self.step()
        self.store.quiet = True
        for _ in range(2):
            self.store.clock.pause(70)
            self.rig.trail().walk()


@pytest.mark.no_cover
@pytest.mark.parametrize("block", range(8))
def test_whoever_meets_or_dies_the_chain_holds_and_names_each_event_once(block):
    for seed in range(block * 40, block * 40 + examples(40)):
        world = Chainers(seed, KEY if seed % 2 else None)
        world.run()
        told = world.rig.events()
        assert sorted(told) == sorted(set(told)), seed
        assert set(told) >= set(world.names), seed
        assert world.rig.store.keys(OUT, layout.AUDIT_PENDING) == [], seed
        assert world.rig.verify(keys=(KEY,) if seed % 2 else ()).fault is None, seed


@pytest.mark.slow
@pytest.mark.no_cover
def test_whoever_meets_or_dies_in_many_worlds():
    for seed in range(1000, 5000):
        world = Chainers(seed)
        world.run()
        assert sorted(world.rig.events()) == sorted(set(world.rig.events())), seed
        assert world.rig.verify().fault is None, seed


def test_a_death_at_each_step_of_a_walk_loses_nothing_and_tells_nothing_twice():
    steps = 1
    while True:
        rig, count = TrailRig(), 0
        rig.told(*"abcd")
        rig.keep(*"efg")

        def die(verb, ref, steps=steps):
            nonlocal count
            count += 1
            if count == steps:
                raise Killed

        rig.store.after = rig.store.fail = die
        try:
            rig.trail().walk()
        except Killed:
            steps += 1
        else:
            break
        rig.store.after = rig.store.fail = lambda verb, ref: None
        rig.trail().walk()
        assert rig.events() == list("abcdefg"), steps
        assert rig.verify().fault is None, steps
    assert steps > 20


def test_places_are_in_the_order_of_the_trail():
    keys = [layout.audit_part(day, number) for day in (TrailRig().now.date(),) for number in (1, 2, 10, 9999)]
    places = [ChainPlace(), *(ChainPlace(key, size) for key in keys for size in (1, 2))]
    assert sorted(places, key=lambda place: place.order) == places
    assert structs.replace(ChainPlace(), n=1).order == ("", 0)


def test_a_chain_has_no_memory_of_its_own():
    """Given two chains over one store: what one wrote the other goes on from."""
    store = MemoryStore()
    site, call = Site(store, IN, OUT), invocation(store.clock)
    for name in "ab":
        chain = AuditChain(site, call, 0.0)
        chain.add([event(name, store.clock.now())], chain.end())
    assert AuditChain(site, call, 0.0).end().n == 2


def test_a_key_that_no_day_has_is_no_part():
    for key in ("audit/2026/13/01.jsonl", "audit/2026/11/23_0001.jsonl", "audit/2026/11/23.json", "audit/.head"):
        assert layout.place_in_audit(key) is None


def test_a_trail_is_read_from_its_beginning_past_what_is_no_part():
    """Given a chainer that noted the empty trail's end before there was any part."""
    rig = TrailRig()
    start = rig.chain().end()
    rig.told("a", "b")
    rig.store.put(OUT, "audit/2026/11/01.txt", b"x")
    assert start == ChainPlace()
    rig.chain().add([event("a", rig.now), event("c", rig.now)], start)
    assert rig.events() == ["a", "b", "c"]


def test_a_part_with_late_events_is_noted_once():
    rig = TrailRig(most=(100, 1 << 20))
    chain = rig.chain()
    writes = []
    rig.store.fail = lambda verb, ref: writes.append(ref.key) if verb == "write" else None
    for name in "ab":
        chain.add([event(name, rig.now - timedelta(days=3))], chain.end())
    assert writes == ["audit/.late/2026-11-20/2026-11-23"]
