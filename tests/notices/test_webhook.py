"""Webhooks: signed so that other people's libraries believe them, and never led astray."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from legible.errors import HeldError, RejectedError, SettingsError, UnavailableError
from legible.model.documents import ObjectRef
from legible.model.notices import Ending, Notice
from legible.notices.webhook import WebhookNotifier, secret_of, signature
from legible.outbound import Addresses
from legible.ports import utc_now
from localcloud.web import Server, read_body, read_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOTICE = Notice(
    id="0123456789abcdef",
    source="/legible/cn-north-4/legible-in",
    type="legible.document.done",
    subject="passport/护照.png",
    time=datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc),
    data=Ending(
        bucket="legible-in", key="passport/护照.png", version="v", operation="passport", status="done", pages=1,
        record=ObjectRef("legible-out", "answers/passport/护照.png/v/record.json"), revision=0,
    ),
)  # fmt: skip


class Site:
    """A receiver that answers with one status and remembers what it got."""

    def __init__(self) -> None:
        self.status, self.headers = "200 OK", list[tuple[str, str]]()
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.server = Server(self)

    def __call__(self, environ, start_response):
        self.got.append((environ["RAW_URI"], read_headers(environ), read_body(environ)))
        start_response(self.status, self.headers)
        return [b"x" * 100_000]

    def notifier(self, path: str = "/hook", secret: str = SECRET) -> WebhookNotifier:
        url = f"http://127.0.0.1:{self.server.port}{path}"
        return WebhookNotifier(url, secret_of(secret, "SECRET"), Addresses(("127.0.0.1",)), utc_now)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.stop()


def test_the_specifications_own_example():
    found = signature(secret_of(SECRET, "S"), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_library_that_is_not_ours_verifies_it(site):
    site.notifier("/hook?a=b").send(NOTICE, 5)
    ((uri, headers, body),) = site.got
    assert uri == "/hook?a=b"
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == NOTICE.id
    assert Verifier(SECRET).verify(body, headers)["subject"] == "passport/护照.png"
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body.replace(b"done", b"dead"), headers)
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + base64.b64encode(b"another secret, as long").decode()).verify(body, headers)


def test_what_is_sent_again_has_its_id_and_a_new_signature(site):
    at = iter([datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc), datetime(2026, 11, 23, 9, 5, tzinfo=timezone.utc)])
    url = f"http://127.0.0.1:{site.server.port}/"
    notifier = WebhookNotifier(url, secret_of(SECRET, "S"), Addresses(("127.0.0.1",)), lambda: next(at))
    notifier.send(NOTICE, 5)
    notifier.send(NOTICE, 5)
    (_, first, body), (_, second, again) = site.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert first["webhook-timestamp"] == "1795424400"
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content"])
def test_every_2xx_is_a_success(site, status):
    """One request, and the notice in it is the whole notice: nothing is sent again, nothing raised."""
    site.status = status
    site.notifier().send(NOTICE, 5)
    ((path, headers, body),) = site.got
    assert (path, headers["webhook-id"]) == ("/hook", NOTICE.id)
    assert json.loads(body)["data"]["status"] == "done"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("301 Moved", HeldError, "redirected"),
        ("307 Temporary Redirect", HeldError, "redirected"),
        ("400 Bad", UnavailableError, "receiver-failed"),
        ("401 Unauthorized", HeldError, "receiver-refused"),
        ("403 Forbidden", HeldError, "receiver-refused"),
        ("404 Not Found", HeldError, "receiver-refused"),
        ("410 Gone", RejectedError, "receiver-gone"),
        ("429 Too Many", UnavailableError, "receiver-failed"),
        ("500 Broken", UnavailableError, "receiver-failed"),
    ],
)
def test_anything_else_has_its_consequence_and_shows_no_path(site, status, kind, code):
    site.status, site.headers = status, [("Location", f"http://127.0.0.1:{site.server.port}/elsewhere")]
    with pytest.raises(kind, match=f"127.0.0.1 answers {status[:3]}") as caught:
        site.notifier("/canary-path?key=canary-key").send(NOTICE, 5)
    assert type(caught.value) is kind
    assert caught.value.reason_code == code
    assert "canary" not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert len(site.got) == 1


def test_an_address_inside_is_never_posted_to():
    notifier = WebhookNotifier("https://10.0.0.1/canary", secret_of(SECRET, "S"), Addresses(), utc_now)
    with pytest.raises(HeldError, match="not public") as caught:
        notifier.send(NOTICE, 1)
    assert caught.value.reason_code == "address-refused"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("size", [24, 32, 64])
@pytest.mark.parametrize("prefix", ["", "whsec_"])
def test_secrets_that_are_taken(size, prefix):
    assert secret_of(f" {prefix}{base64.b64encode(b'a' * size).decode()}\n", "S") == b"a" * size


@pytest.mark.parametrize(
    "text", ["", "canary", "whsec_", "whsec_canary!", "Zm9v", base64.b64encode(b"canary" * 11).decode(), "cänary" * 9]
)
def test_what_is_no_secret_is_refused_and_not_quoted(text):
    with pytest.raises(SettingsError, match="LEGIBLE_HOOK does not hold the secret") as caught:
        secret_of(text, "LEGIBLE_HOOK")
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"
    assert len(text) < 9 or text not in str(caught.value)


def test_the_envelope_on_the_wire(site):
    site.notifier().send(NOTICE, 5)
    assert json.loads(site.got[0][2])["specversion"] == "1.0"
