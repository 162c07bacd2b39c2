"""`legible dead`, `redrive`, `quote` and `backfill`, on a whole local cloud."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from functions import on_notices, on_report, on_upload
from legible.model.documents import ObjectRef
from legible.wiring.redrive import waiting
from legible_cli.__main__ import main
from legible_cli.backfill import _interrupted
from legible_cli.connection import connect
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import load
from localcloud.functiongraph.config import AsyncPolicy
from tests.support import clouds
from tests.support.places import ROOT
from tests.support.rig import PASSPORT, pdf, picture

PRICED = """
[prices]
currency = "USD"
list = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "0.0125" }] }]
"""


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """Return a cloud without functions of its own: what is sent is kept."""
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        yield running


def commands(cloud: LocalCloud, folder: Path):
    """Return what calls a command on a cloud."""

    def run(*arguments: object, settings: str = PRICED, **more):
        file = folder / "legible.toml"
        file.write_text(settings, "utf-8")
        variables = {**cloud.environment(), "COLUMNS": "200"}
        return CliRunner(env=variables).invoke(main, [*map(str, arguments), "--settings", str(file)], **more)

    return run


@pytest.fixture
def invoke(cloud, tmp_path):
    return commands(cloud, tmp_path)


def read(cloud: LocalCloud, key: str, body: bytes) -> None:
    clouds.upload(cloud, key, body)
    on_upload.handler(clouds.event(key), clouds.context(cloud))


def refused(cloud: LocalCloud, key: str, body: bytes) -> None:
    """Have a document held: nobody has subscribed to its operation."""
    cloud.ocr.faults.add(Fault("error", path="passport", code="ModelArts.4204", status=403, message="not subscribed"))
    read(cloud, key, body)


def mix(cloud: LocalCloud) -> None:
    """Have documents end as done, held and rejected."""
    read(cloud, "passport/anna.png", picture(60))
    for number in range(3):
        refused(cloud, f"passport/held-{number}.png", picture(70 + number))
    read(cloud, "passport/note.txt", b"hello")


@pytest.fixture(scope="module")
def mixed() -> Iterator[LocalCloud]:
    """Return a cloud with such documents, for tests that move none of them."""
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        mix(running)
        yield running


@pytest.fixture
def ask(mixed, tmp_path):
    return commands(mixed, tmp_path)


class TestDead:
    def test_everything_is_done(self, cloud, invoke):
        read(cloud, "passport/anna.png", picture(60))
        assert "Every document that ended is done." in invoke("dead").output

    def test_causes_are_told_with_evidence_and_price(self, ask):
        result = ask("dead", "passport/", "--limit", 2)
        assert result.exit_code == 0
        told = " ".join(result.output.split())
        assert "not-subscribed ModelArts.4204" in told
        assert "format-unknown *" in told
        assert "4 documents are not done. To try all again takes 4 calls: USD 0.0500." in told
        assert "1 of them have pages that nobody has counted" in told
        assert "These are the latest; 2 more" in told
        assert "tried 1 times" in told

    def test_all_of_it_as_json(self, ask):
        found = json.loads(ask("dead", "--reason", "ModelArts.4204", "--json").stdout)
        assert [(one["code"], one["documents"], one["cost"]["amount"]) for one in found["causes"]] == [
            ("not-subscribed", 3, "0.0375")
        ]
        assert {one["page"] for one in found["documents"]} == {1}
        assert all(one["request_id"] for one in found["documents"])

    def test_without_prices_the_cost_is_a_question(self, ask):
        result = ask("dead", "--status", "held", settings="")
        assert "whose price no setting names (passport" in result.output
        assert "?" in result.output

    def test_what_was_listed_by_the_timer_is_found_as_well(self, cloud, invoke):
        mix(cloud)
        clouds.due_now(cloud)
        on_report.handler({}, clouds.context(cloud))
        assert "4 documents are not done" in invoke("dead").output

    def test_lists_that_are_lost_are_made_again(self, cloud, invoke):
        mix(cloud)
        bucket = clouds.store(cloud)
        for prefix in ("changes/", "reports/"):
            for item in list(bucket.list("legible-out", prefix)):
                bucket.remove(ObjectRef("legible-out", item.key))
        assert "Every document that ended is done." in invoke("dead").output
        assert invoke("usage", "--rebuild").exit_code == 0
        assert "4 documents are not done" in invoke("dead").output

    def test_a_prefix_that_holds_nothing_is_an_error(self, ask):
        result = ask("dead", "pasport/")
        assert (result.exit_code, "There are no documents below 'pasport/'" in result.output) == (1, True)
        assert ask("dead", "passport/anna").exit_code == 0

    @pytest.mark.parametrize("ago", ["1h", "2 d", "2026-01-01", "2026-01-01T00:00:00Z"])
    def test_since(self, ask, ago):
        assert "4 documents are not done" in ask("dead", "--since", ago).output

    @pytest.mark.parametrize("wrong", [["--since", "soon"], ["--operation", "nothing"], ["--status", "done"]])
    def test_what_means_nothing_is_refused(self, ask, wrong):
        assert ask("dead", *wrong).exit_code == 2


class TestRedrive:
    def test_a_dry_run_says_what_would_be_done_and_moves_nothing(self, mixed, ask):
        result = ask("redrive", "--reason", "not-subscribed", "--since", "2h", "--max-cost", "5", "--dry-run")
        assert "3 documents would be tried once more (3 not-subscribed): 3 calls: USD 0.0375." in result.output
        assert [item.key for item in clouds.store(mixed).list("legible-out", "waiting/")] == []

    def test_the_chosen_cause_is_tried_again_once_and_audited(self, cloud, invoke, tmp_path):
        mix(cloud)
        result = invoke("redrive", "passport/", "--reason", "not-subscribed", "--yes")
        assert result.exit_code == 0, result.output
        assert "3 documents are tried once more (3 not-subscribed)" in result.output
        parts = connect(tmp_path / "legible.toml", cloud.environment()).parts("test", 60.0)
        assert len(waiting(parts).names()) == 3
        again = invoke("redrive", "passport/", "--reason", "not-subscribed", "--yes", "--json")
        assert json.loads(again.stdout)["left"] == {"asked for already": 3}
        on_notices.handler({}, clouds.context(cloud))
        assert [clouds.record(cloud, f"passport/held-{number}.png")["status"] for number in range(3)] == ["done"] * 3
        assert clouds.paid(cloud) == 4
        bucket = clouds.store(cloud)
        events = [
            json.loads(bucket.read(ObjectRef("legible-out", item.key)))
            for item in bucket.list("legible-out", "audit/.pending/")
        ]
        assert [(one["name"], one["resource_name"]) for one in events if one["name"] == "redriveDocuments"] == [
            ("redriveDocuments", "passport/"), ("redriveDocuments", "passport/"),
        ]  # fmt: skip

    def test_what_lasts_is_left_and_said_so(self, ask):
        result = ask("redrive", "passport/", "--dry-run")
        assert "1 are left: the same would come of it again." in result.output
        named = ask("redrive", "--reason", "format-unknown", "--dry-run")
        assert "1 documents would be tried once more (1 format-unknown)" in named.output
        assert "pages that nobody has counted" in named.output

    def test_a_limit_is_kept_to(self, ask):
        result = ask("redrive", "--reason", "not-subscribed", "--max-cost", "0.03", "--dry-run", "--json")
        report = json.loads(result.stdout)
        assert (report["chosen"], report["left"], report["cost"]["amount"]) == (2, {"beyond the limit": 1}, "0.0250")

    def test_nobody_who_says_no_spends_money(self, mixed, ask):
        assert ask("redrive", "--reason", "not-subscribed", input="n\n").exit_code == 1
        assert [item.key for item in clouds.store(mixed).list("legible-out", "waiting/")] == []

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            ([], "Name what is to be tried again"),
            (["--reason", "unheard-of"], "No document that is not done fits"),
            (["--reason", "not-subscribed", "--max-cost", "lots"], "no amount of money"),
            (["--reason", "not-subscribed", "--max-cost", "-1"], "no amount that may be spent"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, ask, arguments, why):
        result = ask("redrive", *arguments)
        assert result.exit_code != 0
        assert why in result.output

    def test_without_a_price_no_cost_can_be_kept_to(self, ask):
        result = ask("redrive", "--reason", "not-subscribed", "--max-cost", "1", settings="")
        assert result.exit_code == 1
        assert "There is no price for passport" in result.output


class TestQuote:
    @pytest.mark.parametrize("how", [[], ["--exact"]])
    def test_documents_pages_what_is_known_and_the_price(self, cloud, invoke, how):
        read(cloud, "passport/anna.png", picture(60))
        clouds.upload(cloud, "passport/ben.png", picture(61))
        clouds.upload(cloud, "passport/copy.png", picture(60))
        clouds.upload(cloud, "general-text/a.pdf", pdf(3))
        clouds.upload(cloud, "passport/note.txt", b"hello")
        result = invoke("quote", "passport/", *how)
        assert result.exit_code == 0, result.output
        assert "4 documents: 1 calls: USD 0.0125." in result.output
        assert "1 format-unknown" in result.output
        clouds.upload(cloud, "nowhere/a.png", picture(62))
        assert "4 calls: USD 0.0500" in invoke("quote", "", *how).output
        assert clouds.paid(cloud) == 1

    def test_as_json_and_of_one_operation(self, cloud, invoke):
        clouds.upload(cloud, "passport/ben.png", picture(61))
        clouds.upload(cloud, "general-text/ben.png", picture(61))
        found = json.loads(invoke("quote", "", "--operation", "passport", "--json").stdout)
        assert (found["documents"], found["cost"]["amount"]) == (1, "0.0125")

    def test_a_sample_has_an_interval(self, cloud, invoke):
        for number in range(40):
            clouds.upload(cloud, f"passport/{number}.png", picture(60 + number))
        result = invoke("quote", "passport/", "--sample", "20")
        assert " (between " in result.output
        assert "--exact looks at all" in " ".join(result.output.split())

    @pytest.mark.parametrize(
        ("arguments", "code", "why"),
        [
            (["nothing/"], 1, "There are no documents below 'nothing/'"),
            (["", "--operation", "x"], 2, "no operation 'x'"),
        ],
    )
    def test_what_holds_nothing_is_refused(self, cloud, invoke, arguments, code, why):
        result = invoke("quote", *arguments)
        assert (result.exit_code, why in result.output) == (code, True)


class TestBackfill:
    @pytest.fixture
    def working(self, tmp_path) -> Iterator[LocalCloud]:
        """Return a cloud whose function for uploads no upload calls."""
        listed = load(ROOT / "serverless.yml")["on_upload"]
        functions = {"on_upload": replace(listed, triggers=(), policy=AsyncPolicy(), timeout=60.0)}
        with LocalCloud(functions=functions, recognizer=lambda slug, image, options: PASSPORT) as running:
            for number in range(4):
                clouds.upload(running, f"passport/{number}.png", picture(60 + number))
            yield running

    def test_an_existing_bucket_is_read_within_the_limit_and_goes_on(self, working, tmp_path):
        file = tmp_path / "legible.toml"
        file.write_text(PRICED, "utf-8")
        variables = {**working.environment(), "COLUMNS": "200"}

        def invoke(*arguments):
            return CliRunner(env=variables).invoke(main, ["backfill", *arguments, "--settings", str(file)])

        dry = invoke("passport/", "--dry-run", "--json")
        assert json.loads(dry.stdout) == {"to send": 4, "ended before": 0}
        first = invoke("passport/", "--yes", "--max-calls", "1")
        assert first.exit_code == 1
        assert "might take more than --max-calls" in first.output
        last = invoke("passport/", "--yes", "--json")
        report = json.loads(last.stdout)
        assert report["backfill"]["ended"] == {"done": 4}
        assert report["cost"]["amount"] == "0.0500"
        assert clouds.paid(working) == 4
        again = invoke("passport/", "--dry-run")
        assert "0 would be sent; 4 ended before. Nothing was sent." in again.output
        assert {
            line.get("run") for line in clouds.journal(working, "passport/0.png") if line["event"] == "claimed"
        } == {report["backfill"]["name"]}
        told = [item.key for item in clouds.store(working).list("legible-out", "audit/.pending/")]
        events = [json.loads(clouds.store(working).read(ObjectRef("legible-out", key))) for key in told]
        assert len([one for one in events if one["name"] == "backfillDocuments" and not one.get("status")]) == 2

    @pytest.mark.parametrize(
        ("arguments", "code", "why"),
        [
            (["nothing/", "--yes"], 1, "There are no documents below 'nothing/'"),
            (["passport/", "--name", "../x"], 2, "Use letters"),
            (["passport/"], 1, "Aborted"),
            (["passport/", "--yes"], 1, "relay-not-found"),
        ],
    )
    def test_what_cannot_be_done_is_refused(self, cloud, invoke, arguments, code, why):
        clouds.upload(cloud, "passport/ben.png", picture(61))
        result = invoke("backfill", *arguments)
        assert result.exit_code == code
        assert why in result.output or "FunctionGraph refuses" in result.output

    def test_a_name_is_that_of_one_prefix(self, cloud, invoke):
        clouds.upload(cloud, "passport/ben.png", picture(61))
        body = b'{"name":"old","prefix":"other/","begun":"2026-11-23T09:00:00Z"}'
        clouds.store(cloud).write(ObjectRef("legible-out", "backfills/old/manifest.json"), body, "application/json")
        assert "is one of 'other/'" in invoke("backfill", "passport/", "--name", "old", "--yes").output

    def test_ctrl_c_stops_it_at_a_safe_point(self, cloud, invoke):
        """Given a bucket whose function is asked for, and a person who does not want to wait any longer."""
        clouds.upload(cloud, "passport/ben.png", picture(61))
        stop, before = threading.Event(), signal.getsignal(signal.SIGINT)
        with _interrupted(stop):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        assert signal.getsignal(signal.SIGINT) is before

    @pytest.mark.parametrize(
        ("variables", "lacking"),
        [
            ({"LEGIBLE_PROJECT_ID": ""}, "cloud.project_id"),
            ({"LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ""}, "functions.endpoint"),
        ],
    )
    def test_where_functions_are_called_must_be_known(self, cloud, tmp_path, variables, lacking):
        environment = {**cloud.environment(), **variables}
        environment = {name: value for name, value in environment.items() if value}
        result = CliRunner(env=environment).invoke(main, ["backfill", "passport/"])
        assert result.exit_code == 1
        assert f"{lacking} is not set" in result.output
