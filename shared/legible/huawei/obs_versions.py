"""All versions of objects: ``ports.versions.ObjectVersions`` over the OBS SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from legible.errors import ObjectGoneError, UnavailableError
from legible.huawei import obs_faults
from legible.huawei.credentials import Credentials
from legible.huawei.lean_obs import GetObjectRequest, Versions
from legible.huawei.obs import listed_time
from legible.huawei.obs_client import ObsEndpoint, client
from legible.model.documents import ObjectRef
from legible.ports.versions import ListedVersion

#: So many versions a list names at once; OBS gives no more (api-obs obs_04_0022).
_LISTED = 1000
#: What a version is called that was written while the bucket kept none (api-obs obs_04_0037).
NULL = "null"


class ObsVersions:
    """All versions of objects in OBS. See ``legible.ports.versions.ObjectVersions``.

    Args:
        address: Where OBS is.
        credentials: Keys of somebody who may remove versions.
        listed: How many versions one call lists.
    """

    def __init__(self, address: ObsEndpoint, credentials: Credentials, listed: int = _LISTED) -> None:
        """Make the SDK's client; nothing is sent yet."""
        self._secrets = credentials.secrets
        self._listed = listed
        self._client = client(address, credentials)

    def each(self, bucket: str, prefix: str) -> Iterator[ListedVersion]:
        """See ``ObjectVersions.each``."""
        after: tuple[str | None, str | None] = None, None
        while True:
            # A list goes on behind a key and, within that key, behind a version (ListVersions, api-obs obs_04_0022).
            wanted = Versions(prefix or None, after[0], self._listed, None, after[1], "url")
            call = partial(self._client.listVersions, bucket, version=wanted)
            page = self._call("list", ObjectRef(bucket, prefix), call).body
            if page is None:  # as in ``ObsStore.list``
                raise UnavailableError(f"OBS's list of versions in {bucket} cannot be read.")
            yield from sorted(_found(page), key=lambda one: one.key.encode("utf-8", "surrogatepass"))
            after = page.head.nextKeyMarker, page.head.nextVersionIdMarker
            if not page.head.isTruncated or after[0] is None:
                return

    def remove(self, bucket: str, version: ListedVersion) -> None:
        """See ``ObjectVersions.remove``."""
        # Without its id a version would get a marker, not be removed (DeleteObject, api-obs obs_04_0085).
        ref = ObjectRef(bucket, version.key)
        self._call(
            "remove", ref, lambda: self._client.deleteObject(bucket, version.key, versionId=version.version_id or NULL)
        )

    def read(self, ref: ObjectRef, version_id: str) -> bytes:
        """See ``ObjectVersions.read``."""
        request = GetObjectRequest(versionId=version_id or NULL)
        answer = self._call("read", ref, lambda: self._client.getObject(
            ref.bucket, ref.key, getObjectRequest=request, loadStreamInMemory=True
        ))  # fmt: skip
        return bytes(answer.body.buffer or b"")

    def _call(self, verb: str, ref: ObjectRef, call: Callable[[], Any]) -> Any:
        try:
            answer = call()
        except Exception as error:  # as in ``ObsStore``
            raise UnavailableError(f"OBS could not {verb} {ref}: {type(error).__name__}.") from None
        if answer.status == 400 and verb == "read":
            raise ObjectGoneError(f"The object {ref} has no such version.")
        if answer.status is None or answer.status >= 300:
            raise obs_faults.error(verb, ref, answer, self._secrets)
        return answer


def _found(page: Any) -> Iterator[ListedVersion]:
    """Yield what one page of a list names: versions, and markers of objects that were removed."""
    for item in page.versions or ():
        at = listed_time(item.lastModified)
        yield ListedVersion(str(item.key), str(item.versionId or NULL), modified_at=at, size=int(item.size or 0))
    for item in page.markers or ():
        yield ListedVersion(str(item.key), str(item.versionId or NULL), True, listed_time(item.lastModified))
