"""Whatever is done to the trail, by whom and where, is found, and the first byte of it is named."""

from __future__ import annotations

import functools
import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from legible.model import layout
from legible.model.audit import CONTINUE
from legible.model.documents import ObjectRef
from legible.oversight import audit_line
from legible.oversight.audit_chain import read_head
from legible.oversight.audit_verify import Witness
from tests.oversight.audit_rig import KEY, TrailRig, event
from tests.support.examples import examples, sampled
from tests.support.rig import OUT

OTHER = b"another key of thirty-two bytes!"


def trail(key: bytes | None = None) -> TrailRig:
    """Return a trail of five parts over three days."""
    rig = TrailRig()
    rig.key = key
    rig.told(*"abcdefgh")
    rig.told(*"ijklmn", days=1)
    rig.told("o", days=3)
    return rig


@functools.cache
def bodies(sealed: bool) -> dict[str, bytes]:
    rig = trail(KEY if sealed else None)
    return {key: rig.body(key) for key in [*rig.parts(), layout.AUDIT_HEAD]}


def spoilt(changed: dict[str, bytes], sealed: bool = False) -> TrailRig:
    """Return the trail with other bytes in some objects; an empty one is not there at all."""
    rig = TrailRig()
    for key, body in {**bodies(sealed), **changed}.items():
        if body:
            rig.store.put(OUT, key, body)
    return rig


def places(sealed: bool = False) -> list[tuple[str, int]]:
    return [(key, at) for key, body in bodies(sealed).items() for at in range(len(body))]


def test_a_trail_that_nobody_touched_holds():
    report = trail().verify()
    assert report.fault is None
    assert (report.parts, report.lines, report.sealed, report.sealed_checked) == (5, 19, 0, False)
    assert (report.n, report.sha256) == (19, read_head(trail().site).sha256)


def test_a_trail_that_was_never_begun_holds():
    assert TrailRig().verify().fault is None


@pytest.mark.parametrize("kind", ["changed", "added", "taken away"])
@pytest.mark.parametrize("place", [(0, 5), (2, 8)])
def test_the_byte_that_somebody_touched_is_named(place, kind):
    part, at = place
    key = list(bodies(False))[part]
    body = bodies(False)[key]
    rest = {"changed": b"!" + body[at + 1 :], "added": b"!" + body[at:], "taken away": body[at + 1 :]}[kind]
    fault = spoilt({key: body[:at] + rest}).verify().fault
    assert (fault.damage, fault.key, fault.byte) == ("changed", key, at)


@pytest.mark.no_cover  # hundreds of thousands of tries for one byte: tracing each takes minutes
class TestOneByte:
    @settings(max_examples=examples(80), deadline=None)
    @given(st.sampled_from(places()), st.integers(1, 255), st.booleans())
    def test_any_that_is_changed_is_named(self, place, change, keyed):
        key, at = place
        body = bytearray(bodies(False)[key])
        body[at] ^= change
        report = spoilt({key: bytes(body)}).verify(keys=(KEY,) if keyed else ())
        assert (report.fault.damage, report.fault.key, report.fault.byte) == ("changed", key, at)

    @settings(max_examples=examples(45), deadline=None)
    @given(st.sampled_from(places(sealed=True)), st.integers(1, 255))
    def test_also_in_sealed_lines_without_the_key(self, place, change):
        key, at = place
        body = bytearray(bodies(True)[key])
        body[at] ^= change
        fault = spoilt({key: bytes(body)}, sealed=True).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("changed", key, at)

    @settings(max_examples=examples(45), deadline=None)
    @given(st.sampled_from(places()))
    def test_any_that_is_taken_away_is_named(self, place):
        """Of equal bytes beside one another nobody can say which."""
        key, at = place
        body = bodies(False)[key]
        fault = spoilt({key: body[:at] + body[at + 1 :]}).verify().fault
        assert fault.key == key
        assert body[: fault.byte] + body[fault.byte + 1 :] == body[:at] + body[at + 1 :]

    @settings(max_examples=examples(45), deadline=None)
    @given(st.sampled_from(places()), st.integers(0, 255))
    def test_any_that_is_added_is_named(self, place, value):
        key, at = place
        body = bodies(False)[key]
        now = body[:at] + bytes([value]) + body[at:]
        fault = spoilt({key: now}).verify().fault
        assert fault.key == key
        assert now[: fault.byte] + now[fault.byte + 1 :] == body

    @pytest.mark.no_cover
    def test_each_of_a_short_trail(self):
        rig = TrailRig()
        rig.told("a")
        key = rig.parts()[0]
        body = rig.body(key)
        for at in range(0, len(body), 5):
            rig.spoil(key, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
            assert rig.verify().fault.byte == at


def test_in_a_very_long_line_the_line_is_named():
    rig = TrailRig()
    rig.keep("a")
    rig.keep("b", raw="x" * 5_000)
    rig.trail().walk()
    first, second = audit_line.lines_of(rig.body(rig.parts()[0]))
    rig.spoil(rig.parts()[0], first + second.replace(b"xxxxxx", b"xxyxxx", 1))
    fault = rig.verify().fault
    assert (fault.damage, fault.byte, fault.line) == ("changed", len(first), 2)


def test_of_several_changed_bytes_the_line_is_named():
    key = next(iter(bodies(False)))
    first, second, *rest = audit_line.lines_of(bodies(False)[key])
    rig = spoilt({key: b"".join([first, second.replace(b"mei", b"eve"), *rest])})
    fault = rig.verify().fault
    assert (fault.damage, fault.byte, fault.line) == ("changed", len(first), 2)


class TestLines:
    """Given a part whose lines somebody rearranged."""

    @pytest.fixture
    def key(self):
        return list(bodies(False))[2]

    @pytest.fixture
    def lines(self, key):
        return audit_line.lines_of(bodies(False)[key])

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_one_that_was_removed_is_missed(self, key, lines, number):
        fault = spoilt({key: b"".join(lines[:number] + lines[number + 1 :])}).verify().fault
        byte = sum(map(len, lines[:number]))
        if number:
            assert (fault.damage, fault.key, fault.byte, fault.line) == ("removed", key, byte, number + 1)
        else:  # the end of the part before may be what is gone
            before = list(bodies(False))[1]
            assert (fault.damage, fault.key, fault.byte) == ("truncated", before, len(bodies(False)[before]))
        assert "1 lines are missing" in fault.message

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_one_that_was_copied_is_seen(self, key, lines, number):
        fault = spoilt({key: b"".join([*lines[:number], lines[0], *lines[number:]])}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("inserted", key, sum(map(len, lines[:number])))

    @pytest.mark.parametrize("number", [1, 2])
    def test_two_that_changed_places_are_seen(self, key, lines, number):
        lines[number], lines[number + 1] = lines[number + 1], lines[number]
        fault = spoilt({key: b"".join(lines)}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("reordered", key, sum(map(len, lines[:number])))

    def test_one_behind_the_line_that_ends_a_part_is_seen(self, key):
        first = list(bodies(False))[0]
        lines = audit_line.lines_of(bodies(False)[first])
        last = audit_line.decode(lines[-1])
        more = audit_line.of_event(event("x", last.at), last.n + 1, audit_line.digest(lines[-1]), last.at)
        fault = spoilt({first: bodies(False)[first] + audit_line.encode(more, None)}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("inserted", first, len(bodies(False)[first]))

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 4])
    def test_one_that_was_written_anew_with_a_digest_of_its_own_is_not_the_one_that_the_next_names(
        self, key, lines, number
    ):
        line = audit_line.decode(lines[number])
        lines[number] = audit_line.encode(structs.replace(line, operator="eve"), None)
        fault = spoilt({key: b"".join(lines)}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("changed", key, sum(map(len, lines[:number])))

    def test_one_that_names_another_line_before_it_is_seen(self, key, lines):
        line = audit_line.decode(lines[2])
        lines[2] = audit_line.encode(structs.replace(line, prev="0" * 64), None)
        fault = spoilt({key: b"".join(lines)}).verify().fault
        assert (fault.damage, fault.byte) == ("changed", len(lines[0]) + len(lines[1]))

    @pytest.mark.parametrize("cut", [1, 30, 100])
    def test_one_that_was_cut_is_seen(self, key, lines, cut):
        fault = spoilt({key: bodies(False)[key][:-cut]}).verify().fault
        assert fault.key == key
        if cut > 1:
            assert (fault.damage, fault.byte) == ("truncated", len(bodies(False)[key]) - cut)


class TestObjects:
    def test_a_part_in_the_middle_that_is_gone_is_named(self):
        key = list(bodies(False))[1]
        fault = spoilt({key: b""}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("removed", key, 0)

    def test_parts_at_the_beginning_that_are_gone_are_missed(self):
        first, second, *_ = bodies(False)
        fault = spoilt({first: b""}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("removed", second, 0)

    def test_parts_at_the_end_that_are_gone_are_missed_because_the_head_knows_them(self):
        *_, before, last, _ = bodies(False)
        fault = spoilt({last: b""}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("truncated", before, len(bodies(False)[before]))
        assert "audit/.head there was a line 19" in fault.message

    def test_a_part_that_nobody_leads_to_is_named(self):
        stray = "audit/2026/11/23_0001x.jsonl"
        assert spoilt({stray: b"x"}).verify().fault.key == stray
        stray = "audit/2026/11/25.jsonl"
        fault = spoilt({stray: next(iter(bodies(False).values()))}).verify().fault
        assert (fault.damage, fault.key) == ("inserted", stray)

    def test_a_part_that_was_emptied_is_named(self):
        rig = spoilt({})
        key = rig.parts()[2]
        rig.spoil(key, b"")
        assert (rig.verify().fault.damage, rig.verify().fault.key) == ("truncated", key)

    def test_lines_cut_from_the_end_of_a_part_are_missed(self):
        key = list(bodies(False))[0]
        lines = audit_line.lines_of(bodies(False)[key])
        cut = b"".join(lines[:-2])
        fault = spoilt({key: cut}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("truncated", key, len(cut))

    @pytest.mark.parametrize("lost", [1, 2, 3])
    def test_lines_cut_from_the_very_end_are_missed_because_the_head_knows_them(self, lost):
        rig = trail()
        rig.told(*"pqr")
        key = rig.parts()[-1]
        lines = audit_line.lines_of(rig.body(key))
        rig.spoil(key, b"".join(lines[:-lost]))
        fault = rig.verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("truncated", key, sum(map(len, lines[:-lost])))

    def test_without_a_head_it_cannot_hold(self):
        fault = spoilt({layout.AUDIT_HEAD: b""}).verify().fault
        assert (fault.damage, fault.key) == ("removed", layout.AUDIT_HEAD)

    def test_a_head_that_is_none_is_named(self):
        fault = spoilt({layout.AUDIT_HEAD: b"hello"}).verify().fault
        assert (fault.damage, fault.key) == ("changed", layout.AUDIT_HEAD)

    def test_a_head_that_lags_behind_is_no_fault(self):
        rig = trail()
        head = rig.body(layout.AUDIT_HEAD)
        rig.told("p")
        rig.spoil(layout.AUDIT_HEAD, head)
        assert rig.verify().fault is None

    def test_all_of_it_gone_but_the_head(self):
        fault = spoilt({key: b"" for key in bodies(False) if key != layout.AUDIT_HEAD}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("truncated", "", 0)

    def test_days_that_changed_places_are_seen(self):
        first, *_, last, _ = bodies(False)
        fault = spoilt({first: bodies(False)[last], last: bodies(False)[first]}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("removed", first, 0)

    @pytest.mark.parametrize("one", range(5))
    @pytest.mark.parametrize("other", range(5))
    def test_any_two_objects_that_changed_places_are_seen(self, one, other):
        keys = list(bodies(False))
        moved = {keys[one]: bodies(False)[keys[other]], keys[other]: bodies(False)[keys[one]]}
        assert (spoilt(moved).verify().fault is None) == (one == other)

    def test_a_part_in_place_of_another_is_seen(self):
        keys = list(bodies(False))
        fault = spoilt({keys[2]: bodies(False)[keys[1]]}).verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("inserted", keys[2], 0)


class TestWhatWasAddedAtTheEnd:
    """Given somebody who adds to the last object what Legible has not written."""

    @staticmethod
    def added(more: bytes, sealed: bool = False) -> tuple[TrailRig, str, int]:
        key = list(bodies(sealed))[-2]
        return spoilt({key: bodies(sealed)[key] + more}, sealed), key, len(bodies(sealed)[key])

    @staticmethod
    def forged(sealed: bool = False, by: bytes | None = None, **values: object) -> bytes:
        *_, last = audit_line.lines_of(bodies(sealed)[list(bodies(sealed))[-2]])
        line = audit_line.decode(last)
        made = audit_line.of_event(event("x", line.at), line.n + 1, audit_line.digest(last), line.at)
        return audit_line.encode(structs.replace(made, **values), by)

    @pytest.mark.parametrize(
        "more", [b"garbage", b"garbage\n", b"\n", b"\x00", b"{}\n", b'{"n":20}\n', b"\xff\xfe\n", b"[" * 5_000 + b"\n"]
    )
    def test_what_is_no_line_is_named(self, more):
        rig, key, size = self.added(more)
        fault = rig.verify().fault
        assert fault.damage in ("changed", "truncated") and fault.key == key
        assert fault.byte in (size, size + len(more))

    def test_a_line_of_an_earlier_day_is_named(self):
        first = audit_line.lines_of(next(iter(bodies(False).values())))[0]
        rig, key, size = self.added(first)
        fault = rig.verify().fault
        assert (fault.damage, fault.key, fault.byte) == ("inserted", key, size)

    @pytest.mark.parametrize(
        ("values", "damage"), [({"prev": "0" * 64}, "changed"), ({"n": 99}, "removed"), ({"n": 3}, "inserted")]
    )
    def test_a_line_that_does_not_follow_is_named(self, values, damage):
        rig, key, size = self.added(self.forged(**values))
        fault = rig.verify().fault
        assert (fault.damage, fault.key, fault.byte, fault.line) == (damage, key, size, 2)

    def test_one_that_is_made_as_legible_makes_it_is_seen_by_its_seal_alone(self):
        """What verify cannot promise without a key, and says so: whoever may append, and knows how, adds a line."""
        assert self.added(self.forged())[0].verify().fault is None
        for by in (None, OTHER):
            rig, key, size = self.added(self.forged(sealed=True, by=by), sealed=True)
            fault = rig.verify(keys=(KEY,)).fault
            assert (fault.damage, fault.key, fault.byte) == ("unsealed", key, size)


class TestWhereAByteIs:
    """Given one flipped bit in each kind of place that a line has, in its first, a middle and its last line."""

    @pytest.mark.parametrize("sealed", [False, True])
    @pytest.mark.parametrize("number", [0, 2, -1])
    @pytest.mark.parametrize(
        "place",
        [b'{"id":"', b'"at":"2', b'"name":"r', b'"resource_name":"p', b'"n":', b'"prev":"', b'"recorded_at":"',
         b'"sum":"', b'"}\n', b"\n"],
    )  # fmt: skip
    def test_it_is_named(self, place, number, sealed):
        key = list(bodies(sealed))[2]
        lines = audit_line.lines_of(bodies(sealed)[key])
        number %= len(lines)
        found = lines[number].find(place)
        if found < 0:  # the line that ends a part has other values
            assert number == len(lines) - 1
            return
        at = sum(map(len, lines[:number])) + found + len(place) - 1
        body = bytearray(bodies(sealed)[key])
        body[at] ^= 1
        fault = spoilt({key: bytes(body)}, sealed).verify().fault
        assert (fault.damage, fault.key, fault.byte, fault.line) == ("changed", key, at, number + 1)

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_a_line_feed_that_is_gone_is_named(self, number):
        key = list(bodies(False))[2]
        lines = audit_line.lines_of(bodies(False)[key])
        at = sum(map(len, lines[: number + 1])) - 1
        body = bodies(False)[key]
        fault = spoilt({key: body[:at] + body[at + 1 :]}).verify().fault
        assert (fault.key, fault.byte) == (key, at)


class Forger:
    """Somebody who may write the bucket, knows how the trail is made, and makes it anew, with its head."""

    def __init__(self, rig: TrailRig, key: bytes | None = None) -> None:
        forged = TrailRig()
        forged.key = key
        for line in rig.lines():
            if line.name != CONTINUE:
                forged.store.clock.at = line.recorded_at
                forged.desk().keep(event(line.id, line.at, operator="eve" if line.id == "c" else "mei"))
                forged.trail().walk()
        for ref in [ref for ref in rig.store.objects if ref.key.startswith("audit/2")]:
            del rig.store.objects[ref]
        for key_ in [*forged.parts(), layout.AUDIT_HEAD]:
            rig.store.put(OUT, key_, forged.body(key_))


class TestWhoMakesItAllAnew:
    def test_is_not_seen_by_the_trail_alone(self):
        """What verify cannot promise, and says so."""
        rig = trail()
        Forger(rig)
        assert rig.verify().fault is None

    def test_is_seen_where_a_line_was_written_down_elsewhere(self):
        rig = trail()
        witness = Witness(12, audit_line.digest(audit_line.lines_of(rig.body(rig.parts()[2]))[-1]))
        assert rig.verify(witnesses=(structs.replace(witness, n=19, sha256=rig.verify().sha256),)).fault is None
        seen = rig.verify()
        Forger(rig)
        fault = rig.verify(witnesses=(Witness(seen.n, seen.sha256),)).fault
        assert fault.damage == "changed" and "the head that was given says" in fault.message

    def test_is_seen_where_the_lines_are_sealed(self):
        for key in (None, OTHER):
            rig = trail(KEY)
            Forger(rig, key)
            fault = rig.verify(keys=(KEY,)).fault
            assert fault.damage == "unsealed"

    def test_a_seal_that_was_taken_off_is_seen_without_the_key(self):
        rig = trail(KEY)
        rig.key = None
        rig.told("p")
        fault = rig.verify().fault
        assert (fault.damage, fault.key) == ("unsealed", rig.parts()[-1])

    def test_one_cut_back_to_an_earlier_head_is_seen_only_by_a_line_that_was_written_down(self):
        rig = trail(KEY)
        earlier = dict(rig.store.objects)
        rig.told("p")
        witness = Witness(rig.verify().n, rig.verify().sha256)
        rig.store.objects = earlier
        assert rig.verify(keys=(KEY,)).fault is None
        assert rig.verify(keys=(KEY,), witnesses=(witness,)).fault.damage == "truncated"


class TestSeals:
    def test_both_keys_of_a_change_of_keys_are_taken(self):
        rig = trail(KEY)
        rig.key = OTHER
        rig.told("p")
        report = rig.verify(keys=(KEY, OTHER))
        assert report.fault is None and report.sealed == report.lines and report.sealed_checked
        assert rig.verify(keys=(KEY,)).fault.damage == "unsealed"

    def test_a_line_with_another_seal_is_named_also_where_the_head_is_right(self):
        rig = trail(KEY)
        head = rig.body(layout.AUDIT_HEAD)
        rig.key = OTHER
        rig.told("p")
        rig.spoil(layout.AUDIT_HEAD, head)
        fault = rig.verify(keys=(KEY,)).fault
        assert (fault.damage, fault.key) == ("unsealed", rig.parts()[-1])

    def test_lines_before_the_first_key_need_no_seal(self):
        rig = trail()
        rig.key = KEY
        rig.told("p")
        report = rig.verify(keys=(KEY,))
        assert report.fault is None and 0 < report.sealed < report.lines

    def test_a_head_with_another_seal_is_named(self):
        rig = trail(KEY)
        head = read_head(rig.site)
        rig.key = OTHER
        del rig.store.objects[ObjectRef(OUT, layout.AUDIT_HEAD)]
        rig.chain().note_end(head)
        fault = rig.verify(keys=(KEY,)).fault
        assert (fault.damage, fault.key) == ("unsealed", layout.AUDIT_HEAD)


class TestFromADayOn:
    def test_earlier_days_may_be_gone(self):
        rig = trail()
        for key in rig.parts()[:2]:
            del rig.store.objects[ObjectRef(OUT, key)]
        assert rig.verify(first=date(2026, 11, 24)).fault is None
        assert rig.verify().fault is not None

    def test_what_follows_is_checked_as_always(self):
        rig = trail()
        key = rig.parts()[3]
        body = rig.body(key)
        rig.spoil(key, body[:50] + b"~" + body[51:])
        fault = rig.verify(first=date(2026, 11, 24)).fault
        assert (fault.key, fault.byte) == (key, 50)


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", sampled(range(30), 3))
def test_whatever_is_done_at_random_is_found(seed):
    rng = random.Random(seed)
    key = rng.choice(list(bodies(False))[:-1])
    body = bytearray(bodies(False)[key])
    for _ in range(rng.randint(1, 3)):
        first = rng.randrange(len(body))
        last = min(len(body), first + rng.randint(1, 400))
        match rng.choice(["cut", "noise", "copy"]):
            case "cut":
                del body[first:last]
            case "noise":
                body[first:last] = rng.randbytes(last - first)
            case _:
                body[first:first] = body[first:last]
        if not body:
            break
    if bytes(body) != bodies(False)[key]:
        assert spoilt({key: bytes(body)}).verify().fault is not None
