"""Checks of the region: whether FunctionGraph offers there what is configured, and what to do where it does not.

FunctionGraph is asked itself. Where it does not tell, the vendor's pages are all that is known, and a line says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from legible.errors import HeldError, LegibleError
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.answers import tables, texts
from legible_cli.doctor.endpoints import SECONDS, Endpoints
from legible_cli.doctor.inspector import Inspector, Trigger
from legible_cli.doctor.outcomes import looked, unknown
from legible_cli.doctor.regions import Regions

_OBS, _EVENTGRID = "OBS", "EVENTGRID"
_CLASSIC = 'Set upload_trigger = "obs" (terraform.tfvars), and deploy again.'


class Region:
    """Asks FunctionGraph what it offers in the region, as the provider does; no page names the permissions.

    Each look raises ``HeldError`` or ``UnavailableError``, as ``Inspector`` does.

    Args:
        endpoints: Where is asked.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        """Ask nothing yet."""
        self._endpoints = endpoints

    def trigger_types(self) -> list[str]:
        """Return the types of triggers, in capitals (data_source_huaweicloud_fgs_trigger_types.go, a0345b8)."""
        return [one.upper() for one in texts(self._listed("triggertypes"))]

    def runtimes(self) -> list[str]:
        """Return the runtimes (data_source_huaweicloud_fgs_runtime_types.go, a0345b8)."""
        return [str(one.get("type")) for one in tables(self._listed("runtimetypes")) if one.get("type")]

    def flows(self) -> list[str]:
        """Return the names of the project's function flows, the first page of them (SDK, ListWorkflow)."""
        return [str(one.get("name")) for one in tables(self._listed("workflows"), "workflows")]

    def _listed(self, what: str) -> Any:
        path = f"{self._endpoints.of_project('v2')}/fgs/{what}"
        return self._endpoints.functions(f"what lists {what}").get(path, SECONDS)


def trigger_types(where: Region, inspector: Inspector, package: str, settings: Settings, pages: Regions) -> HealthCheck:
    """Whether the region offers the kind of trigger by which uploads come."""
    name, region = "trigger-types", settings.cloud.region
    try:
        offered = where.trigger_types()
    except LegibleError as error:
        return _by_the_pages(name, f"{_EVENTGRID} triggers", region, pages.eventgrid_triggers.regions, error, _CLASSIC)
    if not offered:
        return unknown(name, f"FunctionGraph lists no type of trigger in {region}.")
    return _configured(region, offered, _kinds(inspector, package, settings))


def _kinds(inspector: Inspector, package: str, settings: Settings) -> set[str]:
    """Return by which kinds of triggers uploads call the function; none where that cannot be seen."""
    try:
        triggers: Iterable[Trigger] = inspector.triggers(package, settings.functions.upload)
    except LegibleError:
        return set()
    return {one.kind for one in triggers} & {_OBS, _EVENTGRID}


def _configured(region: str, offered: list[str], kinds: set[str]) -> HealthCheck:
    name, here = "trigger-types", sorted({_OBS, _EVENTGRID} & set(offered))
    missing = sorted(kinds - set(offered))
    if missing:
        message = f"Uploads call the function by {' and '.join(missing)}, which {region} does not offer."
        other = f"Use a region that does; this one offers {' and '.join(here) or 'neither kind for uploads'}."
        return HealthCheck(name, "failed", message, _CLASSIC if here == [_OBS] else other)
    if not here:
        return HealthCheck(name, "failed", f"{region} offers neither OBS nor EVENTGRID triggers.", "Use another one.")
    return HealthCheck(
        name, "ok", f"{region} offers {' and '.join(here)} triggers for uploads.", _CLASSIC if here == [_OBS] else ""
    )


def runtimes(
    where: Region, inspector: Inspector, package: str, settings: Settings, configured: str, pages: Regions
) -> HealthCheck:
    """Whether the region offers the runtime.

    Args:
        where: Knows what the region offers.
        inspector: Looks at the function.
        package: The application of the functions.
        settings: Name region and function.
        configured: The runtime of serverless.yml, for where no function is deployed yet.
        pages: Name the runtime that every region has.
    """
    name, region, way_out = "runtimes", settings.cloud.region, pages.runtimes.way_out
    try:
        offered = where.runtimes()
    except LegibleError as error:
        why = _why(error, "which runtimes it offers")
        return unknown(name, f"{why} If {configured} is refused in {region}, {way_out} is the way out.")
    runtime = _runtime(inspector, package, settings) or configured
    if not offered:
        return unknown(name, f"FunctionGraph lists no runtime in {region}.")
    if runtime in offered:
        return HealthCheck(name, "ok", f"{region} offers {runtime}.")
    advice = (
        f"Set provider.runtime to {way_out} in serverless.yml, run make package, and deploy again."
        if way_out in offered and runtime != way_out
        else f"It offers: {', '.join(offered)}."
    )
    return HealthCheck(name, "failed", f"{region} does not offer {runtime}.", advice)


def _runtime(inspector: Inspector, package: str, settings: Settings) -> str:
    """Return what the function runs on; empty where that cannot be seen."""
    try:
        return inspector.function(package, settings.functions.upload).runtime
    except LegibleError:
        return ""


def flows(where: Region, settings: Settings, pages: Regions, wanted: bool) -> HealthCheck:
    """Whether function flows run in the region: outside the regions of the vendor's page they are refused.

    Args:
        where: Knows the flows that are there.
        settings: Name the region.
        pages: Name the regions in which flows run.
        wanted: Whether flows are to be used, by the caller's own word.
    """
    name, region, listed = "flows", settings.cloud.region, pages.function_flows.regions
    if region in listed:
        return HealthCheck(name, "ok", f"Function flows run in {region}.")

    def look() -> HealthCheck:
        there = [] if wanted else _there(where)
        message = f"Function flows do not run in {region}, only in {', '.join(listed)}."
        if wanted or there:
            used = f" There are some: {', '.join(there[:3])}." if there else ""
            return HealthCheck(
                name, "failed", message + used, "Do without infra/workflows there: uploads need no flow."
            )
        return HealthCheck(name, "ok", f"{message} None is used.")

    return looked(name, look)


def _there(where: Region) -> list[str]:
    try:
        return where.flows()
    except HeldError:  # not offered, or not to be seen: nothing says that any is used
        return []


def _by_the_pages(
    name: str, what: str, region: str, listed: Iterable[str], error: LegibleError, advice: str
) -> HealthCheck:
    """Say in one line what the vendor's pages say, because FunctionGraph does not."""
    there = region in listed
    said = f"the vendor's page has {region} among their regions" if there else f"no page has {region} for them"
    return unknown(name, f"{_why(error, f'whether it offers {what}')} As to {what}, {said}.", "" if there else advice)


def _why(error: LegibleError, what: str) -> str:
    if error.reason_code == "not-permitted":
        return f"FunctionGraph does not tell your user {what}."
    if isinstance(error, HeldError):
        return f"FunctionGraph has no answer to {what}."
    return f"FunctionGraph cannot be asked {what}: {error.message}"
