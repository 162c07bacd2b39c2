"""Checks of settings that belong together: routes and operations, targets, tenants, forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from legible.errors import RejectedError, SettingsError
from legible.notices.targets import Target, TargetName, Webhook
from legible.operations.routing import checked_options
from legible.settings.explanations import target_error
from legible.settings.tables import Settings


def check_routes(settings: Settings, origin: str) -> None:
    """Refuse operations that do not exist, and options that they do not have."""
    if settings.default:
        checked_options(settings.default, {}, f"{origin}: default")
    for number, rule in enumerate(settings.routes, 1):
        checked_options(rule.operation, rule.options, f"{origin}: route {number}")
    for slug, own in settings.operations.items():
        checked_options(slug, own.options, f"{origin}: operations.{slug}")


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


def check_tenants(settings: Settings, origin: str) -> None:
    """Refuse an application that is named twice: it would see one of both folders, and nobody could tell which."""
    apps = [tenant.app for tenant in settings.http.tenants]
    for number, app in enumerate(apps, 1):
        if app in apps[: number - 1]:
            raise SettingsError(
                f"{origin}: http.tenants names the application {app!r} twice, the second time as tenant {number}.",
                advice="Give each application one prefix.",
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
