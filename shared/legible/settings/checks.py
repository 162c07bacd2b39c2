"""Checks of settings that belong together: routes and operations, targets and secrets, tenants, forms."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import translate
from pathlib import Path
from typing import Any

import msgspec

from legible.errors import RejectedError, SettingsError
from legible.model.prices import EVERY
from legible.notices.targets import Target, TargetName, Webhook
from legible.operations.routing import checked_options
from legible.settings.explanations import MEANS, target_error
from legible.settings.tables import Region, Settings

#: What a pattern becomes that nothing matches: a range whose end is before its beginning, alone in its brackets.
_NOTHING = "(?!)"


def check_patterns(settings: Settings, origin: str) -> None:
    """Refuse a pattern that no key can match: its route or target would never be used, and nobody would be told."""
    named = [(f"route {number}: match", rule.match) for number, rule in enumerate(settings.routes, 1)]
    named += [(f"retention {number}: match", rule.match) for number, rule in enumerate(settings.retention, 1)]
    named += [(f"notify.{name}.match", target.match) for name, target in settings.notify.items()]
    for place, pattern in named:
        if not pattern or _NOTHING in translate(pattern):
            raise SettingsError(
                f"{origin}: {place} is {pattern!r}, which no key matches.",
                advice="It is a pattern of keys, not a regular expression: * stands for anything, / too, [a-f] for one "
                "letter of these.",
            )


def check_routes(settings: Settings, origin: str) -> None:
    """Refuse operations that do not exist, and options that they do not have."""
    if settings.default:
        checked_options(settings.default, {}, f"{origin}: default")
    for number, rule in enumerate(settings.routes, 1):
        checked_options(rule.operation, rule.options, f"{origin}: route {number}")
    for slug, own in settings.operations.items():
        checked_options(slug, own.options, f"{origin}: operations.{slug}")
        try:
            msgspec.convert(own.region, Region)
        except msgspec.ValidationError:
            raise SettingsError(
                f"{origin}: operations.{slug}.region is {own.region!r}.", advice=f"Allowed is: {MEANS['region']}."
            ) from None


def check_targets(tables: Any, origin: str) -> None:
    """Check each target, so that the error names it: an error inside a table of tables does not."""
    if not isinstance(tables, dict):
        return
    for name, table in tables.items():
        place = f"{origin}: notify.{name}"
        try:
            msgspec.convert(name, TargetName)
        except msgspec.ValidationError:
            raise SettingsError(
                f"{place} is not a name of a target.", advice="Allowed are: a-z, 0-9, '_' and '-', at most 40."
            ) from None
        try:
            msgspec.convert(table, Target)
        except msgspec.ValidationError as error:
            raise target_error(place, table, str(error)) from None


def check_urls(settings: Settings, origin: str) -> None:
    """Refuse a webhook's URL that may never be opened; where its host leads is judged for each notice."""
    for name, target in settings.notify.items():
        if isinstance(target, Webhook):
            try:
                settings.addresses().spelled(target.url)
            except RejectedError as error:
                raise SettingsError(f"{origin}: notify.{name}.url: {error.message}", advice=error.advice) from None


def check_secrets(settings: Settings, origin: str, variable: Callable[[str], str | None]) -> None:
    """Refuse a webhook whose user variable does not hold a secret; the value is not quoted.

    A function that sends no notices needs none, so ``load`` does not ask for them.
    """
    for name, target in settings.notify.items():
        if isinstance(target, Webhook):
            from legible.notices import webhook  # most settings name none

            try:
                webhook.secret_of(variable(target.secret) or "", target.secret)
            except SettingsError as error:
                raise SettingsError(f"{origin}: notify.{name}.secret: {error.message}", advice=error.advice) from None


def check_tenants(settings: Settings, origin: str) -> None:
    """Refuse an application that is named twice: it would see one of both folders, and nobody could tell which."""
    apps = [tenant.app for tenant in settings.http.tenants]
    for number, app in enumerate(apps, 1):
        if app in apps[: number - 1]:
            raise SettingsError(
                f"{origin}: http.tenants names the application {app!r} twice, the second time as tenant {number}.",
                advice="Give each application one prefix.",
            )


def check_prices(settings: Settings, origin: str) -> None:
    """Refuse operations that do not exist, tiers out of order, and packages that end before they begin."""
    named = [(f"prices.list {number}", price.slugs) for number, price in enumerate(settings.prices.list, 1)]
    named += [(f"prices.packages {number}", one.slugs) for number, one in enumerate(settings.prices.packages, 1)]
    named += [("reconcile.shared", settings.reconcile.shared)]
    named += [("reconcile.interfaces", tuple(settings.reconcile.interfaces.values()))]
    for place, slugs in named:
        for slug in slugs:
            if not (slug == EVERY and place.startswith("prices.list")):
                checked_options(slug, {}, f"{origin}: {place}")
    for number, price in enumerate(settings.prices.list, 1):
        begins = [tier.above for tier in price.tiers]
        if begins[0] or begins != sorted(set(begins)):
            raise SettingsError(
                f"{origin}: prices.list {number}: the tiers begin above {', '.join(map(str, begins))} calls.",
                advice="The first begins above 0, each other one above more than the one before.",
            )
    for number, package in enumerate(settings.prices.packages, 1):
        if package.until is not None and package.until < package.bought:
            raise SettingsError(
                f"{origin}: prices.packages {number} was bought on {package.bought} and ends on {package.until}.",
                advice="until is the last day on which it can be used.",
            )


def check_forms(settings: Settings, origin: str, folder: Path) -> None:
    """Refuse a form that is missing, is not a form, or asks for fields that its operation does not have."""
    named = [(f"route {number}", rule.operation, rule.form) for number, rule in enumerate(settings.routes, 1)]
    named += [(f"operations.{slug}", slug, own.form) for slug, own in settings.operations.items()]
    for place, slug, name in named:
        if name:
            from legible.outputs import forms  # most settings name none

            try:
                forms.opened(folder, name, slug)
            except SettingsError as error:
                raise SettingsError(f"{origin}: {place}: {error.message}", advice=error.advice) from None
