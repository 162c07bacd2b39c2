"""Closes journals of documents that are being forgotten: a closed one takes no claim, so nothing is read again."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from legible.errors import AppendConflictError, DocumentError, InternalError, UnavailableError
from legible.ledger.journal import FORMAT, Line
from legible.ledger.journals import Journals
from legible.ledger.lines import SKEW_SECONDS, TRIES
from legible.ledger.state import State
from legible.model.documents import Document
from legible.ports import Invocation


def held(state: State, call: Invocation) -> bool:
    """Tell whether somebody works on a document at this moment, by any clock."""
    return state.leases.held(call.now() - timedelta(seconds=SKEW_SECONDS))


def close(journals: Journals, document: Document, call: Invocation, settle: float) -> State:
    """Say in a document's journal that it is being forgotten, unless somebody works on it.

    A journal that takes no line, because something else wrote to it, stays as it is: nobody can claim by it either.

    Args:
        journals: Reads it.
        document: Whose journal; one that is not there is not begun.
        call: Who forgets: gives its name and the time.
        settle: Seconds after which the line is read back.

    Returns:
        The state; ``forgotten`` is None where somebody works on the document, or the journal takes no line.

    Raises:
        UnavailableError: The store has a passing fault, or the journal takes no line in time.
    """
    try:
        opened = journals.open(document, call.pause)
    except InternalError:
        return journals.salvaged(document)
    for _ in range(TRIES):
        state = opened.state
        if state.forgotten or not state.lines or held(state, call):
            return state
        line = Line("forgotten", call.now(), call.owner, 1, v=FORMAT)
        try:
            with suppress(AppendConflictError):
                opened.put([line])
        except DocumentError:
            return state
        call.pause(settle)
        opened.reload()
    raise UnavailableError(f"The journal of {document.ref} took no line in {TRIES} tries.")
