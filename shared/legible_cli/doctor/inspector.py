"""What can be seen of a deployment from outside, for nothing: buckets, triggers, quotas, keys, projects."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from huaweicloudsdkcore.auth import endpoint as sdk_endpoints
from msgspec import Struct

from legible.errors import HeldError, UnavailableError
from legible.huawei import obs
from legible.huawei.credentials import Credentials
from legible.huawei.relay import endpoint as functions_endpoint
from legible.huawei.signed import Caller, Service
from legible.settings import Settings

_SECONDS = 15.0
_YOU = "your user"
#: EPS is one for all regions (the SDK's own table; others have their own).
_EPS = "https://eps.myhuaweicloud.com"


class Bucket(Struct, frozen=True):
    """What a bucket is: where, and with what that a journal does not bear."""

    region: str
    versioned: bool
    parallel: bool
    replicated: bool
    locked: bool


class Deployed(Struct, frozen=True):
    """A function as the platform has it: its runtime, whose keys it gets, and its plain user variables."""

    runtime: str
    agency: str
    variables: dict[str, str]


class Trigger(Struct, frozen=True):
    """A trigger of a function: its type, whether it is active, and what it watches."""

    kind: str
    active: bool
    data: dict[str, Any]


class Retries(Struct, frozen=True):
    """What becomes of an event whose invocation fails: how often it is tried again, and who hears of it at last."""

    attempts: int
    destination: str


class Quota(Struct, frozen=True):
    """How much of how much is used."""

    kind: str
    used: int
    most: int


class Inspector:
    """Looks at a deployment.

    Each look raises ``HeldError`` where it is refused or what it asks for is not there, and ``UnavailableError`` where
    it cannot be answered now, or not at all in a setup apart from the cloud.

    Args:
        settings: Name what is looked at.
        credentials: The operator's own keys.
        environment: The variables of the SDKs that lead elsewhere than to the regions' own endpoints.
    """

    def __init__(
        self, settings: Settings, credentials: Credentials, environment: Mapping[str, str] | None = None
    ) -> None:
        """Make the client of OBS; nothing is asked yet."""
        self._settings = settings
        self._credentials = credentials
        self._environment = os.environ if environment is None else environment  # noqa: TID251 - a command's own
        where = settings.obs.endpoint or obs.endpoint(settings.cloud.region)
        address = obs.ObsEndpoint(where, settings.obs.signature, settings.obs.path_style, settings.cloud.region)
        self._obs = obs.client(address, credentials)

    # --- IAM

    def age(self) -> datetime | None:
        """Return when the access key was made; None where IAM does not say: a temporary one, or another user's."""
        iam = self._iam("iam:credentials:getCredential")
        try:
            answer = iam.get(f"/v3.0/OS-CREDENTIAL/credentials/{quote(self._credentials.access_key, '')}", _SECONDS)
        except HeldError as error:
            if error.vendor_code.startswith("APIGW.03"):  # the keys themselves are refused
                raise
            return None
        created = _table(_table(answer).get("credential")).get("create_time")
        try:
            return datetime.strptime(str(created), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        except ValueError:
            return None

    def project(self) -> str:
        """Return the id of the region's own project; empty where the user has none there.

        Of the two lists that IAM has, this is the one that needs no permission (iam_06_0003); it knows no filter.
        """
        answer = self._iam("iam:projects:listProjects").get("/v3/auth/projects", _SECONDS)
        mine = self._settings.cloud.region
        return next((str(one.get("id")) for one in _tables(answer, "projects") if one.get("name") == mine), "")

    def enterprise_project(self, wanted: str) -> bool | None:
        """Tell whether an enterprise project is enabled; None where the account has none of that id."""
        answer = self._iam("iam:domains:list").get("/v3/auth/domains", _SECONDS)
        domain = next((str(one.get("id")) for one in _tables(answer, "domains")), "")
        region = self._settings.cloud.region.upper().replace("-", "_")
        where = self._where(self._environment.get(f"HUAWEICLOUD_SDK_REGION_EPS_{region}", ""), lambda: _EPS, "EPS")
        eps = self._caller(Service("EPS", where, "the endpoint", "eps:enterpriseProjects:list", _YOU))
        projects = _tables(
            eps.get("/v1.0/enterprise-projects", _SECONDS, {"id": wanted}, domain), "enterprise_projects"
        )
        return next((one.get("status") == 1 for one in projects if one.get("id") == wanted), None)

    # --- FunctionGraph

    def function(self, package: str, name: str) -> Deployed:
        """Return a function as the platform has it (functiongraph_06_0106)."""
        path = f"{self._fgs()}/functions/{self._urn(package, name)}/config"
        return deployed(_table(self._functions("functiongraph:function:getConfig").get(path, _SECONDS)))

    def triggers(self, package: str, name: str) -> list[Trigger]:
        """Return the triggers of a function (functiongraph_06_0122)."""
        path = f"{self._fgs()}/triggers/{self._urn(package, name)}"
        answer = self._functions("functiongraph:trigger:list").get(path, _SECONDS)
        return [
            Trigger(
                str(one.get("trigger_type_code")), one.get("trigger_status") == "ACTIVE", _table(one.get("event_data"))
            )
            for one in (answer if isinstance(answer, list) else ())
            if isinstance(one, dict)
        ]

    def retries(self, package: str, name: str) -> list[Retries]:
        """Return the async policies of a function's versions (functiongraph_06_0143); none where it has none."""
        path = f"{self._fgs()}/functions/{self._urn(package, name)}/async-invoke-configs"
        answer = self._functions("functiongraph:function:getConfig").get(path, _SECONDS)
        return [
            Retries(
                int(one.get("max_async_retry_attempts") or 0),
                str(_table(_table(one.get("destination_config")).get("on_failure")).get("destination") or ""),
            )
            for one in _tables(answer, "async_invoke_configs")
        ]

    def quotas(self) -> list[Quota]:
        """Return how much of the project's quotas is used (functiongraph_06_0137)."""
        answer = self._functions("functiongraph:function:list").get(f"{self._fgs()}/quotas", _SECONDS)
        return [
            Quota(str(one.get("type")), int(one.get("used") or 0), int(one.get("quota") or 0))
            for one in _tables(_table(answer).get("quotas"), "resources")
        ]

    # --- OBS

    def bucket(self, name: str) -> Bucket:
        """Return what a bucket is (obs_04_0023: a parallel file system says so in its metadata)."""
        head = self._asked(name, lambda: self._obs.getBucketMetadata(name))
        names = {str(header).lower(): str(value) for header, value in head.header or ()}
        return Bucket(
            region=str(self._asked(name, lambda: self._obs.getBucketLocation(name)).body.location or ""),
            versioned=str(self._asked(name, lambda: self._obs.getBucketVersioning(name)).body or "") == "Enabled",
            parallel=any(
                header.endswith("fs-file-interface") and value == "Enabled" for header, value in names.items()
            ),
            replicated=self._has(name, lambda: self._obs.getBucketReplication(name), _replicated),
            locked=self._has(name, lambda: self._obs.getBucketObjectLock(name), _locked),
        )

    def _has(self, name: str, ask: Callable[[], Any], judge: Callable[[Any], bool]) -> bool:
        """Tell whether a bucket has a configuration; one that was never made is answered by 404."""
        answer = self._asked(name, ask, missing=True)
        return answer.status < 300 and judge(answer.body)

    def _asked(self, name: str, ask: Callable[[], Any], *, missing: bool = False) -> Any:
        try:
            answer = ask()
        except Exception as error:  # the SDK lets sockets, HTTP and XML errors of every kind escape
            raise UnavailableError(f"OBS cannot be asked about {name}: {type(error).__name__}.") from None
        status, code = int(answer.status or 0), str(answer.errorCode or "")
        if status == 404 and missing and code != "NoSuchBucket":
            return answer
        if status == 0 or status >= 500:
            raise UnavailableError(f"OBS cannot be asked about {name}: {status} {code}.", advice="Try again.")
        if status >= 300:
            advice = f"Check the bucket's name, and that {_YOU} may do what `legible policy operator` says."
            raise HeldError(f"OBS refuses to tell of {name}: {status} {code}.", code="obs-denied", advice=advice)
        return answer

    # --- where it is asked

    def _iam(self, permission: str) -> Caller:
        endpoint = self._environment.get("HUAWEICLOUD_SDK_IAM_ENDPOINT", "")
        region = self._settings.cloud.region
        where = self._where(endpoint, lambda: str(sdk_endpoints.get_iam_endpoint_by_id(region) or _iam(region)), "IAM")
        return self._caller(Service("IAM", where, "HUAWEICLOUD_SDK_IAM_ENDPOINT", permission, _YOU))

    def _fgs(self) -> str:
        return f"/v2/{quote(self._settings.cloud.project_id, '')}/fgs"

    def _urn(self, package: str, name: str) -> str:
        cloud, (plain, _, version) = self._settings.cloud, name.partition(":")
        urn = f"urn:fss:{cloud.region}:{cloud.project_id}:function:{package}:{plain}:{version or 'latest'}"
        return quote(urn, "")

    def _functions(self, permission: str) -> Caller:
        endpoint, region = self._settings.functions.endpoint, self._settings.cloud.region
        where = self._where(endpoint, lambda: functions_endpoint(region), "FunctionGraph")
        return self._caller(Service("FunctionGraph", where, "functions.endpoint", permission, _YOU))

    def _where(self, endpoint: str, regional: Callable[[], str], name: str) -> str:
        if not endpoint and self._settings.isolated:
            raise UnavailableError(f"{name} is not asked: this setup stands apart from the cloud, and names none.")
        return endpoint or regional()

    def _caller(self, service: Service) -> Caller:
        return Caller(service, self._credentials, self._settings.cloud.project_id)


def deployed(config: dict[str, Any]) -> Deployed:
    """Return what the metadata of a function say. Without an execution agency the other one serves for both."""
    try:
        variables = _table(json.loads(str(config.get("user_data") or "{}")))
    except ValueError:
        variables = {}
    agency = str(config.get("app_xrole") or config.get("xrole") or "")
    return Deployed(str(config.get("runtime")), agency, {name: str(value) for name, value in variables.items()})


def _iam(region: str) -> str:
    return f"https://iam.{region}.myhuaweicloud.com"


def _replicated(answer: Any) -> bool:
    return any(str(rule.status) == "Enabled" for rule in answer.replicationRules or ())


def _locked(answer: Any) -> bool:
    return str(answer.objectLockEnabled) == "Enabled"


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any, name: str) -> list[dict[str, Any]]:
    items = _table(value).get(name)
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
