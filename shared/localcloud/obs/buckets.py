"""What is asked of a bucket, and what moto would answer with another vendor's regions and services."""

from __future__ import annotations

import re
from collections.abc import Callable

from localcloud.obs import cors, policy
from localcloud.obs.errors import ObsError
from localcloud.obs.request import ObsRequest
from localcloud.obs.store import Response, Store

_XML = {"content-type": "application/xml"}


class BucketRequests:
    """Answers requests for buckets, where moto shall not. The caller holds the store's lock."""

    def __init__(self, store: Store) -> None:
        """Answer of this store's buckets."""
        self._store = store
        #: What a query asks for, and who answers.
        self._subresources: dict[str, Callable[[ObsRequest], Response | None]] = {
            "location": self._location,
            "replication": self._feature,
            "object-lock": self._feature,
            "notification": self._notification,
            "cors": self._cors,
            "policy": self._policy,
            "bucketStatus": self._status,
        }

    def answer(self, request: ObsRequest) -> Response | None:
        """Answer a request without a key; None leaves it to moto."""
        if request.method == "PUT" and not request.query:
            return self._create(request)
        if request.method == "HEAD" and self._store.bucket(request.bucket).parallel:
            return Response(200, {"x-amz-fs-file-interface": "Enabled"})
        for name, answer in self._subresources.items():
            if request.has(name):
                return answer(request)
        return None

    def set_cors(self, bucket: str, document: str) -> None:
        """Say which pages a browser may let at a bucket; an empty text for none.

        Raises:
            ObsError: The document is not one.
        """
        cors.read(document)
        self._store.bucket(bucket).cors = document
        self._store.save_bucket(bucket)

    def set_policy(self, bucket: str, document: str) -> None:
        """Say whom a bucket lets in beside its owner; an empty text for nobody.

        Raises:
            ObsError: The document is not one, or says what is not imitated.
        """
        policy.read(document)
        self._store.bucket(bucket).policy = document
        self._store.save_bucket(bucket)

    def _create(self, request: ObsRequest) -> Response:
        region = re.search(rb"<Location(?:Constraint)?>([^<]+)<", request.body)
        self._store.create_bucket(request.bucket, region[1].decode() if region else "")
        return Response(200, {"location": f"/{request.bucket}"})

    def _location(self, request: ObsRequest) -> Response | None:
        if request.method != "GET":
            return None
        region = self._store.bucket(request.bucket).region
        if request.obs_signed:
            return _xml("Location", region)
        return _xml("LocationConstraint", f"<LocationConstraint>{region}</LocationConstraint>")

    def _feature(self, request: ObsRequest) -> Response | None:
        if request.method != "GET":
            return None
        bucket = self._store.bucket(request.bucket)
        name = "replication" if request.has("replication") else "object-lock"
        document = bucket.replication if name == "replication" else bucket.object_lock
        if not document:
            raise ObsError(404, "NoSuchConfiguration", f"The bucket has no {name} configuration.")
        return Response(200, dict(_XML), document.encode())

    def _notification(self, request: ObsRequest) -> Response:
        bucket = self._store.bucket(request.bucket)
        if request.method == "PUT":
            bucket.notification = request.body.decode()
            self._store.save_bucket(request.bucket)
            return Response(200)
        if not bucket.notification:
            return _xml("NotificationConfiguration", "")
        return Response(200, dict(_XML), bucket.notification.encode())

    def _policy(self, request: ObsRequest) -> Response:
        if request.method == "GET":
            document = self._store.bucket(request.bucket).policy
            if not document:
                raise ObsError(404, "NoSuchBucketPolicy", "The bucket policy does not exist.")
            return Response(200, {"content-type": "application/json"}, document.encode())
        self.set_policy(request.bucket, request.body.decode() if request.method == "PUT" else "")
        return Response(204)

    def _status(self, request: ObsRequest) -> Response:
        """Tell whether the bucket is public, by its ACL or its policy (obs_04_0177)."""
        said = policy.read(self._store.bucket(request.bucket).policy)
        public = policy.public(said) or self._store.listed_by_all(request.bucket)
        return _xml("BucketStatus", f"<IsPublic>{str(public).lower()}</IsPublic>")

    def _cors(self, request: ObsRequest) -> Response:
        if request.method == "GET":
            document = self._store.bucket(request.bucket).cors
            if not document:
                raise ObsError(404, "NoSuchCORSConfiguration", "The CORS configuration does not exist.")
            return Response(200, dict(_XML), document.encode())
        self.set_cors(request.bucket, request.body.decode() if request.method == "PUT" else "")
        return Response(200 if request.method == "PUT" else 204)


def _xml(root: str, text: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{text}</{root}>'
    return Response(200, dict(_XML), body.encode())
