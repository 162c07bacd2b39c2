"""Rows as Parquet, for databases: one file for each sheet, in a zip."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from legible.errors import SettingsError
from legible.model.records import Cell, Field, Recognized, Record, TextBlock
from legible.outputs.columns import Column, Sheet
from legible.outputs.csv_jsonl import file_name, pack
from legible.outputs.rows import Row, Value, lines

#: So many rows are written at once.
GROUP = 5_000
#: Digits of an amount, and those behind its point; what has more stands in the column of texts only.
_DIGITS, _BEHIND = 38, 10


def _pyarrow() -> Any:
    import pyarrow
    import pyarrow.parquet

    return pyarrow


class Parquet:
    """A zip of Parquet files, one a sheet.

    A column of numbers, dates or truths has a second one beside it, ``<label> (text)``, with what was read: so a value
    that reads as no such thing is not lost. Amounts and numbers are decimals, digit for digit.

    Args:
        file: Where to.
        group: How many rows are written at once.
        load: Returns pyarrow; raises ``ImportError`` where it is not installed.

    Raises:
        SettingsError: pyarrow is not installed.
    """

    def __init__(self, file: IO[bytes], group: int = GROUP, load: Callable[[], Any] = _pyarrow) -> None:
        """Begin without sheets."""
        try:
            self._arrow = load()
        except ImportError:
            raise SettingsError(
                "Parquet needs pyarrow, which is not installed.",
                advice="Install the group parquet (pip install pyarrow), or choose csv or jsonl.",
            ) from None
        self._file = file
        self._group = group
        self._sheets: dict[str, _OpenFile] = {}

    def add(self, record: Record, source: str = "", parts: Recognized | None = None) -> None:
        """Write the rows of one document; see ``rows.lines``."""
        for line in lines(record, source, parts):
            self.write(line)

    def write(self, line: Row) -> None:
        """Write one row."""
        sheet = self._sheets.get(line.sheet.name)
        if sheet is None:
            sheet = self._sheets[line.sheet.name] = _OpenFile(self._arrow, line.sheet, self._group)
        sheet.take(line.values)

    def close(self) -> None:
        """End the file."""
        names: set[str] = set()
        with zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED) as packed:
            for sheet in self._sheets.values():
                pack(packed, f"{file_name(sheet.of.label, names)}.parquet", sheet.end())


class _OpenFile:
    """One sheet being written."""

    def __init__(self, arrow: Any, sheet: Sheet, group: int) -> None:
        self.of = sheet
        self._arrow = arrow
        self._group = group
        self._spool = tempfile.TemporaryFile(prefix="legible-")  # noqa: SIM115
        self._kinds = [_kind(arrow, column) for column in sheet.columns]
        self._schema = arrow.schema(list(self._fields()))
        self._writer = arrow.parquet.ParquetWriter(self._spool, self._schema)
        self._columns: list[list[Any]] = [[] for _ in self._schema]

    def _fields(self) -> Any:
        taken: dict[str, int] = {}
        for column, kind in zip(self.of.columns, self._kinds, strict=True):
            taken[column.label] = taken.get(column.label, 0) + 1
            number = taken[column.label]
            name = column.label if number == 1 else f"{column.label} ({number})"
            yield self._arrow.field(name, kind or self._arrow.string())
            if kind is not None:
                yield self._arrow.field(f"{name} (text)", self._arrow.string())

    def take(self, values: list[Value]) -> None:
        """Take a row."""
        columns = iter(self._columns)
        for value, kind, column in zip(values, self._kinds, self.of.columns, strict=True):
            if kind is not None:
                next(columns).append(_exact(value, column))
            next(columns).append(_text(value))
        if len(self._columns[0]) >= self._group:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.table(self._columns, schema=self._schema))
        self._columns = [[] for _ in self._schema]

    def end(self) -> IO[bytes]:
        """Return the file, from its beginning."""
        self._flush()
        self._writer.close()
        return self._spool


def _kind(arrow: Any, column: Column) -> Any:
    """Return the type of a column of exact values; None for one of texts."""
    kinds = {
        "date": arrow.date32(),
        "amount": arrow.decimal128(_DIGITS, _BEHIND),
        "number": arrow.decimal128(_DIGITS, _BEHIND),
        "share": arrow.float64(),
        "integer": arrow.int64(),
        "boolean": arrow.bool_(),
    }
    return kinds.get(column.type)


def _exact(value: Value, column: Column) -> Any:
    if not isinstance(value, (Field, Cell)):
        return value if isinstance(value, (int, float)) else None
    if value.typed is None or value.type != column.type:
        return None
    if column.type == "date":
        return date.fromisoformat(value.typed)
    if column.type == "boolean":
        return value.typed == "true"
    number = Decimal(value.typed)
    if column.type == "integer":
        return int(number) if abs(number) < 1 << 63 else None
    fits = number.adjusted() < _DIGITS - _BEHIND and int(number.as_tuple().exponent) >= -_BEHIND
    return number if fits else None


def _text(value: Value) -> str | None:
    if isinstance(value, (Field, Cell, TextBlock)):
        return value.final.encode("utf-8", "replace").decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None or value == "" else str(value).encode("utf-8", "replace").decode()
