"""The recognizer signed by the official SDK, against a real HTTP service: what is sent, kept, and what faults mean."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import huaweicloudsdkocr.v1 as sdk
import pytest
from msgspec import structs

from legible.errors import (
    AnswerUnknownError,
    HeldError,
    RejectedError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.huawei import signing
from legible.huawei.credentials import Credentials
from legible.huawei.ocr import OcrRecognizer, endpoint
from legible.model.documents import ObjectRef
from legible.model.pages import Picture
from legible.operations import catalog
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.rig import picture

PASSPORT, TEXT = catalog.find("passport"), catalog.find("general-text")
INLINE = Picture("inline", body=picture())


@pytest.fixture
def asked() -> list[tuple[str, bytes, dict]]:
    return []


@pytest.fixture
def cloud(asked) -> Iterator[LocalCloud]:
    def recognize(slug, image, options):
        asked.append((slug, image, options))
        return {"passport_number": "X1"}

    with LocalCloud(functions={}, recognizer=recognize) as running:
        yield running


@pytest.fixture
def recognizer(cloud) -> OcrRecognizer:
    return recognizer_of(cloud)


def recognizer_of(cloud: LocalCloud, **changes: str) -> OcrRecognizer:
    key = cloud.keys.temporary()
    values = {"access_key": key.access, "secret_key": key.secret, "token": key.token, **changes}
    return OcrRecognizer(lambda slug: cloud.ocr_endpoint, Credentials(**values), cloud.project_id, connect_seconds=2)


def test_inline_bytes_and_options_arrive_as_they_are(recognizer, asked):
    answer = recognizer.recognize(TEXT, {"quick_mode": True, "language": "zh"}, INLINE, 5)
    assert json.loads(answer.body) == {"result": {"passport_number": "X1"}}
    assert answer.request_id
    assert asked[0][:2] == ("general-text", picture())
    assert asked[0][2] == {"quick_mode": True, "language": "zh"}


def test_a_url_of_obs_is_read_by_the_service_itself(cloud, recognizer, asked):
    put(cloud, "a b.png")
    url = f"{cloud.obs_endpoint}/legible-in/a%20b.png"
    recognizer.recognize(PASSPORT, {}, Picture("url", url=url), 5)
    assert asked[0][1] == picture()


def put(cloud, key):
    clouds.store(cloud).write(ObjectRef("legible-in", key), picture(), "image/png")


def test_the_enterprise_project_is_billed(cloud):
    project = "0fa1b2c3-0000-4000-8000-0123456789ab"
    recognizer_of(cloud).recognize(PASSPORT, {}, structs.replace(INLINE, project=project), 5)
    assert cloud.ocr.journal.calls[0].project == project


@pytest.mark.parametrize("slug", catalog.slugs())
def test_every_operation_is_asked_as_by_the_sdks_own_classes(recognizer, slug):
    operation = catalog.find(slug)
    options = {option.name: sample(option.type) for option in operation.options}
    picture = Picture("inline", body=b"x") if operation.inline else Picture("url", url="https://in.obs.example/a")
    sent = json.loads(recognizer.request(operation, options, picture))
    body = getattr(sdk, operation.sdk.body)()
    attributes = {key: name for name, key in body.attribute_map.items()}
    for key, value in sent.items():  # each key is one that the SDK sends, and its class takes the value
        setattr(body, attributes[key], value)
    request = getattr(sdk, operation.sdk.request)(body=body)
    told = getattr(sdk.OcrClient, f"_{operation.sdk.method}_http_info")(request)
    assert (told["method"], told["resource_path"]) == ("POST", f"/v2/{{project_id}}/ocr/{slug}")
    assert told["header_params"]["Content-Type"] == signing.JSON.lower()
    inline = {operation.inline: base64.b64encode(b"x").decode()} if operation.inline else {}
    url = {"url": picture.url} if operation.url and not operation.inline else {}
    assert sent == {**options, **inline, **url}


def sample(kind: str):
    return {"str": "x", "bool": True, "int": 2, "float": 0.5}.get(kind, [] if kind.startswith("list") else {})


@pytest.mark.parametrize(
    "body",
    [
        b'{"result": {"confidence": {"a": ""}, "new_field": 1.10, "n": "007"}, "more": [1]}',
        b'{\n "result" : {"direction": "", "words_block_count": "many"} }',
        '{"result": {"words_block_list": {"words": "护照"}}}'.encode(),
        b'{"result": []}',
        '{"result": {"surname": "A"}}'.encode("utf-16"),
        b'{"result": {"surname": "D\xffE\x01"}}',
        b'{"result": {"surname": ' + b"9" * 5000 + b"}}",
        b'{"result": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"result": \xff{"surname": "A"}}',
        b'{"result": {"surname": "A',
        b'{"result": "A"}',
        b'{"result": 7}',
    ],
)
def test_a_paid_answer_survives_byte_for_byte_whatever_the_typed_parser_makes_of_it(cloud, recognizer, body):
    cloud.ocr.faults.add(Fault("body", body=body))
    assert recognizer.recognize(TEXT, {}, INLINE, 5).body == body


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault("no-result"), AnswerUnknownError, "without a result"),
        (Fault("body", body=b'{"result": null}'), AnswerUnknownError, "without a result"),
        (Fault("body", body=b"[1, 2]"), AnswerUnknownError, "without a result"),
        (Fault("empty"), AnswerUnknownError, "204 with an empty body"),
        (Fault("html"), AnswerUnknownError, "not JSON"),
        (Fault("body", body=b"[" * 100_000), AnswerUnknownError, "not JSON"),
        (Fault("redirect"), UnavailableError, "302"),
        (Fault("cut"), AnswerUnknownError, "no answer came"),
        (Fault("lost-answer", seconds=3), AnswerUnknownError, "no answer came"),
        (Fault("throttle"), ThrottledError, "APIG.0308"),
        (Fault("error", code="ModelArts.4402"), UnavailableError, "ModelArts.4402"),
        (Fault("body", status=502, body=b"<html>bad gateway</html>"), UnavailableError, "502"),
        (Fault("body", status=400, body=b'{"error_code": 7, "error_msg": "odd"}'), RejectedError, "odd"),
        (Fault("error-in-result"), RejectedError, "HTTP 200 with AIS.0103"),
        (Fault("error-alone", code="ModelArts.4204"), HeldError, "HTTP 200 with ModelArts.4204"),
        (Fault("error-in-result", code="APIG.0308"), ThrottledError, "APIG.0308"),
        (Fault("error-alone", code="ModelArts.4402"), UnavailableError, "ModelArts.4402"),
        (Fault("error-in-result", code="ModelArts.4704"), SourceUnreadableError, "ModelArts.4704"),
        (Fault("body", body=b'{"error_msg": "odd"}'), RejectedError, "HTTP 200 with an error: odd"),
        (Fault("body", body='{"error_code": "AIS.0104"}'.encode("utf-16")), RejectedError, "AIS.0104"),
    ],
)
def test_what_is_no_answer_is_an_error_with_its_meaning(cloud, recognizer, fault, error, said):
    cloud.ocr.faults.add(fault)
    with pytest.raises(error, match=said):
        recognizer.recognize(PASSPORT, {}, INLINE, 1.5)


def test_an_unusable_body_is_kept_as_evidence(cloud, recognizer):
    cloud.ocr.faults.add(Fault("html"))
    with pytest.raises(AnswerUnknownError) as caught:
        recognizer.recognize(PASSPORT, {}, INLINE, 5)
    assert b"Service page" in caught.value.body
    assert caught.value.request_id


def test_an_error_that_came_as_a_success_may_have_been_paid_and_is_kept(cloud, recognizer):
    cloud.ocr.faults.add(Fault("error-in-result"))
    with pytest.raises(RejectedError) as caught:
        recognizer.recognize(PASSPORT, {}, INLINE, 5)
    assert json.loads(caught.value.body)["result"]["error_code"] == caught.value.vendor_code == "AIS.0103"
    assert caught.value.request_id == cloud.ocr.journal.calls[0].request_id
    assert cloud.ocr.journal.billed() == 1


def test_documents_in_a_picture_that_were_not_recognized_are_not_billed(cloud, recognizer):
    failed = b'{"result": [{"status": {"error_code": "AIS.0104"}, "type": "passport", "content": {}}]}'
    cloud.ocr.faults.add(Fault("body", body=failed))
    with pytest.raises(RejectedError, match=r"AIS\.0104") as caught:
        recognizer.recognize(catalog.find("auto-classification"), {}, INLINE, 5)
    assert (caught.value.body, cloud.ocr.journal.billed()) == (b"", 0)


def test_a_subscription_that_is_missing_holds(cloud, recognizer):
    cloud.ocr.unsubscribed.add("passport")
    with pytest.raises(HeldError, match="ModelArts.4204") as caught:
        recognizer.recognize(PASSPORT, {}, INLINE, 5)
    assert caught.value.reason_code == "not-subscribed"


def test_a_url_the_service_may_not_read_is_told_apart(cloud, recognizer):
    put(cloud, "b.png")
    cloud.ocr.reader.authorized = False
    with pytest.raises(SourceUnreadableError, match="ModelArts.4702"):
        recognizer.recognize(PASSPORT, {}, Picture("url", url=f"{cloud.obs_endpoint}/legible-in/b.png"), 5)


def test_wrong_keys_are_refused_and_not_quoted(cloud):
    with pytest.raises(UnavailableError) as caught:
        recognizer_of(cloud, secret_key="CANARY-SECRET").recognize(PASSPORT, {}, INLINE, 5)
    assert caught.value.reason_code == "credentials-refused"
    assert "CANARY" not in str(caught.value)


def test_a_service_that_is_not_there_was_never_paid():
    recognizer = OcrRecognizer(lambda slug: "http://127.0.0.1:9", Credentials("a", "s", "t"), "p" * 32)
    with pytest.raises(UnavailableError, match="cannot be reached") as caught:
        recognizer.recognize(PASSPORT, {}, INLINE, 5)
    assert caught.value.reason_code == "service-unreachable"


def test_an_option_that_the_operation_does_not_have_is_a_setting_to_mend(recognizer, asked):
    with pytest.raises(HeldError, match="refuses the request: it has no option 'no_such_option'"):
        recognizer.recognize(PASSPORT, {"no_such_option": 1}, INLINE, 5)
    assert asked == []


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b'{"error": {"error_code": "ModelArts.4204", "error_msg": "nested"}}', "ModelArts.4204", "nested"),
        (b'{"errorCode": "ModelArts.4204", "errorMsg": "camel"}', "ModelArts.4204", "camel"),
        (b'{"error_code": "ModelArts.4204"}', "ModelArts.4204", "error_code"),
        (b'{"odd": {"more": 1}}', "", "odd"),
        (b"[1]", "", r"\[1\]"),
    ],
)
def test_a_refusal_is_read_whatever_its_shape(cloud, recognizer, body, code, said):
    cloud.ocr.faults.add(Fault("body", status=403, body=body))
    with pytest.raises(HeldError, match=said) as caught:
        recognizer.recognize(PASSPORT, {}, INLINE, 5)
    assert caught.value.vendor_code == code


def test_the_regions_own_endpoint():
    assert endpoint("ap-southeast-2") == "https://ocr.ap-southeast-2.myhuaweicloud.com"
