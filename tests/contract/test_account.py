"""Cloud Eye, CTS, EPS and billing: the vendor's own SDKs and our adapters ask the same services, and hear the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from huaweicloudsdkbss.v2 import BssClient
from huaweicloudsdkbssintl import v2 as intl
from huaweicloudsdkces import v1 as ces
from huaweicloudsdkces import v2 as ces2
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcts import v3 as cts
from huaweicloudsdkeps import v1 as eps
from hypothesis import given
from hypothesis import strategies as st

from legible.huawei.account import IAM, Access, AccountApi, Domain
from legible.huawei.billing import OperationBilling
from legible.huawei.cloudeye import CloudEyeMetrics
from legible.huawei.credentials import Credentials
from legible.huawei.cts import CtsTraces
from legible.huawei.eps import EpsProjects
from legible.model.account import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    RAW,
    BillLine,
    Measured,
    Metric,
    Span,
    TracedOperation,
    TraceQuery,
)
from localcloud.account import AccountServices
from localcloud.billing import Bought
from localcloud.cloudeye.points import FAILED, SUCCESSFUL
from localcloud.eps import EnterpriseProject
from localcloud.faults import Fault
from localcloud.iam.account import DOMAIN_ID
from localcloud.iam.credentials import Keyring
from localcloud.ocr import LocalOcr
from localcloud.ocr.journal import Call

PROJECT = "0f" * 16
CLAIMS, GONE = "6b0b5d0e-9c4e-4d0f-8d57-2b1f6a3c9e11", "11111111-2222-4333-8444-555555555555"
#: A time in the past, at the begin of an hour and of a day in UTC.
NOON = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


def metric(name: str = SUCCESSFUL, value: str = "PASSPORT") -> Metric:
    return Metric("SYS.OCR", name, (("call_of_interface", value),), "times/min")


class Rig:
    """The services, clients of both kinds, and a time that stands still."""

    def __init__(self) -> None:
        self.keys = Keyring()
        self.ocr = LocalOcr(self.keys, PROJECT)
        self.services = AccountServices(self.keys, PROJECT, "ap-southeast-1", self.ocr)
        self.now = NOON + timedelta(hours=6)
        for service in (self.services.cloudeye, self.services.cts, self.services.billing):
            service.clock = lambda: self.now.timestamp()
        self.server = self.services.serve()
        self.key = self.keys.temporary()
        keys = Credentials(self.key.access, self.key.secret, self.key.token)
        self.access = Access(keys, PROJECT, seconds=5)
        self.domain = Domain("", AccountApi(IAM, self.server.endpoint, self.access))

    def call(self, at: datetime, slug: str = "passport", status: int = 200, **more: Any) -> None:
        """Let some program call OCR."""
        units = 1 if status == 200 else 0
        self.ocr.journal.add(Call(at.timestamp(), slug, "r", status, **{"units": units, **more}))

    def sdk(self, builder: Any, account: bool = False) -> Any:
        """Return a client of the vendor's SDK."""
        config = HttpConfig.get_default_config()
        config.timeout = (2, 5)
        pair = self.key.access, self.key.secret
        keys: Any = GlobalCredentials(*pair, DOMAIN_ID) if account else BasicCredentials(*pair, PROJECT)
        made = builder.new_builder().with_credentials(keys.with_security_token(self.key.token)).with_http_config(config)
        return made.with_endpoint(self.server.endpoint).build()

    @property
    def metrics(self) -> CloudEyeMetrics:
        return CloudEyeMetrics(self.server.endpoint, self.access, lambda: self.now)

    @property
    def traces(self) -> CtsTraces:
        return CtsTraces(self.server.endpoint, self.access)

    @property
    def projects(self) -> EpsProjects:
        return EpsProjects(self.server.endpoint, self.access, self.domain)

    @property
    def billing(self) -> OperationBilling:
        return OperationBilling(self.server.endpoint, self.access, self.domain)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.services.close()
    made.server.stop()


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


class TestCloudEye:
    def test_what_ocr_counted_is_told_to_both(self, rig):
        for minutes, status in ((0, 200), (1, 200), (1, 403), (59, 200), (60, 200)):
            rig.call(NOON + timedelta(minutes=minutes), status=status)

        body = ces.BatchListMetricDataRequestBody(
            metrics=[
                ces.MetricInfo(
                    namespace="SYS.OCR", metric_name=name,
                    dimensions=[ces.MetricsDimension(name="call_of_interface", value="PASSPORT")],
                )
                for name in (SUCCESSFUL, FAILED)
            ],
            period="3600", filter="sum", _from=milliseconds(NOON), to=milliseconds(NOON + timedelta(hours=3)),
        )  # fmt: skip
        told = rig.sdk(ces.CesClient).batch_list_metric_data(ces.BatchListMetricDataRequest(body=body))
        ours = rig.metrics.sums([metric(), metric(FAILED)], Span(NOON, NOON + timedelta(hours=3), HOUR))

        theirs = [{point.timestamp: point.sum for point in series.datapoints} for series in told.metrics]
        assert theirs == [{milliseconds(at): value for at, value in series.sums.items()} for series in ours]
        assert [series.sums for series in ours] == [{NOON: 3, NOON + timedelta(hours=1): 1}, {NOON: 1}]
        assert ours[1].at(NOON + timedelta(hours=1)) == 0
        assert ours[0].total == 4

    def test_one_series_has_the_asked_filters_key_alone(self, rig):
        rig.call(NOON)
        rig.call(NOON + timedelta(minutes=1))
        rig.call(NOON + timedelta(minutes=1))

        def shown(how: str, period: int = 300) -> Any:
            request = ces.ShowMetricDataRequest(
                namespace="SYS.OCR", metric_name=SUCCESSFUL, dim_0="call_of_interface,PASSPORT", filter=how,
                period=period, _from=milliseconds(NOON) + 1, to=milliseconds(NOON + timedelta(hours=1)),
            )  # fmt: skip
            return rig.sdk(ces.CesClient).show_metric_data(request).datapoints

        (point,) = shown("max")
        assert (point.max, point.sum, point.timestamp) == (2, None, milliseconds(NOON))
        assert [shown(how)[0].to_dict()[how] for how in ("sum", "min", "average")] == [3, 1, 1.5]
        assert len(shown("sum", 1)) == 2

    def test_series_that_have_points_are_listed(self, rig):
        rig.call(rig.now - timedelta(hours=1))
        rig.call(rig.now - timedelta(hours=1), "general-text", 400)
        rig.call(rig.now - timedelta(days=1), "web-image")

        told = rig.sdk(ces.CesClient).list_metrics(ces.ListMetricsRequest(namespace="SYS.OCR", limit=1))
        more = rig.sdk(ces.CesClient).list_metrics(
            ces.ListMetricsRequest(namespace="SYS.OCR", start=told.meta_data.marker)
        )
        assert (told.meta_data.total, len(told.metrics), len(more.metrics)) == (2, 1, 1)
        assert rig.metrics.names("SYS.OCR") == [metric(FAILED, "GENERAL_TEXT"), metric()]
        assert rig.metrics.names("SYS.OCR")[0].value("call_of_interface") == "GENERAL_TEXT"
        narrowed = ces.ListMetricsRequest(metric_name=FAILED, dim_0="call_of_interface,GENERAL_TEXT", order="desc")
        assert len(rig.sdk(ces.CesClient).list_metrics(narrowed).metrics) == 1

    def test_a_year_of_many_series_comes_in_windows(self, rig):
        metrics = [metric(name, f"API_{number}") for name in (SUCCESSFUL, FAILED) for number in range(52)]
        rig.services.cloudeye.interface = lambda slug: slug
        first = NOON - timedelta(days=20)
        for days in range(20):
            rig.call(first + timedelta(days=days), f"API_{days}")

        series = rig.metrics.sums(metrics, Span(first, NOON, HOUR))

        assert [one.total for one in series[:21]] == [1.0] * 20 + [0.0]
        assert series[3].sums == {first + timedelta(days=3): 1.0}

    @pytest.mark.parametrize("most", [3000, 120, 20, 5])
    @pytest.mark.parametrize(("period", "days"), [(HOUR, 12), (DAY, 40), (FIVE_MINUTES, 2)])
    def test_a_silent_move_of_from_loses_nothing(self, rig, most, period, days):
        """Given a service that moves `from` sooner than its page says: what was not reached is asked for again."""
        rig.services.cloudeye.most_points = most
        begin = datetime(2026, 11, 30, tzinfo=timezone.utc) - timedelta(days=days)
        times = [
            begin + number * period.step for number in range(0, days * 86400 // int(period.step.total_seconds()), 3)
        ]
        for at in times:
            rig.call(at)

        (series,) = rig.metrics.sums([metric()], Span(begin, NOON, period))

        assert list(series.sums) == [at for at in times if at < NOON]

    @pytest.mark.parametrize("most", [3000, 240, 120])
    def test_a_lonely_point_at_the_begin_is_found_by_all_that_take_half_of_what_they_say(self, rig, most):
        rig.services.cloudeye.most_points = most
        begin = NOON - timedelta(days=10)
        rig.call(begin)
        (series,) = rig.metrics.sums([metric()], Span(begin, NOON, HOUR))
        assert series.sums == {begin: 1.0}

    def test_points_by_the_minute_are_there_for_two_days_and_a_time_before_is_refused(self, rig):
        rig.call(rig.now - timedelta(days=1, minutes=3))
        (series,) = rig.metrics.sums([metric()], Span(rig.now - timedelta(days=2), rig.now, RAW))
        assert series.sums == {rig.now - timedelta(days=1, minutes=3): 1.0}
        with pytest.raises(Exception, match="has points of 0:01:00 for 2 days") as caught:
            rig.metrics.sums([metric()], Span(rig.now - timedelta(days=2, minutes=1), rig.now, RAW))
        assert caught.value.reason_code == "not-kept"

    def test_a_period_that_is_not_over_has_no_point(self, rig):
        rig.call(rig.now - timedelta(minutes=10))
        rig.now += timedelta(minutes=20)
        (series,) = rig.metrics.sums([metric()], Span(NOON, rig.now, HOUR))
        assert series.total == 1
        rig.call(rig.now - timedelta(minutes=1))
        (series,) = rig.metrics.sums([metric()], Span(NOON, rig.now, HOUR))
        assert series.total == 1

    def test_numbers_of_our_own_are_taken_and_late_ones_do_not_count_in_roll_ups(self, rig):
        own = Metric("LEGIBLE.Documents", "documents_done", (("deployment", "legible"),), "count")
        at = rig.now - timedelta(minutes=5)
        rig.metrics.write([Measured(own, 4, at), Measured(replace_name(own, "cost"), 1.25, at)])
        late = ces.CreateMetricDataRequestBody(
            metric=ces.MetricInfo(
                namespace="LEGIBLE.Documents", metric_name="documents_done",
                dimensions=[ces.MetricsDimension(name="deployment", value="legible")],
            ),
            ttl=172800, collect_time=milliseconds(rig.now - timedelta(minutes=30)), value=9, unit="count", type="int",
        )  # fmt: skip
        answer = rig.sdk(ces.CesClient).create_metric_data(ces.CreateMetricDataRequest(body=[late]))
        assert answer.status_code == 201
        rig.now += timedelta(hours=1)

        found = rig.metrics.names("LEGIBLE.Documents")
        assert [one.name for one in found] == ["cost", "documents_done"]
        assert found[1] == own
        hours = Span(NOON, rig.now, FIVE_MINUTES)
        assert [one.total for one in rig.metrics.sums(found, hours)] == [1.25, 4]
        assert rig.metrics.sums([own], Span(NOON, rig.now, RAW))[0].total == 13

    def test_the_live_view_of_all_values_is_five_minutes_long(self, rig):
        rig.call(rig.now - timedelta(minutes=2))
        body = ces2.BatchListSpecifiedMetricDataRequestBody(
            namespace="SYS.OCR", metric_name=SUCCESSFUL, metric_dimension="call_of_interface",
            _from=milliseconds(rig.now - timedelta(minutes=5)), to=milliseconds(rig.now),
        )  # fmt: skip
        client = rig.sdk(ces2.CesClient)
        told = client.batch_list_specified_metric_data(ces2.BatchListSpecifiedMetricDataRequest(body=body))
        assert [point.value for point in told.data_points] == [1]
        body._from -= 1
        with pytest.raises(ServiceResponseException, match="ces.0014"):
            client.batch_list_specified_metric_data(ces2.BatchListSpecifiedMetricDataRequest(body=body))


def replace_name(metric: Metric, name: str) -> Metric:
    return Metric(metric.namespace, name, metric.dimensions, metric.unit)


class TestCts:
    def around(self, rig: Rig, **more: Any) -> TraceQuery:
        return TraceQuery(begin=rig.now - timedelta(days=7), end=rig.now, **more)

    def test_a_subscription_is_a_trace_that_both_find(self, rig):
        rig.ocr.unsubscribed.add("passport")
        rig.ocr.subscribe("passport", "ops")

        (ours,) = rig.traces.find(self.around(rig))
        told = rig.sdk(cts.CtsClient).list_traces(
            cts.ListTracesRequest(trace_type="system", _from=milliseconds(rig.now) - 1000, to=milliseconds(rig.now))
        )

        (theirs,) = told.traces
        assert (ours.id, ours.name, ours.service) == (theirs.trace_id, theirs.trace_name, "OCR")
        assert (ours.name, ours.resource_type, ours.resource) == ("subscribeAISubService", "ai_service", "passport")
        assert (ours.operator, ours.rating, ours.code) == ("ops", "normal", "200")
        assert ours.at == ours.recorded_at == rig.now
        assert ours.raw.startswith(b'{"trace_id"')
        assert rig.ocr.unsubscribed == set()

    def test_the_end_of_one_is_a_trace_too(self, rig):
        rig.ocr.unsubscribe("passport")
        assert [one.name for one in rig.traces.find(self.around(rig))] == ["unsubscribeAISubService"]
        assert rig.ocr.unsubscribed == {"passport"}

    def test_all_of_seven_days_come_newest_first_page_by_page(self, rig):
        end = rig.now
        for number in range(450):
            rig.now = end - timedelta(days=8) + timedelta(minutes=30 * number)
            rig.services.cts.record("subscribeAISubService", f"api-{number}", objects=bool(number % 2))
        rig.now = end

        found = list(rig.traces.find(self.around(rig)))

        assert [one.resource for one in found] == [f"api-{n}" for n in range(384, 47, -1)]
        assert {one.code for one in found} == {"200"}

    def test_without_a_time_it_is_the_last_hour_and_ten(self, rig):
        end = rig.now
        for minutes in (120, *range(20)):
            rig.now = end - timedelta(minutes=minutes)
            rig.services.cts.record("subscribeAISubService", f"m-{minutes}")
        rig.now = end
        client = rig.sdk(cts.CtsClient)
        page = client.list_traces(cts.ListTracesRequest(trace_type="system"))
        assert [one.resource_name for one in page.traces] == [f"m-{n}" for n in range(10)]
        rest = client.list_traces(cts.ListTracesRequest(trace_type="system", limit=200, next=page.meta_data.marker))
        assert ([one.resource_name for one in rest.traces], rest.meta_data.marker) == (
            [f"m-{n}" for n in range(10, 20)],
            None,
        )

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"service": "OCR"}, 3),
            ({"service": "OBS"}, 1),
            ({"resource_type": "bucket"}, 1),
            ({"name": "unsubscribeAISubService"}, 1),
            ({"resource": "passport"}, 2),
            ({"resource_id": "b-1"}, 1),
            ({"rating": "warning"}, 1),
            ({"operator": "ops"}, 2),
            ({"operator": "nobody"}, 0),
        ],
    )
    def test_filters(self, rig, filters, found):
        rig.ocr.subscribe("passport", "ops")
        rig.ocr.unsubscribe("passport", "ops")
        rig.services.cts.record("subscribeAISubService", "web-image", trace_rating="warning", code=403)
        rig.services.cts.record("createBucket", "b", service_type="OBS", resource_type="bucket", resource_id="b-1")
        assert len(list(rig.traces.find(self.around(rig, **filters)))) == found

    def test_a_trace_is_found_by_its_id_whatever_else_is_asked(self, rig):
        one = rig.services.cts.record("subscribeAISubService", "passport")
        request = cts.ListTracesRequest(trace_type="system", trace_id=one.trace_id, user="nobody")
        assert len(rig.sdk(cts.CtsClient).list_traces(request).traces) == 1

    @pytest.mark.parametrize(
        ("asked", "found"),
        [({"enterprise_project_id": "0"}, 1), ({"enterprise_project_id": "6b0b5d0e"}, 0), ({"access_key_id": "AK"}, 0),
         ({"tracker_name": "system"}, 1), ({"tracker_name": "other"}, 0)],
    )  # fmt: skip
    def test_no_filter_is_passed_over(self, rig, asked, found):
        rig.services.cts.record("subscribeAISubService", "passport")
        told = rig.sdk(cts.CtsClient).list_traces(cts.ListTracesRequest(trace_type="system", **asked))
        assert len(told.traces) == found

    def test_after_seven_days_it_is_not_found_by_its_id_either(self, rig):
        end = rig.now
        rig.now = end - timedelta(days=7, minutes=1)
        one = rig.services.cts.record("subscribeAISubService", "passport")
        rig.now = end
        request = cts.ListTracesRequest(trace_type="system", trace_id=one.trace_id)
        assert rig.sdk(cts.CtsClient).list_traces(request).traces == []

    def test_which_operations_are_recorded_can_be_asked(self, rig):
        told = rig.sdk(cts.CtsClient).list_operations(cts.ListOperationsRequest(service_type="OCR"))
        assert [(one.resource_type, one.operation_list) for one in told.operations] == [
            ("ai_service", ["subscribeAISubService"])
        ]
        assert rig.traces.operations("OCR") == [TracedOperation("OCR", "ai_service", ("subscribeAISubService",))]
        assert rig.traces.operations("Ocr") == []


class TestProjects:
    @pytest.fixture(autouse=True)
    def some(self, rig):
        rig.services.eps.projects += [
            EnterpriseProject(CLAIMS, "claims"),
            EnterpriseProject(GONE, "old claims", enabled=False),
        ]

    def test_both_find_a_project_by_its_id(self, rig):
        client = rig.sdk(eps.EpsClient, account=True)
        theirs = client.show_enterprise_project(eps.ShowEnterpriseProjectRequest(enterprise_project_id=CLAIMS))
        ours = rig.projects.find(CLAIMS)
        assert (ours.id, ours.name, ours.enabled) == (theirs.enterprise_project.id, "claims", True)
        assert rig.projects.find(GONE).enabled is False
        assert rig.projects.find("0").name == "default"

    def test_one_that_is_not_there(self, rig):
        other = CLAIMS[:-1] + "2"
        assert rig.projects.find(other) is None
        with pytest.raises(ServiceResponseException) as caught:
            rig.sdk(eps.EpsClient, account=True).show_enterprise_project(
                eps.ShowEnterpriseProjectRequest(enterprise_project_id=other)
            )
        assert (caught.value.status_code, caught.value.error_code) == (404, "EPS.0005")

    def test_a_name_is_found_by_any_part_of_it_and_the_default_is_always_there(self, rig):
        client = rig.sdk(eps.EpsClient, account=True)
        found = client.list_enterprise_project(
            eps.ListEnterpriseProjectRequest(name="CLAIM", sort_key="name", sort_dir="asc")
        )
        assert [(one.name, one.status) for one in found.enterprise_projects] == [("claims", 1), ("old claims", 2)]
        closed = client.list_enterprise_project(eps.ListEnterpriseProjectRequest(status=2))
        assert [one.id for one in closed.enterprise_projects] == [GONE]
        assert {one.id for one in rig.projects.all()} == {"0", CLAIMS, GONE}

    def test_all_come_page_by_page(self, rig):
        rig.services.eps.projects += [EnterpriseProject(str(number), f"p{number}") for number in range(1, 1500)]
        assert len(rig.projects.all()) == 1502

    def test_who_does_not_name_the_account_is_refused(self, rig):
        wrong = EpsProjects(rig.server.endpoint, rig.access, Domain("0f" * 16, None))
        with pytest.raises(Exception, match="EPS answers 403 EPS.0004") as caught:
            wrong.all()
        assert caught.value.reason_code == "not-permitted"


class TestBilling:
    @pytest.fixture(autouse=True)
    def some(self, rig):
        rig.services.eps.projects.append(EnterpriseProject(CLAIMS, "claims"))
        rig.services.billing.packages += [
            Bought("fr-1", 3, "Passport OCR 3 calls", operations=frozenset({"passport"}), starts=NOON.timestamp()),
            Bought("fr-2", 10, "Web Image 10 calls", operations=frozenset({"web-image"}), ends=NOON.timestamp()),
            Bought("fr-3", 5, starts=rig.now.timestamp() + 60),
            Bought("fr-4", 5, unsubscribed=True),
        ]
        rig.services.billing.prices["passport"] = Decimal("0.03")
        # 15:59 and 16:01 in UTC are two days in UTC+8.
        for minutes in (1, 2, 239, 241, 242, 243):
            rig.call(NOON + timedelta(minutes=minutes), project=CLAIMS if minutes > 240 else "default")
        rig.call(NOON + timedelta(minutes=5), "general-text")
        rig.call(NOON + timedelta(minutes=5), status=400)

    def clients(self, rig: Rig) -> list[Any]:
        return [rig.sdk(intl.BssintlClient, account=True), rig.sdk(BssClient, account=True)]

    def test_what_is_left_of_packages_is_told_to_all(self, rig):
        ours = rig.billing.packages()
        for client in self.clients(rig):
            body = intl.ListFreeResourceInfosReq(limit=100)
            told = client.list_free_resource_infos(intl.ListFreeResourceInfosRequest(body=body))
            items = [package.free_resources[0] for package in told.free_resource_packages]
            assert [(one.free_resource_id, one.amount) for one in items] == [(one.id, str(one.left)) for one in ours]
        assert [(one.id, one.left, one.bought, one.state) for one in ours] == [
            ("fr-1", 0, 3, "used-up"), ("fr-2", 10, 10, "expired"), ("fr-3", 5, 5, "not-yet"),
            ("fr-4", 5, 5, "unsubscribed"),
        ]  # fmt: skip
        assert ours[0].starts == NOON
        assert (ours[0].product, ours[0].item, ours[0].refilled) == ("Passport OCR 3 calls", "Calls", False)

    def test_ten_unless_more_are_asked_for(self, rig):
        rig.services.billing.packages += [Bought(f"more-{number}", 1) for number in range(205)]
        body = intl.ListFreeResourceInfosReq()
        told = self.clients(rig)[0].list_free_resource_infos(intl.ListFreeResourceInfosRequest(body=body))
        assert (len(told.free_resource_packages), told.total_count) == (10, 209)
        assert len(rig.billing.packages()) == 209

    def test_packages_of_one_service_or_state(self, rig):
        assert rig.billing.packages("hws.service.type.obs") == []
        assert len(rig.billing.packages(rig.billing.service_code("ocr"))) == 4
        body = intl.ListFreeResourceInfosReq(status=3, enterprise_project_id="0", region_code="ap-southeast-1")
        told = self.clients(rig)[0].list_free_resource_infos(intl.ListFreeResourceInfosRequest(body=body))
        assert [one.free_resources[0].free_resource_id for one in told.free_resource_packages] == ["fr-2"]

    def test_amounts_are_numbers_where_one_item_is_asked_for(self, rig):
        for client in self.clients(rig):
            body = intl.ListFreeResourceUsagesReq(free_resource_ids=["fr-1"])
            (one,) = client.list_free_resource_usages(intl.ListFreeResourceUsagesRequest(body=body)).free_resources
            assert (one.amount, one.original_amount) == (Decimal(0), Decimal(3))

    def test_deductions_by_the_hour(self, rig):
        ours = rig.billing.deductions(date(2026, 8, 1), date(2026, 12, 5))
        assert [(one.at, one.package, one.used, one.left) for one in ours] == [
            (NOON, "fr-1", 2, 1), (NOON + timedelta(hours=3), "fr-1", 1, 0),
        ]  # fmt: skip
        request = intl.ListFreeResourcesUsageRecordsRequest(
            deduct_time_begin="2026-11-30", deduct_time_end="2026-11-30"
        )
        for client in self.clients(rig):
            told = client.list_free_resources_usage_records(request)
            assert [one.used_amount for one in told.free_resource_records] == ["2", "1"]
        too_long = intl.ListFreeResourcesUsageRecordsRequest(
            deduct_time_begin="2026-08-01", deduct_time_end="2026-11-30"
        )
        with pytest.raises(ServiceResponseException, match="CBC.0100"):
            self.clients(rig)[0].list_free_resources_usage_records(too_long)

    def test_what_no_package_covers_is_on_the_bill_of_its_project_and_day_in_utc_8(self, rig):
        rig.services.billing.unattributed.add("general-text")
        ours = rig.billing.lines(date(2026, 11, 1), date(2026, 12, 31))
        line = BillLine(
            day=date(2026, 12, 1), amount=Decimal("0.09"), official=Decimal("0.09"), currency="USD",
            enterprise_project=CLAIMS, project_name="claims", service="hws.service.type.ocr", resource="passport",
            product="passport", region="ap-southeast-1",
        )  # fmt: skip
        assert ours[1] == line
        assert (ours[0].resource, ours[0].enterprise_project, ours[0].amount) == ("general-text", None, Decimal("0.01"))
        body = intl.QueryResRecordsDetailReq(cycle="2026-12", statistic_type=1)
        for client in self.clients(rig):
            told = client.list_customerself_resource_record_details(
                intl.ListCustomerselfResourceRecordDetailsRequest(body=body)
            )
            assert [(one.consume_amount, one.bill_date) for one in told.monthly_records] == [(Decimal("0.09"), None)]
        assert rig.billing.lines(date(2026, 11, 1), date(2026, 11, 30), "hws.service.type.obs") == []
        assert [one.day for one in rig.billing.lines(date(2026, 11, 30), date(2026, 11, 30))] == [date(2026, 11, 30)]

    def test_the_months_sum_knows_what_belongs_to_no_project_as_minus_one(self, rig):
        rig.services.billing.unattributed.add("general-text")
        for client in self.clients(rig):
            whole = client.show_customer_monthly_sum(intl.ShowCustomerMonthlySumRequest(bill_cycle="2026-11"))
            nobody = client.show_customer_monthly_sum(
                intl.ShowCustomerMonthlySumRequest(bill_cycle="2026-11", enterprise_project_id="-1")
            )
            assert (whole.consume_amount, nobody.consume_amount) == (Decimal("0.01"), Decimal("0.01"))
            assert nobody.bill_sums[0].resource_type_name == "general-text"
            assert whole.currency == "USD"

    def test_the_code_of_a_service_is_asked_for_by_its_name(self, rig):
        assert rig.billing.service_code("optical character recognition") == "hws.service.type.ocr"
        assert rig.billing.service_code("Optical") == ""
        request = intl.ListServiceTypesRequest(service_type_name="Service")
        assert [one.abbreviation for one in self.clients(rig)[0].list_service_types(request).service_types] == ["OBS"]

    def test_a_refilled_package_and_a_line_without_a_day(self, rig):
        item = {"free_resource_id": "fr-9", "usage_type_name": "Calls", "amount": 7, "original_amount": "10.5"}
        package = {
            "product_name": "P",
            "status": 9,
            "quota_reuse_mode": 1,
            "effective_time": "soon",
            "free_resources": [item],
        }
        rig.services.billing.faults.add(
            Fault("body", body=json.dumps({"free_resource_packages": [package, {"free_resources": None}]}).encode())
        )
        (one,) = rig.billing.packages()
        assert (one.left, one.bought, one.refilled, one.state, one.starts) == (
            7,
            Decimal("10.5"),
            True,
            "unknown",
            None,
        )
        line = {"consume_amount": None, "enterprise_project_id": "-1", "bill_date": None}
        rig.services.billing.faults.add(Fault("body", body=json.dumps({"monthly_records": [line]}).encode()))
        (billed,) = rig.billing.lines(date(2026, 11, 3), date(2026, 11, 4))
        assert (billed.day, billed.amount, billed.enterprise_project) == (date(2026, 11, 3), Decimal(0), None)


#: Calls of a few days: how many minutes before noon, which operation, and how each ended.
CALLS = st.lists(
    st.tuples(
        st.integers(0, 3 * 24 * 60), st.sampled_from(["passport", "web-image"]),
        st.sampled_from([(200, ""), (400, "AIS.0103"), (403, "ModelArts.4204"), (429, "APIG.0308")]),
        st.sampled_from(["default", CLAIMS]),
    ),
    max_size=40,
)  # fmt: skip


@given(calls=CALLS, size=st.integers(0, 10))
def test_whatever_was_called_metrics_packages_and_bills_together_say_the_same(calls, size):
    rig = Rig()
    rig.services.billing.packages.append(Bought("fr-1", size))
    for minutes, slug, (status, code), project in calls:
        rig.call(NOON - timedelta(minutes=minutes), slug, status, code=code, project=project)

    span = Span(NOON - timedelta(days=4), NOON + timedelta(hours=1), HOUR)
    asked = [metric(name, value) for name in (SUCCESSFUL, FAILED) for value in ("PASSPORT", "WEB_IMAGE")]
    sums = [one.total for one in rig.metrics.sums(asked, span)]
    days = NOON.date() - timedelta(days=5), NOON.date() + timedelta(days=1)
    drawn = sum(one.used for one in rig.billing.deductions(*days))
    billed = rig.billing.lines(*days)
    (package,) = rig.billing.packages()
    rig.server.stop()

    answered = sum(status == 200 for _, _, (status, _), _ in calls)
    refused = sum(status in (400, 403) for _, _, (status, _), _ in calls)
    assert (sum(sums[:2]), sum(sums[2:])) == (answered, refused)
    assert drawn == min(size, answered) == size - package.left
    assert sum(one.amount for one in billed) == (answered - drawn) * Decimal("0.01")
    assert {one.enterprise_project for one in billed} <= {"0", CLAIMS}


class TestDomain:
    def test_the_account_is_asked_for_once(self, rig):
        for _ in range(2):
            assert rig.domain() == DOMAIN_ID
        assert Domain("d", None)() == "d"

    def test_without_iam_it_must_be_set(self):
        with pytest.raises(Exception, match="Set cloud.domain_id"):
            Domain("", None)()
