"""The requests that each document needs, sent without the SDK's own way from call to socket.

The SDK names, encodes and signs them, and understands what comes back; in between it makes copies, tables of CRC64 and
lines of a log that nobody reads: two thirds of what a request costs in CPU (measured, 3.26.6).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from msgspec import Struct
from obs import const

from legible.huawei.connections import Connections
from legible.huawei.lean_obs import ObsClient
from legible.model.documents import ObjectRef


class RedirectedError(Exception):
    """OBS names another address, which the SDK follows."""


class WireAnswer(Struct):
    """An answer by the names that the SDK gives to it: ``header`` has what is told of the object, without prefixes.

    ``told`` are the headers as they came, ``content`` is the body of a success.
    """

    status: int
    header: list[tuple[str, str]]
    told: dict[str, str]
    content: bytes
    errorCode: str | None = None  # noqa: N815 - as of the SDK, like the next two
    errorMessage: str | None = None  # noqa: N815
    requestId: str | None = None  # noqa: N815
    body: Any = None


class ObsWire:
    """Sends requests for objects. Safe for several threads.

    Args:
        client: The SDK's client: gives addresses, names and signatures.
        connections: Those that it uses.
        timeout: How many seconds connecting, and each read, may take.
        pause: Waits for a number of seconds.
    """

    def __init__(
        self,
        client: ObsClient,
        connections: Connections,
        timeout: float,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Send nothing yet."""
        self._client = client
        self._connections = connections
        self._timeout = timeout
        self._pause = pause

    def ask(
        self,
        method: str,
        ref: ObjectRef,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> WireAnswer:
        """Send a request and return its answer, also one that refuses; what passes is tried again as by the SDK.

        Args:
            method: The HTTP method.
            ref: The object.
            query: What stands behind its key; None for a name without a value.
            headers: By their names, metadata with the prefix that the signature has for them.
            body: What is sent.

        Raises:
            RedirectedError: The SDK must send it.
            OSError: No answer came, or one that is none; or ``HTTPException``, ``ValueError``.
        """
        for tried in range(self._client.max_retry_count):
            with suppress(OSError, HTTPException):
                answer = self._once(method, ref, query, headers, body)
                if answer.status < 500:
                    return answer
            self._pause(0.1 * 2 ** (tried + 1))  # as the SDK does (client.py, _make_request_with_retry, 3.26.6)
        return self._once(method, ref, query, headers, body)

    def _once(
        self, method: str, ref: ObjectRef, query: Mapping[str, Any], headers: Mapping[str, str], body: bytes | None
    ) -> WireAnswer:
        client = self._client
        # Without path_style each bucket is a host of its own (util.py, SubdomainFormat, 3.26.6).
        host = client.calling_format.get_server(client.server, ref.bucket)
        # Of headers that are neither HTTP's nor the vendor's the SDK makes metadata, in a PUT (client.py, 3.26.6).
        named = client._rename_request_headers(dict(headers), None, method)
        # The SDK percent-encodes values here, and decodes them when they come back (client.py, 3.26.6).
        named["Host"] = host if client.port in (80, 443) else f"{host}:{client.port}"
        if body is not None:
            named["Content-Length"] = str(len(body))
        # What is signed holds the host (v4), so it is there before (auth.py, 3.26.6).
        named = client._add_auth_headers(named, method, ref.bucket, ref.key, dict(query))
        # Policies of buckets may name who asks; the SDK adds it after it has signed (client.py, _send_request, 3.26.6).
        named[const.USER_AGENT_HEADER] = f"obs-sdk-python/{const.OBS_SDK_VERSION}"
        path = client.calling_format.get_url(ref.bucket, ref.key, dict(query))
        connection = self._connections.take(host, client.port, self._timeout, secure=client.is_secure)
        try:
            connection.request(method, path, body, named)
            reply = connection.getresponse()
            # Fewer bytes than were promised raise IncompleteRead, an HTTPException: asked again, as by the SDK.
            content = reply.read()
        except BaseException:
            connection.close()
            raise
        self._connections.give(connection)
        return self._understood(reply.status, {name.lower(): text for name, text in reply.getheaders()}, content)

    def _understood(self, status: int, told: dict[str, str], content: bytes) -> WireAnswer:
        if self._client._is_redirect_exception(status, told):
            raise RedirectedError
        answer = WireAnswer(status, self._client._rename_response_headers(told), told, content)
        # An error has a body of XML with Code, Message and RequestId (api-obs obs_04_0115); after a HEAD it has none.
        if status >= 300 and content:
            try:
                text = self._client.pattern.sub("", content.decode(), count=1)
                answer.errorCode, answer.errorMessage, answer.requestId, *_ = self._client.convertor.parseErrorResult(
                    text
                )
            except Exception:  # noqa: S110 - a page of a gateway, say; then the status has to do
                pass
        answer.requestId = self._client._prepare_request_id(answer.requestId, told)
        return answer
