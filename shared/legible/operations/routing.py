"""Finds the operation that reads a document, and its options, by the object's key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any

from msgspec import Meta, Struct, field, structs

from legible.errors import HeldError, RejectedError, SettingsError
from legible.model.documents import Document, Order
from legible.operations import catalog
from legible.operations.operation import Extras, Operation, Option, Output, Task
from legible.operations.projects import ProjectRules, named

#: The SDK's notation of an option's type, and what TOML or JSON gives for it.
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}


#: Above this many pages a document is held. No journal limits them: it goes on in as many parts as it needs.
MaxPages = Annotated[int, Meta(ge=1, le=4900)]


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule: keys that match ``match`` (a glob; ``*`` also crosses ``/``) are read by ``operation``.

    ``max_pages``, ``outputs`` and ``form`` are as in ``OperationSettings``, which they overrule. ``project`` is the id
    of the enterprise project that is billed.
    """

    match: str
    operation: str
    options: dict[str, Any] = {}
    max_pages: MaxPages | None = None
    outputs: tuple[Output, ...] | None = None
    form: str | None = None
    project: str = ""


class OperationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The user's settings of one operation.

    ``options`` go with every call; ``region`` is where it is called, if not in the function's own region; ``live``
    overrules the catalog's word that the operation was removed. A document of more than ``max_pages`` pages is held,
    if ``limits.max_pages`` is not less; ``outputs`` are made beside record and workbook, and so is
    ``form.xlsx``, from a template (.xlsx) or a column mapping (.toml) of that name beside ``legible.toml``.
    """

    options: dict[str, Any] = {}
    region: str = ""
    live: bool | None = None
    max_pages: MaxPages | None = None
    outputs: tuple[Output, ...] = ()
    form: str = ""


class Routing(Struct, frozen=True):
    """The rules from key to operation. ``region`` is where calls go; ``pinned``: an endpoint was set by hand.

    ``project`` is billed for documents for which ``projects`` and the rest name none.
    """

    region: str
    routes: tuple[Route, ...] = ()
    default: str = ""
    operations: dict[str, OperationSettings] = field(default_factory=dict)
    pinned: bool = False
    projects: ProjectRules = ProjectRules()
    project: str = ""

    def of(self, slug: str) -> OperationSettings:
        """Return the user's settings of an operation; defaults where there are none."""
        return self.operations.get(slug, OperationSettings())

    @property
    def named(self) -> frozenset[str]:
        """The operations that the rules name; a folder may name any other one."""
        return frozenset({self.default, *self.operations, *(route.operation for route in self.routes)} - {""})

    def region_of(self, slug: str) -> str:
        """Return the region in which an operation is called."""
        return self.of(slug).region or self.region


def route(key: str, routing: Routing, order: Order | None = None, project: str = "") -> Task:
    """Find the operation of a key: what was ordered, else its first folder, the first rule that matches, the default.

    Args:
        key: The decoded key.
        routing: The rules.
        order: What the uploader asked for, if anything; its options override those of the rules.
        project: The enterprise project that the uploader named; empty for none.

    Raises:
        RejectedError: No rule fits, or the order names an operation or an option that does not exist.
    """
    folder = key.split("/", 1)[0] if "/" in key else ""
    rule = _rule(key, folder, routing)
    if order is not None:
        rule = _ordered(rule, order)
    if not rule.operation:
        raise _no_route(folder)
    own = routing.of(rule.operation)
    return Task(
        catalog.find(rule.operation),
        {**own.options, **rule.options},
        extras=Extras(
            own.outputs if rule.outputs is None else rule.outputs,
            own.form if rule.form is None else rule.form,
        ),
        max_pages=own.max_pages if rule.max_pages is None else rule.max_pages,
        route=rule.match,
        region=routing.region_of(rule.operation),
        project=named(key, project, rule.project, routing.projects.folders, routing.project),
    )


def _rule(key: str, folder: str, routing: Routing) -> Route:
    """Return the rule of a key: one for its first folder, the first that matches, or one for the default operation."""
    if folder in catalog.slugs():
        return Route(f"{folder}/*", folder)
    matching = (rule for rule in routing.routes if fnmatchcase(key, rule.match))
    return next(matching, Route("*", routing.default))


def _no_route(folder: str) -> RejectedError:
    lies = f"its first folder is {folder!r}." if folder else "it lies in no folder."
    return RejectedError(
        f"No operation for the key: {lies} {catalog.why_missing(folder)}".strip(),
        code="no-route",
        advice="Name the first folder after an operation (passport/, general-text/), or add a [[routes]] rule or a "
        "default operation to legible.toml; then upload again.",
    )


def _ordered(rule: Route, order: Order) -> Route:
    """Return the rule with the order's options over its own; a rule for another operation is replaced as a whole."""
    if order.operation and order.operation != rule.operation:
        rule = Route(rule.match, order.operation, project=rule.project)
    if rule.operation:
        try:
            checked_options(rule.operation, order.options, "The order of this document")
        except SettingsError as error:
            raise RejectedError(error.message, code="bad-order", advice=error.advice) from None
    return structs.replace(rule, options={**rule.options, **order.options})


def check(operation: Operation, routing: Routing, today: date) -> None:
    """Refuse an operation that cannot work, before anything is paid.

    Args:
        operation: The operation that the document was routed to.
        routing: The region, and the user's settings of operations.
        today: The day of the call.

    Raises:
        RejectedError: The operation was removed, or reads no document.
        HeldError: The catalog lists it for other regions only, and no endpoint was set by hand.
    """
    settings = routing.of(operation.slug)
    if operation.inline is None and not operation.url:
        raise RejectedError(
            f"{operation.slug} reads no document.",
            code="operation-reads-no-document",
            advice="It checks values (invoice code, number, date); it has no place in an upload's route.",
        )
    if operation.removed(today) and not settings.live:
        on = f" on {operation.life.removed_on}" if operation.life.removed_on else ""
        instead = f" Use {operation.life.replaced_by} instead." if operation.life.replaced_by else ""
        raise RejectedError(
            f"{operation.slug} was removed{on}.",
            code="operation-removed",
            advice=f"{operation.life.note}{instead} Where it still runs, set live = true in "
            f"[operations.{operation.slug}].".strip(),
        )
    if not settings.region and not routing.pinned and operation.regions and routing.region not in operation.regions:
        raise HeldError(
            f"{operation.slug} is not offered in {routing.region}.",
            code="operation-not-in-region",
            advice=f"Its regions are {', '.join(operation.regions)}. Set region in [operations.{operation.slug}].",
        )


def checked_options(slug: str, options: Mapping[str, Any], where: str) -> None:
    """Refuse options the operation does not have, or values of another type.

    Args:
        slug: The operation.
        options: Names and values, as the settings give them.
        where: The settings' place, for the error.

    Raises:
        SettingsError: Names the place, what was found and what is allowed.
    """
    if slug not in catalog.slugs():
        raise SettingsError(
            " ".join(filter(None, (f"{where}: there is no operation {slug!r}.", catalog.why_missing(slug)))),
            advice=f"Operations are: {', '.join(catalog.slugs())}.",
        )
    operation = catalog.find(slug)
    for name, value in options.items():
        option = operation.option(name)
        if option is None:
            allowed = ", ".join(sorted(option.name for option in operation.options)) or "none"
            raise SettingsError(f"{where}: {slug} has no option {name!r}.", advice=f"Its options are: {allowed}.")
        if not _fits(option, value):
            raise SettingsError(
                f"{where}: option {name} is {value!r}.", advice=f"It must be {option.type}. {option.help}".strip()
            )


def _fits(option: Option, value: Any) -> bool:
    kinds = _TYPES.get(option.type)
    if kinds is None:
        return isinstance(value, list if option.type.startswith("list") else dict)
    return isinstance(value, kinds) and (option.type == "bool" or not isinstance(value, bool))


def resumed(document: Document, slug: str, options: dict[str, Any], pages: int, rules: Routing) -> Task:
    """Return a task that was begun earlier; its extras are those that the routes ask for now."""
    return Task(catalog.find(slug), options, pages, _extras_now(document, slug, rules), region=rules.region_of(slug))


def _extras_now(document: Document, slug: str, rules: Routing) -> Extras:
    """Return the extras that today's routes ask for; none if they lead the document to another operation."""
    try:
        task = route(document.key, rules, document.order)
    except RejectedError:
        return Extras()
    return task.extras if task.operation.slug == slug else Extras()
