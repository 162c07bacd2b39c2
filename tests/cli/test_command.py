"""The `legible` command as a person uses it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from rich.console import Console

from legible.model.documents import ObjectRef
from legible_cli.__main__ import main
from legible_cli.local.run import Items, files_of, run, why
from legible_cli.local.up import SETTLE_SECONDS, Folders
from localcloud.cloud import LocalCloud
from tests.support import clouds
from tests.support.places import DOCUMENTS, ROOT
from tests.support.rig import PASSPORT, picture

SAMPLES = DOCUMENTS
TINY = SAMPLES / "passport" / "tiny.png"


def invoke(*arguments: str | Path):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


class TestSettings:
    """What a function would refuse to start with is refused before anything starts."""

    @pytest.mark.parametrize("command", [("demo",), ("up",), ("run", str(TINY))], ids=["demo", "up", "run"])
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[ocrr]\n", "legible.toml: the file has no setting 'ocrr'. It has: cloud, buckets"),
            (
                '[notify.hr]\nkind = "webhook"\nurl = "https://hooks.example/x"\nsecret = "HOOK"\n',
                "legible.toml: notify.hr.secret: The user variable HOOK does not hold the secret",
            ),
        ],
        ids=["an unknown table", "a secret that is missing"],
    )
    def test_wrong_ones_are_refused_at_start(self, tmp_path, command, text, said):
        (tmp_path / "shared").symlink_to(ROOT / "shared")
        (tmp_path / "legible.toml").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "legible_cli", *command],
            cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "shared"), "HOME": str(tmp_path)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert said in " ".join(done.stderr.split()) and "Traceback" not in done.stderr
        assert not (tmp_path / ".legible").exists() and not (tmp_path / "inbox").exists()


class TestRun:
    def test_one_line_a_document_and_exit_1_unless_all_are_done(self, tmp_path):
        # when
        result = invoke("run", SAMPLES / "web-image" / "screenshot.png", TINY, "--out", tmp_path)

        # then
        lines = result.output.splitlines()
        assert result.exit_code == 1
        assert any("screenshot.png" in line and "done" in line and "web-image" in line for line in lines)
        assert any("tiny.png" in line and "rejected" in line for line in lines)
        assert "1 of 2 done" in result.output
        for name in ("web-image/screenshot.png", "passport/tiny.png"):
            assert openpyxl.load_workbook(tmp_path / name / "record.xlsx")
            assert json.loads((tmp_path / name / "record.json").read_text("utf-8"))["status"] in ("done", "rejected")

    def test_json_and_a_recorded_answer_where_it_is_asked_for(self, tmp_path):
        # given
        file = tmp_path / "invoice.png"
        file.write_bytes(picture(300, 200))

        # when
        result = invoke(
            "run", file, "--operation", "vat-invoice", "--recorded", "vat-invoice", "--out", tmp_path, "--json"
        )

        # then
        (record,) = json.loads(result.stdout)
        assert result.exit_code == 0
        assert (record["status"], record["operation"]) == ("done", "vat-invoice")
        assert any("the document itself was not read" in field["value"] for field in record["fields"])

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("run", TINY, "--operation", "pasport"), "no operation 'pasport'"),
            (("run", "/no/such/file.png"), "does not exist"),
            (("run",), "Missing argument"),
        ],
    )
    def test_what_is_wrong_is_said_without_a_traceback(self, arguments, said):
        result = invoke(*arguments)
        assert result.exit_code != 0
        assert said in result.output
        assert "Traceback" not in result.output

    def test_a_file_that_cannot_be_read_stops_no_other(self, tmp_path):
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "nowhere.png")
        result = invoke("run", tmp_path / "in" / "gone.png", TINY, "--out", tmp_path / "out")
        assert "does not exist" in result.output
        items = Items()
        items.add(tmp_path / "in" / "gone.png", None, [])
        items.add(TINY, None, [])
        with LocalCloud(recognizer=lambda *_: PASSPORT) as cloud:
            run(cloud, items.items, tmp_path / "out", Console())
        assert [item.status for item in items.items] == ["unread", "rejected"]
        assert "cannot be read" in why(items.items[0])

    def test_a_folder_without_files_is_said(self, tmp_path):
        assert "No files were found" in invoke("run", tmp_path).output

    def test_files_of_a_folder_are_sorted_and_hidden_ones_left_out(self, tmp_path):
        for name in ("b/2.png", "a/1.png", ".git/x", "a/.hidden"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        assert [file.relative_to(tmp_path).as_posix() for file in files_of([tmp_path])] == ["a/1.png", "b/2.png"]

    def test_the_folder_names_the_operation_and_equal_names_get_keys_of_their_own(self, tmp_path):
        items = Items()
        for folder in ("passport", "holiday", "other/holiday", "x"):
            items.add(tmp_path / folder / "a.png", None, ["passport"])
        assert [item.key for item in items.items] == [
            "passport/a.png", "general-text/a.png", "general-text/2/a.png", "general-text/3/a.png"
        ]  # fmt: skip
        assert [item.recorded for item in items.items] == [True, False, False, False]


@pytest.fixture
def state(tmp_path) -> Path:
    return tmp_path / "state"


def cloud_of(state: Path) -> LocalCloud:
    return LocalCloud(state, recognizer=lambda *_: PASSPORT)


class TestUp:
    """A folder in, a folder out."""

    @pytest.fixture
    def cloud(self, state) -> Iterator[LocalCloud]:
        with cloud_of(state) as running:
            yield running

    def folders(self, cloud, tmp_path, told):
        return Folders(
            cloud, tmp_path / "in", tmp_path / "out", tmp_path / "sent.json", lambda record, folder: told.append(record)
        )

    def drop(self, tmp_path, name="passport/anna.png", body=None):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture() if body is None else body)

    def look_until(self, folders, done, seconds=60.0):
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            folders.look()
            time.sleep(0.1)
        assert done()

    def test_a_file_comes_back_as_results(self, cloud, tmp_path):
        told: list = []
        folders = self.folders(cloud, tmp_path, told)
        self.drop(tmp_path)
        self.drop(tmp_path, "passport/.hidden.png")
        self.look_until(folders, lambda: told)
        assert told[0].status == "done"
        assert (tmp_path / "out/passport/anna.png/record.xlsx").exists()
        assert len(cloud.ocr.journal.calls) == 1

    def test_a_notice_that_waits_is_sent_again_by_its_timer(self, cloud, tmp_path):
        folders = self.folders(cloud, tmp_path, [])
        rung: list = []
        cloud.ring = lambda timer, at: rung.append(timer)
        folders.ring()
        assert rung == []
        clouds.store(cloud).write(ObjectRef("legible-out", "notices/outbox/a.json"), b"{}", "application/json")
        folders.ring()
        assert rung == ["legible-notices"]

    def test_a_file_that_is_still_written_is_waited_for(self, cloud, tmp_path):
        folders = self.folders(cloud, tmp_path, [])
        self.drop(tmp_path)
        folders.look()
        time.sleep(SETTLE_SECONDS / 2)
        self.drop(tmp_path, body=picture(90, 90))
        folders.look()
        assert not (tmp_path / "sent.json").exists()

    def test_a_changed_file_is_a_new_document(self, cloud, tmp_path):
        told: list = []
        folders = self.folders(cloud, tmp_path, told)
        self.drop(tmp_path)
        self.look_until(folders, lambda: told)
        self.drop(tmp_path, body=picture(90, 90))
        self.look_until(folders, lambda: len(told) == 2)
        assert told[1].document.etag != told[0].document.etag

    def test_a_restart_sends_nothing_twice_and_delivers_what_it_owes(self, state, tmp_path):
        told: list = []
        with cloud_of(state) as cloud:
            folders = self.folders(cloud, tmp_path, told)
            self.drop(tmp_path)
            self.look_until(folders, (tmp_path / "sent.json").exists)
        with cloud_of(state) as cloud:
            self.look_until(self.folders(cloud, tmp_path, told), lambda: told)
            assert sum(call.billed for call in cloud.ocr.journal.calls) == 1
        with cloud_of(state) as cloud:
            folders = self.folders(cloud, tmp_path, told)
            for _ in range(3):
                folders.look()
        assert len(told) == 1

    def test_the_command_ends_cleanly_on_ctrl_c(self, tmp_path):
        # given
        command = ["env", f"PYTHONPATH={ROOT / 'shared'}", "PYTHONUNBUFFERED=1", sys.executable, "-m", "legible_cli"]
        command += ["up", "--inbox", "in", "--outbox", "out", "--state", "state"]
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "environment").touch(mode=0o666)  # as an earlier start may have left it
        running = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        lines: list[str] = []
        assert running.stdout
        for line in running.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break

        # when a file is dropped, and then, as a terminal does, the whole group is interrupted
        (tmp_path / "in" / "nowhere").mkdir(parents=True)
        (tmp_path / "in" / "nowhere" / "a.png").write_bytes(picture())
        for line in running.stdout:
            lines.append(line)
            if "rejected" in line:
                break
        os.killpg(running.pid, signal.SIGINT)
        rest, _ = running.communicate(timeout=30)

        # then
        text = "".join(lines) + rest
        assert running.returncode == 0
        assert "Traceback" not in text
        assert "OBS  http://127.0.0.1:" in text
        assert ". state/environment" in text
        assert re.search(r"http://127\.0\.0\.1:\d+/console/\?entry=[\w-]{30}", text)
        variables = tmp_path / "state" / "environment"
        assert variables.stat().st_mode & 0o77 == 0
        assert "export HUAWEICLOUD_SDK_AK=" in variables.read_text()
        assert json.loads((tmp_path / "out/nowhere/a.png/record.json").read_text())["reason"]["code"] == "no-route"

    @pytest.mark.parametrize("outbox", ["in", "in/out"])
    def test_an_outbox_in_the_inbox_is_refused(self, tmp_path, outbox):
        result = invoke("up", "--inbox", tmp_path / "in", "--outbox", tmp_path / outbox, "--state", tmp_path / "state")
        assert "results would become documents" in result.output

    def test_two_clouds_on_one_state_folder_are_refused(self, state):
        with cloud_of(state):
            result = invoke("up", "--state", state)
        assert result.exit_code == 1
        assert "another local cloud is running" in result.output
