"""``serverless deploy``, and whether it deployed: the plugin exits with 0 when it has failed.

``make deploy-serverless`` runs it: it looks whether ``make package`` made what serverless.yml points at, lets the
plugin work, and asks FunctionGraph before and after. A function that is missing, is not as listed, lacks a trigger or
was not touched fails.
"""

from __future__ import annotations

import argparse
import configparser
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra.deploy.asking import AskingError, Keys, ask
from infra.judged import judged
from legible.errors import SettingsError
from legible.settings import toml_file
from localcloud.functiongraph.config import Function, load

ROOT = Path(__file__).resolve().parents[2]
#: What the framework takes from the environment.
_ENVIRONMENT = re.compile(r"\$\{env:(?P<name>\w+)(?:,\s*'(?P<default>[^']*)')?\}")
#: What the platform calls triggers that the list calls otherwise.
_SAME = {"APIG": {"APIG", "DEDICATEDGATEWAY"}, "DEDICATEDGATEWAY": {"APIG", "DEDICATEDGATEWAY"}}


class Found(NamedTuple):
    """A function as the platform has it."""

    touched: str
    says: dict[str, Any]
    triggers: frozenset[str]


class Platform:
    """FunctionGraph in one project (ListFunctions, ListFunctionTriggers; API v2)."""

    def __init__(self, keys: Keys, endpoint: str, project_id: str) -> None:
        """Ask with these keys at this endpoint, in one project."""
        self._keys, self._where = keys, f"{endpoint}/v2/{project_id}/fgs"
        self._scope = {"X-Project-Id": project_id}

    def functions(self, names: set[str]) -> dict[str, Found]:
        """Return those of the functions that are there.

        Raises:
            AskingError: The platform cannot be asked.
        """
        known: dict[str, Found] = {}
        marker: Any = 0
        while True:
            page = self._get(f"/functions?marker={marker}&maxitems=100")
            for one in page.get("functions") or ():
                if one["func_name"] in names:
                    known[one["func_name"]] = self._found(one)
            if not page.get("functions") or not page.get("next_marker") or page["next_marker"] == marker:
                return known
            marker = page["next_marker"]

    def _found(self, one: dict[str, Any]) -> Found:
        triggers = self._get(f"/triggers/{one['func_urn']}")
        kinds = frozenset(str(each["trigger_type_code"]) for each in triggers or ())
        values = {name: one.get(name) for name in ("handler", "runtime", "timeout", "memory_size", "package")}
        return Found(f"{one.get('last_modified')} {one.get('digest')}", values, kinds)

    def _get(self, path: str) -> Any:
        return ask(self._keys, "GET", self._where + path, scope=self._scope)


def faults(listed: Mapping[str, Function], before: Mapping[str, Found], after: Mapping[str, Found]) -> list[str]:
    """Return what is not as serverless.yml says, a line each."""
    lines: list[str] = []
    for one in listed.values():
        deployed = after.get(one.name)
        if deployed is None:
            lines.append(f"{one.name} is not there.")
            continue
        wanted = {
            "handler": one.handler, "runtime": one.runtime, "timeout": int(one.timeout), "memory_size": one.memory,
            "package": one.package,
        }  # fmt: skip
        lines += [
            f"{one.name}: {name} is {deployed.says[name]!r}; serverless.yml says {value!r}."
            for name, value in wanted.items()
            if deployed.says[name] != value
        ]
        lines += [
            f"{one.name} has no {kind} trigger."
            for kind in _kinds(one)
            if not _SAME.get(kind, {kind}) & deployed.triggers
        ]
        if one.name in before and before[one.name].touched == deployed.touched:
            lines.append(f"{one.name} was not touched: it is as it was before.")
    return lines


def _kinds(one: Function) -> list[str]:
    named = {"OBS": one.triggers, "TIMER": one.timers, "APIG": one.apis, "CTS": one.audits}
    return [kind for kind, triggers in named.items() if triggers]


def packaged(file: Path) -> None:
    """Make sure that the folder is there which the plugin zips.

    Args:
        file: serverless.yml; its folders (``codeUri``) are beside it.

    Raises:
        AskingError: Nothing was packaged, or for another runtime: what is compiled in it would not be found.
    """
    listed = yaml.safe_load(file.read_text("utf-8"))
    for key, one in listed["functions"].items():
        folder = file.parent / one["code"]["codeUri"]
        if not (folder / f"{key}.py").is_file():
            raise AskingError(f"There is no {key}.py in {folder}: run make package.")
        runtime = str(one.get("runtime", listed["provider"]["runtime"]))
        wanted = f".cpython-{runtime.removeprefix('Python').replace('.', '')}-"
        other = next((so.name for so in sorted(folder.rglob("*.cpython-*.so")) if wanted not in so.name), "")
        if other:
            raise AskingError(f"{folder} holds {other}, which {runtime} does not load: run make package.")


def fit(file: Path, environment: Mapping[str, str]) -> None:
    """Make sure that every function would start with the settings in its folder and its own user variables.

    Args:
        file: serverless.yml; its folders (``codeUri``) are beside it, the settings in them.
        environment: Gives what is ``${env:...}`` there.

    Raises:
        AskingError: One would not; says which, and what is wrong.
    """
    raw = yaml.safe_load(file.read_text("utf-8"))["functions"]
    for key, one in load(file).items():
        given = {**(raw[key].get("userData") or {}), **(raw[key].get("encryptedUserData") or {})}
        asked = {name: _from(environment, str(text)) for name, text in given.items() if "${env:" in str(text)}
        try:
            judged(file.parent / raw[key]["code"]["codeUri"] / "legible.toml", {**one.user_data, **asked})
        except SettingsError as error:
            raise AskingError(f"{one.name}: {error}") from None


def _from(environment: Mapping[str, str], text: str) -> str:
    return _ENVIRONMENT.sub(lambda found: environment.get(found["name"], found["default"] or ""), text)


def honored(file: Path) -> None:
    """Make sure that the settings ask for nothing that the plugin cannot do, and that nobody would miss in time.

    Args:
        file: serverless.yml; its folders (``codeUri``) are beside it, the settings in them.

    Raises:
        AskingError: Tenants: the plugin maps no header, so that a caller would name its application itself.
    """
    listed = yaml.safe_load(file.read_text("utf-8"))
    for folder in sorted({file.parent / one["code"]["codeUri"] for one in listed["functions"].values()}):
        settings = folder / "legible.toml"
        if toml_file.read(settings).get("http", {}).get("tenants"):
            raise AskingError(
                f"{settings} names http.tenants, and the gateway would not say who calls: whoever wants another "
                "tenant's documents would write its id into the header. Use make deploy (Terraform), or remove them."
            )


def keys_in(file: Path) -> Keys:
    """Return the keys of the plugin's ini file.

    Raises:
        AskingError: There is none, or it has none.
    """
    parser = configparser.ConfigParser()
    parser.read(file, "utf-8")
    for section in (*parser.sections(), "DEFAULT"):
        access = parser.get(section, "access_key_id", fallback="")
        secret = parser.get(section, "secret_access_key", fallback="")
        if access and secret:
            return Keys(access, secret)
    raise AskingError(f"{file} has no access_key_id and secret_access_key (serverless.yml, provider.credentials).")


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Deploy and look; return 0 where everything is as listed."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.serverless", description=__doc__.partition("\n")[0])
    parser.add_argument("--file", type=Path, default=ROOT / "serverless.yml")
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="*", default=["npx", "serverless@3", "deploy"])
    options = parser.parse_args(arguments)
    try:
        return _deploy(options, environment)
    except AskingError as error:
        print(f"Not deployed: {error}", file=sys.stderr)
        return 2


def _deploy(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    project = environment.get("LEGIBLE_PROJECT_ID", "")
    if not project:
        raise AskingError("Set LEGIBLE_PROJECT_ID to the id of the region's project (console, My Credentials).")
    listed = load(options.file)
    names = {one.name for one in listed.values()}
    provider = yaml.safe_load(options.file.read_text("utf-8"))["provider"]
    endpoint = options.endpoint or f"https://functiongraph.{provider['region']}.myhuaweicloud.com"
    platform = Platform(keys_in(Path(provider["credentials"]).expanduser()), endpoint, project)
    packaged(options.file)
    fit(options.file, environment)
    honored(options.file)
    before = platform.functions(names)
    try:
        status = subprocess.run(options.command, cwd=options.file.parent, check=False).returncode
    except OSError as error:
        raise AskingError(f"{options.command[0]} cannot be run: {error.strerror}. npx comes with Node.js.") from None
    lines = faults(listed, before, platform.functions(names))
    lines += [f"{options.command[0]} exits with {status}."] if status else []
    for line in lines:
        print(line, file=sys.stderr)
    print(f"{len(names)} functions, {len(lines)} faults.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - a command has nothing else
