"""Function flows on the local FunctionGraph."""

from localcloud.functiongraph.flows.definition import Flow, FlowError, load
from localcloud.functiongraph.flows.run import Execution, FlowRunner, Step

__all__ = ["Execution", "Flow", "FlowError", "FlowRunner", "Step", "load"]
