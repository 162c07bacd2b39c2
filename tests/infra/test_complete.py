"""A new function is noticed by name, wherever it is missing: nothing here lists functions by hand."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.infra import rights
from tests.infra.rights import ROOT

FUNCTIONS = sorted(file.stem for file in (ROOT / "functions").glob("*.py"))
FILE = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))
POLICIES = FILE["custom"]["asyncInvocation"]
FLOWS = [json.loads(file.read_text("utf-8")) for file in (ROOT / "infra" / "workflows").glob("*.json")]
TESTS = "".join(file.read_text("utf-8") for file in (ROOT / "tests" / "functions").glob("test_*.py"))


@pytest.mark.parametrize("name", FUNCTIONS)
class TestEveryFunction:
    def test_is_in_the_list(self, name):
        assert FILE["functions"].get(name, {}).get("handler") == f"{name}.handler", (
            f"{name}: no entry in serverless.yml"
        )

    def test_is_called_by_something(self, name):
        """By a trigger, as a failure destination, or by a flow."""
        called = {policy.get("onFailure") for policy in POLICIES.values()}
        called |= {key for key, entry in FILE["functions"].items() if entry.get("events")}
        operations = " ".join(one["operation"] for flow in FLOWS for one in flow.get("functions", ()))
        called |= {key for key, entry in FILE["functions"].items() if f":{entry['name']}:" in operations}
        assert name in called, f"{name}: no trigger in serverless.yml, no destination, no step of infra/workflows"

    def test_has_an_async_policy(self, name):
        assert name in POLICIES, f"{name}: none in serverless.yml, custom.asyncInvocation"

    def test_has_rights(self, name):
        assert rights.table()["functions"].get(name), f"{name}: none in infra/policies/functions.yaml"

    def test_has_a_test_of_its_handler(self, name):
        assert f"{name}.handler(" in TESTS, f"{name}: no test in tests/functions calls its handler"

    def test_runs_under_its_own_rights_in_a_test(self, name):
        text = (ROOT / "tests" / "infra" / "test_rights_suffice.py").read_text("utf-8")
        assert f'"{name}", {name}.handler' in text, f"{name}: tests/infra/test_rights_suffice.py does not run it"


def test_nothing_is_listed_that_is_no_function():
    assert set(FILE["functions"]) == set(POLICIES) == set(rights.table()["functions"]) == set(FUNCTIONS)
    assert set(rights.table()["telling"]) <= set(FUNCTIONS)


def test_nobody_is_its_own_last_resort():
    """Every failure ends somewhere: with the failure function, and that one's own below failures/."""
    for name, policy in POLICIES.items():
        target = policy.get("onFailure")
        assert target is None or POLICIES[target].get("onFailure") is None, name
        duty = "keep-failures" if target is None else f"invoke-{target.replace('_', '-')}"
        assert duty in rights.table()["functions"][name], f"{name} may not leave its failures: {duty}"
