"""What can be seen of agencies in IAM: which there are, and what each is granted, by permission and by scope."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from legible_cli.doctor.answers import table, tables, texts
from legible_cli.doctor.endpoints import SECONDS, Endpoints
from legible_cli.doctor.inspector import Inspector
from legible_cli.policy.grammar import Policy, Statement

#: A page of agencies has 500 at most (iam_12_0001).
_PAGE = 500


class Grant(Struct, frozen=True):
    """Permissions that an agency is granted somewhere: what people call them, and what they say together."""

    names: frozenset[str] = frozenset()
    policy: Policy = Policy(())

    def __or__(self, other: Grant) -> Grant:
        """Return what both grant together."""
        return Grant(self.names | other.names, Policy((*self.policy.statement, *other.policy.statement)))


class AgencyInspector:
    """Looks at agencies; each look raises ``HeldError`` or ``UnavailableError``, as ``Inspector`` does.

    Args:
        endpoints: Where is asked.
        inspector: Knows the account and its projects.
    """

    def __init__(self, endpoints: Endpoints, inspector: Inspector) -> None:
        """Ask nothing yet."""
        self._endpoints = endpoints
        self._inspector = inspector
        self._domain = ""
        self._known: dict[str, dict[str, Any]] = {}

    def of_function(self, package: str, name: str) -> tuple[str, str]:
        """Return the names of a function's execution agency and of its configuration agency, empty for none."""
        path = f"{self._endpoints.of_project('v2')}/fgs/functions/{self._endpoints.urn(package, name)}/config"
        config = table(self._endpoints.functions("functiongraph:function:getConfig").get(path, SECONDS))
        configuring = str(config.get("xrole") or "")
        return str(config.get("app_xrole") or configuring), configuring

    def agencies(self) -> dict[str, str]:
        """Return the ids of the account's agencies, by their names (iam_12_0001)."""
        iam, found = self._endpoints.iam("iam:agencies:listAgencies"), dict[str, str]()
        page = 0
        while True:
            page += 1
            query = {"domain_id": self._account(), "page": str(page), "per_page": str(_PAGE)}
            listed = tables(iam.get("/v3.0/OS-AGENCY/agencies", SECONDS, query), "agencies")
            found |= {str(one.get("name")): str(one.get("id")) for one in listed}
            if len(listed) < _PAGE:
                return found

    def in_project(self, agency: str, project_id: str) -> Grant:
        """Return what an agency is granted in a project (iam_12_0007)."""
        path = f"/v3.0/OS-AGENCY/projects/{quote(project_id, '')}/agencies/{quote(agency, '')}/roles"
        iam = self._endpoints.iam("iam:permissions:listRolesForAgencyOnProject")
        return _grant(tables(iam.get(path, SECONDS), "roles"))

    def on_account(self, agency: str) -> Grant:
        """Return what an agency is granted for global services (iam_12_0006)."""
        path = f"/v3.0/OS-AGENCY/domains/{quote(self._account(), '')}/agencies/{quote(agency, '')}/roles"
        iam = self._endpoints.iam("iam:permissions:listRolesForAgencyOnDomain")
        return _grant(tables(iam.get(path, SECONDS), "roles"))

    def everywhere(self, agency: str) -> Grant:
        """Return what an agency is granted on all resources.

        That list has neither names that people know nor policies (iam_12_0014): each permission is asked for.
        """
        path = f"/v3.0/OS-INHERIT/domains/{quote(self._account(), '')}/agencies/{quote(agency, '')}"
        iam = self._endpoints.iam("iam:permissions:listRolesForAgency")
        listed = tables(iam.get(f"{path}/roles/inherited_to_projects", SECONDS), "roles")
        return _grant([self._role(str(one.get("id"))) for one in listed])

    def identity_policies(self, agency: str) -> list[str]:
        """Return the names of an agency's identity policies (IAM v5), which have a grammar of their own."""
        iam = self._endpoints.iam("iam:agencies:listAttachedPolicies")
        answer = iam.get(f"/v5/agencies/{quote(agency, '')}/attached-policies", SECONDS)
        return [str(one.get("policy_name")) for one in tables(answer, "attached_policies")]

    def _account(self) -> str:
        self._domain = self._domain or self._inspector.domain()
        return self._domain

    def _role(self, identity: str) -> dict[str, Any]:
        if identity not in self._known:
            answer = self._endpoints.iam("iam:roles:getRole").get(f"/v3/roles/{quote(identity, '')}", SECONDS)
            self._known[identity] = table(table(answer).get("role"))
        return self._known[identity]


def _grant(roles: list[dict[str, Any]]) -> Grant:
    statements = [
        statement for role in roles for one in tables(role.get("policy"), "Statement") for statement in _statement(one)
    ]
    return Grant(frozenset(str(role.get("display_name")) for role in roles), Policy(tuple(statements)))


def _statement(said: dict[str, Any]) -> list[Statement]:
    """Return a statement of a permission; none where it has a form that is not known, so that it grants nothing."""
    places = said.get("Resource")
    try:
        statement = msgspec.convert(
            {
                "Effect": said.get("Effect"), "Action": texts(said.get("Action")),
                "Condition": said.get("Condition") or {}, "Resource": None if places is None else texts(places),
            },
            Statement,
        )  # fmt: skip
    except msgspec.ValidationError:
        return []
    return [statement]
