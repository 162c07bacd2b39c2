"""One invocation of Legible, with its real adapters, on one uploaded document."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from msgspec import structs

from bench.cloud import Facts, fresh
from legible.huawei import context, functiongraph, ocr
from legible.ports import Invocation, utc_now
from legible.settings import load
from legible.wiring import adapters
from legible.wiring.instance import instance
from legible.wiring.parts import Parts, pipeline
from localcloud.functiongraph.context import Context


def handle(facts: Facts, event: Facts, window: int) -> None:
    """Recognize a document, as the handler of uploads does.

    Args:
        facts: What the platform knows of the invocation.
        event: The event of the upload.
        window: How many pages are called for at the same time.

    Raises:
        RuntimeError: The document did not become a record that is done.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        call = context.Context(Context(fresh(facts), nowhere))
        settings = load(None, call.variable)
        settings = structs.replace(settings, ocr=structs.replace(settings.ocr, window=window))
        keys = call.credentials()
        kept = instance().connections
        recognizer = ocr.OcrRecognizer(lambda slug: settings.ocr.endpoint, keys, call.project_id, connections=kept)
        invocation = Invocation(call.owner, call.remaining, utc_now, time.sleep, call.log(settings.log.level))
        parts = Parts(settings, adapters.store_of(settings, keys, kept), invocation, adapters.settings_folder())
        outcomes = pipeline(parts, recognizer, {}).uploads(functiongraph.uploads(event))
    if [outcome.status for outcome in outcomes] != ["done"]:
        raise RuntimeError(f"the measured document was not done: {outcomes}")


def main() -> None:
    """Handle, once, the event that is given as input."""
    task = json.load(sys.stdin)
    handle(task["facts"], task["event"], task["window"])


if __name__ == "__main__":
    main()
