"""An audit trail over the store in memory: chainers, events, and what the trail has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from legible.model import layout
from legible.model.audit import CONTINUE, AuditEvent
from legible.model.documents import ObjectRef
from legible.oversight import audit_line
from legible.oversight.audit_chain import AuditChain
from legible.oversight.audit_line import AuditLine
from legible.oversight.audit_trail import AuditDesk, AuditTrail
from legible.oversight.audit_verify import AuditVerifier, ChainReport
from legible.ports import Site
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT, Logged

KEY = b"0123456789abcdef0123456789abcdef"


def event(identity: str, at: datetime, **values: Any) -> AuditEvent:
    """Return an event of that id."""
    told = {"name": "rerunDocument", "resource_type": "document", "resource_name": f"passport/{identity}.png"}
    return AuditEvent(id=identity, at=at, **{"operator": "mei", **told, **values})


class TrailRig:
    """One bucket, and as many chainers as a test wants."""

    def __init__(self, store: MemoryStore | None = None, most: tuple[int, int] = (5, 1 << 20)) -> None:
        self.store = store or MemoryStore()
        self.site = Site(self.store, IN, OUT)
        self.most = most
        self.settle = 0.2
        self.key: bytes | None = None
        self.chainers = 0
        self.log = Logged()

    @property
    def now(self) -> datetime:
        return self.store.clock.now()

    def call(self, seconds: float = 60.0) -> Any:
        self.chainers += 1
        return invocation(self.store.clock, f"chainer-{self.chainers}", seconds, self.log)

    def chain(self) -> AuditChain:
        return AuditChain(self.site, self.call(), self.settle, self.key, self.most)

    def trail(self, at_once: int = 1, seconds: float = 60.0) -> AuditTrail:
        call = self.call(seconds)
        return AuditTrail(self.site, call, AuditChain(self.site, call, self.settle, self.key, self.most), at_once)

    def desk(self) -> AuditDesk:
        return AuditDesk(self.site, self.call(), "desk")

    def keep(self, *names: str, **values: Any) -> None:
        for name in names:
            self.desk().keep(event(name, self.now, **values))

    def told(self, *names: str, days: int = 0) -> None:
        """Have events of these names put into the trail, so many days from now."""
        self.store.clock.at += timedelta(days=days)
        self.keep(*names)
        self.trail().walk()

    def parts(self) -> list[str]:
        return [key for key in self.store.keys(OUT, "audit/2") if layout.place_in_audit(key)]

    def body(self, key: str) -> bytes:
        return self.store.objects[ObjectRef(OUT, key)][0]

    def spoil(self, key: str, body: bytes) -> None:
        """Have something else write a part."""
        ref = ObjectRef(OUT, key)
        self.store.objects[ref] = (body, *self.store.objects[ref][1:])

    def lines(self) -> list[AuditLine]:
        texts = [text for key in self.parts() for text in audit_line.lines_of(self.body(key))]
        return [line for line in map(audit_line.decode, texts) if line is not None]

    def events(self) -> list[str]:
        return [line.id for line in self.lines() if line.name != CONTINUE]

    def verify(self, **options: Any) -> ChainReport:
        return AuditVerifier(self.site, **options).verify()
