"""The whole local cloud: an upload runs a function that calls OCR and writes its answer back, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from obs import ObsClient

from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import AsyncPolicy, Function, ObsTrigger
from localcloud.iam.credentials import AccessKey
from localcloud.obs import ObsError
from tests.support.places import ROOT

#: A naive function: it calls OCR with the object's URL and writes the answer, with no care for what was paid already.
HANDLER = """
import json
from urllib.parse import quote, unquote_plus
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkocr.v1 import OcrClient, PassportRequestBody, RecognizePassportRequest
from obs import ObsClient

def handler(event, context):
    found = event["data"]["obs"] if "data" in event else event["Records"][0]["s3"]
    key = unquote_plus(found["object"]["key"])
    bucket = found["bucket"]["name"]
    endpoint = context.getUserData("LEGIBLE_OBS_ENDPOINT")
    keys = context.getSecurityAccessKey(), context.getSecuritySecretKey()
    credentials = BasicCredentials(*keys, context.getUserData("LEGIBLE_PROJECT_ID"))
    config = HttpConfig.get_default_config()
    config.timeout = (2, 5)
    ocr = (OcrClient.new_builder().with_http_config(config)
        .with_credentials(credentials.with_security_token(context.getSecurityToken()))
        .with_endpoint(context.getUserData("LEGIBLE_OCR_ENDPOINT")).build())
    body = PassportRequestBody(url=f"{endpoint}/{bucket}/{quote(key)}")
    answer = ocr.recognize_passport(RecognizePassportRequest(body=body)).raw_content
    store = ObsClient(access_key_id=keys[0], secret_access_key=keys[1], security_token=context.getSecurityToken(),
        server=endpoint, signature=context.getUserData("LEGIBLE_OBS_SIGNATURE"), path_style=True)
    put = store.putContent(context.getUserData("LEGIBLE_OUTPUT_BUCKET"), key + ".json", answer.decode())
    assert put.status == 200, put.errorCode
"""


def recognize(slug: str, document: bytes, options: dict[str, Any]) -> Any:
    return {"slug": slug, "size": len(document)}


@pytest.fixture
def start(code: Callable[[str], Path]) -> Iterator[Callable[..., LocalCloud]]:
    running: list[LocalCloud] = []

    def start(state: Path | None = None, **options: Any) -> LocalCloud:
        function = Function(
            "upload",
            "h.handler",
            memory=512,
            triggers=(ObsTrigger(INPUT_BUCKET, suffix=".png"),),
            policy=AsyncPolicy(max_retry_attempts=2),
        )
        cloud = LocalCloud(
            state,
            functions={"upload": function},
            code=(code(HANDLER),),
            recognizer=recognize,
            backoff=lambda attempt: 0.05,
            **options,
        )
        running.append(cloud)
        return cloud

    yield start
    for cloud in running:
        cloud.stop()


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{process_id}/stat").exists() or " Z " not in Path(f"/proc/{process_id}/stat").read_text()


def _client(cloud: LocalCloud, connect: Callable[..., ObsClient]) -> ObsClient:
    return connect(cloud.obs_endpoint, cloud.credentials)


@pytest.mark.parametrize("envelope", ["classic", "eventgrid"])
def test_an_upload_becomes_an_answer(start: Any, connect: Any, png: bytes, envelope: str) -> None:
    # given
    cloud = start(envelope=envelope)
    client = _client(cloud, connect)

    # when
    for name in ("passport/文件 + ü.png", "notes.txt"):
        assert client.putContent(INPUT_BUCKET, name, png).status == 200
    assert cloud.wait_idle(30)

    # then
    assert [call.state for call in cloud.functions.invocations] == ["SUCCESS"]
    answer = json.loads(cloud.obs.read(OUTPUT_BUCKET, "passport/文件 + ü.png.json").content)
    assert answer == {"result": {"slug": "passport", "size": len(png)}}
    assert cloud.ocr.journal.bill() == {"passport": {"default": 1}}


@pytest.mark.parametrize(("kind", "billed"), [("kill-before", 1), ("kill-after", 2), ("cut", 2), ("throttle", 1)])
def test_what_a_naive_function_pays(start: Any, connect: Any, png: bytes, kind: str, billed: int) -> None:
    # given
    cloud = start()
    cloud.ocr.faults.add(Fault(kind))

    # when
    _client(cloud, connect).putContent(INPUT_BUCKET, "a.png", png)
    assert cloud.wait_idle(30)

    # then
    killed = kind.startswith("kill")
    assert [call.outcome.kind for call in cloud.functions.invocations] == ["exit" if killed else "error", "success"]
    assert cloud.ocr.journal.billed() == billed
    assert cloud.obs.read(OUTPUT_BUCKET, "a.png.json")


@pytest.mark.parametrize("kind", ["kill-before", "kill-after"])
def test_an_instance_killed_at_its_own_write(start: Any, connect: Any, png: bytes, kind: str) -> None:
    # given
    cloud = start()
    cloud.obs.faults.add(Fault(kind, method="PUT", path=f"{OUTPUT_BUCKET}/*"))
    written: list[bool] = []
    kill = cloud.obs.on_kill

    def look_and_kill(access: str) -> object:
        try:
            written.append(bool(cloud.obs.read(OUTPUT_BUCKET, "a.png.json")))
        except ObsError:
            written.append(False)
        return kill(access)

    cloud.obs.on_kill = look_and_kill

    # when
    _client(cloud, connect).putContent(INPUT_BUCKET, "a.png", png)
    assert cloud.wait_idle(30)

    # then
    assert written == [kind == "kill-after"]
    assert [call.outcome.kind for call in cloud.functions.invocations] == ["exit", "success"]


def test_a_restart_keeps_everything(start: Any, connect: Any, png: bytes, tmp_path: Path) -> None:
    # given
    first = start(tmp_path / "state")
    _client(first, connect).putContent(INPUT_BUCKET, "a.png", png)
    assert first.wait_idle(30)

    # when
    first.stop()
    second = start(tmp_path / "state")

    # then
    client = connect(second.obs_endpoint, first.credentials)
    assert client.getObjectMetadata(OUTPUT_BUCKET, "a.png.json").status == 200
    assert second.ocr.journal.billed() == 1
    assert second.functions.invocations == []
    assert (tmp_path / "state" / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_a_state_folder_has_one_cloud(start: Any, tmp_path: Path) -> None:
    start(tmp_path / "state")

    with pytest.raises(RuntimeError, match="another local cloud"):
        start(tmp_path / "state")


def test_kill_9_loses_nothing_acknowledged(start: Any, connect: Any, png: bytes, tmp_path: Path, code: Any) -> None:
    # given
    script = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT / "shared")!r})
from localcloud.cloud import LocalCloud
from localcloud.functiongraph import Function, ObsTrigger
function = Function("upload", "slow.handler", triggers=(ObsTrigger("legible-in", suffix=".png"),))
cloud = LocalCloud(Path({str(tmp_path / "state")!r}), functions={{"upload": function}}, code=(Path({str(tmp_path)!r}),))
print(cloud.obs_endpoint, cloud.credentials.access, cloud.credentials.secret, flush=True)
time.sleep(60)
"""
    (tmp_path / "slow.py").write_text(
        "import os, time\nfrom pathlib import Path\ndef handler(event, context):\n"
        f"    Path({str(tmp_path)!r}, f'{{os.getpid()}}.pid').touch()\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    endpoint, access, secret = process.stdout.readline().split()
    client = connect(endpoint, AccessKey(access, secret))

    # when
    names = [f"{number} 文.png" for number in range(20)]
    for name in names:
        assert client.putContent(INPUT_BUCKET, name, png).status == 200
    assert client.appendObject(OUTPUT_BUCKET, "j", content={"position": 0, "content": "line\n"}).status == 200
    while not list(tmp_path.glob("*.pid")):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    cloud = start(tmp_path / "state")

    # then
    assert cloud.wait_idle(30)
    assert cloud.obs.read(OUTPUT_BUCKET, "j").content == b"line\n"
    assert {cloud.obs.read(OUTPUT_BUCKET, f"{name}.json").etag for name in names}
    assert cloud.ocr.journal.billed() == 20
    # The old cloud's instances ended with it: an event must not go on there while it runs again here.
    instances = [int(file.stem) for file in tmp_path.glob("*.pid")]
    assert instances
    assert not any(_alive(process_id) for process_id in instances)


def test_a_port_in_use(start: Any) -> None:
    cloud = start()

    with pytest.raises(OSError, match="in use"):
        start(port=int(cloud.obs_endpoint.rpartition(":")[2]))


def test_addresses_for_real_clients(start: Any) -> None:
    cloud = start(user_data={"LEGIBLE_LOG_LEVEL": "DEBUG"})

    assert cloud.user_data["LEGIBLE_OBS_PATH_STYLE"] == "true"
    assert cloud.environment()["HUAWEICLOUD_SDK_REGION_OCR_CN_NORTH_4"] == cloud.ocr_endpoint
    assert cloud.environment()["HUAWEICLOUD_SDK_REGION_FUNCTIONGRAPH_CN_NORTH_4"] == cloud.functiongraph_endpoint
    assert cloud.environment()["OBS_SERVER"] == cloud.obs_endpoint
    assert cloud.user_data["LEGIBLE_FUNCTIONGRAPH_ENDPOINT"] == cloud.functiongraph_endpoint
    assert cloud.credentials.secret not in repr(cloud.credentials)
