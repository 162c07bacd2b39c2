"""Object storage: ``ports.ObjectStore`` over the OBS SDK."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import structs

from legible.errors import ObjectGoneError, ReplacedError, UnavailableError
from legible.huawei import obs_faults
from legible.huawei.connections import Connections
from legible.huawei.credentials import Credentials
from legible.huawei.lean_obs import AppendObjectContent, GetObjectHeader, GetObjectRequest, PutObjectHeader
from legible.huawei.obs_client import TIMEOUT_SECONDS, ObsEndpoint, client, endpoint
from legible.huawei.obs_wire import ObsWire, RedirectedError, WireAnswer
from legible.huawei.store_clock import StoreClock
from legible.model.documents import ObjectRef
from legible.ports import AS_IT_IS, WHOLE, Head, ListedObject, Shown, SignedRequest, Wanted

#: So many objects a list names at once; OBS gives no more (api-obs obs_04_0022).
_LISTED = 1000

__all__ = ["ObsEndpoint", "ObsStore", "client", "endpoint"]


class ObsStore:
    """Objects in OBS. See ``legible.ports.ObjectStore``.

    Args:
        address: Where OBS is.
        credentials: The agency's keys.
        clock: Learns the store's time from its replies.
        listed: How many objects one call lists.
        connections: Those that it uses, and that outlive it; None for its own.
    """

    def __init__(
        self,
        address: ObsEndpoint,
        credentials: Credentials,
        clock: StoreClock | None = None,
        listed: int = _LISTED,
        connections: Connections | None = None,
    ) -> None:
        """Make the SDK's client; nothing is sent yet."""
        self._clock = clock or StoreClock()
        self._address = address
        self._secrets = credentials.secrets
        self._listed = listed
        connections = connections or Connections()
        self._client = client(address, credentials, connections=connections)
        self._wire = ObsWire(self._client, connections, TIMEOUT_SECONDS)
        #: How the signature names metadata (client.py, 3.26.6).
        self._meta = "x-obs-meta-" if address.signature == "obs" else "x-amz-meta-"

    def now(self) -> datetime:
        """See ``ObjectStore.now``."""
        return self._clock.now()

    def head(self, ref: ObjectRef, version_id: str = "") -> Head:
        """See ``ObjectStore.head``."""
        query = {"versionId": version_id} if version_id else {}
        answer = self._call(
            "head", ref, partial(self._wire.ask, "HEAD", ref, query, {}), version_id,
            lambda: self._client.getObjectMetadata(ref.bucket, ref.key, versionId=version_id or None),
        )  # fmt: skip
        answer = self._described(answer)
        return head_of(answer, int(answer.body.contentLength or 0))

    def _described(self, answer: Any) -> Any:
        """Return an answer with what it tells of its object, by the SDK's names."""
        if isinstance(answer, WireAnswer):
            answer.body = self._client.convertor.parseGetObjectMetadata(answer.told)
        return answer

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        """See ``ObjectStore.read``."""
        try:
            return self._get(ref, wanted)
        except ReplacedError:
            # If-Match answers 412 where the etag is another (obs_22_1479). No page says whether the etag goes with
            # quotes or without, so a 412 is believed only when HEAD shows another etag too.
            if self.head(ref, wanted.version_id).etag != wanted.etag:
                raise
            return self._get(ref, structs.replace(wanted, etag=""))

    def _get(self, ref: ObjectRef, wanted: Wanted) -> bytes:
        return self._got(ref, wanted)[1]

    def _got(self, ref: ObjectRef, wanted: Wanted) -> tuple[Any, bytes]:
        """Return an answer by the SDK's names, and the bytes."""
        query = {"versionId": wanted.version_id} if wanted.version_id else {}
        # Both ends are included (GetObject, api-obs obs_04_0083).
        headers = {"Range": f"bytes={wanted.first}-{wanted.last}"} if wanted.first is not None else {}
        headers |= {"If-Match": wanted.etag} if wanted.etag else {}
        answer = self._call(
            "read", ref, partial(self._wire.ask, "GET", ref, query, headers), wanted.version_id,
            partial(self._got_by_sdk, ref, wanted),
        )  # fmt: skip
        return answer, answer.content if isinstance(answer, WireAnswer) else bytes(answer.body.buffer or b"")

    def _got_by_sdk(self, ref: ObjectRef, wanted: Wanted) -> Any:
        request = GetObjectRequest(versionId=wanted.version_id or None)
        part = f"{wanted.first}-{wanted.last}" if wanted.first is not None else None
        headers = GetObjectHeader(range=part, if_match=wanted.etag or None)
        # In memory, for the SDK else gives a stream: what breaks while it is read is then repeated by nobody.
        return self._client.getObject(
            ref.bucket, ref.key, getObjectRequest=request, headers=headers, loadStreamInMemory=True
        )

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
        named = {"Content-Type": content_type, **{self._meta + name: text for name, text in (metadata or {}).items()}}
        self._call(
            "write", ref, partial(self._wire.ask, "PUT", ref, {}, named, body),
            by_sdk=lambda: self._client.putContent(
                ref.bucket, ref.key, content=body, metadata=metadata, headers=headers
            ),
        )  # fmt: skip

    def create(self, ref: ObjectRef, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        """See ``ObjectStore.create``."""
        # The SDK repeats a PUT whose reply was lost (client.py, 3.26.6); this one must not be made twice.
        once = copy.copy(self._client)
        once.max_retry_count = 0
        self._call("write", ref, lambda: once.putContent(
            ref.bucket, ref.key, content=body, metadata=metadata, headers=PutObjectHeader(contentType=content_type)
        ))  # fmt: skip

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        """See ``ObjectStore.copy``."""
        # Metadata are copied unless the request says REPLACE (CopyObject, api-obs obs_04_0082).
        self._call(
            "copy", source, lambda: self._client.copyObject(source.bucket, source.key, target.bucket, target.key)
        )

    def remove(self, ref: ObjectRef) -> None:
        """See ``ObjectStore.remove``."""
        self._call("remove", ref, lambda: self._client.deleteObject(ref.bucket, ref.key))

    def append(self, ref: ObjectRef, position: int, body: bytes) -> int:
        """See ``ObjectStore.append``."""
        # The position must be the object's length, else 409; 0 makes the object (AppendObject, api-obs obs_04_0088).
        # The SDK repeats an append whose reply was lost too: if the first was taken, the second gets that 409.
        content = AppendObjectContent(content=body, position=position)
        query = {"append": None, "position": str(position)}
        self._call(
            "append to", ref, partial(self._wire.ask, "POST", ref, query, {}, body),
            by_sdk=lambda: self._client.appendObject(ref.bucket, ref.key, content=content),
        )  # fmt: skip
        return position + len(body)

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """See ``ObjectStore.list``."""
        marker, more = after or None, True
        while more:
            page = self._page(bucket, prefix, marker)
            for item in page.contents or ():
                # A list is in the keys' order. NextMarker comes only where a delimiter was asked for; else the last
                # key is where to go on (ListObjects, api-obs obs_04_0022).
                marker = str(item.key)
                yield ListedObject(marker, int(item.size or 0), _etag(item.etag), listed_time(item.lastModified))
            more = bool(page.is_truncated) and bool(page.contents)

    def _page(self, bucket: str, prefix: str, marker: str | None) -> Any:
        # Keys may hold characters that XML cannot; in url encoding they pass (api-obs obs_04_0022).
        page = self._call("list", ObjectRef(bucket, prefix), partial(
            self._client.listObjects, bucket, prefix=prefix or None, marker=marker, max_keys=self._listed,
            encoding_type="url",
        )).body  # fmt: skip
        if page is None:  # a list the SDK's XML parser gave up on: it logs that and answers 200 without a body
            raise UnavailableError(
                f"OBS's list of {bucket} cannot be read.",
                advice="See the names of its objects for control characters.",
            )
        return page

    def url(self, ref: ObjectRef) -> str:
        """See ``ObjectStore.url``."""
        parts, key = urlsplit(self._address.endpoint), quote(ref.key, safe="/~")
        if self._address.path_style:
            return f"{parts.scheme}://{parts.netloc}/{ref.bucket}/{key}"
        return f"{parts.scheme}://{ref.bucket}.{parts.netloc}/{key}"

    def signed_url(self, ref: ObjectRef, seconds: int, shown: Shown = AS_IT_IS) -> str:
        """See ``ObjectStore.signed_url``."""
        # What the reply is to say of itself is signed too, so nobody can change it (GetObject, api-obs obs_04_0083).
        query = {}
        if shown.version_id:
            query["versionId"] = shown.version_id
        if shown.content_type:
            query["response-content-type"] = shown.content_type
        if shown.file_name:
            query["response-content-disposition"] = shown.disposition
        # With temporary keys the URL holds their token: no log, record or error may show it (measured, 3.26.6).
        return str(
            self._client.createSignedUrl("GET", ref.bucket, ref.key, expires=seconds, queryParams=query).signedUrl
        )

    def signed_put(
        self, ref: ObjectRef, seconds: int, content_type: str, metadata: dict[str, str], md5: str = ""
    ) -> SignedRequest:
        """See ``ObjectStore.signed_put`` (PutObject, api-obs obs_04_0080)."""
        # The SDK names these headers by the signature when it sends them, but signs what a URL is made for as given.
        prefix = "x-obs-meta-" if self._address.signature == "obs" else "x-amz-meta-"
        headers = {"Content-Type": content_type, **{prefix + name: text for name, text in metadata.items()}}
        if md5:
            headers["Content-MD5"] = md5
        # Content type, MD5 and metadata are part of what is signed: the sender must send them so (api-obs obs_04_0011).
        until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        signed = self._client.createSignedUrl("PUT", ref.bucket, ref.key, expires=seconds, headers=dict(headers))
        return SignedRequest(str(signed.signedUrl), headers, until)

    def _call(
        self,
        verb: str,
        ref: ObjectRef,
        call: Callable[[], Any],
        version_id: str = "",
        by_sdk: Callable[[], Any] | None = None,
    ) -> Any:
        """Return the answer to a call, and learn the store's time from it; ``by_sdk`` follows where it is redirected.

        Raises:
            LegibleError: OBS refuses.
        """
        sent = self._clock.own()
        try:
            try:
                answer = call()
            except RedirectedError:
                answer = (by_sdk or call)()
        except Exception as error:  # the SDK lets sockets, HTTP and XML errors of every kind escape
            raise UnavailableError(
                f"OBS could not {verb} {ref}: {type(error).__name__}.", advice="The event is delivered again."
            ) from None
        # The SDK keeps the header Date of every reply, whatever its status (client.py and const.py, 3.26.6).
        self._clock.heard(dict(answer.header or ()).get("date", ""), sent)
        # A text that is no version id of this bucket is a bad argument, not a missing version.
        if answer.status == 400 and version_id:
            raise ObjectGoneError(f"The object {ref} has no version {version_id}.")
        if answer.status is None or answer.status >= 300:
            raise obs_faults.error(verb, ref, answer, self._secrets)
        return answer


def head_of(answer: Any, size: int) -> Head:
    """Return what an answer tells of its object, which has so many bytes."""
    # An object written before versioning was switched on has the version "null" (api-obs obs_04_0037).
    version = str(answer.body.versionId or "")
    return Head(
        size=size,
        etag=_etag(answer.body.etag),
        version_id="" if version == "null" else version,
        content_type=str(answer.body.contentType or ""),
        modified_at=_time(answer.body.lastModified),
        # Metadata lie among the other headers, without x-obs-meta- or x-amz-meta- (client.py, 3.26.6).
        metadata={str(name).lower(): str(value) for name, value in answer.header or ()},
        # The etag is no MD5 of the content where the object is encrypted (obs_04_0080; the SDK has the header of
        # SSE-OBS and of SSE-KMS in one attribute), and nobody says what it is where the object was appended to.
        digested=not (answer.body.sseKms or answer.body.sseC or _appendable(answer)),
        seen_at=_time(header(answer, "date")),
    )


def _appendable(answer: Any) -> bool:
    """Tell whether an object was made by appending; of a read object the SDK tells it by no attribute (3.26.6)."""
    told = getattr(answer.body, "isAppendable", None) or header(answer, "object-type") == "Appendable"
    return bool(told)


def header(answer: Any, name: str) -> str:
    """Return a header of an answer that the SDK has no attribute for; empty where it does not say."""
    return next((str(value) for header, value in answer.header or () if str(header).lower() == name), "")


def _etag(value: Any) -> str:
    return str(value or "").strip().strip('"').lower()


def _time(value: Any) -> datetime | None:
    try:
        return parsedate_to_datetime(str(value)).astimezone(timezone.utc)
    except ValueError:
        return None


def listed_time(value: Any) -> datetime | None:
    """Return the time of an object in a list, in UTC."""
    # The SDK turns the UTC of a list into the machine's local time, and drops the zone (model.py, DateTime.UTCToLocal,
    # 3.26.6). This goes the way back, by the same offset without daylight saving.
    try:
        seconds = time.mktime(time.strptime(str(value), "%Y/%m/%d %H:%M:%S")) + time.timezone
    except ValueError:
        return None
    return datetime.fromtimestamp(seconds).replace(tzinfo=timezone.utc)
