"""Whether a document's enterprise project may be billed: the OCR service takes any id, so the account is asked before.

What the account says is kept, in the instance and in the output bucket, so that no document waits for an answer that
another one had. Where it cannot be asked, the last answer counts, however old it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct, structs

from legible.errors import DocumentError, LegibleError, ObjectGoneError, PendingError, RejectedError
from legible.model import layout
from legible.operations.operation import Task
from legible.operations.projects import DEFAULT, NamedProject, ProjectRules
from legible.ports import Invocation, Site
from legible.ports.account import EnterpriseProjects

#: How long it counts that a project may be billed, and how long that it may not: somebody will mend that.
GOOD_FOR, BAD_FOR = timedelta(hours=6), timedelta(minutes=5)
#: How long the account is not asked again after it could not be.
SILENCE = timedelta(minutes=1)
#: How many answers an instance remembers, and how many of ids that the account does not know are kept for others.
MOST_KNOWN, MOST_UNKNOWN = 1_000, 100
#: The name under which these are kept; it is no id of a project.
UNKNOWN_IDS = "unknown"
_JSON = "application/json"
_Kept = TypeVar("_Kept")

ProjectState = Literal["enabled", "disabled", "unknown"]
#: The reasons of documents that are not read for want of a project.
MISSING, MALFORMED, UNKNOWN, DISABLED, ELSEWHERE, UNCHECKED = (
    "project-missing", "project-malformed", "project-unknown", "project-disabled", "project-not-here",
    "project-unchecked",
)  # fmt: skip
PROJECT_REASONS = (MISSING, MALFORMED, UNKNOWN, DISABLED, ELSEWHERE, UNCHECKED)
_NAMED = {
    "metadata": "in its metadata", "route": "by its route", "folder": "by its folder ([projects.folders])",
    "settings": "by ocr.enterprise_project",
}  # fmt: skip


class ProjectAnswer(Struct, frozen=True):
    """What the account said of a project, and when."""

    id: str
    state: ProjectState
    at: datetime

    def fresh(self, now: datetime) -> bool:
        """Tell whether it counts without asking again."""
        return timedelta() <= now - self.at < (GOOD_FOR if self.state == "enabled" else BAD_FOR)


class _Unknown(Struct, frozen=True):
    """The ids that the account did not know lately, the latest last."""

    answers: tuple[ProjectAnswer, ...] = ()


class KnownProjects:
    """What an instance knows of projects, as many as are likely to come again. Safe for several threads."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._answers: dict[str, ProjectAnswer] = {}
        self._silent: tuple[datetime, LegibleError] | None = None
        self._lock = threading.Lock()

    def answer(self, project: str) -> ProjectAnswer | None:
        """Return what is known of a project."""
        return self._answers.get(project)

    def learn(self, answer: ProjectAnswer) -> None:
        """Take an answer, unless a later one is known."""
        with self._lock:
            known = self._answers.get(answer.id)
            if known is None or known.at <= answer.at:
                self._answers[answer.id] = answer
            if len(self._answers) > MOST_KNOWN:  # whoever may write an object may name any number of them
                self._answers.pop(min(self._answers.values(), key=lambda one: (one.state != "unknown", one.at)).id)

    def silent(self, now: datetime) -> LegibleError | None:
        """Return why the account is not asked now, if it could not be a moment ago."""
        told = self._silent
        return told[1] if told and timedelta() <= now - told[0] < SILENCE else None

    def fell_silent(self, now: datetime, error: LegibleError) -> None:
        """Note that the account could not be asked."""
        self._silent = now, error


class ProjectChecker:
    """Checks the enterprise projects of documents.

    Args:
        site: Its output bucket keeps answers, for all instances.
        call: The invocation: gives time and log.
        rules: What becomes of documents by their projects.
        account: Returns what asks the account, None where it is not to be reached; called when that is needed.
        known: What this instance knows.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        rules: ProjectRules,
        account: Callable[[], EnterpriseProjects | None],
        known: KnownProjects,
    ) -> None:
        """Ask nothing yet."""
        self._site = site
        self._call = call
        self._rules = rules
        self._account = account
        self._known = known

    def checked(self, task: Task) -> Task:
        """Return the task of a document with the project that its calls are billed to.

        Raises:
            DocumentError: Its project is missing, malformed, unknown, disabled or cannot be used; nothing is called.
        """
        project, note = task.project, ""
        if not project.id:
            if self._rules.required:
                raise self._refusal(
                    "Nothing names an enterprise project for the document.", MISSING,
                    "Name one in [projects.folders], for a route, in the object's metadata legible-project, or in "
                    "ocr.enterprise_project.",
                )  # fmt: skip
            return task
        if not project.formed:
            raise self._refusal(
                f"{_shown(project)} is no id of an enterprise project.", MALFORMED,
                "An id is a UUID in small letters, or 0 for the default project: the console's Enterprise Project "
                "Management shows it.",
            )  # fmt: skip
        if project.id != DEFAULT:
            note = self._known_good(project)
        return self._here(structs.replace(task, note=note))

    def mended(self, project: str) -> bool | None:
        """Ask the account anew whether a project may be billed; None where it cannot be asked."""
        answer = self._asked(project)
        return answer.state == "enabled" if isinstance(answer, ProjectAnswer) else None

    def _known_good(self, project: NamedProject) -> str:
        """Return a note where the account could not be asked about a project; raise where it may not be billed."""
        answer = self._answer(project.id)
        if isinstance(answer, LegibleError):
            return self._unchecked(project, answer)
        if answer.state == "unknown":
            raise self._refusal(
                f"The account has no enterprise project {_shown(project)}.", UNKNOWN,
                "Check the id: the OCR service would bill to it all the same, and say nothing.",
            )  # fmt: skip
        if answer.state == "disabled":
            raise self._refusal(
                f"The enterprise project {_shown(project)} is disabled.", DISABLED,
                "Enable it in Enterprise Project Management, or name another one.",
            )  # fmt: skip
        return ""

    def _answer(self, project: str) -> ProjectAnswer | LegibleError:
        """Return what is known of a project: what counts yet, else what the account says, else what it said last."""
        now = self._call.now()
        known = self._known.answer(project)
        if known is not None and known.fresh(now):
            return known
        kept = self._kept(project)
        if kept is not None:
            self._known.learn(kept)
            known = self._known.answer(project)
            if known is not None and known.fresh(now):
                return known
        silent = self._known.silent(now)
        asked = silent if silent is not None else self._asked(project)
        return known if isinstance(asked, LegibleError) and known is not None else asked

    def _asked(self, project: str) -> ProjectAnswer | LegibleError:
        now = self._call.now()
        try:
            account = self._account()
            if account is None:
                raise PendingError("No endpoint of EPS is set.", code=UNCHECKED, advice="Set eps.endpoint.")
            found = account.find(project)
        except LegibleError as error:
            self._known.fell_silent(now, error)
            self._call.log("project-unchecked", project=project, reason=error.reason_code, message=str(error))
            return error
        state: ProjectState = "unknown" if found is None else "enabled" if found.enabled else "disabled"
        answer = ProjectAnswer(project, state, now)
        self._known.learn(answer)
        try:
            self._keep(answer)
        except LegibleError as error:  # other instances ask for themselves
            self._call.log("project-not-kept", project=project, reason=error.reason_code)
        return answer

    def _keep(self, answer: ProjectAnswer) -> None:
        """Keep an answer for other instances: one of an id that the account never knew only among the latest of these.

        Raises:
            LegibleError: The bucket does not take it.
        """
        name, kept = answer.id, msgspec.json.encode(answer)
        if answer.state == "unknown" and self._read(name, name, ProjectAnswer) is None:
            before = self._unknown(name)
            latest = sorted((*(one for one in before if one.id != name), answer), key=lambda one: one.at)
            name, kept = UNKNOWN_IDS, msgspec.json.encode(_Unknown(tuple(latest[-MOST_UNKNOWN:])))
        self._site.store.write(self._site.in_output(layout.project(name)), kept, _JSON)

    def _kept(self, project: str) -> ProjectAnswer | None:
        found = self._read(project, project, ProjectAnswer)
        if found is None:
            return next((one for one in self._unknown(project) if one.id == project), None)
        return found if found.id == project else None

    def _unknown(self, project: str) -> tuple[ProjectAnswer, ...]:
        found = self._read(UNKNOWN_IDS, project, _Unknown)
        return found.answers if found else ()

    def _read(self, name: str, project: str, shape: type[_Kept]) -> _Kept | None:
        """Return what is kept under a name; None if nothing is, or it cannot be read: then it is asked for anew."""
        try:
            return msgspec.json.decode(self._site.store.read(self._site.in_output(layout.project(name))), type=shape)
        except ObjectGoneError:
            return None
        except (LegibleError, ValueError) as error:
            self._call.log("project-not-read", project=project, kind=type(error).__name__)
            return None

    def _unchecked(self, project: NamedProject, error: LegibleError) -> str:
        """Return a note for a project of the settings: it goes on; one that an uploader named waits."""
        if project.by == "metadata":
            raise PendingError(
                f"It cannot be checked whether the account has the enterprise project {_shown(project)}: "
                f"{error.message}",
                code=UNCHECKED, advice=error.advice,
                vendor_code=error.vendor_code, request_id=error.request_id,
            )  # fmt: skip
        return f"Billed to the enterprise project {project.id}, which could not be checked: {error}"

    def _here(self, task: Task) -> Task:
        """Return the task for its region: one that has no enterprise projects gets none."""
        project, rules = task.project, self._rules
        if task.region in rules.regions or project.id == DEFAULT:
            # The default project needs no header, and gets none where the region knows none.
            return task if task.region in rules.regions else structs.replace(task, project=NamedProject())
        said = f"{task.region} has no enterprise projects"
        if rules.elsewhere == "without":
            note = f"Not billed to the enterprise project {project.id}: {said}; the default project pays."
            return structs.replace(task, project=NamedProject(), note=note)
        raise self._error(
            rules.elsewhere, f"{said}, and the document names {_shown(project)}.", ELSEWHERE,
            f"Call the operation in one of {', '.join(rules.regions)}, or set projects.elsewhere to without: then the "
            "default project pays, and the record says so.",
        )  # fmt: skip

    def _refusal(self, message: str, code: str, advice: str) -> DocumentError:
        return self._error(self._rules.refused, message, code, advice)

    def _error(self, ends: Literal["held", "rejected"], message: str, code: str, advice: str) -> DocumentError:
        kind: type[DocumentError] = PendingError if ends == "held" else RejectedError
        return kind(message, code=code, advice=advice)


def _shown(project: NamedProject) -> str:
    return f"{project.id!r}, named {_NAMED.get(project.by, '')}".removesuffix(", named ")
