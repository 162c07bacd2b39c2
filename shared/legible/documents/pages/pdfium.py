"""PDFium, loaded when a PDF is first opened: its bindings are a fifth of what a cold instance would import."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Late:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self._name), name)
        setattr(self, name, found)  # asked for hundreds of times a page
        return found


#: The library, and its functions as PDFium itself has them.
pypdfium2: Any = _Late("pypdfium2")
