"""Changes over HTTP: people's corrections, documents that are tried again, and documents that are forgotten."""

from __future__ import annotations

from collections.abc import Callable

from legible.api import shapes
from legible.api.calls import Answer, Call, Endpoint
from legible.api.document_view import DocumentView, path_of
from legible.api.forget_shapes import ForgettingTicket
from legible.api.ids import id_of
from legible.api.problems import ProblemError
from legible.errors import RejectedError
from legible.extraction import corrections
from legible.model import layout
from legible.model.documents import Upload
from legible.results.rebuild import Rebuilder
from legible.results.review import Reviewer


class ChangeEndpoints:
    """Answers requests that correct a document or try it again.

    Args:
        view: Shows documents.
        reviewer: Applies corrections.
        rebuilder: Makes results anew.
        start: Calls a function to read a document.
        forget: Notes that a document is to be forgotten, given its key, who asked, and why.
    """

    def __init__(
        self,
        view: DocumentView,
        reviewer: Reviewer,
        rebuilder: Rebuilder,
        start: Callable[[Upload], None],
        forget: Callable[[str, str, str], None],
    ) -> None:
        """Change nothing yet."""
        self._forget = forget
        self._view = view
        self._reviewer = reviewer
        self._rebuilder = rebuilder
        self._start = start

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"review": self.review, "rerun": self.rerun, "forget": self.forget}

    def review(self, call: Call) -> Answer:
        """Apply corrections."""
        key, review = self._view.known(call).document.key, call.body
        edits = [
            corrections.Change(edit.page, edit.name, edit.value, corrections.digest(edit.was)) for edit in review.edits
        ]
        author = self._view.callers.author(call, review.author.strip())
        name = layout.shortened(key)
        try:
            applied = self._reviewer.apply(name, review.version, edits, author, review.conflicts)
        except RejectedError as error:
            if error.reason_code != "other-version":
                raise
            raise ProblemError(409, error.reason_code, error.message, "Load the document again.") from None
        return shapes.Reviewed(applied.applied, applied.already, applied.conflicts, applied.unknown)

    def rerun(self, call: Call) -> Answer:
        """Try a document again, or make its results anew."""
        known = self._view.known(call)
        document, finished = known.document, known.state.finished
        if finished is not None and finished.status == "done":
            self._rebuilder.rebuild(self._view.document(known))
            return self._view.status(self._view.known(call))
        if document.bucket != self._view.site.input:
            raise ProblemError(
                409, "no-upload", "This document has no upload: its event could not be read.",
                "Upload the document again.",
            )  # fmt: skip
        if not known.held:  # if it is held, its holder goes on; another invocation would only wait, and give up
            self._start(
                Upload(
                    document.ref,
                    etag=document.etag,
                    version_id=document.version_id,
                    order=document.order,
                    again=finished.name if finished else "",
                )
            )
        key = document.key
        return 202, shapes.Accepted(id_of(key), key, "running", {"self": path_of(key)})

    def forget(self, call: Call) -> Answer:
        """Note that a document is to be forgotten: another function, which alone may remove it, does."""
        known = self._view.known(call)
        if known.held:
            until = known.state.leases.busy_until
            raise ProblemError(
                409, "busy", f"This document is being read{f' until {until:%H:%M:%S} UTC' if until else ''}.",
                "Ask again then.",
            )  # fmt: skip
        key = known.document.key
        self._forget(key, self._view.callers.operator(call), call.body.reason)
        return 202, ForgettingTicket(id_of(key), "forgetting", {"self": path_of(key)})
