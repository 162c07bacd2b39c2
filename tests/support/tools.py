"""Programs that some tests need and the lock cannot bring: whoever lacks one is told the command that installs it."""

from __future__ import annotations

import shutil

#: See the Makefile.
COMMAND = "make tools"


def program(*names: str) -> str | None:
    """Return where the first of these programs is; None where none is."""
    return next((place for name in names if (place := shutil.which(name))), None)


def missing(what: str) -> str:
    """Return the reason for which a test is skipped."""
    return f"{what} is not on this machine; `{COMMAND}` installs it"
