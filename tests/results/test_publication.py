"""Results are put where people look: the newest upload's, all of them, and nothing of an earlier one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from legible.errors import HeldError, UnavailableError
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, ObjectRef
from legible.model.layout import KINDS, RECORD
from legible.operations import catalog
from legible.operations.operation import Task
from legible.ports import PART, Site
from legible.results.assembly import assemble
from legible.results.newest import Newest
from legible.results.publication import Published, Publisher
from tests.support.fakes import START, Clock, MemoryStore, invocation
from tests.support.rig import IN, OUT

KEY = "passport/a.png"


def upload(version: str, minutes: float | None = 0) -> Document:
    at = None if minutes is None else START + timedelta(minutes=minutes)
    return Document(IN, KEY, version, etag=version, uploaded_at=at)


class World:
    """A store, and what publishes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore(Clock())
        site = Site(self.store, IN, OUT)
        self.publisher = Publisher(site, Newest(site, invocation(self.store.clock)))

    def publish(self, document: Document, *names: str, **values) -> bool:
        """Publish files that say whose they are."""
        state = State([Line(event="corrected", at=START, owner="o", n=1), Line("corrected", START, "o", 2)])
        task = Task(catalog.find("passport"), {})
        record = assemble(document, task, state, (), (), {}, empty={}, status="done", reason=None, finished_at=START)
        files = {}
        for name in (RECORD, *names):
            files[name] = self.folder / f"{document.version}-{name}"
            at = json.dumps(document.uploaded_at.isoformat().replace("+00:00", "Z") if document.uploaded_at else None)
            files[name].write_text(f'{{"version": "{document.version}", "uploaded_at": {at}}}', "utf-8")
        return self.publisher.publish(record, files, **values)

    def results(self) -> dict[str, str]:
        """Return whose each result is that people see."""
        keys = self.store.keys(OUT, f"results/{KEY}/")
        return {key.rpartition("/")[2]: self.store.json(OUT, key)["version"] for key in keys}


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


class TestWhatIsWritten:
    def test_each_result_is_kept_with_its_version_and_copied_to_where_people_look(self, world):
        assert world.publish(upload("v1"), "record.xlsx", "record.md")
        assert world.results() == {"record.json": "v1", "record.md": "v1", "record.xlsx": "v1"}
        for name in ("record.json", "record.xlsx", "record.md"):
            head = world.store.head(ObjectRef(OUT, f"answers/{KEY}/v1/{name}"))
            assert head.content_type == KINDS[name]
            assert bool(head.metadata) == (name == RECORD)

    def test_the_record_says_of_itself_what_a_list_needs(self, world):
        world.publish(upload("v1"), "record.xlsx", doubtful=5)
        head = world.store.head(ObjectRef(OUT, f"results/{KEY}/record.json"))
        assert list(head.metadata) == ["legible"]
        assert json.loads(head.metadata["legible"]) == {
            "version": "v1",
            "uploaded_at": "2026-11-23T09:00:00Z",
            "status": "done",
            "names": ["record.json", "record.xlsx"],
            "revision": 2,
            "operation": "passport",
            "doubtful": 5,
        }
        expected = Published("v1", START, "done", ("record.json", "record.xlsx"), 2, "passport", 5)
        assert world.publisher.current(KEY) == world.publisher.known(upload("v1")) == expected

    def test_what_nobody_published_is_not_known(self, world):
        assert world.publisher.current(KEY) is None
        assert world.publisher.known(upload("v1")) is None
        world.store.put(OUT, f"results/{KEY}/record.json", b"{}")
        assert world.publisher.current(KEY) is None

    def test_a_record_of_before_has_neither_operation_nor_reviews(self):
        assert Published("v", None, "done") == Published("v", None, "done", (RECORD,), 0, "", 0)

    def test_what_only_an_earlier_upload_had_is_removed(self, world):
        world.publish(upload("v1", 1), "record.xlsx", "record.md", "record.pdf")
        world.publish(upload("v2", 2), "record.xlsx")
        assert world.results() == {"record.json": "v2", "record.xlsx": "v2"}

    def test_without_the_right_to_remove_it_is_published_all_the_same(self, world):
        world.publish(upload("v1", 1), "record.md")
        remove = world.store.remove

        def refuse(ref):
            raise HeldError("403", code="not-permitted")

        world.store.remove = refuse
        assert world.publish(upload("v2", 2))
        assert world.results() == {"record.json": "v2", "record.md": "v1"}
        world.store.remove = remove

    def test_a_fault_of_one_file_ends_it_before_the_record(self, world):
        def fail(verb, ref):
            if verb == "write" and ref.key == f"results/{KEY}/record.md":
                raise UnavailableError("503")

        world.store.fail = fail
        with pytest.raises(UnavailableError, match="503"):
            world.publish(upload("v1"), "record.xlsx", "record.md")
        assert "record.json" not in world.results()

    @pytest.mark.parametrize("size", [4_000_000, 4_000_001])
    def test_a_small_file_is_sent_from_memory_and_a_large_one_from_the_disk(self, world, tmp_path, size):
        sent, write = [], world.store.write

        def remembered(ref, body, *more):
            sent.append(type(body))
            write(ref, body, *more)

        world.store.write = remembered
        file = tmp_path / "large"
        file.write_bytes(b" " * size)
        world.publisher._keep(upload("v"), RECORD, file, Published("v", None, "done"))
        assert issubclass(sent[0], bytes) == (size == 4_000_000)


class TestWhoStandsOnTop:
    def test_the_newer_upload_whoever_ends_first(self, world):
        assert world.publish(upload("new", 2), "record.md") is True
        assert world.publish(upload("old", 1), "record.xlsx") is False
        assert world.results() == {"record.json": "new", "record.md": "new"}
        assert world.publish(upload("newest", 3)) is True
        assert world.results() == {"record.json": "newest"}

    def test_a_version_is_no_newer_one_of_itself(self, world):
        world.publish(upload("one", 2))
        assert world.publish(upload("one", 1)) is True
        assert world.results() == {"record.json": "one"}

    def test_one_that_was_replaced_never_takes_anothers_place(self, world):
        world.publish(upload("other", None))
        assert world.publish(upload("mine", 9), yields=True) is True, "alone, the last one to come stands"
        world.publish(upload("dated", 1))
        assert world.publish(upload("mine", 9), yields=True) is False
        assert world.results() == {"record.json": "dated"}
        assert world.publisher.known(upload("mine")).uploaded_at is None
        assert world.publish(upload("mine", 9)) is True
        assert world.publisher.known(upload("mine")).uploaded_at == START + timedelta(minutes=9)

    def test_where_the_list_takes_no_more_the_published_record_decides(self, world):
        world.publish(upload("new", 2))

        def full(verb, ref):
            if verb == "append":
                raise HeldError("10,000 appends.", code="append-limit")

        world.store.fail = full
        assert world.publish(upload("old", 1)) is False
        assert world.results() == {"record.json": "new"}
        assert world.publish(upload("newest", 3)) is True
        assert world.results() == {"record.json": "newest"}

    def test_a_newer_one_that_comes_in_between_is_put_back(self, world):
        def meanwhile(verb, ref):
            if verb == "write" and ref.key == f"results/{KEY}/record.json":
                world.store.after = lambda verb, ref: None
                assert world.publish(upload("new", 2), "record.md")
                old = world.store.objects[ObjectRef(OUT, f"answers/{KEY}/old/record.json")]
                world.store.objects[ObjectRef(OUT, f"results/{KEY}/record.json")] = old

        world.store.after = meanwhile
        assert world.publish(upload("old", 1), "record.xlsx") is False
        assert world.results() == {"record.json": "new", "record.md": "new"}

    def test_a_newer_one_that_is_only_announced_leaves_what_is_there(self, world):
        world.publish(upload("old", 1))
        site = Site(world.store, IN, OUT)
        Newest(site, invocation(world.store.clock)).announce(upload("new", 2))
        assert world.publish(upload("old", 1)) is False
        assert world.results() == {"record.json": "old"}

    def test_an_announcement_that_another_overwrote_is_made_again(self, world):
        lost = []

        def swallow(verb, ref):
            if verb == "append" and len(lost) < 3:
                lost.append(ref)
                world.store.objects.pop(ref)

        world.store.after = swallow
        assert world.publish(upload("v1")) is True
        assert len(lost) == 3
        assert world.results() == {"record.json": "v1"}

    def test_one_that_is_always_lost_is_told_after_ten_tries(self, world):
        lost = []

        def swallow(verb, ref):
            if verb == "append":
                lost.append(ref)
                world.store.objects.pop(ref)

        world.store.after = swallow
        with pytest.raises(UnavailableError, match="keeps losing lines"):
            world.publish(upload("v1"))
        assert len(lost) == 10
        assert world.results() == {}


class TestUploadedAgain:
    """The same bytes again: nothing is recognized, and the record has the later time."""

    def dates(self, world: World) -> set[datetime | None]:
        record = world.store.json(OUT, f"results/{KEY}/record.json")["uploaded_at"]
        told = world.publisher.current(KEY).uploaded_at
        assert record == (told.isoformat().replace("+00:00", "Z") if told else None)
        return {told}

    def test_they_come_back_on_top_with_the_later_time(self, world):
        world.publish(upload("one", 1), "record.md")
        world.publish(upload("two", 2))
        world.publisher.publish_again(upload("one", 3))
        assert world.results() == {"record.json": "one", "record.md": "one"}
        assert self.dates(world) == {START + timedelta(minutes=3)}

    @pytest.mark.parametrize("minutes", [1, 0, None])
    def test_an_earlier_time_changes_nothing(self, world, minutes):
        world.publish(upload("one", 1))
        writes = []
        world.store.after = lambda verb, ref: writes.append(ref.key) if ref.key.startswith("answers/") else None
        world.publisher.publish_again(upload("one", minutes))
        assert [key for key in writes if key.endswith("record.json")] == []
        assert self.dates(world) == {START + timedelta(minutes=1)}

    def test_one_without_a_time_gets_one(self, world):
        world.publish(upload("one", None))
        world.publisher.publish_again(upload("one", 1))
        assert self.dates(world) == {START + timedelta(minutes=1)}

    def test_of_a_record_of_many_parts_only_the_first_time_is_another(self, world):
        """Given a record that is read part by part, whose text quotes what its head says."""
        world.publish(upload("one", 1))
        ref = ObjectRef(OUT, f"answers/{KEY}/one/record.json")
        head, quoted = (
            b'{"version": "one", "uploaded_at": "2026-11-23T09:01:00Z", "x": "',
            b'"uploaded_at": "2026-11-23T09:01:00Z"',
        )
        body, *rest = world.store.objects[ref]
        world.store.objects[ref] = (head + b" " * PART + quoted, *rest)
        world.publisher.publish_again(upload("one", 3))
        body = world.store.objects[ref][0]
        assert body.startswith(head.replace(b"09:01", b"09:03"))
        assert body.endswith(quoted)

    def test_what_has_no_results_has_none_afterwards(self, world):
        world.publisher.publish_again(upload("one", 1))
        assert world.store.keys(OUT) == []
