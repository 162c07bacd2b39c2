"""Does what was recognized agree with itself? Check digits, totals, dates: a rule that is broken is a finding."""

from legible.extraction.checks.rules import RULES, rules_by_operation
from legible.extraction.checks.runner import checked

__all__ = ["RULES", "checked", "rules_by_operation"]
