"""Machine readable zones of invented people, as hypothesis strategies. Built here from ICAO 9303, not by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as st

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = ("UTO", "FRA", "D", "CHN", "KHM", "MAC", "XXA", "GBR", "ZWE")


@dataclass(frozen=True)
class Person:
    state: str
    nationality: str
    number: str
    birth: date
    expiry: date
    sex: str
    surname: str
    given: str
    optional: str


def digit(text: str) -> str:
    total = sum(("0123456789" + LETTERS).find(c) * (7, 3, 1)[i % 3] for i, c in enumerate(text) if c != "<")
    return str(total % 10)


def signed(text: str) -> str:
    return text + digit(text)


def filled(text: str, width: int) -> str:
    return text.replace(" ", "<").ljust(width, "<")[:width]


def names(person: Person, width: int) -> str:
    return filled(f"{person.surname}<<{person.given}", width)


def body(person: Person) -> str:
    """Number to date of expiry, as two-row formats have them."""
    return (
        signed(filled(person.number, 9))
        + filled(person.nationality, 3)
        + signed(f"{person.birth:%y%m%d}")
        + person.sex
        + signed(f"{person.expiry:%y%m%d}")
    )


def td3(person: Person) -> tuple[str, ...]:
    data = body(person) + signed(filled(person.optional, 14))
    composite = digit(data[0:10] + data[13:20] + data[21:43])
    return f"P<{filled(person.state, 3)}{names(person, 39)}", data + composite


def td2(person: Person) -> tuple[str, ...]:
    data = body(person) + filled(person.optional, 7)
    return f"I<{filled(person.state, 3)}{names(person, 31)}", data + digit(data[0:10] + data[13:20] + data[21:35])


def td1(person: Person) -> tuple[str, ...]:
    first = f"I<{filled(person.state, 3)}{signed(filled(person.number, 9))}{filled(person.optional, 15)}"
    dates = signed(f"{person.birth:%y%m%d}") + person.sex + signed(f"{person.expiry:%y%m%d}")
    second = dates + filled(person.nationality, 3) + "<" * 11
    composite = digit(first[5:30] + second[0:7] + second[8:15] + second[18:29])
    return first, second + composite, names(person, 30)


def mrv_a(person: Person) -> tuple[str, ...]:
    return f"V<{filled(person.state, 3)}{names(person, 39)}", body(person) + filled(person.optional, 16)


def mrv_b(person: Person) -> tuple[str, ...]:
    return f"V<{filled(person.state, 3)}{names(person, 31)}", body(person) + filled(person.optional, 8)


BUILDERS = {"TD3": td3, "TD2": td2, "TD1": td1, "MRV-A": mrv_a, "MRV-B": mrv_b}

_word = st.text(LETTERS, min_size=2, max_size=8)
_name = st.lists(_word, min_size=1, max_size=2).map(" ".join)


def people() -> st.SearchStrategy[Person]:
    return st.builds(
        Person,
        state=st.sampled_from(CODES),
        nationality=st.sampled_from(CODES),
        number=st.text(LETTERS + "0123456789", min_size=5, max_size=9),
        birth=st.dates(date(1930, 1, 1), date(2025, 1, 1)),
        expiry=st.dates(date(2000, 1, 1), date(2060, 1, 1)),
        sex=st.sampled_from("MFX<"),
        surname=_name,
        given=_name,
        optional=st.text(LETTERS + "0123456789", max_size=7),
    )
