"""The console's own files: served unchanged, and allowed no connection elsewhere but for pictures and uploads.

The page links to its files below their edition, a digest of all of them, so that a browser keeps them until the digest
changes: each request is an invocation of the function, and there are two dozen files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from legible.api.problems import ProblemError
from legible.errors import LegibleError
from legible.model.http import Reply, Request

FOLDER = Path(__file__).with_name("console")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: A link of the page, and the name of an edition. A file of another edition is served too, but not to be kept: while a
#: new edition is deployed, both are in use.
_LINK = re.compile(rb'((?:href|src)=")([^"]+)(")')
_EDITION = re.compile(r"[0-9a-f]{16}")


class Console:
    """The console's files.

    Args:
        folder: The folder that holds them.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read nothing yet."""
        self._folder = folder
        self._read: dict[str, tuple[bytes, str]] = {}

    def shown(self, request: Request, origins: Callable[[], tuple[str, ...]]) -> Reply:
        """Return one of the console's files.

        Args:
            request: A request for a path below ``/console/``.
            origins: Returns the origins of pictures and uploads; none are allowed if it fails for wrong settings.

        Raises:
            ProblemError: There is no such file, or it is not asked for by GET.
        """
        if request.path == "/console":
            return Reply(302, {"Location": "/console/"})
        if request.method not in {"GET", "HEAD"}:
            raise ProblemError(
                405, "method-not-allowed", "The console can only be read.", "Allowed: GET.", {"Allow": "GET, HEAD"}
            )
        edition, name = _parted(request.path.removeprefix("/console/") or "index.html")
        if name not in self.files:
            raise ProblemError(404, "no-such-path", "The console has no such file.", "Open /console/.")
        body, tag = self.read(name)
        headers = {
            "Content-Type": _TYPES[Path(name).suffix],
            "Content-Security-Policy": _policy(origins),
            "Cache-Control": "private, max-age=31536000, immutable" if edition == self.edition else "no-cache",
            "ETag": tag,
        }
        if _has(request.headers.get("if-none-match", ""), tag):
            return Reply(304, headers)
        return Reply(200, headers, body)

    @cached_property
    def files(self) -> frozenset[str]:
        """The names of the console's files."""
        files = (file for file in self._folder.rglob("*") if file.is_file() and file.suffix in _TYPES)
        return frozenset(file.relative_to(self._folder).as_posix() for file in files)

    @cached_property
    def edition(self) -> str:
        """The digest of all of the console's files, which names their edition."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            digest.update(name.encode() + b"\0" + hashlib.sha256((self._folder / name).read_bytes()).digest())
        return digest.hexdigest()[:16]

    def read(self, name: str) -> tuple[bytes, str]:
        """Return one of the console's files, and its entity tag; the page links to the others in their edition."""
        if name not in self._read:
            body = (self._folder / name).read_bytes()
            if name == "index.html":
                body = _LINK.sub(self._in_edition, body)
            self._read[name] = body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        return self._read[name]

    def _in_edition(self, link: re.Match[bytes]) -> bytes:
        known = link[2].decode() in self.files
        return link[1] + self.edition.encode() + b"/" + link[2] + link[3] if known else link[0]


#: The files that ship; an instance of the function reads each of them once.
CONSOLE = Console()


def _parted(name: str) -> tuple[str, str]:
    """Return the edition that a file is asked for in, empty for none, and its own name."""
    first, _, rest = name.partition("/")
    return (first, rest) if _EDITION.fullmatch(first) else ("", name)


def _has(asked: str, tag: str) -> bool:
    """Tell whether a browser has a file already; a proxy may have weakened the tag (RFC 9110, 13.1.2)."""
    return asked.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in asked.split(","))


def _policy(origins: Callable[[], tuple[str, ...]]) -> str:
    try:
        elsewhere = " ".join(origins())
    except LegibleError:
        elsewhere = ""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: blob: {elsewhere}".strip(),
        "connect-src": f"'self' {elsewhere}".strip(),
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        # No text can become markup or code, whatever one of our scripts does with it.
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
