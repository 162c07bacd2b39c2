"""Notices at their edges: a notice is kept before it is removed, secrets are as long as the specification says."""

from __future__ import annotations

import base64
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from legible.errors import AppendConflictError, HeldError, LegibleError, RejectedError, SettingsError, UnavailableError
from legible.model.documents import ObjectRef
from legible.model.records import Field, Record
from legible.notices.notice import MOST_BYTES, EndLine, identity, notice
from legible.notices.outbox import LADDER, Outbox, OutboxEntry
from legible.notices.targets import EventGrid, Smn, Target, TargetName, Webhook
from legible.notices.webhook import WebhookNotifier, secret_of
from legible.outbound import Addresses
from legible.outbound.addresses import FetchReply
from tests.support.fakes import START, Receiver
from tests.support.rig import OUT, Rig

KEY = "passport/anna.png"


def down() -> None:
    raise UnavailableError("The receiver hooks.example answers 500.", code="receiver-failed")


def waiting(rig: Rig) -> list[str]:
    return rig.store.keys(OUT, "notices/outbox/")


def test_a_document_of_which_nobody_wants_to_know_says_nothing_of_notices():
    rig = Rig()
    rig.notices().send([])
    assert rig.log.lines == []


@pytest.fixture
def rig():
    """A document has ended, and the target that wants to know of it is down."""
    rig = Rig()
    receiver = Receiver()
    receiver.fail = down
    rig.targets = {"desk": Webhook(url="https://hooks.example/", secret="SECRET")}
    rig.notifiers = {"desk": receiver}
    rig.run(rig.upload(KEY))
    return rig


class TestKeptBeforeRemoved:
    def test_a_notice_that_cannot_be_kept_for_later_stays_where_it_is(self, rig):
        # given
        before = waiting(rig)
        assert len(before) == 1

        def refuse(verb, ref):
            if verb == "write" and ref not in rig.store.objects:
                raise UnavailableError("503")

        rig.store.fail = refuse
        rig.clock.pause(LADDER[0] + 1)

        # when
        rig.notices().walk()

        # then it is tried again from there
        assert waiting(rig) == before
        rig.store.fail = lambda verb, ref: None
        rig.notifiers["desk"].fail = lambda: None
        assert rig.notices().walk().sent == 1

    def test_a_walk_that_is_killed_in_between_leaves_it_twice_under_one_id(self, rig):
        # given
        (before,) = waiting(rig)

        def kill(verb, ref):
            if verb == "write" and ref.key.startswith("notices/outbox/"):
                raise KeyboardInterrupt

        rig.store.after = kill
        rig.clock.pause(LADDER[0] + 1)

        # when
        with pytest.raises(KeyboardInterrupt):
            rig.notices().walk()
        rig.store.after = lambda verb, ref: None

        # then
        assert before in waiting(rig)
        notices = {rig.store.json(OUT, key)["notice"]["id"] for key in waiting(rig)}
        assert (len(waiting(rig)), len(notices)) == (2, 1)


class TestSecrets:
    @pytest.mark.parametrize("size", [0, 1, 16, 23, 65, 128])
    def test_what_is_shorter_or_longer_than_the_specification_says_is_refused(self, size):
        with pytest.raises(SettingsError, match="does not hold the secret"):
            secret_of(base64.b64encode(b"a" * size).decode(), "LEGIBLE_HOOK")

    @pytest.mark.parametrize("size", [24, 25, 63, 64])
    def test_what_is_as_long_is_taken(self, size):
        assert secret_of(base64.b64encode(b"a" * size).decode(), "LEGIBLE_HOOK") == b"a" * size

    @pytest.mark.parametrize("text", ["cänary" * 9, "whsec_" + "!" * 24 + base64.b64encode(b"a" * 24).decode()])
    def test_what_is_not_base64_throughout_is_none_and_the_advice_says_what_is(self, text):
        with pytest.raises(SettingsError) as caught:
            secret_of(text, "LEGIBLE_HOOK")
        assert "24 to 64 random bytes in Base64" in caught.value.advice


class TestTheEnvelope:
    def record(self, rig: Rig) -> Record:
        return msgspec.convert(rig.record(KEY), type=Record)

    def test_an_id_has_32_digits_for_one_end_and_one_target(self, rig):
        told = identity(self.record(rig), EndLine("owner", 3), "desk")
        assert len(told) == 32
        assert int(told, 16) >= 0
        assert identity(self.record(rig), EndLine(), "desk") == identity(self.record(rig), EndLine("", 0), "desk")

    def test_values_are_taken_as_long_as_there_is_room_to_the_last_byte(self, rig):
        """Given values that fill 32 KB exactly, and one byte more."""
        assert MOST_BYTES == 32 * 1024

        def told(size: int) -> Any:
            values = [Field("a", "A", "x" * 1000), Field("b", "B", "x" * size), Field("c", "C", "x")]
            return notice("/s", OUT, self.record(rig), EndLine("o", 1), "desk", values[:2]).data

        first = len(msgspec.json.encode(told(0).fields[0]))
        empty = len(msgspec.json.encode(told(0).fields[1]))
        fits = told(MOST_BYTES - first - empty)
        assert (len(fits.fields), fits.fields_cut) == (2, False)
        over = told(MOST_BYTES - first - empty + 1)
        assert (len(over.fields), over.fields_cut) == (1, True)
        assert isinstance(over.fields, tuple)


class TestPatience:
    """How long a document's end and a walk wait for whoever is told."""

    def told(self, rig: Rig) -> list[float]:
        seconds: list[float] = []

        class Timed(Receiver):
            def send(self, notice, left):
                seconds.append(left)
                super().send(notice, left)

        receiver = Timed()
        receiver.fail = down
        rig.notifiers = {"desk": receiver}
        return seconds

    @pytest.mark.parametrize(("left", "waits"), [(60, [3]), (5, [3]), (4, [2]), (2.5, [0.5]), (2, []), (1, [])])
    def test_an_end_waits_three_seconds_or_what_is_left_but_two(self, rig, left, waits):
        kept = rig.notices().keep(msgspec.convert(rig.record(KEY), type=Record), NOTHING, EndLine("o", 1))
        seconds = self.told(rig)
        rig.seconds = left
        rig.notices().send(kept)
        assert seconds == waits

    @pytest.mark.parametrize(("takes", "sent"), [(10, 5), (20, 3), (20.5, 2)])
    def test_a_walk_gives_each_ten_seconds_and_begins_none_after_forty(self, rig, takes, sent):
        # given eight more notices that wait
        for number in range(8):
            rig.run(rig.upload(f"passport/{number}.png"))
        rig.clock.pause(LADDER[0])
        seconds = self.told(rig)
        rig.notifiers["desk"].fail = lambda: rig.clock.pause(takes)
        rig.seconds = 300

        # when
        report = rig.notices().walk()

        # then the timer's next walk, a minute later, finds this one over
        assert seconds == [10] * sent
        assert (report.sent, report.left) == (sent, 9 - sent)

    @pytest.mark.parametrize(("left", "sent"), [(12, 1), (11.9, 0)])
    def test_a_walk_begins_nothing_that_it_cannot_end(self, rig, left, sent):
        rig.clock.pause(LADDER[0])
        self.told(rig)
        rig.notifiers["desk"].fail = lambda: None
        rig.seconds = left
        assert rig.notices().walk().sent == sent


class Nothing:
    fields = tables = text = checks = ()


NOTHING: Any = Nothing()


class TestNothingIsSilent:
    def events(self, rig: Rig, event: str) -> list[dict[str, Any]]:
        return [line for line in rig.log.lines if line["event"] == event]

    def test_a_notice_without_a_line_is_void_and_says_why(self, rig):
        # given a notice that was kept for an end that never came
        rig.notices().keep(msgspec.convert(rig.record(KEY), type=Record), NOTHING, EndLine("nobody", 9))
        rig.notifiers["desk"].fail = lambda: None
        rig.clock.pause(3599)
        assert rig.notices().walk().void == 0
        rig.clock.pause(1)

        # when, an hour after it was kept
        assert rig.notices().walk().void == 1

        # then
        (told,) = self.events(rig, "notice-void")
        assert (told["reason"], told["key"]) == ("void", KEY)
        assert "did not end with this line" in told["message"]
        assert "another end" in told["message"]

    def test_a_notice_that_was_sent_has_no_fault_in_the_log(self, rig):
        rig.notifiers["desk"].fail = lambda: None
        rig.clock.pause(LADDER[0])
        rig.notices().walk()
        (told,) = self.events(rig, "notice-sent")
        assert "message" not in told
        assert told["key"] == KEY

    def test_an_outbox_that_cannot_be_changed_is_told(self, rig):
        (place,) = waiting(rig)

        def refuse(verb, ref):
            if verb == "write" and ref.key.startswith("notices/outbox/"):
                raise UnavailableError("503")

        rig.store.fail = refuse
        rig.clock.pause(LADDER[0])
        rig.notices().walk()
        (told,) = self.events(rig, "notice-not-kept")
        assert told == {
            "event": "notice-not-kept",
            "target": "desk",
            "id": rig.store.json(OUT, place)["notice"]["id"],
            "reason": "unavailable",
        }

    def test_an_outbox_that_takes_nothing_is_told(self, rig):
        def refuse(verb, ref):
            if ref.key.startswith("notices/outbox/"):
                raise UnavailableError("503")

        rig.store.fail = refuse
        rig.run(rig.upload("passport/other.png"))
        told = self.events(rig, "notice-not-kept")[0]
        assert (told["target"], told["reason"], len(told["id"])) == ("desk", "unavailable", 32)

    def test_a_notice_that_cannot_be_read_is_told(self, rig):
        (place,) = waiting(rig)
        rig.store.write(ObjectRef(OUT, place), b"not json", "application/json")
        rig.clock.pause(LADDER[0])
        rig.notices().walk()
        assert self.events(rig, "notice-unreadable") == [
            {"event": "notice-unreadable", "key": place, "kind": "DecodeError"}
        ]

    def test_a_list_that_takes_no_line_is_told(self, rig):
        def refuse(verb, ref):
            if verb == "append" and ref.key.startswith("notices/log/"):
                raise UnavailableError("503")

        rig.store.fail = refuse
        rig.clock.pause(LADDER[0])
        rig.notices().walk()
        (told,) = self.events(rig, "notice-not-logged")
        assert (told["target"], told["reason"], len(told["id"])) == ("desk", "unavailable", 32)

    def test_a_defect_after_the_end_is_told_by_its_kind(self, rig):
        def break_it(verb, ref):
            if ref.key.startswith("notices/log/"):
                raise ValueError("canary")

        rig.store.fail = break_it
        rig.run(rig.upload("passport/other.png"))
        assert self.events(rig, "notice-failed")[-1] == {"event": "notice-failed", "reason": "ValueError"}


class TestWhoIsTold:
    def test_where_one_target_has_nobody_the_others_are_told_and_nothing_waits(self):
        rig, receiver = Rig(), Receiver()
        hook = Webhook(url="https://hooks.example/", secret="SECRET")
        rig.targets, rig.notifiers = {"gone": hook, "desk": hook}, {"desk": receiver}
        rig.run(rig.upload(KEY))
        assert (len(receiver.notices), waiting(rig)) == (1, [])
        told = [line for key in rig.store.keys(OUT, "notices/log/") for line in rig.store.lines(OUT, key)]
        assert [line["target"] for line in told] == ["desk"]

    def test_where_no_field_is_asked_for_none_is_looked_at(self, rig):
        class Unread(Nothing):
            @property
            def fields(self):
                raise AssertionError("read")

        rig.notices().keep(msgspec.convert(rig.record(KEY), type=Record), Unread(), EndLine("o", 1))
        assert not [line for line in rig.log.lines if line["event"] == "notice-not-kept"]

    def test_objects_of_others_in_the_outbox_hide_none_of_ours(self, rig):
        rig.store.put(OUT, "notices/outbox/0-not-ours.txt", b"hello")
        rig.notifiers["desk"].fail = lambda: None
        rig.clock.pause(LADDER[0])
        assert rig.notices().walk().sent == 1

    def test_where_a_notice_is_kept_is_where_it_is_found(self, rig):
        (place,) = waiting(rig)
        entry = msgspec.json.decode(rig.store.objects[ObjectRef(OUT, place)][0], type=OutboxEntry)
        rig.store.remove(ObjectRef(OUT, place))
        outbox = Outbox(rig.site, rig.call())
        kept = outbox.keep(entry, f"desk.{entry.notice.id}", 2)
        assert (kept.rung, kept.name) == (2, f"desk.{entry.notice.id}")
        rig.clock.pause(LADDER[1])
        assert [slot.key for slot in outbox.due()] == [kept.key]

    def test_the_list_of_deliveries_is_tried_eight_times(self, rig):
        tries = []

        def overtaken(verb, ref):
            if verb == "append" and ref.key.startswith("notices/log/"):
                tries.append(ref)
                raise AppendConflictError("The object has 1 byte, not 0.")

        rig.store.fail = overtaken
        rig.notifiers["desk"].fail = lambda: None
        rig.clock.pause(LADDER[0])
        rig.notices().walk()
        assert len(tries) == 8

    def test_what_waits_is_json(self, rig):
        (place,) = waiting(rig)
        assert rig.store.head(ObjectRef(OUT, place)).content_type == "application/json"

    @pytest.mark.parametrize(
        "text",
        [
            '{"kind": "smn", "topic_urn": "topic"}',
            '{"kind": "smn", "topic_urn": "urn:smn:cn-north-4:p:"}',
            '{"kind": "eventgrid", "channel_id": "a b", "source": "legible"}',
            '{"kind": "eventgrid", "channel_id": "", "source": "legible"}',
            '{"kind": "eventgrid", "channel_id": "c", "source": "-legible"}',
            '{"kind": "webhook", "url": "https://a.example", "secret": "whsec_aaaa"}',
            '{"kind": "webhook", "url": "https://a.example", "secret": "A", "on": []}',
            '{"kind": "webhook", "url": "https://a.example", "secret": "A", "on": ["gone"]}',
        ],
    )
    def test_settings_that_cannot_be_right_are_refused(self, text):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(text, type=Target)

    @pytest.mark.parametrize(
        ("name", "fine"), [("desk-1_a", True), ("1", True), ("", False), ("A", False), ("-", False)]
    )
    def test_a_target_has_a_name_that_a_key_can_hold(self, name, fine):
        with nullcontext() if fine else pytest.raises(msgspec.ValidationError):
            assert msgspec.convert(name, TargetName) == name

    def test_a_channel_and_a_variable_are_taken_as_their_consoles_show_them(self):
        grid = msgspec.json.decode(
            b'{"kind": "eventgrid", "channel_id": "7a3c-0B", "source": "legible.v1"}', type=Target
        )
        assert grid == EventGrid(channel_id="7a3c-0B", source="legible.v1")
        hook = msgspec.json.decode(b'{"kind": "webhook", "url": "https://a.example", "secret": "HOOK_1"}', type=Target)
        assert hook == Webhook(url="https://a.example", secret="HOOK_1")

    @pytest.mark.parametrize("status", ["done", "partial", "rejected", "held", "dead"])
    def test_every_end_can_be_asked_for(self, status):
        target = msgspec.json.decode(
            f'{{"kind": "smn", "topic_urn": "urn:smn:cn-north-4:p1:topic", "on": ["{status}"]}}', type=Target
        )
        assert isinstance(target, Smn)
        assert target.wants("a", status)


class TestAReceiversAnswer:
    """Each answer has its consequence, up to the edges of its class."""

    def refusal(self, status: int) -> LegibleError | None:
        asked: list[tuple[Any, ...]] = []

        class Answering(Addresses):
            def exchange(self, *values: Any) -> FetchReply:
                asked.append(values)
                return FetchReply(status, {}, b"")

        notifier = WebhookNotifier("https://hooks.example/x", b"a" * 24, Answering(), lambda: START)
        rig = Rig()
        rig.run(rig.upload(KEY))
        record = msgspec.convert(rig.record(KEY), type=Record)
        try:
            notifier.send(notice("/s", OUT, record, EndLine("o", 1), "desk", ()), 7.0)
        except LegibleError as error:
            return error
        finally:
            ((method, url, _, headers, seconds, most),) = asked
            assert (method, url, seconds, most) == ("POST", "https://hooks.example/x", 7.0, 1024)
            assert all(isinstance(text, str) for text in headers.values())
        return None

    @pytest.mark.parametrize("status", [200, 299])
    def test_it_took_it(self, status):
        assert self.refusal(status) is None

    @pytest.mark.parametrize(
        ("status", "kind", "code", "advice"),
        [
            (199, UnavailableError, "receiver-failed", "It is tried again."),
            (300, HeldError, "redirected", "Use the URL it leads to"),
            (399, HeldError, "redirected", "Use the URL it leads to"),
            (400, UnavailableError, "receiver-failed", "It is tried again."),
            (401, HeldError, "receiver-refused", "Check the URL and the secret."),
            (410, RejectedError, "receiver-gone", "Remove the target"),
        ],
    )
    def test_it_did_not(self, status, kind, code, advice):
        error = self.refusal(status)
        assert type(error) is kind
        assert error.reason_code == code
        assert advice in error.advice
