"""Function flows on the local FunctionGraph."""

from localcloud.flows.definition import Flow, FlowError, load
from localcloud.flows.running import Execution, FlowRunner, Step

__all__ = ["Execution", "Flow", "FlowError", "FlowRunner", "Step", "load"]
