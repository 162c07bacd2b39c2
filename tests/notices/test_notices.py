"""Notices: told once where all goes well, at least once where it does not, never of what did not happen."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Barrier

import msgspec
import pytest

from legible.errors import HeldError, RejectedError, UnavailableError
from legible.model import layout
from legible.model.documents import ObjectRef, Reason
from legible.model.records import Field, Record
from legible.notices.notice import MOST_BYTES, EndLine, notice
from legible.notices.outbox import LADDER
from legible.notices.targets import Webhook
from tests.support.fakes import Receiver
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture, tiff

KEY = "passport/anna.png"


def webhook(**values) -> Webhook:
    return Webhook(url="https://hooks.example/", secret="SECRET", **values)


def rig(*script, targets: dict[str, Webhook] | None = None, **values) -> tuple[Rig, Receiver]:
    made = Rig(*script, **values)
    receiver = Receiver()
    made.targets = targets if targets is not None else {"desk": webhook()}
    made.notifiers = dict.fromkeys(made.targets, receiver)
    return made, receiver


def waiting(made: Rig) -> list[str]:
    return made.store.keys(OUT, "notices/outbox/")


def deliveries(made: Rig) -> list[dict]:
    return [line for key in made.store.keys(OUT, "notices/log/") for line in made.store.lines(OUT, key)]


def failing(receiver: Receiver, error: Exception) -> None:
    def fail() -> None:
        raise error

    receiver.fail = fail


DOWN = UnavailableError("The receiver hooks.example answers 500.", code="receiver-failed")


class TestEnvelope:
    def test_it_is_a_cloud_event_that_refers_to_the_record(self):
        # given
        made, receiver = rig()

        # when
        made.run(made.upload(KEY))

        # then
        (told,) = receiver.notices
        body = json.loads(msgspec.json.encode(told))
        version = made.record(KEY)["document"]["version"]
        assert {name: body[name] for name in body if name not in {"id", "time", "data"}} == {
            "specversion": "1.0",
            "type": "legible.document.done",
            "source": "/legible/cn-north-4/legible-in",
            "subject": KEY,
            "datacontenttype": "application/json",
        }
        assert body["time"] == made.record(KEY)["finished_at"]
        assert body["data"] == {
            "bucket": IN,
            "key": KEY,
            "version": version,
            "operation": "passport",
            "status": "done",
            "pages": 1,
            "record": {"bucket": OUT, "key": f"answers/{KEY}/{version}/record.json"},
            "revision": 0,
        }
        assert ObjectRef(**body["data"]["record"]) in made.store.objects

    def test_nothing_recognized_is_in_it_unless_it_is_asked_for(self):
        made, receiver = rig()
        made.run(made.upload(KEY))
        for value in (PASSPORT["passport_number"], PASSPORT["surname"], PASSPORT["given_name"]):
            for ref, (body, *_) in made.store.objects.items():
                assert not ref.key.startswith("notices/") or value.encode() not in body
            assert value not in made.log.text()
            assert value.encode() not in msgspec.json.encode(receiver.notices)

    def test_fields_that_are_asked_for_are_in_it_and_no_others(self):
        made, receiver = rig(targets={"desk": webhook(fields=("passport_number", "no_such_field"))})
        made.run(made.upload(KEY))
        data = json.loads(msgspec.json.encode(receiver.notices[0].data))
        assert data["fields"] == [{"name": "passport_number", "value": "L898902C3", "page": 1}]
        assert PASSPORT["surname"] not in str(data)
        assert "L898902C3" not in made.log.text()

    def test_a_notice_has_room_for_so_many_values(self):
        made, _ = rig()
        made.run(made.upload(KEY))
        record = msgspec.convert(made.record(KEY), type=Record)
        many = [Field("a", "A", "x" * 1000, page=page) for page in range(1000)]
        told = notice("/legible/r/b", OUT, record, EndLine("o", 1), "desk", many)
        assert told.data.fields_cut
        assert 0 < len(msgspec.json.encode(told)) < MOST_BYTES + 2000

    def test_a_reason_is_told_by_its_code_alone(self):
        made, receiver = rig()
        made.run(made.upload("passport/tiny.png", picture(14, 14)))
        (told,) = receiver.notices
        assert (told.type, told.data.status, told.data.reason) == (
            "legible.document.rejected",
            "rejected",
            "sides-too-small",
        )
        assert "14 x 14" not in str(msgspec.json.encode(told))

    def test_each_end_and_each_target_has_its_own_id_that_stays(self):
        made, _ = rig(targets={"one": webhook(), "two": webhook()})
        made.run(made.upload(KEY))
        record = msgspec.convert(made.record(KEY), type=Record)
        ids = {
            notice("/s", OUT, record, ended, target, ()).id
            for ended in (EndLine("a", 1), EndLine("a", 2), EndLine("b", 1))
            for target in ("one", "two")
        }
        assert len(ids) == 6
        assert notice("/s", OUT, record, EndLine("a", 1), "one", ()).id in ids


class TestWhoIsTold:
    def test_who_asked_for_the_key_and_the_status(self):
        made = Rig()
        receivers = {name: Receiver() for name in ("all", "ids", "bad", "mail")}
        made.targets = {
            "all": webhook(),
            "ids": webhook(match="passport/*"),
            "bad": webhook(on=("rejected",)),
            "mail": webhook(match="mail/*"),
        }
        made.notifiers = dict(receivers)
        made.run(made.upload("passport/2026/anna.png"), made.upload("passport/tiny.png", picture(14, 14)))
        assert [len(receivers[name].notices) for name in ("all", "ids", "bad", "mail")] == [2, 2, 1, 0]

    @pytest.mark.parametrize(
        ("script", "body", "status"),
        [
            ((PASSPORT,), None, "done"),
            ((PASSPORT, RejectedError("no")), tiff(2), "partial"),
            ((HeldError("not subscribed", code="not-subscribed"),), None, "held"),
            ((RejectedError("no"),), None, "rejected"),
        ],
    )
    def test_every_end_is_told(self, script, body, status):
        made, receiver = rig(*script)
        made.run(made.upload(KEY, body))
        assert [told.data.status for told in receiver.notices] == [status]

    def test_what_the_platform_gave_up_on_is_told_as_dead(self):
        made, receiver = rig()
        upload = made.upload(KEY)
        made.invocation().bury([upload], Reason("platform-gave-up", "after 4 calls"))
        made.invocation().bury([upload], Reason("platform-gave-up", "after 4 calls"))
        (told,) = receiver.notices
        assert (told.type, told.data.reason) == ("legible.document.dead", "platform-gave-up")

    def test_a_journal_that_cannot_be_used_hides_no_end(self):
        made, receiver = rig()
        upload = made.upload(KEY)
        made.store.put(OUT, f"ledger/{IN}/{KEY}/{upload.etag}.jsonl", b"spoilt\n")
        failing(receiver, DOWN)
        made.invocation().bury([upload], Reason("platform-gave-up", "after 4 calls"))
        receiver.fail = lambda: None
        made.clock.pause(60)
        assert made.notices().walk().sent == 1
        assert [told.data.status for told in receiver.notices] == ["dead"]
        assert waiting(made) == []

    def test_a_target_that_nothing_can_tell_is_passed_over(self):
        made, _ = rig()
        made.notifiers = {}
        made.run(made.upload(KEY))
        assert waiting(made) == []


class TestAtOnce:
    def test_what_was_taken_is_logged_and_waits_no_more(self):
        made, receiver = rig()
        made.run(made.upload(KEY))
        assert waiting(made) == []
        (line,) = deliveries(made)
        assert line == {
            "at": "2026-11-23T09:00:01Z",
            "target": "desk",
            "id": receiver.notices[0].id,
            "attempt": 1,
            "outcome": "sent",
            "status": "done",
        }
        assert made.store.keys(OUT, "notices/log/") == [f"notices/log/2026/11/23/09-{line['id'][0]}.jsonl"]

    def test_a_duplicate_event_tells_nobody_twice(self):
        made, receiver = rig()
        upload = made.upload(KEY)
        for _ in range(3):
            made.run(upload)
        assert receiver.tries == 1

    def test_a_duplicate_leaves_what_waits_to_the_timer(self):
        made, receiver = rig()
        failing(receiver, DOWN)
        upload = made.upload(KEY)
        made.run(upload)
        made.run(upload)
        assert receiver.tries == 1
        assert len(waiting(made)) == 1

    @pytest.mark.parametrize("error", [DOWN, HeldError("no topic", code="not-found"), ValueError("canary-value")])
    def test_what_fails_never_fails_the_document_and_waits(self, error):
        made, receiver = rig()
        failing(receiver, error)
        (outcome,) = made.run(made.upload(KEY))
        assert outcome["status"] == "done"
        assert len(waiting(made)) == 1
        (line,) = deliveries(made)
        assert (line["outcome"], line["attempt"]) == ("failed", 1)
        assert "canary" not in made.log.text()
        assert made.ocr.paid == 1

    def test_what_will_never_be_taken_is_given_up_at_once(self):
        made, receiver = rig()
        failing(receiver, RejectedError("The receiver answers 410.", code="receiver-gone"))
        made.run(made.upload(KEY))
        assert waiting(made) == []
        (line,) = deliveries(made)
        assert (line["outcome"], line["reason"]) == ("given-up", "receiver-gone")

    def test_however_many_targets_there_are_none_waits_for_another(self):
        """Given twenty targets, when a document ends, then all are being told at the same moment."""
        made, receiver = rig(targets={f"desk-{number}": webhook() for number in range(20)})
        receiver.fail = Barrier(20, timeout=2).wait
        made.run(made.upload(KEY))
        assert {line["outcome"] for line in deliveries(made)} == {"sent"}

    def test_without_time_it_is_left_to_the_timer(self):
        made, receiver = rig(seconds=9.0)
        made.ocr.during = lambda: made.clock.pause(7.5)
        made.run(made.upload(KEY))
        assert receiver.tries == 0
        assert len(waiting(made)) == 1

    @pytest.mark.parametrize("prefix", ["notices/outbox/", "notices/log/", "notices/"])
    def test_an_outbox_or_a_list_that_takes_nothing_stops_neither_document_nor_notice(self, prefix):
        made, receiver = rig()

        def fail(verb: str, ref: ObjectRef) -> None:
            if ref.key.startswith(prefix):
                raise HeldError("OBS refuses.", code="not-permitted")

        made.store.fail = fail
        (outcome,) = made.run(made.upload(KEY))
        assert outcome["status"] == "done"
        assert len(receiver.notices) == 1
        assert {"notice-not-kept", "notice-not-logged"} & {line["event"] for line in made.log.lines}

    def test_what_could_neither_be_kept_nor_sent_is_given_up_aloud(self):
        made, receiver = rig()
        failing(receiver, DOWN)

        def fail(verb: str, ref: ObjectRef) -> None:
            if ref.key.startswith("notices/outbox/"):
                raise HeldError("OBS refuses.", code="not-permitted")

        made.store.fail = fail
        made.run(made.upload(KEY))
        assert [line["outcome"] for line in deliveries(made)] == ["given-up"]


class TestDefects:
    def test_of_what_is_said_end_no_document(self):
        """Given fields that fail when they are looked through."""
        made, receiver = rig(targets={"desk": webhook(fields=("surname",))})
        made.run(made.upload(KEY))
        record = msgspec.convert(made.record(KEY), type=Record)
        told = made.notices().keep(record, Broken(), EndLine("o", 1))
        assert told == []
        assert made.log.lines[-1] == {"event": "notice-not-kept", "target": "desk", "reason": "ValueError"}

    def test_of_what_is_done_afterwards_end_no_document(self):
        made, receiver = rig()

        def fail(verb: str, ref: ObjectRef) -> None:
            if ref.key.startswith("notices/log/"):
                raise ValueError("canary")

        made.store.fail = fail
        (outcome,) = made.run(made.upload(KEY))
        assert outcome["status"] == "done"
        assert len(receiver.notices) == 1
        assert "canary" not in made.log.text()


class Broken:
    """Contents that cannot be looked through."""

    tables = text = checks = ()

    @property
    def fields(self):
        return Unreadable()


class Unreadable:
    def __iter__(self):
        raise ValueError("canary")


class KilledError(BaseException):
    """The instance dies here."""


class TestDeath:
    def run_until(self, made: Rig, verb: str, prefix: str, *, after: bool = True, key: str = KEY) -> None:
        """Run one invocation that dies before or after an operation on an object of that prefix."""
        upload = made.upload(key)

        def strike(done: str, ref: ObjectRef) -> None:
            if done == verb and ref.key.startswith(prefix):
                raise KilledError

        setattr(made.store, "after" if after else "fail", strike)
        with pytest.raises(KilledError):
            made.run(upload)
        made.store.after = made.store.fail = lambda verb, ref: None
        made.clock.pause(120)

    def test_between_the_end_and_the_first_try_nothing_is_lost(self):
        """Given an instance that dies when the journal is read back after its last line."""
        made, receiver = rig()
        upload = made.upload(KEY)
        journal = f"ledger/{IN}/{KEY}/"

        def strike(verb: str, ref: ObjectRef) -> None:
            if verb == "append" and ref.key.startswith(journal) and b'"finished"' in made.store.objects[ref][0]:
                raise KilledError

        made.store.after = strike
        with pytest.raises(KilledError):
            made.run(upload)
        made.store.after = lambda verb, ref: None
        assert receiver.tries == 0

        # when
        (again,) = made.run(upload)
        made.clock.pause(61)
        walked = made.notices().walk()

        # then
        assert again["duplicate"]
        assert (walked.sent, len(receiver.notices), waiting(made)) == (1, 1, [])
        assert made.ocr.paid == 1

    def test_between_keeping_and_the_end_only_the_end_that_stands_is_told(self):
        made, receiver = rig()
        self.run_until(made, "write", "notices/outbox/")
        assert receiver.tries == 0

        made.run(made.upload(KEY))
        first = made.notices().walk()
        assert (len(receiver.notices), first.left) == (1, 1)

        made.clock.pause(3600)
        assert made.notices().walk().void == 1
        assert (len(receiver.notices), waiting(made)) == (1, [])
        assert [line["outcome"] for line in deliveries(made)] == ["sent", "void"]

    def test_between_the_try_and_the_removal_it_is_told_twice_under_one_id(self):
        # given
        made, receiver = rig()
        upload, remove = made.upload(KEY), made.store.remove

        def dies(ref: ObjectRef) -> None:
            if ref.key.startswith("notices/"):
                raise KilledError
            remove(ref)

        made.store.remove = dies  # type: ignore[method-assign]
        with pytest.raises(KilledError):
            made.run(upload)
        assert len(receiver.notices) == 1

        # when
        made.store.remove = remove  # type: ignore[method-assign]
        made.clock.pause(61)
        made.notices().walk()

        # then
        assert [told.id for told in receiver.notices] == [receiver.notices[0].id] * 2
        assert waiting(made) == []


class TestLadder:
    def failed(self) -> tuple[Rig, Receiver]:
        made, receiver = rig()
        failing(receiver, DOWN)
        made.run(made.upload(KEY))
        return made, receiver

    def test_it_is_tried_again_after_each_wait_and_then_given_up_aloud(self):
        # given
        made, receiver = self.failed()

        # when
        for wait in LADDER:
            tries = receiver.tries
            made.clock.pause(wait - 1)
            made.notices().walk()
            assert receiver.tries == tries, "not before its time"
            made.clock.pause(1)
            made.notices().walk()
            assert receiver.tries == tries + 1

        # then
        assert waiting(made) == []
        assert [line["outcome"] for line in deliveries(made)].count("failed") == len(LADDER)
        assert sorted(line["attempt"] for line in deliveries(made)) == list(range(1, len(LADDER) + 2))
        (said,) = [line for line in made.log.lines if line["event"] == "notice-given-up"]
        assert said["target"] == "desk"
        assert "answers 500" in said["message"]

    def test_what_a_newer_version_wrote_into_it_is_kept_from_try_to_try(self):
        made, _ = self.failed()
        (key,) = waiting(made)
        ref = ObjectRef(OUT, key)
        body, *rest = made.store.objects[ref]
        made.store.objects[ref] = (body[:-1] + b',"urgent":true}', *rest)
        made.clock.pause(61)
        made.notices().walk()
        (later,) = waiting(made)
        assert later != key
        assert made.store.json(OUT, later)["urgent"] is True

    def test_waits_are_those_that_are_promised(self):
        assert LADDER == (60, 300, 1800, 7200, 28800, 86400)

    def test_whoever_comes_back_is_told(self):
        made, receiver = self.failed()
        made.clock.pause(60)
        made.notices().walk()
        receiver.fail = lambda: None
        made.clock.pause(300)
        assert made.notices().walk().sent == 1
        assert receiver.notices[0].data.key == KEY
        assert waiting(made) == []

    def test_a_target_that_fails_delays_no_other_and_is_not_tried_again_in_one_walk(self):
        # given
        made = Rig()
        dead, alive = Receiver(), Receiver()
        made.targets = {"dead": webhook(), "alive": webhook()}
        made.notifiers = {"dead": dead, "alive": alive}
        for receiver in (dead, alive):
            failing(receiver, DOWN)
        made.run(*[made.upload(f"passport/{number}.png", picture(60 + number)) for number in range(4)])
        alive.fail = lambda: None
        made.clock.pause(60)
        tries = dead.tries

        # when
        walked = made.notices().walk()

        # then
        assert (walked.sent, walked.failed, walked.left) == (4, 1, 3)
        assert dead.tries == tries + 1

    def test_a_target_that_no_setting_names_any_more_is_given_up(self):
        made, _ = self.failed()
        made.targets, made.notifiers = {}, {}
        made.clock.pause(60)
        assert made.notices().walk().given_up == 1
        assert deliveries(made)[-1]["reason"] == "target-gone"

    def test_a_walk_ends_before_the_next_one_begins(self):
        made, receiver = rig(seconds=60.0)
        failing(receiver, DOWN)
        made.run(*[made.upload(f"passport/{number}.png", picture(60 + number)) for number in range(6)])
        made.clock.pause(60)
        receiver.fail = lambda: made.clock.pause(9)
        walked = made.notices().walk()
        assert (walked.sent, walked.left) == (5, 1)

    def test_what_somebody_else_put_there_is_left_alone(self):
        made, receiver = self.failed()
        (kept,) = waiting(made)
        spoilt = kept.replace(".json", "x.json")
        made.store.put(OUT, "notices/outbox/20200101T000000.1.desk.x.json", b"{}")
        made.store.put(OUT, "notices/outbox/hello.txt", b"hello")
        made.store.put(OUT, spoilt, b"not json")
        receiver.fail = lambda: None
        made.clock.pause(60)
        walked = made.notices().walk()
        assert (walked.sent, walked.left) == (1, 2)
        assert len(waiting(made)) == 3
        assert "notice-unreadable" in made.log.text()

    def test_two_walks_at_once_leave_nothing_behind(self):
        made, receiver = self.failed()
        made.clock.pause(60)

        def other() -> None:
            receiver.fail = lambda: None
            made.notices().walk()

        receiver.fail = other
        made.notices().walk()
        assert waiting(made) == []
        assert len({told.id for told in receiver.notices}) == 1

    def test_what_another_walk_took_is_passed_over(self):
        made, receiver = self.failed()
        made.clock.pause(60)
        (kept,) = waiting(made)
        listed = made.store.list(OUT, "notices/outbox/")
        made.store.list = lambda bucket, prefix: iter(found)  # type: ignore[method-assign]
        found = list(listed)
        del made.store.objects[ObjectRef(OUT, kept)]
        assert made.notices().walk().void == 1
        assert receiver.tries == 1

    @pytest.mark.parametrize("verb", ["read", "write"])
    def test_a_store_that_fails_loses_nothing(self, verb):
        made, receiver = self.failed()
        made.clock.pause(60)

        def fail(done: str, ref: ObjectRef) -> None:
            if done == verb and ref.bucket == OUT:
                raise UnavailableError("OBS is away.")

        made.store.fail = fail
        made.notices().walk()
        made.store.fail = lambda verb, ref: None
        assert len(waiting(made)) == 1
        receiver.fail = lambda: None
        made.clock.pause(1000)
        assert made.notices().walk().sent == 1

    def test_a_journal_that_cannot_be_read_is_asked_again_later(self):
        made, receiver = self.failed()
        made.clock.pause(60)
        receiver.fail = lambda: None

        def fail(done: str, ref: ObjectRef) -> None:
            if done == "read" and ref.key.startswith("ledger/"):
                raise UnavailableError("OBS is away.")

        made.store.fail = fail
        assert made.notices().walk().failed == 1
        made.store.fail = lambda verb, ref: None
        assert len(waiting(made)) == 1
        made.clock.pause(300)
        assert made.notices().walk().sent == 1


class TestListOfDeliveries:
    def test_a_line_that_another_one_overtook_is_written_behind_it(self):
        made, receiver = rig()
        upload = made.upload(KEY)
        struck = []

        def overtake(verb: str, ref: ObjectRef) -> None:
            if verb == "append" and ref.key.startswith("notices/log/") and not struck:
                struck.append(ref)
                made.store.append(ref, 0, b'{"other": 1}\n')

        made.store.fail = overtake
        made.run(upload)
        assert [line.get("outcome") for line in deliveries(made)] == [None, "sent"]

    def test_one_that_always_loses_says_so(self):
        made, _ = rig()
        upload = made.upload(KEY)
        busy = []

        def overtake(verb: str, ref: ObjectRef) -> None:
            if verb == "append" and ref.key.startswith("notices/log/") and len(busy) % 2 == 0:
                busy.append(ref)
                made.store.append(ref, made.store.head(ref).size if ref in made.store.objects else 0, b"{}\n")
            elif verb == "append" and ref.key.startswith("notices/log/"):
                busy.append(ref)

        made.store.fail = overtake
        (outcome,) = made.run(upload)
        assert outcome["status"] == "done"
        assert "notice-not-logged" in made.log.text()


class TestKeys:
    def test_keys_come_in_the_order_in_which_they_are_due(self):
        made = Rig()
        at = made.clock.now()
        keys = [
            layout.queued(layout.OUTBOX, at + timedelta(seconds=wait), 1, "desk." + "a" * 32)
            for wait in (0, 1, 59, 3600, 86400)
        ]
        assert keys == sorted(keys)
        assert layout.place_in_queue(layout.OUTBOX, keys[0]) == (at, 1, "desk." + "a" * 32)

    @pytest.mark.parametrize("key", ["notices/outbox/", "notices/outbox/a.b.c.d.e", "notices/outbox/a/b.json"])
    def test_what_is_no_key_of_ours(self, key):
        assert layout.place_in_queue(layout.OUTBOX, key) is None

    def test_nothing_below_it_is_ever_a_document(self):
        assert "notices/" in layout.OWN
