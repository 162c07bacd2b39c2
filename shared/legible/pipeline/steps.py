"""Steps for any workflow: plain references go in and come out, never content.

An error that passes by itself is raised, so that the workflow tries the step again; every end of a document is a result
with its status. A step that runs twice, or late, finds what was done and pays for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from legible.errors import SkippedError
from legible.model.documents import Arrival, Document, Outcome, Reason, Upload
from legible.model.pages import Share
from legible.pipeline.delivery import Delivery
from legible.pipeline.pipeline import Pipeline
from legible.ports import Log


class Steps:
    """What a workflow may do with one document.

    Every result has ``bucket``, ``key``, ``status``, ``pages`` (how many have an answer) and ``record``, the object
    that holds the record, null while there is none. It also has the version (``etag``, ``version_id``) and the order,
    so that each result is a reference to the document, and can be the event of any step.

    Args:
        pipeline: The use cases; one without a relay, because the workflow itself tries again.
        output: The output bucket.
        log: Gets a line about each document.
    """

    def __init__(self, pipeline: Pipeline, output: str, log: Log) -> None:
        """Take no step yet."""
        self._pipeline = pipeline
        self._output = output
        self._log = log

    def split(self, arrival: Arrival) -> dict[str, Any]:
        """Find and examine a document, unpaid.

        Returns:
            Its reference, pinned to the version that is there now; ``page_count`` is how many pages are to be called
            for, 0 where it ends without a call (``recognize`` says why).

        Raises:
            RetryableError: It must be tried again.
        """
        try:
            document, decision = self._pipeline.look(arrival)
        except SkippedError as error:
            return self._result(arrival, Outcome("", "", "skipped", reason=Reason.of(error)))
        operation = decision.task.operation.slug if decision.task else ""
        result = self._result(arrival, Outcome(document.bucket, document.key, "running", operation))
        return result | _pinned(arrival, document) | {"page_count": decision.pages}

    def recognize_pages(self, arrival: Arrival, share: Share) -> dict[str, Any]:
        """Call for one share of a document's pages while other steps call for the others; end nothing.

        Raises:
            RetryableError: It must be tried again.
        """
        return self._one(arrival, lambda upload: self._pipeline.part(upload, share))

    def recognize(self, arrival: Arrival) -> dict[str, Any]:
        """Call for the pages that have no outcome yet, however many these are, and end the document.

        Raises:
            RetryableError: It must be tried again.
        """
        return self._one(arrival, self._pipeline.process)

    def give_up(self, arrival: Arrival, reason: Reason) -> dict[str, Any]:
        """End a document that the workflow gave up, with the status its pages give it; an end it has is kept.

        Raises:
            RetryableError: It must be tried again.
        """
        return self._one(arrival, lambda upload: self._pipeline.bury_one(upload, reason))

    def _one(self, arrival: Arrival, treat: Callable[[Arrival], Outcome]) -> dict[str, Any]:
        (outcome,) = Delivery(self._log).each([arrival], treat)
        return self._result(arrival, outcome)

    def _result(self, arrival: Arrival, outcome: Outcome) -> dict[str, Any]:
        values = msgspec.to_builtins(outcome) | {"pages": outcome.pages, "operation": outcome.operation}
        values["record"] = {"bucket": self._output, "key": outcome.record} if outcome.record else None
        return _reference(arrival) | {name: value for name, value in values.items() if value != ""}


def _reference(arrival: Arrival) -> dict[str, Any]:
    """Return the reference to an upload for the next step, from what this step was given."""
    if not isinstance(arrival, Upload):
        return {}
    named = {"bucket": arrival.ref.bucket, "key": arrival.ref.key, "order": msgspec.to_builtins(arrival.order)}
    return named | _named(arrival.etag, arrival.version_id, arrival.again)


def _pinned(arrival: Arrival, document: Document) -> dict[str, Any]:
    etag = arrival.etag if isinstance(arrival, Upload) else ""
    return _named(etag or document.etag, document.version_id, "")


def _named(etag: str, version_id: str, again: str) -> dict[str, Any]:
    values = {"etag": etag, "version_id": version_id, "again": again}
    return {name: value for name, value in values.items() if value}
