"""The Terraform templates, read without Terraform (python-hcl2)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import hcl2

from tests.infra.rights import ROOT

FOLDER = ROOT / "infra" / "terraform"


class Block(NamedTuple):
    """A resource or data source: where it is, its type and name, and what it says."""

    module: str
    type: str
    name: str
    body: dict[str, Any]


@cache
def read(file: Path) -> dict[str, Any]:
    """Return a template with the quotes of names taken off; expressions stay text, ``${...}``. Not to be changed."""
    found: dict[str, Any] = _plain(hcl2.loads(file.read_text("utf-8")))
    return found


def modules() -> list[Path]:
    """Return the folders of all modules, the root's first."""
    return [FOLDER, *sorted(path for path in (FOLDER / "modules").iterdir() if path.is_dir())]


def resources() -> Iterator[Block]:
    """Yield every resource of every module."""
    yield from blocks("resource")


def variables(module: Path) -> dict[str, dict[str, Any]]:
    """Return a module's inputs."""
    return _named(module, "variable")


def outputs(module: Path) -> dict[str, dict[str, Any]]:
    """Return a module's outputs."""
    return _named(module, "output")


def _named(module: Path, kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: body
        for file in sorted(module.glob("*.tf"))
        for one in read(file).get(kind, ())
        for name, body in one.items()
    }


def blocks(kind: str) -> Iterator[Block]:
    """Yield every block of a kind, ``resource`` or ``data``, of every module."""
    for module in modules():
        for file in sorted(module.glob("*.tf")):
            for one in read(file).get(kind, ()):
                for type_, named in one.items():
                    for name, body in named.items():
                        yield Block(module.name, type_, name, body)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value
