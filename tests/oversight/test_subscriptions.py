"""Which operations are in use, and whether they may be called: one unbilled call each."""

from __future__ import annotations

from datetime import date

import pytest

from legible.errors import HeldError, RejectedError, UnavailableError
from legible.operations.routing import OperationSettings, Route, Routing
from legible.oversight.subscriptions import Subscriptions
from tests.support.rig import Rig

TODAY = date(2026, 11, 23)
FINE = RejectedError("no image")


def asked(rig, *slugs):
    noted = []
    found = Subscriptions(rig.site, rig.rules, rig.ocr, noted.append).asked(slugs, TODAY)
    return {one.operation: one for one in found}, noted


def test_routes_folders_the_default_and_tables_are_in_use():
    rig = Rig(FINE)
    rig.rules = Routing(
        "cn-north-4", (Route("mail/*", "web-image"), Route("fax/*", "web-image")), "general-text",
        {"passport": OperationSettings()},
    )  # fmt: skip
    for key in ("passport/a.png", "passport/b.png", "vin/c.png", "letters/d.png"):
        rig.upload(key)
    found, noted = asked(rig)
    assert {slug: one.used_by for slug, one in found.items()} == {
        "general-text": ("default",), "passport": ("folder passport/", "[operations.passport]"),
        "vin": ("folder vin/",), "web-image": ("route mail/*", "route fax/*"),
    }  # fmt: skip
    assert noted == ["general-text", "passport", "vin", "web-image"]
    assert {one.state for one in found.values()} == {"subscribed"}
    assert rig.ocr.paid == 0


@pytest.mark.parametrize(
    ("reply", "state", "said"),
    [
        (HeldError("no", code="not-subscribed"), "not-subscribed", "ocr:passport:subscribe"),
        (HeldError("no", code="not-permitted", advice="Give the role."), "not-permitted", "Give the role."),
        (UnavailableError("503", advice="Later."), "unknown", "Later."),
    ],
)
def test_what_may_not_be_called_says_what_to_do(reply, state, said):
    found, _ = asked(Rig(reply), "passport")
    assert found["passport"].state == state
    assert said in " ".join(found["passport"].advice)


def test_what_is_not_offered_in_the_region_is_not_asked_for():
    rig = Rig(FINE)
    rig.rules = Routing("af-south-1")
    found, noted = asked(rig, "vat-invoice")
    assert (found["vat-invoice"].state, noted) == ("not-offered", [])
    assert "Set region" in found["vat-invoice"].advice[0]
    rig.rules = Routing("af-south-1", operations={"vat-invoice": OperationSettings(region="cn-north-4")})
    found, noted = asked(rig, "vat-invoice")
    assert (found["vat-invoice"].region, found["vat-invoice"].state) == ("cn-north-4", "subscribed")
