"""One workbook over many documents: rows per second compared with bare xlsxwriter for the same cells; peak memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import xlsxwriter

from bench.table import Line, Say
from legible.model.documents import Document, ObjectRef, Selection
from legible.model.pages import Page
from legible.model.records import Check, Field, Record
from legible.outputs import columns, rows
from legible.outputs.xlsx.many import Many
from legible.outputs.xlsx.values import shown
from legible.ports import WHOLE, Invocation, ListedObject, ObjectStore, Site, Wanted
from legible.workbooks.collector import Collector
from legible.workbooks.listing import Selector

_LEAST, _MOST = 0.8, 1.1
#: How often a workbook is built, in turn with the other way, if it has fewer documents than the second number; the
#: shortest time counts.
_ROUNDS, _MANY = 5, 10_000
#: How many documents are linked to.
_LINKS, _URL = 20_000, "https://in.obs.example.com/a.png"
_AT = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
#: An invoice's fields: path, label, text, type, typed.
_FIELDS = (
    ("code", "Code", "131001700001", "text", None),
    ("number", "Number", "12345678", "text", None),
    ("company", "Company", "An invented company of the river", "text", None),
    ("date", "Date", "2025-05-06", "date", "2025-05-06"),
    ("time", "Time", "09:12-09:41", "text", None),
    ("unit_price", "Unit price", "2.70", "amount", "2.70"),
    ("distance", "Distance", "12.4", "number", "12.4"),
    ("fare", "Fare", "42.00", "amount", "42.00"),
    ("total", "Total", "47.00", "amount", "47.00"),
    ("location", "Place", "a house by the garden", "text", None),
)


def lines(counts: Sequence[int], say: Say) -> list[Line]:
    """Compare both for each number of documents; and the memory for the most documents with that for few.

    "Few" is the number that is linked to, because links are kept in memory.
    """
    compared = []
    for count in counts:
        say(f"a workbook over {count:,} documents")
        rounds = range(_ROUNDS if count < _MANY else 1)
        ours, bare = map(min, zip(*((_measured("ours", count), _measured("bare", count)) for _ in rounds), strict=True))
        rate = f"{2 * count / ours.seconds:,.0f} rows/s", f"{2 * count / bare.seconds:,.0f} rows/s"
        what = f"workbook, {count:,} documents: row rate beside bare xlsxwriter"
        compared.append(Line(what, *rate, bare.seconds / ours.seconds, least=_LEAST))
    few, most = min(_LINKS, max(counts)), max(counts)
    say(f"the memory of a workbook over {most:,} documents")
    peak, first = (_measured("collected", count).peak for count in (most, few))
    what = f"workbook: peak memory of {most:,} documents beside {few:,}"
    compared.append(Line(what, f"{peak / 1e6:.0f} MB", f"{first / 1e6:.0f} MB", peak / first, most=_MOST))
    return compared


class _Took(NamedTuple):
    seconds: float
    peak: int


def _measured(way: str, count: int) -> _Took:
    """Return seconds and peak memory, in bytes, of a fresh process that builds a workbook in one way."""
    command = [sys.executable, "-m", "bench.workbook", way, str(count)]
    process = subprocess.run(command, capture_output=True, check=True, text=True)
    return _Took(**json.loads(process.stdout))


def _bodies(count: int) -> Iterator[bytes]:
    """Yield records as they are stored in the bucket."""
    fields = tuple(Field(*one[:3], one[3], one[4], 1, 0.9 + n / 200) for n, one in enumerate(_FIELDS))
    for number in range(count):
        record = Record(
            document=Document("in", f"taxi-invoice/{number:06d}.png", "v1", uploaded_at=_AT),
            status="done",
            operation="taxi-invoice",
            pages=(Page(1, "done"),),
            fields=fields,
            checks=(Check("total", True, 1, ("total",)),),
            finished_at=_AT + timedelta(seconds=number),
        )
        yield msgspec.json.encode(record)


def ours(path: Path, count: int) -> float:
    """Build a workbook from records as the collector does; return the seconds, without those for making the records."""
    spent = 0.0
    with path.open("wb") as file:
        start = time.perf_counter()
        many = Many(file, "bench", folder=path.parent)
        spent += time.perf_counter() - start
        for body in _bodies(count):
            start = time.perf_counter()
            many.add(msgspec.json.decode(body, type=Record), _URL)
            spent += time.perf_counter() - start
        start = time.perf_counter()
        many.close()
        return spent + time.perf_counter() - start


class _Made:
    """A store that makes lists and records of ``count`` documents when they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count
        (self._body,) = _bodies(1)

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """Yield documents, or their records."""
        for number in range(self._count):
            key = f"taxi-invoice/{number:06d}.png"
            yield ListedObject(f"results/{key}/record.json" if bucket == "out" else key, len(self._body), "0" * 32, _AT)

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        """Return a record."""
        return self._body.replace(b"000000.png", ref.key.split("/")[2].encode())

    def url(self, ref: ObjectRef) -> str:
        """Return where a document is."""
        return _URL


def collected(path: Path, count: int) -> float:
    """Build a workbook as the command and the functions do, lists included; return the seconds."""
    site = Site(cast(ObjectStore, _Made(count)), "in", "out")
    call = Invocation("bench", lambda: 1e9, lambda: _AT, time.sleep, lambda event, **values: None)
    collector = Collector(site, call, Selector(site, ""))
    start = time.perf_counter()
    collector.write("bench", Selection(), {"xlsx": path})
    return time.perf_counter() - start


def bare(path: Path, count: int) -> float:
    """Write the same cells with xlsxwriter, each value ready and each kind's format made once; return the seconds."""
    spent = 0.0
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": str(path.parent)})
    formats = {kind: book.add_format({"valign": "top", "num_format": kind}) for kind in ("@", "0.00", "yyyy-mm-dd")}
    sheets: dict[str, list[Any]] = {}
    for body in _bodies(count):
        ready = [(line.sheet.name, _ready(line)) for line in rows.lines(msgspec.json.decode(body, type=Record))]
        start = time.perf_counter()
        for name, values in ready:
            sheet = sheets.setdefault(name, [None, 0])
            sheet[0] = sheet[0] or book.add_worksheet()
            for column, value in values:
                if isinstance(value, str):
                    sheet[0].write_string(sheet[1], column, value, formats["@"])
                elif isinstance(value, date):
                    sheet[0].write_datetime(sheet[1], column, value, formats["yyyy-mm-dd"])
                else:
                    sheet[0].write_number(sheet[1], column, value, formats["0.00"])
            if name == columns.INDEX.name and sheet[1] < _LINKS:
                sheet[0].write_url(sheet[1], len(columns.INDEX.columns), _URL, formats["@"], string="Open")
            elif name == columns.INDEX.name:
                sheet[0].write_string(sheet[1], len(columns.INDEX.columns), _URL, formats["@"])
            sheet[1] += 1
        spent += time.perf_counter() - start
    start = time.perf_counter()
    book.close()
    return spent + time.perf_counter() - start


def _ready(line: rows.Row) -> list[tuple[int, Any]]:
    cells: list[tuple[int, Any]] = []
    for column, value in enumerate(line.values):
        if isinstance(value, Field):
            cells.append((column, shown(value.type, value.typed) or value.final))
        elif isinstance(value, datetime):
            cells.append((column, value.replace(tzinfo=None)))
        elif value not in (None, ""):
            cells.append((column, value))
    return cells


def main() -> None:
    """Build one workbook in this process, and print the seconds and the peak memory."""
    way, count = {"ours": ours, "bare": bare, "collected": collected}[sys.argv[1]], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        way(Path(folder) / "warm.xlsx", 1)  # work done once per process is not measured: the catalog, patterns
        seconds = way(Path(folder) / "workbook.xlsx", count)
    # Not ru_maxrss, which begins with the memory of the process that this one was forked from.
    (peak,) = re.findall(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    print(json.dumps({"seconds": seconds, "peak": int(peak) * 1024}))


if __name__ == "__main__":
    main()
