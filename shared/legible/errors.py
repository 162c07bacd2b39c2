"""Every error of Legible, and its consequence.

::

    LegibleError
    ├── SettingsError            a setting is missing or wrong; nothing starts
    ├── CredentialsError         the function's agency gives no keys
    ├── EventError               an event, or a part of one, cannot be read
    ├── SkippedError             not a document: a folder, an output of Legible, a removal; no record
    ├── DocumentError            ends as a record with status and reason; never raised to the platform
    │   ├── RejectedError        the document or its route is wrong
    │   │   ├── ObjectGoneError  no such object, or no such version of it
    │   │   ├── ReplacedError    overwritten by a newer upload before or while it was read
    │   │   └── TicketUsedError  uploaded by a ticket that was used for another content before
    │   ├── HeldError            the account or the settings must be mended first (subscription, budget, region)
    │   │   └── PendingError     what was mended may take minutes to act: it is tried again by itself
    │   └── DeadError            given up
    │       └── OutlastedError   given up for a reason that passes by itself: a later delivery goes on
    ├── RetryableError           raised after all objects were tried, so that the platform delivers again
    │   ├── BusyError            another invocation holds the document
    │   ├── ThrottledError       too many calls in this minute
    │   ├── UnavailableError     a fault that passes: 5xx, connection, storage
    │   ├── OutOfTimeError       too little of the function's time is left for another paid call
    │   └── InternalError        a defect of Legible
    ├── AnswerUnknownError       a call was sent and its answer never came: possibly paid
    ├── SourceUnreadableError    the OCR service could not read the page's URL: send it inline, once
    └── AppendConflictError      somebody else appended first

A class knows its consequence: ``http_status`` for HTTP callers, ``retryable`` for the platform, ``status`` for the
record, ``passes`` for the document: whether its reason passes by itself, so that it waits for another try.
"""

from __future__ import annotations

import re
from typing import ClassVar, TypeVar

#: A URL's query may hold a signature or a security token; the path never does.
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")
_SECRET_PAIR = re.compile(
    r"(?i)((?:x-)?(?:security-?token|auth-token|secret(?:[ _-]?access)?[ _-]?key|access[ _-]?key(?:[ _-]?id)?|signature"
    r"|password|authorization)[\"']?\s*[:=]\s*)[\"']?[^\s\"',;&}]+"
)
_LONGEST = 500


_Kind = TypeVar("_Kind", bound="LegibleError")


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return text that came from outside, made safe for a log, a record or an error.

    Args:
        text: A vendor's error message, or the text of an exception.
        secrets: Keys and tokens known to the caller; each is removed wherever it occurs.

    Returns:
        The text without the secrets, without the query of any URL and without values that are named like a secret,
        on one line and at most 500 characters long.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[removed]")
    text = _SECRET_PAIR.sub(r"\1[removed]", _QUERY.sub(r"\1?[removed]", text))
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class LegibleError(Exception):
    """The root of all errors here.

    Args:
        message: What is wrong, and where.
        code: A stable word for the case (``sides-too-small``); reports count by it.
        advice: What is allowed, and what to do.
        vendor_code: The service's own code (``ModelArts.4204``), if it gave one.
        request_id: The id of the service's request, if it gave one.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    passes: ClassVar[bool] = False
    status: ClassVar[str] = ""
    #: What a call brought instead of an answer, kept as evidence: it may have been paid for, whatever it says.
    body: bytes = b""

    def __init__(
        self, message: str, *, code: str = "", advice: str = "", vendor_code: str = "", request_id: str = ""
    ) -> None:
        """Keep what is wrong, and what to do about it."""
        super().__init__(message)
        self.message = message
        self.reason_code = code or self.code
        self.advice = advice
        self.vendor_code = vendor_code
        self.request_id = request_id

    @classmethod
    def of(cls: type[_Kind], error: LegibleError, message: str = "") -> _Kind:
        """Return an error of this class, with its consequence, and with the texts and codes of another error."""
        return cls(
            message or error.message,
            code=error.reason_code,
            advice=error.advice,
            vendor_code=error.vendor_code,
            request_id=error.request_id,
        )

    def __str__(self) -> str:
        """Return message and advice on one line."""
        return f"{self.message} {self.advice}".strip()


class SettingsError(LegibleError):
    """A setting is missing or wrong."""

    code = "setting"


class CredentialsError(LegibleError):
    """The function's agency gives no keys. Retryable: a newly attached agency takes about ten minutes to work."""

    code = "agency-missing"
    http_status = 503
    retryable = True
    passes = True


class EventError(LegibleError):
    """An event, or one of its records, cannot be read."""

    code = "event-unreadable"
    http_status = 400
    status = "rejected"


class SkippedError(LegibleError):
    """Not a document; nothing is recorded, so that Legible's own output can never start a loop."""

    code = "skipped"
    http_status = 200


class DocumentError(LegibleError):
    """Ends a document: its record gets a status and this reason."""

    status = "dead"


class RejectedError(DocumentError):
    """The document, or the way it was routed, is wrong; trying again changes nothing."""

    code = "rejected"
    http_status = 422
    status = "rejected"


class ObjectGoneError(RejectedError):
    """No such object, or no such version of it."""

    code = "object-gone"
    http_status = 404


class ReplacedError(RejectedError):
    """Overwritten by a newer upload before or while it was read."""

    code = "replaced"
    http_status = 409


class TicketUsedError(RejectedError):
    """Uploaded by a signed request that was used for another content before."""

    code = "ticket-used"
    http_status = 409


class HeldError(DocumentError):
    """Something outside the document must be mended first: subscription, account, region, budget."""

    code = "held"
    http_status = 409
    status = "held"


class PendingError(HeldError):
    """Something outside must be mended first, and acts only after minutes: rights, a key, a subscription, a payment."""

    passes = True


class DeadError(DocumentError):
    """Given up after the attempts that are allowed."""

    code = "gave-up"
    http_status = 502
    status = "dead"


class OutlastedError(DeadError):
    """Given up because its reason lasted too long; it passes by itself, so that a later delivery goes on."""

    passes = True


class RetryableError(LegibleError):
    """A fault that passes by itself: the platform is to deliver the event again."""

    code = "retry"
    http_status = 503
    retryable = True
    passes = True


class BusyError(RetryableError):
    """Another invocation holds the document."""

    code = "busy"


class ThrottledError(RetryableError):
    """Too many calls in this minute (APIG.0308, ModelArts.4401)."""

    code = "throttled"
    http_status = 429


class UnavailableError(RetryableError):
    """A fault that passes: 5xx, connection, storage."""

    code = "unavailable"


class OutOfTimeError(RetryableError):
    """Too little of the function's time is left for another paid call."""

    code = "out-of-time"


class InternalError(RetryableError):
    """A defect of Legible; the log says where. Trying again may help at once, if at all: it does not pass by itself."""

    code = "internal"
    http_status = 500
    passes = False


class AnswerUnknownError(LegibleError):
    """A call was sent and its answer never came, or came unusable: it may have been paid."""

    code = "answer-unknown"
    http_status = 504


class SourceUnreadableError(LegibleError):
    """The OCR service could not read the page's URL (ModelArts.4702, 4703, 4704, 4603)."""

    code = "source-unreadable"


class AppendConflictError(LegibleError):
    """Somebody else appended first (409 PositionNotEqualToLength)."""

    code = "append-conflict"


def passing(name: str) -> bool:
    """Tell whether an error of this class name, as the platform tells it, passes by itself; False for any other."""
    kind = globals().get(name)
    return isinstance(kind, type) and issubclass(kind, LegibleError) and kind.passes
