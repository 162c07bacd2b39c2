"""The enterprise projects of the account: ``ports.account.EnterpriseProjects`` over EPS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from legible.huawei.account import PROJECTS, Access, AccountApi, AccountService, Domain
from legible.model.account import EnterpriseProject

SERVICE = AccountService("EPS", "eps.endpoint", PROJECTS)
#: The project that everything belongs to which names none; it is always there, and cannot be edited (api-em).
DEFAULT = EnterpriseProject("0", "default")
_PATH = "/v1.0/enterprise-projects"
_LISTED = 1000
#: So many pages at most, so that an answer that never ends does.
_OFFSETS = range(0, 100 * _LISTED, _LISTED)
#: Regions with an EPS of their own (eps_region.py, 3.1.219); all others share one.
_OWN = {
    "eu-west-101": "https://eps.eu-west-101.myhuaweicloud.eu",
    "ru-moscow-1": "https://eps.ru-moscow-1.myhuaweicloud.com",
    "my-kualalumpur-1": "https://eps.my-kualalumpur-1.myhuaweicloud.com",
}


def endpoint(region: str) -> str:
    """Return where EPS is for a region."""
    return _OWN.get(region, "https://eps.myhuaweicloud.com")


class _Project(Struct):
    id: str
    name: str = ""
    status: int = 1
    type: str | None = None


class _ProjectPage(Struct):
    enterprise_projects: list[_Project] = []
    total_count: int | None = None


class EpsProjects:
    """Reads enterprise projects. See ``legible.ports.account.EnterpriseProjects``.

    Args:
        endpoint: Where EPS is.
        access: Who asks.
        domain: The account: EPS belongs to no project.
    """

    def __init__(self, endpoint: str, access: Access, domain: Domain) -> None:
        """Prepare the calls; nothing is sent yet."""
        self._api = AccountApi(SERVICE, endpoint, access, domain)

    def find(self, project: str) -> EnterpriseProject | None:
        """See ``EnterpriseProjects.find``; the default project is not asked for."""
        if project == DEFAULT.id:
            return DEFAULT
        return next((one for one in self._listed({"id": project}) if one.id == project), None)

    def all(self) -> list[EnterpriseProject]:
        """See ``EnterpriseProjects.all``."""
        return list(self._listed({}))

    def _listed(self, query: Mapping[str, str]) -> Iterator[EnterpriseProject]:
        for offset in _OFFSETS:
            page = {"limit": str(_LISTED), "offset": str(offset)}
            # One right for both: `get` would be another.
            body = self._api.get("eps:enterpriseProjects:list", _PATH, {**query, **page})
            found = self._api.read(body, _ProjectPage).enterprise_projects
            for one in found:
                yield EnterpriseProject(one.id, one.name, one.status == 1, one.type or "")
            if len(found) < _LISTED:
                return
