"""The services that tell of the account, made as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

from legible.errors import SettingsError
from legible.huawei import billing, cloudeye, cts, eps
from legible.huawei.account import IAM, Access, AccountApi, Domain, iam_endpoint
from legible.ports.account import Billing, EnterpriseProjects, Metrics, Traces
from legible.settings import Settings
from legible.wiring.adapters import service_endpoint


def require_project(project_id: str, asked: str) -> None:
    """Refuse to ask a service of a project where none is known, before anything else is done.

    Args:
        project_id: The project's id; empty where it is not known.
        asked: What would be asked.

    Raises:
        SettingsError: It is empty.
    """
    if not project_id:
        raise SettingsError(
            f"cloud.project_id is not set, and {asked} is asked for a project.",
            advice="Set it, or LEGIBLE_PROJECT_ID, to the id of the region's project (in the console: My Credentials).",
        )


class Account:
    """Cloud Eye, CTS, enterprise projects and billing, each None where it is not to be reached.

    With the endpoints of OBS and OCR both set by hand, each is reached only if its own endpoint is set too, and IAM
    likewise: without it the account's id must be set (``cloud.domain_id``).

    Args:
        settings: The settings.
        access: Who asks.
    """

    def __init__(self, settings: Settings, access: Access) -> None:
        """Make nothing yet."""
        self._settings = settings
        self._access = access

    @property
    def project_id(self) -> str:
        """The project that is asked about; empty where it is not known."""
        return self._access.project_id

    @cached_property
    def metrics(self) -> Metrics | None:
        """Cloud Eye."""
        where = self._where(self._settings.cloudeye.endpoint, cloudeye.endpoint)
        return cloudeye.CloudEyeMetrics(where, self._access) if where else None

    @cached_property
    def traces(self) -> Traces | None:
        """CTS."""
        where = self._where(self._settings.cts.endpoint, cts.endpoint)
        return cts.CtsTraces(where, self._access) if where else None

    @cached_property
    def projects(self) -> EnterpriseProjects | None:
        """Enterprise projects."""
        where = self._where(self._settings.eps.endpoint, eps.endpoint)
        return eps.EpsProjects(where, self._access, self._domain) if where else None

    @cached_property
    def billing(self) -> Billing | None:
        """Packages and bills, of the site that the settings name."""
        site = partial(billing.endpoint, site=self._settings.billing.site)
        where = self._where(self._settings.billing.endpoint, site)
        return billing.OperationBilling(where, self._access, self._domain) if where else None

    def _where(self, own: str, regional: Callable[[str], str]) -> str:
        return service_endpoint(self._settings, own or self._settings.cloud.account_endpoint, regional)

    @cached_property
    def _domain(self) -> Domain:
        where = self._where(self._settings.iam.endpoint, iam_endpoint)
        iam = AccountApi(IAM, where, self._access) if where else None
        return Domain(self._settings.cloud.domain_id, iam)
