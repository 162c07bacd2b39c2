"""Finds the document that an upload is: which content of which object, and whether it is a document at all."""

from __future__ import annotations

import re
from contextlib import suppress

from msgspec import UNSET, structs

from legible.documents import identity, orders
from legible.errors import DocumentError, ObjectGoneError, RejectedError, SkippedError
from legible.ledger.tombstones import Tombstones
from legible.model import layout
from legible.model.documents import Arrival, Document, Ignored, ObjectRef, Order, Unreadable, Upload
from legible.ports import Head, ObjectStore, Site, glance, prefetch

#: Takes the place of a bucket's name in the keys of journals of events that could not be read.
UNREADABLE_BUCKET = "unreadable"

_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")


class Uploads:
    """Finds the documents that events name.

    Args:
        site: The buckets of documents and of results; nothing in the latter is a document, unless both are one bucket.
    """

    def __init__(self, site: Site) -> None:
        """Look at nothing yet."""
        self._site = site

    def locate(self, upload: Arrival) -> tuple[Document, DocumentError | None]:
        """Find out which version of which object an upload is.

        Returns:
            The document, and why it cannot be read, else None: gone, not permitted, not the promised size, an
            order that cannot be read, or an event that names no object.

        Raises:
            SkippedError: It is no document: a folder, a removal, an output of Legible, an object of another bucket; or
                it was forgotten.
            UnavailableError: The store has a passing fault.
        """
        if isinstance(upload, Unreadable):
            document = Document(UNREADABLE_BUCKET, f"{layout.UNREADABLE}/{upload.digest}", upload.digest)
            reason = upload.reason
            return document, RejectedError(reason.message, code=reason.code, advice=reason.advice)
        if isinstance(upload, Ignored):
            raise SkippedError(upload.reason.message, code=upload.reason.code)
        self._refuse(upload.ref)
        try:
            ref, head = self._find(upload)
        except DocumentError as error:
            _refuse_folder(upload.ref, upload.size)
            self._refuse_forgotten(upload, error)
            return self.announced(upload), error
        _refuse_folder(ref, head.size)
        self._refuse_forgotten(upload, head)
        order, unread = _ordered(head)
        try:
            name = identity.name_of(self._site, ref, head, order)
        except DocumentError as error:
            return _announced(upload, identity.content_name(upload.etag, upload.version_id)), error
        document = Document(
            bucket=ref.bucket,
            key=ref.key,
            version=name,
            etag=head.etag,
            version_id=head.version_id,
            size=head.size,
            uploaded_at=head.modified_at,
            content_type=head.content_type,
            project=orders.project(head.metadata) or UNSET,
        )
        return structs.replace(document, order=upload.order or order), unread

    def announced(self, upload: Upload) -> Document:
        """Return the document an event names, whatever the store has now.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        name = identity.content_name(upload.etag, upload.version_id)
        with suppress(DocumentError):  # the journals cannot be looked at either; whoever claims it is told so
            name = identity.announced_name(self._site, upload.ref, upload.etag, upload.version_id)
        return _announced(upload, name)

    def _refuse(self, ref: ObjectRef) -> None:
        if ref.bucket == self._site.output and (
            self._site.output != self._site.input or ref.key.startswith(layout.OWN)
        ):
            raise SkippedError(
                f"{ref} is an output of Legible.",
                code="own-output",
                advice="Let the trigger watch the input bucket, or a prefix of its own.",
            )
        if ref.bucket != self._site.input:
            raise SkippedError(
                f"{ref} is not in the input bucket {self._site.input}.",
                code="other-bucket",
                advice="Results are filed by key, so one deployment reads one bucket; set LEGIBLE_INPUT_BUCKET.",
            )

    def _refuse_forgotten(self, upload: Upload, found: Head | DocumentError) -> None:
        """Refuse an event about an upload that was forgotten: it is gone, or another one has taken its place."""
        if isinstance(found, Head):
            gone = _names_content(upload) and upload.etag != found.etag
        else:
            gone = isinstance(found, ObjectGoneError)
        name = identity.content_name(upload.etag, upload.version_id) if upload.etag or upload.version_id else ""
        forgotten = False
        with suppress(DocumentError):  # who may not look for tombstones records what is gone, as ever
            forgotten = gone and Tombstones(self._site).forgot(upload.ref.key, name, upload.at)
        if forgotten:
            raise SkippedError(
                f"What was uploaded as {upload.ref} was forgotten.",
                code="forgotten",
                advice="If it is to be read after all, upload it again.",
            )

    def _find(self, upload: Upload) -> tuple[ObjectRef, Head]:
        """Look for the object under its decoded key, then under the key as the event spelled it.

        No page says whether classic events encode keys, so both are tried if they differ; the one whose etag the
        event names is right.
        """
        best = None
        if upload.etag:  # if the event came before, all that is to be known stands there
            name = Document(upload.ref.bucket, upload.ref.key, identity.content_name(upload.etag, upload.version_id))
            prefetch(self._site.store, self._site.in_output(layout.journal(name)))
        for key in dict.fromkeys((upload.ref.key, upload.raw_key or upload.ref.key)):
            ref = ObjectRef(upload.ref.bucket, key)
            head = newest_head(self._site.store, ref, upload.version_id, upload.etag, upload.size or 0)
            if head is not None and (best is None or head.etag == upload.etag):
                best = ref, head
            if head is not None and head.etag == upload.etag:
                break
        if best is None:
            raise ObjectGoneError(
                f"The object {upload.ref} is gone.",
                advice="It was removed or renamed before it was read; upload it again.",
            )
        return best


def _ordered(head: Head) -> tuple[Order | None, RejectedError | None]:
    """Return what an object's metadata order, or why that cannot be read."""
    try:
        return orders.read(head.metadata, head.size), None
    except RejectedError as error:
        return None, error


def _refuse_folder(ref: ObjectRef, size: int | None) -> None:
    """Refuse an empty object whose key ends as a folder's; one with content is a document, whatever it is called."""
    if ref.key.endswith("/") and not size:
        raise SkippedError(f"{ref} is a folder.", code="folder")


def _announced(upload: Upload, version: str) -> Document:
    # OBS tells an object's time in whole seconds; an event's milliseconds must not make it newer than its successor.
    at = upload.at.replace(microsecond=0) if upload.at else None
    return Document(upload.ref.bucket, upload.ref.key, version, upload.etag, uploaded_at=at)


def replaced(upload: Upload, document: Document) -> bool:
    """Tell whether the upload an event names was overwritten before it was read.

    An etag is 32 hexadecimal digits, followed by a part count after a multipart upload; any other text says nothing.
    """
    return _names_content(upload) and upload.etag != document.etag


def _names_content(upload: Upload) -> bool:
    return bool(_ETAG.fullmatch(upload.etag))


def newest_head(store: ObjectStore, ref: ObjectRef, version_id: str = "", etag: str = "", size: int = 0) -> Head | None:
    """Return the head of a version of an object, or of the newest one if it is gone; None if there is none.

    Args:
        store: Where it is.
        ref: Which object.
        version_id: Which version.
        etag: Its etag, as far as the event knows.
        size: How many bytes it has, as far as the event knows.

    Raises:
        HeldError: The store refuses.
        UnavailableError: The store has a passing fault.
    """
    for version in dict.fromkeys((version_id, "")):
        try:
            return glance(store, ref, version, etag, size)
        except ObjectGoneError:
            continue
    return None
