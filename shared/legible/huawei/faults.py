"""From what the OCR service says to what Legible does about it: one table."""

from __future__ import annotations

from msgspec import Struct

from legible.errors import (
    HeldError,
    LegibleError,
    RejectedError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
    redact,
)


class Fault(Struct, frozen=True):
    """What one error code means here: the error, its stable word, and what a person can do."""

    error: type[LegibleError]
    code: str
    advice: str = ""


_PARAMETER = Fault(RejectedError, "parameter-refused", "Check the options of the operation in legible.toml.")
_CREDENTIALS = Fault(
    UnavailableError, "credentials-refused", "Keys are read anew at the next delivery; check the agency and the clock."
)
_ACCOUNT = Fault(
    HeldError, "account-restricted", "See the account's state in the console: arrears, frozen, restricted."
)
_NO_API = Fault(
    HeldError, "api-not-found", "The API is not offered at this endpoint; check region, endpoint and project id."
)
_BACKEND = Fault(UnavailableError, "service-unavailable", "It passes by itself; the event is delivered again.")
_THROTTLED = Fault(ThrottledError, "throttled", "Ask for a higher rate, or let fewer instances run.")
_URL = Fault(SourceUnreadableError, "source-unreadable", "Enable OBS authorization in the OCR console; same region.")
_TOO_LARGE = Fault(RejectedError, "too-large", "Scan at 150 to 200 dpi, or save as JPEG.")

#: Codes and meanings: the error code pages of the OCR API (ocr_03_0028, 2025-04 and 2025-10), and its European edition.
FAULTS: dict[str, Fault] = {
    "AIS.0101": _PARAMETER,
    "AIS.0102": Fault(RejectedError, "format-not-taken", "Save it as JPEG or PNG and upload that."),
    "AIS.0103": Fault(RejectedError, "sides-refused", "Scan at 150 to 200 dpi."),
    "AIS.0104": Fault(
        RejectedError, "image-refused", "Check that the image shows this kind of document, sharp and whole."
    ),
    "AIS.0105": Fault(
        RejectedError, "not-recognized", "Check that the image shows this kind of document, sharp and whole."
    ),
    "AIS.0117": _PARAMETER,
    "AIS.0118": Fault(
        HeldError, "tax-authority-down", "The tax authority's interface fails; try again in about two hours."
    ),
    "AIS.0119": Fault(RejectedError, "not-recognized", "The template does not match the image."),
    "AIS.0120": Fault(RejectedError, "not-recognized", "The image fits no class of the classifier."),
    "AIS.0121": Fault(RejectedError, "not-recognized", "An area that the template refers to is missing."),
    "AIS.0122": Fault(RejectedError, "not-recognized", "Both cards show the same side."),
    "ModelArts.0203": _CREDENTIALS,
    "ModelArts.0212": Fault(HeldError, "no-project", "Set the project id."),
    "ModelArts.4101": _CREDENTIALS,
    "ModelArts.4102": _CREDENTIALS,
    "ModelArts.4103": _CREDENTIALS,
    "ModelArts.4104": _TOO_LARGE,
    "ModelArts.4105": _PARAMETER,
    "ModelArts.4106": _ACCOUNT,
    "ModelArts.4107": _BACKEND,
    "ModelArts.4201": _NO_API,
    "ModelArts.4202": _NO_API,
    "ModelArts.4203": Fault(HeldError, "not-permitted", "Give the agency OCR ReadOnlyAccess in this region's project."),
    "ModelArts.4204": Fault(HeldError, "not-subscribed", "Subscribe to this API in the OCR console, in this region."),
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
    "ModelArts.4601": Fault(HeldError, "url-refused", "Set source to inline: the service does not open this URL."),
    "ModelArts.4603": _URL,
    "ModelArts.4702": _URL,
    "ModelArts.4703": _URL,
    "ModelArts.4704": _URL,
    "ModelArts.4705": _TOO_LARGE,
    "ModelArts.4706": Fault(RejectedError, "object-gone", "It was removed before it was read; upload it again."),
    "ModelArts.6201": _ACCOUNT,
    "APIG.0101": _NO_API,
    "APIG.0106": _PARAMETER,
    "APIG.0201": _BACKEND,
    "APIG.0301": _CREDENTIALS,
    "APIG.0307": _CREDENTIALS,
    "APIG.0308": _THROTTLED,
}


def fault(http_status: int, code: str) -> Fault:
    """Return what an error means; a code that no page names is judged by its HTTP status.

    Args:
        http_status: 300 or above.
        code: The body's ``error_code``, which services also give as a number or not at all.
    """
    known = FAULTS.get(code)
    if known is not None:
        return known
    if http_status == 429:
        return _THROTTLED
    if http_status >= 500 or http_status == 408:
        return _BACKEND
    if http_status == 401:
        return _CREDENTIALS
    if http_status == 404:
        return _NO_API
    if http_status == 403:
        return Fault(HeldError, "not-permitted", "Check the agency's permissions and the account's state.")
    if http_status < 400:
        return Fault(
            UnavailableError, "redirected", "The endpoint answers with a redirect; check the endpoint and proxies."
        )
    return Fault(RejectedError, "refused", "The service refuses the call; see its code.")


def error(http_status: int, code: str, message: str, request_id: str, secrets: tuple[str, ...] = ()) -> LegibleError:
    """Return the error for an answer that is none.

    Args:
        http_status: 300 or above.
        code: The service's code.
        message: The service's text; it may quote URLs, so it is redacted.
        request_id: The service's request.
        secrets: Keys and tokens of the call.
    """
    meaning = fault(http_status, code)
    said = redact(message, secrets)
    return meaning.error(
        f"The OCR service answered {code or http_status}: {said}",
        code=meaning.code,
        advice=meaning.advice,
        vendor_code=code,
        request_id=request_id,
    )
