"""A Cloud Eye that counts what a test tells it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from legible.model.account import Metric, MetricSeries, Span
from legible.oversight.interfaces import SUCCESSFUL


class CloudEye:
    """Counts calls by the minute, and lists the series of those values that are ``listed``; None for all."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], Counter[datetime]] = defaultdict(Counter)
        self.listed: set[str] | None = None
        self.asked: list[Metric] = []

    def count(self, value: str, minute: datetime, times: int = 1, name: str = SUCCESSFUL) -> None:
        self.calls[name, value][minute] += times

    def names(self, namespace: str) -> list[Metric]:
        assert namespace == "SYS.OCR"
        known = [(name, value) for name, value in self.calls if self.listed is None or value in self.listed]
        return [_metric(name, value) for name, value in known] + [Metric(namespace, "other", ())]

    def sums(self, metrics, span: Span) -> list[MetricSeries]:
        self.asked += metrics
        found = []
        for metric in metrics:
            sums: Counter[datetime] = Counter()
            for minute, count in self.calls.get((metric.name, metric.value("call_of_interface")), Counter()).items():
                if span.begin <= minute < span.end:
                    step = span.period.step
                    sums[span.begin + (minute - span.begin) // step * step] += count
            found.append(MetricSeries(metric, dict(sums)))
        return found

    def write(self, numbers) -> None:
        raise NotImplementedError


def _metric(name: str, value: str) -> Metric:
    return Metric("SYS.OCR", name, (("call_of_interface", value),))
