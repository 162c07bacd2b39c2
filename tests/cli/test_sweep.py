"""`legible sweep` and `legible status`, on a whole local cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import CliRunner

from functions import on_upload
from legible.ports import Site
from legible.upkeep.progress import Turn
from legible_cli.__main__ import main
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.rig import PASSPORT, picture


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """Return a cloud in which one passport was read, and the event of another one was lost."""
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        for name, width in (("anna", 60), ("ben", 70)):
            clouds.upload(running, f"passport/{name}.png", picture(width))
        on_upload.handler(clouds.event("passport/anna.png"), clouds.context(running))
        yield running


@pytest.fixture
def invoke(cloud, tmp_path):
    def run(*arguments: object):
        file = tmp_path / "legible.toml"
        file.write_text("", "utf-8")
        variables = {**cloud.environment(), "COLUMNS": "200"}
        return CliRunner(env=variables).invoke(main, [*map(str, arguments), "--settings", str(file)])

    return run


class TestSweep:
    def test_a_dry_run_says_what_it_would_repair_and_the_next_one_repairs_it_once(self, cloud, invoke):
        assert "2 objects were looked at; nothing was found." in invoke("sweep").output
        cloud.obs.age(timedelta(minutes=20))
        dry = invoke("sweep", "--dry-run")
        assert "lost" in dry.output and "Nothing was changed." in dry.output
        assert json.loads(invoke("sweep", "--json").stdout)["repaired"] == {"lost": 1}
        assert json.loads(invoke("sweep", "--json").stdout).get("found", {}) == {}

    def test_no_event_is_waited_for_where_that_is_said(self, invoke):
        done = invoke("sweep", "--young", 0, "--days", 30)
        assert done.exit_code == 0, done.output
        assert "lost" in done.output

    def test_two_do_not_sweep_at_once(self, cloud, invoke):
        site = Site(clouds.store(cloud), INPUT_BUCKET, OUTPUT_BUCKET)
        assert Turn(site, clouds.earlier(timedelta(0)), 0.2).take(300) is None
        refused = invoke("sweep")
        assert refused.exit_code == 1 and "Another sweep is at work" in refused.output


class TestStatus:
    def test_the_sum_is_shown_and_told_as_json(self, invoke):
        invoke("sweep", "--dry-run")
        shown = invoke("status").output
        assert "1 uploaded = 1 done" in shown and "not swept as a whole yet" in shown
        invoke("sweep", "--young", 0)
        told = json.loads(invoke("status", "--by", "operation", "--json").stdout)
        assert (told["total"]["uploaded"], told["total"]["running"], told["rows"][0]["name"]) == (2, 1, "passport")
        assert "swept" in invoke("status").output

    def test_one_prefix_is_shown_and_a_deeper_one_refused(self, invoke):
        assert "passport/" in invoke("status", "--prefix", "passport/").output
        assert "0 uploaded" in invoke("status", "--prefix", "").output
        assert "first folder" in invoke("status", "--prefix", "passport/deep/").output

    def test_all_journals_are_counted_again(self, invoke):
        done = invoke("status", "--rebuild")
        assert "1 journals were counted again." in done.output
        assert "1 uploaded = 1 done" in done.output
