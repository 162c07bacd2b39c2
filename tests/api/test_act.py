"""What is done over HTTP to documents that are there; operations, health, the console; and requests that go wrong."""

from __future__ import annotations

import ast
import json
import re
from datetime import timedelta

import pytest
from msgspec import structs

from legible import VERSION
from legible.api import Api, document
from legible.api.ids import id_of
from legible.api.routes import ROUTES
from legible.api.static import Console
from legible.errors import (
    AnswerUnknownError,
    HeldError,
    RejectedError,
    SettingsError,
    SourceUnreadableError,
    UnavailableError,
)
from legible.huawei import apig, functiongraph
from legible.model.documents import ObjectRef
from legible.model.http import Reply, Request
from tests.support.front import Front, problem
from tests.support.places import ROOT
from tests.support.rig import OUT, PASSPORT, TEXT, Rig, pdf, picture


def review(front, path, **more):
    version = front.json("GET", path)["version"]
    edit = {"page": 1, "name": "surname", "was": "ERIKSSON", "value": "ERIKSON"}
    return front.ask("POST", f"{path}/review", {"version": version, "edits": [edit], **more})


class TestReview:
    def test_a_correction_counts_from_then_on(self, front):
        path = front.document("passport/anna.png")

        reply = review(front, path, author="Mei")

        assert json.loads(reply.body) == {"applied": 1, "already": 0, "conflicts": [], "unknown": []}
        surname = front.json("GET", path)["record"]["fields"][2]
        assert (surname["value"], surname["corrected"]["value"]) == ("ERIKSSON", "ERIKSON")
        assert surname["corrected"]["author"] == "Mei"
        assert front.json("GET", path)["revision"] == 1

    def test_without_a_name_the_application_is_the_author(self, front):
        path = front.document("passport/anna.png")
        front.tenants = {"app-a": "passport/"}
        version = front.rig.record("passport/anna.png")["document"]["version"]
        edit = {"page": 1, "name": "surname", "was": "ERIKSSON", "value": "X"}
        body = {"version": version, "edits": [edit]}
        front.ask("POST", f"{path}/review", body, headers={"x-legible-app": "app-a"})
        assert front.rig.record("passport/anna.png")["fields"][2]["corrected"]["author"] == "app-a"
        edit |= {"was": "X", "value": "Y"}
        front.ask("POST", f"{path}/review", {**body, "author": "Mei"}, headers={"x-legible-app": "app-a"})
        assert front.rig.record("passport/anna.png")["fields"][2]["corrected"]["author"] == "Mei (app-a)"

    @pytest.mark.parametrize("author", ["Mei\n", "Mei\x1b[31m", "Mei\x9b31m"])
    def test_a_name_that_would_steer_a_terminal_is_refused(self, front, author):
        reply = review(front, front.document("passport/anna.png"), author=author)
        assert problem(reply) == (422, "body-unfit")

    def test_who_saw_another_text_meets_a_conflict_and_may_choose(self, front):
        path = front.document("passport/anna.png")
        review(front, path, author="Mei")

        second = json.loads(review(front, path, edits=[self.edit("ERIXON")]).body)

        assert second["applied"] == 0
        assert second["conflicts"] == [
            {"page": 1, "name": "surname", "mine": "ERIXON", "theirs": "ERIKSON", "author": "Mei"}
        ]
        assert json.loads(review(front, path, edits=[self.edit("ERIXON")], conflicts="mine").body)["applied"] == 1

    def edit(self, value):
        return {"page": 1, "name": "surname", "was": "ERIKSSON", "value": value}

    def test_of_a_version_that_was_replaced_nothing_counts(self, front):
        path = front.document("passport/anna.png")
        body = {"version": "older", "edits": [self.edit("X")]}
        assert problem(front.ask("POST", f"{path}/review", body)) == (409, "other-version")

    def test_other_refusals_are_what_they_are(self, front):
        path = front.document("passport/anna.png")
        reviewer = front.rig.reviewer()

        def refuse(*values):
            raise RejectedError("No.", code="no")

        reviewer.apply = refuse
        front.changes = {"reviewer": reviewer}
        assert problem(review(front, path)) == (422, "no")


class TestDamage:
    @pytest.mark.parametrize(("method", "path"), [("GET", "pages/1/image"), ("POST", "rerun")])
    def test_a_record_that_something_else_wrote_is_named_with_its_remedy(self, front, method, path):
        # given
        document = front.document("passport/anna.png")
        for ref, (_, *rest) in list(front.rig.store.objects.items()):
            if ref.key.endswith("record.json"):
                front.rig.store.objects[ref] = (b"{}", *rest)

        # then
        assert problem(front.ask(method, f"{document}/{path}")) == (500, "record-unreadable")


class TestRerun:
    def test_one_that_is_not_done_is_begun_again_after_the_end_it_has(self):
        front = Front(Rig(RejectedError("Too dark.", code="dark"), PASSPORT))
        path = front.document("passport/anna.png")

        reply = front.ask("POST", f"{path}/rerun")
        front.rig.run(*front.started)

        assert reply.status == 202
        assert front.json("GET", path)["status"] == "done"

    def test_asked_for_twice_it_is_paid_for_once(self):
        front = Front(Rig(RejectedError("Too dark.", code="dark"), PASSPORT))
        path = front.document("passport/anna.png")
        for _ in range(2):
            front.ask("POST", f"{path}/rerun")
        front.rig.run(*front.started)
        assert len(front.rig.ocr.calls) == 2

    def test_one_that_is_being_read_is_begun_by_nobody_else(self, front):
        path, replies = f"/v1/documents/{id_of('passport/anna.png')}", []
        front.rig.ocr.during = lambda: replies.append(front.ask("POST", f"{path}/rerun").status)
        front.document("passport/anna.png")
        assert (replies, front.started) == ([202], [])

    def test_one_whose_reader_died_is_begun_again(self, front):
        path = f"/v1/documents/{id_of('passport/anna.png')}"

        def die():
            front.rig.ocr.during = lambda: None
            raise KeyboardInterrupt

        front.rig.ocr.during = die
        with pytest.raises(KeyboardInterrupt):
            front.document("passport/anna.png")
        front.rig.clock.pause(front.rig.seconds + 2)
        assert front.ask("POST", f"{path}/rerun").status == 202
        front.rig.run(*front.started)
        assert front.json("GET", path)["status"] == "done"

    def test_what_is_made_anew_knows_as_much_as_before(self):
        front = Front(Rig(TEXT))
        path = front.document("general-text/a.pdf", pdf(2))
        before = front.rig.record("general-text/a.pdf")
        front.ask("POST", f"{path}/rerun")
        assert front.rig.record("general-text/a.pdf") == before

    def test_an_event_that_named_no_upload_has_nothing_to_be_begun(self, front):
        (outcome,) = front.rig.run(*functiongraph.uploads({"Records": [{}]}))
        path = f"/v1/documents/{id_of(outcome['key'])}"
        assert problem(front.ask("POST", f"{path}/rerun")) == (409, "no-upload")
        assert front.started == []

    def test_one_that_is_done_and_lost_its_record_has_it_made_anew_free(self, front):
        path = front.document("passport/anna.png")
        for key in front.rig.store.keys(OUT):
            if key.endswith("record.json"):
                front.rig.store.remove(ObjectRef(OUT, key))
        assert front.json("GET", path)["status"] == "running"
        assert json.loads(front.ask("POST", f"{path}/rerun").body)["status"] == "done"
        assert (front.started, len(front.rig.ocr.calls)) == ([], 1)

    def test_one_that_nobody_has_begun_is_begun(self, front):
        front.rig.upload("passport/anna.png")
        path = "/v1/documents/cGFzc3BvcnQvYW5uYS5wbmc"
        assert front.ask("POST", f"{path}/rerun").status == 202
        front.rig.run(*front.started)
        assert front.json("GET", path)["status"] == "done"

    def test_one_that_is_done_has_its_results_made_anew_free(self, front):
        path = front.document("passport/anna.png")
        reply = front.ask("POST", f"{path}/rerun")
        assert (reply.status, json.loads(reply.body)["status"]) == (200, "done")
        assert (front.started, len(front.rig.ocr.calls)) == ([], 1)


class TestWorkbooks:
    def test_one_is_asked_for_and_linked(self, front):
        reply = front.ask("POST", "/v1/workbooks", {"workbook": "mai märz", "prefix": "a/", "formats": ["csv", "xlsx"]})
        found = json.loads(reply.body)
        assert reply.status == 202
        assert found["links"]["csv"] == "/v1/workbooks/mai%20m%C3%A4rz.csv.zip"
        assert front.collected[0].prefix == "a/"

    def test_a_name_that_can_be_none_is_refused_while_somebody_listens(self, front):
        front.tenants = {"app-a": "a" * 30 + "/"}
        for name in ("x" * 190, "a\n"):
            reply = front.ask("POST", "/v1/workbooks", {"workbook": name}, headers={"x-legible-app": "app-a"})
            assert problem(reply) == (422, "bad-name")
        assert front.collected == []

    def test_from_the_request_on_it_tells_how_its_build_stands(self, front):
        # given
        front.rig.run(front.rig.upload("passport/anna.png"))
        front.rig.upload("passport/eve.png")
        assert problem(front.ask("GET", "/v1/workbooks/mai")) == (404, "no-such-workbook")

        # when one is asked for
        reply = front.ask("POST", "/v1/workbooks", {"workbook": "mai", "formats": ["xlsx", "csv"]})
        running = front.json("GET", reply.headers["Location"])

        # then it runs; and once it is built, its files are linked, and who was not in it is named
        assert (running["name"], running["status"], running["links"]) == (
            "mai",
            "running",
            {"self": "/v1/workbooks/mai"},
        )
        assert problem(front.ask("GET", "/v1/workbooks/mai.xlsx")) == (404, "no-such-workbook")
        front.rig.clock.pause(1)
        front.rig.collector().timed(front.collected[0], None, ())
        built = front.json("GET", "/v1/workbooks/mai")
        assert (built["status"], built["documents"]) == ("partial", 2)
        assert (built["waiting"], built["waiting_first"]) == (1, ["passport/eve.png"])
        assert built["began_at"] > running["began_at"]
        assert built["links"].keys() == {"self", "xlsx", "csv"}
        assert all(front.ask("GET", built["links"][kind]).status == 302 for kind in ("xlsx", "csv"))

    def test_one_that_cannot_be_built_tells_why(self, front):
        # given a function with no time for it
        front.rig.run(front.rig.upload("passport/anna.png"))
        front.ask("POST", "/v1/workbooks", {"workbook": "all.xlsx"})
        front.rig.clock.pause(1)

        # when
        front.rig.store.after = lambda verb, ref: front.rig.clock.pause(59) if ref.key.endswith("record.json") else None
        front.rig.collector().timed(front.collected[0], None, ("xlsx",))
        front.rig.store.after = lambda verb, ref: None

        # then
        found = front.json("GET", "/v1/workbooks/all.xlsx")
        assert (found["status"], found["reason"]["code"], found["links"].keys()) == ("held", "no-time", {"self"})
        assert "more time" in found["reason"]["advice"]

    def test_a_build_that_ended_before_its_request_did_stays_ended(self, front):
        front.changes["collect"] = lambda asked: front.rig.collector().timed(asked, None, ())
        front.changes["now"] = lambda: front.rig.clock.now() - timedelta(seconds=1)
        front.ask("POST", "/v1/workbooks", {"workbook": "all"})
        assert front.json("GET", "/v1/workbooks/all")["status"] == "done"

    def test_what_something_else_wrote_there_tells_nothing(self, front):
        front.rig.store.put(OUT, "workbooks/.states/all.json", b"{}")
        assert problem(front.ask("GET", "/v1/workbooks/all")) == (404, "no-such-workbook")

    def test_another_tenants_is_not_found(self, front):
        front.tenants = {"app-a": "acme/", "app-b": "bolt/"}
        mine, theirs = ({"x-legible-app": name} for name in ("app-a", "app-b"))
        front.ask("POST", "/v1/workbooks", {"workbook": "all"}, headers=mine)
        assert front.json("GET", "/v1/workbooks/all", headers=mine)["name"] == "all"
        assert problem(front.ask("GET", "/v1/workbooks/all", headers=theirs)) == (404, "no-such-workbook")

    def test_a_file_that_is_not_there_yet_is_not_found(self, front):
        for name in ("all.xlsx", "all.exe"):
            assert problem(front.ask("GET", f"/v1/workbooks/{name}")) == (404, "no-such-workbook")


class TestOperations:
    def test_all_are_listed_with_options_and_fields(self, front):
        found = {one["slug"]: one for one in front.json("GET", "/v1/operations")["operations"]}
        assert len(found) == 52
        assert found["passport"]["fields"][0]["label"]
        assert {"name", "type", "help", "required"} == set(found["general-text"]["options"][0])

    def test_code_that_calls_one_is_code(self, front):
        path = front.document("general-text/it's.png")
        found = front.json(
            "GET", "/v1/operations/general-text/code", options='{"detect_direction": true}', id=path.rsplit("/", 1)[1]
        )
        ast.parse(found["python"])
        assert "detect_direction=True" in found["python"]
        assert found["request"]["body"] == {
            "url": "https://legible-in.obs.example/general-text/it's.png", "detect_direction": True,
        }  # fmt: skip
        assert "X-Auth-Token: $IAM_TOKEN" in found["curl"]

    def test_one_that_takes_no_url_is_shown_with_base64(self, front):
        from legible.operations import catalog

        slug = next(one.slug for one in catalog.OPERATIONS.values() if not one.url)
        body = front.json("GET", f"/v1/operations/{slug}/code")["request"]["body"]
        assert list(body.values()) == ["<Base64>"]

    @pytest.mark.parametrize("options", ["[1]", "{", "\ud800", '{"no": 1}'])
    def test_options_that_do_not_fit_are_refused(self, front, options):
        assert front.ask("GET", "/v1/operations/passport/code", options=options).status == 422

    def test_an_operation_that_is_none_is_not_found(self, front):
        assert problem(front.ask("GET", "/v1/operations/none/code")) == (404, "no-such-operation")
        assert problem(front.ask("GET", "/v1/health", probe="none")) == (404, "no-such-operation")


class TestHealth:
    def checks(self, front, **query):
        found = front.json("GET", "/v1/health", **query)
        return found["status"], {one["name"]: one["status"] for one in found["checks"]}

    def test_all_is_well(self, front):
        assert self.checks(front) == ("ok", {"settings": "ok", "input-bucket": "ok", "output-bucket": "ok"})
        assert front.json("GET", "/v1/health")["version"] == "1.2.3"

    def test_a_bucket_that_cannot_be_listed_is_told_with_what_to_do(self, front):
        def refuse(verb, ref):
            raise HeldError("OBS refused.", code="obs-denied", advice="Give the rights.")

        front.rig.store.fail = refuse
        status, found = self.checks(front)
        assert (status, found["input-bucket"]) == ("degraded", "failed")

    def test_a_store_that_is_down_is_not_known(self, front):
        def down(verb, ref):
            raise UnavailableError("OBS is down.")

        front.rig.store.fail = down
        assert self.checks(front)[1]["output-bucket"] == "unknown"

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (RejectedError("No image."), "ok"),
            (PASSPORT, "ok"),
            (SourceUnreadableError("No such host."), "ok"),
            (HeldError("Not subscribed.", code="not-subscribed"), "failed"),
            (UnavailableError("Down."), "unknown"),
            (AnswerUnknownError("No answer."), "unknown"),
        ],
    )
    def test_a_probe_tells_whether_an_operation_may_be_called(self, said, expected):
        front = Front(Rig(said))
        assert self.checks(front, probe="passport")[1]["subscription passport"] == expected
        assert front.rig.ocr.calls[0][2].body == b"\x00"
        (noted,) = front.rig.store.keys("legible-out", "reports/.probes/")
        assert front.rig.store.lines("legible-out", noted)[0]["operation"] == "passport"

    def test_one_that_takes_urls_only_is_probed_by_a_url_that_leads_nowhere(self, front):
        from legible.operations import catalog
        from legible.recognition import probe

        operation = structs.replace(catalog.find("passport"), inline=None)
        probe.subscription(front.rig.ocr, operation, print)
        assert front.rig.ocr.calls[0][2].url == "https://invalid.invalid/"


class TestConsole:
    @pytest.fixture(autouse=True)
    def folder(self, front, tmp_path):
        (tmp_path / "index.html").write_text('<!doctype html><script src="main.js"></script><a href="none.js"></a>')
        (tmp_path / "main.js").write_text('import "./views/list.js";')
        (tmp_path / "notes.txt").write_text("not shown")
        (tmp_path / "views").mkdir()
        (tmp_path / "views" / "list.js").write_text("export {};")
        front.changes["console"] = Console(tmp_path)

    def test_its_files_are_shown_and_may_load_nothing_from_elsewhere(self, front):
        reply = front.ask("GET", "/console/")
        assert (reply.status, reply.body[:15]) == (200, b"<!doctype html>")
        policy = reply.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "connect-src 'self' https://legible-in.obs.example https://legible-out.obs.example" in policy
        assert "unsafe" not in policy
        assert front.ask("GET", "/console/views/list.js").headers["Content-Type"].startswith("text/javascript")

    @pytest.mark.parametrize("asked", ["{}", "W/{}", '"other", {}', "*"])
    def test_what_did_not_change_is_not_sent_again(self, front, asked):
        tag = front.ask("GET", "/console/").headers["ETag"]
        reply = front.ask("GET", "/console/", headers={"if-none-match": asked.format(tag)})
        assert (reply.status, reply.body) == (304, b"")

    def test_all_but_the_page_itself_is_asked_for_once_in_an_edition(self, front, tmp_path):
        """Given a page that was shown, when it is shown again, then no script is asked for until one changes."""

        def scripts():
            return re.findall(r'src="(.*?)"', front.ask("GET", "/console/").body.decode())

        (script,) = scripts()
        kept = front.ask("GET", f"/console/{script}")
        assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        # what a script imports it looks for beside itself
        beside = front.ask("GET", f"/console/{script.replace('main.js', 'views/list.js')}")
        assert (beside.body, beside.headers["Cache-Control"]) == (b"export {};", kept.headers["Cache-Control"])
        assert front.ask("GET", "/console/").headers["Cache-Control"] == "no-cache"
        assert front.ask("GET", "/console/main.js").headers["Cache-Control"] == "no-cache"
        assert b'href="none.js"' in front.ask("GET", "/console/").body

        (tmp_path / "views" / "list.js").write_text("export const changed = true;")
        front.changes["console"] = Console(tmp_path)  # an instance reads its files once
        assert scripts() != [script]
        # and who has the page of before still gets what it names, as it is now
        late = front.ask("GET", f"/console/{script}")
        assert (late.status, late.headers["Cache-Control"]) == (200, "no-cache")

    def test_the_way_in_leads_there(self, front):
        assert front.ask("GET", "/").headers["Location"] == "/console/"
        assert front.ask("GET", "/console").headers["Location"] == "/console/"

    @pytest.mark.parametrize("name", ["notes.txt", "../index.html", "none.js", "views/"])
    def test_nothing_else_is_shown(self, front, name):
        assert problem(front.ask("GET", f"/console/{name}"))[0] == 404

    def test_it_is_only_read(self, front):
        assert problem(front.ask("POST", "/console/")) == (405, "method-not-allowed")

    def test_with_wrong_settings_it_is_shown_and_reaches_nothing_else(self, front):
        def wrong(ref):
            raise SettingsError("legible.toml: cloud.region is not set.")

        front.rig.store.url = wrong
        assert "connect-src 'self';" in front.ask("GET", "/console/").headers["Content-Security-Policy"]


class TestRequests:
    def test_a_path_that_is_none_is_not_found(self, front):
        assert problem(front.ask("GET", "/v2/documents")) == (404, "no-such-path")

    def test_a_method_that_is_none_says_which_are(self, front):
        reply = front.ask("DELETE", "/v1/documents")
        assert (problem(reply), reply.headers["Allow"]) == ((405, "method-not-allowed"), "GET, HEAD, POST")
        assert front.ask("GET", "/v1/uploads").headers["Allow"] == "POST"

    def test_head_is_get_without_a_body(self, front):
        reply = front.ask("HEAD", "/v1/operations")
        assert (reply.status, reply.body) == (200, b"")

    def test_every_reply_forbids_what_no_reply_needs(self, front):
        headers = front.ask("GET", "/v1/operations").headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert not any(name.lower().startswith("access-control") for name in headers)

    def test_a_defect_is_told_by_its_place_and_shows_nothing_of_it(self, front):
        def defect(url, most):
            raise ZeroDivisionError("secret of Anna")

        front.changes = {"fetch": defect}
        reply = front.ask("POST", "/v1/documents", {"url": "https://example.com/a", "operation": "passport"})
        assert problem(reply) == (500, "internal")
        assert b"Anna" not in reply.body
        (line,) = [line for line in front.rig.log.lines if line["event"] == "defect"]
        assert line["place"].startswith("test_act.py:")
        assert "Anna" not in front.rig.log.text()

    def test_a_wrong_setting_is_told_with_what_is_allowed(self, front):
        def wrong():
            raise SettingsError("legible.toml: cloud.region is not set.", advice="Set it.")

        reply = Api(wrong, front.rig.log)(Request("GET", "/v1/documents"))
        assert problem(reply) == (500, "setting")
        assert "cloud.region" in json.loads(reply.body)["detail"]
        health = Api(wrong, front.rig.log)(Request("GET", "/v1/health"))
        assert health.status == 200, "what is wrong is its answer"
        assert json.loads(health.body)["checks"] == [
            {
                "name": "settings",
                "status": "failed",
                "message": "legible.toml: cloud.region is not set.",
                "advice": "Set it.",
            }
        ]


class TestDescription:
    def test_every_route_has_its_endpoint(self, front):
        assert all(callable(front.endpoints().of(route.name)) for route in ROUTES)

    def test_the_document_is_served(self, front):
        """The published file, that is, which people make their clients from, with every route of the gateway."""
        served = front.json("GET", "/v1/openapi.json")
        assert served == json.loads((ROOT / "shared" / "legible" / "api" / "openapi.json").read_text(encoding="utf-8"))
        described = {(verb.upper(), path) for path, verbs in served["paths"].items() for verb in verbs}
        asked = {
            ("GET", "/v1/documents"),
            ("POST", "/v1/uploads"),
            ("GET", "/v1/documents/{id}"),
            ("GET", "/v1/health"),
        }
        assert asked <= described
        assert len(described) == len(ROUTES)

    def test_it_is_openapi(self):
        from openapi_spec_validator import OpenAPIV31SpecValidator

        valid = json.loads(json.dumps(document()))
        assert list(OpenAPIV31SpecValidator(valid).iter_errors()) == []
        broken = {**valid, "paths": {"/v1/documents": {"get": {"responses": {"200": {}}}}}}
        assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []

    def test_a_document_is_as_it_is_described(self, front):
        import jsonschema

        schemas = {"components": document()["components"], "$ref": "#/components/schemas/DocumentStatus"}
        judge = jsonschema.Draft202012Validator(schemas)
        found = front.json("GET", front.document("passport/anna.png"))
        assert list(judge.iter_errors(found)) == []
        assert not judge.is_valid({name: value for name, value in found.items() if name != "status"})
        assert not judge.is_valid({**found, "status": "finished"})

    def test_the_version_is_that_of_the_package(self):
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert f'version = "{VERSION}"' in text


class TestGateway:
    def test_an_event_becomes_a_request(self):
        event = {
            "httpMethod": "post", "path": "/v1/workbooks/mai%20m%C3%A4rz.xlsx",
            "queryStringParameters": {"a": ["1", "2"], "b": None},
            "headers": {"Content-Type": "text/plain"}, "body": "aGk=", "isBase64Encoded": True,
        }  # fmt: skip
        found = apig.request(event)
        assert (found.method, found.query, found.body) == ("POST", {"a": "2"}, b"hi")
        assert found.path == "/v1/workbooks/mai märz.xlsx"
        assert found.headers == {"content-type": "text/plain"}

    def test_a_header_that_comes_twice_is_what_neither_says(self):
        sent = {
            "x-legible-app": "app-a",
            "X-Legible-App": "app-b",
            "host": "a",
            "Host": "a",
            "x": None,
            "y": ["1", "2"],
        }
        assert apig.request({"headers": sent}).headers == {"x-legible-app": "app-a, app-b", "host": "a", "y": "1, 2"}

    @pytest.mark.parametrize("event", [None, [], {}, {"headers": 7, "body": 7, "queryStringParameters": "x"}])
    def test_an_odd_event_is_a_request_for_the_way_in(self, event):
        found = apig.request(event)
        assert (found.method, found.path, found.body) == ("GET", "/", b"")

    def test_a_body_that_is_not_what_it_says_is_taken_as_it_is(self):
        assert apig.request({"body": "hi", "isBase64Encoded": False}).body == b"hi"
        assert apig.request({"body": "!!", "isBase64Encoded": True}).body == b"!!"

    def test_a_reply_is_always_in_base64(self):
        found = apig.response(Reply(200, {"A": "b"}, picture()))
        assert (found["statusCode"], found["isBase64Encoded"], found["headers"]) == (200, True, {"A": "b"})
