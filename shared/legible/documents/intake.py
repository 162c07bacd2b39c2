"""From an upload to the document it is, and from the document's first bytes to what is to be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from legible.documents import formats, orders, pages
from legible.documents.uploads import UNREADABLE_BUCKET, announced, plain
from legible.errors import DocumentError, HeldError, ObjectGoneError, RejectedError, SkippedError
from legible.model import layout
from legible.model.documents import Arrival, Document, Ignored, ObjectRef, Unreadable, Upload
from legible.operations.operation import Operation
from legible.operations.routing import Routed
from legible.ports import Head, ObjectStore, Wanted


class Documents:
    """Finds documents and looks at their first bytes; nothing it does is paid for.

    Args:
        store: Where documents lie.
        input_bucket: Where uploads come from.
        output: Where results go; what lies there is no document, unless both are one bucket.
        max_pages: More pages than this are held, not called for.
        remaining: How many seconds the function has left.
        sheets: What opens a document's pages.
    """

    def __init__(
        self,
        store: ObjectStore,
        input_bucket: str,
        output: str,
        max_pages: int,
        remaining: Callable[[], float],
        sheets: type[pages.Sheets] = pages.Sheets,
    ) -> None:
        """See the class."""
        self._store = store
        self._input = input_bucket
        self._output = output
        self._max_pages = max_pages
        self._remaining = remaining
        self._sheets = sheets
        self._opened: list[pages.Sheets] = []

    def locate(self, upload: Arrival) -> tuple[Document, DocumentError | None]:
        """Find out which version of which object an upload is.

        Returns:
            The document, and why nothing can be read of it: gone, not permitted, another size than was promised, an
            order that cannot be read, or an event that names no object.

        Raises:
            SkippedError: It is no document: a folder, a removal, an own output, an object of another bucket.
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
            return announced(upload), error
        document = Document(
            bucket=ref.bucket,
            key=ref.key,
            version=plain(head.version_id or head.etag),
            etag=head.etag,
            version_id=head.version_id,
            size=head.size,
            uploaded_at=head.modified_at,
            content_type=head.content_type,
        )
        try:
            order = orders.read(head.metadata, head.size)
        except RejectedError as error:
            return document, error
        return msgspec.structs.replace(document, order=upload.order or order), None

    def _refuse(self, ref: ObjectRef) -> None:
        if ref.bucket == self._output and (self._output != self._input or ref.key.startswith(layout.OWN)):
            raise SkippedError(
                f"{ref} is an output of Legible.",
                code="own-output",
                advice="Let the trigger watch the input bucket, or a prefix of its own.",
            )
        if ref.bucket != self._input:
            raise SkippedError(
                f"{ref} is not in the input bucket {self._input}.",
                code="other-bucket",
                advice="Results are filed by key, so one deployment reads one bucket; set LEGIBLE_INPUT_BUCKET.",
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
            ReplacedError: A newer upload took its place while it was looked at.
            HeldError: It has more pages than are called for unasked.
            UnavailableError: The store has a passing fault.
        """
        operation = routed.operation
        if document.size == 0:
            formats.format_of(b"")
        first = self._read(document, 0, min(document.size, formats.FIRST_BYTES) - 1)
        last = self._last(document, first)
        document = msgspec.structs.replace(document, format=formats.format_of(first, last))
        if document.format == "ofd":
            formats.judge_size(operation, document.size)
        sheets = self._sheets(document.format, document.size, self._parts(document, first))
        self._opened.append(sheets)
        self._refuse_cut(document, first, last, sheets)
        look = self._look(document, first, sheets)
        plan = pages.page_plan(
            operation, document.format, document.size, look, placed=bool({"pdf", "crops"} & set(routed.made.outputs))
        )
        self._hold_many(plan, routed)
        document = msgspec.structs.replace(document, width=look.width, height=look.height, page_count=plan.pages)
        return document, Job(document, operation, routed.options, plan, sheets, self._no_url(document))

    def _hold_many(self, plan: pages.PagePlan, routed: Routed) -> None:
        """Hold a document of more pages than are paid for unasked; it is never cut."""
        most = min(self._max_pages, routed.max_pages or self._max_pages)
        if plan.pages > most:
            where = "limits.max_pages" if most == self._max_pages else "max_pages of its route or operation"
            raise HeldError(
                f"The document has {plan.pages} pages; at most {most} are called for.",
                code="too-many-pages",
                advice=f"Split it, or raise {where} in legible.toml and upload it again.",
            )

    def opened(self, document: Document) -> pages.Sheets:
        """Open the pages of a document to look at them; whoever asks closes them.

        Raises:
            RejectedError: It is empty, or nothing that has pages.
            UnavailableError: The store has a passing fault.
        """
        first = self._read(document, 0, min(document.size, formats.FIRST_BYTES) - 1) if document.size else b""
        format_name = document.format or formats.format_of(first, self._last(document, first))
        return self._sheets(format_name, document.size, self._parts(document, first))

    def put_away(self) -> None:
        """Close what was opened to be examined: its process ends, its copy is removed."""
        while self._opened:
            self._opened.pop().close()

    def _last(self, document: Document, first: bytes) -> bytes:
        if len(first) == document.size:
            return first[-formats.LAST_BYTES :]
        return self._read(document, document.size - formats.LAST_BYTES, document.size - 1)

    def _refuse_cut(self, document: Document, first: bytes, last: bytes, sheets: pages.Sheets) -> None:
        """Refuse a document whose end is missing; one with bytes behind its end is opened to see."""
        if formats.ends(document.format, document.size, first, last):
            return
        ending = formats.ENDINGS.get(document.format)
        if ending is None or not sheets.whole(ending, self._remaining()):
            raise formats.cut(document.format, document.size)

    def _look(self, document: Document, first: bytes, sheets: pages.Sheets) -> pages.Look:
        """Return what the pages are: by the header where that is enough, else by opening the document."""
        if document.format == "ofd":
            return pages.Look()
        look = None if document.format in pages.COUNTED else pages.header(first)
        return look or sheets.look(self._remaining())

    def _parts(self, document: Document, first: bytes) -> Callable[[int, int], bytes]:
        """Return what reads a part of the document; one that was read whole is not read again."""
        if len(first) == document.size:
            return lambda start, end: first[start : end + 1]
        return lambda start, end: self._read(document, start, end)

    def _read(self, document: Document, first: int | None = None, last: int | None = None) -> bytes:
        return self._store.read(document.ref, Wanted(document.version_id, document.etag, first, last))

    def _no_url(self, document: Document) -> str:
        """Say why the service cannot be given a URL: it would open another object, or a newer version of this one.

        Whoever opens a URL may resolve ``..`` in it first (RFC 3986, 5.2.4; curl and requests do): ``a/../b/x.png`` is
        an object of its own, and its URL that of somebody else's ``b/x.png``.
        """
        if {".", ".."} & set(document.key.split("/")):
            return "sent inline: a URL of a key with '.' or '..' in it can be taken for that of another key"
        if not document.version_id:
            return ""
        newest = self._head(document.ref, "")
        if newest is not None and newest.version_id == document.version_id:
            return ""
        return "sent inline: this upload is not the newest version of its key"


class Job(Struct, frozen=True):
    """A document that passed intake: what is called, and how its pages are made.

    ``sheets`` are its pages, open until ``Documents.put_away``. ``inline`` says why the service cannot be given a URL.
    """

    document: Document
    operation: Operation
    options: dict[str, Any]
    plan: pages.PagePlan
    sheets: pages.Sheets
    inline: str = ""
