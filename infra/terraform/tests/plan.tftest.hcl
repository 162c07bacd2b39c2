# Assertions over plans. Run by terraform test; it needs the provider's schema and no account (docs/deploy.md).

provider "huaweicloud" {
  region = "ap-southeast-1"
}

# The schema alone knows no channel.
override_data {
  target = data.huaweicloud_eg_event_channels.official[0]
  values = { channels = [{ id = "b7a1ce8b-ff4e-4d8e-9ac0-2f1d9c0e3e54", name = "default" }] }
}

variables {
  region        = "ap-southeast-1"
  project_id    = "0123456789abcdef0123456789abcdef"
  input_bucket  = "example-legible-in"
  output_bucket = "example-legible-out"
  packages      = "tests/fixtures"
}

run "every_function_of_the_list" {
  command = plan

  assert {
    condition     = toset(keys(module.functions.made)) == toset(keys(yamldecode(file("../../serverless.yml")).functions))
    error_message = "Functions differ from serverless.yml."
  }
  assert {
    condition     = toset(keys(module.async.made)) == toset(keys(module.functions.made))
    error_message = "A function has no async policy."
  }
  assert {
    condition     = alltrue([for one in module.async.made : length(one.on_failure) == 1 && one.enable_async_status_log])
    error_message = "An async policy has no failure destination."
  }
  assert {
    condition = alltrue([
      for key, one in module.alarms.made.functions :
      toset([for condition in one.condition : condition.metric_name]) == toset(["failcount", "rejectcount", "maxDuration"])
      && one.resources != null && one.alarm_enabled != false
    ]) && toset(keys(module.alarms.made.functions)) == toset(keys(module.functions.made))
    error_message = "A function has no alarm, or one that misses failures, rejections or time."
  }
  assert {
    condition = alltrue([
      for key, one in module.alarms.made.functions :
      one(one(one.resources).dimensions).value == "default-${module.functions.made[key].name}"
    ])
    error_message = "An alarm watches another function than its own."
  }
  assert {
    condition = { for key, one in module.alarms.made.documents : key => one(one.condition).metric_name } == {
      stall = "stall", dead = "documents_dead", in_vain = "sweep_in_vain", package = "package_left"
    }
    error_message = "Nobody is told that documents wait or are given up, or of a cost that nobody bounded."
  }
  assert {
    condition = alltrue([
      for key, one in module.alarms.made.documents :
      one(one(one.resources).dimensions).value == var.output_bucket && one(one.metric).namespace == "LEGIBLE.Documents"
      && one(one.condition).filter == (key == "package" ? "min" : "max") && one(one.condition).period == 1200
    ])
    error_message = "An alarm watches numbers of another deployment, or adds up what are states."
  }
  assert {
    condition     = alltrue([for one in module.functions.made : one.agency != one.app_agency])
    error_message = "Configuration and execution agency are one."
  }
  assert {
    condition     = length(distinct([for one in module.functions.made : one.app_agency])) == length(module.functions.made)
    error_message = "Two functions share an execution agency."
  }
  assert {
    condition = alltrue([
      for one in module.functions.made : jsondecode(one.user_data).LEGIBLE_UPLOAD_FUNCTION == "legible-on-upload"
      && length(jsondecode(one.user_data)) <= 20 && one.enterprise_project_id == "0" && one.tags.legible == "legible"
    ])
    error_message = "A function lacks its variables, its enterprise project or its tag."
  }
  assert {
    condition     = strcontains(module.functions.made["on_upload"].code_url, filesha256("tests/fixtures/legible-python3.12.zip"))
    error_message = "A changed zip would go unnoticed."
  }
}

run "buckets_are_private_encrypted_and_by_tls_only" {
  command = plan

  assert {
    condition = alltrue([
      for one in module.buckets.made.buckets :
      one.acl == "private" && one.encryption && one.sse_algorithm == "AES256" && one.force_destroy == false
      && one.tags.legible == "legible" && one.enterprise_project_id == "0" && length(one.cors_rule) == 0
    ])
    error_message = "A bucket is not private, encrypted, tagged and closed to browsers."
  }
  assert {
    condition = toset(keys(module.buckets.made.policies)) == toset(["input", "output", "failures"]) && alltrue([
      for use, one in module.buckets.made.policies : anytrue([
        for statement in jsondecode(one.policy).Statement :
        statement.Effect == "Deny" && statement.Condition.Bool.SecureTransport == ["false"] && statement.Action == ["*"]
        && toset(statement.Resource) == toset([one.bucket, "${one.bucket}/*"]) && statement.Principal.ID == ["*"]
      ])
    ])
    error_message = "A bucket answers plain HTTP, or FunctionGraph may be shut out of the code."
  }
  assert {
    condition = alltrue(flatten([
      for one in module.buckets.made.policies : [for statement in jsondecode(one.policy).Statement : statement.Effect == "Deny"]
    ]))
    error_message = "A bucket's policy lets somebody in."
  }
  assert {
    condition     = module.buckets.made.buckets["input"].versioning && !module.buckets.made.buckets["output"].versioning
    error_message = "Versions belong to the input bucket, and not to journals that are appended to."
  }
  assert {
    condition = (
      module.buckets.made.buckets["failures"].bucket == "${var.output_bucket}-failures"
      && { for rule in module.buckets.made.buckets["failures"].lifecycle_rule : rule.prefix => one(rule.expiration).days }
      == { "failures/" = 90 }
      && jsondecode(one(module.async.made["on_failure"].on_failure).param).bucket == "${var.output_bucket}-failures"
    )
    error_message = "What on_failure failed at is not kept in a bucket of its own, or for ever."
  }
  assert {
    condition = {
      for rule in module.buckets.made.buckets["output"].lifecycle_rule : rule.prefix => one(rule.expiration).days
    } == { "work/" = 1, "requests/" = 30, "failures/" = 90, "notices/log/" = 90, "sweep/repairs/" = 30, "sweep/turns/" = 30 }
    error_message = "Something below work/, requests/, failures/, notices/log/ or sweep/ stays for ever."
  }
  assert {
    condition = one(
      one(module.buckets.made.buckets["input"].lifecycle_rule).noncurrent_version_expiration
    ).days == 30
    error_message = "Old versions of documents stay for ever."
  }
  assert {
    condition     = length(distinct(values(output.buckets))) == 4
    error_message = "Two uses share a bucket."
  }
}

run "uploads_call_by_all_that_makes_an_object" {
  command = plan
  variables {
    upload_trigger = "eventgrid"
  }

  assert {
    condition = length(module.triggers.made.eventgrid) == 1 && alltrue([
      for one in module.triggers.made.eventgrid : toset(jsondecode(one.event_data).event_types) == toset([
        "OBS:DWR:ObjectCreated:PUT", "OBS:DWR:ObjectCreated:POST", "OBS:DWR:ObjectCreated:COPY",
        "OBS:DWR:ObjectCreated:CompleteMultipartUpload",
      ]) && jsondecode(one.event_data).Key_encode
    ])
    error_message = "An upload of some kind calls nobody."
  }
  assert {
    condition = alltrue([
      for one in module.triggers.made.eventgrid : jsondecode(one.event_data).bucket == var.input_bucket
      && jsondecode(one.event_data).bucket != jsondecode(module.functions.made["on_upload"].user_data).LEGIBLE_OUTPUT_BUCKET
    ])
    error_message = "A result would be an upload."
  }
  assert {
    condition     = length(module.triggers.made.obs) == 0 && length(module.triggers.made.timer) == 5
    error_message = "There is a second trigger by uploads, or a timer is missing."
  }
}

run "the_classic_trigger_too" {
  command = plan
  variables {
    upload_trigger = "obs"
  }

  assert {
    condition = length(module.triggers.made.eventgrid) == 0 && length(module.triggers.made.obs) == 1 && alltrue([
      for one in module.triggers.made.obs : jsondecode(one.event_data).events == ["s3:ObjectCreated:*"]
      && jsondecode(one.event_data).bucket == var.input_bucket
    ])
    error_message = "The classic trigger misses uploads of some kind."
  }
  assert {
    condition     = !contains(keys(module.agencies.made), "eventgrid") && length(output.policies["config"].obs) > 0
    error_message = "EventGrid may call, or FunctionGraph may not write the bucket's notification."
  }
}

run "rights_are_exact" {
  command = plan
  variables {
    upload_trigger = "eventgrid"
    notify         = ["smn", "eventgrid"]
  }

  assert {
    condition = alltrue(flatten([
      for agency, scopes in output.policies : [
        for statement in flatten(values(scopes)) : concat(
          [for action in statement.Action : can(regex("^[a-z]+:[A-Za-z]+:[A-Za-z]+$", action))],
          [for resource in try(statement.Resource, []) : !can(regex("(^|:)\\*$", resource))]
        )
      ]
    ]))
    error_message = "A policy has an action that is not exact, or a bare * for a resource."
  }
  assert {
    condition = toset(flatten([
      for agency, scopes in output.policies : [
        for statement in flatten(values(scopes)) : statement.Action if !can(statement.Resource)
      ]
      ])) == toset([
      "smn:topic:publish", "eg:channels:putEvents", "ces:metricData:create", "ces:metricData:list", "ces:metrics:list",
      "cts:trace:list", "eps:enterpriseProjects:list",
    ])
    error_message = "A statement names no resource, and its service would take one."
  }
  # The tests in Python judge calls by this file.
  assert {
    condition     = jsonencode(output.policies) == jsonencode(jsondecode(file("../../tests/infra/policies.json")))
    error_message = "Policies differ from tests/infra/policies.json, by which calls are judged."
  }
  assert {
    condition = alltrue([
      for agency, one in module.agencies.made : one.delegated_domain_name == (agency == "eventgrid" ? "op_svc_EG" : "op_svc_cff")
    ])
    error_message = "An agency is given to a service that has no need of it."
  }
  assert {
    condition = toset([
      for agency, one in module.agencies.made : agency
      if anytrue([for role in one.project_role : contains(role.roles, "OCR ReadOnlyAccess")])
    ]) == toset(["exec-on-upload", "exec-on-notices", "exec-http-api", "exec-recognize", "exec-recognize-pages"])
    error_message = "Somebody who neither calls for a page nor asks whether an operation may be called may call OCR, or the other way round."
  }
}

run "the_api_asks_who_calls" {
  command = plan
  variables {
    apig_instance_id = "0123456789abcdef0123456789abcdef"
    # The most that an API takes, with legible = <name>.
    tags = { for number in range(9) : "t${number}" => "x" }
  }

  assert {
    condition = alltrue([
      for one in module.api[0].made :
      one.security_authentication == "APP" && one.simple_authentication && one.request_protocol == "HTTPS"
      && one(one.func_graph).timeout == 60000 && one.matching == "Prefix" && one.request_method == "ANY"
      && one.is_send_fg_body_base64
    ]) && length(module.api[0].made) == 1
    error_message = "The API lets anybody in, by plain HTTP, or gives up after five seconds."
  }
  assert {
    condition = alltrue([
      for one in module.api[0].made : one(one.backend_params).name == "x-legible-app"
      && one(one.backend_params).type == "SYSTEM" && one(one.backend_params).value == "appId"
    ])
    error_message = "Nobody says whose documents they are."
  }
  assert {
    condition = alltrue([
      for use in ["input", "output"] : one(module.buckets.made.buckets[use].cors_rule).allowed_origins == tolist([
        "http://127.0.0.1:8080", "http://127.0.0.1:8081", "http://127.0.0.1:8082", "http://127.0.0.1:8083",
      ])
    ]) && length(module.buckets.made.buckets["code"].cors_rule) == 0
    error_message = "The console's page cannot upload, or another page can."
  }
}

run "pages_that_are_said_and_no_others" {
  command = plan
  variables {
    console_origins = ["https://desk.example.com"]
  }

  assert {
    condition = alltrue([
      for use in ["input", "output"] :
      one(module.buckets.made.buckets[use].cors_rule).allowed_origins == tolist(["https://desk.example.com"])
    ])
    error_message = "A page that nobody named may upload."
  }
}

run "a_flow_of_this_deployment" {
  command = plan
  variables {
    region = "ap-southeast-3"
    name   = "legible-dev"
    flow   = true
  }

  assert {
    condition = toset(jsondecode(output.flow).functions[*].operation) == toset([
      for key in ["split", "recognize-pages", "recognize", "give-up"] :
      "urn:fss:ap-southeast-3:${var.project_id}:function:default:legible-dev-${key}:latest"
    ])
    error_message = "The flow calls functions that this deployment does not have."
  }
}

run "what_the_region_decides_is_said" {
  command = plan

  assert {
    condition     = startswith(output.by_region.upload_trigger, "obs: ") && strcontains(output.by_region.upload_trigger, var.region)
    error_message = "Nobody is told which trigger was chosen, and for which region."
  }
  assert {
    condition     = strcontains(output.by_region.runtime, var.region) && strcontains(output.by_region.runtime, "runtime = \"Python3.10\"")
    error_message = "Nobody is told that the runtime is not proven there, nor of the way out."
  }
  assert {
    condition     = strcontains(output.by_region.flows, "no function flows") && output.flow == ""
    error_message = "Nobody is told that there are no function flows."
  }
  assert {
    condition     = output.app_code == ""
    error_message = "There is an AppCode without a gateway."
  }
}

run "what_the_settings_decide_is_said" {
  command = plan
  variables {
    region         = "la-south-2"
    upload_trigger = "obs"
    runtime        = "Python3.10"
    packages       = "tests/fixtures/python3.10"
  }

  assert {
    condition = (
      startswith(output.by_region.upload_trigger, "obs, as the settings say: ")
      && length(module.triggers.made.obs) == 1 && length(module.triggers.made.eventgrid) == 0
    )
    error_message = "The settings do not have the last word."
  }
  assert {
    condition     = output.by_region.runtime == "Python3.10: in every region."
    error_message = "The way out is doubted."
  }
}

run "a_key_of_ones_own" {
  command = plan
  variables {
    kms_key_id = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
  }

  assert {
    condition = alltrue([
      for use, one in module.buckets.made.buckets : one.encryption && one.sse_algorithm == (contains(["code", "failures"], use) ? "AES256" : "kms")
    ])
    error_message = "A bucket does not use the key."
  }
  assert {
    condition = alltrue([
      for agency, scopes in output.policies : agency == "eventgrid" || anytrue([
        for statement in scopes.project : try(statement.Resource, []) == ["KMS:*:*:KeyId:0d0466b0-e727-4d9c-b35d-f84bb474a37f"]
      ])
    ])
    error_message = "An agency cannot use the key."
  }
}

run "another_environment_shares_no_name" {
  command = plan
  variables {
    name          = "legible-dev"
    input_bucket  = "example-dev-in"
    output_bucket = "example-dev-out"
    vpc_cidr      = "10.20.0.0/24"
  }

  assert {
    condition = alltrue([
      for one in module.functions.made : startswith(one.name, "legible-dev-") && startswith(one.app_agency, "legible-dev-")
      && jsondecode(one.user_data).LEGIBLE_UPLOAD_FUNCTION == "legible-dev-on-upload"
    ])
    error_message = "Two environments would share a function."
  }
  assert {
    condition     = output.where.tag == "legible=legible-dev" && output.where.project_id == var.project_id
    error_message = "make destroy would look for another environment's resources."
  }
}

run "no_trigger_needs_cts_unless_asked" {
  command = plan

  assert {
    condition     = length(module.triggers.made.cts) == 0
    error_message = "A trigger of CTS is made that nobody asked for: apply fails where CTS is not enabled."
  }
}

run "operations_that_cts_records_come_at_once" {
  command = plan
  variables {
    audit_by_trigger = true
  }

  assert {
    condition     = [for one in module.triggers.made.cts : one.type] == ["CTS"]
    error_message = "The trigger of on_audit_event is lost."
  }
}
