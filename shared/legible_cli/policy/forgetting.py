"""What must be allowed to whoever forgets documents: the one role that may remove them, their answers and journals."""

from __future__ import annotations

from collections.abc import Iterable

from legible.model import layout
from legible.operations.operation import Operation
from legible.settings import Settings
from legible_cli.policy.needs import Need, bucket, objects

_LISTED, _READ, _WRITTEN, _REMOVED = (
    "obs:bucket:ListBucket", "obs:object:GetObject", "obs:object:PutObject", "obs:object:DeleteObject",
)  # fmt: skip
_VERSIONS, _VERSION_READ, _VERSION_REMOVED = (
    "obs:bucket:ListBucketVersions", "obs:object:GetObjectVersion", "obs:object:DeleteObjectVersion",
)  # fmt: skip
#: Where documents are forgotten; the audit trail and the sums stay as they are. And where that needs something written:
#: journals are closed, lists and files over many documents are made anew.
_FORGOTTEN_IN = (
    "ledger/",
    "contents/",
    "workbooks/",
    "reports/.ends/",
    "backfills/",
    layout.CHANGES,
    layout.TOMBSTONES,
)
_FORGOTTEN = (
    *_FORGOTTEN_IN, "results/", "answers/", "work/", "requests/", layout.OUTBOX, layout.WAITING, layout.HELD,
    layout.SWEEP,
)  # fmt: skip


def of_forget(settings: Settings, operations: Iterable[Operation], package: str = "default") -> set[Need]:
    """Return what `legible forget` does: nobody else may remove a document, an answer, a journal or a version."""
    del operations, package
    source, target = settings.buckets.input, settings.buckets.output
    return {
        *_globally(bucket(source), _LISTED, _VERSIONS),
        *_globally(objects(source), _READ, _REMOVED, _VERSION_REMOVED),
        *_globally(bucket(target), _LISTED, _VERSIONS),
        *(
            need
            for own in _FORGOTTEN
            for need in _globally(objects(target, own), _READ, _VERSION_READ, _REMOVED, _VERSION_REMOVED)
        ),
        *(need for own in _FORGOTTEN_IN for need in _globally(objects(target, own), _WRITTEN)),
        # It is audited.
        *_globally(objects(target, layout.AUDIT_PENDING), _WRITTEN),
    }


def _globally(resource: str, *actions: str) -> set[Need]:
    return {Need("global", action, resource) for action in actions}
