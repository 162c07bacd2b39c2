"""A drill: one world with many documents and every fault that worlds know, from a seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from legible.model.documents import Document
from tests.support.rig import IN, pdf, picture
from tests.support.worlds import World


class Drill(World):
    """A world of ``count`` uploads: new ones, copies under other keys, the same bytes again, others in their place.

    Deliveries come late, twice and in any order; they die, fail and meet each other at any step; the service is
    throttled, down, slow to answer, refuses and cannot read URLs; notices are not taken; what passes waits.
    """

    def __init__(self, seed: int, count: int, **kind: Any) -> None:
        super().__init__(seed, copies=True, waits=True, told=True, **kind)
        self.most = count
        self.keys = [f"general-text/{number}" for number in range(count * 3 // 4)]
        self.bodies = {f"{number}": picture(60 + number % 200, 40 + number // 200) for number in range(count)}
        self.bodies |= {f"P{pages}": pdf(pages) for pages in range(2, 12)} | {"cut": picture()[:-20]}
        self.pages = {f"P{pages}": pages for pages in range(2, 12)}
        self.pictures = {hashlib.md5(body).hexdigest(): name for name, body in self.bodies.items()}

    def live(self) -> None:
        while len(self.uploads) < self.most:
            self.upload()
            for _ in range(self.random.randint(1, 3)):
                self.step()

    def outcome(self) -> Counter[str]:
        """Return how many documents ended how."""
        journals = self.rig.parts().ledger.journals
        states = [journals.load(Document(IN, key, etag)).finished for key, etag in self.whose]
        return Counter(end.status if end is not None and end.status is not None else "running" for end in states)
