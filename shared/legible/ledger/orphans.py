"""Calls that were announced and have no outcome: whether an answer was stored, and whether it is this document's."""

from __future__ import annotations

from msgspec import Struct

from legible.errors import DocumentError, ObjectGoneError, UnavailableError
from legible.ledger.answers import Answers, StoredAnswer
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document
from legible.ports import Head, Site

#: The note of a call whose picture was made from bytes that were read before.
RENDERED = "rendered"


class Orphan(Struct, frozen=True):
    """A call whose invocation died before it could say what came of it.

    ``answer`` is what it stored, if anything; ``doubtful`` says that the service may have read another upload.
    """

    line: Line
    page: int
    answer: StoredAnswer | None = None
    doubtful: bool = False


class Orphans:
    """Finds what became of such calls.

    Args:
        site: Where documents and answers are stored.
        answers: Finds stored answers.
    """

    def __init__(self, site: Site, answers: Answers) -> None:
        """Look at nothing yet."""
        self._site = site
        self._answers = answers

    def examine(self, document: Document, state: State, page: int, line: Line) -> Orphan:
        """Return what is known of a call.

        Args:
            document: Which document it was for.
            state: Its journal.
            page: The page.
            line: The line that announced the call.

        Raises:
            UnavailableError: The store does not tell.
        """
        answer = self._answers.find(line.answer or self._answers.key(document, page, line.owner))
        return Orphan(line, page, answer, answer is not None and self._doubtful(document, state, line))

    def _doubtful(self, document: Document, state: State, line: Line) -> bool:
        """Tell whether the service, given a URL, may have read another upload than the one its caller claimed.

        Before the call, its caller saw to it that any later upload has another version id or time.
        """
        if line.note == RENDERED or line.source == "inline":
            return False
        claims = [one for one in state.lines if one.event == "claimed"]
        # Where an append that met its owner's claim has overwritten it, it may have been for any upload of these bytes.
        own = [one for one in claims if one.owner == line.owner] or claims
        try:
            lying = self._site.store.head(document.ref)
        except ObjectGoneError:
            return True
        except DocumentError as error:
            raise UnavailableError.of(error) from error
        same_bytes = document.etag in ("", lying.etag)
        return not (same_bytes and own and all(_was_for(one, lying) for one in own))


def _was_for(claim: Line, lying: Head) -> bool:
    """Tell whether a claim was for the upload that lies there now."""
    return claim.uploaded_at == lying.modified_at and claim.version_id in ("", lying.version_id)
