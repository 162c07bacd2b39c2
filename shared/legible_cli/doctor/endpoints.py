"""Where the vendor's APIs are asked, with the operator's own keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from urllib.parse import quote

from huaweicloudsdkcore.auth import endpoint as sdk_endpoints

from legible.errors import UnavailableError
from legible.huawei import eventgrid
from legible.huawei.credentials import Credentials
from legible.huawei.relay import endpoint as functions_endpoint
from legible.huawei.signed import Caller, Service
from legible.settings import Settings

#: So long one look may take, in seconds.
SECONDS = 15.0
YOU = "your user"
#: EPS is one for all regions (the SDK's own table; others have their own).
_EPS = "https://eps.myhuaweicloud.com"


class Endpoints:
    """Makes what calls an API: by the region's own endpoint, or one that the settings or the environment name.

    Each raises ``UnavailableError`` where a setup apart from the cloud names no endpoint of its own.

    Args:
        settings: Name region, project and endpoints.
        credentials: The operator's own keys.
        environment: The variables of the SDKs that lead elsewhere than to the regions' own endpoints.
    """

    def __init__(
        self, settings: Settings, credentials: Credentials, environment: Mapping[str, str] | None = None
    ) -> None:
        """Ask nothing yet."""
        self.settings = settings
        self.credentials = credentials
        self._environment = os.environ if environment is None else environment  # noqa: TID251 - a command's own

    def iam(self, permission: str) -> Caller:
        """Return what calls IAM; its errors name the permission that is needed."""
        endpoint = self._environment.get("HUAWEICLOUD_SDK_IAM_ENDPOINT", "")
        region = self.settings.cloud.region
        where = self._where(endpoint, lambda: str(sdk_endpoints.get_iam_endpoint_by_id(region) or _iam(region)), "IAM")
        return self._caller(Service("IAM", where, "HUAWEICLOUD_SDK_IAM_ENDPOINT", permission, YOU))

    def enterprise_projects(self, permission: str) -> Caller:
        """Return what calls the Enterprise Project Management Service."""
        region = self.settings.cloud.region.upper().replace("-", "_")
        where = self._where(self._environment.get(f"HUAWEICLOUD_SDK_REGION_EPS_{region}", ""), lambda: _EPS, "EPS")
        return self._caller(Service("EPS", where, "the endpoint", permission, YOU))

    def functions(self, permission: str) -> Caller:
        """Return what calls FunctionGraph."""
        endpoint, region = self.settings.functions.endpoint, self.settings.cloud.region
        where = self._where(endpoint, lambda: functions_endpoint(region), "FunctionGraph")
        return self._caller(Service("FunctionGraph", where, "functions.endpoint", permission, YOU))

    def eventgrid(self, permission: str) -> Caller:
        """Return what calls EventGrid."""
        endpoint, region = self.settings.eventgrid.endpoint, self.settings.cloud.region
        where = self._where(endpoint, lambda: eventgrid.endpoint(region), "EventGrid")
        return self._caller(Service("EventGrid", where, "eventgrid.endpoint", permission, YOU))

    def of_project(self, version: str) -> str:
        """Return what the paths of an API in the project begin with."""
        return f"/{version}/{quote(self.settings.cloud.project_id, '')}"

    def urn(self, package: str, name: str) -> str:
        """Return a function's URN, percent-encoded for a path; ``name`` may name a version behind a colon."""
        cloud, (plain, _, version) = self.settings.cloud, name.partition(":")
        urn = f"urn:fss:{cloud.region}:{cloud.project_id}:function:{package}:{plain}:{version or 'latest'}"
        return quote(urn, "")

    def _where(self, endpoint: str, regional: Callable[[], str], name: str) -> str:
        if not endpoint and self.settings.isolated:
            raise UnavailableError(f"{name} is not asked: this setup stands apart from the cloud, and names none.")
        return endpoint or regional()

    def _caller(self, service: Service) -> Caller:
        return Caller(service, self.credentials, self.settings.cloud.project_id)


def _iam(region: str) -> str:
    return f"https://iam.{region}.myhuaweicloud.com"
