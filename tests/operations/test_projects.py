"""Which enterprise project a document names, and what looks like an id of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.model.documents import Order
from legible.operations.projects import REGIONS, NamedProject, named
from legible.operations.routing import OperationSettings, Route, Routing, route

CLAIMS, SALES, MAIL, REST = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcd")
FOLDERS = {"passport/": CLAIMS, "passport/sales/": SALES, "": ""}


@pytest.mark.parametrize(
    ("key", "metadata", "by_route", "default", "expected"),
    [
        ("passport/a.png", MAIL, SALES, REST, (MAIL, "metadata")),
        ("passport/a.png", "", SALES, REST, (SALES, "route")),
        ("passport/a.png", " ", "", REST, (CLAIMS, "folder")),
        ("passport/sales/a.png", "", "", REST, (SALES, "folder")),
        ("general-text/a.png", "", "", REST, (REST, "settings")),
        ("general-text/a.png", "", "", "", ("", "")),
    ],
)
def test_metadata_come_before_the_route_the_route_before_the_folder_and_that_before_the_settings(
    key, metadata, by_route, default, expected
):
    found = named(key, metadata, by_route, FOLDERS, default)
    assert (found.id, found.by) == expected


@given(st.text(max_size=60))
def test_whatever_is_written_there_is_an_id_or_is_said_to_be_none(text):
    found = named("a", text, "", {}, "")
    assert bool(found.id) == bool(text.strip())
    assert not found.formed or (found.id == "0" or len(found.id) == 36)


@pytest.mark.parametrize("text", [f" {CLAIMS.upper()} ", CLAIMS, "0"])
def test_an_id_in_capitals_or_with_blanks_is_one(text):
    assert named("a", text, "", {}, "").formed


@pytest.mark.parametrize("text", ["00", "claims", CLAIMS[:-1], f"{{{CLAIMS}}}", f"{CLAIMS}\n{SALES}", "a" * 36, "１"])
def test_other_texts_are_none(text):
    assert not NamedProject(text).formed


def test_a_route_tells_where_calls_go_and_who_pays_also_where_another_operation_is_ordered():
    rules = Routing(
        "cn-north-4", (Route("mail/*", "general-text", project=MAIL),), project=REST,
        operations={"passport": OperationSettings(region=REGIONS[0])},
    )  # fmt: skip
    assert route("mail/a.png", rules).project.id == MAIL
    assert route("mail/a.png", rules).region == "cn-north-4"
    ordered = route("mail/a.png", rules, Order("passport"))
    assert (ordered.operation.slug, ordered.region, ordered.project.id) == ("passport", REGIONS[0], MAIL)
    assert route("web-image/a.png", rules).project == NamedProject(REST, "settings")
