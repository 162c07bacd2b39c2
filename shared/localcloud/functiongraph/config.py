"""Reads serverless.yml as the plugin reads it (facts functiongraph 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

#: The one in C is nine times as fast (measured); not every build of PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"\$\{(?P<source>self|env|opt|sls):(?P<name>[\w.]+)(?:,\s*'(?P<default>[^']*)')?\}")


class ConfigError(ValueError):
    """serverless.yml says something that FunctionGraph would refuse."""


@dataclass(frozen=True)
class AsyncPolicy:
    """What happens to an asynchronous event whose invocation fails (functiongraph_01_0390_03).

    Without a policy a code error is not retried.
    """

    max_retry_attempts: int = 0
    max_event_age: float = 3600.0
    on_failure: str = ""
    on_success: str = ""

    def __post_init__(self) -> None:
        """Refuse what the platform refuses."""
        if not 0 <= self.max_retry_attempts <= 3:
            raise ConfigError(f"maxAsyncRetryAttempts is {self.max_retry_attempts}; it must be 0 to 3")
        if not 1 <= self.max_event_age <= 86400:
            raise ConfigError(f"maxAsyncEventAgeInSeconds is {self.max_event_age}; it must be 1 to 86400")


@dataclass(frozen=True)
class ObsTrigger:
    """Which uploads call the function. ``events`` have no ``s3:`` prefix any more."""

    bucket: str
    events: tuple[str, ...] = ("ObjectCreated:*",)
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class TimerTrigger:
    """A timer that calls the function with ``user_event``; here it fires when it is told to, not by its schedule."""

    name: str
    schedule: str
    schedule_type: str = "Cron"
    user_event: str = ""

    def __post_init__(self) -> None:
        """Refuse what the platform refuses (functiongraph_01_0908: six fields, seconds first, and a zone before)."""
        fields = len(re.sub(r"^CRON_TZ=\S+ ", "", self.schedule).split())
        every = self.schedule.startswith("@every ")
        if self.schedule_type == "Cron" and not every and fields != 6:
            raise ConfigError(f"{self.name}: the schedule {self.schedule!r} has {fields} fields; it must have 6")
        if self.schedule_type not in ("Cron", "Rate"):
            raise ConfigError(f"{self.name}: scheduleType is {self.schedule_type!r}; it must be Cron or Rate")

    def event(self, at: datetime) -> dict[str, Any]:
        """Return the event that the function is called with (functiongraph_02_0102)."""
        return {
            "version": "v1.0",
            "time": at.isoformat(),
            "trigger_type": "TIMER",
            "trigger_name": self.name,
            "user_event": self.user_event,
        }


#: How a trigger names operations: service, type of resource, and names with semicolons between.
_OPERATIONS = re.compile(r"(?P<service>[^:;]+):(?P<resource>[^:;]+):(?P<names>[^:;]+(;[^:;]+)*)")


@dataclass(frozen=True)
class CtsTrigger:
    """Which recorded operations call the function: ``OCR:ai_service:subscribeAISubService;other``."""

    name: str
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what the platform refuses (fgs_function_trigger: letters, digits and underscores, at most 64)."""
        if not re.fullmatch("[A-Za-z0-9_]{1,64}", self.name):
            raise ConfigError(f"{self.name}: a CTS trigger's name has letters, digits and '_', at most 64")
        for one in self.operations:
            if not _OPERATIONS.fullmatch(one):
                raise ConfigError(f"{self.name}: {one!r} must be <service>:<type of resource>:<name>[;<name>]")

    @property
    def watched(self) -> frozenset[tuple[str, str, str]]:
        """Service, type of resource and name of each operation."""
        found = (_OPERATIONS.fullmatch(one) for one in self.operations)
        return frozenset(
            (match["service"], match["resource"], name)
            for match in found
            if match
            for name in match["names"].split(";")
        )


#: "Any" and one method each; facts functiongraph 6.5, ``req_method``.
METHODS = ("ANY", "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")


@dataclass(frozen=True)
class ApigTrigger:
    """An API of the gateway that calls the function.

    ``auth`` is APP or IAM; ``prefix`` says that every path below ``path`` is meant (SWA), ``timeout`` how many seconds
    the gateway waits. With ``base64_body`` the function gets the body as Base64 (APIG's ``is_send_fg_body_base64``).
    """

    name: str
    path: str
    method: str = "ANY"
    auth: str = "APP"
    prefix: bool = False
    timeout: float = 5.0
    base64_body: bool = True
    stage: str = "RELEASE"

    def __post_init__(self) -> None:
        """Refuse what the platform refuses, and an API that anybody may call (NONE): its documents are people's."""
        if self.auth not in ("APP", "IAM"):
            raise ConfigError(f"{self.name}: auth is {self.auth!r}; it must be APP or IAM, never NONE")
        if self.method not in METHODS:
            raise ConfigError(f"{self.name}: reqMethod is {self.method!r}; it must be one of {', '.join(METHODS)}")
        if not self.path.startswith("/"):
            raise ConfigError(f"{self.name}: the path {self.path!r} must begin with /")
        if not 0.001 <= self.timeout <= 60:
            raise ConfigError(f"{self.name}: timeout is {self.timeout * 1000:g} ms; it must be 1 to 60000")


@dataclass(frozen=True)
class Function:
    """One function. ``key`` is its name in serverless.yml, ``name`` its name in the cloud."""

    key: str
    handler: str
    name: str = ""
    runtime: str = "Python3.12"
    memory: int = 256
    timeout: float = 30.0
    package: str = "default"
    user_data: Mapping[str, str] = field(default_factory=dict)
    initializer: str = ""
    initializer_timeout: float = 300.0
    triggers: tuple[ObsTrigger, ...] = ()
    timers: tuple[TimerTrigger, ...] = ()
    apis: tuple[ApigTrigger, ...] = ()
    audits: tuple[CtsTrigger, ...] = ()
    policy: AsyncPolicy = field(default_factory=AsyncPolicy)

    def __post_init__(self) -> None:
        """Refuse what the platform refuses (limits: functiongraph_01_0150)."""
        if len(self.user_data) > 20 or sum(len(k) + len(v) for k, v in self.user_data.items()) > 4096:
            raise ConfigError(f"{self.key}: user variables are limited to 20 and to 4,096 characters together")
        if self.handler.count(".") < 1:
            raise ConfigError(f"{self.key}: the handler {self.handler!r} must be <file>.<function>")


def load(path: Path) -> dict[str, Function]:
    """Read serverless.yml. ``${env:}``, ``${opt:}`` and ``${sls:}`` take their default: nothing here is deployed."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    resolved = _resolve(document, document)
    policies = (resolved.get("custom") or {}).get("asyncInvocation") or {}
    functions = {
        key: _function(key, {**resolved["provider"], **value}, policies.get(key), resolved["service"])
        for key, value in resolved["functions"].items()
    }
    for function in functions.values():
        _check_destinations(function, functions)
    return functions


def _function(key: str, value: dict[str, Any], policy: dict[str, Any] | None, service: str) -> Function:
    return Function(
        key=key,
        name=str(value["name"] if value["name"] != "huawei" else f"{service}-{value.get('stage', 'dev')}-{key}"),
        handler=value["handler"],
        runtime=value.get("runtime", "Python3.12"),
        memory=int(value.get("memorySize", 256)),
        timeout=float(value.get("timeout", 30)),
        package=value.get("package", "default"),
        user_data={
            name: str(text)
            for kind in ("userData", "encryptedUserData")
            for name, text in (value.get(kind) or {}).items()
        },
        initializer=value.get("initializerHandler", ""),
        initializer_timeout=float(value.get("initializerTimeout", 300)),
        triggers=tuple(map(_trigger, _events(value, "OBS"))),
        timers=tuple(map(_timer, _events(value, "TIMER"))),
        apis=tuple(map(_api, [*_events(value, "APIG"), *_events(value, "DEDICATEDGATEWAY")])),
        audits=tuple(CtsTrigger(data["name"], tuple(data["operations"])) for data in _events(value, "CTS")),
        policy=_policy(policy),
    )


def _events(value: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [event["eventData"] for event in value.get("events") or () if event["triggerTypeCode"] == kind]


def _timer(data: dict[str, Any]) -> TimerTrigger:
    return TimerTrigger(data["name"], data["schedule"], data["scheduleType"], data.get("userEvent") or "")


def _api(data: dict[str, Any]) -> ApigTrigger:
    """Read an API; the vendor's own defaults are no authentication and 5 seconds, so both must be given."""
    modes = {"SWA": True, "NORMAL": False}
    if data["matchMode"] not in modes:
        raise ConfigError(f"{data['name']}: matchMode is {data['matchMode']!r}; it must be SWA (prefix) or NORMAL")
    return ApigTrigger(
        name=data["name"],
        path=data["path"],
        method=data["reqMethod"],
        auth=data["auth"],
        prefix=modes[data["matchMode"]],
        timeout=float(data["timeout"]) / 1000,
        base64_body=bool(data.get("isSendFgBodyBase64", True)),
        stage=data.get("envName", "RELEASE"),
    )


def _trigger(data: dict[str, Any]) -> ObsTrigger:
    events = tuple(str(name).removeprefix("s3:") for name in data["events"])
    if "ObjectCreated:*" in events and any(name.startswith("ObjectCreated:") for name in events[1:]):
        raise ConfigError("ObjectCreated:* covers all creations and may not be combined with single ones")
    return ObsTrigger(data["bucket"], events, data.get("prefix") or "", data.get("suffix") or "")


def _policy(value: dict[str, Any] | None) -> AsyncPolicy:
    if value is None:
        return AsyncPolicy()
    return AsyncPolicy(
        max_retry_attempts=int(value.get("maxAsyncRetryAttempts", 1)),
        max_event_age=float(value.get("maxAsyncEventAgeInSeconds", 3600)),
        on_failure=value.get("onFailure", ""),
        on_success=value.get("onSuccess", ""),
    )


def _check_destinations(function: Function, functions: Mapping[str, Function]) -> None:
    for target in (function.policy.on_failure, function.policy.on_success):
        if target and target not in functions:
            raise ConfigError(f"{function.key}: the destination {target!r} is not a function of this file")
        if target and function.key in (functions[target].policy.on_failure, functions[target].policy.on_success):
            raise ConfigError(f"{function.key} and {target} must not be each other's destination")


def _resolve(value: Any, document: Any) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, document) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, document) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _lookup(match, document), value)
    return value


def _lookup(match: re.Match[str], document: Any) -> str:
    if match["source"] != "self":
        return match["default"] or ""
    value = document
    for part in match["name"].split("."):
        if not isinstance(value, dict) or part not in value:
            raise ConfigError(f"{match[0]} points nowhere")
        value = value[part]
    return str(_resolve(value, document))
