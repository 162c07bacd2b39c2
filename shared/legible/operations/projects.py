"""Which enterprise project a document names: in its metadata, by its route or its folder, or else the settings'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

#: Where calls are accounted for by enterprise project (user guide 11.1): CN-Hong Kong, AP-Bangkok, AP-Singapore.
REGIONS = ("ap-southeast-1", "ap-southeast-2", "ap-southeast-3")
#: The default project, which every account has; it is never asked for.
DEFAULT = "0"
#: Ids are UUIDs, but for the default one's (api-em, ListEnterpriseProject).
_ID = re.compile(r"0|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: Who named a project; empty where nobody did.
NamedBy = Literal["", "metadata", "route", "folder", "settings"]


class ProjectRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of documents by their enterprise projects.

    ``folders`` are prefixes of keys, each with the id of a project; the longest counts. With ``required`` a document
    for which nothing names one is refused. ``refused`` says how documents end whose project is missing, malformed,
    unknown or disabled; ``elsewhere`` how those end that name one in a region which has none (``regions`` have), or
    that they are read ``without`` it: then the record says so.
    """

    required: bool = False
    refused: Literal["held", "rejected"] = "held"
    elsewhere: Literal["held", "rejected", "without"] = "held"
    regions: tuple[str, ...] = REGIONS
    folders: dict[str, str] = {}


class NamedProject(Struct, frozen=True):
    """The enterprise project that a document's calls are to be billed to; an empty id for none, who named it."""

    id: str = ""
    by: NamedBy = ""

    @property
    def formed(self) -> bool:
        """Whether the id looks like one."""
        return bool(_ID.fullmatch(self.id))


def named(key: str, metadata: str, route: str, folders: Mapping[str, str], default: str) -> NamedProject:
    """Return the project of a document: its metadata's, else its route's, its folder's, or the default.

    Args:
        key: The document's key.
        metadata: What its uploader named; empty for none. So are the others.
        route: What its route names.
        folders: Ids by prefixes of keys.
        default: That of the settings.
    """
    folder = max((prefix for prefix in folders if key.startswith(prefix)), key=len, default=None)
    found: tuple[tuple[NamedBy, str], ...] = (
        ("metadata", metadata),
        ("route", route),
        ("folder", "" if folder is None else folders[folder]),
        ("settings", default),
    )
    return next((NamedProject(spelled(text), by) for by, text in found if text.strip()), NamedProject())


def spelled(text: str) -> str:
    """Return an id as EPS spells it; what is none is not mended."""
    return text.strip().lower()
