"""Objects go for good, and lists lose the lines of what is forgotten and nothing else."""

from __future__ import annotations

import pytest

from legible.errors import ObjectGoneError, UnavailableError
from legible.model.documents import ObjectRef
from legible.ports import Site
from legible.upkeep.eraser import LISTS, Eraser
from tests.support.fakes import Clock, MemoryStore, MemoryVersions, invocation
from tests.support.rig import IN, OUT

LIST = ObjectRef(OUT, "contents/1-2/3.jsonl")


def world(*lines: bytes) -> tuple[MemoryStore, Eraser]:
    store = MemoryStore()
    if lines:
        store.append(LIST, 0, b"".join(lines))
    return store, Eraser(Site(store, IN, OUT), MemoryVersions(store), invocation(Clock()))


def stays(line: bytes) -> bool:
    return b"anna" not in line


def test_lines_are_struck_and_the_list_takes_more():
    store, eraser = world(b"anna\n", b"bert\n", b"carl\n")
    assert eraser.strike(LIST.key, stays)
    assert store.read(LIST) == b"bert\ncarl\n"
    store.append(LIST, 10, b"dora\n")
    assert store.keys(OUT, LISTS) == []


def test_a_list_of_nothing_else_goes():
    store, eraser = world(b"anna\n")
    assert eraser.strike(LIST.key, stays)
    assert LIST not in store.objects


def test_a_list_that_has_none_of_them_is_not_touched():
    store, eraser = world(b"bert\n")
    before = store.objects[LIST]
    assert not eraser.strike(LIST.key, stays)
    assert store.objects[LIST] is before


def test_whoever_comes_first_stays_the_last():
    """Given somebody who begins the list anew in that very instant, then its line is the last one: it may pay."""
    store, eraser = world(b"anna\n", b"bert\n")

    def come(verb: str, ref: ObjectRef) -> None:
        if verb == "remove" and ref == LIST:
            store.after = lambda verb, ref: None
            store.append(LIST, 0, b"dora\n")

    store.after = come
    eraser.strike(LIST.key, stays)
    assert store.read(LIST) == b"dora\nbert\ndora\n"


def test_what_a_run_left_that_died_is_put_back():
    store, eraser = world(b"anna\n", b"bert\n")

    def die(verb: str, ref: ObjectRef) -> None:
        if verb == "append":
            raise UnavailableError("dead")

    store.fail = die
    with pytest.raises(UnavailableError):
        eraser.strike(LIST.key, stays)
    assert LIST not in store.objects
    store.fail = lambda verb, ref: None
    store.put(OUT, f"{LISTS}spoilt.json", b"{")
    eraser.restore()
    assert store.read(LIST) == b"bert\n"
    assert store.keys(OUT, LISTS) == [f"{LISTS}spoilt.json"]


def test_a_list_that_takes_no_line_is_a_fault_that_passes():
    store, eraser = world(b"anna\n", b"bert\n")

    def come(verb: str, ref: ObjectRef) -> None:
        if verb == "append" and ref == LIST:
            known = store.objects.get(LIST, (b"",))[0]
            store.objects[LIST] = (known + b"x\n", "", store.clock.now(), {})
            store.appendable[LIST] += 1

    store.fail = come
    with pytest.raises(UnavailableError, match="took no line"):
        eraser.strike(LIST.key, stays)


def test_what_is_gone_by_the_time_it_is_read_is_no_fault():
    store, eraser = world(b"anna\n")

    def vanish(verb: str, ref: ObjectRef) -> None:
        if verb == "read":
            raise ObjectGoneError("gone")

    store.fail = vanish
    assert eraser.each("contents/", lambda body: True) == 0
