"""How operations are subscribed to, and what helps against a missing right."""

from __future__ import annotations

import json
import re

import pytest

from legible.operations import catalog, subscribing

#: The actions of the user guide (table 10-2), each of ten services with five verbs.
SERVICES = (
    "passport", "webImage", "hkIdCard", "macaoIdCard", "exitEntryPermit", "mainlandTravelPermit", "myanmarIdCard",
    "myanmarDriverLicense", "thailandLicensePlate", "thailandIdCard", "cambodianIdcard",
)  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("verb", list(subscribing.VERBS))
def test_each_right_of_the_user_guide_is_answered_with_role_and_policy(service, verb):
    said = " ".join(subscribing.explained(f"{service}: ocr:{service}:{verb} permission required"))
    (operation,) = [one for one in catalog.OPERATIONS.values() if one.iam == service]
    assert f"({operation.slug})" in said
    assert subscribing.FULL in said
    policy = json.loads(re.search(r"\{.*\}", said)[0])
    assert policy == {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": [f"ocr:{service}:{verb}"]}]}


@pytest.mark.parametrize(
    "text", ["OCR:WEBIMAGE:SUBSCRIBE", "ocr:web-image:subscribe", "web-image", "what of web-image?"]
)
def test_it_is_understood_however_it_is_written(text):
    said = " ".join(subscribing.explained(text))
    assert "(web-image)" in said
    assert "ocr:webImage:subscribe" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ModelArts.4204 the API is not subscribed", "*(Everyone)"),
        ("ModelArts.4203", "OCR ReadOnlyAccess"),
        ("ocr:newCard:subscribe permission required", "which operation newCard is, no page says"),
        ("ocr:passport:fly", "is no action"),
        ("vat-invoice", "This right is needed to subscribe"),
        ("ocr:passport:getSubscribeUserList", "OCR ReadOnlyAccess has it, too"),
    ],
)
def test_other_refusals_are_explained_too(text, expected):
    assert expected in " ".join(subscribing.explained(text))


@pytest.mark.parametrize("text", ["", "ecs:servers:list permission required", "AIS.0101"])
def test_what_is_not_of_ocr_is_not_explained(text):
    assert subscribing.explained(text) == ()


@pytest.mark.parametrize("slug", ["passport", "vat-invoice"])
def test_the_steps_name_the_region_the_right_and_for_whom(slug):
    operation = catalog.find(slug)
    said = " ".join(subscribing.steps(operation, "ap-southeast-3"))
    for word in ("ap-southeast-3", operation.title, subscribing.EVERYONE, subscribing.FULL):
        assert word in said
    assert ("ocr:passport:subscribe" in said) == (slug == "passport")
    assert "ap-southeast-3" in subscribing.advice(operation, "ap-southeast-3")
