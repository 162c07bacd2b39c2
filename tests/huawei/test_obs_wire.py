"""What goes past the SDK's own way to the socket behaves as the SDK does: redirects, tries, refusals of any kind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from bench import servers
from legible.errors import ObjectGoneError, UnavailableError
from legible.huawei import signing
from legible.huawei.connections import Connections
from legible.huawei.credentials import Credentials
from legible.huawei.foresight import ForesightStore
from legible.huawei.obs import ObsEndpoint
from legible.huawei.obs_client import client
from legible.huawei.obs_wire import ObsWire
from legible.model.documents import ObjectRef
from legible.ports import Wanted

REF = ObjectRef("b", "a folder/ü.jsonl")


class Gate(BaseHTTPRequestHandler):
    """Answers with what is in ``replies``, the last of them for ever; None closes the connection."""

    protocol_version = "HTTP/1.1"
    replies: list[Any] = []
    asked: list[tuple[str, str]] = []
    agents: list[str] = []

    def do_GET(self) -> None:  # noqa: N802 - name of http.server
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        self.asked.append((self.command, self.headers["Authorization"] or ""))
        self.agents.append(self.headers["User-Agent"])
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply is None:
            self.close_connection = True
            return
        status, body, headers = reply
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text.replace("PATH", self.path))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - names of http.server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def places() -> Iterator[tuple[type[Gate], str, str]]:
    """A gate, where it is, and where a storage is."""
    gate = type("OneGate", (Gate,), {"asked": [], "agents": [], "replies": []})
    storage = type("OneObs", (servers.Obs,), {"objects": {}})
    running = [servers.Server(("127.0.0.1", 0), kind) for kind in (gate, storage)]
    for server in running:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield gate, *(f"http://127.0.0.1:{server.server_port}" for server in running)
    for server in running:
        server.shutdown()
        server.server_close()


def store(where: str, signature: str = "v2") -> ForesightStore:
    return ForesightStore(ObsEndpoint(where, signature, True, "cn-north-4"), Credentials("AK", "SK", "token"))


def test_whoever_is_sent_elsewhere_is_followed_by_the_sdk(places):
    # given an address that sends everything to another one
    gate, asked, storage = places
    gate.replies = [(307, b"", {"Location": f"{storage}PATH"})]
    sent, there = store(asked), store(storage)

    # when
    sent.write(REF, b"{}", "application/json", {"legible": '{"a": "ü"}'})

    # then
    assert sent.read(REF) == there.read(REF) == b"{}"
    assert sent.head(REF).metadata["legible"] == there.head(REF).metadata["legible"] == '{"a": "ü"}'
    assert sent.glance(REF).size == 2
    list_ref = ObjectRef("b", "list.jsonl")
    assert sent.append(list_ref, 0, b"one\n") == 4
    assert there.read(list_ref) == b"one\n"


def test_it_says_who_asks_as_the_sdk_does(places):
    """Policies of buckets may name that: what the SDK sends itself, and what is sent here, must be let in alike."""
    gate, asked, _ = places
    gate.replies = [(200, b"<ListBucketResult></ListBucketResult>", {})]
    sent = store(asked)
    list(sent.list("b", ""))
    sent.read(REF)
    first, second = gate.agents
    assert first == second and first.startswith("obs-sdk-python/")


@pytest.mark.parametrize("signature", ["v2", "v4", "obs"])
def test_each_signature_is_that_of_the_sdk(places, signature):
    gate, asked, _ = places
    gate.replies = [(200, b"xyz", {"ETag": '"e"'})]
    sent = store(asked, signature)
    assert sent.read(REF, Wanted(first=0, last=2)) == b"xyz"
    sent.remove(REF)
    kinds = {signed.partition("=")[0].partition(":")[0] for _, signed in gate.asked}
    assert len(gate.asked) == 2
    assert kinds <= {"AWS AK", "OBS AK", "AWS4-HMAC-SHA256 Credential"}
    assert len(kinds) == 1


@pytest.mark.parametrize("trouble", [None, (503, b"<Error><Code>SlowDown</Code></Error>", {})])
def test_what_passes_is_tried_three_times_in_all(places, trouble):
    gate, asked, _ = places
    gate.replies = [trouble, trouble, (200, b"x", {})]
    assert store(asked).read(REF) == b"x"
    gate.replies, gate.asked = [trouble], []
    with pytest.raises(UnavailableError):
        store(asked).read(REF)
    assert len(gate.asked) == 3


def test_an_append_whose_answer_is_lost_is_sent_again_as_by_the_sdk(places):
    gate, asked, _ = places
    gate.replies = [None, (200, b"", {})]
    assert store(asked).append(REF, 0, b"line\n") == 5
    assert [method for method, _ in gate.asked] == ["POST", "POST"]


@pytest.mark.parametrize("page", [b"<html>Bad Gateway", b"\xff\xfe", b"", b"<Error><Code>NoSuchKey</Code></Error>"])
def test_a_refusal_is_understood_whatever_its_body(places, page):
    gate, asked, _ = places
    gate.replies = [(404, page, {"x-amz-request-id": "r1"})]
    with pytest.raises(ObjectGoneError) as gone:
        store(asked).read(REF)
    assert gone.value.request_id == "r1"


def test_a_large_body_is_sent_apart_from_its_headers(places):
    _, _, storage = places
    store(storage).write(REF, b"x" * 100_000, "text/plain")
    assert store(storage).head(REF).size == 100_000


def test_a_wire_that_never_tries_again_says_at_once_what_happened(places):
    gate, asked, _ = places
    gate.replies = [None]
    address, keys = ObsEndpoint(asked, "v2", True, "cn-north-4"), Credentials("AK", "SK", "token")
    wire = ObsWire(client(address, keys, 0), Connections(), 5.0)
    with pytest.raises((OSError, HTTPException)):
        wire.ask("GET", REF, {}, {})
    assert len(gate.asked) == 1


class TestTheLeanSigner:
    def test_names_stand_in_only_while_the_signer_is_imported(self):
        loaded: dict[str, Any] = {}
        with signing.standing_in(loaded):
            assert loaded.keys() == set(signing.NOT_OURS)
            assert loaded["pyasn1.codec.der"].encoder is loaded["pyasn1.codec.der.encoder"]
        assert loaded == {}

    def test_a_library_that_is_there_stays(self):
        loaded: dict[str, Any] = {"pyasn1": "real"}
        with signing.standing_in(loaded):
            assert loaded == {"pyasn1": "real"}
        assert loaded == {"pyasn1": "real"}
