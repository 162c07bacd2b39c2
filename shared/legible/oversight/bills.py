"""What the billing API is asked about: OCR alone, in the regions where operations are called."""

from __future__ import annotations

from legible.errors import LegibleError
from legible.model.account import Package
from legible.ports.account import Billing

#: What the price list calls the service, on either site.
SERVICE_NAMES = ("Optical Character Recognition", "OCR", "文字识别")
UNKNOWN_SERVICE = f"The billing API knows no service named {', '.join(SERVICE_NAMES[:-1])} or {SERVICE_NAMES[-1]}."


def service_code(billing: Billing) -> str:
    """Return the billing code of OCR; empty where none of its names is known. Raises as ``Billing`` does."""
    return next(filter(None, map(billing.service_code, SERVICE_NAMES)), "")


def packages(billing: Billing) -> tuple[list[Package], bool]:
    """Return packages, and whether they are OCR's alone: those of all services where its code is not told.

    Raises:
        LegibleError: They may not be seen, or billing has a passing fault.
    """
    try:
        code = service_code(billing)
    except LegibleError:  # another right, which the packages themselves do not take
        code = ""
    return list(billing.packages(code)), bool(code)
