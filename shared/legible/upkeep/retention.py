"""Retention: documents that have reached the age of their rule are forgotten, or thinned out, so many a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import groupby, islice
from typing import NamedTuple

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.model import layout
from legible.model.layout import RECORD, TOMBSTONES
from legible.ports import Invocation, ListedObject, Site
from legible.settings import RetentionRule
from legible.upkeep.forget import BATCH, RESERVE, Asked, ForgetReport, Forgetting

#: Where a run stood, and when all was looked through last: once a day is enough for what is told in days.
STATE = f"{TOMBSTONES}.retention.json"
PAUSE = timedelta(days=1)
#: How many documents are forgotten in one run at most.
MOST = 5_000


class Expired(NamedTuple):
    """A document that has reached the age of a rule: its number, from 1, and what is uploaded later is another one."""

    key: str
    rule: int
    before: datetime


class _Standpoint(Struct, frozen=True):
    """Where a run stood: the last key that was looked at in the list of uploads, or else of results; when all was."""

    after: str = ""
    results: bool = False
    ended: datetime | None = None


class Retention:
    """Forgets documents by age, as rules say: the first one whose pattern a key matches counts.

    Args:
        site: The buckets.
        call: The invocation: gives time, and the time left.
        rules: The rules, in their order.
        forgetting: Forgets documents.
        most: How many are forgotten in one run.
    """

    def __init__(
        self, site: Site, call: Invocation, rules: Sequence[RetentionRule], forgetting: Forgetting, most: int = MOST
    ) -> None:
        """Forget nothing yet."""
        self._site = site
        self._call = call
        self._rules = rules
        self._forgetting = forgetting
        self._most = most

    def expired(self) -> Iterator[Expired]:
        """Yield every document that has reached its age; nothing is changed.

        Raises:
            HeldError: A bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        for results in (False, True):
            for _, one in self._look(_Standpoint(results=results)):
                if one is not None:
                    yield one

    def run(self, tell: Callable[[int], None] = lambda count: None) -> ForgetReport:
        """Go on where the last run stood; end when enough were forgotten, or the time is over.

        Args:
            tell: Is told how many were forgotten so far.

        Raises:
            HeldError: A bucket refuses; what was begun is gone on with.
            UnavailableError: The store has a passing fault, likewise.
        """
        report, stood = ForgetReport(), self._stood()
        if not self._rules or (stood.ended is not None and self._call.now() < stood.ended + PAUSE):
            return report
        stood = _Standpoint() if stood.ended is not None else stood
        while report.emptied < self._most and self._call.remaining() > RESERVE:
            seen = list(islice(self._look(stood), BATCH))
            due = [one for _, one in seen if one is not None]
            for (rule, before), some in groupby(due, key=lambda one: (one.rule, one.before)):
                asked = Asked(f"retention:{rule}", before, f"older than {self._rules[rule - 1].after_days} days",
                              self._rules[rule - 1].keep)  # fmt: skip
                _add(report, self._forgetting.forget([one.key for one in some], asked))
            tell(report.emptied)
            stood = self._next(stood, [key for key, _ in seen])
            self._site.store.write(self._site.in_output(STATE), msgspec.json.encode(stood), "application/json")
            if stood.ended is not None:
                break
        return report

    def _next(self, stood: _Standpoint, seen: list[str]) -> _Standpoint:
        if len(seen) == BATCH:
            return _Standpoint(seen[-1], stood.results)
        return _Standpoint(ended=self._call.now()) if stood.results else _Standpoint(results=True)

    def _look(self, stood: _Standpoint) -> Iterator[tuple[str, Expired | None]]:
        """Yield what is listed behind a place, and the document that has reached its age there, if any."""
        bucket = self._site.output if stood.results else self._site.input
        prefix = layout.results_below("") if stood.results else ""
        now = self._call.now()
        own = layout.OWN if not stood.results and self._site.input == self._site.output else ()
        for item in self._site.store.list(bucket, prefix, stood.after):
            if not item.key.startswith(own or ("\0",)):
                yield item.key, self._expired(item, now, results=stood.results)

    def _expired(self, item: ListedObject, now: datetime, *, results: bool) -> Expired | None:
        """Return the document of an upload, or of a record whose upload is gone, if it has reached its age."""
        key = layout.result_of(item.key, RECORD) if results else item.key
        if key is None:
            return None
        for number, rule in enumerate(self._rules, 1):
            if fnmatchcase(key, rule.match):
                before = now - timedelta(days=rule.after_days)
                old = item.modified_at is not None and item.modified_at <= before
                # What is kept is not looked for again; and where there is an upload, its own age counts.
                if not old or (results and (rule.keep or self._there(key))):
                    return None
                return Expired(key, number, before)
        return None

    def _there(self, key: str) -> bool:
        with suppress(ObjectGoneError):
            return bool(self._site.store.head(self._site.in_input(key)))
        return False

    def _stood(self) -> _Standpoint:
        with suppress(ObjectGoneError, msgspec.MsgspecError):
            return msgspec.json.decode(self._site.store.read(self._site.in_output(STATE)), type=_Standpoint)
        return _Standpoint()


def _add(report: ForgetReport, more: ForgetReport) -> None:
    """Add what came of some documents to what came of others."""
    for field in msgspec.structs.fields(ForgetReport):
        setattr(report, field.name, getattr(report, field.name) + getattr(more, field.name))
