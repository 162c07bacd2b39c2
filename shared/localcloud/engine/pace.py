"""How long one document may be worked on: minded before each run of a model, where nearly all of the time goes."""

from __future__ import annotations

import math
import threading
import time

from localcloud.engine.errors import EngineError


class Pace:
    """The time that the document in work has left, and whether the process ends. For the one thread that recognizes."""

    def __init__(self) -> None:
        """Limit nothing until a document begins."""
        self._end = math.inf
        self._stopping = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be recognized."""
        return self._stopping.is_set()

    def begin(self, seconds: float) -> None:
        """Begin a document that may take so many seconds of the calling thread's work.

        Not of the clock: on a machine that is busy with other things a page is not refused for it.
        """
        self._end = time.thread_time() + seconds

    def stop(self) -> None:
        """Have the document in work end at its next check. May be called from any thread."""
        self._stopping.set()

    def check(self) -> None:
        """Let the work go on.

        Raises:
            EngineError: The document took too long (AIS.0105), or the process ends (ModelArts.4403).
        """
        if self.stopped:
            raise EngineError("ModelArts.4403", "the local cloud ends")
        if time.thread_time() > self._end:
            raise EngineError("AIS.0105", "the page holds more than this machine reads before its caller gives up")


#: The pace of the one document in work.
PACE = Pace()
