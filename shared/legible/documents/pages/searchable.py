"""The searchable copy of a document: a PDF of its pages, with what was recognized as invisible text on them.

A PDF keeps what it has: its streams are copied as they are packed, from file to file. Images become the pages of a new
PDF. Memory holds the texts and what ties the document together, but of what is copied one stream, and of new pictures
few. Runs apart, where documents are opened; see ``legible.documents.pages.worker``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from legible.documents.pages import probe
from legible.documents.pages.values import PageText
from legible.errors import RejectedError

#: So many bytes of pictures are held before they are put on the disk.
MOST_HELD = 64_000_000


def _pikepdf() -> object:
    import pikepdf  # optional: with what it asks for it is 8 MB, so whoever packages Legible decides

    return pikepdf


def write(
    source: Path,
    format_name: str,
    target: Path,
    texts: Path,
    *,
    most_held: int = MOST_HELD,
    load: Callable[[], object] = _pikepdf,
) -> int:
    """Write the searchable PDF of a document.

    Args:
        source: The document.
        format_name: As intake told it: ``pdf``, or an image's.
        target: Where the PDF goes; of many large pictures a file without a name lies beside it meanwhile.
        texts: A ``PageText`` as JSON in each line, in the order of the pages; pages without words may be left out.
        most_held: Bytes of pictures in memory; what is beyond goes on the disk.
        load: Loads pikepdf; raises ``ImportError`` where it is not installed.

    Returns:
        How many pages have a text layer. A page without words has none, nor has one that cannot be loaded.

    Raises:
        RejectedError: The document cannot be opened, its pages cannot be told apart, the copy does not fit on the disk,
            or pikepdf is not installed. What ``target`` holds then is no result.
    """
    try:
        load()
    except ImportError:
        raise RejectedError(
            "Searchable PDFs cannot be written in this installation.",
            code="searchable-not-installed",
            advice="Package Legible with its group searchable.",
        ) from None
    from legible.documents.pages import album, overlay  # they need pikepdf

    with _told(), texts.open("rb") as lines:
        spool = _Spool(lines)
        if format_name == "pdf":
            return overlay.write(source, target, spool.of)
        pages = probe.look(source, format_name).pages if format_name == "tiff" else 1
        return album.write(source, format_name, pages, target, spool.of, most_held)


@contextmanager
def _told() -> Iterator[None]:
    """Any error that pikepdf raises, and there are many, means that there is no searchable copy."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (RejectedError, MemoryError):
        raise
    except OSError as error:
        raise RejectedError(
            f"The searchable PDF cannot be written ({type(error).__name__}).",
            code="disk-full",
            advice="Split the document, or give the function a larger /tmp.",
        ) from error
    except Exception as error:
        raise RejectedError(
            "The PDF is written in a way that takes no text layer.",
            code="document-broken",
            advice="Print it to a new PDF and upload that.",
        ) from error


class _Spool:
    """The texts of pages, read one by one."""

    def __init__(self, lines: IO[bytes]) -> None:
        self._lines = lines
        self._next = self._read()

    def of(self, page: int) -> PageText | None:
        """Return the text of a page; pages must be asked for in order."""
        while self._next is not None and self._next.page < page:
            self._next = self._read()
        text = self._next
        return text if text is not None and text.page == page and text.words else None

    def _read(self) -> PageText | None:
        line = self._lines.readline()
        return msgspec.json.decode(line, type=PageText) if line.strip() else None
