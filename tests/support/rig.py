"""A pipeline over the fakes, and small documents to feed it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import structs
from PIL import Image

from legible.documents.intake import Intake
from legible.documents.pages import Rendered, Want
from legible.documents.projects import KnownProjects, ProjectChecker
from legible.documents.tickets import Tickets
from legible.documents.uploads import Uploads
from legible.errors import HeldError, LegibleError
from legible.ledger.answers import Answers
from legible.ledger.content import SharedContent
from legible.ledger.journals import PART_LINES
from legible.ledger.ledger import Ledger
from legible.model.documents import ObjectRef, Reason, Upload
from legible.notices.outbox import Outbox
from legible.notices.sender import NoticeSender, Recipients
from legible.notices.targets import Target
from legible.operations import catalog
from legible.operations.routing import Routing
from legible.outputs import forms
from legible.outputs.forms import Form
from legible.pipeline.claims import Claims
from legible.pipeline.decision import Decider
from legible.pipeline.finish import Finisher
from legible.pipeline.holding import Finding, Holding, Release
from legible.pipeline.obstacles import NOT_SUBSCRIBED, Kind, Obstacle
from legible.pipeline.pipeline import Pipeline
from legible.pipeline.steps import Steps
from legible.pipeline.waiting import Redelivery, WaitingRoom
from legible.ports import Arbiter, Invocation, Notifier, Site
from legible.ports.account import EnterpriseProjects
from legible.recognition.context import CallContext
from legible.recognition.document import DocumentCalls
from legible.recognition.policy import Policy
from legible.results.files import Results
from legible.results.newest import Newest
from legible.results.publication import Publisher
from legible.results.rebuild import Rebuilder
from legible.results.review import Reviewer
from legible.workbooks.collector import Collector
from legible.workbooks.folders import Folders
from legible.workbooks.listing import Selector
from tests.support.fakes import Clock, MemoryStore, NextInvocation, Reply, ScriptedOcr, SheetsHere

IN, OUT = "legible-in", "legible-out"
#: A passport's answer with an invented holder.
PASSPORT: dict[str, Any] = {
    "passport_type": "P",
    "passport_number": "L898902C3",
    "surname": "ERIKSSON",
    "given_name": "ANNA MARIA",
    "date_of_birth": "1974-08-12",
    "confidence": {"passport_number": 0.99},
}
TEXT: dict[str, Any] = {"words_block_count": 1, "words_block_list": [{"words": "Hello", "confidence": 0.9}]}


def picture(width: int = 60, height: int = 40, name: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), (250, 250, 250)).save(target, name, **options)
    return target.getvalue()


def tiff(pages: int, *, noise: bool = False) -> bytes:
    target = io.BytesIO()
    frames = [Image.new("L", (60, 40), 255 - 10 * page) for page in range(pages)]
    if noise:
        frames = [Image.effect_noise((300, 300), 90) for _ in frames]
    frames[0].save(target, "TIFF", save_all=True, append_images=frames[1:])
    return target.getvalue()


def pdf(pages: int) -> bytes:
    target = io.BytesIO()
    sheets = [Image.new("RGB", (200, 280), (255, 255, 255 - page)) for page in range(pages)]
    long_ago = time.gmtime(0)  # else the same pages have other bytes a second later
    sheets[0].save(target, "PDF", save_all=True, append_images=sheets[1:], creationDate=long_ago, modDate=long_ago)
    return target.getvalue()


def drawn(name: str, body: bytes, page: int = 1, slug: str = "general-text", **limits: Any) -> Rendered:
    """Return the picture of a page as the pipeline sends it to an operation."""
    want = structs.replace(Want.of(catalog.find(slug).limits), **limits)
    with SheetsHere(name, len(body), lambda first, last: body[first : last + 1]) as sheets:
        return sheets.render(page, want, 60)


class Logged:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, event: str, **values: Any) -> None:
        self.lines.append({"event": event, **values})

    def text(self) -> str:
        return json.dumps(self.lines, default=str)


class Parts(NamedTuple):
    call: Invocation
    ledger: Ledger
    answers: Answers
    publisher: Publisher
    uploads: Uploads
    intake: Intake
    results: Results


class Rig:
    """One world: a store, a service, a clock; and as many invocations in it as a test wants."""

    def __init__(
        self,
        *script: Reply,
        policy: Policy | None = None,
        rules: Routing | None = None,
        arbiter: Arbiter | None = None,
        seconds: float = 60.0,
        max_pages: int = 2000,
        relay: NextInvocation | None = None,
        waits: bool = False,
    ) -> None:
        self.clock = Clock()
        #: What invocations take for the time.
        self.now = self.clock.now
        self.store = MemoryStore(self.clock)
        self.ocr = ScriptedOcr(*(script or (PASSPORT,)))
        self.policy = policy or Policy()
        self.rules = rules or Routing(region="cn-north-4")
        self.arbiter = arbiter
        self.seconds = seconds
        self.max_pages = max_pages
        self.relay = relay
        self.part_lines = PART_LINES
        self.waits = waits
        #: The account's enterprise projects, None where it cannot be asked; and what one instance knows of them.
        self.account: EnterpriseProjects | None = None
        self.known = KnownProjects()
        #: The operations that were probed.
        self.probes: list[str] = []
        #: The output bucket; it may be the input bucket, too.
        self.output = OUT
        self.sheets = SheetsHere
        #: What the collector is given beside its usual parts: limits, or a file that fails.
        self.collecting: dict[str, Any] = {}
        self.forms = Path()
        self.targets: dict[str, Target] = {}
        self.notifiers: dict[str, Notifier] = {}
        self.log = Logged()
        self.invocations = 0
        self.input = IN

    @property
    def site(self) -> Site:
        return Site(self.store, self.input, self.output)

    def call(self, owner: str = "test") -> Invocation:
        """Return an invocation that begins now."""
        end = self.clock.now().timestamp() + self.seconds
        remaining = lambda: end - self.clock.now().timestamp()  # noqa: E731 - the shortest way to say it
        return Invocation(owner, remaining, self.now, self.clock.pause, self.log)

    def invocation(self, owner: str = "") -> Pipeline:
        self.invocations += 1
        parts = self.parts(owner or f"invocation-{self.invocations}")
        content = SharedContent(self.site, parts.call, parts.ledger.journals, parts.answers)
        context = CallContext(self.site, self.ocr, parts.answers, self.policy, parts.call, content)
        return Pipeline(
            Decider(
                parts.uploads,
                parts.intake,
                Tickets(self.site, parts.call, self.policy.settle),
                self.rules,
                parts.call,
                self.projects(parts.call),
            ),
            Claims(
                parts.ledger,
                parts.call,
                {},
                self.relay,
                self.room(parts.call) if self.waits else None,
                self.holding(parts.call) if self.waits else None,
            ),
            DocumentCalls(context),
            Finisher(parts.results, parts.publisher, parts.answers, self.notices(parts), parts.call, self.rebuilder()),
            Folders(self.collector(owner or f"build-{self.invocations}"), parts.call, ("xlsx",), self.relay),
            parts.call,
        )

    def projects(self, call: Invocation | None = None) -> ProjectChecker:
        return ProjectChecker(
            self.site, call or self.call(), self.rules.projects, lambda: self.account, self.known
        )  # fmt: skip

    def holding(self, call: Invocation | None = None) -> Holding:
        return Holding(self.site, call or self.call(), self.rules)

    def release(self) -> Release:
        """Return a walk of the minute timer that lets go what was held; it asks the service and the account."""
        call = self.call("timer")
        asked: dict[Kind, Callable[[Obstacle], Finding]] = {
            "operation": self.probed,
            "project": lambda one: "gone" if self.projects(call).mended(one.subject) else "there",
            "settings": lambda one: "there" if one.subject == self.holding(call).settings else "gone",
        }
        return Release(self.holding(call), self.room(call), asked, call)

    def probed(self, obstacle: Obstacle) -> Finding:
        """Find out what a probe would: the service refuses whoever may not call, and else a picture that is none."""
        self.probes.append(obstacle.subject)
        reply: Reply = self.ocr.script[0]
        try:
            self.ocr.during()
        except LegibleError as error:
            reply = error
        if not isinstance(reply, HeldError):
            return "gone"
        return "there" if reply.reason_code == NOT_SUBSCRIBED else "unclear"

    def room(self, call: Invocation | None = None) -> WaitingRoom:
        return WaitingRoom(self.site, call or self.call())

    def redelivery(self, relay: NextInvocation | None = None) -> Redelivery:
        """Return a walk of the minute timer; without a relay it does the work itself."""
        self.invocations += 1
        parts = self.parts(f"timer-{self.invocations}")
        hand_on = self.invocation().try_again if relay is None else lambda uploads: relay.hand_on(*uploads)
        together, elsewhere = 1 if relay is None else 10, self.holding(parts.call).takes_over
        return Redelivery(
            self.room(parts.call), parts.ledger.journals, parts.call, hand_on, together, elsewhere
        )  # fmt: skip

    def notices(self, parts: Parts | None = None) -> NoticeSender:
        parts = parts or self.parts()
        recipients = Recipients(self.targets, self.notifiers, f"/legible/cn-north-4/{IN}", self.output)
        return NoticeSender(recipients, Outbox(self.site, parts.call), parts.ledger.journals, parts.call)

    def steps(self, owner: str = "") -> Steps:
        """Return the steps of a workflow, in an invocation of their own."""
        return Steps(self.invocation(owner), OUT, self.log)

    def form(self, name: str) -> Form:
        return forms.opened(self.forms, name)

    def parts(self, owner: str = "test") -> Parts:
        call = self.call(owner)
        ledger, answers = (
            Ledger(self.site, call, self.arbiter, self.part_lines, self.policy.settle),
            Answers(self.site, call),
        )
        publisher = Publisher(self.site, Newest(self.site, call, self.policy.settle))
        intake = Intake(self.site, call, self.max_pages, self.sheets)
        results = Results(self.site, call, answers, publisher, self.form)
        return Parts(call, ledger, answers, publisher, Uploads(self.site), intake, results)

    def rebuilder(self) -> Rebuilder:
        parts = self.parts()
        return Rebuilder(self.site, parts.ledger.journals, parts.intake, parts.publisher, parts.results, self.rules)

    def collector(self, owner: str = "build-1", **options: Any) -> Collector:
        return Collector(self.site, self.call(owner), Selector(self.site, "_complete"), **self.collecting, **options)

    def reviewer(self, owner: str = "review-1") -> Reviewer:
        parts = self.parts(owner)
        rebuilder, settle = self.rebuilder(), self.policy.settle
        return Reviewer(self.site, parts.call, parts.ledger, parts.results, rebuilder, settle)

    def upload(self, key: str, body: bytes | None = None, metadata: dict[str, str] | None = None) -> Upload:
        ref = self.store.put(IN, key, picture() if body is None else body, metadata=metadata)
        return Upload(ref, raw_key=key, etag=self.store.head(ref).etag)

    def run(self, *uploads: Any) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(outcome) for outcome in self.invocation().uploads(uploads)]

    def bury(self, upload: Any, reason: Reason) -> list[dict[str, Any]]:
        """Have an upload ended that the platform gave up."""
        return [msgspec.to_builtins(outcome) for outcome in self.invocation().bury([upload], reason)]

    def record(self, key: str) -> Any:
        return self.store.json(OUT, f"results/{key}/record.json")

    def journal(self, key: str) -> list[dict[str, Any]]:
        (name,) = [name for name in self.store.keys(OUT, f"ledger/{IN}/{key}/") if "newest-" not in name]
        return self.store.lines(OUT, name)

    def has(self, key: str) -> bool:
        return ObjectRef(OUT, key) in self.store.objects
