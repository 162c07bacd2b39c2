"""The interfaces to the outside world, and the two values that carry them to use cases: a site and an invocation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

from msgspec import Struct

from legible.model.documents import Arrival, ObjectRef, Reason
from legible.model.notices import Notice
from legible.model.pages import Answer, Picture
from legible.operations.operation import Operation

#: What OBS makes of content that was uploaded in one piece, and not encrypted: its MD5 (api-obs obs_04_0080).
_MD5 = re.compile(r"[0-9a-f]{32}")


class Head(Struct, frozen=True):
    """What the store tells about an object, without its content. ``size`` in bytes; ``etag`` without quotes.

    ``digested`` says whether the etag, if it has an MD5's form, is that of the content: it is not where the object is
    encrypted or was made by appending. ``seen_at`` is the store's own time at this answer, in whole seconds.
    """

    size: int
    etag: str
    version_id: str = ""
    content_type: str = ""
    modified_at: datetime | None = None
    metadata: dict[str, str] = {}
    digested: bool = True
    seen_at: datetime | None = None

    @property
    def md5(self) -> str:
        """The MD5 of the content in hexadecimal; empty where the store does not tell it."""
        return self.etag if self.digested and _MD5.fullmatch(self.etag) else ""

    @property
    def told_apart(self) -> bool:
        """Whether any later upload differs in version id or time; times are whole seconds (RFC 9110, 5.6.7)."""
        if self.version_id:
            return True
        seen, modified = self.seen_at, self.modified_at
        return seen is not None and modified is not None and int(seen.timestamp()) > int(modified.timestamp())

    def same_upload(self, other: Head) -> bool:
        """Tell whether two answers are about one upload of the object, not only about equal bytes."""
        mine, others = ((head.version_id, head.etag, head.modified_at) for head in (self, other))
        return mine == others


class ListedObject(Struct, frozen=True):
    """An object as a list of objects names it. ``size`` in bytes; ``etag`` without quotes."""

    key: str
    size: int
    etag: str
    modified_at: datetime | None = None


class Wanted(Struct, frozen=True):
    """Which bytes of an object to read: of this version, only with this etag, from ``first`` to ``last`` inclusive."""

    version_id: str = ""
    etag: str = ""
    first: int | None = None
    last: int | None = None


#: The whole object, as it is now.
WHOLE = Wanted()


#: An object that may be large is read in parts of this many bytes; memory never holds more of it.
PART = 8 * 1024 * 1024


def ranges(size: int, part: int = PART) -> Iterator[tuple[int, int]]:
    """Yield the first and the last byte, both included, of each part of an object of that size."""
    for first in range(0, size, part):
        yield first, min(first + part, size) - 1


class SignedRequest(Struct, frozen=True):
    """A request that anyone may send, unchanged, until it expires: a secret, never logged, never stored."""

    url: str
    headers: dict[str, str]
    expires_at: datetime


class Shown(Struct, frozen=True):
    """How a signed URL serves its object: with which media type and, if it is to be saved, which file name."""

    content_type: str = ""
    file_name: str = ""
    version_id: str = ""

    @property
    def disposition(self) -> str:
        """The header that has the object saved under its file name (RFC 6266, 4.3); empty without a file name."""
        return f"attachment; filename*=UTF-8''{quote(self.file_name, safe='')}" if self.file_name else ""


#: The object is served as it was stored.
AS_IT_IS = Shown()


class ObjectStore(Protocol):
    """Objects in buckets.

    Every method raises ``UnavailableError`` for faults that pass and ``HeldError`` for refused access; reading methods
    raise ``ObjectGoneError`` where there is no such object or version.
    """

    def now(self) -> datetime:
        """Return the time by the store's clock, in UTC, as far as its replies told; leases go by it."""
        ...

    def head(self, ref: ObjectRef, version_id: str = "") -> Head:
        """Return size, etag, version, content type and time of an object."""
        ...

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        """Return the wanted bytes of an object; ``ReplacedError`` if its etag is another."""
        ...

    def write(
        self, ref: ObjectRef, body: bytes | Path, content_type: str, metadata: dict[str, str] | None = None
    ) -> None:
        """Create or replace an object, from memory or a file; ``metadata`` is short ASCII text by lower-case name."""
        ...

    def create(self, ref: ObjectRef, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        """Write an object by one request that is never repeated: a bucket with versions would keep every copy."""
        ...

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        """Create or replace an object as a copy of another, metadata too; the bytes do not pass through here."""
        ...

    def remove(self, ref: ObjectRef) -> None:
        """Remove an object; it is no error if it is not there."""
        ...

    def append(self, ref: ObjectRef, position: int, body: bytes) -> int:
        """Append at ``position`` and return the new length; ``AppendConflictError`` if the length is another."""
        ...

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """Yield each object whose key begins with ``prefix`` and sorts after ``after``, in the order of UTF-8 bytes."""
        ...

    def url(self, ref: ObjectRef) -> str:
        """Return an object's plain URL, its key percent-encoded; it opens nothing without authorization."""
        ...

    def signed_url(self, ref: ObjectRef, seconds: int, shown: Shown = AS_IT_IS) -> str:
        """Return a URL that opens the object for anyone until it expires: a secret, never logged, never stored."""
        ...

    def signed_put(
        self, ref: ObjectRef, seconds: int, content_type: str, metadata: dict[str, str], md5: str = ""
    ) -> SignedRequest:
        """Return a request that writes the object with this type and these metadata only; ``md5`` in Base64."""
        ...


@runtime_checkable
class Foresight(Protocol):
    """A store that can be told what is asked for next, so that fewer requests wait for one another.

    What it keeps is one invocation's: content is kept under its etag, anything else is given out once.
    """

    def glance(self, ref: ObjectRef, version_id: str = "", etag: str = "", size: int = 0) -> Head:
        """Return what ``head`` does, by reading the object's first bytes, which are kept for who reads them next.

        Args:
            ref: The object.
            version_id: Which version of it; empty for the newest.
            etag: Its etag, as far as the event knows.
            size: How many bytes it has, as far as the event knows.
        """
        ...

    def glanced(self, ref: ObjectRef, version_id: str = "") -> Head | None:
        """Return what the last glance at an object told; None where there was none."""
        ...

    def prefetch(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> None:
        """Begin to read; the next ``read`` of the very same waits for it, and gets what was there at that time."""
        ...


def glance(store: ObjectStore, ref: ObjectRef, version_id: str = "", etag: str = "", size: int = 0) -> Head:
    """Return what ``ObjectStore.head`` does, by a glance where the store has foresight; see ``Foresight.glance``."""
    if isinstance(store, Foresight):
        return store.glance(ref, version_id, etag, size)
    return store.head(ref, version_id)


def glanced(store: ObjectStore, ref: ObjectRef, version_id: str = "") -> Head | None:
    """Return what the last glance at an object told; None where there was none, or the store has no foresight."""
    return store.glanced(ref, version_id) if isinstance(store, Foresight) else None


def prefetch(store: ObjectStore, ref: ObjectRef, wanted: Wanted = WHOLE) -> None:
    """Begin to read what is asked for next, where the store has foresight."""
    if isinstance(store, Foresight):
        store.prefetch(ref, wanted)


class Recognizer(Protocol):
    """Performs operations."""

    def recognize(self, operation: Operation, options: dict[str, Any], picture: Picture, seconds: float) -> Answer:
        """Make one call and return its answer as received; it takes at most ``seconds``.

        Raises:
            RejectedError: The service will not read this picture.
            HeldError: The account is not subscribed, not permitted, restricted or frozen, or the API is not here.
            ThrottledError: Too many calls in this minute. Not paid.
            UnavailableError: A fault that passes. Not paid.
            SourceUnreadableError: The service could not read the picture's URL. Not paid.
            AnswerUnknownError: The call was sent and no usable answer came. Possibly paid.
        """
        ...


class Arbiter(Protocol):
    """Decides who may pay for a document, where the journal's own promise is not enough."""

    def acquire(self, name: str, owner: str, seconds: float) -> int | None:
        """Return a fencing number, greater than all before, or None while somebody else holds ``name``."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give ``name`` back if ``owner`` holds it."""
        ...


class Relay(Protocol):
    """Calls a fresh invocation of the function for uploads to work on a document."""

    def hand_on(self, *arrivals: Arrival, given_up: Reason | None = None) -> None:
        """Call the function asynchronously for uploads, in one event or, where they do not fit into one, in several.

        Args:
            arrivals: The uploads, each as its event told of it; ``hand`` counts the calls for one whose work was begun.
            given_up: Why the platform gave these up, where the function is the one that ends such uploads.

        Raises:
            HeldError: The function may not be called, or its name is not known.
            UnavailableError: The platform takes no call now.
        """
        ...


class Notifier(Protocol):
    """Tells one target how a document ended."""

    def send(self, notice: Notice, seconds: float) -> None:
        """Send a notice; it takes at most ``seconds``. A notice that is sent again keeps its ``id``.

        Raises:
            RejectedError: The target will never take it; trying again changes nothing.
            HeldError: Something must be mended first: an address, a permission, a topic.
            UnavailableError: A fault that passes; it may have arrived all the same.
        """
        ...


class Log(Protocol):
    """Writes one line about one event; ``values`` hold no secret and no recognized text."""

    def __call__(self, event: str, **values: Any) -> None:
        """Write the line."""
        ...


class Site(Struct, frozen=True):
    """Where a deployment keeps its objects: the store, the bucket of uploads, and the bucket of Legible's own files."""

    store: ObjectStore
    input: str
    output: str

    def in_input(self, key: str) -> ObjectRef:
        """Return the object of that key in the input bucket."""
        return ObjectRef(self.input, key)

    def in_output(self, key: str) -> ObjectRef:
        """Return the object of that key in the output bucket."""
        return ObjectRef(self.output, key)


class Invocation(Struct, frozen=True):
    """The function call, or the command, that code runs in.

    ``owner`` is a name no other invocation has. ``remaining`` returns how many seconds are left, ``now`` the time in
    UTC, by the store's clock (``ObjectStore.now``); ``pause`` waits for a number of seconds, ``log`` writes a line.
    """

    owner: str
    remaining: Callable[[], float]
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    log: Log


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(timezone.utc)
