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
    assert [name for name in GITHUB["jobs"] if name != "audit"] == ORDER
    assert [GITHUB["jobs"][name].get("needs") for name in ORDER] == [None, *ORDER[:-1]]
    assert GITLAB["stages"] == ORDER
    assert [GITLAB[name]["stage"] for name in ORDER] == ORDER


def test_both_run_targets_that_there_are():
    github = [step.get("run", "") for job in GITHUB["jobs"].values() for step in job["steps"]]
    gitlab = [line for name in (*ORDER, "audit") for line in GITLAB[name]["script"]]
    for lines in (github, gitlab):
        made = {line.split()[1] for line in lines if line.startswith("make ")}
        assert made == {"check", "test", "audit", "package", "plan"} <= TARGETS


def test_both_look_for_known_weaknesses_each_day_and_keep_the_bill_of_what_they_packaged():
    assert GITHUB[True]["schedule"]  # YAML 1.1 reads `on` so
    assert "needs" not in GITHUB["jobs"]["audit"] and GITLAB["audit"]["allow_failure"] is True
    assert "dist/*.cdx.json" in GITHUB["jobs"]["package"]["steps"][-1]["with"]["path"]
    assert "dist/*.cdx.json" in GITLAB["package"]["artifacts"]["paths"]


def test_nothing_is_applied_before_somebody_approves_and_then_what_was_planned():
    assert GITHUB["jobs"]["apply"]["environment"] == "production"
    assert GITLAB["apply"]["rules"][0]["when"] == "manual"
    for line in (GITHUB["jobs"]["apply"]["steps"][-1]["run"].strip(), GITLAB["apply"]["script"][-1]):
        assert line.endswith("apply -input=false legible.tfplan")


def test_every_action_is_one_commit_and_says_which_version():
    """A tag can be moved to other code, which would then hold the keys of the deployment."""
    used = re.findall(r"uses: (\S+)(.*)", (ROOT / "infra" / "ci" / "github.yml").read_text("utf-8"))
    assert len(used) > 5
    for action, said in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", said), action
    checkouts = [
        step for job in GITHUB["jobs"].values() for step in job["steps"] if "/checkout@" in step.get("uses", "")
    ]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * 5


def test_what_is_applied_is_applied_by_the_provider_that_planned_it():
    """A provider that is published between plan and approval would have been taken: Terraform refuses such a plan."""
    (handed,) = [
        step["with"] for step in GITHUB["jobs"]["plan"]["steps"] if "/upload-artifact@" in step.get("uses", "")
    ]
    assert ".terraform.lock.hcl" in handed["path"] and handed["include-hidden-files"] is True
    assert "$STACK/.terraform.lock.hcl" in GITLAB["plan"]["artifacts"]["paths"]
    github = GITHUB["jobs"]["apply"]["steps"][-1]["run"].splitlines()
    for lines in (github, GITLAB["apply"]["script"]):
        assert lines[-2].endswith("init -input=false -lockfile=readonly")


def test_keys_are_secrets_and_a_pull_request_sees_none():
    for name, job in GITHUB["jobs"].items():
        assert not [key for key in job.get("env", {}) if "KEY" in key], "actions of others run in the job, too"
        given = [step for step in job["steps"] if any("KEY" in key for key in step.get("env", {}))]
        assert bool(given) == (name in ("plan", "apply")), name
        assert not [step for step in given if "uses" in step], "no action is given keys"
        keys = {key: value for step in given for key, value in step["env"].items() if "KEY" in key}
        assert all("secrets." in value for value in keys.values())
        assert all(step.get("env") for step in job["steps"] if re.search("make plan|terraform", step.get("run", "")))
    assert GITHUB["jobs"]["plan"]["if"] == "github.event_name == 'push'"
    assert GITHUB["permissions"] == {"contents": "read"}
    assert GITLAB[".terraform"]["rules"] == [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"}]


def test_the_backend_is_a_template():
    text = (ROOT / "infra" / "ci" / "backend.tf.example").read_text("utf-8")
    assert "backend" in hcl2.loads(text)["terraform"][0]
