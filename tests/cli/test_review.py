"""What people correct in Excel comes back, and results are made anew for nothing: the commands as people use them."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from functions import on_upload
from legible.model.documents import ObjectRef
from legible_cli.__main__ import main
from legible_cli.review.reader import UnreadableWorkbookError, read
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

KEYS = ("passport/anna.png", "passport/eve.png", "general-text/letter.png")
ANSWERS = {
    "passport": {**PASSPORT, "confidence": {"passport_number": 0.99, "surname": 0.42}},
    "general-text": {"words_block_count": 1, "words_block_list": [{"words": "=Hello", "confidence": 0.31}]},
}


def local(state: Path) -> LocalCloud:
    return LocalCloud(state, functions={}, recognizer=lambda slug, image, options: dict(ANSWERS[slug]))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is kept of a cloud in which three documents are done."""
    folder = tmp_path_factory.mktemp("clouds") / "done"
    with local(folder) as running:
        for number, key in enumerate(KEYS):
            read_anew(running, key, picture(60 + number, 40))
    return folder


@pytest.fixture
def cloud(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Given a cloud in which three documents are done: a copy for each test."""
    with local(Path(shutil.copytree(state, tmp_path_factory.mktemp("clouds") / "copy"))) as running:
        yield running


def read_anew(cloud: LocalCloud, key: str, body: bytes) -> None:
    """Upload a document and have it read, in this process: what the platform adds to that is tested elsewhere."""
    clouds.upload(cloud, key, body)
    on_upload.handler(clouds.event(key), clouds.context(cloud))


@pytest.fixture
def legible(cloud, monkeypatch):
    """Return the command, with the variables that lead it to the cloud."""
    variables = cloud.environment()

    def invoke(*arguments):
        return CliRunner(env=variables).invoke(main, [str(argument) for argument in arguments])

    return invoke


def fetched(cloud: LocalCloud, key: str, folder: Path, name: str = "record.xlsx") -> Path:
    file = folder / f"{key.replace('/', '-')}-{name}"
    file.write_bytes(clouds.result(cloud, key, name))
    return file


def places(sheet):
    header = [cell.value for cell in sheet[1]]
    return {label: number for number, label in enumerate(header, 1)}


def correct(file: Path, values: dict[str, object], sheet: str = "Fields") -> Path:
    """Write into the column Corrected, as a person does in Excel."""
    book = openpyxl.load_workbook(file)
    page = book[sheet]
    at = places(page)
    for row in range(2, page.max_row + 1):
        label = page.cell(row, at["Field"]).value
        if label in values:
            page.cell(row, at["Corrected"]).value = values[label]
    book.save(file)
    return file


def field(cloud: LocalCloud, key: str, name: str):
    return next(field for field in clouds.record(cloud, key)["fields"] if field["name"] == name)


class TestReview:
    def test_a_record_goes_out_is_corrected_in_excel_and_comes_back(self, cloud, legible, tmp_path):
        # given
        file = correct(fetched(cloud, KEYS[0], tmp_path), {"Surname": "ERIKSSEN", "Date of birth": date(1974, 8, 13)})

        # when
        result = legible("review", "import", file, "--author", "Wang Fang")

        # then
        assert result.exit_code == 0, result.output
        assert "2 corrections of 1 documents count; 0 were not applied." in result.output
        surname, birth = (field(cloud, KEYS[0], name) for name in ("surname", "date_of_birth"))
        assert (surname["value"], surname["corrected"]["value"], surname["corrected"]["author"]) == (
            "ERIKSSON",
            "ERIKSSEN",
            "Wang Fang",
        )
        assert birth["typed"] == "1974-08-13"
        assert clouds.paid(cloud) == 3

        # and the workbook shows it, and what was recognized beside it
        sheet = openpyxl.load_workbook(fetched(cloud, KEYS[0], tmp_path))["Fields"]
        at = places(sheet)
        row = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, at["Field"]).value == "Surname")
        shown = [sheet.cell(row, at[name]).value for name in ("Value", "As recognized", "Corrected")]
        assert shown == ["ERIKSSEN", "ERIKSSON", "ERIKSSEN"]
        assert sheet.column_dimensions[sheet.cell(1, at["Key"]).column_letter].hidden

    def test_two_people_with_one_workbook_meet_a_conflict(self, cloud, legible, tmp_path):
        # given two copies of one workbook
        mine, theirs = tmp_path / "mine", tmp_path / "theirs"
        for folder, name in ((mine, "ERIKSEN"), (theirs, "ERIKSSEN")):
            folder.mkdir()
            correct(fetched(cloud, KEYS[0], folder), {"Surname": name})
        files = [next(folder.iterdir()) for folder in (theirs, mine)]

        # when
        first = legible("review", "import", files[0], "--author", "Li Na")
        second = legible("review", "import", files[1], "--author", "Wang Fang")

        # then
        assert (first.exit_code, second.exit_code) == (0, 1)
        assert "by now it says 'ERIKSSEN' (by Li Na); yours is 'ERIKSEN'" in second.output
        assert field(cloud, KEYS[0], "surname")["corrected"]["value"] == "ERIKSSEN"

        # and whoever says so has it
        third = legible("review", "import", files[1], "--author", "Wang Fang", "--conflicts", "mine")
        assert third.exit_code == 0
        assert field(cloud, KEYS[0], "surname")["corrected"]["value"] == "ERIKSEN"
        events = [line["event"] for line in clouds.journal(cloud, KEYS[0])]
        assert events.count("corrected") == 2

    def test_only_what_needs_eyes_goes_out_of_many_documents(self, cloud, legible, tmp_path):
        # given
        file = tmp_path / "review.xlsx"

        # when
        result = legible("review", "export", file)

        # then
        assert result.exit_code == 0, result.output
        sheet = openpyxl.load_workbook(file)["Review"]
        at = places(sheet)
        found = [
            tuple(sheet.cell(row, at[name]).value for name in ("Document", "Field", "Value"))
            for row in range(2, sheet.max_row + 1)
        ]
        assert found == [
            ("general-text/letter.png", "Text block 1", "=Hello"),
            ("passport/anna.png", "Surname", "ERIKSSON"),
            ("passport/eve.png", "Surname", "ERIKSSON"),
        ]
        assert sheet.cell(2, at["Value"]).data_type == "s"

        # when it comes back
        correct(file, {"Text block 1": "Hallo", "Surname": "ERIKSSEN"}, "Review")
        assert legible("review", "import", file).exit_code == 0

        # then nothing needs eyes any more
        assert clouds.record(cloud, KEYS[2])["text"][0]["corrected"]["value"] == "Hallo"
        again = legible("review", "export", file)
        assert "Nothing needs eyes in 3 documents" in again.output
        assert not file.exists()

    def test_every_value_goes_out_if_asked(self, cloud, legible, tmp_path):
        file = tmp_path / "all.xlsx"
        assert legible("review", "export", file, "--all", "--prefix", "passport/eve").exit_code == 0
        sheet = openpyxl.load_workbook(file)["Review"]
        assert sheet.max_row - 1 == len(clouds.record(cloud, "passport/eve.png")["fields"])

    def test_a_correction_is_taken_back_by_emptying_its_cell(self, cloud, legible, tmp_path):
        file = correct(fetched(cloud, KEYS[0], tmp_path), {"Surname": "ERIKSSEN"})
        legible("review", "import", file)
        legible("review", "import", correct(fetched(cloud, KEYS[0], tmp_path), {"Surname": None}))
        assert field(cloud, KEYS[0], "surname")["corrected"] is None

    def test_a_workbook_of_an_upload_that_was_replaced_is_refused(self, cloud, legible, tmp_path):
        file = correct(fetched(cloud, KEYS[0], tmp_path), {"Surname": "ERIKSSEN"})
        read_anew(cloud, KEYS[0], picture(90, 40))
        result = legible("review", "import", file)
        assert result.exit_code == 1
        assert "was uploaded again since" in result.output
        assert field(cloud, KEYS[0], "surname")["corrected"] is None

    def test_what_says_nothing_clear_is_told_and_the_rest_counts(self, cloud, legible, tmp_path):
        # given
        file = fetched(cloud, KEYS[0], tmp_path)
        book = openpyxl.load_workbook(file)
        sheet = book["Fields"]
        at = places(sheet)
        for row in range(2, sheet.max_row + 1):
            label = sheet.cell(row, at["Field"]).value
            if label == "Surname":
                sheet.cell(row, at["Corrected"]).value = "=1+1"
            if label == "Given name":
                sheet.cell(row, at["Corrected"]).value = "ANNE"
                sheet.cell(row, at["Key"]).value = "gone"
            if label == "Passport number":
                sheet.cell(row, at["Corrected"]).value = "L898902C4"
        book.save(file)

        # when
        result = legible("review", "import", file)

        # then
        assert result.exit_code == 1
        assert "it holds a formula" in result.output
        assert "'ANNE' belongs to nothing" in result.output
        assert field(cloud, KEYS[0], "passport_number")["corrected"]["value"] == "L898902C4"

    @pytest.mark.parametrize("body", [b"", b"no workbook", b"PK\x05\x06" + b"\0" * 18])
    def test_what_is_no_workbook_is_said_so(self, legible, tmp_path, body):
        file = tmp_path / "a.xlsx"
        file.write_bytes(body)
        result = legible("review", "import", file)
        assert (result.exit_code, "Traceback" in result.output) == (1, False)
        assert "is no Excel workbook" in result.output

    def test_a_workbook_that_is_far_too_large_unpacked_is_refused_in_one_sentence(self, legible, tmp_path):
        # given a workbook of some KB in which a part that is read as a whole has 4 MB
        file = tmp_path / "bomb.xlsx"
        openpyxl.Workbook().save(file)
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/tables/table1.xml", bytes(4_000_000))

        # when
        result = legible("review", "import", file)

        # then
        assert (result.exit_code, "Traceback" in result.output) == (1, False)
        assert "bomb.xlsx has more than 3,000,000 bytes in 'xl/tables/table1.xml' unpacked" in result.output

    def test_rows_that_a_sheet_only_claims_to_have_are_not_gone_through(self, cloud, tmp_path):
        # given a sheet that says it goes on to a row that Excel does not have
        file = correct(fetched(cloud, KEYS[0], tmp_path), {"Surname": "ERIKSSEN"})
        far = tmp_path / "far.xlsx"
        with zipfile.ZipFile(file) as packed, zipfile.ZipFile(far, "w") as target:
            for name in packed.namelist():
                body = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B2"', packed.read(name))
                target.writestr(name, body.replace(b"</sheetData>", b'<row r="99999999999"/></sheetData>'))

        # when
        (edits,) = read(far).edits.values()

        # then
        assert [(edit.name, edit.value) for edit in edits] == [("surname", "ERIKSSEN")]

    def test_a_sheet_that_is_no_xml_is_said_so(self, cloud, tmp_path):
        file, broken = fetched(cloud, KEYS[0], tmp_path), tmp_path / "broken.xlsx"
        with zipfile.ZipFile(file) as packed, zipfile.ZipFile(broken, "w") as target:
            for name in packed.namelist():
                body = packed.read(name)
                target.writestr(name, body.replace(b"<sheetData>", b"<sheetData><row><c r='?'>"))
        with pytest.raises(UnreadableWorkbookError, match="is no Excel workbook"):
            read(broken)

    def test_a_workbook_of_somebody_else_is_said_so(self, tmp_path):
        file = tmp_path / "a.xlsx"
        openpyxl.Workbook().save(file)
        with pytest.raises(UnreadableWorkbookError, match="no sheet with the columns"):
            read(file)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (12, "12"),
            (12.0, "12"),
            (12.5, "12.5"),
            (True, "true"),
            (datetime(2026, 1, 2), "2026-01-02"),
            (datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00"),
            (" padded ", "padded"),
        ],
    )
    def test_what_excel_made_of_a_text_is_text_again(self, cloud, tmp_path, value, text):
        file = correct(fetched(cloud, KEYS[0], tmp_path), {"Surname": value})
        ((edits,),) = [list(read(file).edits.values())]
        assert [edit.value for edit in edits] == [text]


class TestRebuild:
    def test_all_results_come_back_and_nothing_is_paid(self, cloud, legible):
        # given
        store, paid = clouds.store(cloud), clouds.paid(cloud)
        before = {key: clouds.result(cloud, key) for key in KEYS}
        for key in KEYS:
            store.remove(ObjectRef(OUTPUT_BUCKET, f"results/{key}/record.xlsx"))

        # when
        result = legible("rebuild")

        # then
        assert result.exit_code == 0, result.output
        assert "3 of 3 documents have their results anew. Paid calls: 0." in result.output
        assert {key: clouds.result(cloud, key) for key in KEYS} == before
        assert all(clouds.result(cloud, key, "record.xlsx") for key in KEYS)
        assert clouds.paid(cloud) == paid == 3

    def test_what_a_route_asks_for_by_now_is_made(self, cloud, legible, tmp_path):
        settings = tmp_path / "legible.toml"
        settings.write_text('[operations.passport]\noutputs = ["md", "pdf"]\nform = "own.toml"\n', "utf-8")
        (tmp_path / "own.toml").write_text('[[column]]\nlabel = "Nr."\nfrom = "passport_number"\n', "utf-8")
        assert legible("rebuild", "passport/anna", "--settings", settings).exit_code == 0
        assert b"ERIKSSON" in clouds.result(cloud, KEYS[0], "record.md")
        assert clouds.result(cloud, KEYS[0], "record.pdf").startswith(b"%PDF")
        assert openpyxl.load_workbook(fetched(cloud, KEYS[0], tmp_path, "form.xlsx"))["Form"]["A2"].value == "L898902C3"

    def test_what_cannot_be_made_is_told_and_stops_no_other(self, cloud, legible):
        record = clouds.record(cloud, KEYS[0])
        clouds.store(cloud).remove(ObjectRef(OUTPUT_BUCKET, record["ledger"]))
        result = legible("rebuild", "passport/")
        assert result.exit_code == 1
        assert "passport/anna.png: legible-in/passport/anna.png is being" in result.output.replace("obs://", "")
        assert "1 of 2 documents" in result.output

    def test_a_prefix_without_results_is_said_so(self, legible):
        result = legible("rebuild", "nothing/here")
        assert result.exit_code == 1
        assert "no results below 'nothing/here'" in result.output


class TestWorkbook:
    def test_many_documents_become_one_file_here(self, legible, tmp_path):
        result = legible("workbook", "all", "--out", tmp_path, "--format", "xlsx", "--format", "jsonl")
        assert result.exit_code == 0, result.output
        assert "3 documents" in result.output
        sheet = openpyxl.load_workbook(tmp_path / "all.xlsx")["Documents"]
        assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == sorted(KEYS)
        assert len((tmp_path / "all.jsonl").read_text("utf-8").splitlines()) == 6

    def test_or_in_the_output_bucket(self, cloud, legible):
        result = legible("workbook", "passports", "--prefix", "passport/")
        assert "workbooks/passports.xlsx" in result.output
        assert clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, "workbooks/passports.xlsx")).startswith(b"PK")

    def test_of_a_list_of_keys_or_of_a_day(self, legible, tmp_path):
        (tmp_path / "keys.txt").write_text(f"{KEYS[1]}\n\n{KEYS[1]}\nnot/there.png\n", "utf-8")
        result = legible("workbook", "some", "--keys", tmp_path / "keys.txt", "--out", tmp_path)
        assert "2 documents" in result.output
        assert "1 of them have no result yet" in result.output
        assert "0 documents" in legible("workbook", "day", "--day", "2020-01-01", "--out", tmp_path).output

    def test_what_cannot_be_is_said(self, legible, tmp_path):
        (tmp_path / "keys.txt").write_text("a\n", "utf-8")
        both = legible("workbook", "x", "--keys", tmp_path / "keys.txt", "--prefix", "a")
        assert (both.exit_code, "--keys names the documents" in both.output) == (2, True)
        bad = legible("workbook", "/x")
        assert (bad.exit_code, "no name for a workbook" in bad.output) == (1, True)


class TestConnection:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"HUAWEICLOUD_SDK_AK": ""}, "Set HUAWEICLOUD_SDK_AK"),
            ({"LEGIBLE_OUTPUT_BUCKET": "NO"}, "LEGIBLE_OUTPUT_BUCKET"),
            ({"HUAWEICLOUD_SDK_SK": "wrong"}, "403"),
            ({"LEGIBLE_OBS_ENDPOINT": "http://127.0.0.1:9"}, "could not list"),
        ],
    )
    def test_what_is_wrong_is_said_without_a_traceback_and_without_a_key(self, cloud, changes, said):
        variables = {**cloud.environment(), **changes}
        result = CliRunner(env=variables).invoke(main, ["rebuild"])
        assert result.exit_code == 1
        assert said in result.output
        assert "Traceback" not in result.output
        assert cloud.credentials.secret not in result.output

    def test_a_settings_file_that_is_not_there_is_said_so(self, legible):
        assert "no settings file" in legible("rebuild", "--settings", "/nowhere/legible.toml").output
