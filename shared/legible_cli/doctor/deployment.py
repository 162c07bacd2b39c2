"""Every check of a deployment that takes keys, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import yaml

from legible.huawei import ocr
from legible.huawei.account import Access
from legible.ledger.probes import ProbeLog
from legible.operations.operation import Operation
from legible.ports import Site
from legible.recognition import probe
from legible.recognition.probe import HealthCheck
from legible.wiring import adapters
from legible.wiring.account import Account
from legible.wiring.parts import DOCUMENT_SECONDS, at_desk
from legible_cli.doctor import account, appends, buckets, functions, offers, regions, waiting, watching
from legible_cli.doctor.agencies import AgencyInspector
from legible_cli.doctor.endpoints import SECONDS, YOU, Endpoints
from legible_cli.doctor.granted import Agencies
from legible_cli.doctor.inspector import Inspector
from legible_cli.doctor.outcomes import unknown
from legible_cli.doctor.reading import Reading
from legible_cli.doctor.storage import Storage

_LISTED = Path(__file__).resolve().parents[3] / "serverless.yml"


class Deployment:
    """Checks a deployment; what hangs on a check that failed is not made, for it would only fail for the same reason.

    Args:
        endpoints: Where the vendor's APIs are asked.
        used: The operations that the settings name.
        package: The application of the functions.
    """

    def __init__(self, endpoints: Endpoints, used: list[Operation], package: str) -> None:
        """Ask nothing yet."""
        self.inspector = Inspector(endpoints)
        self._endpoints = endpoints
        self._settings = endpoints.settings
        self._used = used
        self._package = package
        self._pages = regions.read()
        self._store = adapters.store_of(self._settings, endpoints.credentials)
        self._storage = Storage(self._settings, endpoints.credentials)
        self._reading = Reading(self._settings, self._store, self._storage)

    def checks(self, appending: bool, flows: bool) -> Iterator[HealthCheck]:
        """Yield the checks.

        Args:
            appending: Whether to measure simultaneous appends, by a probe that is written and removed.
            flows: Whether function flows are to be used.
        """
        settings, inspector = self._settings, self.inspector
        of_buckets = list(self._buckets())
        yield from of_buckets
        if all(one.status == "ok" for one in of_buckets if one.name.endswith("-bucket")):
            yield self._reading.public()
            if appending:
                keys = self._endpoints.credentials
                yield appends.appends(lambda: adapters.store_of(settings, keys), settings)
            yield buckets.uploads(self._store, settings, lambda: datetime.now(timezone.utc))
        yield account.enterprise_project(inspector, settings)
        mine = account.project(inspector, settings)
        yield mine
        if mine.status != "failed":
            yield from self._offers(flows)
            yield from self._functions(all(one.status != "failed" for one in of_buckets))
            yield account.quotas(inspector)
            yield from self._watched()
            yield from self._calls()

    def _buckets(self) -> Iterator[HealthCheck]:
        for which, name in (("input", self._settings.buckets.input), ("output", self._settings.buckets.output)):
            yield from buckets.bucket(self._storage, which, name, self._settings)

    def _offers(self, flows: bool) -> Iterator[HealthCheck]:
        """Yield what the region offers of what is configured."""
        inspector, settings, package = self.inspector, self._settings, self._package
        where = offers.Region(self._endpoints)
        yield offers.trigger_types(where, inspector, package, settings, self._pages)
        yield offers.runtimes(where, inspector, package, settings, _runtime(), self._pages)
        yield offers.flows(where, settings, self._pages, flows)

    def _functions(self, in_buckets: bool) -> Iterator[HealthCheck]:
        """Yield what is seen of the functions, and of what they may do."""
        inspector, settings, package = self.inspector, self._settings, self._package
        if in_buckets:
            yield functions.function(inspector, package, settings)
            looking = AgencyInspector(self._endpoints, inspector)
            yield Agencies(inspector, looking, settings, package, self._pages).check()
        yield functions.trigger(inspector, package, settings)
        yield waiting.trusted(self._endpoints, inspector, package, settings)
        yield functions.retries(inspector, package, settings)
        queue = waiting.Queue(self._endpoints, package)
        yield queue.dropped()
        yield queue.age()
        if settings.notify:
            yield functions.notices(inspector, package, settings)

    def _watched(self) -> Iterator[HealthCheck]:
        """Yield whether the services hear of this deployment that tell of the account."""
        settings = self._settings
        access = Access(self._endpoints.credentials, settings.cloud.project_id, YOU, SECONDS)
        services = Account(settings, access)
        yield watching.traced(services.traces, settings)
        yield watching.counted(services.metrics, settings)
        yield watching.told(services.metrics, settings)

    def _calls(self) -> Iterable[HealthCheck]:
        """Ask the OCR service itself, by calls that fail and so are not billed."""
        settings = self._settings
        if not self._used:
            advice = "Name one: legible doctor --operation passport"
            yield unknown("subscription", "The settings name no operation to ask for.", advice)
            return
        recognizer = ocr.OcrRecognizer(
            lambda slug: adapters.ocr_endpoint(settings, slug),
            self._endpoints.credentials,
            settings.cloud.project_id,
            connect_seconds=settings.ocr.connect_seconds,
        )
        site = Site(self._store, settings.buckets.input, settings.buckets.output)
        note = ProbeLog(site, at_desk("doctor", DOCUMENT_SECONDS, self._store), "doctor").note
        subscriptions = {one.slug: probe.subscription(recognizer, one, note) for one in self._used}
        yield from subscriptions.values()
        asked = next((one for one in self._used if one.url and subscriptions[one.slug].status == "ok"), None)
        if asked:
            yield from self._reading.ways(recognizer, asked, note)
        else:
            yield unknown("obs-authorization", "No operation that reads URLs may be called to ask.")


def _runtime() -> str:
    """Return the runtime that serverless.yml has for all functions."""
    return str(yaml.safe_load(_LISTED.read_text("utf-8"))["provider"]["runtime"])
