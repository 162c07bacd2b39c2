"""From an upload to the document it is, and from the document's first bytes to what is to be called."""

from __future__ import annotations

import msgspec

from legible import intake, layout, pages
from legible.calling import Job
from legible.errors import DocumentError, ObjectGoneError, RejectedError, SkippedError
from legible.model import Document, ObjectRef, Unreadable, Upload
from legible.ports import Head, Log, ObjectStore
from legible.routing import Routed


class Documents:
    """Finds documents and looks at their first bytes; nothing it does is paid for.

    Args:
        store: Where documents lie.
        input_bucket: Where uploads come from.
        output: Where results go; what lies there is no document, unless both are one bucket.
        log: Where events are told.
    """

    def __init__(self, store: ObjectStore, input_bucket: str, output: str, log: Log) -> None:
        """See the class."""
        self._store = store
        self._input = input_bucket
        self._output = output
        self._log = log

    def locate(self, upload: Upload | Unreadable) -> tuple[Document, DocumentError | None]:
        """Find out which version of which object an upload is.

        Returns:
            The document, and why nothing can be read of it: gone, not permitted, or an event that names no object.

        Raises:
            SkippedError: It is no document: a folder or an own output.
            UnavailableError: The store has a passing fault.
        """
        if isinstance(upload, Unreadable):
            document = Document("unreadable", f"{layout.UNREADABLE}/{upload.digest}", upload.digest)
            reason = upload.reason
            return document, RejectedError(reason.message, code=reason.code, advice=reason.advice)
        self._refuse_own(upload.ref)
        try:
            ref, head = self._find(upload)
        except DocumentError as error:
            version = _plain(upload.version_id or upload.etag or "gone")
            return Document(upload.ref.bucket, upload.ref.key, version, upload.etag), error
        if upload.etag and head.etag != upload.etag:
            self._log("replaced", bucket=ref.bucket, key=ref.key, announced=upload.etag, found=head.etag)
        return Document(
            bucket=ref.bucket,
            key=ref.key,
            version=_plain(head.version_id or head.etag),
            etag=head.etag,
            version_id=head.version_id,
            size=head.size,
            uploaded_at=head.modified_at,
            content_type=head.content_type,
        ), None

    def _refuse_own(self, ref: ObjectRef) -> None:
        if ref.bucket == self._output and (self._output != self._input or ref.key.startswith(layout.OWN)):
            raise SkippedError(
                f"{ref} is an output of Legible.",
                code="own-output",
                advice="Let the trigger watch the input bucket, or a prefix of its own.",
            )
        if ref.key.endswith("/"):
            raise SkippedError(f"{ref} is a folder.", code="folder")

    def _find(self, upload: Upload) -> tuple[ObjectRef, Head]:
        """Look for the object under its decoded key, then under the key as the event spelt it.

        No page says whether classic events encode keys, so both are tried where they differ; the one whose etag the
        event names is right.
        """
        found = None
        for key in dict.fromkeys((upload.ref.key, upload.raw_key or upload.ref.key)):
            ref = ObjectRef(upload.ref.bucket, key)
            head = self._head(ref, upload.version_id)
            if head is not None and (found is None or head.etag == upload.etag):
                found = ref, head
            if head is not None and head.etag == upload.etag:
                break
        if found is None:
            raise ObjectGoneError(
                f"The object {upload.ref} is gone.",
                advice="It was removed or renamed before it was read; upload it again.",
            )
        return found

    def _head(self, ref: ObjectRef, version_id: str) -> Head | None:
        for version in dict.fromkeys((version_id, "")):
            try:
                return self._store.head(ref, version)
            except ObjectGoneError:
                continue
        return None

    def examine(self, document: Document, routed: Routed) -> tuple[Document, Job]:
        """Judge a document by its first bytes, and plan its pages; nothing is paid yet.

        Returns:
            The document with format, sides and page count, and what is to be called.

        Raises:
            RejectedError: The service would refuse it, and it cannot be mended.
            UnavailableError: The store has a passing fault.
        """
        ref, version_id, operation = document.ref, document.version_id, routed.operation
        if document.size == 0:
            intake.format_of(b"")
        last_byte = min(document.size, intake.FIRST_BYTES) - 1
        first = self._store.read(ref, version_id, 0, last_byte)
        document = msgspec.structs.replace(document, format=intake.format_of(first))
        whole = document.size <= intake.FIRST_BYTES
        tail = first if whole else self._store.read(
            ref, version_id, document.size - intake.LAST_BYTES, document.size - 1
        )  # fmt: skip
        intake.judge_end(document.format, document.size, first, tail[-intake.LAST_BYTES :])
        intake.judge_size(operation, document.size)
        body = first if whole else None
        if body is None and (document.format in pages.COUNTED or document.format not in operation.limits.formats):
            body = self._store.read(ref, version_id)
        plan = pages.plan(operation, document.format, body if document.format in pages.COUNTED else None)
        document = self._measure(document, routed, first if body is None else body, plan)
        return document, Job(document, operation, routed.options, plan, body if plan.rendered else None)

    def _measure(self, document: Document, routed: Routed, known: bytes, plan: pages.Plan) -> Document:
        width = height = None
        if document.format not in {"pdf", "ofd"}:
            sides = pages.measure(known)
            if sides is None and len(known) < document.size:
                sides = pages.measure(self._store.read(document.ref, document.version_id))
            if sides is None:
                raise RejectedError(
                    "The image cannot be opened: it is cut or broken.",
                    code="document-broken",
                    advice="Scan or save it again and upload that.",
                )
            width, height = sides
            if not plan.rendered:
                intake.judge_sides(routed.operation, width, height)
        return msgspec.structs.replace(document, width=width, height=height, page_count=plan.count)


def _plain(version: str) -> str:
    """Return a version fit for one step of a key."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in version)[:120]
