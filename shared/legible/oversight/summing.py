"""Which days are summed up when: the last ones at each call of the timer, of the others a bounded number at each call.

A correction, a redrive or a sweep of the ledger adds lines to the lists of days that are long past. Until such a day is
summed up again, whoever asks for it counts it from its lists.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.model import layout
from legible.oversight.rollup import RollUp
from legible.oversight.walk import RESERVE
from legible.ports import Invocation, Site

#: No call is older: the first version of Legible is of that year.
FIRST = date(2026, 1, 1)
#: So many earlier days are counted at each call at most, and so many months looked through.
_DAYS, _MONTHS = 40, 13
#: This part of the time that is left when it begins is for whatever the timer does after it.
_FOR_OTHERS = 0.5


class NextMonth(Struct, frozen=True):
    """The month whose days are looked at next."""

    month: date


class DaySums:
    """Has days summed up.

    Args:
        site: Its output bucket holds the note of how far it is.
        call: The invocation: gives the time, and how much of it is left.
        rollup: Sums up.
        days: How many earlier days are counted at each call at most.
    """

    def __init__(self, site: Site, call: Invocation, rollup: RollUp, days: int = _DAYS) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._rollup = rollup
        self._left = days
        self._note = site.in_output(layout.SUMMING)
        #: Whether a day had to be left for the next call.
        self._stopped = False

    def write(self) -> list[date]:
        """Sum up this month and the last one, then go on through the earlier ones; return the days that had changed.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault; the next call goes on where this one did not come on.
        """
        today, left = self._call.now().date(), self._call.remaining()
        latest, least = _before(today), max(RESERVE, left * _FOR_OTHERS)
        written = self._rollup.sum_up(latest, today, lambda: self._call.remaining() >= least)
        if latest <= FIRST:
            return written
        begun = month = self._place(_before(latest))
        for _ in range(_MONTHS):
            written += self._rollup.sum_up(month, _last(month), lambda: self._timely(least))
            if self._stopped:
                break
            month = _before(month) if month > FIRST else _before(latest)
            if month == begun or self._call.remaining() < least:
                break
        self._site.store.write(self._note, msgspec.json.encode(NextMonth(month)), "application/json")
        return written

    def _timely(self, least: float) -> bool:
        """Tell whether there is time for one more day; it is one of those that may be counted then."""
        self._stopped = not self._left or self._call.remaining() < least
        self._left -= 1
        return not self._stopped

    def _place(self, latest: date) -> date:
        """Return the month at which the last call ended; without one, the latest month."""
        try:
            month = msgspec.json.decode(self._site.store.read(self._note), type=NextMonth).month.replace(day=1)
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            return latest
        return min(max(month, FIRST), latest)


def _before(day: date) -> date:
    """Return the first day of the month before."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _last(month: date) -> date:
    """Return the last day of a month, by any day of it."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
