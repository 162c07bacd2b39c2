"""A change of settings is an event that names what changed, and no value."""

from __future__ import annotations

import pytest

from legible.model import layout
from legible.model.audit import SETTINGS
from legible.oversight.audit_settings import SettingsWatch
from tests.oversight.audit_rig import TrailRig
from tests.support.rig import OUT

FIRST = {"version": "1", "ocr": {"window": 4, "source": "url"}, "routes": [], "notify": {}}


def look(rig: TrailRig, **changes) -> bool:
    call = rig.call()
    call.pause(2)
    return SettingsWatch(rig.site, call, rig.desk()).look({**FIRST, **changes})


def told(rig: TrailRig) -> list[dict[str, str]]:
    rig.trail().walk()
    return [line.details for line in rig.lines() if line.name == SETTINGS]


def test_the_first_ones_are_told_and_the_same_ones_are_not():
    rig = TrailRig()
    assert [look(rig), look(rig), look(rig)] == [True, False, False]
    ((details),) = told(rig)
    assert set(details) == {"after"}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"ocr": {"window": 8, "source": "url"}}, "ocr.window"),
        ({"ocr": {"window": 4}}, "ocr.source"),
        ({"version": "2"}, "version"),
        ({"routes": [{"match": "canary"}]}, "routes"),
        ({"notify": {"desk": {"url": "https://canary"}}}, "notify, notify.desk.url"),
    ],
)
def test_a_change_names_the_settings_and_not_their_values(changes, names):
    rig = TrailRig()
    look(rig)
    assert look(rig, **changes)
    details = told(rig)[-1]
    assert details["changed"] == names and details["before"] != details["after"]
    everything = b"".join(rig.body(key) for key in rig.store.keys(OUT, "audit/"))
    assert b"canary" not in everything


def test_many_changes_are_counted():
    rig = TrailRig()
    look(rig)
    look(rig, many={f"n{number:02}": number for number in range(30)})
    assert told(rig)[-1]["changed"].endswith("many.n19 and 10 more")


def test_what_is_changed_back_and_forth_is_told_each_time():
    rig = TrailRig()
    for version in "12121":
        look(rig, version=version)
    assert len(told(rig)) == 5


def test_two_that_notice_one_change_tell_it_once():
    rig = TrailRig()
    look(rig)
    before = rig.body(layout.AUDIT_SETTINGS)
    look(rig, version="2")
    rig.spoil(layout.AUDIT_SETTINGS, before)
    look(rig, version="2")
    assert len(told(rig)) == 2


def test_notes_that_something_else_spoilt_are_made_anew():
    rig = TrailRig()
    rig.store.put(OUT, layout.AUDIT_SETTINGS, b"hello")
    assert [look(rig), look(rig)] == [True, False]
