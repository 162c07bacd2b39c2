"""Errors: foreign text is redacted, every error code has one meaning, every class its consequence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible import errors
from legible.errors import (
    HeldError,
    PendingError,
    RejectedError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
    redact,
)
from legible.huawei import faults
from legible.model.documents import Reason
from tests.support.places import ROOT


def classes(base=errors.LegibleError):
    return [base, *(deeper for child in base.__subclasses__() for deeper in classes(child))]


def ours():
    return [kind for kind in classes() if kind.__module__ == "legible.errors"]


class TestRedact:
    @pytest.mark.parametrize(
        "text",
        [
            "download failed: https://b.obs.example/a.png?AccessKeyId=canary&Signature=canary",
            "GET http://b/a?x-obs-security-token=canary",
            "x-security-token: canary", "X-Auth-Token=canary", "secret_key = 'canary'", "SecretAccessKey=canary",
            "AccessKeyId: canary", '{"signature": "canary"}', "Authorization: canary", "password=canary",
        ],
    )  # fmt: skip
    def test_secrets_are_removed(self, text):
        assert "canary" not in redact(text)

    def test_known_secrets_are_removed_wherever_they_stand(self):
        assert redact("was AKIDcanary not known", ("AKIDcanary", "")) == "was [removed] not known"

    def test_the_path_of_a_url_stays(self):
        assert "https://b.obs.example/a.png?[removed]" in redact("see https://b.obs.example/a.png?x=1")

    def test_long_text_is_cut_visibly(self):
        assert len(redact("x " * 900)) == 500
        assert redact("x " * 900).endswith("…")

    @given(st.text(alphabet=st.characters(whitelist_categories=["L", "N"]), min_size=8), st.text(max_size=50))
    def test_a_canary_never_survives(self, canary, around):
        url = f"{around} https://host/path?Signature={canary} {around}"
        assert canary not in redact(url, (canary,))


class TestTree:
    def test_the_docstring_draws_every_class(self):
        drawn = set(re.findall(r"\b(\w+Error)\b", errors.__doc__ or ""))
        assert drawn == {kind.__name__ for kind in ours()}

    def test_every_class_knows_its_consequence(self):
        for kind in ours():
            assert kind.code
            assert 200 <= kind.http_status < 600
            assert not (kind.retryable and kind.status)

    def test_what_passes_by_itself_is_decided_by_the_class(self):
        """Whether a document waits for another try: for all that the platform is to try again but a defect of ours."""
        waiting = {"RetryableError", "BusyError", "ThrottledError", "UnavailableError", "OutOfTimeError"}
        waiting |= {"CredentialsError", "PendingError", "OutlastedError"}
        assert {kind.__name__ for kind in ours() if kind.passes} == waiting
        for kind in ours():
            assert errors.passing(kind.__name__) == kind.passes
            assert bool(Reason.of(kind("x")).passes) == kind.passes

    @pytest.mark.parametrize("name", ["", "None", "ValueError", "re", "redact", "MemoryError", "age"])
    def test_what_is_no_error_of_ours_does_not_pass(self, name):
        assert not errors.passing(name)

    def test_an_error_shows_what_was_found_and_what_to_do(self):
        assert str(RejectedError("It is cut.", advice="Upload it again.")) == "It is cut. Upload it again."


#: The retry column of the vendor's error table, as this project decides it.
DECISIONS = {
    RejectedError: "AIS.0101 AIS.0102 AIS.0103 AIS.0104 AIS.0105 AIS.0117 AIS.0119 AIS.0120 AIS.0121 AIS.0122 "
    "ModelArts.4104 ModelArts.4105 ModelArts.4705 ModelArts.4706 APIG.0106",
    HeldError: "ModelArts.0212 ModelArts.4201 ModelArts.4202 ModelArts.4503 ModelArts.4504 ModelArts.4506 "
    "ModelArts.4601 APIG.0101",
    PendingError: "AIS.0118 ModelArts.4106 ModelArts.4203 ModelArts.4204 ModelArts.6201",
    UnavailableError: "ModelArts.0203 ModelArts.4101 ModelArts.4102 ModelArts.4103 ModelArts.4107 ModelArts.4301 "
    "ModelArts.4302 ModelArts.4402 ModelArts.4403 ModelArts.4502 ModelArts.4505 ModelArts.4508 APIG.0201 APIG.0301 "
    "APIG.0307",
    ThrottledError: "ModelArts.4401 APIG.0308",
    SourceUnreadableError: "ModelArts.4603 ModelArts.4702 ModelArts.4703 ModelArts.4704",
}


class TestFaults:
    @pytest.mark.parametrize(
        ("code", "kind"), [(code, kind) for kind, codes in DECISIONS.items() for code in codes.split()]
    )
    def test_each_documented_code_leads_to_one_decision(self, code, kind):
        error = faults.error(400, code, "said", "r-1")
        assert type(error) is kind
        assert error.vendor_code == code
        assert error.request_id == "r-1"
        assert error.advice

    def test_each_documented_code_passes_by_itself_or_does_not(self):
        """Given all codes of the table: those for which a document waits, and no other."""
        passes = {code for code in faults.FAULTS if faults.error(400, code, "", "").passes}
        kinds = (UnavailableError, ThrottledError, PendingError)
        assert passes == {code for kind in kinds for code in DECISIONS[kind].split()}

    def test_no_code_is_left_out(self):
        assert set(faults.FAULTS) == {code for codes in DECISIONS.values() for code in codes.split()}

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(302, UnavailableError), (400, RejectedError), (401, UnavailableError), (403, PendingError), (404, HeldError),
         (408, UnavailableError), (429, ThrottledError), (500, UnavailableError), (503, UnavailableError)],
    )  # fmt: skip
    def test_an_unknown_code_is_judged_by_its_status(self, status, kind):
        error = faults.error(status, "New.0001", "", "")
        assert type(error) is kind

    def test_the_services_text_is_redacted(self):
        error = faults.error(400, "ModelArts.4704", "https://b/a?Signature=canary", "", ("canary",))
        assert "canary" not in str(error)


def test_nothing_of_the_unwanted_is_in_the_source():
    """Words this house does not use, and marks of unfinished work."""
    source = ROOT / "shared" / "legible"
    for file in source.rglob("*.py"):
        names = re.findall(r"^\s*(?:def|class) (\w+)", file.read_text("utf-8"), re.M)
        for name in names:
            assert not re.search(r"(?i)processor|manager|helper|util|misc", name), (file, name)
