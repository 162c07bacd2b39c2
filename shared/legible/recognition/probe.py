"""Checks, without paying for anything, whether documents can be read in this deployment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Literal

from msgspec import Struct

from legible.errors import (
    AnswerUnknownError,
    HeldError,
    LegibleError,
    RejectedError,
    RetryableError,
    SourceUnreadableError,
)
from legible.model.pages import Picture
from legible.operations.operation import Operation
from legible.ports import ObjectStore, Recognizer, Site

#: No image at all: the service refuses it before it reads anything, and bills only what it answers (ocr_03_0010).
_NO_IMAGE = b"\x00"
_PROBE_SECONDS = 10.0


class HealthCheck(Struct, frozen=True):
    """One thing that was looked at, and what to do where it is not as it must be."""

    name: str
    status: Literal["ok", "failed", "unknown"]
    message: str
    advice: str = ""


def buckets(site: Site) -> list[HealthCheck]:
    """Check that both buckets can be listed."""
    return [
        _looked(f"{name}-bucket", f"{bucket} can be listed.", partial(_first, site.store, bucket))
        for name, bucket in (("input", site.input), ("output", site.output))
    ]


def _first(store: ObjectStore, bucket: str) -> None:
    list(islice(store.list(bucket, ""), 1))


def _looked(name: str, fine: str, look: Callable[[], None]) -> HealthCheck:
    try:
        look()
    except RetryableError as error:
        return HealthCheck(name, "unknown", error.message, error.advice)
    except LegibleError as error:
        return HealthCheck(name, "failed", error.message, error.advice)
    return HealthCheck(name, "ok", fine)


def subscription(recognizer: Recognizer, operation: Operation, note: Callable[[str], None]) -> HealthCheck:
    """Call an operation with bytes that are no image: the service refuses a missing subscription, else the bytes.

    Args:
        recognizer: Makes the call.
        operation: The operation.
        note: Is told the operation's slug before the call, which the service counts as a failed one.
    """
    name, error = f"subscription {operation.slug}", refusal(recognizer, operation, note)
    if error is None:
        return HealthCheck(name, "ok", f"{operation.slug} may be called.")
    return HealthCheck(name, "failed" if isinstance(error, HeldError) else "unknown", error.message, error.advice)


def refusal(recognizer: Recognizer, operation: Operation, note: Callable[[str], None]) -> LegibleError | None:
    """Return why an operation may not be called, or why that cannot be told; None where it may.

    Args:
        recognizer: Makes the call.
        operation: The operation.
        note: As of ``subscription``.

    Returns:
        A ``HeldError`` where it may not, as the service says; another error where nothing is known.
    """
    note(operation.slug)
    picture = Picture("inline", body=_NO_IMAGE) if operation.inline else Picture("url", url="https://invalid.invalid/")
    try:
        recognizer.recognize(operation, {}, picture, _PROBE_SECONDS)
    except RejectedError:
        return None
    except (HeldError, RetryableError, AnswerUnknownError) as error:
        return error
    except LegibleError:  # the picture's URL could not be read: the call itself was taken
        return None
    return None


def authorization(recognizer: Recognizer, operation: Operation, url: str, note: Callable[[str], None]) -> HealthCheck:
    """Call an operation with the URL of a missing object: a service that may not read OBS fails before it misses it.

    The service has to ask for its agency before it can miss the object (ModelArts.4702 before 4706 or 4704), and what
    fails is not billed. No page says which error comes first where both are true, so that a 4704 proves nothing.

    Args:
        recognizer: Makes the call.
        operation: One that reads URLs.
        url: The URL of an object that the input bucket does not have.
        note: Is told the operation's slug before the call, as by ``subscription``.
    """
    note(operation.slug)
    name = "obs-authorization"
    try:
        recognizer.recognize(operation, {}, Picture("url", url=url), _PROBE_SECONDS)
    except SourceUnreadableError as error:
        status: Literal["failed", "unknown"] = "failed" if error.vendor_code == "ModelArts.4702" else "unknown"
        return HealthCheck(name, status, error.message, error.advice)
    except RejectedError as error:
        if error.reason_code == "object-gone":
            return HealthCheck(name, "ok", "The service looked for an object in the input bucket by its URL.")
        return HealthCheck(name, "unknown", error.message, error.advice)
    except LegibleError as error:
        return HealthCheck(name, "unknown", error.message, error.advice)
    return HealthCheck(name, "unknown", "The service answered for an object that is not there.")
