# One state is one environment: a plan that was meant for another is refused, and the documents stay.

mock_provider "huaweicloud" {
  mock_data "huaweicloud_eg_event_channels" {
    defaults = { channels = [{ id = "b7a1ce8b-ff4e-4d8e-9ac0-2f1d9c0e3e54", name = "default" }] }
  }
}

variables {
  region        = "ap-southeast-1"
  project_id    = "0123456789abcdef0123456789abcdef"
  input_bucket  = "example-dev-in"
  output_bucket = "example-dev-out"
  packages      = "tests/fixtures"
}

run "dev" {
}

run "the_same_again" {
  command = plan
  assert {
    condition = (
      output.functions == run.dev.functions && output.topic_urn == run.dev.topic_urn && output.policies == run.dev.policies
      && output.next == run.dev.next && output.by_region == run.dev.by_region
    )
    error_message = "A plan after an apply changes something, though nothing was changed."
  }
}

run "a_state_of_dev" {
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "ap-southeast-1"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-dev-in", output = "example-dev-out", failures = "example-dev-out-failures" }
  }
}

run "prod_over_dev" {
  command = plan
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "ap-southeast-1"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-prod-in", output = "example-prod-out", failures = "example-prod-out-failures" }
  }
  expect_failures = [terraform_data.this]
}

run "one_bucket_renamed" {
  command = plan
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "ap-southeast-1"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-dev-uploads", output = "example-dev-out", failures = "example-dev-out-failures" }
  }
  expect_failures = [terraform_data.this]
}

run "failures_kept_elsewhere" {
  command = plan
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "ap-southeast-1"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-dev-in", output = "example-dev-out", failures = "example-dev-lost" }
  }
  expect_failures = [terraform_data.this]
}

run "another_name_over_it" {
  command = plan
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible-prod"
    region     = "ap-southeast-1"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-dev-in", output = "example-dev-out", failures = "example-dev-out-failures" }
  }
  expect_failures = [terraform_data.this]
}

run "another_region_over_it" {
  command = plan
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "cn-north-4"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-dev-in", output = "example-dev-out", failures = "example-dev-out-failures" }
  }
  expect_failures = [terraform_data.this]
}

run "another_project_over_it" {
  command = plan
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "ap-southeast-1"
    project_id = "fedcba9876543210fedcba9876543210"
    buckets    = { input = "example-dev-in", output = "example-dev-out", failures = "example-dev-out-failures" }
  }
  expect_failures = [terraform_data.this]
}

run "and_nothing_of_it_was_taken_over" {
  module {
    source = "./modules/environment"
  }
  variables {
    name       = "legible"
    region     = "ap-southeast-1"
    project_id = "0123456789abcdef0123456789abcdef"
    buckets    = { input = "example-dev-in", output = "example-dev-out", failures = "example-dev-out-failures" }
  }
  assert {
    condition     = output.of.buckets.input == "example-dev-in" && output.of.name == "legible"
    error_message = "What was refused was kept all the same."
  }
}

run "what_may_change" {
  variables {
    code_bucket    = "example-dev-zips"
    upload_trigger = "eventgrid"
    log_days       = 7
    notify         = []
  }
  assert {
    condition     = output.buckets.input == run.dev.buckets.input && output.buckets.code == "example-dev-zips"
    error_message = "What is no document's place cannot be changed."
  }
}
