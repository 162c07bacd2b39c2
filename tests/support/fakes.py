"""Small real implementations of the ports, for tests: a store in memory, a scripted OCR service, a clock that obeys."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from legible.documents.pages import Sheets, worker
from legible.errors import AppendConflictError, HeldError, ObjectGoneError, ReplacedError
from legible.huawei import faults
from legible.model.account import EnterpriseProject
from legible.model.documents import Arrival, ObjectRef, Reason
from legible.model.notices import Notice
from legible.model.pages import Answer, Picture
from legible.operations.operation import Operation
from legible.ports import AS_IT_IS, WHOLE, Head, Invocation, ListedObject, Shown, SignedRequest, Wanted
from legible.ports.versions import ListedVersion

#: Bytes, content type, time of the last change, metadata.
Stored = tuple[bytes, str, datetime, dict[str, str]]
START = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.at

    def pause(self, seconds: float) -> None:
        with self._lock:
            self.at += timedelta(seconds=seconds)


def invocation(clock: Clock, owner: str = "test", seconds: float = 60.0, log: Any = None) -> Invocation:
    """Return an invocation that has so many seconds left, however long it works."""
    return Invocation(owner, lambda: seconds, clock.now, clock.pause, log or (lambda event, **values: None))


class MemoryStore:
    """Objects in memory with the consistency OBS documents: reads see writes, an append's position must be the length.

    ``fail`` may raise before an operation (``("write", ref)``); ``after`` is called when one is done. A bucket named in
    ``versioned`` keeps what is replaced or removed in it: ``versions`` has it all, the newest last. One named in
    ``encrypted`` gives each upload another etag, which is no MD5 of its content. An object takes ``most`` appends, as
    many as OBS allows (api-obs obs_04_0088).
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.objects: dict[ObjectRef, Stored] = {}
        self.versioned: set[str] = set()
        self.encrypted: set[str] = set()
        #: Whether it does not say what time it is.
        self.ageless = False
        self.versions: dict[ObjectRef, dict[str, Stored]] = {}
        self.appendable: Counter[ObjectRef] = Counter()
        self.most = 10_000
        self.fail: Callable[[str, ObjectRef], None] = lambda verb, ref: None
        self.after: Callable[[str, ObjectRef], None] = lambda verb, ref: None
        self.reads: list[tuple[ObjectRef, int]] = []
        self._lock = threading.RLock()
        self._numbered = 0

    def put(
        self,
        bucket: str,
        key: str,
        body: bytes,
        content_type: str = "image/png",
        metadata: dict[str, str] | None = None,
    ) -> ObjectRef:
        ref = ObjectRef(bucket, key)
        self._set(ref, (body, content_type, self.clock.now(), metadata or {}))
        return ref

    def now(self) -> datetime:
        return self.clock.now()

    def head(self, ref: ObjectRef, version_id: str = "") -> Head:
        self.fail("head", ref)
        stored = self._get(ref, version_id)
        body, content_type, at, metadata = stored
        version_id = version_id or next(reversed(self.versions.get(ref, {})), "")
        return Head(
            len(body), self._etag(ref, stored), version_id, content_type, at, metadata,
            digested=ref.bucket not in self.encrypted, seen_at=None if self.ageless else self.clock.now(),
        )  # fmt: skip

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        self.fail("read", ref)
        stored = self._get(ref, wanted.version_id)
        body = stored[0]
        if wanted.etag and wanted.etag != self._etag(ref, stored):
            raise ReplacedError(f"{ref} was replaced before it was read.")
        part = body if wanted.first is None else body[wanted.first : (wanted.last or 0) + 1]
        self.reads.append((ref, len(part)))
        self.after("read", ref)
        return part

    def write(
        self, ref: ObjectRef, body: bytes | Path, content_type: str, metadata: dict[str, str] | None = None
    ) -> None:
        self.fail("write", ref)
        body = body.read_bytes() if isinstance(body, Path) else body
        with self._lock:
            self._set(ref, (body, content_type, self.clock.now(), metadata or {}))
            del self.appendable[ref]
        self.after("write", ref)

    def create(self, ref: ObjectRef, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        self.write(ref, body, content_type, metadata)

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        self.fail("read", source)
        self.fail("write", target)
        with self._lock:
            body, content_type, _, metadata = self._get(source, "")
            self._set(target, (body, content_type, self.clock.now(), metadata))
            del self.appendable[target]
        self.after("write", target)

    def remove(self, ref: ObjectRef) -> None:
        self.fail("write", ref)
        self.objects.pop(ref, None)

    def append(self, ref: ObjectRef, position: int, body: bytes) -> int:
        self.fail("append", ref)
        with self._lock:
            self.land(ref, self.appended_to(ref, position), body)
        self.after("append", ref)
        return position + len(body)

    def land(self, ref: ObjectRef, before: bytes, body: bytes) -> None:
        """Store what is appended, after the bytes that were there when the append began."""
        self.objects[ref] = (before + body, "application/octet-stream", self.clock.now(), {})
        self.appendable[ref] += 1

    def appended_to(self, ref: ObjectRef, position: int) -> bytes:
        """Return the object's bytes if it can be appended to at this position."""
        with self._lock:
            known = self.objects.get(ref, (b"", "", self.clock.now(), {}))[0]
            if ref in self.objects and ref not in self.appendable:
                raise HeldError(f"The object {ref} is not appendable.", code="not-appendable")
            if self.appendable[ref] >= self.most:
                raise HeldError(f"The object {ref} took {self.most} appends already.", code="not-appendable")
            if len(known) != position:
                raise AppendConflictError(f"The object has {len(known)} bytes, not {position}.")
            return known

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        self.fail("list", ObjectRef(bucket, prefix))
        behind = [key for key in self.keys(bucket, prefix) if key.encode() > after.encode()]
        # As it is when it is asked for, like a page of a list: what others remove meanwhile is named all the same.
        found = [(key, self.objects[ObjectRef(bucket, key)]) for key in sorted(behind, key=str.encode)]
        for key, stored in found:
            yield ListedObject(key, len(stored[0]), self._etag(ObjectRef(bucket, key), stored), stored[2])

    def url(self, ref: ObjectRef) -> str:
        return f"https://{ref.bucket}.obs.example/{ref.key}"

    def signed_url(self, ref: ObjectRef, seconds: int, shown: Shown = AS_IT_IS) -> str:
        version = f"&versionId={shown.version_id}" if shown.version_id else ""
        return f"{self.url(ref)}?Expires={seconds}{version}&Signature=canary-signature"

    def signed_put(
        self, ref: ObjectRef, seconds: int, content_type: str, metadata: dict[str, str], md5: str = ""
    ) -> SignedRequest:
        headers = {"Content-Type": content_type, **{f"x-obs-meta-{name}": text for name, text in metadata.items()}}
        url = f"{self.url(ref)}?Expires={seconds}&Signature=canary-signature"
        return SignedRequest(url, headers, self.clock.now() + timedelta(seconds=seconds))

    def _set(self, ref: ObjectRef, stored: Stored) -> None:
        self.objects[ref] = stored
        if ref.bucket in self.versioned:
            self._numbered += 1
            self.versions.setdefault(ref, {})[f"version-{self._numbered}"] = stored

    def remove_version(self, ref: ObjectRef, version_id: str) -> None:
        """Delete one version for good; the one before it, if there is one, is the object again."""
        kept = self.versions[ref]
        del kept[version_id]
        if kept:
            self.objects[ref] = kept[next(reversed(kept))]
        else:
            del self.objects[ref]

    def _etag(self, ref: ObjectRef, stored: Stored) -> str:
        salt = stored[2].isoformat().encode() if ref.bucket in self.encrypted else b""
        return hashlib.md5(salt + stored[0]).hexdigest()

    def _get(self, ref: ObjectRef, version_id: str) -> Stored:
        stored = self.versions.get(ref, {}).get(version_id) if version_id else self.objects.get(ref)
        if stored is None:
            raise ObjectGoneError(f"The object {ref} is gone.")
        return stored

    # What tests ask afterwards.

    def json(self, bucket: str, key: str) -> Any:
        return json.loads(self.objects[ObjectRef(bucket, key)][0])

    def lines(self, bucket: str, key: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.objects[ObjectRef(bucket, key)][0].splitlines()]

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        return sorted(ref.key for ref in list(self.objects) if ref.bucket == bucket and ref.key.startswith(prefix))


class MemoryVersions:
    """All versions in a memory store; see ``legible.ports.versions.ObjectVersions``."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def each(self, bucket: str, prefix: str) -> Iterator[ListedVersion]:
        self._store.fail("list", ObjectRef(bucket, prefix))
        refs = {ref for ref in (*self._store.objects, *self._store.versions) if ref.bucket == bucket}
        for ref in sorted((ref for ref in refs if ref.key.startswith(prefix)), key=lambda ref: ref.key.encode()):
            kept = self._store.versions.get(ref) or {"null": self._store.objects[ref]}
            if ref not in self._store.objects:
                yield ListedVersion(ref.key, "marker", marker=True, modified_at=self._store.clock.now())
            for version, stored in reversed(list(kept.items())):
                yield ListedVersion(ref.key, version, modified_at=stored[2], size=len(stored[0]))

    def remove(self, bucket: str, version: ListedVersion) -> None:
        ref = ObjectRef(bucket, version.key)
        self._store.fail("write", ref)
        with self._store._lock:
            kept = self._store.versions.get(ref)
            if not kept:
                self._store.objects.pop(ref, None)
                del self._store.appendable[ref]
            else:
                kept.pop(version.version_id, None)
                if kept:
                    self._store.objects[ref] = kept[next(reversed(kept))]
                else:
                    self._store.objects.pop(ref, None)
                    del self._store.versions[ref]
        self._store.after("remove", ref)

    def read(self, ref: ObjectRef, version_id: str) -> bytes:
        return self._store.read(ref, Wanted(version_id="" if version_id == "null" else version_id))


class SheetsHere(Sheets):
    """Pages opened in the test's own process: fast, and seen by the coverage; what Sheets is for is tested with it."""

    def _exchange(self, ask: worker.Ask, seconds: float) -> worker.WorkerReply:
        return worker.answer(ask)


Reply = Answer | Exception | dict[str, Any]


class ScriptedOcr:
    """An OCR service that answers from a script, then with its last word again; it counts what it was paid for."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.calls: list[tuple[str, dict[str, Any], Picture]] = []
        self.paid = 0
        self.during: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def recognize(self, operation: Operation, options: dict[str, Any], picture: Picture, seconds: float) -> Answer:
        with self._lock:
            self.calls.append((operation.slug, dict(options), picture))
            number = len(self.calls)
            reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.during()
        if isinstance(reply, Exception):
            raise reply
        answer = (
            reply if isinstance(reply, Answer) else Answer(json.dumps({"result": reply}).encode(), f"request-{number}")
        )
        failed = faults.inside(operation, answer)
        self.paid += failed is None or bool(failed.body)
        if failed is not None:
            raise failed
        return answer


class Receiver:
    """A target that remembers what it was told; what ``fail`` raises it did not take."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.tries = 0
        self.fail: Callable[[], None] = lambda: None

    def send(self, notice: Notice, seconds: float) -> None:
        self.tries += 1
        self.fail()
        self.notices.append(notice)


class NextInvocation:
    """A relay that remembers whom it was asked to hand on, and in which events, for a test to deliver."""

    def __init__(self) -> None:
        self.handed: list[Any] = []
        self.events: list[tuple[tuple[Arrival, ...], Reason | None]] = []
        self.fail: Callable[[], None] = lambda: None

    def hand_on(self, *arrivals: Arrival, given_up: Reason | None = None) -> None:
        self.fail()
        self.handed.extend(arrivals)
        self.events.append((arrivals, given_up))


class AccountProjects:
    """The enterprise projects of an account; it counts how often it was asked, and raises what ``fail`` is."""

    def __init__(self, *projects: EnterpriseProject) -> None:
        self.projects = list(projects)
        self.asked: list[str] = []
        self.fail: Exception | None = None

    def find(self, project: str) -> EnterpriseProject | None:
        self.asked.append(project)
        if self.fail is not None:
            raise self.fail
        return next((one for one in self.projects if one.id == project), None)

    def all(self) -> list[EnterpriseProject]:
        if self.fail is not None:
            raise self.fail
        return list(self.projects)
