"""The console of a deployment with a gateway: its page uploads into buckets that let in pages of its ports alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from legible_cli.console import PORTS, front, listen
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from tests.console.conftest import Browser, drop
from tests.infra import templates
from tests.support import clouds
from tests.support.rig import PASSPORT


def rule(origins: list[str]) -> str:
    """Return what the templates make of a bucket's pages, as OBS takes it."""
    (bucket,) = (one.body for one in templates.resources() if one.type == "huaweicloud_obs_bucket")
    (made,) = (one["cors_rule"]["content"] for one in bucket["dynamic"] if "cors_rule" in one)
    (said,) = made if isinstance(made, list) else (made,)
    parts = {
        "AllowedOrigin": origins, "AllowedMethod": said["allowed_methods"], "AllowedHeader": said["allowed_headers"],
        "ExposeHeader": said["expose_headers"], "MaxAgeSeconds": [said["max_age_seconds"]],
    }  # fmt: skip
    inside = "".join(f"<{name}>{one}</{name}>" for name, some in parts.items() for one in some)
    return f"<CORSConfiguration><CORSRule>{inside}</CORSRule></CORSConfiguration>"


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(recognizer=lambda slug, image, options: PASSPORT) as running:
        for bucket in (INPUT_BUCKET, OUTPUT_BUCKET):
            running.obs.set_cors(bucket, rule([f"http://127.0.0.1:{port}" for port in PORTS]))
        yield running


def test_a_file_dropped_on_its_page_is_uploaded_and_read(chromium: Browser, cloud: LocalCloud) -> None:
    # given `legible console` on the first of its ports that is free
    proxy = front(cloud.api_endpoint, {"LEGIBLE_APP_CODE": cloud.app_code})
    server = listen(proxy, PORTS)
    try:
        chromium.driver.get("about:blank")
        chromium.driver.get(proxy.way_in(server.endpoint))
        chromium.base = server.endpoint
        chromium.size(1280, 900)
        chromium.complaints()

        # when
        drop(chromium, "anna.png")

        # then
        (key,) = [one.key for one in clouds.store(cloud).list(INPUT_BUCKET, "")]
        assert clouds.record(cloud, key)["status"] == "done"
        assert chromium.complaints() == []
    finally:
        server.stop()


@pytest.mark.parametrize(("port", "let_in"), [(PORTS.start, True), (PORTS.stop - 1, True), (PORTS.stop, False)])
def test_no_other_page_is_let_in(cloud: LocalCloud, port: int, let_in: bool) -> None:
    asking = {"Origin": f"http://127.0.0.1:{port}", "Access-Control-Request-Method": "PUT"}
    answer = requests.options(f"{cloud.obs_endpoint}/{INPUT_BUCKET}/passport/a.png", headers=asking, timeout=10)
    assert (answer.headers.get("Access-Control-Allow-Origin") == asking["Origin"]) == let_in
