"""What each refusal of OBS means to Legible."""

from __future__ import annotations

from typing import Any, NamedTuple

from legible.errors import (
    AppendConflictError,
    HeldError,
    LegibleError,
    ObjectGoneError,
    PendingError,
    RejectedError,
    ReplacedError,
    UnavailableError,
    redact,
)
from legible.model.documents import ObjectRef


class _Refusal(NamedTuple):
    """What OBS answered in place of success. ``names`` are the vendor's code and request id."""

    verb: str
    ref: ObjectRef
    status: int
    code: str
    text: str
    names: dict[str, str]


def error(verb: str, ref: ObjectRef, answer: Any, secrets: tuple[str, ...]) -> LegibleError:
    """Return the error for an answer that is no success.

    Args:
        verb: What was tried, such as ``append to``.
        ref: The object it was tried on.
        answer: The SDK's: ``status``, ``errorCode``, ``errorMessage`` and ``requestId``, each of them None at times.
        secrets: Keys and tokens that the text must not show.
    """
    # The SDK answers without a status where no connection came about or nothing came back (client.py, 3.26.6).
    status, code = int(answer.status or 0), str(answer.errorCode or "")
    text = redact(f"OBS refused to {verb} {ref}: {status} {code} {answer.errorMessage or ''}".strip(), secrets)
    names = {"vendor_code": code, "request_id": str(answer.requestId or "")}
    refusal = _Refusal(verb, ref, status, code, text, names)
    return _absence(refusal) or _append_refusal(refusal) or _by_status(refusal)


def _absence(refusal: _Refusal) -> LegibleError | None:
    """Return the error where the bucket, the object or that very content of it is not there."""
    ref, names = refusal.ref, refusal.names
    # A missing bucket is a 404 as a missing object is; the code alone tells them apart (api-obs obs_04_0115).
    if refusal.code == "NoSuchBucket":
        return HeldError(refusal.text, code="bucket-gone", advice="Check the bucket's name and region.", **names)
    if refusal.status == 412:
        return ReplacedError(
            f"{ref} was replaced before it was read.", advice="The newer upload has its own record.", **names
        )
    # A HEAD has no body, and so no code: there the status has to do.
    if refusal.status == 404:
        return ObjectGoneError(f"The object {ref} is gone.", advice="Upload it again.", **names)
    return None


def _append_refusal(refusal: _Refusal) -> LegibleError | None:
    """Return the error where nothing can be appended, or not at this position."""
    # An object that a PUT or a copy made is never appendable, whatever its length (api-obs obs_04_0088).
    if refusal.code == "ObjectNotAppendable":
        advice = (
            "Something else wrote the object, or it took all appends that OBS allows. Its lines say what was paid for: "
            "keep a copy, remove it, and append the copy to a new object of that name."
        )
        return HeldError(refusal.text, code="not-appendable", advice=advice, **refusal.names)
    # PositionNotEqualToLength: somebody else has appended (api-obs obs_04_0088).
    if refusal.status == 409 and refusal.verb == "append to":
        return AppendConflictError(refusal.text, **refusal.names)
    return None


def _by_status(refusal: _Refusal) -> LegibleError:
    """Return the error for any other answer."""
    text, names = refusal.text, refusal.names
    # A 403 is also an account in arrears, a quota that is full, or a clock that is wrong (sdk-python-devg-obs
    # obs_22_1501); the text says which. What was granted just now counts only once OBS's cache of it has ended.
    if refusal.status == 403:
        advice = "Give the agency the rights on the bucket; they take effect after about 15 minutes."
        return PendingError(text, code="obs-denied", advice=advice, **names)
    # 408 and 503 are OBS's own timeout and its asking for less (SlowDown); a 409 is another operation on the same
    # object at the same time (api-obs obs_04_0115).
    if refusal.status in {0, 408, 409, 429} or refusal.status >= 500:
        return UnavailableError(text, advice="It passes by itself; the event is delivered again.", **names)
    return RejectedError(text, code="obs-refused", advice="See the code OBS gives.", **names)
