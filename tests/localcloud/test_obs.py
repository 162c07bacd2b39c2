"""The local OBS as esdk sees it: keys, ranges, lists, signatures, faults, state on disk."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from obs import CompleteMultipartUploadRequest, CompletePart, DeleteObjectsRequest, GetObjectHeader, Object, ObsClient

from localcloud.faults import Fault
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.obs import LocalObs, ObsError
from localcloud.web import Server

KEYS = [
    "a b/c.png",
    "文件/护照.png",
    "ü+&=?#%2F~.png",
    "😀",
    "a//b",
    "/lead",
    "folder/",
    "..",
    "a/../b",
    "new\nline",
    "a'b\"<c>",
    "é" * 512,
]


def _body(client: ObsClient, key: str, **options: Any) -> bytes:
    return bytes(client.getObject("docs", key, loadStreamInMemory=True, **options).body.buffer)


@pytest.mark.parametrize("signature", ["v2", "obs"])
@pytest.mark.parametrize("key_name", KEYS)
def test_any_key_is_stored_and_read_back(
    server: Server, key: AccessKey, connect: Callable[..., ObsClient], signature: str, key_name: str
) -> None:
    # given
    client = connect(server.endpoint, key, signature)

    # when
    put = client.putContent("docs", key_name, "content", metadata={"my_note": "x"})

    # then
    assert put.status == 200
    assert _body(client, key_name) == b"content"
    head = client.getObjectMetadata("docs", key_name)
    assert head.body.etag == put.body.etag == '"9a0364b9e99bb480dd25e1f0284c8555"'
    assert head.body.lastModified.endswith("GMT")
    assert dict(head.header)["my_note"] == "x"
    assert [entry.key for entry in client.listObjects("docs").body.contents] == [key_name]
    assert client.deleteObject("docs", key_name).status == 204
    assert client.getObject("docs", key_name).errorCode == "NoSuchKey"


def test_ranges_lists_and_markers(client: ObsClient) -> None:
    # given
    for name in ("in/a", "in/b", "in/deep/c", "out/d"):
        client.putContent("docs", name, "0123456789")

    # then
    assert _body(client, "in/a", headers=GetObjectHeader(range="2-4")) == b"234"
    page = client.listObjects("docs", prefix="in/", delimiter="/", max_keys=1).body
    assert ([entry.key for entry in page.contents], page.is_truncated) == (["in/a"], True)
    rest = client.listObjects("docs", prefix="in/", delimiter="/", marker=page.next_marker).body
    assert [entry.key for entry in rest.contents] == ["in/b"]
    assert [entry.prefix for entry in rest.commonPrefixs] == ["in/deep/"]


def test_missing_things(client: ObsClient) -> None:
    head = client.getObjectMetadata("docs", "none")
    assert (head.status, client.getObject("nobucket", "x").errorCode) == (404, "NoSuchBucket")
    assert client.putContent("nobucket", "x", "y").errorCode == "NoSuchBucket"


def test_buckets_know_their_region(client: ObsClient) -> None:
    assert client.createBucket("other", location="cn-east-3").status == 200
    assert client.getBucketLocation("docs").body.location == "cn-north-4"
    assert client.getBucketLocation("other").body.location == "cn-east-3"


def test_a_corrupted_upload_is_refused(client: ObsClient) -> None:
    from obs import PutObjectHeader

    answer = client.putContent("docs", "x", "abc", headers=PutObjectHeader(md5="AAAAAAAAAAAAAAAAAAAAAA=="))

    assert (answer.status, answer.errorCode) == (400, "BadDigest")


class TestSignature:
    def test_unknown_key(self, server: Server, connect: Callable[..., ObsClient]) -> None:
        answer = connect(server.endpoint, AccessKey("NOBODY", "x")).getObject("docs", "a")
        assert (answer.status, answer.errorCode) == (403, "InvalidAccessKeyId")

    def test_wrong_secret(self, server: Server, key: AccessKey, connect: Callable[..., ObsClient]) -> None:
        answer = connect(server.endpoint, dataclasses.replace(key, secret="x")).putContent("docs", "a", "b")
        assert (answer.status, answer.errorCode) == (403, "SignatureDoesNotMatch")

    def test_no_signature(self, server: Server, client: ObsClient) -> None:
        client.putContent("docs", "a", "b")
        answer = requests.get(f"{server.endpoint}/docs/a", timeout=5)
        assert answer.status_code == 403
        assert "<Code>AccessDenied</Code>" in answer.text

    def test_version_4_is_refused(self, server: Server, key: AccessKey) -> None:
        answer = requests.get(
            f"{server.endpoint}/docs/a", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, timeout=5
        )
        assert answer.status_code == 403

    def test_temporary_key_needs_its_token(
        self, server: Server, keys: Keyring, connect: Callable[..., ObsClient]
    ) -> None:
        key = keys.temporary()
        assert connect(server.endpoint, key).putContent("docs", "a", "b").status == 200
        assert connect(server.endpoint, dataclasses.replace(key, token="")).getObject("docs", "a").status == 403
        assert connect(server.endpoint, dataclasses.replace(key, token="x")).getObject("docs", "a").status == 403

    def test_expired_key(self, server: Server, keys: Keyring, connect: Callable[..., ObsClient]) -> None:
        answer = connect(server.endpoint, keys.temporary(lifetime=-1)).getObject("docs", "a")
        assert (answer.status, answer.errorCode) == (403, "ExpiredToken")

    def test_old_date(self, server: Server, key: AccessKey, client: ObsClient) -> None:
        answer = requests.get(
            f"{server.endpoint}/docs/a",
            headers={"Authorization": f"AWS {key.access}:x", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"},
            timeout=5,
        )
        assert "RequestTimeTooSkewed" in answer.text

    def test_public_objects_are_for_everybody(self, server: Server, client: ObsClient) -> None:
        from obs import HeadPermission, PutObjectHeader

        client.putContent("docs", "open", "b", headers=PutObjectHeader(acl=HeadPermission.PUBLIC_READ))
        assert requests.get(f"{server.endpoint}/docs/open", timeout=5).content == b"b"
        assert requests.put(f"{server.endpoint}/docs/open", data=b"c", timeout=5).status_code == 403

    @pytest.mark.parametrize("signature", ["v2", "obs"])
    def test_signed_url(self, server: Server, keys: Keyring, connect: Callable[..., ObsClient], signature: str) -> None:
        # given
        client = connect(server.endpoint, keys.temporary(), signature)
        client.putContent("docs", "文 件+.png", "abc")

        # when
        url = client.createSignedUrl("GET", "docs", "文 件+.png", expires=60).signedUrl
        old = client.createSignedUrl("GET", "docs", "文 件+.png", expires=-5).signedUrl

        # then
        assert requests.get(url, timeout=5).content == b"abc"
        assert requests.get(url.replace("Signature=", "Signature=x"), timeout=5).status_code == 403
        assert requests.get(url.replace(".png", ".jpg"), timeout=5).status_code == 403
        assert "expired" in requests.get(old, timeout=5).text
        assert requests.put(url, data=b"x", timeout=5).status_code == 403


class TestFaults:
    def test_slow_down_for_the_next_two_puts(self, local_obs: LocalObs, client: ObsClient) -> None:
        # given
        local_obs.faults.add(Fault("error", method="PUT", path="docs/in/*", times=2))

        # when
        answers = [client.putContent("docs", name, "x") for name in ("other", "in/a", "in/a", "in/a")]

        # then
        assert [answer.status for answer in answers] == [200, 503, 503, 200]
        assert answers[1].errorCode == "SlowDown"

    def test_delay(self, local_obs: LocalObs, client: ObsClient) -> None:
        local_obs.faults.add(Fault("delay", seconds=0.2))
        started = time.monotonic()
        assert client.putContent("docs", "a", "x").status == 200
        assert time.monotonic() - started >= 0.2

    def test_a_lost_answer_is_work_done(self, local_obs: LocalObs, client: ObsClient) -> None:
        # given
        local_obs.faults.add(Fault("lost-answer", method="PUT"), Fault("cut", method="PUT"))

        # when
        for name in ("lost", "cut"):
            with pytest.raises(ConnectionError):
                client.putContent("docs", name, "x")

        # then
        assert local_obs.read("docs", "lost").content == b"x"
        with pytest.raises(ObsError, match="NoSuchKey"):
            local_obs.read("docs", "cut")

    def test_a_seed_draws_the_same_faults_again(self, local_obs: LocalObs, client: ObsClient) -> None:
        def statuses() -> list[int]:
            local_obs.faults.draw(7, {"error": 0.3})
            return [client.putContent("docs", f"k{number}", "x").status for number in range(20)]

        # when
        first, second = statuses(), statuses()
        local_obs.faults.clear()

        # then
        assert first == second
        assert {200, 503} == set(first)
        assert client.putContent("docs", "k", "x").status == 200


class TestState:
    @pytest.fixture
    def restart(self, keys: Keyring, key: AccessKey, tmp_path: Path, connect: Callable[..., ObsClient]) -> Any:
        running: list[tuple[LocalObs, Server]] = []

        def restart() -> ObsClient:
            stop()
            obs = LocalObs(keys, tmp_path / "obs")
            obs.create_bucket("docs")
            running.append((obs, obs.serve()))
            return connect(running[0][1].endpoint, key)

        def stop() -> None:
            for obs, server in running:
                server.stop()
                obs.close()
            running.clear()

        yield restart
        stop()

    @pytest.mark.parametrize("key_name", KEYS)
    def test_objects_survive(self, restart: Callable[[], ObsClient], key_name: str) -> None:
        # given
        client = restart()
        from obs import PutObjectHeader

        client.putContent(
            "docs", key_name, "content", metadata={"n": "v"}, headers=PutObjectHeader(contentType="image/png")
        )
        before = client.getObjectMetadata("docs", key_name)

        # when
        client = restart()

        # then
        after = client.getObjectMetadata("docs", key_name)
        assert _body(client, key_name) == b"content"
        assert after.body == before.body
        assert dict(after.header)["n"] == "v"

    def test_appendable_objects_stay_appendable(self, restart: Callable[[], ObsClient]) -> None:
        # given
        client = restart()
        client.appendObject("docs", "j", content={"position": 0, "content": "one"})
        client.putContent("docs", "p", "abc")

        # when
        client = restart()

        # then
        assert client.appendObject("docs", "j", content={"position": 3, "content": "two"}).status == 200
        assert client.appendObject("docs", "p", content={"position": 3, "content": "x"}).status == 409
        assert _body(restart(), "j") == b"onetwo"

    def test_overwritten_and_deleted_objects(self, restart: Callable[[], ObsClient], tmp_path: Path) -> None:
        # given
        client = restart()
        for content in ("one", "two", "three"):
            client.putContent("docs", "a", content)
        for name in ("b", "c & <d>"):
            client.putContent("docs", name, "x")
        client.deleteObject("docs", "b")
        client.deleteObjects("docs", DeleteObjectsRequest(quiet=False, objects=[Object(key="c & <d>")]))

        # when
        client = restart()

        # then
        assert [entry.key for entry in client.listObjects("docs").body.contents] == ["a"]
        assert _body(client, "a") == b"three"
        # An index, its data and the bucket's own file: nothing is left behind.
        assert len(list((tmp_path / "obs" / "docs").iterdir())) == 3

    def test_versions_survive(self, restart: Callable[[], ObsClient]) -> None:
        # given
        client = restart()
        client.setBucketVersioning("docs", "Enabled")
        first = client.putContent("docs", "a", "one").body.versionId
        second = client.putContent("docs", "a", "two").body.versionId
        client.putContent("docs", "gone", "x")
        client.deleteObject("docs", "gone")

        # when
        client = restart()

        # then
        assert _body(client, "a") == b"two"
        assert _body(client, "a", getObjectRequest=_version(first)) == b"one"
        assert client.getObjectMetadata("docs", "a").body.versionId == second
        assert client.getObject("docs", "gone").status == 404
        third = client.putContent("docs", "a", "three").body.versionId
        assert len({first, second, third}) == 3

    def test_parts_and_public_objects(self, restart: Callable[[], ObsClient]) -> None:
        # given
        client = restart()
        upload = client.initiateMultipartUpload("docs", "big").body.uploadId
        part = client.uploadPart("docs", "big", 1, upload, content="abc").body.etag
        done = client.completeMultipartUpload(
            "docs", "big", upload, CompleteMultipartUploadRequest(parts=[CompletePart(1, part)])
        )
        client.setObjectAcl("docs", "big", aclControl="public-read")

        # when
        client = restart()

        # then
        assert client.getObjectMetadata("docs", "big").body.etag == done.body.etag
        url = f"http://{client.server}:{client.port}/docs/big"
        assert requests.get(url, timeout=5).content == b"abc"

    def test_buckets_survive(self, restart: Callable[[], ObsClient]) -> None:
        client = restart()
        client.createBucket("made")
        client.createBucket("unmade")
        client.deleteBucket("unmade")
        assert sorted(bucket.name for bucket in restart().listBuckets().body.buckets) == ["docs", "made"]


def test_two_clouds_in_one_process_share_nothing(
    keys: Keyring, key: AccessKey, connect: Callable[..., ObsClient]
) -> None:
    # given
    both = [LocalObs(keys), LocalObs(keys)]
    servers = [obs.serve() for obs in both]
    for obs in both:
        obs.create_bucket("docs")
    clients = [connect(server.endpoint, key) for server in servers]

    # when
    clients[0].putContent("docs", "a", "x")

    # then
    assert clients[0].getObjectMetadata("docs", "a").status == 200
    assert clients[1].getObjectMetadata("docs", "a").status == 404
    for server, obs in zip(servers, both, strict=True):
        server.stop()
        obs.close()


def _version(version: str) -> Any:
    from obs import GetObjectRequest

    return GetObjectRequest(versionId=version)
