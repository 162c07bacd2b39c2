"""The OpenAPI 3.1 document, made from the routes and their types; the one in the repository is compared in CI."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from legible.api import problems
from legible.api.routes import COMMON, JSON, MULTIPART, PLACES, ROUTES, HttpRoute

_REF = "#/components/schemas/{name}"
_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The document."},
        "name": {"type": "string", "description": "Its name, where the file's own is not meant."},
        "operation": {"type": "string"},
        "options": {"type": "string", "description": "Options of the operation, as a text of JSON."},
    },
    "required": ["file"],
    "additionalProperties": False,
}
_ABOUT = (
    "Documents become data. The gateway authenticates every request (APP). Errors are problem documents "
    "(RFC 9457); their `type` is stable. A document's id is its key as base64url without padding."
)


@cache
def document() -> dict[str, Any]:
    """Return the document, ready for JSON."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Legible",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"app": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "app": {
                    "type": "apiKey", "in": "header", "name": "X-Apig-AppCode",
                    "description": "The code of an application that the gateway knows; or the gateway's signature.",
                }
            },
        },
    }  # fmt: skip


def _types() -> Iterator[type[Struct]]:
    yield problems.Problem
    for route in ROUTES:
        yield from (kind for kind in (route.body, *route.replies.values()) if isinstance(kind, type))


def _schemas() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(dict.fromkeys(_types()), ref_template=_REF)
    raw = components["DocumentStatus"]["properties"]["record"]
    raw |= {"type": ["object", "null"]}
    return dict(sorted(components.items()))


def _operation(route: HttpRoute) -> dict[str, Any]:
    description: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*_places(route), *_query(route), *_headers(route)],
        "responses": {**_replies(route), **_problems(route)},
    }
    if route.body is not None:
        content: dict[str, Any] = {JSON: {"schema": _ref(route.body)}}
        if route.multipart:
            content[MULTIPART] = {"schema": _FORM}
        description["requestBody"] = {"required": True, "content": content}
    return description


def _ref(kind: type[Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


def _places(route: HttpRoute) -> Iterator[dict[str, Any]]:
    for name in route.places():
        pattern, about = PLACES[name]
        schema = {"type": "string", "pattern": f"^{pattern}$"}
        yield {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _query(route: HttpRoute) -> Iterator[dict[str, Any]]:
    if route.query is None:
        return
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    for name, schema in components[route.query.__name__]["properties"].items():
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _headers(route: HttpRoute) -> Iterator[dict[str, Any]]:
    for name, about in route.headers.items():
        schema = {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"}
        yield {"name": name, "in": "header", "required": False, "description": about, "schema": schema}


def _replies(route: HttpRoute) -> dict[str, Any]:
    replies = {}
    for status, kind in route.replies.items():
        reply: dict[str, Any] = {"description": _phrase(status)}
        if isinstance(kind, type):
            reply["content"] = {JSON: {"schema": _ref(kind)}}
        elif kind:
            reply["content"] = {kind: {"schema": {} if kind == JSON else {"type": "string", "format": "binary"}}}
        if status in {201, 202, 302}:
            reply["headers"] = {"Location": {"required": True, "schema": {"type": "string"}}}
        replies[str(status)] = reply
    return replies


def _problems(route: HttpRoute) -> dict[str, Any]:
    return {str(status): _problem(status) for status in sorted({*route.problems, *COMMON, 401, 414, 429})}


def _problem(status: int) -> dict[str, Any]:
    if status in {401, 414, 429}:
        about = {
            401: "Not authenticated; said by the gateway.",
            414: "The URL is too long; said by the gateway.",
            429: "Too many requests; come back later.",
        }[status]
        problem: dict[str, Any] = {"description": about, "content": {JSON: {}, problems.MEDIA_TYPE: {}}}
    else:
        content = {problems.MEDIA_TYPE: {"schema": _ref(problems.Problem)}}
        problem = {"description": _phrase(status), "content": content}
    if status in {429, 503}:
        problem["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return problem


def _phrase(status: int) -> str:
    return f"{HTTPStatus(status).phrase}."
