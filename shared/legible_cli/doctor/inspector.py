"""What can be seen of a deployment from outside, for nothing: functions, triggers, quotas, keys, projects."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from legible.errors import HeldError
from legible_cli.doctor.answers import table, tables
from legible_cli.doctor.endpoints import SECONDS, Endpoints
from legible_cli.doctor.subscriptions import watched

#: So many subscriptions of one function are asked for at once; the API has 15 unless it is told, and 1,000 at most.
_PAGE = 100


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
        endpoints: Where is asked.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        """Ask nothing yet."""
        self._endpoints = endpoints
        self._fgs = endpoints.of_project("v2") + "/fgs"

    # --- IAM

    def age(self) -> datetime | None:
        """Return when the access key was made; None where IAM does not say: a temporary one, or another user's."""
        iam, key = self._endpoints.iam("iam:credentials:getCredential"), self._endpoints.credentials.access_key
        try:
            answer = iam.get(f"/v3.0/OS-CREDENTIAL/credentials/{quote(key, '')}", SECONDS)
        except HeldError as error:
            if error.vendor_code.startswith("APIGW.03"):  # the keys themselves are refused
                raise
            return None
        created = table(table(answer).get("credential")).get("create_time")
        try:
            return datetime.strptime(str(created), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        except ValueError:
            return None

    def projects(self) -> dict[str, str]:
        """Return the ids of the projects that the user has, by their names; a region's own is called as the region.

        Of the two lists that IAM has, this is the one that needs no permission (iam_06_0003); it knows no filter.
        """
        answer = self._endpoints.iam("iam:projects:listProjects").get("/v3/auth/projects", SECONDS)
        return {str(one.get("name")): str(one.get("id")) for one in tables(answer, "projects")}

    def project(self) -> str:
        """Return the id of the region's own project; empty where the user has none there."""
        return self.projects().get(self._endpoints.settings.cloud.region, "")

    def domain(self) -> str:
        """Return the account's id; empty where IAM does not say."""
        answer = self._endpoints.iam("iam:domains:list").get("/v3/auth/domains", SECONDS)
        return next((str(one.get("id")) for one in tables(answer, "domains")), "")

    def enterprise_project(self, wanted: str) -> bool | None:
        """Tell whether an enterprise project is enabled; None where the account has none of that id."""
        eps, domain = self._endpoints.enterprise_projects("eps:enterpriseProjects:list"), self.domain()
        answer = eps.get("/v1.0/enterprise-projects", SECONDS, {"id": wanted}, domain)
        projects = tables(answer, "enterprise_projects")
        return next((one.get("status") == 1 for one in projects if one.get("id") == wanted), None)

    # --- FunctionGraph

    def function(self, package: str, name: str) -> Deployed:
        """Return a function as the platform has it (functiongraph_06_0106)."""
        path = f"{self._fgs}/functions/{self._endpoints.urn(package, name)}/config"
        return deployed(table(self._endpoints.functions("functiongraph:function:getConfig").get(path, SECONDS)))

    def triggers(self, package: str, name: str) -> list[Trigger]:
        """Return the triggers of a function (functiongraph_06_0122)."""
        path = f"{self._fgs}/triggers/{self._endpoints.urn(package, name)}"
        answer = self._endpoints.functions("functiongraph:trigger:list").get(path, SECONDS)
        return [
            Trigger(
                str(one.get("trigger_type_code")), one.get("trigger_status") == "ACTIVE", table(one.get("event_data"))
            )
            for one in tables(answer)
        ]

    def retries(self, package: str, name: str) -> list[Retries]:
        """Return the async policies of a function's versions (functiongraph_06_0143); none where it has none."""
        path = f"{self._fgs}/functions/{self._endpoints.urn(package, name)}/async-invoke-configs"
        answer = self._endpoints.functions("functiongraph:function:getConfig").get(path, SECONDS)
        return [
            Retries(
                int(one.get("max_async_retry_attempts") or 0),
                str(table(table(one.get("destination_config")).get("on_failure")).get("destination") or ""),
            )
            for one in tables(answer, "async_invoke_configs")
        ]

    def quotas(self) -> list[Quota]:
        """Return how much of the project's quotas is used (functiongraph_06_0137)."""
        answer = self._endpoints.functions("functiongraph:function:list").get(f"{self._fgs}/quotas", SECONDS)
        return [
            Quota(str(one.get("type")), int(one.get("used") or 0), int(one.get("quota") or 0))
            for one in tables(table(answer).get("quotas"), "resources")
        ]

    # --- EventGrid

    def subscriptions(self, package: str, name: str) -> list[Trigger]:
        """Return the subscriptions to objects of OBS that call a function, as triggers of EventGrid (ListTriggers)."""
        eventgrid = self._endpoints.eventgrid("eg:subscriptions:list")
        path = f"{self._endpoints.of_project('v1')}/subscription-triggers/{self._endpoints.urn(package, name)}"
        found: list[Trigger] = []
        first = 0
        while True:
            items = tables(eventgrid.get(path, SECONDS, {"offset": str(first), "limit": str(_PAGE)}), "items")
            found += [Trigger("EVENTGRID", active, data) for one in items for active, data in watched(one)]
            first += len(items)
            if len(items) < _PAGE:
                return found


def deployed(config: dict[str, Any]) -> Deployed:
    """Return what the metadata of a function say. Without an execution agency the other one serves for both."""
    try:
        variables = table(json.loads(str(config.get("user_data") or "{}")))
    except ValueError:
        variables = {}
    agency = str(config.get("app_xrole") or config.get("xrole") or "")
    return Deployed(str(config.get("runtime")), agency, {name: str(value) for name, value in variables.items()})
