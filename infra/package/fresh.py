"""Whether the zips in dist/ were made of these sources: settings and dependencies ship in them, and a plan cannot tell.

``make plan`` and ``make deploy`` run it, with any Python and nothing installed.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra.package import sources

ROOT = Path(__file__).resolve().parents[2]


def main(root: Path = ROOT) -> int:
    """Say which zips are not of these sources; return 1 if any is not."""
    found = [(made, why) for made in sorted((root / "dist").glob("legible-*.zip")) if (why := _why_not(made, root))]
    for made, why in found:
        sys.stderr.write(f"dist/{made.name} {why}, or remove it, if another one is deployed.\n")
    return 1 if found else 0


def _why_not(package: Path, root: Path) -> str:
    """Return why a zip is not to be deployed; empty where it may be."""
    try:
        with zipfile.ZipFile(package) as packed:
            there = {name for name in packed.namelist() if "__pycache__" not in name}
            other = sorted(name for name, file in _own(root, there) if not _same(packed, there, name, file))
            made_of = packed.read(sources.NAME).decode("utf-8", "replace") if sources.NAME in there else ""
    except zipfile.BadZipFile:
        return "is no zip. Run make package"
    if not made_of:
        return "does not say which locks it was made of. Run make package"
    other += sources.changed(root, made_of)
    if not other:
        return ""
    more = f" and {len(other) - 5} more" if len(other) > 5 else ""
    again = f'make package OPTIONS="{sources.options(made_of)}"'
    return f"was made of other sources: {', '.join(other[:5])}{more} changed since. Run {again}"


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
