"""``legible doctor`` and the ways in which the service reads OBS: whether each works, and who else reads."""

from __future__ import annotations

import json

import pytest

from legible.errors import HeldError, RejectedError
from legible.huawei.credentials import Credentials
from legible.operations.catalog import OPERATIONS
from legible.settings import toml_file
from legible_cli.doctor.bucket_policy import lets_everybody_read, shuts_out
from legible_cli.doctor.reading import Reading
from legible_cli.doctor.storage import Storage
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.doctor import failed, found, paid
from tests.support.fakes import ScriptedOcr
from tests.support.rig import picture

pytestmark = pytest.mark.no_cover  # its subject is the command

BUCKETS = (INPUT_BUCKET, OUTPUT_BUCKET)
LOUD = "ANYBODY ON THE INTERNET MAY READ"


def policy(effect, *places, **condition):
    one = {"Effect": effect, "Principal": {"ID": ["*"]}, "Action": ["GetObject"], "Resource": list(places)}
    return json.dumps({"Statement": [one | ({"Condition": condition} if condition else {})]})


def open_to_all(cloud, *places):
    for bucket in BUCKETS:
        mine = [place for place in places if place.startswith(f"{bucket}/")]
        cloud.obs.set_policy(bucket, policy("Allow", *mine) if mine else "")


def public(cloud):
    open_to_all(cloud, f"{INPUT_BUCKET}/*", f"{OUTPUT_BUCKET}/work/*")


def set_to(doctor, text):
    doctor.settings.write_text(doctor.settings.read_text().replace("[ocr]\n", f"[ocr]\n{text}\n"))


# --- strangers


@pytest.mark.parametrize("source", ["url", "signed-url", "inline"])
@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_public_bucket_that_no_setting_asks_for_is_told_of_loudly(cloud, doctor, source, bucket):
    open_to_all(cloud, f"{bucket}/*")
    result = doctor("--json", LEGIBLE_SOURCE=source)
    assert failed(result) == ["public-access"]
    said = found(result)["public-access"]
    assert said["message"] == f"{LOUD} {bucket}." and "block public access" in said["advice"]


def test_a_bucket_that_is_public_by_its_acl_is_too(cloud, doctor):
    clouds.client(cloud).setBucketAcl(OUTPUT_BUCKET, aclControl="public-read")
    assert failed(doctor("--json")) == ["public-access"]
    assert failed(doctor("--json", LEGIBLE_SOURCE="public-url")) == ["public-access", "public-read"]


def test_results_that_are_public_are_a_fault_even_where_public_read_is_set(cloud, doctor):
    open_to_all(cloud, f"{INPUT_BUCKET}/*", f"{OUTPUT_BUCKET}/*")
    result = doctor("--json", LEGIBLE_SOURCE="public-url")
    assert failed(result) == ["public-access"]
    assert f"{OUTPUT_BUCKET}/work/*" in found(result)["public-access"]["advice"]


class Silent(Storage):
    """Buckets that do not tell whom they let in: the region has no such answer yet, or the user may not ask."""

    def public(self, name):
        raise HeldError(f"OBS refuses to tell of {name}: 405 MethodNotAllowed.")

    def policy(self, name):
        raise HeldError(f"OBS refuses to tell of {name}: 403 AccessDenied.")


@pytest.mark.parametrize("way", ["url", "public-url"])
def test_obs_that_does_not_tell_who_may_read_is_no_fault(cloud, way):
    keys = Credentials(cloud.credentials.access, cloud.credentials.secret, "")
    mine = toml_file.load(None, {**cloud.user_data, "LEGIBLE_SOURCE": way}.get)
    reading = Reading(mine, clouds.store(cloud), Silent(mine, keys))
    assert reading.public().status == "unknown"
    said = list(reading.ways(ScriptedOcr(RejectedError("x", code="object-gone")), OPERATIONS["passport"], print))
    assert [one.status for one in said] == (["ok"] if way == "url" else ["ok", "unknown"])


# --- service authorization


def test_authorization_is_not_proven_by_a_bucket_that_anybody_may_read(cloud, doctor):
    open_to_all(cloud, f"{INPUT_BUCKET}/*")
    said = found(doctor("--json"))["obs-authorization"]
    assert said["status"] == "unknown" and "so may anybody" in said["message"]


@pytest.mark.parametrize("source", ["signed-url", "public-url", "inline"])
def test_authorization_is_not_asked_for_where_another_way_is_set(cloud, doctor, source):
    public(cloud)
    cloud.ocr.reader.authorized = False
    said = found(doctor("--json", LEGIBLE_SOURCE=source))["obs-authorization"]
    assert said["status"] == "ok" and source in said["message"]


# --- temporary signed URLs


def signed(doctor):
    return doctor("--json", LEGIBLE_SOURCE="signed-url")


def test_a_signed_url_is_tried_by_the_service_and_nothing_is_paid(cloud, doctor):
    cloud.ocr.reader.authorized = False
    result = signed(doctor)
    assert failed(result) == []
    assert "lasts 900 s" in found(result)["signed-url"]["message"]
    assert paid(cloud) == 0


@pytest.mark.parametrize(("seconds", "status"), [(60, "failed"), (124, "failed"), (125, "ok"), (900, "ok")])
def test_a_signed_url_lasts_until_the_page_was_read(cloud, doctor, seconds, status):
    """Given calls of 60 s at most, one of which may be waited for, and pauses of 5 s."""
    set_to(doctor, f"signed_url_seconds = {seconds}")
    said = found(signed(doctor))["signed-url"]
    assert said["status"] == status
    assert ("Set ocr.signed_url_seconds to 125" in said["advice"]) == (status == "failed")


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize(
    ("condition", "said"),
    [({}, "forbids everybody"), ({"StringNotLike": {"UserAgent": ["obs-sdk*"]}}, "refuses a signed URL")],
    ids=["always", "by agent"],
)
def test_a_policy_that_forbids_signed_urls_is_found(cloud, doctor, bucket, condition, said):
    cloud.obs.set_policy(bucket, policy("Deny", f"{bucket}/*", **condition))
    result = signed(doctor)
    assert "signed-url" in failed(result)
    assert said in found(result)["signed-url"]["message"] and bucket in found(result)["signed-url"]["message"]


def test_a_policy_that_may_forbid_the_service_and_not_this_machine_is_said_to_be_unseen(cloud, doctor):
    cloud.obs.set_policy(INPUT_BUCKET, policy("Deny", f"{INPUT_BUCKET}/*", NotIpAddress={"SourceIp": ["127.0.0.1"]}))
    result = signed(doctor)
    assert failed(result) == []
    said = found(result)["signed-url"]
    assert said["status"] == "unknown" and "SourceIp" in said["message"]


def test_the_policy_that_terraform_makes_forbids_no_signed_url(cloud, doctor):
    """Given that plain HTTP is forbidden, and that this test speaks it: only what the policy says is judged."""
    one = json.loads(policy("Deny", f"{INPUT_BUCKET}/*", Bool={"SecureTransport": ["false"]}))["Statement"]
    assert shuts_out(one, f"{INPUT_BUCKET}/a.png") == []


def test_a_service_that_does_not_get_through_leaves_it_open(cloud, doctor):
    for bucket in BUCKETS:
        cloud.obs.set_policy(bucket, policy("Deny", f"{bucket}/*", StringLike={"UserAgent": ["Python-urllib*"]}))
    said = found(signed(doctor))["signed-url"]
    assert said["status"] == "unknown" and "UserAgent" in said["message"]


def test_the_ocr_services_own_word_is_told(cloud, doctor):
    cloud.ocr.faults.add(
        *(Fault("error", "POST", slug, code="AIS.0101", times=1) for slug in ("general-text", "passport")),
        Fault("error", "POST", "general-text", code="ModelArts.4704", times=1),
    )
    said = found(signed(doctor))["signed-url"]
    assert said["status"] == "unknown" and "whether the service does" in said["message"]


def test_a_user_who_may_not_read_cannot_try(cloud, doctor):
    cloud.obs.faults.add(
        Fault("error", "HEAD", f"{INPUT_BUCKET}/.legible*", status=403, code="AccessDenied", times=None)
    )
    cloud.obs.faults.add(
        Fault("error", "GET", f"{INPUT_BUCKET}/.legible*", status=403, code="AccessDenied", times=None)
    )
    said = found(signed(doctor))["signed-url"]
    assert said["status"] == "unknown" and "Your user may not read" in said["message"]


# --- anonymous public read


def anonymous(doctor):
    return doctor("--json", LEGIBLE_SOURCE="public-url")


def test_public_read_that_is_set_and_there_is_told_of_loudly_and_is_no_fault(cloud, doctor):
    public(cloud)
    cloud.ocr.reader.authorized = False
    clouds.upload(cloud, "passport/a.png", picture())
    assert cloud.wait_idle(60)
    result = anonymous(doctor)
    assert failed(result) == []
    assert found(result)["public-access"]["message"].startswith(LOUD)
    assert "'url' does without" in found(result)["public-access"]["advice"]
    assert found(result)["public-read"]["status"] == "ok"


@pytest.mark.parametrize("uploaded", [True, False])
def test_public_read_that_is_set_and_not_there_is_found(cloud, doctor, uploaded):
    """Given an object to try, or none, so that the policy is all that is seen."""
    if uploaded:
        clouds.upload(cloud, "passport/a.png", picture())
        assert cloud.wait_idle(60)
    result = anonymous(doctor)
    assert failed(result) == ["public-read"]
    said = found(result)["public-read"]
    assert INPUT_BUCKET in said["message"] and f"{OUTPUT_BUCKET}/work/*" in said["advice"]


def test_rendered_pages_must_be_public_too(cloud, doctor):
    open_to_all(cloud, f"{INPUT_BUCKET}/*")
    result = anonymous(doctor)
    assert failed(result) == ["public-read"]
    assert f"may read {OUTPUT_BUCKET}/work/:" in found(result)["public-read"]["message"]


def test_one_object_that_is_public_by_its_own_acl_is_seen_by_opening_it(cloud, doctor):
    open_to_all(cloud, f"{OUTPUT_BUCKET}/work/*")
    clouds.upload(cloud, "passport/a.png", picture())
    clouds.client(cloud).setObjectAcl(INPUT_BUCKET, "passport/a.png", aclControl="public-read")
    assert failed(anonymous(doctor)) == []


def test_where_nothing_lies_there_and_the_policy_has_conditions_it_is_unseen(cloud, doctor):
    public(cloud)
    clouds.client(cloud).setBucketAcl(INPUT_BUCKET, aclControl="public-read")
    cloud.obs.set_policy(INPUT_BUCKET, "")
    said = found(anonymous(doctor))["public-read"]
    assert said["status"] == "unknown" and INPUT_BUCKET in said["message"]


# --- what policies of buckets say


@pytest.mark.parametrize(
    ("changes", "reads"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"ID": "*"}}, True),
        ({"Principal": {"ID": ["domain/0f:user/1"]}}, False),
        ({"Action": "*"}, True),
        ({"Action": ["Get*"]}, True),
        ({"Action": ["obs:object:GetObject"]}, True),
        ({"Action": ["PutObject"]}, False),
        ({"Resource": ["in/passport/*"]}, True),
        ({"Resource": ["in/other/*"]}, False),
        ({"Resource": None}, False),
        ({"Condition": {"IpAddress": {"SourceIp": ["192.0.2.0/24"]}}}, False),
        ({"Effect": "Deny"}, False),
    ],
    ids=str,
)
def test_whom_a_policy_lets_read(changes, reads):
    one = {"Effect": "Allow", "Principal": {"ID": ["*"]}, "Action": ["GetObject"], "Resource": ["in/*"]} | changes
    assert lets_everybody_read([one], "in/passport/a.png") is reads
    refusal = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "in/*"}
    assert lets_everybody_read([one, refusal], "in/passport/a.png") is False


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({}, ["always"]),
        ({"Effect": "Allow"}, []),
        ({"Resource": ["in/other/*"]}, []),
        ({"Condition": {"NotIpAddress": {"SourceIp": ["192.0.2.0/24"]}}}, ["SourceIp"]),
        ({"Condition": {"Bool": {"obs:SecureTransport": ["false"]}}}, []),
        (
            {"Condition": {"Bool": {"SecureTransport": ["false"]}, "StringLike": {"Referer": ["x"]}}},
            ["SecureTransport", "Referer"],
        ),
        ({"Principal": None, "NotPrincipal": {"ID": ["domain/0f"]}}, ["always"]),
        ({"Principal": {"ID": ["domain/0f:user/1"]}}, []),
    ],
    ids=str,
)  # fmt: skip
def test_whom_a_policy_shuts_out(changes, by):
    one = {"Effect": "Deny", "Principal": {"ID": ["*"]}, "Action": ["*"], "Resource": ["in/*"]} | changes
    assert shuts_out([one], "in/passport/a.png") == by
