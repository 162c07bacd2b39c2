"""Settings: ``legible.toml`` in the zip, single values overridden by the function's user variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from legible.errors import RejectedError, SettingsError
from legible.notices.targets import Target, TargetName, Webhook
from legible.operations.routing import MaxPages, OperationSettings, Route, checked_options
from legible.outbound import LOOPBACK, Addresses
from legible.outputs import forms

Seconds = Annotated[float, Meta(gt=0, le=900)]
Bucket = Annotated[str, Meta(pattern=r"^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Region = Annotated[str, Meta(pattern=r"^$|^[a-z]{2,}(-[a-z]+)+-[0-9]+$")]
Endpoint = Annotated[str, Meta(pattern=r"^$|^https?://[^/?#\s]+$")]
FunctionName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,59}(:!?[A-Za-z0-9_.-]{1,63})?$")]
Id = Annotated[str, Meta(pattern=r"^$|^[0-9A-Za-z-]{1,64}$")]


class Cloud(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the function runs."""

    region: Region = ""
    project_id: Id = ""


class Buckets(Struct, frozen=True, forbid_unknown_fields=True):
    """Where documents come from and results go."""

    input: Bucket = ""
    output: Bucket = ""


class Obs(Struct, frozen=True, forbid_unknown_fields=True):
    """How OBS is reached; an empty endpoint is the region's own."""

    endpoint: Endpoint = ""
    signature: Literal["obs", "v2", "v4"] = "obs"
    path_style: bool = False


class Ocr(Struct, frozen=True, forbid_unknown_fields=True):
    """How OCR is called; an empty endpoint is the region's own.

    ``source``: the object's plain URL, read by the service's own OBS authorization; a signed URL; or inline Base64.
    ``enterprise_project`` is billed for every call. ``window`` is how many pages of one document are called for at the
    same time.
    """

    endpoint: Endpoint = ""
    source: Literal["url", "signed-url", "inline"] = "url"
    enterprise_project: Id = ""
    attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    window: Annotated[int, Meta(ge=1, le=32)] = 4
    wait_seconds: tuple[Seconds, Seconds] = (2.0, 5.0)
    call_seconds: Seconds = 60.0
    connect_seconds: Seconds = 10.0
    signed_url_seconds: Annotated[int, Meta(ge=60, le=86400)] = 900


class Functions(Struct, frozen=True, forbid_unknown_fields=True):
    """How functions are called: by themselves for what does not fit into their time, and by the HTTP function.

    An empty endpoint is the region's own; or none, where the endpoints of OBS and OCR are both set by hand. ``upload``
    and ``timer`` name the functions on_upload and on_timer as they are deployed; behind a colon a version, ``!alias``.
    """

    endpoint: Endpoint = ""
    upload: FunctionName = "legible-on-upload"
    timer: FunctionName = "legible-on-timer"


class Tenant(Struct, frozen=True, forbid_unknown_fields=True):
    """An application of the gateway, and what all keys begin with that it sees and makes: a folder, with its slash."""

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
    """Where SMN or EventGrid is called.

    An empty endpoint is the region's own; or none, where the endpoints of OBS and OCR are both set by hand.
    """

    endpoint: Endpoint = ""


class LedgerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may pay. ``settle_seconds`` is how long after a claim the journal is read back."""

    arbiter: Literal["obs"] = "obs"
    settle_seconds: Seconds = 0.2


class PageLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """What is not paid for unasked. A document of more pages is held; its journal has room for about 4,900."""

    max_pages: MaxPages = 2000


class Workbooks(Struct, frozen=True, forbid_unknown_fields=True):
    """Workbooks over many documents. An object called ``marker`` says that its folder is complete; empty for none."""

    marker: Annotated[str, Meta(pattern=r"^[^/]*$")] = "_complete"
    formats: Annotated[tuple[Literal["xlsx", "csv", "jsonl"], ...], Meta(min_length=1)] = ("xlsx",)


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. ``default`` reads what no folder and no route names; ``routes`` are tried in their order."""

    cloud: Cloud = Cloud()
    buckets: Buckets = Buckets()
    obs: Obs = Obs()
    ocr: Ocr = Ocr()
    functions: Functions = Functions()
    http: Http = Http()
    smn: ServiceEndpoint = ServiceEndpoint()
    eventgrid: ServiceEndpoint = ServiceEndpoint()
    ledger: LedgerSettings = LedgerSettings()
    limits: PageLimits = PageLimits()
    log: LogSettings = LogSettings()
    workbooks: Workbooks = Workbooks()
    default: str = ""
    routes: tuple[Route, ...] = ()
    operations: dict[str, OperationSettings] = {}
    notify: dict[TargetName, Target] = {}

    @property
    def isolated(self) -> bool:
        """Tell whether this is a setup apart from the cloud: nothing is reached then but what is set by hand."""
        return bool(self.obs.endpoint and self.ocr.endpoint)

    def addresses(self) -> Addresses:
        """Return what opens the URLs of webhooks: public ones; where the setup stands apart, this machine's too."""
        return Addresses(LOOPBACK if self.isolated else ())


#: User variable -> its place in the settings. The names are fixed: deployments use them.
VARIABLES: dict[str, tuple[str, str]] = {
    "LEGIBLE_REGION": ("cloud", "region"),
    "LEGIBLE_PROJECT_ID": ("cloud", "project_id"),
    "LEGIBLE_INPUT_BUCKET": ("buckets", "input"),
    "LEGIBLE_OUTPUT_BUCKET": ("buckets", "output"),
    "LEGIBLE_OBS_ENDPOINT": ("obs", "endpoint"),
    "LEGIBLE_OBS_SIGNATURE": ("obs", "signature"),
    "LEGIBLE_OBS_PATH_STYLE": ("obs", "path_style"),
    "LEGIBLE_OCR_ENDPOINT": ("ocr", "endpoint"),
    "LEGIBLE_SOURCE": ("ocr", "source"),
    "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ("functions", "endpoint"),
    "LEGIBLE_UPLOAD_FUNCTION": ("functions", "upload"),
    "LEGIBLE_TIMER_FUNCTION": ("functions", "timer"),
    "LEGIBLE_SMN_ENDPOINT": ("smn", "endpoint"),
    "LEGIBLE_EVENTGRID_ENDPOINT": ("eventgrid", "endpoint"),
    "LEGIBLE_LOG_LEVEL": ("log", "level"),
}
_FLAGS = {"true": True, "false": False}
#: What must be set somewhere.
_REQUIRED = ("LEGIBLE_REGION", "LEGIBLE_INPUT_BUCKET", "LEGIBLE_OUTPUT_BUCKET")
#: What a pattern means in words, for the person who met it.
_MEANS = {
    "buckets": "a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-'",
    "region": "a region's id, such as ap-southeast-1",
    "endpoint": "http:// or https:// and a host, with no path, such as https://obs.ap-southeast-1.myhuaweicloud.com",
    "project_id": "the project's id: letters, digits and '-'",
    "upload": "a function's name, and behind a colon a version or !alias",
    "timer": "a function's name, and behind a colon a version or !alias",
    "app_header": "a header's name in lower case",
    "tenants": "a list of tables with an app's id and a prefix, a folder with its slash",
    "marker": "a name without '/', such as _complete; empty for none",
    "formats": "a list of one or more of xlsx, csv, jsonl",
    "enterprise_project": "the enterprise project's id: letters, digits and '-'",
}
#: The same for targets.
_TARGET_MEANS = {
    "match": "a pattern of keys; * also crosses /",
    "on": "a list of one or more of done, partial, rejected, held, dead",
    "fields": "a list of the names of fields whose values go with the notice",
    "topic_urn": "a topic's URN, urn:smn:<region>:<project>:<topic>",
    "channel_id": "a custom channel's id",
    "source": "the name of the channel's custom event source",
    "url": "an https:// URL on port 443 or 8443, of a public host",
    "secret": "the name of the user variable that holds the secret, in capitals; never the secret itself",
}


def load(file: Path | None, variable: Callable[[str], str | None]) -> Settings:
    """Read and check the settings.

    Args:
        file: ``legible.toml``; None, or a file that is not there, stands for an empty one.
        variable: Returns a user variable's value, or nothing (``context.getUserData``).

    Raises:
        SettingsError: Names the file or variable, the key, what was found and what is allowed.
    """
    values = _file(file) if file is not None and file.is_file() else {}
    origin = str(file.name) if file is not None else "legible.toml"
    set_by = _override(values, variable)
    _check_targets(values.get("notify"), origin)
    settings = _converted(values, origin, set_by)
    for name in _REQUIRED:
        section, key = VARIABLES[name]
        if not getattr(getattr(settings, section), key):
            raise SettingsError(
                f"{origin}: {section}.{key} is not set.", advice=f"Set it there, or the user variable {name}."
            )
    _check_routes(settings, origin)
    _check_urls(settings, origin)
    _check_tenants(settings, origin)
    if file is not None:
        _check_forms(settings, origin, file.parent)
    return settings


def _file(file: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except ValueError as error:
        raise SettingsError(f"{file.name} is not TOML: {error}.", advice="Mend the line it names.") from None


def _override(values: dict[str, Any], variable: Callable[[str], str | None]) -> dict[tuple[str, str], str]:
    """Put the user variables into ``values``; return which place each one set."""
    set_by = {}
    for name, (section, key) in VARIABLES.items():
        text = variable(name)
        if text is None or not str(text).strip():
            continue
        value: Any = str(text).strip()
        if key == "path_style":
            value = _FLAGS.get(value.lower(), value)
        if key == "level":
            value = value.upper()
        if key == "endpoint":
            value = (value if "://" in value else f"https://{value}").rstrip("/")
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
        set_by[section, key] = name
    return set_by


def _converted(values: dict[str, Any], origin: str, set_by: dict[tuple[str, str], str]) -> Settings:
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise _explained(str(error), values, origin, set_by) from None


def _explained(message: str, values: dict[str, Any], origin: str, set_by: dict[tuple[str, str], str]) -> SettingsError:
    """Turn a validation error into place, value found, and what is allowed."""
    what, _, path = message.partition(" - at `$")
    steps = re.findall(r"\.([\w-]+)|\[(\d+)\]|\[(\.\.\.)\]", path.rstrip("`"))
    keys = [name or number or "..." for name, number, _ in steps]
    place = ".".join(keys)
    name = set_by.get((keys[0], keys[1])) if len(keys) == 2 else None
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    unknown = re.search(r"unknown field `(.+)`", what)
    if unknown:
        where = f"[{place}]" if place else "the file"
        return SettingsError(
            f"{origin}: {where} has no setting {unknown[1]!r}.", advice=f"It has: {_allowed_keys(keys)}."
        )
    meaning = _MEANS.get(keys[-1] if keys else "", _MEANS["buckets"] if keys[:1] == ["buckets"] else what)
    allowed = _choices(keys) or meaning
    return SettingsError(
        f"{name or f'{origin}: {place}'} is {found!r}." if found is not None else f"{origin}: {place or what}.",
        advice=f"Allowed is: {allowed}.",
    )


_TABLES: dict[str, type[Struct]] = {
    "cloud": Cloud,
    "buckets": Buckets,
    "obs": Obs,
    "ocr": Ocr,
    "functions": Functions,
    "http": Http,
    "smn": ServiceEndpoint,
    "eventgrid": ServiceEndpoint,
    "ledger": LedgerSettings,
    "limits": PageLimits,
    "log": LogSettings,
    "workbooks": Workbooks,
    "routes": Route,
    "operations": OperationSettings,
}


def _struct_at(keys: list[str]) -> type[Struct] | None:
    return _TABLES.get(keys[0]) if keys else Settings


def _allowed_keys(keys: list[str]) -> str:
    kind = _struct_at(keys)
    return ", ".join(field.name for field in msgspec.structs.fields(kind)) if kind else "nothing"


def _choices(keys: list[str]) -> str:
    kind = _struct_at(keys[:1])
    for field in msgspec.structs.fields(kind) if kind and len(keys) == 2 else ():
        if field.name == keys[1]:
            info = msgspec.inspect.type_info(field.type)
            if isinstance(info, msgspec.inspect.LiteralType):
                return ", ".join(str(value) for value in info.values)
            if isinstance(info, msgspec.inspect.BoolType):
                return "true, false"
    return ""


def _check_routes(settings: Settings, origin: str) -> None:
    if settings.default:
        checked_options(settings.default, {}, f"{origin}: default")
    for number, rule in enumerate(settings.routes, 1):
        checked_options(rule.operation, rule.options, f"{origin}: route {number}")
    for slug, said in settings.operations.items():
        checked_options(slug, said.options, f"{origin}: operations.{slug}")


def _check_targets(tables: Any, origin: str) -> None:
    """Refuse a target by its name, which an error inside a table of tables does not give."""
    if not isinstance(tables, dict):
        return
    for name, table in tables.items():
        place = f"{origin}: notify.{name}"
        try:
            msgspec.convert(name, TargetName)
        except msgspec.ValidationError:
            raise SettingsError(
                f"{place} is no name of a target.", advice="Allowed are: a-z, 0-9, '_' and '-', at most 40."
            ) from None
        try:
            msgspec.convert(table, Target)
        except msgspec.ValidationError as error:
            raise _target_error(place, table, str(error)) from None


def _target_error(place: str, table: Any, message: str) -> SettingsError:
    """Say what is wrong with a target. Nothing of it is quoted but its kind: it may hold a secret by mistake."""
    what, _, path = message.partition(" - at `$")
    key = path.strip("`.").partition("[")[0]
    kind = table.get("kind") if isinstance(table, dict) else None
    kinds = {str(one.__struct_config__.tag): one for one in get_args(Target)}
    if kind not in kinds:
        return SettingsError(f"{place}.kind is {kind!r}.", advice=f"Allowed is: {', '.join(kinds)}.")
    has = ", ".join(field.name for field in msgspec.structs.fields(kinds[kind]))
    if not key:
        return SettingsError(f"{place}: {what}.", advice=f"It has: {has}.")
    return SettingsError(f"{place}.{key}: {what}.", advice=f"Allowed is: {_TARGET_MEANS[key]}.")


def _check_urls(settings: Settings, origin: str) -> None:
    """Refuse a webhook's URL that is never opened; where its host leads is judged for each notice."""
    for name, target in settings.notify.items():
        if isinstance(target, Webhook):
            try:
                settings.addresses().spelled(target.url)
            except RejectedError as error:
                raise SettingsError(f"{origin}: notify.{name}.url: {error.message}", advice=error.advice) from None


def _check_tenants(settings: Settings, origin: str) -> None:
    """Refuse an application that is named twice: it would see one of both folders, and nobody could tell which."""
    apps = [tenant.app for tenant in settings.http.tenants]
    for number, app in enumerate(apps, 1):
        if app in apps[: number - 1]:
            raise SettingsError(
                f"{origin}: http.tenants names the application {app!r} twice, the second time as tenant {number}.",
                advice="Give each application one prefix.",
            )


def _check_forms(settings: Settings, origin: str, folder: Path) -> None:
    """Refuse a form that is not there, is none, or asks for what its operation does not have."""
    named = [(f"route {number}", rule.operation, rule.form) for number, rule in enumerate(settings.routes, 1)]
    named += [(f"operations.{slug}", slug, said.form) for slug, said in settings.operations.items()]
    for place, slug, name in named:
        if name:
            try:
                forms.opened(folder, name, slug)
            except SettingsError as error:
                raise SettingsError(f"{origin}: {place}: {error.message}", advice=error.advice) from None


def reference() -> str:
    """Return the settings as a Markdown table, for docs/settings.md."""
    variables = {place: name for name, place in VARIABLES.items()}
    rows = ["| setting | user variable | default | allowed |", "|---|---|---|---|"]
    for section in msgspec.structs.fields(Settings):
        kind = _struct_at([section.name])
        if kind is None or kind in (Route, OperationSettings):
            continue
        for field in msgspec.structs.fields(kind):
            place = (section.name, field.name)
            allowed = _choices(list(place)) or _MEANS.get(field.name, "") or _plain(field.type)
            if section.name == "buckets":
                allowed = _MEANS["buckets"]
            name = f"`{variables[place]}`" if place in variables else ""
            rows.append(f"| `{section.name}.{field.name}` | {name} | `{_default(field.default)}` | {allowed} |")
    return "\n".join(rows + _target_rows())


def _target_rows() -> list[str]:
    """Return a row for each setting of a target, with the kinds that have it."""
    kinds: dict[str, list[str]] = {}
    defaults: dict[str, str] = {}
    for one in get_args(Target):
        for field in msgspec.structs.fields(one):
            kinds.setdefault(field.name, []).append(str(one.__struct_config__.tag))
            defaults[field.name] = "" if field.required else f"`{_default(field.default)}`"
    rows = [f"| `notify.<name>.kind` |  |  | {', '.join(kinds['match'])} |"]
    for name, having in kinds.items():
        only = "" if having == kinds["match"] else f"{', '.join(having)}: "
        rows.append(f"| `notify.<name>.{name}` |  | {defaults[name]} | {only}{_TARGET_MEANS[name]} |")
    return rows


def _default(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _plain(kind: Any) -> str:
    info = msgspec.inspect.type_info(kind)
    if isinstance(info, (msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        low = f"{info.ge:g} to " if info.ge is not None else "more than 0, at most "
        return f"{low}{info.le:g}"
    if isinstance(info, msgspec.inspect.TupleType):
        return "shortest and longest, in seconds"
    return "text"
