"""A document that comes by HTTP: put into the input bucket once, however often it is sent; the upload does the rest."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from legible.documents import orders
from legible.errors import (
    AppendConflictError,
    BusyError,
    ObjectGoneError,
    RejectedError,
    UnavailableError,
)
from legible.ledger.lines import SKEW_SECONDS
from legible.model import layout
from legible.model.documents import ObjectRef, Order
from legible.operations import catalog, routing
from legible.operations.operation import Operation
from legible.operations.routing import Routing
from legible.ports import ObjectStore, SignedRequest

#: The longest file name that is kept, in bytes of UTF-8, and the longest folder before it.
_LONGEST_NAME = 200
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]+")
#: A signed upload is good for so long, in seconds.
_UPLOAD_SECONDS = 900
_TRIES = 20
#: So often it is tried to store a document, and so many seconds after it failed.
_PUTS, _PUT_AGAIN_SECONDS = 3, 0.5
#: Stores a document under a key.
Put = Callable[[str], None]


class Submission(Struct, frozen=True):
    """What is sent: a file's name, and what it is to be read by, where that is not left to the routes."""

    name: str
    order: Order = Order()
    content_type: str = "application/octet-stream"


class Sent(Struct, frozen=True):
    """One line of a request's journal: who sends it, as which object, of what it is the request, or that it stands."""

    owner: str
    key: str
    fingerprint: str
    until: datetime
    stored: bool = False


class Submitter:
    """Takes documents.

    Args:
        store: Where they go.
        input_bucket: The input bucket.
        output: The output bucket, where requests with a key of their own are kept.
        rules: From key to operation.
        marker: The name of an object that says that a folder is complete; empty for none.
        owner: A name no other request has.
        now: The clock.
        pause: Waits for so many seconds.
        remaining: How many seconds are left.
        settle: How many seconds after its line a request's journal is read back.
    """

    def __init__(
        self,
        store: ObjectStore,
        input_bucket: str,
        output: str,
        *,
        rules: Routing,
        marker: str,
        owner: str,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
        remaining: Callable[[], float],
        settle: float,
    ) -> None:
        """See the class."""
        self._store = store
        self._input = input_bucket
        self._output = output
        self._rules = rules
        self._marker = marker
        self._owner = owner
        self._now = now
        self._pause = pause
        self._remaining = remaining
        self._settle = settle

    def submit(
        self,
        submission: Submission,
        body: bytes | Callable[[], bytes],
        prefix: str = "",
        once: str = "",
        source: str = "",
    ) -> str:
        """Put a document into the input bucket; return its key.

        Args:
            submission: What it is.
            body: Its bytes, or what fetches them: asked once it is known that the document is to be stored.
            prefix: What all keys of its sender begin with.
            once: The sender's own key of this request; the same key makes one document.
            source: Where its bytes are fetched from, if they are; the same request may find others there, or none.

        Raises:
            RejectedError: No operation reads it, or the key was used for another request.
            BusyError: The same request is being served.
            UnavailableError: The store has a passing fault.
        """
        unique = hashlib.sha256(f"{prefix}\0{once}".encode()).hexdigest()[:32] if once else uuid.uuid4().hex
        key = self.key_of(submission, prefix, unique)
        what = hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else source

        def ready() -> Put:
            content = body if isinstance(body, bytes) else body()
            metadata = orders.metadata_of(submission.order, len(content))
            return lambda key: self._put(ObjectRef(self._input, key), content, submission.content_type, metadata)

        if not once:
            ready()(key)
            return key
        fingerprint = hashlib.sha256(msgspec.json.encode([submission, prefix, what])).hexdigest()
        return self._once(ObjectRef(self._output, layout.request(unique)), key, fingerprint, ready)

    def sign(self, submission: Submission, size: int, prefix: str = "", md5: str = "") -> tuple[str, SignedRequest]:
        """Return the key of a file that is going to be uploaded, and the signed request that uploads it.

        A signature of OBS cannot bind a length; the size is bound by the object's metadata, and one of another size is
        rejected, unpaid.

        Args:
            submission: What it is.
            size: How many bytes.
            prefix: What all keys of its sender begin with.
            md5: Its MD5 in Base64; empty where it is not known.

        Raises:
            RejectedError: No operation reads it.
        """
        key = self.key_of(submission, prefix, uuid.uuid4().hex)
        metadata = orders.metadata_of(submission.order, size)
        ref = ObjectRef(self._input, key)
        return key, self._store.signed_put(ref, _UPLOAD_SECONDS, submission.content_type, metadata, md5)

    def key_of(self, submission: Submission, prefix: str, unique: str) -> str:
        """Return the key of a document: its folder, a name nobody else has, and the file's own name.

        Raises:
            RejectedError: No operation reads it; nothing was stored.
        """
        folder, _, name = _plain(submission.name).rpartition("/")
        first = folder.split("/", 1)[0]
        slug = submission.order.operation
        if slug and first not in catalog.slugs():
            folder = f"{slug}/{folder}" if folder else slug
        day = f"{self._now():%Y-%m-%d}"
        key = "/".join(
            part for part in (f"{prefix}{folder}".rstrip("/"), f"{day}-{unique}", name or "document") if part
        )
        self._refuse(key, name)
        routing.check(self._operation(key, submission), self._rules, self._now().date())
        return key

    def _operation(self, key: str, submission: Submission) -> Operation:
        """Return what reads a document; who sends one knows the name it gave, and nothing of the key made of it."""
        try:
            return routing.route(key, self._rules, submission.order).operation
        except RejectedError as error:
            if error.reason_code != "no-route":
                raise
        raise RejectedError(
            f"No operation is named, and no route fits the name {submission.name!r:.200}.",
            code="no-route",
            advice="Choose an operation: name it as `operation`, or as the first folder of the name "
            "(passport/scan.png). A default operation or a [[routes]] rule in legible.toml spares the choice.",
        )

    def _put(self, ref: ObjectRef, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        """Put a document there once; where no answer came it is looked for before it is put there again."""
        Retrying(
            retry=retry_if_exception_type(UnavailableError),
            wait=wait_fixed(_PUT_AGAIN_SECONDS),
            stop=stop_after_attempt(_PUTS),
            sleep=self._pause,
            reraise=True,
        )(self._put_once, ref, body, content_type, metadata)

    def _put_once(self, ref: ObjectRef, *content: Any) -> None:
        try:
            self._store.create(ref, *content)
        except UnavailableError:
            if not self._stands(ref.key):
                raise

    def _refuse(self, key: str, name: str) -> None:
        """Refuse a name that makes something else of a document: it would be stored, and never read."""
        marker = bool(self._marker) and name == self._marker
        if marker or (self._input == self._output and key.startswith(layout.OWN)):
            raise RejectedError(
                f"{name!r} is no name of a document here.",
                code="bad-name",
                advice=f"Name it otherwise than {self._marker!r}, in no folder of Legible's own.",
            )

    def _once(self, ref: ObjectRef, key: str, fingerprint: str, ready: Callable[[], Put]) -> str:
        """Put a document unless the same request did; of two at once, one does."""
        put: Put | None = None
        for _ in range(_TRIES):
            body = self._read(ref)
            lines = _lines(body)
            last = lines[-1] if lines else None
            if last is not None and last.fingerprint != fingerprint:
                raise RejectedError(
                    "The idempotency key was used for another request.",
                    code="idempotency-key-reused",
                    advice="Use a new key for every new request.",
                )
            if last is not None and last.stored:
                return last.key
            if last is not None and self._now() < last.until + timedelta(seconds=SKEW_SECONDS):
                raise BusyError("The same request is being served.", advice="Send it again in a moment.")
            if last is not None and self._stands(last.key):
                return last.key
            key = last.key if last is not None else key
            put = put or ready()  # before it is written down that somebody serves it: what fails may be tried again
            mine = Sent(self._owner, key, fingerprint, self._now() + timedelta(seconds=self._remaining()))
            if self._take(ref, len(body), mine):
                put(key)
                self._append(ref, msgspec.structs.replace(mine, stored=True))
                return key
        raise UnavailableError("The request's journal took no line.", advice="Send it again in a moment.")

    def _take(self, ref: ObjectRef, position: int, mine: Sent) -> bool:
        """Append the line that says who serves the request, and see it stand: an append has no lock (obs_faq_0165)."""
        with suppress(AppendConflictError):  # a repeated append meets its own line
            self._store.append(ref, position, msgspec.json.encode(mine) + b"\n")
        self._pause(self._settle)
        return _lines(self._read(ref)[position:])[:1] == [mine]

    def _append(self, ref: ObjectRef, line: Sent) -> None:
        """Say that the document stands; whoever comes later would find that out too, by looking."""
        try:
            self._store.append(ref, len(self._read(ref)), msgspec.json.encode(line) + b"\n")
        except (AppendConflictError, UnavailableError):
            return

    def _stands(self, key: str) -> bool:
        try:
            self._store.head(ObjectRef(self._input, key))
        except ObjectGoneError:
            return False
        return True

    def _read(self, ref: ObjectRef) -> bytes:
        try:
            return self._store.read(ref)
        except ObjectGoneError:
            return b""


def _lines(body: bytes) -> list[Sent]:
    return [msgspec.json.decode(line, type=Sent) for line in body.splitlines()]


def _plain(name: str) -> str:
    """Return a name as a key takes it: no control characters, no empty, upward or endless parts."""
    text = _UNFIT.sub("-", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()))
    parts = [part for part in text.split("/") if part not in ("", ".", "..")]
    kept = [_short(part) for part in parts[-4:]]
    return "/".join(kept)


def _short(part: str) -> str:
    """Shorten a part, its ending kept."""
    body = part.encode()
    if len(body) <= _LONGEST_NAME:
        return part
    stem, dot, ending = part.rpartition(".")
    tail = f"{dot}{ending}" if stem and len(ending.encode()) <= 20 else ""
    return body[: _LONGEST_NAME - len(tail.encode())].decode("utf-8", "ignore") + tail
