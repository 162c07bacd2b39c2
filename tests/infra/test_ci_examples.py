"""The pipelines for users: their order, their commands, and who approves."""

from __future__ import annotations

import re
from typing import Any

import hcl2
import yaml

from tests.infra.rights import ROOT

GITHUB: dict[Any, Any] = yaml.safe_load((ROOT / "infra" / "ci" / "github.yml").read_text("utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "ci" / "gitlab.yml").read_text("utf-8"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)) | {"package"}
ORDER = ["test", "package", "plan", "apply"]


def test_both_test_package_plan_and_apply_in_this_order():
    assert list(GITHUB["jobs"]) == ORDER
    assert [GITHUB["jobs"][name].get("needs") for name in ORDER] == [None, *ORDER[:-1]]
    assert GITLAB["stages"] == ORDER
    assert [GITLAB[name]["stage"] for name in ORDER] == ORDER


def test_both_run_targets_that_there_are():
    github = [step.get("run", "") for job in GITHUB["jobs"].values() for step in job["steps"]]
    gitlab = [line for name in ORDER for line in GITLAB[name]["script"]]
    for lines in (github, gitlab):
        made = {line.split()[1] for line in lines if line.startswith("make ")}
        assert made == {"check", "test", "package", "plan"} <= TARGETS


def test_nothing_is_applied_before_somebody_approves_and_then_what_was_planned():
    assert GITHUB["jobs"]["apply"]["environment"] == "production"
    assert GITLAB["apply"]["rules"][0]["when"] == "manual"
    for line in (GITHUB["jobs"]["apply"]["steps"][-1]["run"], GITLAB["apply"]["script"][-1]):
        assert line.endswith("apply -input=false legible.tfplan")


def test_keys_are_secrets_and_a_pull_request_sees_none():
    for name, job in GITHUB["jobs"].items():
        keys = [key for key in job.get("env", {}) if "KEY" in key]
        assert bool(keys) == (name in ("plan", "apply")), name
        assert all("secrets." in job["env"][key] for key in keys)
    assert GITHUB["jobs"]["plan"]["if"] == "github.event_name == 'push'"
    assert GITHUB["permissions"] == {"contents": "read"}
    assert GITLAB[".terraform"]["rules"] == [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"}]


def test_the_backend_is_a_template():
    text = (ROOT / "infra" / "ci" / "backend.tf.example").read_text("utf-8")
    assert "backend" in hcl2.loads(text)["terraform"][0]
