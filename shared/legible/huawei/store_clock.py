"""The store's clock, by which leases go: instances whose own clocks differ still agree on when one ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from legible.ports import utc_now

#: The date of a reply is in whole seconds (RFC 9110, 5.6.7).
_SECOND = timedelta(seconds=1)


class StoreClock:
    """The time by the store's clock, as far as the dates of its replies tell it.

    A date in whole seconds, and a reply that takes a while, only tell between which times the store's clock was. As
    long as this instance's own time lies between them, it is believed; otherwise it is corrected by the least that the
    reply proves. So a clock that is right is never moved, and one that is wrong is right within a second or two.

    Args:
        own: Returns the time by this instance's own clock, in UTC.
    """

    def __init__(self, own: Callable[[], datetime] = utc_now) -> None:
        """Believe the instance's own clock until a reply says otherwise."""
        self.own = own
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Return the time by the store's clock, in UTC."""
        return self.own() + self._offset

    def heard(self, date: str, sent: datetime) -> None:
        """Learn from a reply that was just received.

        Args:
            date: Its ``Date`` header; one that is no date tells nothing.
            sent: When its request was sent, by the instance's own clock.
        """
        try:
            at = parsedate_to_datetime(date).astimezone(timezone.utc)
        except (ValueError, TypeError):
            return
        least, most = at - self.own(), at + _SECOND - sent
        self._offset = min(max(self._offset, least), most)
