"""Documents by URL: the OCR reads the local OBS with its own authorization, and nothing else in the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkocr.v1 import OcrClient, PassportRequestBody, RecognizePassportRequest
from obs import ObsClient, PutObjectHeader

from localcloud.iam.credentials import Keyring
from localcloud.obs import LocalObs
from localcloud.ocr import LocalOcr
from localcloud.web import Server


@pytest.fixture
def ask(ocr_client: OcrClient) -> Callable[[str], str]:
    """Send a URL; return the error's code, or ``ok``."""

    def ask(url: str) -> str:
        try:
            ocr_client.recognize_passport(RecognizePassportRequest(body=PassportRequestBody(url=url)))
        except ServiceResponseException as error:
            return str(error.error_code)
        return "ok"

    return ask


@pytest.mark.parametrize("name", ["a.png", "文件 + ü/护照?#&%.png", "a//b.png"])
def test_the_plain_url_of_a_private_object(
    ask: Any, client: ObsClient, server: Server, png: bytes, calls: list[Any], local_ocr: LocalOcr, name: str
) -> None:
    # given
    client.putContent("docs", name, png, headers=PutObjectHeader(contentType="image/png"))

    # when
    code = ask(f"{server.endpoint}/docs/{quote(name)}")

    # then
    assert code == "ok"
    assert calls[0][1] == png
    assert local_ocr.journal.calls[0].source == "url"


def test_errors_of_a_plain_url(
    ask: Any, client: ObsClient, local_obs: LocalObs, server: Server, png: bytes, local_ocr: LocalOcr
) -> None:
    # given
    local_obs.create_bucket("far", region="cn-east-3")
    local_obs.create_bucket("foreign")
    for bucket in ("docs", "far", "foreign"):
        client.putContent(bucket, "a.png", png)
    client.putContent("docs", "page.html", "<html>")
    client.putContent("docs", "unnamed", png)
    client.putContent("docs", "文.png", png)
    local_ocr.reader.denied.add("foreign")
    here = server.endpoint

    # then
    assert ask(f"{here}/docs/none.png") == "ModelArts.4706"
    assert ask(f"{here}/nobucket/a.png") == "ModelArts.4704"
    assert ask(f"{here}/far/a.png") == "ModelArts.4704"
    assert ask(f"{here}/foreign/a.png") == "ModelArts.4704"
    assert ask(f"{here}/docs") == "ModelArts.4703"
    assert ask(f"{here}/docs/") == "ModelArts.4703"
    assert ask(f"{here}/docs/文.png") == "ModelArts.4703"
    assert ask(f"{here}/docs/page.html") == "ModelArts.4603"
    assert ask(f"{here}/docs/unnamed") == "ModelArts.4603"
    assert local_ocr.journal.billed() == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:1/docs/a.png",
        "http://127.0.0.1/docs/a.png",
        "http://127.0.0.1.example.com/docs/a.png",
    ],
)
def test_nothing_but_the_local_obs_is_read(ask: Any, url: str) -> None:
    assert ask(url) == "ModelArts.4601"


def test_the_ocr_itself_is_no_document(ask: Any, ocr_server: Server) -> None:
    assert ask(f"{ocr_server.endpoint}/docs/a.png") == "ModelArts.4601"


def test_without_obs_authorization(
    ask: Any, client: ObsClient, server: Server, png: bytes, local_ocr: LocalOcr
) -> None:
    # given
    client.putContent("docs", "a.png", png)
    client.putContent("docs", "open.png", png)
    client.setObjectAcl("docs", "open.png", aclControl="public-read")
    local_ocr.reader.authorized = False

    # then
    assert ask(f"{server.endpoint}/docs/a.png") == "ModelArts.4702"
    assert ask(f"{server.endpoint}/docs/none.png") == "ModelArts.4702"
    assert ask(f"{server.endpoint}/docs/open.png") == "ok"
    signed = client.createSignedUrl("GET", "docs", "a.png", expires=60).signedUrl
    assert ask(signed) == "ok"


def test_signed_urls_are_verified(
    ask: Any, server: Server, keys: Keyring, connect: Callable[..., ObsClient], png: bytes
) -> None:
    # given
    client = connect(server.endpoint, keys.temporary())
    client.putContent("docs", "a b.png", png)

    # when
    good = client.createSignedUrl("GET", "docs", "a b.png", expires=60).signedUrl
    old = client.createSignedUrl("GET", "docs", "a b.png", expires=-5).signedUrl
    none = client.createSignedUrl("GET", "docs", "none.png", expires=60).signedUrl

    # then
    assert ask(good) == "ok"
    assert ask(good.replace("Signature=", "Signature=x")) == "ModelArts.4704"
    assert ask(old) == "ModelArts.4704"
    assert ask(none) == "ModelArts.4706"


def test_a_file_too_big(ask: Any, client: ObsClient, server: Server, png: bytes) -> None:
    limit = 10 * 1024 * 1024 // 4 * 3
    client.putContent("docs", "big.png", png + bytes(limit - len(png) + 1))
    client.putContent("docs", "fits.png", png + bytes(limit - len(png)))

    assert ask(f"{server.endpoint}/docs/big.png") == "ModelArts.4705"
    assert ask(f"{server.endpoint}/docs/fits.png") == "ok"


def test_content_types_need_not_be_checked(
    ask: Any, client: ObsClient, server: Server, png: bytes, local_ocr: LocalOcr
) -> None:
    client.putContent("docs", "unnamed", png)
    local_ocr.reader.check_content_type = False

    assert ask(f"{server.endpoint}/docs/unnamed") == "ok"
