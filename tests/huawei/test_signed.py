"""Signed calls of an API that answers something else than it says: each is told as what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from legible.errors import HeldError, UnavailableError
from legible.huawei.credentials import Credentials
from legible.huawei.signed import Caller, Service
from localcloud.web import Server

Answering = Callable[[str, bytes], Caller]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Return what calls an API that answers everything with one status and body."""
    servers: list[Server] = []

    def caller(status: str, body: bytes) -> Caller:
        def app(environ, start_response):
            start_response(status, [("Content-Type", "application/json")])
            return [body]

        servers.append(Server(app))
        service = Service("IAM", servers[-1].endpoint, "the endpoint", "iam:roles:getRole")
        return Caller(service, Credentials("access", "secret", ""), "project")

    yield caller
    for server in servers:
        server.stop()


@pytest.mark.parametrize("body", [b"<html>a proxy</html>", b"", b"[" * 100_000, b'{"roles": [' + b"1," * 3_000_000])
def test_a_success_that_is_no_json_passes_perhaps_and_names_the_endpoint(answering, body):
    """Given a page of a proxy, nothing, lists without end, and a list that is longer than is read."""
    with pytest.raises(UnavailableError, match="The answer of IAM is no JSON") as caught:
        answering("200 OK", body).get("/v3/roles/1", 10.0)
    assert caught.value.advice == "Check the endpoint and proxies."


def test_a_long_list_is_read_whole(answering):
    body = b'{"roles": [' + b'"0f4c0000c10d4e0a9b1ec0de10ca1000", ' * 20_000 + b'""]}'
    assert len(answering("200 OK", body).get("/v3/roles", 10.0)["roles"]) == 20_001


def test_a_refusal_names_the_right_that_is_missing(answering):
    with pytest.raises(HeldError, match="PDP.0001") as caught:
        answering("403 Forbidden", b'{"error_code": "PDP.0001", "error_msg": "no"}').get("/v3/roles/1", 10.0)
    assert "iam:roles:getRole" in caught.value.advice
    assert caught.value.vendor_code == "PDP.0001"


def test_what_is_posted_is_answered_also_where_that_is_an_error(answering):
    reply = answering("404 Not Found", b'{"error_code": "FSS.1051"}').posted("/v2/x", {"a": 1}, 10.0)
    assert (reply.status, reply.body) == (404, b'{"error_code": "FSS.1051"}')
