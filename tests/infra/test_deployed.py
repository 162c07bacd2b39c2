"""Whether serverless deploy deployed: by what FunctionGraph has, not by what the plugin says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.deploy import serverless
from localcloud.functiongraph.config import load
from tests.infra.rights import ROOT
from tests.infra.vendor import Vendor

LISTED = load(ROOT / "serverless.yml")
#: A plugin that fails as the real one does: silently.
NOTHING = [sys.executable, "-c", ""]


def entry(one: Any, touched: str = "2026-11-25 12:00:00") -> dict[str, Any]:
    return {
        "func_name": one.name, "func_urn": f"urn:fss:r:p:function:default:{one.name}:latest", "handler": one.handler,
        "runtime": one.runtime, "timeout": int(one.timeout), "memory_size": one.memory, "package": one.package,
        "last_modified": touched, "digest": "d",
    }  # fmt: skip


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    said = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))["functions"].values()
    made.triggers = {
        f"urn:fss:r:p:function:default:{one['name']}:latest": [
            event["triggerTypeCode"].replace("APIG", "DEDICATEDGATEWAY") for event in one["events"]
        ]
        for one in said
        if "events" in one
    }
    yield made
    made.server.stop()


@pytest.fixture
def run(vendor, tmp_path, capsys):
    folder = tmp_path / "build" / "legible"
    folder.mkdir(parents=True)
    for key in LISTED:
        (folder / f"{key}.py").touch()
    (tmp_path / "keys").write_text(
        f"[default]\naccess_key_id = {vendor.key.access}\nsecret_access_key = {vendor.key.secret}\n"
    )
    text = (ROOT / "serverless.yml").read_text("utf-8").replace("~/.fg/credentials", str(tmp_path / "keys"))
    (tmp_path / "serverless.yml").write_text(text)

    def main(*command: str, project: str = "p", **environment: str) -> tuple[int, str]:
        folders = [
            "--file",
            str(tmp_path / "serverless.yml"),
        ]
        options = [*folders, "--endpoint", vendor.server.endpoint, "--", *(command or NOTHING)]
        status = serverless.main(options, {**environment, **({"LEGIBLE_PROJECT_ID": project} if project else {})})
        out = capsys.readouterr()
        return status, out.err + out.out

    return main


@pytest.mark.parametrize("before", [[], [entry(one, "2026-11-24 12:00:00") for one in LISTED.values()]])
def test_a_deployment_that_is_as_listed(vendor, run, before):
    vendor.functions, vendor.deployed = before, [entry(one) for one in LISTED.values()]
    assert run() == (0, f"{len(LISTED)} functions, 0 faults.\n")


def test_tenants_are_not_deployed_by_what_cannot_say_who_calls(vendor, run, tmp_path):
    """Without the mapped header a caller would name its application itself, and see another tenant's documents."""
    vendor.functions = vendor.deployed = [entry(one) for one in LISTED.values()]
    settings = tmp_path / "build" / "legible" / "legible.toml"
    settings.write_text('[[http.tenants]]\napp = "a"\nprefix = "a/"\n')
    status, said = run()
    assert status == 2 and "http.tenants" in said and "make deploy" in said
    settings.write_text("[http]\n")
    assert run()[0] != 2


def test_where_there_is_no_npx_that_is_said(vendor, run):
    assert run("no-such-npx") == (
        2, "Not deployed: no-such-npx cannot be run: No such file or directory. npx comes with Node.js.\n"
    )  # fmt: skip


HOOK = '[notify.hr]\nkind = "webhook"\nurl = "https://hooks.example/x"\nsecret = "HOOK"\n'
SECRET = "whsec_" + "QUFB" * 10


@pytest.mark.parametrize(
    ("settings", "data", "said"),
    [
        ("[ocrr]\n", "", "legible-on-upload: legible.toml: the file has no setting 'ocrr'"),
        pytest.param(HOOK, "", "notify.hr.secret: The user variable HOOK does not hold", marks=pytest.mark.slow),
        (HOOK, "${env:HOOK, ''}", "notify.hr.secret: The user variable HOOK does not hold"),
        ("", "SOURCE", "LEGIBLE_SOURCE is 'SOURCE'. Allowed is: inline"),
        pytest.param('default = "nope"', "", "there is no operation 'nope'", marks=pytest.mark.slow),
    ],
    ids=["an unknown table", "no secret", "a secret that is not set", "a wrong variable", "no such operation"],
)
def test_settings_that_a_function_would_refuse_are_not_deployed(vendor, run, tmp_path, settings, data, said):
    """Given a plugin that would do it: what was deployed before stays."""
    vendor.functions, vendor.deployed = [], [entry(one) for one in LISTED.values()]
    (tmp_path / "build" / "legible" / "legible.toml").write_text(settings)
    name = "LEGIBLE_SOURCE" if data == "SOURCE" else "HOOK"
    with_data(tmp_path, f'{name}: "{data}"' if data else "")
    status, text = run(sys.executable, "-c", "raise SystemExit('it was called')")
    assert status == 2 and said in text and "it was called" not in text


@pytest.mark.parametrize("kind", ["userData", "encryptedUserData"])
def test_a_secret_that_the_environment_holds_is_taken(vendor, run, tmp_path, kind):
    vendor.functions, vendor.deployed = [], [entry(one) for one in LISTED.values()]
    (tmp_path / "build" / "legible" / "legible.toml").write_text(HOOK)
    with_data(tmp_path, 'HOOK: "${env:HOOK}"', kind)
    assert run(HOOK=SECRET)[0] == 0
    assert run(HOOK="canary")[0] == 2


def with_data(folder: Path, line: str, kind: str = "userData") -> None:
    """Give all functions one more user variable."""
    file = folder / "serverless.yml"
    listed = yaml.safe_load(file.read_text("utf-8"))
    for one in listed["functions"].values():
        one[kind] = {**one.get(kind, {}), **(yaml.safe_load(line) or {})}
    file.write_text(yaml.safe_dump(listed, sort_keys=False))


def found_of(vendor: Vendor, functions: list[dict[str, Any]]) -> dict[str, serverless.Found]:
    vendor.functions = functions
    keys = serverless.Keys(vendor.key.access, vendor.key.secret, vendor.key.token)
    return serverless.Platform(keys, vendor.server.endpoint, "p").functions({one.name for one in LISTED.values()})


def test_the_plugin_that_does_nothing_and_exits_with_0_is_noticed(vendor, run):
    vendor.functions = [entry(one) for one in LISTED.values()]
    status, text = run()
    assert status == 1
    assert "legible-on-upload was not touched" in text
    assert f"{len(LISTED)} faults" in text


def test_what_is_missing_or_other_than_listed_is_named(vendor):
    functions = [entry(one) for one in LISTED.values() if one.key != "split"]
    functions[0] |= {"timeout": 3}
    del vendor.triggers["urn:fss:r:p:function:default:legible-on-timer:latest"]
    assert serverless.faults(LISTED, {}, found_of(vendor, functions)) == [
        "legible-on-upload: timeout is 3; serverless.yml says 300.",
        "legible-on-timer has no TIMER trigger.",
        "legible-split is not there.",
    ]


def test_a_plugin_that_does_say_so(vendor, run):
    status, text = run(sys.executable, "-c", "raise SystemExit(3)")
    assert (status, "exits with 3" in text) == (1, True)


def test_a_folder_packaged_for_another_runtime_is_not_deployed(vendor, run, tmp_path):
    """Given `make package OPTIONS="--runtime Python3.10"` before, and Python3.12 in the list."""
    vendor.functions, vendor.deployed = [], [entry(one) for one in LISTED.values()]
    (tmp_path / "build" / "legible" / "_a.cpython-312-x86_64-linux-gnu.so").touch()
    assert run()[0] == 0
    (tmp_path / "build" / "legible" / "_b.cpython-310-x86_64-linux-gnu.so").touch()
    status, text = run()
    assert status == 2 and "_b.cpython-310-x86_64-linux-gnu.so, which Python3.12 does not load" in text


def test_what_must_be_there_first(vendor, run, tmp_path):
    assert run(project="") == (
        2,
        "Not deployed: Set LEGIBLE_PROJECT_ID to the id of the region's project (console, My Credentials).\n",
    )
    (tmp_path / "build" / "legible" / "split.py").unlink()
    assert "run make package" in run()[1]
    (tmp_path / "keys").write_text("[default]\n")
    assert "has no access_key_id" in run()[1]
