"""What each enterprise project used and cost, month by month, as it is shown; beside it what the vendor billed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct, structs

from legible.model.usage import Totals


class ProjectMonth(Struct, frozen=True):
    """One project's month (UTC+8): its calls, and its part of what they cost by the settings' prices.

    ``amount`` is None where an operation of it has no price. ``billed`` is what the vendor billed, None where that is
    not known.
    """

    month: date
    project: str
    totals: Totals
    amount: Decimal | None = None
    billed: Decimal | None = None


class ProjectDay(Struct, frozen=True):
    """The calls of one project and operation on one day (UTC+8)."""

    day: date
    project: str
    operation: str
    totals: Totals


class ProjectShare(Struct, frozen=True):
    """One project over the whole time; ``share`` is its part of all calls that were billed, from 0 to 1."""

    project: str
    totals: Totals
    share: Decimal
    amount: Decimal | None = None
    billed: Decimal | None = None


class BilledLine(Struct, frozen=True):
    """What the vendor billed to one project for one thing in one month; ``project`` is None where to none."""

    month: date
    project: str | None
    resource: str
    amount: Decimal


class AccountingReport(Struct, frozen=True):
    """Accounts from ``first`` to ``last`` day, both included; days and months are the vendor's, in UTC+8.

    What was called before ``as_of`` is counted; ``waiting`` documents may add to it. An empty project is the default
    one, of calls that named none. ``names`` are those of projects by their ids, as far as EPS tells. ``bill`` is None
    where billing is not asked, refuses, or knows no OCR; ``notes`` say why.
    """

    first: date
    last: date
    as_of: datetime
    waiting: int
    currency: str
    months: tuple[ProjectMonth, ...] = ()
    days: tuple[ProjectDay, ...] = ()
    projects: tuple[ProjectShare, ...] = ()
    bill: tuple[BilledLine, ...] | None = None
    bill_currency: str = ""
    names: dict[str, str] = {}
    notes: tuple[str, ...] = ()

    def of(self, project: str) -> AccountingReport:
        """Return the same of one project alone; with a remark where nobody knows of it: its id may be mistyped."""
        found = structs.replace(
            self,
            months=tuple(one for one in self.months if one.project == project),
            days=tuple(one for one in self.days if one.project == project),
            projects=tuple(one for one in self.projects if one.project == project),
            bill=None if self.bill is None else tuple(one for one in self.bill if one.project == project),
        )
        if found.days or found.bill or project in self.names or project == "0":
            return found
        said = f"Nobody knows of an enterprise project {project!r}: it has no call, no bill and no name. Check its id."
        return structs.replace(found, notes=(*found.notes, said))

    def title(self, project: str | None) -> str:
        """Return what a project is called: its name and id, as far as they are known."""
        if project is None:
            return "(attributed to none)"
        if project in ("", "0"):
            return "(default)"
        name = self.names.get(project, "")
        return f"{name} ({project})" if name else project
