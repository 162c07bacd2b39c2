"""serverless.yml against the grammar that the plugin's code has."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.infra.rights import ROOT

SCHEMA = json.loads((ROOT / "infra" / "serverless.schema.json").read_text("utf-8"))
FILE = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))


def faults(document: Any) -> list[str]:
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_our_own_file_is_valid():
    assert faults(FILE) == []


def test_an_upload_may_wait_as_long_as_the_platform_lets_it():
    """20 instances read some 12,000 documents an hour: of 20,000 at once the last would have been given up unread."""
    policies = FILE["custom"]["asyncInvocation"]
    assert {policies[key]["maxAsyncEventAgeInSeconds"] for key in ("on_upload", "on_failure")} == {86400}


CHANGES = {
    "the grammar of the vendor's pages": ("functions.on_upload.events.0", {"obs": {"bucket": "b", "events": ["x"]}}),
    "a trigger the plugin does not know": ("functions.on_upload.events.0.triggerTypeCode", "EVENTGRID"),
    "a creation beside all creations": (
        "functions.on_upload.events.0.eventData.events",
        ["s3:ObjectCreated:*", "s3:ObjectCreated:Put"],
    ),
    "an event's name as the payload has it": ("functions.on_upload.events.0.eventData.events", ["ObjectCreated:Put"]),
    "a trigger by uploads that is switched off": ("functions.on_upload.events.0.status", "DISABLED"),
    "an API for everybody": ("functions.http_api.events.0.eventData.auth", "NONE"),
    "an API for every user of the cloud": ("functions.http_api.events.0.eventData.auth", "IAM"),
    "an API by plain HTTP": ("functions.http_api.events.0.eventData.protocol", "HTTP"),
    "a timeout longer than the gateway waits": ("functions.http_api.events.0.eventData.timeout", 90000),
    "a gateway without its id": ("functions.http_api.events.0.triggerTypeCode", "DEDICATEDGATEWAY"),
    "a schedule of five fields": ("functions.on_timer.events.0.eventData.schedule", "0 20 0 * *"),
    "a rate in words": ("functions.on_notices.events.0.eventData.schedule", "every minute"),
    "memory there is not": ("functions.on_upload.memorySize", 600),
    "a runtime there is not": ("provider.runtime", "Python3.11"),
    "keys in the file": ("provider.credentials", "${env:KEY}"),
    "a handler without a function": ("functions.on_upload.handler", "on_upload"),
    "a key that is spelt as it should be": ("functions.on_upload.concurrency", 3),
    "code in OBS without its place": ("functions.on_upload.codeType", "obs"),
    "more retries than there are": ("custom.asyncInvocation.on_upload.maxAsyncRetryAttempts", 4),
    "the framework that needs a login": ("frameworkVersion", "4"),
    "21 variables": ("functions.on_upload.userData", {f"K{number}": "" for number in range(21)}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_the_plugin_would_ignore_or_the_platform_refuse(what):
    path, value = CHANGES[what]
    document: Any = copy.deepcopy(FILE)
    *parents, last = path.split(".")
    found = document
    for step in parents:
        found = found[int(step)] if step.isdigit() else found[step]
    found[int(last) if last.isdigit() else last] = value
    assert faults(document), what
