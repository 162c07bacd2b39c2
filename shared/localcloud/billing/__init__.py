"""A local billing: packages, deductions and bills, made of the calls that the local OCR billed."""

from localcloud.billing.server import LocalBilling
from localcloud.billing.settlement import Bought

__all__ = ["Bought", "LocalBilling"]
