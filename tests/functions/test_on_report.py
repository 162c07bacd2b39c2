"""The timer of the reports, through real HTTP: calls are counted, and the month's workbook says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import openpyxl
import pytest
from msgspec import structs

from functions import on_audit_event, on_report, on_upload
from legible.errors import SettingsError, UnavailableError
from legible.huawei.account import Access
from legible.huawei.context import Context
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.oversight.metrics import UNITS
from legible.ports import utc_now
from legible.settings import load
from legible.settings.tables import AuditSettings
from legible.wiring import audit, functions
from legible.wiring.account import Account
from legible.wiring.oversight import Oversight
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

#: All but the cost: the local cloud has no prices.
POINTS = len(UNITS) - 2


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        clouds.upload(running, "passport/anna.png", picture())
        on_upload.handler(clouds.event("passport/anna.png"), clouds.context(running))
        clouds.due_now(running)
        yield running


def sheet(cloud, name):
    key = layout.usage_workbook(utc_now().date())
    book = openpyxl.load_workbook(BytesIO(clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, key))))
    return [[cell.value for cell in row] for row in book[name].iter_rows()]


def test_calls_are_counted_days_summed_up_and_the_workbook_is_written_once_a_day(cloud):
    first = on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert first["changes"] == {"journals": 1, "left": 0}
    assert len(first["days"]["summed_up"]) == 1
    assert sheet(cloud, "By operation")[1][:4] == ["passport", 1, 1, 0]
    assert sheet(cloud, "By route")[1][0] == "passport/*"
    again = on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert json.loads(json.dumps(again)) == {
        "changes": {"journals": 0, "left": 0}, "days": {"summed_up": []}, "workbooks": {"written": []},
        "settings": {"changed": False}, "traces": {}, "audit": {**first["audit"], "told": 0},
        "metrics": {"points": POINTS}, "unmarked": {"listed": 1, "read": 0, "marked": 0, "refused": 0},
    }  # fmt: skip


def test_where_cloud_eye_is_not_to_be_reached_the_rest_is_done(cloud):
    values = {name: value for name, value in cloud.user_data.items() if name != "LEGIBLE_ACCOUNT_ENDPOINT"}
    report = on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud, user_data=values))
    assert "metrics" not in report
    assert report["changes"] == {"journals": 1, "left": 0}


def test_cloud_eye_is_told_what_ended_and_what_waits(cloud):
    on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    found = {point.name: point.point.value for point in cloud.cloudeye.own.entries}
    assert set(found) == set(UNITS) - {"cost_month", "package_left"}
    assert (found["documents_done"], found["calls_paid"], found["uploads_waiting"]) == (1, 1, 0)
    assert {point.dimensions for point in cloud.cloudeye.own.entries} == {(("deployment", OUTPUT_BUCKET),)}


@pytest.mark.parametrize("fault", [
    Fault("error", "POST", "*/metric-data", None, status=403, code="ces.0017"),
    Fault("error", "POST", "*/metric-data", None, status=429, code="ces.0429"),
    Fault("error", "POST", "*/metric-data", None, status=503, code="ces.0007"),
])  # fmt: skip
def test_who_may_not_tell_cloud_eye_has_one_line_in_the_log_and_all_else_is_done(cloud, fault):
    cloud.cloudeye.faults.add(fault)
    context = clouds.context(cloud)
    said = on_report.handler({"trigger_type": "TIMER"}, context)
    assert said["metrics"] == {"points": 0}
    assert said["changes"] == {"journals": 1, "left": 0} and said["workbooks"]["written"]


def test_what_fails_holds_up_nothing_else_and_is_named(cloud):
    broken = Fault("error", "PUT", f"{OUTPUT_BUCKET}/reports/2*", None, status=503, code="ServiceUnavailable")
    cloud.obs.faults.add(broken)
    with pytest.raises(UnavailableError):
        on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert list(clouds.store(cloud).list(OUTPUT_BUCKET, layout.CHANGES)) == []


class TestAudit:
    def names(self, cloud):
        bucket = clouds.store(cloud)
        parts = [item.key for item in bucket.list(OUTPUT_BUCKET, layout.AUDIT_PARTS)]
        lines = b"".join(bucket.read(ObjectRef(OUTPUT_BUCKET, key)) for key in parts).splitlines()
        return sorted(json.loads(line)["name"] for line in lines)

    def test_calls_ends_settings_and_what_cts_recorded_are_in_the_trail_once(self, cloud):
        # given a subscription that a function was told of, and that CTS lists
        trace = cloud.cts.record("subscribeAISubService", "passport", user="ops")
        on_audit_event.handler(trace.event("0"), clouds.context(cloud))

        # when
        reports = [on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud)) for _ in range(3)]

        # then
        assert self.names(cloud) == [
            "buildWorkbook", "callOcr", "changeSettings", "finishDocument", "subscribeAISubService",
        ]  # fmt: skip
        assert [one["audit"]["n"] for one in reports] == [5, 5, 5]
        assert [one["traces"] for one in reports[1:]] == [{}, {}]

    def test_cts_that_refuses_holds_up_nothing(self, cloud):
        missing = "The tracker already exists or does not exist."
        cloud.cts.faults.add(Fault("error", "GET", "*", None, status=400, code="CTS.0208", message=missing))
        report = on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
        assert report["traces"]["reason"] == "refused"
        assert "callOcr" in self.names(cloud)

    def test_a_key_that_is_not_there_is_named(self, cloud, tmp_path):
        settings = load(None, cloud.environment().get)
        sealed = structs.replace(settings, audit=AuditSettings(key="AUDIT_KEY"))
        with pytest.raises(SettingsError, match="AUDIT_KEY, which holds no key"):
            audit.seal_keys(sealed, lambda name: None)


def test_without_the_key_of_the_trail_nothing_is_counted_that_the_trail_would_miss(cloud):
    built = functions.FunctionParts(Context(clouds.context(cloud)))
    built.settings = structs.replace(built.settings, audit=AuditSettings(key="AUDIT_KEY"))
    account = Account(built.settings, Access(built.credentials, cloud.project_id))
    with pytest.raises(SettingsError, match="AUDIT_KEY"):
        Oversight(built, account).report(lambda name: None)
    assert cloud.cloudeye.own.entries
    assert len(list(clouds.store(cloud).list(OUTPUT_BUCKET, layout.CHANGES))) == 1


def test_wrong_settings_stop_the_counting_and_cloud_eye_is_told_all_the_same(cloud):
    """Given settings that are wrong: documents wait just then. Marks stay, so that nothing is lost."""
    values = {**cloud.user_data, "LEGIBLE_SOURCE": "urll"}
    with pytest.raises(SettingsError, match="LEGIBLE_SOURCE"):
        on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud, user_data=values))
    assert cloud.cloudeye.own.entries
    assert len(list(clouds.store(cloud).list(OUTPUT_BUCKET, layout.CHANGES))) == 1
