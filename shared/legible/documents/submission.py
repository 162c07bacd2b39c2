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
from msgspec import Struct, structs
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from legible.documents import orders
from legible.documents.tickets import ONCE
from legible.errors import (
    BusyError,
    ObjectGoneError,
    RejectedError,
    UnavailableError,
)
from legible.ledger.lines import SKEW_SECONDS, Lines
from legible.model import layout
from legible.model.documents import ObjectRef, Order
from legible.operations import catalog, routing
from legible.operations.operation import Operation
from legible.operations.routing import Routing
from legible.ports import Invocation, SignedRequest, Site

#: The longest file name that is kept, in bytes of UTF-8, and the longest folder before it.
_LONGEST_NAME = 200
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]+")
#: How long a signed upload is valid, in seconds.
_UPLOAD_SECONDS = 900
_TRIES = 20
#: How often storing a document is tried, and how many seconds after a failure.
_PUTS, _PUT_AGAIN_SECONDS = 3, 0.5
#: Stores a document under a key.
Put = Callable[[str], None]


class Submission(Struct, frozen=True):
    """What is sent: a file's name and type, and an order for the operation if that is not left to the routes."""

    name: str
    order: Order = Order()
    content_type: str = "application/octet-stream"


class Sent(Struct, frozen=True):
    """One line of a request's journal: who serves it until when, its object, its digest, and whether that is stored."""

    owner: str
    key: str
    fingerprint: str
    until: datetime
    stored: bool = False


class Submitter:
    """Puts documents into the input bucket.

    Args:
        site: Its input bucket takes documents; its output bucket the journals of requests with a key of their own.
        call: The invocation: gives its name, the time, and the time left.
        rules: Lead from a key to an operation.
        marker: The name of an object that says that a folder is complete; empty for none.
        settle: Seconds after which a line of a request's journal is read back.
    """

    def __init__(self, site: Site, call: Invocation, rules: Routing, marker: str, settle: float) -> None:
        """Store nothing yet."""
        self._site = site
        self._call = call
        self._rules = rules
        self._marker = marker
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
            submission: The document's name, type and order.
            body: Its bytes, or what fetches them; called only if the document is to be stored.
            prefix: The prefix of all keys of its sender.
            once: The sender's own key of this request; the same key makes one document.
            source: The URL of its bytes, if they are fetched; the same request may find other bytes there later.

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
            return lambda key: self._put(self._site.in_input(key), content, submission.content_type, metadata)

        if not once:
            ready()(key)
            return key
        fingerprint = hashlib.sha256(msgspec.json.encode([submission, prefix, what])).hexdigest()
        return self._once(layout.request(unique), key, fingerprint, ready)

    def sign(self, submission: Submission, size: int, prefix: str = "", md5: str = "") -> tuple[str, SignedRequest]:
        """Return the key of a file that is going to be uploaded, and the signed request that uploads it.

        A signature of OBS cannot fix a length. The object's metadata name the size instead, and an upload of another
        size is rejected, unpaid. Without its MD5 nothing fixes the content either: then the first one that can be read
        counts, and any other is rejected, unpaid (``Tickets``).

        Args:
            submission: The document's name, type and order.
            size: The file's size in bytes.
            prefix: The prefix of all keys of its sender.
            md5: Its MD5 in Base64; empty if it is not known.

        Raises:
            RejectedError: No operation reads it.
        """
        key = self.key_of(submission, prefix, uuid.uuid4().hex if md5 else ONCE + uuid.uuid4().hex)
        metadata = orders.metadata_of(submission.order, size)
        ref = self._site.in_input(key)
        return key, self._site.store.signed_put(ref, _UPLOAD_SECONDS, submission.content_type, metadata, md5)

    def key_of(self, submission: Submission, prefix: str, unique: str) -> str:
        """Return the key of a document: its folder, a unique name, and the file's own name.

        Raises:
            RejectedError: No operation reads it; nothing was stored.
        """
        folder, _, name = _plain(submission.name).rpartition("/")
        first = folder.split("/", 1)[0]
        slug = submission.order.operation
        if slug and first not in catalog.slugs():
            folder = f"{slug}/{folder}" if folder else slug
        day = f"{self._call.now():%Y-%m-%d}"
        key = "/".join(
            part for part in (f"{prefix}{folder}".rstrip("/"), f"{day}-{unique}", name or "document") if part
        )
        self._refuse(key, name)
        routing.check(self._operation(key, submission), self._rules, self._call.now().date())
        return key

    def _operation(self, key: str, submission: Submission) -> Operation:
        """Return the operation that reads a document; errors quote the name that was sent, not the key made of it."""
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
        """Store a document once; if no answer came, look whether it is there before storing it again."""
        Retrying(
            retry=retry_if_exception_type(UnavailableError),
            wait=wait_fixed(_PUT_AGAIN_SECONDS),
            stop=stop_after_attempt(_PUTS),
            sleep=self._call.pause,
            reraise=True,
        )(self._put_once, ref, body, content_type, metadata)

    def _put_once(self, ref: ObjectRef, *content: Any) -> None:
        try:
            self._site.store.create(ref, *content)
        except UnavailableError:
            if not self._stands(ref.key):
                raise

    def _refuse(self, key: str, name: str) -> None:
        """Refuse a name that no document can have here: it would be stored, and never read."""
        marker = bool(self._marker) and name == self._marker
        if marker or (self._site.input == self._site.output and key.startswith(layout.OWN)):
            raise RejectedError(
                f"No document can have the name {name!r} here.",
                code="bad-name",
                advice=f"Use another name than {self._marker!r}, and none of Legible's own folders.",
            )

    def _once(self, journal: str, key: str, fingerprint: str, ready: Callable[[], Put]) -> str:
        """Store a document unless the same request has stored it; of two at the same time, one stores it.

        Args:
            journal: The key of the request's own journal.
            key: Where the document is put, unless an earlier try chose another key.
            fingerprint: The digest of what the request sends.
            ready: Fetches the document, and returns what stores it.
        """
        ref, name = self._site.in_output(journal), "The request's journal"
        lines = Lines(self._site.store, ref, self._call.pause, name=name, tries=_TRIES)
        turn = _Turn(key)

        def line(before: bytes) -> bytes | None:
            last = _last(before, fingerprint)
            if last is not None:
                turn.key = last.key
                if last.stored or self._abandoned(last):
                    return None
            turn.put = turn.put or ready()  # before the line: a failed fetch can be tried again at once
            until = self._call.now() + timedelta(seconds=self._call.remaining())
            turn.line = Sent(self._call.owner, turn.key, fingerprint, until)
            return _encode(turn.line)

        _, mine = lines.add(line, self._settle)
        if mine and turn.put and turn.line:
            turn.put(turn.key)
            with suppress(UnavailableError):  # a later request finds the document too, by looking
                lines.put(_encode(structs.replace(turn.line, stored=True)))
        return turn.key

    def _abandoned(self, last: Sent) -> bool:
        """Tell whether a request that was begun earlier has stored its document, though no line says so.

        Raises:
            BusyError: The request is being served.
        """
        if self._call.now() < last.until + timedelta(seconds=SKEW_SECONDS):
            raise BusyError("The same request is being served.", advice="Send it again in a moment.")
        return self._stands(last.key)

    def _stands(self, key: str) -> bool:
        try:
            self._site.store.head(self._site.in_input(key))
        except ObjectGoneError:
            return False
        return True


class _Turn:
    """One request in work: its document's key, what stores the document, and the line that says who serves it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.put: Put | None = None
        self.line: Sent | None = None


def _encode(line: Sent) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _last(lines: bytes, fingerprint: str) -> Sent | None:
    """Return the last line of a request's journal; None where it has none.

    Raises:
        RejectedError: The journal belongs to another request.
    """
    last = [msgspec.json.decode(line, type=Sent) for line in lines.splitlines()][-1:]
    if last and last[0].fingerprint != fingerprint:
        raise RejectedError(
            "The idempotency key was used for another request.",
            code="idempotency-key-reused",
            advice="Use a new key for every new request.",
        )
    return last[0] if last else None


def _plain(name: str) -> str:
    """Return a name made fit for a key: no control characters, no empty, upward or overlong parts."""
    text = _UNFIT.sub("-", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()))
    parts = [part for part in text.split("/") if part not in ("", ".", "..")]
    kept = [_short(part) for part in parts[-4:]]
    return "/".join(kept)


def _short(part: str) -> str:
    """Shorten a part, but keep its ending."""
    body = part.encode()
    if len(body) <= _LONGEST_NAME:
        return part
    stem, dot, ending = part.rpartition(".")
    tail = f"{dot}{ending}" if stem and len(ending.encode()) <= 20 else ""
    return body[: _LONGEST_NAME - len(tail.encode())].decode("utf-8", "ignore") + tail
