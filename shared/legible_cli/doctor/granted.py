"""The check of the agencies: whether each has what infra/policies/functions.yaml says.

The provider of Terraform skips a permission whose name IAM does not know, with a line in its own log: the apply is
green, and nobody is told (resource_huaweicloud_identity_agency.go, a0345b8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from legible.errors import HeldError, LegibleError
from legible.notices.targets import EventGrid, Smn
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.agencies import AgencyInspector, Grant
from legible_cli.doctor.inspector import Inspector
from legible_cli.doctor.outcomes import unknown
from legible_cli.doctor.regions import Regions
from legible_cli.policy import needs
from legible_cli.policy.grammar import Call, allowed
from legible_cli.policy.roles import tried
from localcloud.iam.rights import CONFIGURATION, DELIVERING, EXECUTING, Names, Rights, rights

#: System policies that allow all that another one does.
_MORE = {"OCR ReadOnlyAccess": ("OCR FullAccess", "Tenant Administrator")}
#: Agencies of EventGrid that the vendor's consoles make. Of the rights that these need two pages differ (provider docs,
#: fgs_function_trigger: FunctionGraph asks EventGrid; eg-ug-035: EventGrid calls functions): they must be there.
_CONSOLES = frozenset({"fgs_to_eg", "EG_TARGET_AGENCY"})
#: So many things that an agency lacks are named.
_NAMED = 3
_NAME = "agencies"
#: What FunctionGraph says of a function that is not there (functiongraph_06_0126).
_NO_FUNCTION = "FSS.1051"


class Agencies:
    """Compares what agencies have with what they must have.

    Args:
        inspector: Looks at the functions.
        agencies: Looks at the agencies.
        settings: Name buckets, functions, targets, and regions in which operations are called.
        package: The application of the functions.
        pages: Say how system policies are called at a site.
    """

    def __init__(
        self, inspector: Inspector, agencies: AgencyInspector, settings: Settings, package: str, pages: Regions
    ) -> None:
        """Ask nothing yet."""
        self._inspector = inspector
        self._agencies = agencies
        self._settings = settings
        self._package = package
        self._pages = pages

    def check(self) -> HealthCheck:
        """Whether each agency of the functions, and that of EventGrid, has what the table says."""
        try:
            return self._look()
        except LegibleError as error:
            why = f"Whether the agencies have their rights cannot be seen. {error.message}"
            return unknown(_NAME, why, error.advice)

    def _look(self) -> HealthCheck:
        wanted, ids = self._wanted(), self._agencies.agencies()
        lacking = {name: found for name, one in wanted.items() if (found := self._lacks(ids.get(name, ""), one))}
        otherwise = [name for name in lacking if ids.get(name) and self._has_identity_policies(ids[name])]
        return _said({name: found for name, found in lacking.items() if name not in otherwise}, otherwise, len(wanted))

    def _wanted(self) -> dict[str, list[Rights]]:
        """Return what each agency must have, by its name; several functions may share one."""
        upload, said, wanted = self._settings.functions.upload, self._said(), defaultdict[str, list[Rights]](list)
        for key in (one.removeprefix(EXECUTING) for one in said if one.startswith(EXECUTING)):
            for name, role in self._of_function(key):
                wanted[name].append(said[role])
        for one in self._inspector.triggers(self._package, upload):
            if one.kind == "EVENTGRID" and one.data.get("agency"):  # what EventGrid delivers uploads as
                delivering = str(one.data["agency"])
                wanted[delivering].append(Rights() if delivering in _CONSOLES else said[DELIVERING])
        return dict(wanted)

    def _said(self) -> dict[str, Rights]:
        """Return what the table says of the agencies, for these buckets, functions and targets."""
        deployed = self._inspector.function(self._package, self._settings.functions.upload)
        kept = deployed.variables.get("LEGIBLE_FAILURES_BUCKET") or needs.failures(self._settings)
        buckets, prefix = self._settings.buckets, needs.prefix(self._settings).removesuffix("-")
        kinds = {Smn: "smn", EventGrid: "eventgrid"}
        told = {kinds[type(one)] for one in self._settings.notify.values() if type(one) in kinds}
        return rights(Names(buckets.input, buckets.output, kept, self._package, prefix), sorted(told))

    def _of_function(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield the agencies of a function, and which of the table's they are; none where it is not deployed."""
        prefix, upload = needs.prefix(self._settings), key == "on-upload"
        if not upload and not prefix:
            return
        try:
            name = self._settings.functions.upload if upload else prefix + key
            executing, configuring = self._agencies.of_function(self._package, name)
        except HeldError as error:
            if error.vendor_code == _NO_FUNCTION and not upload:
                return
            raise
        if executing:
            yield executing, EXECUTING + key
        if configuring:
            yield configuring, CONFIGURATION

    def _lacks(self, identity: str, wanted: Iterable[Rights]) -> list[str]:
        """Return in words what an agency lacks; ``identity`` is empty for one that is not there."""
        if not identity:
            return ["everything: there is no agency of this name"]
        home = self._settings.cloud.region
        wide = self._agencies.everywhere(identity)
        inside = self._agencies.in_project(identity, self._settings.cloud.project_id) | wide
        wide = self._agencies.on_account(identity) | wide
        found: list[str] = []
        for one in wanted:
            found += [*_denied(one.obs, wide), *_denied(one.project, inside)]
            roles = [self._pages.role(home, role) for role in one.roles]
            found += [f"{role} in the project of {home}" for role in roles if not _granted(role, inside)]
            found += [text for role in roles for text in self._elsewhere(identity, role)]
        return list(dict.fromkeys(found))

    def _elsewhere(self, identity: str, role: str) -> Iterator[str]:
        """Yield in which other regions, where operations are called with the same keys, a system policy is missing."""
        regions = {one.region for one in self._settings.operations.values() if one.region}
        for region in sorted(regions - {self._settings.cloud.region}):
            project = self._inspector.projects().get(region, "")
            granted = self._agencies.in_project(identity, project) if project else Grant()
            if not _granted(role, granted | self._agencies.everywhere(identity)):
                yield f"{role} in the project of {region}"

    def _has_identity_policies(self, identity: str) -> bool:
        try:
            return bool(self._agencies.identity_policies(identity))
        except LegibleError:  # an account without them, or not to be seen: Terraform grants none
            return False


def _granted(role: str, grant: Grant) -> bool:
    return bool({role, *_MORE.get(role, ())} & grant.names)


def _denied(statements: Iterable[dict[str, Any]], grant: Grant) -> Iterator[str]:
    """Yield each action on each resource that is not allowed; one for many is tried with a name nobody would permit."""
    for one in statements:
        for action in one["Action"]:
            for place in one.get("Resource", [""]):
                if not allowed([grant.policy], Call(action, tried(place))):
                    yield f"{action} on {place}" if place else action


def _said(lacking: dict[str, list[str]], otherwise: list[str], count: int) -> HealthCheck:
    if lacking:
        each = [f"{name} lacks {_first(found)}" for name, found in lacking.items()]
        advice = (
            "Grant it in IAM, or deploy again and read the provider's log: it skips a permission that it does not "
            "find. How system policies are called at your site stands in infra/terraform/regions.json."
        )
        return HealthCheck(_NAME, "failed", f"{'; '.join(each)}.", advice)
    if otherwise:
        why = (
            f"{', '.join(otherwise)} have identity policies, whose grammar is another one: see in IAM what they allow."
        )
        return unknown(_NAME, why)
    return HealthCheck(_NAME, "ok", f"Each of the {count} agencies has what infra/policies/functions.yaml says.")


def _first(found: list[str]) -> str:
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f", and {more} more" if more > 0 else "")
