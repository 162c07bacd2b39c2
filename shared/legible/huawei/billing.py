"""What was bought, used and billed: ``ports.account.Billing`` over the operation API of either site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, TypeVar

from msgspec import Struct

from legible.errors import UnavailableError
from legible.huawei.account import BILLING, Access, AccountApi, AccountService, Domain
from legible.model.account import BillLine, Deduction, Package

# Errors of its own may come with 200 (error codes of the customer operation API).
SERVICE = AccountService("Billing", "billing.endpoint", BILLING, errs_with_200=True)
#: What one call returns at most here; 10 unless asked for (models of bss and bssintl, 3.1.219).
_LISTED = 100
#: The longest time that deductions are asked for at once (list_free_resources_usage_records_request.py).
_LONGEST = timedelta(days=90)
_STATES: Mapping[int, Literal["not-yet", "in-force", "used-up", "expired", "unsubscribed"]] = {
    0: "not-yet", 1: "in-force", 2: "used-up", 3: "expired", 4: "unsubscribed",
}  # fmt: skip
#: Policies of billing are checked by these names; system roles are not (authority_topic_0000007, jac_00006).
_ORDERS, _BILLS = "bss:order:view", "bss:bill:view"
Site = Literal["international", "china"]


def endpoint(region: str, site: Site) -> str:
    """Return where a site's operation API is (bssintl_region.py, bss_region.py, 3.1.219)."""
    if site == "china":
        return "https://bss.myhuaweicloud.com"
    return "https://bss.myhuaweicloud.eu" if region == "eu-west-101" else "https://bss-intl.myhuaweicloud.com"


class _Item(Struct):
    free_resource_id: str = ""
    usage_type_name: str = ""
    # A text here, a number in other calls: both are read.
    amount: Decimal = Decimal(0)
    original_amount: Decimal = Decimal(0)


class _Bought(Struct):
    order_instance_id: str | None = None
    product_name: str = ""
    enterprise_project_id: str | None = None
    effective_time: str | None = None
    expire_time: str | None = None
    status: int = -1
    service_type_code: str | None = None
    region_code: str | None = None
    quota_reuse_mode: int = 0
    free_resources: list[_Item] | None = None


class _Used(Struct):
    deduct_time: str = ""
    free_resource_id: str = ""
    product_name: str = ""
    used_amount: Decimal = Decimal(0)
    remaining_amount: Decimal = Decimal(0)


class _Billed(Struct):
    bill_date: date | None = None
    region: str | None = None
    cloud_service_type: str | None = None
    resource_type_name: str | None = None
    product_spec_desc: str | None = None
    enterprise_project_id: str | None = None
    enterprise_project_name: str | None = None
    consume_amount: Decimal | None = None
    official_amount: Decimal | None = None


class _Type(Struct):
    service_type_name: str = ""
    service_type_code: str = ""
    abbreviation: str | None = None


class _BoughtPage(Struct):
    free_resource_packages: list[_Bought] | None = None


class _UsedPage(Struct):
    free_resource_records: list[_Used] | None = None


class _BilledPage(Struct):
    monthly_records: list[_Billed] | None = None
    currency: str | None = None


class _TypePage(Struct):
    service_types: list[_Type] | None = None


_Page = TypeVar("_Page", bound=Struct)


class OperationBilling:
    """Reads packages and bills. See ``legible.ports.account.Billing``.

    Args:
        endpoint: Where the operation API of the account's site is.
        access: Who asks.
        domain: The account: bills belong to no project.
    """

    def __init__(self, endpoint: str, access: Access, domain: Domain) -> None:
        """Prepare the calls; nothing is sent yet."""
        self._api = AccountApi(SERVICE, endpoint, access, domain)

    def service_code(self, name: str) -> str:
        """See ``Billing.service_code``; the name is that of the price list, in any case, or its abbreviation."""
        wanted = name.casefold()
        for page in self._listed(_BILLS, "/v2/products/service-types", {"service_type_name": name}, _TypePage):
            for one in page.service_types or ():
                if wanted in (one.service_type_name.casefold(), (one.abbreviation or "").casefold()):
                    return one.service_type_code
        return ""

    def packages(self, service: str = "") -> list[Package]:
        """See ``Billing.packages``."""
        body = {"service_type_code_list": [service]} if service else {}
        pages = self._posted(_ORDERS, "/v3/payments/free-resources/query", body, _BoughtPage)
        return [
            _package(bought, item)
            for page in pages
            for bought in page.free_resource_packages or ()
            for item in bought.free_resources or ()
        ]

    def deductions(self, first: date, last: date) -> list[Deduction]:
        """See ``Billing.deductions``."""
        found: list[Deduction] = []
        while first <= last:
            until = min(last, first + _LONGEST)
            query = {"deduct_time_begin": first.isoformat(), "deduct_time_end": until.isoformat()}
            path = "/v2/bills/customer-bills/free-resources-usage-records"
            for page in self._listed(_BILLS, path, query, _UsedPage):
                found += map(_deduction, page.free_resource_records or ())
            first = until + timedelta(days=1)
        return found

    def lines(self, first: date, last: date, service: str = "") -> list[BillLine]:
        """See ``Billing.lines``; each month is asked for by itself, because a call takes one."""
        found: list[BillLine] = []
        while first <= last:
            until = min(last, (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1))
            body = {
                "cycle": f"{first:%Y-%m}", "statistic_type": 2, "query_type": "DAILY",
                "bill_cycle_begin": first.isoformat(), "bill_cycle_end": until.isoformat(),
            } | ({"cloud_service_type": service} if service else {})  # fmt: skip
            for page in self._posted(_BILLS, "/v2/bills/customer-bills/res-records/query", body, _BilledPage):
                found += (_line(one, page.currency or "", first) for one in page.monthly_records or ())
            first = until + timedelta(days=1)
        return found

    def _listed(self, right: str, path: str, query: Mapping[str, str], page: type[_Page]) -> Iterator[_Page]:
        def ask(offset: int) -> bytes:
            return self._api.get(right, path, {**query, "offset": str(offset), "limit": str(_LISTED)})

        return self._api.pages(ask, page, _LISTED)

    def _posted(self, right: str, path: str, body: Mapping[str, Any], page: type[_Page]) -> Iterator[_Page]:
        def ask(offset: int) -> bytes:
            return self._api.post(right, path, {**body, "offset": offset, "limit": _LISTED})

        return self._api.pages(ask, page, _LISTED)


def _package(bought: _Bought, item: _Item) -> Package:
    return Package(
        id=item.free_resource_id,
        product=bought.product_name,
        item=item.usage_type_name,
        left=item.amount,
        bought=item.original_amount,
        starts=_time(bought.effective_time),
        ends=_time(bought.expire_time),
        state=_STATES.get(bought.status, "unknown"),
        refilled=bought.quota_reuse_mode == 1,
        service=bought.service_type_code or "",
        region=bought.region_code or "",
        enterprise_project=bought.enterprise_project_id or "",
        instance=bought.order_instance_id or "",
    )


def _deduction(used: _Used) -> Deduction:
    at = _time(used.deduct_time)
    if at is None:
        raise UnavailableError("A deduction that billing tells of has no time.", advice="Ask again later.")
    return Deduction(at, used.free_resource_id, used.product_name, used.used_amount, used.remaining_amount)


def _line(billed: _Billed, currency: str, first: date) -> BillLine:
    project = billed.enterprise_project_id
    return BillLine(
        # A line without a day is one of the month.
        day=billed.bill_date or first,
        amount=billed.consume_amount or Decimal(0),
        official=billed.official_amount or Decimal(0),
        currency=currency,
        # What belongs to no project is null here, and -1 in the monthly sum (query_res_records_detail_req.py, 3.1.219).
        enterprise_project=None if project in (None, "", "null", "-1") else project,
        project_name=billed.enterprise_project_name or "",
        service=billed.cloud_service_type or "",
        resource=billed.resource_type_name or "",
        product=billed.product_spec_desc or "",
        region=billed.region or "",
    )


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)
