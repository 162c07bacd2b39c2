"""What is left of a deployment: every resource that has its tag, as the Tag Management Service sees them.

``make destroy`` runs it. It asks TMS which kinds of resources there are, so that none is forgotten, and names the kinds
that could not be looked at. What takes no tag (agencies, policies, alarms, triggers) is Terraform's state to tell.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infra.deploy.asking import AskingError, Keys, ask, keys_of

#: So many kinds a call asks for (TMS, ListResource: 1 to 100), and so many resources one answers.
_KINDS = 100
_PAGE = 200


class Deployment(NamedTuple):
    """Which resources are meant: those with one tag, in one region's project."""

    key: str
    value: str
    region: str
    project_id: str


class Remains(NamedTuple):
    """Lines about what is left, and about kinds of resources that could not be looked at."""

    left: list[str]
    unseen: list[str]


class Tms:
    """The Tag Management Service, a global one: it is asked in the name of the account."""

    def __init__(self, keys: Keys, tms: str, iam: str) -> None:
        """Find out which account it is (IAM, ``GET /v3/auth/domains``); both services by their endpoints."""
        self._keys, self._endpoint = keys, tms
        domains = ask(keys, "GET", f"{iam}/v3/auth/domains")["domains"]
        if not domains:
            raise AskingError("IAM knows no account of these keys.")
        self._scope = {"X-Domain-Id": str(domains[0]["id"])}

    def kinds(self, region: str) -> list[str]:
        """Return the kinds of resources that take tags in a region, or everywhere (ListProviders)."""
        names: set[str] = set()
        offset, total = 0, 1
        while offset < total:
            url = f"{self._endpoint}/v1.0/tms/providers?limit={_PAGE}&offset={offset}"
            page = ask(self._keys, "GET", url, scope=self._scope)
            kinds = [kind for one in page["providers"] for kind in one.get("resource_types") or ()]
            names |= {k["resource_type"] for k in kinds if k.get("global") or region in (k.get("regions") or ())}
            offset, total = offset + _PAGE, int(page["total_count"])
        return sorted(names)

    def pages(self, deployment: Deployment, kinds: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the answers about all resources of these kinds that have the tag (ListResource)."""
        offset, total = 0, 1
        while offset < total:
            page = ask(self._keys, "POST", f"{self._endpoint}/v1.0/resource-instances/filter", {
                "project_id": deployment.project_id, "resource_types": kinds, "offset": offset, "limit": _PAGE,
                "tags": [{"key": deployment.key, "values": [deployment.value]}],
            }, self._scope)  # fmt: skip
            yield page
            offset, total = offset + _PAGE, int(page.get("total_count") or 0)


def remains(tms: Tms, deployment: Deployment) -> Remains:
    """Return what is left of a deployment."""
    kinds = tms.kinds(deployment.region)
    left: list[str] = []
    unseen: list[str] = []
    for first in range(0, len(kinds), _KINDS):
        for page in tms.pages(deployment, kinds[first : first + _KINDS]):
            left += [_line(one) for one in page.get("resources") or ()]
            unseen += [f"{e.get('resource_type')}: {e.get('error_msg')}" for e in page.get("errors") or ()]
    return Remains(sorted(left), sorted(set(unseen)))


def _line(one: Mapping[str, Any]) -> str:
    return f"{one.get('resource_type')}  {one.get('resource_name') or ''}  {one.get('resource_id')}"


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Print what is left; return 0 for nothing, 1 for something, 2 where nobody can tell."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.remains", description=__doc__.partition("\n")[0])
    parser.add_argument("where", type=json.loads, help="Terraform's output `where`, as JSON")
    parser.add_argument("--tms", default="https://tms.myhuaweicloud.com", help=argparse.SUPPRESS)
    parser.add_argument("--iam", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    tag, region = str(options.where["tag"]), str(options.where["region"])
    key, _, value = tag.partition("=")
    try:
        tms = Tms(keys_of(environment), options.tms, options.iam or f"https://iam.{region}.myhuaweicloud.com")
        rest = remains(tms, Deployment(key, value, region, str(options.where["project_id"])))
    except AskingError as error:
        print(f"What remains cannot be told: {error}", file=sys.stderr)
        return 2
    for line in rest.left:
        print(f"remains: {line}")
    for line in rest.unseen:
        print(f"not looked at: {line}")
    print(f"{len(rest.left)} resources with the tag {tag} in {region}.")
    return 1 if rest.left else 2 if rest.unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - a command has nothing else
