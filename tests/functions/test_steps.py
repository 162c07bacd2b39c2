"""The handlers of workflows' steps as FunctionGraph calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions import give_up, recognize, recognize_pages, split
from legible.errors import CredentialsError, EventError, SettingsError
from localcloud.cloud import INPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.rig import TEXT, pdf

KEY = "general-text/a b+ü.pdf"
EVENT = {"bucket": INPUT_BUCKET, "key": KEY}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: TEXT) as running:
        clouds.upload(running, KEY, pdf(4))
        yield running


def passed(result: Any) -> Any:
    return json.loads(json.dumps(result))


def test_the_steps_of_a_flow_in_their_order(cloud):
    found = passed(split.handler(EVENT, clouds.context(cloud)))
    parts = [
        passed(recognize_pages.handler({"document": found, "share": n, "shares": 2}, clouds.context(cloud)))
        for n in (2, 1)
    ]
    end = passed(recognize.handler({"document": {"result": parts}}, clouds.context(cloud)))

    assert (found["page_count"], [part["pages"] for part in parts]) == (4, [2, 4])
    assert (end["status"], end["pages"], clouds.paid(cloud)) == ("done", 4, 4)
    assert clouds.record(cloud, KEY)["status"] == "done"
    assert passed(give_up.handler(end, clouds.context(cloud)))["status"] == "done"


def test_what_a_flow_gave_up_is_seen(cloud):
    event = {"document": EVENT, "error": {"errorType": "BusyError", "errorMessage": "Another one holds it."}}
    end = give_up.handler(event, clouds.context(cloud))
    assert (end["status"], end["reason"]["code"]) == ("dead", "flow-gave-up")
    assert "Another one holds it." in clouds.record(cloud, KEY)["reason"]["message"]


def test_what_a_flow_gave_up_for_wrong_settings_is_seen_while_they_are_wrong(cloud):
    wrong = {**cloud.user_data, "LEGIBLE_SOURCE": "urll"}
    with pytest.raises(SettingsError) as caught:
        recognize.handler(EVENT, clouds.context(cloud, user_data=wrong))
    event = {"document": EVENT, "error": {"errorType": "SettingsError", "errorMessage": str(caught.value)}}
    assert give_up.handler(event, clouds.context(cloud, user_data=wrong))["status"] == "dead"
    assert "LEGIBLE_SOURCE is 'urll'" in clouds.record(cloud, KEY)["reason"]["message"]


def test_a_step_needs_its_share_and_its_agency(cloud):
    with pytest.raises(EventError, match="share"):
        recognize_pages.handler(EVENT, clouds.context(cloud))
    with pytest.raises(CredentialsError, match="Attach an agency"):
        recognize.handler(EVENT, clouds.context(cloud, access_key="", secret_key="", token=""))
