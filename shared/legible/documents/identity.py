"""Names documents by their content, so that equal bytes under one key are one document, whatever their versions."""

from __future__ import annotations

import hashlib
import re

import msgspec

from legible.errors import InternalError, ObjectGoneError
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Order
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import Head, Site, Wanted, prefetch

#: Takes the place of a name where nothing is known of the content.
GONE = "gone"
#: Stands between the etag and the digest of an order; what the latter looks like, unlike the number of a part.
ORDERED = "."
_IS_ORDERED = re.compile(r"\.[0-9a-f]{8}")


def content_name(etag: str, version_id: str = "") -> str:
    """Return the name of a document: its etag, which OBS makes of the bytes, fit for one part of a key.

    Two uploads of the same bytes have one etag unless they were encrypted or uploaded in parts of different sizes
    (api-obs obs_04_0080, obs_04_0102). Such a document has a name for each upload; that its pages are not paid for
    twice all the same is what ``ledger.content`` is for.

    Args:
        etag: The object's etag, without quotes.
        version_id: Its version id, for want of an etag.
    """
    name = etag or version_id or GONE
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:120]


def name_of(site: Site, ref: ObjectRef, head: Head, order: Order | None = None) -> str:
    """Return the name of the document that an object is.

    Equal bytes that were uploaded with another order are another document: nobody gets the fields of a passport who
    asked for those of an invoice.

    Version 0.1 named documents without their order and, in buckets with versions, by the version's id. Their journals
    are found here, so that nothing they paid for is paid for again: by the version itself, or where it is the one whose
    result is published and this upload has the same bytes.

    Args:
        site: The output bucket has the journals and results.
        ref: The object.
        head: What the store tells about the version of it that was uploaded.
        order: What its uploader asked for in its metadata, if anything.

    Raises:
        DocumentError: The store does not let us look.
        UnavailableError: The store has a passing fault.
    """
    name = content_name(head.etag, head.version_id)
    if order is not None and not _began(site, Document(ref.bucket, ref.key, name), order):
        digest = hashlib.sha256(msgspec.json.encode(order, order="sorted")).hexdigest()
        name = f"{name}{ORDERED}{digest[:8]}"
    if not head.version_id:
        return name
    foresee_published(site, ref.key)
    former = content_name("", head.version_id)
    if _has_journal(site, ref, former):
        return former
    earlier = published(site, ref.key)
    if earlier is None or earlier.bucket != ref.bucket or not _is_former(earlier):
        return name
    same = (earlier.etag, earlier.order) == (head.etag, order)
    return earlier.version if same and _has_journal(site, ref, earlier.version) else name


def foresee_published(site: Site, key: str) -> None:
    """Begin to read what ``published`` asks for, where the store has foresight."""
    prefetch(site.store, *_record_head(site, key))


def published(site: Site, key: str) -> Document | None:
    """Return the document whose results are published under a key; None if there is none.

    Raises:
        DocumentError: The store does not let us look.
        UnavailableError: The store has a passing fault.
    """
    try:
        return document_of(site.store.read(*_record_head(site, key)))
    except (ObjectGoneError, ValueError):
        return None


def _record_head(site: Site, key: str) -> tuple[ObjectRef, Wanted]:
    return site.in_output(layout.results(key, layout.RECORD)), Wanted(first=0, last=HEAD_BYTES - 1)


def etag_of(name: str) -> str:
    """Return the etag, or version id, that a document's name was made of."""
    return name.partition(ORDERED)[0]


def announced_name(site: Site, ref: ObjectRef, etag: str, version_id: str) -> str:
    """Return the name of a document that an event names and that cannot be looked at any more, with its order.

    It is that of the journal which was begun for these bytes, whatever they were ordered for; best of one that has not
    ended. Without one it is the content's own.

    Raises:
        DocumentError: The store does not let us look.
        UnavailableError: The store has a passing fault.
    """
    plain = content_name(etag, version_id)
    prefix = layout.journals(ref.bucket, ref.key)
    former = content_name("", version_id)
    names = [former] if version_id and _has_journal(site, ref, former) else []
    for item in site.store.list(site.output, f"{prefix}{plain}"):
        name = item.key[len(prefix) :].removesuffix(".jsonl")
        if name == plain or _IS_ORDERED.fullmatch(name[len(plain) :]):
            names.append(name)
    running = [name for name in names if not _has_ended(site, Document(ref.bucket, ref.key, name))]
    return [*running, *names, plain][0]


def _has_ended(site: Site, document: Document) -> bool:
    try:
        return Journals(site).load(document).finished is not None
    except InternalError:
        return True


def _began(site: Site, document: Document, order: Order) -> bool:
    """Tell whether a document was begun by this order: its operation, and its options among those of the route.

    So was one that is known but by name: nobody could look at its order yet.
    """
    try:
        state = Journals(site).load(document)
    except InternalError:  # whatever it was begun by, it cannot go on
        return False
    begun = state.counted_claim
    if begun is None:
        return bool(state.lines)
    return order.operation in ("", begun.operation) and order.options.items() <= begun.options.items()


def _is_former(document: Document) -> bool:
    """Tell whether version 0.1 named a document, by a version's id."""
    return etag_of(document.version) != content_name(document.etag)


def _has_journal(site: Site, ref: ObjectRef, name: str) -> bool:
    try:
        site.store.head(site.in_output(layout.journal(Document(ref.bucket, ref.key, name))))
    except ObjectGoneError:
        return False
    return True
