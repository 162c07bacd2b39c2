"""What the fake API tells of the account: 400 days of calls of every operation, or nothing; all invented."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from legible.operations.catalog import OPERATIONS

Json = dict[str, Any]
PATHS = ("dead", "redrives", "usage", "accounts", "packages", "subscriptions", "reconciliation", "audit")
PROJECTS = ("", "6b0b5d0e-9c4e-4d0f-8d57-2b1f6a3c9e11", "0c9d1c2e-77aa-4b1e-9d41-5f0f2a9b7d10")
DAYS = 400
PART = 20


def count(name: str, succeeded: int, failed: int = 0, unknown: int = 0) -> Json:
    """Return the calls of one row."""
    calls = succeeded + failed + unknown
    told = {"name": name, "calls": calls, "succeeded": succeeded, "failed": failed, "unknown": unknown}
    return told | {"not_needed": succeeded // 300, "pages": succeeded - succeeded // 300}


@dataclass
class Account:
    """What is told, by the path below /v1/; ``days`` are the calls of each day, the oldest first."""

    days: list[tuple[date, int]] = field(default_factory=list)
    operations: tuple[str, ...] = ()
    packages: list[Json] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    differences: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    waiting: int = 0
    #: Documents that are not done, by our code of their cause; and the codes whose documents were tried again.
    undone: dict[str, int] = field(default_factory=dict)
    redriven: list[str] = field(default_factory=list)

    def told(self, name: str, query: dict[str, str]) -> Json:
        """Return the reply of a path."""
        return dict(getattr(self, f"_{name}")(query))

    def _usage(self, query: dict[str, str]) -> Json:
        today = datetime.now(timezone.utc)
        first = date.fromisoformat(query["first"])
        shown = [(day, calls) for day, calls in self.days if day >= first]
        total = sum(calls for _, calls in shown)
        weights = [1 / (1 + number) for number, _ in enumerate(self.operations)]
        shares = [(name, int(total * part / sum(weights))) for name, part in zip(self.operations, weights, strict=True)]
        months: dict[str, int] = {}
        for day, calls in shown:
            months[f"{day:%Y-%m}"] = months.get(f"{day:%Y-%m}", 0) + calls
        return {
            "first": f"{first}", "last": f"{today:%Y-%m-%d}", "as_of": (today - timedelta(minutes=6)).isoformat(),
            "waiting": self.waiting, "currency": "USD", "notes": self.notes,
            "days": [count(f"{day}", calls, calls // 29, calls // 211) for day, calls in shown],
            "operations": [count(name, calls, calls // 29, calls // 211) for name, calls in shares],
            "projects": [count(name, total // (2 + number)) for number, name in enumerate(PROJECTS)] if total else [],
            "routes": [count(f"{name}/*", calls) for name, calls in shares],
            "ends": [ends(day, calls) for day, calls in shown],
            "months": [cost(name, calls) for name, calls in months.items()],
            "costs": [cost(name, calls) for name, calls in shares],
        }  # fmt: skip

    def _accounts(self, query: dict[str, str]) -> Json:
        total = sum(calls for day, calls in self.days if day >= date.fromisoformat(query["first"]))
        told = [
            {"project": name, "amount": f"{total * 0.008 / (2 + number):.3f}"} for number, name in enumerate(PROJECTS)
        ]
        names = {PROJECTS[1]: "Port Ellery office"}
        return {"currency": "USD", "projects": told if total else [], "names": names, "notes": []}

    def _subscriptions(self, query: dict[str, str]) -> Json:
        asked = query.get("operation")
        found = [subscription(name, name == asked) for name in self.operations if asked in (None, name)]
        held = [{"operation": "id-card", "region": "ap-southeast-1"}] if "id-card" in self.operations else []
        return {"subscriptions": found, "held": held}

    def _dead(self, query: dict[str, str]) -> Json:
        at = datetime.now(timezone.utc).isoformat()
        causes = [
            {"code": code, "vendor_code": "APIG.0308" if code == "throttled" else "", "statuses": {"dead": documents},
             "operations": {"passport": documents}, "documents": documents, "calls": documents, "uncounted": 0,
             "lasting": 0, "first": at, "last": at, "cost": further(documents), "example": f"It says {code}."}
            for code, documents in self.undone.items()
        ]  # fmt: skip
        total = sum(self.undone.values())
        told = {"as_of": at, "total": total, "causes": causes, "documents": [], "cost": further(total)}
        return told | {"unread": 3 if causes else 0}

    def redrive(self, asked: Json) -> Json:
        """Answer a redrive: what is asked for leaves the list, unless it is only asked what it would cost."""
        count = sum(self.undone.get(code, 0) for code in asked["reasons"])
        if not asked.get("dry_run"):
            self.redriven += asked["reasons"]
            self.undone = {code: many for code, many in self.undone.items() if code not in asked["reasons"]}
        return {"chosen": count, "moved": 0 if asked.get("dry_run") else count, "cost": further(count), "left": {}}

    def _packages(self, _: dict[str, str]) -> Json:
        as_of = datetime.now(timezone.utc).isoformat()
        return {"as_of": as_of, "packages": self.packages, "warnings": self.warnings, "notes": self.notes}

    def _reconciliation(self, _: dict[str, str]) -> Json:
        now = datetime.now(timezone.utc)
        told = {"begin": (now - timedelta(days=7)).isoformat(), "end": now.isoformat(), "period": "hour"}
        counts = {"ledger": sum(calls for _, calls in self.days[-7:]), "service": 0, "moved": 4 if self.days else 0}
        counts["service"] = counts["ledger"] + len(self.differences)
        return told | counts | {"differences": self.differences, "unmapped": {}, "notes": self.notes}

    def _audit(self, query: dict[str, str]) -> Json:
        names = ("service", "resource_type", "name", "resource_id", "resource_name", "operator", "status")
        fits = [one for one in self.events if all(query.get(name, "") in ("", one[name]) for name in names)]
        start = int(query.get("cursor") or 0)
        cursor = str(start + PART) if len(fits) > start + PART else ""
        sha = "5d41402abc4b2a76b9719d911017c592ae41e4649b934ca495991b7852b855b1" if self.events else ""
        told = {"cursor": cursor, "waiting": 2 if self.events else 0, "n": 4212 if self.events else 0, "sha256": sha}
        return {"events": fits[start : start + PART], **told}


def further(calls: int) -> Json:
    """Return what further calls cost."""
    return {"calls": calls, "packaged": 0, "currency": "USD", "amount": f"{calls * 0.012:.3f}", "unpriced": []}


def subscription(name: str, asked: bool) -> Json:
    """Return one operation in use; that of identity cards is not subscribed to."""
    told = {"operation": name, "title": name, "region": "ap-southeast-1", "used_by": [f"folder {name}/"]}
    if not asked or name != "id-card":
        return told | {"state": "subscribed" if asked else "not-asked", "said": "", "advice": []}
    steps = ["Open the OCR console in ap-southeast-1.", "Subscribe for *(Everyone): ocr:idCard:subscribeAllUsers."]
    return told | {"state": "not-subscribed", "said": "The account has not subscribed to id-card.", "advice": steps}


def ends(day: date, calls: int) -> Json:
    """Return how the documents of a day ended."""
    counts = {"done": calls * 2 // 3, "partial": calls // 40, "rejected": calls // 25, "dead": calls // 900}
    return {"day": f"{day}", "counts": counts | {"held": 3}}


def cost(name: str, calls: int) -> Json:
    """Return what calls cost."""
    told = {"name": name, "billed": calls, "packaged": calls // 3, "unpriced": 0, "perhaps": calls // 211}
    return told | {"amount": f"{(calls - calls // 3) * 0.012:.3f}"}


def plenty() -> Account:
    """Return 400 days of all operations, packages, differences and events."""
    told, today = random.Random(18), datetime.now(timezone.utc).date()
    days = [
        (day, told.randint(15_000, 34_000) // (4 if day.weekday() > 4 else 1))
        for day in (today - timedelta(days=back) for back in range(DAYS - 1, -1, -1))
    ]
    until = {"runs_out": f"{today + timedelta(days=11)}", "ends": f"{today + timedelta(days=90)}"}
    packages: list[Json] = [
        {"name": "Passport OCR 10,000 calls", "slugs": ["passport"], "size": 10_000, "left": 812, "estimated": False,
         "week": "74.3", "month": "61.0", **until},
        {"name": "vat-invoice", "slugs": ["vat-invoice"], "size": 500_000, "left": 411_204, "estimated": True,
         "week": "0.0", "month": "0.0", "runs_out": None, "ends": None},
    ]  # fmt: skip
    warnings = ["Package Passport OCR 10,000 calls: 812 calls are left; at 74.3 calls a day pay-per-use begins soon."]
    return Account(
        days, tuple(OPERATIONS), packages, warnings, ["What is left of vat-invoice is an estimate."],
        differences(), list(map(audited, range(45))), 17, {"throttled": 41, "image-refused": 3},
    )  # fmt: skip


def differences() -> list[Json]:
    """Return one difference that nobody can explain, and one of each known cause."""
    at = (datetime.now(timezone.utc) - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    more = {"direction": "service-counted-more", "kind": "succeeded", "ledger": 411, "service": 412}
    found = [{"begin": at.isoformat(), "operation": "passport", "causes": [], "unexplained": 1, **more}]
    for number, cause in enumerate(("unknown", "probes", "throttled", "other-programs")):
        begin = (at + timedelta(hours=number + 1)).isoformat()
        one = {"begin": begin, "operation": "id-card", "causes": [{"cause": cause, "count": 2}], "unexplained": 0}
        found.append({**more, **one, "kind": "failed"})
    return found


def audited(number: int) -> Json:
    """Return one event of the audit trail."""
    at = datetime.now(timezone.utc) - timedelta(minutes=11 * number + 3)
    told: Json = {"id": f"event-{number}", "at": at.isoformat(), "recorded_at": at.isoformat(), "source": "legible"}
    told |= {"service": "Legible", "name": "callOcr", "resource_type": "document", "resource_id": "", "raw_sha256": ""}
    told |= {"resource_name": f"invoices/2026-03/scan-{number:04}.png", "operator": "function", "status": "normal"}
    told |= {"details": {"operation": "vat-invoice", "outcome": "answered", "page": "1"}}
    if number % 9 == 4:
        told |= {"source": "cts", "service": "OCR", "name": "subscribeAISubService", "resource_type": "ai_service"}
        told |= {"resource_name": "Passport", "operator": "mei", "details": {}}
    elif number % 7 == 3:
        told |= {"status": "incident", "details": {"operation": "passport", "outcome": "unknown"}}
    elif number % 5 == 2:
        told |= {"name": "correctDocument", "operator": "Maja Lindqvist", "details": {"revision": "2"}}
    return told
