"""``make destroy``: Terraform's part, what is left in its state, and what is left with the tag."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import destroy
from tests.infra.vendor import Vendor
from tests.support.places import ROOT

#: Terraform as far as it goes here: it notes what it is asked, prints what a file says, and ends as that file says.
TERRAFORM = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + chr(10))
answer = json.loads((here / "answers").read_text()).get(sys.argv[2], {})
print(answer.get("out", ""), end="")
sys.exit(answer.get("status", 0))
"""
WHERE = {"tag": "legible=legible", "region": "ap-southeast-1", "project_id": "0123"}
KIND = {"resource_type": "functions", "regions": ["ap-southeast-1"]}
LEFT = {"resource_type": "functions", "resource_name": "f", "resource_id": "1", "tag": ("legible", "legible")}


class Stand:
    """A deployment's folder, a Terraform that answers as it is told, and the vendor."""

    def __init__(self, folder: Path, vendor: Vendor) -> None:
        self.folder, self.vendor = folder, vendor
        self.answers = {"output": {"out": json.dumps(WHERE)}, "destroy": {}, "state": {}, "init": {}}
        (folder / "terraform.py").write_text(TERRAFORM)
        (folder / "terraform.tfvars").write_text('region = "ap-southeast-1"\ninput_bucket = "in-dev"\n')

    def destroy(self) -> int:
        (self.folder / "answers").write_text(json.dumps(self.answers))
        key = self.vendor.key
        command = shlex.join([sys.executable, str(self.folder / "terraform.py")])
        settings = str(self.folder / "terraform.tfvars")
        ends = ["--tms", self.vendor.server.endpoint, "--iam", self.vendor.server.endpoint]
        environment = {"HW_ACCESS_KEY": key.access, "HW_SECRET_KEY": key.secret, "HW_SECURITY_TOKEN": key.token}
        return destroy.main([settings, "--terraform", command, *ends], environment)

    @property
    def asked(self) -> list[list[str]]:
        if not (self.folder / "asked").exists():
            return []
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    vendor = Vendor()
    vendor.providers = [{"provider": "fgs", "resource_types": [KIND]}]
    yield Stand(tmp_path, vendor)
    vendor.server.stop()


def test_terraform_is_asked_in_order_and_nothing_remains(stand: Stand, capfd: pytest.CaptureFixture[str]) -> None:
    # when
    status = stand.destroy()

    # then
    folder = f"-chdir={stand.folder}"
    assert stand.asked == [
        [folder, "init", "-input=false"],
        [folder, "show", "-json"],
        [folder, "output", "-json", "where"],
        [folder, "destroy", "-var-file=terraform.tfvars"],
        [folder, "state", "list"],
    ]
    assert status == 0
    assert capfd.readouterr().out == "0 resources with the tag legible=legible in ap-southeast-1.\n"


@pytest.mark.parametrize(
    ("beside", "state", "said"),
    [
        ("prod.tfvars", {}, "prod.tfvars lies beside terraform.tfvars"),
        ("x.auto.tfvars", {}, "x.auto.tfvars lies beside"),
        ("terraform.tfvars.json", {}, "two environments would have one state"),
        (
            "",
            {"outputs": {"where": {"value": {**WHERE, "region": "cn-north-4"}}}},
            "region is cn-north-4, not ap-south",
        ),
    ],
)
def test_another_environments_deployment_is_never_taken_down(
    stand: Stand, capfd: pytest.CaptureFixture[str], beside: str, state: dict[str, Any], said: str
) -> None:
    # given
    stand.answers["show"] = {"out": json.dumps({"values": state})}
    if beside:
        (stand.folder / beside).touch()

    # when
    status = stand.destroy()

    # then
    assert (status, [asked for asked in stand.asked if "destroy" in asked]) == (2, [])
    error = capfd.readouterr().err
    assert said in error and "a folder of its own" in error and "SETTINGS=" in error


def test_what_terraform_fails_to_destroy_is_told_with_what_has_the_tag(
    stand: Stand, capfd: pytest.CaptureFixture[str]
) -> None:
    # given
    stand.answers |= {"destroy": {"status": 1, "out": "Error\n"}, "state": {"out": "a.b\nc.d\n"}}
    stand.vendor.tagged = [LEFT]

    # when
    status = stand.destroy()

    # then
    assert status == 1
    assert capfd.readouterr().out.splitlines() == [
        "Error",
        "still in the state: a.b",
        "still in the state: c.d",
        "remains: functions  f  1",
        "1 resources with the tag legible=legible in ap-southeast-1.",
    ]


def test_a_failed_end_is_one_even_where_nothing_remains(stand: Stand) -> None:
    stand.answers["destroy"] = {"status": 3}
    assert stand.destroy() == 3


def test_what_remains_counts_where_terraform_is_content(stand: Stand) -> None:
    stand.vendor.tagged = [LEFT]
    assert stand.destroy() == 1


def test_a_kind_that_nobody_could_look_at_is_said_by_its_own_status(stand: Stand) -> None:
    stand.vendor.broken = {"functions"}
    assert stand.destroy() == 2


@pytest.mark.parametrize(("step", "status", "asked"), [("init", 4, 1), ("output", 1, 3)])
def test_nothing_is_destroyed_where_terraform_is_not_ready(stand: Stand, step: str, status: int, asked: int) -> None:
    stand.answers[step] = {"status": 4}
    assert stand.destroy() == status
    assert len(stand.asked) == asked


@pytest.mark.parametrize(
    ("target", "commands"),
    [
        (
            "plan",
            [
                '"py" -m infra.package.fresh',
                '.venv/bin/python -m infra.deploy.plan --terraform "tf" {stack}/my.tfvars',
            ],
        ),
        (
            "deploy",
            [
                '"py" -m infra.package.fresh',
                '.venv/bin/python -m infra.deploy.plan --apply --terraform "tf" {stack}/my.tfvars',
            ],
        ),
        ("destroy", ['.venv/bin/python -m infra.deploy.destroy --terraform "tf" {stack}/my.tfvars']),
    ],
)
def test_what_make_runs(tmp_path: Path, target: str, commands: list[str]) -> None:
    """Given settings and an environment that are there: make says what it would run, and runs nothing."""
    (tmp_path / "my.tfvars").touch()
    made = ["-o", ".venv/.local", "-o", ".venv/.uv"]
    variables = [f"SETTINGS={tmp_path}/my.tfvars", "TERRAFORM=tf", "PYTHON=py"]
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", *made, target, *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [command.format(stack=tmp_path) for command in commands]


def test_make_says_which_settings_are_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "plan", f"SETTINGS={tmp_path}/my.tfvars", "PYTHON=py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.startswith(f"There is no {tmp_path}/my.tfvars. Copy {tmp_path}/terraform.tfvars.example to it")
