"""The timer of the sweep, through real HTTP: uploads whose event was lost are read, and each is paid for once."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions import on_notices, on_sweep, on_upload
from legible.huawei.functiongraph import uploads
from legible.model import layout
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.rig import PASSPORT, picture


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        yield running


def status(cloud: LocalCloud) -> dict[str, int]:
    from functions import http_api

    event = {"httpMethod": "GET", "path": "/v1/status", "headers": {"host": "api.example"}, "body": "",
             "isBase64Encoded": True}  # fmt: skip
    import base64

    reply = http_api.handler(event, clouds.context(cloud))
    total = json.loads(base64.b64decode(reply["body"]))["total"]
    return {name: count for name, count in total.items() if name != "name" and count}


def drop(cloud: LocalCloud, count: int, share: float, seed: int) -> list[str]:
    """Upload documents, a share of which has no event, as the seed decides; return the keys of these."""
    drawn, lost = random.Random(seed), []
    for number in range(count):
        key = f"passport/{number:04d}.png"
        clouds.upload(cloud, key, picture(60 + number % 200, 40 + number // 200))
        if drawn.random() < share:
            lost.append(key)
        else:
            on_upload.handler(clouds.event(key), clouds.context(cloud))
    return lost


def check(cloud: LocalCloud, count: int, share: float) -> None:
    lost = drop(cloud, count, share, seed=20)
    assert lost
    cloud.obs.age(timedelta(minutes=20))
    swept = on_sweep.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert swept["repaired"] == {"lost": len(lost)}
    assert status(cloud) == {"uploaded": count, "done": count - len(lost), "running": len(lost)}
    for _ in range(1 + len(lost) // 50):
        on_notices.handler({}, clouds.context(cloud, 600))
    assert {clouds.record(cloud, key)["status"] for key in lost} == {"done"}
    assert clouds.paid(cloud) == count
    assert status(cloud) == {"uploaded": count, "done": count}
    again = on_sweep.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert "repaired" not in again and clouds.paid(cloud) == count


def test_what_was_lost_is_read_and_the_sum_holds(cloud):
    check(cloud, 12, 0.25)


@pytest.mark.slow
def test_of_five_hundred_documents_with_one_in_twenty_lost_each_is_paid_for_once(cloud):
    check(cloud, 500, 0.05)


def test_a_lost_upload_is_handed_to_the_function_for_uploads_as_an_event(cloud):
    clouds.upload(cloud, "passport/a.png", picture())
    cloud.obs.age(timedelta(minutes=20))
    on_sweep.handler({}, clouds.context(cloud))
    (waiting,) = clouds.store(cloud).list(OUTPUT_BUCKET, layout.WAITING)
    assert layout.place_in_queue(layout.WAITING, waiting.key) is not None
    assert uploads(clouds.event("passport/a.png"))[0].ref.bucket == INPUT_BUCKET
