# What is refused, before anything is made.

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

run "a_loop_is_refused" {
  command = plan
  variables {
    output_bucket = "example-legible-in"
  }
  expect_failures = [var.output_bucket]
}

run "a_region_that_is_none" {
  command = plan
  variables {
    region = "Singapore"
  }
  expect_failures = [var.region]
}

run "a_stall_that_every_quiet_moment_is" {
  command = plan
  variables {
    stall_minutes = 5
  }
  expect_failures = [var.stall_minutes]
}

run "a_stall_longer_than_an_upload_waits" {
  command = plan
  variables {
    stall_minutes = 1441
  }
  expect_failures = [var.stall_minutes]
}

run "part_of_a_dead_document" {
  command = plan
  variables {
    dead_documents = 0.5
  }
  expect_failures = [var.dead_documents]
}

run "a_cost_below_nothing" {
  command = plan
  variables {
    cost_month = -1
  }
  expect_failures = [var.cost_month]
}

run "more_of_a_package_than_there_is" {
  command = plan
  variables {
    package_left = 101
  }
  expect_failures = [var.package_left]
}

run "a_project_that_is_none" {
  command = plan
  variables {
    project_id = "ap-southeast-1"
  }
  expect_failures = [var.project_id]
}

run "every_page_of_the_web" {
  command = plan
  variables {
    console_origins = ["*"]
  }
  expect_failures = [var.console_origins]
}

run "a_runtime_nobody_built_for" {
  command = plan
  variables {
    runtime = "Python3.9"
  }
  expect_failures = [var.runtime]
}

run "a_trigger_that_is_none" {
  command = plan
  variables {
    upload_trigger = "smn"
  }
  expect_failures = [var.upload_trigger]
}

run "two_networks" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0/24"
    network  = { vpc_id = "v", subnet_id = "s" }
  }
  expect_failures = [var.network]
}

run "an_enterprise_project_that_is_none" {
  command = plan
  variables {
    enterprise_project_id = "finance"
  }
  expect_failures = [var.enterprise_project_id]
}

run "a_folder_without_zips" {
  command = plan
  variables {
    packages = "modules"
  }
  expect_failures = [var.packages]
}

run "the_tag_that_finds_everything" {
  command = plan
  variables {
    tags = { legible = "mine" }
  }
  expect_failures = [var.tags]
}

run "a_function_without_async_policy" {
  command = plan
  module {
    source = "./modules/listed"
  }
  variables {
    file = "tests/fixtures/without-policy.yml"
    name = "legible"
  }
  expect_failures = [output.functions]
}

run "a_trigger_the_templates_do_not_make" {
  command = plan
  module {
    source = "./modules/listed"
  }
  variables {
    file = "tests/fixtures/unknown-trigger.yml"
    name = "legible"
  }
  expect_failures = [output.apis]
}

run "the_zip_would_be_an_upload" {
  command = plan
  variables {
    input_bucket  = "example-legible-code"
    output_bucket = "example-legible"
  }
  expect_failures = [var.code_bucket]
}

run "a_name_for_the_zips_that_is_too_long" {
  command = plan
  variables {
    output_bucket = "a-name-of-sixty-characters-to-which-nothing-more-can-be-added"
  }
  expect_failures = [var.code_bucket, var.failures_bucket]
}

run "failures_in_the_output_bucket" {
  command = plan
  variables {
    output_bucket   = "example-legible-out"
    failures_bucket = "example-legible-out"
  }
  expect_failures = [var.failures_bucket]
}

run "a_variable_that_the_templates_set_themselves" {
  command = plan
  variables {
    variables = { LEGIBLE_OUTPUT_BUCKET = "another" }
  }
  expect_failures = [var.variables]
}

run "more_text_than_a_function_takes" {
  command = plan
  variables {
    variables = { LONG = format("%3600s", "x") }
  }
  expect_failures = [var.variables]
}

run "a_secret_whose_name_is_none" {
  command = plan
  variables {
    secrets = { "hr-webhook" = "whsec_x" }
  }
  expect_failures = [var.secrets]
}

run "a_secret_that_is_a_variable_too" {
  command = plan
  variables {
    variables = { HR = "x" }
    secrets   = { HR = "y" }
  }
  expect_failures = [var.secrets]
}

run "more_variables_than_a_function_has" {
  command = plan
  variables {
    variables = { for number in range(10) : "V${number}" => "x" }
    secrets   = { for number in range(5) : "S${number}" => "y" }
  }
  expect_failures = [var.secrets]
}

run "a_network_without_a_subnet" {
  command = plan
  variables {
    network = { vpc_id = "0d0466b0-e727-4d9c-b35d-f84bb474a37f", subnet_id = "" }
  }
  expect_failures = [var.network]
}

run "addresses_that_begin_in_the_middle" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.5/24"
  }
  expect_failures = [var.vpc_cidr]
}

run "addresses_without_room" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0/30"
  }
  expect_failures = [var.vpc_cidr]
}

run "a_gateways_group_has_a_longer_name" {
  command = plan
  variables {
    name             = "ab"
    apig_instance_id = "0123456789abcdef0123456789abcdef"
  }
  expect_failures = [var.name]
}

run "more_tags_than_an_api_has" {
  command = plan
  variables {
    tags             = { for number in range(10) : "t${number}" => "x" }
    apig_instance_id = "0123456789abcdef0123456789abcdef"
  }
  expect_failures = [var.tags]
}

run "a_tag_that_begins_with_a_digit" {
  command = plan
  variables {
    tags             = { "7up" = "x" }
    apig_instance_id = "0123456789abcdef0123456789abcdef"
  }
  expect_failures = [var.tags]
}

run "a_channel_that_is_there" {
  command = plan
  variables {
    name   = "default"
    notify = ["eventgrid"]
  }
  expect_failures = [var.name]
}

run "one_bucket_for_zips_and_failures" {
  command = plan
  variables {
    code_bucket     = "example-legible-more"
    failures_bucket = "example-legible-more"
  }
  expect_failures = [output.buckets]
}

run "a_flow_where_there_are_none" {
  command = plan
  variables {
    flow = true
  }
  expect_failures = [var.flow]
}

run "a_role_without_a_name" {
  command = plan
  variables {
    role_names = { "OCR ReadOnlyAccess" = " " }
  }
  expect_failures = [var.role_names]
}

run "more_calls_than_a_policy_takes" {
  command = plan
  variables {
    calls_a_minute = 2147483648
  }
  expect_failures = [var.calls_a_minute]
}

run "names_that_functiongraph_refuses" {
  command = plan
  module {
    source = "./modules/listed"
  }
  variables {
    file = "tests/fixtures/names.yml"
    name = "legible"
  }
  expect_failures = [output.names]
}

run "names_with_blanks_that_nobody_has" {
  command = plan
  variables {
    eventgrid_agency    = "fgs_to_eg "
    configuration_roles = ["CTS ReadOnlyAccess "]
  }
  expect_failures = [var.eventgrid_agency, var.configuration_roles]
}
