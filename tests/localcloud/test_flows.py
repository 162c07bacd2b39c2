"""Flows on the local FunctionGraph: what a definition may say, and how it is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from localcloud.functiongraph import Function, FunctionGraph
from localcloud.functiongraph.flows import Flow, FlowError, FlowRunner, expressions, load
from localcloud.iam.credentials import Keyring
from tests.support.places import ROOT

WORKFLOWS = ROOT / "infra" / "workflows"
HANDLER = """
import os, time
from pathlib import Path

def handler(event, context):
    note = event.get("note")
    if note:
        with open(note, "a") as file:
            file.write(f"{time.time()}\\n")
    if event.get("fails") and len(Path(note).read_text().splitlines()) <= event["fails"]:
        raise ValueError("it failed")
    if event.get("exits"):
        os._exit(3)
    time.sleep(event.get("sleep", 0))
    return event | {"seen": event.get("seen", 0) + 1}
"""


def call(**arguments: Any) -> dict[str, Any]:
    return {"function_ref": {"ref_name": "f", "arguments": arguments}}


def state(id: str, *actions: Any, to: str = "", **more: Any) -> dict[str, Any]:
    ends = {"transition": to} if to else {"end": True}
    return {"id": id, "name": id, "type": "Operation", "actions": list(actions) or [call()], **ends, **more}


def caught(to: str = "", retry: str = "", error: str = "$.errorType != ''") -> list[dict[str, str]]:
    return [{"error": error, **({"transition": to} if to else {}), **({"retry_ref": retry} if retry else {})}]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Flow]:
    """Write a definition, see that the schema takes it, and load it."""

    def write(*states: dict[str, Any], start: str = "a", checked: bool = True, **more: Any) -> Flow:
        urn = "urn:fss:cn-north-4:p1:function:default:the-function:latest"
        functions = [{"name": "f", "operation": urn}]
        document = {"name": "test", "start": start, "functions": functions, "states": list(states), **more}
        if checked:
            jsonschema.validate(document, json.loads((WORKFLOWS / "flow.schema.json").read_text("utf-8")))
        file = tmp_path / "flow.json"
        file.write_text(json.dumps(document))
        return load(file)

    return write


@pytest.fixture
def graph(code: Callable[[str], Path], keys: Keyring) -> Iterator[FunctionGraph]:
    functions = {"one": Function("one", "h.handler", name="the-function")}
    graph = FunctionGraph(functions, [code(HANDLER)], keys, max_instances=3)
    yield graph
    graph.stop()


@pytest.fixture
def run(graph: FunctionGraph, write: Any) -> Callable[..., Any]:
    waits: list[float] = []

    def run(data: Any, *states: Any, **more: Any) -> Any:
        execution = FlowRunner(graph, waits.append).run(write(*states, **more), data)
        return execution, waits

    return run


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WORKFLOWS / "document.json").read_text("utf-8"))
    return found


class TestOurs:
    def test_it_is_as_the_schema_says(self, document: dict[str, Any]) -> None:
        schema = json.loads((WORKFLOWS / "flow.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(document, schema)

    def test_it_calls_functions_of_serverless_yml(self, document: dict[str, Any]) -> None:
        listed = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))["functions"]
        names = {one["name"] for one in listed.values()}
        assert {one["operation"].split(":")[6] for one in document["functions"]} <= names

    def test_its_branches_are_all_of_the_shares(self, document: dict[str, Any]) -> None:
        (pages,) = [state for state in document["states"] if state["id"] == "pages"]
        given = [action["function_ref"]["arguments"] for action in pages["actions"]]
        assert [one["share"] for one in given] == list(range(1, document["constants"]["shares"] + 1))
        assert {one["shares"] for one in given} == {"$CONST.shares"}

    def test_every_state_says_all_that_the_model_requires(self, document: dict[str, Any]) -> None:
        """The SDK's OperationState requires them of every type of state, also of an End."""
        required = {"id", "name", "type", "end", "transition", "action_mode", "actions"}
        assert all(required <= set(one) for one in document["states"])
        for one in document["states"]:
            assert one["end"] is (one["type"] == "End") is (one["transition"] == "") is (one["actions"] == [])

    def test_every_error_has_a_way(self, document: dict[str, Any]) -> None:
        flow = load(WORKFLOWS / "document.json")
        ways = {state.id: [error.transition for error in state.on_errors] for state in flow.states}
        assert ways == {"split": ["give-up"], "pages": ["finish"], "finish": ["give-up"], "give-up": [""], "end": []}
        assert all(error.retry_ref == "again" for state in flow.states for error in state.on_errors)


class TestRunning:
    def test_states_hand_on_what_they_returned(self, run: Any) -> None:
        execution, _ = run({"x": 1}, state("a", to="b"), state("b"))
        assert (execution.ok, execution.output) == (True, {"x": 1, "seen": 2})
        assert [(step.state, step.function, step.attempt) for step in execution.steps] == [
            ("a", "one", 1),
            ("b", "one", 1),
        ]

    def test_arguments_filters_and_constants(self, run: Any) -> None:
        execution, waits = run(
            {"in": {"list": [{"x": 7}]}},
            state(
                "a",
                call(path="$.list[0].x", text="'a b'", number=3, yes=True, constant="$CONST.deep.n", none="$.no.where"),
                to="b",
                state_data_filter={"input": "$.in", "output": "$"},
            ),
            {"id": "b", "name": "b", "type": "Sleep", "duration": 2.5, "transition": "c"},
            {"id": "c", "name": "c", "type": "End"},
            constants={"deep": {"n": 4}},
        )
        assert execution.output == {
            "path": 7, "text": "a b", "number": 3, "yes": True, "constant": 4, "none": None, "seen": 1,
        }  # fmt: skip
        assert waits == [2.5]

    def test_actions_one_after_another(self, run: Any) -> None:
        execution, _ = run({}, state("a", call(), call(), call()))
        assert execution.output == {"seen": 3}

    def test_actions_side_by_side(self, run: Any, tmp_path: Path) -> None:
        run({}, state("a", *[call()] * 3, action_mode="parallel"))  # instances are started
        note = tmp_path / "begun"
        actions = [call(n=n, sleep=0.5, note=f"'{note}'") for n in (1, 2, 3)]
        execution, _ = run({}, state("a", *actions, action_mode="parallel"))
        begun = sorted(map(float, note.read_text().splitlines()))
        assert begun[2] - begun[0] < 1, "one after another, the last would begin a second after the first"
        assert [one["n"] for one in execution.output] == [1, 2, 3]

    def test_a_call_that_fails_is_made_again(self, run: Any, tmp_path: Path) -> None:
        execution, waits = run(
            {"note": str(tmp_path / "note"), "fails": 2},
            state("a", on_errors=caught(retry="again")),
            retries=[{"name": "again", "delay": 7, "max_attempts": 2}],
        )
        assert execution.ok
        assert [step.outcome for step in execution.steps] == ["error", "error", "success"]
        assert waits == [7, 7]

    def test_where_that_does_not_help_the_flow_goes_elsewhere_with_what_it_had(self, run: Any, tmp_path: Path) -> None:
        given = {"note": str(tmp_path / "note"), "fails": 2}
        execution, _ = run(
            given,
            state("a", *[call(), call(fails=0)], to="b", on_errors=caught("c", "again")),
            state("b"),
            state("c", call(given="$")),
            retries=[{"name": "again", "max_attempts": 1}],
        )
        assert execution.ok
        assert execution.output == {"given": given, "seen": 1}

    @pytest.mark.parametrize(
        "rules", [[], caught(), caught("b", error="$.errorType == 'KeyError'")], ids=["none", "nowhere", "another"]
    )
    def test_an_error_without_a_way_ends_the_flow(self, run: Any, tmp_path: Path, rules: Any) -> None:
        execution, _ = run(
            {"note": str(tmp_path / "note"), "fails": 1}, state("a", to="b", on_errors=rules), state("b")
        )
        assert (execution.ok, execution.output["errorType"]) == (False, "ValueError")
        assert len(execution.steps) == 1

    def test_an_instance_that_dies_is_an_error_too(self, run: Any) -> None:
        execution, _ = run({"exits": True}, state("a", to="b", on_errors=caught("b")), state("b", call(a=1)))
        assert [step.outcome for step in execution.steps] == ["exit", "success"]

    def test_a_result_can_be_an_error(self, run: Any) -> None:
        rules = caught("b", error="$.seen == 1 && $.status >= 500")
        execution, _ = run({"status": 500}, state("a", to="c", on_errors=rules), state("b"), state("c", call()))
        assert [step.state for step in execution.steps] == ["a", "b"]

    def test_a_function_that_is_not_there(self, write: Any, keys: Keyring) -> None:
        empty = FunctionGraph({}, [], keys)
        with pytest.raises(FlowError, match="no function 'the-function'"):
            FlowRunner(empty).run(write(state("a")), {})
        empty.stop()


class TestDefinitions:
    @pytest.mark.parametrize(
        ("states", "message"),
        [
            ([state("b")], "start is 'a'"),
            ([state("a", to="x")], "a.transition is 'x'; there are a"),
            ([state("a", {"function_ref": {"ref_name": "g"}})], "function is 'g'; there are f"),
            ([state("a", on_errors=caught("x"))], "transition is 'x'"),
            ([state("a", on_errors=caught(retry="x"))], "retry is 'x'"),
            ([state("a", to="b"), state("b", to="a")], "goes round: a > b > a"),
            ([state("a", to="b"), state("b", on_errors=caught("a"))], "goes round"),
        ],
    )
    def test_what_does_not_agree(self, write: Any, states: Any, message: str) -> None:
        with pytest.raises(FlowError, match=message):
            write(*states)

    def test_what_is_no_definition(self, tmp_path: Path) -> None:
        (tmp_path / "flow.json").write_text('{"name": 1}')
        with pytest.raises(FlowError, match="flow.json: "):
            load(tmp_path / "flow.json")

    @pytest.mark.parametrize("end", [{"end": True}, {"end": True, "transition": "", "actions": [], "action_mode": ""}])
    @pytest.mark.parametrize("mode", ["sequential", "parallel"])
    def test_a_flow_in_the_shapes_of_the_vendors_own_is_taken_and_runs(self, run: Any, end: Any, mode: str) -> None:
        """An Operation with `"end": false`, empty filters and ways of errors; an End that says what it has not."""
        full = {"end": False, "action_mode": mode, "state_data_filter": {}, "duration": 0}
        error = {"error": "$.errorType != ''", "transition": "", "retry_ref": ""}
        last = {"id": "b", "name": "b", "type": "End", **end}
        execution, _ = run({"x": 1}, state("a", to="b", on_errors=[error], **full), last)
        assert (execution.ok, [step.state for step in execution.steps]) == (True, ["a"])

    @pytest.mark.parametrize(
        "broken",
        [
            {"name": ""},
            {"mode": "FAST"},
            {"more": 1},
            {"states": []},
            {"states": [state("a", *[call()] * 11)]},
            {"states": [state("a", call(x="$.a b"))]},
            {"states": [state("a", call(x="text"))]},
            {"states": [{"id": "a", "name": "a", "type": "Switch"}]},
            {"states": [{"id": "a", "name": "a", "type": "Operation", "end": True}]},
            {"states": [{"id": "a", "name": "a", "type": "Operation", "end": True, "actions": []}]},
            {"states": [state("a", action_mode="both")]},
            {"states": [{"id": "a", "name": "a", "type": "Sleep", "end": True}]},
            {"states": [{"id": "a", "name": "a", "type": "End", "more": 1}]},
            {"states": [{"id": "a", "name": "a", "type": "Sleep", "duration": 0}]},
            {"retries": [{"name": "again", "max_attempts": 9}]},
            {"retries": [{"name": "again", "delay": 31}]},
            {"functions": [{"name": "f", "operation": "legible-split"}]},
            {"triggers": [{"trigger_name": "t", "trigger_type": "KAFKA"}]},
        ],
    )
    def test_what_the_schema_refuses(self, document: Any, broken: Any) -> None:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document | broken, json.loads((WORKFLOWS / "flow.schema.json").read_text("utf-8")))


class TestExpressions:
    DATA = {"a": {"b": [1, {"c": "x"}]}, "n": 2.5, "t": True, "z": None}

    @pytest.mark.parametrize(
        ("path", "found"),
        [("$", DATA), ("$.a.b[1].c", "x"), ("$.a.b[0]", 1), ("$.a.b[2]", None), ("$.n.x", None), ("$.n[0]", None)],
    )
    def test_paths(self, path: str, found: Any) -> None:
        assert expressions.value(path, self.DATA, {}) == found

    @pytest.mark.parametrize(
        ("condition", "held"),
        [
            ("$.a.b[1].c == 'x'", True),
            ("$.a.b[1].c != 'x'", False),
            ("$.n > 2 && $.n <= 2.5", True),
            ("$.n > 2 && $.n < 2", False),
            ("$.t == true", True),
            ("$.t == false", False),
            ("$.n == 'x'", False),
            ("$.n == true", False),
            ("$.no != ''", False),
            ("$.z != 1", False),
        ],
    )
    def test_conditions(self, condition: str, held: bool) -> None:
        assert expressions.holds(condition, self.DATA, {}) is held

    @pytest.mark.parametrize("text", ["", "a == 1", "$.a", "$.a == x", "$.a ~ 1", "$.a-b == 1"])
    def test_what_is_no_condition(self, text: str) -> None:
        with pytest.raises(FlowError, match="is no"):
            expressions.holds(text, self.DATA, {})

    @pytest.mark.parametrize("text", ["x", "$x", "$.a b"])
    def test_what_is_no_value(self, text: str) -> None:
        with pytest.raises(FlowError, match="is no"):
            expressions.value(text, self.DATA, {})
