"""Small charts as SVG: one line for each quota over the number of instances. No library of the tree draws any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from pathlib import Path
from xml.sax.saxutils import escape

from bench.simulation.summary import Summary

#: Sides of a chart, and of its margins: left, top, right, bottom. In pixels.
_WIDE, _HIGH = 380, 240
_LEFT, _TOP, _RIGHT, _BOTTOM = 62, 40, 84, 40
#: Told apart by those who see no colors, too: each line has marks of its own.
_COLORS = ("#0b6e99", "#c2570c", "#4d7c0f")
_DASHES = ("", "6 3", "2 3")
#: Names at the ends of lines are so many pixels apart.
_APART = 13
#: Lines of the grid above the axis.
_STEPS = 4
_GRID, _INK = "#d4d4d8", "#27272a"

Value = Callable[[Summary], float]
#: A chart: its title, what it shows of a run, how a value is written.
Chart = tuple[str, Value, Callable[[float], str]]

_CHARTS: tuple[Chart, ...] = (
    ("Quota used", lambda run: run.quota_used, lambda value: f"{value:.0%}"),
    ("Wait for the call, p50 (s)", lambda run: run.p50, lambda value: f"{value:,g}"),
    ("Wait for the call, p99 (s)", lambda run: run.p99, lambda value: f"{value:,g}"),
    ("Appends a journal", lambda run: run.appends, lambda value: f"{value:g}"),
)


def draw(folder: Path, runs: Sequence[Summary]) -> None:
    """Write ``simulation-steady.svg`` and ``simulation-flood.svg``."""
    for name, flood in (("steady", False), ("flood", True)):
        text = figure([run for run in runs if run.flood == flood])
        (folder / f"simulation-{name}.svg").write_text(text, encoding="utf-8")


def figure(runs: Sequence[Summary]) -> str:
    """Return four charts of these runs, two in a row."""
    parts = []
    for number, chart in enumerate(_CHARTS):
        x, y = number % 2 * _WIDE, number // 2 * _HIGH
        parts.append(f'<g transform="translate({x} {y})">{_chart(chart, runs)}</g>')
    size = f'width="{2 * _WIDE}" height="{2 * _HIGH}" viewBox="0 0 {2 * _WIDE} {2 * _HIGH}"'
    style = f'font-family="sans-serif" font-size="12" fill="{_INK}"'
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{paper}{"".join(parts)}</svg>\n'


def _chart(chart: Chart, runs: Sequence[Summary]) -> str:
    title, value, written = chart
    instances = sorted({run.instances for run in runs})
    quotas = sorted({run.quota for run in runs})
    step = _step(max(map(value, runs)))
    top = _STEPS * step
    parts = [f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(title)}</text>']
    for number in range(_STEPS + 1):
        y = _y(number / _STEPS)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDE - _RIGHT}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{written(step * number)}</text>')
    for number, count in enumerate(instances):
        parts.append(
            f'<text x="{_x(number, len(instances)):.1f}" y="{_HIGH - 22}" text-anchor="middle">{count:,}</text>'
        )
    parts.append(f'<text x="{(_LEFT + _WIDE - _RIGHT) / 2}" y="{_HIGH - 6}" text-anchor="middle">instances</text>')
    lines = []
    for number, quota in enumerate(quotas):
        found = {run.instances: value(run) for run in runs if run.quota == quota}
        points = [(_x(n, len(instances)), _y(found[count] / top)) for n, count in enumerate(instances)]
        lines.append((points, number, f"{quota}/s"))
    ends: list[float] = []
    for points, number, name in sorted(lines, key=lambda line: -line[0][-1][1]):  # names stand in the lines' order
        parts.append(_line(points, number, name, ends))
    return "".join(parts)


def _step(most: float) -> float:
    """Return a round number of which ``_STEPS`` reach up to the largest value."""
    size = 10.0 ** floor(log10(most / _STEPS)) if most > 0 else 1.0
    return next(size * part for part in (1, 2, 2.5, 5, 10) if size * part * _STEPS >= most)


def _line(points: Sequence[tuple[float, float]], number: int, name: str, ends: list[float]) -> str:
    """Draw a line with its name at its end, moved up where another name stands there."""
    color, dash = _COLORS[number % len(_COLORS)], _DASHES[number % len(_DASHES)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = points[-1][0] + 8, points[-1][1] + 4
    while any(abs(y - other) < _APART for other in ends):
        y -= 1
    ends.append(y)
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
    line = f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"/>'
    return f'{line}{marks}<text x="{x:.1f}" y="{y:.1f}" fill="{color}">{escape(name)}</text>'


def _x(number: int, count: int) -> float:
    return _LEFT + 14 + number * (_WIDE - _LEFT - _RIGHT - 28) / max(1, count - 1)


def _y(share: float) -> float:
    return _HIGH - _BOTTOM - share * (_HIGH - _TOP - _BOTTOM)
