"""The values that a rule judges, and the error by which it says that it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple

from legible.extraction.fields import typed

#: Longer than any amount that is printed, and short enough that decimal arithmetic neither overflows nor refuses.
_LONGEST_NUMBER = 20
#: What stands where characters are hidden.
_COVER = re.compile("[*•●□■█]|X{4}")
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_SEXES: dict[str, Literal["male", "female"]] = {
    **dict.fromkeys(("male", "m", "男", "nam"), "male"),
    **dict.fromkeys(("female", "f", "女", "nữ", "nu"), "female"),
}


class UnclearError(KeyError):
    """The rule cannot be applied: a value is missing, covered, or cannot be read as what the rule needs."""


class Seen(NamedTuple):
    """One value: ``name`` as a ``Check`` names it, its text, and what the text reads as."""

    name: str
    text: str
    typed: str | None = None

    @property
    def plain(self) -> str:
        """The text in upper case without spaces, for numbers that people space as they like."""
        return "".join(self.text.translate(_NARROW).split()).upper()

    def whole(self) -> str:
        """Return the plain text. Raises ``UnclearError`` where a part of it is covered."""
        if _COVER.search(self.plain):
            raise UnclearError
        return self.plain

    def number(self) -> Decimal:
        """Return the value as a number. Raises ``UnclearError`` where it reads as none, or has more than 20 places.

        Sums are checked on Chinese documents, which write a point before decimals.
        """
        text = self.typed if self.typed is not None else typed(self.text, "amount", point=".")
        try:
            if len(text or "") > _LONGEST_NUMBER:
                raise UnclearError
            return Decimal(text or "")
        except InvalidOperation:
            raise UnclearError from None

    def day(self) -> date:
        """Return the value as a date. Raises ``UnclearError`` where it reads as none."""
        text = self.typed if self.typed is not None else typed(self.text, "date")
        try:
            return date.fromisoformat(text or "")
        except ValueError:
            raise UnclearError from None

    def sex(self) -> Literal["male", "female"]:
        """Return the value as a sex. Raises ``UnclearError`` where it reads as none."""
        word = _SEXES.get((self.typed or self.text).strip().lower())
        if word is None:
            raise UnclearError
        return word


class Values(Mapping[str, Seen]):
    """The values of a rule by their roles; what is missing or empty is not among them."""

    def __init__(self, values: Mapping[str, Seen]) -> None:
        """Take the values by role."""
        self._values = {role: seen for role, seen in values.items() if seen.text.strip()}

    def __getitem__(self, role: str) -> Seen:
        """Return a value. Raises ``UnclearError`` where there is none."""
        if role not in self._values:
            raise UnclearError
        return self._values[role]

    def __iter__(self) -> Iterator[str]:
        """Yield the roles that have a value."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many have one."""
        return len(self._values)


#: Judges values: returns nothing where they agree, else what disagrees. Raises ``UnclearError``.
Judge = Callable[[Values], "str | None"]
