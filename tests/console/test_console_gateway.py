"""The console as it is served: a real browser, the local gateway, the real functions, and results that open."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator

import pytest

from localcloud.cloud import LocalCloud
from tests.console.conftest import Browser, drop
from tests.support import clouds
from tests.support.rig import PASSPORT

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
ENTER, CONTROL = "\ue007", "\ue009"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    answer = {**PASSPORT, "given_name": HOSTILE}
    with LocalCloud(recognizer=lambda slug, image, options: answer) as running:
        yield running


@pytest.fixture
def console(chromium: Browser, cloud: LocalCloud) -> Browser:
    chromium.driver.get("about:blank")
    chromium.driver.get(cloud.console)  # as printed at the start: the browser is let in, and its address is plain then
    assert "entry=" not in chromium.driver.current_url
    chromium.base = cloud.front
    chromium.size(1280, 900)
    chromium.scheme("light")
    chromium.complaints()
    return chromium


def key_of(cloud: LocalCloud, ending: str) -> str:
    return next(item.key for item in clouds.store(cloud).list("legible-in", "") if item.key.endswith(ending))


def test_a_dropped_file_is_read_corrected_and_downloaded(console: Browser, cloud: LocalCloud):
    # when a file is dropped
    drop(console, "anna.png")

    # then it is in the list, and shown beside its picture
    console.click(".upload a")
    console.see(".items .pick", "ERIKSSON")
    console.wait(
        lambda: console.js("return [...document.images].some((one) => one.naturalWidth === 400)"), "the picture"
    )

    # when its surname is corrected
    console.click(".items .pick", "ERIKSSON")
    console.press("e")
    console.wait(lambda: console.focused().tag_name in {"input", "textarea"}, "an editor")
    console.js("document.activeElement.value = ''")
    console.press("ERIKSON")
    console.hold(CONTROL, ENTER)
    console.see(".items", "ERIKSON")

    # then it counts in the record
    key = key_of(cloud, "anna.png")
    surname = next(field for field in clouds.record(cloud, key)["fields"] if field["name"] == "surname")
    assert (surname["value"], surname["corrected"]["value"]) == ("ERIKSSON", "ERIKSON")
    assert len([line for line in clouds.journal(cloud, key) if line["event"] == "corrected"]) == 1

    # and in the workbook that is downloaded
    console.js("document.querySelector('a[href$=\".xlsx\"]').click()")
    file = console.downloads / "anna.png.xlsx"
    console.wait(file.is_file, "the workbook", 15)
    names = zipfile.ZipFile(io.BytesIO(file.read_bytes())).namelist()
    assert "xl/workbook.xml" in names
    assert console.complaints() == []


def test_nothing_hostile_in_a_name_or_a_text_becomes_anything_but_text(console: Browser, cloud: LocalCloud):
    drop(console, f"{HOSTILE.replace('/', '')}.png")
    console.click(".upload a")
    console.see(".items .pick", "<img src=x onerror=alert(1)>")
    assert console.js("return window.fired") == []
    assert console.js("return document.querySelectorAll('img[src=x], main script').length") == 0
    assert console.complaints() == []


def test_an_operation_is_tried_with_its_raw_answer_and_code(console: Browser, cloud: LocalCloud):
    console.open("#/try?operation=passport", ready="[role=tabpanel] pre")
    code = console.read("[role=tabpanel] pre")
    assert "passport" in code


def test_the_health_of_the_system_is_seen(console: Browser):
    console.open("#/health", ready=".check-entry")
    assert "legible-in" in console.text()


def test_operations_are_looked_at_as_the_real_api_tells_them(console: Browser, cloud: LocalCloud):
    """Given a document that was read and is not counted yet, then one that is counted."""
    drop(console, "counted.png")
    console.open("#/operations", ".equation")
    assert int(console.read(".equation .whole dd")) >= 1
    clouds.due_now(cloud)
    cloud.functions.invoke("on_report", {"trigger_type": "TIMER"})
    console.click(".head-deeds button", "Refresh")
    console.see("section[aria-labelledby=part-usage] .ranks li", "Passport")
    numbers = "return [...document.querySelectorAll('.equation dd')].map((one) => Number(one.innerText))"
    ends = time.monotonic() + 20
    while not any(console.js(numbers)[2:3]) and time.monotonic() < ends:  # it is drawn anew
        time.sleep(0.1)
    whole, _, done = console.js(numbers)[:3]  # between them those that are running
    assert done >= 1 and whole >= done
    for name, text in (("packages", "No package is named"), ("reconciliation", "calls succeeded by the ledger")):
        console.see(f"section[aria-labelledby=part-{name}]", text)
    console.see(".check-entry.is-not-asked", "folder passport/")
    console.see(".events .badge", "Normal")
    assert console.all(".refusal") == [] and console.complaints() == []


def test_a_page_elsewhere_cannot_use_the_console_s_way_in(cloud: LocalCloud):
    import requests

    headers = {"Origin": "https://evil.example", "Content-Type": "application/json"}
    reply = requests.post(
        f"{cloud.front}/v1/workbooks", data=json.dumps({"workbook": "x"}), headers=headers, timeout=10
    )
    assert reply.status_code == 403
