"""The HTTP API: routes as data, what they take and give, and the documents of their errors (RFC 9457)."""

from legible.api.endpoints import Endpoints
from legible.api.openapi import document
from legible.api.router import Api

__all__ = ["Api", "Endpoints", "document"]
