"""``make plan`` and ``make deploy``: what a plan would deploy is judged before anybody can make it."""

from __future__ import annotations

import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import destroy, plan
from tests.support.places import ROOT

#: Terraform as far as it goes here: it notes what it is asked, keeps a plan, and answers as a file says.
TERRAFORM = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
asked = " ".join(sys.argv[2:])
with (here / "asked").open("a") as lines:
    lines.write(asked + chr(10))
if asked.startswith("plan"):
    (here / "legible.tfplan").touch()
answer = json.loads((here / "answers").read_text()).get(asked, {})
print(answer.get("out", ""), end="")
sys.exit(answer.get("status", 0))
"""
SECRET = "whsec_" + "QUFB" * 10
WEBHOOK = '[notify.hr]\nkind = "webhook"\nurl = "https://hooks.example/x"\nsecret = "HOOK"\n'
SMN = '[notify.ops]\nkind = "smn"\ntopic_urn = "urn:smn:{}:0f4c:legible"\n'
EVENTGRID = '[notify.bus]\nkind = "eventgrid"\nchannel_id = "6f2c"\nsource = "legible"\n'
PLANNED = ["init -input=false", "show -json", "plan -input=false -var-file=terraform.tfvars -out=legible.tfplan",
           "show -json legible.tfplan"]  # fmt: skip


def resource(kind: str, index: str, **values: Any) -> dict[str, Any]:
    return {"type": f"huaweicloud_{kind}", "mode": "managed", "index": index, "values": values}


def values(
    region: str = "ap-southeast-1", bucket: str = "in-dev", secrets: Any = "{}", actions: str = "smn:topic:publish",
    name: str = "legible", **variables: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the values of a state or a plan, as ``terraform show -json`` nests them."""
    data = {"LEGIBLE_REGION": region, "LEGIBLE_INPUT_BUCKET": bucket, "LEGIBLE_OUTPUT_BUCKET": "out-dev", **variables}
    function = {"name": f"{name}-on-upload", "user_data": json.dumps(data), "encrypted_user_data": secrets}
    function = {key: value for key, value in function.items() if value is not ...}
    roles = [{"project": region, "roles": ["OCR ReadOnlyAccess"]}, {"project": "cn-east-3", "roles": ["other"]}]
    where = {"tag": f"legible={name}", "region": region, "project_id": "0123"}
    inner = [
        {"resources": [resource("obs_bucket", "input", bucket=bucket), resource("obs_bucket", "code", bucket="c")]},
        {"resources": [resource("fgs_function", "on_upload", **function)]},
        {"resources": [resource("identity_role", "exec", policy=json.dumps({"Action": [actions]})),
                       resource("identity_agency", "exec", project_role=roles)]},
    ]  # fmt: skip
    modules = [{"address": "module.legible", "child_modules": inner}]
    return {"outputs": {"where": {"value": where}}, "root_module": {"child_modules": modules}}


class Stand:
    """A deployment's folder with its settings, and a Terraform that plans what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "legible.toml"
        self.state: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.planned = values()
        self.typed = "yes\n"
        self.file.write_text("")
        (folder / "terraform.py").write_text(TERRAFORM)
        self.settings = folder / "terraform.tfvars"
        self.settings.write_text('region        = "ap-southeast-1"\ninput_bucket  = "in-dev"\n')

    def run(self, *options: str) -> int:
        answers = {
            "show -json": {"out": json.dumps({"values": self.state} if self.state else {})},
            "show -json legible.tfplan": {"out": json.dumps({"planned_values": self.planned})},
            **self.answers,
        }
        (self.folder / "answers").write_text(json.dumps(answers))
        command = shlex.join([sys.executable, str(self.folder / "terraform.py")])
        return plan.main([str(self.settings), "--terraform", command, *options], self.file, io.StringIO(self.typed))

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def kept(self) -> bool:
        return (self.folder / "legible.tfplan").exists()


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def test_a_plan_that_fits_is_kept_for_whoever_makes_it(stand: Stand) -> None:
    stand.state = values()
    assert stand.run() == 0
    assert (stand.asked, stand.kept) == (PLANNED, True)


@pytest.mark.parametrize(("said", "status", "made"), [("yes\n", 0, True), ("y\n", 1, False), ("", 1, False)])
def test_what_was_judged_is_what_is_made_and_only_after_a_yes(stand: Stand, said: str, status: int, made: bool) -> None:
    stand.typed = said
    assert stand.run("--apply") == status
    assert stand.asked == [*PLANNED, *(["apply -input=false legible.tfplan"] if made else [])]
    assert not stand.kept, "a plan holds secrets"


REFUSED = {
    "an unknown table": ("[ocrr]\n", {}, "has no setting 'ocrr'"),
    "a secret that is in no secrets": (WEBHOOK, {}, "notify.hr.secret: The user variable HOOK does not hold"),
    "a secret that is none": (WEBHOOK, {"secrets": '{"HOOK": "canary"}'}, "module's `secrets`"),
    "a secret of another name": (WEBHOOK, {"secrets": json.dumps({"HOOK2": SECRET})}, "HOOK does not hold"),
    "a wrong variable": ("", {"LEGIBLE_SOURCE": "urll"}, "LEGIBLE_SOURCE is 'urll'. Allowed is: inline"),
    "one bucket for two uses": ("", {"LEGIBLE_FAILURES_BUCKET": "in-dev"}, "input and buckets.failures are one"),
    "a topic without its right": (SMN.format("ap-southeast-1"), {"actions": "x:y:z"}, 'Add "smn" to the module'),
    "a topic elsewhere": (SMN.format("cn-north-4"), {}, "notify.ops.topic_urn is of cn-north-4"),
    "a channel without its right": (EVENTGRID, {}, 'Add "eventgrid" to the module\'s `notify`'),
    "an operation elsewhere": ('default = "thailand-id-card"', {"region": "eu-west-101"}, "is not offered in eu"),
    "a region without its right": (
        '[operations.passport]\nregion = "cn-east-3"\n', {}, "no agency may call OCR there"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("options", [(), ("--apply",)])
def test_settings_that_a_function_would_refuse_are_not_planned(
    stand: Stand, capfd: pytest.CaptureFixture[str], case: str, options: tuple[str, ...]
) -> None:
    # given
    text, changes, said = REFUSED[case]
    stand.file.write_text(text)
    stand.planned = values(**changes)
    stand.settings.write_text("")

    # when
    status = stand.run(*options)

    # then
    assert (status, stand.kept) == (2, False), "nobody can make it"
    assert not [asked for asked in stand.asked if asked.startswith("apply")]
    error = capfd.readouterr().err
    assert said in error and "canary" not in error


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (WEBHOOK, {"secrets": json.dumps({"HOOK": SECRET})}),
        (WEBHOOK, {"HOOK": SECRET}),
        (WEBHOOK, {"secrets": ...}),
        (SMN.format("ap-southeast-1"), {}),
        (EVENTGRID, {"actions": "eg:channels:putEvents"}),
        ('default = "passport"\n[operations.passport]\nregion = "ap-southeast-1"\n', {}),
    ],
    ids=["a secret", "an open variable", "not known yet", "a topic", "a channel", "a region"],
)
def test_what_is_there_is_taken(stand: Stand, text: str, changes: dict[str, Any]) -> None:
    stand.file.write_text(text)
    stand.planned = values(**changes)
    assert stand.run() == 0


ELSEWHERE = [
    ({"region": "cn-north-4"}, "region is cn-north-4, not ap-southeast-1"),
    ({"bucket": "in-prod"}, "input_bucket is in-prod, not in-dev"),
]


@pytest.mark.parametrize(("changes", "said"), ELSEWHERE)
def test_one_environment_is_never_made_into_another(
    stand: Stand, capfd: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    """Given the state of another environment in the folder: nothing is even planned."""
    stand.state = values(**changes)
    assert stand.run() == 2
    error = capfd.readouterr().err
    assert said in error and "a folder of its own" in error and "SETTINGS=" in error
    assert stand.asked == PLANNED[:2]


@pytest.mark.parametrize(
    ("changes", "said"), [*ELSEWHERE, ({"name": "legible-prod"}, "name is legible-prod, not legible")]
)
def test_what_only_the_templates_say_is_seen_in_the_plan(
    stand: Stand, capfd: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    """Given a settings file that says nothing of it: main.tf does."""
    stand.settings.write_text('network = {\n  region = "elsewhere"\n}\n')
    stand.state = values(**changes)
    assert stand.run() == 2
    assert said in capfd.readouterr().err
    assert (stand.asked, stand.kept) == (PLANNED, False)


@pytest.mark.parametrize("name", ["prod.tfvars", "x.auto.tfvars", "terraform.tfvars.json"])
def test_a_second_settings_file_in_the_folder_is_refused(
    stand: Stand, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    (stand.folder / name).write_text("")
    assert stand.run() == 2
    assert f"{name} lies beside terraform.tfvars" in capfd.readouterr().err
    assert stand.asked == []


@pytest.mark.parametrize(("step", "asked"), [(PLANNED[0], 1), (PLANNED[2], 3)])
def test_what_terraform_refuses_is_its_own_to_say(stand: Stand, step: str, asked: int) -> None:
    stand.answers[step] = {"status": 4}
    assert stand.run("--apply") == 4
    assert (len(stand.asked), stand.kept) == (asked, False)


@pytest.mark.parametrize("answered", [{"status": 1}, {"out": "no JSON"}])
def test_a_plan_that_nobody_can_read_is_not_made(
    stand: Stand, capfd: pytest.CaptureFixture[str], answered: dict[str, Any]
) -> None:
    stand.answers[PLANNED[3]] = answered
    assert stand.run("--apply") == 2
    assert "does not tell its plan" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("command", "said"), [("no-such-terraform", "Install Terraform 1.9 or newer"), ("'open", "which is no command")]
)
def test_where_there_is_no_terraform_that_is_said(
    stand: Stand, capfd: pytest.CaptureFixture[str], command: str, said: str
) -> None:
    assert plan.main([str(stand.settings), "--terraform", command], stand.file) == 2
    assert destroy.main([str(stand.settings), "--terraform", command], {}) == 2
    lines = capfd.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Not planned", "Not destroyed"]
    assert all(said in line for line in lines)


def test_settings_files_are_ignored_by_git_and_their_examples_are_not() -> None:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    assert {"*.tfvars", "*.tfvars.json"} <= set(lines)
    assert not [line for line in lines if "example" in line or line == "*.tfvars*"]
