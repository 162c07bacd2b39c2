"""Does what was recognized agree with itself? Check digits, totals, dates: a rule that is broken is a finding."""

from legible.checks.rules import RULES, rules
from legible.checks.running import checked

__all__ = ["RULES", "checked", "rules"]
