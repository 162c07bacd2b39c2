"""``legible doctor`` and what the region offers: triggers, runtimes, flows; FunctionGraph's word, else a page's."""

from __future__ import annotations

import pytest

from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from tests.support.doctor import failed, found
from tests.support.rig import PASSPORT

pytestmark = pytest.mark.no_cover  # its subject is the command

REFUSED = {
    "no right": dict(status=403, code="FSS.0403", message="Forbidden"),
    "no such API": dict(status=404, code="APIGW.0101", message="The API does not exist"),
    "down": dict(status=503, code="FSS.0503"),
}


def refuse(cloud, what, how):
    cloud.function_api.faults.add(Fault("error", "GET", what, **REFUSED[how], times=None))


def test_a_trigger_that_the_region_does_not_offer_is_said_with_the_way_out(cloud, doctor):
    cloud.function_api.trigger_types.remove("EVENTGRID")
    result = doctor("--json")
    assert failed(result) == ["trigger-types"]
    said = found(result)["trigger-types"]
    assert "EVENTGRID" in said["message"] and 'upload_trigger = "obs"' in said["advice"]


def test_the_way_out_is_told_before_anything_is_deployed(cloud, doctor):
    """Given a region without EventGrid triggers, and no function yet."""
    cloud.function_api.trigger_types.remove("EVENTGRID")
    del cloud.functions.functions["on_upload"]
    said = found(doctor("--json"))["trigger-types"]
    assert said["status"] == "ok" and 'upload_trigger = "obs"' in said["advice"]


def test_the_classic_trigger_is_judged_alike(cloud, doctor):
    cloud.function_api.envelope = "classic"
    cloud.function_api.trigger_types.remove("EVENTGRID")
    assert failed(doctor("--json")) == []
    cloud.function_api.trigger_types[:] = ["TIMER", "eventgrid"]
    result = doctor("--json")
    assert failed(result) == ["trigger-types"]
    assert "offers EVENTGRID" in found(result)["trigger-types"]["advice"]


def test_a_region_without_triggers_of_uploads_at_all(cloud, doctor):
    del cloud.functions.functions["on_upload"]
    cloud.function_api.trigger_types[:] = ["TIMER"]
    assert "trigger-types" in failed(doctor("--json"))


def test_a_runtime_that_the_region_does_not_offer_is_said_with_the_way_out(cloud, doctor):
    cloud.function_api.runtimes.remove("Python3.12")
    result = doctor("--json")
    assert failed(result) == ["runtimes"]
    said = found(result)["runtimes"]
    assert "Python3.12" in said["message"] and "Python3.10" in said["advice"] and "make package" in said["advice"]


def test_the_runtime_of_the_list_is_judged_where_no_function_is_deployed(cloud, doctor):
    cloud.function_api.runtimes.remove("Python3.12")
    del cloud.functions.functions["on_upload"]
    assert "does not offer Python3.12" in found(doctor("--json"))["runtimes"]["message"]


def test_without_the_way_out_either_what_is_offered_is_named(cloud, doctor):
    cloud.function_api.runtimes[:] = ["Node.js18.15"]
    assert found(doctor("--json"))["runtimes"]["advice"] == "It offers: Node.js18.15."


@pytest.mark.parametrize("how", REFUSED)
@pytest.mark.parametrize(
    ("what", "check", "known"),
    [("triggertypes", "trigger-types", "the vendor's page has cn-north-4"), ("runtimetypes", "runtimes", "Python3.10")],
)
def test_where_functiongraph_does_not_tell_one_plain_line_says_what_is_known(cloud, doctor, how, what, check, known):
    refuse(cloud, what, how)
    result = doctor("--json")
    assert failed(result) == []
    said = found(result)[check]
    assert said["status"] == "unknown" and known in said["message"] and "\n" not in said["message"]


@pytest.mark.parametrize("what", ["trigger_types", "runtimes"])
def test_an_empty_list_says_nothing(cloud, doctor, what):
    getattr(cloud.function_api, what).clear()
    result = doctor("--json")
    assert failed(result) == []
    assert found(result)[what.replace("_", "-")]["status"] == "unknown"


# --- a region that no page has among those of EventGrid triggers and flows


@pytest.fixture
def hongkong(doctor):
    with LocalCloud(region="ap-southeast-1", recognizer=lambda *_: PASSPORT, envelope="classic") as running:
        yield running


def asked(cloud, doctor, *arguments):
    doctor.settings.write_text("")
    blank = {name: None for name in ("HUAWEICLOUD_SDK_REGION_EPS_CN_NORTH_4",)}
    return doctor("--json", *arguments, **{**blank, **cloud.environment()})


def test_where_functiongraph_does_not_tell_the_page_names_the_way_out(hongkong, doctor):
    refuse(hongkong, "triggertypes", "no right")
    said = found(asked(hongkong, doctor))["trigger-types"]
    assert said["status"] == "unknown" and "no page has ap-southeast-1" in said["message"]
    assert 'upload_trigger = "obs"' in said["advice"]


def test_function_flows_outside_their_regions_are_no_fault_where_none_is_used(hongkong, doctor):
    said = found(asked(hongkong, doctor))["flows"]
    assert said["status"] == "ok" and "do not run in ap-southeast-1" in said["message"]


def test_function_flows_outside_their_regions_are_refused(hongkong, doctor):
    hongkong.function_api.flows.append("legible-document")
    said = found(asked(hongkong, doctor))["flows"]
    assert said["status"] == "failed" and "legible-document" in said["message"] and "ap-southeast-3" in said["message"]


def test_function_flows_that_are_wanted_are_refused_before_one_is_made(hongkong, doctor):
    assert found(asked(hongkong, doctor, "--flows"))["flows"]["status"] == "failed"


@pytest.mark.parametrize("how", ["no right", "no such API"])
def test_flows_that_cannot_be_listed_are_none(hongkong, doctor, how):
    refuse(hongkong, "workflows", how)
    assert found(asked(hongkong, doctor))["flows"]["status"] == "ok"


def test_flows_that_are_wanted_run_in_their_regions(cloud, doctor):
    assert failed(doctor("--json", "--flows")) == []
