"""Events of the audit trail: who did what to which thing, and when; never what was recognized."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from legible.model.times import Moment

#: As CTS rates its traces: it worked; it failed; it failed with severe consequences.
AuditStatus = Literal["normal", "warning", "incident"]
#: The trace source of everything that Legible itself did.
LEGIBLE = "Legible"
#: The longest text of an event, in characters: that of a key.
_LONGEST = 1_024
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

# Names of what Legible does, in the form of CTS's. The first four come from journals.
CALL = "callOcr"
FINISH = "finishDocument"
CORRECT = "correctDocument"
REOPEN = "reopenDocument"
#: A document that was held goes on by itself, because its reason has passed.
RELEASE = "releaseDocument"
#: It is known later how a call came out, of which an earlier event told.
LEARN = "learnOutcome"
RERUN = "rerunDocument"
#: Documents that are not done, for a cause, are tried again; and a bucket is read.
REDRIVE, BACKFILL = "redriveDocuments", "backfillDocuments"
REBUILD = "rebuildResults"
#: All journals are counted again.
RECOUNT = "rebuildUsage"
#: A workbook is asked for over HTTP; the function that builds it tells of that itself.
ORDER = "orderWorkbook"
BUILD = "buildWorkbook"
EXPORT = "exportResults"
DOWNLOAD = "downloadResult"
SETTINGS = "changeSettings"
FORGET = "forgetDocument"
#: Uploads that nobody had read are handed on, and results that were removed are put back, as somebody asked.
SWEEP = "sweepUploads"
#: The trail goes on in another object: the last line of each but the newest.
CONTINUE = "continueTrail"


class AuditEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. Its fields are those by which CTS is searched.

    ``id`` is the same wherever and however often the event is told. ``source`` says who recorded it. ``service`` is
    the trace source, ``name`` the trace name. ``resource_name`` is a document's key, a workbook's name or, for an event
    of CTS, what CTS says; ``resource_id`` is a document's version, or the service's id of a call. ``details`` hold
    words of ours, never values. ``raw`` is an event of CTS as it was received, ``raw_sha256`` the digest of its bytes.
    """

    id: str
    at: Moment
    name: str
    source: Literal["legible", "cts"] = "legible"
    service: str = LEGIBLE
    resource_type: str = ""
    resource_id: str = ""
    resource_name: str = ""
    operator: str = ""
    status: AuditStatus = "normal"
    details: dict[str, str] = {}
    raw: str = ""
    raw_sha256: str = ""


def audit_text(text: str, longest: int = _LONGEST) -> str:
    """Return a text that came from outside as an event holds it: no control characters, 1,024 characters at most."""
    return _CONTROLS.sub(" ", text[:longest].encode("utf-8", "replace").decode())
