"""All endpoints, each found by the name of its route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from legible.api.calls import Endpoint
from legible.ports import Site


class Group(Protocol):
    """Endpoints of one subject."""

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        ...


class Endpoints:
    """Finds the endpoint of a route.

    Args:
        site: The deployment's buckets.
        groups: The endpoints, by subject.
        audited: Returns an endpoint, given its name, of which the audit trail gets to know.
    """

    def __init__(
        self,
        site: Site,
        groups: tuple[Group, ...],
        audited: Callable[[str, Endpoint], Endpoint] = lambda name, endpoint: endpoint,
    ) -> None:
        """Put all groups into one table."""
        self._site = site
        self._by_route = {
            name: audited(name, endpoint) for group in groups for name, endpoint in group.by_route().items()
        }

    def of(self, route: str) -> Endpoint:
        """Return the endpoint of the route of that name."""
        return self._by_route[route]

    def origins(self) -> tuple[str, ...]:
        """Return the origins of signed URLs, from which pictures are shown and to which files are uploaded."""
        refs = (self._site.in_input("x"), self._site.in_output("x"))
        urls = (self._site.store.url(ref) for ref in refs)
        return tuple(dict.fromkeys("/".join(url.split("/")[:3]) for url in urls))
