"""Two versions of Legible side by side: what the newer one wrote is kept, named and passed over, and costs nothing."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from legible.errors import HeldError, InternalError, RejectedError, UnavailableError
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.results.publication import Published
from tests.support.fakes import START
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, tiff

KEY = "general-text/a.png"


def raw(event: str, n: int = 1, **values: Any) -> bytes:
    """Return a line as a newer version might write it."""
    return json.dumps({"event": event, "at": START.isoformat(), "owner": "newer", "n": n, **values}).encode() + b"\n"


def journal_of(rig: Rig, key: str = KEY) -> ObjectRef:
    (name,) = [name for name in rig.store.keys(OUT, f"ledger/{IN}/{key}/") if "newest-" not in name]
    return ObjectRef(OUT, name)


def add(rig: Rig, line: bytes, key: str = KEY) -> None:
    ref = journal_of(rig, key)
    rig.store.append(ref, len(rig.store.objects[ref][0]), line)


class TestLines:
    NEWER = raw("priced", v=3, price="0.02", page=1)

    def test_an_event_of_a_newer_version_stops_nothing(self):
        # given a document that is done, and a line that a newer version added
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.run(upload)
        add(rig, self.NEWER)
        before = rig.store.objects[journal_of(rig)][0]

        # when it is delivered, made anew and tried again
        (outcome,) = rig.run(upload)
        rig.rebuilder().rebuild(rig.rebuilder().current(KEY))
        rig.clock.pause(60)
        (again,) = rig.run(rig.upload(KEY))

        # then nothing is paid for again, the line is kept, and the record names it
        assert (outcome["status"], again["status"], rig.ocr.paid) == ("done", "done", 1)
        assert rig.store.objects[journal_of(rig)][0] == before
        assert rig.record(KEY)["notes"] == ["A newer version of Legible wrote lines that this one passed over: priced."]

    def test_a_document_under_way_goes_on_past_it_and_writes_after_it(self):
        rig = Rig(TEXT, RejectedError("blurred", code="image-refused"), TEXT)
        upload = rig.upload("general-text/a.tiff", tiff(3))
        rig.ocr.during = lambda: (
            rig.store.keys(OUT, "ledger/") and add(rig, raw("priced", len(rig.ocr.calls)), upload.ref.key)
        )
        (outcome,) = rig.run(upload)
        assert outcome["status"] == "partial"
        assert [line["event"] for line in rig.journal(upload.ref.key)].count("priced") == 3

    @pytest.mark.parametrize(
        "line",
        [
            raw("answered", page=1, source="telepathy", answer="answers/a", sha256="0"),
            raw("answered", page=1, reason={"code": 7}, answer="answers/a", sha256="0", options=[1]),
        ],
    )
    def test_of_a_line_with_a_value_that_is_not_known_the_rest_counts(self, line):
        state = State(journal.decode(line, "j"))
        assert state.page(1).answered.answer == "answers/a"
        assert state.unfamiliar == ("answered",)

    def test_a_document_that_a_newer_version_ended_in_its_own_way_stays_ended(self):
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.run(upload)
        ref = journal_of(rig)
        lines = rig.store.objects[ref][0].splitlines(keepends=True)
        rig.store.objects[ref] = (
            b"".join(lines[:-1]) + raw("finished", status="archived"),
            *rig.store.objects[ref][1:],
        )
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("held", 1)
        assert outcome["reason"]["message"] == "A newer version ended it as 'archived'."

    @pytest.mark.parametrize(
        "line", [b"{}\n", b"[]\n", b"1\n", b"{\n", b"\xff\n", raw("answered", at=1), b'{"event": 1}\n']
    )
    def test_what_is_no_line_of_any_version_is_said_and_nobody_is_told_to_pay_again(self, line):
        with pytest.raises(InternalError, match="Line 1 of the journal j") as caught:
            journal.decode(line, "j")
        assert "paid for again" not in str(caught.value)

    def test_a_line_says_its_version_only_where_an_older_one_did_not_know_it(self):
        assert b'"v"' not in journal.encode(Line("claimed", START, "a", 1))
        assert b'"v":2' in journal.encode(Line("continued", START, "", 2, v=2))


class TestRecords:
    def newer(self, rig: Rig, **metadata: Any) -> bytes:
        """Let a newer version write the record, with a schema of its own; return its bytes."""
        ref = ObjectRef(OUT, layout.version(rig.rebuilder().current(KEY), "record.json"))
        body, kind, at, values = rig.store.objects[ref]
        values = {**json.loads(values["legible"]), "schema": 2, **metadata}
        body = body.replace(b"legible.record/1", b"legible.record/2")
        rig.store.objects[ref] = (body, kind, at, {"legible": json.dumps(values)})
        return body

    def kept(self, rig: Rig) -> bytes:
        return rig.store.objects[ObjectRef(OUT, layout.version(rig.rebuilder().current(KEY), "record.json"))][0]

    @pytest.mark.parametrize("metadata", [{}, {"status": "archived"}, {"doubtful": {"fields": 3}}])
    def test_a_record_of_a_newer_schema_is_not_made_anew_as_an_older_one(self, metadata):
        rig = Rig(TEXT)
        rig.run(rig.upload(KEY))
        body = self.newer(rig, **metadata)
        with pytest.raises(HeldError, match="newer version of Legible") as held:
            rig.rebuilder().rebuild(rig.rebuilder().current(KEY))
        assert held.value.reason_code == "newer-record"
        assert self.kept(rig) == body

    def test_nor_dated_anew(self):
        rig = Rig(TEXT)
        rig.run(rig.upload(KEY))
        body = self.newer(rig)
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload(KEY))
        assert outcome["duplicate"]
        assert self.kept(rig) == rig.store.objects[ObjectRef(OUT, f"results/{KEY}/record.json")][0] == body

    def test_nor_overwritten_where_the_document_is_tried_again(self):
        rig = Rig(UnavailableError("5xx"))
        upload = rig.upload(KEY)
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.bury(upload, msgspec.convert({"code": "gave-up", "message": "gave up"}, journal.Reason))
        body = self.newer(rig)
        rig.ocr.script = [TEXT]
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload(KEY))
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert self.kept(rig) == body

    @pytest.mark.parametrize(
        "text", ["{}", "[", '{"version": "a", "status": "odd"}', '{"version": "a", "status": "odd", "schema": 1}']
    )
    def test_metadata_that_no_version_writes_tell_nothing(self, text):
        rig = Rig(PASSPORT)
        ref = rig.store.put(OUT, "results/a/record.json", b"", metadata={"legible": text})
        assert rig.parts().publisher.current("a") is None
        assert rig.store.head(ref).metadata

    def test_metadata_say_the_schema_only_where_it_is_not_the_first(self):
        assert "schema" not in Published("v", None, "done").metadata()["legible"]
        assert '"schema": 2' in Published("v", None, "done", schema=2).metadata()["legible"]
