"""The whole local cloud of one account, on loopback: OBS, OCR, FunctionGraph, APIG, SMN, EventGrid, IAM and more."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

import msgspec

from localcloud.account import AccountServices
from localcloud.apig import Front, LocalApig
from localcloud.apig.apps import CODE_HEADER
from localcloud.functiongraph import Function, FunctionApi, FunctionGraph, load, triggers
from localcloud.functiongraph.runner import backoff as default_backoff
from localcloud.iam import rights
from localcloud.iam.agencies import deployed
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.notices import LocalMessages
from localcloud.obs import Envelope, LocalObs, Subscription, cors
from localcloud.ocr import LocalOcr, Recognize, embedded
from localcloud.web import Server

INPUT_BUCKET = "legible-in"
OUTPUT_BUCKET = "legible-out"
FAILURES_BUCKET = "legible-failures"
#: The account's only project; the id is invented.
PROJECT_ID = "0f4c0000c10d4e0a9b1ec0de10ca1000"
#: What each function of this repository loads of the installed libraries; `tests/localcloud` holds it.
LIBRARIES = (
    "PIL.Image",
    "certifi",
    "crcmod",
    "huaweicloudsdkcore.signer.signer",
    "msgspec",
    "pypdfium2",
    "stdnum",
    "tenacity",
    "xlsxwriter",
)


class _Part(Protocol):
    """What has a port of its own."""

    def serve(self, port: int | None = None) -> Server:
        """Serve on that port of loopback."""


class LocalCloud:
    """Runs until ``stop``, or while its ``with`` block runs.

    Its parts can be set up, given faults and inspected: ``obs`` (``LocalObs``), ``ocr`` (``LocalOcr``),
    ``functions`` (``FunctionGraph``), ``function_api`` (``FunctionApi``), ``gateway`` (``LocalApig``), ``messages``
    (``LocalMessages``), ``account`` (``LocalAccount``), ``eps``, ``cloudeye``, ``cts``, ``billing``, ``keys``. A
    ``kill-before`` or ``kill-after`` fault in the ``faults`` of any but ``account`` and ``gateway`` kills the function
    instance that sent the request, before it is served or after it was served but not answered.
    """

    def __init__(
        self,
        state: Path | None = None,
        port: int | None = None,
        region: str = "cn-north-4",
        root: Path | None = None,
        *,
        recognizer: Recognize = embedded,
        recorded: Mapping[str, bytes | Path] | None = None,
        functions: Mapping[str, Function] | None = None,
        code: tuple[Path, ...] | None = None,
        envelope: Envelope = "eventgrid",
        encode_keys: bool = True,
        max_instances: int = 2,
        backoff: Callable[[int], float] = default_backoff,
        user_data: Mapping[str, str] | None = None,
        plain: bool = False,
    ) -> None:
        """Start everything.

        Args:
            state: A folder that keeps objects, queue, bill and keys over a restart; without it, memory only.
            port: The port of OBS, and the next ones for OCR, FunctionGraph, APIG, the front for browsers, SMN and
                EventGrid on one, IAM and the other services of the account on one; free ports if none is named.
            region: The region of all parts. cn-north-4 has the most operations (facts ocr_api 2).
            root: The repository: its serverless.yml, ``functions/`` and ``shared/``. By default this one.
            recognizer: What recognizes; see ``LocalOcr``.
            recorded: Recorded answers; see ``LocalOcr``.
            functions: Other functions than those of serverless.yml; an empty mapping for none.
            code: Other folders on the functions' import path than ``functions`` and ``shared``.
            envelope: The form of upload events.
            encode_keys: Whether upload events percent-encode the object's name.
            max_instances: Instances of each function.
            backoff: Seconds before the first, second, third retry.
            plain: Whether the input bucket keeps no versions and is not encrypted; Terraform makes it with both.
            user_data: User variables that add to, or override, those of the property ``user_data``.
        """
        self.region, self.project_id = region, PROJECT_ID
        self._lock = _lock(state) if state else None
        self._ports = itertools.count(port) if port else itertools.repeat(None)
        self._servers: list[Server] = []
        self.keys = Keyring()
        self.credentials: AccessKey = _account_key(self.keys, state)
        self._open_obs_and_ocr(state, recognizer, recorded)
        self._open_apis(state)
        for bucket in (INPUT_BUCKET, OUTPUT_BUCKET):
            self.obs.create_bucket(bucket)
            self.obs.set_cors(bucket, cors.document([self.front, self.front.replace("127.0.0.1", "localhost")]))
        if not plain:
            self.obs.keep_versions(INPUT_BUCKET)
            self.obs.encrypt(INPUT_BUCKET)
        self.obs.create_bucket(FAILURES_BUCKET)
        root = root or Path(__file__).resolve().parents[2]
        self.functions = FunctionGraph(
            load(root / "serverless.yml") if functions is None else functions,
            code or (root / "functions", root / "shared"),
            self.keys,
            project_id=PROJECT_ID,
            region=region,
            user_data={**self.user_data, **(user_data or {})},
            state=_below(state, "functions"),
            max_instances=max_instances,
            backoff=backoff,
            keep=lambda key, body: self.obs.write(FAILURES_BUCKET, key, body),
            libraries=() if code else LIBRARIES,
        )
        self._connect(envelope, encode_keys)

    def _serve(self, part: _Part) -> Server:
        """Serve a part on the next port."""
        server = part.serve(next(self._ports))
        self._servers.append(server)
        return server

    def _open_obs_and_ocr(
        self, state: Path | None, recognizer: Recognize, recorded: Mapping[str, bytes | Path] | None
    ) -> None:
        """Open what has a state of its own, OBS first: OCR reads its objects."""
        self.obs = LocalObs(self.keys, _below(state, "obs"), self.region)
        self._obs_server = self._serve(self.obs)
        self.ocr = LocalOcr(
            self.keys,
            PROJECT_ID,
            region=self.region,
            obs=self.obs,
            state=_below(state, "ocr"),
            recognizer=recognizer,
            recorded=recorded,
        )
        self.ocr.reader.port = self._obs_server.port
        self._ocr_server = self._serve(self.ocr)

    def _open_apis(self, state: Path | None) -> None:
        """Open the other parts, in the order of their ports."""
        self.function_api = FunctionApi(self.keys, PROJECT_ID)
        self._function_server = self._serve(self.function_api)
        self.gateway = LocalApig(self.keys)
        self._gateway_server = self._serve(self.gateway)
        #: The app that pages of the front call as.
        self.app_code = self.gateway.app("console")
        self._front = Front(self.api_endpoint, {CODE_HEADER: self.app_code})
        self._front_server = self._serve(self._front)
        self.messages = LocalMessages(self.keys, PROJECT_ID)
        self._message_server = self._serve(self.messages)
        self._account = AccountServices(self.keys, PROJECT_ID, self.region, self.ocr, state)
        self.account, self.eps, self.cloudeye = self._account.iam, self._account.eps, self._account.cloudeye
        self.cts, self.billing = self._account.cts, self._account.billing
        names = rights.Names(INPUT_BUCKET, OUTPUT_BUCKET, FAILURES_BUCKET)
        self.account.agencies.add(*deployed(rights.rights(names), "legible-", PROJECT_ID))
        self._account_server = self._serve(self._account)

    def _connect(self, envelope: Envelope, encode_keys: bool) -> None:
        """Let the parts reach the functions: calls, requests, kills and uploads."""
        self.function_api.graph = self.functions
        self.function_api.envelope = envelope
        #: Subscriptions of EventGrid besides those of serverless.yml's triggers, by a function's URN.
        self.subscriptions: dict[str, list[dict[str, Any]]] = {}
        self.messages.subscriptions = self._subscribed
        self.gateway.publish(self.functions)
        for part in (self.obs, self.ocr, self.function_api, self.messages):
            part.on_kill = self.functions.kill_instance
        self._account.connect(self.functions)
        self._subscribe(envelope, encode_keys)

    @property
    def obs_endpoint(self) -> str:
        """The address of OBS; clients use ``signature="v2"`` and ``path_style=True``."""
        return self._obs_server.endpoint

    @property
    def ocr_endpoint(self) -> str:
        """The address of OCR."""
        return self._ocr_server.endpoint

    @property
    def functiongraph_endpoint(self) -> str:
        """The address of FunctionGraph, where functions are called."""
        return self._function_server.endpoint

    @property
    def api_endpoint(self) -> str:
        """The address of the gateway, where functions with APIs answer; callers must authenticate."""
        return self._gateway_server.endpoint

    @property
    def front(self) -> str:
        """The address for a browser on this machine: the gateway, called as the app ``console``; see ``console``."""
        return self._front_server.endpoint

    @property
    def console(self) -> str:
        """The address that lets a browser in; to be shown only to the cloud's owner."""
        return self._front.way_in(self.front)

    @property
    def smn_endpoint(self) -> str:
        """The address of SMN."""
        return self._message_server.endpoint

    @property
    def eventgrid_endpoint(self) -> str:
        """The address of EventGrid."""
        return self._message_server.endpoint

    @property
    def account_endpoint(self) -> str:
        """The address of the services that tell of the account: IAM, enterprise projects, Cloud Eye, CTS, billing."""
        return self._account_server.endpoint

    @property
    def user_data(self) -> dict[str, str]:
        """The user variables that lead a handler to this cloud (docs/settings.md)."""
        return {
            "LEGIBLE_REGION": self.region,
            "LEGIBLE_PROJECT_ID": self.project_id,
            "LEGIBLE_INPUT_BUCKET": INPUT_BUCKET,
            "LEGIBLE_OUTPUT_BUCKET": OUTPUT_BUCKET,
            "LEGIBLE_FAILURES_BUCKET": FAILURES_BUCKET,
            "LEGIBLE_OBS_ENDPOINT": self.obs_endpoint,
            "LEGIBLE_OBS_SIGNATURE": "v2",
            "LEGIBLE_OBS_PATH_STYLE": "true",
            "LEGIBLE_OCR_ENDPOINT": self.ocr_endpoint,
            "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": self.functiongraph_endpoint,
            "LEGIBLE_SMN_ENDPOINT": self.smn_endpoint,
            "LEGIBLE_EVENTGRID_ENDPOINT": self.eventgrid_endpoint,
            "LEGIBLE_ACCOUNT_ENDPOINT": self.account_endpoint,
        }

    def environment(self) -> dict[str, str]:
        """Return environment variables for a real SDK client, keys included: to be shown only to the cloud's owner."""
        region = self.region.upper().replace("-", "_")
        return {
            **self.user_data,
            "HUAWEICLOUD_SDK_AK": self.credentials.access,
            "HUAWEICLOUD_SDK_SK": self.credentials.secret,
            "HUAWEICLOUD_SDK_PROJECT_ID": self.project_id,
            f"HUAWEICLOUD_SDK_REGION_OCR_{region}": self.ocr_endpoint,
            f"HUAWEICLOUD_SDK_REGION_FUNCTIONGRAPH_{region}": self.functiongraph_endpoint,
            f"HUAWEICLOUD_SDK_REGION_SMN_{region}": self.smn_endpoint,
            f"HUAWEICLOUD_SDK_REGION_EG_{region}": self.eventgrid_endpoint,
            "HUAWEICLOUD_SDK_IAM_ENDPOINT": self.account_endpoint,
            **{f"HUAWEICLOUD_SDK_REGION_{name}_{region}": self.account_endpoint for name in ("CES", "CTS", "EPS")},
            # The SDKs of billing know one region each.
            "HUAWEICLOUD_SDK_REGION_BSS_CN_NORTH_1": self.account_endpoint,
            "HUAWEICLOUD_SDK_REGION_BSSINTL_AP_SOUTHEAST_1": self.account_endpoint,
            "OBS_ACCESS_KEY_ID": self.credentials.access,
            "OBS_SECRET_ACCESS_KEY": self.credentials.secret,
            "OBS_SERVER": self.obs_endpoint,
            "LEGIBLE_API": self.api_endpoint,
            "LEGIBLE_APP_CODE": self.app_code,
        }

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no function runs and no event waits, retries included; tell whether this was reached in time."""
        return self.functions.wait_idle(timeout)

    def ring(self, timer: str, at: datetime) -> None:
        """Fire the timer of that name for that time: its function is called as the platform calls it.

        Raises:
            KeyError: There is no such timer.
        """
        timers = {one.name: (key, one) for key, function in self.functions.functions.items() for one in function.timers}
        key, ringing = timers[timer]
        self.functions.invoke_async(key, ringing.event(at))

    def stop(self) -> None:
        """Stop at once; with a state folder the next start continues."""
        self.functions.stop()
        self.ocr.close()
        self.function_api.close()
        self.gateway.close()
        self.messages.close()
        self._account.close()
        for server in reversed(self._servers):  # what others lean on ends last
            server.stop()
        self.obs.close()
        if self._lock:
            self._lock.close()

    def __enter__(self) -> LocalCloud:
        """Return the running cloud."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _subscribed(self, urn: str) -> list[dict[str, Any]]:
        """Return the subscriptions of EventGrid that call the function of that URN."""
        mine = self.functions.functions.values() if self.function_api.envelope == "eventgrid" else ()
        found = next((one for one in mine if self.functions.urn(one.key) == urn), None)
        own = triggers.subscriptions(found, urn) if found else []
        return own + self.subscriptions.get(urn, [])

    def _subscribe(self, envelope: Envelope, encode_keys: bool) -> None:
        for key, function in self.functions.functions.items():
            for trigger in function.triggers:
                self.obs.create_bucket(trigger.bucket)
                self.obs.subscribe(
                    Subscription(
                        trigger.bucket,
                        lambda event, key=key: self.functions.invoke_async(key, event),  # type: ignore[misc]
                        trigger.events,
                        trigger.prefix,
                        trigger.suffix,
                        envelope,
                        encode_keys,
                    )
                )


def _below(state: Path | None, name: str) -> Path | None:
    """Return where a part keeps its state; None for memory only."""
    return state / name if state else None


def _lock(state: Path) -> IO[bytes]:
    """Lock the state folder: two clouds that write to one folder would lose what the other acknowledged."""
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise RuntimeError(f"another local cloud is running on {state}") from None
    return lock


def _account_key(keys: Keyring, state: Path | None) -> AccessKey:
    """Return the account's own key; kept in the state folder so that clients set up once still work after a restart."""
    file = state / "credentials.json" if state else None
    if file and file.exists():
        return keys.add(msgspec.json.decode(file.read_bytes(), type=AccessKey))
    key = keys.permanent()
    if file:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            output.write(msgspec.json.encode(key))
    return key
