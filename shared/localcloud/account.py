"""The services that tell of the account, at one address: IAM, enterprise projects, Cloud Eye, CTS, billing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from localcloud.billing import LocalBilling
from localcloud.cloudeye import LocalCloudEye
from localcloud.cts import LocalCts
from localcloud.cts.traces import SUBSCRIBE, UNSUBSCRIBE
from localcloud.eps import LocalEps
from localcloud.functiongraph import FunctionGraph
from localcloud.iam.account import LocalAccount
from localcloud.iam.credentials import Keyring
from localcloud.ocr import LocalOcr
from localcloud.routes import RoutedApi
from localcloud.web import Environ, Server, StartResponse, raw_uri

_NAMES = {"subscribe": SUBSCRIBE, "unsubscribe": UNSUBSCRIBE}


class AccountServices:
    """A WSGI application that gives each request to the service whose API it is for; IAM gets what no other knows.

    What OCR counts is what Cloud Eye and billing tell of, and a subscription to it is recorded by CTS.
    """

    def __init__(self, keys: Keyring, project_id: str, region: str, ocr: LocalOcr, state: Path | None = None) -> None:
        """Serve one account.

        Args:
            keys: Its access keys.
            project_id: Its only project.
            region: The project's region.
            ocr: The account's OCR.
            state: A folder for what they keep, below a folder of each.
        """
        self.iam = LocalAccount(keys, project_id, region)
        self.eps = LocalEps(keys, project_id)
        self.cloudeye = LocalCloudEye(
            keys, project_id, lambda: ocr.journal.calls, state / "cloudeye" if state else None
        )
        self.cts = LocalCts(keys, project_id, state / "cts" if state else None)
        self.billing = LocalBilling(keys, project_id, region, lambda: ocr.journal.calls)
        self.billing.project_names = lambda: {one.id: one.name for one in self.eps.projects}
        ocr.on_subscription = lambda what, slug, user: self.cts.record(_NAMES[what], slug, user=user)

    @property
    def routed(self) -> tuple[RoutedApi, ...]:
        """All but IAM."""
        return self.eps, self.cloudeye, self.cts, self.billing

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = raw_uri(environ).partition("?")[0]
        return next((one for one in self.routed if one.serves(path)), self.iam)(environ, start_response)

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def connect(self, functions: FunctionGraph) -> None:
        """Send recorded operations to the functions that have a trigger for them; let kills reach instances."""
        for service in self.routed:
            service.on_kill = functions.kill_instance
        for key, function in functions.functions.items():
            for trigger in function.audits:
                self.cts.watchers.append(
                    (trigger.watched, lambda event, key=key: functions.invoke_async(key, event))  # type: ignore[misc]
                )

    def close(self) -> None:
        """Let go of calls that are held on purpose."""
        for service in self.routed:
            service.close()
