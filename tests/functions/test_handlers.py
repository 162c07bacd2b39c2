"""The handlers as FunctionGraph calls them: event in, result out, everything through real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions import on_audit_event, on_failure, on_notices, on_timer, on_upload
from legible.errors import CredentialsError, EventError, HeldError, RetryableError, SettingsError, UnavailableError
from legible.huawei import functiongraph
from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.model.documents import ObjectRef
from legible.model.notices import Ending, Notice
from legible.notices.notice import EndLine
from legible.notices.outbox import Outbox, OutboxEntry
from legible.notices.targets import Webhook
from legible.pipeline.failures import Failures
from legible.ports import Site, utc_now
from legible.settings import Settings
from legible.wiring import adapters, functions
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

NOTICE = Notice(
    id="0f" * 16, source="/s", type="legible.document.dead", subject="a.png", time=utc_now(),
    data=Ending(
        bucket="legible-in", key="a.png", version="v", operation="", status="dead", pages=0,
        record=ObjectRef("legible-out", "answers/a.png/v/record.json"), revision=0,
    ),
)  # fmt: skip
HOOKED = Settings(notify={"hr": Webhook(url="https://hooks.example/x", secret="HOOK")})


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        yield running


def upload(cloud, key="passport/anna.png", body=None):
    clouds.store(cloud).write(ObjectRef("legible-in", key), picture() if body is None else body, "image/png")
    return clouds.event(key)


def record(cloud, key="passport/anna.png"):
    return json.loads(clouds.store(cloud).read(ObjectRef("legible-out", f"results/{key}/record.json")))


@pytest.mark.parametrize("key", ["passport/anna.png", "passport/a b+c%20d.png", "passport/护照/🛂.png"])
def test_an_upload_becomes_a_record_and_a_workbook(cloud, key):
    result = on_upload.handler(upload(cloud, key), clouds.context(cloud))
    assert result["documents"][0]["status"] == "done"
    assert record(cloud, key)["document"]["key"] == key
    assert clouds.store(cloud).read(ObjectRef("legible-out", f"results/{key}/record.xlsx")).startswith(b"PK")
    json.dumps(result)


def test_without_an_agency_it_says_what_to_do(cloud):
    with pytest.raises(CredentialsError, match="Attach an agency"):
        on_upload.handler(upload(cloud), clouds.context(cloud, access_key="", secret_key="", token=""))
    assert cloud.ocr.journal.calls == ()


def test_a_wrong_setting_is_refused_by_name(cloud):
    data = {**cloud.user_data, "LEGIBLE_SOURCE": "urll"}
    with pytest.raises(SettingsError, match="LEGIBLE_SOURCE is 'urll'"):
        on_upload.handler(upload(cloud), clouds.context(cloud, user_data=data))


def test_a_malformed_event_has_a_record_with_its_reason(cloud):
    (outcome,) = on_upload.handler({"Records": [{"s3": {}}]}, clouds.context(cloud))["documents"]
    assert outcome["status"] == "rejected"
    found = json.loads(clouds.store(cloud).read(ObjectRef("legible-out", outcome["record"])))
    assert found["reason"]["code"] == "event-unreadable"


def test_the_services_authorization_missing_is_no_obstacle(cloud):
    event = upload(cloud)
    cloud.ocr.reader.authorized = False
    on_upload.handler(event, clouds.context(cloud))
    page = record(cloud)["pages"][0]
    assert page["source"] == "inline"
    assert "ModelArts.4702" in page["note"]


def test_a_bucket_of_another_region_is_no_obstacle(cloud):
    event = upload(cloud)
    cloud.ocr.reader.region = "ap-southeast-1"
    on_upload.handler(event, clouds.context(cloud))
    assert "ModelArts.4704" in record(cloud)["pages"][0]["note"]


def test_an_operation_that_is_not_subscribed_is_held(cloud):
    cloud.ocr.unsubscribed.add("passport")
    (outcome,) = on_upload.handler(upload(cloud), clouds.context(cloud))["documents"]
    assert (outcome["status"], outcome["reason"]["vendor_code"]) == ("held", "ModelArts.4204")


def test_an_output_bucket_that_refuses_is_raised_so_that_nothing_is_lost(cloud):
    data = {**cloud.user_data, "LEGIBLE_OUTPUT_BUCKET": "no-such-bucket"}
    with pytest.raises(RetryableError, match="NoSuchBucket"):
        on_upload.handler(upload(cloud), clouds.context(cloud, user_data=data))
    assert cloud.ocr.journal.calls == ()


def given_up(event, error):
    return {
        "request_context": {"request_id": "r-7", "approximate_invoke_count": 4},
        "request_payload": json.dumps(event),
        "response_context": {"status_code": 200},
        "response_payload": json.dumps(error),
    }


def test_what_the_platform_gave_up_on_becomes_a_dead_record(cloud):
    """Given an upload of more than a day ago."""
    event = upload(cloud)
    event["Records"][0]["eventTime"] = "2026-01-01T00:00:00Z"
    payload = given_up(event, {"errorMessage": "timed out after 300 s"})
    (outcome,) = on_failure.handler(payload, clouds.context(cloud))["documents"]
    assert outcome["status"] == "dead"
    assert "timed out after 300 s" in record(cloud)["reason"]["message"]


def test_what_passes_by_itself_waits_and_is_tried_again_by_the_timer(cloud):
    """Given a service that was down for four deliveries."""
    # given
    event = upload(cloud)
    cloud.ocr.faults.add(Fault("error", code="ModelArts.4402", times=99))
    with pytest.raises(UnavailableError):
        on_upload.handler(event, clouds.context(cloud, seconds=7))
    cloud.ocr.faults.clear()

    # when
    error = {"errorMessage": "the service is down", "errorType": "UnavailableError"}
    (outcome,) = on_failure.handler(given_up(event, error), clouds.context(cloud))["documents"]
    store, site = clouds.store(cloud), Site(clouds.store(cloud), "legible-in", "legible-out")
    (parked,) = store.list("legible-out", "waiting/")
    early = on_notices.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    store.copy(site.in_output(parked.key), site.in_output(f"waiting/20200101T000000.{parked.key.split('.', 1)[1]}"))
    store.remove(site.in_output(parked.key))
    due = on_notices.handler({"trigger_type": "TIMER"}, clouds.context(cloud))

    # then
    assert (outcome["status"], outcome["reason"]["vendor_code"]) == ("running", "ModelArts.4402")
    assert "It is tried again by itself, next at" in outcome["reason"]["advice"]
    assert early["uploads"] == {"handed_on": 0, "ended": 0, "left": 0}
    assert due["uploads"] == {"handed_on": 1, "ended": 0, "left": 0}
    assert record(cloud)["status"] == "done"


def due(cloud):
    """Make what waits in the output bucket due now."""
    store, site = clouds.store(cloud), Site(clouds.store(cloud), "legible-in", "legible-out")
    for parked in list(store.list("legible-out", "waiting/")):
        name = f"waiting/20200101T000000.{parked.key.split('.', 1)[1]}"
        if name != parked.key:
            store.copy(site.in_output(parked.key), site.in_output(name))
            store.remove(site.in_output(parked.key))


def test_wrong_settings_end_a_document_visibly_and_it_goes_on_once_they_are_mended(cloud):
    """Given a user variable that is wrong for four deliveries; the timer rings before and after it is mended."""
    # given
    event = upload(cloud)
    wrong = {**cloud.user_data, "LEGIBLE_SOURCE": "urll"}
    with pytest.raises(SettingsError) as caught:
        on_upload.handler(event, clouds.context(cloud, user_data=wrong))
    error = {"errorMessage": str(caught.value), "errorType": "SettingsError"}

    # when
    (outcome,) = on_failure.handler(given_up(event, error), clouds.context(cloud, user_data=wrong))["documents"]

    # then
    assert (outcome["status"], outcome["reason"]["code"]) == ("dead", "setting")
    assert "LEGIBLE_SOURCE is 'urll'" in record(cloud)["reason"]["message"]
    assert "It is tried again by itself" in record(cloud)["reason"]["advice"]

    # when the timer rings
    due(cloud)
    with pytest.raises(SettingsError, match="LEGIBLE_SOURCE is 'urll'"):
        on_notices.handler({}, clouds.context(cloud, user_data=wrong))
    assert record(cloud)["status"] == "dead", "nobody would read it yet"
    report = on_notices.handler({}, clouds.context(cloud))

    # then
    assert report["uploads"] == {"handed_on": 1, "ended": 0, "left": 0}
    assert record(cloud)["status"] == "done"
    assert clouds.paid(cloud) == 1


def test_a_notice_whose_secret_is_missing_waits_where_documents_are_ended(cloud):
    """Given settings that are right but for a webhook's secret: whoever reads documents refuses to start."""
    with pytest.raises(SettingsError, match="does not hold the secret"):
        adapters.notifiers(HOOKED, Context(clouds.context(cloud)), Credentials("a", "s", ""))
    found = adapters.notifiers(HOOKED, Context(clouds.context(cloud)), Credentials("a", "s", ""), spare=True)
    with pytest.raises(HeldError, match="does not hold the secret"):
        found["hr"].send(NOTICE, 1.0)


def test_not_even_an_end_is_written_where_no_bucket_is_known(cloud):
    wrong = {**cloud.user_data, "LEGIBLE_OUTPUT_BUCKET": "Not A Bucket"}
    with pytest.raises(SettingsError, match="LEGIBLE_OUTPUT_BUCKET"):
        on_failure.handler(given_up(upload(cloud), {}), clouds.context(cloud, user_data=wrong))


def test_what_on_failure_failed_at_is_gone_on_with_from_a_bucket_of_its_own(cloud):
    """Given an event that was kept there some time ago, because nothing could be written to the output bucket."""
    inner = given_up(upload(cloud), {"errorMessage": "OBS refused", "errorType": "UnavailableError"})
    payload = json.dumps(given_up(inner, {"errorMessage": "OBS refused", "errorType": "UnavailableError"}))
    cloud.obs.write("legible-failures", "failures/on_failure/1.json", payload.encode())
    early = on_notices.handler({}, clouds.context(cloud))["failures"]
    report = Failures(
        clouds.store(cloud), "legible-failures", clouds.earlier(timedelta(minutes=-5)), functiongraph.abandoned,
        functions.FunctionParts(Context(clouds.context(cloud))).pipeline(waits=True).try_again,
    ).walk()  # fmt: skip
    assert (early, report.handed_on) == ({"handed_on": 0, "left": 0}, 1)
    assert record(cloud)["status"] == "done"
    assert list(clouds.store(cloud).list("legible-failures", "")) == []


def test_one_walk_that_fails_stops_no_other(cloud):
    data = {**cloud.user_data, "LEGIBLE_FAILURES_BUCKET": "no-such-bucket"}
    with pytest.raises(HeldError, match="NoSuchBucket"):
        on_notices.handler({}, clouds.context(cloud, user_data=data))


def test_settings_of_the_file_beside_the_code_are_read(cloud):
    """The repository's legible.toml says where the source is; a user variable would override it."""
    on_upload.handler(upload(cloud), clouds.context(cloud))
    assert record(cloud)["pages"][0]["source"] == "url"


def test_canaries_reach_no_log_no_error_no_journal_and_no_record(cloud, capfd):
    """Given keys, a token, a signed URL and an identity number; when all goes well, and when it goes wrong."""
    number = PASSPORT["passport_number"]
    facts = clouds.facts(cloud, user_data={**cloud.user_data, "LEGIBLE_SOURCE": "signed-url"})
    secrets = [facts["access_key"], facts["secret_key"], facts["token"], "Signature=", "AccessKeyId="]
    event = upload(cloud)
    said = []
    for fault in (None, Fault("error", code="ModelArts.4704", message="GET https://b/a?Signature=x", times=1),
                  Fault("error", code="ModelArts.4402", times=9), Fault("cut", times=9)):  # fmt: skip
        if fault:
            cloud.ocr.faults.add(fault)
        try:
            said.append(
                json.dumps(on_upload.handler(event, clouds.Context({**facts, "timeout": 12, "deadline": None})))
            )
        except RetryableError as error:
            said.append(f"{error!r} {error}")
        cloud.ocr.faults.clear()
        event = upload(cloud, f"passport/{len(said)}.png", picture(60 + len(said)))
    logged = "".join(capfd.readouterr())

    everything = "\n".join([*said, logged])
    store = clouds.store(cloud)
    listed = store._client.listObjects("legible-out").body.contents
    bodies = {item.key: store.read(ObjectRef("legible-out", item.key)) for item in listed}
    assert len(bodies) > 8
    for secret in secrets:
        assert secret not in everything
        assert not [key for key, body in bodies.items() if secret.encode() in body]
    assert number not in everything
    where = {key.split("/")[0] for key, body in bodies.items() if number.encode() in body}
    assert where == {"answers", "results"}


def test_a_timer_sends_what_waits_and_says_what_came_of_it(cloud):
    """Given an outbox with a notice for a target that no setting names any more."""
    # given
    outbox = Outbox(Site(clouds.store(cloud), "legible-in", "legible-out"), clouds.earlier(timedelta(minutes=2)))
    outbox.put(OutboxEntry("gone", NOTICE, EndLine(), utc_now()))

    # when
    result = on_notices.handler({"trigger_type": "TIMER"}, clouds.context(cloud))

    # then
    assert result["notices"] == {"sent": 0, "failed": 0, "given_up": 1, "void": 0, "left": 0}
    assert list(clouds.store(cloud).list("legible-out", "notices/outbox/")) == []
    json.dumps(result)


def test_a_timer_builds_a_workbook_over_what_ended(cloud):
    on_upload.handler(upload(cloud), clouds.context(cloud))
    event = {"trigger_type": "TIMER", "user_event": '{"workbook": "daily", "day": "today"}'}
    result = on_timer.handler(event, clouds.context(cloud))
    assert (result["documents"], result["files"]) == (1, ("workbooks/daily.xlsx",))
    assert clouds.store(cloud).read(ObjectRef("legible-out", "workbooks/daily.xlsx")).startswith(b"PK")
    json.dumps(result)


def test_a_workbook_needs_no_settings_but_its_own(cloud):
    """Given a wrong setting of calls: it stops who pays, and not who counts what was paid."""
    on_upload.handler(upload(cloud), clouds.context(cloud))
    event = {"trigger_type": "TIMER", "user_event": '{"workbook": "daily", "day": "today"}'}
    wrong = {**cloud.user_data, "LEGIBLE_SOURCE": "urll"}
    assert on_timer.handler(event, clouds.context(cloud, user_data=wrong))["documents"] == 1
    built = functions.FunctionParts(Context(clouds.context(cloud, user_data=wrong)), spare=True)
    built.require("workbooks")
    with pytest.raises(SettingsError, match="LEGIBLE_SOURCE"):
        built.require("ocr")


def test_a_timer_that_asks_for_nothing_is_told_what_to_say(cloud):
    with pytest.raises(EventError, match="asks for nothing"):
        on_timer.handler({"trigger_type": "TIMER"}, clouds.context(cloud))


class TestWhatCtsRecorded:
    EVENT = {"cts": {"trace_id": "5f0c-1", "trace_name": "subscribeAISubService", "time": 1796003600000,
                     "service_type": "OCR", "resource_type": "ai_service", "resource_name": "passport",
                     "user": {"name": "ops"}, "trace_status": "normal", "code": 200}}  # fmt: skip

    def test_it_is_kept_for_the_audit_trail(self, cloud):
        assert on_audit_event.handler(self.EVENT, clouds.context(cloud)) == {"trace": "5f0c-1"}
        (item,) = clouds.store(cloud).list("legible-out", "audit/.pending/")
        kept = json.loads(clouds.store(cloud).read(ObjectRef("legible-out", item.key)))
        assert (kept["id"], kept["service"], kept["operator"]) == ("cts-5f0c-1", "OCR", "ops")
        assert json.loads(kept["raw"]) == self.EVENT["cts"]

    @pytest.mark.parametrize("event", [{}, {"cts": {}}, {"cts": "x"}, [], None])
    def test_what_holds_no_trace_is_an_error(self, cloud, event):
        with pytest.raises(EventError, match="no trace"):
            on_audit_event.handler(event, clouds.context(cloud))


def test_a_timer_s_workbook_is_audited(cloud):
    event = {"trigger_type": "TIMER", "user_event": '{"workbook": "daily", "day": "today"}'}
    on_timer.handler(event, clouds.context(cloud))
    (item,) = clouds.store(cloud).list("legible-out", "audit/.pending/")
    kept = json.loads(clouds.store(cloud).read(ObjectRef("legible-out", item.key)))
    assert (kept["name"], kept["operator"], kept["resource_name"], kept["details"]) == (
        "buildWorkbook", "function:on_timer", "daily", {"day": "today"},
    )  # fmt: skip


class TestBuildsThatAreTriedAgain:
    ORDER = '{"workbook": "daily", "day": "today"}'

    def ids(self, cloud: LocalCloud) -> list[str]:
        bucket = clouds.store(cloud)
        items = list(bucket.list("legible-out", "audit/.pending/"))
        return [json.loads(bucket.read(ObjectRef("legible-out", item.key)))["id"] for item in items]

    @pytest.mark.parametrize("event", [{"time": "2026-12-01T00:20:00Z"}, {}])
    def test_the_platform_s_retries_of_one_event_are_one_event_of_the_trail(self, cloud, event):
        timer = {"trigger_type": "TIMER", "user_event": self.ORDER, **event}
        for _ in range(3):
            on_timer.handler(timer, clouds.context(cloud, request_id="one"))
        assert len(set(self.ids(cloud))) == 1

    @pytest.mark.parametrize(
        "other",
        [{"time": "2026-12-02T00:20:00Z"}, {"user_event": '{"workbook": "weekly", "day": "today"}'},
         {"user_event": '{"workbook": "daily", "day": "yesterday"}'}],
    )  # fmt: skip
    def test_another_event_is_another_one(self, cloud, other):
        timer = {"trigger_type": "TIMER", "user_event": self.ORDER, "time": "2026-12-01T00:20:00Z"}
        for event in (timer, timer | other):
            on_timer.handler(event, clouds.context(cloud, request_id="one"))
        assert len(set(self.ids(cloud))) == 2

    def test_one_that_cannot_be_audited_is_built_and_the_log_rings(self, cloud, capfd):
        """Given a bucket that takes workbooks and no event: nothing is lost by a build, so it is not stopped."""
        on_upload.handler(upload(cloud), clouds.context(cloud))
        cloud.obs.faults.add(Fault("error", "PUT", "*audit/.pending/*", None, status=403, code="AccessDenied"))
        capfd.readouterr()
        result = on_timer.handler({"trigger_type": "TIMER", "user_event": self.ORDER}, clouds.context(cloud))
        assert result["files"] == ("workbooks/daily.xlsx",)
        (line,) = [line for line in capfd.readouterr().out.splitlines() if '"not-audited"' in line]
        assert "WARN" in line and '"buildWorkbook"' in line and '"function:on_timer"' in line

    def test_one_that_failed_is_told_to_have_failed(self, cloud):
        event = {"trigger_type": "TIMER", "user_event": '{"workbook": "../daily"}'}
        assert on_timer.handler(event, clouds.context(cloud))["reason"] is not None
        assert len(set(self.ids(cloud))) == 2

    def test_a_folder_that_is_complete_is_one_event_however_often_its_marker_is_delivered(self, cloud):
        on_upload.handler(upload(cloud), clouds.context(cloud))
        clouds.upload(cloud, "passport/_complete", b"")
        marker = clouds.event("passport/_complete")
        marker["Records"][0]["eventTime"] = "2026-12-01T00:20:00Z"
        for _ in range(2):
            (outcome,) = on_upload.handler(marker, clouds.context(cloud))["documents"]
            assert outcome["record"] == "workbooks/passport.xlsx"
        assert len(set(self.ids(cloud))) == 1
