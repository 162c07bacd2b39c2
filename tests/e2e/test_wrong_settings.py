"""Wrong settings that went out all the same: every document ends and says so, and goes on once they are mended."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from localcloud.functiongraph import load
from tests.support import clouds
from tests.support.places import ROOT
from tests.support.rig import PASSPORT, picture

WRONG = {
    "an unknown table": "[ocrr]\na = 1\n",
    "no TOML": "x = [",
    "a route to no operation": '[[routes]]\nmatch = "*"\noperation = "nope"\n',
    "a form that is not there": '[operations.passport]\nform = "forms/gone.xlsx"\n',
    "a target of no kind": '[notify.ops]\nkind = "mail"\n',
    "a target whose kind is a list": '[notify.ops]\nkind = ["smn"]\n',
    "a form that no file can be called": '[operations.passport]\nform = "a\\u0000.xlsx"\n',
    "lists without end": "x = " + "[" * 2000,
    "a secret that no variable holds": (
        '[notify.hr]\nkind = "webhook"\nurl = "https://hooks.example/x"\nsecret = "HOOK"\n'
    ),
    "a bucket beside": '[buckets]\nfailures = "Not A Bucket"\nmore = 1\n',
}


@pytest.fixture
def deployed(tmp_path) -> Iterator[tuple[LocalCloud, Callable[[str], None]]]:
    """A cloud whose functions have settings of their own beside their code, and what writes these."""
    (tmp_path / "legible").symlink_to(ROOT / "shared" / "legible")

    def settings(text: str) -> None:
        (tmp_path / "legible.toml").write_text(text)

    settings("")
    functions = {key: replace(found, timeout=30.0) for key, found in load(ROOT / "serverless.yml").items()}
    code = (ROOT / "functions", tmp_path, ROOT / "shared")
    with LocalCloud(
        functions=functions, recognizer=lambda *_: PASSPORT, backoff=lambda attempt: 0.01, code=code
    ) as cloud:
        # What a failures bucket is called stands in the file, as far as a test says so.
        for key, one in cloud.functions.functions.items():
            data = {name: value for name, value in one.user_data.items() if name != "LEGIBLE_FAILURES_BUCKET"}
            cloud.functions.functions[key] = replace(one, user_data=data)
        yield cloud, settings


def ask(cloud: LocalCloud, method: str, path: str) -> dict[str, Any]:
    event = {"httpMethod": method, "path": path, "queryStringParameters": {}, "headers": {"host": "api.example"}}
    reply = cloud.functions.invoke("http_api", {**event, "isBase64Encoded": True, "body": ""}).result
    body = json.loads(reply) if isinstance(reply, str) else reply
    return {"status": body["statusCode"], "body": json.loads(base64.b64decode(body["body"]))}


def test_a_document_ends_with_what_is_wrong_and_is_read_once_that_is_mended(deployed):
    """Given each kind of wrong setting in turn, and a document for each."""
    cloud, settings = deployed
    for number, (kind, text) in enumerate(WRONG.items()):
        key = f"passport/{number}.png"

        # when
        settings(text)
        clouds.upload(cloud, key, picture(60 + number))
        assert cloud.wait_idle(60)

        # then
        record = clouds.record(cloud, key)
        assert (record["status"], record["reason"]["code"]) == ("dead", "setting"), kind
        assert "The settings are wrong: " in record["reason"]["message"]
        assert ("HOOK" if "secret" in kind else "legible.toml") in record["reason"]["message"]
        assert clouds.paid(cloud) == number, "nothing is paid for"
        health = ask(cloud, "GET", "/v1/health")
        assert health["status"] == 200, kind
        if "secret" not in kind:  # the HTTP function sends no notices, and needs none
            (check,) = health["body"]["checks"]
            assert (check["name"], check["status"]) == ("settings", "failed")
            assert check["message"].startswith("legible.toml")

        # when it is mended
        settings("")
        listed = ask(cloud, "GET", "/v1/documents")["body"]
        (found,) = [one for one in listed["documents"] if one["key"] == key]
        assert found["status"] == "dead"
        assert ask(cloud, "POST", f"{found['links']['self']}/rerun")["status"] == 202
        assert cloud.wait_idle(60)

        # then
        assert clouds.record(cloud, key)["status"] == "done", kind
        assert clouds.paid(cloud) == number + 1
