"""Journals as one writer knows them: what others wrote is seen, and only what is new is read for it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from msgspec import structs

from legible.errors import BusyError, HeldError, InternalError, UnavailableError
from legible.ledger import journal
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import LONGEST_LINE, Line
from legible.ledger.journals import Journals
from legible.ledger.ledger import Ledger
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import WHOLE, Site
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.rig import IN, OUT

DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=START)
JOURNAL = ObjectRef(OUT, layout.journal(DOCUMENT))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def claim(store: MemoryStore, owner: str = "first", most: int = 9_000) -> Claim:
    book = Ledger(Site(store, IN, OUT), invocation(store.clock), most=most)
    claimed = book.claim(DOCUMENT, Wish(owner, operation="passport", plan="p", pages=99), 0)
    assert isinstance(claimed, Claim)
    return claimed


def others_write(store: MemoryStore, *lines: Line, part: int = 1) -> None:
    ref = ObjectRef(OUT, layout.journal(DOCUMENT, part))
    before = store.objects[ref][0] if ref in store.objects else b""
    store.append(ref, len(before), b"".join(map(journal.encode, lines)))


def other(n: int, **values) -> Line:
    return Line("surplus", START, "other", n, 1, **values)


class TestReadBack:
    def test_of_a_long_journal_only_what_is_new_is_read(self, store):
        # given
        mine = claim(store)
        for page in range(1, 51):
            mine.write("calling", page=page)
        assert mine.in_force()
        others_write(store, other(1))
        store.reads.clear()

        # when
        assert mine.in_force()

        # then
        assert mine.state.has(other(1))
        ((ref, size),) = store.reads
        assert ref == JOURNAL
        assert size < 500 < len(store.objects[JOURNAL][0]) / 5

    def test_however_much_others_wrote_all_of_it_is_seen(self, store):
        mine = claim(store)
        lines = [other(number, note="x" * 1000) for number in range(1, LONGEST_LINE // 1000 + 5)]
        others_write(store, *lines)
        assert mine.in_force()
        assert all(mine.state.has(line) for line in lines)
        assert mine.write("calling", page=1) in mine.state.lines

    def test_by_a_claim_that_was_lost_it_writes_nothing(self, store):
        """What was paid for is told when the claim is given back; a look is only a look."""
        # given a claim whose lines an append of another one has overwritten
        mine = claim(store)
        mine.write("answered", page=1, answer="answers/a")
        store.land(JOURNAL, b"", journal.encode(Line("claimed", START, "other", 1, pages=1)))
        before = store.objects[JOURNAL][0]

        # when
        assert not mine.in_force()

        # then
        assert store.objects[JOURNAL][0] == before

        # and told it is
        with pytest.raises(BusyError):
            mine.release()
        assert [line["event"] for line in store.lines(OUT, JOURNAL.key)] == ["claimed", "surplus"]

    def test_of_a_claim_in_force_puts_back_what_was_overwritten(self, store):
        mine = claim(store)
        claimed = store.objects[JOURNAL][0]
        mine.write("answered", page=1, answer="answers/a")
        store.land(JOURNAL, claimed, b"")
        assert mine.in_force()
        assert [line["event"] for line in store.lines(OUT, JOURNAL.key)] == ["claimed", "answered"]
        assert 0.01 <= (store.clock.now() - START).total_seconds() <= 0.1

    def test_puts_back_an_announcement_too_while_its_call_has_no_outcome(self, store):
        mine = claim(store)
        claimed = store.objects[JOURNAL][0]
        mine.write("calling", page=1)
        store.land(JOURNAL, claimed, b"")
        assert mine.in_force()
        assert [line["event"] for line in store.lines(OUT, JOURNAL.key)] == ["claimed", "calling"]

    @pytest.mark.parametrize("error", [UnavailableError("503 for a moment"), HeldError("403 for a moment")])
    def test_that_fails_says_what_the_store_said_and_never_ends_the_document(self, store, error):
        mine = claim(store)

        def down(verb, ref):
            raise error

        store.fail = down
        with pytest.raises(UnavailableError, match="for a moment"):
            mine.require_in_force()


class TestParts:
    def test_the_line_that_leads_to_the_next_part_counts_however_short_the_part_is(self, store):
        """Appends that met have overwritten most of its lines."""
        others_write(store, other(1), Line("continued", START, "", 2, v=2))
        others_write(store, other(2), part=2)
        state = Journals(Site(store, IN, OUT)).load(DOCUMENT)
        assert state.has(other(1))
        assert state.has(other(2))

    def test_a_part_that_is_half_full_may_have_a_next_one_and_a_shorter_one_is_the_last(self, store):
        for lines, seen in ((4, False), (5, True)):
            store.objects.clear()
            store.appendable.clear()
            others_write(store, *(other(number) for number in range(1, lines + 1)))
            others_write(store, other(99), part=2)
            assert Journals(Site(store, IN, OUT), most=10).load(DOCUMENT).has(other(99)) == seen

    def test_a_full_part_ends_with_the_number_of_the_next(self, store):
        mine = claim(store, most=3)
        appends = []
        store.fail = lambda verb, ref: appends.append(ref) if verb == "append" else None
        for page in (1, 2, 3):
            mine.write("calling", page=page)
        assert len(appends) == 4
        first, second = (
            journal.decode(store.objects[ObjectRef(OUT, key)][0], key) for key in store.keys(OUT, "ledger/")
        )
        if first[-1].event != "continued":
            first, second = second, first
        assert [line.event for line in first] == ["claimed", "calling", "calling", "continued"]
        assert (first[-1].owner, first[-1].n, first[-1].v) == ("", 2, 2)
        assert [line.page for line in second] == [3]

    def test_where_another_went_on_in_the_next_part_so_does_this_one(self, store):
        mine = claim(store)
        others_write(store, Line("continued", START, "", 2, v=2))
        others_write(store, other(1), part=2)
        mine.write("calling", page=1)
        assert mine.state.has(other(1))
        assert store.objects[ObjectRef(OUT, layout.journal(DOCUMENT, 2))][0].count(b"calling") == 1

    def test_where_another_was_first_in_the_next_part_all_of_it_is_read(self, store):
        # given a part that is full, and a next one that another writer began
        mine = claim(store, most=3)
        for page in (1, 2):
            mine.write("calling", page=page)
        others_write(store, other(1), part=2)
        firsts, real = [], store.read

        def read(ref, wanted=WHOLE):
            firsts.append(wanted.first or 0)
            return real(ref, wanted)

        # when
        store.read = read
        mine.write("calling", page=3)

        # then
        assert mine.state.has(other(1))
        assert min(firsts) == 0

    def test_what_can_be_read_of_each_part_is_read_where_something_spoilt_it(self, store):
        for number in (1, 2, 3):
            others_write(store, other(number), part=number)
            ref = ObjectRef(OUT, layout.journal(DOCUMENT, number))
            store.append(ref, len(store.objects[ref][0]), b"what is this\n")
            others_write(store, other(10 + number), part=number)
        state = Journals(Site(store, IN, OUT)).salvaged(DOCUMENT)
        assert [line.n for line in state.lines] == [1, 11, 2, 12, 3, 13]


class TestWhatIsSaid:
    def test_what_a_line_does_not_say_is_empty(self):
        written = b'{"event":"released","at":"2026-11-23T09:00:00Z","owner":"a","n":1}\n'
        (line,) = journal.decode(written, "j")
        assert {name: value for name, value in structs.asdict(line).items() if value} == {
            "event": "released", "at": START, "owner": "a", "n": 1, "v": 1,
        }  # fmt: skip
        assert journal.encode(line) == written

    def test_of_a_line_that_cannot_be_read_where_it_is_and_how_it_is_mended(self):
        with pytest.raises(InternalError, match="Line 2 of the journal j cannot be read") as unreadable:
            journal.decode(journal.encode(other(1)) + b"what is this\n", "j")
        assert unreadable.value.reason_code == "journal-unreadable"
        assert "Keep a copy" in unreadable.value.advice
        assert "append what are lines of Legible to a new object" in unreadable.value.advice

    def test_of_a_store_that_takes_no_line_whose_journal_it_is(self, store):
        mine = claim(store)

        def down(verb, ref):
            raise UnavailableError("503 for a moment")

        store.fail = down
        with pytest.raises(UnavailableError, match="503 for a moment"):
            mine.write("calling", page=1)


class TestOfANewerVersion:
    def line(self, event: str, **values: str) -> Line:
        fields = ", ".join(f'"{name}": {text}' for name, text in values.items())
        text = f'{{"event": "{event}", "at": "2026-11-23T09:00:00Z", "owner": "newer", "n": 1, {fields}}}\n'
        (line,) = journal.decode(text.encode(), "j")
        return line

    def test_an_end_that_is_known_here_stays_what_it_is(self):
        line = self.line("finished", status='"done"', source='"telepathy"')
        assert (line.status, line.reason, line.v) == ("done", None, 3)

    def test_a_line_that_is_no_end_keeps_its_own_reason(self):
        line = self.line("refused", page="1", state='"vanished"', reason='{"code": "blurred", "message": "Blurred."}')
        assert line.reason is not None
        assert (line.reason.code, line.status) == ("blurred", None)
        assert State([line]).page(1).settled is None

    def test_one_that_names_a_later_version_keeps_it(self):
        assert self.line("finished", status='"archived"', v="7").v == 7

    def test_an_end_that_is_not_known_holds_the_document_and_says_what_to_do(self):
        line = self.line("finished", status='"archived"')
        assert line.reason is not None
        assert (line.status, line.reason.code, line.reason.advice) == (
            "held", "newer-version", "Use that version to look at it.",
        )  # fmt: skip


class TestALineThatGoesWithTheNext:
    def test_is_known_at_once_and_appended_with_the_next_one(self, store):
        mine = claim(store)
        mine.write("calling", page=1)
        line = mine.write("answered", page=1, answer="a", with_next=True)
        assert mine.state.page(1).answered == line
        assert len(store.lines(OUT, JOURNAL.key)) == 2
        appends = store.appendable[JOURNAL]
        mine.finish(mine.line("finished", status="done"))
        assert [one["event"] for one in store.lines(OUT, JOURNAL.key)][1:] == ["calling", "answered", "finished"]
        assert store.appendable[JOURNAL] == appends + 1
        assert [one.event for one in mine.state.lines].count("answered") == 1

    def test_is_there_although_the_append_met_another_one(self, store):
        mine = claim(store)
        mine.write("answered", page=1, answer="a", with_next=True)
        others_write(store, other(1))
        mine.finish(mine.line("finished", status="done"))
        assert sorted(one["event"] for one in store.lines(OUT, JOURNAL.key)) == [
            "answered", "claimed", "finished", "surplus",
        ]  # fmt: skip

    @pytest.mark.parametrize("arrived", [False, True])
    def test_is_there_once_although_the_answer_to_the_append_was_lost(self, store, arrived):
        mine = claim(store)
        mine.write("answered", page=1, answer="a", with_next=True)
        lost = []

        def lose(verb, ref):
            if verb == "append" and not lost:
                lost.append(ref)
                raise UnavailableError("503")

        setattr(store, "after" if arrived else "fail", lose)
        with pytest.raises(UnavailableError):
            mine.finish(mine.line("finished", status="done"))
        with suppress(BusyError):  # where the end arrived
            mine.release()
        events = [one["event"] for one in store.lines(OUT, JOURNAL.key)]
        assert events.count("answered") == 1
        assert lost

    def test_of_a_claim_that_is_given_back_is_written_before_that(self, store):
        mine = claim(store)
        mine.write("answered", page=1, answer="a", with_next=True)
        mine.release()
        assert [one["event"] for one in store.lines(OUT, JOURNAL.key)] == ["claimed", "answered", "released"]
