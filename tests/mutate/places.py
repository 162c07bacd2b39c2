"""What is mutated, which tests count, and where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.places import ROOT

LEGIBLE = ROOT / "shared" / "legible"
#: The modules that carry the promises: rooms, or files of a room.
CARRIERS = (
    "ledger",
    "recognition",
    "results",
    "pipeline",
    "notices",
    "documents/identity.py",
    "documents/intake.py",
    "documents/orders.py",
    "documents/uploads.py",
    "documents/submission.py",
    "documents/tickets.py",
    "operations/routing.py",
    "extraction/checks",
)
#: Tests that count, beside few random worlds: those that run in this process and speak of the promises.
ROOMS = (
    *("ledger", "pipeline", "results", "notices", "documents", "operations", "extraction", "workbooks", "api"),
    "outputs",
)
#: These run worlds by the hundred, or documents in processes by the dozen; a few worlds stand in for the first.
LEFT_OUT = frozenset({"test_random_worlds.py", "test_every_format.py", "test_real_documents.py"})
WORLDS = ROOT / "tests" / "mutate" / "few_worlds.py"
#: Which test runs which lines, from one time to the next.
KEPT = ROOT / "build" / "mutate"
#: Mutants that no test can kill, and why.
EQUIVALENT = ROOT / "tests" / "mutate" / "equivalent.toml"


def modules(names: list[str]) -> dict[str, Path]:
    """Return the files that are meant, by their path within legible; `names` are rooms or files, none of them all."""
    found = {str(path.relative_to(LEGIBLE)): path for name in names or CARRIERS for path in _files(LEGIBLE / name)}
    return {name: path for name, path in found.items() if path.name != "__init__.py"}


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.py"))
    if not path.is_file():
        raise SystemExit(f'There is no "{path.relative_to(LEGIBLE)}" in {LEGIBLE}. Name a room or a file of one.')
    return [path]


def test_files() -> Iterator[Path]:
    """Yield the files whose tests count."""
    for room in ROOMS:
        yield from (path for path in sorted((ROOT / "tests" / room).glob("test_*.py")) if path.name not in LEFT_OUT)
    yield from (ROOT / "tests" / name for name in ("test_settings.py", "test_errors.py"))
    yield WORLDS
