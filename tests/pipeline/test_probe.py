"""What a look at a deployment finds without paying: what works, what does not and what to do, or that nobody knows."""

from __future__ import annotations

import pytest

from legible.errors import (
    AnswerUnknownError,
    HeldError,
    RejectedError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.model.documents import ObjectRef
from legible.operations import catalog
from legible.ports import Site
from legible.recognition import probe
from legible.recognition.probe import HealthCheck
from tests.support.fakes import MemoryStore, ScriptedOcr
from tests.support.rig import IN, OUT

TEXT = catalog.find("general-text")
URL = "https://legible-in.obs.example/missing"


def unnoted(slug: str) -> None:
    """Take no note of a probe."""


class TestBuckets:
    def test_that_can_be_listed_are_fine(self):
        assert probe.buckets(Site(MemoryStore(), IN, OUT)) == [
            HealthCheck("input-bucket", "ok", f"{IN} can be listed."),
            HealthCheck("output-bucket", "ok", f"{OUT} can be listed."),
        ]

    @pytest.mark.parametrize(
        ("error", "status"),
        [(HeldError("403", advice="Permit it."), "failed"), (UnavailableError("503", advice="Later."), "unknown")],
    )
    def test_of_one_that_cannot_why_and_what_to_do(self, error, status):
        store = MemoryStore()

        def fail(verb, ref):
            if ref == ObjectRef(OUT, ""):
                raise error

        store.fail = fail
        first, second = probe.buckets(Site(store, IN, OUT))
        assert first.status == "ok"
        assert second == HealthCheck("output-bucket", status, error.message, error.advice)


class TestSubscription:
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (HeldError("not bought", advice="Buy it."), "failed"),
            (ThrottledError("slow", advice="Later."), "unknown"),
            (AnswerUnknownError("no answer", advice="Look."), "unknown"),
        ],
    )
    def test_what_stands_in_its_way_is_told_with_what_to_do(self, error, status):
        check = probe.subscription(ScriptedOcr(error), TEXT, unnoted)
        assert check == HealthCheck("subscription general-text", status, error.message, error.advice)

    @pytest.mark.parametrize("error", [RejectedError("no image"), SourceUnreadableError("no such URL")])
    def test_a_refusal_of_the_bytes_is_as_good_as_an_answer(self, error):
        check = probe.subscription(ScriptedOcr(error), TEXT, unnoted)
        assert check == HealthCheck("subscription general-text", "ok", "general-text may be called.")

    def test_an_answer_says_so(self):
        check = probe.subscription(ScriptedOcr({}), TEXT, unnoted)
        assert check == HealthCheck("subscription general-text", "ok", "general-text may be called.")

    @pytest.mark.parametrize("inline", [True, False])
    def test_it_is_asked_with_what_is_no_image(self, inline):
        ocr = ScriptedOcr(RejectedError("no image"))
        operation = next(one for one in catalog.OPERATIONS.values() if bool(one.inline) == inline)
        probe.subscription(ocr, operation, unnoted)
        ((slug, options, sent),) = ocr.calls
        assert (slug, options) == (operation.slug, {})
        assert (sent.source, sent.body) == ("inline", b"\x00") if inline else (sent.source == "url" and sent.url)


class Timed(ScriptedOcr):
    """A service that remembers how long it was given."""

    def recognize(self, operation, options, picture, seconds):
        self.seconds = seconds
        return super().recognize(operation, options, picture, seconds)


def test_a_look_takes_ten_seconds_at_most():
    for look in (
        lambda ocr: probe.subscription(ocr, TEXT, unnoted),
        lambda ocr: probe.authorization(ocr, TEXT, URL, unnoted),
    ):
        ocr = Timed({})
        look(ocr)
        assert ocr.seconds == 10


class TestAuthorization:
    def check(self, error) -> HealthCheck:
        ocr = ScriptedOcr(error)
        check = probe.authorization(ocr, TEXT, URL, unnoted)
        ((_, _, sent),) = ocr.calls
        assert (sent.source, sent.url, check.name) == ("url", URL, "obs-authorization")
        return check

    def test_a_service_that_missed_the_object_may_read_the_bucket(self):
        check = self.check(RejectedError("gone", code="object-gone"))
        assert (check.status, check.advice) == ("ok", "")
        assert "looked for an object" in check.message

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (SourceUnreadableError("agency", vendor_code="ModelArts.4702", advice="Authorize it."), "failed"),
            (SourceUnreadableError("URL", vendor_code="ModelArts.4704", advice="Look."), "unknown"),
            (RejectedError("other", code="image-refused", advice="Try."), "unknown"),
            (HeldError("not bought", advice="Buy it."), "unknown"),
            (UnavailableError("503", advice="Later."), "unknown"),
        ],
    )
    def test_else_what_was_said_is_told_with_what_to_do(self, error, status):
        check = self.check(error)
        assert (check.status, check.message, check.advice) == (status, error.message, error.advice)

    def test_an_answer_proves_nothing(self):
        check = self.check({})
        assert check.status == "unknown"
        assert "not there" in check.message


@pytest.mark.parametrize("error", [RejectedError("no image"), HeldError("not bought")])
def test_each_look_is_noted_before_its_call(error):
    order: list[str] = []

    class Ocr(ScriptedOcr):
        def recognize(self, *values):
            order.append("called")
            return super().recognize(*values)

    probe.subscription(Ocr(error), TEXT, order.append)
    probe.authorization(Ocr(error), TEXT, URL, order.append)
    assert order == ["general-text", "called"] * 2
