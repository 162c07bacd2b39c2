"""Errors as problem documents (RFC 9457): a stable type, what was found, what to do."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec import Struct

from legible.errors import LegibleError
from legible.model.http import Reply

MEDIA_TYPE = "application/problem+json"
#: What ``type`` begins with; the rest is the stable word for the case.
TYPE = "/problems/"
#: After how many seconds a caller may try again, if the fault passes by itself.
_RETRY_SECONDS = 5


class Problem(Struct, frozen=True, omit_defaults=True):
    """The document. ``type`` is stable; ``detail`` says what was found, ``advice`` what to do about it.

    ``vendor_code`` is the service's own code and ``request_id`` its request, where a service said no.
    """

    type: str
    title: str
    status: int
    detail: str
    advice: str = ""
    vendor_code: str = ""
    request_id: str = ""


class ProblemError(Exception):
    """Ends a request with a problem document.

    Args:
        status: The HTTP status.
        code: A stable word for the case.
        detail: What is wrong.
        advice: What is allowed, and what to do.
        headers: More headers of the reply.
    """

    def __init__(
        self, status: int, code: str, detail: str, advice: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Make the problem document."""
        super().__init__(detail)
        self.problem = Problem(TYPE + code, HTTPStatus(status).phrase, status, detail, advice)
        self.headers = headers or {}


def reply_to(error: ProblemError | LegibleError) -> Reply:
    """Return the reply for an error; the error's class knows the status."""
    if isinstance(error, ProblemError):
        return _reply(error.problem, error.headers)
    status = error.http_status if error.http_status >= 400 else 500
    headers = {"Retry-After": str(_RETRY_SECONDS)} if status in {429, 503} else {}
    problem = Problem(
        TYPE + error.reason_code, HTTPStatus(status).phrase, status, error.message, error.advice, error.vendor_code,
        error.request_id,
    )  # fmt: skip
    return _reply(problem, headers)


def _reply(problem: Problem, headers: dict[str, str]) -> Reply:
    return Reply(problem.status, {"Content-Type": MEDIA_TYPE, **headers}, msgspec.json.encode(problem))
