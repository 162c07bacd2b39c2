"""Files that commands write: whole under their name or not there, and one line where that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

import click
import pytest

from legible.outputs.xlsx import write_usage
from legible_cli.files import make_folder, write_file
from tests.support.usage import report

FULL = Path("/dev/full")


def whole(file: IO[bytes]) -> int:
    return file.write(b"whole")


class Full:
    """A disk without room: what is written to it is begun, and does not end."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, file: IO[bytes]) -> int:
        file.write(b"beg")
        file.flush()
        raise self.error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_when_it_is_whole_and_returns_what_its_writer_did(tmp_path):
    seen: list[list[str]] = []

    def write(file: IO[bytes]) -> int:
        seen.append(names(tmp_path))
        return whole(file)

    assert write_file(tmp_path / "u.xlsx", write) == 5
    assert "u.xlsx" not in seen[0]
    assert names(tmp_path) == ["u.xlsx"] and (tmp_path / "u.xlsx").read_bytes() == b"whole"


def test_it_may_be_read_by_whoever_may_read_other_files(tmp_path):
    (tmp_path / "other").touch()
    write_file(tmp_path / "u.xlsx", whole)
    assert (tmp_path / "u.xlsx").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("before", [b"", b"an older one"])
def test_of_a_full_disk_no_cut_file_stays_and_what_was_there_does(tmp_path, before):
    target = tmp_path / "u.xlsx"
    if before:
        target.write_bytes(before)
    with pytest.raises(click.ClickException, match=r"u\.xlsx cannot be written: No space left on device\."):
        write_file(target, Full(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert names(tmp_path) == (["u.xlsx"] if before else [])
    assert not before or target.read_bytes() == before


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_of_a_workbook_on_a_full_disk_the_reason_is_the_disks(tmp_path):
    with pytest.raises(click.ClickException, match=r"full cannot be written: No space left on device\."):
        write_file(FULL, lambda file: write_usage(report(3, 2, 1), file))


def test_what_fails_for_another_reason_says_its_own_and_leaves_nothing_either(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_file(tmp_path / "u.xlsx", Full(ZeroDivisionError()))
    assert names(tmp_path) == []


def test_a_fault_without_words_is_named_by_its_kind(tmp_path):
    with pytest.raises(click.ClickException, match="cannot be written: OSError"):
        write_file(tmp_path / "u.xlsx", Full(OSError()))


@pytest.mark.parametrize(
    ("place", "why"),
    [("nowhere/u.xlsx", "No such file"), ("a-file/u.xlsx", "Not a directory"), ("a-folder", "Is a directory"),
     ("n" * 300, "File name too long")],
)  # fmt: skip
def test_a_place_that_cannot_be_is_one_line(tmp_path, place, why):
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()
    before = names(tmp_path)
    with pytest.raises(click.ClickException) as refused:
        write_file(tmp_path / place, whole)
    assert why in refused.value.message and "\n" not in refused.value.message
    assert names(tmp_path) == before


def test_what_a_link_leads_to_is_replaced_not_the_link(tmp_path):
    (tmp_path / "shelf").mkdir()
    (tmp_path / "u.xlsx").symlink_to(tmp_path / "shelf" / "real.xlsx")
    write_file(tmp_path / "u.xlsx", whole)
    assert (tmp_path / "u.xlsx").is_symlink() and (tmp_path / "shelf" / "real.xlsx").read_bytes() == b"whole"


def test_what_is_no_file_is_written_to_as_it_is():
    assert write_file(Path(os.devnull), whole) == 5
    assert not Path(os.devnull).is_file()


def test_what_turns_out_not_to_be_wanted_is_not_kept_and_what_was_there_stays(tmp_path):
    (tmp_path / "u.xlsx").write_bytes(b"older")
    assert write_file(tmp_path / "u.xlsx", lambda file: 0, kept=bool) == 0
    assert names(tmp_path) == ["u.xlsx"] and (tmp_path / "u.xlsx").read_bytes() == b"older"


def test_a_folder_is_made_or_one_line_says_why_not(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(click.ClickException, match="file/below cannot be written: Not a directory"):
        make_folder(tmp_path / "file" / "below")
