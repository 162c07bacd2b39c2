"""What a function's first document does not need is not imported with the function."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.test_rules import ROOT

#: Libraries and rooms that are loaded when they are first used.
LATER = (
    *("xlsxwriter", "pypdfium2", "pikepdf", "reportlab", "stdnum", "requests", "urllib3", "cryptography", "pyasn1"),
    *("asyncio", "unittest", "multiprocessing", "huaweicloudsdkocr", "pymongo", "bson"),
    *(
        "legible.api",
        "legible.outputs.xlsx",
        "legible.outputs.forms",
        "legible.outputs.crops",
        "legible.outputs.parquet",
    ),
    *("legible.huawei.eventgrid", "legible.huawei.smn", "legible.notices.webhook", "legible.wiring.account"),
)


@pytest.mark.parametrize("name", ["on_upload", "recognize"])
def test_a_function_imports_what_its_first_document_needs(name):
    script = f"import sys, {name}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'shared'}:{ROOT / 'functions'}"},
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert {one for one in LATER if one in loaded} == set()
