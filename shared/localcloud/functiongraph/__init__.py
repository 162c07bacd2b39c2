"""The local FunctionGraph."""

from localcloud.functiongraph.api import FunctionApi
from localcloud.functiongraph.config import (
    ApigTrigger,
    AsyncPolicy,
    ConfigError,
    CtsTrigger,
    Function,
    ObsTrigger,
    TimerTrigger,
    load,
)
from localcloud.functiongraph.context import Context
from localcloud.functiongraph.events import EventTooLargeError
from localcloud.functiongraph.instance import Outcome
from localcloud.functiongraph.runner import FunctionGraph
from localcloud.functiongraph.work import Invocation

__all__ = [
    "ApigTrigger",
    "AsyncPolicy",
    "ConfigError",
    "Context",
    "CtsTrigger",
    "EventTooLargeError",
    "Function",
    "FunctionApi",
    "FunctionGraph",
    "Invocation",
    "ObsTrigger",
    "Outcome",
    "TimerTrigger",
    "load",
]
