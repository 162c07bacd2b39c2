"""Whatever keys are called: what is forgotten is gone, and what has another key stays as it was."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from legible.ledger import journal
from legible.ledger.content import Holder
from legible.ledger.journal import Line
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Upload
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.rig import IN, OUT, Rig
from tests.upkeep.forget_rig import Forgetter

MD5 = "0123456789abcdef" * 2
#: Parts that could be taken for something else: a version, a page, a list, a record, a shortened key, folders of ours.
_PARTS = st.sampled_from(
    ["a", "b", MD5, "0001.json", "newest-2026-11-23.jsonl", "record.json", "x.2.jsonl", "~" + MD5, "results", "..", "*",
     "\u62a4\u7167", "\U0001f6c2", 'quo"te', "back\\slash", "2026-11-23-" + MD5, "once-" + MD5, "b" * 400, "%41", "\n"]
)  # fmt: skip
KEYS = st.lists(_PARTS, min_size=1, max_size=4).map("/".join)


def kept(rig: Rig, key: str) -> dict[ObjectRef, Any]:
    """Store a document that was read, with everything that has a place of its own; return what was stored."""
    document = Document(IN, key, MD5)
    objects = {
        ObjectRef(IN, key): b"upload",
        ObjectRef(OUT, layout.answer(document, 1)): b"answer",
        ObjectRef(OUT, layout.work(document, 1, ".jpg")): b"page",
        ObjectRef(OUT, layout.results(key, "record.json")): b"{}",
        ObjectRef(OUT, layout.ticket(document)): b"ticket",
        ObjectRef(OUT, layout.newest(IN, key, START.date())): b"{}\n",
    }
    for ref, body in objects.items():
        rig.store.put(ref.bucket, ref.key, body)
    end = Line("finished", rig.clock.now(), "reader", 1, status="done")
    rig.store.append(ObjectRef(OUT, layout.journal(document)), 0, journal.encode(end))
    upload = msgspec.json.encode({"upload": Upload(ObjectRef(IN, key)), "version": MD5})
    name = f"waiting/20990101T000000.1.{len(rig.store.objects)}.json"
    rig.store.put(OUT, name, upload)
    line = msgspec.json.encode(Holder(IN, key, MD5)) + b"\n"
    shared = ObjectRef(OUT, layout.content(MD5, 6, "plan"))
    rig.store.append(shared, len(rig.store.objects.get(shared, (b"",))[0]), line)
    refs = [*objects, ObjectRef(OUT, layout.journal(document)), ObjectRef(OUT, name)]
    return {ref: rig.store.objects[ref] for ref in refs}


@settings(max_examples=examples(300))
@given(KEYS, KEYS, st.booleans())
def test_one_is_gone_and_the_other_is_untouched(first, second, below):
    """Given two keys, perhaps one the folder of the other, when the first is forgotten, then the second stays whole."""
    second = f"{first}/{second}" if below else second
    rig = Rig()
    others = kept(rig, second) if second != first else {}
    mine = kept(rig, first)
    forgetter = Forgetter(rig)
    forgetter.forgetting.forget([first], forgetter.asked())
    forgetter.later()
    assert not set(mine) & set(rig.store.objects)
    assert {ref: rig.store.objects.get(ref) for ref in others} == others
    shared = ObjectRef(OUT, layout.content(MD5, 6, "plan"))
    names = [msgspec.json.decode(line)["key"] for line in rig.store.objects.get(shared, (b"",))[0].splitlines()]
    assert names == ([second] if others else [])
