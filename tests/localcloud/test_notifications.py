"""What a function is told of uploads, in both envelopes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote_plus

import pytest
import requests
from obs import CompleteMultipartUploadRequest, CompletePart, FunctionGraphConfiguration, Notification, ObsClient

from localcloud.faults import Fault
from localcloud.iam.credentials import AccessKey
from localcloud.obs import LocalObs, Subscription
from localcloud.web import Server

ODD_KEYS = ["passport/a.png", "a b+c/文件 😀.png", "100%/x&y=z?#.png", "%41.png", "a//b", "é" * 512]


def _subscribe(obs: LocalObs, **options: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    obs.subscribe(Subscription("docs", events.append, **options))
    return events


@pytest.mark.parametrize("name", ODD_KEYS)
def test_classic_envelope(local_obs: LocalObs, client: ObsClient, name: str) -> None:
    # given
    events = _subscribe(local_obs, envelope="classic")

    # when
    put = client.putContent("docs", name, "12345")

    # then
    [record] = events[0]["Records"]
    found = record["s3"]["object"]
    assert unquote_plus(found["key"]) == name
    assert found["key"].isascii()
    assert (found["size"], found["eTag"], found["versionId"]) == (5, put.body.etag.strip('"'), "null")
    assert record["s3"]["bucket"]["name"] == "docs"
    assert (record["eventVersion"], record["eventName"]) == ("2.0", "ObjectCreated:Put")
    assert record["awsRegion"] == "cn-north-4"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["eventTime"])


@pytest.mark.parametrize("name", ODD_KEYS)
def test_eventgrid_envelope(local_obs: LocalObs, client: ObsClient, name: str) -> None:
    # given
    events = _subscribe(local_obs, envelope="eventgrid")

    # when
    put = client.putContent("docs", name, "12345")

    # then
    [event] = events
    found = event["data"]["obs"]["object"]
    assert unquote_plus(found["key"]) == unquote_plus(event["subject"]) == name
    assert (found["size"], found["eTag"], found["sequencer"]) == (5, put.body.etag.strip('"'), "1")
    assert found["versionId"].endswith("null")
    assert (event["source"], event["type"]) == ("HC.OBS.DWR", "OBS:DWR:ObjectCreated:PUT")
    assert event["data"]["eventName"] == "ObjectCreated:Put"
    assert event["data"]["obs"]["bucket"]["name"] == "docs"
    assert event["id"] == event["data"]["responseElements"]["x-obs-request-id"] == put.requestId.lower()


@pytest.mark.parametrize("envelope", ["classic", "eventgrid"])
def test_keys_may_come_raw(local_obs: LocalObs, client: ObsClient, envelope: Any) -> None:
    events = _subscribe(local_obs, envelope=envelope, encode_keys=False)

    client.putContent("docs", "a b+c/文件.png", "x")

    assert "a b+c/文件.png" in str(events)


def test_every_kind_of_creation(local_obs: LocalObs, client: ObsClient) -> None:
    # given
    events = _subscribe(local_obs, envelope="eventgrid")

    # when
    client.putContent("docs", "a", "x")
    client.copyObject("docs", "a", "docs", "b")
    upload = client.initiateMultipartUpload("docs", "c").body.uploadId
    part = client.uploadPart("docs", "c", 1, upload, content="abc").body.etag
    client.completeMultipartUpload("docs", "c", upload, CompleteMultipartUploadRequest([CompletePart(1, part)]))

    # then
    assert [event["type"].rpartition(":")[2] for event in events] == ["PUT", "COPY", "CompleteMultipartUpload"]
    assert events[2]["data"]["obs"]["object"]["size"] == 3


def test_a_form_upload(local_obs: LocalObs, server: Server, key: AccessKey) -> None:
    # given
    events = _subscribe(local_obs, envelope="eventgrid")
    form = requests.Request(
        "POST", f"{server.endpoint}/docs", data={"key": "in/${filename}"}, files={"file": ("a b.png", b"abc")}
    ).prepare()
    date = formatdate(usegmt=True)
    text = f"POST\n\n{form.headers['Content-Type']}\n{date}\n/docs".encode()
    signature = base64.b64encode(hmac.new(key.secret.encode(), text, hashlib.sha1).digest()).decode()
    form.headers.update({"Date": date, "Authorization": f"AWS {key.access}:{signature}"})

    # when
    with requests.Session() as session:
        answer = session.send(form, timeout=5)

    # then
    assert answer.ok
    assert [(event["type"], event["subject"]) for event in events] == [("OBS:DWR:ObjectCreated:POST", "in/a+b.png")]
    assert local_obs.read("docs", "in/a b.png").content == b"abc"


def test_what_creates_nothing_tells_nothing(local_obs: LocalObs, client: ObsClient) -> None:
    # given
    client.putContent("docs", "a", "x")
    events = _subscribe(local_obs)

    # when
    client.appendObject("docs", "j", content={"position": 0, "content": "x"})
    client.setObjectAcl("docs", "a", aclControl="private")
    client.getObject("docs", "a", loadStreamInMemory=True)
    client.deleteObject("docs", "a")
    client.putContent("missing", "a", "x")

    # then
    assert events == []


def test_filters_compare_the_decoded_key(local_obs: LocalObs, client: ObsClient) -> None:
    # given
    events = _subscribe(local_obs, prefix="in box/", suffix=".png")

    # when
    for key in ("in box/a.png", "in box/a.jpg", "out/a.png", "in%20box/a.png"):
        client.putContent("docs", key, "x")

    # then
    assert [event["subject"] for event in events] == ["in+box/a.png"]


def test_events_can_be_chosen(local_obs: LocalObs, client: ObsClient) -> None:
    events = _subscribe(local_obs, events=("ObjectCreated:Copy",))

    client.putContent("docs", "a", "x")
    client.copyObject("docs", "a", "docs", "b")

    assert [event["subject"] for event in events] == ["b"]


def test_overlapping_subscriptions_are_refused(local_obs: LocalObs) -> None:
    _subscribe(local_obs, prefix="in/")

    with pytest.raises(ValueError, match="overlap"):
        _subscribe(local_obs, prefix="in/deep/")
    _subscribe(local_obs, prefix="other/")


def test_versions_are_named(local_obs: LocalObs, client: ObsClient) -> None:
    # given
    client.setBucketVersioning("docs", "Enabled")
    events = _subscribe(local_obs)

    # when
    version = client.putContent("docs", "a", "x").body.versionId

    # then
    assert events[0]["data"]["obs"]["object"]["versionId"] == version


def test_an_event_can_get_lost(local_obs: LocalObs, client: ObsClient) -> None:
    events = _subscribe(local_obs)
    local_obs.faults.add(Fault("lost-event", path="docs/a"))

    assert client.putContent("docs", "a", "x").status == 200

    assert events == []


def test_a_notification_set_through_the_sdk_is_kept(client: ObsClient) -> None:
    # when
    wanted = FunctionGraphConfiguration(id="one", functionGraph="urn:fss:x", events=["ObjectCreated:*"])
    answer = client.setBucketNotification("docs", Notification(functionGraphConfigurations=[wanted]))

    # then
    assert answer.status == 200
    [kept] = client.getBucketNotification("docs").body.functionGraphConfigurations
    assert (kept.id, kept.functionGraph) == ("one", "urn:fss:x")
