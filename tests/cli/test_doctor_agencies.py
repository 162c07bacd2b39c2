"""``legible doctor`` and agencies: each must have what infra/policies/functions.yaml says, however it came by it."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from localcloud.cloud import OUTPUT_BUCKET, PROJECT_ID
from localcloud.faults import Fault
from localcloud.functiongraph import triggers
from localcloud.iam.agencies import Agency, Role
from localcloud.iam.rights import Rights
from tests.support.doctor import failed, found

pytestmark = pytest.mark.no_cover  # its subject is the command

UPLOAD, CONFIG, EVENTGRID = "legible-exec-on-upload", "legible-config", "legible-eventgrid"
LISTING = {
    "iam:agencies:listAgencies", "iam:permissions:listRolesForAgencyOnProject", "iam:roles:getRole",
    "iam:permissions:listRolesForAgencyOnDomain", "iam:permissions:listRolesForAgency",
    "iam:agencies:listAttachedPolicies",
}  # fmt: skip
FULL = ({"Effect": "Allow", "Action": ["obs:*:*"], "Resource": ["obs:*:*:*:*"]},)


def agency(cloud, name=UPLOAD):
    return cloud.account.agencies.by_name[name]


def checked(doctor, **changes):
    return found(doctor("--json", **changes))["agencies"]


def drop(roles, ending):
    """Take away the permissions whose name ends so; there is one."""
    kept = [one for one in roles if not one.display_name.endswith(ending)]
    assert len(kept) == len(roles) - 1
    roles[:] = kept


def no_ocr(cloud):
    """What a green apply leaves where IAM has no role of that name: the provider skips it with a line in its log."""
    drop(agency(cloud).projects[PROJECT_ID], "OCR ReadOnlyAccess")


def no_obs(cloud):
    drop(agency(cloud).everywhere, "-obs")


def no_project_policy(cloud):
    drop(agency(cloud).projects[PROJECT_ID], "-project")


def one_action_less(cloud):
    (role,) = agency(cloud).everywhere
    role.statements = copy.deepcopy(role.statements)
    role.statements[1]["Action"].remove("obs:object:GetObjectVersion")


def one_prefix_less(cloud):
    (role,) = agency(cloud).everywhere
    role.statements = tuple(
        one for one in role.statements if f"obs:*:*:object:{OUTPUT_BUCKET}/work/*" not in one.get("Resource", ())
    )


def denied(cloud):
    refusal = {"Effect": "Deny", "Action": ["obs:object:PutObject"], "Resource": ["obs:*:*:object:*"]}
    agency(cloud).domain.append(Role("no-writing", (refusal,), "AX", custom=True))


def in_another_project(cloud):
    agency(cloud).projects["0f4c-other"] = agency(cloud).projects.pop(PROJECT_ID)


def gone(cloud):
    del cloud.account.agencies.by_name[UPLOAD]


@pytest.mark.parametrize(
    ("fault", "lacks"),
    [
        (no_ocr, "OCR ReadOnlyAccess in the project of cn-north-4"),
        (no_obs, "obs:bucket:ListBucket on obs:*:*:bucket:legible-in"),
        (no_project_policy, "functiongraph:function:invokeAsync on FUNCTIONGRAPH:"),
        (one_action_less, "obs:object:GetObjectVersion on obs:*:*:object:legible-in/*"),
        (one_prefix_less, "obs:object:PutObject on obs:*:*:object:legible-out/work/*"),
        (denied, "obs:object:PutObject on"),
        (in_another_project, "OCR ReadOnlyAccess in the project of cn-north-4"),
        (gone, "there is no agency of this name"),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_an_agency_that_lacks_something_is_named_with_what_it_lacks(cloud, doctor, fault, lacks):
    fault(cloud)
    result = doctor("--json")
    assert failed(result) == ["agencies"], result.output
    said = found(result)["agencies"]
    assert f"{UPLOAD} lacks " in said["message"] and lacks in said["message"]
    assert "provider's log" in said["advice"] and "regions.json" in said["advice"]


@pytest.mark.parametrize("name", ["legible-exec-on-failure", "legible-exec-http-api", CONFIG, EVENTGRID])
def test_every_agency_is_looked_at(cloud, doctor, name):
    agency(cloud, name).everywhere.clear()
    agency(cloud, name).projects.clear()
    result = doctor("--json")
    assert failed(result) == ["agencies"]
    assert found(result)["agencies"]["message"].startswith(f"{name} lacks ")


def test_the_first_things_that_are_lacking_are_named_and_the_others_counted(cloud, doctor):
    no_obs(cloud)
    message = checked(doctor)["message"]
    assert message.count(" on ") == 3 and ", and " in message and message.endswith("more.")


# --- the same rights, granted otherwise


def on_the_account(cloud):
    agency(cloud).domain, agency(cloud).everywhere = agency(cloud).everywhere, []


def project_rights_everywhere(cloud):
    agency(cloud).everywhere += agency(cloud).projects.pop(PROJECT_ID)


def ocr_in_full(cloud):
    no_ocr(cloud)
    agency(cloud).projects[PROJECT_ID].append(Role("OCR FullAccess"))


def obs_in_full(cloud):
    """What is asked of EPS, which knows no resources, stays in the policy of its own."""
    (role,) = agency(cloud).everywhere
    role.statements = tuple(one for one in role.statements if "Resource" not in one)
    agency(cloud).domain.append(Role("OBS Administrator", FULL))


def more_than_it_needs(cloud):
    agency(cloud).domain.append(Role("OBS Administrator", FULL))


def of_another_form(cloud):
    """Single texts in place of lists, and a statement that nobody understands beside."""
    (role,) = agency(cloud).everywhere
    single = [
        {**one, "Action": action} | ({"Resource": place} if place else {})
        for one in role.statements for action in one["Action"] for place in one.get("Resource", [""])
    ]  # fmt: skip
    role.statements = (*single, {"Effect": "Perhaps", "Action": ["a:b:c"]})


@pytest.mark.parametrize(
    "granted",
    [on_the_account, project_rights_everywhere, ocr_in_full, obs_in_full, more_than_it_needs, of_another_form],
    ids=lambda one: one.__name__,
)
def test_however_a_right_is_granted_it_counts(cloud, doctor, granted):
    granted(cloud)
    assert checked(doctor)["status"] == "ok"


def test_one_agency_for_all_functions_is_judged_by_the_rights_of_all(cloud, doctor):
    """Given what the Serverless Framework leaves: all functions have one agency, at first that of on_upload alone."""
    whole, agencies = agency(cloud), cloud.account.agencies.by_name
    cloud.function_api.agencies = {key: UPLOAD for key in cloud.functions.functions}
    assert f"{UPLOAD} lacks " in checked(doctor)["message"]
    for name, one in agencies.items():
        if name != UPLOAD:
            whole.everywhere += one.everywhere
            whole.projects[PROJECT_ID] = whole.projects[PROJECT_ID] + one.projects.get(PROJECT_ID, [])
    cloud.account.agencies.by_name = {name: agencies[name] for name in (UPLOAD, CONFIG, EVENTGRID)}
    assert checked(doctor)["status"] == "ok"


def test_a_function_that_is_not_deployed_needs_no_agency(cloud, doctor):
    del cloud.functions.functions["split"]
    del cloud.account.agencies.by_name["legible-exec-split"]
    assert checked(doctor)["status"] == "ok"


def test_targets_of_notices_are_rights_only_where_the_settings_have_such(cloud, doctor):
    (role,) = [one for one in agency(cloud).projects[PROJECT_ID] if one.display_name.endswith("-project")]
    role.statements = tuple(one for one in role.statements if "smn:topic:publish" not in one["Action"])
    assert checked(doctor)["status"] == "ok"
    target = '[notify.ops]\nkind = "smn"\ntopic_urn = "urn:smn:cn-north-4:0123:legible"\n'
    doctor.settings.write_text(doctor.settings.read_text() + target)
    assert f"{UPLOAD} lacks smn:topic:publish" in checked(doctor)["message"]


def test_an_operation_that_is_called_in_another_region_needs_its_role_there(cloud, doctor):
    doctor.settings.write_text(
        doctor.settings.read_text().replace("[operations.passport]", '[operations.passport]\nregion = "cn-east-3"')
    )
    assert "OCR ReadOnlyAccess in the project of cn-east-3" in checked(doctor)["message"]
    cloud.account.projects["cn-east-3"] = "0f4c-east"
    for one in cloud.account.agencies.by_name.values():
        if any(role.display_name == "OCR ReadOnlyAccess" for role in one.granted()):
            one.projects["0f4c-east"] = [Role("OCR ReadOnlyAccess")]
    assert checked(doctor)["status"] == "ok"


@pytest.mark.parametrize("name", ["fgs_to_eg", "EG_TARGET_AGENCY"])
def test_an_agency_of_eventgrid_that_the_consoles_made_must_be_there_and_no_more(cloud, doctor, name):
    """Given what docs/deploy.md advises where FunctionGraph refuses ours: no page says for sure what it must have."""
    cloud.functions.functions["on_upload"] = replace(cloud.functions.functions["on_upload"], triggers=())
    trigger = copy.deepcopy(triggers.eventgrid(["OBS:DWR:ObjectCreated:*"]))
    trigger["event_data"]["agency"] = name
    cloud.function_api.triggers["on_upload"] = [trigger]
    del cloud.account.agencies.by_name[EVENTGRID]
    assert f"{name} lacks everything: there is no agency" in checked(doctor)["message"]
    cloud.account.agencies.add(Agency(name))
    assert checked(doctor)["status"] == "ok"


def test_many_agencies_come_in_pages(cloud, doctor):
    """Given more agencies than IAM lists at once, ours behind them."""
    mine = cloud.account.agencies.by_name
    cloud.account.agencies.by_name = {f"other-{n}": Agency(f"other-{n}") for n in range(700)} | mine
    assert checked(doctor)["status"] == "ok"


# --- what cannot be seen


@pytest.mark.parametrize("missing", sorted(LISTING - {"iam:agencies:listAttachedPolicies"}))
def test_a_user_who_may_not_see_agencies_is_told_so_in_one_line_and_nothing_fails(cloud, doctor, missing):
    cloud.account.agencies.allowed = LISTING - {missing}
    result = doctor("--json")
    assert failed(result) == []
    said = found(result)["agencies"]
    assert said["status"] == "unknown" and "cannot be seen" in said["message"] and "\n" not in said["message"]
    assert f"Let your user do {missing}" in said["advice"]


def test_iam_that_is_down_leaves_it_open(cloud, doctor):
    cloud.account.faults.add(Fault("error", "GET", "/v3.0/OS-AGENCY/agencies", status=503, times=None))
    assert checked(doctor)["status"] == "unknown"


def test_identity_policies_are_not_judged_and_not_called_a_fault(cloud, doctor):
    """Given an agency with rights in the grammar of IAM v5, which `legible` does not read."""
    no_obs(cloud)
    agency(cloud).identity_policies.append("legible-obs")
    said = checked(doctor)
    assert said["status"] == "unknown" and UPLOAD in said["message"] and "identity policies" in said["message"]


def test_whoever_may_not_see_identity_policies_hears_of_what_is_lacking(cloud, doctor):
    no_obs(cloud)
    cloud.account.agencies.allowed = LISTING - {"iam:agencies:listAttachedPolicies"}
    assert failed(doctor("--json")) == ["agencies"]


def test_only_the_upload_functions_agency_is_known_where_it_has_a_name_of_its_own(cloud, doctor):
    """Given a name that does not tell how the others are called."""
    cloud.functions.functions["on_upload"] = replace(cloud.functions.functions["on_upload"], name="scans")
    cloud.account.agencies.add(Agency("scansexec-on-upload"), Agency("scansconfig"))
    said = checked(doctor, LEGIBLE_UPLOAD_FUNCTION="scans")
    assert "scansexec-on-upload lacks" in said["message"] and "legible-" not in said["message"].partition(" lacks")[0]


def test_the_rights_of_the_table_are_what_the_local_agencies_have(cloud):
    assert Rights().roles == ()
    assert agency(cloud, EVENTGRID).trusts == "op_svc_EG" and agency(cloud).trusts == "op_svc_cff"
