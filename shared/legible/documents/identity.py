"""Names documents by their content, so that equal bytes under one key are one document, whatever their versions."""

from __future__ import annotations

import hashlib

import msgspec

from legible.errors import ObjectGoneError
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Order
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import Head, Site, Wanted

#: Takes the place of a name where nothing is known of the content.
GONE = "gone"
#: Stands between the etag and the digest of an order.
ORDERED = "."


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
        InternalError: A journal of version 0.1 cannot be read.
    """
    name = content_name(head.etag, head.version_id)
    if order is not None:
        begun = Journals(site).load(Document(ref.bucket, ref.key, name)).counted_claim
        if begun is None or not _is_of(begun, order):
            digest = hashlib.sha256(msgspec.json.encode(order, order="sorted")).hexdigest()
            name = f"{name}{ORDERED}{digest[:8]}"
    if not head.version_id:
        return name
    former = content_name("", head.version_id)
    if _has_journal(site, Document(ref.bucket, ref.key, former)):
        return former
    earlier = published(site, ref.key)
    if earlier is None or earlier.bucket != ref.bucket or not _is_former(earlier):
        return name
    same = (earlier.etag, earlier.order) == (head.etag, order)
    return earlier.version if same and _has_journal(site, earlier) else name


def published(site: Site, key: str) -> Document | None:
    """Return the document whose results are published under a key; None if there is none.

    Raises:
        DocumentError: The store does not let us look.
        UnavailableError: The store has a passing fault.
    """
    record = site.in_output(layout.results(key, layout.RECORD))
    try:
        return document_of(site.store.read(record, Wanted(first=0, last=HEAD_BYTES - 1)))
    except (ObjectGoneError, ValueError):
        return None


def etag_of(name: str) -> str:
    """Return the etag, or version id, that a document's name was made of."""
    return name.partition(ORDERED)[0]


def _is_of(claim: Line, order: Order) -> bool:
    """Tell whether a document was begun by this order: its operation, and its options among those of the route."""
    return order.operation in ("", claim.operation) and order.options.items() <= claim.options.items()


def _is_former(document: Document) -> bool:
    """Tell whether version 0.1 named a document, by a version's id."""
    return etag_of(document.version) != content_name(document.etag)


def _has_journal(site: Site, document: Document) -> bool:
    try:
        site.store.head(site.in_output(layout.journal(document)))
    except ObjectGoneError:
        return False
    return True
