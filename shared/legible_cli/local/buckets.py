"""Documents in, results out: what the command does with the local cloud's two buckets."""

from __future__ import annotations

import mimetypes
from pathlib import Path

import msgspec

from legible.errors import ObjectGoneError
from legible.huawei.credentials import Credentials
from legible.huawei.obs import ObsEndpoint, ObsStore
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.model.records import Record
from legible.results.publication import Published
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud

#: What people open, in the order it is written.
RESULTS = ("record.xlsx", "record.json")


class Buckets:
    """The input and the output bucket of a local cloud, with keys of their own.

    Args:
        cloud: The running cloud.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        """Make a pair of temporary keys in the cloud."""
        key = cloud.keys.temporary()
        self._store = ObsStore(
            ObsEndpoint(cloud.obs_endpoint, "v2", path_style=True, region=cloud.region),
            Credentials(key.access, key.secret, key.token),
        )

    def upload(self, file: Path, key: str) -> str:
        """Upload a file as a document and return its etag."""
        body = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        ref = ObjectRef(INPUT_BUCKET, key)
        self._store.write(ref, body, kind)
        return self._store.head(ref).etag

    def record(self, key: str, etag: str) -> Record | None:
        """Return the record of that very upload, or None while there is none."""
        try:
            body = self._store.read(ObjectRef(OUTPUT_BUCKET, layout.results(key, "record.json")))
        except ObjectGoneError:
            return None
        record = msgspec.json.decode(body, type=Record)
        return record if etag in (record.document.etag, "") else None

    def something_waits(self) -> bool:
        """Tell whether a notice waits that nobody has taken yet, or an upload for another try."""
        return any(True for prefix in (layout.OUTBOX, layout.WAITING) for _ in self._store.list(OUTPUT_BUCKET, prefix))

    def download(self, record: Record, folder: Path) -> Path:
        """Write a document's results and attachments into ``folder``; return the workbook's path.

        Each file is written beside its name and then moved there, so that nobody opens half a workbook.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name in self._names(record):
            self._fetch(layout.results(record.document.key, name), folder / name)
        for attachment in record.attachments:
            self._fetch(attachment.key, folder / attachment.key.rsplit("/", 1)[-1])
        return folder / RESULTS[0]

    def _names(self, record: Record) -> tuple[str, ...]:
        """Return the results there are; a route may ask for more than every document has."""
        head = self._store.head(ObjectRef(OUTPUT_BUCKET, layout.results(record.document.key, RESULTS[1])))
        found = msgspec.json.decode(head.metadata["legible"], type=Published).names
        return (*RESULTS, *(name for name in found if name not in RESULTS))

    def _fetch(self, key: str, file: Path) -> None:
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(self._store.read(ObjectRef(OUTPUT_BUCKET, key)))
        part.replace(file)
