"""``legible audit`` and ``legible audit verify`` on a local cloud, and what commands leave in the trail."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import structs

from functions import on_upload
from legible.errors import SettingsError
from legible.ledger.changes import Changes
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.oversight import audit_line
from legible.oversight.audit_trail import AuditConsumer
from legible.oversight.walk import ChangeWalk
from legible.ports import Invocation, utc_now
from legible.settings import load
from legible.wiring import audit
from legible.wiring.parts import Parts
from legible_cli import audited
from legible_cli.__main__ import main
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.places import ROOT
from tests.support.rig import PASSPORT, picture

KEY = "0123456789abcdef0123456789abcdef"
#: This computer's user, whatever variables say.
ME = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


class Office:
    """A local cloud, the commands, and the timer's walk."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.variables = {**cloud.environment(), "LOGNAME": "eve", "USER": "eve"}

    def __call__(self, *arguments: Any) -> Any:
        return CliRunner(env=self.variables).invoke(main, [str(argument) for argument in arguments])

    def parts(self) -> Parts:
        store = clouds.store(self.cloud)
        call = Invocation("walk", lambda: 300.0, store.now, time.sleep, lambda event, **values: None)
        return Parts(load(None, self.cloud.environment().get), store, call, ROOT)

    def walk(self) -> None:
        """Do what the timer does: journals that changed, then what waits."""
        parts = self.parts()
        trail = audit.trail(parts, self.variables.get)
        later = Invocation("walk", lambda: 300.0, lambda: parts.call.now().replace(year=2099), time.sleep,
                           lambda event, **values: None)  # fmt: skip
        ChangeWalk(Changes(parts.site, later), Journals(parts.site), [AuditConsumer(trail)], later).walk()
        trail.walk()

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        done = self("audit", "--json", *arguments)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.output.splitlines()]

    def part(self) -> str:
        (item,) = clouds.store(self.cloud).list(OUTPUT_BUCKET, layout.AUDIT_PARTS)
        return item.key

    def put(self, key: str, body: bytes) -> None:
        clouds.store(self.cloud).write(ObjectRef(OUTPUT_BUCKET, key), body, "")

    def read(self, key: str) -> bytes:
        return clouds.store(self.cloud).read(ObjectRef(OUTPUT_BUCKET, key))


@pytest.fixture
def office() -> Iterator[Office]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        office = Office(running)
        clouds.upload(running, "passport/anna.png", picture())
        on_upload.handler(clouds.event("passport/anna.png"), clouds.context(running))
        yield office


class TestSearch:
    def test_what_documents_cost_and_commands_did_is_found(self, office, tmp_path):
        # given
        assert office("rebuild", "passport/").exit_code == 0
        assert office("workbook", "daily").exit_code == 0
        assert office("workbook", "mine", "--out", tmp_path).exit_code == 0
        assert office("review", "export", tmp_path / "review.xlsx", "--all").exit_code == 0

        # when
        office.walk()

        # then
        told = {(one["name"], one["operator"], one.get("resource_name", "")) for one in office.events()}
        assert told == {
            ("callOcr", "function", "passport/anna.png"),
            ("finishDocument", "function", "passport/anna.png"),
            ("rebuildResults", ME, "passport/"),
            ("buildWorkbook", ME, "daily"),
            ("exportResults", ME, "mine"),
            ("exportResults", ME, ""),
        }

    def test_the_table_has_the_guide_s_columns_and_escapes_what_is_foreign(self, office):
        parts = office.parts()
        audit.desk(parts, "[bold]eve").record("rerunDocument", "document", "passport/[red].png")
        office.walk()
        done = office("audit", "--trace-name", "rerunDocument")
        assert done.exit_code == 0
        assert "[bold]eve" in done.output.replace("\n", "") or "[bold]" in done.output
        assert all(word in done.output for word in ("source", "operator", "status", "Legible", "normal"))

    @pytest.mark.parametrize(
        ("filters", "names"),
        [
            (("--operator", "function"), {"callOcr", "finishDocument"}),
            (("--type", "call"), {"callOcr"}),
            (("--source", "OCR"), set()),
            (("--resource-name", "passport/anna.png", "--status", "normal"), {"callOcr", "finishDocument"}),
            (("--resource-id", "nothing"), set()),
            (("--since", "2020-01-01", "--until", "2020-02-01"), set()),
            (("--since", "2020-01-01T10:00", "--limit", "1"), {"finishDocument"}),
        ],
    )
    def test_filters(self, office, filters, names):
        office.walk()
        assert {one["name"] for one in office.events(*filters)} == names

    @pytest.mark.parametrize("columns", [80, 120, 200])
    def test_in_a_narrow_terminal_nothing_is_cut(self, office, columns):
        """Given a name that is longer than any column: it is folded, and can be put together again."""
        key = "passport/" + "".join(f"{number:03d}" for number in range(40)) + ".png"
        audit.desk(office.parts(), "mei").record("rerunDocument", "document", key)
        office.walk()
        office.variables["COLUMNS"] = str(columns)
        done = office("audit", "--operator", "mei")
        assert "…" not in done.output and f"{utc_now():%Y-%m-%d}" in done.output
        found = re.search(r"resource( +)", done.output.splitlines()[0])
        column = slice(*found.span())
        cells = [line.ljust(columns)[column].strip() for line in done.output.splitlines()[1:]]
        assert "".join(cells).startswith(key)

    @pytest.mark.parametrize("arguments", [(), ("--json",), ("verify",), ("verify", "--json")])
    def test_no_byte_of_the_trail_reaches_the_terminal_as_an_order(self, office, arguments):
        """Given a line that somebody forged: with orders to a terminal, and to what draws the table."""
        office.walk()
        store = clouds.store(office.cloud)
        line = audit_line.decode(audit_line.lines_of(office.read(office.part()))[-1])
        text = "a\x1b[31mb\x9b2Jc\x7f[bold]d[/]\\[e]"
        forged = structs.replace(
            line, operator=text, resource_name=text, name="continueTrail", service=text, n=line.n + 1,
            details={text: text}, prev=audit_line.digest(audit_line.lines_of(office.read(office.part()))[-1]),
        )  # fmt: skip
        office.put(office.part(), office.read(office.part()) + audit_line.encode(forged, None))
        later = layout.audit_part(line.recorded_at.date() + timedelta(days=1))
        store.write(ObjectRef(OUTPUT_BUCKET, later), audit_line.encode(forged, None), "")
        office.variables["COLUMNS"] = "400"
        done = office("audit", *arguments)
        assert done.exit_code == ("verify" in arguments), done.output
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.output)
        if not arguments:
            assert "[bold]d[/]" in "".join(done.output.split())

    def test_a_range_that_ends_before_it_begins_is_refused(self, office):
        done = office("audit", "--since", "2026-02-01", "--until", "2026-01-01")
        assert (done.exit_code, "is not before --until" in done.output) == (2, True)

    def test_it_says_that_there_is_more_and_what_waits(self, office):
        office.walk()
        audit.desk(office.parts(), "x").record("a", "b", "c")
        done = office("audit", "--limit", "1")
        assert "There are more" in done.output and "1 events wait" in done.output

    def test_it_says_that_there_is_nothing(self, office):
        assert "No such events." in office("audit").output


class TestVerify:
    def test_a_trail_as_it_was_written_says_what_to_keep(self, office):
        office.walk()
        done = office("audit", "verify")
        assert (done.exit_code, "2 lines in 1 whole objects hold" in done.output) == (0, True)
        head = done.output.rpartition("--head ")[2].strip()
        assert office("audit", "verify", "--head", head).exit_code == 0
        wrong = head.replace(head[-1], "0" if head[-1] != "0" else "1")
        done = office("audit", "verify", "--head", wrong)
        assert (done.exit_code, "is another one than the head that was given says" in done.output) == (1, True)

    def test_a_changed_byte_is_named_by_its_object_and_place(self, office):
        office.walk()
        body = bytearray(office.read(office.part()))
        at = body.index(b"anna")
        body[at] ^= 1
        office.put(office.part(), bytes(body))
        done = office("audit", "verify")
        assert done.exit_code == 1
        assert f"{office.part()}: byte {at} (line 1): changed." in done.output
        fault = json.loads(office("audit", "verify", "--json").output)["fault"]
        assert (fault["damage"], fault["byte"]) == ("changed", at)

    def test_seals_are_checked_with_the_key(self, office, tmp_path):
        file = tmp_path / "legible.toml"
        file.write_text('[audit]\nkey = "AUDIT_KEY"\n', "utf-8")
        office.variables["AUDIT_KEY"] = KEY
        parts = office.parts()
        sealing = Parts(load(file, office.cloud.environment().get), parts.site.store, parts.call, ROOT)
        audit.desk(parts, "x").record("a", "b", "c")
        audit.trail(sealing, office.variables.get).walk()
        assert "but their seals were not checked" in office("audit", "verify").output
        done = office("audit", "verify", "--settings", file)
        assert (done.exit_code, "and their seals hold" in done.output) == (0, True)
        office.variables["AUDIT_KEY"] = KEY[::-1]
        assert office("audit", "verify", "--settings", file).exit_code == 1
        office.variables["AUDIT_KEY"] = ""
        done = office("audit", "verify", "--settings", file)
        assert (done.exit_code, "holds no key" in done.output) == (1, True)

    def test_from_a_day_on(self, office):
        office.walk()
        assert office("audit", "verify", "--from", "2999-01-01").exit_code == 1  # the trail does not reach there
        assert office("audit", "verify", "--from", "2020-01-01").exit_code == 0

    @pytest.mark.parametrize("head", ["x", "1:abc", f"a:{'0' * 64}"])
    def test_a_head_that_is_none_is_refused(self, office, head):
        assert office("audit", "verify", "--head", head).exit_code == 2

    def test_without_a_trail_there_is_nothing_to_keep(self, office):
        done = office("audit", "verify")
        assert (done.exit_code, "--head" in done.output) == (0, False)


class TestWhatCommandsLeave:
    def test_what_cannot_be_audited_is_not_done(self, office):
        office.put("audit/.settings.json", b"")
        office.variables["HUAWEICLOUD_SDK_SK"] = "wrong"
        assert office("workbook", "daily").exit_code == 1

    def test_what_failed_is_told_to_have_failed(self, office):
        assert office("workbook", "../daily").exit_code == 1
        office.walk()
        told = [one for one in office.events() if one["name"] == "buildWorkbook"]
        assert sorted(one.get("status", "normal") for one in told) == ["normal", "warning"]

    def test_who_acts_is_the_user_of_this_process_and_no_variable_changes_that(self, monkeypatch):
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.setenv(name, "eve")
        assert audited.operator() == ME

    def test_a_user_without_a_name_is_the_command(self):
        class Nobody:
            def getpwuid(self, number):
                raise KeyError(number)

        assert audited.operator(Nobody()) == "cli"

    def test_where_only_variables_know_the_user_they_say_it(self, monkeypatch):
        """Given a system like Windows, which has no list of users to ask."""
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.setenv(name, "mei")
        assert audited.operator(None) == "cli:mei"

    def test_the_trail_says_whose_keys_did_it_and_not_what_they_are(self, office):
        assert office("workbook", "daily").exit_code == 0
        assert office("workbook", "../daily").exit_code == 1
        office.walk()
        told = [one["details"]["keys"] for one in office.events("--operator", ME)]
        access = office.variables["HUAWEICLOUD_SDK_AK"]
        assert len(told) == 3 and set(told) == {hashlib.sha256(access.encode()).hexdigest()[:12]}
        assert access not in office("audit", "--json").output


class TestSettings:
    def test_a_change_is_noticed_once_by_the_timer(self, office):
        parts = office.parts()
        assert [audit.watch_settings(parts), audit.watch_settings(parts)] == [True, False]
        values = {**office.cloud.environment(), "LEGIBLE_SOURCE": "inline"}
        other = Parts(load(None, values.get), parts.site.store, parts.call, ROOT)
        assert audit.watch_settings(other)
        office.walk()
        changed = [one["details"].get("changed") for one in office.events("--type", "settings")]
        assert changed == ["ocr.source", None] or set(changed) == {"ocr.source", None}

    @pytest.mark.parametrize(("text", "why"), [(None, "no key"), ("", "no key"), ("short", "a short key"),
                                               (f"{KEY} short", "a short key")])  # fmt: skip
    def test_a_variable_without_a_key_is_refused(self, office, tmp_path, text, why):
        file = tmp_path / "legible.toml"
        file.write_text('[audit]\nkey = "AUDIT_KEY"\n', "utf-8")
        with pytest.raises(SettingsError, match=why):
            audit.seal_keys(load(file, office.cloud.environment().get), lambda name: text)

    def test_cts_is_not_asked_where_it_is_not_reached(self, office):
        assert audit.fetch_traces(office.parts(), None) == audit.TracesFetched()
