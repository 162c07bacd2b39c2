"""A local OBS, a local OCR and real SDK clients over loopback."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkocr.v1 import OcrClient
from obs import ObsClient
from PIL import Image

from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.obs import LocalObs
from localcloud.ocr import LocalOcr
from localcloud.web import Server

PROJECT = "0f" * 16


@pytest.fixture
def keys() -> Keyring:
    return Keyring()


@pytest.fixture
def key(keys: Keyring) -> AccessKey:
    return keys.permanent()


@pytest.fixture
def local_obs(keys: Keyring) -> Iterator[LocalObs]:
    obs = LocalObs(keys)
    obs.create_bucket("docs")
    yield obs
    obs.close()


@pytest.fixture
def server(local_obs: LocalObs) -> Iterator[Server]:
    server = local_obs.serve()
    yield server
    server.stop()


@pytest.fixture
def connect() -> Callable[..., ObsClient]:
    """Make an OBS client for an endpoint and a key."""

    def connect(endpoint: str, key: AccessKey, signature: str = "v2") -> ObsClient:
        return ObsClient(
            access_key_id=key.access,
            secret_access_key=key.secret,
            security_token=key.token or None,
            server=endpoint,
            signature=signature,
            path_style=True,
            max_retry_count=0,
        )

    return connect


@pytest.fixture
def client(server: Server, key: AccessKey, connect: Callable[..., ObsClient]) -> ObsClient:
    return connect(server.endpoint, key)


@pytest.fixture
def calls() -> list[tuple[str, bytes, dict[str, Any]]]:
    """What the recognizer was asked."""
    return []


@pytest.fixture
def local_ocr(
    keys: Keyring, local_obs: LocalObs, server: Server, calls: list[tuple[str, bytes, dict[str, Any]]]
) -> Iterator[LocalOcr]:
    def recognizer(slug: str, document: bytes, options: dict[str, Any]) -> Any:
        calls.append((slug, document, options))
        return {"passport_number": "E00000000"}

    ocr = LocalOcr(keys, PROJECT, obs=local_obs, recognizer=recognizer)
    ocr.reader.port = server.port
    yield ocr
    ocr.close()


@pytest.fixture
def ocr_server(local_ocr: LocalOcr) -> Iterator[Server]:
    server = local_ocr.serve()
    yield server
    local_ocr.close()
    server.stop()


@pytest.fixture
def connect_ocr(ocr_server: Server) -> Callable[..., OcrClient]:
    """Make an OCR client for a key."""

    def connect(key: AccessKey, project: str = PROJECT, timeout: float = 5) -> OcrClient:
        config = HttpConfig.get_default_config()
        config.timeout = (2, timeout)
        credentials = BasicCredentials(key.access, key.secret, project)
        if key.token:
            credentials = credentials.with_security_token(key.token)
        builder = OcrClient.new_builder().with_credentials(credentials).with_http_config(config)
        return builder.with_endpoint(ocr_server.endpoint).build()

    return connect


@pytest.fixture
def ocr_client(connect_ocr: Callable[..., OcrClient], key: AccessKey) -> OcrClient:
    return connect_ocr(key)


@pytest.fixture
def make_image() -> Callable[..., bytes]:
    """Make an image file of some format and size."""

    def make(width: int = 200, height: int = 100, format: str = "PNG") -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", (width, height), "white").save(buffer, format)
        return buffer.getvalue()

    return make


@pytest.fixture
def png(make_image: Callable[..., bytes]) -> bytes:
    return make_image()


@pytest.fixture
def base64_png(png: bytes) -> str:
    return base64.b64encode(png).decode()


@pytest.fixture
def code(tmp_path: Path) -> Callable[[str], Path]:
    """Write a handler file ``h.py`` and return the folder it is in."""

    def write(text: str) -> Path:
        folder = tmp_path / "code"
        folder.mkdir(exist_ok=True)
        (folder / "h.py").write_text(text, encoding="utf-8")
        return folder

    return write
