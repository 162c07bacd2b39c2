"""Changes of settings as events: the effective settings are compared with those that the trail last told of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.model import layout
from legible.model.audit import SETTINGS, AuditEvent
from legible.oversight.audit_journal import FUNCTION
from legible.oversight.audit_trail import AuditDesk
from legible.ports import Invocation, Site

#: How many names of changed settings an event has at most, and how many digits a digest.
_MOST, _DIGITS = 20, 16


class ToldSettings(Struct, frozen=True):
    """The settings that the trail last told of, as digests: ``n`` counts the changes, ``places`` has each setting."""

    n: int = 0
    places: dict[str, str] = {}


class SettingsWatch:
    """Notices that settings were changed.

    Args:
        site: Its output bucket holds what was last told.
        call: The invocation: gives the time.
        desk: Takes the event.
    """

    def __init__(self, site: Site, call: Invocation, desk: AuditDesk) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._desk = desk

    def look(self, settings: Mapping[str, Any]) -> bool:
        """Tell whether the settings differ from those that were told last; if so, keep an event of it.

        Two functions that notice the same change keep one event; so does one that dies before it can note this.

        Args:
            settings: The effective settings by their names, and the version of the code; no secrets.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        told = self._told()
        now = ToldSettings(told.n + 1, {name: _digest(value) for name, value in _places("", settings)})
        if told.n and now.places == told.places:
            return False
        self._desk.keep(_event(told, now, self._call))
        ref = self._site.in_output(layout.AUDIT_SETTINGS)
        self._site.store.write(ref, msgspec.json.encode(now), "application/json")
        return True

    def _told(self) -> ToldSettings:
        try:
            return msgspec.json.decode(
                self._site.store.read(self._site.in_output(layout.AUDIT_SETTINGS)), type=ToldSettings
            )
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            return ToldSettings()


def _event(told: ToldSettings, now: ToldSettings, call: Invocation) -> AuditEvent:
    """Return the event of a change: which settings it is about, and never their values."""
    both = sorted({*told.places, *now.places})
    names = [name for name in both if told.places.get(name) != now.places.get(name)] if told.n else []
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    before, after = _digest(told.places) if told.n else "", _digest(now.places)
    details = {"before": before, "after": after, "changed": ", ".join(names[:_MOST]) + more}
    return AuditEvent(
        id=hashlib.sha256(f"settings\n{now.n}\n{before}\n{after}".encode()).hexdigest()[:32],
        at=call.now(),
        name=SETTINGS,
        resource_type="settings",
        resource_id=after,
        resource_name="legible.toml",
        operator=FUNCTION,
        details={key: text for key, text in details.items() if text},
    )


def _places(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every setting by its place (``ocr.window``); a list is one setting."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _places(f"{name}.{key}" if name else str(key), inner)
    else:
        yield name, value


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:_DIGITS]
