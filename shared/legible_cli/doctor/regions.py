"""What the vendor's pages say of regions: infra/terraform/regions.json, which Terraform reads when it plans."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

_FILE = Path(__file__).resolve().parents[3] / "infra" / "terraform" / "regions.json"


class Places(Struct, frozen=True):
    """The regions that a page names for something."""

    regions: tuple[str, ...]


class Runtimes(Struct, frozen=True):
    """The runtime that every region has."""

    way_out: str


class Vendor(Struct, frozen=True):
    """A site of the vendor: which regions are its own, and how it calls system policies that have other names there."""

    regions_begin_with: tuple[str, ...]
    roles: dict[str, str] = {}


class Regions(Struct, frozen=True):
    """What is known of regions before the cloud itself is asked."""

    eventgrid_triggers: Places
    function_flows: Places
    runtimes: Runtimes
    sites: dict[str, Vendor]

    def role(self, region: str, name: str) -> str:
        """Return what a system policy is called at the site that a region belongs to."""
        site = next((one for one in self.sites.values() if region.startswith(one.regions_begin_with)), None)
        return site.roles.get(name, name) if site else name


def read() -> Regions:
    """Return what the file says."""
    return msgspec.json.decode(_FILE.read_bytes(), type=Regions)
