"""The body of a recognition request: parameters checked as the vendor does, and the document they carry."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from legible.operations.operation import Operation, Option
from localcloud.ocr import images
from localcloud.ocr.errors import OcrError
from localcloud.ocr.fetch import ObsReader

#: "AK/SK-signed requests may not exceed 12 MB" (api-apig): the gateway's own limit.
MAX_BODY = 12 * 1024 * 1024
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "object": (dict,),
}


@dataclass(frozen=True)
class ReadBody:
    """The content of a request: the document's bytes, the options, and how the document came."""

    document: bytes
    options: dict[str, Any]
    source: str


def read(operation: Operation, body: bytes, reader: ObsReader) -> ReadBody:
    """Check and read a request body, or raise the vendor's error.

    Unknown parameters are ignored, as the service seems to do; no page says that it refuses them.
    """
    if len(body) > MAX_BODY:
        raise OcrError("ModelArts.4104")
    values = _parse(body)
    options = {name: value for name, value in values.items() if name not in (operation.inline, "url")}
    for option in operation.options:
        _check_option(option, options)
    if operation.inline is None:
        return ReadBody(b"", options, "none")
    document, source = _document(operation, values, reader)
    images.check(document, operation.limits)
    return ReadBody(document, options, source)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except ValueError:
        raise OcrError("ModelArts.4105") from None
    if not isinstance(values, dict):
        raise OcrError("ModelArts.4105")
    return {name: value for name, value in values.items() if value is not None}


def _check_option(option: Option, given: dict[str, Any]) -> None:
    if option.name not in given:
        if option.required:
            raise OcrError("AIS.0101", f"The input parameter is invalid: {option.name} is required.")
        return
    value = given[option.name]
    # A JSON boolean is not a number, though Python's bool is an int.
    types = (list,) if option.type.startswith("list") else _TYPES[option.type]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise OcrError("AIS.0101", f"The input parameter is invalid: {option.name} must be of type {option.type}.")


def _document(operation: Operation, values: dict[str, Any], reader: ObsReader) -> tuple[bytes, str]:
    inline, url = values.get(operation.inline or ""), values.get("url")
    if (inline is None) == (url is None):
        raise OcrError(
            "AIS.0101", f"The input parameter is invalid: exactly one of {operation.inline} and url is required."
        )
    if url is not None:
        if not operation.url or not isinstance(url, str) or not url:
            raise OcrError("AIS.0101")
        return reader.read(url, operation.limits.base64_bytes // 4 * 3), "url"
    if not isinstance(inline, str) or not inline:
        raise OcrError("AIS.0101")
    if len(inline) > operation.limits.base64_bytes:
        raise OcrError("ModelArts.4104")
    try:
        return base64.b64decode(inline, validate=True), "inline"
    except (binascii.Error, ValueError):
        # A "data:" prefix ends here as well: the vendor calls it an unsupported format.
        raise OcrError("AIS.0102") from None
