"""The rules of claims, appends and calls in every order there is; and that each rule is missed where it is gone."""

from __future__ import annotations

import pytest

from tests.support.model import Explored, Rules, explore

# Untraced: what the model goes through is covered by the tests of its subject, and takes four times as long with it.
pytestmark = pytest.mark.no_cover


def assert_held(found: Explored, at_least: int) -> None:
    assert found.broken == "", "\n".join(found.trace)
    assert found.states > at_least


class TestEveryOrderOfSteps:
    """A page is paid for once, and once more for each payer that died before its answer was stored; no answer is lost,
    every call is counted, somebody goes on, and nobody has what was given to somebody else since."""

    @pytest.mark.parametrize("strict", [False, True])
    def test_two_invocations_one_of_which_may_die(self, strict):
        assert_held(explore(Rules(strict=strict), payers=2, crashes=1, until=3), 3_000)

    def test_three_invocations(self):
        assert_held(explore(Rules(), payers=3, crashes=0, until=2), 5_000)

    @pytest.mark.slow
    @pytest.mark.parametrize("strict", [False, True])
    @pytest.mark.parametrize(("crashes", "until"), [(1, 4), (2, 3)])
    def test_three_invocations_some_of_which_die(self, strict, crashes, until):
        assert_held(explore(Rules(strict=strict), payers=3, crashes=crashes, until=until), 9_000)

    @pytest.mark.slow
    @pytest.mark.parametrize("strict", [False, True])
    def test_whoever_was_asleep_when_its_lease_ended_spoils_nothing(self, strict):
        assert_held(explore(Rules(strict=strict, sleepers=True), payers=2, crashes=0, until=8), 30_000)


class TestARuleThatIsGone:
    """Each is missed: the trace says by which steps a page was paid for twice."""

    def broken(self, **rules: bool) -> str:
        found = explore(Rules(**rules), payers=2, crashes=0, until=4)
        assert found.broken == "the page was paid for 2 times, and 0 died before an answer was stored"
        return " ".join(found.trace)

    def test_nobody_reads_back_whether_its_claim_stands(self):
        trace = self.broken(reads_back=False)
        assert trace.index("'claimed' of A0 lands") < trace.index("'claimed' of B0 lands") < trace.index("A0 pays")

    def test_leases_are_not_heeded(self):
        trace = self.broken(heeds_leases=False)
        assert trace.index("'claimed' of A0 lands") < trace.index("B0 sees that nobody holds it")

    def test_leases_go_by_each_instance_s_own_clock(self):
        trace = self.broken(own_clocks=True)
        assert trace.index("'claimed' of A0 lands") < trace.index("B0 sees that nobody holds it")

    def test_claims_do_not_settle(self):
        trace = self.broken(settles=False)
        assert trace.index("A0 finds its claim in force") < trace.index("'claimed' of B0 lands")
