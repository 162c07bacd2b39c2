"""A document of many pages through the pipeline, beside what the service's latency and the drawing allow at best."""

from __future__ import annotations

import base64
import tempfile
import time
from pathlib import Path
from typing import Any

import huaweicloudsdkocr.v1 as sdk
from huaweicloudsdkcore.auth.credentials import BasicCredentials

from bench import cloud, documents, rendering
from bench.handling import handle
from bench.table import Line, Say

#: Seconds the service takes for a page.
LATENCY = 0.3
#: Seconds a small request to OBS takes where it is not on this machine; assumed.
_STORING = 0.02
_MOST = 1.25
_BLOCKS = 10
_WINDOWS = (4, 8)
#: Operation, and whether its pages are drawn first.
_OPERATIONS = (("general-text", False), ("passport", True))


def lines(pages: int, say: Say) -> list[Line]:
    """Compare the pipeline with its bound, and the sequential method with the pipeline.

    Args:
        pages: How many pages the document has.
        say: Tells what is being measured.
    """
    body = documents.text(pages)
    say(f"drawing {pages} pages")
    drawing = rendering.seconds(rendering.legible, body, pages)
    compared = []
    with cloud.running(LATENCY, _BLOCKS) as facts:
        for slug, drawn in _OPERATIONS:
            for window in _WINDOWS:
                say(f"{pages} pages through the pipeline: {slug}, window {window}")
                taken = piped(facts, slug, body, window)
                bound = max(drawing if drawn else 0.0, LATENCY * pages / window)
                what = f"{slug}, {pages} pages, window {window}: time over the bound"
                compared.append(Line(what, f"{taken:.2f} s", f"{bound:.2f} s", taken / bound, most=_MOST))
            say(f"{pages} pages one after another: {slug}")
            alone = sequential(facts, slug, body, pages)
            what = f"{slug}, {pages} pages: drawn first, then one by one, over the last"
            compared.append(Line(what, f"{alone:.2f} s", f"{taken:.2f} s", alone / taken))
    return compared + _storing(pages, body, say)


def _storing(pages: int, body: bytes, say: Say) -> list[Line]:
    """Compare the pipeline with the service's latency where its journal is as far away as OBS is from a function."""
    compared = []
    slug, _ = _OPERATIONS[0]
    with cloud.running(LATENCY, _BLOCKS, _STORING) as facts:
        for window in _WINDOWS:
            say(f"{pages} pages, {_STORING * 1000:g} ms for each request to OBS: {slug}, window {window}")
            taken, bound = piped(facts, slug, body, window), LATENCY * pages / window
            what = f"{slug}, {pages} pages, window {window}, {_STORING * 1000:g} ms to OBS: time over the bound"
            compared.append(Line(what, f"{taken:.2f} s", f"{bound:.2f} s", taken / bound))
    return compared


def piped(facts: cloud.Facts, slug: str, body: bytes, window: int) -> float:
    """Return how many seconds the handler takes for a document."""
    event = cloud.upload(facts, f"{slug}/window-{window}.pdf", body)
    start = time.perf_counter()
    handle(facts, event, window)
    return time.perf_counter() - start


def sequential(facts: cloud.Facts, slug: str, body: bytes, pages: int) -> float:
    """Return how many seconds it takes to draw all pages to the disk, and then to call for one after another."""
    start = time.perf_counter()
    client = _client(facts)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "document"
        path.write_bytes(body)
        files = []
        for number, picture in enumerate(rendering.each(path, pages), 1):
            files.append(Path(folder) / f"{number}")
            files[-1].write_bytes(picture)
        for file in files:
            _call(client, slug, base64.b64encode(file.read_bytes()).decode("ascii"))
    return time.perf_counter() - start


def _client(facts: cloud.Facts) -> Any:
    keys = BasicCredentials(facts["access_key"], facts["secret_key"], facts["project_id"])
    builder = sdk.OcrClient.new_builder().with_credentials(keys.with_security_token(facts["token"]))
    return builder.with_endpoint(facts["user_data"]["LEGIBLE_OCR_ENDPOINT"]).build()


def _call(client: Any, slug: str, image: str) -> None:
    if slug == "passport":
        client.recognize_passport(sdk.RecognizePassportRequest(body=sdk.PassportRequestBody(image=image)))
    else:
        client.recognize_general_text(sdk.RecognizeGeneralTextRequest(body=sdk.GeneralTextRequestBody(image=image)))
