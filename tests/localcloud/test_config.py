"""serverless.yml as the local FunctionGraph reads it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from localcloud.functiongraph import ApigTrigger, AsyncPolicy, ConfigError, Function, ObsTrigger, TimerTrigger, load
from tests.support.places import ROOT


def test_our_own_functions() -> None:
    functions = load(ROOT / "serverless.yml")

    upload = functions["on_upload"]
    assert upload.handler == "on_upload.handler"
    assert upload.triggers == (ObsTrigger("legible-in"),)
    assert upload.policy.on_failure == "on_failure"
    assert (upload.memory, upload.timeout) == (512, 300)
    assert upload.user_data["LEGIBLE_OUTPUT_BUCKET"] == "legible-out"
    for function in functions.values():
        assert not any("${" in value for value in function.user_data.values())


def test_our_own_api_takes_every_path_from_apps_only() -> None:
    one = load(ROOT / "serverless.yml")["http_api"]
    assert (one.handler, one.timeout) == ("http_api.handler", 90)
    assert one.apis == (ApigTrigger("legible-api", "/", "ANY", "APP", prefix=True, timeout=60),)


def test_a_timer_rings_with_what_it_was_given() -> None:
    (timer,) = load(ROOT / "serverless.yml")["on_timer"].timers

    event = timer.event(datetime(2026, 11, 25, 0, 20, tzinfo=timezone.utc))

    assert (event["trigger_type"], event["trigger_name"]) == ("TIMER", "legible-daily")
    assert event["time"] == "2026-11-25T00:20:00+00:00"
    assert json.loads(event["user_event"]) == {"workbook": "daily", "day": "yesterday"}


def test_notices_are_sent_again_every_minute_and_the_next_minute_is_the_retry() -> None:
    function = load(ROOT / "serverless.yml")["on_notices"]
    (timer,) = function.timers
    assert (timer.schedule_type, timer.schedule) == ("Rate", "1m")
    assert (function.policy.max_retry_attempts, function.timeout) == (0, 60)


@pytest.mark.parametrize(("kind", "schedule"), [("Cron", "0 20 0 * *"), ("Daily", "0 20 0 * * ?")])
def test_timers_the_platform_refuses(kind: str, schedule: str) -> None:
    with pytest.raises(ConfigError, match="must"):
        TimerTrigger("t", schedule, kind)


@pytest.mark.parametrize(("kind", "schedule"), [("Cron", "@every 1h30m"), ("Cron", "0 0 1 * * ?"), ("Rate", "3m")])
def test_timers_the_platform_takes(kind: str, schedule: str) -> None:
    assert TimerTrigger("t", schedule, kind).schedule == schedule


def test_defaults_are_the_plugins(tmp_path: Path) -> None:
    file = tmp_path / "serverless.yml"
    file.write_text("service: s\nprovider: {name: huawei}\nfunctions: {one: {handler: one.handler}}\n")

    one = load(file)["one"]

    assert (one.name, one.memory, one.timeout, one.package) == ("s-dev-one", 256, 30, "default")
    assert one.policy == AsyncPolicy(max_retry_attempts=0)


@pytest.mark.parametrize(
    ("custom", "message"),
    [
        ("{one: {maxAsyncRetryAttempts: 4}}", "0 to 3"),
        ("{one: {maxAsyncEventAgeInSeconds: 0}}", "1 to 86400"),
        ("{one: {onFailure: three}}", "is not a function"),
        ("{one: {onFailure: two}, two: {onFailure: one}}", "each other's destination"),
    ],
)
def test_policies_the_platform_refuses(tmp_path: Path, custom: str, message: str) -> None:
    file = tmp_path / "serverless.yml"
    file.write_text(
        "service: s\nprovider: {name: huawei}\n"
        f"custom: {{asyncInvocation: {custom}}}\n"
        "functions: {one: {handler: a.b}, two: {handler: a.b}}\n"
    )

    with pytest.raises(ConfigError, match=message):
        load(file)


def test_functions_the_platform_refuses(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="20"):
        Function("f", "a.b", user_data={f"K{number}": "" for number in range(21)})
    with pytest.raises(ConfigError, match="4,096"):
        Function("f", "a.b", user_data={"K": "x" * 4096})
    with pytest.raises(ConfigError, match="<file>.<function>"):
        Function("f", "handler")
    file = tmp_path / "serverless.yml"
    file.write_text(
        "service: s\nprovider: {name: huawei}\nfunctions: {f: {handler: a.b, description: '${self:no.way}'}}"
    )
    with pytest.raises(ConfigError, match="points nowhere"):
        load(file)
