"""``make house``: the figures of the tree beside their bars; fails where one falls short.

A function's lines are counted without its docstring, as they were for the others: httpx 0.28.1, starlette, pip-audit,
ocrmypdf and dramatiq, each as its wheel on PyPI.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.house.measure import House, Place, patches_per_hundred_tests

ROOT = Path(__file__).resolve().parents[2]
#: Lines of a function in the field: median, 90th percentile, longest.
FIELD = {
    "httpx": (6, 31, 133),
    "starlette": (5, 24, 149),
    "pip-audit": (7, 39, 209),
    "ocrmypdf": (8, 42, 413),
    "dramatiq": (5, 19, 185),
}


class Bar(NamedTuple):
    """One figure: what is measured, what was found, what is allowed, and where the worst of it is."""

    what: str
    found: float
    allowed: float
    where: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure is as good as it has to be."""
        return self.found >= self.allowed if self.at_least else self.found <= self.allowed


def bars(root: Path) -> Iterator[Bar]:
    """Yield the figures of a checkout of Legible, each with its bar."""
    house = House(root / "shared" / "legible")
    yield Bar("rooms of legible", len(house.arrows), 20)
    yield Bar("arrows between rooms", sum(map(len, house.arrows.values())), 122)
    yield Bar("floors", house.floors, 10)
    yield Bar("circles", len(house.circles), 0, "; ".join(" ".join(circle) for circle in house.circles))
    yield from _lengths(house)
    yield Bar("class names used twice", len(house.class_names_used_twice), 0, " ".join(house.class_names_used_twice))
    yield Bar("public names without docstring", len(house.without_docstring), 0, " ".join(house.without_docstring))
    yield Bar("public functions without return type", len(house.without_return_type), 0)
    yield Bar("comments per 100 lines of huawei", house.comments_per_hundred("huawei"), 6, at_least=True)
    rate, sites, tests = patches_per_hundred_tests(root / "tests")
    yield Bar("patch sites per 100 tests", rate, 1, f"{sites} sites, {tests} test functions")


def _lengths(house: House) -> Iterator[Bar]:
    lines = house.function_lines
    yield Bar("lines of a function, median", statistics.median(place.value for place in lines), 6)
    yield Bar("lines of a function, 90th percentile", lines[int(len(lines) * 0.9)].value, 15)
    figures: dict[str, tuple[Callable[[House], Place], int]] = {
        "lines of the longest function": (lambda house: house.function_lines[-1], 50),
        "lines of the longest module": (lambda house: house.longest_module, 320),
        "lines of the longest class": (lambda house: house.longest_class, 250),
        "public methods of a class": (lambda house: house.widest_class, 12),
        "complexity of a function": (lambda house: house.complexity, 14),
    }
    for what, (measure, allowed) in figures.items():
        place = measure(house)
        yield Bar(what, place.value, allowed, place.where)


def main(root: Path = ROOT) -> int:
    """Print the figures; return 1 where one falls short of its bar."""
    found = list(bars(root))
    for bar in found:
        sign = "at least" if bar.at_least else "at most"
        mark = "" if bar.holds else "  FALLS SHORT"
        print(f"{bar.what:38} {bar.found:>7.4g}   {sign} {bar.allowed:<5g}{mark:14} {bar.where[:160]}".rstrip())
    lines = House(root / "shared" / "legible").function_lines
    ours = statistics.median(one.value for one in lines), lines[int(len(lines) * 0.9)].value, lines[-1].value
    print("\nlines of a function: median / 90th percentile / longest")
    for name, figures in {"legible": ours, **FIELD}.items():
        print(f"  {name:10} {' / '.join(f'{figure:g}' for figure in figures)}")
    return int(not all(bar.holds for bar in found))


if __name__ == "__main__":
    sys.exit(main())
