"""A real OCR engine inside the local cloud. It refuses what it cannot read honestly, and never makes a value up.

`recognize` is the whole interface. Importing this package loads neither the models nor their libraries.

Read: printed Latin, Chinese and Japanese text in lines at any angle; ruled tables; machine readable zones; the print of
two identity cards. Not read: handwriting, other scripts, characters stacked into columns, seals, tables with neither
rules nor a dark header, portraits. No authenticity or quality score is given: there is no model for one.
"""

from __future__ import annotations

import atexit
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from queue import SimpleQueue
from typing import Any

from localcloud.engine.errors import EngineError
from localcloud.engine.pace import PACE

__all__ = ["SERVED", "EngineError", "check_models", "recognize"]

#: Slugs of the operations that are really recognized here.
SERVED = frozenset(
    {
        "cambodian-idcard",
        "general-table",
        "general-text",
        "hk-id-card",
        "id-card",
        "macao-id-card",
        "passport",
        "smart-document-recognizer",
        "web-image",
    }
)

#: How long (seconds) a document may wait for those before it, and how much work it may take: callers give up after 60.
PATIENCE, LONGEST = 30.0, 25.0
#: How long (seconds) the process waits at its end for what is in work: longer than a run of a model, or a drawing.
_LAST_RUN = 20.0

#: What waits to be recognized: operation, file and options, for how long (seconds), and where the answer goes.
_Job = tuple[str, bytes, dict[str, Any], float, "Future[Any]"]
#: None ends the thread.
_jobs: SimpleQueue[_Job | None] = SimpleQueue()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def recognize(
    slug: str, image: bytes, options: dict[str, Any], *, patience: float = PATIENCE, longest: float = LONGEST
) -> Any:
    """Recognize a document.

    Args:
        slug: The last part of the operation's URL.
        image: The file as uploaded, decoded from Base64.
        options: The body of the request without the file; an option that is absent has the service's default.
        patience: How many seconds it may wait for the documents before it.
        longest: How many seconds of work it may take then.

    Returns:
        The value of ``result`` in the answer, ready for JSON.

    Raises:
        EngineError: The document, an option or the operation cannot be honored; or too many came at once, and this one
            may come again (ModelArts.4401).
        ModelFileError: The model files are missing or altered.
    """
    if slug not in SERVED:
        raise EngineError(
            "AIS.0105",
            f"{slug} is not recognized here; `legible run` and `legible up` answer with its recorded answer when given "
            f"--recorded {slug}.",
        )
    _start()
    answer: Future[Any] = Future()
    _jobs.put((slug, image, options, longest, answer))
    try:
        return answer.result(patience)
    except NotYetError:
        # Turned away unread, it is not paid for and comes again; kept waiting, its caller would give up on an answer
        # that may have been paid for, because of another document.
        if answer.cancel():
            raise EngineError("ModelArts.4401", "others are recognized first; call again") from None
        return answer.result()


def _start() -> None:
    """Start the thread that recognizes.

    One document at a time, on all cores: the best latency, and the memory of one page. And always in the same thread:
    the C library keeps what each thread has freed for that thread, so that the threads of a web server, a new one for
    each request, came to hold gigabytes (measured).
    """
    global _thread
    with _starting:
        if _thread is None or not _thread.is_alive():  # a forked process has no such thread
            _thread = threading.Thread(target=_recognize, name="ocr-engine", daemon=True)
            _thread.start()
            atexit.register(_stop, _thread)


def _stop(thread: threading.Thread) -> None:
    """Have the thread end before the interpreter does.

    A thread that comes back from a model into an interpreter that has ended is unwound through C++ which forbids it:
    the process would end by SIGABRT, "terminate called without an active exception".
    """
    PACE.stop()
    _jobs.put(None)
    thread.join(_LAST_RUN)


def _recognize() -> None:
    while (job := _jobs.get()) is not None:
        slug, image, options, longest, answer = job
        if not answer.set_running_or_notify_cancel():
            continue
        try:
            from localcloud.engine.operations import OPERATIONS

            PACE.begin(longest)
            answer.set_result(OPERATIONS[slug](image, options))
        except BaseException as error:
            answer.set_exception(error)


def check_models() -> None:
    """Raise ModelFileError unless the model files are installed and unaltered. For start-up."""
    from localcloud.engine.models import check_files, model_folder

    check_files(model_folder())
