"""Peak memory of the whole handler, its process for documents included, for short and for long documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench import cloud, documents
from bench.table import Line, Say
from localcloud.functiongraph.processes import family

_MOST = 1.1
_BLOCKS, _WINDOW = 80, 8
_MB = 1_000_000
#: Seconds between two looks.
_PAUSE = 0.02


def lines(slugs: Sequence[str], counts: Sequence[int], say: Say) -> list[Line]:
    """Compare the longer documents with the first.

    Args:
        slugs: The slugs of the operations.
        counts: How many pages the documents have, the shortest first.
        say: Tells what is being measured.
    """
    compared = []
    with cloud.running(0.0, _BLOCKS) as facts:
        for slug in slugs:
            first, *others = [_peak(facts, slug, pages, say) for pages in counts]
            for pages, peak in zip(counts[1:], others, strict=True):
                what = f"{slug}: peak memory of {pages} pages beside {counts[0]}"
                compared.append(Line(what, f"{peak / _MB:.0f} MB", f"{first / _MB:.0f} MB", peak / first, most=_MOST))
    return compared


def _peak(facts: cloud.Facts, slug: str, pages: int, say: Say) -> int:
    """Return the peak memory, in bytes, of a fresh process that handles a document.

    Raises:
        RuntimeError: The process failed.
    """
    say(f"memory: {slug}, {pages} pages")
    event = cloud.upload(facts, f"{slug}/memory-{pages}.pdf", documents.text(pages))
    peak = 0
    with subprocess.Popen([sys.executable, "-m", "bench.handling"], stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        json.dump({"facts": facts, "event": event, "window": _WINDOW}, process.stdin)
        process.stdin.close()
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, family(process.pid))))
            time.sleep(_PAUSE)
    if process.returncode:
        raise RuntimeError(f"the handler ended with {process.returncode}")
    return peak


def _resident(pid: int) -> int:
    """Return RSS in bytes; the shares of PSS would change with whatever else this machine runs."""
    with suppress(OSError, IndexError):  # the process ended meanwhile
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
