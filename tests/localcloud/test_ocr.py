"""The local OCR through the real SDK client: who may call, what is refused, what is billed."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkocr.v1 import (
    GeneralTextRequestBody,
    IdCardRequestBody,
    OcrClient,
    PassportRequestBody,
    RecognizeGeneralTextRequest,
    RecognizeIdCardRequest,
    RecognizePassportRequest,
    RecognizeVinRequest,
    VinRequestBody,
)

from localcloud.faults import Fault
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.ocr import Journal, LocalOcr, OcrError, embedded
from localcloud.ocr.errors import ERRORS
from localcloud.web import Server

PROJECT = "0f" * 16


def _passport(client: OcrClient, enterprise: str | None = None, **body: Any) -> Any:
    return client.recognize_passport(
        RecognizePassportRequest(enterprise_project_id=enterprise, body=PassportRequestBody(**body))
    )


def _refusal(call: Callable[[], Any]) -> ServiceResponseException:
    with pytest.raises(ServiceResponseException) as caught:
        call()
    assert caught.value.request_id
    return caught.value


def test_an_answer(ocr_client: OcrClient, base64_png: str, png: bytes, calls: list[Any], local_ocr: LocalOcr) -> None:
    # when
    answer = _passport(ocr_client, image=base64_png, country_code="CHN")

    # then
    assert json.loads(answer.raw_content) == {"result": {"passport_number": "E00000000"}}
    assert calls == [("passport", png, {"country_code": "CHN"})]
    [call] = local_ocr.journal.calls
    assert (call.slug, call.status, call.billed, call.source) == ("passport", 200, True, "inline")
    assert call.request_id


class TestSignature:
    def test_wrong_secret(self, connect_ocr: Any, key: AccessKey, base64_png: str) -> None:
        error = _refusal(lambda: _passport(connect_ocr(dataclasses.replace(key, secret="x")), image=base64_png))
        assert (error.status_code, error.error_code) == (401, "APIG.0301")

    def test_unknown_key(self, connect_ocr: Any, base64_png: str) -> None:
        error = _refusal(lambda: _passport(connect_ocr(AccessKey("NOBODY", "x")), image=base64_png))
        assert (error.status_code, error.error_code) == (401, "APIG.0301")

    def test_temporary_key(self, connect_ocr: Any, keys: Keyring, base64_png: str) -> None:
        key = keys.temporary()
        assert _passport(connect_ocr(key), image=base64_png).status_code == 200
        for token in ("", "x"):
            other = connect_ocr(dataclasses.replace(key, token=token))
            assert _refusal(lambda other=other: _passport(other, image=base64_png)).error_code == "APIG.0301"

    def test_expired_key(self, connect_ocr: Any, keys: Keyring, base64_png: str) -> None:
        error = _refusal(lambda: _passport(connect_ocr(keys.temporary(lifetime=-1)), image=base64_png))
        assert error.error_code == "APIG.0301"

    @pytest.mark.parametrize(("minutes", "status"), [(-16, 401), (-14, 200), (14, 200), (16, 401)])
    def test_clock(self, ocr_server: Server, key: AccessKey, base64_png: str, minutes: int, status: int) -> None:
        moment = datetime.now(timezone.utc) + timedelta(minutes=minutes)
        assert _signed(ocr_server, key, {"image": base64_png}, moment).status_code == status

    def test_a_changed_body(self, ocr_server: Server, key: AccessKey, base64_png: str) -> None:
        answer = _signed(ocr_server, key, {"image": base64_png}, sent=b'{"url": "http://x"}')
        assert answer.json()["error_code"] == "APIG.0301"
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]

    def test_no_signature(self, ocr_server: Server) -> None:
        answer = requests.post(f"{ocr_server.endpoint}/v2/{PROJECT}/ocr/passport", json={}, timeout=5)
        assert (answer.status_code, answer.json()["error_code"]) == (401, "APIG.0301")


def test_another_project_and_a_missing_one(connect_ocr: Any, key: AccessKey, base64_png: str) -> None:
    for project in ("1" * 32, "{project_id}"):
        client = connect_ocr(key, project)
        error = _refusal(lambda client=client: _passport(client, image=base64_png))
        assert (error.status_code, error.error_code) == (404, "APIG.0101")


def test_an_unknown_operation(ocr_server: Server, key: AccessKey, local_ocr: LocalOcr) -> None:
    answer = _signed(ocr_server, key, {}, slug="no-such-card")

    assert (answer.status_code, answer.json()["error_code"]) == (404, "APIG.0101")
    assert local_ocr.journal.billed() == 0


def test_an_operation_not_subscribed(ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str) -> None:
    local_ocr.unsubscribed.add("passport")

    error = _refusal(lambda: _passport(ocr_client, image=base64_png))

    assert (error.status_code, error.error_code) == (403, "ModelArts.4204")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "AIS.0101"),
        ({"image": "", "country_code": "CHN"}, "AIS.0101"),
        ({"image": 5}, "AIS.0101"),
        ({"image": "IMAGE", "url": "http://127.0.0.1/x"}, "AIS.0101"),
        ({"image": "data:image/png;base64,IMAGE"}, "AIS.0102"),
        ({"image": "not base64!"}, "AIS.0102"),
        ({"image": "IMAGE\n"}, "AIS.0102"),
        ({"image": base64.b64encode(b"plain text").decode()}, "AIS.0102"),
        ({"image": base64.b64encode(b"%PDF-1.7").decode()}, "AIS.0102"),
        ({"image": base64.b64encode(b"\x89PNG\r\n\x1a\n broken").decode()}, "AIS.0102"),
        ({"image": "A" * (10 * 1024 * 1024 + 4)}, "ModelArts.4104"),
        ({"image": "A" * (12 * 1024 * 1024 + 4)}, "ModelArts.4104"),
        ({"url": ""}, "AIS.0101"),
        ({"url": "ftp://127.0.0.1/x"}, "ModelArts.4202"),
        ({"url": "http://127.0.0.1:99999/x"}, "ModelArts.4202"),
        ([], "ModelArts.4105"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refused_bodies(
    ocr_server: Server, local_ocr: LocalOcr, key: AccessKey, base64_png: str, body: Any, code: str
) -> None:
    # given
    if isinstance(body, dict) and isinstance(body.get("image"), str):
        body = body | {"image": body["image"].replace("IMAGE", base64_png)}

    # when
    answer = _signed(ocr_server, key, body)

    # then
    assert answer.json()["error_code"] == code
    assert answer.status_code >= 400
    assert "result" not in answer.json()
    assert local_ocr.journal.billed() == 0


@pytest.mark.parametrize(
    ("width", "height", "format", "code"),
    [
        (14, 100, "PNG", "AIS.0103"),
        (15, 15, "PNG", None),
        (8192, 15, "JPEG", None),
        (8193, 15, "JPEG", "AIS.0103"),
        (50, 50, "BMP", None),
        (50, 50, "TIFF", None),
        (50, 50, "GIF", "AIS.0102"),
        (50, 50, "WEBP", "AIS.0102"),
    ],
)
def test_formats_and_sides(
    ocr_client: OcrClient, make_image: Callable[..., bytes], width: int, height: int, format: str, code: str | None
) -> None:
    image = base64.b64encode(make_image(width, height, format)).decode()

    if code is None:
        assert _passport(ocr_client, image=image).status_code == 200
    else:
        assert _refusal(lambda: _passport(ocr_client, image=image)).error_code == code


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PCX", "ICO"])
def test_general_text_takes_more_formats(ocr_client: OcrClient, make_image: Callable[..., bytes], format: str) -> None:
    image = base64.b64encode(make_image(64, 64, format)).decode()

    answer = ocr_client.recognize_general_text(RecognizeGeneralTextRequest(body=GeneralTextRequestBody(image=image)))

    assert answer.status_code == 200


def test_booleans_must_be_json_booleans(ocr_client: OcrClient, base64_png: str, calls: list[Any]) -> None:
    def ask(value: Any) -> Any:
        body = IdCardRequestBody(image=base64_png, return_verification=value)
        return ocr_client.recognize_id_card(RecognizeIdCardRequest(body=body))

    assert _refusal(lambda: ask("true")).error_code == "AIS.0101"
    assert _refusal(lambda: ask(1)).error_code == "AIS.0101"
    assert ask(True).status_code == 200
    assert calls[0][2] == {"return_verification": True}


def test_unknown_options_are_passed_over(ocr_server: Server, key: AccessKey, base64_png: str) -> None:
    answer = _signed(ocr_server, key, {"image": base64_png, "colour": "red"})

    assert answer.status_code == 200


def test_no_file_at_all(ocr_server: Server, key: AccessKey, calls: list[Any]) -> None:
    # An operation without a document: invoice verification has required options instead.
    refused = _signed(ocr_server, key, {"code": "1"}, slug="invoice-verification")
    taken = _signed(
        ocr_server, key, {"code": "1", "number": "2", "issue_date": "2026-01-01"}, slug="invoice-verification"
    )

    assert (refused.json()["error_code"], taken.status_code) == ("AIS.0101", 200)


@pytest.mark.parametrize(
    ("header", "project"),
    [
        (None, "default"),
        ("not an id", "default"),
        ("0", "default"),
        ("6E0E4A6B-0f4c-4a3e-9a53-0d8b3a2f6c11", "6e0e4a6b-0f4c-4a3e-9a53-0d8b3a2f6c11"),
    ],
)
def test_enterprise_projects(
    ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str, header: str | None, project: str
) -> None:
    _passport(ocr_client, header, image=base64_png)

    assert local_ocr.journal.bill() == {"passport": {project: 1}}


def test_a_recognizer_may_refuse_or_fail(
    ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str, keys: Keyring
) -> None:
    def refuse(*_: Any) -> Any:
        raise OcrError("AIS.0104")

    def fail(*_: Any) -> Any:
        raise RuntimeError("a bug")

    local_ocr._recognizer = refuse
    assert _refusal(lambda: _passport(ocr_client, image=base64_png)).error_code == "AIS.0104"
    local_ocr._recognizer = fail
    error = _refusal(lambda: _passport(ocr_client, image=base64_png))
    assert (error.status_code, error.error_code) == (500, "ModelArts.4505")
    assert local_ocr.journal.billed() == 0


def test_what_the_embedded_engine_cannot_do_is_said(
    ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str
) -> None:
    local_ocr._recognizer = embedded

    body = RecognizeVinRequest(body=VinRequestBody(image=base64_png))
    error = _refusal(lambda: ocr_client.recognize_vin(body))

    assert error.error_code == "AIS.0105"
    assert "recorded" in error.error_msg


def test_answers_are_marked(
    ocr_server: Server, local_ocr: LocalOcr, key: AccessKey, base64_png: str, tmp_path: Path
) -> None:
    # given
    file = tmp_path / "answer.json"
    file.write_bytes(b'{"result": {"recorded": true}}')
    local_ocr.recorded |= {"id-card": file, "vin": b'{"result": {"vin": "X"}}'}

    # when
    answers = [_signed(ocr_server, key, {"image": base64_png}, slug=slug) for slug in ("passport", "id-card", "vin")]

    # then
    assert [answer.headers["X-OCR-Engine"] for answer in answers] == ["embedded", "recorded", "recorded"]
    assert answers[1].json()["result"] == {"recorded": True}
    assert "the document itself was not read" in answers[1].json()["recorded"]
    assert local_ocr.journal.billed() == 3


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "code", "status"),
        [
            (Fault("throttle"), "APIG.0308", 429),
            (Fault("error"), "ModelArts.4402", 504),
            (Fault("error", code="ModelArts.4505"), "ModelArts.4505", 500),
            (Fault("error", code="APIG.0201", status=504, message="Backend timeout"), "APIG.0201", 504),
        ],
        ids=lambda value: getattr(value, "code", value),
    )
    def test_failures_are_free(
        self, ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str, fault: Fault, code: str, status: int
    ) -> None:
        # given
        local_ocr.faults.add(dataclasses.replace(fault))

        # when
        error = _refusal(lambda: _passport(ocr_client, image=base64_png))
        again = _passport(ocr_client, image=base64_png)

        # then
        assert (error.error_code, error.status_code, again.status_code) == (code, status, 200)
        assert local_ocr.journal.billed("passport") == 1
        assert [call.billed for call in local_ocr.journal.calls] == [False, True]

    def test_the_throttle_says_what_the_vendor_says(
        self, ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str
    ) -> None:
        local_ocr.faults.add(Fault("throttle"))
        error = _refusal(lambda: _passport(ocr_client, image=base64_png))
        assert "policy user over ratelimit,limit:" in error.error_msg
        assert "time:1 minute" in error.error_msg

    @pytest.mark.parametrize(
        ("kind", "status", "content", "billed"),
        [
            ("redirect", 302, b"", 0),
            ("no-result", 200, b"{}", 1),
            ("empty", 204, b"", 1),
            ("html", 200, b"<!DOCTYPE html><html><body>Service page</body></html>", 1),
            ("delay", 200, b'{"result": {"passport_number": "E00000000"}}', 1),
        ],
    )
    def test_strange_answers(
        self,
        ocr_client: OcrClient,
        local_ocr: LocalOcr,
        base64_png: str,
        kind: str,
        status: int,
        content: bytes,
        billed: int,
    ) -> None:
        local_ocr.faults.add(Fault(kind, seconds=0.05))

        answer = _passport(ocr_client, image=base64_png)

        assert (answer.status_code, answer.raw_content) == (status, content)
        assert local_ocr.journal.billed() == billed

    @pytest.mark.parametrize(
        ("fault", "content"),
        [
            (Fault("error-in-result"), {"result": {"error_code": "AIS.0103", "error_msg": ERRORS["AIS.0103"][1]}}),
            (Fault("error-alone", code="AIS.0105", message="No."), {"error_code": "AIS.0105", "error_msg": "No."}),
        ],
    )
    def test_an_error_that_comes_as_a_success(
        self, ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str, fault: Fault, content: dict[str, Any]
    ) -> None:
        local_ocr.faults.add(fault)

        answer = _passport(ocr_client, image=base64_png)

        assert (answer.status_code, json.loads(answer.raw_content)) == (200, content)
        (call,) = local_ocr.journal.calls
        assert (call.billed, call.code, call.fault) == (True, fault.code or "AIS.0103", fault.kind)

    def test_an_arbitrary_body(self, ocr_server: Server, local_ocr: LocalOcr, key: AccessKey, base64_png: str) -> None:
        local_ocr.faults.add(Fault("body", body=b"\xff\x00{", status=502, content_type="text/plain"))

        answer = _signed(ocr_server, key, {"image": base64_png})

        assert (answer.status_code, answer.content) == (502, b"\xff\x00{")
        assert local_ocr.journal.billed() == 0

    @pytest.mark.parametrize("kind", ["lost-answer", "cut"])
    def test_a_lost_answer_is_billed(
        self, connect_ocr: Any, key: AccessKey, local_ocr: LocalOcr, base64_png: str, calls: list[Any], kind: str
    ) -> None:
        # given
        client = connect_ocr(key, timeout=0.3)
        local_ocr.faults.add(Fault(kind))

        # when
        started = time.monotonic()
        with pytest.raises(requests.exceptions.RequestException):
            _passport(client, image=base64_png)

        # then
        assert time.monotonic() - started < 4
        assert len(calls) == 1
        [call] = local_ocr.journal.calls
        assert (call.billed, call.fault) == (True, kind)

    def test_one_operation_only(self, ocr_client: OcrClient, local_ocr: LocalOcr, base64_png: str) -> None:
        local_ocr.faults.add(Fault("throttle", path="id-*", times=None))
        body = IdCardRequestBody(image=base64_png)

        assert _passport(ocr_client, image=base64_png).status_code == 200
        for _ in range(2):
            error = _refusal(lambda: ocr_client.recognize_id_card(RecognizeIdCardRequest(body=body)))
            assert error.error_code == "APIG.0308"


def test_the_bill_survives_a_restart(tmp_path: Path, keys: Keyring, key: AccessKey, base64_png: str) -> None:
    # given
    for _ in range(2):
        ocr = LocalOcr(keys, PROJECT, state=tmp_path, recognizer=lambda *_: {})
        server = ocr.serve()
        _signed(server, key, {"image": base64_png})
        server.stop()

    # when
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"time": 1, "slu')

    # then
    assert Journal(tmp_path / "journal.jsonl").bill() == {"passport": {"default": 2}}


def test_bill_and_journal_can_be_asked_for(ocr_server: Server, ocr_client: OcrClient, base64_png: str) -> None:
    _passport(ocr_client, image=base64_png)

    bill, journal, other = (
        requests.get(f"{ocr_server.endpoint}/_local/{name}", timeout=5) for name in ("bill", "journal", "other")
    )

    assert bill.json() == {"passport": {"default": 1}}
    assert [(call["slug"], call["status"], call["units"]) for call in journal.json()] == [("passport", 200, 1)]
    assert other.status_code == 404


def test_each_document_of_a_classified_picture_is_billed(
    ocr_server: Server, local_ocr: LocalOcr, key: AccessKey, base64_png: str
) -> None:
    failed = {"error_code": "AIS.0104", "error_msg": "Poor."}
    recognized = {"error_code": "AIS.0000", "error_msg": "Succeeded."}
    parts = [{"type": "passport"}, {"type": "id_card", "status": recognized}, {"type": "bankcard", "status": failed}]
    local_ocr._recognizer = lambda *_: parts

    _signed(ocr_server, key, {"image": base64_png}, slug="auto-classification")
    assert local_ocr.journal.billed() == 2

    local_ocr._recognizer = lambda *_: parts[2:]
    _signed(ocr_server, key, {"image": base64_png}, slug="auto-classification")
    assert local_ocr.journal.billed() == 2


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"result": []}', b'{"result": [7]}', b'{"result": [{"status": 7}]}'])
def test_a_strange_answer_about_a_classified_picture_is_billed_once(
    ocr_server: Server, local_ocr: LocalOcr, key: AccessKey, base64_png: str, body: bytes
) -> None:
    local_ocr._recognizer = lambda *_: [{"type": "passport"}, {"type": "passport"}]
    local_ocr.faults.add(Fault("body", body=body))

    _signed(ocr_server, key, {"image": base64_png}, slug="auto-classification")

    assert local_ocr.journal.billed() == 1


def _signed(
    server: Server,
    key: AccessKey,
    body: Any,
    moment: datetime | None = None,
    slug: str = "passport",
    sent: bytes | None = None,
) -> requests.Response:
    """Send a request signed by the SDK's own signer, but with a body and a clock of ours."""
    from types import SimpleNamespace

    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

    content = json.dumps(body).encode()
    path = f"/v2/{PROJECT}/ocr/{slug}"
    headers = {
        "Content-Type": "application/json;charset=UTF-8",
        "X-Sdk-Date": (moment or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ"),
    }
    host = server.endpoint.removeprefix("http://")
    request = SdkRequest("POST", "http", host, path, "", [], headers, content)
    Signer(SimpleNamespace(ak=key.access, sk=key.secret)).sign(request)
    return requests.post(
        server.endpoint + path, data=content if sent is None else sent, headers=request.header_params, timeout=10
    )
