"""Policies: what each role is let do, what it is not, and that it suffices for what Legible does."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from legible.errors import HeldError, UnavailableError
from legible.extraction.corrections import Change, digest
from legible.model.documents import ObjectRef, Selection
from legible.notices.targets import EventGrid, Smn
from legible.operations.catalog import OPERATIONS
from legible.ports import WHOLE
from legible.settings import Settings
from legible.settings.tables import Buckets, Cloud, Functions, Ocr
from legible_cli.__main__ import main
from legible_cli.doctor import inspector
from legible_cli.policy import needs, templates
from legible_cli.policy.command import in_words
from legible_cli.policy.grammar import Call, Policy, PolicyError, Statement, allowed, read, written
from legible_cli.policy.roles import ROLES, lacking, role
from tests.infra import rights
from tests.infra.templates import blocks
from tests.support.fakes import MemoryStore, Receiver
from tests.support.places import DATA
from tests.support.rig import IN, OUT, Rig, picture

TABLE = DATA / "policies" / "system_policies.csv"
FUNCTION = "FUNCTIONGRAPH:r:p:function:default/"
SETTINGS = Settings(
    cloud=Cloud("ap-southeast-1", "0f4c"),
    buckets=Buckets(IN, OUT),
    functions=Functions(upload="legible-on-upload:!live"),
    ocr=Ocr(enterprise_project="e1"),
    notify={
        "ops": Smn(topic_urn="urn:smn:ap-southeast-1:0f4c:legible"),
        "bus": EventGrid(channel_id="c", source="legible"),
    },
)
NAMED = [one for one in OPERATIONS.values() if one.iam]


def policies(name, operations=NAMED, settings=SETTINGS):
    return tuple(role(name, settings, operations).policies.values())


def can(name, action, resource="", **named):
    return allowed(policies(name, **named), Call(action, resource))


# --- the vendor's own table


def system_policies():
    rows = [row for row in TABLE.read_text("utf-8").splitlines() if not row.startswith("#")]
    return list(csv.DictReader(rows))


def test_the_table_of_the_user_guide_is_whole():
    """Given table 10-2: eleven APIs with five actions each, and each API is in the catalog."""
    actions = {row["action"] for row in system_policies()}
    assert len(actions) == 55
    assert {action.split(":")[1] for action in actions} <= {one.iam for one in NAMED}


@pytest.mark.parametrize("row", system_policies(), ids=lambda row: row["action"])
def test_the_equivalents_of_the_system_policies_say_what_the_table_says(row):
    assert can("ocr-full-access", row["action"]) == (row["OCR FullAccess"] == "yes")
    assert can("ocr-read-only", row["action"]) == (row["OCR ReadOnlyAccess"] == "yes")


@pytest.mark.parametrize("row", system_policies(), ids=lambda row: row["action"])
def test_who_subscribes_and_who_only_looks(row):
    action, changes = row["action"], row["OCR ReadOnlyAccess"] == "no"
    assert can("operator", action) and can("deployer", action)
    assert can("auditor", action) != changes
    assert not can("reviewer", action) and not can("function", action)


@pytest.mark.parametrize("slug", ["passport", "hk-id-card", "thailand-license-plate", "cambodian-idcard"])
def test_a_policy_for_one_operation_is_about_no_other(slug):
    one = OPERATIONS[slug]
    for row in system_policies():
        mine = row["action"].split(":")[1] == one.iam
        assert can("ocr-full-access", row["action"], operations=[one]) == mine


# --- calls that are allowed, and calls that are denied


@pytest.mark.parametrize(
    ("name", "action", "resource", "expected"),
    [
        ("function", "obs:object:GetObject", f"obs:cn-north-4:d1:object:{IN}/passport/a.png", True),
        ("function", "obs:object:PutObject", f"obs:cn-north-4:d1:object:{IN}/passport/a.png", True),
        ("function", "obs:object:DeleteObject", f"obs:cn-north-4:d1:object:{IN}/passport/a.png", False),
        ("function", "obs:object:PutObject", f"obs:cn-north-4:d1:object:{OUT}/results/a/record.json", True),
        ("function", "obs:object:PutObject", f"obs:cn-north-4:d1:object:{OUT}/elsewhere.txt", False),
        ("function", "obs:object:DeleteObject", f"obs:cn-north-4:d1:object:{OUT}/answers/a/1/0001.json", False),
        ("function", "obs:object:DeleteObject", f"obs:cn-north-4:d1:object:{OUT}/ledger/{IN}/a/1.jsonl", False),
        ("function", "obs:object:DeleteObject", f"obs:cn-north-4:d1:object:{OUT}/notices/outbox/n.json", True),
        ("function", "obs:object:DeleteObject", f"obs:cn-north-4:d1:object:{OUT}/notices/log/l.jsonl", False),
        ("function", "obs:object:GetObject", "obs:cn-north-4:d1:object:others/secret.png", False),
        ("function", "obs:bucket:DeleteBucket", f"obs:cn-north-4:d1:bucket:{IN}", False),
        ("function", "functiongraph:function:invokeAsync", FUNCTION + "legible-on-upload", True),
        ("function", "FunctionGraph:function:invokeAsync", "FUNCTIONGRAPH:r:p:function:default/legible-on-timer", True),
        ("function", "functiongraph:function:invokeAsync", FUNCTION + "legible-on-failure", True),
        ("function", "obs:object:PutObject", f"obs:cn-north-4:d1:object:{OUT}-failures/failures/on_timer/e.json", True),
        ("function", "obs:object:GetObject", f"obs:cn-north-4:d1:object:{OUT}-failures/failures/on_timer/e", False),
        ("function", "functiongraph:function:invokeAsync", FUNCTION + "other", False),
        ("function", "functiongraph:function:updateCode", FUNCTION + "legible-on-upload", False),
        ("function", "smn:topic:publish", "", True),
        ("function", "eg:channels:putEvents", "", True),
        ("function", "smn:topic:delete", "", False),
        ("function", "obs:object:DeleteObjectVersion", f"obs:r:d:object:{IN}/passport/a.png", False),
        ("operator", "obs:object:DeleteObject", f"obs:r:d:object:{IN}/passport/a.png", False),
        ("forget", "obs:object:DeleteObjectVersion", f"obs:r:d:object:{IN}/passport/a.png", True),
        ("forget", "obs:object:DeleteObjectVersion", f"obs:r:d:object:{OUT}/answers/a/1/0001.json", True),
        ("forget", "obs:object:DeleteObject", f"obs:r:d:object:{OUT}/audit/2026/11/25.jsonl", False),
        ("forget", "obs:object:DeleteObject", f"obs:r:d:object:{OUT}/reports/.usage/2026/11/25.json", False),
        ("forget", "obs:object:PutObject", f"obs:r:d:object:{IN}/passport/a.png", False),
        ("reviewer", "obs:object:PutObject", f"obs:r:d:object:{OUT}/answers/a/1/review.me.json", True),
        ("reviewer", "obs:object:PutObject", f"obs:r:d:object:{IN}/passport/a.png", False),
        ("reviewer", "obs:object:DeleteObject", f"obs:r:d:object:{OUT}/answers/a/1/0001.json", False),
        ("reviewer", "functiongraph:function:invokeAsync", FUNCTION + "legible-on-upload", False),
        ("auditor", "obs:object:GetObject", f"obs:r:d:object:{OUT}/ledger/{IN}/a/1.jsonl", True),
        ("auditor", "obs:object:GetObject", f"obs:r:d:object:{OUT}/results/a/record.json", False),
        ("auditor", "obs:object:GetObject", f"obs:r:d:object:{IN}/passport/a.png", False),
        ("auditor", "obs:object:PutObject", f"obs:r:d:object:{OUT}/ledger/{IN}/a/1.jsonl", False),
        ("auditor", "functiongraph:trigger:list", FUNCTION + "legible-on-upload", True),
        ("auditor", "functiongraph:trigger:list", "FUNCTIONGRAPH:r:p:trigger:0f4c", True),
        ("operator", "functiongraph:trigger:get", "FUNCTIONGRAPH:r:p:trigger:0f4c", True),
        ("operator", "functiongraph:trigger:delete", "FUNCTIONGRAPH:r:p:trigger:0f4c", False),
        ("operator", "obs:bucket:GetReplicationConfiguration", f"obs:r:d:bucket:{OUT}", True),
        ("operator", "obs:bucket:PutBucketPolicy", f"obs:r:d:bucket:{OUT}", False),
        ("operator", "eps:enterpriseProjects:list", "", True),
        ("deployer", "obs:bucket:CreateBucket", f"obs:r:d:bucket:{IN}", True),
        ("deployer", "obs:bucket:CreateBucket", f"obs:r:d:bucket:{OUT}-code", True),
        ("deployer", "obs:object:PutObject", f"obs:r:d:object:{OUT}-code/legible-python3.12-0.zip", True),
        ("deployer", "obs:object:PutObject", f"obs:r:d:object:{OUT}/results/a/record.json", False),
        ("deployer", "obs:bucket:DeleteBucket", "obs:r:d:bucket:others", False),
        ("deployer", "obs:object:GetObject", f"obs:r:d:object:{IN}/passport/a.png", False),
        ("deployer", "functiongraph:function:create", FUNCTION + "legible-on-upload", True),
        ("deployer", "functiongraph:function:delete", FUNCTION + "others", False),
        ("deployer", "functiongraph:function:list", FUNCTION + "others", True),
        ("deployer", "obs:object:PutObject", f"obs:r:d:object:{OUT}-state/legible/terraform.tfstate", True),
        ("deployer", "obs:object:GetObject", f"obs:r:d:object:{OUT}-state/legible/terraform.tfstate", True),
        ("deployer", "obs:bucket:DeleteBucket", f"obs:r:d:bucket:{OUT}-state", False),
        ("deployer", "iam:agencies:createAgency", "", True),
        ("deployer", "iam:users:createUser", "", False),
        ("deployer", "apig:apis:publish", "", True),
        ("deployer", "apig:instances:delete", "", False),
        ("deployer", "lts:groups:delete", "", True),
        ("deployer", "tms:resources:list", "", True),
        ("operator", "iam:agencies:createAgency", "", False),
        ("function", "lts:groups:create", "", False),
    ],
)  # fmt: skip
def test_what_a_role_may_do_and_what_not(name, action, resource, expected):
    assert can(name, action, resource) is expected


def test_one_agency_for_all_functions_may_what_the_templates_let_each_of_them():
    """Given the table that Terraform deploys: an agency by `legible policy function` lacks none of it.

    What forgets documents has an agency of its own, by `legible policy forget`.
    """
    deployed = rights.policies(input=IN, output=OUT, failures=f"{OUT}-failures")
    asked = {
        (action, resource.replace("*", "x", 2).replace("/*", "/x"))
        for agency, scopes in deployed.items()
        if agency.startswith("exec-") and agency != "exec-on-forget"
        for statement in scopes["obs"] + scopes["project"]
        for action in statement["Action"]
        for resource in statement.get("Resource", [""])
    }
    assert ("functiongraph:function:invokeAsync", "FUNCTIONGRAPH:x:x:function:default/legible-on-failure") in asked
    assert [one for one in sorted(asked) if not can("function", *one)] == []


def test_functions_and_triggers_are_written_in_one_way_in_both_tables():
    """In capitals, as the vendor writes resources of FunctionGraph (functiongraph_01_0215)."""
    roles = [one for name in ROLES for policy in policies(name) for one in policy.statement]
    places = {place for one in roles for place in one.resource or ()}
    deployed = [one for scopes in rights.policies().values() for one in scopes["project"]]
    places |= {place for one in deployed for place in one.get("Resource", ())}
    mine = {place for place in places if place.partition(":")[0].lower() == "functiongraph"}
    assert len(mine) > 5 and {place.partition(":")[0] for place in mine} == {"FUNCTIONGRAPH"}


def test_no_policy_says_everything():
    for name in ROLES:
        for policy in policies(name):
            for statement in policy.statement:
                assert not {"*", "*:*", "*:*:*"} & set(statement.action)
                for resource in statement.resource or ():
                    if resource == needs.TRIGGERS:
                        assert {action.split(":")[2][:3] for action in statement.action} <= {"get", "lis"}, "reads only"
                    else:
                        assert resource.split(":", 4)[4] not in ("*", "")
                # OBS is never without a place, and scopes are never mixed.
                services = {action.split(":")[0] for action in statement.action}
                assert statement.resource is not None or not services & {"obs", "functiongraph"}
        scopes = role(name, SETTINGS, NAMED).policies
        for scope, policy in scopes.items():
            services = {action.split(":")[0] for one in policy.statement for action in one.action}
            beside = {"iam", "tms"} if scope == "global" else {"apig", "ces", "cts", "lts", "vpc"}
            own = {"obs", "eps", "iam"} if scope == "global" else {"ocr", "functiongraph", "smn", "eg", "cts", "ces"}
            assert services <= (own | beside if name == "deployer" else own)


def test_a_deployer_may_do_all_that_the_templates_do():
    """Given every kind of resource and data source there: one that is added without its actions fails here."""
    found = {one.type for kind in ("resource", "data") for one in blocks(kind)}
    assert found == set(templates.ACTIONS) & found, f"without actions: {sorted(found - set(templates.ACTIONS))}"
    for kind in sorted(found):
        for action in templates.ACTIONS[kind]:
            assert can("deployer", action.replace("*", "anything")), (kind, action)


@pytest.mark.parametrize(
    "kind", [kind for kind in templates.ACTIONS if not kind.startswith(("huaweicloud_obs", "huaweicloud_fgs", "terr"))]
)
def test_what_a_deployer_makes_it_can_read_and_remove_again(kind):
    verbs = {action.rpartition(":")[2] for action in templates.ACTIONS[kind]}
    changes = kind not in ("huaweicloud_eg_event_channels", "huaweicloud_smn_subscription")
    begins = ("list", "get", *(("create", "delete", "update") if changes else ()))
    for begin in begins[:1] + begins[2:]:
        assert "*" in verbs or any(verb.startswith(begin) or (begin, verb) == ("update", "put") for verb in verbs), (
            begin
        )


@pytest.mark.parametrize(
    "read",
    ["StoragePolicy", "Versioning", "Logging", "Quota", "Website", "CORS", "Policy", "Tagging", "Storage"],
)
def test_a_deployer_reads_of_a_bucket_what_terraform_reads(read):
    """The provider asks for all of it at each plan, whether it is set or not, and most refusals end the plan."""
    for bucket in (IN, OUT, f"{OUT}-code"):
        assert can("deployer", f"obs:bucket:GetBucket{read}", f"obs:r:d:bucket:{bucket}")
        assert can("deployer", "obs:bucket:GetBucketCustomDomainConfiguration", f"obs:r:d:bucket:{bucket}")
    zip_ = f"obs:r:d:object:{OUT}-code/legible-python3.12-0.zip"
    assert can("deployer", "obs:object:PutObjectTagging", zip_) and can("deployer", "obs:object:GetObjectTagging", zip_)


@pytest.mark.parametrize("name", ["operator", "auditor"])
def test_who_looks_may_do_all_that_doctor_would_tell_them_to_ask_for(name):
    """Identity policies are asked for only where something is lacking, and whoever may not ask is told of that."""
    files = Path(inspector.__file__).parent.glob("*.py")
    said = "".join(file.read_text("utf-8") for file in files)
    asked = set(re.findall(r'"((?:functiongraph|eg|iam:(?:agencies|permissions|roles)):\w+(?::\w+)?)"', said))
    asked -= {"iam:agencies:listAttachedPolicies"}
    assert {"functiongraph:trigger:list", "eg:subscriptions:list", "iam:agencies:listAgencies"} <= asked
    for function in ("legible-on-upload", "legible-http-api", "legible-split"):
        mine = {one for one in asked if function == "legible-on-upload" or "getConfig" in one}
        assert [action for action in sorted(mine) if not can(name, action, FUNCTION + function)] == []


def test_a_deployer_is_told_that_a_trigger_is_a_resource_of_its_own():
    """Its id is not known before it is made (functiongraph_01_0407): only the right to all of a project's would do."""
    assert not can("deployer", "functiongraph:trigger:delete", "FUNCTIONGRAPH:r:p:trigger:0f4c")
    assert any(needs.TRIGGERS in note for note in role("deployer", SETTINGS, NAMED).notes)
    assert not any(needs.TRIGGERS in note for note in role("operator", SETTINGS, NAMED).notes)


def test_targets_that_settings_do_not_name_are_not_permitted():
    quiet = Settings(cloud=SETTINGS.cloud, buckets=SETTINGS.buckets)
    assert not can("function", "smn:topic:publish", settings=quiet)
    assert not can("function", "eg:channels:putEvents", settings=quiet)
    assert not can("operator", "eps:enterpriseProjects:list", settings=quiet)


# --- that it suffices


class Guarded(MemoryStore):
    """A store that lets a caller do what its role's policies allow, and nothing else."""

    def __init__(self, clock, name):
        super().__init__(clock)
        self.policies = policies(name)
        self.name = name

    def check(self, action, resource):
        if not allowed(self.policies, Call(action, resource)):
            raise HeldError(f"{self.name} may not {action} on {resource}")

    def on(self, action, ref):
        self.check(f"obs:object:{action}", f"obs:cn-north-4:domain:object:{ref.bucket}/{ref.key}")

    def head(self, ref, version_id=""):
        self.on("GetObjectVersion" if version_id else "GetObject", ref)
        return super().head(ref, version_id)

    def read(self, ref, wanted=WHOLE):
        self.on("GetObjectVersion" if wanted.version_id else "GetObject", ref)
        return super().read(ref, wanted)

    def write(self, ref, body, content_type, metadata=None):
        self.on("PutObject", ref)
        super().write(ref, body, content_type, metadata)

    def copy(self, source, target):
        self.on("GetObject", source)
        self.on("PutObject", target)
        super().copy(source, target)

    def remove(self, ref):
        self.on("DeleteObject", ref)
        super().remove(ref)

    def append(self, ref, position, body):
        self.on("PutObject", ref)
        return super().append(ref, position, body)

    def list(self, bucket, prefix, after=""):
        self.check("obs:bucket:ListBucket", f"obs:cn-north-4:domain:bucket:{bucket}")
        return super().list(bucket, prefix, after)


def becomes(rig, name):
    """Let the rig's next steps be done by a role, in the same world."""
    guarded = Guarded(rig.clock, name)
    guarded.__dict__.update(
        {key: value for key, value in rig.store.__dict__.items() if key not in ("policies", "name")}
    )
    rig.store = guarded
    return rig


@pytest.fixture
def rig():
    return becomes(Rig(), "function")


@pytest.fixture
def done(rig):
    rig.run(rig.upload("passport/anna.png"))
    assert rig.record("passport/anna.png")["status"] == "done"
    return rig


def down():
    raise UnavailableError("down")


def test_the_functions_policy_suffices_for_a_document_a_notice_and_a_workbook(done):
    """Given a target that fails at first: the notice waits in the outbox, and is removed from there."""
    unread = Receiver()
    unread.fail = down
    done.targets, done.notifiers = {"ops": SETTINGS.notify["ops"]}, {"ops": unread}
    done.run(done.upload("passport/anna.png", picture(61, 41)))
    done.run(done.upload("passport/anna.png", b"no picture"))
    assert done.record("passport/anna.png")["status"] == "rejected", "and the results of before are gone"
    done.clock.pause(7200)
    unread.fail = lambda: None
    assert done.notices().walk().sent
    assert done.collector().build("all", Selection("passport/")).files


def test_the_operators_policy_suffices_to_rebuild_and_to_collect(done):
    becomes(done, "operator")
    for name in done.rebuilder().below(""):
        done.rebuilder().rebuild(done.rebuilder().current(name))
    assert done.collector().build("all", Selection()).files


def test_the_reviewers_policy_suffices_to_correct(done):
    becomes(done, "reviewer")
    version = done.record("passport/anna.png")["document"]["version"]
    edit = Change(1, "surname", "ERIKSSEN", digest("ERIKSSON"))
    assert done.reviewer().apply("passport/anna.png", version, (edit,), "Wang Fang", "refuse").applied == 1


def test_the_auditors_policy_reads_journals_and_no_results(done):
    store = becomes(done, "auditor").store
    journals = [item.key for item in store.list(OUT, "ledger/")]
    assert journals and all(store.read(ObjectRef(OUT, key)) for key in journals)
    with pytest.raises(HeldError, match="auditor may not obs:object:GetObject"):
        store.read(ObjectRef(OUT, "results/passport/anna.png/record.json"))


# --- the grammar


GET = Call("obs:object:GetObject", "obs:r:d:object:b/k")


def policy(*statements):
    return Policy(tuple(Statement(*one) for one in statements))


@pytest.mark.parametrize(
    ("statement", "call", "expected"),
    [
        (("Allow", ("obs:object:Get*",)), GET, True),
        (("Allow", ("obs:object:Get*",)), Call("obs:object:PutObject", "obs:r:d:object:b/k"), False),
        (("Allow", ("obs:*:*",)), Call("obs:bucket:DeleteBucket", "obs:r:d:bucket:b"), True),
        (("Allow", ("*",)), Call("ocr:passport:subscribe"), True),
        (("Allow", ("ocr:*:subscribe",)), Call("ocr:passport:subscribeAllUsers"), False),
        (("Allow", (GET.action,), ("OBS:*:*:object:b/in/*",)), Call(GET.action, "obs:r:d:object:b/in/x/y"), True),
        (("Allow", (GET.action,), ("obs:*:*:object:b/in/*",)), Call(GET.action, "obs:r:d:object:b/int"), False),
        (("Allow", (GET.action,), ("obs:*:*:object:b/a.c",)), Call(GET.action, "obs:r:d:object:b/abc"), False),
        (("Allow", (GET.action,), ("obs:*:*:object:b/K",)), GET, False),
        (("Allow", (GET.action,), ("*",)), GET, True),
        (("Allow", (GET.action,), ("obs",)), GET, False),
        (("Allow", ("smn:topic:publish",), ("smn:*:*:topic:t",)), Call("smn:topic:publish"), False),
    ],
)
def test_what_a_statement_allows(statement, call, expected):
    assert allowed([policy(statement)], call) is expected


@pytest.mark.parametrize(
    ("operator", "value", "found", "expected"),
    [
        ("StringEquals", "a/", "a/", True),
        ("StringEquals", "a/", "c/", False),
        ("StringEquals", "a/", None, False),
        ("StringLike", "a*c", "abc", True),
        ("StringLike", "a*c", "abd", False),
        ("StringStartWith", "a", "abc", True),
        ("StringEndWith", "a", "abc", False),
        ("Bool", "true", "True", True),
        ("IpAddress", "10.0.0.0/8", "10.1.1.1", False),
    ],
)
def test_a_condition_is_met_by_one_of_its_values(operator, value, found, expected):
    statement = ("Allow", (GET.action,), None, {operator: {"key": ("never", value)}})
    call = Call(GET.action, GET.resource, {} if found is None else {"key": found})
    assert allowed([policy(statement)], call) is expected


def test_a_deny_stands_above_every_allow_also_of_another_policy():
    everything, never = policy(("Allow", ("obs:*:*",))), policy(("Deny", ("obs:object:DeleteObject",)))
    assert not allowed([everything, never], Call("obs:object:DeleteObject", "obs:r:d:object:b/k"))
    assert allowed([never, everything], Call("obs:object:GetObject", "obs:r:d:object:b/k"))


def test_a_deny_under_a_condition_that_is_not_known_here_denies():
    doubtful = policy(
        ("Allow", ("obs:*:*",)), ("Deny", ("obs:*:*",), None, {"IpAddress": {"g:SourceIp": ("10.0.0.0/8",)}})
    )
    assert not allowed([doubtful], Call("obs:object:GetObject", "obs:r:d:object:b/k"))


words = st.text("abcXYZ019-_./ü", min_size=1, max_size=8)
names = st.text("abcXYZ", min_size=1, max_size=6)
actions = st.tuples(names, names, names).map(":".join)
resources = st.tuples(names, words, words, names, words).map(":".join)
patterns = st.tuples(names | st.just("*"), names | st.just("*"), names | st.just("*")).map(":".join)
statements = st.builds(
    Statement,
    st.sampled_from(["Allow", "Deny"]),
    st.lists(patterns, min_size=1, max_size=3).map(tuple),
    st.none() | st.lists(resources | st.just("*"), max_size=3).map(tuple),
)
some = st.lists(st.builds(Policy, st.lists(statements, max_size=4).map(tuple)), max_size=3)


@given(some, actions, resources)
def test_nothing_is_allowed_unless_some_statement_allows_it_and_none_denies_it(found, action, resource):
    call = Call(action, resource)
    alone = [
        (one.effect, allowed([policy(("Allow", one.action, one.resource))], call)) for p in found for one in p.statement
    ]
    expected = ("Allow", True) in alone and ("Deny", True) not in alone
    assert allowed(found, call) is expected


@given(some, actions, resources)
def test_another_policy_with_a_deny_never_allows_more(found, action, resource):
    before = allowed(found, Call(action, resource))
    assert allowed([*found, policy(("Deny", (action,)))], Call(action, resource)) is False
    assert allowed([*found, policy(("Allow", (action,)))], Call(action, resource)) >= before


@given(actions, resources)
def test_what_is_named_is_allowed_and_a_star_stands_for_any_part_of_it(action, resource):
    call = Call(action, resource)
    assert allowed([policy(("Allow", (action,), (resource,)))], call)
    for cut in range(len(resource.split(":", 4)[4])):
        head = resource[: len(resource) - cut]
        assert allowed([policy(("Allow", (action,), (f"{head}*",)))], call)
    assert not allowed([policy(("Allow", (action,), (f"{resource}x",)))], call)


@given(some)
def test_what_is_written_is_read_again(found):
    assert read(json.dumps([written(one) for one in found])) == tuple(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("7", "no policy"),
        ('{"Version": "5.0", "Statement": []}', "identity policy"),
        ('{"Version": "1.0", "Statement": []}', "no policy"),
        ('{"Version": "1.1", "Statement": [{"Effect": "Maybe", "Action": []}]}', "no policy"),
        ('{"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["obs"]}]}', "'obs' is no action"),
    ],
)
def test_what_is_no_policy_is_refused_with_what_it_lacks(text, message):
    with pytest.raises(PolicyError, match=message):
        read(text)


# --- the command


ENVIRONMENT = {"LEGIBLE_REGION": "ap-southeast-1", "LEGIBLE_INPUT_BUCKET": IN, "LEGIBLE_OUTPUT_BUCKET": OUT}


def legible(*arguments):
    return CliRunner(env=ENVIRONMENT).invoke(main, ["policy", *map(str, arguments)])


@pytest.mark.parametrize("name", ROLES)
def test_what_is_printed_for_a_role_lacks_nothing_for_it(tmp_path, name):
    printed = legible(name)
    assert printed.exit_code == 0, printed.output
    (tmp_path / "policy.json").write_text(printed.output)
    checked = legible("check", tmp_path / "policy.json", "--role", name)
    assert checked.exit_code == 0, checked.output
    assert f"{name}: lacks nothing." in checked.output


def test_one_scope_is_printed_as_iam_takes_it():
    found = json.loads(legible("function", "--scope", "global").output)
    assert found["Version"] == "1.1" and found["Statement"]
    assert json.loads(legible("reviewer", "--scope", "project").output) == {"Version": "1.1", "Statement": []}


def test_a_role_that_calls_ocr_says_what_no_custom_policy_can():
    assert json.loads(legible("function").output)["attach"] == ["OCR ReadOnlyAccess"]
    assert json.loads(legible("reviewer").output)["attach"] == []
    assert "administrator" in json.loads(legible("deployer").output)["notes"][0]
    assert json.loads(legible("deployer").output)["attach"] == ["Tenant Guest"], "lists kinds of tagged resources"


def test_one_operation_only():
    found = json.loads(legible("operator", "--operation", "passport", "--scope", "project").output)
    assert {a for one in found["Statement"] for a in one["Action"] if a.startswith("ocr:")} == {
        f"ocr:passport:{verb}"
        for verb in ("subscribe", "unsubscribe", "getSubscribeUserList", "subscribeAllUsers", "unsubscribeAllUsers")
    }


def test_an_operation_that_no_page_names_for_iam_is_told_of():
    said = json.loads(legible("operator", "--operation", "vin").output)
    assert said["notes"] == ["No page names the IAM actions of: vin. Subscribe to them with the account."]


def test_an_unknown_operation_is_refused():
    assert "There is no operation 'pasport'" in legible("operator", "--operation", "pasport").output


def test_check_says_what_is_granted_and_what_is_lacking(tmp_path):
    (tmp_path / "p.json").write_text(
        json.dumps(
            {
                "Version": "1.1",
                "Statement": [
                    {"Effect": "Allow", "Action": ["obs:object:GetObject"], "Resource": [f"obs:*:*:object:{IN}/*"]},
                    {"Effect": "Deny", "Action": ["ocr:passport:subscribe", "*"]},
                    {
                        "Effect": "Allow",
                        "Action": ["lts:topics:list"],
                        "Condition": {"Bool": {"g:MFAPresent": ["true"]}},
                    },
                ],
            }
        )
    )
    said = legible("check", tmp_path / "p.json", "--role", "auditor")
    assert said.exit_code == 1
    assert f"OBS:\n  may get object (obs:object:GetObject) on object {IN}/*\n" in said.output
    assert "OCR:\n  may not subscribe (ocr:passport:subscribe) on everything\n" in said.output
    assert "Every service:\n  may not do anything (*) on everything\n" in said.output
    assert "lts:\n  may list (lts:topics:list) on everything, under Bool\n" in said.output
    assert "auditor lacks:\n  iam:agencies:listAgencies\n" in said.output
    assert f"\n  obs:bucket:GetBucketLocation on obs:*:*:bucket:{OUT}\n" in said.output
    assert legible("check", tmp_path / "p.json").exit_code == 0, "a look at all roles is no verdict"


def test_a_policy_that_grants_nothing_says_so():
    assert in_words([]) == ["It grants nothing."]


def test_a_need_for_a_whole_folder_is_not_met_by_a_part_of_it():
    narrow = policy(
        ("Allow", ("obs:object:*", "obs:bucket:*"), (f"obs:*:*:object:{OUT}/ledger/a/*", f"obs:*:*:bucket:{OUT}"))
    )
    missing = {need.resource for need in lacking("auditor", [narrow], SETTINGS, [])}
    assert f"obs:*:*:object:{OUT}/ledger/*" in missing
