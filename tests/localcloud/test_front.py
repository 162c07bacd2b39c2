"""The way in for browsers: its own pages only, and the app's code goes to one place only."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import requests

from localcloud.apig import Front
from localcloud.web import Environ, Server, StartResponse, read_body, read_headers


class Behind:
    """A backend that tells what arrived, and answers as it is told."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.status = "200 OK"
        self.headers: list[tuple[str, str]] = [("Content-Type", "text/plain")]
        self.pieces = [b"answer"]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Any:
        body = read_body(environ)
        self.seen.append(
            {"method": environ["REQUEST_METHOD"], "uri": environ["RAW_URI"], "body": body, **read_headers(environ)}
        )
        start_response(self.status, self.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else self.pieces


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
def target(behind: Behind) -> Iterator[Server]:
    server = Server(behind)
    yield server
    server.stop()


class Opened(NamedTuple):
    """A front, the address that was printed, and the session of the browser in which it was opened."""

    server: Server
    way_in: str
    session: requests.Session

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())


def opened(target: str) -> Opened:
    front = Front(target, {"X-Apig-AppCode": "the-code"})
    server, session = front.serve(), requests.Session()
    session.get(front.way_in(server.endpoint), allow_redirects=False, timeout=5)
    return Opened(server, front.way_in(server.endpoint), session)


@pytest.fixture
def front(target: Server) -> Iterator[Opened]:
    found = opened(target.endpoint)
    yield found
    found.server.stop()


def ask(front: Opened, *lines: str, target: str = "/") -> tuple[int, dict[str, Any]]:
    """Send header lines as they are from the browser that was let in, and return status and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=5)
    connection.putrequest("GET", target, skip_host=True)
    for line in lines:
        connection.putheader(*line.split(": ", 1))
    connection.putheader("Cookie", front.cookie)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body) if body.startswith(b"{") else {}


def test_the_address_that_was_printed_lets_its_browser_in(front: Opened, behind: Behind) -> None:
    # when
    first = requests.get(front.way_in, allow_redirects=False, timeout=5)

    # then: the code goes into a cookie that no script reads, and leaves the address
    assert (first.status_code, first.headers["Location"], behind.seen) == (303, "/console/", [])
    kept = first.headers["Set-Cookie"]
    assert all(word in kept for word in (f"legible-{front.port}=", "HttpOnly", "SameSite=Strict", "Path=/"))
    assert front.session.get(f"{front.endpoint}/console/", timeout=5).text == "answer"


@pytest.mark.parametrize(
    ("query", "cookie"),
    [
        ("", ""),
        ("?entry=", ""),
        ("?entry=guessed", ""),
        ("", "legible-{port}=guessed"),
        ("", "legible-{port}="),
        ("", "legible-1={code}"),
        ("", "other={code}"),
        ("", "a\x7fb\x00=;;=\xe9"),
        ("?entry=\xe9", "legible-{port}=\xe9"),
    ],
)
def test_nobody_else_on_the_machine_is_let_in(front: Opened, behind: Behind, query: str, cookie: str) -> None:
    code = front.way_in.rpartition("=")[2]
    sent = cookie.format(port=front.port, code=code)
    answer = requests.get(f"{front.endpoint}/v1/documents{query}", headers={"Cookie": sent} if sent else {}, timeout=5)
    assert (answer.status_code, behind.seen) == (401, [])
    assert code not in answer.text


def test_another_start_has_another_code(front: Opened, target: Server) -> None:
    other = opened(target.endpoint)
    other.server.stop()
    assert front.way_in.rpartition("=")[2] not in other.way_in


def test_the_code_lets_nobody_in_by_another_method(front: Opened, behind: Behind) -> None:
    assert requests.post(front.way_in, timeout=5).status_code == 401
    assert behind.seen == []


def test_a_page_of_its_own_is_let_through_with_the_code(front: Opened, target: Server, behind: Behind) -> None:
    # when
    answer = front.session.post(
        f"{front.endpoint}/v1/a%20b?x=%2F",
        data=b"body",
        headers={
            "Origin": front.endpoint, "Referer": f"{front.endpoint}/console/", "Sec-Fetch-Site": "same-origin",
            "Cookie": f"session=of-another-port; {front.cookie}", "Authorization": "x", "X-Apig-AppCode": "mine",
            "X-Legible-App": "me",
        },
        timeout=5,
    )  # fmt: skip

    # then
    (seen,) = behind.seen
    assert (answer.status_code, answer.text) == (200, "answer")
    assert (seen["method"], seen["uri"], seen["body"]) == ("POST", "/v1/a%20b?x=%2F", b"body")
    assert seen["x-apig-appcode"] == "the-code"
    assert seen["host"] == target.endpoint.removeprefix("http://")
    assert not {"cookie", "origin", "referer", "authorization", "x-legible-app"} & set(seen)


@pytest.mark.parametrize(
    "lines",
    [
        ("Host: evil.example",),
        ("Host: evil.example:{port}",),
        ("Host: 127.0.0.1",),
        ("Host: 127.0.0.1:{port}", "Host: evil.example"),
        (),
        ("Host: 127.0.0.1:{port}", "Origin: http://evil.example"),
        ("Host: 127.0.0.1:{port}", "Origin: null"),
        ("Host: 127.0.0.1:{port}", "Origin: https://127.0.0.1:{port}"),
        ("Host: 127.0.0.1:{port}", "Origin: http://127.0.0.1:1"),
        ("Host: 127.0.0.1:{port}", "Origin: http://localhost:{port}"),
        ("Host: 127.0.0.1:{port}", "Sec-Fetch-Site: cross-site"),
        ("Host: 127.0.0.1:{port}", "Sec-Fetch-Site: same-site"),
    ],
)
def test_other_names_and_other_pages_are_refused(front: Opened, behind: Behind, lines: tuple[str, ...]) -> None:
    status, told = ask(front, *(line.format(port=front.port) for line in lines))
    assert status == 403
    assert told["type"] in ("/problems/wrong-host", "/problems/cross-origin")
    assert behind.seen == []


def test_an_address_for_a_path_is_refused(front: Opened, behind: Behind) -> None:
    host = f"127.0.0.1:{front.port}"
    assert ask(front, f"Host: {host}", target=f"http://{host}/")[0] == 400
    assert ask(front, f"Host: {host}", target="http://evil.example/")[0] == 403
    assert behind.seen == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_both_of_its_names_are_its_own(front: Opened, name: str) -> None:
    host = f"{name}:{front.port}"
    assert ask(front, f"Host: {host}", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin")[0] == 200
    assert ask(front, f"Host: {host}", "Sec-Fetch-Site: none")[0] == 200


def test_bodies_without_a_length_are_refused(front: Opened, behind: Behind) -> None:
    answer = front.session.post(front.endpoint, data=iter([b"x"]), timeout=5)
    assert (answer.status_code, behind.seen) == (411, [])


def test_what_the_api_answers_is_passed_but_for_cookies(front: Opened, behind: Behind) -> None:
    # given
    behind.status = "302 Found"
    behind.headers = [("Location", "http://evil.example/"), ("Set-Cookie", "a=b"), ("Content-Length", "6")]

    # when
    answer = front.session.get(front.endpoint, allow_redirects=False, timeout=5)

    # then
    assert (answer.status_code, answer.headers["Location"], answer.text) == (302, "http://evil.example/", "answer")
    assert "Set-Cookie" not in answer.headers
    assert len(answer.raw.headers.getlist("Date")) == 1
    assert front.session.head(front.endpoint, allow_redirects=False, timeout=5).content == b""


def test_large_bodies_pass_in_pieces(front: Opened, behind: Behind) -> None:
    behind.pieces = [b"x" * 1024 * 1024] * 8
    answer = front.session.put(front.endpoint, data=b"y" * 5_000_000, timeout=20)
    assert len(answer.content) == 8 * 1024 * 1024
    assert behind.seen[0]["body"] == b"y" * 5_000_000


def test_an_api_that_is_not_there(target: Server) -> None:
    # given
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    front = opened(f"http://127.0.0.1:{port}/")

    # when
    answer = front.session.get(front.endpoint, timeout=5)
    front.server.stop()

    # then
    assert (answer.status_code, answer.json()["type"]) == (502, "/problems/unreachable")
    assert "the-code" not in answer.text


@pytest.mark.parametrize(
    "target",
    ["", "api", "ftp://x/", "http://example.com/", "https://x/path", "https://x/?a", "https://x/#a", "https://me@x/"],
)
def test_addresses_that_are_none(target: str) -> None:
    with pytest.raises(ValueError, match=r"https"):
        Front(target, {})


def test_the_code_travels_encrypted_to_other_machines() -> None:
    assert Front("https://group.apig.cn-north-4.example/", {})._connect is http.client.HTTPSConnection
