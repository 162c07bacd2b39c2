"""Canaries: values and names that are sent through everything, and then forgotten, are nowhere any more."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from functions import http_api, on_forget, on_report, on_timer, on_upload
from legible.api.ids import id_of
from legible.huawei.credentials import Credentials
from legible.huawei.obs import ObsEndpoint
from legible.huawei.obs_versions import ObsVersions
from legible.ledger.tombstones import PENDING
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.settings import load
from legible.upkeep.forget import ForgetReport
from legible.wiring import forgetting
from legible.wiring.parts import Parts, at_desk
from legible_cli.__main__ import main
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

KEY, VALUE, FIX, BERT = "passport/canary-key-7319.png", "CANARY VALUE 7319", "CANARY FIX 7319", "passport/bert.png"
#: What a user names, in its own words, of one that is forgotten.
CANARIES = ("canary-key-7319", VALUE, FIX)


@pytest.fixture(params=["plain", "versioned"])
def cloud(request: pytest.FixtureRequest) -> Iterator[LocalCloud]:
    def recognized(slug: str, image: bytes, options: Any) -> dict[str, Any]:
        return {**PASSPORT, "surname": VALUE if len(image) == len(picture(61)) else "BERTSON"}

    with LocalCloud(functions={}, recognizer=recognized) as running:
        if request.param == "versioned":
            running.obs.keep_versions(INPUT_BUCKET)
            running.obs.keep_versions(OUTPUT_BUCKET)
        yield running


def versions(cloud: LocalCloud) -> ObsVersions:
    key = cloud.keys.temporary()
    address = ObsEndpoint(cloud.obs_endpoint, "v2", path_style=True, region=cloud.region)
    return ObsVersions(address, Credentials(key.access, key.secret, key.token), listed=7)


def spellings(text: str) -> list[bytes]:
    """Return a text as it may be hidden: plain, in UTF-16, in a URL, in JSON or XML, in Base64 at each offset."""
    body = text.encode()
    hidden = [base64.b64encode(b" " * offset + body)[4:-4] for offset in range(3)]
    return [body, text.encode("utf-16-le"), text.encode("utf-16-be"), quote(text, safe="").encode(), *hidden]


def opened(body: bytes) -> Iterator[bytes]:
    """Yield a content, and what is inside it."""
    yield body
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from opened(archive.read(name))


def found(cloud: LocalCloud, *texts: str) -> list[str]:
    """Return each object and version of both buckets that has one of the texts in its key, metadata or content."""
    wanted, store, left = [one for text in texts for one in spellings(text)], versions(cloud), []
    for bucket in (INPUT_BUCKET, OUTPUT_BUCKET):
        for one in store.each(bucket, ""):
            ref = ObjectRef(bucket, one.key)
            body = b"" if one.marker else store.read(ref, one.version_id)
            metadata = "" if one.marker else str(clouds.store(cloud).head(ref, "" if one.version_id == "null" else
                                                                          one.version_id).metadata)  # fmt: skip
            inside = [*opened(body), one.key.encode(), metadata.encode()]
            if any(text in part for text in wanted for part in inside):
                left.append(f"{bucket}/{one.key}")
    return left


def api(cloud: LocalCloud, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    event = {
        "httpMethod": method, "path": path, "queryStringParameters": {}, "isBase64Encoded": True,
        "headers": {"host": "api.example", "content-type": "application/json"},
        "body": base64.b64encode(json.dumps(body).encode()).decode() if body is not None else "",
    }  # fmt: skip
    reply = http_api.handler(event, clouds.context(cloud))
    return int(reply["statusCode"]), json.loads(base64.b64decode(reply["body"]))


def everything(cloud: LocalCloud) -> None:
    """Send canaries through everything: read, copied, corrected, collected."""
    sent = {KEY: picture(61), BERT: picture(90)}
    for key, body in sent.items():
        metadata = {"x-legible-note": VALUE} if key == KEY else {}
        assert clouds.client(cloud).putContent(INPUT_BUCKET, key, content=body, metadata=metadata).status == 200
        on_upload.handler(clouds.event(key), clouds.context(cloud))
    status = api(cloud, "GET", f"/v1/documents/{id_of(KEY)}")[1]
    edit = {"page": 1, "name": "surname", "was": VALUE, "value": FIX}
    review = {"version": status["version"], "author": "olga", "edits": [edit]}
    assert api(cloud, "POST", f"/v1/documents/{id_of(KEY)}/review", review)[1]["applied"] == 1
    order = '{"workbook": "all", "formats": ["xlsx", "csv", "jsonl", "parquet"]}'
    on_timer.handler({"trigger_type": "TIMER", "user_event": order}, clouds.context(cloud))


def hours_later(cloud: LocalCloud) -> None:
    """Have two hours pass for what is being forgotten, and the timer of the reports come by."""
    clouds.due_now(cloud)
    on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud, 300))
    store = clouds.store(cloud)
    for item in list(store.list(OUTPUT_BUCKET, PENDING)):
        note = json.loads(store.read(ObjectRef(OUTPUT_BUCKET, item.key)))
        emptied = datetime.fromisoformat(note["emptied"].replace("Z", "+00:00")) - timedelta(hours=2)
        body = json.dumps({**note, "emptied": emptied.isoformat()}).encode()
        store.write(ObjectRef(OUTPUT_BUCKET, item.key), body, "application/json")


def forget(cloud: LocalCloud, *arguments: str) -> str:
    done = CliRunner(env={**cloud.environment(), "LOGNAME": "ada", "USER": "ada"}).invoke(
        main, ["forget", *arguments], terminal_width=400
    )
    assert done.exit_code == 0, done.output
    return str(done.output)


def test_canaries_are_nowhere_when_their_document_is_forgotten(cloud, capsys):
    everything(cloud)
    assert len(found(cloud, VALUE)) > 5
    assert "1 documents would be forgotten" in forget(cloud, KEY, "--dry-run")
    said = forget(cloud, KEY, "--yes", "--reason", "case 12")
    assert "1 documents have no content any more" in said and "Built again without them: all" in said
    assert found(cloud, VALUE, FIX) == []
    hours_later(cloud)
    result = on_forget.handler({"trigger_type": "TIMER"}, clouds.context(cloud, 300))
    assert (result["resumed"]["forgotten"], result["resumed"]["waiting"]) == (1, 0)
    # The audit trail names the key, because nobody may change it: who has persons in keys must know that.
    assert {one.split("/")[1] for one in found(cloud, *CANARIES)} <= {"audit"}
    assert found(cloud, VALUE, FIX) == []
    log = capsys.readouterr().out
    assert VALUE not in log and FIX not in log
    # The other document is whole, also in the workbook, and a late event reads nothing.
    assert clouds.record(cloud, BERT)["status"] == "done"
    assert found(cloud, "BERTSON")
    assert on_upload.handler(clouds.event(KEY), clouds.context(cloud))["documents"][0]["status"] == "skipped"
    assert clouds.paid(cloud) == 2


def test_the_trail_stays_whole_and_names_what_was_forgotten_by_a_digest(cloud):
    everything(cloud)
    assert api(cloud, "POST", f"/v1/documents/{id_of(KEY)}/forget", {"reason": "case 12"})[0] == 202
    assert on_forget.handler({}, clouds.context(cloud, 300))["resumed"]["emptied"] == 1
    hours_later(cloud)
    on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud, 300))
    done = CliRunner(env=cloud.environment()).invoke(main, ["audit", "verify"])
    assert done.exit_code == 0, done.output
    told = CliRunner(env=cloud.environment()).invoke(main, ["audit", "--json", "--trace-name", "forgetDocument"])
    (event,) = [json.loads(line) for line in told.output.splitlines()]
    assert len(event["resource_name"]) == 32 and KEY not in told.output


def test_usage_stays_what_it_was(cloud):
    everything(cloud)
    clouds.due_now(cloud)
    on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud, 300))
    before = api(cloud, "GET", "/v1/usage")[1]["operations"]
    forget(cloud, KEY, "--yes")
    hours_later(cloud)
    assert "1 are forgotten altogether" in forget(cloud)
    assert api(cloud, "GET", "/v1/usage")[1]["operations"] == before
    for item in list(clouds.store(cloud).list(OUTPUT_BUCKET, layout.USAGE)):
        clouds.store(cloud).remove(ObjectRef(OUTPUT_BUCKET, item.key))
    clouds.store(cloud).write(ObjectRef(OUTPUT_BUCKET, f"tombstones/{'0' * 32}.json"), b"{", "")  # something else
    done = CliRunner(env=cloud.environment()).invoke(main, ["usage", "--rebuild"])
    assert done.exit_code == 0, done.output
    assert api(cloud, "GET", "/v1/usage")[1]["operations"] == before


def test_that_documents_had_reached_their_age_is_audited_with_their_number(cloud):
    store = clouds.store(cloud)
    parts = Parts(load(None, cloud.environment().get), store, at_desk("timer", 300.0, store), Path())
    forgetting.tell_expired(parts, ForgetReport())
    forgetting.tell_expired(parts, ForgetReport(emptied=7))
    (item,) = store.list(OUTPUT_BUCKET, layout.AUDIT_PENDING)
    event = json.loads(store.read(ObjectRef(OUTPUT_BUCKET, item.key)))
    assert (event["name"], event["details"], event["operator"]) == (
        "forgetDocument", {"documents": "7"}, "function:on_forget",
    )  # fmt: skip


class TestRetention:
    def settings(self, cloud: LocalCloud, tmp_path: Any, rules: str) -> list[str]:
        file = tmp_path / "legible.toml"
        file.write_text(rules)
        return ["--settings", str(file)]

    def test_nothing_is_forgotten_by_age_unless_settings_say_so(self, cloud, tmp_path):
        everything(cloud)
        assert "0 documents have no content" in forget(cloud, "--expired", "--yes")

    def test_what_would_be_forgotten_is_reported_by_rule(self, cloud, tmp_path):
        everything(cloud)
        rules = '[[retention]]\nmatch = "passport/*"\nafter_days = 30\nkeep = ["results"]\n'
        said = forget(cloud, "--expired", "--dry-run", *self.settings(cloud, tmp_path, rules))
        assert "rule 1: passport/*, after 30 days, keep results: 0 documents" in said
