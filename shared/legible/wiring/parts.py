"""The objects that one request needs, each built once, from nothing but settings, a store and an invocation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from legible.documents.intake import Intake
from legible.documents.projects import KnownProjects, ProjectChecker
from legible.documents.tickets import Tickets
from legible.documents.uploads import Uploads
from legible.ledger.answers import Answers
from legible.ledger.content import SharedContent
from legible.ledger.ledger import Ledger
from legible.model.documents import Upload
from legible.model.pages import Source
from legible.notices.outbox import Outbox
from legible.notices.sender import NoticeSender, Recipients
from legible.operations.routing import Routing
from legible.pipeline.claims import Claims
from legible.pipeline.decision import Decider
from legible.pipeline.finish import Finisher
from legible.pipeline.holding import Holding
from legible.pipeline.pipeline import Pipeline
from legible.pipeline.waiting import WaitingRoom
from legible.ports import Invocation, Notifier, ObjectStore, Recognizer, Relay, Site
from legible.ports.account import EnterpriseProjects
from legible.recognition.context import CallContext
from legible.recognition.document import DocumentCalls
from legible.recognition.policy import Policy
from legible.results.files import Results
from legible.results.newest import Newest
from legible.results.publication import Publisher
from legible.results.rebuild import Rebuilder
from legible.settings import Settings
from legible.workbooks.collector import Collector
from legible.workbooks.folders import Folders
from legible.workbooks.listing import Selector

if TYPE_CHECKING:
    from legible.outputs.forms import Form
    from legible.results.review import Reviewer

#: Returns what asks the account about enterprise projects; None where that is not to be reached.
AskAccount = Callable[[], EnterpriseProjects | None]
#: What this instance knows of enterprise projects, by the output bucket and by where they are asked for.
_KNOWN: dict[tuple[str, str, str], KnownProjects] = {}
#: How long somebody at a desk waits for one document, and for a file over many documents, in seconds.
DOCUMENT_SECONDS, WORKBOOK_SECONDS = 3600.0, 1e9


class Parts:
    """The objects of one request, each built when it is first asked for.

    Args:
        settings: The settings.
        store: The object storage.
        call: The invocation, or the command, that the objects work for.
        folder: The folder with the settings file and the forms it names.
    """

    def __init__(self, settings: Settings, store: ObjectStore, call: Invocation, folder: Path) -> None:
        """Build nothing yet."""
        self.settings = settings
        self.call = call
        self.site = Site(store, settings.buckets.input, settings.buckets.output)
        self._folder = folder

    @cached_property
    def rules(self) -> Routing:
        """The rules by which keys are routed."""
        return Routing(
            region=self.settings.cloud.region,
            routes=self.settings.routes,
            default=self.settings.default,
            operations=self.settings.operations,
            pinned=bool(self.settings.ocr.endpoint),
            projects=self.settings.projects,
            project=self.settings.ocr.enterprise_project,
        )

    @cached_property
    def ledger(self) -> Ledger:
        """Decides who may pay."""
        return Ledger(self.site, self.call, settle=self.settings.ledger.settle_seconds)

    @cached_property
    def answers(self) -> Answers:
        """Stores and finds paid answers."""
        return Answers(self.site, self.call)

    @cached_property
    def publisher(self) -> Publisher:
        """Puts results where people look."""
        return Publisher(self.site, Newest(self.site, self.call, self.settings.ledger.settle_seconds))

    @cached_property
    def uploads(self) -> Uploads:
        """Finds documents."""
        return Uploads(self.site)

    @cached_property
    def intake(self) -> Intake:
        """Judges documents, and opens their pages."""
        return Intake(self.site, self.call, self.settings.limits.max_pages)

    @cached_property
    def results(self) -> Results:
        """Makes results."""
        return Results(self.site, self.call, self.answers, self.publisher, self._form)

    def _form(self, name: str) -> Form:
        """Open a form, which few routes ask for, by the name that a route gives it."""
        from legible.outputs import forms

        return forms.opened(self._folder, name)

    @cached_property
    def rebuilder(self) -> Rebuilder:
        """Makes results again from stored answers: all of them, however little time a request has left."""
        unhurried = structs.replace(self.call, remaining=lambda: DOCUMENT_SECONDS)
        intake = Intake(self.site, unhurried, self.settings.limits.max_pages)
        results = Results(self.site, unhurried, self.answers, self.publisher, self._form)
        return Rebuilder(self.site, self.ledger.journals, intake, self.publisher, results, self.rules)

    @cached_property
    def reviewer(self) -> Reviewer:
        """Applies corrections."""
        from legible.results.review import Reviewer

        settle = self.settings.ledger.settle_seconds
        return Reviewer(self.site, self.call, self.ledger, self.results, self.rebuilder, settle)

    @cached_property
    def room(self) -> WaitingRoom:
        """Where uploads wait for another try."""
        return WaitingRoom(self.site, self.call)

    @cached_property
    def selector(self) -> Selector:
        """Finds the documents of both buckets."""
        return Selector(self.site, self.settings.workbooks.marker)

    @cached_property
    def collector(self) -> Collector:
        """Builds files over many documents."""
        return Collector(self.site, self.call, self.selector)


def at_desk(owner: str, seconds: float, store: ObjectStore) -> Invocation:
    """Return the invocation of a command: only the person who waits can end it, and it logs nothing.

    Args:
        owner: A name no other command has.
        seconds: How long somebody waits, by ``DOCUMENT_SECONDS`` or ``WORKBOOK_SECONDS``.
        store: Gives the time.
    """
    return Invocation(owner, lambda: seconds, store.now, time.sleep, _silent)


def notice_sender(parts: Parts, notifiers: Mapping[str, Notifier]) -> NoticeSender:
    """Return the sender of notices about documents' ends; ``notifiers`` has one notifier for each target, by name."""
    source = f"/legible/{parts.settings.cloud.region}/{parts.site.input}"
    recipients = Recipients(parts.settings.notify, notifiers, source, parts.site.output)
    return NoticeSender(recipients, Outbox(parts.site, parts.call), parts.ledger.journals, parts.call)


def pipeline(
    parts: Parts,
    recognizer: Recognizer,
    notifiers: Mapping[str, Notifier],
    relay: Relay | None = None,
    account: AskAccount = lambda: None,
    *,
    waits: bool = False,
    tell: Callable[[Upload, str], None] = lambda upload, folder: None,
) -> Pipeline:
    """Return the use cases.

    Args:
        parts: The objects they are made of.
        recognizer: Makes the paid calls.
        notifiers: One notifier for each target of the settings, by the target's name.
        relay: Calls a fresh invocation when the time of this one ends; None for none.
        account: Returns what asks the account about enterprise projects; None where that is not to be reached.
        waits: Whether uploads that end for a reason that passes wait for another try; else whoever calls tries again.
        tell: Is told of folders whose workbook is built, as ``Folders`` does.
    """
    settings, call = parts.settings, parts.call
    content = SharedContent(parts.site, call, parts.ledger.journals, parts.answers)
    context = CallContext(parts.site, recognizer, parts.answers, policy_of(settings), call, content)
    tickets = Tickets(parts.site, call, settings.ledger.settle_seconds)
    notices = notice_sender(parts, notifiers)
    return Pipeline(
        Decider(parts.uploads, parts.intake, tickets, parts.rules, call, checker(parts, account)),
        Claims(
            parts.ledger,
            call,
            _deciding(settings),
            relay,
            parts.room if waits else None,
            holding(parts) if waits else None,
        ),  # fmt: skip
        DocumentCalls(context),
        Finisher(parts.results, parts.publisher, parts.answers, notices, call, parts.rebuilder),
        Folders(parts.collector, call, settings.workbooks.formats, relay, tell),
        call,
    )


def policy_of(settings: Settings) -> Policy:
    """Return the policy of paid calls that the settings describe."""
    return Policy(
        source=_sent(settings),
        fallback=settings.ocr.inline_fallback,
        attempts=settings.ocr.attempts,
        window=settings.ocr.window,
        wait=settings.ocr.wait_seconds,
        call=settings.ocr.call_seconds,
        settle=settings.ledger.settle_seconds,
        signed_url=settings.ocr.signed_url_seconds,
    )


def _sent(settings: Settings) -> Source:
    """Return what is sent for a page: where everybody may read, the same plain URL as by the service's own right."""
    return "url" if settings.ocr.source == "public-url" else settings.ocr.source


def _deciding(settings: Settings) -> dict[str, Any]:
    """Return the settings that an answer depends on, besides operation and options."""
    routes = msgspec.to_builtins(settings.operations)
    return {"enterprise_project": settings.ocr.enterprise_project, "routes": routes}


def checker(parts: Parts, account: AskAccount) -> ProjectChecker:
    """Return what says which enterprise projects may be billed; ``account`` is as of ``pipeline``."""
    settings = parts.settings
    where = settings.buckets.output, settings.eps.endpoint, settings.cloud.account_endpoint
    known = _KNOWN.setdefault(where, KnownProjects())
    return ProjectChecker(parts.site, parts.call, settings.projects, account, known)


def holding(parts: Parts) -> Holding:
    """Return where uploads are held until something outside is mended."""
    return Holding(parts.site, parts.call, parts.rules)


def _silent(event: str, **values: Any) -> None:
    """Log nothing."""
