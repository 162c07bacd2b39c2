"""Where things lie that tests read."""

from __future__ import annotations

from pathlib import Path

#: The project.
ROOT = Path(__file__).resolve().parents[2]
#: What tests are given: documents, recorded answers, events, the vendor's policies.
DATA = ROOT / "tests" / "data"
#: Documents of every kind, all of invented people.
DOCUMENTS = DATA / "documents"
#: What each operation answers (``answer.json``), and the record that is made of it (``record.json``).
ANSWERS = DATA / "answers"
#: What people read: README, CONTRIBUTING, and the pages of docs/.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
