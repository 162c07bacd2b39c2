"""The local OBS: moto's S3 behind a thin layer that adds what OBS has but S3 does not have.

Added here: AppendObject, OBS's signatures and error form, notifications, faults, state on disk. Everything else (range
reads, listing, multipart, copy, versions, metadata) is moto's, reached in process. Lifecycle rules, quotas
and cross-region replication are not imitated; uploads by parts that are not complete do not survive a restart.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

from localcloud.faults import Fault, Schedule
from localcloud.iam.credentials import Keyring
from localcloud.obs import cors, signature
from localcloud.obs.access import Access
from localcloud.obs.append import MAX_APPENDS, Appender, describe, describe_list
from localcloud.obs.buckets import BucketRequests
from localcloud.obs.effects import changed_keys, creation, posted_key
from localcloud.obs.errors import ObsError, no_such_key
from localcloud.obs.events import Created, Subscription, Subscriptions
from localcloud.obs.request import HEADERS, SUBRESOURCES, ObsRequest
from localcloud.obs.spool import IN_MEMORY
from localcloud.obs.state import Folder
from localcloud.obs.store import Response, Store, public
from localcloud.web import Environ, Handler, Server, StartResponse, cut


@dataclass(frozen=True)
class Stored:
    """An object as the local cloud's own parts read it."""

    content: bytes
    content_type: str
    etag: str
    version_id: str
    public: bool
    region: str
    #: Whether the bucket's policy shuts everybody out.
    forbidden: bool = False


class ObsHandler(Handler):
    """Keeps the headers' own spelling: metadata names may hold underscores, which WSGI cannot tell from dashes."""

    def make_environ(self) -> Environ:
        """Add the headers as they arrived."""
        return super().make_environ() | {HEADERS: {name.lower(): value for name, value in self.headers.items()}}


class LocalObs:
    """A WSGI application that answers as OBS does, path style, signatures v2 and obs.

    Fault kinds: ``error`` (``status``, ``code``, ``message``; 503 ``SlowDown`` unless named), ``delay`` (``seconds``
    before the request is read), ``cut`` (the connection breaks before anything is done), ``lost-answer`` (the work
    is done, then the connection breaks without an answer), ``lost-event`` (the upload succeeds, nobody is told). Paths
    are ``bucket/key``. ``kill-before`` and ``kill-after`` kill the function instance that calls, see ``on_kill``.
    """

    def __init__(
        self,
        keys: Keyring,
        state: Path | None = None,
        region: str = "cn-north-4",
        owner: str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        appends: int = MAX_APPENDS,
    ) -> None:
        """Serve these keys' owner; keep state in the folder, or in memory only; take so many appends an object."""
        self.region = region
        self.faults = Schedule()
        #: Kills the holder of an access key id; the local cloud sets it to kill function instances.
        self.on_kill: Callable[[str], object] = lambda access: None
        self._owner = owner
        self._keys = keys
        self._lock = threading.RLock()
        self._store = Store(Folder(state) if state else None, region)
        self._appender = Appender(self._store, self._lock, appends)
        self._buckets = BucketRequests(self._store)
        self._access = Access(self._store)
        self._subscriptions = Subscriptions()

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port, ObsHandler)

    def close(self) -> None:
        """Free the memory; what is on disk stays."""
        with self._lock:
            self._store.close()

    # --- what the account's owner sets up in the console

    def create_bucket(self, name: str, region: str = "") -> None:
        """Make a bucket, in another region if named; one that exists stays."""
        with self._lock:
            self._store.create_bucket(name, region)

    def age(self, by: timedelta) -> None:
        """Make all objects older, as if they had been written that much earlier: for what goes by their times."""
        with self._lock:
            self._store.age(by)

    def keep_versions(self, bucket: str) -> None:
        """Switch the bucket's versioning on, as the owner does in the console; what lies there keeps its version."""
        with self._lock:
            self._store.keep_versions(bucket)

    def encrypt(self, bucket: str) -> None:
        """Encrypt what is uploaded to a bucket from now on, by a key that OBS keeps (SSE-OBS), as Terraform asks for.

        The bytes are kept as they are; what an uploader and a reader see of it is imitated: the header, and an etag
        that is no MD5 of the content.
        """
        with self._lock:
            self._store.bucket(bucket).encrypted = True
            self._store.save_bucket(bucket)

    def set_cors(self, bucket: str, document: str) -> None:
        """See ``BucketRequests.set_cors``."""
        with self._lock:
            self._buckets.set_cors(bucket, document)

    def set_policy(self, bucket: str, document: str) -> None:
        """See ``BucketRequests.set_policy``."""
        with self._lock:
            self._buckets.set_policy(bucket, document)

    def set_up(self, bucket: str, *, parallel: bool = False, replication: str = "", object_lock: str = "") -> None:
        """Set special features of a bucket; they are not imitated, only shown to whoever asks."""
        with self._lock:
            features = self._store.bucket(bucket)
            features.parallel, features.replication, features.object_lock = parallel, replication, object_lock
            self._store.save_bucket(bucket)

    def subscribe(self, subscription: Subscription) -> None:
        """Tell a subscriber of uploads from now on; see ``Subscriptions.add``."""
        with self._lock:
            self._subscriptions.add(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Tell this subscriber nothing more."""
        with self._lock:
            self._subscriptions.remove(subscription)

    def race(self, window: float, racers: int = 2) -> None:
        """Let simultaneous appends all succeed; see ``Appender.race``."""
        self._appender.race(window, racers)

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object with the local cloud's own right, and tell nobody; raise NoSuchBucket."""
        with self._lock:
            self._store.write(bucket, key, body)

    def read(self, bucket: str, key: str, version: str | None = None) -> Stored:
        """Read an object with the local cloud's own right; raise NoSuchBucket or NoSuchKey."""
        with self._lock:
            region = self._store.bucket(bucket).region
            stored = self._store.find(bucket, key, version)
            if stored is None:
                raise no_such_key()
            said = self._access.said(bucket, key)
            return Stored(
                stored.value,
                str(stored.metadata.get("Content-Type", "")),
                stored.etag.strip('"'),
                stored.version_id,
                said != "Deny" and (public(stored) or said == "Allow"),
                region,
                said == "Deny",
            )

    # --- requests

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = ObsRequest.read(environ)
        fault = self.faults.take(request.method, f"{request.bucket}/{request.key}")
        if fault and fault.kind == "kill-before":
            self._kill(request)
        response = self._respond(request, fault)
        if fault and fault.kind == "kill-after":
            self._kill(request)
        if fault and fault.kind == "lost-answer":
            cut(environ)
        _finish(response, request)
        response.headers |= self._cors(request)
        status = f"{response.status} {HTTPStatus(response.status).phrase}"
        start_response(status, list(response.headers.items()))
        if request.method == "HEAD":
            return []
        return [response.body] if response.pieces is None else response.pieces

    def _respond(self, request: ObsRequest, fault: Fault | None) -> Response:
        try:
            if fault:
                _strike(fault, request)
            if request.method == "OPTIONS":
                return Response(200, cors.preflight(self._rules(request.bucket), request))
            self._authorize(request)
            _check_digest(request)
            response = self._answer(request)
        except ObsError as error:
            return _error(error, request)
        if response.status < 300 and not (fault and fault.kind == "lost-event"):
            self._notify(request)
        return response

    def _rules(self, bucket: str) -> list[cors.Rule]:
        with self._lock:
            return cors.read(self._store.bucket(bucket).cors)

    def _cors(self, request: ObsRequest) -> dict[str, str]:
        """Return the headers that let a page of an allowed origin see the answer, an error too."""
        if "origin" not in request.headers or request.method == "OPTIONS":
            return {}
        try:
            return cors.grant(self._rules(request.bucket), request)
        except ObsError:
            return {}

    def _kill(self, request: ObsRequest) -> NoReturn:
        self.on_kill(request.headers.get("authorization", "").partition(" ")[2].partition(":")[0])
        cut(request.environ)

    def _authorize(self, request: ObsRequest) -> None:
        key = signature.check(request, self._keys)
        with self._lock:
            self._access.admit(request, stranger=key is None)

    def _answer(self, request: ObsRequest) -> Response:
        if request.method == "POST" and request.has("append"):
            return self._appender.answer(request)
        with self._lock:
            if request.bucket and not request.key:
                own = self._buckets.answer(request)
                if own is not None:
                    return own
            if request.bucket:
                self._store.bucket(request.bucket)
            response = self._ask(request)
            if request.method in ("GET", "HEAD"):
                self._describe(request, response)
            elif response.status < 300:
                if creation(request):
                    self._encrypt(request, response)
                self._save(request)
            return response

    def _encrypt(self, request: ObsRequest, response: Response) -> None:
        """Give what was created in an encrypted bucket an etag that is no MD5 of it, and tell that one."""
        change = self._store.encrypted(request.bucket, request.key or posted_key(request))
        if change is not None:
            before, after = change
            if "etag" in response.headers:
                response.headers["etag"] = f'"{after}"'
            response.body = response.body.replace(before.encode(), after.encode())

    def _ask(self, request: ObsRequest) -> Response:
        """Let moto answer, except for large contents: these come from disk, and go there, piece by piece."""
        if request.method == "GET" and request.key and not any(map(request.has, (*SUBRESOURCES, "uploadId"))):
            stored = self._store.find(request.bucket, request.key, request.query.get("versionId"))
            if stored is not None and stored.size > IN_MEMORY:
                return self._store.read(request, stored)
        response = self._store.ask_moto(request)
        if request.spool and response.status < 300:
            stored = self._store.find(request.bucket, request.key)
            assert stored is not None  # it was put just now, under the lock
            request.spool.become(stored)
            response.headers["etag"] = stored.etag
        return response

    def _describe(self, request: ObsRequest, response: Response) -> None:
        if request.key and not request.has("acl"):
            describe(response, self._store.find(request.bucket, request.key, request.query.get("versionId")))
        elif request.bucket and response.status == 200:
            describe_list(response, request, self._store)

    def _save(self, request: ObsRequest) -> None:
        """Write through what the request has changed, before it is acknowledged."""
        if not request.key and request.method in ("PUT", "DELETE"):
            self._store.save_bucket(request.bucket)
        elif "partNumber" not in request.query and not request.has("uploads"):
            self._store.save(request.bucket, changed_keys(request))

    def _notify(self, request: ObsRequest) -> None:
        kind = creation(request)
        if kind is None:
            return
        with self._lock:
            created = self._created(kind, request)
            if created is None:
                return
            subscribers = self._subscriptions.of(created)
        for subscription in subscribers:
            subscription.deliver(subscription.event(created))

    def _created(self, kind: str, request: ObsRequest) -> Created | None:
        """Return what there is to tell of a request that created an object; None where it is gone again."""
        key = request.key or posted_key(request)
        stored = self._store.find(request.bucket, key)
        if stored is None:
            return None
        return Created(
            kind,
            request.bucket,
            key,
            stored.size,
            stored.etag.strip('"'),
            stored.version_id,
            self._store.bucket(request.bucket).region,
            request.id,
            request.source_ip,
            self._owner,
        )


def _strike(fault: Fault, request: ObsRequest) -> None:
    if fault.kind == "delay":
        time.sleep(fault.seconds)
    elif fault.kind == "cut":
        cut(request.environ)
    elif fault.kind == "error":
        raise ObsError(
            fault.status or 503, fault.code or "SlowDown", fault.message or "Please reduce your request rate."
        )


def _check_digest(request: ObsRequest) -> None:
    given = request.headers.get("content-md5")
    if given and given != base64.b64encode(bytes.fromhex(request.md5)).decode():
        raise ObsError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")


def _error(error: ObsError, request: ObsRequest) -> Response:
    # A HEAD has no body: OBS repeats the error in headers.
    headers = {
        "content-type": "application/xml",
        "x-obs-error-code": error.code,
        "x-obs-error-message": error.message,
    }
    return Response(error.status, headers, error.xml(request.resource, request.id))


def _finish(response: Response, request: ObsRequest) -> None:
    """Name the headers as esdk reads them by the request's signature: ``x-obs-`` for obs, ``x-amz-`` for v2."""
    response.headers |= {"server": "OBS", "x-amz-request-id": request.id}
    if request.obs_signed:
        for name in [name for name in response.headers if name.startswith("x-amz-")]:
            response.headers["x-obs-" + name.removeprefix("x-amz-")] = response.headers.pop(name)
    if request.method != "HEAD" and response.pieces is None:
        response.headers["content-length"] = str(len(response.body))
