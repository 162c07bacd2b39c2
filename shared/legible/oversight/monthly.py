"""The workbook about each month's usage: written once a day, and once more when nothing can come late any more."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from tempfile import TemporaryFile
from typing import IO

from legible.errors import LegibleError, ObjectGoneError
from legible.model import layout
from legible.model.usage import UsageReport
from legible.oversight.usage import UsageReader
from legible.ports import Invocation, Site

#: For so many days after its end a month's workbook is written anew: what was called late is counted by then.
LATE_DAYS = 3
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class MonthlyWorkbooks:
    """Writes them.

    Args:
        site: Its output bucket gets them.
        call: The invocation: gives the time.
        reader: Puts usage together.
        write: Writes a workbook to a file.
        tell: Is told the key of each that is written now; and, with the code of the error, of one that could not be
            written. It does not raise.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        reader: UsageReader,
        write: Callable[[UsageReport, IO[bytes]], None],
        tell: Callable[[str, str], None] = lambda key, code: None,
    ) -> None:
        """Write nothing yet."""
        self._site = site
        self._call = call
        self._reader = reader
        self._write = write
        self._tell = tell

    def written(self) -> list[str]:
        """Write the workbooks that are due: this month's, and the last month's while calls may come late.

        Returns:
            Their keys; none for a month of which there is nothing to tell.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        today = self._call.now().astimezone(timezone.utc).date()
        month = today.replace(day=1)
        found = [
            self._one(one, today)
            for one in ((month - timedelta(days=1)).replace(day=1), month)
            if today <= _last(one) + timedelta(days=LATE_DAYS) and not self._written_on(one, today)
        ]
        return [key for key in found if key]

    def _written_on(self, month: date, day: date) -> bool:
        try:
            at = self._site.store.head(self._site.in_output(layout.usage_workbook(month))).modified_at
        except ObjectGoneError:
            return False
        return at is not None and at >= datetime.combine(day, time(), timezone.utc)

    def _one(self, month: date, today: date) -> str:
        key = layout.usage_workbook(month)
        try:
            return self._built(key, month, today)
        except Exception as error:
            self._tell(key, error.reason_code if isinstance(error, LegibleError) else type(error).__name__)
            raise

    def _built(self, key: str, month: date, today: date) -> str:
        report = self._reader.report(month, min(_last(month), today))
        if not report.days and not report.ended:
            return ""
        self._tell(key, "")
        with TemporaryFile() as file:
            self._write(report, file)
            file.seek(0)
            self._site.store.write(self._site.in_output(key), file.read(), _XLSX)
        return key


def _last(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])
