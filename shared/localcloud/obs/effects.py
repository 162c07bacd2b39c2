"""What a request does to objects: which ones it changes, and whether it creates one."""

from __future__ import annotations

import re
from xml.sax.saxutils import unescape

from werkzeug.formparser import parse_form_data

from localcloud.obs.request import SUBRESOURCES, ObsRequest


def creation(request: ObsRequest) -> str | None:
    """Return the kind of creation that the request is, None if it creates no object (or appends)."""
    if any(request.has(name) for name in (*SUBRESOURCES, "partNumber", "uploads", "delete")):
        return None
    if request.method == "PUT" and request.key:
        return "Put" if request.puts_object else "Copy"
    if request.method == "POST":
        if request.key:
            return "CompleteMultipartUpload" if "uploadId" in request.query else None
        return "Post"
    return None


def changed_keys(request: ObsRequest) -> list[str]:
    """Return the keys of objects that a successful request has changed."""
    if request.key:
        return [request.key]
    if request.has("delete"):
        return [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", request.body.decode(), re.DOTALL)]
    return [posted_key(request)]


def posted_key(request: ObsRequest) -> str:
    """Return the key of a browser's form upload (api-obs obs_04_0081)."""
    _, form, files = parse_form_data(request.for_moto(""))
    name = next((file.filename or "" for file in files.values()), "")
    return form.get("key", "").replace("${filename}", name)
