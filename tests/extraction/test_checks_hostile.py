"""Whatever an answer says, checking it never fails and never changes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from legible.extraction.checks import RULES, checked, rules_by_operation
from legible.extraction.checks.values import Seen, UnclearError, Values
from legible.extraction.fields import extract
from legible.model.records import Extract
from legible.operations import catalog
from tests.support.examples import examples

DIGITS = "0123456789"
TEXTS = (
    st.text(max_size=30)
    | st.text(DIGITS + "X-/() .*%元圆整零壹拾万亿<年月日至", max_size=44)
    | st.text("9.,-¥", min_size=20, max_size=60)
    | st.from_regex(r"[A-Z0-9<]{30}", fullmatch=True)
    | st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True)
    | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True)
)
LEAVES = TEXTS | st.integers() | st.none() | st.booleans()


def answer(paths: list[str], draw: st.DrawFn) -> Any:
    """Build a result in which everything stands that the catalog knows, with texts that nobody foresaw."""
    heads = dict.fromkeys(path.partition(".")[0] for path in paths)
    found: dict[str, Any] = {}
    for head in heads:
        below = [path.partition(".")[2] for path in paths if path.partition(".")[0] == head and "." in path]
        if head.endswith("[]"):
            found[head[:-2]] = [answer(below, draw) for _ in range(draw(st.integers(0, 2)))]
        elif head not in {h.removesuffix("[]") for h in heads if h.endswith("[]")}:
            found[head] = answer(below, draw) if below else draw(LEAVES)
    return found.get("", found)


@st.composite
def answers(draw: st.DrawFn, slug: str) -> Extract:
    operation = catalog.find(slug)
    paths = [spec.path for spec in operation.fields if spec.type not in ("location", "confidence", "image", "file")]
    body = json.dumps({"result": answer(paths, draw)}).encode("utf-8", "surrogatepass")
    return extract(operation, [(1, body)])


@pytest.mark.parametrize("slug", sorted(rules_by_operation()))
@given(data=st.data())
@settings(max_examples=examples(15), deadline=None)
def test_no_answer_makes_a_check_fail_and_no_value_is_changed(slug: str, data: st.DataObject) -> None:
    # Given an answer of any operation that has rules
    before = data.draw(answers(slug))
    # When it is checked
    after = checked(catalog.find(slug), before)
    # Then nothing but findings and checks is new, and every finding is a check that did not pass
    bare = structs.replace(
        after,
        checks=(),
        fields=tuple(structs.replace(field, findings=()) for field in after.fields),
        tables=tuple(
            structs.replace(table, cells=tuple(structs.replace(cell, findings=()) for cell in table.cells))
            for table in after.tables
        ),
    )
    assert bare == before
    failed = {(name, check.rule) for check in after.checks if not check.passed for name in check.fields}
    marked = {(field.name, rule) for field in after.fields for rule in field.findings} | {
        (f"{table.name}#{cell.row},{cell.column}", rule)
        for table in after.tables
        for cell in table.cells
        for rule in cell.findings
    }
    assert marked == failed
    assert all(bool(check.message) != check.passed for check in after.checks)


@given(st.data())
@settings(max_examples=examples(600), deadline=None)
def test_no_text_makes_a_rule_fail(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(sorted(RULES)))
    roles = sorted(
        {role for found in rules_by_operation().values() for each in found if each.rule == rule for role in each.fields}
    )
    values = {role: Seen(role, data.draw(TEXTS)) for role in [*roles, "0", "1"]}
    try:
        said = RULES[rule](Values(values))
    except UnclearError:
        return
    assert said is None or said.endswith(".")
