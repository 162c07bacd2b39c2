"""A flow's definition, and the rules its states must keep (functiongraph_06_1004, functiongraph_01_0309)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct


class FlowError(ValueError):
    """The definition says something that FunctionGraph would refuse."""


class FunctionRef(Struct, frozen=True):
    """Which function is called, with which arguments by name (``expressions.value``); without any, with the input."""

    ref_name: str
    invoke_mode: Literal["sync"] = "sync"
    arguments: dict[str, Any] = {}


class Action(Struct, frozen=True):
    """One call of a state."""

    function_ref: FunctionRef


class OnError(Struct, frozen=True):
    """Which errors are tried again, and where the flow goes when that does not help."""

    error: str
    transition: str = ""
    retry_ref: str = ""


class Filter(Struct, frozen=True):
    """What part of its input a state sees, and what part of its output it hands on."""

    input: str = "$"
    output: str = "$"


class State(Struct, frozen=True):
    """One state. ``duration`` of a Sleep is in seconds; an empty ``action_mode`` means one after the other."""

    id: str
    type: Literal["Operation", "Sleep", "End"]
    name: str = ""
    end: bool = False
    transition: str = ""
    state_data_filter: Filter = Filter()
    action_mode: Literal["sequential", "parallel", ""] = "sequential"
    actions: tuple[Action, ...] = ()
    on_errors: tuple[OnError, ...] = ()
    duration: float = 0.0


class Retry(Struct, frozen=True):
    """How often a failed call is made again, and how many seconds later."""

    name: str
    delay: int = 1
    max_attempts: int = 3


class Called(Struct, frozen=True):
    """A function by the name that states use; ``operation`` is its URN."""

    name: str
    operation: str

    @property
    def function(self) -> str:
        """The function's name in the cloud."""
        return self.operation.split(":")[6]


class Flow(Struct, frozen=True):
    """A whole flow."""

    name: str
    start: str
    states: tuple[State, ...]
    functions: tuple[Called, ...] = ()
    constants: dict[str, Any] = {}
    retries: tuple[Retry, ...] = ()

    def state(self, id: str) -> State:
        """Return the state of that id."""
        return next(state for state in self.states if state.id == id)

    def called(self, name: str) -> Called:
        """Return the function of that name."""
        return next(called for called in self.functions if called.name == name)

    def retry(self, name: str) -> Retry:
        """Return how a failed call is tried again; without a name, not at all."""
        return next((retry for retry in self.retries if retry.name == name), Retry("", 1, 0))


def load(file: Path) -> Flow:
    """Read a definition.

    Raises:
        FlowError: The file is not a flow, names something that does not exist, or goes round in circles.
    """
    try:
        flow = msgspec.json.decode(file.read_bytes(), type=Flow)
    except msgspec.MsgspecError as error:
        raise FlowError(f"{file.name}: {error}") from None
    _check_names(flow)
    _check_end(flow, flow.start, ())
    return flow


def _check_names(flow: Flow) -> None:
    states, functions, retries = (
        {state.id for state in flow.states}, {one.name for one in flow.functions}, {one.name for one in flow.retries}
    )  # fmt: skip
    _known("start", flow.start, states)
    for state in flow.states:
        if state.type != "End" and not state.end:
            _known(f"{state.id}.transition", state.transition, states)
        for action in state.actions:
            _known(f"{state.id}: function", action.function_ref.ref_name, functions)
        for error in state.on_errors:
            _known(f"{state.id}: transition", error.transition, states | {""})
            _known(f"{state.id}: retry", error.retry_ref, retries | {""})


def _known(where: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise FlowError(f"{where} is {name!r}; there are {', '.join(sorted(known - {''}))}")


def _check_end(flow: Flow, id: str, before: tuple[str, ...]) -> None:
    if id in before:
        raise FlowError(f"the flow goes round: {' > '.join((*before, id))}")
    state = flow.state(id)
    following = [error.transition for error in state.on_errors if error.transition]
    if state.type != "End" and not state.end:
        following.append(state.transition)
    for name in following:
        _check_end(flow, name, (*before, id))
