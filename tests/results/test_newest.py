"""Which upload of a key is the newest: across midnight, in one second, and where a list is full or lost a line."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest

from legible.documents.identity import ORDERED
from legible.errors import HeldError, UnavailableError
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Site
from legible.results.newest import LostError, Newest, Version
from tests.support.fakes import Clock, MemoryStore, invocation
from tests.support.rig import IN, OUT

KEY = "passport/a.png"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(Clock(NOON))


def newest(store: MemoryStore) -> Newest:
    return Newest(Site(store, IN, OUT), invocation(store.clock))


def upload(version: str, minutes: float | None = 0) -> Document:
    at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return Document(IN, KEY, version, etag=version, uploaded_at=at)


def at(store: MemoryStore, day: int, hour: int, minute: int = 0) -> None:
    store.clock.at = datetime(2026, 11, day, hour, minute, tzinfo=timezone.utc)


class TestTheList:
    def test_whoever_was_uploaded_last_is_the_newest_in_whatever_order_they_come(self, store):
        old, new = upload("old", 1), upload("new", 2)
        for one in (new, old):
            assert newest(store).announce(one)
        assert newest(store).newer(old) == Version("new", new.uploaded_at)
        assert newest(store).newer(new) is None

    def test_one_without_a_time_is_older_than_any_with_one(self, store):
        timeless, dated = upload("timeless", None), upload("dated", -9999)
        for one in (dated, timeless):
            newest(store).announce(one)
        assert newest(store).newer(timeless) == Version("dated", dated.uploaded_at)
        assert newest(store).newer(dated) is None

    def test_a_version_is_listed_once(self, store):
        for _ in range(3):
            assert newest(store).announce(upload("v"))
        (name,) = store.keys(OUT)
        assert name == layout.newest(IN, KEY, NOON.date())
        assert store.lines(OUT, name) == [{"version": "v", "uploaded_at": "2026-11-23T12:00:00Z"}]

    def test_a_line_that_another_overwrote_is_missed(self, store):
        newest(store).announce(upload("other"))
        with pytest.raises(LostError, match="is gone"):
            newest(store).newer(upload("mine"))

    def test_a_line_that_cannot_be_read_hides_no_other(self, store):
        newest(store).announce(upload("old", 1))
        ref = ObjectRef(OUT, layout.newest(IN, KEY, NOON.date()))
        store.append(ref, store.head(ref).size, b"\xff\n{}\nnot json\n")
        newest(store).announce(upload("new", 2))
        assert newest(store).newer(upload("old", 1)).version == "new"

    def test_a_list_that_takes_no_more_says_so_and_one_that_cannot_be_read_is_none(self, store):
        def full(verb, ref):
            if verb == "append":
                raise HeldError("10,000 appends.", code="append-limit")

        store.fail = full
        assert newest(store).announce(upload("v")) is False

        def refused(verb, ref):
            raise HeldError("403", code="not-permitted")

        store.fail = refused
        with pytest.raises(HeldError, match="403"):
            newest(store).announce(upload("v"))

    def test_a_list_that_is_busy_is_named(self, store):
        def lose(verb, ref):
            raise UnavailableError("503")

        store.fail = lose
        with pytest.raises(UnavailableError):
            newest(store).announce(upload("v"))


class TestMidnight:
    """An invocation may work for hours: what was announced yesterday counts until noon."""

    @pytest.mark.parametrize(("hour", "minute"), [(0, 0), (6, 0), (11, 59)])
    def test_until_noon_yesterdays_count(self, store, hour, minute):
        at(store, 22, 23)
        newest(store).announce(upload("new", 9))
        at(store, 23, hour, minute)
        newest(store).announce(upload("old", 1))
        assert newest(store).newer(upload("old", 1)).version == "new"

    def test_an_announcement_of_yesterday_is_not_missed(self, store):
        at(store, 22, 23)
        newest(store).announce(upload("old", 1))
        at(store, 23, 1)
        assert newest(store).newer(upload("old", 1)) is None

    def test_from_noon_on_only_todays_are_read(self, store):
        at(store, 22, 23)
        newest(store).announce(upload("new", 9))
        at(store, 23, 12)
        newest(store).announce(upload("old", 1))
        reads = len(store.reads)
        assert newest(store).newer(upload("old", 1)) is None
        assert len(store.reads) == reads + 1


class TestOneSecond:
    """OBS tells whole seconds: of two uploads in one, the one that lies there came last."""

    def two(self, store: MemoryStore) -> tuple[Document, Document]:
        first, second = upload("first"), upload("second")
        for one in (first, second):
            newest(store).announce(one)
        return first, second

    def test_the_object_that_lies_there_is_the_newest(self, store):
        first, second = self.two(store)
        ref = store.put(IN, KEY, b"body")
        lying = Document(IN, KEY, store.head(ref).etag, uploaded_at=NOON)
        newest(store).announce(lying)
        newest(store).announce(upload("fourth"))
        assert newest(store).newer(first) == newest(store).newer(second) == Version(lying.version, NOON)
        assert newest(store).newer(lying) is None

    def test_it_is_known_by_its_bytes_whatever_they_were_ordered_for(self, store):
        ref = store.put(IN, KEY, b"body")
        lying = Document(IN, KEY, f"{store.head(ref).etag}{ORDERED}0123abcd", uploaded_at=NOON)
        for one in (upload("first"), lying, upload("third")):
            newest(store).announce(one)
        assert newest(store).newer(lying) is None

    def test_in_a_bucket_with_versions_it_is_known_by_its_version(self, store):
        store.versioned.add(IN)
        for body in (b"one", b"two"):
            store.put(IN, KEY, body)
        one, two = (Document(IN, KEY, f"version-{number}", uploaded_at=NOON) for number in (1, 2))
        for document in (two, one):
            newest(store).announce(document)
        assert newest(store).newer(one).version == "version-2"
        assert newest(store).newer(two) is None

    def test_where_none_of_them_lies_there_the_last_announcement_counts(self, store):
        first, second = self.two(store)
        assert newest(store).newer(first).version == "second"
        assert newest(store).newer(second) is None
        store.put(IN, KEY, b"another")
        assert newest(store).newer(first).version == "second"

    def test_where_there_is_only_one_nothing_is_asked(self, store):
        newest(store).announce(upload("v"))
        heads = []
        store.fail = lambda verb, ref: heads.append(ref) if verb == "head" else None
        assert newest(store).newer(upload("v")) is None
        assert heads == []


class TestBesideALook:
    """A record is written while it is looked who else publishes; who comes later gives way to it."""

    def test_who_is_alone_is_told_so(self, store):
        book = Newest(Site(store, IN, OUT), invocation(store.clock), 0.2)
        book.announce(upload("v"))
        written: list[str] = []
        assert book.beside(upload("v"), lambda: written.append("record")).alone
        assert written == ["record"]

    @pytest.mark.parametrize(("took", "alone"), [(0.1, True), (0.2, False)])
    def test_whoever_announced_itself_while_it_took_long_is_seen(self, store, took, alone):
        book = Newest(Site(store, IN, OUT), invocation(store.clock), 0.2)
        book.announce(upload("old", 1))
        looked = threading.Event()
        store.after = lambda verb, ref: looked.set() if verb == "read" else None

        def write() -> None:
            assert looked.wait(10)
            newest(store).announce(upload("new", 2))
            store.clock.pause(took)

        found = book.beside(upload("old", 1), write)
        assert found.alone == alone
        assert (found.newer is None) == alone

    def test_who_comes_later_waits_until_it_is_written(self, store):
        before = store.clock.now()
        Newest(Site(store, IN, OUT), invocation(store.clock), 0.2).give_way()
        assert (store.clock.now() - before).total_seconds() == 0.2
