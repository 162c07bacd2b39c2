"""A document is billed to the enterprise project that it names, or to nothing at all; a ghost costs no call."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from legible.errors import HeldError, PendingError, UnavailableError
from legible.model.account import EnterpriseProject
from legible.model.documents import Order, Upload
from legible.operations.projects import REGIONS, ProjectRules
from legible.operations.routing import OperationSettings, Route, Routing
from legible.oversight.calls import Whose, hours
from tests.support.fakes import AccountProjects
from tests.support.rig import IN, OUT, TEXT, Rig, pdf, picture

CLAIMS = "a1111111-0000-4000-8000-000000000001"
SALES = "b1111111-0000-4000-8000-000000000001"
CLOSED = "c1111111-0000-4000-8000-000000000001"
GHOST = "d1111111-0000-4000-8000-000000000001"
KEY = "general-text/a.png"


def rig(*script, default="", routes=(), waits=True, region=REGIONS[0], **rules):
    world = Rig(*(script or (TEXT,)), waits=waits)
    world.rules = Routing(region, routes, project=default, projects=ProjectRules(**rules), pinned=True)
    world.account = AccountProjects(
        EnterpriseProject(CLAIMS, "claims"), EnterpriseProject(SALES, "sales"), EnterpriseProject(CLOSED, "old", False)
    )
    return world


def named(project):
    return {"legible-project": project}


def billed(world):
    """Return the projects that calls were billed to."""
    return {picture.project for _, _, picture in world.ocr.calls}


def claimed(world, key=KEY):
    return [line for line in world.journal(key) if line["event"] == "claimed"][-1]


class TestADocument:
    @pytest.mark.parametrize("pages", [1, 5])
    def test_is_billed_page_by_page_to_the_project_of_its_metadata(self, pages):
        world = rig(default=SALES)
        world.run(world.upload("general-text/a.pdf", pdf(pages), named(CLAIMS)))
        assert billed(world) == {CLAIMS}
        assert len(world.ocr.calls) == pages
        assert claimed(world, "general-text/a.pdf")["project"] == CLAIMS
        assert world.record("general-text/a.pdf")["document"]["project"] == CLAIMS

    def test_is_billed_to_that_of_its_route_its_folder_or_the_settings(self):
        world = rig(
            default=CLAIMS, routes=(Route("mail/*", "general-text", project=SALES),), folders={"passport/": SALES}
        )
        for key in ("mail/a.png", "passport/b.png", "web-image/c.png"):
            world.run(world.upload(key, picture(60 + len(key))))
        assert [one.project for _, _, one in world.ocr.calls] == [SALES, SALES, CLAIMS]
        assert world.account.asked == [SALES, CLAIMS]

    def test_that_names_none_has_none_and_its_record_and_journal_are_as_ever(self):
        world = rig()
        world.run(world.upload(KEY))
        assert billed(world) == {""}
        assert {"project", "note"}.isdisjoint(claimed(world))
        assert "project" not in world.record(KEY)["document"]

    def test_inline_pages_are_billed_so_too(self):
        world = rig()
        world.policy = type(world.policy)(source="inline")
        world.run(world.upload(KEY, None, named(CLAIMS)))
        assert billed(world) == {CLAIMS}

    def test_its_project_makes_no_other_document_of_it(self):
        """Given the same bytes, uploaded again with another project."""
        world = rig()
        world.run(world.upload(KEY, None, named(CLAIMS)))
        (outcome,) = world.run(world.upload(KEY, None, named(SALES)))
        assert outcome["duplicate"]
        assert world.ocr.paid == 1

    def test_that_was_begun_goes_on_billed_to_what_is_named_now(self):
        """Given a document of which one page is answered before the service refuses."""
        world = rig(TEXT, PendingError("no", code="obs-denied"), default=CLAIMS)
        world.policy = type(world.policy)(window=1)
        upload = world.upload("general-text/a.pdf", pdf(2))
        world.run(upload)
        world.ocr.script = [TEXT]
        world.rules = Routing(
            REGIONS[0], operations={"general-text": OperationSettings(options={"quick_mode": True})}, project=SALES
        )
        world.run(upload)
        assert [one.project for _, _, one in world.ocr.calls] == [CLAIMS, CLAIMS, SALES]
        assert world.record("general-text/a.pdf")["status"] == "done"

    def test_ordered_by_an_event_has_its_metadatas_project_all_the_same(self):
        world = rig()
        upload = world.upload("mail/a.png", None, named(CLAIMS))
        world.run(Upload(upload.ref, etag=upload.etag, order=Order("general-text")))
        assert billed(world) == {CLAIMS}


class TestADocumentThatWasBegunWithAnotherOperation:
    """Given two pages, of which one is answered; then the routes lead to another operation, in another region."""

    KEY = "mail/a.pdf"

    def begun(self, first, *, project="", region=REGIONS[0], **rules):
        world = rig(TEXT, PendingError("no", code="obs-denied"), **rules)
        world.policy = type(world.policy)(window=1)
        world.rules = self.routed(world, "general-text", project, {"general-text": region})
        upload = world.upload(self.KEY, pdf(2), first)
        world.run(upload)
        world.ocr.script = [TEXT]
        return world, upload

    def routed(self, world, operation, project, regions):
        own = {slug: OperationSettings(region=region) for slug, region in regions.items()}
        routes = (Route("mail/*", operation, project=project),)
        return Routing(REGIONS[0], routes, operations=own, pinned=True, projects=world.rules.projects)

    def again(self, world, upload, project, region=REGIONS[0], other=REGIONS[0], **rules):
        world.rules = self.routed(world, "web-image", project, {"general-text": region, "web-image": other})
        if rules:
            world.rules = structs.replace(world.rules, projects=ProjectRules(**rules))
        (outcome,) = world.run(upload)
        return outcome, [one.project for _, _, one in world.ocr.calls][2:]

    def counted(self, world):
        """Return what pages that are answered count as: operation and project."""
        (name,) = [name for name in world.store.keys(OUT, f"ledger/{IN}/{self.KEY}/") if "newest-" not in name]
        state = world.parts().ledger.journals.stored(name.removesuffix(".jsonl"))
        calls = [call for hour in hours(Whose("j"), state, world.now()).values() for call in hour.calls]
        return [(one.operation, one.project) for one in calls if one.outcome == "answered" for _ in range(one.count)]

    def test_goes_on_billed_to_what_is_named_now_and_counts_under_the_operation_it_was_begun_with(self):
        world, upload = self.begun(None, project=CLAIMS)
        outcome, sent = self.again(world, upload, SALES)
        assert (outcome["status"], outcome["operation"], sent) == ("done", "general-text", [SALES])
        assert self.counted(world) == [("general-text", CLAIMS), ("general-text", SALES)]

    @pytest.mark.parametrize("elsewhere", ["held", "rejected", "without"])
    def test_sends_no_project_to_a_region_that_takes_none(self, elsewhere):
        """Given an operation in a region without projects; the new one is called where there are some."""
        world, upload = self.begun(None, region="cn-north-4", elsewhere=elsewhere)
        outcome, sent = self.again(world, upload, SALES, region="cn-north-4")
        assert (outcome["status"], sent) == ("done", [""])
        assert self.counted(world) == [("general-text", ""), ("general-text", "0")]
        assert "default project" in world.record(self.KEY)["pages"][1]["note"]

    def test_bills_to_the_named_project_though_the_new_operations_region_takes_none(self):
        world, upload = self.begun(None, project=CLAIMS, elsewhere="without")
        outcome, sent = self.again(world, upload, CLAIMS, other="cn-north-4")
        assert (outcome["status"], sent) == ("done", [CLAIMS])
        assert self.counted(world) == [("general-text", CLAIMS)] * 2

    @pytest.mark.parametrize("elsewhere", ["held", "rejected"])
    def test_is_not_held_up_by_a_region_in_which_nothing_of_it_is_called(self, elsewhere):
        world, upload = self.begun(None, project=CLAIMS, elsewhere=elsewhere)
        outcome, sent = self.again(world, upload, SALES, other="cn-north-4")
        assert (outcome["status"], sent) == ("done", [SALES])

    @pytest.mark.parametrize("project", [GHOST, CLOSED, "claims"])
    def test_goes_on_with_the_project_it_was_begun_with_where_the_new_one_may_not_be_billed(self, project):
        world, upload = self.begun(None, project=CLAIMS)
        outcome, sent = self.again(world, upload, project)
        assert (outcome["status"], sent) == ("done", [CLAIMS])
        assert f"Billed to the enterprise project {CLAIMS}" in world.record(self.KEY)["pages"][1]["note"]
        assert self.counted(world) == [("general-text", CLAIMS)] * 2

    @pytest.mark.parametrize("refused", ["held", "rejected"])
    def test_costs_no_call_where_neither_may_be_billed(self, refused):
        world, upload = self.begun(None, project=CLAIMS, refused=refused)
        world.account.projects = [EnterpriseProject(CLAIMS, "claims", False)]
        world.clock.pause(7 * 3600)
        _, sent = self.again(world, upload, GHOST, refused=refused)
        assert sent == []
        assert world.record(self.KEY)["reason"]["code"] == "project-unknown"

    def test_that_was_begun_without_a_project_bills_to_no_ghost(self):
        world, upload = self.begun(None)
        _, sent = self.again(world, upload, GHOST)
        assert sent == []
        assert world.record(self.KEY)["reason"]["code"] == "project-unknown"

    def test_that_needs_one_by_now_keeps_the_one_it_has(self):
        world, upload = self.begun(None, project=CLAIMS)
        outcome, sent = self.again(world, upload, "", required=True)
        assert (outcome["status"], sent) == ("done", [CLAIMS])

    def test_in_a_region_that_lost_its_projects_is_held_not_billed_to_the_default_one(self):
        world, upload = self.begun(None, project=CLAIMS)
        _, sent = self.again(world, upload, SALES, region="cn-north-4")
        assert sent == []
        assert world.record(self.KEY)["reason"]["code"] == "project-not-here"


REFUSED = [
    (named(GHOST), "project-unknown"),
    (named(CLOSED), "project-disabled"),
    (named("claims"), "project-malformed"),
    (named("x\udcff" * 900), "project-malformed"),
    (named("'; drop"), "project-malformed"),
    ({}, "project-missing"),
    (named("  "), "project-missing"),
]


class TestARefusal:
    @pytest.mark.parametrize(("metadata", "code"), REFUSED)
    @pytest.mark.parametrize("refused", ["held", "rejected"])
    def test_costs_no_call_and_has_a_reason_of_its_own(self, metadata, code, refused):
        world = rig(required=True, refused=refused)
        (outcome,) = world.run(world.upload(KEY, None, metadata))
        assert (outcome["status"], outcome["reason"]["code"]) == (refused, code)
        assert world.ocr.calls == []
        assert "project" not in claimed(world)
        assert world.record(KEY)["reason"]["advice"]

    def test_of_a_region_without_projects_costs_none_either(self):
        world = rig(region="cn-north-4", default=CLAIMS)
        (outcome,) = world.run(world.upload(KEY))
        assert (outcome["status"], outcome["reason"]["code"]) == ("held", "project-not-here")
        assert world.ocr.calls == []

    def test_looks_at_the_region_in_which_the_operation_is_called(self):
        world = rig(region="cn-north-4", default=CLAIMS)
        own = {"general-text": OperationSettings(region=REGIONS[2])}
        world.rules = Routing("cn-north-4", project=CLAIMS, operations=own)
        world.run(world.upload(KEY))
        assert billed(world) == {CLAIMS}

    def test_is_mended_by_an_upload_of_the_same_bytes_with_another_project(self):
        world = rig(refused="rejected")
        world.run(world.upload(KEY, None, named(GHOST)))
        world.clock.pause(5)
        (outcome,) = world.run(world.upload(KEY, None, named(CLAIMS)))
        assert (outcome["status"], billed(world)) == ("done", {CLAIMS})

    def test_holds_nothing_up_that_has_all_its_answers(self):
        """Given a document whose invocation died before its results were written, and a project disabled since."""
        world = rig(default=CLAIMS)
        upload = world.upload(KEY)

        def fail(verb, ref):
            if verb == "write" and ref.key.endswith("record.xlsx"):
                raise UnavailableError("503")

        world.store.fail = fail
        with pytest.raises(UnavailableError):
            world.run(upload)
        world.store.fail = lambda verb, ref: None
        world.account.projects = [EnterpriseProject(CLAIMS, "claims", False)]
        world.clock.pause(7 * 3600)
        (outcome,) = world.run(upload)
        assert (outcome["status"], outcome.get("reason"), world.ocr.paid) == ("done", None, 1)
        assert world.store.keys(OUT, "held/") == []

    def test_of_a_step_of_a_flow_is_its_result(self):
        world = rig(waits=False)
        upload = world.upload(KEY, None, named(GHOST))
        assert world.steps().split(upload)["page_count"] == 0
        assert world.steps().recognize(upload)["reason"]["code"] == "project-unknown"
        assert world.ocr.calls == []


class TestAnAccountThatCannotBeAsked:
    DENIED = HeldError("EPS answers 403 EPS.0004 CANARY", code="not-permitted", advice="Give the right.")

    def test_fails_no_document_and_the_record_says_once_that_it_was_not_checked(self):
        world = rig(default=CLAIMS)
        world.account.fail = self.DENIED
        (outcome,) = world.run(world.upload("general-text/a.pdf", pdf(3)))
        assert (outcome["status"], billed(world)) == ("done", {CLAIMS})
        (note,) = world.record("general-text/a.pdf")["notes"]
        assert note.startswith(f"Billed to the enterprise project {CLAIMS}, which could not be checked")
        assert [one["event"] for one in world.log.lines].count("project-unchecked") == 1

    def test_the_note_is_there_after_a_rebuild_too(self):
        world = rig(default=CLAIMS)
        world.account.fail = self.DENIED
        world.run(world.upload(KEY))
        before = world.record(KEY)
        rebuilder = world.rebuilder()
        rebuilder.rebuild(rebuilder.current(KEY))
        assert world.record(KEY)["notes"] == before["notes"] != []

    def test_where_the_default_project_pays_instead_the_record_says_so(self):
        world = rig(default=CLAIMS, region="cn-north-4", elsewhere="without")
        world.run(world.upload(KEY))
        assert billed(world) == {""}
        assert "the default project pays" in world.record(KEY)["notes"][0]

    def test_holds_what_an_uploader_named(self):
        world = rig(refused="rejected")
        world.account.fail = self.DENIED
        (outcome,) = world.run(world.upload(KEY, None, named(CLAIMS)))
        assert (outcome["status"], outcome["reason"]["code"]) == ("held", "project-unchecked")
        assert world.ocr.calls == []


def test_a_line_of_an_earlier_version_says_nothing_of_projects_and_results_are_made_anew_of_it():
    world = rig()
    world.run(world.upload(KEY))
    (name,) = [name for name in world.store.keys(OUT, f"ledger/{IN}/{KEY}/") if "newest-" not in name]
    assert all("project" not in line and "note" not in line for line in world.store.lines(OUT, name))
    assert json.dumps(world.record(KEY))
