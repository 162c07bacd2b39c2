"""A journal is closed so that nobody claims by it any more, unless somebody works on its document."""

from __future__ import annotations

import pytest

from legible.errors import AppendConflictError, BusyError, HeldError, UnavailableError
from legible.ledger.claim import Claim, Wish
from legible.ledger.closing import close
from legible.ledger.journals import Journals
from legible.ledger.ledger import Ledger
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Site
from tests.support.fakes import Clock, MemoryStore, invocation

DOCUMENT = Document("legible-in", "passport/a.png", "v1")
SITE = ("legible-in", "legible-out")


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.site = Site(self.store, *SITE)
        self.call = invocation(self.clock, "reader", 60.0)
        self.ledger = Ledger(self.site, self.call)

    def claim(self, owner: str = "reader") -> Claim:
        claim = self.ledger.claim(DOCUMENT, Wish(owner, "passport", pages=1), 0.0)
        assert isinstance(claim, Claim)
        return claim

    def close(self) -> bool:
        call = invocation(self.clock, "forget", 60.0)
        return close(Journals(self.site), DOCUMENT, call, 0.0).forgotten is not None


@pytest.fixture
def world() -> World:
    return World()


def test_a_closed_journal_takes_no_claim_and_no_correction(world):
    world.claim().release()
    assert world.close()
    for ask in (world.claim, lambda: world.ledger.add(DOCUMENT, lambda state: None, 0.0)):
        with pytest.raises(BusyError, match="being forgotten"):
            ask()
    assert world.close()  # twice is once


def test_it_stays_open_while_somebody_works_on_the_document(world):
    world.claim()
    assert not world.close()
    world.clock.pause(63)
    assert world.close()


def test_a_journal_that_is_not_there_is_not_begun(world):
    assert not world.close()
    assert world.store.keys("legible-out") == []


def test_whoever_claims_first_has_it(world):
    world.claim().release()

    def claim(verb: str, ref: ObjectRef) -> None:
        if verb == "append" and ref.key.startswith("ledger/"):
            world.store.fail = lambda verb, ref: None
            world.claim("faster")

    world.store.fail = claim
    assert not world.close()


def test_a_journal_that_something_else_wrote_to_is_left_as_it_is(world):
    ref = ObjectRef("legible-out", layout.journal(DOCUMENT))
    world.store.put("legible-out", ref.key, b"no line\n")
    assert not world.close()
    world.store.objects.pop(ref)
    world.claim().release()
    body = world.store.read(ref)
    world.store.write(ref, body, "application/json")  # one that was put takes no line
    with pytest.raises(HeldError):
        world.store.append(ref, len(body), b"x")
    assert not world.close()


def test_a_journal_that_keeps_taking_other_lines_is_a_fault_that_passes(world):
    world.claim().release()

    def refuse(verb: str, ref: ObjectRef) -> None:
        if verb == "append" and ref.key.startswith("ledger/"):
            raise AppendConflictError("somebody was faster")

    world.store.fail = refuse
    with pytest.raises(UnavailableError, match="took no line"):
        world.close()
