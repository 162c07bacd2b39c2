"""The local SMN and EventGrid: signatures and limits as the services have them; what was published can be seen."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest

from localcloud.faults import Fault
from localcloud.iam.credentials import Keyring
from localcloud.notices import LocalMessages, Message
from localcloud.web import Server

PROJECT = "0f" * 16
SMN = f"/v2/{PROJECT}/notifications/topics/urn%3Asmn%3Acn-north-4%3A{PROJECT}%3At/publish"
TOPIC = f"urn:smn:cn-north-4:{PROJECT}:t"
EVENTGRID = f"/v1/{PROJECT}/channels/c-1/events"
EVENT = {"id": "1", "source": "s", "type": "t", "specversion": "1.0", "subject": "x"}


@pytest.fixture
def keys() -> Keyring:
    return Keyring()


@pytest.fixture
def service(keys: Keyring) -> LocalMessages:
    return LocalMessages(keys, PROJECT)


class Client:
    """Signs as the vendor's SDK does, and sends."""

    def __init__(self, server: Server, keys: Keyring) -> None:
        self.host = server.endpoint.removeprefix("http://")
        self.key = keys.temporary()

    def get(self, path: str, **query: str) -> tuple[int, dict[str, Any]]:
        """Ask for something."""
        return self(path, b"", "GET", query=query)

    def __call__(
        self, path: str, body: Any, method: str = "POST", token: str = "", query: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = SdkRequest(
            method=method, schema="http", host=self.host, resource_path=path,
            query_params=[*(query or {}).items()], body=encoded,
            header_params={"Content-Type": "application/json;charset=UTF-8"},
        )  # fmt: skip
        keys = BasicCredentials(self.key.access, self.key.secret, PROJECT).with_security_token(token or self.key.token)
        connection = http.client.HTTPConnection(self.host, timeout=10)
        signed = keys.sign_request(request)
        connection.request(method, signed.uri, encoded, signed.header_params)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else {}


@pytest.fixture
def call(service: LocalMessages, keys: Keyring) -> Iterator[Client]:
    server = service.serve()
    yield Client(server, keys)
    service.close()
    server.stop()


def test_a_message_is_taken_and_can_be_seen(service, call):
    status, said = call(SMN, {"subject": "s", "message": "m"})
    assert status == 200
    assert set(said) == {"message_id", "request_id"}
    assert service.messages == [Message("smn", TOPIC, "s", "m")]


def test_events_are_taken_and_can_be_seen(service, call):
    status, said = call(EVENTGRID, {"events": [EVENT, {**EVENT, "id": "2"}]})
    assert (status, said) == (200, {"failed_count": 0, "events": [{"event_id": "1"}, {"event_id": "2"}]})
    assert [message.body["id"] for message in service.messages] == ["1", "2"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", {}, {"message": ""}, {"message": 1}, {"message": "m", "subject": 1},
        {"message": "m", "subject": "文" * 171}, {"message": "x" * (256 * 1024 + 1)},
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(service, call, body):
    status, said = call(SMN, body)
    assert status == 400
    assert set(said) == {"request_id", "code", "message"}
    assert service.messages == []


@pytest.mark.parametrize(
    "body",
    [
        b"{", {}, {"events": []}, {"events": [EVENT] * 21}, {"events": ["x"]}, {"events": [{**EVENT, "id": ""}]},
        {"events": [{**EVENT, "specversion": "0.3"}]}, {"events": [{**EVENT, "data": "x" * 65536}]},
        {"events": [{**EVENT, "data": "x" * 60_000}] * 5},
    ],
)  # fmt: skip
def test_what_are_no_events_is_refused(service, call, body):
    status, said = call(EVENTGRID, body)
    assert (status, said["error_code"]) == (400, "EG.00014000")
    assert service.messages == []


def test_a_wrong_token_is_refused_as_the_gateway_does(service, call):
    for path in (SMN, EVENTGRID):
        status, said = call(path, {}, token="wrong")
        assert (status, said["error_code"]) == (401, "APIGW.0301")


@pytest.mark.parametrize(
    ("path", "method"),
    [("/v2/x", "POST"), (SMN, "PUT"), (EVENTGRID + "/more", "POST"), ("/v1//channels/c/events", "POST")],
)
def test_what_is_not_offered(call, path, method):
    status, said = call(path, {}, method)
    assert (status, said["error_code"]) == (404, "APIGW.0101")


def test_another_project_and_what_is_gone(service, call):
    assert call(SMN.replace(PROJECT, "0e" * 16, 1), {})[0] == 404
    service.gone |= {TOPIC, "c-1"}
    assert call(SMN, {"message": "m"})[1]["code"] == "SMN.0006"
    assert call(EVENTGRID, {"events": [EVENT]})[1]["error_code"] == "EG.00014040"


def test_faults(service, call):
    service.faults.add(Fault("error"), Fault("error", code="X.1", status=403, message="no"), Fault("refuse-event"))
    assert call(SMN, {"message": "m"})[0] == 429
    assert call(SMN, {"message": "m"}) == (403, {**call_error("X.1", "no"), "request_id": ANY})
    assert call(EVENTGRID, {"events": [EVENT]})[1]["failed_count"] == 1
    assert service.messages == []
    service.faults.add(Fault("body", status=502, body=b"{}"))
    assert call(SMN, {"message": "m"}) == (502, {})
    assert len(service.messages) == 1


@pytest.mark.parametrize(
    ("kind", "taken", "killed"),
    [("cut", 0, 0), ("kill-before", 0, 1), ("kill-after", 1, 1), ("lost-answer", 1, 0)],
)
def test_connections_that_break(service, call, kind, taken, killed):
    dead: list[str] = []
    service.on_kill = dead.append
    service.faults.add(Fault(kind))
    with pytest.raises((http.client.HTTPException, OSError)):
        call(SMN, {"message": "m"})
    assert (len(service.messages), len(dead)) == (taken, killed)


class _Any:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


ANY = _Any()


def call_error(code: str, message: str) -> dict[str, str]:
    return {"error_code": code, "error_msg": message}


# --- a function's triggers of EventGrid

URN = f"urn:fss:cn-north-4:{PROJECT}:function:default:f:latest"
TRIGGERS = f"/v1/{PROJECT}/subscription-triggers/{quote(URN, '')}"


def test_the_triggers_of_a_function_come_in_pages_of_fifteen_unless_told(service: LocalMessages, call: Client) -> None:
    service.subscriptions = lambda urn: [{"id": str(number)} for number in range(20)] if urn == URN else []
    status, first = call.get(TRIGGERS)
    assert (status, first["total"], first["size"], len(first["items"])) == (200, 20, 15, 15)
    assert [one["id"] for one in call.get(TRIGGERS, offset="18", limit="9")[1]["items"]] == ["18", "19"]
    assert call.get(TRIGGERS.replace("default", "other"))[1]["items"] == []
    for wrong in ({"limit": "0"}, {"limit": "1001"}, {"offset": "-1"}, {"limit": "x"}):
        assert call.get(TRIGGERS, **wrong)[0] == 400


def test_who_may_not_see_triggers_is_refused(service: LocalMessages, call: Client) -> None:
    service.faults.add(Fault("error", "GET", URN, status=403, code="EG.00014030", message="Forbidden"))
    refused = call.get(TRIGGERS)
    assert refused == (
        403,
        {"error_code": "EG.00014030", "error_msg": "Forbidden", "request_id": ANY},
    )
    assert call.get(TRIGGERS.replace(PROJECT, "0e" * 16))[0] == 404
