"""Endpoints and errors of the services that tell of the account, and how settings choose among them."""

from __future__ import annotations

import json

import pytest

from legible.huawei import billing, cloudeye, cts, eps
from legible.huawei.account import Access, iam_endpoint
from legible.huawei.credentials import Credentials
from legible.huawei.signed import refusal
from legible.outbound import FetchReply
from legible.settings import Settings
from legible.settings.tables import BillingSettings, Cloud, Obs, Ocr, ServiceEndpoint
from legible.wiring.account import Account

ACCESS = Access(Credentials("a", "s", "t"), "p" * 32)
APART = {"obs": Obs(endpoint="http://127.0.0.1:1"), "ocr": Ocr(endpoint="http://127.0.0.1:2")}


def account(**tables: object) -> Account:
    return Account(Settings(**{"cloud": Cloud(region="ap-southeast-1", domain_id="d"), **tables}), ACCESS)


def services(made: Account) -> list[object]:
    return [made.metrics, made.traces, made.projects, made.billing]


def where(service: object) -> str:
    return service._api._caller._service.endpoint


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (cloudeye.endpoint("ap-southeast-3"), "https://ces.ap-southeast-3.myhuaweicloud.com"),
        (cts.endpoint("ap-southeast-3"), "https://cts.ap-southeast-3.myhuaweicloud.com"),
        (cts.endpoint("eu-west-101"), "https://cts.eu-west-101.myhuaweicloud.eu"),
        (eps.endpoint("ap-southeast-3"), "https://eps.myhuaweicloud.com"),
        (eps.endpoint("eu-west-101"), "https://eps.eu-west-101.myhuaweicloud.eu"),
        (billing.endpoint("ap-southeast-1", "international"), "https://bss-intl.myhuaweicloud.com"),
        (billing.endpoint("eu-west-101", "international"), "https://bss.myhuaweicloud.eu"),
        (billing.endpoint("cn-north-4", "china"), "https://bss.myhuaweicloud.com"),
        (iam_endpoint("ap-southeast-1"), "https://iam.ap-southeast-1.myhuaweicloud.com"),
        (iam_endpoint("xx-nowhere-9"), "https://iam.xx-nowhere-9.myhuaweicloud.com"),
    ],
)
def test_endpoints(found, expected):
    assert found == expected


def test_each_service_is_the_regions_own_unless_it_is_set():
    own = {name: ServiceEndpoint(f"https://{name}.example") for name in ("cloudeye", "cts", "eps")}
    bss = BillingSettings("https://bss.example")
    assert [where(one) for one in services(account())] == [
        "https://ces.ap-southeast-1.myhuaweicloud.com", "https://cts.ap-southeast-1.myhuaweicloud.com",
        "https://eps.myhuaweicloud.com", "https://bss-intl.myhuaweicloud.com",
    ]  # fmt: skip
    assert [where(one) for one in services(account(**own, billing=bss))] == [
        "https://cloudeye.example", "https://cts.example", "https://eps.example", "https://bss.example",
    ]  # fmt: skip


def test_the_site_chooses_who_bills():
    assert where(account(billing=BillingSettings(site="china")).billing) == "https://bss.myhuaweicloud.com"


def test_in_an_isolated_setup_only_what_is_named_is_reached():
    assert services(account(**APART)) == [None] * 4
    named = account(**APART, cts=ServiceEndpoint("http://127.0.0.1:3"))
    assert [one is None for one in services(named)] == [True, False, True, True]
    together = Cloud(region="cn-north-4", account_endpoint="http://127.0.0.1:4")
    made = account(**APART, cloud=together, cts=ServiceEndpoint("http://127.0.0.1:3"))
    assert [where(one)[-1] for one in services(made)] == ["4", "3", "4", "4"]


def test_the_accounts_id_is_that_of_the_settings_or_iam_is_asked():
    assert account().projects._api._domain() == "d"
    asked = account(cloud=Cloud(region="cn-north-4")).billing._api._domain
    assert where_iam(asked) == "https://iam.cn-north-4.myhuaweicloud.com"
    apart = account(**APART, cloud=Cloud(region="cn-north-4"), eps=ServiceEndpoint("http://127.0.0.1:3"))
    assert apart.projects._api._domain._iam is None


def where_iam(domain: object) -> str:
    return domain._iam._caller._service.endpoint


@pytest.mark.parametrize(
    ("body", "said", "code"),
    [
        ({"error_code": "CTS.0003", "error_msg": "wrong"}, "403 CTS.0003 wrong", "CTS.0003"),
        ({"error": {"error_code": "EPS.0004", "error_msg": "no"}}, "403 EPS.0004 no", "EPS.0004"),
        ({"code": "SMN.0006", "message": "gone"}, "403 SMN.0006 gone", "SMN.0006"),
        ({"http_code": 403, "message": {"details": "no", "code": "ces.0017"}}, "403 ces.0017 no", "ces.0017"),
        ({"message": [1]}, "403  [1]", ""),
        ([], "403", ""),
    ],
)
def test_errors_come_in_four_shapes(body, said, code):
    words, names = refusal(FetchReply(403, {"x-request-id": "r"}, json.dumps(body).encode()))
    assert (words, names) == (said, {"vendor_code": code, "request_id": "r"})
