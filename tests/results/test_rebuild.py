"""Results made anew from stored answers: the same as before, nothing paid, nothing newer overwritten."""

from __future__ import annotations

import pytest

from legible.errors import BusyError, InternalError, ObjectGoneError, UnavailableError
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.operations.routing import Route, Routing
from legible.outputs import xlsx
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture, tiff

KEY = "passport/a.png"


def standing(rig, key=KEY):
    return {name: body[0] for name, body in rig.store.objects.items() if name.key.startswith(f"results/{key}/")}


def rebuilt(rig, key=KEY):
    rebuilder = rig.rebuilder()
    return rebuilder.rebuild(rebuilder.current(key))


class TestTheSameAgain:
    @pytest.mark.parametrize(
        ("key", "body", "script"),
        [
            ("passport/a.png", picture(), [PASSPORT]),
            ("general-text/a.tif", tiff(3), [TEXT, TEXT, TEXT]),
            ("passport/tiny.png", picture(5, 5), []),
            ("no-such-operation/a.bin", b"neither image nor document", []),
        ],
    )
    def test_nothing_changed_means_the_same_bytes_and_no_call(self, key, body, script):
        rig = Rig(*script)
        rig.run(rig.upload(key, body))
        before, paid, lines = standing(rig, key), len(rig.ocr.calls), len(rig.journal(key))
        rig.clock.pause(3600)
        outcome = rebuilt(rig, key)
        assert standing(rig, key) == before
        assert outcome.status == rig.record(key)["status"]
        assert (len(rig.ocr.calls), len(rig.journal(key))) == (paid, lines)

    def test_what_was_lost_of_the_results_comes_back(self):
        rig = Rig()
        rig.run(rig.upload(KEY))
        before = standing(rig)
        rig.store.remove(ObjectRef(OUT, f"results/{KEY}/record.xlsx"))
        rebuilt(rig)
        assert standing(rig) == before

    def test_what_a_route_asks_for_by_now_is_made(self):
        rig = self.with_route(Rig(TEXT))
        rig.run(rig.upload("letters/a.png"))
        rig = self.with_route(rig, outputs=("md", "pdf"))
        rebuilt(rig, "letters/a.png")
        names = {ref.key.rsplit("/", 1)[1] for ref in standing(rig, "letters/a.png")}
        assert names == {"record.json", "record.xlsx", "record.md", "record.pdf"}

    def test_a_document_that_is_gone_has_no_searchable_copy_and_says_so(self):
        rig = self.with_route(Rig(TEXT))
        rig.run(rig.upload("letters/a.png"))
        rig = self.with_route(rig, outputs=("pdf",))
        rig.store.remove(ObjectRef(IN, "letters/a.png"))
        rebuilt(rig, "letters/a.png")
        assert "not at hand" in rig.record("letters/a.png")["notes"][0]

    def test_a_route_that_is_gone_asks_for_nothing(self):
        rig = Rig(TEXT)
        rig.rules = Routing(region="cn-north-4", routes=(Route("letters/*", "general-text", outputs=("md",)),))
        rig.run(rig.upload("letters/a.png"))
        rig.rules = Routing(region="cn-north-4", default="")
        rebuilt(rig, "letters/a.png")
        assert {ref.key.rsplit("/", 1)[1] for ref in standing(rig, "letters/a.png")} == {"record.json", "record.xlsx"}

    def with_route(self, rig, **values):
        rig.rules = Routing(region="cn-north-4", routes=(Route("letters/*", "general-text", **values),))
        return rig


class TestNothingNewerIsOverwritten:
    def test_an_older_version_is_rebuilt_beside_its_answers_only(self):
        rig = Rig(PASSPORT, {**PASSPORT, "surname": "NEWER"})
        rig.run(rig.upload(KEY))
        older = rig.rebuilder().current(KEY)
        rig.clock.pause(60)
        rig.run(rig.upload(KEY, picture(61, 41)))
        before = standing(rig)
        rig.rebuilder().rebuild(older)
        assert standing(rig) == before

    def test_whoever_adds_a_line_meanwhile_is_not_covered_by_less(self):
        """Given a review that comes while results are made: they are made again, with it."""
        rig = Rig()
        rig.run(rig.upload(KEY))
        document = rig.rebuilder().current(KEY)
        real, times = xlsx.write, []

        class Slow(type(rig.parts().results)):
            def publish(self, *values):
                times.append(1)
                if len(times) == 1:
                    add_a_line(rig, document)
                return super().publish(*values)

        parts = rig.parts()
        rebuilder = rig.rebuilder()
        rebuilder._results = Slow(rig.site, parts.call, parts.answers, parts.publisher, rig.form)
        rebuilder.rebuild(document)
        assert len(times) == 2
        assert real is xlsx.write

    def test_a_journal_that_never_rests_is_left_for_later(self):
        rig = Rig()
        rig.run(rig.upload(KEY))
        document = rig.rebuilder().current(KEY)

        def grow(verb, ref):
            if verb == "write" and ref.key == f"results/{KEY}/record.json":
                add_a_line(rig, document)

        rig.store.after = grow
        with pytest.raises(UnavailableError, match="keeps growing"):
            rig.rebuilder().rebuild(document)


class TestWhatCannotBeRebuilt:
    def test_a_document_under_way(self):
        rig = Rig()
        rig.run(rig.upload(KEY))
        document = rig.rebuilder().current(KEY)
        rig.store.remove(ObjectRef(OUT, layout.journal(document)))
        with pytest.raises(BusyError, match="being recognized"):
            rig.rebuilder().rebuild(document)

    def test_a_key_without_results(self):
        with pytest.raises(ObjectGoneError):
            Rig().rebuilder().current("nothing/here.png")

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"document": ', b'{"document": {"bucket": 7}}', b"\xff\xfe"])
    def test_a_record_that_something_else_wrote(self, body):
        rig = Rig()
        rig.store.put(OUT, f"results/{KEY}/record.json", body)
        with pytest.raises(InternalError, match="not a record of Legible"):
            rig.rebuilder().current(KEY)

    def test_an_answer_that_is_gone(self):
        rig = Rig()
        rig.run(rig.upload(KEY))
        for key in rig.store.keys(OUT, f"answers/{KEY}/"):
            if ".invocation-" in key:
                rig.store.remove(ObjectRef(OUT, key))
        with pytest.raises(InternalError, match="is gone"):
            rebuilt(rig)


def test_every_document_below_a_prefix_is_named():
    rig = Rig(PASSPORT, PASSPORT, PASSPORT)
    for key in ("passport/a.png", "passport/b/c.png", "other/passport/a.png"):
        rig.run(rig.upload(key))
    rig.store.put(OUT, "results/passport/a.png/notes.txt", b"")
    assert list(rig.rebuilder().below("passport/")) == ["passport/a.png", "passport/b/c.png"]
    assert len(list(rig.rebuilder().below(""))) == 3


def test_a_record_of_many_pages_is_found_by_its_beginning():
    rig = Rig(*[TEXT] * 40)
    rig.max_pages, rig.seconds = 100, 600
    key = f"general-text/{'ü' * 300}.pdf"
    rig.run(rig.upload(key, pdf(40)))
    reads = len(rig.store.reads)
    assert rig.rebuilder().current(key).page_count == 40
    assert sum(size for _, size in rig.store.reads[reads:]) <= 16 * 1024


def add_a_line(rig, document):
    from legible.ledger.journal import Line, encode

    ref = ObjectRef(OUT, layout.journal(document))
    length = rig.store.head(ref).size
    line = Line("surplus", rig.clock.now(), f"somebody-{length}", 1, page=1)
    rig.store.append(ref, length, encode(line))
