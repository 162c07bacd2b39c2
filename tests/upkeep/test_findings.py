"""What lists tell of an upload."""

from __future__ import annotations

from datetime import timedelta

import pytest

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import NEVER, Reason
from legible.ports import ListedObject
from legible.upkeep.findings import SweepBounds, is_journal, told, unsettled
from tests.support.fakes import START

ETAG, OTHER = "0" * 31 + "a", "0" * 31 + "b"
HOUR = timedelta(hours=1)
ITEM = ListedObject("a.png", 1, ETAG, START)


def journals(*files: str, at=START + HOUR) -> dict[str, ListedObject]:
    return {file: ListedObject(file, 1, "e", at) for file in files}


@pytest.mark.parametrize(
    ("files", "record", "found"),
    [
        (journals(), False, "unbegun"),
        (journals(f"{OTHER}.jsonl"), True, "unbegun"),
        (journals(f"{ETAG}.jsonl"), True, "settled"),
        (journals(f"{ETAG}.jsonl"), False, "unrecorded"),
        (journals(f"{ETAG}.0123abcd.jsonl"), True, "settled"),
        (journals(f"{ETAG}-2.jsonl"), True, "unbegun"),
        (journals(f"{ETAG}.jsonl", at=START - HOUR), True, "again"),
        # Version 0.1 named a journal by the object's version.
        (journals("G0010165F25E0000400010A74B0B8D2C.jsonl"), True, "settled"),
        (journals("G0010165F25E0000400010A74B0B8D2C.jsonl", at=START - HOUR), True, "unbegun"),
    ],
)  # fmt: skip
def test_lists_tell(files, record, found):
    assert told(ITEM, files, record=record, since=NEVER) == found


def test_the_same_bytes_uploaded_again_are_looked_at_once():
    assert told(ITEM, journals(f"{ETAG}.jsonl", at=START - HOUR), record=True, since=START + HOUR) == "settled"


@pytest.mark.parametrize(
    ("file", "is_one"),
    [(f"{ETAG}.jsonl", True), (f"{ETAG}.12345678.jsonl", True), (f"{ETAG}.2.jsonl", False),
     ("newest-2026-11-23.jsonl", False), ("record.json", False)],
)  # fmt: skip
def test_journals_are_told_from_what_lies_beside_them(file, is_one):
    assert is_journal(file) is is_one


class TestBounds:
    bounds = SweepBounds(START, timedelta(minutes=15), START - timedelta(days=7))

    def test_what_was_begun_lately_tells_whose_turn_it_is(self):
        behind = SweepBounds(START, timedelta(minutes=15), START - timedelta(days=7), START - 2 * HOUR)
        assert not behind.overdue(START - HOUR)
        assert behind.overdue(START - 3 * HOUR)
        assert behind.overdue(START - timedelta(days=1))
        assert self.bounds.overdue(START - HOUR)

    def test_an_object_without_a_time_is_recent(self):
        assert self.bounds.recent(ListedObject("a", 1, ETAG))
        assert not self.bounds.recent(ListedObject("a", 1, ETAG, START - timedelta(days=8)))


class TestUnsettled:
    def test_a_document_is_not_while_somebody_works_on_it_or_it_waits(self):
        claimed = Line("claimed", START, "o", 1, lease_until=START + HOUR)
        waits = Line("released", START, "o", 2, reason=Reason("throttled", "x", passes=True), note="Next at ...")
        assert not unsettled(State([claimed]), START)
        assert unsettled(State([claimed]), START + 2 * HOUR)
        assert not unsettled(State([claimed, waits]), START)
        assert unsettled(State([claimed, Line("released", START, "o", 2)]), START)
        assert not unsettled(State(), START)

    def test_of_those_that_ended_only_one_is_that_is_held_for_what_passes(self):
        ends = [
            Line("finished", START, "o", 1, status=status, reason=Reason("x", "x", passes=passes))
            for status in ("held", "rejected") for passes in (True, False)
        ]  # fmt: skip
        assert [unsettled(State([end]), START) for end in ends] == [True, False, False, False]
