"""`legible accounting` and `legible subscriptions`, on a whole local cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openpyxl
import pytest
from click.testing import CliRunner

from functions import on_report, on_upload
from legible_cli.__main__ import main
from localcloud.cloud import INPUT_BUCKET, LocalCloud
from localcloud.eps import EnterpriseProject
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

CLAIMS = "a1111111-0000-4000-8000-000000000001"
SALES = "b1111111-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def counted() -> Iterator[LocalCloud]:
    """Return a cloud in which passports of two projects, and one of none, were read and counted."""
    with LocalCloud(functions={}, recognizer=lambda *_: PASSPORT, region="ap-southeast-1") as running:
        running.eps.projects += [EnterpriseProject(CLAIMS, "claims"), EnterpriseProject(SALES, "sales")]
        for number, project in enumerate((CLAIMS, CLAIMS, SALES, "")):
            key = f"passport/{number}.png"
            metadata = {"legible-project": project} if project else {}
            clouds.client(running).putContent(INPUT_BUCKET, key, picture(60 + number), metadata=metadata)
            on_upload.handler(clouds.event(key), clouds.context(running))
        clouds.due_now(running)
        on_report.handler({}, clouds.context(running))
        yield running


@pytest.fixture
def cloud(counted) -> Iterator[LocalCloud]:
    """Return that cloud; what a test takes away is given back."""
    yield counted
    for taken in (counted.billing.denied, counted.eps.denied, counted.ocr.unsubscribed):
        taken.clear()


@pytest.fixture
def invoke(cloud, tmp_path):
    def run(*arguments: object, settings: str = ""):
        file = tmp_path / "legible.toml"
        file.write_text(settings, "utf-8")
        variables = {**cloud.environment(), "COLUMNS": "200"}
        return CliRunner(env=variables).invoke(main, [*map(str, arguments), "--settings", str(file)])

    return run


class TestAccounting:
    @pytest.mark.parametrize("view", ["months", "details", "distribution"])
    def test_shows_each_project_by_name_and_id(self, invoke, view):
        result = invoke("accounting", "--view", view)
        assert result.exit_code == 0, result.output
        for name in (f"claims ({CLAIMS})", f"sales ({SALES})", "(default)"):
            assert name in result.output
        assert "nothing waits to be counted" in result.output

    def test_as_json_and_as_a_workbook(self, invoke, tmp_path):
        found = json.loads(invoke("accounting", "--json", "--xlsx", tmp_path / "a.xlsx").output)
        assert {one["project"]: one["totals"] for one in found["months"]} == {
            CLAIMS: {"answered": 2}, SALES: {"answered": 1}, "0": {"answered": 1},
        }  # fmt: skip
        assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames[0] == "Summary"

    def test_of_one_project_alone(self, invoke):
        result = invoke("accounting", "--project", SALES)
        assert "sales" in result.output
        assert "claims" not in result.output

    def test_of_one_that_nobody_knows_of_says_so(self, invoke):
        assert "Nobody knows of an enterprise project 'TYPO'" in invoke("accounting", "--project", "TYPO").output
        assert "Nobody knows" not in invoke("accounting", "--project", CLAIMS).output

    def test_a_workbook_that_cannot_be_written_is_one_line(self, invoke, tmp_path):
        (tmp_path / "file").touch()
        result = invoke("accounting", "--xlsx", tmp_path / "file" / "a.xlsx")
        assert (result.exit_code, result.output.count("\n")) == (1, 1)
        assert "cannot be written: Not a directory." in result.output

    def test_what_is_billed_to_nobody_is_said(self, invoke, cloud):
        result = invoke(
            "accounting",
            settings='[prices]\nlist = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "0.01" }] }]\n',
        )
        assert "USD 0.02" in result.output
        assert result.exit_code == 0

    def test_a_right_that_is_missing_is_named_and_the_rest_is_shown(self, invoke, cloud):
        cloud.billing.denied |= {"bss:bill:view", "bss:order:view"}
        cloud.eps.denied.add("eps:enterpriseProjects:list")
        result = invoke("accounting")
        assert result.exit_code == 0
        assert "bss:bill:view" in result.output
        assert "eps:enterpriseProjects:list" in result.output
        assert SALES in result.output

    def test_refuses_days_in_the_wrong_order(self, invoke):
        assert "is after --to" in invoke("accounting", "--from", "2026-02-01", "--to", "2026-01-01").output


class TestSubscriptions:
    def test_shows_what_is_in_use_and_asks_without_a_bill(self, invoke, cloud):
        before = cloud.ocr.journal.billed()
        result = invoke("subscriptions")
        assert result.exit_code == 0, result.output
        assert "folder passport/" in result.output
        assert "subscribed" in result.output
        assert cloud.ocr.journal.billed() == before

    def test_says_how_to_subscribe(self, invoke, cloud):
        cloud.ocr.unsubscribed.add("web-image")
        result = invoke("subscriptions", "--operation", "web-image", "--operation", "passport")
        assert result.exit_code == 1
        for words in ("ocr:webImage:subscribe", "*(Everyone)", "ap-southeast-1", "OCR FullAccess"):
            assert words in result.output

    def test_as_json(self, invoke, cloud):
        found = json.loads(invoke("subscriptions", "--json").output)
        assert [(one["operation"], one["state"], one["region"]) for one in found] == [
            ("passport", "subscribed", "ap-southeast-1")
        ]

    def test_explains_what_the_console_says(self, invoke):
        result = invoke("subscriptions", "--explain", "ocr:webImage:subscribe permission required")
        assert result.exit_code == 0
        assert "OCR FullAccess" in result.output
        assert json.loads(invoke("subscriptions", "--json", "--explain", "ModelArts.4204").output)

    @pytest.mark.parametrize("arguments", [["--explain", "hello"], ["--operation", "nothing"]])
    def test_refuses_what_it_does_not_know(self, invoke, arguments):
        result = invoke("subscriptions", *arguments)
        assert result.exit_code != 0
        assert "Traceback" not in result.output
