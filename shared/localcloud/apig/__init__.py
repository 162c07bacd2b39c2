"""The local APIG: the gateway's APIs that call functions, and a front for browsers on this machine."""

from localcloud.apig.apps import App
from localcloud.apig.front import Front
from localcloud.apig.gateway import LocalApig

__all__ = ["App", "Front", "LocalApig"]
