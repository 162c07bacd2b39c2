"""Numbers of our own: what they say, that a timer more or less changes nothing, and that they harm nobody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from legible.errors import HeldError, LegibleError, RejectedError, ThrottledError, UnavailableError
from legible.ledger.due import Backlog
from legible.model.account import Measured, Metric, MetricSeries, Package, Span
from legible.model.prices import EVERY, BoughtPackage, Price, Prices, Tier
from legible.oversight.metrics import NAMESPACE, UNITS, OwnMetrics, Paying
from legible.oversight.packages import ToldPackages
from tests.support.counting import rollup, walk
from tests.support.rig import OUT, PASSPORT, Rig, picture

DIME = Prices(list=(Price((EVERY,), date(2026, 1, 1), (Tier("0.1"),)),))


class CloudEye:
    """Takes points, or refuses them."""

    def __init__(self, error: LegibleError | None = None) -> None:
        self.points: list[Measured] = []
        self.error = error

    def names(self, namespace: str) -> Sequence[Metric]:
        return [point.metric for point in self.points if point.metric.namespace == namespace]

    def sums(self, metrics: Sequence[Metric], span: Span) -> Sequence[MetricSeries]:
        return []

    def write(self, numbers: Sequence[Measured]) -> None:
        if self.error is not None:
            raise self.error
        self.points += numbers

    @property
    def told(self) -> dict[str, float]:
        """The last point of each series, by its name."""
        return {point.metric.name: point.value for point in self.points}


@pytest.fixture
def rig() -> Rig:
    """Return a world in which two documents were read, one was refused, and their invocations have ended."""
    rig = Rig(
        PASSPORT, PASSPORT, RejectedError("blurred", code="image-refused", vendor_code="AIS.0103"), *[PASSPORT] * 9
    )
    rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png", picture(70)))
    rig.run(rig.upload("passport/c.png", picture(90)))
    rig.clock.pause(90)
    walk(rig).walk()
    return rig


def own(rig: Rig, eye: CloudEye, prices: Prices = DIME, *sold: Package, **queues: Backlog) -> OwnMetrics:
    waiting = {name: queues.get(name, Backlog()) for name in ("uploads", "notices", "journals")}
    calls = {name: lambda found=found: found for name, found in waiting.items()}
    swept = {"sweep_repaired": 3.0, "sweep_in_vain": 1.0}
    paying = Paying(prices, lambda today: ToldPackages(sold, today=today) if sold else None)
    return OwnMetrics(eye, rollup(rig), paying, calls, lambda: swept, rig.call("report"), OUT)


def told(rig: Rig, prices: Prices = DIME, **queues: Backlog) -> dict[str, float]:
    eye = CloudEye()
    own(rig, eye, prices, **queues).write()
    return eye.told


def ago(rig: Rig, minutes: float) -> Backlog:
    return Backlog(1, rig.clock.now() - timedelta(minutes=minutes))


def lines(rig: Rig) -> list[dict[str, object]]:
    return [line for line in rig.log.lines if line["event"] == "metrics-not-written"]


class TestWhatTheySay:
    def test_documents_pages_and_calls_of_today_and_the_cost_of_the_month(self, rig):
        said = told(rig)
        assert {name: said[name] for name in ("documents_done", "documents_rejected", "pages", "calls_paid")} == {
            "documents_done": 2, "documents_rejected": 1, "pages": 2, "calls_paid": 2,
        }  # fmt: skip
        assert (said["calls_refused"], said["cost_month"]) == (1, 0.2)
        assert set(said) == set(UNITS) - {"package_left"}

    def test_yesterdays_are_not_among_todays_but_what_is_held_still_is(self, rig):
        rig.ocr.script[:0] = [HeldError("not subscribed", code="not-subscribed")]
        rig.run(rig.upload("passport/d.png", picture(91)))
        rig.clock.pause(24 * 3600)
        walk(rig).walk()
        said = told(rig)
        assert (said["documents_done"], said["documents_held"], said["calls_paid"]) == (0, 1, 0)
        # when it was read after all
        rig.run(rig.upload("passport/d.png", picture(91)))
        rig.clock.pause(90)
        walk(rig).walk()
        said = told(rig)
        assert (said["documents_done"], said["documents_held"]) == (1, 0)

    def test_checks_that_failed_are_findings(self):
        rig = Rig(PASSPORT | {"date_of_expiry": "1990-01-01", "date_of_issue": "2020-01-01"})
        rig.run(rig.upload("passport/a.png"))
        rig.clock.pause(90)
        walk(rig).walk()
        failed = [check for check in rig.record("passport/a.png")["checks"] if not check["passed"]]
        assert failed and told(rig)["findings"] == len(failed)

    def test_calls_out_of_a_package_cost_nothing(self, rig):
        package = BoughtPackage(("passport",), 1, date(2026, 1, 1))
        assert told(rig, Prices(list=DIME.list, packages=(package,)))["cost_month"] == 0.1

    def test_a_cost_that_is_not_known_of_all_operations_is_none(self, rig):
        eye = CloudEye()
        other = Prices(list=(Price(("general-text",), date(2026, 1, 1), (Tier("0.1"),)),))
        assert own(rig, eye, other).write().unpriced == ("passport",)
        assert "cost_month" not in eye.told
        assert "cost_month" not in told(rig, Prices())

    def test_of_packages_the_one_that_has_least_counts_in_hundredths_of_its_size(self, rig):
        """Given two passports that were read, and a package that begins later and is empty."""
        packages = (
            BoughtPackage(("passport",), 8, date(2026, 1, 1)),
            BoughtPackage(("vin",), 9, date(2026, 1, 1)),
            BoughtPackage(("id-card",), 1, date(2030, 1, 1)),
        )
        assert told(rig, Prices(packages=packages))["package_left"] == 75.0
        assert told(rig, Prices(packages=packages[1:]))["package_left"] == 100.0
        for none in (Prices(), Prices(packages=packages[2:])):
            assert "package_left" not in told(rig, none)

    def test_what_the_billing_api_says_of_a_package_comes_first(self, rig):
        """Given a package out of which other programs took, too."""
        eye, bought = CloudEye(), BoughtPackage(("passport",), 9, date(2026, 1, 1), product="P")
        sold = Package(id="1", product="P", item="Calls", left=Decimal(3), bought=Decimal(9), state="in-force")
        own(rig, eye, Prices(packages=(bought,)), sold).write()
        assert eye.told["package_left"] == 33.3

    def test_money_is_added_as_money(self, rig):
        thirds = Prices(list=(Price((EVERY,), date(2026, 1, 1), (Tier("0.0333333333"),)),))
        assert Decimal(str(told(rig, thirds)["cost_month"])) == Decimal("0.0666666666")

    def test_each_is_of_this_deployment_in_its_unit_at_the_begin_of_the_minute(self, rig):
        eye = CloudEye()
        own(rig, eye).write()
        assert {point.metric.dimensions for point in eye.points} == {(("deployment", OUT),)}
        units = {name: unit for name, unit in UNITS.items() if name != "package_left"} | {"cost_month": "USD"}
        assert {point.metric.name: point.metric.unit for point in eye.points} == units
        assert {point.at for point in eye.points} == {rig.clock.now().replace(second=0, microsecond=0)}

    def test_names_are_such_as_cloud_eye_and_its_alarms_take(self):
        assert re.fullmatch(r"(?=.{3,32}$)(?!SYS|AGT|SRE)[A-Za-z]\w*\.[A-Za-z]\w*", NAMESPACE)
        assert all(re.fullmatch(r"[a-z][0-9a-z_]{0,63}", name) for name in UNITS)


class TestWhatWaits:
    def test_a_queue_tells_how_much_and_since_when(self, rig):
        said = told(rig, notices=Backlog(7, rig.clock.now() - timedelta(minutes=12)))
        assert (said["notices_waiting"], said["notices_oldest"]) == (7, 12.0)
        assert (said["journals_waiting"], said["journals_oldest"]) == (0, 0.0)

    def test_a_mark_that_is_not_due_yet_has_no_age(self, rig):
        assert told(rig, journals=Backlog(1, rig.clock.now() + timedelta(minutes=5)))["journals_oldest"] == 0.0

    def test_a_stall_is_as_long_as_nothing_ended(self, rig):
        rig.clock.pause(50 * 60)
        assert 50 <= told(rig, uploads=ago(rig, 300))["stall"] <= 53

    def test_a_stall_is_no_longer_than_the_oldest_waits(self, rig):
        rig.clock.pause(5 * 3600)
        assert told(rig, uploads=ago(rig, 20))["stall"] == 20.0

    def test_where_nothing_waits_there_is_no_stall_however_long_nothing_ended(self, rig):
        rig.clock.pause(20 * 3600)
        assert told(rig)["stall"] == 0.0

    def test_where_nothing_ever_ended_the_oldest_says_it(self):
        rig = Rig()
        assert told(rig, uploads=ago(rig, 90))["stall"] == 90.0

    def test_documents_that_end_while_one_waits_are_no_stall(self, rig):
        rig.run(rig.upload("passport/e.png", picture(92)))
        rig.clock.pause(90)
        walk(rig).walk()
        assert told(rig, uploads=ago(rig, 600))["stall"] < 5


class TestTimers:
    def test_two_that_overlap_write_the_same_points(self, rig):
        one, two = CloudEye(), CloudEye()
        own(rig, one).write()
        own(rig, two).write()
        assert one.points == two.points and len(one.points) == len(UNITS) - 1

    def test_what_a_walk_did_not_get_to_is_in_the_next_point(self, rig):
        rig.run(rig.upload("passport/f.png", picture(93)))
        before = told(rig)
        rig.clock.pause(90)
        walk(rig).walk()
        assert (before["documents_done"], told(rig)["documents_done"]) == (2, 3)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "error",
        [
            HeldError("403", code="not-permitted"), ThrottledError("429"), UnavailableError("nobody there"),
            RejectedError("late", code="not-kept"),
        ],
    )  # fmt: skip
    def test_it_is_one_line_of_the_log_and_no_error(self, rig, error):
        assert own(rig, CloudEye(error)).write().points == 0
        (line,) = lines(rig)
        assert line["reason"] == error.reason_code

    def test_a_queue_that_must_not_be_read_is_too(self, rig):
        eye = CloudEye()

        def refused() -> Backlog:
            raise HeldError("403", code="not-permitted")

        queues = {"uploads": refused, "notices": Backlog, "journals": Backlog}
        own = OwnMetrics(eye, rollup(rig), Paying(DIME), queues, dict, rig.call("report"), OUT)
        assert own.write().points == 0
        assert eye.points == []

    def test_without_time_nothing_is_begun(self, rig):
        rig.seconds = 40  # what the walk before leaves
        assert own(rig, CloudEye()).write().points == len(UNITS) - 1  # there is no package
        rig.seconds = 15
        eye = CloudEye()
        assert own(rig, eye).write().points == 0
        assert eye.points == [] and [line["reason"] for line in lines(rig)] == ["out-of-time"]
