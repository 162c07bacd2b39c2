"""``legible doctor`` against the local cloud: well, and with each fault in turn, of which exactly its check tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from legible.errors import HeldError, RejectedError, SourceUnreadableError, UnavailableError
from legible.model.documents import ObjectRef
from legible.notices.targets import Smn
from legible.operations.catalog import OPERATIONS
from legible.operations.routing import OperationSettings
from legible.recognition import probe
from legible.settings import Settings
from legible.settings.tables import Buckets, Cloud, Ocr
from legible_cli.doctor import account, buckets, functions, recognition
from legible_cli.doctor.inspector import Deployed, Quota, Trigger, deployed
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, PROJECT_ID
from localcloud.faults import Fault
from localcloud.functiongraph import triggers
from localcloud.functiongraph.config import AsyncPolicy
from localcloud.web import Server
from tests.support import clouds
from tests.support.doctor import EPS, failed, found, paid
from tests.support.fakes import ScriptedOcr
from tests.support.rig import IN, OUT, PASSPORT, Rig

FORBIDDEN = dict(status=403, code="FSS.0403", message="Forbidden", times=None)
CHECKS = [
    "settings", "region general-text", "region passport", "credentials", "input-bucket", "versioning", "output-bucket",
    "journals", "public-access", "uploads", "enterprise-project", "project", "trigger-types", "runtimes", "flows",
    "function", "agencies", "trigger", "trusted-agencies", "retries", "dropped-events", "waiting-events", "quotas",
    "cts", "cloud-eye", "own-metrics", "subscription general-text", "subscription passport", "obs-authorization",
    "packages",
]  # fmt: skip

#: What Cloud Eye has no series of before the first call, and before on_report ran.
NOTHING_YET = ("cloud-eye", "own-metrics")


# --- well


def test_a_deployment_that_is_as_it_must_be_passes_every_check_and_pays_for_nothing(cloud, doctor):
    result = doctor("--json")
    checks = found(result)
    wanted = [(name, "unknown" if name in NOTHING_YET else "ok") for name in CHECKS]
    assert [(name, one["status"]) for name, one in checks.items()] == wanted, result.output
    assert result.exit_code == 0
    assert paid(cloud) == 0
    assert list(clouds.store(cloud).list(INPUT_BUCKET, "")) == []
    assert written(cloud) == [], "and nothing was written"
    (probes,) = clouds.store(cloud).list(OUTPUT_BUCKET, "reports/.probes/")
    noted = clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, probes.key)).splitlines()
    assert len(noted) == sum(not call.units for call in cloud.ocr.journal.calls)


def written(cloud):
    """Return what there is in the output bucket but the notes of what was asked."""
    return [
        one.key for one in clouds.store(cloud).list(OUTPUT_BUCKET, "") if not one.key.startswith("reports/.probes/")
    ]


def test_it_is_one_page_for_people(doctor):
    result = doctor()
    assert result.exit_code == 0
    assert "what to do" in result.output and "obs-authorization" in result.output


def test_what_looks_like_markup_is_shown_as_it_is(doctor):
    assert "LEGIBLE_REGION is '[red]'" in doctor(LEGIBLE_REGION="[red]").output


@pytest.mark.parametrize(("settle", "status"), [(30, "ok"), (0.01, "failed")])
def test_asked_for_it_measures_how_far_simultaneous_appends_are_apart_and_leaves_nothing(cloud, doctor, settle, status):
    text = doctor.settings.read_text().replace('arbiter = "obs"', f"settle_seconds = {settle}")
    doctor.settings.write_text(text)
    cloud.obs.race(0.05)
    check = found(doctor("--json", "--appends"))["appends"]
    assert check["status"] == status
    assert "of 20 pairs both succeeded" in check["message"]
    assert ("Set ledger.settle_seconds to" in check["advice"]) == (status == "failed")
    assert written(cloud) == []


def test_a_bucket_that_takes_no_probe_is_said(cloud, doctor):
    cloud.obs.faults.add(Fault("error", "POST", "*.probes*", status=403, code="AccessDenied", message="No", times=None))
    assert found(doctor("--json", "--appends"))["appends"]["status"] == "failed"


# --- each fault in turn


def region_elsewhere(cloud, doctor):
    doctor.settings.write_text(doctor.settings.read_text() + "[operations.thailand-id-card]\n")


def withdrawn(cloud, doctor):
    doctor.settings.write_text(doctor.settings.read_text() + "[operations.waybill-electronic]\n")


def not_subscribed(cloud, doctor):
    cloud.ocr.unsubscribed.add("passport")


def not_authorized(cloud, doctor):
    cloud.ocr.reader.authorized = False


def input_elsewhere(cloud, doctor):
    cloud.obs.create_bucket("elsewhere", "ap-southeast-1")


def parallel(cloud, doctor):
    cloud.obs.set_up(OUTPUT_BUCKET, parallel=True)


def replicated(cloud, doctor):
    rule = (
        "<Rule><ID>r</ID><Prefix></Prefix><Status>Enabled</Status><Destination><Bucket>b</Bucket></Destination></Rule>"
    )
    document = f"<ReplicationConfiguration><Agency>a</Agency>{rule}</ReplicationConfiguration>"
    cloud.obs.set_up(OUTPUT_BUCKET, replication=document)


def locked(cloud, doctor):
    enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    cloud.obs.set_up(OUTPUT_BUCKET, object_lock=f"<ObjectLockConfiguration>{enabled}</ObjectLockConfiguration>")


def no_project(cloud, doctor):
    doctor.settings.write_text(doctor.settings.read_text().replace(EPS, EPS[:-1] + "1"))


def disabled_project(cloud, doctor):
    cloud.eps.projects[0].enabled = False


def malformed_project(cloud, doctor):
    doctor.settings.write_text(doctor.settings.read_text().replace(EPS, "finance"))


def used_up(cloud, doctor):
    cloud.function_api.quotas["fgs_func_num"] = (400, 400)


def no_trigger(cloud, doctor):
    cloud.functions.functions["on_upload"] = replace(cloud.functions.functions["on_upload"], triggers=())


def eventgrid(cloud, status="ACTIVE", types=("PUT", "POST", "COPY", "CompleteMultipartUpload"), bucket=INPUT_BUCKET):
    """Put a trigger of EventGrid in the place of the one that is there: FunctionGraph does not name its bucket."""
    no_trigger(cloud, None)
    events = [f"OBS:DWR:ObjectCreated:{kind}" for kind in types]
    urn = cloud.functions.urn("on_upload")
    cloud.function_api.triggers["on_upload"] = [triggers.eventgrid(events, status)]
    cloud.subscriptions[urn] = [triggers.subscription(urn, bucket, events)]


def disabled_trigger(cloud, doctor):
    eventgrid(cloud, status="DISABLED")


def deaf_trigger(cloud, doctor):
    eventgrid(cloud, types=("PUT", "POST"))


def trigger_of_another_bucket(cloud, doctor):
    eventgrid(cloud, bucket="others")


def told_to_somebody(cloud, doctor):
    target = '[notify.ops]\nkind = "smn"\ntopic_urn = "urn:smn:cn-north-4:0123:legible"\n'
    doctor.settings.write_text(doctor.settings.read_text() + target)


def nobody_resends(cloud, doctor):
    told_to_somebody(cloud, doctor)
    cloud.functions.functions["on_notices"] = replace(cloud.functions.functions["on_notices"], timers=())


def works_on_other_buckets(cloud, doctor):
    function = cloud.functions.functions["on_upload"]
    others = {**function.user_data, "LEGIBLE_OUTPUT_BUCKET": "others"}
    cloud.functions.functions["on_upload"] = replace(function, user_data=others)


def old_runtime(cloud, doctor):
    cloud.functions.functions["on_upload"] = replace(cloud.functions.functions["on_upload"], runtime="Python3.9")


def no_policy(cloud, doctor):
    cloud.functions.functions["on_upload"] = replace(cloud.functions.functions["on_upload"], policy=AsyncPolicy())


def no_destination(cloud, doctor):
    policy = AsyncPolicy(max_retry_attempts=3)
    cloud.functions.functions["on_upload"] = replace(cloud.functions.functions["on_upload"], policy=policy)


@pytest.mark.parametrize(
    ("fault", "check", "remedy"),
    [
        (region_elsewhere, "region thailand-id-card", "ap-southeast-2"),
        (withdrawn, "region waybill-electronic", "Route to another operation"),
        (not_subscribed, "subscription passport", "Subscribe to this API in the OCR console"),
        (not_authorized, "obs-authorization", "Enable OBS authorization in the OCR console"),
        (parallel, "journals", "plain bucket"),
        (replicated, "journals", "plain bucket"),
        (locked, "journals", "plain bucket"),
        (no_project, "enterprise-project", "Check the id"),
        (disabled_project, "enterprise-project", "Enable it"),
        (malformed_project, "enterprise-project", "UUID"),
        (used_up, "quotas", "Ask for a higher one"),
        (no_trigger, "trigger", "Make an EventGrid trigger"),
        (disabled_trigger, "trigger", "Enable it"),
        (deaf_trigger, "trigger", "all four"),
        (works_on_other_buckets, "function", "deploy again"),
        (old_runtime, "function", "Python3.10 or Python3.12"),
        (nobody_resends, "notices", "Enable it"),
        (no_policy, "retries", "async policy"),
        (no_destination, "retries", "on_failure"),
        (trigger_of_another_bucket, "trigger", "Make an EventGrid trigger"),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_exactly_the_check_of_a_fault_fails_and_says_what_to_do(cloud, doctor, fault, check, remedy):
    fault(cloud, doctor)
    result = doctor("--json")
    assert failed(result) == [check], result.output
    assert remedy in found(result)[check]["advice"]
    assert paid(cloud) == 0


@pytest.mark.parametrize(
    ("changes", "check", "remedy"),
    [
        ({"LEGIBLE_REGION": "nowhere"}, "settings", "a region's id"),
        ({"HUAWEICLOUD_SDK_AK": None, "HUAWEICLOUD_SDK_SK": ""}, "credentials", "Set HUAWEICLOUD_SDK_AK"),
        ({"HUAWEICLOUD_SDK_SK": "another"}, "credentials", "this machine's clock"),
        ({"HUAWEICLOUD_SDK_AK": "nobodys"}, "credentials", "HUAWEICLOUD_SDK_AK"),
        ({"LEGIBLE_PROJECT_ID": "0f4c"}, "project", f"Set it to {PROJECT_ID}"),
        ({"LEGIBLE_PROJECT_ID": ""}, "project", f"Set it to {PROJECT_ID}"),
        ({"LEGIBLE_INPUT_BUCKET": "elsewhere"}, "input-bucket", "in its own region"),
        ({"LEGIBLE_OUTPUT_BUCKET": "missing"}, "output-bucket", "Check the bucket's name"),
    ],
    ids=lambda value: str(next(iter(value.items()))) if isinstance(value, dict) else None,
)
def test_exactly_the_check_of_a_wrong_variable_fails(cloud, doctor, changes, check, remedy):
    """Given an input bucket elsewhere that a trigger watches, so that only its region is wrong."""
    input_elsewhere(cloud, doctor)
    eventgrid(cloud)
    urn = cloud.functions.urn("on_upload")
    every = [f"OBS:DWR:ObjectCreated:{kind}" for kind in ("PUT", "POST", "COPY", "CompleteMultipartUpload")]
    cloud.subscriptions[urn].append(triggers.subscription(urn, "elsewhere", every))
    result = doctor("--json", **changes)
    assert failed(result) == [check], result.output
    assert remedy in found(result)[check]["advice"]


def test_packages_that_are_not_as_locked_are_named(doctor, tmp_path):
    lock = tmp_path / "ship.txt"
    lock.write_text(
        "six==0.1 \\\n    --hash=sha256:0\nnosuchpackage==1\nyaml==1 ; python_full_version < '3.0'\n# via\n"
    )
    result = doctor("--json", "--lock", str(lock))
    assert failed(result) == ["packages"]
    assert "six 1.17.0, not ==0.1, nosuchpackage is missing" in found(result)["packages"]["message"]
    gone = doctor("--json", "--lock", str(tmp_path / "gone.txt"))
    assert found(gone)["packages"]["status"] == "unknown"


# --- what was uploaded


def examined(store, step=timedelta(0)):
    def clock():
        store.clock.pause(step.total_seconds())
        return store.clock.now()

    return buckets.uploads(store, Settings(cloud=Cloud("cn-north-4", "p"), buckets=Buckets(IN, OUT)), clock)


def test_an_upload_that_nobody_read_for_more_than_a_day_is_told_of():
    # given one that was read, one whose event was lost, and a marker, all two days old; and one of just now
    rig = Rig(PASSPORT)
    rig.run(rig.upload("passport/read.png"))
    rig.upload("passport/lost.png")
    rig.upload("passport/_complete", b"")
    rig.clock.pause(24 * 3600)
    assert examined(rig.store).status == "ok"
    rig.clock.pause(24 * 3600)
    rig.upload("passport/new.png")

    # when
    said = examined(rig.store)

    # then
    assert (said.status, said.message) == (
        "failed", "Uploads of more than a day ago without a record: 1 ('passport/lost.png').",
    )  # fmt: skip
    assert "rerun" in said.advice


def test_more_uploads_than_can_be_listed_in_a_minute_are_left_open():
    rig = Rig(PASSPORT)
    rig.upload("passport/a.png")
    said = examined(rig.store, step=timedelta(seconds=61))
    assert said.status == "unknown" and "--prefix" in said.advice


# --- what is no fault, and what cannot be seen


def test_an_eventgrid_trigger_is_one(cloud, doctor):
    eventgrid(cloud)
    assert failed(doctor("--json")) == []


def test_a_function_without_an_agency_has_no_keys():
    said = functions.function(Looks(function=Deployed("Python3.12", "", {})), "default", settings())
    assert said.status == "failed" and "no agency" in said.message and "execution agency" in said.advice


def test_a_variable_that_the_function_leaves_to_its_settings_file_is_not_judged():
    said = functions.function(Looks(function=Deployed("Python3.10", "exec", {"OTHER": "x"})), "default", settings())
    assert said.status == "ok"


@pytest.mark.parametrize("text", ["", "no json", "[1]"])
def test_variables_that_cannot_be_read_are_none(text):
    said = {"runtime": "Python3.12", "xrole": "config", "user_data": text}
    assert deployed(said) == Deployed("Python3.12", "config", {})


def test_notices_need_a_timer_only_where_somebody_is_told(cloud, doctor):
    assert "notices" not in found(doctor("--json"))
    told_to_somebody(cloud, doctor)
    assert found(doctor("--json"))["notices"]["status"] == "ok"


def test_a_timer_that_is_switched_off_is_none():
    told = settings(notify={"ops": Smn(topic_urn="urn:smn:cn-north-4:0123:legible")})
    off = Looks(triggers=[Trigger("TIMER", False, {"schedule": "1m"})])
    assert functions.notices(off, "default", told).status == "failed"


def test_a_trigger_that_passes_over_some_keys_says_which_it_takes():
    narrow = Trigger(
        "OBS", True, {"bucket": "in", "events": ["s3:ObjectCreated:*"], "prefix": "scans/", "suffix": ".png"}
    )
    said = functions.trigger(Looks(triggers=[narrow]), "default", settings())
    assert said.status == "ok" and "'scans/'" in said.message and "'.png'" in said.message and "nobody" in said.advice
    whole = Trigger("OBS", True, {"bucket": "in", "events": ["s3:ObjectCreated:*"], "prefix": "", "suffix": ""})
    assert functions.trigger(Looks(triggers=[narrow, whole]), "default", settings()).advice == ""


def test_temporary_keys_are_told_of(cloud, doctor):
    key = cloud.keys.temporary()
    keys = {"HUAWEICLOUD_SDK_AK": key.access, "HUAWEICLOUD_SDK_SK": key.secret}
    result = doctor("--json", **keys, HUAWEICLOUD_SDK_SECURITY_TOKEN=key.token)
    assert failed(result) == []
    assert "24 hours" in found(result)["credentials"]["advice"]
    cloud.keys.revoke(key)
    result = doctor("--json", **keys, HUAWEICLOUD_SDK_SECURITY_TOKEN=key.token)
    assert failed(result) == ["credentials"], "keys that ended"


def test_an_old_key_works_and_is_told_of(cloud, doctor):
    cloud.account.made[cloud.credentials.access] = datetime.now(timezone.utc) - timedelta(days=400)
    said = found(doctor("--json"))["credentials"]
    assert said["status"] == "ok" and "400 days ago" in said["message"] and "Make a new one" in said["advice"]


def test_a_look_that_is_forbidden_names_the_permission_and_fails_no_other_check(cloud, doctor):
    cloud.function_api.faults.add(Fault("error", "GET", "on_upload", **FORBIDDEN))
    result = doctor("--json")
    assert failed(result) == ["trigger"]
    assert "Let your user do functiongraph:trigger:list" in found(result)["trigger"]["advice"]


def test_a_service_that_is_down_leaves_its_check_open(cloud, doctor):
    cloud.function_api.faults.add(Fault("error", "GET", "quotas", times=None))
    cloud.eps.faults.add(Fault("error", "GET", "/v1.0/enterprise-projects", status=500, times=None))
    cloud.obs.faults.add(Fault("error", "GET", f"{OUTPUT_BUCKET}/", times=None))
    checks = found(doctor("--json"))
    assert {name for name, one in checks.items() if one["status"] == "unknown"} == {
        "quotas", "enterprise-project", "output-bucket", *NOTHING_YET,
    }  # fmt: skip


def test_a_proxys_page_is_no_answer(doctor):
    """Given something that answers for FunctionGraph, and is another."""

    def page(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "15")])
        return [b"<html>Hi</html>"]

    server = Server(page)
    try:
        checks = found(doctor("--json", LEGIBLE_FUNCTIONGRAPH_ENDPOINT=server.endpoint))
    finally:
        server.stop()
    for name in ("trigger", "retries", "quotas"):
        assert checks[name]["status"] == "unknown" and "is no JSON" in checks[name]["message"]
        assert "functions.endpoint" in checks[name]["advice"]


def test_obs_that_is_cut_off_leaves_its_check_open(cloud, doctor):
    cloud.obs.faults.add(Fault("cut", "HEAD", f"{INPUT_BUCKET}/", times=None))
    assert found(doctor("--json"))["input-bucket"]["status"] == "unknown"


def test_iam_that_does_not_tell_of_a_key_is_no_fault(cloud, doctor):
    cloud.account.faults.add(Fault("error", "GET", "/v3.0/*", status=403, code="IAM.0002", times=None))
    assert found(doctor("--json"))["credentials"]["message"].endswith("does not say how old they are.")


def test_without_operations_in_the_settings_nothing_is_asked_of_ocr_but_what_is_named(cloud, doctor):
    doctor.settings.write_text("")
    checks = found(doctor("--json"))
    assert checks["region"]["status"] == "ok" and "run in cn-north-4" in checks["region"]["message"]
    assert checks["subscription"]["status"] == "unknown" and "--operation passport" in checks["subscription"]["advice"]
    assert cloud.ocr.journal.calls == ()
    checks = found(doctor("--json", "--operation", "passport"))
    assert checks["subscription passport"]["status"] == "ok"


def test_where_no_operation_may_be_called_authorization_is_left_open(cloud, doctor):
    cloud.ocr.unsubscribed |= {"passport", "general-text"}
    assert found(doctor("--json"))["obs-authorization"]["status"] == "unknown"


def test_where_urls_are_not_read_authorization_is_not_needed(cloud, doctor):
    not_authorized(cloud, doctor)
    assert failed(doctor("--json", LEGIBLE_SOURCE="inline")) == []


def test_a_setup_apart_reaches_no_other_host(cloud, doctor):
    """Given no endpoint of IAM and FunctionGraph beside those of OBS and OCR: they are left alone."""
    changes = {"HUAWEICLOUD_SDK_IAM_ENDPOINT": "", "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ""}
    checks = found(doctor("--json", **changes))
    assert {name for name, one in checks.items() if one["status"] == "unknown"} == {
        "credentials", "enterprise-project", "project", "trigger-types", "runtimes", "function", "agencies", "trigger",
        "retries", "quotas", "trusted-agencies", "dropped-events", "waiting-events", *NOTHING_YET,
    }  # fmt: skip


def test_an_unknown_operation_is_refused(doctor):
    assert "There is no operation 'pasport'" in doctor("--operation", "pasport").output


def test_no_key_is_ever_shown(cloud, doctor):
    for changes in ({}, {"HUAWEICLOUD_SDK_SK": "another-secret"}):
        shown = doctor("--json", **changes).output
        assert "another-secret" not in shown and cloud.credentials.secret not in shown


# --- single checks


class Looks:
    """An inspector that has seen this."""

    def __init__(self, **seen):
        self.seen = seen

    def project(self):
        return self.seen["project"]

    def quotas(self):
        return self.seen["quotas"]

    def function(self, package, name):
        return self.seen["function"]

    def triggers(self, package, name):
        return self.seen["triggers"]

    def enterprise_project(self, wanted):
        return True


def settings(**changes):
    return Settings(cloud=Cloud("cn-north-4", "p"), buckets=Buckets("in", "out"), **changes)


def test_the_project_is_found_where_no_permission_is_needed(cloud, doctor):
    """Given a user who may list no projects of others, as `legible policy operator` leaves it."""
    cloud.account.faults.add(Fault("error", "GET", "/v3/projects", **FORBIDDEN))
    assert failed(doctor("--json")) == []


def test_a_user_without_a_project_in_the_region():
    assert account.project(Looks(project=""), settings()).advice == "Check cloud.region."


def test_a_quota_that_is_nearly_used_up_is_told_of():
    said = account.quotas(Looks(quotas=[Quota("fgs_func_num", 95, 100), Quota("fgs_func_occurs", 9, 9)]))
    assert (said.status, said.message, said.advice) == (
        "ok",
        "Used: 95 of 100 functions.",
        "Ask for a higher one soon.",
    )
    assert account.quotas(Looks(quotas=[])).status == "unknown"


def test_several_triggers_together_see_what_one_misses():
    def on(*kinds):
        return Trigger("OBS", True, {"bucket": "in", "events": [f"s3:ObjectCreated:{kind}" for kind in kinds]})

    both = [on("Put", "Post"), on("Copy", "CompleteMultipartUpload"), Trigger("TIMER", True, {})]
    assert functions.trigger(Looks(triggers=both), "default", settings()).status == "ok"
    assert functions.trigger(Looks(triggers=both[:1]), "default", settings()).status == "failed"


def test_triggers_of_both_kinds_call_twice():
    """Given Terraform's trigger, and the one that the Serverless plugin puts beside it."""

    def every(kind, active=True):
        return Trigger(kind, active, {"bucket": "in", "events": ["s3:ObjectCreated:*"]})

    said = functions.trigger(Looks(triggers=[every("OBS"), every("EVENTGRID")]), "default", settings())
    assert said.status == "failed" and "twice" in said.message and "Remove one" in said.advice
    off = [every("OBS"), every("EVENTGRID", active=False)]
    assert functions.trigger(Looks(triggers=off), "default", settings()).status == "ok"


def test_the_default_enterprise_project_is_not_asked_for():
    said = account.enterprise_project(Looks(), settings(ocr=Ocr(enterprise_project="0")))
    assert said.status == "ok" and "ap-southeast-1" in said.advice, "this region is not one where they count"
    assert account.enterprise_project(Looks(), settings()).status == "ok"


def test_an_operation_is_looked_for_where_it_is_called():
    thai, today = OPERATIONS["thailand-id-card"], date(2026, 11, 25)
    there = settings(operations={"thailand-id-card": OperationSettings(region="ap-southeast-2")})
    assert recognition.region(thai, there, today).status == "ok"
    assert recognition.region(thai, settings(), today).status == "failed"
    assert recognition.region(OPERATIONS["auto-id-doc-classification"], settings(), today).status == "unknown"
    gone = OPERATIONS["waybill-electronic"]
    kept = settings(operations={gone.slug: OperationSettings(live=True)})
    assert recognition.region(gone, kept, today).status == "unknown", "the settings say that it lives"


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (SourceUnreadableError("x", vendor_code="ModelArts.4702"), "failed"),
        (SourceUnreadableError("x", vendor_code="ModelArts.4704"), "unknown"),
        (RejectedError("x", code="object-gone"), "ok"),
        (RejectedError("x", code="image-refused"), "unknown"),
        (HeldError("x"), "unknown"),
        (UnavailableError("x"), "unknown"),
        ({"result": {}}, "unknown"),
    ],
)
def test_what_the_probe_for_authorization_means(reply, status):
    said = probe.authorization(ScriptedOcr(reply), OPERATIONS["passport"], "https://in.example/nothing.png", print)
    assert said.status == status
