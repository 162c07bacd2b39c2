"""Results over HTTP: files, pictures of pages, and the answers of paid calls."""

from __future__ import annotations

import io

import msgspec

from legible.api.calls import Answer, Call, Endpoint, opened
from legible.api.document_view import RESULTS, DocumentView
from legible.api.lookup import Known
from legible.api.pictures import PagePictures
from legible.api.problems import ProblemError
from legible.api.routes import JSON
from legible.errors import RejectedError
from legible.model import layout
from legible.model.http import Reply
from legible.model.layout import KINDS as MEDIA_TYPES
from legible.model.pages import Frame
from legible.model.records import Record
from legible.outputs import csv_jsonl
from legible.ports import Shown
from legible.workbooks.collector import KINDS


class ResultEndpoints:
    """Answers requests for the results of documents.

    Args:
        view: Shows documents.
        pictures: Finds or makes pictures of pages.
    """

    def __init__(self, view: DocumentView, pictures: PagePictures) -> None:
        """Answer nothing yet."""
        self._view = view
        self._pictures = pictures

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"result": self.result, "form": self.form, "image": self.image, "answer": self.answer}

    def result(self, call: Call) -> Answer:
        """A result as a file."""
        known, kind = self._view.known(call), call.places["kind"]
        if kind == "csv":
            return self._csv(known)
        return self._file(known, RESULTS[kind])

    def form(self, call: Call) -> Answer:
        """The filled form."""
        return self._file(self._view.known(call), "form.xlsx")

    def image(self, call: Call) -> Answer:
        """The picture of a page."""
        known, page = self._view.known(call), int(call.places["page"])
        try:
            picture = self._pictures.picture(self._view.document(known), page, _frame(known, page))
        except RejectedError as error:
            if error.reason_code != "no-such-page":
                raise
            raise ProblemError(404, error.reason_code, error.message, "Pages are counted from 1.") from None
        return opened(self._view.site, picture.ref, picture.shown)

    def answer(self, call: Call) -> Answer:
        """The answer of a paid call."""
        known, page = self._view.known(call), int(call.places["page"])
        if not known.state.has_answer(page):
            raise ProblemError(404, "no-answer", f"Page {page} has no answer.", "It was not paid for.")
        ref = self._view.site.in_output(layout.answer(known.document, page))
        if self._view.site.store.head(ref).size > self._view.most_bytes:
            return opened(self._view.site, ref, Shown(JSON))
        return Reply(200, {"Content-Type": JSON}, self._view.site.store.read(ref))

    def _file(self, known: Known, name: str) -> Reply:
        if known.published is None or name not in known.published.names:
            raise ProblemError(
                404, "no-such-result", f"The document has no {name}.", "See `results`; routes say what is made."
            )
        suffix = name.replace("record.", ".").replace("form.", ".form.")
        ref = self._view.site.in_output(layout.version(known.document, name))
        return opened(self._view.site, ref, Shown(MEDIA_TYPES[name], _leaf(known) + suffix))

    def _csv(self, known: Known) -> Reply:
        body = self._view.record(known)
        if body is None:
            raise ProblemError(404, "no-such-result", "The document has no record that a reply can carry.", "")
        file = io.BytesIO()
        rows = csv_jsonl.Csv(file)
        try:
            record = msgspec.json.decode(body, type=Record)
        except msgspec.MsgspecError:
            raise ProblemError(
                404, "newer-record", "A newer version of Legible wrote the record.", "Ask that version for rows."
            ) from None
        rows.add(record, self._view.site.store.url(known.document.ref))
        rows.close()
        ending, media_type = KINDS["csv"]
        shown = Shown(media_type, f"{_leaf(known)}.{ending}")
        return Reply(
            200, {"Content-Type": media_type, "Content-Disposition": shown.disposition}, file.getvalue()
        )  # fmt: skip


def _leaf(known: Known) -> str:
    return known.document.key.rstrip("/").rsplit("/", 1)[-1]


def _frame(known: Known, number: int) -> Frame | None:
    page = known.state.pages.get(number)
    return page.answered.frame if page is not None and page.answered is not None else None
