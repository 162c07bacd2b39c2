"""The events by which OBS tells a function of an upload, in both envelopes (facts: functiongraph 2.1 to 2.3)."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import quote_plus

#: ``classic`` is ``Records[].s3`` of an OBS trigger, ``eventgrid`` the CloudEvent of ``HC.OBS.DWR``.
Envelope = Literal["classic", "eventgrid"]
Deliver = Callable[[dict[str, Any]], object]

_BEIJING = timezone(timedelta(hours=8))
_sequence = itertools.count(1)


@dataclass(frozen=True)
class Created:
    """One object created. ``kind`` is ``Put``, ``Post``, ``Copy`` or ``CompleteMultipartUpload``."""

    kind: str
    bucket: str
    key: str
    size: int
    etag: str
    version_id: str
    region: str
    request_id: str
    source_ip: str
    owner: str
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    sequence: int = field(default_factory=lambda: next(_sequence))


@dataclass(frozen=True)
class Subscription:
    """Who is told of which uploads. ``events`` are patterns over ``ObjectCreated:Put`` and its like.

    ``encode_keys`` percent-encodes the object's name as a form does (``+`` for a space), which is what the vendor's own
    sample decodes with ``unquote_plus``; in EventGrid it is a switch, on by default in the console.
    """

    bucket: str
    deliver: Deliver = field(repr=False)
    events: tuple[str, ...] = ("ObjectCreated:*",)
    prefix: str = ""
    suffix: str = ""
    envelope: Envelope = "eventgrid"
    encode_keys: bool = True
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def wants(self, created: Created) -> bool:
        """Tell whether the upload passes the filters; they compare the decoded key."""
        return (
            created.bucket == self.bucket
            and created.key.startswith(self.prefix)
            and created.key.endswith(self.suffix)
            and any(fnmatchcase(f"ObjectCreated:{created.kind}", pattern) for pattern in self.events)
        )

    def event(self, created: Created) -> dict[str, Any]:
        """Return the event as the function gets it."""
        key = quote_plus(created.key, safe="/") if self.encode_keys else created.key
        return (_eventgrid if self.envelope == "eventgrid" else _classic)(created, key, self.id)


class Subscriptions:
    """Who is told of uploads, in the order in which they subscribed."""

    def __init__(self) -> None:
        """Begin without any."""
        self._list: list[Subscription] = []

    def add(self, subscription: Subscription) -> None:
        """Tell a subscriber from now on.

        Raises:
            ValueError: Its filters overlap another's on that bucket; OBS refuses that too (usermanual-obs obs_03_0092).
        """
        for other in self._list:
            if _overlap(other, subscription):
                raise ValueError(f"a subscription on bucket {other.bucket} overlaps: filtering rules overlap")
        self._list.append(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Tell this subscriber nothing more."""
        self._list.remove(subscription)

    def of(self, created: Created) -> list[Subscription]:
        """Return who wants to know of an upload."""
        return [one for one in self._list if one.wants(created)]


def _overlap(one: Subscription, other: Subscription) -> bool:
    return (
        one.bucket == other.bucket
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
    )


def _classic(created: Created, key: str, configuration: str) -> dict[str, Any]:
    """Follow facts functiongraph 2.1: event version 2.0, no ``s3:`` before the event's name."""
    return {
        "Records": [
            {
                "eventVersion": "2.0",
                "eventSource": "aws:s3",
                "awsRegion": created.region,
                "eventTime": _millis(created.time),
                "eventName": f"ObjectCreated:{created.kind}",
                "userIdentity": {"principalId": created.owner},
                "requestParameters": {"sourceIPAddress": created.source_ip},
                "responseElements": {"x-amz-request-id": created.request_id, "x-amz-id-2": created.request_id},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": configuration,
                    "object": {
                        "key": key,
                        "size": created.size,
                        "eTag": created.etag,
                        "versionId": created.version_id,
                        "sequencer": f"{created.sequence:032X}",
                    },
                    "bucket": {
                        "name": created.bucket,
                        "arn": f"arn:aws:s3:::{created.bucket}",
                        "ownerIdentity": {"PrincipalId": created.owner},
                    },
                },
            }
        ]
    }


def _eventgrid(created: Created, key: str, configuration: str) -> dict[str, Any]:
    """Follow facts functiongraph 2.2, its traps too: PUT in upper case, local time marked ``Z``, sequencer "1"."""
    kind = created.kind if created.kind == "CompleteMultipartUpload" else created.kind.upper()
    return {
        "specversion": "1.0",
        "id": created.request_id.lower(),
        "source": "HC.OBS.DWR",
        "type": f"OBS:DWR:ObjectCreated:{kind}",
        "subject": key,
        "time": created.time.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z",
        "ttl": "4000",
        "dataschema": "",
        "datacontenttype": "application/json",
        "data": {
            "eventVersion": "3.0",
            "eventSource": "OBS",
            "eventName": f"ObjectCreated:{created.kind}",
            "eventRegion": created.region,
            "eventTime": _millis(created.time.astimezone(_BEIJING)),
            "userIdentity": {"ID": created.owner},
            "requestParameters": {"sourceIPAddress": created.source_ip},
            "responseElements": {
                "x-obs-request-id": created.request_id.lower(),
                "x-obs-id-2": "",
                "x-amz-request-id": "",
                "x-amz-id-2": "",
            },
            "obs": _grid_object(created, key, configuration),
        },
    }


def _grid_object(created: Created, key: str, configuration: str) -> dict[str, Any]:
    # A version is there even without versioning, and then it ends in "null".
    version = f"G{created.request_id[1:]}null" if created.version_id == "null" else created.version_id
    return {
        "Version": "1.0",
        "configurationId": configuration,
        "bucket": {
            "bucket": created.bucket,
            "name": created.bucket,
            "arn": "",
            "ownerIdentity": {"ID": created.owner},
        },
        "object": {
            "key": key,
            "size": created.size,
            "eTag": created.etag,
            "sequencer": "1",
            "oldpsxpth": "",
            "versionId": version,
        },
    }


def _millis(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
