"""What ships of others, and under which license."""

from __future__ import annotations

from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

_HEAD = """What this package holds of others, each with its license as its own metadata names it. In brackets is the
folder with the license's text, which also names what a library brings along; where there is none, the text is that of
LICENSE for Apache-2.0. Everything else is Legible, under LICENSE.

"""
#: The fonts that `fallback_font.py` makes, and its sources; a path below the zip's top.
FONTS = Path("legible", "documents", "pages", "fonts")
_FONTS_LINE = f"Fonts made of Noto Sans CJK, Arimo and Noto Sans Thai: OFL-1.1 ({FONTS.as_posix()})\n"
_APPROVED = "License :: OSI Approved :: "


class Distribution(NamedTuple):
    """What the metadata of a distribution say of it."""

    name: str
    version: str
    license: str


def read(folder: Path) -> Distribution:
    """Return what a ``.dist-info`` folder says: the license by its expression, its plain word, or its classifiers."""
    metadata = HeaderParser().parsestr((folder / "METADATA").read_text("utf-8"))
    classified = [
        one.removeprefix(_APPROVED) for one in metadata.get_all("Classifier", []) if one.startswith(_APPROVED)
    ]
    plain = (metadata["License"] or "").strip().partition("\n")[0].strip()
    name = metadata["License-Expression"] or plain or ", ".join(classified) or "unknown"
    return Distribution(str(metadata["Name"]), str(metadata["Version"]), name)


def listed(folder: Path) -> str:
    """Return one line for each distribution in a folder, and one for fonts: name, license, where its text is."""
    lines = "".join(_line(found) for found in sorted(folder.glob("*.dist-info")))
    return _HEAD + lines + (_FONTS_LINE if (folder / FONTS).is_dir() else "")


def _line(folder: Path) -> str:
    found = read(folder)
    text = [one for one in folder.iterdir() if one.name != "METADATA"]
    return f"{found.name} {found.version}: {found.license}" + (f" ({folder.name})" if text else "") + "\n"
