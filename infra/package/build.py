"""``make package``: the zip that FunctionGraph runs, one for all functions (``bench/startup.py`` has the reasons)."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra.errors import PackageError
from infra.judged import judged
from infra.package import archive, bytecode, licenses, sbom, sources, wheels
from legible.errors import LegibleError, SettingsError
from legible.settings import toml_file

ROOT = Path(__file__).resolve().parents[2]
#: Bounds of ours, far below the platform's (zip by the API 50 MB, unzipped 1,500 MB; functiongraph_01_0150).
ZIP_BYTES, UNZIPPED_BYTES = 25 * 10**6, 100 * 10**6
RUNTIMES = ("Python3.10", "Python3.12")
#: Groups of pyproject.toml that may be added, each locked in requirements/; and how many bytes more each may zip to.
GROUPS = {"heif": 3 * 10**6, "searchable": 10 * 10**6, "telemetry": 3 * 10**6}


class Package(NamedTuple):
    """What was made: the zip, its bill of materials and the same as a folder, sizes in bytes, and what compiled it."""

    zip: Path
    bill: Path
    folder: Path
    zipped: int
    unzipped: int
    python: str | None


def runtime_of(serverless: Path) -> str:
    """Return the runtime that serverless.yml names.

    Raises:
        PackageError: It names none that Legible runs on.
    """
    listed = yaml.safe_load(serverless.read_text("utf-8"))
    found = listed.get("provider", {}).get("runtime")
    if found not in RUNTIMES:
        raise PackageError(
            f"{serverless.name}: provider.runtime is {found!r}.", advice=f"Allowed are: {', '.join(RUNTIMES)}."
        )
    return str(found)


def build(runtime: str, groups: Iterable[str] = (), root: Path = ROOT, target: Path | None = None) -> Package:
    """Make the package.

    Args:
        runtime: One of ``RUNTIMES``.
        groups: Of ``GROUPS``.
        root: The repository.
        target: Where ``dist/`` and ``build/`` go; the repository unless said.

    Raises:
        PackageError: legible.toml is wrong; or a dependency, a form that it names, or room is missing.
    """
    version, target, groups = runtime.removeprefix("Python"), target or root, sorted(set(groups))
    _judge(root, groups)
    folder = target / "build" / "legible"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wheels.install([root / lock for lock in sources.locks(groups)], version, folder)
    _own(root, folder)
    (folder / sources.NAME).write_text(sources.written(root, runtime, groups), "utf-8")
    (folder / "THIRD_PARTY.txt").write_text(licenses.listed(folder), "utf-8")
    python = bytecode.interpreter(version)
    if python:
        bytecode.compile_all(python, folder)
    made = target / "dist" / f"legible-python{version}.zip"
    # Whatever has that name is deployed: it takes its place whole and within its bounds, or not at all.
    begun = made.with_suffix(".part")
    try:
        archive.write(folder, begun)
        unzipped = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        bill = made.with_suffix(sbom.SUFFIX)
        found = Package(made, bill, folder, begun.stat().st_size, unzipped, python)
        _bounded(found, ZIP_BYTES + sum(GROUPS[group] for group in groups))
        contents = sbom.written(folder, begun, made.name)
        begun.replace(made)
        bill.write_text(contents, "utf-8")
    finally:
        begun.unlink(missing_ok=True)
    return found


def _judge(root: Path, groups: list[str]) -> None:
    """Refuse settings that a function would refuse to start with, before anything is made of them."""
    file = root / "legible.toml"
    try:
        for name in sorted(_forms(toml_file.read(file))):
            _form(root, name)
        settings = judged(file)
    except SettingsError as error:
        raise PackageError.of(error) from None
    if settings.telemetry.endpoint and "telemetry" not in groups:
        raise PackageError(
            "legible.toml: telemetry.endpoint is set; without OpenTelemetry in the package nothing would be traced.",
            advice="Add --telemetry to OPTIONS, or take the setting away.",
        )


def _own(root: Path, folder: Path) -> None:
    """Add what is Legible's: the handlers at the top, the package, the settings and the forms that they name."""
    there = {entry.name for entry in folder.iterdir()}
    handlers = sorted(file for file in (root / "functions").glob("*.py") if file.name != "__init__.py")
    for file in (*handlers, root / "legible.toml", root / "LICENSE"):
        # The platform warns of it: who of the two is imported is not said (functiongraph_02_0801).
        if file.name in there or file.stem in there:
            raise PackageError(f"functions/{file.name} has the name of a dependency.", advice="Name it otherwise.")
        shutil.copyfile(file, folder / file.name)
    shutil.copytree(root / "shared" / "legible", folder / "legible", ignore=shutil.ignore_patterns("__pycache__"))
    for name in sorted(_forms(toml_file.read(root / "legible.toml"))):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_form(root, name), place)


def _forms(settings: dict[str, Any]) -> set[str]:
    """Return the forms that settings name, which need not be right otherwise."""
    routes, operations = settings.get("routes"), settings.get("operations")
    tables = [
        *(routes if isinstance(routes, list) else ()),
        *(operations.values() if isinstance(operations, dict) else ()),
    ]
    return {str(table["form"]) for table in tables if isinstance(table, dict) and table.get("form")}


def _form(root: Path, name: str) -> Path:
    source = (root / name.replace("\0", "\ufffd")).resolve()
    if not source.is_file() or not source.is_relative_to(root.resolve()):
        raise PackageError(f"legible.toml names the form {name}, which is no file beside it or below.")
    return source


def _bounded(package: Package, zip_bytes: int) -> None:
    for what, size, bound in (("zip", package.zipped, zip_bytes), ("unzipped", package.unzipped, UNZIPPED_BYTES)):
        if size > bound:
            raise PackageError(
                f"{package.zip.name} has {_mb(size)} ({what}); {_mb(bound)} is the bound.",
                advice="Leave out a group or a form, or see in infra/package/wheels.py what else is not needed.",
            )


def _mb(size: int) -> str:
    return f"{size / 10**6:.1f} MB"


def told(package: Package, version: str) -> str:
    """Return what was made, in words."""
    note = f"Bytecode was compiled by {package.python}."
    if not package.python:
        note = (
            f"No Python {version} was found, so the zip holds no bytecode: each cold start compiles all that it "
            f"imports, about four times as slow. Put python{version} on the PATH, or set PYENV_ROOT, and build again."
        )
    return (
        f"{package.zip}: {_mb(package.zipped)}, {_mb(package.unzipped)} unzipped; the same in {package.folder}.\n"
        f"{package.bill}: what it is made of (CycloneDX).\n{note}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Make the package that the arguments ask for; return the exit code."""
    asked = argparse.ArgumentParser(prog="make package", description=__doc__)
    asked.add_argument("--runtime", choices=RUNTIMES, help="else what serverless.yml says")
    for group in GROUPS:
        asked.add_argument(f"--{group}", action="store_true", help=f"add the group {group} of pyproject.toml")
    options = asked.parse_args(arguments)
    try:
        runtime = options.runtime or runtime_of(ROOT / "serverless.yml")
        package = build(runtime, [group for group in GROUPS if getattr(options, group)])
    except LegibleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(told(package, runtime.removeprefix("Python")) + "\n")
    return 0
