"""Bodies and objects that are never in memory as a whole: an upload on its way in, a large object on its way out."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from io import FileIO
from typing import Any

from moto.s3.models import FakeKey

from localcloud.web import Environ, read_chunks

#: A larger body waits on the disk; in bytes.
IN_MEMORY = 1024 * 1024
_PIECE = 256 * 1024


class Spool:
    """The body of an upload, read to its end; ``md5`` is its digest in hexadecimal."""

    def __init__(self, environ: Environ) -> None:
        """Read a request's body.

        Raises:
            ConnectionAbortedError: The body ended before its announced length.
        """
        self.file: Any = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it lives as long as the object
        self.size = 0
        digest = hashlib.md5(usedforsecurity=False)
        for piece in read_chunks(environ, _PIECE):
            self.file.write(piece)
            digest.update(piece)
            self.size += len(piece)
        self.md5 = digest.hexdigest()

    def become(self, stored: FakeKey) -> None:
        """Be an object's content from now on."""
        stored._value_buffer.close()
        stored._value_buffer = self.file
        stored.contentsize, stored._etag = self.size, self.md5


def pieces(stored: FakeKey, first: int = 0, last: int | None = None) -> Iterable[bytes]:
    """Return an object's bytes from ``first`` on and before ``last``; what is overwritten meanwhile stays readable."""
    end = stored.size if last is None else last
    if stored.size <= IN_MEMORY:
        return [stored.value[first:end]]
    stored._value_buffer.flush()
    return _walk(FileIO(os.dup(stored._value_buffer.fileno()), "rb"), first, end)


def _walk(file: FileIO, first: int, end: int) -> Iterator[bytes]:
    with file:
        while piece := os.pread(file.fileno(), max(0, min(_PIECE, end - first)), first):
            yield piece
            first += len(piece)
