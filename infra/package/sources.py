"""What a package was made of beside Legible itself: runtime, groups, locks, and the packager.

It is in the zip, so that one of an older lock is told from one of these. Nothing but Python is needed to read it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: Its name in the zip.
NAME = "PACKAGE.json"
#: Modules of this folder that make no zip: two look at zips, one makes fonts, which are compared themselves.
_BESIDE = ("fresh.py", "sbom.py", "fallback_font.py")


def locks(groups: Iterable[str]) -> list[str]:
    """Return the locks of a package with these groups, as paths in the repository."""
    return [f"requirements/{name}.txt" for name in ("ship", *sorted(groups))]


def written(root: Path, runtime: str, groups: Iterable[str]) -> str:
    """Return what is put into the zip: JSON, the same for the same sources."""
    groups = sorted(groups)
    made_of = {"runtime": runtime, "groups": groups, "sources": _digests(root, groups)}
    return json.dumps(made_of, indent=1, sort_keys=True) + "\n"


def changed(root: Path, text: str) -> list[str]:
    """Return which of these sources are not those that a zip was made of, as paths in the repository.

    Args:
        root: The repository.
        text: What the zip says.
    """
    made_of = _read(text)
    then, now = made_of.get("sources", {}), _digests(root, made_of.get("groups") or ())
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def options(text: str) -> str:
    """Return the options of `make package` that a zip was made with."""
    made_of = _read(text)
    asked = [f"--runtime {made_of['runtime']}"] if made_of.get("runtime") else []
    return " ".join([*asked, *(f"--{group}" for group in made_of.get("groups") or ())])


def _read(text: str) -> dict[str, Any]:
    try:
        made_of = json.loads(text)
    except ValueError:
        return {}
    return made_of if isinstance(made_of, dict) and isinstance(made_of.get("sources"), dict) else {}


def _digests(root: Path, groups: Iterable[str]) -> dict[str, str]:
    packager = sorted((root / "infra" / "package").glob("*.py"))
    names = [*locks(groups), "requirements/build.txt"]
    names += [file.relative_to(root).as_posix() for file in packager if file.name not in _BESIDE]
    files = ((name, root / name) for name in names)
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files if file.is_file()}
