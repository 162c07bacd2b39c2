"""A document of many pages through the handler, with OBS as far away as it is from a function: time beside the bound.

The handler runs warm in this very process, with its real adapters; OBS and OCR stand in another (``bench.servers``).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from bench import documents
from bench.document import Function, upload
from bench.handling import handle
from bench.servers import CALL, Asked, running
from bench.table import Line, Say

#: Latency of OBS and of OCR, in seconds.
_STORING, _RECOGNIZING = 0.02, 0.3
#: How many pages are called for at the same time, and the bar.
_WINDOWS = ((8, 1.25), (16, 1.4))
_ROUNDS = 3
#: A call waits until the second is over in which the upload came, in a bucket without versions.
_APART = 1.1
_MS = 1000.0


def lines(pages: int, say: Say) -> list[Line]:
    """Compare with the calls alone, for each window; and tell before, between and after which calls the time went.

    Args:
        pages: How many pages the document has.
        say: Tells what is being measured.
    """
    compared = []
    for window, most in _WINDOWS:
        say(f"{pages} pages, window {window}, OBS {_STORING * _MS:g} ms away")
        took = sorted(_measured(pages, window), key=lambda one: one[0])
        wall, asked = took[len(took) // 2]
        compared += _compared(f"{pages} pages, window {window}, OBS {_STORING * _MS:g} ms", wall, asked, most, window)
    return compared


def _measured(pages: int, window: int) -> list[tuple[float, list[Asked]]]:
    took = []
    with running(_STORING, _RECOGNIZING) as places:
        facts = Function(places).facts()
        handle(facts, upload(places, "general-text/warm.pdf", documents.text(2)), window)
        for number in range(_ROUNDS):
            event = upload(places, f"general-text/{number}.pdf", documents.text(pages) + b"%%%d" % number)
            time.sleep(_APART)
            places.told()
            begun = time.perf_counter()
            handle(facts, event, window)
            took.append((time.perf_counter() - begun, places.told()))
    return took


def _compared(name: str, wall: float, asked: Sequence[Asked], most: float, window: int) -> list[Line]:
    calls = [one for one in asked if one.verb == CALL]
    bound, rounds = _RECOGNIZING * len(calls) / window, -(-len(calls) // window)
    first, last = min(one.begun for one in calls), max(one.ended for one in calls)
    before = first - min(one.begun for one in asked)
    alone = statistics.median(one.ended - one.begun for one in calls) * rounds
    return [
        Line(f"{name}: beside the bound", _ms(wall), _ms(bound), wall / bound, most=most),
        Line(f"{name}: calls, beside full rounds", _ms(last - first), _ms(alone), (last - first) / alone),
        Line(f"{name}: before calls, of all", _ms(before), _ms(wall), before / wall),
        Line(f"{name}: after calls, of all", _ms(wall - before - (last - first)), _ms(wall),
             (wall - before - (last - first)) / wall),
        Line(f"{name}: appends beside pages", str(sum(one.verb == "APPEND" for one in asked)), str(len(calls)),
             sum(one.verb == "APPEND" for one in asked) / len(calls)),
    ]  # fmt: skip


def _ms(seconds: float) -> str:
    return f"{seconds * _MS:.0f} ms"
