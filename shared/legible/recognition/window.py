"""The pages of one document, several at a time: one page's trouble is no other page's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from legible.errors import BusyError, HeldError, LegibleError, OutOfTimeError, ReplacedError
from legible.recognition.retries import AgainError

#: If this many pages fail for a passing reason, the service is not well: the rest waits for a later delivery.
_UNWELL = 3
#: How much of the answers just received stays in memory, in bytes; the others are read back when the document ends.
KEPT_BYTES = 4_000_000
#: How many pages are in work for each call of the window: drawn before their turn, or recorded after it.
_IN_HAND = 2
#: Which error is raised if there are several: the one that says most about the whole document.
_FIRST = (ReplacedError, BusyError, HeldError, OutOfTimeError)
#: Calls for a page; its second argument tells whether all must stop. Returns the answer, or None for a failed page.
Call = Callable[[int, Callable[[], bool]], "bytes | None"]


class Window:
    """Calls for pages, up to a window of them at the same time.

    Args:
        pages: Page numbers, in the order they are begun.
        call: Calls for one page.
    """

    def __init__(self, pages: Sequence[int], call: Call) -> None:
        """Call for no page yet."""
        self._pages = list(reversed(pages))
        self._call = call
        self._lock = threading.Lock()
        self._halted = False
        self._kept = 0
        self._received: dict[int, bytes] = {}
        self._troubles: list[LegibleError] = []

    def run(self, window: int) -> dict[int, bytes]:
        """Call for every page; begin no more once the whole document cannot go on.

        Args:
            window: How many calls at the same time. With one, pages are done one by one in the caller's thread. With
                more, some more pages than that are in work, and ``call`` itself must wait for its turn.

        Returns:
            Answers by page, as far as ``KEPT_BYTES`` go.

        Raises:
            LegibleError: Why the document cannot be finished; raised after every page that was begun has ended.
        """
        workers = min(_IN_HAND * window if window > 1 else 1, len(self._pages))
        if workers < 2:
            self._work()
        else:
            with ThreadPoolExecutor(workers) as pool:
                for done in [pool.submit(self._work) for _ in range(workers)]:
                    done.result()
        if self._troubles:
            raise next((t for kind in _FIRST for t in self._troubles if isinstance(t, kind)), self._troubles[0])
        return self._received

    def _work(self) -> None:
        while (page := self._next()) is not None:
            try:
                self._keep(page, self._call(page, lambda: self._halted))
            except AgainError as again:
                self._trouble(again.later(), enough=_UNWELL)
            except LegibleError as error:
                self._trouble(error, enough=1)
            except BaseException:
                self._halted = True
                raise

    def _next(self) -> int | None:
        with self._lock:
            return self._pages.pop() if self._pages and not self._halted else None

    def _keep(self, page: int, answer: bytes | None) -> None:
        with self._lock:
            if answer is not None and self._kept + len(answer) <= KEPT_BYTES:
                self._kept += len(answer)
                self._received[page] = answer

    def _trouble(self, error: LegibleError, enough: int) -> None:
        with self._lock:
            self._troubles.append(error)
            self._halted = self._halted or len(self._troubles) >= enough
