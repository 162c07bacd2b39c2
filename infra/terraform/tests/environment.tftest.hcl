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

run "prod_over_dev" {
  command = plan
  variables {
    input_bucket  = "example-prod-in"
    output_bucket = "example-prod-out"
  }
  expect_failures = [terraform_data.environment]
}

run "one_bucket_renamed_though_documents_may_be_deleted" {
  command = plan
  variables {
    input_bucket     = "example-dev-uploads"
    delete_documents = true
  }
  expect_failures = [terraform_data.environment]
}

run "failures_kept_elsewhere" {
  command = plan
  variables {
    failures_bucket = "example-dev-lost"
  }
  expect_failures = [terraform_data.environment]
}

run "another_name_over_it" {
  command = plan
  variables {
    name = "legible-prod"
  }
  expect_failures = [terraform_data.environment]
}

run "another_region_over_it" {
  command = plan
  variables {
    region = "cn-north-4"
  }
  expect_failures = [terraform_data.environment]
}

run "another_project_over_it" {
  command = plan
  variables {
    project_id = "fedcba9876543210fedcba9876543210"
  }
  expect_failures = [terraform_data.environment]
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
