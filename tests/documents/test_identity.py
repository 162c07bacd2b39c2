"""One content, one document: names that never change, because whatever was paid for is found by them."""

from __future__ import annotations

import hashlib

import pytest

from legible.documents import identity
from legible.errors import HeldError
from legible.ledger.journal import Line, encode
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Order
from legible.outputs.record import HEAD_BYTES
from legible.ports import Site
from tests.support.fakes import START, MemoryStore
from tests.support.rig import IN, OUT, Rig, picture

REF = ObjectRef(IN, "passport/a.png")
ETAG = "0123456789abcdef0123456789abcdef"


class TestContentName:
    @pytest.mark.parametrize(
        ("etag", "version", "name"),
        [
            (ETAG, "v1", ETAG),
            (f"{ETAG}-12", "", f"{ETAG}-12"),
            ("", "v/1 +2", "v_1__2"),
            ("", "", "gone"),
            ("a.b_c-d", "", "a.b_c-d"),
            ("x" * 130, "", "x" * 120),
        ],
    )
    def test_it_is_the_etag_or_the_version_fit_for_one_part_of_a_key(self, etag, version, name):
        assert identity.content_name(etag, version) == name


class World:
    """An upload, and the journals of documents under its key."""

    def __init__(self, *, versioned: bool = False) -> None:
        self.store = MemoryStore()
        self.store.versioned |= {IN} if versioned else set()
        self.store.put(IN, REF.key, picture())
        self.head = self.store.head(REF)
        self.site = Site(self.store, IN, OUT)

    def begun(self, name: str, **values) -> None:
        """Begin a document of that name."""
        key = layout.journal(Document(IN, REF.key, name))
        self.store.append(ObjectRef(OUT, key), 0, encode(Line("claimed", START, "a", 1, **values)))

    def name(self, order: Order | None = None) -> str:
        return identity.name_of(self.site, REF, self.head, order)


class TestOrders:
    ORDER = Order("invoice", {"b": 1, "a": [2]})

    def test_an_order_makes_another_document_whose_name_says_so_forever(self):
        world = World()
        name = world.name(self.ORDER)
        assert name == f"{world.head.etag}.{name[-8:]}"
        assert identity.etag_of(name) == identity.etag_of(world.head.etag) == world.head.etag
        assert name == world.name(Order("invoice", {"a": [2], "b": 1}))
        assert len({world.name(order) for order in (None, self.ORDER, Order("invoice"), Order("", {"b": 1}))}) == 4

    def test_the_digest_is_that_of_the_sorted_order(self):
        written = b'{"operation":"invoice","options":{"a":[2],"b":1}}'
        assert World().name(self.ORDER).endswith("." + hashlib.sha256(written).hexdigest()[:8])

    @pytest.mark.parametrize(
        ("order", "same"),
        [
            (Order("invoice"), True),
            (Order("", {"a": 1}), True),
            (Order("invoice", {"a": 1, "b": 2}), True),
            (Order("passport"), False),
            (Order("invoice", {"a": 2}), False),
            (Order("", {"c": 1}), False),
        ],
    )
    def test_one_that_version_0_1_began_by_this_very_order_goes_on_under_its_name(self, order, same):
        world = World()
        world.begun(world.head.etag, operation="invoice", options={"a": 1, "b": 2})
        assert (world.name(order) == world.head.etag) == same


class TestVersions:
    def test_in_a_bucket_with_versions_equal_bytes_are_one_document(self):
        world = World(versioned=True)
        first = world.name()
        world.store.put(IN, REF.key, picture())
        world.head = world.store.head(REF)
        assert world.name() == first == world.head.etag

    def test_one_that_version_0_1_began_by_its_version_goes_on(self):
        world = World(versioned=True)
        world.begun(world.head.version_id, operation="passport")
        assert world.name() == world.head.version_id

    def test_without_a_version_no_journal_is_looked_for(self):
        world = World()

        def unseen(verb, ref):
            raise AssertionError(f"{verb} {ref}")

        world.store.fail = unseen
        assert world.name() == world.head.etag

    def published(self, world: World, **values) -> Document:
        """Publish a result as version 0.1 did, whose documents were named by their versions."""
        rig = Rig()
        rig.store, rig.clock = world.store, world.store.clock
        rig.run(rig.upload(REF.key))
        place = ObjectRef(OUT, layout.results(REF.key, layout.RECORD))
        body, *rest = world.store.objects[place]
        for name, text in values.items():
            old = f'"{name}": "{world.store.json(OUT, place.key)["document"][name]}"'.encode()
            for before in (old, old.replace(b": ", b":")):
                body = body.replace(before, f'"{name}":"{text}"'.encode())
        world.store.objects[place] = (body, *rest)
        document = identity.published(world.site, REF.key)
        assert document is not None
        return document

    @pytest.mark.parametrize(
        ("values", "begun", "same"),
        [
            ({"version": "version-0"}, True, True),
            ({"version": "version-0"}, False, False),
            ({"version": "version-0", "etag": "other"}, True, False),
            ({"version": "version-0", "bucket": "legible-old"}, True, False),
        ],
    )
    def test_one_whose_result_version_0_1_published_for_the_same_bytes_goes_on(self, values, begun, same):
        world = World(versioned=True)
        assert self.published(world, **values).version == "version-0"
        if begun:
            world.begun("version-0", operation="passport")
        assert (world.name() == "version-0") == same

    def test_not_for_another_order(self):
        world = World(versioned=True)
        self.published(world, version="version-0")
        world.begun("version-0", operation="passport")
        assert world.name(Order("invoice")) != "version-0"


class TestPublished:
    def test_where_nothing_is_published_there_is_none(self):
        assert identity.published(World().site, REF.key) is None

    def test_nor_where_something_else_lies_there(self):
        world = World()
        world.store.put(OUT, layout.results(REF.key, layout.RECORD), b"{}")
        assert identity.published(world.site, REF.key) is None

    def test_of_a_long_record_only_the_beginning_is_read(self):
        rig = Rig()
        rig.run(rig.upload(REF.key))
        place = ObjectRef(OUT, layout.results(REF.key, layout.RECORD))
        body, *rest = rig.store.objects[place]
        rig.store.objects[place] = (body.rstrip() + b" " * HEAD_BYTES, *rest)
        rig.store.reads.clear()
        document = identity.published(rig.site, REF.key)
        assert document is not None
        assert document.key == REF.key
        assert rig.store.reads == [(place, HEAD_BYTES)]

    def test_a_store_that_does_not_let_us_look_is_told(self):
        world = World()

        def deny(verb, ref):
            raise HeldError("403", code="obs-denied")

        world.store.fail = deny
        with pytest.raises(HeldError):
            identity.published(world.site, REF.key)
