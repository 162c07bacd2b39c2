"""The ways in which the service reads OBS (user guide, chapter 3), each tried by an upload, and each when it fails.

Service authorization, a temporary signed URL, anonymous public read; and inline, where the service reads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.functiongraph import load
from tests.support import clouds
from tests.support.clouds import paid, record, upload
from tests.support.places import ROOT
from tests.support.rig import TEXT, pdf, picture

WAYS = ("url", "signed-url", "public-url")
#: What a record says that the service was given: the setting says by which right it reads a plain URL.
SENT = {"url": "url", "signed-url": "signed-url", "public-url": "url", "inline": "inline"}


def policy(effect: str, *places: str, **condition: Any) -> str:
    one = {"Effect": effect, "Principal": {"ID": ["*"]}, "Action": ["GetObject"], "Resource": list(places)}
    return json.dumps({"Statement": [one | ({"Condition": condition} if condition else {})]})


@pytest.fixture
def start() -> Iterator[Callable[..., LocalCloud]]:
    running: list[LocalCloud] = []

    def started(way: str, **variables: str) -> LocalCloud:
        functions = {key: replace(one, timeout=30) for key, one in load(ROOT / "serverless.yml").items()}
        running.append(
            LocalCloud(
                functions=functions, recognizer=lambda *_: TEXT, backoff=lambda attempt: 0.2,
                user_data={"LEGIBLE_SOURCE": way, **variables},
            )
        )  # fmt: skip
        return running[-1]

    yield started
    for cloud in running:
        cloud.stop()


def set_up(cloud: LocalCloud, way: str) -> None:
    """Let the service read in one way, and in no other."""
    cloud.ocr.reader.authorized = way == "url"
    if way == "public-url":
        cloud.obs.set_policy(INPUT_BUCKET, policy("Allow", f"{INPUT_BUCKET}/*"))
        cloud.obs.set_policy(OUTPUT_BUCKET, policy("Allow", f"{OUTPUT_BUCKET}/work/*"))


def spoil(cloud: LocalCloud, way: str) -> str:
    """Take the way from the service; return the code that it answers with."""
    if way == "url":
        cloud.ocr.reader.authorized = False
    elif way == "signed-url":
        for bucket in (INPUT_BUCKET, OUTPUT_BUCKET):  # the function's own client is let through
            cloud.obs.set_policy(bucket, policy("Deny", f"{bucket}/*", StringLike={"UserAgent": ["Python-urllib*"]}))
    else:
        for bucket in (INPUT_BUCKET, OUTPUT_BUCKET):
            cloud.obs.set_policy(bucket, "")
    return "ModelArts.4704" if way == "signed-url" else "ModelArts.4702"


def read(cloud: LocalCloud, key: str, body: bytes) -> dict[str, Any]:
    upload(cloud, key, body)
    assert cloud.wait_idle(60)
    return record(cloud, key)


@pytest.mark.parametrize("way", [*WAYS, "inline"])
def test_an_upload_becomes_a_record_by_each_way_and_by_that_way_alone(start, way):
    """Given a document that is sent as it is, and one whose pages are drawn, and lie in the output bucket."""
    cloud = start(way)
    set_up(cloud, way)
    for key, body in (("general-text/a.png", picture()), ("web-image/b.pdf", pdf(2))):
        found = read(cloud, key, body)
        assert found["status"] == "done"
        assert {page["source"] for page in found["pages"]} == {SENT[way]}, found["pages"]
        assert not any("could not read" in page.get("note", "") for page in found["pages"])
    assert {call.code for call in cloud.ocr.journal.calls} == {""}, "and nothing was tried in vain"


@pytest.mark.parametrize("way", WAYS)
def test_where_a_way_fails_the_page_goes_inline_and_the_record_says_why(start, way):
    cloud = start(way)
    set_up(cloud, way)
    code = spoil(cloud, way)
    for key, body in (("general-text/a.png", picture()), ("web-image/b.pdf", pdf(1))):
        (page,) = read(cloud, key, body)["pages"]
        assert (page["state"], page["source"]) == ("done", "inline")
        assert f"sent inline: the service could not read the URL ({code})" in page["note"]
    assert paid(cloud) == 2


@pytest.mark.parametrize("way", WAYS)
def test_where_it_is_set_so_nothing_goes_inline_and_the_record_says_why(start, way):
    cloud = start(way, LEGIBLE_INLINE_FALLBACK="false")
    set_up(cloud, way)
    code = spoil(cloud, way)
    found = read(cloud, "general-text/a.png", picture())
    assert (found["status"], found["reason"]["vendor_code"]) == ("held", code)
    assert found["reason"]["message"] and found["reason"]["advice"]
    assert paid(cloud) == 0

    # when it is mended, and the document uploaded again
    set_up(cloud, way)
    for bucket in (INPUT_BUCKET, OUTPUT_BUCKET) if way == "signed-url" else ():
        cloud.obs.set_policy(bucket, "")
    found = read(cloud, "general-text/a.png", picture())
    assert (found["status"], found["pages"][0]["source"]) == ("done", SENT[way])


def test_no_signed_url_is_ever_in_a_record(start):
    cloud = start("signed-url")
    found = json.dumps(read(cloud, "general-text/a.png", picture()))
    assert "Signature=" not in found and clouds.client(cloud) is not None
