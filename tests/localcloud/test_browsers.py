"""Browsers at the local OBS: which pages may let them, and large files that never stand in memory whole."""

from __future__ import annotations

import hashlib
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from obs import CorsRule, GetObjectHeader, ObsClient

from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.obs import LocalObs, cors
from localcloud.web import Server

PAGE = "http://127.0.0.1:5000"
LARGE = 40 * 1024 * 1024


@pytest.fixture
def url(client: ObsClient) -> Callable[..., str]:
    """Sign a URL for an object."""
    return lambda method, key="a.png", **more: client.createSignedUrl(method, "docs", key, expires=60, **more).signedUrl


def ask_first(server: Server, **headers: str) -> requests.Response:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"} | {
        n.replace("_", "-"): v for n, v in headers.items()
    }
    return requests.options(f"{server.endpoint}/docs/a.png", headers=asked, timeout=5)


class TestOrigins:
    def test_a_page_that_is_allowed_uploads_and_reads(self, local_obs: LocalObs, server: Server, url: Any) -> None:
        # given
        local_obs.set_cors("docs", cors.document([PAGE]))

        # when
        asked = ask_first(server, Access_Control_Request_Headers="content-type, Content-MD5")
        put = requests.put(url("PUT"), data=b"x", headers={"Origin": PAGE}, timeout=5)
        got = requests.get(url("GET"), headers={"Origin": PAGE}, timeout=5)

        # then
        assert asked.status_code == 200
        assert asked.headers["Access-Control-Allow-Origin"] == PAGE
        assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD, PUT"
        assert asked.headers["Access-Control-Allow-Headers"] == "content-type, content-md5"
        assert asked.headers["Access-Control-Max-Age"] == "100"
        for answer in (put, got):
            assert answer.status_code == 200
            assert answer.headers["Access-Control-Allow-Origin"] == PAGE
            assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
            assert answer.headers["Vary"] == "Origin"
        assert put.headers["ETag"] == f'"{hashlib.md5(b"x").hexdigest()}"'

    def test_it_sees_errors_too(self, local_obs: LocalObs, server: Server) -> None:
        local_obs.set_cors("docs", cors.document([PAGE]))
        answer = requests.get(f"{server.endpoint}/docs/none", headers={"Origin": PAGE}, timeout=5)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (403, PAGE)

    @pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:5001", "null", f"{PAGE}.evil.example"])
    def test_others_are_not(self, local_obs: LocalObs, server: Server, url: Any, origin: str) -> None:
        local_obs.set_cors("docs", cors.document([PAGE]))
        assert ask_first(server, Origin=origin).status_code == 403
        assert "Access-Control-Allow-Origin" not in ask_first(server, Origin=origin).headers
        answer = requests.put(url("PUT"), data=b"x", headers={"Origin": origin}, timeout=5)
        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_no_bucket_allows_any_unless_told_to(self, server: Server, url: Any) -> None:
        assert ask_first(server).status_code == 403
        assert (
            "Access-Control-Allow-Origin" not in requests.get(url("GET"), headers={"Origin": PAGE}, timeout=5).headers
        )
        elsewhere = requests.get(f"{server.endpoint}/nobucket/a", headers={"Origin": PAGE}, timeout=5)
        assert "Access-Control-Allow-Origin" not in elsewhere.headers

    def test_methods_and_headers_that_no_rule_names(self, local_obs: LocalObs, server: Server) -> None:
        rule = (
            f"<CORSRule><AllowedOrigin>{PAGE}</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
            "<AllowedHeader>x-obs-*</AllowedHeader></CORSRule>"
        )
        local_obs.set_cors("docs", f'<C xmlns="http://obs">{rule}</C>')
        assert ask_first(server, Access_Control_Request_Headers="x-obs-meta-a").status_code == 200
        assert "Access-Control-Max-Age" not in ask_first(server).headers
        assert ask_first(server, Access_Control_Request_Headers="content-type").status_code == 403
        assert ask_first(server, Access_Control_Request_Method="DELETE").status_code == 403

    def test_the_configuration_is_set_as_in_the_cloud(self, client: ObsClient, server: Server) -> None:
        # given
        assert client.getBucketCors("docs").errorCode == "NoSuchCORSConfiguration"
        rule = CorsRule(id="1", allowedMethod=["PUT"], allowedOrigin=[PAGE], allowedHeader=["*"], maxAgeSecond=9)

        # when
        assert client.setBucketCors("docs", [rule]).status == 200

        # then
        assert client.getBucketCors("docs").body[0].allowedOrigin == [PAGE]
        assert ask_first(server).headers["Access-Control-Max-Age"] == "9"
        assert client.deleteBucketCors("docs").status == 204
        assert ask_first(server).status_code == 403

    def test_it_survives_a_restart_and_must_be_xml(self, tmp_path: Path, keys: Keyring) -> None:
        obs = LocalObs(keys, tmp_path)
        obs.create_bucket("docs")
        obs.set_cors("docs", cors.document([PAGE]))
        with pytest.raises(Exception, match="MalformedXML"):
            obs.set_cors("docs", "no xml")
        obs.close()
        again = LocalObs(keys, tmp_path)
        server = again.serve()
        assert ask_first(server).status_code == 200
        server.stop()
        again.close()


class TestLargeFiles:
    @pytest.fixture(params=[False, True], ids=["memory", "disk"])
    def store(self, request: Any, keys: Keyring, tmp_path: Path) -> Iterator[Server]:
        obs = LocalObs(keys, tmp_path if request.param else None)
        obs.create_bucket("docs")
        server = obs.serve()
        yield server
        server.stop()
        obs.close()

    def test_come_and_go_in_pieces(self, store: Server, key: AccessKey, connect: Any) -> None:
        # given
        client = connect(store.endpoint, key)
        piece = bytes(range(256)) * 256
        body = piece * (LARGE // len(piece))
        put = client.createSignedUrl("PUT", "docs", "big.pdf", expires=60).signedUrl
        query = {"response-content-disposition": "attachment"}
        get = client.createSignedUrl("GET", "docs", "big.pdf", expires=60, queryParams=query).signedUrl
        tracemalloc.start()

        # when
        stored = requests.put(put, data=iter([piece] * (LARGE // len(piece))), timeout=20)
        digest, size = hashlib.md5(), 0
        with requests.get(get, stream=True, timeout=20) as answer:
            for part in answer.iter_content(65536):
                digest.update(part)
                size += len(part)
        part = client.getObject("docs", "big.pdf", loadStreamInMemory=True, headers=GetObjectHeader(range="5-70004"))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        # then: 10 to 20 MB are the HTTP server's own, which looks whether a client sends more than it announced
        assert peak < LARGE * 3 / 4
        assert size == LARGE
        assert digest.hexdigest() == hashlib.md5(body).hexdigest() == stored.headers["ETag"].strip('"')
        assert answer.headers["Content-Disposition"] == "attachment"
        assert part.status == 206
        assert bytes(part.body.buffer) == body[5:70005]
        assert client.getObjectMetadata("docs", "big.pdf").body.contentLength == LARGE

    def test_what_is_overwritten_while_it_is_read_is_read_to_its_end(
        self, store: Server, key: AccessKey, connect: Any
    ) -> None:
        # given
        client = connect(store.endpoint, key)
        client.putContent("docs", "big.pdf", b"a" * LARGE)
        url = client.createSignedUrl("GET", "docs", "big.pdf", expires=60).signedUrl

        # when
        with requests.get(url, stream=True, timeout=20) as answer:
            first = answer.raw.read(1024)
            client.putContent("docs", "big.pdf", b"b" * LARGE)
            rest = answer.raw.read()

        # then
        assert first + rest == b"a" * LARGE
        assert requests.get(url, headers={"Range": "bytes=-2"}, timeout=5).content == b"bb"

    def test_ranges_that_are_none(self, store: Server, key: AccessKey, connect: Any) -> None:
        client = connect(store.endpoint, key)
        client.putContent("docs", "big.pdf", b"a" * LARGE)
        url = client.createSignedUrl("GET", "docs", "big.pdf", expires=60).signedUrl
        assert requests.get(url, headers={"Range": f"bytes={LARGE}-"}, timeout=5).status_code == 416

    def test_an_upload_that_breaks_off_leaves_nothing(self, store: Server, key: AccessKey, connect: Any) -> None:
        # given
        client = connect(store.endpoint, key)
        path = client.createSignedUrl("PUT", "docs", "cut.pdf", expires=60).signedUrl.split(str(store.port), 1)[1]

        # when
        with socket.create_connection(("127.0.0.1", store.port)) as connection:
            connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf".encode())
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""

        # then
        assert client.getObjectMetadata("docs", "cut.pdf").status == 404

    def test_a_digest_that_does_not_match(self, store: Server, key: AccessKey, connect: Any) -> None:
        client = connect(store.endpoint, key)
        url = client.createSignedUrl("PUT", "docs", "a", expires=60, headers={"Content-MD5": "AAAA"}).signedUrl
        answer = requests.put(url, data=b"x", headers={"Content-MD5": "AAAA"}, timeout=5)
        assert (answer.status_code, "BadDigest" in answer.text) == (400, True)
