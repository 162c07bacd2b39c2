"""A document as a caller sees it: its status, its record, its pages, and links to its results and changes."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from msgspec import structs

from legible.api import shapes
from legible.api.calls import Call, Callers
from legible.api.ids import gone, id_of
from legible.api.lists import ListedDocument
from legible.api.lookup import Known, Lookup
from legible.errors import ObjectGoneError
from legible.ledger.state import counted_operation
from legible.model import layout
from legible.model.documents import Document
from legible.model.layout import RECORD
from legible.ports import Site
from legible.results.rebuild import recorded_document

#: The largest record in a reply: 6 MB go through the gateway (functiongraph_01_0150), in Base64, not only the record.
MOST_RECORD_BYTES = 4_000_000
#: The result that each ending of a document's URL leads to.
RESULTS = {"json": RECORD, "xlsx": "record.xlsx", "md": "record.md", "pdf": "record.pdf"}


class DocumentView:
    """Shows documents to their callers.

    Args:
        site: Where documents and results are stored.
        callers: Tells whose documents they are.
        lookup: Finds documents.
        most_bytes: The largest record, in bytes, that is part of a reply.
    """

    def __init__(self, site: Site, callers: Callers, lookup: Lookup, most_bytes: int = MOST_RECORD_BYTES) -> None:
        """Show nothing yet."""
        self.site = site
        self.callers = callers
        self.lookup = lookup
        self.most_bytes = most_bytes

    def known(self, call: Call) -> Known:
        """Return the document that a request names, with its state and results.

        Raises:
            ProblemError: 404, there is no such document, or it is not the caller's.
        """
        try:
            return self.lookup.find(self.callers.key(call, call.places["id"]), call.query.version if call.query else "")
        except ObjectGoneError:
            raise gone() from None

    def status(self, known: Known, version: str = "") -> shapes.DocumentStatus:
        """Return a document's status, with links to the results of that version if the request names one."""
        summary, finished, pages = summary_of(_listed(known)), known.state.finished, _pages(known)
        names = known.published.names if known.published else ()
        return shapes.DocumentStatus(
            **structs.asdict(summary) | {"links": summary.links | _links(known.document.key, names, version)},
            bucket=known.document.bucket,
            page_count=known.pages or None,
            answered=known.state.answered,
            pages=pages,
            finished_at=finished.at if finished and known.status != "running" else None,
            results=names,
            record=self.record(known, beside=len(msgspec.json.encode(pages))),
        )

    def record(self, known: Known, beside: int = 0) -> msgspec.Raw | None:
        """Return the stored record; None if it is too large for a reply with so many bytes ``beside`` it."""
        if known.published is None:
            return None
        ref = self.site.in_output(layout.version(known.document, RECORD))
        if self.site.store.head(ref).size + beside > self.most_bytes:
            return None
        return msgspec.Raw(self.site.store.read(ref))

    def document(self, known: Known) -> Document:
        """Return the document, completed from its record if it has one."""
        if known.published is None:
            return known.document
        ref = self.site.in_output(layout.version(known.document, RECORD))
        document = recorded_document(self.site, ref)
        return structs.replace(document, version_id=known.document.version_id or document.version_id)


def path_of(key: str) -> str:
    """Return the path of a document."""
    return f"/v1/documents/{id_of(key)}"


def summary_of(one: ListedDocument) -> shapes.Summary:
    """Return a document as lists show it."""
    return shapes.Summary(
        id=id_of(one.key), key=one.key, version=one.version, size=one.size, uploaded_at=one.uploaded_at,
        status=one.status, operation=one.operation, revision=one.revision, doubtful=one.doubtful,
        reason=one.reason, empty=one.empty, links={"self": path_of(one.key)},
    )  # fmt: skip


def _links(key: str, names: tuple[str, ...], version: str = "") -> dict[str, str]:
    """Return the links of a document, or of one of its versions."""
    path, asked = path_of(key), f"?version={quote(version)}" if version else ""
    links = {kind: f"{path}.{kind}{asked}" for kind, name in RESULTS.items() if name in names}
    if RECORD in names:
        links |= {"record": f"{path}.json{asked}", "csv": f"{path}.csv{asked}", "review": f"{path}/review"}
    if "form.xlsx" in names:
        links["form"] = f"{path}/form.xlsx{asked}"
    return {**links, "rerun": f"{path}/rerun"}


def _listed(known: Known) -> ListedDocument:
    document, published = known.document, known.published
    return ListedDocument(
        document.key, document.version, known.status, counted_operation(known.state), len(known.state.reviews),
        document.size or None, document.uploaded_at or (published.uploaded_at if published else None),
        published.doubtful if published else 0, known.reason, published.empty if published else 0,
    )  # fmt: skip


def _pages(known: Known) -> tuple[shapes.PageStatus, ...]:
    return tuple(_page(known, number) for number in range(1, known.pages + 1))


def _page(known: Known, number: int) -> shapes.PageStatus:
    page = known.state.pages.get(number)
    if page is None:
        return shapes.PageStatus(number, "waiting")
    if page.answered is not None:
        if page.answered.state is None or known.status == "done":  # what could not be read once may be read since
            return shapes.PageStatus(number, "done")
        return shapes.PageStatus(number, page.answered.state, page.answered.reason)
    if page.settled is not None:
        return shapes.PageStatus(number, page.settled.state or "dead", page.settled.reason)
    return shapes.PageStatus(number, "calling" if page.open is not None else "waiting")
