# Both examples as they are copied, with both kinds of trigger, and what happens when they are applied again.

mock_provider "huaweicloud" {
  mock_data "huaweicloud_eg_event_channels" {
    defaults = { channels = [{ id = "b7a1ce8b-ff4e-4d8e-9ac0-2f1d9c0e3e54", name = "default" }] }
  }
}

variables {
  project_id            = "0123456789abcdef0123456789abcdef"
  input_bucket          = "example-legible-in"
  output_bucket         = "example-legible-out"
  alarm_emails          = ["operations@example.com"]
  apig_instance_id      = "0123456789abcdef0123456789abcdef"
  enterprise_project_id = "01234567-89ab-cdef-0123-456789abcdef"
  kms_key_id            = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
  packages              = "tests/fixtures"
}

run "minimal_where_eventgrid_is_not_listed" {
  command = plan
  module {
    source = "./examples/minimal"
  }
  variables {
    region = "ap-southeast-1"
  }
  assert {
    condition     = startswith(output.by_region.upload_trigger, "obs: ")
    error_message = "The example chooses another trigger than its region has."
  }
}

run "minimal_where_eventgrid_is_listed" {
  command = plan
  module {
    source = "./examples/minimal"
  }
  variables {
    region = "cn-north-4"
  }
  assert {
    condition     = startswith(output.by_region.upload_trigger, "eventgrid: ")
    error_message = "The example chooses another trigger than its region has."
  }
}

run "minimal_as_the_settings_say" {
  command = plan
  module {
    source = "./examples/minimal"
  }
  variables {
    region         = "ap-southeast-3"
    upload_trigger = "eventgrid"
    flow           = true
  }
  assert {
    condition     = startswith(output.by_region.upload_trigger, "eventgrid, as the settings say: ")
    error_message = "The settings do not have the last word."
  }
  assert {
    condition     = jsondecode(output.flow).start == "split"
    error_message = "There is no flow."
  }
}

run "full_where_eventgrid_is_not_listed" {
  command = plan
  module {
    source = "./examples/full"
  }
  variables {
    region = "ap-southeast-1"
  }
  assert {
    condition     = startswith(output.by_region.upload_trigger, "obs: ")
    error_message = "The example chooses another trigger than its region has."
  }
}

run "full_where_eventgrid_is_listed" {
  command = plan
  module {
    source = "./examples/full"
  }
  variables {
    region = "cn-north-4"
  }
  assert {
    condition     = startswith(output.by_region.upload_trigger, "eventgrid: ")
    error_message = "The example chooses another trigger than its region has."
  }
}

run "full_as_the_settings_say" {
  command = plan
  module {
    source = "./examples/full"
  }
  variables {
    region         = "ap-southeast-3"
    upload_trigger = "eventgrid"
    flow           = true
  }
  assert {
    condition     = startswith(output.by_region.upload_trigger, "eventgrid, as the settings say: ")
    error_message = "The settings do not have the last word."
  }
  assert {
    condition     = jsondecode(output.flow).start == "split"
    error_message = "There is no flow."
  }
}

run "minimal_applied" {
  module {
    source = "./examples/minimal"
  }
  variables {
    region = "ap-southeast-1"
  }
  assert {
    condition     = length(nonsensitive(output.app_code)) == 128
    error_message = "There is no AppCode."
  }
}

run "minimal_planned_again" {
  command = plan
  module {
    source = "./examples/minimal"
  }
  variables {
    region = "ap-southeast-1"
  }
  assert {
    condition     = output.next == run.minimal_applied.next
    error_message = "A plan after an apply changes something, though nothing was changed."
  }
  assert {
    condition     = nonsensitive(output.app_code) == nonsensitive(run.minimal_applied.app_code)
    error_message = "Each plan makes another AppCode."
  }
}
