"""Everything that is made from code: tables of these pages, the schema of ``record.json``, the OpenAPI document.

``python -m docs.generate`` writes them again; with ``--check`` it prints what would change, and fails if there is any.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from docs import costs_table, settings_table
from legible import api
from legible.api.routes import ROUTES
from legible.extraction.checks import RULES, rules_by_operation
from legible.model.records import SCHEMA, Record
from legible.operations.catalog import OPERATIONS
from legible.operations.operation import Life, Native, Operation

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
RECORD_SCHEMA = ROOT / "shared" / "legible" / "record.schema.json"
OPENAPI = ROOT / "shared" / "legible" / "api" / "openapi.json"


class MissingMarkersError(Exception):
    """A document has no place for a generated block."""


def operations_table() -> str:
    """Return the table of operations."""
    rows = ["| Operation | Document | Takes | Sides (px) | Regions | Life |", "|---|---|---|---|---|---|"]
    rows += [f"| {' | '.join(_row(operation))} |" for operation in OPERATIONS.values()]
    return "\n".join(rows)


def _row(operation: Operation) -> tuple[str, ...]:
    regions = ", ".join(operation.regions) or "none listed"
    return (
        f"`{operation.slug}`",
        operation.title,
        _takes(operation),
        _sides(operation),
        regions,
        _life(operation.life),
    )


def _takes(operation: Operation) -> str:
    if not operation.limits.formats:
        return "no document"
    paged = {"pdf": operation.pdf, "ofd": operation.ofd}
    return ", ".join(_format(name, paged.get(name)) for name in operation.limits.formats)


def _format(name: str, native: Native | None) -> str:
    if native is None:
        return name.upper()
    pages = {"one": "any page", "first": "first page", "all": "all pages", "none": ""}[native.pages]
    return f"{name.upper()} ({pages})"


def _sides(operation: Operation) -> str:
    if not operation.limits.formats:
        return ""
    sides = f"{operation.limits.min_side:,}-{operation.limits.max_side:,}"
    pixels = operation.limits.max_pixels
    return sides if pixels is None else f"{sides}, at most {pixels // 1_000_000} Mpx"


def _life(life: Life) -> str:
    state: str = life.state
    if life.state == "announced":
        state = "removal announced"
    elif life.removed_on is not None:
        state = f"removed {life.removed_on.isoformat()}"
    return state if life.replaced_by is None else f"{state}, use `{life.replaced_by}`"


def checks_table() -> str:
    """Return the table of checks: what each judges, and where it applies."""
    where: dict[str, list[str]] = {}
    for slug, found in rules_by_operation().items():
        for rule in found:
            where.setdefault(rule.rule, []).append(f"`{slug}`")
    rows = ["| Check | What agrees | Operations |", "|---|---|---|"]
    for name, judge in RULES.items():
        rows.append(f"| `{name}` | {judge.__doc__} | {', '.join(dict.fromkeys(where[name]))} |")
    return "\n".join(rows)


def routes_table() -> str:
    """Return the table of requests over HTTP."""
    rows = ["| request | what it does |", "|---|---|"]
    rows += [f"| `{route.method} {route.path}` | {route.summary} |" for route in ROUTES]
    return "\n".join(rows)


def record_schema() -> str:
    """Return the JSON Schema of ``record.json``."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": "Legible record",
        "version": SCHEMA,
    }
    return json.dumps(schema | msgspec.json.schema(Record), indent=2, ensure_ascii=False) + "\n"


def with_block(document: str, name: str, block: str) -> str:
    """Return the document with the text between the markers of that name replaced.

    Raises:
        MissingMarkersError: A marker is missing, doubled, or they are the wrong way round.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(begin) > document.index(end):
        raise MissingMarkersError(f"there must be one line {begin} and, below it, one line {end}")
    head, rest = document.split(begin)
    return f"{head}{begin}\n{block}\n{end}{rest.split(end)[1]}"


#: The table on each page, which stands between markers of that name.
TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "operations.md": ("operations", operations_table),
    "checks.md": ("checks", checks_table),
    "http.md": ("routes", routes_table),
    "settings.md": ("settings", settings_table.reference),
    "performance.md": ("costs", costs_table.reference),
}


def documents() -> Iterator[tuple[Path, str]]:
    """Yield each generated document with the text it should hold.

    Raises:
        MissingMarkersError: A page has no place for its table.
    """
    for page, (name, table) in TABLES.items():
        try:
            yield DOCS / page, with_block((DOCS / page).read_text("utf-8"), name, table())
        except MissingMarkersError as error:
            raise MissingMarkersError(f"docs/{page}: {error}") from None
    yield RECORD_SCHEMA, record_schema()
    yield OPENAPI, json.dumps(api.document(), indent=2, ensure_ascii=False) + "\n"


def difference(path: Path, wanted: str) -> str:
    """Return how the file differs from the wanted text, as a unified diff; empty where it does not."""
    found = path.read_text("utf-8") if path.exists() else ""
    name = path.relative_to(ROOT).as_posix()
    lines = difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), f"{name} (found)", f"{name} (wanted)")
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Write the documents, or with ``--check`` print how they differ; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; print a diff and fail if anything differs"
    )
    check = parser.parse_args(arguments).check
    try:
        wanted = list(documents())
    except MissingMarkersError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    changed = [(path, text, diff) for path, text in wanted if (diff := difference(path, text))]
    for path, text, diff in changed:
        if check:
            print(diff, end="")
        else:
            path.write_text(text, "utf-8")
            print(f"written: {path.relative_to(ROOT).as_posix()}")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
