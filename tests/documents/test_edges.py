"""What is read and what is not, and what is left behind: own outputs in one bucket, processes and copies, names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from legible.documents.pages import Sheets
from legible.documents.pages.sheets import Worker
from legible.documents.uploads import Uploads
from legible.errors import RejectedError, SkippedError
from legible.model import layout
from legible.model.documents import ObjectRef, Upload
from legible.ports import Site
from tests.support.fakes import MemoryStore, SheetsHere
from tests.support.rig import IN, OUT, Rig, pdf, picture


class TestOneBucketForBoth:
    """An output that is read as an input makes an output: an endless loop, and paid for."""

    @pytest.mark.parametrize("folder", layout.OWN)
    def test_nothing_of_our_own_is_a_document(self, folder):
        store = MemoryStore()
        key = f"{folder}passport/a.png/1.png"
        store.put(IN, key, picture())
        with pytest.raises(SkippedError) as caught:
            Uploads(Site(store, IN, IN)).locate(Upload(ObjectRef(IN, key)))
        assert caught.value.reason_code == "own-output"

    @pytest.mark.parametrize("key", ["passport/a.png", "a.png", "passport/results/a.png", "resultsheet/a.png"])
    def test_everything_else_is(self, key):
        store = MemoryStore()
        store.put(IN, key, picture())
        document, error = Uploads(Site(store, IN, IN)).locate(Upload(ObjectRef(IN, key)))
        assert (document.key, error) == (key, None)

    def test_in_two_buckets_a_document_may_be_called_like_an_output(self):
        store = MemoryStore()
        store.put(IN, "results/a.png", picture())
        document, error = Uploads(Site(store, IN, OUT)).locate(Upload(ObjectRef(IN, "results/a.png")))
        assert (document.key, error) == ("results/a.png", None)

    def test_every_file_that_a_document_leaves_is_below_a_folder_of_our_own(self):
        rig = Rig()
        rig.run(rig.upload("passport/a.png"), rig.upload("general-text/b.pdf", pdf(2)))
        assert [key for key in rig.store.keys(OUT) if not key.startswith(layout.OWN)] == []


class Remembered(SheetsHere):
    """Pages that remember themselves, so that a test can ask what became of them."""

    opened: list[Remembered] = []

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.closed = False
        self.copies: list[Path] = []
        self.opened.append(self)

    def _copy(self) -> Path:
        path = super()._copy()
        self.copies.append(path)
        return path

    def close(self) -> None:
        super().close()
        self.closed = True


class TestPutAway:
    @pytest.fixture
    def opened(self):
        Remembered.opened.clear()
        return Remembered.opened

    def rig(self, *script) -> Rig:
        rig = Rig(*script)
        rig.sheets = Remembered
        return rig

    def test_copies_of_all_documents_are_gone_once_an_event_is_through(self, opened):
        rig = self.rig()
        rig.run(rig.upload("passport/a.pdf", pdf(2)), rig.upload("passport/b.pdf", pdf(3)))
        assert len(opened) >= 2
        assert all(sheets.closed for sheets in opened)
        copies = {path for sheets in opened for path in sheets.copies}
        assert copies
        assert not any(path.exists() for path in copies)

    def test_also_of_one_that_failed(self, opened):
        rig = self.rig(RejectedError("No.", code="no"))
        rig.run(rig.upload("passport/a.pdf", pdf(2)))
        assert opened
        assert all(sheets.closed for sheets in opened)

    def test_closing_ends_the_process_and_removes_the_copy(self):
        body = pdf(1)
        with Sheets("pdf", len(body), lambda first, last: body[first : last + 1]) as sheets:
            sheets.look(30)
            process, copy = sheets._process, sheets._copy()
            assert process is not None
            assert process.poll() is None
            assert copy.exists()
        assert process.poll() is not None
        assert not copy.exists()
        assert not copy.parent.exists()


class TestTheChildsEnvironment:
    def test_no_key_and_nothing_else_of_ours_is_in_it(self, tmp_path, monkeypatch):
        # given a function whose environment has keys, as FunctionGraph's has
        monkeypatch.setenv("RUNTIME_SECURITY_TOKEN", "canary-token")
        monkeypatch.setenv("LEGIBLE_HOOK", "canary-secret")
        told = tmp_path / "environment"
        program = f"import os; open({str(told)!r}, 'w').write(repr(dict(os.environ)))"
        body = pdf(1)

        # when a document takes the process over
        with (
            Sheets("pdf", len(body), lambda first, last: body, Worker(program)) as sheets,
            pytest.raises(RejectedError),
        ):
            sheets.look(30)

        # then
        environment = ast.literal_eval(told.read_text("utf-8"))
        assert "canary" not in str(environment)
        assert set(environment) <= {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "LC_CTYPE"}
