"""One request on its way to an endpoint, what an endpoint returns, and who the caller is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from legible.api.ids import gone, key_of
from legible.api.problems import ProblemError
from legible.model.documents import ObjectRef
from legible.model.http import Reply, Request
from legible.ports import Shown, Site

#: How long a link to a page's picture, or to a result, is open, in seconds.
_LINK_SECONDS = 300

#: What an endpoint returns: a reply as it is; a value, or a status and a value, that become JSON.
Answer = Reply | Struct | tuple[int, Any]


class Call(Struct, frozen=True):
    """One request on its way to an endpoint: the parts of its path, its query and its body, checked."""

    request: Request
    places: dict[str, str]
    query: Any = None
    body: Any = None


#: What answers the requests of one route.
Endpoint = Callable[[Call], Answer]


class Callers:
    """Tells who the caller is, and which documents are theirs.

    Args:
        tenants: The prefix of all keys of each application; without tenants, every application sees everything.
        app_header: The header in which the gateway names the application.
    """

    def __init__(self, tenants: Mapping[str, str], app_header: str) -> None:
        """Keep the tenants."""
        self._tenants = tenants
        self._app_header = app_header

    def prefix(self, call: Call) -> str:
        """Return the prefix of all keys of the caller.

        Raises:
            ProblemError: 403, the application is not a tenant.
        """
        if not self._tenants:
            return ""
        prefix = self._tenants.get(self._app(call), "")
        if not prefix:
            raise ProblemError(
                403, "unknown-application", "This application has no documents here.",
                "Name it in [[http.tenants]] of legible.toml.",
            )  # fmt: skip
        return prefix

    def key(self, call: Call, id: str) -> str:
        """Return the key that an id stands for.

        Raises:
            ProblemError: 404, the id is not valid, or the document is not the caller's.
        """
        key = key_of(id)
        if not key.startswith(self.prefix(call)):
            raise gone()
        return key

    def author(self, call: Call, name: str) -> str:
        """Return the author of a correction: the name that was given; with tenants, always with the application."""
        app = self._app(call)
        if name and self._tenants:
            return f"{name} ({app})"
        return name or app or "console"

    def operator(self, call: Call) -> str:
        """Return who the caller is, as the audit trail names them: the application that the gateway tells of."""
        app = self._app(call)
        return f"app:{app}" if app else "http"

    def _app(self, call: Call) -> str:
        return call.request.headers.get(self._app_header, "")


def opened(site: Site, ref: ObjectRef, shown: Shown) -> Reply:
    """Return a redirect to an object that is open for a short while."""
    return Reply(302, {"Location": site.store.signed_url(ref, _LINK_SECONDS, shown)})
