"""A warm instance: 50 documents over TLS open a handful of connections, whoever's keys sign the requests."""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench import servers
from functions import on_upload
from legible.huawei.connections import Connections, KeptTlsConnection, SdkHolder
from legible.wiring import instance
from localcloud.functiongraph.context import Context
from tests.support.rig import picture
from tests.support.tls import certificate

IN, OUT = "warm-in", "warm-out"


class Opened(NamedTuple):
    """Both stand-ins over TLS, and what they saw: connections by service, and tokens by service."""

    places: dict[str, str]
    connections: Counter[str]
    tokens: dict[str, set[str]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    shown, key = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(shown))
    monkeypatch.setattr(instance, "_made", [])  # an instance of its own
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, key)
    seen = Opened({}, Counter(), {"obs": set(), "ocr": set()})
    running = []
    for name, kind in (("obs", servers.Obs), ("ocr", servers.Ocr)):

        class Counted(kind):
            service = name

            def setup(self) -> None:
                seen.connections[self.service] += 1
                super().setup()

            def parse_request(self) -> bool:
                parsed = super().parse_request()
                names = ("x-amz-security-token", "X-Security-Token")
                seen.tokens[self.service] |= {self.headers[one] for one in names if one in self.headers}
                return parsed

        Counted.objects, Counted.answer = {}, json.dumps({"result": {"words_block_list": []}}).encode()
        server = servers.Server(("127.0.0.1", 0), Counted)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen.places[name] = f"https://localhost:{server.server_port}"
        running.append((server, Counted))
    seen.places["objects"] = running[0][1]  # type: ignore[assignment]
    yield seen
    for server, _ in running:
        server.shutdown()
        server.server_close()


def handle(opened: Opened, number: int, token: str) -> Any:
    """Upload a document, and handle its event in an invocation with that token."""
    key = f"general-text/{number}.png"
    opened.places["objects"].objects[f"{IN}/{key}"] = servers.Stored(  # type: ignore[attr-defined]
        picture(60 + number, 40), time.time() - 60, {"Content-Type": "image/png"}
    )
    facts = {
        "request_id": f"request-{number}", "timeout": 60, "deadline": time.monotonic() + 60, "project_id": "0" * 32,
        "access_key": f"AK-{token}", "secret_key": f"SK-{token}", "token": token,
        "user_data": {
            "LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": IN, "LEGIBLE_OUTPUT_BUCKET": OUT,
            "LEGIBLE_OBS_ENDPOINT": opened.places["obs"], "LEGIBLE_OBS_SIGNATURE": "v2",
            "LEGIBLE_OBS_PATH_STYLE": "true", "LEGIBLE_OCR_ENDPOINT": opened.places["ocr"],
        },
    }  # fmt: skip
    event = {"Records": [{"s3": {"bucket": {"name": IN}, "object": {"key": key}}}]}
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        return on_upload.handler(event, Context(facts, nowhere))


@pytest.mark.no_cover
def test_50_documents_open_few_connections_although_the_keys_change_half_way(opened):
    # when
    for number in range(50):
        (outcome,) = handle(opened, number, "first" if number < 25 else "second")["documents"]
        assert outcome["status"] == "done"

    # then each thread that is in use at one time has at most one to OBS, and the one that calls one to OCR
    assert opened.connections["ocr"] == 1
    assert opened.connections["obs"] <= 7, "those that are written, filed and read back at the same time"
    assert opened.tokens == {"obs": {"first", "second"}, "ocr": {"first", "second"}}


def test_invocations_that_overlap_sign_each_with_their_own_keys(opened):
    # given a sign of whose keys signed a request for whose document
    tokens: dict[str, set[str]] = {}
    lock = threading.Lock()

    def work(number: int) -> None:
        outcome = handle(opened, number, f"token-{number}")
        with lock:
            tokens.setdefault(outcome["documents"][0]["status"], set()).add(str(number))

    # when
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    # then
    assert tokens == {"done": {"0", "1", "2", "3"}}
    assert opened.tokens["ocr"] == opened.tokens["obs"] == {f"token-{number}" for number in range(4)}
    assert opened.connections["ocr"] <= 4


class TestConnections:
    def connection(self, opened: Opened, connections: Connections) -> Any:
        port = int(opened.places["ocr"].rpartition(":")[2])
        return connections.take("localhost", port, 5.0, secure=True)

    def ask(self, connection: Any) -> None:
        connection.request("POST", "/", b"{}")
        connection.getresponse().read()

    def test_one_that_was_given_back_is_taken_again(self, opened):
        connections = Connections()
        first = self.connection(opened, connections)
        self.ask(first)
        connections.give(first)
        assert self.connection(opened, connections) is first
        assert self.connection(opened, connections) is not first, "it is in use"

    def test_one_whose_answer_was_not_read_is_closed(self, opened):
        connections = Connections()
        first = self.connection(opened, connections)
        first.request("POST", "/", b"{}")
        first.getresponse()
        connections.give(first)
        assert first.sock is None
        assert self.connection(opened, connections) is not first

    def test_one_that_nobody_used_for_long_is_closed(self, opened):
        now = [1000.0]
        connections = Connections(lambda: now[0])
        first = self.connection(opened, connections)
        self.ask(first)
        connections.give(first)
        now[0] += 30.0
        assert self.connection(opened, connections) is not first
        assert first.sock is None

    def test_one_that_the_other_end_closed_is_not_taken(self, opened):
        connections = Connections()
        first = self.connection(opened, connections)
        self.ask(first)
        connections.give(first)
        first.sock.close()
        assert self.connection(opened, connections) is not first

    def test_one_that_a_redirect_led_to_is_marked_for_the_sdk_to_close(self, opened):
        holder = SdkHolder(Connections(), 5.0, secure=False)
        redirected = holder.connect("localhost", 443, "https", True)
        assert redirected._clear
        assert isinstance(redirected, KeptTlsConnection)
        assert not isinstance(holder.connect("localhost", 80), KeptTlsConnection)
