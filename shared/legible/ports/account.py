"""The interfaces to what the vendor's own services tell of the account: Cloud Eye, CTS, enterprise projects, billing.

Every method raises ``HeldError`` where a right or a setting must be mended, ``ThrottledError`` where it was asked too
often, and ``UnavailableError`` for other faults that pass. None of them may hold up or fail a document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

from legible.model.account import (
    BillLine,
    Deduction,
    EnterpriseProject,
    Measured,
    Metric,
    MetricSeries,
    Package,
    Span,
    Trace,
    TracedOperation,
    TraceQuery,
)


class Metrics(Protocol):
    """Cloud Eye."""

    def names(self, namespace: str) -> Sequence[Metric]:
        """Return the series of a namespace; those without points for long are not among them."""
        ...

    def sums(self, metrics: Sequence[Metric], span: Span) -> Sequence[MetricSeries]:
        """Return the sums of each series, in their order; ``RejectedError`` for a time that is not kept any more."""
        ...

    def write(self, numbers: Sequence[Measured]) -> None:
        """Write numbers of our own; later than ten minutes after their time they do not count in roll-ups."""
        ...


class Traces(Protocol):
    """CTS."""

    def find(self, query: TraceQuery) -> Iterator[Trace]:
        """Yield traces, the newest first."""
        ...

    def operations(self, service: str) -> Sequence[TracedOperation]:
        """Return which operations of a service are recorded; none where CTS does not know the service."""
        ...


class EnterpriseProjects(Protocol):
    """Enterprise Project Management (EPS)."""

    def find(self, project: str) -> EnterpriseProject | None:
        """Return the project of that id; None where the account has none."""
        ...

    def all(self) -> Sequence[EnterpriseProject]:
        """Return all of them."""
        ...


class Billing(Protocol):
    """What was bought, used and billed; days and months are in UTC+8."""

    def service_code(self, name: str) -> str:
        """Return the billing code of the service of that name; empty where there is none."""
        ...

    def packages(self, service: str = "") -> Sequence[Package]:
        """Return the items of the packages, of one service by its code or of all."""
        ...

    def deductions(self, first: date, last: date) -> Sequence[Deduction]:
        """Return what was taken out of packages on those days, both included."""
        ...

    def lines(self, first: date, last: date, service: str = "") -> Sequence[BillLine]:
        """Return the bill by day, both included, of one service by its code or of all."""
        ...
