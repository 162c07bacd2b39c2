"""Which operations in use may be called where they are called, by calls that cannot be billed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from itertools import islice
from typing import Literal

from msgspec import Struct

from legible.errors import DocumentError, HeldError
from legible.operations import catalog, routing, subscribing
from legible.operations.operation import Operation
from legible.operations.routing import Routing
from legible.ports import Recognizer, Site
from legible.recognition import probe

SubscriptionState = Literal["not-asked", "subscribed", "not-subscribed", "not-permitted", "not-offered", "unknown"]


class Subscription(Struct, frozen=True):
    """One operation in one region: what leads to it, whether it may be called by who asked, and what to do if not."""

    operation: str
    title: str
    region: str
    used_by: tuple[str, ...]
    state: SubscriptionState
    said: str = ""
    advice: tuple[str, ...] = ()


class Subscriptions:
    """Asks about subscriptions.

    Args:
        site: Its input bucket shows which folders are in use.
        rules: The rules by which keys are routed.
        recognizer: Makes the calls.
        note: Is told of each call before: the service counts it as a failed one.
    """

    def __init__(self, site: Site, rules: Routing, recognizer: Recognizer, note: Callable[[str], None]) -> None:
        """Ask nothing yet."""
        self._site = site
        self._rules = rules
        self._recognizer = recognizer
        self._note = note

    def in_use(self) -> dict[str, tuple[str, ...]]:
        """Return what leads to each operation in use, by its slug: routes, folders with uploads, the default.

        Raises:
            HeldError: The input bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        found: dict[str, list[str]] = {}
        for route in self._rules.routes:
            found.setdefault(route.operation, []).append(f"route {route.match}")
        if self._rules.default:
            found.setdefault(self._rules.default, []).append("default")
        for slug in catalog.slugs():
            if any(islice((True for _ in self._site.store.list(self._site.input, f"{slug}/")), 1)):
                found.setdefault(slug, []).append(f"folder {slug}/")
            if slug in self._rules.operations:
                found.setdefault(slug, []).append(f"[operations.{slug}]")
        return {slug: tuple(leads) for slug, leads in sorted(found.items())}

    def unasked(self) -> list[Subscription]:
        """Return the operations in use, with what leads to each. Raises as ``in_use``."""
        return [
            Subscription(slug, catalog.find(slug).title, self._region(slug), leads, "not-asked")
            for slug, leads in self.in_use().items()
        ]

    def one(self, slug: str, today: date) -> Subscription:
        """Return the subscription of one operation, whether or not anything leads to it; today is the day in UTC."""
        return self._one(catalog.find(slug), (), today)

    def asked(self, slugs: Iterable[str], today: date) -> list[Subscription]:
        """Return the subscriptions of operations: each is asked for once, in the region where it is called.

        Args:
            slugs: Which operations; empty for those in use.
            today: The day in UTC.
        """
        used = self.in_use()
        wanted = tuple(slugs) or tuple(used)
        return [self._one(catalog.find(slug), used.get(slug, ()), today) for slug in wanted]

    def _one(self, operation: Operation, used_by: tuple[str, ...], today: date) -> Subscription:
        region = self._region(operation.slug)
        named = operation.slug, operation.title, region, used_by
        try:
            routing.check(operation, self._rules, today)
        except DocumentError as error:
            return Subscription(*named, "not-offered", error.message, (error.advice,))
        refusal = probe.refusal(self._recognizer, operation, self._note)
        if refusal is None:
            return Subscription(*named, "subscribed")
        if refusal.reason_code == "not-subscribed":
            steps = subscribing.steps(operation, region)
            return Subscription(*named, "not-subscribed", refusal.message, steps)
        state: SubscriptionState = "not-permitted" if isinstance(refusal, HeldError) else "unknown"
        return Subscription(*named, state, refusal.message, (refusal.advice,))

    def _region(self, slug: str) -> str:
        return self._rules.of(slug).region or self._rules.region
