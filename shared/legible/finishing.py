"""A document's end: answers read, record and workbook written, the last line of the journal."""

from __future__ import annotations

from msgspec import Struct

from legible import fields
from legible.errors import BusyError, DocumentError, InternalError, ObjectGoneError, ReplacedError, UnavailableError
from legible.ledger import Claim, Ledger
from legible.model import Document, Extract, ObjectRef, Reason, Record, Status
from legible.onecall import digest
from legible.ports import ObjectStore
from legible.publishing import Publisher
from legible.record import Asked, assemble, status_of


class End(Struct, frozen=True):
    """How a document ends: what was asked for, the answers received just now by page, and what went wrong, if any.

    ``yields`` says that the upload was replaced: its result never stands above another one of its key.
    """

    asked: Asked | None = None
    received: dict[int, bytes] = {}
    error: DocumentError | None = None
    yields: bool = False


class Finisher:
    """Ends documents.

    Args:
        store: Where answers and results lie.
        output: The output bucket.
        ledger: Tells the time, and whose document it is.
        publisher: Writes results.
    """

    def __init__(self, store: ObjectStore, output: str, ledger: Ledger, publisher: Publisher) -> None:
        """See the class."""
        self._store = store
        self._output = output
        self._ledger = ledger
        self._publisher = publisher

    def finish(self, claim: Claim, end: End) -> None:
        """Make record and workbook from everything the journal knows, publish them, finish the journal.

        Raises:
            BusyError: The claim does not stand any more; nothing was published.
            InternalError: A stored answer is gone, or not what was paid for.
            UnavailableError: The store has a passing fault.
        """
        answers = self._answers(claim, end)
        extract = fields.extract(end.asked.operation, sorted(answers.items())) if end.asked else Extract()
        self._close(claim, end, answers, extract)

    def finish_anyway(self, claim: Claim, end: End) -> None:
        """Do the same for a document that was given up: if its answers cannot be read, the record says so instead.

        Raises:
            BusyError: The claim does not stand any more; nothing was published.
            UnavailableError: The store has a passing fault.
        """
        try:
            self.finish(claim, end)
        except (BusyError, UnavailableError, DocumentError):
            raise
        except Exception as error:  # the very defect may be why it was given up
            note = f"The answers could not be read ({type(error).__name__}); they are stored as they came."
            self._close(claim, end, {}, Extract(notes=(note,)))

    def record_only(self, document: Document, error: DocumentError) -> Status:
        """Publish why a document ended whose journal cannot be used, unless it has a record already.

        Returns:
            The status of the record that stands.
        """
        known = self._publisher.known(document)
        if known is not None:
            return known.status
        now, reason = self._ledger.now(), Reason.of(error)
        self._publisher.publish(Record(document=document, status="dead", reason=reason, finished_at=now), {})
        return "dead"

    def _close(self, claim: Claim, end: End, answers: dict[int, bytes], extract: Extract) -> None:
        reason = Reason.of(end.error) if end.error else None
        status = status_of(claim.state, end.asked.pages if end.asked else 0, reason, _status(end.error))
        record = assemble(
            claim.document,
            end.asked,
            claim.state,
            extract,
            self._publisher.attach(claim.document, extract),
            status=status,
            reason=None if status == "done" else reason,
            finished_at=self._ledger.now(),
        )
        if not claim.standing():
            raise BusyError(f"Another invocation claimed {claim.document.ref}.", advice="This one yields to it.")
        yields = end.yields or isinstance(end.error, ReplacedError)
        newest = self._publisher.publish(record, answers, yields=yields)
        note = "" if newest else "A newer upload of this key has its own result."
        claim.finish(status=status, reason=record.reason, note=note)

    def _stored(self, key: str) -> bytes:
        try:
            return self._store.read(ObjectRef(self._output, key))
        except ObjectGoneError:
            raise _gone(key) from None

    def _answers(self, claim: Claim, end: End) -> dict[int, bytes]:
        answers: dict[int, bytes] = {}
        for number in range(1, (end.asked.pages if end.asked else 0) + 1):
            line = claim.state.page(number).answered
            if line is None:
                continue
            body = end.received.get(number)
            if body is None or digest(body) != line.sha256:
                body = self._stored(line.answer)
            if digest(body) != line.sha256:
                raise InternalError(
                    f"The stored answer {line.answer} is not the one that was paid for.",
                    code="answer-altered",
                    advice="Something else wrote it; restore it.",
                )
            answers[number] = body
        return answers


def _gone(key: str) -> InternalError:
    return InternalError(
        f"The stored answer {key} is gone.", code="answer-gone", advice="Something else removed it; restore it."
    )


def _status(error: DocumentError | None) -> Status | None:
    statuses: dict[str, Status] = {"rejected": "rejected", "held": "held", "dead": "dead"}
    return statuses[error.status] if error is not None else None
