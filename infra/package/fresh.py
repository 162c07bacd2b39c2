"""Whether the zips in dist/ were made of these sources: settings ship in them, and a plan cannot tell old from new.

``make plan`` and ``make deploy`` run it, with any Python and nothing installed.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(root: Path = ROOT) -> int:
    """Say which zips are not of these sources; return 1 if any is not."""
    found = [(made, why) for made in sorted((root / "dist").glob("legible-*.zip")) if (why := _why_not(made, root))]
    for made, why in found:
        sys.stderr.write(f"dist/{made.name} {why}. Run make package, or remove it, if another one is deployed.\n")
    return 1 if found else 0


def _why_not(package: Path, root: Path) -> str:
    """Return why a zip is not to be deployed; empty where it may be."""
    try:
        with zipfile.ZipFile(package) as packed:
            there = {name for name in packed.namelist() if "__pycache__" not in name}
            other = sorted(name for name, file in _own(root, there) if not _same(packed, there, name, file))
    except zipfile.BadZipFile:
        return "is no zip"
    return f"was made of other sources: {', '.join(other[:5])} changed since" if other else ""


def _own(root: Path, there: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield what is Legible's in a zip, and what should be: names in it and the files they are made of."""
    for file in (root / "functions").glob("*.py"):
        if file.name != "__init__.py":
            yield file.name, file
    for file in (root / "shared" / "legible").rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"legible/{file.relative_to(root / 'shared' / 'legible').as_posix()}", file
    for name in there:
        if name.startswith("legible/") or (root / name).is_file():
            yield name, root / "shared" / name if name.startswith("legible/") else root / name


def _same(packed: zipfile.ZipFile, there: set[str], name: str, file: Path) -> bool:
    return name in there and file.is_file() and packed.read(name) == file.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
