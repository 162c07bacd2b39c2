"""Deployed with settings that name enterprise projects: who is billed, and what becomes of an EPS that is closed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from legible.model.documents import ObjectRef
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from localcloud.eps import EnterpriseProject
from localcloud.faults import Fault
from localcloud.functiongraph import load
from tests.support import clouds
from tests.support.places import ROOT
from tests.support.rig import PASSPORT, picture

CLAIMS = "a1111111-0000-4000-8000-000000000001"
SETTINGS = f"""
default = "general-text"
[projects]
required = true
refused = "rejected"
[projects.folders]
"passport/" = "{CLAIMS}"
"""


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[[str], LocalCloud]]:
    """Start a local cloud whose functions have these settings beside their code."""
    running: list[LocalCloud] = []
    (tmp_path / "legible").symlink_to(ROOT / "shared" / "legible")

    def started(region: str) -> LocalCloud:
        (tmp_path / "legible.toml").write_text(SETTINGS, "utf-8")
        functions = {key: replace(found, timeout=30.0) for key, found in load(ROOT / "serverless.yml").items()}
        values: dict[str, Any] = {"functions": functions, "recognizer": lambda *_: PASSPORT, "region": region}
        running.append(LocalCloud(code=(ROOT / "functions", tmp_path, ROOT / "shared"), **values))
        running[-1].eps.projects.append(EnterpriseProject(CLAIMS, "claims"))
        return running[-1]

    yield started
    for cloud in running:
        cloud.stop()


def read(cloud, key):
    clouds.upload(cloud, key, picture())
    assert cloud.wait_idle(60)
    return json.loads(clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, f"results/{key}/record.json")))


def test_a_folder_is_billed_to_its_project_and_what_names_none_costs_no_call(start):
    cloud = start("ap-southeast-3")
    assert read(cloud, "passport/a.png")["status"] == "done"
    found = read(cloud, "other/b.png")
    assert (found["status"], found["reason"]["code"]) == ("rejected", "project-missing")
    assert cloud.ocr.journal.bill() == {"passport": {CLAIMS: 1}}


def test_an_eps_that_is_closed_fails_no_document_of_the_settings_and_the_record_says_so(start):
    cloud = start("ap-southeast-1")
    cloud.eps.faults.add(Fault("cut", times=None))
    found = read(cloud, "passport/a.png")
    assert found["status"] == "done"
    assert f"Billed to the enterprise project {CLAIMS}, which could not be checked: EPS" in found["notes"][0]
    assert cloud.ocr.journal.bill() == {"passport": {CLAIMS: 1}}


def test_a_region_without_enterprise_projects_makes_no_call_that_names_one(start):
    cloud = start("cn-north-4")
    found = read(cloud, "passport/a.png")
    assert (found["status"], found["reason"]["code"]) == ("held", "project-not-here")
    assert cloud.ocr.journal.calls == ()
