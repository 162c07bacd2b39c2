"""Errors of the local OCR, with the vendor's codes (api-ocr ocr_03_0028, facts ocr_api 6)."""

from __future__ import annotations

from typing import Any

#: Code to HTTP status and message. If the vendor's table gives no text or status, both are ours.
ERRORS: dict[str, tuple[int, str]] = {
    "AIS.0101": (400, "The input parameter is invalid."),
    "AIS.0102": (400, "The image format is not supported."),
    "AIS.0103": (400, "The image size is not supported."),
    "AIS.0104": (400, "The input image type is not supported, or the image quality is poor."),
    "AIS.0105": (400, "Recognition failed."),
    "ModelArts.4104": (413, "The request body is too long."),
    "ModelArts.4105": (400, "The request body is not in JSON format."),
    "ModelArts.4202": (400, "The URL is invalid."),
    "ModelArts.4203": (403, "No permission to access the API."),
    "ModelArts.4204": (403, "The API is not subscribed."),
    "ModelArts.4401": (429, "The number of concurrent requests exceeds the limit."),
    "ModelArts.4402": (504, "The backend service timed out."),
    "ModelArts.4403": (503, "The backend service is unavailable."),
    "ModelArts.4505": (500, "Internal error of the backend service."),
    "ModelArts.4508": (503, "The backend service is not started."),
    "ModelArts.4601": (400, "The URL is not allowed."),
    "ModelArts.4603": (400, "Failed to download the file from the URL."),
    "ModelArts.4702": (400, "Failed to query the OBS agency: OBS authorization is not enabled."),
    "ModelArts.4703": (400, "The OBS URL is invalid."),
    "ModelArts.4704": (400, "Failed to download the file from OBS."),
    "ModelArts.4705": (400, "The OBS file is too large."),
    "ModelArts.4706": (400, "The OBS file does not exist."),
    "APIG.0101": (404, "The API does not exist or has not been published in the environment"),
    "APIG.0301": (401, "Incorrect IAM authentication information: verify aksk signature fail"),
    "APIG.0308": (429, "The throttling threshold has been reached: policy user over ratelimit,limit:20,time:1 minute"),
}


class OcrError(Exception):
    """An error answer: the vendor's code, its message, and the HTTP status it comes with."""

    def __init__(self, code: str, message: str = "", status: int = 0) -> None:
        """Take a missing message or status from the table; a code outside the table is a 400."""
        known_status, known_message = ERRORS.get(code, (400, "The request failed."))
        self.code = code
        self.message = message or known_message
        self.status = status or known_status
        super().__init__(f"{self.code}: {self.message}")

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the answer's JSON; the gateway's own errors name the request in the body too."""
        body = {"error_code": self.code, "error_msg": self.message}
        return body | {"request_id": request_id} if self.code.startswith("APIG.") else body
