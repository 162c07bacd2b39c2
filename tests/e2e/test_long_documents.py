"""Long documents over real HTTP: an invocation calls its successor through FunctionGraph's own API, by reference."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from legible.model.documents import ObjectRef
from localcloud.cloud import INPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import load
from tests.support import clouds
from tests.support.clouds import journal, paid, record, result, upload
from tests.support.places import ROOT
from tests.support.rig import TEXT, pdf

KEY = "general-text/long.pdf"


@pytest.fixture
def start() -> Iterator[Callable[..., LocalCloud]]:
    """Start a local cloud whose functions have little time, and a service that takes its own."""
    running: list[LocalCloud] = []

    def started(timeout: float, latency: float, **values: Any) -> LocalCloud:
        def slow(*_: Any) -> Any:
            time.sleep(latency)
            return TEXT

        functions = {key: replace(found, timeout=timeout) for key, found in load(ROOT / "serverless.yml").items()}
        running.append(LocalCloud(functions=functions, recognizer=slow, backoff=lambda attempt: 0.2, **values))
        return running[-1]

    yield started
    for cloud in running:
        cloud.stop()


def test_a_document_longer_than_a_functions_time_is_handed_on_until_it_is_done(start):
    # given
    cloud = start(timeout=12, latency=1.5)

    # when
    upload(cloud, KEY, pdf(40))
    assert cloud.wait_idle(120)

    # then
    hands = [line["hand"] for line in journal(cloud, KEY) if line["event"] == "handed"]
    assert record(cloud, KEY)["status"] == "done"
    assert paid(cloud) == 40
    assert hands == list(range(1, len(hands) + 1)) != []
    assert all(call.outcome.ok for call in cloud.functions.invocations)


def test_three_pages_that_fail_are_mended_by_three_more_calls(start):
    # given
    cloud = start(timeout=60, latency=0)
    cloud.ocr.faults.add(Fault("error", method="POST", path="general-text", code="AIS.0104", status=400, times=3))

    # when
    upload(cloud, KEY, pdf(24))
    assert cloud.wait_idle(120)

    # then
    found = record(cloud, KEY)
    assert found["status"] == "partial"
    assert Counter(page["state"] for page in found["pages"]) == {"done": 21, "rejected": 3}
    assert paid(cloud) == 21

    # when the fault is mended and the bytes are uploaded again, a second later
    time.sleep(1.1)
    upload(cloud, KEY, pdf(24))
    assert cloud.wait_idle(120)

    # then
    assert record(cloud, KEY)["status"] == "done"
    assert paid(cloud) == 24


@pytest.mark.slow
def test_a_successor_called_twice_pays_nothing_twice(start):
    # given an answer to the call of the successor that is lost: it is called again
    cloud = start(timeout=12, latency=1.5, max_instances=3)
    cloud.function_api.faults.add(Fault("lost-answer", seconds=0.1))

    # when
    upload(cloud, KEY, pdf(24))
    assert cloud.wait_idle(120)

    # then
    assert record(cloud, KEY)["status"] == "done"
    assert paid(cloud) == 24


@pytest.mark.slow
@pytest.mark.parametrize(("pages", "padding"), [(2000, 0), (60, 480 * 2**20)])
def test_two_thousand_pages_or_five_hundred_megabytes_fit_into_512_mb_of_memory(start, pages, padding):
    # given a function of 512 MB whose time holds a part of it; what makes it large lies in an object nobody shows
    cloud = start(timeout=45, latency=0.05)
    assert cloud.functions.functions["on_upload"].memory == 512
    body = pdf(pages)
    if padding:
        at = body.rindex(b"xref")
        filler = b"%" + b"x" * padding + b"\n"
        body = body[:at] + filler + body[at:].replace(b"startxref\n%d" % at, b"startxref\n%d" % (at + len(filler)))

    # when
    upload(cloud, KEY, body)
    assert cloud.wait_idle(900)

    # then
    found = record(cloud, KEY)
    assert (found["status"], sum(page["state"] == "done" for page in found["pages"])) == ("done", pages)
    assert paid(cloud) == pages
    assert max(call.outcome.memory for call in cloud.functions.invocations) < 512
    assert clouds.store(cloud).head(ObjectRef(INPUT_BUCKET, KEY)).size == len(body)
    assert len(result(cloud, KEY, "record.xlsx")) > 1000
