"""Bodies of requests: JSON or a form, checked by a library against the type a route names."""

from __future__ import annotations

import base64
import binascii
import io
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from multipart import MultipartError, MultipartParser, parse_options_header

from legible.api.problems import ProblemError
from legible.api.routes import JSON, MULTIPART
from legible.model.http import Request

#: The largest body that the gateway passes on (functiongraph_01_0150: 4 MB); POST /v1/uploads is for larger files.
MOST_BYTES = 4 * 1024 * 1024
#: The most that is fetched from a URL, in bytes; it passes through the function's memory.
MOST_FETCHED = 32 * 1024 * 1024
#: The parts of a form, besides its file.
_FIELDS = ("name", "operation", "options")
_Kind = TypeVar("_Kind", bound=Struct)


class SubmittedForm(Struct, frozen=True):
    """A form that was sent: the content and the name of its file, and its other fields."""

    content: bytes
    name: str
    fields: dict[str, str]


def bound(request: Request) -> None:
    """Refuse a body that is too large, before anything is decoded.

    Raises:
        ProblemError: 413.
    """
    if len(request.body) > MOST_BYTES:
        raise ProblemError(
            413, "body-too-large", f"The body has {len(request.body):,} bytes; at most {MOST_BYTES:,} are allowed.",
            "Ask POST /v1/uploads for a signed request, and upload the file with it.",
        )  # fmt: skip


def query_of(request: Request, kind: type[_Kind]) -> _Kind:
    """Return the query as a value of the type.

    Raises:
        ProblemError: 422, with the name of the value that does not fit.
    """
    try:
        return msgspec.convert(request.query, kind, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise unfit("query", str(error)) from None


def span_of(since: datetime | None, until: datetime, default: timedelta) -> tuple[datetime, datetime]:
    """Return a range of times in UTC; without a begin the last ``default`` of it.

    Raises:
        ProblemError: 422, UTC has no such time.
    """
    try:
        until = until.astimezone(timezone.utc)
        return (since or until - default).astimezone(timezone.utc), until
    except OverflowError:
        raise unfit("query", "`since` or `until` is no time that UTC has") from None


def json_of(request: Request, kind: type[_Kind]) -> _Kind:
    """Return a JSON body as a value of the type.

    Raises:
        ProblemError: 400, 415 or 422, with what does not fit and where.
    """
    media_type = media_type_of(request)
    if media_type != JSON:
        raise ProblemError(415, "media-type", f"The body's type is {media_type or 'not named'}.", f"Send it as {JSON}.")
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.ValidationError as error:
        raise unfit("body", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(400, "body-unreadable", "The body is not JSON.", "Send a JSON object in UTF-8.") from None


def form_of(request: Request) -> SubmittedForm:
    """Return a form with one file.

    Raises:
        ProblemError: 400 if the form cannot be read, 422 if it has no file.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    content, name, fields = None, "", {}
    try:
        boundary = options.get("boundary", "")
        parser = MultipartParser(
            io.BytesIO(request.body), boundary, len(request.body), disk_limit=0, memory_limit=2 * MOST_BYTES,
            part_limit=10,
        )  # fmt: skip
        for part in parser:
            if part.name in fields or (part.name == "file" and content is not None):
                raise unfit("body", f"The form has several parts {part.name}; it takes one document")
            if part.name == "file":
                content, name = part.raw, part.filename or ""
            elif part.name in _FIELDS:
                fields[part.name] = part.value
            else:
                raise unfit("body", f"The form has a part {part.name[:50]!r}; it takes file, {', '.join(_FIELDS)}")
    except (MultipartError, UnicodeError, ValueError, LookupError) as error:
        raise ProblemError(
            400, "body-unreadable", f"The form cannot be read ({type(error).__name__}).",
            "Send multipart/form-data with a boundary, and the file in its part `file`.",
        ) from None  # fmt: skip
    if content is None:
        raise unfit("body", "The form has no part `file`")
    return SubmittedForm(content, name, fields)


def content_of(text: str) -> bytes:
    """Return the bytes that a Base64 text stands for.

    Raises:
        ProblemError: 422.
    """
    try:
        return base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        raise unfit("body", "`content` is not Base64") from None


def options_of(text: str) -> dict[str, Any]:
    """Return options that were sent as JSON text.

    Raises:
        ProblemError: 422.
    """
    try:
        return msgspec.json.decode(text.encode(), type=dict[str, Any]) if text else {}
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        raise unfit("request", "`options` are not a JSON object") from None


def media_type_of(request: Request) -> str:
    """Return the media type of the body, without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_form(request: Request) -> bool:
    """Tell whether the body is a form."""
    return media_type_of(request) == MULTIPART


def unfit(where: str, what: str) -> ProblemError:
    """Return the error for a request whose ``where`` (query, body) does not fit."""
    return ProblemError(422, f"{where}-unfit", f"The {where} does not fit: {what}.", "See /v1/openapi.json.")
