"""A signed upload without an MD5 can be sent again with another file; one of them is read and paid for."""

from __future__ import annotations

import pytest

from legible.documents.submission import Submission, Submitter
from legible.documents.tickets import ONCE, Tickets
from legible.errors import RetryableError, TicketUsedError, UnavailableError
from legible.model.documents import Document, ObjectRef, Order, Upload
from legible.model.pages import Share
from legible.ports import Site
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture


def ticket(rig: Rig, name: str = "anna.png", md5: str = "") -> str:
    """Return the key of a signed upload."""
    submitter = Submitter(rig.site, rig.call(), rig.rules, "_complete", 0.2)
    return submitter.sign(Submission(name, Order("passport")), len(picture()), md5=md5)[0]


def put(rig: Rig, key: str, number: int) -> Upload:
    """Upload one of several pictures by the same ticket."""
    rig.clock.pause(1)
    upload = rig.upload(key, picture(60 + number, 40))
    versions = rig.store.versions.get(upload.ref)
    return Upload(upload.ref, key, upload.etag, next(reversed(versions)) if versions else "")


@pytest.mark.parametrize("versioned", [False, True])
class TestSixPictures:
    def rig(self, versioned: bool) -> Rig:
        rig = Rig(PASSPORT)
        rig.store.versioned = {IN} if versioned else set()
        return rig

    def test_one_after_the_other_are_one_call(self, versioned):
        rig = self.rig(versioned)
        key = ticket(rig)
        outcomes = [rig.run(put(rig, key, number))[0] for number in range(6)]
        assert [outcome["status"] for outcome in outcomes] == ["done"] + ["rejected"] * 5
        assert {outcome["reason"]["code"] for outcome in outcomes[1:]} == {"ticket-used"}
        assert rig.ocr.paid == 1

    def test_before_any_of_them_is_read_are_one_call(self, versioned):
        rig = self.rig(versioned)
        key = ticket(rig)
        uploads = [put(rig, key, number) for number in range(6)]
        for upload in (*uploads, *reversed(uploads)):
            rig.run(upload)
        assert rig.ocr.paid == 1

    def test_the_first_stays_on_top_and_each_other_has_a_record_of_its_own(self, versioned):
        rig = self.rig(versioned)
        key = ticket(rig)
        first, second = (rig.run(put(rig, key, number))[0] for number in range(2))
        assert (first["status"], rig.record(key)["status"]) == ("done", "done")
        assert second["status"] == "rejected"
        records = [name for name in rig.store.keys(OUT, f"answers/{key}/") if name.endswith("record.json")]
        assert sorted(rig.store.json(OUT, name)["status"] for name in records) == ["done", "rejected"]

    def test_the_steps_of_a_workflow_pay_for_one(self, versioned):
        rig = self.rig(versioned)
        key = ticket(rig)
        for number in range(3):
            rig.steps().recognize_pages(put(rig, key, number), Share(1, 1))
        assert rig.ocr.paid == 1


def test_the_same_picture_may_come_any_number_of_times():
    rig = Rig()
    key = ticket(rig)
    for _ in range(3):
        (outcome,) = rig.run(put(rig, key, 1))
        assert outcome["status"] == "done"
    assert rig.ocr.paid == 1


def test_it_may_where_every_upload_of_it_has_another_etag_too():
    rig = Rig()
    rig.store.encrypted.add(IN)
    key = ticket(rig)
    assert [rig.run(put(rig, key, 1))[0]["status"] for _ in range(2)] == ["done", "done"]


def test_a_picture_that_cannot_be_read_uses_no_ticket():
    rig = Rig()
    key = ticket(rig)
    rig.run(rig.upload(key, b"no picture at all"))
    rig.clock.pause(60)
    (outcome,) = rig.run(put(rig, key, 1))
    assert (outcome["status"], rig.ocr.paid) == ("done", 1)


def test_an_invocation_that_dies_behind_its_line_loses_nothing():
    rig = Rig()
    upload = put(rig, ticket(rig), 1)

    def dies(verb, ref):
        if verb == "append" and "/.tickets/" in ref.key:
            raise KeyboardInterrupt

    rig.store.after = dies
    with pytest.raises(KeyboardInterrupt):
        rig.run(upload)
    rig.store.after = lambda verb, ref: None
    (outcome,) = rig.run(upload)
    assert (outcome["status"], rig.ocr.paid) == ("done", 1)


def test_of_two_lines_that_both_were_taken_the_one_that_stands_counts():
    """OBS promises no order between simultaneous appends: both may succeed, and the last one stands."""
    rig = Rig()
    rig.store.versioned = {IN}
    key = ticket(rig)
    first, second = put(rig, key, 1), put(rig, key, 2)

    def swallow(verb, ref):
        if verb == "append" and "/.tickets/" in ref.key:
            rig.store.after = lambda verb, ref: None
            rig.store.remove(ref)
            rig.run(second)

    rig.store.after = swallow
    (outcome,) = rig.run(first)
    assert (outcome["status"], rig.ocr.paid) == ("rejected", 1)
    assert rig.record(key)["document"]["etag"] == second.etag


def test_a_journal_that_takes_no_line_lets_nothing_be_paid():
    rig = Rig()
    upload = put(rig, ticket(rig), 1)

    def fails(verb, ref):
        if "/.tickets/" in ref.key:
            raise UnavailableError("busy")

    rig.store.fail = fails
    with pytest.raises(RetryableError):
        rig.run(upload)
    assert rig.ocr.calls == []


def test_what_has_an_md5_needs_no_journal():
    rig = Rig()
    key = ticket(rig, md5="XrY7u+Ae7tCTyyK7j1rNww==")
    rig.run(put(rig, key, 1))
    assert rig.ocr.paid == 1
    assert rig.store.keys(OUT, "ledger/.tickets/") == []


def test_uploads_by_other_ways_are_not_bound():
    rig = Rig()
    for first, key in enumerate(("passport/2026-11-23-once-x/a.png", "passport/once-" + "0" * 32 + "/a.png")):
        for number in (1, 2):
            rig.run(put(rig, key, 10 * first + number))
    assert rig.ocr.paid == 4
    assert ObjectRef(OUT, "ledger/.tickets/") not in rig.store.objects


class TestTheJournalOfATicket:
    KEY = f"passport/2026-11-23-{ONCE}{'0' * 32}/a.png"

    def use(self, store: MemoryStore, etag: str, version: str, key: str = KEY) -> None:
        tickets = Tickets(Site(store, IN, OUT), invocation(store.clock), 0.2)
        tickets.use(Document(IN, key, version, etag=etag))

    def lines(self, store: MemoryStore) -> list[dict]:
        return [line for name in store.keys(OUT) for line in store.lines(OUT, name)]

    def test_it_has_one_line_however_often_one_content_comes_and_by_whatever_name(self):
        store = MemoryStore()
        for version in ("one", "one", "other"):
            self.use(store, "etag", version)
        assert [line["content"] for line in self.lines(store)] == ["etag"]

    def test_another_content_is_told_what_to_do(self):
        store = MemoryStore()
        self.use(store, "etag", "one")
        with pytest.raises(TicketUsedError, match="for another content before") as used:
            self.use(store, "other", "one")
        assert "Ask for another one: POST /v1/uploads" in used.value.advice
        assert len(self.lines(store)) == 1

    def test_where_there_is_no_etag_the_name_says_which_content_it_is(self):
        store = MemoryStore()
        self.use(store, "", "one")
        with pytest.raises(TicketUsedError):
            self.use(store, "", "other")

    @pytest.mark.parametrize(
        ("key", "bound"),
        [
            (KEY, True),
            (KEY.removeprefix("passport/"), True),
            (KEY.replace(ONCE, ""), False),
            (KEY.replace("0/a", "/a"), False),
            ("x" + KEY.removeprefix("passport/"), False),
        ],
    )
    def test_only_keys_that_were_signed_for_one_content_have_one(self, key, bound):
        store = MemoryStore()
        self.use(store, "etag", "one", key)
        assert len(self.lines(store)) == bound
