"""A quote tells documents, pages, what is known and the price before anything is sent, and how sure it is."""

from __future__ import annotations

import math
import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.documents.formats import FIRST_BYTES, LAST_BYTES
from legible.errors import RejectedError
from legible.ledger.changes import Changes
from legible.model.ends import FurtherCost
from legible.model.prices import Price as Listed
from legible.model.prices import Prices, Tier
from legible.model.quotes import Estimate
from legible.oversight.usage import UsageReader
from legible.upkeep.look import LARGE, Looked
from legible.upkeep.sampling import Moments, Reservoir, SampledStratum, estimate, shares
from legible.upkeep.tally import Likeness, Sorter, Tallies
from legible.workbooks.listing import Candidate
from tests.support.counting import rollup, walk
from tests.support.rig import IN, TEXT, Rig, pdf, picture, tiff
from tests.upkeep.ends_rig import PRICED
from tests.upkeep.quote_rig import quoter


def old(documents: int = 10) -> Rig:
    rig = Rig(TEXT)
    for number in range(documents):
        rig.upload(f"general-text/{number:03}.png", picture(60 + number))
    return rig


def row(quote, slug="general-text"):
    (found,) = [one for one in quote.operations if one.operation == slug]
    return found


class TestAQuote:
    def test_counts_documents_pages_and_price_and_sends_nothing(self):
        rig = old(10)
        rig.upload("general-text/a.pdf", pdf(7))
        rig.upload("general-text/b.tiff", tiff(3))
        rig.upload("passport/c.png")
        before = dict(rig.store.objects)

        quote = quoter(rig).sampled("")

        assert (quote.documents, quote.looked_at, quote.notes) == (13, 13, ())
        assert [(one.operation, one.documents, one.pages.likely, one.calls.likely) for one in quote.operations] == [
            ("general-text", 12, 20, 20), ("passport", 1, 1, 1),
        ]  # fmt: skip
        assert quote.cost == FurtherCost(21, 0, "USD", Decimal("0.21"))
        assert quote.low == quote.high == quote.cost
        assert rig.store.objects == before
        assert rig.ocr.calls == []

    def test_what_is_paid_for_already_is_no_call_also_under_another_key(self):
        rig = old(3)
        rig.run(rig.upload("general-text/read.png", picture(90)))
        rig.run(rig.upload("elsewhere/read.png", picture(60)))  # no route: nothing is paid
        rig.run(rig.upload("general-text/other/first.png", picture(61)))

        found = row(quoter(rig).sampled("general-text/"))

        assert (found.pages.likely, found.known.likely, found.calls.likely) == (5, 3, 2)
        assert found.copies == 1

    def test_an_answer_of_other_options_is_not_known(self):
        rig = old(1)
        rig.run(rig.upload("general-text/read.png", picture(60)))
        rig.upload("general-text/asked.png", picture(60), {"legible-options": '{"quick_mode": true}'})
        found = row(quoter(rig).sampled("general-text/asked"))
        assert (found.known.likely, found.calls.likely) == (0, 1)

    def test_equal_bytes_that_nobody_paid_for_are_paid_for_once(self):
        rig = Rig(TEXT)
        for number in range(5):
            rig.upload(f"general-text/{number}.png", picture(60))
        found = row(quoter(rig).sampled("general-text/"))
        assert (found.pages.likely, found.copies, found.calls.likely) == (5, 4, 1)

    def test_what_would_end_without_a_call_is_told_with_its_reason(self):
        rig = old(1)
        rig.upload("general-text/note.txt", b"hello hello")
        rig.upload("nowhere/a.png")
        rig.upload("general-text/gone.png", picture(200))
        real = rig.store.head

        def head(ref, version_id=""):
            if ref.key.endswith("gone.png"):
                rig.store.objects.pop(ref, None)
            return real(ref, version_id)

        rig.store.head = head
        quote = quoter(rig).sampled("")
        assert quote.reasons == {"format-unknown": 1, "no-route": 1, "object-gone": 1}
        assert (row(quote).refused.likely, row(quote, "").refused.likely) == (2, 1)

    def test_only_those_of_an_operation(self):
        rig = old(2)
        rig.upload("passport/c.png")
        assert quoter(rig).sampled("", "passport").documents == 1
        assert quoter(rig).exact("", "general-text").documents == 2

    @pytest.mark.parametrize("prefix", ["nowhere/", "general-text/x"])
    def test_a_prefix_that_holds_nothing_is_refused(self, prefix):
        for ask in (quoter(old(1)).sampled, quoter(old(1)).exact):
            with pytest.raises(RejectedError, match="There are no documents"):
                ask(prefix)
        with pytest.raises(RejectedError, match="that passport reads"):
            quoter(old(1)).exact("", "passport")

    def test_an_order_for_another_operation_is_told(self):
        rig = old(1)
        rig.upload("general-text/p.png", picture(80), {"legible-operation": "passport"})
        assert "ordered for another operation" in quoter(rig).sampled("").notes[0]

    def test_what_is_no_document_by_the_time_is_told(self):
        rig = Rig(TEXT)
        rig.output = IN
        rig.upload("general-text/a.png")
        assert quoter(rig).sampled("").documents == 1


class TestBoundedReads:
    def test_pictures_are_judged_by_their_ends_and_a_large_pdf_is_not_opened(self):
        rig = Rig(TEXT)
        rig.upload("general-text/a.bmp", picture(1200, 900, "BMP"))
        rig.upload("general-text/small.pdf", pdf(4))
        for name in ("large", "copy"):
            rig.upload(f"general-text/{name}.pdf", pdf(9) + b"%" + b"x" * LARGE)

        quote = quoter(rig).sampled("")

        read = {ref.key: sum(size for one, size in rig.store.reads if one == ref) for ref, _ in rig.store.reads}
        assert read["general-text/a.bmp"] <= FIRST_BYTES + LAST_BYTES
        assert read["general-text/large.pdf"] <= FIRST_BYTES
        found = row(quote)
        assert found.estimated == 2
        assert found.calls.likely < found.pages.likely
        each = len(pdf(4)) / 4
        assert found.pages.likely == pytest.approx(5 + 2 * LARGE / each, rel=0.01)
        assert found.pages.low < found.pages.likely < found.pages.high
        assert "too large to be opened" in quote.notes[0]

    def test_a_large_picture_is_judged_like_a_small_one(self):
        rig = Rig(TEXT)
        rig.upload("general-text/a.bmp", picture(1800, 1700, "BMP"))
        assert row(quoter(rig).sampled("")).calls == Estimate.exact(1)


class TestSamples:
    def test_of_many_documents_a_sample_is_looked_at_and_said_so(self):
        rig = old(120)
        quote = quoter(rig).sampled("", most=20)
        assert quote.looked_at < 60
        assert row(quote).pages.low <= 120 <= row(quote).pages.high
        assert "--exact looks at all" in quote.notes[0]
        assert quote.low.amount < quote.cost.amount < quote.high.amount

    def test_all_of_them_are_exact(self):
        rig = old(40)
        rig.upload("general-text/copy.png", picture(60))
        told = []
        quote = quoter(rig).exact("", tell=lambda *said: told.append(said))
        assert (row(quote).pages, row(quote).calls) == (Estimate.exact(41), Estimate.exact(40))
        assert told[-1] == ("opening", 41, 41)

    def test_listing_tells_how_far_it_is(self):
        rig = Rig(TEXT)
        for number in range(1000):
            rig.store.put(IN, f"nowhere/{number}", b"x")
        told = []
        quoter(rig).sampled("", most=20, tell=lambda *said: told.append(said))
        assert told[0] == ("listing", 1000, 0)

    @pytest.mark.no_cover
    def test_the_interval_holds_in_95_of_100_samples(self):
        """Given buckets as people have them: pictures of one page, PDFs of few pages and a few of very many."""
        held = 0
        for seed in range(60):
            true, quote = _simulated(random.Random(seed), 1000)
            held += quote.pages.low <= true <= quote.pages.high
        assert held >= 57

    @pytest.mark.no_cover
    def test_the_interval_is_narrow_enough_to_be_of_use(self):
        widths = []
        for seed in range(5):
            true, quote = _simulated(random.Random(seed), 3000)
            widths.append((quote.pages.high - quote.pages.low) / true)
        assert sum(widths) / len(widths) < 0.25

    @given(numbers=st.lists(st.integers(0, 50), min_size=1, max_size=40), more=st.integers(0, 1000))
    def test_an_interval_never_contradicts_what_was_seen(self, numbers, more):
        found = Moments()
        for number in numbers:
            found.add(number)
        said = estimate([SampledStratum(len(numbers) + more, found)])
        assert sum(numbers) <= said.low <= said.likely <= said.high
        if not more:
            assert said == Estimate.exact(sum(numbers))

    def test_a_reservoir_holds_each_as_likely(self):
        counts = [0] * 20
        for seed in range(2000):
            reservoir = Reservoir[int](5, random.Random(seed))
            for number in range(20):
                reservoir.add(number)
            for number in reservoir.drawn(5):
                counts[number] += 1
        assert all(400 < count < 600 for count in counts)

    @given(counts=st.dictionaries(st.integers(), st.integers(1, 10_000), min_size=1, max_size=9))
    def test_every_kind_gives_some_and_none_more_than_it_has(self, counts):
        found = shares(counts, dict.fromkeys(counts, 1.0), 100)
        assert all(min(8, counts[name]) <= found[name] <= counts[name] for name in counts)
        assert sum(found.values()) <= 100 + 9 * len(counts)

    def test_copies_are_found_among_so_many_contents_and_memory_holds_no_more(self):
        sorter = Sorter(most=2)
        one = [Candidate("a", "a.png", etag, None, None, 5) for etag in ("x", "y", "z", "x", "z")]
        assert [sorter.sort(item, "general-text").copy for item in one] == [False, False, False, True, False]

    def test_nothing_that_was_looked_at_says_nothing(self):
        assert estimate([SampledStratum(5, Moments())]) == Estimate(0, 0, 0)


def _simulated(chance: random.Random, documents: int):
    """Return the true number of pages of a large bucket, and a quote of its operation from a sample."""
    tallies, kept, pages, true = Tallies(), {}, {}, 0
    sorter = Sorter()
    for number in range(documents):
        paged = chance.random() < 0.3
        count = min(900, max(1, int(chance.lognormvariate(1.2, 1.1)))) if paged else 1
        size = int(count * chance.uniform(30_000, 150_000)) + 1000
        key = f"general-text/{number}.{'pdf' if paged else 'jpg'}"
        listed = sorter.sort(Candidate(key, key, str(number), None, None, size), "general-text")
        tallies.count(listed)
        kept.setdefault(listed.like, Reservoir(500, chance)).add(listed)
        pages[key], true = count, true + count
    wanted = shares({like: one.count for like, one in kept.items()}, {like: like.weight for like in kept}, 500)
    for like, one in kept.items():
        for listed in one.drawn(wanted[like]):
            count = pages[listed.candidate.key]
            tallies.take(listed, Looked("general-text", count, count))
    (found,) = tallies.quote("", lambda calls: FurtherCost(0, 0, "USD", None)).operations
    return true, found


def test_alike_is_what_differs_little():
    small, large = Likeness("general-text", True, 8), Likeness("general-text", True, 12)
    assert large.weight > small.weight >= Likeness("general-text", False, 12).weight
    assert math.isclose(large.weight, 4.0**12 / 100_000)


def test_an_estimate_shows_how_sure_it_is():
    assert (str(Estimate.exact(1200)), str(Estimate(1200, 1100, 1300))) == ("1,200", "1,200 (1,100 to 1,300)")


def test_further_calls_are_priced_beyond_what_the_month_has_spent():
    """Given a tier of which two calls are used up by documents that were read."""
    rig = old(2)
    rig.run(rig.upload("general-text/a.png", picture(90)), rig.upload("general-text/b.png", picture(91)))
    rig.clock.pause(120)
    walk(rig).walk()
    prices = Prices(list=(Listed(("*",), date(2026, 1, 1), (Tier("0"), Tier("1", above=3))),))
    timely = []
    reader = UsageReader(
        rollup(rig), Changes(rig.site, rig.call()), prices, None, rig.clock.now, lambda: timely.append(1)
    )
    spent = reader.spending()
    assert timely
    assert spent.further({"general-text": 3}, date(2026, 11, 23)).amount == Decimal(2)
    assert spent.further({"general-text": 3}, date(2026, 11, 23)).amount == Decimal(2)
    assert spent.further({"passport": 1}, date(2026, 11, 23)).amount == Decimal(0)
    assert PRICED.currency == "USD"
