"""The request of an operation, and code that makes it, for somebody who goes on without Legible."""

from __future__ import annotations

import json
import shlex
from typing import Any

from legible.api.shapes import CallShape, Code
from legible.operations.operation import Operation

_PYTHON = """\
# pip install huaweicloudsdkocr
import os

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkocr.v1 import {body}, {request}, OcrClient

credentials = BasicCredentials(
    os.environ["HUAWEICLOUD_SDK_AK"], os.environ["HUAWEICLOUD_SDK_SK"], os.environ["HUAWEICLOUD_SDK_PROJECT_ID"]
)
client = OcrClient.new_builder().with_credentials(credentials).with_endpoint({endpoint}).build()
request = {request}(body={body}({values}))
print(client.{method}(request))
"""
_CURL = """\
curl -X POST {url} \\
  -H "X-Auth-Token: $IAM_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d {body}
"""


def code(operation: Operation, options: dict[str, Any], endpoint: str, source: str) -> Code:
    """Return the request of an operation and code for it.

    Args:
        operation: The operation to call.
        options: Its options, checked.
        endpoint: The endpoint of OCR.
        source: The document's URL, as the service reads it by its OBS authorization.
    """
    body = ({"url": source} if operation.url else {str(operation.inline): "<Base64>"}) | options
    url = f"{endpoint}/v2/{{project_id}}/ocr/{operation.slug}"
    values = ", ".join(f"{_attribute(operation, name)}={value!r}" for name, value in body.items())
    python = _PYTHON.format(
        body=operation.sdk.body, request=operation.sdk.request, method=operation.sdk.method, endpoint=repr(endpoint),
        values=values,
    )  # fmt: skip
    text = json.dumps(body, ensure_ascii=False)
    place = f'"{endpoint}/v2/$PROJECT_ID/ocr/{operation.slug}"'
    return Code(CallShape("POST", url, body), python, _CURL.format(url=place, body=shlex.quote(text)))


def _attribute(operation: Operation, name: str) -> str:
    known = operation.option(name)
    return (known.attribute if known else None) or name
