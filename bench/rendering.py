"""Rendering pages: by Legible, in a process of its own, compared with a bare loop over the PDF library."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pypdfium2

from bench import documents
from bench.table import Line, Say
from legible.documents.pages import Sheets, Want
from legible.operations import catalog

_FEW_COLORS, _QUALITY = 16, 90
_LEAST = 0.95
_LEFT = 600.0


def lines(pages: int, rounds: int, say: Say) -> list[Line]:
    """Compare both for text pages and for scans.

    Args:
        pages: How many pages each document has.
        rounds: How often each is measured, in turn; the shortest time counts.
        say: Tells what is being measured.
    """
    compared = []
    for name, make in (("text", documents.text), ("scans", documents.scans)):
        say(f"rendering {pages} pages of {name}")
        body = make(pages)
        times = [(seconds(legible, body, pages), seconds(bare, body, pages)) for _ in range(rounds)]
        ours, plain = (min(column) for column in zip(*times, strict=True))
        compared.append(
            Line(
                f"rendering, {name}, {pages} pages: speed beside the bare loop",
                f"{pages / ours:.1f} pages/s",
                f"{pages / plain:.1f} pages/s",
                plain / ours,
                least=_LEAST,
            )
        )
    return compared


def seconds(render: Callable[[bytes, int], int], body: bytes, pages: int) -> float:
    """Return how long one way of rendering takes."""
    start = time.perf_counter()
    render(body, pages)
    return time.perf_counter() - start


def legible(body: bytes, pages: int) -> int:
    """Render every page as the pipeline does, the start of the process included; return the pictures' size."""
    want = Want.of(catalog.find("passport").limits)
    with Sheets("pdf", len(body), lambda first, last: body[first : last + 1]) as sheets:
        return sum(len(sheets.render(page, want, _LEFT).body) for page in range(1, pages + 1))


def bare(body: bytes, pages: int) -> int:
    """Render every page in one loop, to the same pictures; return their size."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "document"
        path.write_bytes(body)
        return sum(len(pictures) for pictures in each(path, pages))


def each(path: Path, pages: int) -> list[bytes]:
    """Return the pictures of all pages."""
    document = pypdfium2.PdfDocument(path)
    pictures = [_picture(document[number]) for number in range(pages)]
    document.close()
    return pictures


def _picture(page: pypdfium2.PdfPage) -> bytes:
    image = page.render(scale=documents.DPI / 72, rev_byteorder=True, prefer_bgrx=False).to_pil()
    page.close()
    target = io.BytesIO()
    if image.getcolors(_FEW_COLORS) is not None:
        image.save(target, "PNG", compress_level=6)
    else:
        image.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()
