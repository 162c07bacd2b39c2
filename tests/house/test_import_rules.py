"""The import rules hold what they promise: each contract of .importlinter is broken on purpose, in a copy, and seen.

What is broken follows from the file itself, so that a contract that comes is tried too: every protected library is
imported where it may not be, every lowest layer imports the highest one, layers that may not know one another do, and
where the list is said to be whole there is one more.
"""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.places import ROOT


class Breach(NamedTuple):
    """A line that one contract forbids: the module it is written into, which is made where it is missing."""

    contract: str
    module: str
    line: str = ""


RULES = configparser.ConfigParser()
RULES.read(ROOT / ".importlinter", "utf-8")
CONTRACTS = [RULES[section] for section in RULES.sections() if section.startswith("importlinter:contract:")]
#: The linter's command, beside the Python that runs the tests.
LINTER = Path(sys.executable).with_name("lint-imports")


def words(contract: configparser.SectionProxy, name: str) -> list[str]:
    return contract.get(name, "").split()


def breaches_of_protected(contract: configparser.SectionProxy) -> Iterator[Breach]:
    """Yield one breach for each library, in a room of legible that may not import it."""
    allowed = words(contract, "allowed_importers")
    stranger = next(one for one in ("legible.errors", "legible.settings", "legible.ports") if one not in allowed)
    for library in words(contract, "protected_modules"):
        yield Breach(contract["name"], stranger, f"import {library}")


def breaches_of_layers(contract: configparser.SectionProxy) -> Iterator[Breach]:
    """Yield breaches upward, sideways, and by a module that no layer names."""
    prefixes = [f"{container}." for container in words(contract, "containers")] or [""]
    layers = [[one.strip() for one in line.split("|")] for line in contract["layers"].strip().splitlines()]
    for prefix in prefixes:
        yield Breach(contract["name"], prefix + layers[-1][0], f"import {prefix}{layers[0][0]}")
        for first, second, *_ in (layer for layer in layers if len(layer) > 1):
            yield Breach(contract["name"], prefix + first, f"import {prefix}{second}")
        if contract.getboolean("exhaustive", False):
            yield Breach(contract["name"], prefix + "unheard_of")


def breaches() -> Iterator[Breach]:
    kinds = {"protected": breaches_of_protected, "layers": breaches_of_layers}
    for contract in CONTRACTS:
        yield from kinds[contract["type"]](contract)


def name_of(section: str) -> str:
    return RULES[f"importlinter:contract:{section}"]["name"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python files that the rules are about, in a folder of their own."""
    folder = tmp_path_factory.mktemp("rules") / "shared"
    for package in RULES["importlinter"]["root_packages"].split():
        for file in (ROOT / "shared" / package).rglob("*.py"):
            there = folder / file.relative_to(ROOT / "shared")
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, there)
    return folder


def file_of(copy: Path, module: str) -> Path:
    """Return where a module lies, or would lie."""
    path = copy.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def broken(copy: Path) -> set[str]:
    """Return the names of the contracts that the linter finds broken in the copy."""
    done = subprocess.run(
        [str(LINTER), "--config", str(ROOT / ".importlinter"), "--no-cache", "--no-logo"],
        cwd=copy, env={"PYTHONPATH": str(copy), "COLUMNS": "200"}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    names = {line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")}
    assert (done.returncode == 0) == (not names)
    return names


def broken_by(copy: Path, breach: Breach) -> set[str]:
    """Return what a breach breaks; the copy is as it was afterwards."""
    file = file_of(copy, breach.module)
    before = file.read_text("utf-8") if file.exists() else None
    file.write_text(f"{before or ''}\n{breach.line}\n", "utf-8")
    try:
        return broken(copy)
    finally:
        file.unlink() if before is None else file.write_text(before, "utf-8")


def test_the_copy_as_it_is_breaks_nothing(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize("breach", [*breaches()], ids=lambda breach: f"{breach.module}: {breach.line or 'is there'}")
def test_each_contract_catches_its_breach(copy: Path, breach: Breach) -> None:
    assert broken_by(copy, breach) == {breach.contract}


@pytest.mark.parametrize(
    "breach",
    [
        Breach(name_of("xlsxwriter"), "legible.notices.webhook", "import xlsxwriter"),
        Breach(name_of("images"), "legible.notices.outbox", "import pypdfium2"),
        Breach(name_of("images"), "legible.documents.intake", "from PIL import Image"),
        Breach(name_of("vendor"), "legible.wiring.parts", "from obs import ObsClient"),
        Breach(name_of("above"), "legible.pipeline.delivery", "from localcloud import cloud"),
        Breach(name_of("above"), "localcloud.faults", "import legible_cli.console"),
        Breach(name_of("rooms"), "legible.model.documents", "from legible.ledger import ledger"),
        Breach(name_of("rooms"), "legible.results.helpers", "from legible.recognition import probe"),
    ],
    ids=lambda breach: f"{breach.module}: {breach.line}",
)
def test_a_module_deep_in_a_room_is_no_place_to_hide(copy: Path, breach: Breach) -> None:
    """Given breaches of which lists of modules, kept by hand, once let the first two pass."""
    assert breach.contract in broken_by(copy, breach)


def test_every_contract_is_tried() -> None:
    assert {breach.contract for breach in breaches()} == {contract["name"] for contract in CONTRACTS}
