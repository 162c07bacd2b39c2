"""Zips that are the same bytes whenever, wherever and by whomever they are made."""

from __future__ import annotations

import zipfile
from pathlib import Path

#: The earliest time that a zip can tell.
_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR, _UNIX = 0o100644, 3


def write(folder: Path, archive: Path) -> None:
    """Write every file below the folder: fixed times and modes, in the order of their names."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    names = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as output:
        for name in sorted(names):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _REGULAR << 16
            output.writestr(entry, names[name].read_bytes())
