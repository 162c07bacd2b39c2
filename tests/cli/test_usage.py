"""`legible usage` and `legible reconcile`, on a whole local cloud."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import openpyxl
import pytest
from click.testing import CliRunner

from functions import on_report, on_upload
from legible.ports import utc_now
from legible_cli.__main__ import main
from localcloud.billing.settlement import Bought
from localcloud.cloud import LocalCloud
from localcloud.ocr.journal import Call
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

AGO = timedelta(hours=8)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """Return a cloud in which two passports were read eight hours ago, and counted."""
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        for name, width in (("anna", 60), ("ben", 70)):
            clouds.upload(running, f"passport/{name}.png", picture(width))
            on_upload.handler(clouds.event(f"passport/{name}.png"), clouds.context(running))
        clouds.backdate(running, AGO)
        clouds.due_now(running)
        on_report.handler({}, clouds.context(running))
        yield running


@pytest.fixture
def invoke(cloud, tmp_path):
    def run(*arguments: object, settings: str = ""):
        file = tmp_path / "legible.toml"
        file.write_text(settings, "utf-8")
        variables = {**cloud.environment(), "COLUMNS": "200"}
        return CliRunner(env=variables).invoke(main, [*map(str, arguments), "--settings", str(file)])

    return run


def since() -> str:
    return f"{utc_now() - timedelta(days=2):%Y-%m-%d}"


PRICED = """
[prices]
currency = "USD"
list = [{ slugs = ["*"], since = 2026-01-01, tiers = [{ each = "0.0125" }] }]
"""


class TestUsage:
    @pytest.mark.parametrize(
        ("by", "name"),
        [
            ("operation", "passport"),
            ("route", "passport/*"),
            ("project", "(none)"),
            ("day", "2"),
        ],
    )
    def test_calls_are_told_apart_from_both_sides(self, invoke, by, name):
        result = invoke("usage", "--from", since(), "--by", by)
        assert result.exit_code == 0
        rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in result.output.splitlines()]
        service = ["2", "0"] if by in ("operation", "day") else []
        assert [row[1:] for row in rows if row[0].startswith(name)] == [["2", "2", "0", "0", "0", "2", *service]]
        assert ("knows neither enterprise projects nor routes" in result.output) == (not service)
        assert "Documents that ended: 2 done." in result.output
        assert "nothing waits to be counted" in result.output

    def test_what_waits_is_told(self, cloud, invoke):
        clouds.upload(cloud, "passport/carl.png", picture(80))
        on_upload.handler(clouds.event("passport/carl.png"), clouds.context(cloud))
        assert "1 document waits to be counted" in invoke("usage").output

    def test_all_of_it_as_json_with_cost_as_exact_text(self, invoke):
        found = json.loads(invoke("usage", "--from", since(), "--json", settings=PRICED).stdout)
        assert found["operations"] == [{"name": "passport", "totals": {"answered": 2}, "operation": ""}]
        assert [cost["amount"] for cost in found["costs"]] == ["0.0250"]

    def test_cost_is_told_by_month(self, invoke):
        assert "USD 0.0250 (passport 0.0250)" in invoke("usage", "--from", since(), settings=PRICED).output

    def test_what_the_service_counted_is_in_json_and_workbook_too(self, cloud, invoke, tmp_path):
        at = datetime.now(timezone.utc) - timedelta(minutes=90)  # what did not report for three hours is not listed
        cloud.ocr.journal.add(Call(at.timestamp(), "vin", "r", 200, units=1))
        found = json.loads(invoke("usage", "--from", since(), "--json", "--xlsx", tmp_path / "u.xlsx").stdout)
        assert [(one["name"], one["succeeded"]) for one in found["service"]["operations"]] == [
            ("passport", 2),
            ("vin", 1),
        ]
        assert sum(one["succeeded"] for one in found["service"]["days"]) == 3
        sheet = openpyxl.load_workbook(tmp_path / "u.xlsx")["By operation"]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        assert rows[0][-2:] == ["Cloud Eye: succeeded", "Cloud Eye: failed"]
        assert [(row[0], row[1], row[-2]) for row in rows[1:]] == [("passport", 2, 2), ("vin", 0, 1)]

    @pytest.mark.parametrize(
        ("changes", "denied", "said"),
        [
            ({"LEGIBLE_PROJECT_ID": ""}, "", "cloud.project_id is not set"),
            ({"LEGIBLE_ACCOUNT_ENDPOINT": ""}, "", "cloudeye.endpoint"),
            ({}, "ces:metrics:list", "ces:metrics:list"),
        ],
    )
    def test_where_cloud_eye_cannot_be_asked_one_line_says_so(self, cloud, tmp_path, changes, denied, said):
        cloud.cloudeye.denied |= {denied} if denied else set()
        (tmp_path / "x.toml").write_text("")
        variables = {**cloud.environment(), "COLUMNS": "200", **changes}
        arguments = ["usage", "--from", since(), "--settings", str(tmp_path / "x.toml")]
        result = CliRunner(env=variables).invoke(main, arguments)
        assert result.exit_code == 0, result.output
        (line,) = [line for line in result.output.splitlines() if line.startswith("Cloud Eye's side is not known")]
        assert said in line
        assert "Cloud Eye: succeeded" not in result.output
        assert "passport" in result.output

    def test_a_workbook(self, invoke, tmp_path):
        assert invoke("usage", "--from", since(), "--xlsx", tmp_path / "u.xlsx").exit_code == 0
        assert openpyxl.load_workbook(tmp_path / "u.xlsx")["By operation"]["B2"].value == 2

    @pytest.mark.parametrize("by", ["operation", "day"])
    def test_days_that_cloud_eye_keeps_no_longer_have_no_number(self, invoke, by):
        result = invoke("usage", "--from", "2025-01-01", "--by", by)
        assert ("Cloud Eye since 20" in result.output) == (by == "operation")
        assert "keeps 155 days: its side is from" in result.output

    def test_where_it_keeps_none_of_them_there_is_no_column(self, invoke):
        result = invoke("usage", "--from", "2025-01-01", "--to", "2025-02-01")
        assert "Cloud Eye's side is not known: it keeps 155 days" in result.output
        assert "succeeded │" not in result.output.replace("succeeded │ failed", "")

    def test_a_workbook_that_cannot_be_written_is_one_line(self, invoke, tmp_path):
        result = invoke("usage", "--from", since(), "--xlsx", tmp_path / "nowhere" / "u.xlsx")
        assert result.exit_code == 1
        assert result.output.startswith("Error: ") and result.output.count("\n") == 1

    def test_what_was_lost_is_counted_again(self, cloud, invoke):
        bucket = clouds.store(cloud)
        for item in list(bucket.list("legible-out", "reports/")):
            bucket.remove(clouds.ObjectRef("legible-out", item.key))
        assert "No calls from" in invoke("usage", "--from", since()).output
        result = invoke("usage", "--from", since(), "--rebuild")
        assert "2 journals were counted again." in result.output
        assert "2 done" in result.output

    def test_days_in_the_wrong_order_are_refused(self, invoke):
        assert invoke("usage", "--from", "2026-02-01", "--to", "2026-01-01").exit_code == 2

    def test_what_is_left_of_a_package_is_asked_for(self, cloud, invoke):
        cloud.billing.packages.append(Bought("fr-1", 10, product="Passport 10", operations=frozenset(["passport"])))
        package = 'packages = [{ slugs = ["passport"], size = 10, bought = 2026-01-01, product = "Passport 10" }]'
        result = invoke("usage", "--from", since(), settings=f"[prices]\n{package}\n")
        assert "Package Passport 10: 8 of 10 left (by the billing API)" in result.output

    def test_without_the_right_it_is_an_estimate_and_says_which_right(self, cloud, invoke):
        cloud.billing.denied.add("bss:order:view")
        package = 'packages = [{ slugs = ["passport"], size = 10, bought = 2026-01-01, product = "Passport 10" }]'
        result = invoke("usage", "--from", since(), settings=f"[prices]\n{package}\n")
        assert result.exit_code == 0
        assert "8 of 10 left (an estimate)" in result.output
        assert "bss:order:view" in result.output


class TestReconcile:
    def hour(self, ago: timedelta) -> datetime:
        return (datetime.now(timezone.utc) - ago).replace(minute=0, second=0, microsecond=0)

    @pytest.mark.parametrize("minutes", [[], ["--minutes"]])
    def test_both_sides_agree(self, invoke, minutes):
        result = invoke("reconcile", *minutes)
        assert result.exit_code == 0, result.output
        assert "2 calls succeeded by the ledger, 2 by Cloud Eye; 0 are not explained." in result.output

    def test_one_call_that_no_journal_has_is_found_to_the_hour(self, cloud, invoke):
        at = self.hour(timedelta(hours=6))
        cloud.ocr.journal.add(Call(at.timestamp() + 1800, "passport", "r", 200, units=1))
        result = invoke("reconcile", "--json")
        assert result.exit_code == 1
        (found,) = json.loads(result.stdout)["differences"]
        assert (found["begin"], found["operation"], found["direction"]) == (
            f"{at:%Y-%m-%dT%H:00:00Z}", "passport", "service-counted-more"
        )  # fmt: skip
        assert (found["ledger"], found["service"], found["unexplained"]) == (0, 1, 1)
        assert "the service counted more: 1 not explained" in invoke("reconcile").output

    def test_one_call_that_the_service_does_not_have_is_found_to_the_minute(self, cloud, invoke):
        calls, cloud.ocr.journal = cloud.ocr.journal.calls, type(cloud.ocr.journal)(None)
        cloud.ocr.journal.add(calls[0])
        result = invoke("reconcile", "--minutes", "--json")
        (found,) = json.loads(result.stdout)["differences"]
        assert (found["direction"], found["unexplained"]) == ("ledger-counted-more", 1)

    @pytest.mark.parametrize("minutes", [[], ["--minutes"]])
    @pytest.mark.parametrize(
        ("begin", "end", "why"),
        [
            ("2020-01-01", "2020-02-01", "nothing before"),
            (f"{utc_now() - timedelta(minutes=30):%Y-%m-%dT%H:%M}", "", "data may be late"),
        ],
    )
    def test_where_nothing_was_compared_it_says_so_and_does_not_end_well(self, invoke, begin, end, why, minutes):
        arguments = ["reconcile", "--from", begin, *(["--to", end] if end else []), *minutes]
        result = invoke(*arguments)
        assert result.exit_code == 2, result.output
        assert result.output.startswith("Nothing was compared. ") and why in result.output
        assert "succeeded" not in result.output
        again = invoke(*arguments, "--json")
        assert (again.exit_code, json.loads(again.stdout)["compared"]) == (2, False)

    def test_one_more_call_of_what_ours_called_before_is_not_that_of_other_programs(self, cloud, invoke):
        """Given no call of ours within the compared time."""
        at = self.hour(timedelta(hours=5))
        cloud.ocr.journal.add(Call(at.timestamp() + 1800, "passport", "r", 200, units=1))
        result = invoke("reconcile", "--from", f"{at:%Y-%m-%dT%H:%M}", "--json")
        assert (result.exit_code, json.loads(result.stdout)["unexplained"]) == (1, 1)

    @pytest.mark.parametrize(
        ("settings", "unexplained"),
        [
            ("", 0),
            ('default = "vin"\n', 1),
            ('routes = [{ match = "cars/*", operation = "vin" }]\n', 1),
            ("[operations.vin]\nmax_pages = 9\n", 1),
            ('default = "vin"\n[reconcile]\nshared = ["vin"]\n', 0),
        ],
    )
    def test_a_call_of_what_the_settings_name_is_not_either(self, cloud, invoke, settings, unexplained):
        at = datetime.now(timezone.utc) - timedelta(hours=5)
        cloud.ocr.journal.add(Call(at.timestamp(), "vin", "r", 200, units=1))
        at = datetime.now(timezone.utc) - timedelta(minutes=90)  # what did not report for three hours is not listed
        cloud.ocr.journal.add(Call(at.timestamp(), "vin", "r", 200, units=1))
        result = invoke("reconcile", "--json", settings=settings)
        assert json.loads(result.stdout)["unexplained"] == unexplained
        assert result.exit_code == (1 if unexplained else 0)

    def test_a_missing_right_is_one_line_that_names_it(self, cloud, invoke):
        cloud.cloudeye.denied.add("ces:metrics:list")
        result = invoke("reconcile")
        assert result.exit_code == 1
        assert "ces:metrics:list" in result.output
        assert "Traceback" not in result.output

    def test_times_in_the_wrong_order_are_refused(self, invoke):
        assert invoke("reconcile", "--from", "2026-02-01", "--to", "2026-01-01").exit_code == 2

    def test_without_a_project_it_is_refused_at_once_with_the_setting(self, cloud, tmp_path):
        (tmp_path / "x.toml").write_text("")
        variables = {**cloud.environment(), "LEGIBLE_PROJECT_ID": ""}
        for command in (["reconcile"], ["reconcile", "--minutes"], ["subscriptions"]):
            before = len(cloud.ocr.journal.calls)
            result = CliRunner(env=variables).invoke(main, [*command, "--settings", str(tmp_path / "x.toml")])
            assert (result.exit_code, len(cloud.ocr.journal.calls)) == (1, before)
            assert "cloud.project_id is not set" in result.output and "LEGIBLE_PROJECT_ID" in result.output
            assert "Traceback" not in result.output

    def test_where_cloud_eye_is_not_reached_the_setting_is_named(self, cloud, invoke, tmp_path):
        variables = {**cloud.environment(), "LEGIBLE_ACCOUNT_ENDPOINT": ""}
        (tmp_path / "x.toml").write_text("")
        result = CliRunner(env=variables).invoke(main, ["reconcile", "--settings", str(tmp_path / "x.toml")])
        assert "cloudeye.endpoint" in result.output
