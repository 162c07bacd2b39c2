"""Changes over HTTP: people's corrections, and documents that are tried again."""

from __future__ import annotations

from collections.abc import Callable

from legible.api import shapes
from legible.api.calls import Answer, Call, Endpoint
from legible.api.document_view import DocumentView, path_of
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
    """

    def __init__(
        self, view: DocumentView, reviewer: Reviewer, rebuilder: Rebuilder, start: Callable[[Upload], None]
    ) -> None:
        """Change nothing yet."""
        self._view = view
        self._reviewer = reviewer
        self._rebuilder = rebuilder
        self._start = start

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"review": self.review, "rerun": self.rerun}

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
