"""What tests ask of a workbook's bytes."""

from __future__ import annotations

import io
import re
import zipfile


def dates_in(book: bytes) -> tuple[set[str], set[int]]:
    """Return the dates in a workbook's properties, and the years in its zip: neither may be those of its making.

    Two workbooks made within one second are equal even where they hold the time; so equality alone shows nothing.
    """
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        properties = packed.read("docProps/core.xml").decode()
        return set(re.findall(r"<dcterms:[^>]*>([^<]*)", properties)), {part.date_time[0] for part in packed.infolist()}
