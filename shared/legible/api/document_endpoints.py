"""Documents over HTTP: listed, looked at, sent, and uploaded by a signed request."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from urllib.parse import unquote

from legible.api import bodies, shapes
from legible.api.calls import Answer, Call, Endpoint
from legible.api.document_view import DocumentView, path_of, summary_of
from legible.api.ids import id_of
from legible.api.lists import DocumentLists, Fits
from legible.api.once import once_of
from legible.documents.submission import Submission, Submitter
from legible.errors import LegibleError, UnavailableError
from legible.model.documents import Order
from legible.ports import Invocation

#: How often a waiting request looks for the result, and how much time is kept free for the reply, in seconds.
_LOOK_SECONDS, _REPLY_SECONDS = 0.5, 3.0
#: What follows the path of a URL.
_TAIL = re.compile(r"[?#].*", re.DOTALL)


class DocumentEndpoints:
    """Answers requests about documents.

    Args:
        view: Shows documents.
        call: The invocation: gives the time left and a way to wait.
        lists: Lists documents.
        submitter: Puts documents into the input bucket.
        fetch: Returns the content of a public URL, of at most a number of bytes.
    """

    def __init__(
        self,
        view: DocumentView,
        call: Invocation,
        lists: DocumentLists,
        submitter: Submitter,
        fetch: Callable[[str, int], bytes],
    ) -> None:
        """Answer nothing yet."""
        self._view = view
        self._call = call
        self._lists = lists
        self._submitter = submitter
        self._fetch = fetch

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"documents": self.documents, "show": self.show, "submit": self.submit, "upload": self.upload}

    def documents(self, call: Call) -> Answer:
        """A part of the list of documents."""
        asked: shapes.Listing = call.query
        prefix = self._view.callers.prefix(call) + asked.prefix
        look = self._lists.by_key if asked.order == "key" else self._lists.newest
        listed, cursor = look(prefix, _wanted(asked), asked.limit, asked.cursor)
        return shapes.DocumentList(tuple(map(summary_of, listed)), cursor or None)

    def show(self, call: Call) -> Answer:
        """One document."""
        return self._view.status(self._view.known(call), call.query.version)

    def submit(self, call: Call) -> Answer:
        """Take a document; wait for its result if the request asks for that."""
        until = self._call.remaining() - call.query.wait
        submission, content = self._submission(call)
        source = call.body.url if call.body else ""
        key = self._submitter.submit(submission, content, self._view.callers.prefix(call), once_of(call), source)
        with suppress(LegibleError):  # it was taken: a caller who gets an error would send it, and pay, again
            while call.query.wait and self._call.remaining() > max(until, _REPLY_SECONDS):
                known = self._view.lookup.find(key)
                if known.status != "running":
                    return self._view.status(known)
                self._call.pause(_LOOK_SECONDS)
        return 202, shapes.Accepted(id_of(key), key, "running", {"self": path_of(key)})

    def upload(self, call: Call) -> Answer:
        """A signed request that uploads a file."""
        asked: shapes.NewUpload = call.body
        submission = Submission(asked.name, Order(asked.operation, asked.options), asked.content_type)
        key, signed = self._submitter.sign(submission, asked.size, self._view.callers.prefix(call), asked.md5)
        request = shapes.Signed("PUT", signed.url, signed.headers, signed.expires_at)
        return 201, shapes.UploadTicket(id_of(key), key, request, {"self": path_of(key)})

    def _submission(self, call: Call) -> tuple[Submission, bytes | Callable[[], bytes]]:
        """Return the document that was sent, as a form or as JSON; for a URL, what fetches its content."""
        if call.body is None:
            form = bodies.form_of(call.request)
            name = form.fields.get("name") or form.name
            order = Order(form.fields.get("operation", ""), bodies.options_of(form.fields.get("options", "")))
            return _submission(name, order), form.content
        asked: shapes.NewDocument = call.body
        if bool(asked.content) == bool(asked.url):
            raise bodies.unfit("body", "Expected either `content` or `url`")
        order = Order(asked.operation, asked.options)
        if asked.url:
            return _submission(asked.name or _name_in(asked.url), order), partial(self._fetched, asked.url)
        return _submission(asked.name, order), bodies.content_of(asked.content)

    def _fetched(self, url: str) -> bytes:
        try:
            return self._fetch(url, bodies.MOST_FETCHED)
        except UnavailableError as error:  # the caller is waiting: nobody else tries again
            advice = "Nothing was stored. Check the URL, and send the request again later."
            raise UnavailableError(error.message, code=error.reason_code, advice=advice) from None


def _name_in(url: str) -> str:
    """Return the name of a URL's file, without what stands before an escaped slash in it."""
    path = unquote(_TAIL.sub("", url).rsplit("/", 1)[-1])
    return path.rsplit("/", 1)[-1]


def _submission(name: str, order: Order) -> Submission:
    return Submission(name or "document", order, mimetypes.guess_type(name)[0] or "application/octet-stream")


def _wanted(asked: shapes.Listing) -> Fits:
    """Return a test for the documents that are asked for; None for all."""
    if not (asked.status or asked.doubtful or asked.empty):
        return None
    return lambda one: (
        (not asked.status or one.status == asked.status)
        and (not asked.doubtful or one.doubtful + one.empty > 0)
        and (not asked.empty or one.empty > 0)
    )
