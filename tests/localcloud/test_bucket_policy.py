"""Policies of the local buckets: whom they let in without keys, and whom they shut out with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from obs import ObsClient

from localcloud.obs import LocalObs
from localcloud.web import Server


def statement(effect: str, *actions: str, place: str = "docs/*", who: Any = None, **condition: Any) -> dict[str, Any]:
    made = {"Effect": effect, "Principal": who or {"ID": ["*"]}, "Action": list(actions), "Resource": [place]}
    return made | ({"Condition": condition} if condition else {})


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


@pytest.fixture
def put(client: ObsClient) -> Callable[[str, bytes], None]:
    def put(key: str, body: bytes) -> None:
        assert client.putContent("docs", key, body).status == 200

    return put


def test_a_policy_is_set_read_and_removed_by_the_vendors_sdk(client: ObsClient) -> None:
    assert (client.getBucketPolicy("docs").status, client.getBucketPolicy("docs").errorCode) == (
        404,
        "NoSuchBucketPolicy",
    )
    assert client.setBucketPolicy("docs", policy(statement("Allow", "GetObject"))).status == 204
    assert "GetObject" in client.getBucketPolicy("docs").body.policyJSON
    assert client.getBucketPublicStatus("docs").body.status is True
    assert client.deleteBucketPolicy("docs").status == 204
    assert client.getBucketPublicStatus("docs").body.status is False


def test_a_bucket_is_public_by_its_acl_too(client: ObsClient) -> None:
    client.setBucketAcl("docs", aclControl="public-read")
    assert client.getBucketPublicStatus("docs").body.status is True
    client.setBucketAcl("docs", aclControl="private")
    assert client.getBucketPublicStatus("docs").body.status is False


def test_everybody_reads_what_a_policy_gives_to_everybody(
    client: ObsClient, put: Any, server: Server, local_obs: LocalObs
) -> None:
    put("a.png", b"a")
    put("secret/b.png", b"b")
    assert requests.get(f"{server.endpoint}/docs/a.png", timeout=5).status_code == 403
    client.setBucketPolicy(
        "docs", policy(statement("Allow", "GetObject"), statement("Deny", "*", place="docs/secret/*", who="*"))
    )
    assert requests.get(f"{server.endpoint}/docs/a.png", timeout=5).content == b"a"
    assert requests.get(f"{server.endpoint}/docs/secret/b.png", timeout=5).status_code == 403
    assert requests.put(f"{server.endpoint}/docs/a.png", b"x", timeout=5).status_code == 403
    assert requests.get(f"{server.endpoint}/docs", timeout=5).status_code == 403
    assert (local_obs.read("docs", "a.png").public, local_obs.read("docs", "secret/b.png").forbidden) == (True, True)


def test_who_may_not_list_is_not_told_that_something_is_missing(client: ObsClient, server: Server) -> None:
    client.setBucketPolicy("docs", policy(statement("Allow", "GetObject")))
    assert requests.get(f"{server.endpoint}/docs/none.png", timeout=5).status_code == 403
    client.setBucketPolicy("docs", policy(statement("Allow", "GetObject"), statement("Allow", "List*", place="docs")))
    assert requests.get(f"{server.endpoint}/docs/none.png", timeout=5).status_code == 404


def test_a_deny_also_hits_who_has_keys_or_a_signed_url(client: ObsClient, put: Any) -> None:
    put("a.png", b"a")
    signed = client.createSignedUrl("GET", "docs", "a.png", expires=60).signedUrl
    assert requests.get(signed, timeout=5).content == b"a"
    client.setBucketPolicy("docs", policy(statement("Deny", "GetObject")))
    assert requests.get(signed, timeout=5).status_code == 403
    assert client.getObject("docs", "a.png").status == 403


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"StringNotLike": {"UserAgent": ["obs-*"]}}, 403),
        ({"StringLike": {"UserAgent": "python-*"}}, 403),
        ({"StringEquals": {"Referer": ["https://elsewhere.example"]}}, 200),
        ({"StringNotEquals": {"Referer": [""]}}, 200),
        ({"Bool": {"SecureTransport": ["true"]}}, 200),
        ({"IpAddress": {"SourceIp": ["127.0.0.1"]}}, 403),
        ({"NotIpAddress": {"SourceIp": ["192.0.2.1"]}}, 403),
    ],
    ids=str,
)
def test_conditions_are_met_by_the_request(
    client: ObsClient, put: Any, local_obs: LocalObs, condition: Any, status: int
) -> None:
    put("a.png", b"a")
    signed = client.createSignedUrl("GET", "docs", "a.png", expires=60).signedUrl
    local_obs.set_policy("docs", policy(statement("Deny", "GetObject", **condition)))
    assert requests.get(signed, timeout=5).status_code == status


@pytest.mark.parametrize(
    "text", ["no json", "[]", "{}", '{"Statement": 1}', policy(statement("Deny", "*", NumericEquals={}))]
)
def test_what_is_no_policy_or_not_imitated_is_refused(client: ObsClient, text: str) -> None:
    answer = client.setBucketPolicy("docs", text)
    assert (answer.status, answer.errorCode) == (400, "MalformedPolicy")


def test_a_policy_survives_a_restart(tmp_path: Any, keys: Any, key: Any, connect: Any) -> None:
    first = LocalObs(keys, tmp_path)
    first.create_bucket("docs")
    first.set_policy("docs", policy(statement("Allow", "GetObject")))
    first.close()
    again = LocalObs(keys, tmp_path)
    server = again.serve()
    try:
        assert connect(server.endpoint, key).getBucketPublicStatus("docs").body.status is True
    finally:
        server.stop()
        again.close()
