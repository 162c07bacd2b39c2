"""Workbooks over many documents, over HTTP: ordered, followed, and downloaded."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from legible.api import shapes
from legible.api.calls import Answer, Call, Callers, Endpoint, opened
from legible.api.problems import ProblemError
from legible.errors import ObjectGoneError
from legible.model import layout
from legible.model.documents import Format, ObjectRef, WorkbookOrder
from legible.ports import Invocation, Shown, Site
from legible.workbooks.builds import Build, Builds
from legible.workbooks.collector import KINDS, check_name


class WorkbookEndpoints:
    """Answers requests about workbooks over many documents.

    Args:
        site: Where workbooks are stored.
        call: The invocation: gives the time.
        callers: Tells who the caller is.
        builds: Knows the status of each build.
        collect: Calls a function to build a workbook.
        formats: The kinds of files that are built if the request names none.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        callers: Callers,
        builds: Builds,
        collect: Callable[[WorkbookOrder], None],
        formats: tuple[Format, ...],
    ) -> None:
        """Order nothing yet."""
        self._site = site
        self._call = call
        self._callers = callers
        self._builds = builds
        self._collect = collect
        self._formats = formats

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"workbook": self.workbook, "workbook_file": self.workbook_file}

    def workbook(self, call: Call) -> Answer:
        """Order a workbook."""
        asked: shapes.NewWorkbook = call.body
        own = self._callers.prefix(call)
        check_name(own + asked.workbook)  # the function that builds it cannot tell the caller
        wanted = WorkbookOrder(own + asked.workbook, own + asked.prefix, asked.day, asked.formats or self._formats)
        asked_at = self._call.now()
        self._collect(wanted)
        self._builds.tell(wanted.workbook, Build("running", asked_at))
        links: dict[str, str] = {kind: _workbook(f"{asked.workbook}.{KINDS[kind][0]}") for kind in wanted.formats}
        return 202, shapes.WorkbookTicket(asked.workbook, {"self": _workbook(asked.workbook), **links})

    def workbook_file(self, call: Call) -> Answer:
        """The status of a workbook's build, or one of its files."""
        own, name = self._callers.prefix(call), call.places["file"]
        ending = next((ending for ending in KINDS.values() if name.endswith(f".{ending[0]}")), None)
        ref = self._site.in_output(layout.workbook(own + name))
        if ending is not None and self._is_there(ref):
            return opened(self._site, ref, Shown(ending[1], name))
        build = self._builds.known(own + name)
        if build is None:
            stem = name.removesuffix(f".{ending[0]}") if ending else name
            advice = f"POST /v1/workbooks builds one; {_workbook(stem)} tells its status."
            raise ProblemError(404, "no-such-workbook", "There is no such file (yet).", advice)
        files = [file.rsplit("/", 1)[-1] for file in build.files]
        links: dict[str, str] = {
            kind: _workbook(file) for file in files for kind, of in KINDS.items() if file == f"{name}.{of[0]}"
        }
        return 200, shapes.WorkbookStatus(
            name, build.status, build.began_at, {"self": _workbook(name), **links}, build.ended_at, build.documents,
            build.running.count, build.running.first, build.reason,
        )  # fmt: skip

    def _is_there(self, ref: ObjectRef) -> bool:
        try:
            self._site.store.head(ref)
        except ObjectGoneError:
            return False
        return True


def _workbook(name: str) -> str:
    return f"/v1/workbooks/{quote(name)}"
