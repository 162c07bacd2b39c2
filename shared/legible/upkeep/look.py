"""Looks at one document before anything is paid for: which operation reads it, its pages, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from legible.documents.formats import COUNTED, FIRST_BYTES, format_of
from legible.documents.intake import Intake
from legible.documents.uploads import Uploads
from legible.errors import DocumentError, SkippedError
from legible.ledger.content import Holder, md5_of
from legible.ledger.journals import Journals
from legible.ledger.ledger import plan_of
from legible.ledger.lines import read
from legible.model import layout
from legible.model.documents import Document, Upload
from legible.operations import routing
from legible.operations.operation import Task
from legible.operations.routing import Routing
from legible.ports import Site, Wanted

#: A document with pages that is larger, in bytes, is not read to count them.
LARGE = 8 * 1024 * 1024


class Looked(NamedTuple):
    """What is found out about one document.

    ``pages`` counts its pages, ``calls`` those that are to be called for, ``known`` those that are paid for already.
    ``large``: it was too large to be opened, so that the others are not known. ``reason`` is why it would end without a
    call.
    """

    operation: str = ""
    pages: int = 0
    calls: int = 0
    known: int = 0
    large: bool = False
    reason: str = ""


class DocumentLook:
    """Looks at documents; safe for several threads.

    Args:
        site: Where documents, journals and answers are.
        rules: Lead from a key to an operation.
        journals: Tell what is paid for.
        intake: Makes what judges one document, and opens it.
        now: Returns the time in UTC.
    """

    def __init__(
        self, site: Site, rules: Routing, journals: Journals, intake: Callable[[], Intake], now: Callable[[], datetime]
    ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._rules = rules
        self._journals = journals
        self._intake = intake
        self._now = now

    def look(self, upload: Upload) -> Looked:
        """Return what is found out about a document; nothing of it is paid for, and at most ``LARGE`` bytes are read.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        slug = ""
        try:
            document, error = Uploads(self._site).locate(upload)
            if error is not None:
                raise error
            named = "" if document.project is UNSET else document.project
            task = routing.route(document.key, self._rules, document.order, named)
            slug = task.operation.slug
            routing.check(task.operation, self._rules, self._now().date())
            return self._counted(document, task)
        except (SkippedError, DocumentError) as refusal:
            return Looked(slug, reason=refusal.reason_code)

    def _counted(self, document: Document, task: Task) -> Looked:
        slug = task.operation.slug
        if document.size > LARGE and self._is_paged(document):
            return Looked(slug, large=True)
        intake = self._intake()
        try:
            document, job = intake.examine(document, task)
        finally:
            intake.put_away()
        known = min(job.plan.count, self._known(document, task))
        return Looked(slug, job.plan.pages, job.plan.count - known, known)

    def _is_paged(self, document: Document) -> bool:
        wanted = Wanted(document.version_id, document.etag, 0, FIRST_BYTES - 1)
        return format_of(self._site.store.read(document.ref, wanted)) in COUNTED

    def _known(self, document: Document, task: Task) -> int:
        """Return of how many pages the answers are paid for: by this document, or by one of the same content."""
        plan = plan_of(task.operation.slug, task.options, {})
        own = self._answered(document, plan)
        md5 = "" if own else md5_of(self._site.store, document)
        if not md5:
            return own
        listed = read(self._site.store, self._site.in_output(layout.content(md5, document.size, plan)))
        found = 0
        for line in listed.splitlines():
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                found = max(found, self._answered(msgspec.json.decode(line, type=Holder).document, plan))
        return found

    def _answered(self, document: Document, plan: str) -> int:
        state = self._journals.readable(document)
        begun = state.counted_claim
        if begun is None or plan_of(begun.operation, begun.options, {}) != plan:
            return 0
        return state.answered
