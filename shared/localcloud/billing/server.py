"""The operation API of both sites over HTTP: packages, deductions, bills, types of services.

Its habits (texts of bss and bssintl, 3.1.219): callers name the account (X-Domain-Id), a list has ten entries unless
more are asked for, amounts are texts in one call and numbers in the next, days are those of UTC+8, and what belongs to
no project is ``-1`` in the monthly sum and null in the lines. Not imitated: how late the vendor settles (no page says),
orders, coupons, cost analysis.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from localcloud.billing.settlement import Bought, Charged, Settlement, billing_day, settle, utc
from localcloud.iam.account import DOMAIN_ID
from localcloud.iam.credentials import Keyring
from localcloud.ocr.journal import Call
from localcloud.routes import Called, Route, RoutedApi, number, route

#: The code of OCR is on no page that we know; OBS's has this form.
CODE, NAME = "hws.service.type.ocr", "Optical Character Recognition"
_TYPES = ((CODE, NAME, "OCR"), ("hws.service.type.obs", "Object Storage Service", "OBS"))
_LONGEST = timedelta(days=90)
_ORDERS, _BILLS = "bss:order:view", "bss:bill:view"


class LocalBilling(RoutedApi):
    """A WSGI application that answers as the operation API does. See ``RoutedApi`` for faults and rights."""

    refused = "CBC.0151"
    throttled = "CBC.0250"
    malformed = "CBC.0100"
    errors: ClassVar[Mapping[str, tuple[int, str]]] = {
        "CBC.0100": (400, "Parameter error."),
        "CBC.0151": (403, "Access denied."),
        "CBC.0156": (403, "Access denied. The customer does not belong to the website you are now at."),
        "CBC.0250": (429, "Flow control."),
        "CBC.0999": (500, "Unknown error."),
        "CBC.3006": (200, "Unsupported cloud service type."),
    }

    def __init__(
        self, keys: Keyring, project_id: str, region: str = "cn-north-4", calls: Callable[[], Iterable[Call]] = tuple
    ) -> None:
        """Serve one account.

        Args:
            keys: Its access keys.
            project_id: Its only project.
            region: Where its calls are made.
            calls: Returns the calls of OCR so far.
        """
        super().__init__(keys, project_id, DOMAIN_ID)
        #: Packages, in the order in which they were bought.
        self.packages: list[Bought] = []
        #: What one unit of an operation costs; ``price`` for all others. Invented.
        self.prices: dict[str, Decimal] = {}
        self.price, self.currency = Decimal("0.01"), "USD"
        #: Operations whose costs belong to no project.
        self.unattributed: set[str] = set()
        #: Names of enterprise projects.
        self.project_names: Callable[[], Mapping[str, str]] = dict
        #: Tells the time, in seconds since the epoch.
        self.clock: Callable[[], float] = time.time
        self._region = region
        self._calls = calls

    def routes(self) -> tuple[Route, ...]:
        """See ``RoutedApi.routes``."""
        bills = "/v2/bills/customer-bills"
        return (
            route("POST", "/v3/payments/free-resources/query", _ORDERS, self._packages),
            route("POST", "/v2/payments/free-resources/usages/details/query", _ORDERS, self._usages),
            route("GET", f"{bills}/free-resources-usage-records", _BILLS, self._deductions),
            route("GET", f"{bills}/monthly-sum", _BILLS, self._sum),
            route("POST", f"{bills}/res-records/query", _BILLS, self._lines),
            route("GET", "/v2/products/service-types", _BILLS, self._types),
        )

    def settled(self) -> Settlement:
        """Return what is settled so far."""
        return settle(self._calls(), self.packages)

    def _packages(self, called: Called) -> Any:
        body, left, now = self._table(called), self.settled().left, self.clock()
        codes = {str(one).casefold() for one in body.get("service_type_code_list") or ()}
        found = [
            one for one in self.packages
            if (not codes or CODE in codes)
            and body.get("status") in (None, one.state(left[one.id], now))
            and body.get("enterprise_project_id") in (None, "", one.project)
            and body.get("region_code") in (None, "", one.region or self._region)
        ]  # fmt: skip
        page = self._page(found, body)
        return {"free_resource_packages": [self._package(one, left[one.id]) for one in page], "total_count": len(found)}

    def _package(self, one: Bought, left: int) -> dict[str, Any]:
        item = {"free_resource_id": one.id, "usage_type_name": one.item, "measure_id": 0}
        return {
            "order_instance_id": f"{one.id}-1", "order_id": f"CS-{one.id}", "product_id": f"P-{one.id}",
            "product_name": one.product, "enterprise_project_id": one.project, "enterprise_project_scope": 0,
            "effective_time": utc(one.starts), "expire_time": utc(one.ends), "status": one.state(left, self.clock()),
            "service_type_code": CODE, "service_type_name": NAME, "region_code": one.region or self._region,
            "source_type": 0, "bundle_type": "ATOMIC_PKG", "quota_reuse_mode": 2,
            # Texts here, numbers in the usages.
            "free_resources": [{**item, "amount": str(left), "original_amount": str(one.size)}],
        }  # fmt: skip

    def _usages(self, called: Called) -> Any:
        ids, left = self._table(called).get("free_resource_ids"), self.settled().left
        if not isinstance(ids, list) or not ids:
            raise self.fail("CBC.0100")
        return {
            "free_resources": [
                {
                    "free_resource_id": one.id, "free_resource_type_name": one.product, "quota_reuse_cycle": 1,
                    "quota_reuse_cycle_type": 1, "usage_type_name": one.item, "start_time": utc(one.starts),
                    "end_time": utc(one.ends), "amount": left[one.id], "original_amount": one.size, "measure_id": 0,
                }
                for one in self.packages if one.id in ids
            ]
        }  # fmt: skip

    def _deductions(self, called: Called) -> Any:
        query = called.query
        first, last = (self._day(query.get(f"deduct_time_{edge}")) for edge in ("begin", "end"))
        if not timedelta() <= last - first <= _LONGEST:
            raise self.fail("CBC.0100")
        wanted = query.get("free_resource_id", "")
        found = [
            one
            for one in self.settled().drawn
            if first <= billing_day(one.hour) <= last and wanted in ("", one.package.id)
        ]
        records = [
            {
                "deduct_time": utc(one.hour), "free_resource_id": one.package.id, "product_id": f"P-{one.package.id}",
                "product_name": one.package.product, "usage_type_code": one.package.item,
                "available_amount": str(one.left + one.used), "remaining_amount": str(one.left),
                "used_amount": str(one.used), "measure_id": 0, "effective_time": utc(one.package.starts),
                "expire_time": utc(one.package.ends),
            }
            for one in self._page(found, query)
        ]  # fmt: skip
        return {"free_resource_records": records, "total_count": len(found)}

    def _charged(self, cycle: Any, service: Any, project: Any, nobody: str) -> list[tuple[Charged, Decimal]]:
        """Return what is on the bill of a month, by day, operation and project; ``nobody`` stands for no project."""
        self._day(f"{cycle}-01")
        found = []
        for one, units in sorted(self.settled().charged.items()):
            named = nobody if one.slug in self.unattributed else one.project
            fits = service in (None, "", CODE) and project in (None, "", named)
            if f"{one.day:%Y-%m}" == cycle and fits:
                found.append((one._replace(project=named), units * self.prices.get(one.slug, self.price)))
        return found

    def _sum(self, called: Called) -> Any:
        query = called.query
        asked = query.get("bill_cycle"), query.get("service_type_code"), query.get("enterprise_project_id")
        sums: dict[str, Decimal] = {}
        for one, amount in self._charged(*asked, nobody="-1"):
            sums[one.slug] = sums.get(one.slug, Decimal(0)) + amount
        rows = [
            {
                "bill_cycle": query["bill_cycle"], "service_type_code": CODE, "service_type_name": NAME,
                "resource_type_code": f"{CODE}.{slug}", "resource_type_name": slug, "charging_mode": 3, "bill_type": 1,
                "official_amount": float(amount), "consume_amount": float(amount), "debt_amount": 0, "measure_id": 1,
            }
            for slug, amount in sorted(sums.items())
        ]  # fmt: skip
        whole = {"consume_amount": float(sum(sums.values())), "debt_amount": 0, "measure_id": 1}
        return {"bill_sums": self._page(rows, query), "total_count": len(rows), "currency": self.currency, **whole}

    def _lines(self, called: Called) -> Any:
        body = self._table(called)
        by_day = body.get("statistic_type", 1) in (2, 3)
        first = last = None
        if body.get("query_type") == "DAILY":
            if not by_day:
                raise self.fail("CBC.0100")
            first, last = self._day(body.get("bill_cycle_begin")), self._day(body.get("bill_cycle_end"))
        if body.get("charge_mode") not in (None, 3) or body.get("region") not in (None, "", self._region):
            return {"monthly_records": [], "total_count": 0, "currency": self.currency}
        asked = body.get("cycle"), body.get("cloud_service_type"), body.get("enterprise_project_id")
        sums: dict[tuple[date | None, str, str], Decimal] = {}
        for one, amount in self._charged(*asked, nobody="null"):
            if (first or one.day) <= one.day <= (last or one.day):
                key = one.day if by_day else None, one.slug, one.project
                sums[key] = sums.get(key, Decimal(0)) + amount
        rows = [self._line(str(body["cycle"]), *key, amount) for key, amount in sums.items()]
        return {"monthly_records": self._page(rows, body), "total_count": len(rows), "currency": self.currency}

    def _line(self, cycle: str, day: date | None, slug: str, project: str, amount: Decimal) -> dict[str, Any]:
        nobody = project == "null"
        names = {"0": "default", **self.project_names()}
        return {
            "cycle": cycle, "bill_date": day.isoformat() if day else None, "bill_type": 1, "region": self._region,
            "cloud_service_type": CODE, "cloud_service_type_name": NAME, "resource_type_code": f"{CODE}.{slug}",
            "resource_type_name": slug, "product_spec_desc": slug, "charge_mode": 3,
            "enterprise_project_id": None if nobody else project,
            "enterprise_project_name": None if nobody else names.get(project, project),
            "consume_amount": float(amount), "official_amount": float(amount), "debt_amount": 0, "measure_id": 1,
        }  # fmt: skip

    def _types(self, called: Called) -> Any:
        wanted = called.query.get("service_type_name", "").casefold()
        found = [
            {"service_type_name": name, "service_type_code": code, "abbreviation": short}
            for code, name, short in _TYPES if wanted in name.casefold() or wanted == short.casefold()
        ]  # fmt: skip
        return {"service_types": self._page(found, called.query), "total_count": len(found)}

    def _page(self, found: list[Any], asked: Mapping[str, Any]) -> list[Any]:
        offset, limit = number(str(asked.get("offset", 0))), number(str(asked.get("limit", 10)))
        if offset < 0 or not 1 <= limit <= 1000:
            raise self.fail("CBC.0100")
        return found[offset : offset + limit]

    def _day(self, text: Any) -> date:
        try:
            return date.fromisoformat(text)
        except (TypeError, ValueError):
            raise self.fail("CBC.0100") from None

    def _table(self, called: Called) -> dict[str, Any]:
        if not isinstance(called.body, dict):
            raise self.fail("CBC.0100")
        return called.body
