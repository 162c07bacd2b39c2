"""The whole thing over real HTTP: an upload fires a process, the SDK calls the service, the workbook is read back."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import openpyxl
import pytest

from legible.errors import ObjectGoneError
from legible.model.documents import ObjectRef
from legible.model.records import Record
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import load
from tests.support import clouds
from tests.support.clouds import journal, paid, record, result, upload
from tests.support.places import DOCUMENTS, ROOT
from tests.support.rig import PASSPORT, picture, tiff

SAMPLES = DOCUMENTS
#: The shortest function timeout in which a document can be recognized here; leases end with it.
SECONDS = 12.0


@pytest.fixture
def start() -> Iterator[Callable[..., LocalCloud]]:
    """Start a local cloud whose functions have a short time, so that a dead owner's lease ends soon."""
    running: list[LocalCloud] = []

    def started(seconds: float = SECONDS, **values: Any) -> LocalCloud:
        functions = {key: replace(found, timeout=seconds) for key, found in load(ROOT / "serverless.yml").items()}
        values = {"functions": functions, "recognizer": lambda *_: PASSPORT, "backoff": lambda attempt: 0.2, **values}
        running.append(LocalCloud(**values))
        return running[-1]

    yield started
    for cloud in running:
        cloud.stop()


@pytest.mark.parametrize("envelope", ["classic", "eventgrid"])
def test_an_upload_becomes_a_workbook(start, envelope):
    # given
    cloud = start(envelope=envelope)
    key = "passport/护照 a+b%20c.png"

    # when
    upload(cloud, key, picture())
    assert cloud.wait_idle(60)

    # then
    assert record(cloud, key)["status"] == "done"
    book = openpyxl.load_workbook(io.BytesIO(result(cloud, key, "record.xlsx")))
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    assert PASSPORT["passport_number"] in cells
    assert paid(cloud) == 1


def test_a_folder_that_is_said_to_be_complete_becomes_one_workbook(start):
    """Given five documents and a marker, all uploaded at once: the workbook has all five, none of them running."""
    cloud = start(seconds=30)
    keys = [f"passport/2026-11/{number}.png" for number in range(5)]
    for number, key in enumerate(keys):
        upload(cloud, key, picture(60 + number, 40))
    upload(cloud, "passport/2026-11/_complete", b"")
    assert cloud.wait_idle(60)

    body = clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, "workbooks/passport/2026-11.xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(body))["Documents"]
    assert [row[:2] for row in sheet.iter_rows(min_row=2, values_only=True)] == [(key, "done") for key in keys]
    assert paid(cloud) == 5


def test_a_timer_builds_the_workbook_that_its_trigger_names(start):
    """Given a document that ended today: the timer of serverless.yml rings tomorrow and asks for yesterday."""
    cloud = start(seconds=30)
    upload(cloud, "passport/a.png", picture())
    assert cloud.wait_idle(60)
    cloud.ring("legible-daily", datetime.now(timezone.utc) + timedelta(days=1))
    assert cloud.wait_idle(60)
    body = clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, "workbooks/daily.xlsx"))
    assert openpyxl.load_workbook(io.BytesIO(body))["Documents"]["A2"].value == "passport/a.png"


def test_the_embedded_engine_reads_a_passport(start):
    # given
    from localcloud.ocr import embedded

    cloud = start(seconds=120, recognizer=embedded)

    # when
    upload(cloud, "passport/specimen.png", (SAMPLES / "passport" / "specimen.png").read_bytes())
    assert cloud.wait_idle(120)

    # then
    fields = {field["name"]: field["value"] for field in record(cloud, "passport/specimen.png")["fields"]}
    assert fields["passport_number"] == "XU4729105"
    assert fields["surname"] == "LINDQVIST"


def test_an_operation_the_engine_cannot_do_is_named_with_what_to_do(start):
    # given
    from localcloud.ocr import embedded

    cloud = start(recognizer=embedded)

    # when
    upload(cloud, "vat-invoice/a.png", picture(200, 200))
    assert cloud.wait_idle(60)

    # then
    found = record(cloud, "vat-invoice/a.png")
    assert found["status"] == "rejected"
    assert "vat-invoice" in found["reason"]["message"]
    assert "--recorded" in found["reason"]["message"]


class TestPaidOnce:
    @pytest.mark.parametrize("plain", [True, False], ids=["plain", "as-deployed"])
    def test_the_same_bytes_uploaded_three_times_and_copied_cost_one_call(self, start, plain):
        # given a bucket without versions, and one as Terraform makes it: with versions, and an etag for each upload
        cloud = start(seconds=60, plain=plain)

        # when the same bytes come three times, and once under another key
        for key in ["passport/anna.png"] * 3 + ["passport/copy.png"]:
            upload(cloud, key, picture())
            assert cloud.wait_idle(60)

        # then
        assert paid(cloud) == 1
        for key in ("passport/anna.png", "passport/copy.png"):
            assert record(cloud, key)["status"] == "done"
            assert record(cloud, key)["fields"]

    def test_a_partial_document_that_is_uploaded_again_costs_its_missing_page(self, start):
        # given a document of three pages of which one could not be read
        cloud = start(seconds=60)
        cloud.ocr.faults.add(Fault("error", code="AIS.0105", times=1))
        upload(cloud, "general-text/a.tiff", tiff(3))
        assert cloud.wait_idle(60)
        before = record(cloud, "general-text/a.tiff")
        assert (before["status"], paid(cloud)) == ("partial", 2)

        # when
        upload(cloud, "general-text/a.tiff", tiff(3))
        assert cloud.wait_idle(60)

        # then
        assert (record(cloud, "general-text/a.tiff")["status"], paid(cloud)) == ("done", 3)

    def test_delivered_ten_times_to_four_processes_at_once(self, start):
        # given
        cloud = start(seconds=60, max_instances=4)
        cloud.functions.faults.add(Fault("duplicate", method="invoke", path="on_upload", count=10))

        # when
        upload(cloud, "passport/a.png", picture())
        assert cloud.wait_idle(120)

        # then
        statuses = Counter(call.outcome.kind for call in cloud.functions.invocations)
        assert paid(cloud) == 1
        assert record(cloud, "passport/a.png")["status"] == "done"
        assert statuses["success"] == 10

    def test_where_simultaneous_appends_both_succeed(self, start):
        # given two warm instances, and an OBS that lets both of their claims through: each has read the empty journal
        # before either append is carried out
        cloud = start(seconds=60, max_instances=2)
        cloud.ocr.faults.add(Fault("delay", times=None, seconds=0.5))
        for number in (1, 2):
            upload(cloud, f"passport/warm-{number}.png", picture(60 + number))
        cloud.wait_idle(60)
        before = {call.request_id for call in cloud.ocr.journal.calls}
        cloud.obs.race(0.5)
        cloud.obs.faults.add(Fault("delay", method="POST", path="*ledger/*/a.png/*", times=2, seconds=1.0))
        cloud.functions.faults.add(Fault("duplicate", method="invoke", path="on_upload", count=2))

        # when
        upload(cloud, "passport/a.png", picture())
        assert cloud.wait_idle(120)

        # then
        lines = journal(cloud, "passport/a.png")
        named = {line.get("request_id") for line in lines if line["event"] in ("answered", "surplus")}
        billed = {call.request_id for call in cloud.ocr.journal.calls if call.billed} - before
        assert len(billed) == 1, "only the claim that stands after the settling time pays"
        assert billed == named
        found = record(cloud, "passport/a.png")
        assert (found["status"], found["pages"][0]["state"]) == ("done", "done")


class TestKilled:
    """SIGKILL before and after each request of the handler in turn; the platform delivers the event again."""

    def steps(self, cloud: LocalCloud) -> int:
        """Count the requests to OBS of one undisturbed run."""
        counted = Fault("delay", path="*", times=None)
        cloud.obs.faults.add(counted)
        seen: list[str] = []
        take = cloud.obs.faults.take
        cloud.obs.faults.take = lambda method, path: seen.append(path) or take(method, path)  # type: ignore
        upload(cloud, "passport/count.png", picture())
        cloud.wait_idle(60)
        cloud.obs.faults.take = take  # type: ignore
        cloud.obs.faults.clear()
        return len([path for path in seen if "passport/count.png" in path]) - 1

    @pytest.mark.parametrize(
        ("kind", "every"),
        [
            ("kill-after", 6),
            pytest.param("kill-before", 1, marks=pytest.mark.slow),
            pytest.param("kill-after", 1, marks=pytest.mark.slow),
        ],
    )
    def test_it_ends_right_and_every_second_call_is_explained(self, start, kind, every):
        """A few of its requests in `make test`, each of them in `make test-all`; worlds die at any place, too."""
        # given one document for each request a handler makes
        cloud = start(max_instances=6)
        steps = self.steps(cloud)
        assert steps >= 10
        places = range(0, steps, every)
        keys = [f"passport/step-{step + 1:02d}.png" for step in places]

        # when each handler is killed at its own request, once
        for step, key in zip(places, keys, strict=True):
            upload_of = picture(60 + step)
            cloud.obs.faults.add(Fault(kind, path=f"*{key}*", after=step + 1))
            upload(cloud, key, upload_of)
        assert cloud.wait_idle(240)

        # then
        deaths = sum(call.outcome.kind == "exit" for call in cloud.functions.invocations)
        assert deaths == len(keys)
        self.judge(cloud, keys)

    @pytest.mark.parametrize(("kind", "calls"), [("kill-before", 1), ("kill-after", 2)])
    def test_around_the_paid_call_itself(self, start, kind, calls):
        # given
        cloud = start()
        cloud.ocr.faults.add(Fault(kind))

        # when
        upload(cloud, "passport/a.png", picture())
        assert cloud.wait_idle(60)

        # then
        assert paid(cloud) == calls
        assert record(cloud, "passport/a.png")["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}

    def judge(self, cloud: LocalCloud, keys: list[str]) -> None:
        unknown = 0
        for key in keys:
            found = record(cloud, key)
            assert found["status"] == "done", key
            assert result(cloud, key, "record.xlsx").startswith(b"PK")
            assert journal(cloud, key)[-1]["event"] == "finished", key
            assert found["calls"]["unknown"] <= 1, key
            unknown += found["calls"]["unknown"]
        assert paid(cloud) <= len(keys) + 1 + unknown


class TestGivenUp:
    def test_an_event_that_the_platform_gives_up_on_waits_and_is_done_when_its_reason_has_passed(self, start):
        # given a service that is down for all deliveries of the event
        cloud = start(recognizer=lambda *_: PASSPORT)
        cloud.ocr.faults.add(Fault("error", code="ModelArts.4402", times=None))
        upload(cloud, "passport/a.png", picture())
        assert cloud.wait_idle(120)
        store = clouds.store(cloud)
        (kept,) = (one for one in store.list(OUTPUT_BUCKET, "ledger/") if "/newest-" not in one.key)
        last = json.loads(store.read(ObjectRef(OUTPUT_BUCKET, kept.key)).splitlines()[-1])
        assert (last["event"], last["reason"]["vendor_code"]) == ("released", "ModelArts.4402")
        assert "It is tried again by itself, next at" in last["note"]

        # when it is up again, and the timer rings at the time of the next try
        cloud.ocr.faults.clear()
        (parked,) = store.list(OUTPUT_BUCKET, "waiting/")
        due = f"waiting/20200101T000000.{parked.key.split('.', 1)[1]}"
        store.copy(ObjectRef(OUTPUT_BUCKET, parked.key), ObjectRef(OUTPUT_BUCKET, due))
        store.remove(ObjectRef(OUTPUT_BUCKET, parked.key))
        cloud.ring("legible-notices", datetime.now(timezone.utc))
        assert cloud.wait_idle(60)

        # then
        assert record(cloud, "passport/a.png")["status"] == "done"
        assert paid(cloud) == 1


class TestBadInput:
    """Each with a clear reason, and nothing lost."""

    CASES = (
        ("passport/note.png", b"Dear Sir or Madam", "rejected", "format-unknown"),
        ("passport/cut.jpg", picture(400, 300, "JPEG")[:-40], "rejected", "truncated"),
        ("passport/small.png", picture(7, 60), "rejected", "sides-too-small"),
        ("vat-invoice/heavy.ofd", b"PK\x03\x04OFD.xml" + bytes(9 * 2**20), "rejected", "too-large"),
        ("passport/empty.png", b"", "rejected", "empty"),
        ("nowhere/a.png", picture(), "rejected", "no-route"),
        ("bankcard/a.png", picture(), "held", "not-subscribed"),
    )

    def test_all_at_once(self, start):
        # given
        cloud = start(seconds=60)
        cloud.ocr.unsubscribed.add("bankcard")

        # when
        for key, body, _, _ in self.CASES:
            upload(cloud, key, body)
        upload(cloud, "passport/folder/", b"")
        cloud.functions.invoke_async("on_upload", {"Records": [{"nothing": "here"}]})
        cloud.functions.invoke_async("on_upload", clouds.event("passport/gone.png", etag="abc"))
        assert cloud.wait_idle(120)

        # then
        found = {key: record(cloud, key) for key, *_ in self.CASES}
        ends = [(key, found[key]["status"], found[key]["reason"]["code"]) for key, *_ in self.CASES]
        assert ends == [(key, status, code) for key, _, status, code in self.CASES]
        assert all(item["reason"]["message"] and item["reason"]["advice"] for item in found.values())
        assert record(cloud, "passport/gone.png")["reason"]["code"] == "object-gone"
        assert paid(cloud) == 0
        with pytest.raises(ObjectGoneError):
            record(cloud, "passport/folder/")

    def test_an_output_never_starts_a_run(self, start):
        # given a trigger that was set on the output bucket by mistake
        cloud = start()
        event = clouds.event("results/passport/a.png/record.json", bucket=OUTPUT_BUCKET)

        # when
        cloud.functions.invoke_async("on_upload", event)
        assert cloud.wait_idle(60)

        # then
        assert cloud.functions.invocations[0].outcome.kind == "success"
        assert clouds.store(cloud)._client.listObjects(OUTPUT_BUCKET).body.contents == []


def test_a_record_is_what_the_published_schema_says(start):
    # given
    import jsonschema

    cloud = start()

    # when
    upload(cloud, "passport/a.png", picture())
    upload(cloud, "passport/b.png", b"no image")
    assert cloud.wait_idle(60)

    # then
    schema = json.loads((ROOT / "shared" / "legible" / "record.schema.json").read_text("utf-8"))
    for key in ("passport/a.png", "passport/b.png"):
        jsonschema.validate(record(cloud, key), schema)
    assert Record.__struct_fields__


@pytest.mark.parametrize(
    ("fault", "status", "calls"),
    [
        (Fault("error-in-result", code="AIS.0103"), "rejected", {"answered": 0, "unknown": 1, "surplus": 0}),
        (Fault("error-alone", code="ModelArts.4402"), "done", {"answered": 1, "unknown": 1, "surplus": 0}),
    ],
    ids=["lasting", "passing"],
)
def test_an_error_inside_a_success_is_that_error_and_what_was_billed_is_counted(start, fault, status, calls):
    # given
    cloud = start()
    cloud.ocr.faults.add(fault)

    # when
    upload(cloud, "passport/a.png", picture())
    assert cloud.wait_idle(60)

    # then
    found = record(cloud, "passport/a.png")
    assert (found["status"], found["calls"]) == (status, calls)
    assert paid(cloud) == sum(calls.values())
