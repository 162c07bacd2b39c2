"""Tells which pages of other origins may use a bucket from a browser (api-obs obs_04_0074 and obs_04_0077)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from xml.sax.saxutils import escape

from localcloud.obs.errors import ObsError
from localcloud.obs.request import ObsRequest


@dataclass(frozen=True)
class Rule:
    """One rule; an origin or a header may hold one ``*``."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    seconds: str = ""

    def allows(self, origin: str, method: str, headers: Sequence[str] = ()) -> bool:
        """Tell whether a page of that origin may send such a request."""
        return (
            any(fnmatchcase(origin, allowed) for allowed in self.origins)
            and method in self.methods
            and all(any(fnmatchcase(name, allowed.lower()) for allowed in self.headers) for name in headers)
        )


def document(origins: Sequence[str]) -> str:
    """Return a configuration that lets pages of these origins read, and upload, with signed URLs."""
    allowed = "".join(f"<AllowedOrigin>{escape(origin)}</AllowedOrigin>" for origin in origins)
    methods = "".join(f"<AllowedMethod>{method}</AllowedMethod>" for method in ("GET", "HEAD", "PUT"))
    return (
        f"<CORSConfiguration><CORSRule>{allowed}{methods}<AllowedHeader>*</AllowedHeader>"
        "<MaxAgeSeconds>100</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>"
    )


def read(text: str) -> list[Rule]:
    """Read a bucket's configuration; an empty text has no rules.

    Raises:
        ObsError: The text is not a configuration.
    """
    if not text:
        return []
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise ObsError(400, "MalformedXML", "The XML you provided was not well-formed.") from None
    return [
        Rule(
            _texts(rule, "AllowedOrigin"),
            _texts(rule, "AllowedMethod"),
            _texts(rule, "AllowedHeader"),
            _texts(rule, "ExposeHeader"),
            "".join(_texts(rule, "MaxAgeSeconds")),
        )
        for rule in root
        if _name(rule) == "CORSRule"
    ]


def preflight(rules: Sequence[Rule], request: ObsRequest) -> dict[str, str]:
    """Return the headers that answer a browser's preflight request, which carries no signature.

    Raises:
        ObsError: No rule lets such a request in.
    """
    origin = request.headers.get("origin", "")
    method = request.headers.get("access-control-request-method", "")
    asked = request.headers.get("access-control-request-headers", "")
    headers = [name.strip().lower() for name in asked.split(",") if name.strip()]
    rule = next((rule for rule in rules if rule.allows(origin, method, headers)), None)
    if rule is None:
        raise ObsError(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
    granted = _granted(rule, origin) | {"access-control-allow-methods": ", ".join(rule.methods)}
    if headers:
        granted["access-control-allow-headers"] = ", ".join(headers)
    if rule.seconds:
        granted["access-control-max-age"] = rule.seconds
    return granted


def grant(rules: Sequence[Rule], request: ObsRequest) -> dict[str, str]:
    """Return the headers that let a browser show the answer to the page that asked; none for a page with no rule."""
    origin = request.headers.get("origin", "")
    rule = next((rule for rule in rules if rule.allows(origin, request.method)), None)
    return _granted(rule, origin) if rule else {}


def _granted(rule: Rule, origin: str) -> dict[str, str]:
    headers = {"access-control-allow-origin": origin, "vary": "Origin"}
    if rule.exposed:
        headers["access-control-expose-headers"] = ", ".join(rule.exposed)
    return headers


def _texts(rule: ElementTree.Element, name: str) -> tuple[str, ...]:
    return tuple((child.text or "").strip() for child in rule if _name(child) == name)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
