"""The rules of README and docs: short, each page says what it is for, and every link leads somewhere."""

from __future__ import annotations

import re

import pytest

from tests.support.places import PAGES, ROOT

README = ROOT / "README.md"
DOCS = [page for page in PAGES if page.parent.name == "docs"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
#: Files that may name a page, too: settings, messages, templates, comments.
SOURCES = sorted(
    path
    for pattern in ("*.toml", "*.yml", "infra/**/*.*", "shared/**/*.py", "functions/*.py", "tests/*/*.py")
    for path in ROOT.glob(pattern)
    if path.suffix in (".toml", ".yml", ".yaml", ".tf", ".hcl", ".example", ".py", ".json")
)


def anchors(text: str) -> set[str]:
    """Return where GitHub lets a link into a page lead: its headings in lower case, without marks, blanks as dashes."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_heading_is_found_as_github_names_it() -> None:
    assert anchors("# A\n## The command `legible`\n## Doctor: is it?\n") == {"a", "the-command-legible", "doctor-is-it"}


def test_readme_is_short() -> None:
    assert README.stat().st_size <= 8192


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_and_a_heading(page) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link}: there is no {name}"
        assert not heading or heading in anchors(target.read_text("utf-8")), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_a_page_says_in_its_first_lines_what_it_is_about(page) -> None:
    """Given a page: a title, an empty line, and a paragraph that says what and for whom, no table, list or link."""
    title, blank, first, *rest = page.read_text("utf-8").splitlines()
    paragraph = " ".join([first, *rest[: rest.index("")]])
    assert title.startswith("# ") and not blank
    assert re.match(r"[A-Z].{80,}\.$", paragraph) and len(paragraph) < 400
    assert not re.search(r"\]\(|^[-|#]", paragraph)


def test_the_readme_leads_to_every_page() -> None:
    links = set(LINK.findall(README.read_text("utf-8")))
    assert {f"docs/{page.name}" for page in DOCS} <= links


def test_pages_that_sources_name_are_there() -> None:
    """Given settings, templates, messages and comments: they name pages of docs/, and no chapter of the README."""
    for source in SOURCES:
        text = source.read_text("utf-8")
        for name in re.findall(r"\bdocs/[\w-]+\.md", text):
            assert (ROOT / name).exists(), f"{source.relative_to(ROOT)} names {name}"
        assert not re.search(r"\(README, [A-Z]", text), f"{source.relative_to(ROOT)} names a chapter of the README"


def test_contributing_names_every_room() -> None:
    """Given the drawing of the house: each package of legible has its line."""
    drawing = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Words")[0]
    rooms = [path.parent.name for path in (ROOT / "shared" / "legible").glob("*/__init__.py")]
    assert [room for room in rooms if f"\n      {room}/ " not in drawing] == []
