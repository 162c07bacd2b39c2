"""Who may do what with a bucket beside its owner: by the bucket's policy, and by the ACL of an object."""

from __future__ import annotations

from localcloud.obs import policy
from localcloud.obs.errors import ObsError, access_denied
from localcloud.obs.request import ObsRequest
from localcloud.obs.store import Store, public


class Access:
    """Lets requests in or refuses them. The caller holds the store's lock."""

    def __init__(self, store: Store) -> None:
        """Judge by this store's buckets."""
        self._store = store

    def said(self, bucket: str, key: str) -> str:
        """Return what a bucket's policy says to everybody about reading an object: Deny, Allow or nothing."""
        return policy.judge(policy.read(self._store.bucket(bucket).policy), "GetObject", f"{bucket}/{key}", {})

    def admit(self, request: ObsRequest, *, stranger: bool) -> None:
        """Let a request in.

        Args:
            request: The request, its signature checked.
            stranger: Whether it has none: then something must be open to everybody.

        Raises:
            ObsError: It is refused.
        """
        place = f"{request.bucket}/{request.key}" if request.key else request.bucket
        said = self._judged(request, policy.action(request), place)
        if said == "Deny" and request.key:
            raise access_denied("The bucket policy does not allow it.")
        if not stranger:
            return
        stored = self._store.find(request.bucket, request.key) if request.key else None
        given = request.method in ("GET", "HEAD") and stored is not None and public(stored)
        if said != "Allow" and not given:
            raise access_denied()
        # Who may not list is not told that an object is missing (as for callers with keys).
        if request.key and stored is None and self._judged(request, "ListBucket", request.bucket) != "Allow":
            raise access_denied()

    def _judged(self, request: ObsRequest, action: str, place: str) -> str:
        try:
            document = self._store.bucket(request.bucket).policy if request.bucket else ""
        except ObsError:  # no such bucket, which is told later
            return ""
        return policy.judge(policy.read(document), action, place, policy.circumstances(request))
