"""Reading the document behind ``url``: an object of the local OBS, and nothing else in the world (facts ocr_api 4)."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from localcloud.obs import LocalObs, ObsError, Stored
from localcloud.ocr.errors import OcrError

#: "The server must send a standard image content type"; PDF and OFD for the operations that read them.
_CONTENT_TYPES = ("image/", "application/pdf", "application/ofd")


@dataclass
class ObsReader:
    """How the OCR reads OBS. ``authorized`` is the console's switch "OBS authorization" (creates the agency).

    ``denied`` names buckets that the calling account does not own. With ``check_content_type`` an object without an
    image content type is refused as a failed download (ModelArts.4603): the pages demand the type but name no code.
    """

    obs: LocalObs | None
    region: str
    port: int = 0
    authorized: bool = True
    denied: set[str] = field(default_factory=set)
    check_content_type: bool = True

    def read(self, url: str, limit: int) -> bytes:
        """Return the object's bytes, at most ``limit``, or raise the error the vendor answers with."""
        if not url.isascii() or any(character.isspace() for character in url):
            raise OcrError("ModelArts.4703", "The OBS URL is invalid: object names must be percent-encoded as UTF-8.")
        try:
            parts = urlsplit(url)
            where = (parts.hostname, parts.port)
        except ValueError:
            raise OcrError("ModelArts.4202") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OcrError("ModelArts.4202")
        if self.obs is None or where not in (("127.0.0.1", self.port), ("localhost", self.port)):
            raise OcrError("ModelArts.4601", "The URL is not allowed: the local OCR reads the local OBS only.")
        bucket, _, key = parts.path.lstrip("/").partition("/")
        if not bucket or not key:
            raise OcrError("ModelArts.4703")
        query = parse_qs(parts.query)
        if "Signature" in query:
            content, content_type = _download(url)
        else:
            stored = self._read_authorized(self.obs, bucket, unquote(key), query.get("versionId", [None])[0])
            content, content_type = stored.content, stored.content_type
        self._check(content, content_type, limit)
        return content

    def _read_authorized(self, obs: LocalObs, bucket: str, key: str, version: str | None) -> Stored:
        try:
            stored = obs.read(unquote(bucket), key, version)
        except ObsError as error:
            if not self.authorized:
                raise OcrError("ModelArts.4702") from None
            raise OcrError("ModelArts.4706" if error.code == "NoSuchKey" else "ModelArts.4704") from None
        if stored.forbidden:
            raise OcrError("ModelArts.4704")
        if stored.public:
            return stored
        if not self.authorized:
            raise OcrError("ModelArts.4702")
        if stored.region != self.region or bucket in self.denied:
            raise OcrError("ModelArts.4704")
        return stored

    def _check(self, content: bytes, content_type: str, limit: int) -> None:
        if len(content) > limit:
            raise OcrError("ModelArts.4705")
        if self.check_content_type and not content_type.lower().startswith(_CONTENT_TYPES):
            raise OcrError(
                "ModelArts.4603",
                f"Failed to download the file from the URL: content type {content_type!r} is not an image.",
            )


def _download(url: str) -> tuple[bytes, str]:
    """Read a signed URL as any holder of it would; OBS checks signature and expiry."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read(), str(answer.headers.get("Content-Type") or "")
    except urllib.error.HTTPError as error:
        code = "ModelArts.4706" if error.code == 404 else "ModelArts.4704"
        error.close()
        raise OcrError(code) from None
    except OSError:
        raise OcrError("ModelArts.4603") from None
