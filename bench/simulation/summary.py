"""What a simulated run says, in few figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from msgspec import Struct

from bench.simulation.world import Figures, Plan

#: So many parts of all calls are left out at each end where a rate is told.
_EDGE = 20


class Summary(Struct, frozen=True):
    """One run. Times in seconds.

    ``quota_used`` is the share of the calls that the service would have taken in the meantime. ``p50``
    and ``p99`` are how long a document waited from its upload to the call that was answered. ``appends`` is how many
    appends a journal got on average, ``most_appends`` the most that one got. ``sweep`` is how long it takes to list
    both buckets. ``turned_away`` counts calls that the service refused, for each that it took.
    """

    instances: int
    quota: int
    flood: bool
    documents: int
    quota_used: float
    p50: float
    p99: float
    appends: float
    most_appends: int
    sweep: float
    turned_away: float
    calls: int
    unknown: int
    dead: int


def summary(plan: Plan, figures: Figures) -> Summary:
    """Return the figures of a run in short."""
    return Summary(
        instances=plan.instances,
        quota=plan.quota,
        flood=not plan.rate,
        documents=plan.documents,
        quota_used=_used(figures.by_second) / plan.quota,
        p50=quantile(figures.waits, 0.5),
        p99=quantile(figures.waits, 0.99),
        appends=fmean(figures.appends),
        most_appends=max(figures.appends),
        sweep=figures.sweep_seconds,
        turned_away=figures.turned_away / max(1, figures.calls),
        calls=figures.calls,
        unknown=figures.unknown,
        dead=figures.ended["dead"],
    )


def _used(by_second: dict[int, int]) -> float:
    """Return how many calls a second were taken, without the first and the last twentieth of them.

    The last ones are of a few documents whose invocations died, and wait for the end of a lease.
    """
    seconds = [second for second, calls in sorted(by_second.items()) for _ in range(calls)]
    edge = len(seconds) // _EDGE
    middle = seconds[edge : len(seconds) - edge]
    return len(middle) / (middle[-1] - middle[0] + 1) if middle else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of all values does not exceed; 0 where there is none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0
