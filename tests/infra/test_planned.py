"""What counts as a change in a plan after an apply (.ci/run), where only the provider's schema is at hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.planned import changes


def plan(actions: list[str], before: Any, after: Any, unknown: Any) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, "after_unknown": unknown}
    return {"resource_changes": [{"address": "one.this", "change": change}]}


@pytest.mark.parametrize(
    "made",
    [
        {},
        plan(["no-op"], {"name": "a"}, {"name": "a"}, {}),
        plan(["update"], {"name": "a", "sum": None}, {"name": "a"}, {"sum": True}),
        plan(["read"], None, {"name": "a"}, {"id": True}),
    ],
)
def test_what_the_cloud_computes_is_no_change(made: dict[str, Any]) -> None:
    assert list(changes(made)) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (plan(["update"], {"value": "appId"}, {"value": "$context.appId"}, {"sum": True}), "one.this: update value"),
        (plan(["update"], {"value": "x"}, {}, {}), "one.this: update value"),
        (plan(["delete", "create"], {"name": "a"}, {"name": "a"}, {"id": True}), "one.this: delete/create"),
        (plan(["create"], None, {"name": "a"}, {"id": True}), "one.this: create name"),
        (plan(["delete"], {"name": "a"}, None, {}), "one.this: delete name"),
    ],
)
def test_what_differs_is_named(made: dict[str, Any], said: str) -> None:
    assert list(changes(made)) == [said]
