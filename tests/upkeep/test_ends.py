"""Documents that are not done are found by their cause with the evidence, and none is asked for one by one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec import structs

from legible.errors import AnswerUnknownError, HeldError, RejectedError, UnavailableError
from legible.ledger.changes import Changes, name_of
from legible.ledger.journals import Journals
from legible.model import layout, layout_upkeep
from legible.model.documents import Reason, Upload
from legible.model.ends import EndChoice, UndoneEnd
from legible.model.pages import Answer
from legible.oversight.rebuild import rebuilt
from legible.oversight.rollup import RollUp
from legible.recognition.policy import Policy
from legible.upkeep.causes import by_cause
from legible.upkeep.ends import EndsConsumer, latest, notes
from tests.support.fakes import START
from tests.support.rig import OUT, TEXT, Rig, pdf, picture
from tests.upkeep.ends_rig import BROKEN, DAY, GAVE_UP, PRICED, THROTTLED, ended, ends, listed, price

EVERY = EndChoice()


def found(rig: Rig, choice: EndChoice = EVERY, **limits) -> dict[str, UndoneEnd]:
    return {end.key: end for end in ends(rig, **limits).find(choice)}


class TestEvidence:
    """What the pipeline itself ended, told by its journal."""

    def test_a_page_that_the_service_refuses(self):
        rig = Rig(RejectedError("blurred", code="image-refused", vendor_code="AIS.0103", request_id="r-9"))
        rig.run(rig.upload("passport/a.png"))

        end = found(rig)["passport/a.png"]

        assert (end.status, end.code, end.vendor_code, end.request_id) == (
            "rejected", "image-refused", "AIS.0103", "r-9",
        )  # fmt: skip
        assert (end.page, end.tries, end.pages, end.lasting, end.operation) == (1, 1, 1, True, "passport")
        assert end.end == f"{rig.journal('passport/a.png')[-1]['owner']}#{rig.journal('passport/a.png')[-1]['n']}"

    def test_a_call_that_came_back_unusable_names_what_is_stored(self):
        lost = AnswerUnknownError("no JSON", request_id="r-7")
        lost.body = b"<html>"
        rig = Rig(lost, policy=Policy(attempts=3))
        rig.run(rig.upload("passport/a.png"))

        end = found(rig)["passport/a.png"]

        assert (end.status, end.code, end.page, end.lasting) == ("dead", "answer-unknown", 1, False)
        assert rig.store.objects[rig.site.in_output(end.body)][0] == b"<html>"

    def test_a_long_document_of_which_a_page_is_missing_costs_that_page(self):
        rig = Rig(TEXT, TEXT, RejectedError("blurred", code="image-refused"), TEXT, policy=Policy(window=1))
        rig.run(rig.upload("general-text/a.pdf", pdf(4)))

        end = found(rig)["general-text/a.pdf"]

        assert (end.status, end.page, end.pages, end.calls, end.lasting) == ("partial", 3, 1, 1, True)

    def test_a_document_that_is_refused_before_it_is_called_for(self):
        rig = Rig(TEXT)
        rig.run(rig.upload("general-text/a.txt", b"hello"))

        end = found(rig)["general-text/a.txt"]

        assert (end.status, end.code, end.page, end.pages, end.calls) == ("rejected", "format-unknown", 0, 0, 1)
        assert "holds text" in end.message

    def test_what_an_answer_says_that_cannot_be_read_stays_so(self):
        rig = Rig(TEXT)
        rig.ocr.script = [Answer(b"no json at all", "r-1")]
        rig.run(rig.upload("general-text/a.png"))

        (end,) = found(rig).values()

        assert (end.status, end.page, end.lasting) == ("dead", 1, True)
        assert rig.has(end.body)

    def test_held_by_something_that_passes(self):
        rig = Rig(HeldError("no", code="not-subscribed", vendor_code="ModelArts.4204"))
        rig.run(rig.upload("passport/a.png"))

        (end,) = found(rig).values()

        assert (end.status, end.code, end.vendor_code, end.lasting) == (
            "held", "not-subscribed", "ModelArts.4204", False,
        )  # fmt: skip

    def test_without_a_reason_there_is_a_cause_without_a_name(self):
        rig = Rig(TEXT)
        ended(rig, "general-text/a.png", "dead", None)
        assert found(rig)["general-text/a.png"].code == ""


class TestLists:
    def test_a_document_that_is_done_at_once_is_in_no_list(self):
        rig = Rig(TEXT)
        rig.run(rig.upload("general-text/a.png"))
        rig.clock.pause(120)
        listed(rig)
        assert rig.store.keys(OUT, layout.ENDS) == []
        assert found(rig) == {}

    def test_what_is_not_listed_yet_is_found_by_its_mark(self):
        rig = Rig(TEXT)
        ended(rig, "general-text/a.png", "dead", GAVE_UP)
        before = found(rig)
        listed(rig)
        assert rig.store.keys(OUT, layout.CHANGES) == []
        assert found(rig) == before != {}

    def test_one_that_was_tried_again_and_is_done_is_listed_no_more(self):
        rig = Rig(TEXT)
        ended(rig, "general-text/a.png", "dead", GAVE_UP)
        listed(rig)
        end = found(rig)["general-text/a.png"]

        rig.run(Upload(end.ref, etag=end.etag, again=end.end))

        assert found(rig) == {}
        rig.clock.pause(120)
        listed(rig)
        assert found(rig) == {}
        assert len(rig.store.lines(OUT, "reports/.ends/2026/11/23.jsonl")) == 2

    def test_one_that_ends_again_the_next_day_is_listed_there_alone(self):
        rig = Rig(UnavailableError("503", code="service-unavailable"), policy=Policy(attempts=1))
        ended(rig, "general-text/a.png", "dead", GAVE_UP)
        listed(rig)
        rig.clock.pause(86_400)
        end = found(rig)["general-text/a.png"]
        upload = Upload(end.ref, etag=end.etag, again=end.end)
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.bury(upload, GAVE_UP)
        rig.clock.pause(120)
        listed(rig)

        (again,) = found(rig).values()

        assert again.at.date() == DAY + timedelta(days=1)
        assert again.tries == 3
        assert found(rig, EndChoice(until=again.at)) == {}

    def test_an_earlier_reading_that_is_listed_late_counts_for_nothing(self):
        rig = Rig(TEXT)
        document = ended(rig, "general-text/a.png", "dead", GAVE_UP)
        listed(rig)
        late = notes(name_of(layout.journal(document)), document, Journals(rig.site).load(document), START)
        late = {day: structs.replace(note, n=1, end=None) for day, note in late.items()}
        EndsConsumer(rig.site, rig.call(), 0.0).keep([late])
        assert set(found(rig)) == {"general-text/a.png"}

    def test_a_share_at_a_time_says_the_same_as_all_at_once(self):
        rig = Rig(TEXT)
        for number in range(30):
            ended(rig, f"general-text/{number}.png", "dead", GAVE_UP)
        listed(rig)
        assert len(found(rig, in_memory=2_000)) == 30

    def test_what_something_else_wrote_there_is_passed_over(self):
        rig = Rig(TEXT)
        ended(rig, "general-text/a.png", "dead", GAVE_UP)
        listed(rig)
        key = f"{layout_upkeep.ends(DAY)}.jsonl"
        rig.store.append(
            rig.site.in_output(key), len(rig.store.objects[rig.site.in_output(key)][0]), b"not json\n\xff\n"
        )
        rig.store.put(OUT, "reports/.ends/2026/13/41.jsonl", b"")
        rig.store.put(OUT, "reports/.ends/notes.txt", b"")
        assert len(found(rig)) == 1

    def test_journals_that_changed_and_are_too_many_are_told(self):
        rig = Rig(TEXT)
        for number in range(5):
            ended(rig, f"general-text/{number}.png", "dead", GAVE_UP)
        asked = ends(rig, most_changed=3)
        assert len(list(asked.find(EVERY))) == 3
        assert asked.unread == 2

    def test_marks_that_are_none_or_gone_hide_nothing(self):
        rig = Rig(TEXT)
        document = ended(rig, "general-text/a.png", "dead", GAVE_UP)
        listed(rig)
        changes = Changes(rig.site, rig.call())
        changes.mark(document, rig.clock.now())
        (mark,) = rig.store.keys(OUT, layout.CHANGES)
        rig.store.put(OUT, mark, b"not a mark")
        rig.store.put(OUT, f"{layout.CHANGES}odd", b"")
        assert len(found(rig)) == 1

        # A walk that is faster takes the mark away between the list and the reading.
        rig.store.remove(rig.site.in_output(mark))
        changes.mark(document, rig.clock.now())
        (mark,) = [key for key in rig.store.keys(OUT, layout.CHANGES) if key.endswith(".json")]
        store_list = rig.store.list

        def gone_meanwhile(bucket, prefix, after=""):
            yield from store_list(bucket, prefix, after)
            if prefix == layout.CHANGES:
                rig.store.remove(rig.site.in_output(mark))

        rig.store.list = gone_meanwhile
        assert len(found(rig)) == 1

    def test_made_again_from_all_journals_they_say_the_same(self):
        rig = Rig(TEXT)
        long = "general-text/" + "x" * 900 + ".png"
        for key in ("general-text/a.png", long):
            ended(rig, key, "dead", GAVE_UP)
        rig.run(rig.upload("general-text/b.png", picture(90)))
        listed(rig)
        before = found(rig)
        for key in [*rig.store.keys(OUT, layout.ENDS), *rig.store.keys(OUT, layout.CHANGES)]:
            rig.store.remove(rig.site.in_output(key))
        assert found(rig) == {}
        call = rig.call("rebuild")

        rebuilt(rig.site, call, RollUp(rig.site, call, 0.0), others=[EndsConsumer(rig.site, call, 0.0)])

        after = found(rig)
        assert after["general-text/a.png"] == before["general-text/a.png"]
        # The key of a journal is but the beginning of a long one; this document has no record that tells it.
        (shortened,) = set(after) - {"general-text/a.png"}
        assert long.startswith(shortened[:700])

    def test_made_again_the_record_tells_a_key_that_is_too_long_for_its_journal(self):
        rig = Rig(TEXT)
        long = "general-text/" + "x" * 900 + ".txt"
        rig.run(rig.upload(long, b"hello"))
        for key in rig.store.keys(OUT, layout.CHANGES):
            rig.store.remove(rig.site.in_output(key))
        call = rig.call("rebuild")
        rebuilt(rig.site, call, RollUp(rig.site, call, 0.0), others=[EndsConsumer(rig.site, call, 0.0)])
        assert set(found(rig)) == {long}


class TestChoice:
    @pytest.fixture
    def rig(self) -> Rig:
        rig = Rig(TEXT)
        ended(rig, "general-text/a.png", "dead", THROTTLED)
        rig.clock.pause(3600)
        ended(rig, "general-text/b.png", "rejected", BROKEN)
        ended(rig, "other/c.png", "held", Reason("too-many-pages", "3000 pages"))
        listed(rig)
        return rig

    @pytest.mark.parametrize(
        ("choice", "keys"),
        [
            ({}, "abc"),
            ({"prefix": "general-text/"}, "ab"),
            ({"reasons": ("throttled",)}, "a"),
            ({"reasons": ("APIG.0308", "AIS.0103")}, "ab"),
            ({"statuses": ("held", "rejected")}, "bc"),
            ({"operation": "passport"}, ""),
            ({"operation": "general-text", "statuses": ("dead",)}, "a"),
        ],
    )
    def test_each_field_narrows(self, rig, choice, keys):
        assert "".join(sorted(key[-5] for key in found(rig, EndChoice(**choice)))) == keys

    def test_times_narrow_to_the_second(self, rig):
        at = found(rig)["general-text/b.png"].at
        assert set(found(rig, EndChoice(since=at))) == {"general-text/b.png", "other/c.png"}
        assert set(found(rig, EndChoice(until=at))) == {"general-text/a.png"}
        assert found(rig, EndChoice(since=at + timedelta(days=2))) == {}


class TestCauses:
    def test_documents_are_counted_by_cause_with_what_another_try_costs(self):
        rig = Rig(TEXT)
        for number in range(5):
            ended(rig, f"general-text/{number}.png", "dead", THROTTLED, pages=3)
        ended(rig, "general-text/x.png", "rejected", BROKEN)
        ended(rig, "general-text/y.png", "dead", GAVE_UP, pages=0)

        report = by_cause(ends(rig), EVERY, price(), rig.clock.now(), most=2)

        assert [(one.code, one.documents, one.calls, one.uncounted, one.lasting) for one in report.causes] == [
            ("throttled", 5, 15, 0, 0), ("image-refused", 1, 1, 0, 1), ("platform-gave-up", 1, 1, 1, 0),
        ]  # fmt: skip
        assert (report.total, len(report.documents), str(report.cost.amount)) == (7, 2, "0.17")

    def test_the_price_is_that_of_tiers_and_packages_beyond_what_was_spent(self):
        rig = Rig(TEXT)
        ended(rig, "general-text/a.png", "dead", GAVE_UP, pages=5)
        unpriced = structs.replace(PRICED, list=())
        report = by_cause(ends(rig), EVERY, price(unpriced), rig.clock.now())
        assert (report.cost.amount, report.cost.unpriced) == (None, ("general-text",))


def test_of_many_ends_the_latest_are_kept_and_memory_holds_few():
    rig = Rig(TEXT)
    ended(rig, "general-text/a.png", "dead", GAVE_UP)
    (one,) = found(rig).values()
    many = (structs.replace(one, at=one.at + timedelta(seconds=(number * 37) % 1000)) for number in range(1000))
    assert [end.at - one.at for end in latest(many, 3)] == [timedelta(seconds=number) for number in (999, 998, 997)]


def test_lists_lie_by_the_day_and_nothing_else_is_one():
    assert layout_upkeep.day_of_ends("reports/.ends/2026/11/23.2.jsonl") == date(2026, 11, 23)
    assert layout_upkeep.day_of_ends("reports/.ends/2026/11/31.jsonl") is None
    assert layout_upkeep.day_of_ends("reports/.usage/2026/11/23.jsonl") is None
