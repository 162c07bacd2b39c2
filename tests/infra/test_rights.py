"""Who may call what: the policies that Terraform makes, judged call by call."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.infra import rights
from tests.infra.policy_engine import UnknownPolicyError, allows, denies

FUNCTIONS = sorted(rights.table()["functions"])
IN, OUT = "obs:*:*:object:example-legible-in", "obs:*:*:object:example-legible-out"
UPLOAD, TIMER, FAILURE = (
    f"FUNCTIONGRAPH:ap-southeast-1:0123:function:default/legible-on-{name}" for name in ("upload", "timer", "failure")
)
GET, PUT, DELETE = "obs:object:GetObject", "obs:object:PutObject", "obs:object:DeleteObject"
VERSION, LIST, INVOKE = "obs:object:GetObjectVersion", "obs:bucket:ListBucket", "functiongraph:function:invokeAsync"
ENDING = {"on_upload", "on_failure", "recognize", "give_up"}
#: It puts a result back that was removed, and parks uploads that it found.
SWEEPING = {"on_sweep"}
#: It keeps what CTS recorded, and reads nothing.
KEEPING = {"on_audit_event"}
#: Who decides what becomes of a document, or asks whether what holds it up is mended.
DECIDING = {"on_upload", "on_notices", "split", "recognize", "recognize_pages"}
READING = set(FUNCTIONS) - {"on_notices", "on_timer", "on_report"} - KEEPING

#: A call, and who may make it; everybody else is denied it.
TABLE = [
    (GET, f"{IN}/passport/anna.png", READING),
    (VERSION, f"{IN}/passport/anna.png", READING),
    (LIST, "obs:*:*:bucket:example-legible-in", READING | {"on_timer"}),
    (PUT, f"{IN}/passport/anna.png", {"http_api"}),
    (DELETE, f"{IN}/passport/anna.png", set()),
    (PUT, f"{OUT}/tombstones/0.json", {"http_api"}),
    (DELETE, f"{OUT}/tombstones/0.json", set()),
    ("obs:object:DeleteObjectVersion", f"{IN}/passport/anna.png", set()),
    (GET, f"{OUT}/ledger/example-legible-in/passport/anna.png/v.jsonl", set(FUNCTIONS) - {"on_timer"} - KEEPING),
    (
        PUT,
        f"{OUT}/ledger/example-legible-in/passport/anna.png/v.jsonl",
        ENDING | SWEEPING | {"http_api", "recognize_pages"},
    ),
    (DELETE, f"{OUT}/ledger/example-legible-in/passport/anna.png/v.jsonl", set()),
    (PUT, f"{OUT}/answers/passport/anna.png/v/0001.json", ENDING | SWEEPING | {"http_api", "recognize_pages"}),
    (DELETE, f"{OUT}/answers/passport/anna.png/v/0001.json", set()),
    (GET, f"{OUT}/results/passport/anna.png/record.json", set(FUNCTIONS) - {"on_notices", "on_report"} - KEEPING),
    (PUT, f"{OUT}/changes/1.json", ENDING | {"http_api", "recognize_pages", "on_report"}),
    (GET, f"{OUT}/changes/1.json", {"on_report", "on_sweep", "http_api"}),
    (PUT, f"{OUT}/sweep/state.json", SWEEPING),
    (GET, f"{OUT}/sweep/state.json", {"on_sweep", "on_report", "http_api"}),
    (DELETE, f"{OUT}/sweep/state.json", set()),
    (PUT, f"{OUT}/sweep/unsettled/1.json", {"on_sweep", "on_report"}),
    (DELETE, f"{OUT}/sweep/unsettled/1.json", SWEEPING),
    (DELETE, f"{OUT}/changes/1.json", {"on_report"}),
    (PUT, f"{OUT}/reports/.usage/2026/11/25.json", {"on_report"}),
    (PUT, f"{OUT}/reports/2026-11/usage.xlsx", {"on_report"}),
    (PUT, f"{OUT}/reports/.probes/2026/11/25.jsonl", {"on_report", "http_api", "on_notices"}),
    (GET, f"{OUT}/reports/.usage/2026/11/25.json", {"on_report", "http_api"}),
    (GET, f"{OUT}/reports/2026-11/usage.xlsx", {"on_report"}),
    (GET, f"{OUT}/reports/.ends/2026/11/25.jsonl", {"on_report", "http_api"}),
    (PUT, f"{OUT}/reports/.ends/2026/11/25.jsonl", {"on_report"}),
    (PUT, f"{OUT}/backfills/old/manifest.json", set()),
    (DELETE, f"{OUT}/reports/2026-11/usage.xlsx", set()),
    (GET, f"{OUT}/answers/passport/anna.png/v/0001.json", ENDING | SWEEPING | {"http_api", "recognize_pages"}),
    (GET, f"{OUT}/contents/0-1/2.jsonl", {"on_upload", "recognize", "recognize_pages"}),
    (PUT, f"{OUT}/contents/0-1/2.jsonl", {"on_upload", "recognize", "recognize_pages"}),
    (DELETE, f"{OUT}/contents/0-1/2.jsonl", set()),
    (GET, f"{OUT}/requests/1.jsonl", {"http_api"}),
    (PUT, f"{OUT}/results/passport/anna.png/record.json", ENDING | SWEEPING | {"http_api"}),
    (DELETE, f"{OUT}/results/passport/anna.png/record.md", ENDING | SWEEPING | {"http_api"}),
    (PUT, f"{OUT}/work/passport/anna.png/v/0001.jpg", {"on_upload", "http_api", "recognize", "recognize_pages"}),
    (PUT, f"{OUT}/workbooks/daily.xlsx", ENDING | {"on_timer"}),
    (GET, f"{OUT}/workbooks/daily.xlsx", ENDING | {"on_timer", "http_api"}),
    (PUT, f"{OUT}/requests/1.jsonl", {"http_api"}),
    (PUT, f"{OUT}/audit/.pending/1.json", ENDING | {"http_api", "on_timer", "on_audit_event", "on_report"}),
    (DELETE, f"{OUT}/audit/.pending/1.json", {"on_report"}),
    (GET, f"{OUT}/audit/2026/11/25.jsonl", {"http_api", "on_report"}),
    (PUT, f"{OUT}/audit/2026/11/25.jsonl", {"on_report"}),
    (DELETE, f"{OUT}/audit/2026/11/25.jsonl", set()),
    (PUT, f"{OUT}/notices/outbox/1.json", ENDING | {"on_notices"}),
    (DELETE, f"{OUT}/notices/outbox/1.json", ENDING | {"on_notices"}),
    (DELETE, f"{OUT}/notices/log/2026/11/25/12-0.jsonl", set()),
    (PUT, f"{OUT}/failures/on_timer/1", set()),
    (PUT, f"{OUT}-failures/failures/on_timer/1", set(FUNCTIONS) - {"on_upload"}),
    (GET, f"{OUT}-failures/failures/on_timer/1", set()),
    (GET, f"{OUT}-failures/failures/on_failure/1", {"on_notices"}),
    (DELETE, f"{OUT}-failures/failures/on_failure/1", {"on_notices"}),
    (LIST, "obs:*:*:bucket:example-legible-out-failures", {"on_notices"}),
    (GET, "obs:*:*:object:example-legible-out-code/legible-python3.12.zip", set()),
    (PUT, "obs:*:*:object:example-legible-out-code/legible-python3.12.zip", set()),
    (GET, "obs:*:*:object:somebody-elses/passport/anna.png", set()),
    (GET, "obs:*:*:object:example-legible-inner/passport/anna.png", set()),
    (LIST, "obs:*:*:bucket:somebody-elses", set()),
    ("obs:bucket:PutBucketPolicy", "obs:*:*:bucket:example-legible-in", set()),
    ("obs:bucket:PutBucketAcl", "obs:*:*:bucket:example-legible-out", set()),
    ("obs:object:PutObjectAcl", f"{OUT}/results/passport/anna.png/record.json", set()),
    (PUT, f"{OUT}/waiting/1.json", {"on_upload", "on_failure", "on_notices", "on_sweep", "http_api"}),
    (GET, f"{OUT}/waiting/1.json", {"on_notices", "on_report", "on_sweep"}),
    (GET, f"{OUT}/notices/outbox/1.json", ENDING | {"on_notices", "on_report"}),
    (DELETE, f"{OUT}/waiting/1.json", {"on_notices"}),
    (PUT, f"{OUT}/held/uploads/1/1.json", {"on_upload", "on_failure", "on_notices", "on_sweep"}),
    (GET, f"{OUT}/held/uploads/1/1.json", {"on_notices"}),
    (GET, f"{OUT}/held/obstacles/1.json", {"on_upload", "on_failure", "on_notices", "on_sweep", "http_api"}),
    (DELETE, f"{OUT}/held/obstacles/1.json", {"on_notices"}),
    (PUT, f"{OUT}/reports/.projects/1.json", DECIDING | {"on_report"}),
    ("eps:enterpriseProjects:list", "", DECIDING | {"http_api"}),
    ("eps:enterpriseProjects:update", "", set()),
    (INVOKE, UPLOAD, {"on_upload", "http_api", "on_notices"}),
    (INVOKE, TIMER, {"http_api"}),
    (INVOKE, FAILURE, {"on_upload", "on_failure"}),
    (INVOKE, UPLOAD + "-2", set()),
    ("functiongraph:function:updateCode", UPLOAD, set()),
    ("smn:topic:publish", "", ENDING | {"on_notices"}),
    ("smn:topic:delete", "", set()),
    ("ces:metricData:create", "", {"on_report"}),
    ("eg:channels:putEvents", "", ENDING | {"on_notices"}),
    ("cts:trace:list", "", {"on_report"}),
    ("ces:metrics:list", "", {"http_api"}),
    ("ces:metricData:list", "", {"http_api"}),
    ("ocr:passport:subscribe", "", set()),
    ("iam:agencies:createAgency", "", set()),
]


@pytest.mark.parametrize(("action", "resource", "who"), TABLE, ids=[f"{a} {r}".strip() for a, r, _ in TABLE])
def test_a_call_is_allowed_to_whom_it_is_meant_for_and_to_nobody_else(action, resource, who):
    found = {name for name in FUNCTIONS if allows(rights.statements(name), action, resource)}
    assert found - {"on_forget"} == who - {"on_forget"}


@pytest.mark.parametrize(
    ("action", "resource", "may"),
    [
        (DELETE, f"{IN}/passport/anna.png", True),
        ("obs:object:DeleteObjectVersion", f"{IN}/passport/anna.png", True),
        ("obs:object:DeleteObjectVersion", f"{OUT}/answers/passport/anna.png/v/0001.json", True),
        (DELETE, f"{OUT}/ledger/example-legible-in/passport/anna.png/v.jsonl", True),
        (PUT, f"{OUT}/ledger/example-legible-in/passport/anna.png/v.jsonl", True),
        (PUT, f"{IN}/passport/anna.png", False),
        (PUT, f"{OUT}/answers/passport/anna.png/v/0001.json", False),
        (DELETE, f"{OUT}/audit/2026/11/25.jsonl", False),
        ("obs:object:DeleteObjectVersion", f"{OUT}/audit/2026/11/25.jsonl", False),
        (DELETE, f"{OUT}/reports/.usage/2026/11/25.json", False),
        (INVOKE, UPLOAD, False),
    ],
)
def test_one_function_alone_may_forget_documents_and_it_may_do_nothing_else(action, resource, may):
    assert allows(rights.statements("on_forget"), action, resource) is may
    others = {name for name in FUNCTIONS if allows(rights.statements(name), "obs:object:DeleteObjectVersion", resource)}
    assert others <= {"on_forget"}


def test_what_the_platform_and_eventgrid_may_do():
    made = rights.policies()
    platform, deliverer = (made[name]["obs"] + made[name]["project"] for name in ("config", "eventgrid"))
    assert allows(platform, INVOKE, FAILURE)
    assert not allows(platform, INVOKE, UPLOAD)
    assert not allows(platform, GET, f"{IN}/passport/anna.png")
    assert allows(deliverer, INVOKE, UPLOAD)
    assert not allows(deliverer, INVOKE, FAILURE)
    assert not made["eventgrid"]["obs"]


def test_who_has_no_such_target_may_not_tell_it():
    for policies in rights.policies(notify=("smn",)).values():
        assert not allows(policies["project"], "eg:channels:putEvents")


def test_every_action_is_exact_and_no_resource_is_everything():
    for agency, scopes in rights.policies().items():
        for statement in scopes["obs"] + scopes["project"]:
            assert all(re.fullmatch(r"[a-z]+:[A-Za-z]+:[A-Za-z]+", action) for action in statement["Action"]), agency
            assert all(not re.search(r"(^|:)\*$", resource) for resource in statement.get("Resource", ())), agency


def test_obs_is_granted_apart_from_what_is_granted_in_the_project():
    """One policy cannot have both: OBS is a global service, and so is EPS."""
    for agency, scopes in rights.policies().items():
        for scope, found in scopes.items():
            services = {action.split(":")[0] for statement in found for action in statement["Action"]}
            assert services <= {"obs", "eps"} if scope == "obs" else services.isdisjoint({"obs", "eps"}), agency


def test_every_duty_is_somebodys():
    found = rights.table()
    used = {duty for duties in found["functions"].values() for duty in duties}
    used |= {*found["configuration"], *found["eventgrid"], *(f"tell-{kind}" for kind in rights.NOTIFY)}
    assert set(found["duties"]) - used == {"use-key", "notify-of-uploads", "join-network"}, (
        "Terraform adds these by switches"
    )
    assert used <= set(found["duties"])


def test_the_policies_of_the_plan_are_these():
    """The plan's assertion compares with the same file. Written by python -m tests.infra.rights."""
    assert rights.WRITTEN.read_text("utf-8") == rights.written()


class TestEngine:
    def test_what_nothing_allows_is_denied(self):
        assert not allows([], GET, f"{IN}/a")

    def test_a_deny_beats_every_allow(self):
        both = [
            {"Effect": "Allow", "Action": ["obs:object:*"], "Resource": ["obs:*:*:object:b/*"]},
            {"Effect": "Deny", "Action": ["obs:object:DeleteObject"], "Resource": ["obs:*:*:object:b/keep/*"]},
        ]
        assert allows(both, DELETE, "obs:*:*:object:b/a")
        assert not allows(both, DELETE, "obs:*:*:object:b/keep/a")
        assert not allows(both, "obs:bucket:ListBucket", "obs:*:*:bucket:b")

    def test_a_star_crosses_no_colon_of_a_resource_but_in_its_path(self):
        one = [{"Effect": "Allow", "Action": [GET], "Resource": ["obs:*:*:object:b/*"]}]
        assert allows(one, GET, "obs:*:*:object:b/a:b/c")
        assert not allows(one, GET, "obs:*:*:bucket:b/a")
        assert not allows(one, GET, "b/a")

    def test_what_it_does_not_know_it_does_not_judge(self):
        with pytest.raises(UnknownPolicyError, match="NotAction"):
            allows([{"Effect": "Allow", "NotAction": ["*"], "Action": ["*"]}], GET)
        with pytest.raises(UnknownPolicyError, match="StringLike"):
            allows([{"Effect": "Allow", "Action": ["*"], "Condition": {"StringLike": {}}}], GET)
        with pytest.raises(UnknownPolicyError, match="Maybe"):
            allows([{"Effect": "Maybe", "Action": ["*"]}], GET)

    @pytest.mark.parametrize(("secure", "denied"), [("true", False), ("false", True)])
    def test_the_buckets_policy_denies_plain_http(self, secure, denied):
        policy = [
            {
                "Effect": "Deny", "Principal": {"ID": ["*"]}, "Action": ["*"], "Resource": ["b", "b/*"],
                "Condition": {"Bool": {"SecureTransport": ["false"]}},
            }
        ]  # fmt: skip
        for action, resource in (("GetObject", "b/a"), ("ListBucket", "b")):
            assert denies(policy, action, resource, {"SecureTransport": secure}) is denied


def test_the_table_is_readable_yaml_without_its_values():
    assert set(yaml.safe_load(rights.TABLE.read_text("utf-8"))) == {
        "duties", "functions", "telling", "configuration", "eventgrid",
    }  # fmt: skip
