"""``legible doctor`` and what waits, was dropped and is watched: FunctionGraph's queue, agencies, CTS, Cloud Eye."""

from __future__ import annotations

import time

import pytest

from functions import on_report
from legible.huawei.credentials import Credentials
from legible.settings import load
from legible_cli.doctor.endpoints import Endpoints
from legible_cli.doctor.waiting import Queue
from localcloud.faults import Fault
from localcloud.functiongraph.instance import Outcome
from localcloud.functiongraph.work import Invocation
from localcloud.iam.rights import CONFIGURATION, agency
from tests.support import clouds
from tests.support.doctor import failed, found
from tests.support.rig import picture

pytestmark = pytest.mark.no_cover  # its subject is the command

AGENCY = f"legible-{agency('on_upload')}"


def happened(cloud, state, *ages):
    """Let calls of on_upload have been accepted so many seconds ago."""
    graph, now = cloud.functions, time.time()
    for number, age in enumerate(ages):
        graph.invocations.append(
            Invocation(
                "on_upload", f"request-{state}-{number}", 1, state, Outcome("drop"), accepted=now - age, ended=now
            )
        )


class TestEvents:
    def test_a_quiet_deployment_has_dropped_nothing_and_nothing_waits(self, doctor):
        checks = found(doctor("--json"))
        assert (checks["dropped-events"]["status"], checks["waiting-events"]["status"]) == ("ok", "ok")

    def test_what_was_dropped_fails_and_says_when_and_what_to_do(self, cloud, doctor):
        happened(cloud, "DISCARD", 7200, 60)
        result = doctor("--json")
        assert failed(result) == ["dropped-events"]
        said = found(result)["dropped-events"]
        assert "dropped 2 events" in said["message"] and "max_instances" in said["advice"]

    def test_what_was_dropped_long_ago_or_only_failed_is_not_told(self, cloud, doctor):
        happened(cloud, "DISCARD", 3 * 86400)
        happened(cloud, "FAIL", 60)
        assert found(doctor("--json"))["dropped-events"]["status"] == "ok"

    @pytest.mark.parametrize(("age", "status"), [(60, "ok"), (3000, "failed")])
    def test_events_that_wait_long_are_told_with_their_age(self, cloud, doctor, age, status):
        happened(cloud, "WAIT", age, 5)
        said = found(doctor("--json"))["waiting-events"]
        assert said["status"] == status and f"for {age // 60} minutes" in said["message"]

    def test_a_long_list_is_read_to_its_end_as_far_as_that_is_reasonable(self, cloud):
        happened(cloud, "WAIT", *[10 + number / 10 for number in range(5600)])
        keys = Credentials(cloud.credentials.access, cloud.credentials.secret, "")
        queue = Queue(Endpoints(load(None, cloud.environment().get), keys, {}), "default")
        assert queue.age().message.startswith("5000 events or more wait")

    @pytest.mark.parametrize(("status", "code"), [(403, "FSS.0403"), (404, "APIGW.0101"), (503, "FSS.0503")])
    def test_who_may_not_ask_gets_one_line_each_and_nothing_fails(self, cloud, doctor, status, code):
        cloud.function_api.faults.add(Fault("error", "GET", "on_upload/events", status=status, code=code, times=None))
        result = doctor("--json")
        assert failed(result) == []
        for name in ("dropped-events", "waiting-events"):
            assert found(result)[name]["status"] == "unknown"


class TestAgencies:
    def test_an_agency_that_trusts_functiongraph_is_well(self, doctor):
        assert found(doctor("--json"))["trusted-agencies"]["status"] == "ok"

    def test_one_that_does_not_fails_by_its_name(self, cloud, doctor):
        cloud.function_api.untrusted.add(AGENCY)
        result = doctor("--json")
        assert failed(result) == ["trusted-agencies"]
        said = found(result)["trusted-agencies"]
        assert AGENCY in said["message"] and "op_svc_cff" in said["advice"]

    def test_a_list_that_is_empty_proves_nothing(self, cloud, doctor):
        cloud.function_api.untrusted |= {f"legible-{agency(key)}" for key in cloud.functions.functions}
        cloud.function_api.untrusted.add(f"legible-{CONFIGURATION}")
        assert found(doctor("--json"))["trusted-agencies"]["status"] == "unknown"

    def test_a_region_that_does_not_tell_is_no_fault(self, cloud, doctor):
        fault = Fault("error", "GET", "service-trusted-agencies", status=404, code="APIGW.0101", times=None)
        cloud.function_api.faults.add(fault)
        assert found(doctor("--json"))["trusted-agencies"]["status"] == "unknown"


class TestWatching:
    def test_cts_that_knows_ocr_is_well(self, doctor):
        said = found(doctor("--json"))["cts"]
        assert said["status"] == "ok" and "subscribeAISubService" in said["message"]

    @pytest.mark.parametrize("names", [None, ["other"]])
    def test_where_cts_does_not_know_it_nobody_is_to_count_on_it(self, cloud, doctor, names):
        cloud.cts.operations.clear()
        if names:
            cloud.cts.operations["OCR", "ai_service"] = names
        said = found(doctor("--json"))["cts"]
        assert said["status"] == "unknown" and "tell_of_subscriptions" in said["advice"]

    def test_before_the_first_call_and_the_first_timer_there_are_no_series(self, doctor):
        checks = found(doctor("--json"))
        assert {checks[name]["status"] for name in ("cloud-eye", "own-metrics")} == {"unknown"}
        assert "metrics-not-written" in checks["own-metrics"]["advice"]

    def test_after_them_there_are(self, cloud, doctor):
        clouds.upload(cloud, "passport/anna.png", picture())
        cloud.functions.wait_idle(30)
        on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
        checks = found(doctor("--json"))
        assert {checks[name]["status"] for name in ("cloud-eye", "own-metrics")} == {"ok"}

    def test_numbers_of_another_deployment_are_not_this_ones(self, cloud, doctor):
        on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
        cloud.obs.create_bucket("other-out")
        said = found(doctor("--json", LEGIBLE_OUTPUT_BUCKET="other-out"))["own-metrics"]
        assert said["status"] == "unknown" and "other-out" in said["message"]

    def test_a_right_that_is_missing_is_one_line_that_names_it(self, cloud, doctor):
        cloud.cts.faults.add(Fault("error", "GET", "*", status=403, code="CTS.0015", times=None))
        cloud.cloudeye.faults.add(Fault("error", "GET", "*", status=403, code="ces.0017", times=None))
        result = doctor("--json")
        assert failed(result) == []
        rights = {"cts": "cts:operation:list", "cloud-eye": "ces:metrics:list", "own-metrics": "ces:metrics:list"}
        for name, right in rights.items():
            said = found(result)[name]
            assert said["status"] == "unknown" and f"Let your user do {right}" in said["advice"]

    def test_a_setup_apart_does_not_ask(self, doctor):
        checks = found(doctor("--json", LEGIBLE_ACCOUNT_ENDPOINT=""))
        for name in ("cts", "cloud-eye", "own-metrics"):
            assert checks[name]["status"] == "unknown" and "apart from the cloud" in checks[name]["message"]
