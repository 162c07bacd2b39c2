"""What can be seen of buckets from outside, for nothing: what they are, and whom they let in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from legible.errors import HeldError, UnavailableError
from legible.huawei import obs
from legible.huawei.credentials import Credentials
from legible.outbound import Addresses
from legible.settings import Settings
from legible_cli.doctor.answers import table, tables
from legible_cli.doctor.endpoints import SECONDS, YOU


class Bucket(Struct, frozen=True):
    """What a bucket is: where, and with what that a journal does not bear."""

    region: str
    versioned: bool
    parallel: bool
    replicated: bool
    locked: bool


class Storage:
    """Looks at buckets; each look raises ``HeldError`` or ``UnavailableError``, as ``Inspector`` does.

    Args:
        settings: Name where OBS is.
        credentials: The operator's own keys.
    """

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        """Make the client of OBS; nothing is asked yet."""
        where = settings.obs.endpoint or obs.endpoint(settings.cloud.region)
        address = obs.ObsEndpoint(where, settings.obs.signature, settings.obs.path_style, settings.cloud.region)
        self._obs = obs.client(address, credentials)

    def bucket(self, name: str) -> Bucket:
        """Return what a bucket is (obs_04_0023: a parallel file system says so in its metadata)."""
        head = self._asked(name, lambda: self._obs.getBucketMetadata(name))
        names = {str(header).lower(): str(value) for header, value in head.header or ()}
        return Bucket(
            region=str(self._asked(name, lambda: self._obs.getBucketLocation(name)).body.location or ""),
            versioned=str(self._asked(name, lambda: self._obs.getBucketVersioning(name)).body or "") == "Enabled",
            parallel=any(
                header.endswith("fs-file-interface") and value == "Enabled" for header, value in names.items()
            ),
            replicated=self._has(name, lambda: self._obs.getBucketReplication(name), _replicated),
            locked=self._has(name, lambda: self._obs.getBucketObjectLock(name), _locked),
        )

    def public(self, name: str) -> bool:
        """Tell whether a bucket is public, as OBS itself sees it: by its ACL or its policy (obs_04_0177)."""
        return bool(self._asked(name, lambda: self._obs.getBucketPublicStatus(name)).body.status)

    def policy(self, name: str) -> list[dict[str, Any]]:
        """Return the statements of a bucket's policy; none where it has none."""
        answer = self._asked(name, lambda: self._obs.getBucketPolicy(name), missing=True)
        if answer.status >= 300:
            return []
        try:
            return tables(table(json.loads(str(answer.body.policyJSON))), "Statement")
        except ValueError:
            raise UnavailableError(f"The policy of {name} is no JSON.") from None

    def opened(self, url: str) -> int:
        """Open a URL of an object as anybody would, for its first byte; return the HTTP status."""
        addresses = Addresses((urlsplit(url).hostname or "",))
        return addresses.exchange("GET", url, b"", {"Range": "bytes=0-0"}, SECONDS, 1).status

    def _has(self, name: str, ask: Callable[[], Any], judge: Callable[[Any], bool]) -> bool:
        """Tell whether a bucket has a configuration; one that was never made is answered by 404."""
        answer = self._asked(name, ask, missing=True)
        return answer.status < 300 and judge(answer.body)

    def _asked(self, name: str, ask: Callable[[], Any], *, missing: bool = False) -> Any:
        try:
            answer = ask()
        except Exception as error:  # the SDK lets sockets, HTTP and XML errors of every kind escape
            raise UnavailableError(f"OBS cannot be asked about {name}: {type(error).__name__}.") from None
        status, code = int(answer.status or 0), str(answer.errorCode or "")
        if status == 404 and missing and code != "NoSuchBucket":
            return answer
        if status == 0 or status >= 500:
            raise UnavailableError(f"OBS cannot be asked about {name}: {status} {code}.", advice="Try again.")
        if status >= 300:
            advice = f"Check the bucket's name, and that {YOU} may do what `legible policy operator` says."
            raise HeldError(f"OBS refuses to tell of {name}: {status} {code}.", code="obs-denied", advice=advice)
        return answer


def _replicated(answer: Any) -> bool:
    return any(str(rule.status) == "Enabled" for rule in answer.replicationRules or ())


def _locked(answer: Any) -> bool:
    return str(answer.objectLockEnabled) == "Enabled"
