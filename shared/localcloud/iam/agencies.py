"""Agencies, and what they are granted, as IAM shows them: in pages; by project, on the account, on all resources.

The paths and forms are those of the vendor's SDK (huaweicloudsdkiam v3, 3.1.219) and of iam_12_0001, iam_12_0006,
iam_12_0007, iam_12_0014 and iam_04 (roles); those of identity policies are the provider's (v5). What is granted on all
resources is listed without what it is called and says: whoever wants that asks for each permission by its id.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.iam.rights import DELIVERING, Rights

#: A page of agencies has at most so many (iam_12_0001); page and per_page go together.
_MOST = 500
#: Who an agency is for (accounts of the vendor's services).
FUNCTIONS, EVENTS = "op_svc_cff", "op_svc_EG"


@dataclass
class Role:
    """A permission: a system policy, or a custom one. ``name`` is IAM's own, ``display_name`` what people call it."""

    display_name: str
    statements: tuple[dict[str, Any], ...] = ()
    #: Where it can be granted: AX on the account, XA in a project, AA in both.
    type: str = "AA"
    custom: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def name(self) -> str:
        """What IAM calls it, in tokens and in the list of what is granted on all resources."""
        return f"{'custom' if self.custom else 'system_all'}_{self.id[:6]}"


@dataclass
class Agency:
    """An agency, and what it is granted: in projects (by their ids), on the account, and on all resources."""

    name: str
    trusts: str = FUNCTIONS
    projects: dict[str, list[Role]] = field(default_factory=dict)
    domain: list[Role] = field(default_factory=list)
    everywhere: list[Role] = field(default_factory=list)
    #: The names of identity policies (IAM v5), which say what is allowed in another grammar.
    identity_policies: list[str] = field(default_factory=list)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def granted(self) -> list[Role]:
        """Return everything it is granted, wherever."""
        return [*self.domain, *self.everywhere, *(role for roles in self.projects.values() for role in roles)]


def deployed(rights: Mapping[str, Rights], prefix: str, project_id: str) -> list[Agency]:
    """Return the agencies that Terraform makes: custom policies of OBS on all resources, all others in the project."""
    system: dict[str, Role] = {}
    return [_deployed(name, one, prefix, project_id, system) for name, one in rights.items()]


def _deployed(name: str, rights: Rights, prefix: str, project_id: str, system: dict[str, Role]) -> Agency:
    made = Agency(f"{prefix}{name}", EVENTS if name == DELIVERING else FUNCTIONS)
    if rights.obs:
        made.everywhere.append(Role(f"{made.name}-obs", rights.obs, "AX", custom=True))
    granted = [system.setdefault(role, Role(role)) for role in rights.roles]
    if rights.project:
        granted.append(Role(f"{made.name}-project", rights.project, "XA", custom=True))
    made.projects[project_id] = granted
    return made


class AgencyError(Exception):
    """What is asked for is not there (404), not allowed (403) or wrong (400)."""

    def __init__(self, status: int, message: str) -> None:
        """Take what the answer says."""
        super().__init__(message)
        self.status, self.message = status, message


class Agencies:
    """The agencies of one account, and the answers of IAM about them.

    Args:
        domain_id: The account's id.
    """

    def __init__(self, domain_id: str) -> None:
        """Begin with no agency."""
        self.by_name: dict[str, Agency] = {}
        #: The actions that the caller may do; None for all, as an administrator may.
        self.allowed: set[str] | None = None
        self._domain_id = domain_id

    def add(self, *agencies: Agency) -> None:
        """Have these agencies, in place of others of the same name."""
        self.by_name |= {one.name: one for one in agencies}

    def answer(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """Answer a GET; None where it asks for something else.

        Raises:
            AgencyError: It is refused, or what it asks for is not there.
        """
        for pattern, action, look in _LOOKS:
            asked = pattern.fullmatch(path)
            if asked:
                if self.allowed is not None and action not in self.allowed:
                    raise AgencyError(403, f"You are not authorized to perform the requested action: {action}.")
                return look(self, asked.groupdict(), query)
        return None

    def _listed(self, asked: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        if query.get("domain_id") != self._domain_id:
            raise AgencyError(403, "The domain_id is not that of the account.")
        found = [one for one in self.by_name.values() if query.get("name", one.name) == one.name]
        return {"agencies": [self._said(one) for one in _page(found, query)]}

    def _said(self, agency: Agency) -> dict[str, Any]:
        return {
            "id": agency.id, "name": agency.name, "domain_id": self._domain_id, "description": "",
            "trust_domain_id": uuid.uuid5(uuid.NAMESPACE_DNS, agency.trusts).hex, "trust_domain_name": agency.trusts,
            "duration": "FOREVER", "expire_time": None, "create_time": "2026-11-30T08:00:00.000000",
        }  # fmt: skip

    def _find(self, identity: str) -> Agency:
        found = next((one for one in self.by_name.values() if one.id == identity), None)
        if found is None:
            raise AgencyError(404, f"Could not find agency: {identity}.")
        return found

    def _in_project(self, asked: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        return {"roles": [self._role(one) for one in self._find(asked["agency"]).projects.get(asked["place"], ())]}

    def _on_account(self, asked: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        return {"roles": [self._role(one) for one in self._find(asked["agency"]).domain]}

    def _everywhere(self, asked: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        """List what is granted on all resources: no display name, no policy (iam_12_0014)."""
        roles = [
            {"id": one.id, "name": one.name, "links": {"self": f"https://iam.example/v3/roles/{one.id}"}}
            for one in self._find(asked["agency"]).everywhere
        ]
        return {"roles": roles, "links": {"self": "https://iam.example/v3.0/OS-INHERIT"}}

    def _one_role(self, asked: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        granted = (role for one in self.by_name.values() for role in one.granted())
        found = next((role for role in granted if role.id == asked["role"]), None)
        if found is None:
            raise AgencyError(404, f"Could not find role: {asked['role']}.")
        return {"role": self._role(found)}

    def _role(self, role: Role) -> dict[str, Any]:
        owner = {"domain_id": self._domain_id} if role.custom else {"domain_id": None, "flag": "fine_grained"}
        return {
            "id": role.id, "name": role.name, "display_name": role.display_name, "type": role.type, **owner,
            "catalog": "CUSTOMED" if role.custom else "BASE", "description": role.display_name,
            "policy": {"Version": "1.1", "Statement": list(role.statements)},
            "links": {"self": f"https://iam.example/v3/roles/{role.id}"},
        }  # fmt: skip

    def _identity(self, asked: Mapping[str, str], query: Mapping[str, str]) -> dict[str, Any]:
        names = self._find(asked["agency"]).identity_policies
        attached = [
            {"policy_id": f"policy-{number}", "policy_name": name, "urn": f"iam::system:policy:{name}"}
            for number, name in enumerate(names)
        ]
        return {"attached_policies": attached, "page_info": {"next_marker": None, "current_count": len(names)}}


def _page(found: list[Agency], query: Mapping[str, str]) -> list[Agency]:
    """Return one page of a list; without page and per_page, all of it."""
    if "page" not in query and "per_page" not in query:
        return found
    try:
        page, size = int(query.get("page", "")), int(query.get("per_page", ""))
    except ValueError:
        raise AgencyError(400, "page and per_page must be given together.") from None
    if page < 1 or not 1 <= size <= _MOST:
        raise AgencyError(400, f"page must be 1 or more, per_page 1 to {_MOST}.")
    return found[(page - 1) * size : page * size]


_Look = Callable[[Agencies, Mapping[str, str], Mapping[str, str]], dict[str, Any]]
_GRANTED = r"/v3\.0/OS-AGENCY/{kind}/(?P<place>[^/]+)/agencies/(?P<agency>[^/]+)/roles"
#: What is asked for, the action that it needs, and what answers it.
_LOOKS: tuple[tuple[re.Pattern[str], str, _Look], ...] = (
    (re.compile(r"/v3\.0/OS-AGENCY/agencies"), "iam:agencies:listAgencies", Agencies._listed),
    (
        re.compile(_GRANTED.format(kind="projects")), "iam:permissions:listRolesForAgencyOnProject",
        Agencies._in_project,
    ),
    (re.compile(_GRANTED.format(kind="domains")), "iam:permissions:listRolesForAgencyOnDomain", Agencies._on_account),
    (
        re.compile(r"/v3\.0/OS-INHERIT/domains/[^/]+/agencies/(?P<agency>[^/]+)/roles/inherited_to_projects"),
        "iam:permissions:listRolesForAgency", Agencies._everywhere,
    ),
    (re.compile(r"/v3/roles/(?P<role>[^/]+)"), "iam:roles:getRole", Agencies._one_role),
    (
        re.compile(r"/v5/agencies/(?P<agency>[^/]+)/attached-policies"), "iam:agencies:listAttachedPolicies",
        Agencies._identity,
    ),
)  # fmt: skip
