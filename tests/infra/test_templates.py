"""The Terraform templates as they stand: what every deployment has, whatever is set. Runs without Terraform."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from legible.model import layout
from legible.operations import catalog
from legible.recognition.policy import Policy
from tests.infra import templates
from tests.infra.rights import ROOT

RESOURCES = list(templates.resources())
#: Which resources take tags, and which an enterprise project (docs/json of the provider, 1.97.1).
TAKES_TAGS = {
    "obs_bucket", "obs_bucket_object", "fgs_function", "smn_topic", "lts_group", "lts_stream", "vpc", "vpc_subnet",
    "networking_secgroup", "kms_key", "cts_tracker", "apig_instance", "apig_api",
}  # fmt: skip
TAKES_PROJECT = {
    "obs_bucket", "fgs_function", "smn_topic", "lts_group", "lts_stream", "vpc", "networking_secgroup", "kms_key",
    "eg_custom_event_channel", "ces_alarmrule", "apig_instance",
}  # fmt: skip
CREATIONS = {"PUT", "POST", "COPY", "CompleteMultipartUpload"}


def calls() -> dict[str, dict[str, Any]]:
    """What the root module hands to each module."""
    return {name: body for one in templates.read(templates.FOLDER / "main.tf")["module"] for name, body in one.items()}


def regions() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((templates.FOLDER / "regions.json").read_text("utf-8"))
    return found


def of(kind: str) -> list[templates.Block]:
    found = [one for one in RESOURCES if one.type == f"huaweicloud_{kind}"]
    assert found, kind
    return found


@pytest.mark.parametrize("one", RESOURCES, ids=lambda one: f"{one.module}.{one.type}.{one.name}")
def test_what_takes_tags_and_a_project_has_them(one):
    kind = one.type.removeprefix("huaweicloud_")
    assert kind not in TAKES_TAGS or "var.tags" in str(one.body["tags"])
    assert kind not in TAKES_PROJECT or one.body["enterprise_project_id"] == "${var.enterprise_project_id}"


def test_every_bucket_is_private_encrypted_and_but_for_the_codes_by_tls_only():
    """FunctionGraph takes the code by a way of its own, which may not be TLS: it would be shut out."""
    (bucket,) = of("obs_bucket")
    assert (bucket.body["acl"], bucket.body["encryption"]) == ("private", True)
    assert re.search(r'\? "AES256" : "kms"', bucket.body["sse_algorithm"])
    (policy,) = of("obs_bucket_policy")
    assert policy.body["for_each"] == "${{for use, one in var.buckets : use => one if one.tls_only}}"
    text = policy.body["policy"]
    assert 'Effect = "Deny"' in text and 'SecureTransport = ["false"]' in text and '"Allow"' not in text
    given = calls()["buckets"]["buckets"]
    assert {use for use, one in given.items() if "tls_only" in str(one)} == {"code"}
    assert "optional(bool, true)" in str(
        templates.variables(templates.FOLDER / "modules" / "buckets")["buckets"]["type"]
    )


def test_every_function_has_an_async_policy_and_an_alarm():
    (function,) = of("fgs_function")
    (policy,) = of("fgs_async_invoke_configuration")
    (alarm,) = [one for one in of("ces_alarmrule") if one.name == "function"]
    assert {one.body["for_each"] for one in (function, policy, alarm)} == {"${var.functions}"}
    assert policy.body["on_failure"]
    given = {name: body["functions"] for name, body in calls().items() if "functions" in body}
    assert {given[name] for name in ("functions", "async", "alarms", "agencies")} == {"${module.listed.functions}"}


def test_a_long_document_rings_no_alarm_for_the_time_it_is_meant_to_take():
    """It is read until the time that is kept free, and goes on in a fresh invocation: that is no failure."""
    (alarm,) = [one for one in of("ces_alarmrule") if one.name == "function"]
    times = re.search(r"timeout \* (\d+)", str(alarm.body["dynamic"]))
    functions = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))
    seconds = functions["functions"]["on_upload"].get("timeout", functions["provider"]["timeout"])
    assert times and seconds - Policy().reserve < seconds * int(times[1]) / 1000 < seconds


def test_uploads_call_by_all_four_that_make_an_object():
    local = next(iter(templates.read(templates.FOLDER / "modules" / "triggers" / "main.tf")["locals"]))
    assert {event.strip('"').rpartition(":")[2] for event in local["creations"]} == CREATIONS
    triggers = {one.name: one.body for one in of("fgs_function_trigger")}
    assert set(triggers) == {"eventgrid", "obs", "timer", "cts"}
    (made_of,) = [one for one in RESOURCES if (one.type, one.name) == ("terraform_data", "eventgrid")]
    assert triggers["eventgrid"]["event_data"] == "${each.value.input}"
    assert "event_types = local.creations" in made_of.body["input"]
    listed = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))["functions"]
    uploads = [one for entry in listed.values() for one in entry.get("events", ()) if one["triggerTypeCode"] == "OBS"]
    assert [one["eventData"]["events"] for one in uploads] == [["s3:ObjectCreated:*"]]


def test_a_trigger_whose_changes_are_not_seen_is_made_anew_by_them():
    """`ignore_changes` alone would leave the trigger on the bucket of before."""
    unseen = [one for one in RESOURCES if "event_data" in str(one.body.get("lifecycle"))]
    assert [one.name for one in unseen] == ["eventgrid"]
    for one in unseen:
        assert "terraform_data.eventgrid[each.key]" in str(one.body["lifecycle"][0]["replace_triggered_by"])
        assert one.body["for_each"] == "${terraform_data.eventgrid}"


def test_what_is_destroyed_needs_no_zip_and_what_is_made_says_where_one_comes_from():
    """`make clean` removes dist/: a function that fails on what is not there would have stopped `make destroy`."""
    local = next(iter(templates.read(templates.FOLDER / "modules" / "functions" / "main.tf")["locals"]))
    assert "fileexists(zip) ? filesha256(zip)" in str(local["code"])
    (zip_,) = of("obs_bucket_object")
    (rule,) = zip_.body["lifecycle"][0]["precondition"]
    assert rule["condition"] == "${fileexists(each.key)}" and "make package" in rule["error_message"]


def test_what_is_watched_is_never_what_is_written():
    assert calls()["triggers"]["bucket"] == '${module.buckets.names["input"]}'
    assert calls()["async"]["bucket"] == '${module.buckets.names["failures"]}'
    refusals = [one["condition"] for one in templates.variables(templates.FOLDER)["output_bucket"]["validation"]]
    assert "${var.output_bucket != var.input_bucket}" in refusals


def test_what_expires_is_no_more_than_what_is_meant():
    """A rule's prefix is a text, not a folder: `work` would have taken every workbook after a day."""
    rules = {name.strip('"') for name in calls()["buckets"]["buckets"]["output"]["expire"]}
    assert {"work/", "requests/", "failures/"} <= rules
    keys = ["results/", "answers/", "ledger/", "workbooks/", "reports/", "audit/", "notices/outbox/"]
    keys += ["waiting/", "held/", "contents/", "changes/", "backfills/", "sweep/state.json", "sweep/unsettled/"]
    keys += ["sweep/unbegun/", "tombstones/"]
    assert {key.split("/")[0] + "/" for key in keys} | {"work/", "requests/"} == set(layout.OWN)
    assert not [(rule, key) for rule in rules for key in keys if key.startswith(rule)]


def test_policies_come_from_the_table_and_from_nowhere_else():
    for role in of("identity_role"):
        assert "Statement = each.value" in role.body["policy"]
    for agency in of("identity_agency"):
        assert "Administrator" not in str(agency.body) and "FullAccess" not in str(agency.body)


def test_the_api_is_called_by_apps_and_has_a_time():
    (api,) = of("apig_api")
    assert api.body["security_authentication"] == "${each.value.data.auth}"
    assert api.body["func_graph"][0]["timeout"] == "${each.value.data.timeout}"
    # The provider itself writes $context. before the value, and takes it off when it reads.
    mapped = api.body["backend_params"][0]
    assert (mapped["name"], mapped["type"], mapped["value"]) == ("x-legible-app", "SYSTEM", "appId")
    allowed = [one["condition"] for one in api.body["lifecycle"][0]["precondition"]]
    assert '${each.value.data.auth == "APP"}' in allowed, "IAM lets in every user of the cloud"


def test_what_is_changed_on_the_gateway_is_published_again_and_given_again():
    """The publishment reacts to its own arguments alone, and whoever calls needs what is published."""
    (publishment,) = of("apig_api_publishment")
    assert publishment.body["lifecycle"][0]["replace_triggered_by"] == ["${huaweicloud_apig_api.this[each.key]}"]
    for kind in ("apig_application_authorization", "apig_throttling_policy_associate"):
        (one,) = of(kind)
        assert one.body["lifecycle"][0]["replace_triggered_by"] == ["${huaweicloud_apig_api_publishment.this}"]


def test_the_consoles_app_has_a_code_that_no_plan_shows_and_none_makes_anew():
    (seed,) = [one for one in RESOURCES if (one.type, one.name) == ("terraform_data", "app_code")]
    assert seed.body["triggers_replace"] == "${sensitive(uuid())}"
    assert seed.body["lifecycle"][0]["ignore_changes"] == ["triggers_replace"]
    (app,) = of("apig_application")
    assert app.body["app_codes"] == ["${local.app_code}"]
    for module in (templates.FOLDER, templates.FOLDER / "modules" / "api"):
        assert templates.outputs(module)["app_code"]["sensitive"] is True
    assert "output -raw app_code" in str(templates.outputs(templates.FOLDER)["next"]["value"])


def test_one_state_is_one_environment():
    """Other settings over a state would make all buckets anew, and with `delete_documents` the documents would go."""
    (environment,) = [one for one in RESOURCES if one.module == "environment"]
    rules = environment.body["lifecycle"][0]
    assert rules["ignore_changes"] == ["input"] and environment.body["input"] == "${local.said}"
    assert rules["postcondition"][0]["condition"] == "${jsonencode(self.input) == jsonencode(local.said)}"
    inputs = set(templates.variables(templates.FOLDER / "modules" / "environment"))
    assert inputs == {"name", "region", "project_id", "buckets"} == set(calls()["environment"]) - {"source"}
    assert calls()["environment"]["buckets"] == '${{for use, name in local.buckets : use => name if use != "code"}}'


def test_settings_and_states_of_every_name_stay_out_of_git():
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"*.tfvars", "*.tfvars.json", "*.tfstate", "*.tfplan"} <= set(ignored)
    assert ".terraform.lock.hcl" not in ignored


def test_the_provider_is_locked_for_every_platform():
    command = [
        "make",
        "--no-print-directory",
        "-n",
        "providers",
        "SETTINGS=here/terraform.tfvars",
        "TERRAFORM=tf",
        "PYTHON=py",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    words = done.stdout.split()
    assert words[:4] == ["tf", "-chdir=here", "providers", "lock"]
    platforms = {word.removeprefix("-platform=") for word in words[4:]}
    assert platforms == {"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"}


def test_regions_are_said_once_and_with_where_it_is_said():
    said = regions()
    for about in ("eventgrid_triggers", "function_flows"):
        listed = said[about]["regions"]
        assert len(set(listed)) == len(listed) and all(re.fullmatch(r"[a-z]+-[a-z]+-\d+", one) for one in listed)
        assert said[about]["source"]
    assert "ap-southeast-1" not in said["eventgrid_triggers"]["regions"]
    assert said["function_flows"]["regions"] == ["cn-north-4", "cn-east-3", "cn-east-2", "cn-south-1", "ap-southeast-3"]
    assert (said["function_flows"]["flows_an_account"], said["runtimes"]["way_out"]) == (200, "Python3.10")
    assert set(said["sites"]) == {"chinese", "international", "european"}


@pytest.mark.parametrize(
    ("page", "about"),
    [("deploy.md", "eventgrid_triggers"), ("deploy.md", "function_flows"), ("workflows.md", "function_flows")],
)
def test_pages_name_the_regions_that_are_said_and_no_others(page, about):
    text = (ROOT / "docs" / page).read_text("utf-8").replace(" and ", ", ")
    region = r"[a-z]{2}-[a-z]+-\d+"
    assert ", ".join(regions()[about]["regions"]) in re.findall(f"{region}(?:, {region})+", text)


def test_every_region_of_the_catalog_is_of_one_site_that_knows_the_roles():
    duties = yaml.safe_load((ROOT / "infra" / "policies" / "functions.yaml").read_text("utf-8"))["duties"]
    roles = {role for duty in duties.values() for role in duty.get("roles", ())}
    for region in {region for slug in catalog.slugs() for region in catalog.find(slug).regions}:
        sites = [one for one in regions()["sites"].values() if region.startswith(tuple(one["regions_begin_with"]))]
        assert len(sites) == 1 and roles <= set(sites[0]["roles"]), region


def test_what_the_region_decides_is_asked_from_the_cloud_apart_from_the_templates():
    """Roles are read with a right in IAM that not everybody has, and the templates plan without it."""
    asked = {type_ for one in templates.read(templates.FOLDER / "ask" / "main.tf")["data"] for type_ in one}
    assert asked == {
        "huaweicloud_fgs_trigger_types", "huaweicloud_fgs_runtime_types", "huaweicloud_identity_role",
    }  # fmt: skip
    assert "resource" not in templates.read(templates.FOLDER / "ask" / "main.tf")


@pytest.mark.parametrize("module", templates.modules(), ids=lambda path: path.name)
def test_every_input_and_output_says_what_it_is(module):
    for name, body in {**templates.variables(module), **templates.outputs(module)}.items():
        assert body.get("description"), f"{module.name}: {name}"
    assert all("type" in body for body in templates.variables(module).values()), module.name


def test_inputs_that_can_be_wrong_are_refused_with_what_is_allowed():
    for name, body in templates.variables(templates.FOLDER).items():
        if body["type"] != "bool":
            assert body.get("validation"), f"{name} takes anything"
        for rule in body.get("validation", ()):
            assert re.search(r"must|may|Say", rule["error_message"]) or "no such file" in rule["error_message"], name


def test_who_puts_functions_into_a_vpc_is_told_that_it_needs_a_way_out():
    """A function in a VPC has no public access of its own (functiongraph_01_0222): OBS and OCR would not be reached."""
    assert "NAT gateway" in templates.variables(templates.FOLDER)["vpc_cidr"]["description"]
    following = str(templates.outputs(templates.FOLDER)["next"]["value"])
    assert "if local.in_network" in following and "NAT gateway" in following


@pytest.mark.parametrize("name", ["minimal", "full"])
def test_examples_use_inputs_there_are_and_say_all_that_must_be_said(name):
    example = templates.FOLDER / "examples" / name
    (call,) = [one["legible"] for one in templates.read(example / "main.tf")["module"]]
    inputs = templates.variables(templates.FOLDER)
    assert set(call) - {"source"} <= set(inputs)
    assert {key for key, body in inputs.items() if "default" not in body} <= set(call)
    filled = templates.read(example / "terraform.tfvars.example")
    asked = {key for key, body in templates.variables(example).items() if "default" not in body}
    assert asked <= set(filled) <= set(templates.variables(example))


@pytest.mark.parametrize("name", ["minimal", "full"])
def test_what_readers_are_told_to_set_reaches_the_module(name):
    """A name in terraform.tfvars that the example does not declare is a warning, and is passed over."""
    example = templates.FOLDER / "examples" / name
    (call,) = [one["legible"] for one in templates.read(example / "main.tf")["module"]]
    told = {"runtime", "upload_trigger", "eventgrid_agency", "apig_instance_id", "delete_documents", "alarm_emails"}
    told |= {"console_origins", "flow"}
    seen = set(templates.outputs(example))
    assert {"next", "where", "by_region", "app_code", "flow"} <= seen
    assert told <= set(templates.variables(example))
    assert {key: call[key] for key in told} == {key: f"${{var.{key}}}" for key in told}
    offered = re.findall(r"^# (\w+) += ", (example / "terraform.tfvars.example").read_text("utf-8"), re.M)
    assert set(offered) <= told


def test_every_module_wants_a_provider_that_has_tags_of_objects_and_no_next_major_version():
    for file in templates.FOLDER.rglob("*.tf"):
        text = file.read_text("utf-8")
        if "required_providers" in text:
            assert re.search(r'version\s+= ">= 1\.93\.0, < 2\.0\.0"', text), file
    assert {one.module for one in RESOURCES} <= {
        file.parent.name for file in templates.FOLDER.glob("modules/*/versions.tf")
    }
