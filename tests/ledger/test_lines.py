"""One object of lines that many append to: each line stands once, or somebody is told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from legible.errors import AppendConflictError, HeldError, UnavailableError
from legible.ledger.lines import Lines
from legible.model.documents import ObjectRef
from tests.support.fakes import Clock, MemoryStore

REF = ObjectRef("out", "lines.jsonl")


class Racing(MemoryStore):
    """A store that gives ``replies`` to appends, one after the other, after it carried them out or not."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.replies: list[tuple[bool, Exception | None]] = []

    def append(self, ref, position, body):
        stands, error = self.replies.pop(0) if self.replies else (True, None)
        length = super().append(ref, position, body) if stands else position
        if error is not None:
            raise error
        return length


@pytest.fixture
def store() -> Racing:
    return Racing(Clock())


def lines(store: MemoryStore, **options) -> Lines:
    return Lines(store, REF, store.clock.pause, name="The list of tests", **options)


def content(store: MemoryStore) -> bytes:
    return store.objects[REF][0]


class TestAdd:
    def test_what_is_written_is_made_for_the_lines_as_they_are(self, store):
        for _ in range(3):
            lines(store).add(lambda before: b"%d\n" % before.count(b"\n"))
        assert content(store) == b"0\n1\n2\n"

    def test_where_nothing_is_to_be_written_the_lines_are_returned(self, store):
        lines(store).put(b"one\n")
        assert lines(store).add(lambda before: None) == (b"one\n", False)

    def test_others_that_were_faster_have_it_made_anew(self, store):
        store.replies = [(False, AppendConflictError("taken"))]
        made = []

        def make(before):
            made.append(before)
            return b"mine\n"

        assert lines(store).add(make) == (b"mine\n", True)
        assert made == [b"", b""]

    def test_an_append_sent_twice_meets_its_own_line_and_is_written_once(self, store):
        store.replies = [(True, AppendConflictError("the reply was lost, and it was sent again"))]
        assert lines(store).add(lambda before: b"mine\n") == (b"mine\n", True)
        assert content(store) == b"mine\n"

    @pytest.mark.parametrize("reply", [None, AppendConflictError("sent again")])
    def test_who_must_know_waits_before_it_looks_whatever_the_reply(self, store, reply):
        """Given a simultaneous append that the store let through, and that replaces the line a moment later."""
        store.replies = [(True, reply)]
        begun, looks = store.clock.now(), []

        def swallow(verb, ref):
            if verb == "append" and len(looks) < 1:
                looks.append(ref)
                store.objects[REF] = (b"other\n", *store.objects[REF][1:])

        store.after = swallow
        assert lines(store).add(lambda before: None if before else b"mine!\n", settle=0.2) == (b"other\n", False)
        assert (store.clock.now() - begun).total_seconds() >= 0.2

    def test_a_refused_look_is_no_lost_line(self, store):
        def refuse(verb, ref):
            if verb == "read" and REF in store.objects:
                raise HeldError("403", code="obs-denied")

        store.fail = refuse
        with pytest.raises(HeldError):
            lines(store).add(lambda before: b"mine\n", settle=0.2)

    def test_a_line_that_never_stands_is_told_by_the_name_of_the_object(self, store):
        store.replies = [(False, AppendConflictError("taken"))] * 5
        with pytest.raises(UnavailableError, match="^The list of tests took no line in 5 tries") as untaken:
            lines(store, tries=5).add(lambda before: b"mine\n")
        assert untaken.value.advice == "Try again in a moment."


class TestPut:
    def test_lines_go_behind_whatever_stands_there_which_is_not_read(self, store):
        for text in (b"a\n", b"b\n"):
            lines(store).put(text)
        assert (content(store), store.reads) == (b"a\nb\n", [])

    def test_a_lost_reply_does_not_double_a_line(self, store):
        store.replies = [(True, AppendConflictError("sent again"))]
        lines(store).put(b"a\n")
        assert content(store) == b"a\n"

    def test_the_first_try_is_made_at_once_and_a_moment_lies_between_the_others(self, store):
        store.replies = [(False, AppendConflictError("taken"))] * 2
        tries = []
        store.fail = lambda verb, ref: tries.append(store.clock.now()) if verb == "head" else None
        began = store.clock.now()
        lines(store).put(b"a\n")
        assert tries[0] == began
        assert all(0.01 <= (after - before).total_seconds() <= 0.1 for before, after in pairwise(tries))
        assert len(tries) == 3
        assert store.clock.now() == tries[-1]

    def test_one_that_never_stands_is_told(self, store):
        store.replies = [(False, AppendConflictError("taken"))] * 3
        with pytest.raises(UnavailableError, match="3 tries"):
            lines(store, tries=3).put(b"a\n")
