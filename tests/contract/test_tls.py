"""TLS that breaks before, and after, the request was sent: only the first is surely not paid."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from legible.errors import AnswerUnknownError, UnavailableError
from legible.huawei.credentials import Credentials
from legible.huawei.ocr import OcrRecognizer
from legible.model.pages import Picture
from legible.operations import catalog
from tests.support.tls import certificate

Handle = Callable[[ssl.SSLSocket], None]


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[[Handle], tuple[int, Path]]]:
    listening = socket.create_server(("127.0.0.1", 0))

    def started(handle: Handle) -> tuple[int, Path]:
        shown, key = certificate(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown, key)

        def accept() -> None:
            try:
                while True:
                    handle(context.wrap_socket(listening.accept()[0], server_side=True))
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        return int(listening.getsockname()[1]), shown

    yield started
    listening.close()


def ask(port: int):
    keys = Credentials("access", "secret", "token")
    recognizer = OcrRecognizer(lambda slug: f"https://localhost:{port}", keys, "p" * 32)
    return recognizer.recognize(catalog.find("passport"), {}, Picture("inline", body=b"x" * 10), 5)


def whole_request(connection: ssl.SSLSocket) -> None:
    """Read headers and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)


def test_a_certificate_that_is_not_trusted_means_nothing_was_sent(serve):
    received = []
    port, _ = serve(lambda connection: received.append(connection.recv(1)))
    with pytest.raises(UnavailableError, match="cannot be reached"):
        ask(port)
    assert received == []


def test_a_record_that_breaks_after_the_request_may_have_been_paid_for(serve, monkeypatch):
    received = []

    def break_off(connection: ssl.SSLSocket) -> None:
        whole_request(connection)
        received.append(True)
        raw = socket.socket(fileno=connection.detach())
        raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        raw.close()

    port, shown = serve(break_off)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(shown))
    with pytest.raises(AnswerUnknownError):
        ask(port)
    assert received == [True]


def test_what_speaks_no_tls_got_no_request():
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection = listening.accept()[0]
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    threading.Thread(target=answer, daemon=True).start()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        ask(int(listening.getsockname()[1]))
    listening.close()
