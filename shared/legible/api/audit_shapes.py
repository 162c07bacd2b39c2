"""What requests about the audit trail take and return, as JSON. See ``shapes``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from legible.model.audit import AuditStatus

Moment = Annotated[datetime, Meta(tz=True)]
AuditText = Annotated[str, Meta(max_length=1100)]


class Auditing(Struct, frozen=True, forbid_unknown_fields=True):
    """Which events: by the filters of the vendor's console, all of which must fit; of the last seven days by default.

    ``service`` is the trace source (``Legible``, ``OCR``), ``name`` the trace name.
    """

    service: AuditText = ""
    resource_type: AuditText = ""
    name: AuditText = ""
    resource_id: AuditText = ""
    resource_name: AuditText = ""
    operator: AuditText = ""
    status: AuditStatus | Literal[""] = ""
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=2000)] = ""


class AuditShape(Struct, frozen=True):
    """One event of the audit trail. Events of CTS have the SHA-256 of what was received; the trail has that itself."""

    id: str
    at: datetime
    recorded_at: datetime
    source: Literal["legible", "cts"]
    service: str
    name: str
    resource_type: str
    resource_id: str
    resource_name: str
    operator: str
    status: AuditStatus
    details: dict[str, str]
    raw_sha256: str = ""


class AuditList(Struct, frozen=True):
    """Events, the newest first; ``waiting`` are not in the trail yet, and so not among them.

    ``n`` and ``sha256`` are the number and the digest of the trail's last line; 0 where it has none, and for tenants.
    """

    events: tuple[AuditShape, ...]
    cursor: str = ""
    waiting: int = 0
    n: int = 0
    sha256: str = ""
