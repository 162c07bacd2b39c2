"""Each command is audited, or stands in a list that says why it need not be; and what only looks changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from functions import on_upload
from legible.api.routes import ROUTES
from legible.model import layout
from legible.model.audit import BUILD, EXPORT, FORGET, REBUILD, RECOUNT, SWEEP
from legible.model.documents import ObjectRef
from legible_cli.__main__ import main
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from tests.cli.test_audit import ME, Office
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

#: What is audited: the arguments (TMP is a folder of the test's own), and the names of the events.
AUDITED: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "accounting --xlsx": (("accounting", "--xlsx", "TMP/a.xlsx"), {EXPORT}),
    "forget": (("forget", "passport/nobody.png", "--yes"), {FORGET}),
    "rebuild": (("rebuild", "passport/"), {REBUILD}),
    "review export": (("review", "export", "TMP/r.xlsx", "--all"), {EXPORT}),
    "status --rebuild": (("status", "--rebuild"), {RECOUNT}),
    "sweep": (("sweep",), {SWEEP}),
    "usage --xlsx": (("usage", "--xlsx", "TMP/u.xlsx"), {EXPORT}),
    "usage --rebuild": (("usage", "--rebuild"), {RECOUNT}),
    "workbook": (("workbook", "daily"), {BUILD}),
    "workbook --out": (("workbook", "daily", "--out", "TMP"), {EXPORT}),
}
#: What is audited and needs more than one document that is done: the test that sees it in the trail.
TRIED_ELSEWHERE = {
    "backfill": "tests/cli/test_redrive.py",
    "redrive": "tests/cli/test_redrive.py",
}
#: What is not, and why.
NOT_AUDITED = {
    "accounting": "only looks",
    "audit": "only looks",
    "audit verify": "only looks",
    "console": "sends what a browser asks for to the API, which audits it",
    "dead": "only looks",
    "demo": "works on a local cloud of its own, which ends with it",
    "doctor": "only looks; its unbilled calls are kept in reports/.probes, its probe of appends in work/.probes",
    "policy auditor": "prints a policy",
    "policy check": "compares a file with a policy",
    "policy deployer": "prints a policy",
    "policy forget": "prints a policy",
    "policy function": "prints a policy",
    "policy ocr-full-access": "prints a policy",
    "policy ocr-read-only": "prints a policy",
    "policy operator": "prints a policy",
    "policy reviewer": "prints a policy",
    "quote": "only looks; nothing is sent",
    "reconcile": "only looks",
    "review import": "each correction is a line of the document's journal, which the trail tells with its author",
    "run": "works on a local cloud of its own, which ends with it",
    "status": "only looks",
    "subscriptions": "only looks; its unbilled calls are kept in reports/.probes",
    "up": "runs a local cloud, whose functions audit",
    "usage": "only looks",
}
#: What only looks, and can be tried: the arguments.
LOOKS = [
    ("usage",), ("usage", "--json"), ("accounting", "--json"), ("audit",), ("audit", "verify"), ("reconcile",),
    ("policy", "function"), ("subscriptions",), ("doctor",),
]  # fmt: skip
#: Where unbilled calls are noted, and a probe lies until it is removed.
PROBED = (layout.PROBES, "work/.probes/")
#: Routes that change nothing, or of which the document's journal tells.
ROUTES_NOT_AUDITED = {
    **dict.fromkeys(
        ("operations", "code", "documents", "dead", "status", "show", "audit", "usage", "accounts", "packages",
         "reconciliation", "openapi", "image"), "only looks",
    ),
    **dict.fromkeys(("subscriptions", "health"), "only looks; unbilled calls are kept in reports/.probes"),
    "submit": "the document's journal tells of its calls and its end",
    "upload": "signs a request; the document's journal tells of its calls and its end",
    "review": "each correction is a line of the document's journal, which the trail tells with its author",
}  # fmt: skip


def commands(group: click.Command, *above: str) -> Iterator[tuple[str, click.Command]]:
    """Yield each command by its name, also a group that does something by itself."""
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, *above, name)
        if not group.invoke_without_command:
            return
    yield " ".join(above), group


COMMANDS = dict(commands(main))


def test_every_command_is_audited_or_says_why_not():
    assert {name.partition(" --")[0] for name in (*AUDITED, *TRIED_ELSEWHERE)} | set(NOT_AUDITED) == set(COMMANDS)
    whole = {name for name in AUDITED if " --" not in name}
    assert whole.isdisjoint(NOT_AUDITED) and all(NOT_AUDITED.values())


def test_every_option_that_writes_a_file_from_a_deployment_is_audited():
    """Given the options and arguments that name a file which need not be there yet."""
    writing = {
        f"{name} {option.opts[0]}" if isinstance(option, click.Option) else name
        for name, command in COMMANDS.items()
        for option in command.params
        if isinstance(option.type, click.Path) and not option.type.exists and option.name not in ("file", "lock")
    }
    local = {"demo --out", "run --out", "up --inbox", "up --outbox", "up --state"}
    assert writing - local == {"accounting --xlsx", "review export", "usage --xlsx", "workbook --out"}
    assert writing - local <= set(AUDITED)


def test_every_route_is_audited_or_says_why_not():
    audited = {route.name for route in ROUTES if route.audit}
    assert audited.isdisjoint(ROUTES_NOT_AUDITED)
    assert audited | set(ROUTES_NOT_AUDITED) == {route.name for route in ROUTES}


@pytest.fixture
def office() -> Iterator[Office]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        clouds.upload(running, "passport/anna.png", picture())
        on_upload.handler(clouds.event("passport/anna.png"), clouds.context(running))
        clouds.due_now(running)
        yield Office(running)


def objects(office: Office) -> dict[str, str]:
    """Return what both buckets hold, but for the key of digests, which is made once when it is first asked for."""
    store = clouds.store(office.cloud)
    found = {item.key: item.etag for name in (INPUT_BUCKET, OUTPUT_BUCKET) for item in store.list(name, "")}
    return {key: etag for key, etag in found.items() if not key.startswith((*PROBED, "tombstones/.key"))}


def kept(office: Office) -> list[dict[str, Any]]:
    store = clouds.store(office.cloud)
    items = list(store.list(OUTPUT_BUCKET, layout.AUDIT_PENDING))
    return [json.loads(store.read(ObjectRef(OUTPUT_BUCKET, item.key))) for item in items]


def placed(arguments: tuple[str, ...], folder: Path) -> list[str]:
    return [text.replace("TMP", str(folder)) for text in arguments]


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
def test_what_only_looks_changes_nothing(office, arguments):
    before = objects(office)
    done = office(*arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert objects(office) == before


@pytest.mark.parametrize("name", AUDITED)
class TestAudited:
    def test_it_is_in_the_trail_with_who_did_it(self, office, tmp_path, name):
        arguments, names = AUDITED[name]
        done = office(*placed(arguments, tmp_path))
        assert done.exit_code == 0, done.output
        told = kept(office)
        assert {one["name"] for one in told} == names
        assert {one["operator"] for one in told} == {ME}
        assert all(one.get("resource_type") for one in told)

    def test_what_cannot_be_audited_is_not_done(self, office, tmp_path, name):
        arguments, _ = AUDITED[name]
        refused = Fault("error", "PUT", f"*{layout.AUDIT_PENDING}*", None, status=403, code="AccessDenied")
        office.cloud.obs.faults.add(refused)
        before = objects(office)
        done = office(*placed(arguments, tmp_path))
        assert done.exit_code == 1 and "AccessDenied" in done.output, done.output
        assert objects(office) == before
        assert list(tmp_path.rglob("*.xlsx")) == []


class TestFailures:
    def test_what_failed_is_told_to_have_failed(self, office, tmp_path):
        """Given a file that cannot be written here."""
        done = office("usage", "--xlsx", tmp_path / "nowhere" / "u.xlsx")
        assert isinstance(done.exception, SystemExit) and done.exit_code == 1
        assert done.output.count("\n") == 1 and "u.xlsx cannot be written: No such file or directory." in done.output
        first, second = sorted(kept(office), key=lambda one: one.get("status", ""))
        assert second["status"] == "warning"
        details = {"of": first["id"], "code": "file-not-written", "keys": first["details"]["keys"]}
        assert second["details"] == details

    def test_the_code_is_that_of_legible_where_it_has_one(self, office):
        assert office("workbook", "../daily").exit_code == 1
        codes = [one["details"]["code"] for one in kept(office) if one.get("status") == "warning"]
        assert codes and codes[0].islower()

    def test_documents_without_new_results_are_a_failure_though_nothing_is_raised(self, office):
        store = clouds.store(office.cloud)
        for item in list(store.list(OUTPUT_BUCKET, layout.LEDGER)):
            store.write(ObjectRef(OUTPUT_BUCKET, item.key), b"spoilt", "")
        assert office("rebuild", "passport/").exit_code == 1
        assert [one["details"]["code"] for one in kept(office) if one.get("status")] == ["documents-failed"]

    @pytest.mark.parametrize("arguments", [("usage", "--xlsx", "TMP/nowhere/u.xlsx"), ("workbook", "../daily")])
    def test_the_first_error_is_what_the_user_sees_and_the_second_is_said_as_well(self, office, tmp_path, arguments):
        """Given a trail that takes the event of the beginning, and no other."""
        alone = office(*placed(arguments, tmp_path))
        full = Fault("error", "PUT", f"*{layout.AUDIT_PENDING}*", None, after=1, status=403, code="AccessDenied")
        office.cloud.obs.faults.add(full)
        done = office(*placed(arguments, tmp_path))
        assert type(done.exception) is type(alone.exception) and str(done.exception) == str(alone.exception)
        assert "That it failed could not be audited: " in done.output and "AccessDenied" in done.output
        assert alone.output.strip() in done.output
