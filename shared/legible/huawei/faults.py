"""What each error of the OCR service means to Legible: one table."""

from __future__ import annotations

import re

from msgspec import Struct

from legible.errors import (
    HeldError,
    LegibleError,
    PendingError,
    RejectedError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
    redact,
)
from legible.extraction import fields
from legible.model.pages import Answer
from legible.operations.operation import Operation


class Fault(Struct, frozen=True):
    """What one error code means here: the error, its stable word, and what a person can do."""

    error: type[LegibleError]
    code: str
    advice: str = ""


# Both image and url, a Boolean as text, stray characters (ocr_03_0028): the same request is refused each time.
_PARAMETER = Fault(RejectedError, "parameter-refused", "Check the options of the operation in legible.toml.")
# Keys are valid for 24 hours and read at every call (functiongraph_02_0502): the next delivery has others.
_CREDENTIALS = Fault(
    UnavailableError, "credentials-refused", "Keys are read anew at the next delivery; check the agency and the clock."
)
# 4106 is restricted, 6201 frozen (European edition): until that is mended every call fails.
_ACCOUNT = Fault(
    PendingError, "account-restricted", "See the account's state in the console: arrears, frozen, restricted."
)
# The SDK lists 11 regions for all APIs (ocr_region.py, 3.1.219); most APIs run in one to three of them (ocr_03_0062).
_NO_API = Fault(
    HeldError, "api-not-found", "The API is not offered at this endpoint; check region, endpoint and project id."
)
# A failed call is not billed: only 2xx is (price-ocr ocr_12_0007). So the whole event may come again.
_BACKEND = Fault(UnavailableError, "service-unavailable", "It passes by itself; the event is delivered again.")
# Counted by user and API in windows of a minute; the page asks to wait 2 to 5 s (ocr_faq ocr_01_0041). The SDK's own
# retries begin at 20 ms (core, 3.1.219), so ours are used.
_THROTTLED = Fault(ThrottledError, "throttled", "Ask for a higher rate, or let fewer instances run.")
# The help page on 4704 says to make the bucket public; for identity documents that is no remedy. Authorizing the
# service is (ocr_03_0132), and the page itself is sent inline meanwhile.
_URL = Fault(SourceUnreadableError, "source-unreadable", "Enable OBS authorization in the OCR console; same region.")
# 10 MB in Base64, which is 7.5 MB of file; the vendor advises 7 MB (texts of the SDK's models, 3.1.219).
_TOO_LARGE = Fault(RejectedError, "too-large", "Scan at 150 to 200 dpi, or save as JPEG.")

_STATUS = re.compile("[345][0-9]{2}")
#: The operation whose failed documents are not billed: only those that it recognized are (ocr_03_0113).
_BY_DOCUMENT = "auto-classification"

#: Codes and meanings: the error code pages of the OCR API (ocr_03_0028, 2025-04 and 2025-10), and its European edition.
#: AIS.05xx, which some lists add, belong to Image Recognition, another service (image_03_0010).
FAULTS: dict[str, Fault] = {
    "AIS.0101": _PARAMETER,
    # Also where Base64 begins with "data:", or is none at all (SDK's texts, 3.1.219).
    "AIS.0102": Fault(RejectedError, "format-not-taken", "Save it as JPEG or PNG and upload that."),
    # The sides differ by operation, and by page over time (passport: 4,096 px in 2023, 8,192 in 2025): catalog data.
    "AIS.0103": Fault(RejectedError, "sides-refused", "Scan at 150 to 200 dpi."),
    # Also where the image is one for another API (ocr_03_0063).
    "AIS.0104": Fault(
        RejectedError, "image-refused", "Check that the image shows this kind of document, sharp and whole."
    ),
    "AIS.0105": Fault(
        RejectedError, "not-recognized", "Check that the image shows this kind of document, sharp and whole."
    ),
    "AIS.0117": _PARAMETER,
    # "About 2 hours later" is the page's own word (ocr_03_0028).
    "AIS.0118": Fault(
        PendingError, "tax-authority-down", "The tax authority's interface fails; try again in about two hours."
    ),
    # The next three are of custom templates and classifiers, retired on 2025-12-31 (ocr_03_0160).
    "AIS.0119": Fault(RejectedError, "not-recognized", "The template does not match the image."),
    "AIS.0120": Fault(RejectedError, "not-recognized", "The image fits no class of the classifier."),
    "AIS.0121": Fault(RejectedError, "not-recognized", "An area that the template refers to is missing."),
    "AIS.0122": Fault(RejectedError, "not-recognized", "Both cards show the same side."),
    # A token that is invalid, empty or cannot be parsed (ocr_03_0028).
    "ModelArts.0203": _CREDENTIALS,
    "ModelArts.0212": Fault(HeldError, "no-project", "Set the project id."),
    "ModelArts.4101": _CREDENTIALS,
    "ModelArts.4102": _CREDENTIALS,
    "ModelArts.4103": _CREDENTIALS,
    # The body passed 10 MB; from 12 MB on a signed request does not get that far (apig-api-190529268).
    "ModelArts.4104": _TOO_LARGE,
    "ModelArts.4105": _PARAMETER,
    "ModelArts.4106": _ACCOUNT,
    "ModelArts.4107": _BACKEND,
    "ModelArts.4201": _NO_API,
    "ModelArts.4202": _NO_API,
    "ModelArts.4203": Fault(
        PendingError, "not-permitted", "Give the agency OCR ReadOnlyAccess in this region's project."
    ),
    # Subscriptions count for one region, and for one user or all of the account (user guide, chapter 10).
    "ModelArts.4204": Fault(
        PendingError, "not-subscribed", "Subscribe to this API in the OCR console, in this region."
    ),
    "ModelArts.4301": _BACKEND,
    "ModelArts.4302": _BACKEND,
    "ModelArts.4401": _THROTTLED,
    "ModelArts.4402": _BACKEND,
    "ModelArts.4403": _BACKEND,
    "ModelArts.4502": _BACKEND,
    "ModelArts.4503": _NO_API,
    "ModelArts.4504": _NO_API,
    "ModelArts.4505": _BACKEND,
    "ModelArts.4506": _NO_API,
    "ModelArts.4508": _BACKEND,
    # 46xx and 47xx are about the URL that was sent: not allowed, not loaded, OBS not authorized (4702), no OBS URL
    # (4703), not readable (4704: region, permission, missing), too big, not there (ocr_03_0028).
    "ModelArts.4601": Fault(HeldError, "url-refused", "Set source to inline: the service does not open this URL."),
    "ModelArts.4603": _URL,
    "ModelArts.4702": _URL,
    "ModelArts.4703": _URL,
    "ModelArts.4704": _URL,
    "ModelArts.4705": _TOO_LARGE,
    "ModelArts.4706": Fault(RejectedError, "object-gone", "It was removed before it was read; upload it again."),
    "ModelArts.6201": _ACCOUNT,
    # The gateway's own. Without a project id the SDK leaves "{project_id}" in the path, which is a 0101 (measured).
    "APIG.0101": _NO_API,
    "APIG.0106": _PARAMETER,
    "APIG.0201": _BACKEND,
    # A signature that is wrong or too old, and a token that is to be renewed or of another region (ocr_03_0028).
    "APIG.0301": _CREDENTIALS,
    "APIG.0307": _CREDENTIALS,
    "APIG.0308": _THROTTLED,
}


def fault(http_status: int, code: str) -> Fault:
    """Return what an error means; where no page names its code, the HTTP status decides.

    Args:
        http_status: That of the answer; below 300 where the error came as a success.
        code: The body's ``error_code``, which services also give as a number or not at all.
    """
    known = FAULTS.get(code)
    if known is not None:
        return known
    if http_status < 300:  # then a code that is an HTTP status counts; without one the call is refused
        http_status = int(code) if _STATUS.fullmatch(code) else 400
    if http_status == 429:
        return _THROTTLED
    # The page on status codes asks not to repeat after 503, in words that are not about OCR (European edition,
    # api-ref). A gateway's 503 passes as its 502 and 504 do.
    if http_status >= 500 or http_status == 408:
        return _BACKEND
    if http_status == 401:
        return _CREDENTIALS
    if http_status == 404:
        return _NO_API
    if http_status == 403:
        return Fault(PendingError, "not-permitted", "Check the agency's permissions and the account's state.")
    # The SDK follows no redirect, and takes it for a success (http_config.py, 3.1.219; measured).
    if http_status < 400:
        return Fault(
            UnavailableError, "redirected", "The endpoint answers with a redirect; check the endpoint and proxies."
        )
    return Fault(RejectedError, "refused", "The service refuses the call; see its code.")


def error(http_status: int, code: str, message: str, request_id: str, secrets: tuple[str, ...] = ()) -> LegibleError:
    """Return the error to raise for an answer that is an error.

    Args:
        http_status: That of the answer; below 300 where the error came as a success.
        code: The service's code.
        message: The service's text; it may quote URLs, so it is redacted.
        request_id: The service's request.
        secrets: Keys and tokens of the call.
    """
    meaning = fault(http_status, code)
    answered = f"HTTP {http_status} with {code or 'an error'}" if http_status < 300 else code or http_status
    return meaning.error(
        f"The OCR service answered {answered}: {redact(message, secrets)}",
        code=meaning.code,
        advice=meaning.advice,
        vendor_code=code,
        request_id=request_id,
    )


def inside(operation: Operation, answer: Answer, secrets: tuple[str, ...] = ()) -> LegibleError | None:
    """Return the error to raise for an answer that came as a success and is an error; None for any other.

    It is what the same code is with its own HTTP status. Only calls that succeed are billed, which the price page tells
    by the status 2xx (ocr_12_0007) and the API's pages by the missing ``error_code``: so it may have been paid, and the
    error has the answer's ``body``. Documents in a picture of which none was recognized are not billed.

    Args:
        operation: What was asked.
        answer: What came, with an HTTP status of 2xx.
        secrets: Keys and tokens of the call.
    """
    known = fields.failed(answer.body)
    if known is None:
        return None
    several = f"None of the {known.parts} documents in the picture was recognized. "
    found = several if known.parts > 1 else "The document in the picture was not recognized. " if known.parts else ""
    failed = error(answer.http_status, known.code, found + known.message, answer.request_id, secrets)
    if not (known.parts and operation.slug == _BY_DOCUMENT):
        failed.body = answer.body
    return failed
