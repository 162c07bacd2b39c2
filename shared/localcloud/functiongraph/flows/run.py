"""One execution of a flow: its functions are called as the local FunctionGraph calls them, in real instances.

No page says the following: sequential actions get what the one before returned; a parallel state hands on a list of
what its actions returned, in their order; a state that an error led to gets what the failed state got; a failed call is
made again with the same arguments, while the others of its state go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from localcloud.functiongraph.flows import expressions
from localcloud.functiongraph.flows.definition import Action, Flow, FlowError, OnError, State
from localcloud.functiongraph.runner import FunctionGraph


@dataclass(frozen=True)
class Step:
    """One call that an execution made; ``outcome`` is as in ``Outcome.kind``."""

    state: str
    function: str
    attempt: int
    outcome: str
    given: Any = field(repr=False)
    returned: Any = field(repr=False)


@dataclass
class Execution:
    """How an execution went: its calls in the order they ended, and its output."""

    ok: bool = False
    output: Any = None
    steps: list[Step] = field(default_factory=list)


class _FailedError(Exception):
    """A state's call failed for good; ``rule`` says where the flow goes."""

    def __init__(self, rule: OnError | None, returned: Any) -> None:
        super().__init__("a call failed")
        self.rule = rule
        self.returned = returned


class FlowRunner:
    """Runs flows.

    Args:
        graph: The functions.
        pause: Waits for a number of seconds between attempts.
    """

    def __init__(self, graph: FunctionGraph, pause: Callable[[float], object] = time.sleep) -> None:
        """Note which function is called what."""
        self._graph = graph
        self._pause = pause
        self._lock = threading.Lock()
        self._keys = {function.name or key: key for key, function in graph.functions.items()}

    def run(self, flow: Flow, data: Any) -> Execution:
        """Run a flow to its end.

        Raises:
            FlowError: It calls a function that is not there, or has a text that is not an expression.
        """
        for called in flow.functions:
            if called.function not in self._keys:
                raise FlowError(f"there is no function {called.function!r} to be called as {called.name!r}")
        execution, at = Execution(), flow.start
        while True:
            state = flow.state(at)
            try:
                data = self._state(flow, state, data, execution)
            except _FailedError as failed:
                if failed.rule is None or not failed.rule.transition:
                    execution.output = failed.returned
                    return execution
                at = failed.rule.transition
                continue
            if state.end or state.type == "End":
                execution.ok, execution.output = True, data
                return execution
            at = state.transition

    def _state(self, flow: Flow, state: State, data: Any, execution: Execution) -> Any:
        if state.type == "Sleep":
            self._pause(state.duration)
        if state.type != "Operation":
            return data
        seen = expressions.value(state.state_data_filter.input, data, flow.constants)
        if state.action_mode == "parallel":
            with ThreadPoolExecutor(len(state.actions)) as together:
                calls = [together.submit(self._action, flow, state, one, seen, execution) for one in state.actions]
            result: Any = [call.result() for call in calls]
        else:
            result = seen
            for action in state.actions:
                result = self._action(flow, state, action, result, execution)
        return expressions.value(state.state_data_filter.output, result, flow.constants)

    def _action(self, flow: Flow, state: State, action: Action, data: Any, execution: Execution) -> Any:
        reference = action.function_ref
        given = {name: expressions.value(one, data, flow.constants) for name, one in reference.arguments.items()}
        event, function = given if reference.arguments else data, self._keys[flow.called(reference.ref_name).function]
        attempt = 0
        while True:
            attempt += 1
            outcome = self._graph.invoke(function, event)
            returned = outcome.result
            with self._lock:
                execution.steps.append(Step(state.id, function, attempt, outcome.kind, event, returned))
            rule = next((r for r in state.on_errors if expressions.holds(r.error, returned, flow.constants)), None)
            if outcome.ok and rule is None:
                return returned
            retry = flow.retry(rule.retry_ref if rule else "")
            if attempt > retry.max_attempts:
                raise _FailedError(rule, returned)
            self._pause(retry.delay)
