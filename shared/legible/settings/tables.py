"""What can be set: the tables of ``legible.toml``, each with its settings and their defaults."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from legible.model.prices import Prices, Reconcile
from legible.notices.targets import Target, TargetName
from legible.operations.projects import ProjectRules
from legible.operations.routing import MaxPages, OperationSettings, Route
from legible.outbound import LOOPBACK, Addresses

Seconds = Annotated[float, Meta(gt=0, le=900)]

Bucket = Annotated[str, Meta(pattern=r"^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]

Region = Annotated[str, Meta(pattern=r"^$|^[a-z]{2,}(-[a-z]+)+-[0-9]+$")]

Endpoint = Annotated[str, Meta(pattern=r"^$|^https?://[^/?#\s]+$")]

FunctionName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,59}(:!?[A-Za-z0-9_.-]{1,63})?$")]

Id = Annotated[str, Meta(pattern=r"^$|^[0-9A-Za-z-]{1,64}$")]


class Cloud(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the function runs.

    ``domain_id`` is the account's id; IAM is asked for it where it is not set. Below ``account_endpoint`` all services
    are that tell of the account and have no endpoint of their own (cloudeye, cts, eps, iam, billing): the local cloud.
    """

    region: Region = ""
    project_id: Id = ""
    domain_id: Id = ""
    account_endpoint: Endpoint = ""


class Buckets(Struct, frozen=True, forbid_unknown_fields=True):
    """Where documents come from and results go; ``failures`` has the events that on_failure failed at, if it is set."""

    input: Bucket = ""
    output: Bucket = ""
    failures: Bucket = ""


class Obs(Struct, frozen=True, forbid_unknown_fields=True):
    """How OBS is reached; an empty endpoint is the region's own."""

    endpoint: Endpoint = ""
    signature: Literal["obs", "v2", "v4"] = "obs"
    path_style: bool = False


class Ocr(Struct, frozen=True, forbid_unknown_fields=True):
    """How OCR is called; an empty endpoint is the region's own.

    ``source`` is how the service reads a page (user guide, chapter 3): ``url`` by its own OBS authorization,
    ``signed-url`` by a URL that expires, ``public-url`` because everybody may, ``inline`` not at all: as Base64. The
    first and the third send the same, the object's plain URL; whoever checks a deployment must tell them apart. Where
    the service cannot read a URL, the page is sent inline, unless ``inline_fallback`` says not to: then it is held.
    ``enterprise_project`` is billed for documents that name no other one. ``window`` is how many pages of one document
    are called for at the same time.
    """

    endpoint: Endpoint = ""
    source: Literal["url", "signed-url", "public-url", "inline"] = "url"
    inline_fallback: bool = True
    enterprise_project: Id = ""
    attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    window: Annotated[int, Meta(ge=1, le=32)] = 4
    wait_seconds: tuple[Seconds, Seconds] = (2.0, 5.0)
    call_seconds: Seconds = 60.0
    connect_seconds: Seconds = 10.0
    signed_url_seconds: Annotated[int, Meta(ge=60, le=86400)] = 900


class Functions(Struct, frozen=True, forbid_unknown_fields=True):
    """How functions are called: by themselves when their time is over, and by the HTTP function.

    An empty endpoint is the region's own; or none, where the endpoints of OBS and OCR are both set by hand. ``upload``
    and ``timer`` name the functions on_upload and on_timer as they are deployed; after a colon a version, ``!alias``.
    """

    endpoint: Endpoint = ""
    upload: FunctionName = "legible-on-upload"
    timer: FunctionName = "legible-on-timer"


class Tenant(Struct, frozen=True, forbid_unknown_fields=True):
    """An application of the gateway, and the prefix of all keys that it sees and makes: a folder, with its slash."""

    app: Annotated[str, Meta(min_length=1, max_length=100)]
    prefix: Annotated[str, Meta(pattern=r"^[^/]([^/]*/)+$", max_length=200)]


class Http(Struct, frozen=True, forbid_unknown_fields=True):
    """Who sees what over HTTP; without tenants every application that the gateway lets in sees everything.

    ``app_header`` is the header that the API's definition sets to the application's id as a system parameter; it must
    be mapped there, or a client could name itself.
    """

    app_header: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", max_length=60)] = "x-legible-app"
    tenants: tuple[Tenant, ...] = ()


class ServiceEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a service of the vendor is called: SMN, EventGrid, Cloud Eye, CTS, EPS, IAM.

    An empty endpoint is the region's own; or none, where the endpoints of OBS and OCR are both set by hand.
    """

    endpoint: Endpoint = ""


class BillingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the vendor's sites bills the account, and where that is asked; an empty endpoint is the site's own."""

    endpoint: Endpoint = ""
    site: Literal["international", "china"] = "international"


class LedgerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How it is decided who may pay.

    ``settle_seconds`` is how long after an append the journal is read back: longer than two simultaneous appends can be
    apart. ``legible doctor --appends`` measures it.
    """

    arbiter: Literal["obs"] = "obs"
    settle_seconds: Seconds = 0.2


class PageLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on what is paid for. A document with more pages is held."""

    max_pages: MaxPages = 2000


class SweepSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the sweep repairs.

    An upload that nobody began to read is left alone for ``young_minutes``: its event may come yet. Uploads older than
    ``days``, or from before the day ``since`` (UTC), are counted, and not read: whoever wants that asks for it.
    """

    young_minutes: Annotated[float, Meta(ge=0, le=1440)] = 15.0
    days: Annotated[int, Meta(ge=1, le=3650)] = 7
    since: date | None = None


class Workbooks(Struct, frozen=True, forbid_unknown_fields=True):
    """Workbooks over many documents. An object called ``marker`` says that its folder is complete; empty for none."""

    marker: Annotated[str, Meta(pattern=r"^[^/]*$")] = "_complete"
    formats: Annotated[tuple[Literal["xlsx", "csv", "jsonl"], ...], Meta(min_length=1)] = ("xlsx",)


class AuditSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The audit trail.

    ``key`` names the user variable with the key that seals its lines; empty for no seals. ``downloads`` says whether
    results that are fetched over HTTP are audited.
    """

    key: Annotated[str, Meta(pattern=r"^$|^[A-Z][A-Z0-9_]{0,63}$")] = ""
    downloads: bool = True


class RetentionRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How long documents are kept, by the first rule whose pattern ``match`` their key matches.

    ``after_days`` days after the upload the document is forgotten (``legible forget``). What ``keep`` names stays: with
    ``results`` only the upload, its pages and its answers are removed.
    """

    match: str
    after_days: Annotated[int, Meta(ge=1, le=36500)]
    keep: tuple[Literal["results"], ...] = ()


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Telemetry(Struct, frozen=True, forbid_unknown_fields=True):
    """Where traces go: a collector's URL for OTLP over HTTP, with its path; empty for nowhere.

    It takes a package with OpenTelemetry in it: ``make package OPTIONS=--telemetry``.
    """

    endpoint: Annotated[str, Meta(pattern=r"^$|^https?://[^/?#\s]+/[^?#\s]+$")] = ""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. ``default`` reads what no folder or route names. ``routes``, ``retention``: the first that fits."""

    cloud: Cloud = Cloud()
    buckets: Buckets = Buckets()
    obs: Obs = Obs()
    ocr: Ocr = Ocr()
    functions: Functions = Functions()
    http: Http = Http()
    smn: ServiceEndpoint = ServiceEndpoint()
    eventgrid: ServiceEndpoint = ServiceEndpoint()
    cloudeye: ServiceEndpoint = ServiceEndpoint()
    cts: ServiceEndpoint = ServiceEndpoint()
    eps: ServiceEndpoint = ServiceEndpoint()
    iam: ServiceEndpoint = ServiceEndpoint()
    billing: BillingSettings = BillingSettings()
    ledger: LedgerSettings = LedgerSettings()
    limits: PageLimits = PageLimits()
    sweep: SweepSettings = SweepSettings()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()
    telemetry: Telemetry = Telemetry()
    workbooks: Workbooks = Workbooks()
    prices: Prices = Prices()
    reconcile: Reconcile = Reconcile()
    projects: ProjectRules = ProjectRules()
    default: str = ""
    routes: tuple[Route, ...] = ()
    retention: tuple[RetentionRule, ...] = ()
    operations: dict[str, OperationSettings] = {}
    notify: dict[TargetName, Target] = {}

    @property
    def isolated(self) -> bool:
        """Whether this is a setup apart from the cloud: then only endpoints that are set by hand are reached."""
        return bool(self.obs.endpoint and self.ocr.endpoint)

    def addresses(self) -> Addresses:
        """Return what opens the URLs of webhooks: public ones; in an isolated setup, this machine's too."""
        return Addresses(LOOPBACK if self.isolated else ())
