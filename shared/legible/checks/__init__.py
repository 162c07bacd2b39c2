"""Does what was recognized agree with itself? Check digits, totals, dates: a rule that is broken is a finding."""

from legible.model import Extract
from legible.operation import Operation

__all__ = ["checked"]


def checked(operation: Operation, extract: Extract) -> Extract:
    """Return what one page says with every check that could be made, and its findings at the fields they are about."""
    return extract
