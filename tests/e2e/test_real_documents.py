"""Documents that other people's programs made, through the command and the local cloud with its real engine."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from legible_cli.__main__ import main
from tests.support.places import DOCUMENTS

REAL = DOCUMENTS / "real"
#: Documents of more than one page; the others have one.
PAGES = {"broken-index.pdf": 30, "four-directions.pdf": 4, "three-pages.tif": 3}
#: What a person reads first in some of them, and the engine does too.
SAID = {
    "broken-index.pdf": "Potato",
    "encrypted.pdf": "Sample Vector PDF",
    "jbig2.pdf": "PRESIDENT OF THE UNITED STATES",
    "rotated-skewed.pdf": "32 Track MIDI Sequence Recorder",
    "turned.tif": "This is a test file",
    "two-resolutions.pdf": "This should be a perfect circle",
}


@pytest.mark.slow
def test_real_documents_are_read_whole(tmp_path):
    # given
    files = sorted(file for file in REAL.iterdir() if file.suffix != ".md")

    # when
    arguments = ["--operation", "general-text", "--out", str(tmp_path), "--json"]
    result = CliRunner().invoke(main, ["run", *map(str, files), *arguments])

    # then
    assert result.stdout, result.output
    assert "Traceback" not in result.output
    records = {Path(record["document"]["key"]).name: record for record in json.loads(result.stdout)}
    ends = {name: (record["status"], len(record["pages"])) for name, record in records.items()}
    assert ends == {file.name: ("done", PAGES.get(file.name, 1)) for file in files}
    assert all(page["state"] == "done" for record in records.values() for page in record["pages"])
    for name, words in SAID.items():
        read = " ".join(text["text"] for text in records[name]["text"])
        assert words.replace(" ", "").lower() in read.replace(" ", "").lower(), name
    assert all(openpyxl.load_workbook(tmp_path / "general-text" / name / "record.xlsx") for name in records)
    assert result.exit_code == 0
