"""Random worlds: uploads, deliveries, burials, deaths and faults in any order, nested in one another, from a seed.

A world is run for a few random steps, then everything is delivered until it is quiet, then the promises are checked
against what really happened: what the service was paid for, what was uploaded, what the journals and results say.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec

from legible.errors import (
    AnswerUnknownError,
    HeldError,
    LegibleError,
    PendingError,
    RejectedError,
    RetryableError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Reason, Upload
from legible.model.pages import Answer, Picture, Share
from legible.notices.targets import Smn
from legible.pipeline.steps import Steps
from legible.ports import Head
from legible.recognition.policy import Policy
from legible.results.assembly import calls_of
from tests.support.fakes import Clock, MemoryStore, Receiver
from tests.support.rig import IN, OUT, Rig, drawn, pdf, picture, tiff

KEY = "general-text/a"
#: Where copies of the same bytes come, too.
COPY = "general-text/b"
BODIES = {"A": picture(), "B": picture(61, 41), "P": pdf(2), "T": tiff(2), "X": picture()[:-20]}
ETAGS = {name: hashlib.md5(body).hexdigest() for name, body in BODIES.items()}
PAGES = {"P": 2, "T": 2}
#: Whose picture it is, by its digest: documents, and what is rendered of them.
WHOSE = {etag: name for name, etag in ETAGS.items()} | {
    hashlib.md5(drawn("tiff", BODIES["T"], page).body).hexdigest(): "T" for page in (1, 2)
}
#: What the service does to a call, and how often.
CALLS = {
    "ok": 10,
    "throttled": 1,
    "down": 1,
    "lost": 1,
    "lost-unpaid": 1,
    "refused": 0.5,
    "held": 0.5,
    "unreadable": 0.5,
}


#: Appends that meet are at most this many seconds apart: less than the settling time.
SPREAD = 0.15
#: Lines that name a paid call.
NAMING = ("answered", "surplus", "unknown")


class Killed(BaseException):
    """The instance is gone."""


class Store(MemoryStore):
    """The world's store; each operation may be the one at which something happens. Times are whole seconds."""

    world: World

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.landings: list[tuple[datetime, ObjectRef, bytes, bytes]] = []

    def head(self, ref: ObjectRef, version_id: str = "") -> Head:
        found = self.world.at("head", ref, lambda: super(Store, self).head(ref, version_id))
        if not self.world.coarse:
            return found
        at, seen = (time.replace(microsecond=0) for time in (found.modified_at, found.seen_at))
        return msgspec.structs.replace(found, modified_at=at, seen_at=seen)

    def read(self, ref: ObjectRef, *wanted: Any) -> bytes:
        return self.world.at("read", ref, lambda: super(Store, self).read(ref, *wanted))

    def write(self, ref: ObjectRef, *content: Any) -> None:
        if ref.key.startswith(layout.CHANGES):  # it is put beside the claim: only luck says which of both is first
            self.world.marked(ref)
            super().write(ref, *content)
            return
        self.world.at("write", ref, lambda: super(Store, self).write(ref, *content))

    def append(self, ref: ObjectRef, position: int, body: bytes) -> int:
        do = self.slowly if self.world.races else super().append
        return self.world.at("append", ref, lambda: do(ref, position, body))

    def slowly(self, ref: ObjectRef, position: int, body: bytes) -> int:
        """Append, but not at once: whatever others append meanwhile succeeds too, and is overwritten (obs_faq_0165)."""
        landing = (self.clock.now() + timedelta(seconds=self.world.random.uniform(0.02, SPREAD)), ref,
                   self.appended_to(ref, position), body)  # fmt: skip
        self.landings.append(landing)
        self.world.others()
        if landing in self.landings:
            self.clock.pause((landing[0] - self.clock.now()).total_seconds())
            self.land_due()
        return position + len(body)

    def land_due(self) -> None:
        """Let the appends land whose time has come; they do so even if who sent them is gone."""
        with self._lock:
            for landing in sorted(one for one in self.landings if one[0] <= self.clock.now()):
                self.landings.remove(landing)
                self.land(*landing[1:])


class World:
    """One world. ``coarse`` stores tell whole seconds; ``source`` is how pages are handed over.

    ``bucket`` is ``plain``, ``versioned``, or ``encrypted``: then each upload has an etag of its own. With ``copies``
    the same bytes come under two keys. With ``flows`` there are steps of workflows too: they call for shares of the
    pages, of divisions that do not agree. In ``races`` an append takes a while, in which others append at the same
    position; and a journal has short parts.
    With ``waits`` there are a relay, parked uploads, and the timer that has them tried again. ``single`` is one bucket
    for input and output. With ``told`` somebody wants notices, and does not take each of them.
    """

    def __init__(
        self,
        seed: int,
        *,
        coarse: bool = False,
        source: str = "url",
        denied: bool = False,
        flows: bool = False,
        bucket: str = "plain",
        copies: bool = False,
        races: bool = False,
        waits: bool = False,
        single: bool = False,
        told: bool = False,
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        random.seed(seed)  # the ledger's own pauses
        self.coarse = coarse
        self.denied = denied
        self.flows = flows
        self.races = races
        self.waits = waits
        self.calls = CALLS | ({"down": 8, "held": 4} if waits else {})
        self.rig = Rig(policy=Policy(source=source), waits=waits)
        self.out = self.rig.output = IN if single else OUT
        if waits:
            self.rig.relay = self  # type: ignore[assignment]
        self.receiver = Receiver()
        if told:
            self.receiver.fail = self.refuse
            self.rig.targets, self.rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": self.receiver}
        self.rig.ocr = self
        self.rig.store = Store(self.rig.clock)
        self.rig.store.world = self
        self.rig.store.versioned |= {IN} if bucket == "versioned" else set()
        self.rig.store.encrypted |= {IN} if bucket == "encrypted" else set()
        self.keys = [KEY, COPY] if copies else [KEY]
        #: What may be uploaded, how many pages that has where it is not one, and whose a picture is, by its digest.
        self.bodies, self.pages, self.pictures = BODIES, PAGES, WHOSE
        #: No more is uploaded.
        self.most = 4
        #: Whose bytes lie under a key and an etag.
        self.whose: dict[tuple[str, str], str] = {}
        if races:
            self.rig.part_lines, self.rig.store.most = 8, 14
        self.events: list[Upload] = []
        #: The keys and names of what was uploaded.
        self.uploads: list[tuple[str, str]] = []
        self.owed: set[int] = set()
        self.paid: list[str] = []
        self.depth = 0
        self.plans: list[dict[int, str]] = []
        self.counts: list[int] = []
        self.ends: list[Any] = []
        self.quiet = False
        self.problems: list[str] = []

    def run(self) -> list[str]:
        """Live, come to rest, and return which promises were broken."""
        self.live()
        self.quiet = True
        self.rig.clock.pause(70)
        for number in self.random.sample(sorted(self.owed), len(self.owed)):
            for _ in range(3):
                if self.deliver(number):
                    break
                self.rig.clock.pause(70)
            else:
                self.deliver(number, bury=True)
                self.rig.clock.pause(70)
        self.rest()
        return [*self.problems, *self.judge()]

    def live(self) -> None:
        """Let things happen."""
        self.upload()
        for _ in range(self.random.randint(2, 14 if self.waits else 7)):
            self.step()

    def rest(self) -> None:
        """Let time pass until nothing waits any more: parked uploads and notices, and what is handed on."""
        for _ in range(8 if self.waits or self.rig.targets else 0):
            self.rig.clock.pause(9 * 3600)
            self.timer()
            for number in sorted(self.owed):
                self.deliver(number)
        for prefix in (layout.WAITING, layout.OUTBOX):
            self.problems += [f"{key} waits for ever" for key in self.rig.store.keys(self.out, prefix)]

    # What happens.

    def step(self) -> None:
        kinds = {"upload": 3, "deliver": 6, "pause": 1, "expire": 1, "bury": 0.6} | ({"part": 9} if self.flows else {})
        kinds |= {"timer": 3} if self.waits or self.rig.targets else {}
        kinds |= {"bury": 6, "pause": 2} if self.waits else {}
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        if kind == "upload" and len(self.uploads) < self.most:
            self.upload()
        elif kind == "pause":
            self.rig.clock.pause(self.random.choice([0.2, 1.1, 3]))
        elif kind == "expire":
            self.rig.clock.pause(65)
        elif kind == "timer":
            self.rig.clock.pause(self.random.choice([1, 60, 300]))
            self.timer()
        elif kind == "part":
            of = self.random.choice([2, 2, 2, 1, 3])
            self.deliver(self.random.randrange(len(self.events)), share=Share(self.random.randint(1, of), of))
        else:
            owed = sorted(self.owed) if self.random.random() < 0.8 else []
            self.deliver(self.random.choice(owed or range(len(self.events))), bury=kind == "bury")

    def hand_on(self, *arrivals: Upload, given_up: Reason | None = None) -> None:
        """Be the relay: what is handed on comes as an event of its own, at any time."""
        for arrival in arrivals:
            self.owed.add(len(self.events))
            self.events.append(arrival)

    def refuse(self) -> None:
        """Be the target of notices, which takes some of them."""
        if not self.quiet and self.random.random() < 0.5:
            raise self.random.choice([UnavailableError("503"), HeldError("403")])

    def timer(self) -> None:
        """Have the timer ring: it may die, too."""
        walks = self.rig.redelivery(self).walk, self.rig.notices().walk  # type: ignore[arg-type]
        self.frame(lambda: [walk() for walk in walks], LegibleError)

    def frame(self, work: Any, *others: type[Exception]) -> bool:
        """Let an invocation do its work, at some step of which something happens; tell whether it ended well."""
        self.plans.append({} if self.quiet else self.plan())
        self.counts.append(0)
        self.ends.append(self.rig.clock.now() + timedelta(seconds=60))
        self.depth += 1
        try:
            work()
        except (Killed, RetryableError, *others) as error:
            if isinstance(error, RetryableError) and error.reason_code == "internal":
                self.problems.append(str(error))
            return False
        finally:
            self.depth -= 1
            self.plans.pop()
            self.counts.pop()
            self.ends.pop()
        return True

    def upload(self) -> None:
        name, key = self.random.choice(sorted(self.bodies)), self.random.choice(self.keys)
        # The same bytes twice within one second of OBS's clock cannot be told from a redelivery (docs/design.md).
        self.rig.clock.pause(1.0 if self.coarse and (key, name) in self.uploads else 0.001)
        ref = self.rig.store.put(IN, key, self.bodies[name])
        self.owed.add(len(self.events))
        at = self.rig.clock.now() + timedelta(milliseconds=5)
        head = MemoryStore.head(self.rig.store, ref)
        self.whose[key, head.etag] = name
        self.events.append(Upload(ref, raw_key=key, etag=head.etag, version_id=head.version_id, at=at))
        self.uploads.append((key, name))

    def deliver(self, number: int, *, bury: bool = False, share: Share | None = None) -> bool:
        """Deliver an event once; what dies or raises is owed again, as the platform would have it.

        A step for a ``share`` owes nothing and settles nothing: it may come, die or never come.
        """
        event = [self.events[number]]
        gave_up = Reason("platform-gave-up", "gave up", passes=self.waits and self.random.random() < 0.5)

        def work() -> None:
            call = self.rig.invocation()
            if share is not None:
                Steps(call, self.out, self.rig.log).recognize_pages(event[0], share)
            elif bury:
                call.bury(event, gave_up)
            else:
                call.uploads(event)

        ended = self.frame(work)
        if share is None:
            self.owed = self.owed - {number} if ended else self.owed | {number}
        return ended

    def plan(self) -> dict[int, str]:
        """Say at which operations of an invocation something happens, and what."""
        kinds = ["kill before", "kill after", "kill before", "kill after", "fail before", "fail after"]
        kinds += ["nest before", "nest after"] if self.depth < 2 else []
        if self.random.random() > 0.55:
            return {}
        return {self.random.randint(1, 30): self.random.choice(kinds) for _ in range(self.random.choice([1, 1, 2]))}

    def at(self, verb: str, ref: ObjectRef, do: Any) -> Any:
        """Carry out one operation of the innermost invocation, and what is planned for it."""
        self.rig.store.land_due()
        if not self.depth:
            return do()
        happens = self.happens()
        self.rig.clock.pause(0.01)
        self.happen(happens, "before", ref)
        found = do()
        self.happen(happens, "after", ref)
        return found

    def marked(self, ref: ObjectRef) -> None:
        """Let a mark fail now and then, by its key alone: it is put by a thread of its own."""
        if self.depth and not self.quiet and int(hashlib.md5(f"{self.seed}{ref}".encode()).hexdigest(), 16) % 25 == 0:
            raise UnavailableError("503")

    def others(self) -> None:
        """Let others work while an append is on its way."""
        if not self.quiet and 0 < self.depth < 3 and self.random.random() < 0.3:
            self.step()
            if self.rig.clock.now() > self.ends[-1]:
                raise Killed

    def happens(self) -> str:
        if self.rig.clock.now() > self.ends[-1]:
            raise Killed
        self.counts[-1] += 1
        return self.plans[-1].get(self.counts[-1], "")

    def happen(self, happens: str, when: str, ref: ObjectRef | None = None) -> None:
        if not happens.endswith(when):
            return
        if happens.startswith("kill"):
            raise Killed
        if happens.startswith("nest"):
            for _ in range(self.random.choice([1, 1, 2])):
                self.step()
            if self.rig.clock.now() > self.ends[-1]:
                raise Killed
        elif ref is not None:
            if self.denied and when == "before" and self.random.random() < 0.5:
                raise self.random.choice(
                    [HeldError("403", code="obs-denied"), RejectedError("400", code="obs-refused")]
                )
            raise UnavailableError("503")

    def recognize(self, operation: Any, options: dict[str, Any], asked: Picture, seconds: float) -> Answer:
        """Be the service."""
        happens = self.happens()
        self.happen(happens, "before")
        fate = "ok" if self.quiet else self.random.choices(list(self.calls), list(self.calls.values()))[0]
        body = asked.body or self.behind(asked.url)
        self.rig.clock.pause(1.0)
        if fate in ("ok", "lost"):
            self.paid.append(f"r{len(self.paid) + 1}")
        held = PendingError if self.waits else HeldError
        error = {
            "throttled": ThrottledError("slow"), "down": UnavailableError("5xx"), "lost": AnswerUnknownError("timeout"),
            "lost-unpaid": AnswerUnknownError("timeout"), "refused": RejectedError("blurred", code="image-refused"),
            "held": held("no", code="not-subscribed"), "unreadable": SourceUnreadableError("no"),
        }.get(fate)  # fmt: skip
        if error is not None:
            raise error
        request = self.paid[-1]
        self.happen(happens, "after")
        words = [{"words": hashlib.md5(body).hexdigest(), "confidence": 0.9}]
        return Answer(json.dumps({"result": {"words_block_list": words}}).encode(), request)

    def behind(self, url: str) -> bytes:
        bucket, key = url.removeprefix("https://").split(".obs.example/")
        found = self.rig.store.objects.get(ObjectRef(bucket, key))
        if found is None:
            raise RejectedError("gone", code="object-gone")
        return found[0]

    # What must hold.

    def judge(self) -> list[str]:
        named: Counter[str] = Counter()
        unknown, broken = 0, []
        paid_for: Counter[tuple[str, int]] = Counter()
        for key, etag in self.whose:
            name = self.whose[key, etag]
            ref = ObjectRef(self.out, f"ledger/{IN}/{key}/{etag}.jsonl")
            if ref not in self.rig.store.objects:
                broken.append(f"{name} has no journal")
                continue
            state = self.rig.parts().ledger.journals.load(Document(IN, key, etag))
            counted = [line for line in state.lines if line.event in NAMING and not line.adopted]
            # An answer that was told as surplus counts once the holder takes it: one call, told twice.
            named.update(request for request, _ in {(line.request_id, line.answer) for line in counted} if request)
            paid_for.update((name, line.page) for line in counted if line.event == "answered")
            unknown += state.unknown
            texts = [*self.of_journal(state), *self.of_record(f"{key}/{etag}", name, state)]
            broken += [f"{key} {name}: {text}" for text in texts]
        lost = [request for request in self.paid if request not in named]
        if len(lost) > unknown:
            broken.append(f"{lost} were paid for and are in no journal, with {unknown} unknown")
        broken += [f"{request} is named {count} times" for request, count in named.items() if count > 1]
        if not self.denied:
            broken += [f"{page} was paid for {count} times" for page, count in paid_for.items() if count > 1]
        results = [text for key in {key for key, _ in self.uploads} for text in self.of_results(key)]
        return broken + results + self.of_notices()

    def of_notices(self) -> list[str]:
        broken, untold = [], []
        log = [
            line
            for key in self.rig.store.keys(self.out, "notices/log/")
            for line in self.rig.store.lines(self.out, key)
        ]
        given_up = sum(line["outcome"] == "given-up" for line in log)
        for key, etag in self.whose if self.rig.targets else ():
            state = self.rig.parts().ledger.journals.load(Document(IN, key, etag))
            ends = [line.status for line in state.lines if line.status]
            mine = [one.data for one in self.receiver.notices if (one.data.key, one.data.version) == (key, etag)]
            told = [data.status for data in mine]
            if not set(told) <= set(ends):
                broken.append(f"{key} {etag} was told to be {told}, and ended as {ends}")
            if ends[-1] not in told:
                untold.append(f"nobody was told that {key} {etag} is {ends[-1]}")
        return broken + untold[given_up:]  # what its target never took is given up in the end, and said so

    def of_journal(self, state: State) -> list[str]:
        broken = [] if state.finished else ["its journal is not finished"]
        if any(page.spent > 2 for page in state.pages.values()):
            broken.append("an unknown call was tried more than once again")
        if state.finished and any(page.open for page in state.pages.values()):
            broken.append("it ended with a call left open")
        for line in state.lines:
            if line.event in NAMING and line.answer:
                stored = self.rig.store.objects.get(ObjectRef(self.out, line.answer))
                if stored is None or hashlib.sha256(stored[0]).hexdigest() != line.sha256:
                    broken.append(f"{line.request_id} names another answer than it was")
        return broken

    def of_record(self, folder: str, name: str, state: State) -> list[str]:
        found = self.rig.store.objects.get(ObjectRef(self.out, f"answers/{folder}/record.json"))
        if found is None or state.finished is None:
            return ["it has no record"] if found is None else []
        record = json.loads(found[0])
        broken = []
        if record["calls"] != msgspec.to_builtins(calls_of(state)):
            broken.append(f"its record counts {record['calls']}")
        if record["status"] != state.finished.status:
            broken.append(f"its record says {record['status']}, its journal {state.finished.status}")
        if any(self.pictures[block["text"]] != name for block in record["text"]):
            broken.append("its record holds another upload's text")
        if record["status"] == "done" and len(record["text"]) != self.pages.get(name, 1):
            broken.append("it is done with pages missing")
        if state.answered and record["status"] not in ("done", "partial"):
            broken.append(f"pages were paid for, and it is {record['status']}")
        return broken

    def of_results(self, key: str) -> list[str]:
        found = self.rig.store.objects.get(ObjectRef(self.out, layout.results(key, "record.json")))
        if found is None:
            return [f"{key} has no result"]
        document = json.loads(found[0])["document"]
        last = [name for uploaded, name in self.uploads if uploaded == key][-1]
        shown = self.whose[key, document["etag"]]
        return [] if shown == last else [f"the result of {key} is that of {shown}"]
