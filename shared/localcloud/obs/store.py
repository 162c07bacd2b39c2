"""The objects: moto's S3 backend, one account of it for each local OBS, and the bridge to the folder on disk."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from moto.core.request import Request as MotoRequest
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, get_canned_acl, s3_backends
from moto.s3.responses import S3Response

from localcloud.obs.errors import ObsError, no_such_bucket
from localcloud.obs.request import ObsRequest
from localcloud.obs.spool import pieces
from localcloud.obs.state import BucketFile, Folder, Index, Version

#: moto knows only regions of another vendor; the buckets' real region is kept beside it.
_MOTO_REGION = "us-east-1"
_SAVED = "localcloud_saved"
_APPENDS = "localcloud_appends"
#: The algorithm that HEAD names for a key that OBS keeps (api-obs obs_04_0084).
_SSE_OBS = "AES256"


@dataclass
class Response:
    """An HTTP answer; header names are in lower case. ``pieces`` stand for a body that is not held in memory."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Iterable[bytes] | None = None


class Store:
    """Buckets and objects. Not thread safe: the server holds its lock around every call."""

    def __init__(self, folder: Folder | None, region: str) -> None:
        """Open an own account of moto's backend, filled from the folder if there is one."""
        self._account = "".join(secrets.choice("0123456789") for _ in range(12))
        self._backend = s3_backends[self._account]["aws"]
        self._folder = folder
        self._region = region
        self._buckets: dict[str, BucketFile] = {}
        for bucket in folder.buckets() if folder else ():
            self._open_bucket(bucket)

    def close(self) -> None:
        """Free the objects in memory."""
        for bucket in self._backend.buckets.values():
            for version in (version for key in bucket.keys for version in bucket.keys.getlist(key)):
                if isinstance(version, FakeKey):
                    version.dispose()
        self._backend.buckets.clear()
        s3_backends.pop(self._account, None)

    # --- buckets

    def create_bucket(self, name: str, region: str = "") -> None:
        """Make a bucket; one that exists stays as it is (api-obs obs_04_0021: the owner gets 200 again)."""
        if name in self._buckets:
            return
        if not 3 <= len(name) <= 63:
            raise ObsError(400, "InvalidBucketName", "The specified bucket name is not valid.")
        bucket = BucketFile(name, region or self._region, datetime.now(timezone.utc).isoformat())
        self._make_bucket(bucket)
        self.save_bucket(name)

    def bucket(self, name: str) -> BucketFile:
        """Return the description of a bucket, or raise NoSuchBucket."""
        if name not in self._buckets:
            raise no_such_bucket()
        return self._buckets[name]

    def keep_versions(self, name: str) -> None:
        """Keep what is replaced or removed in a bucket."""
        self.bucket(name)
        self._backend.get_bucket(name).versioning_status = "Enabled"
        self.save_bucket(name)

    def listed_by_all(self, name: str) -> bool:
        """Tell whether a bucket's ACL lets everybody in."""
        self.bucket(name)
        acl = self._backend.get_bucket(name).acl
        return bool(acl and acl.public_read)

    def save_bucket(self, name: str) -> None:
        """Write the bucket through to disk, or its absence."""
        moto_bucket = self._backend.buckets.get(name)
        if moto_bucket is None:
            if self._buckets.pop(name, None) and self._folder:
                self._folder.remove_bucket(name)
            return
        self._buckets[name].versioning = moto_bucket.versioning_status
        if self._folder:
            self._folder.save_bucket(self._buckets[name])

    # --- objects

    def ask_moto(self, request: ObsRequest, method: str = "") -> Response:
        """Let moto answer an S3 request, or the same with another method."""
        moto_request = MotoRequest(request.for_moto(self._account, method))
        # Moto's own test for "there is a server in front"; only then it reads raw paths.
        moto_request.from_wsgi_server = True
        dispatch = S3Response.key_dispatch if request.key else S3Response.bucket_dispatch
        status, headers, content = dispatch(moto_request, moto_request.raw_url, dict(moto_request.headers))
        body = content.encode() if isinstance(content, str) else bytes(content)
        return Response(int(status), {str(n).lower(): str(v) for n, v in headers.items()}, body)

    def read(self, request: ObsRequest, stored: FakeKey) -> Response:
        """Answer the GET of a large object, or of a range of it: as moto answers its HEAD, and the bytes from disk."""
        response = self.ask_moto(request, "HEAD")
        if response.status not in (200, 206):
            return response
        span = re.match(r"bytes (\d+)-(\d+)/", response.headers.get("content-range", ""))
        first, end = (int(span[1]), int(span[2]) + 1) if span else (0, stored.size)
        for name, text in request.query.items():
            if name.startswith("response-"):
                response.headers[name.removeprefix("response-")] = text or ""
        response.headers["content-length"] = str(end - first)
        response.pieces = pieces(stored, first, end)
        return response

    def find(self, bucket: str, key: str, version: str | None = None) -> FakeKey | None:
        """Return the object, or None if it is missing or deleted."""
        self.bucket(bucket)
        return self._backend.get_object(bucket, key, version_id=version)

    def encrypted(self, bucket: str, key: str) -> tuple[str, str] | None:
        """Encrypt an object that was created just now, if its bucket asks for that.

        Returns:
            Its etag before and after; None where nothing is encrypted.
        """
        stored = self.find(bucket, key)
        if stored is None or not self.bucket(bucket).encrypted:
            return None
        before = stored.etag.strip('"')
        # What the etag is made of, nobody says; not of the content alone (obs_04_0080).
        stored._etag = hashlib.md5(secrets.token_bytes(16), usedforsecurity=False).hexdigest()
        stored.encryption = _SSE_OBS
        return before, stored._etag

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object, or raise NoSuchBucket."""
        self.bucket(bucket)
        self._backend.put_object(bucket, key, body, disable_notification=True)
        self.save(bucket, [key])

    def save(self, bucket: str, keys: Iterable[str]) -> None:
        """Write these keys through to disk, as they are in memory now."""
        if self._folder is None:
            return
        for key in keys:
            versions = self._backend.get_bucket(bucket).keys.getlist(key, [])
            fresh = {v.version_id: pieces(v) for v in versions if isinstance(v, FakeKey) and not hasattr(v, _SAVED)}
            self._folder.save(bucket, Index(key, [_version(v) for v in versions]), fresh)
            for version in versions:
                setattr(version, _SAVED, True)

    def append(self, bucket: str, key: str, prefix: bytes, data: bytes, first: ObsRequest) -> FakeKey:
        """Set an appendable object's content to ``prefix + data``; ``first`` gives a new object's metadata."""
        stored = self.find(bucket, key)
        if stored is None:
            stored = self._backend.put_object(bucket, key, prefix + data, disable_notification=True)
            stored.set_metadata(_metadata(first))
            setattr(stored, _APPENDS, 0)
            if first.header("acl") == "public-read":
                stored.set_acl(get_canned_acl("public-read"))
        stored.value = prefix + data  # type: ignore[misc]
        stored._etag = hashlib.md5(prefix + data, usedforsecurity=False).hexdigest()
        stored.last_modified = datetime.now(timezone.utc).replace(tzinfo=None)
        setattr(stored, _APPENDS, (appends(stored) or 0) + 1)
        if hasattr(stored, _SAVED):
            delattr(stored, _SAVED)
        return stored

    def age(self, by: timedelta) -> None:
        """Make all objects older, as if they had been written that much earlier; what lies on disk stays as it is."""
        for bucket in self._backend.buckets.values():
            for stored in (stored for key in bucket.keys for stored in bucket.keys.getlist(key)):
                stored.last_modified -= by

    # --- from disk

    def _open_bucket(self, bucket: BucketFile) -> None:
        moto_bucket = self._make_bucket(bucket)
        if self._folder is None:
            return
        for index, contents in self._folder.objects(bucket.name):
            for version in index.versions:
                moto_bucket.keys[index.key] = self._restored(bucket, index.key, version, contents.get(version.id, b""))

    def _make_bucket(self, bucket: BucketFile) -> FakeBucket:
        # Bucket names are unique over all of moto, but several local clouds may live in one process.
        s3_backends.bucket_accounts.pop(bucket.name, None)
        moto_bucket = self._backend.create_bucket(bucket.name, _MOTO_REGION)
        moto_bucket.versioning_status = bucket.versioning
        self._buckets[bucket.name] = bucket
        return moto_bucket

    def _restored(self, bucket: BucketFile, key: str, version: Version, content: bytes) -> Any:
        stored = FakeKey(
            name=key,
            value=content,
            account_id=self._account,
            region_name=_MOTO_REGION,
            storage=version.storage_class,
            etag=version.etag,
            is_versioned=bucket.versioning == "Enabled",
            version_id=version.id,
            bucket_name=bucket.name,
        )
        stored.last_modified = datetime.fromisoformat(version.modified)
        stored.set_metadata(dict(version.metadata), replace=False)
        if version.public:
            stored.set_acl(get_canned_acl("public-read"))
        if version.appends is not None:
            setattr(stored, _APPENDS, version.appends)
        if version.encrypted:
            stored.encryption = _SSE_OBS
        setattr(stored, _SAVED, True)
        if not version.marker:
            return stored
        marker = FakeDeleteMarker(key=stored)
        marker._version_id = version.id
        marker.last_modified = stored.last_modified
        return marker


def appends(stored: FakeKey) -> int | None:
    """Return how many appends made the object, None for one that was put, copied or uploaded by parts."""
    return getattr(stored, _APPENDS, None)


def public(stored: FakeKey) -> bool:
    """Tell whether anybody may read the object."""
    return bool(stored.acl and stored.acl.public_read)


def _version(stored: Any) -> Version:
    if isinstance(stored, FakeDeleteMarker):
        return Version(str(stored.version_id), stored.last_modified.isoformat(), marker=True)
    return Version(
        id=stored.version_id,
        modified=stored.last_modified.isoformat(),
        etag=stored.etag.strip('"'),
        metadata=dict(stored.metadata),
        storage_class=stored.storage_class or "STANDARD",
        public=public(stored),
        appends=appends(stored),
        encrypted=stored.encryption is not None,
    )


def _metadata(request: ObsRequest) -> dict[str, str]:
    headers = request.headers
    meta = {
        f"x-amz-meta-{name.split('-meta-', 1)[1]}": value
        for name, value in headers.items()
        if name.startswith(("x-amz-meta-", "x-obs-meta-"))
    }
    if headers.get("content-type"):
        meta["Content-Type"] = headers["content-type"]
    return meta
