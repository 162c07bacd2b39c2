"""Applies every rule of an operation to the values of one page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from msgspec import structs

from legible.extraction.checks import parts
from legible.extraction.checks.rules import RULES, Rule, rules_by_operation
from legible.extraction.checks.values import Seen, UnclearError, Values
from legible.extraction.corrections import cell_name
from legible.model.records import Cell, Check, Extract, Field, Table
from legible.operations import catalog
from legible.operations.operation import Operation

_TYPE = re.compile(r"((?:\[\d+\])?\.?)type")


def checked(operation: Operation, extract: Extract) -> Extract:
    """Return what one page says with every check that could be made, and its findings at the values they are about.

    Args:
        operation: What was asked.
        extract: What the answer of one page says. Its values are not changed.
    """
    page = _Page(extract)
    checks = list(_checks(operation.slug, "", page))
    for prefix, slug in _inside(operation, page):
        checks += _checks(slug, prefix, page)
    checks += parts.recognized(extract)
    if not checks:
        return extract
    return _marked(extract, tuple(checks))


class _Page:
    """The values of one page, by the name that a check gives them."""

    def __init__(self, extract: Extract) -> None:
        pages = [field.page for field in extract.fields] + [table.page for table in extract.tables]
        self.number = min(pages, default=1)
        self.fields = {field.name: Seen(field.name, field.final, field.typed) for field in extract.fields}
        self.labels = {field.name: field.label for field in extract.fields}
        self.tables = {table.name: _Rows(table) for table in extract.tables if table.header}


class _Rows:
    """The rows of line items, by the labels of their columns."""

    def __init__(self, table: Table) -> None:
        self._name = table.name
        self._columns = {cell.text: cell.column for cell in table.cells if cell.row == 0}
        self._cells = {(cell.row, cell.column): cell for cell in table.cells if cell.row > 0}
        self.numbers = range(1, table.rows)

    def column(self, label: str) -> list[Seen]:
        """Return the cells below a label."""
        return [seen for row in self.numbers if (seen := self.cell(row, label)) is not None]

    def cell(self, row: int, label: str) -> Seen | None:
        """Return the cell of a row below a label."""
        cell = self._cells.get((row, self._columns.get(label, -1)))
        return None if cell is None else Seen(cell_name(self._name, row, cell.column), cell.final, cell.typed)


#: One thing to judge: a rule, and its values by role.
_Case = tuple[str, dict[str, Seen]]


def _inside(operation: Operation, page: _Page) -> Iterator[tuple[str, str]]:
    """Yield where documents of other kinds stand in an answer: their path and their operation's slug."""
    if not any(spec.path.endswith("content") for spec in operation.fields):
        return
    for name, seen in page.fields.items():
        match = _TYPE.fullmatch(name)
        slug = catalog.slug_of_kind(seen.text[:100]) if match is not None else ""
        if match is not None and slug and slug != operation.slug:
            yield f"{match[1]}content.", slug


def _checks(slug: str, prefix: str, page: _Page) -> Iterator[Check]:
    for rule in rules_by_operation().get(slug, ()):
        for values in _cases(slug, prefix, rule, page):
            try:
                message = RULES[rule.rule](Values(values))
            except UnclearError:
                continue
            names = tuple(seen.name for seen in values.values() if seen.text.strip())
            yield Check(rule.rule, message is None, page.number, names, message or "")


def _cases(slug: str, prefix: str, rule: Rule, page: _Page) -> Iterator[dict[str, Seen]]:
    """Yield the values of each thing a rule is to judge, by role."""
    if rule.column:
        yield from _columns(slug, prefix, rule, page)
    elif rule.rows:
        yield from _rows(slug, prefix, rule, page)
    elif rule.pairs:
        yield from _pairs(prefix, rule, page)
    else:
        for base in _places(prefix, rule.at, page.fields):
            named = {role: page.fields.get(f"{base}{path}") for role, path in rule.fields.items()}
            if _applies(base, rule, page):
                yield {role: seen for role, seen in named.items() if seen is not None}


def _applies(base: str, rule: Rule, page: _Page) -> bool:
    """Tell whether the other values that a rule asks for read as it says."""
    others = {path: page.fields.get(f"{base}{path}") for path in rule.when}
    return all(seen is not None and re.fullmatch(rule.when[path], seen.plain) for path, seen in others.items())


def _rows(slug: str, prefix: str, rule: Rule, page: _Page) -> Iterator[dict[str, Seen]]:
    rows = page.tables.get(f"{prefix}{rule.rows}")
    labels = {role: _label(slug, f"{rule.rows}[].{path}") for role, path in rule.fields.items()}
    for number in rows.numbers if rows else ():
        yield {role: cell for role, label in labels.items() if rows and (cell := rows.cell(number, label))}


def _columns(slug: str, prefix: str, rule: Rule, page: _Page) -> Iterator[dict[str, Seen]]:
    """Yield a column and where its sum is printed; on one page of several it may not be that page's."""
    rows, whole = page.tables.get(f"{prefix}{rule.rows}"), page.fields.get(f"{prefix}{rule.fields['sum']}")
    several = page.fields.get(f"{prefix}{rule.pages}")
    if rows is None or whole is None or (several is not None and several.typed != "1"):
        return
    cells = rows.column(_label(slug, f"{rule.rows}[].{rule.column}"))
    yield {str(number): cell for number, cell in enumerate(cells)} | {"sum": whole}


def _pairs(prefix: str, rule: Rule, page: _Page) -> Iterator[dict[str, Seen]]:
    """Yield, of each list of pairs, the values whose keys read as a rule says; what two keys say is left out."""
    element = re.compile(f"({_shape(prefix, rule.pairs)})\\[\\d+\\]\\.value")
    lists: dict[str, dict[str, list[Seen]]] = {}
    for name, seen in page.fields.items():
        if (match := element.fullmatch(name)) is None:
            continue
        key = re.sub(r"[\s():：（）]", "", page.labels[name].rsplit(": ", 1)[-1])
        for role, pattern in rule.fields.items():
            if re.fullmatch(pattern, key):
                lists.setdefault(match[1], {}).setdefault(role, []).append(seen)
    for roles in lists.values():
        yield {role: values[0] for role, values in roles.items() if len(values) == 1}


def _places(prefix: str, at: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """Yield where the objects begin that a rule is about: ``""``, ``front.``, ``[0].content.``."""
    for pattern in at:
        if not pattern:
            yield prefix
            continue
        shape = re.compile(_shape(prefix, pattern) + r"\.")
        yield from dict.fromkeys(match[0] for name in names if (match := shape.match(name)))


def _shape(prefix: str, pattern: str) -> str:
    return re.escape(prefix) + re.escape(pattern).replace(r"\[\]", r"\[\d+\]")


def _label(slug: str, path: str) -> str:
    """Return the label of a column: that of the catalog, of the object around it where its text has none of its own."""
    return _labels(slug).get(path.removesuffix(".words"), "")


@cache
def _labels(slug: str) -> dict[str, str]:
    return {spec.path.removeprefix("[]."): spec.label for spec in catalog.find(slug).fields}


def _marked(extract: Extract, checks: tuple[Check, ...]) -> Extract:
    broken: dict[str, dict[str, None]] = {}
    for check in checks:
        for name in () if check.passed else check.fields:
            broken.setdefault(name, {})[check.rule] = None
    if not broken:
        return structs.replace(extract, checks=checks)
    return structs.replace(
        extract,
        checks=checks,
        fields=tuple(_field(field, broken.get(field.name)) for field in extract.fields),
        tables=tuple(_table(table, broken) for table in extract.tables),
    )


def _field(field: Field, broken: dict[str, None] | None) -> Field:
    return structs.replace(field, findings=tuple(broken)) if broken else field


def _table(table: Table, broken: dict[str, dict[str, None]]) -> Table:
    def cell_of(cell: Cell) -> Cell:
        findings = broken.get(cell_name(table.name, cell.row, cell.column))
        return structs.replace(cell, findings=tuple(findings)) if findings else cell

    return structs.replace(table, cells=tuple(map(cell_of, table.cells)))
