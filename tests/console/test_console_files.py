"""What can be said of the console's files without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.console.fake_api import CONSOLE

SCRIPTS = sorted(CONSOLE.glob("*.js"))
#: Ways by which text becomes elements or code.
SINKS = r"""innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new\s+Function|DOMParser
|createContextualFragment|setHTML|srcdoc\s*=|setTimeout\(\s*["'`]|setInterval|javascript:|\.setAttribute\(\s*["']style"""


def spoken() -> dict[str, dict[str, str]]:
    """Return the strings of each language."""
    text = (CONSOLE / "strings.js").read_text("utf-8")
    parts = re.split(r"^  (\w+): \{$", text, flags=re.MULTILINE)[1:]
    pattern = re.compile(r'^    (\w+):\s+"((?:[^"\\]|\\.)*)",$', re.MULTILINE)
    return {name: dict(pattern.findall(body)) for name, body in zip(parts[::2], parts[1::2], strict=True)}


def test_both_languages_say_the_same():
    languages = spoken()
    assert set(languages) == {"en", "zh"}
    assert len(languages["en"]) > 100
    assert languages["en"].keys() == languages["zh"].keys()
    for key, text in languages["en"].items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", languages["zh"][key])), key
        assert text and languages["zh"][key]


def test_strings_are_in_order_and_none_is_said_twice():
    text = (CONSOLE / "strings.js").read_text("utf-8")
    for body in re.split(r"^  \w+: \{$", text, flags=re.MULTILINE)[1:]:
        keys = re.findall(r"^    (\w+):", body, re.MULTILINE)
        assert keys == sorted(set(keys))


def test_every_string_is_used_and_every_string_that_is_used_is_there():
    code = "\n".join(file.read_text("utf-8") for file in SCRIPTS if file.name != "strings.js")
    keys = set(spoken()["en"])
    unused = {key for key in keys if f'"{key}"' not in code}
    assert unused == set()
    assert set(re.findall(r'\bt\("(\w+)"', code)) <= keys


def test_nothing_but_the_strings_speaks_chinese():
    for file in SCRIPTS:
        if file.name not in ("strings.js", "main.js"):  # main.js names the languages, each in itself.
            text = re.sub(r"[，：；]", "", file.read_text("utf-8"))
            assert not re.search(r"[\u4e00-\u9fff]", text), file.name


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_text_becomes_elements_or_code(file: Path):
    found = re.findall(SINKS.replace("\n", ""), file.read_text("utf-8"))
    assert found == []


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_scripts_import_their_neighbors_only(file: Path):
    text = file.read_text("utf-8")
    imported = re.findall(r'from "([^"]+)"|import\(', text)
    assert all(re.fullmatch(r"\./\w+\.js", name) and (CONSOLE / name).is_file() for name in imported)


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere():
    page = (CONSOLE / "index.html").read_text("utf-8")
    assert not re.search(r"\sstyle=|\son\w+=|<style|https?:", page)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == [""]
    assert "url(" not in (CONSOLE / "console.css").read_text("utf-8")


def test_there_are_only_text_files_of_known_kinds_and_none_is_large():
    files = [file for file in CONSOLE.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".html", ".css", ".js", ".svg"}
    assert sum(file.stat().st_size for file in files) < 240_000
    for file in files:
        file.read_text("utf-8")
