# A function that is added to serverless.yml appears in everything that is made of the list; one without rights is refused.

provider "huaweicloud" {
  region = "ap-southeast-1"
}

run "listed" {
  command = plan
  module {
    source = "./modules/listed"
  }
  variables {
    file = "tests/fixtures/added.yml"
    name = "example"
  }

  assert {
    condition     = output.functions["on_scan"].name == "example-on-scan" && output.functions["on_scan"].timeout == 30
    error_message = "A function that was added is not listed, or not with the plugin's defaults."
  }
  assert {
    condition     = output.functions["on_scan"].variables == { LEVEL = "7" }
    error_message = "Variables of the list are lost, or what the framework fills in is taken for a value."
  }
  assert {
    condition     = length(output.traces) == 1 && length(output.uploads) == 1
    error_message = "A trigger of the list is lost."
  }
}

run "alarms" {
  command = plan
  module {
    source = "./modules/alarms"
  }
  variables {
    functions             = run.listed.functions
    name                  = "example"
    topic_urn             = "urn:smn:ap-southeast-1:0123456789abcdef0123456789abcdef:example"
    ocr_failures          = 5
    deployment            = "example-out"
    stall_minutes         = 60
    dead_documents        = 1
    cost_month            = 100
    package_left          = 10
    enterprise_project_id = "0"
  }
  assert {
    condition     = contains(keys(output.made.functions), "on_scan")
    error_message = "A function that was added has no alarm."
  }
  assert {
    condition     = length(output.made.documents) == 0
    error_message = "There is an alarm on numbers that nobody writes: the list has no on_report."
  }
}

run "async" {
  command = plan
  module {
    source = "./modules/async"
  }
  variables {
    functions    = run.listed.functions
    urns         = { on_scan = "urn:scan", on_failure = "urn:failure" }
    bucket       = "example-failures"
    failure_days = 90
  }
  assert {
    condition     = jsondecode(one(output.made["on_scan"].on_failure).param) == { func_urn = "urn:failure" }
    error_message = "What fails does not come to the failure function."
  }
  assert {
    condition = jsondecode(one(output.made["on_failure"].on_failure).param) == {
      bucket = "example-failures", prefix = "failures/on_failure", expires = 90
    }
    error_message = "What the failure function fails at is lost."
  }
}

run "triggers" {
  command = plan
  module {
    source = "./modules/triggers"
  }
  variables {
    uploads        = run.listed.uploads
    timers         = run.listed.timers
    traces         = run.listed.traces
    urns           = { on_scan = "urn:scan", on_failure = "urn:failure" }
    bucket         = "example-in"
    upload_trigger = "obs"
    channel_id     = ""
    agency         = ""
  }
  assert {
    condition = jsondecode(output.made.cts["on_scan-1"].event_data) == {
      name = "scan-functions", operations = ["FunctionGraph:Functions:createFunction"]
    }
    error_message = "A trigger by recorded operations is lost."
  }
}

run "what_is_empty_is_left_out" {
  command = plan
  module {
    source = "./modules/triggers"
  }
  variables {
    uploads = { up = { function = "on_scan", data = { name = "up", prefix = "", suffix = "", events = ["s3:ObjectCreated:*"] } } }
    timers = {
      bare = { function = "on_scan", data = { name = "bare", scheduleType = "Rate", schedule = "1m", userEvent = "" } }
      told = { function = "on_scan", data = { name = "told", scheduleType = "Rate", schedule = "1m", userEvent = "x" } }
    }
    traces         = {}
    urns           = { on_scan = "urn:scan" }
    bucket         = "example-in"
    upload_trigger = "obs"
    channel_id     = ""
    agency         = ""
  }
  assert {
    condition = (
      toset(keys(jsondecode(output.made.obs["up"].event_data))) == toset(["name", "bucket", "events"])
      && toset(keys(jsondecode(output.made.timer["bare"].event_data))) == toset(["name", "schedule_type", "schedule"])
    )
    error_message = "Something empty is said, and may differ at each plan from what the service returns."
  }
  assert {
    condition     = jsondecode(output.made.timer["told"].event_data).user_event == "x"
    error_message = "What a timer tells is lost."
  }
}

run "a_prefix_is_kept" {
  command = plan
  module {
    source = "./modules/triggers"
  }
  variables {
    uploads        = run.listed.uploads
    timers         = {}
    traces         = {}
    urns           = { on_scan = "urn:scan", on_failure = "urn:failure" }
    bucket         = "example-in"
    upload_trigger = "obs"
    channel_id     = ""
    agency         = ""
  }
  assert {
    condition     = jsondecode(one(values(output.made.obs)).event_data).prefix == "scans/"
    error_message = "The classic trigger has no prefix."
  }
}

run "a_role_that_the_site_does_not_know" {
  command = plan
  module {
    source = "./modules/agencies"
  }
  variables {
    file                = "../policies/functions.yaml"
    name                = "example"
    region              = "eu-west-101"
    functions           = { http_api = { app = "default" } }
    input_bucket        = "example-in"
    output_bucket       = "example-out"
    failures_bucket     = "example-failures"
    kms_key_id          = ""
    notify              = []
    ocr_regions         = []
    role_names          = {}
    classic_trigger     = false
    eventgrid           = false
    network             = false
    configuration_roles = []
  }
  expect_failures = [output.execution]
}

run "a_role_by_the_sites_own_name" {
  command = plan
  module {
    source = "./modules/agencies"
  }
  variables {
    file                = "../policies/functions.yaml"
    name                = "example"
    region              = "eu-west-101"
    functions           = { http_api = { app = "default" } }
    input_bucket        = "example-in"
    output_bucket       = "example-out"
    failures_bucket     = "example-failures"
    kms_key_id          = ""
    notify              = []
    ocr_regions         = []
    role_names          = { "OCR ReadOnlyAccess" = "OCR Reader" }
    classic_trigger     = false
    eventgrid           = false
    network             = false
    configuration_roles = []
  }
  assert {
    condition     = contains(one(output.made["exec-http-api"].project_role).roles, "OCR Reader")
    error_message = "An agency is given a role by a name that its site does not know."
  }
}

run "an_agency_whose_name_is_too_long" {
  command = plan
  module {
    source = "./modules/agencies"
  }
  variables {
    file                = "../policies/functions.yaml"
    name                = "a-name-of-sixty-characters-to-which-nothing-more-can-be-added"
    region              = "ap-southeast-1"
    functions           = { http_api = { app = "default" } }
    input_bucket        = "example-in"
    output_bucket       = "example-out"
    failures_bucket     = "example-failures"
    kms_key_id          = ""
    notify              = []
    ocr_regions         = []
    role_names          = { "OCR ReadOnlyAccess" = "OCR ReadOnlyAccess" }
    classic_trigger     = false
    eventgrid           = false
    network             = false
    configuration_roles = []
  }
  expect_failures = [output.execution]
}

run "a_prefix_needs_the_classic_trigger" {
  command = plan
  module {
    source = "./modules/triggers"
  }
  variables {
    uploads        = run.listed.uploads
    timers         = run.listed.timers
    traces         = run.listed.traces
    urns           = { on_scan = "urn:scan", on_failure = "urn:failure" }
    bucket         = "example-in"
    upload_trigger = "eventgrid"
    channel_id     = "b7a1ce8b-ff4e-4d8e-9ac0-2f1d9c0e3e54"
    agency         = "example-eventgrid"
  }
  expect_failures = [huaweicloud_fgs_function_trigger.eventgrid]
}

run "a_function_without_rights" {
  command = plan
  module {
    source = "./modules/agencies"
  }
  variables {
    file                = "../policies/functions.yaml"
    name                = "example"
    region              = "ap-southeast-1"
    functions           = run.listed.functions
    input_bucket        = "example-in"
    output_bucket       = "example-out"
    failures_bucket     = "example-failures"
    kms_key_id          = ""
    notify              = []
    ocr_regions         = []
    role_names          = { "OCR ReadOnlyAccess" = "OCR ReadOnlyAccess" }
    classic_trigger     = false
    eventgrid           = true
    network             = false
    configuration_roles = []
  }
  expect_failures = [output.execution]
}

run "a_zip_that_nobody_made" {
  command = plan
  module {
    source = "./modules/functions"
  }
  variables {
    functions             = run.listed.functions
    region                = "ap-southeast-1"
    runtime               = "Python3.10"
    packages              = "tests/fixtures"
    code_bucket           = "example-code"
    variables             = {}
    secrets               = {}
    configuration_agency  = "example-config"
    execution_agencies    = { on_scan = "example-scan", on_failure = "example-failure" }
    max_instances         = 1
    reserved_instances    = {}
    log                   = { group_id = "g", group_name = "g", stream_id = "s", stream_name = "s" }
    network               = null
    enterprise_project_id = "0"
    tags                  = {}
  }
  expect_failures = [huaweicloud_obs_bucket_object.code]
}
