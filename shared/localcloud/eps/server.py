"""EPS's ListEnterpriseProject, ShowEnterpriseProject and its quota over HTTP.

Its habits (api-em, and measured with the SDK, 3.1.219): callers name the account (X-Domain-Id), a name is found by any
part of it, the default project ``0`` is always there, errors are nested, and too many requests are a 403 (EPS.0006).
What an account without the function of enterprise projects is answered, no page says: a missing right stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from localcloud.api import ApiError
from localcloud.iam.account import DOMAIN_ID
from localcloud.iam.credentials import Keyring
from localcloud.routes import Called, Route, RoutedApi, number, route

_MADE = "2026-02-03T08:00:00Z"


@dataclass
class EnterpriseProject:
    """An enterprise project; one that is not enabled must not be used any more."""

    id: str
    name: str
    enabled: bool = True
    kind: str = "prod"
    created_at: str = _MADE

    def said(self) -> dict[str, Any]:
        """Return it as the API says it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": "",
            "status": 1 if self.enabled else 2,
            "type": self.kind,
            "delete_flag": False,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }


class LocalEps(RoutedApi):
    """A WSGI application that answers as EPS does. See ``RoutedApi`` for faults and rights."""

    refused = "EPS.0004"
    throttled = "EPS.0006"
    malformed = "EPS.0008"
    errors: ClassVar[Mapping[str, tuple[int, str]]] = {
        "EPS.0000": (500, "Internal server error."),
        "EPS.0003": (401, "Authentication failed."),
        "EPS.0004": (403, "No permission."),
        "EPS.0005": (404, "The requested resource does not exist."),
        "EPS.0006": (403, "Too many requests."),
        # No page that we know names the code of a wrong parameter: this one is ours.
        "EPS.0008": (400, "Invalid parameter."),
    }

    def __init__(self, keys: Keyring, project_id: str) -> None:
        """Serve one account.

        Args:
            keys: Its access keys.
            project_id: Its only project.
        """
        super().__init__(keys, project_id, DOMAIN_ID)
        #: The account's enterprise projects; the default one is there besides.
        self.projects: list[EnterpriseProject] = []

    def routes(self) -> tuple[Route, ...]:
        """See ``RoutedApi.routes``."""
        base = "/v1.0/enterprise-projects"
        return (
            route("GET", base, "eps:enterpriseProjects:list", self._list),
            route("GET", f"{base}/quotas", "eps:enterpriseProjects:list", self._quota),
            route("GET", f"{base}/{{id}}", "eps:enterpriseProjects:get", self._show),
        )

    def error_body(self, error: ApiError, request_id: str) -> Any:
        """See ``RoutedApi.error_body``."""
        return {"error": super().error_body(error, request_id)}

    def _all(self) -> list[EnterpriseProject]:
        return [EnterpriseProject("0", "default"), *self.projects]

    def _list(self, called: Called) -> Any:
        query = called.query
        limit, offset = (number(query.get(name, default)) for name, default in (("limit", "1000"), ("offset", "0")))
        if not 1 <= limit <= 1000 or offset < 0 or query.get("status", "1") not in ("1", "2"):
            raise self.fail("EPS.0008")
        said = [one.said() for one in self._all()]
        found = [
            one for one in said
            if query.get("id", one["id"]) == one["id"] and query.get("name", "").casefold() in one["name"].casefold()
            and query.get("status", str(one["status"])) == str(one["status"])
            and query.get("type", one["type"]) == one["type"]
        ]  # fmt: skip
        by = query.get("sort_key", "created_at")
        found.sort(key=lambda one: str(one.get(by, "")), reverse=query.get("sort_dir", "desc") == "desc")
        return {"enterprise_projects": found[offset : offset + limit], "total_count": len(found)}

    def _show(self, called: Called) -> Any:
        for one in self._all():
            if one.id == called.parts["id"]:
                return {"enterprise_project": one.said()}
        raise self.fail("EPS.0005")

    def _quota(self, called: Called) -> Any:
        return {"quotas": {"resources": [{"type": "enterprise_project", "used": len(self.projects), "quota": 100}]}}
