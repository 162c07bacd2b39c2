"""Object storage: ``ports.ObjectStore`` over the OBS SDK."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import certifi
from msgspec import Struct, structs
from obs import AppendObjectContent, GetObjectHeader, GetObjectRequest, ObsClient, PutObjectHeader

from legible.errors import (
    AppendConflictError,
    HeldError,
    LegibleError,
    ObjectGoneError,
    RejectedError,
    ReplacedError,
    UnavailableError,
    redact,
)
from legible.huawei.credentials import Credentials
from legible.model.documents import ObjectRef
from legible.ports import AS_IT_IS, WHOLE, Head, ListedObject, Shown, SignedRequest, Wanted

_TIMEOUT_SECONDS = 30
_RETRIES = 2
#: So many objects a list names at once; OBS gives no more.
_LISTED = 1000


class ObsEndpoint(Struct, frozen=True):
    """Where OBS is and how it is spoken to. ``endpoint`` has a scheme and a host, with no path."""

    endpoint: str
    signature: Literal["obs", "v2", "v4"] = "obs"
    path_style: bool = False
    region: str = ""


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, OBS)."""
    return f"https://obs.{region}.myhuaweicloud.com"


def client(address: ObsEndpoint, credentials: Credentials, retries: int = _RETRIES) -> ObsClient:
    """Return the SDK's client, bounded in time and true to TLS; it repeats so often what failed."""
    made = ObsClient(
        access_key_id=credentials.access_key,
        secret_access_key=credentials.secret_key,
        security_token=credentials.token,
        server=address.endpoint,
        signature=address.signature,
        region=address.region,
        path_style=address.path_style,
        is_signature_negotiation=False,
        ssl_verify=certifi.where(),
        timeout=_TIMEOUT_SECONDS,
        max_retry_count=retries,
    )
    # The SDK's own context never checks the host's name, whatever ssl_verify says (client.py, _init_ssl_context).
    made.context = ssl.create_default_context(cafile=certifi.where())
    return made


class ObsStore:
    """Objects in OBS. See ``legible.ports.ObjectStore``.

    Args:
        address: Where OBS is.
        credentials: The agency's keys.
    """

    def __init__(self, address: ObsEndpoint, credentials: Credentials) -> None:
        """See the class."""
        self._address = address
        self._secrets = credentials.secrets
        self._made = partial(client, address, credentials)
        self._client = self._made()

    def head(self, ref: ObjectRef, version_id: str = "") -> Head:
        """See ``ObjectStore.head``."""
        found = self._call("head", ref, version_id=version_id, call=lambda: self._client.getObjectMetadata(
            ref.bucket, ref.key, versionId=version_id or None
        ))  # fmt: skip
        headers = {str(name).lower(): str(value) for name, value in found.header or ()}
        version = str(found.body.versionId or "")
        return Head(
            size=int(found.body.contentLength or 0),
            etag=_etag(found.body.etag),
            version_id="" if version == "null" else version,
            content_type=str(found.body.contentType or ""),
            modified_at=_time(found.body.lastModified),
            metadata=headers,
        )

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        """See ``ObjectStore.read``.

        ``If-Match`` answers 412 where the etag is another (obs_22_1479). No page says whether the etag goes with quotes
        or without, so a 412 is believed only when HEAD shows another etag too.
        """
        try:
            return self._get(ref, wanted)
        except ReplacedError:
            if self.head(ref, wanted.version_id).etag != wanted.etag:
                raise
            return self._get(ref, structs.replace(wanted, etag=""))

    def _get(self, ref: ObjectRef, wanted: Wanted) -> bytes:
        request = GetObjectRequest(versionId=wanted.version_id or None)
        part = f"{wanted.first}-{wanted.last}" if wanted.first is not None else None
        headers = GetObjectHeader(range=part, if_match=wanted.etag or None)
        found = self._call("read", ref, version_id=wanted.version_id, call=lambda: self._client.getObject(
            ref.bucket, ref.key, getObjectRequest=request, headers=headers, loadStreamInMemory=True
        ))  # fmt: skip
        return bytes(found.body.buffer or b"")

    def write(
        self, ref: ObjectRef, body: bytes | Path, content_type: str, metadata: dict[str, str] | None = None
    ) -> None:
        """See ``ObjectStore.write``."""
        headers = PutObjectHeader(contentType=content_type)
        if isinstance(body, Path):
            self._call("write", ref, lambda: self._client.putFile(
                ref.bucket, ref.key, str(body), metadata=metadata, headers=headers
            ))  # fmt: skip
            return
        self._call("write", ref, lambda: self._client.putContent(
            ref.bucket, ref.key, content=body, metadata=metadata, headers=headers
        ))  # fmt: skip

    def create(self, ref: ObjectRef, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        """See ``ObjectStore.create``. The SDK repeats a PUT whose reply was lost (client.py, 3.26)."""
        once = self._made(0)
        self._call("write", ref, lambda: once.putContent(
            ref.bucket, ref.key, content=body, metadata=metadata, headers=PutObjectHeader(contentType=content_type)
        ))  # fmt: skip

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        """See ``ObjectStore.copy`` (CopyObject, api-obs obs_04_0082; metadata is copied unless told otherwise)."""
        self._call(
            "copy", source, lambda: self._client.copyObject(source.bucket, source.key, target.bucket, target.key)
        )

    def remove(self, ref: ObjectRef) -> None:
        """See ``ObjectStore.remove``."""
        self._call("remove", ref, lambda: self._client.deleteObject(ref.bucket, ref.key))

    def append(self, ref: ObjectRef, position: int, body: bytes) -> int:
        """See ``ObjectStore.append`` (AppendObject, api-obs obs_04_0088)."""
        content = AppendObjectContent(content=body, position=position)
        self._call("append to", ref, lambda: self._client.appendObject(ref.bucket, ref.key, content=content))
        return position + len(body)

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """See ``ObjectStore.list`` (ListObjects, api-obs obs_04_0022: at most 1,000 a call, in the keys' order)."""
        marker, more = after or None, True
        while more:
            found = self._call("list", ObjectRef(bucket, prefix), partial(
                self._client.listObjects, bucket, prefix=prefix or None, marker=marker, max_keys=_LISTED,
                encoding_type="url",
            )).body  # fmt: skip
            if found is None:  # a list the SDK's XML parser gave up on
                raise UnavailableError(
                    f"OBS's list of {bucket} cannot be read.",
                    advice="See the names of its objects for control characters.",
                )
            for item in found.contents or ():
                marker = str(item.key)
                yield ListedObject(marker, int(item.size or 0), _etag(item.etag), _listed_time(item.lastModified))
            more = bool(found.is_truncated) and bool(found.contents)

    def url(self, ref: ObjectRef) -> str:
        """See ``ObjectStore.url``."""
        parts, key = urlsplit(self._address.endpoint), quote(ref.key, safe="/~")
        if self._address.path_style:
            return f"{parts.scheme}://{parts.netloc}/{ref.bucket}/{key}"
        return f"{parts.scheme}://{ref.bucket}.{parts.netloc}/{key}"

    def signed_url(self, ref: ObjectRef, seconds: int, shown: Shown = AS_IT_IS) -> str:
        """See ``ObjectStore.signed_url`` (GetObject, api-obs obs_04_0083: what the reply says of itself is signed)."""
        query = {}
        if shown.version_id:
            query["versionId"] = shown.version_id
        if shown.content_type:
            query["response-content-type"] = shown.content_type
        if shown.file_name:
            query["response-content-disposition"] = shown.disposition
        return str(
            self._client.createSignedUrl("GET", ref.bucket, ref.key, expires=seconds, queryParams=query).signedUrl
        )

    def signed_put(
        self, ref: ObjectRef, seconds: int, content_type: str, metadata: dict[str, str], md5: str = ""
    ) -> SignedRequest:
        """See ``ObjectStore.signed_put`` (PutObject, api-obs obs_04_0080; signatures in a URL: obs_04_0011)."""
        prefix = "x-obs-meta-" if self._address.signature == "obs" else "x-amz-meta-"
        headers = {"Content-Type": content_type, **{prefix + name: text for name, text in metadata.items()}}
        if md5:
            headers["Content-MD5"] = md5
        until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        signed = self._client.createSignedUrl("PUT", ref.bucket, ref.key, expires=seconds, headers=dict(headers))
        return SignedRequest(str(signed.signedUrl), headers, until)

    def _call(self, verb: str, ref: ObjectRef, call: Callable[[], Any], version_id: str = "") -> Any:
        try:
            answer = call()
        except Exception as error:  # the SDK lets sockets, HTTP and XML errors of every kind escape
            raise UnavailableError(
                f"OBS could not {verb} {ref}: {type(error).__name__}.", advice="The event is delivered again."
            ) from None
        if answer.status == 400 and version_id:  # a text that is no version id of this bucket
            raise ObjectGoneError(f"The object {ref} has no version {version_id}.")
        if answer.status is None or answer.status >= 300:
            raise self._fault(verb, ref, answer)
        return answer

    def _fault(self, verb: str, ref: ObjectRef, answer: Any) -> LegibleError:
        status, code = int(answer.status or 0), str(answer.errorCode or "")
        said = redact(
            f"OBS refused to {verb} {ref}: {status} {code} {answer.errorMessage or ''}".strip(), self._secrets
        )
        names = {"vendor_code": code, "request_id": str(answer.requestId or "")}
        if code == "NoSuchBucket":
            return HeldError(said, code="bucket-gone", advice="Check the bucket's name and region.", **names)
        if status == 412:
            return ReplacedError(
                f"{ref} was replaced before it was read.", advice="The newer upload has its own record.", **names
            )
        if status == 404:
            return ObjectGoneError(f"The object {ref} is gone.", advice="Upload it again.", **names)
        if code == "ObjectNotAppendable":
            advice = (
                "Something else wrote the object; copy its lines away and remove it, then upload the document again."
            )
            return HeldError(said, code="not-appendable", advice=advice, **names)
        if status == 409 and verb == "append to":
            return AppendConflictError(said, **names)
        if status == 403:
            advice = "Give the agency the rights on the bucket; they take effect after about 15 minutes."
            return HeldError(said, code="obs-denied", advice=advice, **names)
        if status in {0, 408, 409, 429} or status >= 500:
            return UnavailableError(said, advice="It passes by itself; the event is delivered again.", **names)
        return RejectedError(said, code="obs-refused", advice="See the code OBS gives.", **names)


def _etag(value: Any) -> str:
    return str(value or "").strip().strip('"').lower()


def _time(value: Any) -> datetime | None:
    try:
        return parsedate_to_datetime(str(value)).astimezone(timezone.utc)
    except ValueError:
        return None


def _listed_time(value: Any) -> datetime | None:
    """Undo what the SDK does to a list's times (``DateTime.UTCToLocal``): it tells them by the machine's own clock."""
    try:
        seconds = time.mktime(time.strptime(str(value), "%Y/%m/%d %H:%M:%S")) + time.timezone
    except ValueError:
        return None
    return datetime.fromtimestamp(seconds).replace(tzinfo=timezone.utc)
