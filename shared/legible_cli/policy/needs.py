"""What each role must be able to do, from settings and catalog: one entry for each action on each resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from legible.model import layout
from legible.notices.targets import EventGrid, Smn
from legible.operations.catalog import OPERATIONS
from legible.operations.operation import Operation
from legible.settings import Settings
from legible_cli.policy import templates

Scope = Literal["global", "project"]
#: What IAM can permit of an OCR API: who is subscribed, and nothing of recognition (user guide, table 10-2).
READ = ("getSubscribeUserList",)
SUBSCRIBE = ("subscribe", "unsubscribe", "getSubscribeUserList", "subscribeAllUsers", "unsubscribeAllUsers")
#: The system policy that lets somebody call OCR APIs; no custom policy can (user guide 10.1, and its action table).
CALLS_OCR = "OCR ReadOnlyAccess"
_LISTED, _READ, _WRITTEN, _REMOVED = (
    "obs:bucket:ListBucket", "obs:object:GetObject", "obs:object:PutObject", "obs:object:DeleteObject",
)  # fmt: skip
#: What `legible doctor` reads of a bucket (bucket actions, obs_04_0111).
_LOOKED_AT = (
    "obs:bucket:HeadBucket",
    "obs:bucket:GetBucketLocation",
    "obs:bucket:GetBucketVersioning",
    "obs:bucket:GetReplicationConfiguration",
    "obs:bucket:GetBucketObjectLockConfiguration",
    "obs:bucket:GetBucketPublicStatus",
    "obs:bucket:GetBucketPolicy",
)
#: What `legible doctor` reads of agencies and of what they are granted.
_AGENCIES = (
    "agencies:listAgencies",
    "permissions:listRolesForAgencyOnProject",
    "permissions:listRolesForAgencyOnDomain",
    "permissions:listRolesForAgency",
    "roles:getRole",
)
#: What Terraform reads of a bucket at each plan, set or not (provider, obs_bucket); the names are those of obs_04_0111.
_PLANNED = (
    "obs:bucket:GetBucketStoragePolicy",
    "obs:bucket:GetBucketLogging",
    "obs:bucket:GetBucketQuota",
    "obs:bucket:GetBucketWebsite",
    "obs:bucket:GetBucketStorage",
    "obs:bucket:GetBucketCustomDomainConfiguration",
)
#: The zip has tags (obs_bucket_object).
_TAGGED = ("obs:object:PutObjectTagging", "obs:object:GetObjectTagging", "obs:object:DeleteObjectTagging")
#: What makes a bucket, sets it up and removes it again (obs_04_0111); the notification is the trigger's.
_MADE = (
    "obs:bucket:CreateBucket",
    "obs:bucket:DeleteBucket",
    "obs:bucket:ListBucket",
    "obs:bucket:PutBucketPolicy",
    "obs:bucket:GetBucketPolicy",
    "obs:bucket:DeleteBucketPolicy",
    "obs:bucket:PutBucketVersioning",
    "obs:bucket:PutLifecycleConfiguration",
    "obs:bucket:GetLifecycleConfiguration",
    "obs:bucket:PutEncryptionConfiguration",
    "obs:bucket:GetEncryptionConfiguration",
    "obs:bucket:PutBucketTagging",
    "obs:bucket:GetBucketTagging",
    "obs:bucket:DeleteBucketTagging",
    "obs:bucket:PutBucketCORS",
    "obs:bucket:GetBucketCORS",
    "obs:bucket:GetBucketNotification",
    "obs:bucket:PutBucketNotification",
)
#: Folders of the output bucket by what lies there. Paid answers and journals are never removed, by nobody.
_REPLACED = ("results/", "workbooks/", layout.AUDIT_PENDING, layout.CHANGES, layout.OUTBOX, layout.WAITING, layout.HELD)
_JOURNALS = ("ledger/", "notices/log/", "audit/", "reports/")
_REVIEWED = ("results/", "answers/", "ledger/")
#: What `legible reconcile` asks of Cloud Eye. No role may see packages unasked (bss:order:view): that shows all orders.
_COUNTED = ("ces:metrics:list", "ces:metricData:list")


#: All triggers of the project: read by whoever looks at a deployment.
TRIGGERS = "FUNCTIONGRAPH:*:*:trigger:*"


class Need(Struct, frozen=True, order=True):
    """An action on a resource, both as a policy names them; an empty resource for a service that knows none."""

    scope: Scope
    action: str
    resource: str = ""


#: Whether an enterprise project exists and is enabled; EPS knows no resources.
_PROJECTS = Need("global", "eps:enterpriseProjects:list")


def bucket(name: str) -> str:
    """Return the resource of a bucket; OBS is global and knows no region in it."""
    return f"obs:*:*:bucket:{name}"


def objects(name: str, prefix: str = "") -> str:
    """Return the resource of all objects of a bucket whose keys begin with ``prefix``."""
    return f"obs:*:*:object:{name}/{prefix}*"


def function(name: str, package: str = "default") -> str:
    """Return the resource of a function by its name, without version or alias."""
    return f"FUNCTIONGRAPH:*:*:function:{package}/{name.partition(':')[0]}"


def in_use(settings: Settings) -> tuple[str, ...]:
    """Return the slugs that settings name; all of the catalog where they name none: a folder may name any."""
    named = {route.operation for route in settings.routes} | set(settings.operations)
    slugs = (named | {settings.default}) - {""}
    return tuple(sorted(slugs or OPERATIONS))


def ocr(operations: Iterable[Operation], verbs: Iterable[str]) -> set[Need]:
    """Return the needs of subscriptions; an operation whose IAM name no source gives has none."""
    verbs = tuple(verbs)
    return {Need("project", f"ocr:{one.iam}:{verb}") for one in operations if one.iam for verb in verbs}


def of_function(settings: Settings, operations: Iterable[Operation], package: str = "default") -> set[Need]:
    """Return what the functions do: read uploads and put those that come by HTTP, keep results, call themselves.

    What fails for good is told by the platform in the function's name: it calls on_failure, or keeps the event.
    """
    del operations  # IAM cannot tell one OCR API's calls from another's
    source, target = settings.buckets.input, settings.buckets.output
    kept = failures(settings)
    needs = {
        *_globally(bucket(source), _LISTED),
        *_globally(objects(source), _READ, "obs:object:GetObjectVersion", _WRITTEN),
        *_globally(bucket(target), _LISTED),
        *(need for own in layout.OWN for need in _globally(objects(target, own), _READ, _WRITTEN)),
        *(need for own in _REPLACED for need in _globally(objects(target, own), _REMOVED)),
        # What a failure destination in OBS takes (functiongraph_01_0390_03).
        *_globally(objects(kept, "failures/"), _WRITTEN),
        *_globally(bucket(kept), "obs:bucket:HeadBucket", "obs:bucket:CreateBucket"),
        # What on_failure failed at is gone on with.
        *_globally(bucket(kept), _LISTED),
        *_globally(objects(kept, "failures/on_failure/"), _READ, _REMOVED),
        # What CTS recorded joins the audit trail.
        Need("project", "cts:trace:list"),
        # Any upload may name a project in its metadata.
        _PROJECTS,
    }
    for name in (settings.functions.upload, settings.functions.timer, beside(settings, "failure")):
        needs.add(Need("project", "functiongraph:function:invokeAsync", function(name, package)))
    # Numbers of our own are written, and the console shows what Cloud Eye counted.
    needs |= {Need("project", action) for action in ("ces:metricData:create", *_COUNTED)}
    kinds = {type(one) for one in settings.notify.values()}
    if Smn in kinds:
        needs.add(Need("project", "smn:topic:publish"))
    if EventGrid in kinds:
        needs.add(Need("project", "eg:channels:putEvents"))
    return needs


def of_operator(settings: Settings, operations: Iterable[Operation], package: str = "default") -> set[Need]:
    """Return what commands do to documents, usage and subscriptions, what `doctor` looks at, and uploads."""
    source, target = settings.buckets.input, settings.buckets.output
    return {
        *_globally(bucket(source), _LISTED, *_LOOKED_AT),
        *_globally(objects(source), _READ, "obs:object:GetObjectVersion", _WRITTEN),
        *_globally(bucket(target), _LISTED, *_LOOKED_AT),
        *(need for own in layout.OWN for need in _globally(objects(target, own), _READ, _WRITTEN)),
        *(need for own in _REPLACED for need in _globally(objects(target, own), _REMOVED)),
        *ocr(operations, SUBSCRIBE),
        *(Need("project", action) for action in _COUNTED),
        *_looked_at(settings, package),
        Need("project", "functiongraph:function:invokeAsync", function(settings.functions.upload, package)),
        *([_PROJECTS] if _names_projects(settings) else []),
    }


def of_reviewer(settings: Settings, operations: Iterable[Operation], package: str = "default") -> set[Need]:
    """Return what `legible review` does: corrections come in, results are made anew; no call, no upload."""
    del operations, package
    source, target = settings.buckets.input, settings.buckets.output
    return {
        *_globally(objects(source), _READ, "obs:object:GetObjectVersion"),
        *_globally(bucket(target), _LISTED),
        *(need for own in _REVIEWED for need in _globally(objects(target, own), _READ, _WRITTEN)),
        *_globally(objects(target, layout.CHANGES), _WRITTEN),
        *_globally(objects(target, "results/"), _REMOVED),
        # An export is audited.
        *_globally(objects(target, layout.AUDIT_PENDING), _WRITTEN),
    }


def of_auditor(settings: Settings, operations: Iterable[Operation], package: str = "default") -> set[Need]:
    """Return what is read to see who did what, and what was paid: nothing that was recognized is among it."""
    target = settings.buckets.output
    return {
        *_globally(bucket(target), _LISTED, *_LOOKED_AT),
        *(need for own in _JOURNALS for need in _globally(objects(target, own), _READ)),
        # What an auditor writes to a file of their own is audited, too.
        *_globally(objects(target, layout.AUDIT_PENDING), _WRITTEN),
        *ocr(operations, READ),
        *(Need("project", action) for action in _COUNTED),
        *_looked_at(settings, package),
    }


def of_deployer(settings: Settings, operations: Iterable[Operation], package: str = "default") -> set[Need]:
    """Return what sets everything up and takes it down: `make deploy`, `deploy-serverless` and `destroy`."""
    code = f"{settings.buckets.output}-code"  # where infra/terraform puts the zip, unless it is told otherwise
    names = (settings.buckets.input, settings.buckets.output, code, failures(settings))
    functions = function("legible-*", package)
    return {
        *(need for name in names for need in _globally(bucket(name), *_MADE, *_PLANNED, *_LOOKED_AT)),
        *_globally(objects(code), _READ, _WRITTEN, _REMOVED, *_TAGGED),
        # Where infra/ci/backend.tf.example keeps Terraform's state; the bucket itself is made before, by hand.
        *_globally(bucket(f"{settings.buckets.output}-state"), _LISTED),
        *_globally(objects(f"{settings.buckets.output}-state"), _READ, _WRITTEN, _REMOVED),
        *ocr(operations, SUBSCRIBE),
        *(
            Need("global" if action.partition(":")[0] in templates.ACCOUNTS else "project", action)
            for action in templates.actions()
        ),
        # What was deployed is looked for among all functions.
        Need("project", "functiongraph:function:list", function("*", package)),
        # Functions and triggers are made, changed and removed; all of their actions, on Legible's own functions only.
        Need("project", "functiongraph:function:*", functions),
        Need("project", "functiongraph:trigger:*", functions),
    }


def beside(settings: Settings, which: str) -> str:
    """Return the name of on_failure or on_notices, which no setting says: it is called as on_upload is."""
    return settings.functions.upload.partition(":")[0].removesuffix("upload") + which


def prefix(settings: Settings) -> str:
    """Return what the names of all functions begin with; empty where on_upload is not called as the others are."""
    name = settings.functions.upload.partition(":")[0]
    return name.removesuffix("on-upload") if name.endswith("-on-upload") else ""


def _globally(resource: str, *actions: str) -> set[Need]:
    return {Need("global", action, resource) for action in actions}


def _looked_at(settings: Settings, package: str) -> set[Need]:
    mine = {function(settings.functions.upload, package)}
    if settings.notify:
        mine.add(function(beside(settings, "notices"), package))
    every = {*mine, function(f"{prefix(settings)}*", package)} if prefix(settings) else mine
    return {
        # Which rights the agencies have; IAM is a global service (actions of agencies and permissions, api-iam).
        *(Need("global", f"iam:{action}") for action in _AGENCIES),
        # Which bucket a trigger of EventGrid watches.
        Need("project", "eg:subscriptions:list"),
        # Actions of triggers and policies are on no page that could be read; these are reads, of our own functions. A
        # trigger is a resource by its id (functiongraph_01_0407), which nobody knows before it is made.
        *(
            Need("project", f"functiongraph:trigger:{verb}*", place)
            for verb in ("get", "list")
            for place in (*mine, TRIGGERS)
        ),
        *(Need("project", "functiongraph:function:get*", place) for place in every),
        # Whether CTS knows OCR, and which series Cloud Eye has.
        Need("project", "cts:operation:list"),
        Need("project", "ces:metrics:list"),
        # How much of the quotas is used is told of all functions together.
        Need("project", "functiongraph:function:list", function("*", package)),
    }


def _names_projects(settings: Settings) -> bool:
    """Tell whether settings name any enterprise project."""
    named = [settings.ocr.enterprise_project, *(route.project for route in settings.routes)]
    return any(named) or bool(settings.projects.folders)


def failures(settings: Settings) -> str:
    """Return the bucket that keeps what failed for good; as infra/terraform calls it, unless it is told otherwise."""
    return settings.buckets.failures or f"{settings.buckets.output}-failures"
