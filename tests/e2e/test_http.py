"""The HTTP API behind the running gateway: requests of every shape, and files larger than any request."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from localcloud.cloud import LocalCloud
from tests.support import clouds
from tests.support.rig import PASSPORT, picture, tiff

HERE = Path(__file__).parent
OPENAPI = HERE.parents[1] / "shared" / "legible" / "api" / "openapi.json"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(recognizer=lambda slug, image, options: PASSPORT) as running:
        clouds.upload(running, "passport/anna.png", picture())
        assert running.wait_idle(30)
        yield running


@pytest.fixture
def session(cloud: LocalCloud) -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.headers["X-Apig-AppCode"] = cloud.gateway.app("tests")
        yield found


def until_ended(session, url, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = session.get(url, timeout=30).json()
        if found["status"] != "running":
            return found
        time.sleep(0.3)
    raise AssertionError(f"still running: {found}")


def test_a_document_that_is_sent_and_waited_for_comes_back_as_its_record(cloud, session):
    reply = session.post(
        f"{cloud.api_endpoint}/v1/documents?wait=40", files={"file": ("anna.png", picture(61, 40), "image/png")},
        data={"operation": "passport"}, timeout=60,
    )  # fmt: skip
    assert (reply.status_code, reply.json()["status"]) == (200, "done")
    workbook = session.get(cloud.api_endpoint + reply.json()["links"]["xlsx"], timeout=30)
    assert workbook.content.startswith(b"PK")


def test_nobody_is_let_in_without_a_name(cloud):
    assert requests.get(f"{cloud.api_endpoint}/v1/documents", timeout=10).status_code == 401


def test_a_workbook_that_is_asked_for_stands_soon(cloud, session):
    links = session.post(f"{cloud.api_endpoint}/v1/workbooks", json={"workbook": "all"}, timeout=30).json()["links"]
    assert cloud.wait_idle(60)
    assert session.get(cloud.api_endpoint + links["xlsx"], timeout=30).content.startswith(b"PK")


def test_a_file_of_200_megabytes_goes_past_the_function_while_memory_stays_flat(cloud, session, tmp_path):
    size, file = 200 * MEGABYTE, tmp_path / "large.tif"
    file.write_bytes(tiff(2))
    with file.open("rb+") as opened:
        opened.truncate(size)
    asked = {"name": "general-text/large.tif", "size": size, "content_type": "image/tiff"}
    ticket = session.post(f"{cloud.api_endpoint}/v1/uploads", json=asked, timeout=30).json()
    before = _peak()

    with file.open("rb") as opened:
        put = requests.put(ticket["upload"]["url"], data=opened, headers=ticket["upload"]["headers"], timeout=120)

    assert put.status_code == 200
    assert _peak() - before < 60 * MEGABYTE
    found = until_ended(session, cloud.api_endpoint + ticket["links"]["self"])
    assert (found["size"], found["status"]) == (size, "done")
    assert found["page_count"] == 2


def test_a_ticket_that_is_used_six_times_with_other_pictures_is_paid_for_once(cloud, session):
    # given a signed upload without an MD5
    pictures = [picture(60 + number, 40, "BMP") for number in (0, 4, 8, 12, 16, 20)]
    pictures = [body.ljust(len(pictures[-1]), b"\0") for body in pictures]
    asked = {"name": "passport/six.bmp", "size": len(pictures[0]), "content_type": "image/bmp"}
    ticket = session.post(f"{cloud.api_endpoint}/v1/uploads", json=asked, timeout=30).json()
    before = clouds.paid(cloud)

    # when
    for body in pictures:
        put = requests.put(ticket["upload"]["url"], data=body, headers=ticket["upload"]["headers"], timeout=30)
        assert put.status_code == 200
        assert cloud.wait_idle(60)

    # then
    assert clouds.paid(cloud) - before == 1
    found = session.get(cloud.api_endpoint + ticket["links"]["self"], timeout=30).json()
    assert (found["status"], found["reason"]["code"]) == ("rejected", "ticket-used")
    assert clouds.record(cloud, ticket["key"])["status"] == "done"


def _peak() -> int:
    """Return the most memory this process, with the local cloud in it, has taken, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) * 1024


def schemathesis(cloud, folder, *more):
    """Have schemathesis ask for everything the document describes; return how it ended and what it said."""
    command = shutil.which("st", path=str(Path(sys.executable).parent))
    assert command is not None
    done = subprocess.run(
        [
            command, "--config-file", str(HERE / "schemathesis.toml"), "run", str(OPENAPI),
            "--url", cloud.api_endpoint, "--header", f"X-Apig-AppCode: {cloud.gateway.app('tests')}",
            "--request-timeout", "60", "--continue-on-failure", *more,
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout[-6000:]


def test_requests_of_every_shape_get_what_the_document_says(cloud, tmp_path):
    more = ("--phases", "fuzzing", "--max-examples", "2", "--generation-deterministic")
    code, said = schemathesis(cloud, tmp_path, *more)
    assert code == 0, said


@pytest.mark.slow
def test_two_thousand_requests_of_every_shape_get_what_the_document_says(cloud, tmp_path):
    code, said = schemathesis(cloud, tmp_path, "--phases", "coverage,fuzzing", "--max-examples", "110")
    assert code == 0, said
    found = re.search(r"(\d+) generated", said)
    assert found is not None
    assert int(found[1]) >= 2000
