"""How paid calls are made: how many at once, how often repeated, and for how long."""

from __future__ import annotations

from msgspec import Struct

from legible.model.pages import Source


class Policy(Struct, frozen=True):
    """How calls are made. All times in seconds.

    ``wait`` is the vendor's advice for throttling, 2 to 5 (ocr_03_0028). ``reserve`` is kept free at the end of the
    function's time to write what was learned. ``window`` is how many pages of a document are on their way at the same
    time. ``settle`` is how old a claim must be when the journal is read back: longer than two simultaneous appends can
    be apart (`legible doctor --appends` measures it). ``fallback`` says whether a page goes inline where the service
    could not read its URL; without it the document is held.
    """

    source: Source = "url"
    fallback: bool = True
    attempts: int = 4
    wait: tuple[float, float] = (2.0, 5.0)
    call: float = 60.0
    reserve: float = 5.0
    window: int = 1
    settle: float = 0.2
    signed_url: int = 900
