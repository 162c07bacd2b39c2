"""The dashboard, and alarms on numbers and on words of the log: each names what is really written."""

from __future__ import annotations

import re
from typing import Any

import pytest

from legible.oversight.metrics import DIMENSION, NAMESPACE, UNITS
from legible_cli.policy import templates as actions
from tests.infra import templates
from tests.infra.rights import ROOT

WATCH = templates.read(templates.FOLDER / "watch" / "main.tf")
ALARMS = templates.read(templates.FOLDER / "modules" / "alarms" / "main.tf")
#: What the provider takes (docs/json, 1.97.1): the attributes that must be there, then those that may; blocks likewise.
TAKES = {
    "huaweicloud_ces_dashboard": ({"name", "row_widget_num"}, {"enterprise_project_id", "is_favorite", "dashboard_id"}),
    "huaweicloud_ces_dashboard_widget": (
        {"dashboard_id", "title", "view", "metric_display_mode", "metrics", "location"}, {"unit", "properties"},
    ),
    "huaweicloud_lts_keywords_alarm_rule": (
        {"name", "alarm_level", "keywords_requests", "frequency"},
        {"description", "send_notifications", "notification_rule", "trigger_condition_count", "recovery_frequency"},
    ),
}  # fmt: skip
META = {"for_each", "count", "dynamic", "lifecycle", "depends_on"}


def resources(kind: str) -> list[dict[str, Any]]:
    return [
        body for one in WATCH["resource"] for type_, named in one.items() if type_ == kind for body in named.values()
    ]


@pytest.mark.parametrize("kind", TAKES)
def test_each_resource_says_what_the_provider_wants_and_nothing_that_it_does_not_take(kind):
    must, may = TAKES[kind]
    found = resources(kind)
    assert found
    for body in found:
        said = {name for name in body if name not in META} | {name for one in body.get("dynamic", ()) for name in one}
        assert must <= said <= must | may


def test_whoever_deploys_may_make_all_of_it():
    kinds = {type_ for one in WATCH["resource"] for type_ in one}
    assert kinds == set(TAKES) and kinds <= set(actions.ACTIONS)


def test_graphs_show_every_number_that_is_written_and_no_other():
    (local,) = WATCH["locals"]
    shown = [name.strip('"') for graph in local["graphs"] for name in graph["metrics"]]
    assert sorted(shown) == sorted(UNITS)
    for graph in local["graphs"]:
        assert {UNITS[name.strip('"')] for name in graph["metrics"]} == {graph["unit"].strip('"')}


def test_graphs_and_alarms_ask_for_the_series_of_this_deployment():
    text = (templates.FOLDER / "watch" / "main.tf").read_text("utf-8")
    assert re.findall(r'namespace += "(LEGIBLE[^"]*)"', text) == [NAMESPACE]
    (alarm,) = [
        body
        for one in ALARMS["resource"]
        for named in one.values()
        for name, body in named.items()
        if name == "documents"
    ]
    assert alarm["metric"][0]["namespace"] == NAMESPACE
    (dimensions,) = alarm["resources"][0]["dimensions"]
    assert (dimensions["name"], dimensions["value"]) == (DIMENSION, "${var.deployment}")


def test_alarms_bound_numbers_that_are_written_in_their_unit():
    text = (templates.FOLDER / "modules" / "alarms" / "main.tf").read_text("utf-8")
    bounds = re.findall(r'metric = "(\w+)", value = var\.\w+, unit = "([\w%]*)"', text)
    assert {name for name, _ in bounds} == {"stall", "documents_dead", "cost_month", "package_left"}
    assert all(UNITS[name] == unit for name, unit in bounds)


def test_words_that_ring_are_events_of_the_log():
    """A keyword that no line has would never ring."""
    (words,) = [one["words"] for one in WATCH["variable"] if "words" in one]
    listed = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "operate.md").read_text("utf-8"), re.M)
    assert {name.strip('"') for name in words["default"]} <= set(listed)
