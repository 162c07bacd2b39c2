"""``legible doctor`` and triggers of EventGrid: which bucket they watch, FunctionGraph does not say, EventGrid does."""

from __future__ import annotations

import copy

import pytest

from localcloud.cloud import INPUT_BUCKET
from localcloud.faults import Fault
from localcloud.functiongraph import triggers
from tests.support.doctor import failed, found

pytestmark = pytest.mark.no_cover  # its subject is the command

EVERY = [f"OBS:DWR:ObjectCreated:{kind}" for kind in ("PUT", "POST", "COPY", "CompleteMultipartUpload")]
UNSEEN = "its bucket cannot be seen"


def checked(doctor):
    return found(doctor("--json"))["trigger"]


def subscribe(cloud, *subscriptions):
    """Let EventGrid list these subscriptions, and no others, for on_upload."""
    cloud.messages.subscriptions = lambda urn: list(subscriptions) if urn == cloud.functions.urn("on_upload") else []


def subscription(cloud, **changes):
    return triggers.subscription(
        cloud.functions.urn("on_upload"), **{"bucket": INPUT_BUCKET, "event_types": EVERY} | changes
    )


def source_of(one):
    return one["sources"][0]


def only_detail(one):
    del source_of(one)["filter"]["data"]


def only_filter(one):
    source_of(one)["detail"] = {}


def no_types(one):
    del source_of(one)["filter"]["type"]


def no_filter(one):
    source_of(one)["filter"] = None


def in_capitals(one):
    one["status"] = "Enabled"


def test_the_local_trigger_answers_as_the_clouds_without_its_bucket(cloud, doctor):
    (mine,) = triggers.listed(cloud.functions.functions["on_upload"], "eventgrid")
    assert mine["trigger_type_code"] == "EVENTGRID" and "bucket" not in mine["event_data"]
    said = checked(doctor)
    assert (said["status"], said["message"]) == ("ok", f"An upload to {INPUT_BUCKET} calls legible-on-upload.")


@pytest.mark.parametrize(
    "change", [only_detail, only_filter, no_types, no_filter, in_capitals], ids=lambda one: one.__name__
)
def test_a_healthy_trigger_is_never_called_failed_however_its_subscription_says_it(cloud, doctor, change):
    one = subscription(cloud)
    change(one)
    subscribe(cloud, one)
    assert checked(doctor)["status"] == "ok"


def test_the_bucket_is_found_on_a_later_page(cloud, doctor):
    """Given more subscriptions than EventGrid lists at once: the last one watches the bucket."""
    others = [subscription(cloud, bucket=f"other-{number}") for number in range(130)]
    subscribe(cloud, *others, subscription(cloud))
    assert checked(doctor)["status"] == "ok"
    subscribe(cloud, *others)
    assert failed(doctor("--json")) == ["trigger"]


def nothing_subscribed(cloud):
    subscribe(cloud)


def no_bucket_named(cloud):
    one = subscription(cloud)
    only_detail(one)
    only_filter(one)
    subscribe(cloud, one)


def another_source(cloud):
    one = subscription(cloud)
    source_of(one)["name"] = "HC.SMN"
    subscribe(cloud, one)


def forbidden(cloud):
    cloud.messages.faults.add(Fault("error", "GET", "*", status=403, code="EG.00014030", message="No", times=None))


def down(cloud):
    cloud.messages.faults.add(Fault("error", "GET", "*", status=503, code="EG.00015000", times=None))


def not_in_the_region(cloud):
    cloud.messages.faults.add(Fault("error", "GET", "*", status=404, code="APIGW.0101", times=None))


@pytest.mark.parametrize(
    "blind",
    [nothing_subscribed, no_bucket_named, another_source, forbidden, down, not_in_the_region],
    ids=lambda one: one.__name__,
)
def test_where_the_bucket_cannot_be_known_that_is_said_and_nothing_fails(cloud, doctor, blind):
    blind(cloud)
    result = doctor("--json")
    assert failed(result) == []
    said = found(result)["trigger"]
    assert said["status"] == "unknown" and UNSEEN in said["message"] and INPUT_BUCKET in said["advice"]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"bucket": "others"}, "Make an EventGrid trigger"),
        ({"event_types": EVERY[:2]}, "all four"),
        ({"status": "DISABLED"}, "Enable it"),
    ],
    ids=["bucket", "types", "status"],
)
def test_what_eventgrid_does_say_is_judged(cloud, doctor, changes, remedy):
    subscribe(cloud, subscription(cloud, **changes))
    result = doctor("--json")
    assert failed(result) == ["trigger"]
    assert remedy in found(result)["trigger"]["advice"]


def test_a_prefix_that_only_eventgrid_knows_is_told(cloud, doctor):
    subscribe(cloud, subscription(cloud, prefix="scans/", suffix=".png"))
    said = checked(doctor)
    assert said["status"] == "ok" and "'scans/'" in said["message"] and "'.png'" in said["message"]


def test_a_classic_trigger_needs_no_eventgrid(cloud, doctor):
    cloud.function_api.envelope = "classic"
    down(cloud)
    assert checked(doctor)["status"] == "ok"


def test_an_eventgrid_trigger_of_another_source_is_not_one_of_uploads(cloud, doctor):
    """Given the function's own trigger, and one on a custom channel: only the first is asked after."""
    other = copy.deepcopy(triggers.eventgrid(["order.created"]))
    other["event_data"]["source_name"] = "orders"
    cloud.function_api.triggers["on_upload"] = [other]
    cloud.function_api.envelope = "classic"
    down(cloud)
    assert checked(doctor)["status"] == "ok"
