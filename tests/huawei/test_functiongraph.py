"""Events of both envelopes, the failure payload, the context: whatever comes in, nothing is lost or crashes."""

from __future__ import annotations

import copy
import json
import logging
from datetime import datetime, timezone
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from legible.errors import CredentialsError, EventError
from legible.huawei import functiongraph
from legible.huawei.context import Context, FunctionLog
from legible.model.documents import Ignored, ObjectRef, Order, Reason, Unreadable, Upload, WorkbookOrder
from tests.support.places import DATA

EVENTS = DATA / "events"


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


NAMES = st.sampled_from(["Records", "data", "obs", "s3", "object", "bucket", "key", "name", "events"])
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=12,
)


class TestUploads:
    def test_a_classic_event(self):
        (upload,) = functiongraph.uploads(event("classic"))
        assert upload == Upload(
            ObjectRef("legible-in", "passport/anna maria.png"),
            raw_key="passport/anna%20maria.png",
            etag="9d377b10ce778c4938b3c7e2c63a229a",
            version_id="",
            size=777835,
            at=datetime(2026, 11, 23, 7, 50, 50, 28000, tzinfo=timezone.utc),
        )

    def test_an_eventgrid_event(self):
        (upload,) = functiongraph.uploads(event("eventgrid"))
        assert upload.ref == ObjectRef("legible-in", "passport/anna.png")
        assert upload.version_id == ""
        assert upload.event_id == "b27e45b0c1d2"

    def test_a_real_version_is_kept(self):
        body = event("classic")
        body["Records"][0]["s3"]["object"]["versionId"] = "G001"
        assert functiongraph.uploads(body)[0].version_id == "G001"

    def test_all_records_in_their_order_and_a_bad_one_does_not_hide_the_others(self):
        body = event("classic")
        body["Records"] = [body["Records"][0], {"s3": {}}, "text", body["Records"][0]]
        kinds = [type(found) for found in functiongraph.uploads(body)]
        assert kinds == [Upload, Unreadable, Unreadable, Upload]

    @pytest.mark.parametrize("name", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
    @pytest.mark.parametrize("prefix", ["ObjectCreated:", "s3:ObjectCreated:", "OBS:DWR:ObjectCreated:"])
    def test_every_creation(self, prefix, name):
        body = event("classic")
        body["Records"][0]["eventName"] = prefix + name
        assert len(functiongraph.uploads(body)) == 1
        body["Records"][0]["eventName"] = (prefix + name).upper()
        assert len(functiongraph.uploads(body)) == 1

    @pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"])
    def test_what_is_no_creation_is_left_alone(self, name):
        body = event("classic")
        body["Records"][0]["eventName"] = name
        (found,) = functiongraph.uploads(body)
        assert isinstance(found, Ignored)
        assert found.reason.message == f"{name} is no creation."

    @pytest.mark.parametrize("name", ["ObjectCreated:AppendObject", "ObjectCreated", ""])
    def test_a_creation_nobody_named_yet_is_not_lost(self, name):
        body = event("classic")
        body["Records"][0]["eventName"] = name
        assert isinstance(functiongraph.uploads(body)[0], Upload)

    def test_a_time_that_is_none_or_has_no_zone(self):
        body = event("classic")
        for text, at in (
            ("yesterday", None),
            ("2026-11-23T07:50:50", datetime(2026, 11, 23, 7, 50, 50, tzinfo=timezone.utc)),
        ):
            body["Records"][0]["eventTime"] = text
            assert functiongraph.uploads(body)[0].at == at

    def test_wrapped_in_events_or_in_a_list_of_data(self):
        grid = event("eventgrid")
        assert len(functiongraph.uploads({"events": [grid, grid]})) == 2
        assert len(functiongraph.uploads({**grid, "data": [grid["data"], grid["data"]]})) == 2

    def test_without_any_wrapping(self):
        assert len(functiongraph.uploads(event("eventgrid")["data"])) == 1

    def test_as_text_or_bytes(self):
        text = json.dumps(event("classic"))
        assert (
            functiongraph.uploads(text)
            == functiongraph.uploads(text.encode())
            == functiongraph.uploads(event("classic"))
        )

    @pytest.mark.parametrize(
        "body",
        [None, "", "{", b"\xff", 3, [], {}, {"Records": []}, {"Records": "x"}, {"Records": None}, {"data": None},
         {"data": {"obs": {}}}, {"Records": [{"s3": {"bucket": {"name": 1}, "object": {"key": "a"}}}]},
         {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": ""}}}]}, {"hello": "world"}],
    )  # fmt: skip
    def test_what_cannot_be_read_says_what_was_found_and_what_is_expected(self, body):
        (found,) = functiongraph.uploads(body)
        assert isinstance(found, Unreadable)
        assert found.reason.message
        assert "Records[]" in found.reason.advice

    def test_a_key_with_half_a_character_is_unreadable(self):
        body = event("classic")
        body["Records"][0]["s3"]["object"]["key"] = "passport/\ud800.png"
        (found,) = functiongraph.uploads(body)
        assert "half a character" in found.reason.message

    def test_two_different_unreadable_events_are_two(self):
        first, second = functiongraph.uploads({"a": 1}), functiongraph.uploads({"a": 2})
        assert first[0].digest != second[0].digest

    @given(st.text(min_size=1).filter(lambda key: key.strip()))
    def test_a_key_survives_either_encoding(self, key):
        for encode in (quote, quote_plus):
            body = event("classic")
            try:
                body["Records"][0]["s3"]["object"]["key"] = encode(key)
            except UnicodeEncodeError:  # a lone surrogate is no key
                return
            assert functiongraph.uploads(body)[0].ref.key == key

    @given(SHAPES)
    def test_no_shape_of_event_crashes(self, body):
        for found in functiongraph.uploads(body):
            assert isinstance(found, (Upload, Unreadable, Ignored))


KEYS = st.text(min_size=1) | st.text('%+ /&?=#"\\é文\u0001\U0001f4c4.', min_size=1, max_size=1024)
UPLOADS = st.builds(
    Upload,
    ref=st.builds(ObjectRef, st.sampled_from(["legible-in", "b.c-d"]), KEYS),
    etag=st.sampled_from(["", "9d377b10ce778c4938b3c7e2c63a229a", "ab-12"]),
    version_id=st.sampled_from(["", "G001", "null1"]),
    size=st.none() | st.integers(0, 1 << 50),
    event_id=st.text("abc-0", max_size=5),
    at=st.none() | st.datetimes(timezones=st.just(timezone.utc)),
    hand=st.integers(0, 100),
)


class TestEventOf:
    @given(UPLOADS, st.sampled_from([str, quote, quote_plus]))
    def test_an_upload_survives_being_sent_whatever_its_key(self, upload, spell):
        """Given an upload as an event spelt it; a plain key is read decoded, as everywhere."""
        raw = spell(upload.ref.key)
        upload = replace(upload, raw_key=raw, ref=ObjectRef(upload.ref.bucket, unquote_plus(raw)))
        assert functiongraph.uploads(json.loads(json.dumps(functiongraph.event_of(upload)))) == [upload]

    @pytest.mark.parametrize("name", ["classic", "eventgrid"])
    def test_what_any_event_says_survives(self, name):
        (upload,) = functiongraph.uploads(event(name))
        assert functiongraph.uploads(functiongraph.event_of(upload)) == [upload]

    @given(UPLOADS)
    def test_a_key_that_no_event_spelt_is_kept(self, upload):
        for raw in ("", "another"):
            (found,) = functiongraph.uploads(functiongraph.event_of(replace(upload, raw_key=raw)))
            assert replace(found, raw_key="") == upload

    @pytest.mark.parametrize("letter", ["a", "%", " ", "\u0001", "é", "文", "\U0001f4c4"])
    def test_the_longest_key_fits_into_an_asynchronous_call_many_times(self, letter):
        key = letter * (1024 // len(letter.encode()))
        for raw in ("", key, quote(key)):
            made = functiongraph.event_of(Upload(ObjectRef("b" * 63, key), raw_key=raw, hand=99))
            assert len(json.dumps(made)) < 10_000 < 256 * 1024 // 20

    @pytest.mark.parametrize(
        "said", [None, -1, 1.0, "1", True, [], {}, {"hand": None}, {"hand": -1}, {"hand": 1.5}, {"hand": "2"},
                 {"hand": True}, {"hands": 2}],
    )  # fmt: skip
    def test_what_is_no_count_of_hands_is_none(self, said):
        body = event("classic")
        body["Records"][0]["legible"] = said
        assert functiongraph.uploads(body)[0].hand == 0

    def test_the_hand_is_still_known_when_the_platform_gives_up(self):
        (upload,) = functiongraph.uploads(event("classic"))
        for spell in (json.dumps, dict):
            payload = {**event("failure"), "request_payload": spell(functiongraph.event_of(replace(upload, hand=7)))}
            assert functiongraph.failure(payload)[0] == [replace(upload, hand=7)]


class TestEventsOf:
    """Uploads in as few events as an asynchronous call carries."""

    @given(st.lists(UPLOADS, max_size=3))
    def test_uploads_survive_in_their_order(self, uploads):
        uploads = [replace(upload, raw_key=quote_plus(upload.ref.key)) for upload in uploads]
        read = [functiongraph.uploads(json.loads(json.dumps(event))) for event in functiongraph.events_of(uploads)]
        assert sum(read, []) == uploads

    def test_of_no_uploads_there_is_no_event(self):
        assert list(functiongraph.events_of([])) == []

    @pytest.mark.parametrize("given_up", [None, Reason("platform-gave-up", "x" * 500, "y" * 500)])
    def test_no_event_is_larger_than_a_call_carries_and_none_is_nearly_empty(self, given_up):
        order = Order("general-text", {"language": "文" * 200})
        uploads = [Upload(ObjectRef("b" * 63, f"{n}" + "文" * 300), order=order) for n in range(300)]
        events = list(functiongraph.events_of(uploads, given_up))
        sizes = [len(json.dumps(event)) for event in events]
        assert max(sizes) <= 256 * 1024
        assert min(sizes[:-1]) > 200_000

    def test_what_the_platform_gave_up_is_read_back_with_its_reason(self):
        """Given an upload, a part that could not be read, and a removal."""
        reason = Reason("platform-gave-up", "gave up", "do", "FSS.1", "r-1")
        arrivals = [
            Upload(ObjectRef("b", "a b"), raw_key="a+b", hand=2, again="o#3"),
            Unreadable(Reason("event-unreadable", "?"), "0f" * 12),
        ]
        removed = Ignored(ObjectRef("b", "a +%"), Reason("not-a-creation", "ObjectRemoved:Delete is no creation."))
        (event,) = functiongraph.events_of([*arrivals, removed], reason)
        assert functiongraph.failure(json.loads(json.dumps(event))) == ([*arrivals, removed], reason)

    def test_a_reason_that_cannot_be_read_is_none(self):
        (event,) = functiongraph.events_of([Upload(ObjectRef("b", "a"))], Reason("c", "m"))
        event["legible"] = {"reason": 3}
        assert functiongraph.failure(event)[1].code == "platform-gave-up"


class TestFailure:
    def payload(self, **values):
        return {**event("failure"), **values}

    @pytest.mark.parametrize("wrap", [lambda body: body, json.dumps])
    def test_the_event_that_was_given_up_and_why(self, wrap):
        uploads, reason = functiongraph.failure(self.payload(request_payload=wrap(event("classic"))))
        assert uploads == functiongraph.uploads(event("classic"))
        assert reason.code == "platform-gave-up"
        assert "after 4 calls" in reason.message
        assert "must be tried again" in reason.message

    def test_a_payload_of_another_shape_is_not_lost(self):
        for payload in (None, "x", {}, {"request_context": 3}):
            uploads, reason = functiongraph.failure(payload)
            assert isinstance(uploads[0], Unreadable)
            assert "an unknown number of calls" in reason.message

    def test_two_failures_without_a_payload_are_two_and_a_text_is_read(self):
        first = functiongraph.failure(self.payload(timestamp="1"))[0][0]
        second = functiongraph.failure(json.dumps(self.payload(timestamp="2")))[0][0]
        assert first.digest != second.digest
        assert isinstance(functiongraph.failure("no JSON")[0][0], Unreadable)

    def test_settings_that_were_wrong_are_told_as_what_they_are(self):
        answer = {"errorMessage": "legible.toml: default is 3.", "errorType": "SettingsError"}
        _, reason = functiongraph.failure(self.payload(response_payload=answer))
        assert (reason.code, reason.message) == ("setting", "The settings are wrong: legible.toml: default is 3.")

    def test_of_what_on_failure_failed_at_the_uploads_of_the_first_event_are_found(self):
        first = self.payload(request_payload=event("classic"))
        second = self.payload(request_payload=first)
        for kept in (first, second, self.payload(request_payload=json.dumps(first))):
            assert functiongraph.abandoned(json.dumps(kept).encode()) == functiongraph.uploads(event("classic"))

    @pytest.mark.parametrize("kept", [b"", b"no JSON", b"\xff", b"3", b'{"request_payload": "no JSON"}'])
    def test_what_was_kept_and_is_no_event_is_not_lost(self, kept):
        (found,) = functiongraph.abandoned(kept)
        assert isinstance(found, Unreadable)

    def test_status_code_is_read_in_both_spellings(self):
        for name in ("status_code", "statusCode"):
            _, reason = functiongraph.failure(self.payload(response_context={name: 503}, response_payload=None))
            assert "status 503" in reason.message

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"errorMessage": "no memory", "errorType": "x", "stackTrace": ["a"]}, "no memory"),
            ('{"errorMessage": "no memory"}', "no memory"),
            ("the instance ended", "the instance ended"),
            ("{ no JSON", "{ no JSON"),
            ({"code": 7}, '{"code": 7}'),
            ([3], "[3]"),
            (None, "no message"),
            ({}, "no message"),
        ],
    )
    def test_what_the_call_answered_is_told_whatever_its_shape(self, answer, message):
        _, reason = functiongraph.failure(self.payload(response_payload=answer))
        assert reason.message.endswith(f": {message}")

    def test_the_message_of_the_function_is_redacted(self):
        said = {"errorMessage": "GET https://b.obs.example/a?Signature=canary failed"}
        _, reason = functiongraph.failure(self.payload(response_payload=said))
        assert "canary" not in reason.message


class TestTimed:
    ORDER = WorkbookOrder("daily", prefix="a/", day="yesterday")
    RANG = datetime(2026, 11, 23, 0, 20, tzinfo=timezone.utc)

    def test_an_order_survives_being_sent(self):
        event = functiongraph.timer_event(self.ORDER, self.RANG)
        assert functiongraph.timed(json.loads(json.dumps(event))) == (self.ORDER, self.RANG)

    def test_a_timer_that_does_not_say_when_it_rang(self):
        event = {**functiongraph.timer_event(self.ORDER, self.RANG), "time": "soon"}
        assert functiongraph.timed(event) == (self.ORDER, None)

    @pytest.mark.parametrize(
        ("event", "why"),
        [
            (None, "it has no user_event"),
            ({"user_event": ""}, "it has no user_event"),
            ({"user_event": "{"}, "The event is not JSON"),
            ({"user_event": "{}"}, "missing required field `workbook`"),
            ({"user_event": '{"workbook": "daily", "days": 3}'}, "unknown field"),
            ({"user_event": ["daily"]}, "Expected `object`, got `array`"),
        ],
    )
    def test_what_orders_nothing_says_why(self, event, why):
        with pytest.raises(EventError, match=why):
            functiongraph.timed(event)


class Raw:
    """The platform's context, as far as a test needs it."""

    def __init__(self, **values):
        self.values = values

    def getRequestID(self):
        return self.values.get("request", "r-1")

    def getUserData(self, name):
        return self.values.get(name)

    def getSecurityAccessKey(self):
        return self.values.get("ak", "AK")

    def getSecuritySecretKey(self):
        return self.values.get("sk", "SK")

    def getSecurityToken(self):
        return self.values.get("token", "TOKEN")

    def getRunningTimeInSeconds(self):
        return 90


class TestContext:
    def test_keys_are_read_at_every_call(self):
        raw = Raw()
        context = Context(raw)
        assert context.credentials().access_key == "AK"
        raw.values["ak"] = "NEW"
        assert context.credentials().access_key == "NEW"

    @pytest.mark.parametrize("missing", ["ak", "sk", "token"])
    def test_an_agency_that_is_missing_is_said_with_what_to_do(self, missing):
        with pytest.raises(CredentialsError, match="Attach an agency to op_svc_cff"):
            Context(Raw(**{missing: ""})).credentials()

    def test_keys_are_never_shown(self):
        shown = repr(Context(Raw(sk="canary")).credentials())
        assert "canary" not in shown

    def test_a_runtime_without_the_newer_methods(self):
        context = Context(Raw())
        assert 60 < context.remaining() <= 90
        assert context.project_id == ""
        assert context.variable("LEGIBLE_REGION") is None
        bare = Context(object())
        assert 30 < bare.remaining() <= 60
        assert bare.request_id

    def test_two_deliveries_of_one_request_are_two_owners(self):
        assert Context(Raw()).owner != Context(Raw()).owner
        assert Context(Raw(request="../../x")).owner.startswith("x-")


class Named(Raw):
    """A context that says what the function is called."""

    def getFunctionName(self):
        return self.values.get("name", "legible-f")

    def getProjectID(self):
        return self.values.get("project", "0f")

    def getPackage(self):
        return self.values.get("package", "papers")

    def getVersion(self):
        return self.values.get("version", "v3")

    def getAlias(self):
        return self.values.get("alias", "")


class TestUrn:
    @pytest.mark.parametrize(
        ("values", "urn"),
        [
            ({}, "urn:fss:cn-north-4:0f:function:papers:legible-f:v3"),
            ({"version": ""}, "urn:fss:cn-north-4:0f:function:papers:legible-f:latest"),
            ({"version": None}, "urn:fss:cn-north-4:0f:function:papers:legible-f:latest"),
            ({"package": ""}, "urn:fss:cn-north-4:0f:function:default:legible-f:v3"),
            ({"alias": "live"}, "urn:fss:cn-north-4:0f:function:papers:legible-f:!live"),
            ({"alias": "!live"}, "urn:fss:cn-north-4:0f:function:papers:legible-f:!live"),
            ({"name": ""}, ""),
            ({"name": None}, ""),
            ({"project": ""}, ""),
        ],
    )
    def test_what_the_function_is_called(self, values, urn):
        assert Context(Named(**values)).urn("cn-north-4") == urn

    def test_a_runtime_that_does_not_say(self):
        assert Context(Raw()).urn("cn-north-4") == ""


class TestLog:
    def lines(self, caplog, level="INFO"):
        logger = logging.getLogger("test-legible")
        caplog.set_level(logging.DEBUG, logger="test-legible")
        return FunctionLog(logger, level, "r-1")

    def test_one_line_of_json_an_event(self, caplog):
        self.lines(caplog)("document", key="a b.png", status="done")
        assert json.loads(caplog.messages[0]) == {
            "event": "document", "key": "a b.png", "status": "done", "request": "r-1"
        }  # fmt: skip

    def test_levels(self, caplog):
        log = self.lines(caplog, "WARNING")
        log("document", key="a")
        log("retry", key="a")
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    def test_secrets_are_removed_and_long_lines_are_kept(self, caplog):
        self.lines(caplog)("retry", message="x " * 600 + "https://b/a?Signature=canary end")
        assert "canary" not in caplog.messages[0]
        assert caplog.messages[0].count("x ") == 600
        assert "end" in caplog.messages[0]

    def test_without_a_platform_logger(self):
        assert Context(Raw()).log("INFO") is not None
        assert copy.copy(event("classic"))
