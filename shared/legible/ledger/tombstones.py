"""What is left of documents that were forgotten, and the notes of those that are being forgotten.

A tombstone has no personal data: the document and its versions are named by digests that are keyed, so that nobody can
find out by trying names whether a document was there. The key of the digests lies beside them, and is made once: who
removes it makes all tombstones mute, and late events of forgotten documents are taken for what they say again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from legible.errors import AppendConflictError, ObjectGoneError
from legible.ledger.lines import SKEW_SECONDS
from legible.model.layout import TOMBSTONES
from legible.ports import Site

_JSON = "application/json"
_KEY = f"{TOMBSTONES}.key"
#: Where what is being forgotten is noted: the only place where its key still stands until it is done.
PENDING = f"{TOMBSTONES}.pending/"


class Forgotten(Struct, frozen=True, omit_defaults=True):
    """One time at which a document was forgotten: ``versions`` are digests; ``counts`` is what its journals counted.

    What was uploaded after ``at`` is another document; ``done`` is when nothing was left of it.
    """

    at: datetime
    done: datetime
    by: str
    reason: str = ""
    versions: tuple[str, ...] = ()
    counts: tuple[dict[str, Any], ...] = ()


class Tombstone(Struct, frozen=True):
    """What is left of a document: when it was forgotten, each time."""

    times: tuple[Forgotten, ...] = ()


class Erasure(Struct, frozen=True, omit_defaults=True):
    """A document that is being forgotten, until nothing is left of it.

    ``at``: what was uploaded later is another document. ``versions`` are those of its journals and answers. ``emptied``
    is when everything with values was removed; ``closing`` that its journals are being removed. ``since`` and ``ended``
    are when its journals began and it ended: so it is known which files over many documents may hold it. ``contents``
    are where lists of documents of its contents lie. ``keep`` names what stays of one that is only thinned out.
    """

    key: str
    at: datetime
    by: str
    reason: str = ""
    versions: tuple[str, ...] = ()
    counts: tuple[dict[str, Any], ...] = ()
    since: datetime | None = None
    ended: tuple[datetime, ...] = ()
    contents: tuple[str, ...] = ()
    emptied: datetime | None = None
    closing: bool = False
    keep: tuple[str, ...] = ()


class Tombstones:
    """Reads and writes tombstones, and the notes of documents that are being forgotten.

    Args:
        site: Its output bucket holds them.
    """

    def __init__(self, site: Site) -> None:
        """Read nothing yet."""
        self._site = site
        self._known = b""

    def digest(self, *parts: str) -> str:
        """Return the keyed digest of a text, 32 hexadecimal digits; makes the key if there is none yet.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        if not self._secret():
            with suppress(AppendConflictError):  # somebody else made one at the same time
                self._site.store.append(self._site.in_output(_KEY), 0, secrets.token_hex(32).encode() + b"\n")
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._secret(), text, hashlib.sha256).hexdigest()[:32]

    def pending(self, key: str) -> Erasure | None:
        """Return the note of a document that is being forgotten; None where it is not. Raises as ``digest`` does."""
        return self.noted(self.note_key(key)) if self._secret() else None

    def noted(self, name: str) -> Erasure | None:
        """Return the note of that key; None where there is none, or it is none."""
        with suppress(ObjectGoneError, ValueError):
            return msgspec.json.decode(self._site.store.read(self._site.in_output(name)), type=Erasure)
        return None

    def note(self, erasure: Erasure) -> None:
        """Store how far a document is forgotten. Raises as ``digest`` does."""
        ref = self._site.in_output(self.note_key(erasure.key))
        self._site.store.write(ref, msgspec.json.encode(erasure), _JSON)

    def note_key(self, key: str) -> str:
        """Return the key of a document's note."""
        return _pending(self.digest(key))

    def of(self, key: str) -> Tombstone:
        """Return the tombstone of a document; an empty one where it never was forgotten. Raises as ``digest`` does."""
        with suppress(ObjectGoneError, ValueError):
            body = self._site.store.read(self._site.in_output(_stone(self.digest(key))))
            return msgspec.json.decode(body, type=Tombstone)
        return Tombstone()

    def set(self, erasure: Erasure, done: datetime) -> None:
        """Set the tombstone of a document that was forgotten, once. Raises as ``digest`` does."""
        times = self.of(erasure.key).times
        versions = tuple(self.digest(erasure.key, version) for version in erasure.versions)
        last = Forgotten(erasure.at, done, erasure.by, erasure.reason, versions, erasure.counts)
        if not any((one.at, one.versions) == (last.at, last.versions) for one in times):
            body = msgspec.json.encode(Tombstone((*times, last)))
            self._site.store.write(self._site.in_output(_stone(self.digest(erasure.key))), body, _JSON)

    def forgot(self, key: str, version: str, at: datetime | None) -> bool:
        """Tell whether an event is about an upload that was forgotten, or is being forgotten.

        Args:
            key: The key that the event names.
            version: The name of the content that it names; empty where it names none.
            at: The event's time, if it has one.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        if not self._secret():  # nothing was ever forgotten here
            return False
        pending = self.pending(key)
        times = [(pending.at, pending.versions)] if pending else []
        digest = self.digest(key, version) if version else ""
        times += [(one.at, (version,) if digest in one.versions else ()) for one in self.of(key).times]
        if at is not None:
            return any(at <= forgotten + timedelta(seconds=SKEW_SECONDS) for forgotten, _ in times)
        return any(not version or version in versions for _, versions in times)

    def _secret(self) -> bytes:
        if not self._known:
            with suppress(ObjectGoneError):
                self._known = self._site.store.read(self._site.in_output(_KEY)).split(b"\n")[0]
        return self._known


def _pending(digest: str) -> str:
    return f"{PENDING}{digest}.json"


def _stone(digest: str) -> str:
    return f"{TOMBSTONES}{digest}.json"


def digest_of(name: str) -> str:
    """Return the digest that names the document of a tombstone; empty for any other object."""
    digest = name.removeprefix(TOMBSTONES).removesuffix(".json")
    return digest if _stone(digest) == name and "/" not in digest and not digest.startswith(".") else ""
