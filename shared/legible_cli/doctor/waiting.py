"""Checks of what waits at FunctionGraph: uploads whose event was dropped, or is not begun with.

An upload calls the function asynchronously. Events that find no instance wait; those that are too old, or too many, are
dropped, and no log of a function tells of that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from legible.errors import LegibleError
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.answers import tables, texts
from legible_cli.doctor.endpoints import SECONDS, Endpoints
from legible_cli.doctor.inspector import Inspector
from legible_cli.doctor.outcomes import unknown

#: Of how long dropped events are told, and how long one may wait before that is told.
_DROPPED, _PATIENCE = timedelta(days=1), timedelta(minutes=15)
#: A page of the list, the largest there is, and how many are read (functiongraph_06_0112_00_3).
_PAGE, _PAGES = 500, 10
_FORM = "%Y-%m-%dT%H:%M:%S"


class Queue:
    """The asynchronous calls of the function for uploads, as FunctionGraph lists them; no page names the permission.

    Args:
        endpoints: Where is asked.
        package: The application of the functions.
        now: Returns the time in UTC.
    """

    def __init__(
        self, endpoints: Endpoints, package: str, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    ) -> None:
        """Ask nothing yet."""
        self._endpoints = endpoints
        self._package = package
        self._now = now

    def dropped(self) -> HealthCheck:
        """Whether events were dropped: what they told of is read by nobody."""
        name = "dropped-events"
        try:
            times, more = self._times("DISCARD", _DROPPED)
        except LegibleError as error:
            return unknown(name, f"Whether uploads' events were dropped cannot be seen. {error.message}", error.advice)
        if not times:
            return HealthCheck(name, "ok", "FunctionGraph lists no event that it dropped within a day.")
        last = f"the last one at {max(times):%Y-%m-%d %H:%M} UTC"
        message = f"FunctionGraph dropped {_count(times, more)} within a day, {last}: they were too old, or too many."
        advice = (
            "Raise max_instances and the account's concurrency. The check `uploads` names what has no record: "
            "upload it again."
        )
        return HealthCheck(name, "failed", message, advice)

    def age(self) -> HealthCheck:
        """How long the oldest event waits to be begun with."""
        name = "waiting-events"
        try:
            times, more = self._times("WAIT", _DROPPED)
        except LegibleError as error:
            return unknown(name, f"How long uploads' events wait cannot be seen. {error.message}", error.advice)
        if not times:
            return HealthCheck(name, "ok", "No upload's event waits at FunctionGraph.")
        age = self._now() - min(times)
        message = f"{_count(times, more)} wait at FunctionGraph, the oldest for {age // timedelta(minutes=1)} minutes."
        if age < _PATIENCE:
            return HealthCheck(name, "ok", message)
        return HealthCheck(name, "failed", message, "Raise max_instances and the account's concurrency, or wait.")

    def _times(self, status: str, span: timedelta) -> tuple[list[datetime], bool]:
        """Return when the calls of that status were accepted, and whether there are more than are read."""
        urn = self._endpoints.urn(self._package, self._endpoints.settings.functions.upload)
        path = f"{self._endpoints.of_project('v2')}/fgs/functions/{urn}/async-invocations"
        caller, now = self._endpoints.functions("what lists asynchronous invocations"), self._now()
        query = {
            "status": status, "limit": str(_PAGE),
            "query_begin_time": (now - span).strftime(_FORM), "query_end_time": now.strftime(_FORM),
        }  # fmt: skip
        times: list[datetime] = []
        for number in range(_PAGES):
            page = tables(caller.get(path, SECONDS, {**query, "marker": str(number * _PAGE)}), "invocations")
            times += [at for one in page if (at := _time(one.get("start_time"))) is not None]
            if len(page) < _PAGE:
                return times, False
        return times, True


def _count(times: list[datetime], more: bool) -> str:  # noqa: FBT001
    return f"{len(times)} event{'s' if len(times) > 1 else ''}{' or more' if more else ''}"


def _time(value: Any) -> datetime | None:
    try:
        return datetime.strptime(str(value)[:19], _FORM).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def trusted(endpoints: Endpoints, inspector: Inspector, package: str, settings: Settings) -> HealthCheck:
    """Whether the agency of the function trusts FunctionGraph: it gets no keys otherwise.

    FunctionGraph lists such agencies (data_source_huaweicloud_fgs_service_trusted_agencies.go, a0345b8).
    """
    name, region = "trusted-agencies", settings.cloud.region
    try:
        answer = endpoints.functions("what lists service-trusted-agencies").get(
            f"{endpoints.of_project('v2')}/fgs/service-trusted-agencies", SECONDS
        )
        agency = inspector.function(package, settings.functions.upload).agency
    except LegibleError as error:
        why = f"Which agencies trust FunctionGraph in {region} cannot be seen. {error.message}"
        return unknown(name, why, error.advice)
    listed = {str(one.get("name")) for one in tables(answer)} | set(texts(answer))
    if not agency:
        return unknown(name, "The function has no agency that could trust FunctionGraph.")
    if not listed:
        return unknown(name, f"FunctionGraph lists no agency in {region}.", f"It needs {agency}.")
    if agency in listed:
        return HealthCheck(name, "ok", f"{agency} trusts FunctionGraph.")
    advice = "Make it an agency whose delegated service is FunctionGraph (op_svc_cff), or deploy again."
    return HealthCheck(name, "failed", f"FunctionGraph does not list {agency} in {region}.", advice)
