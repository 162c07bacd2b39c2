# What legible.toml asks of the inputs.

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
  settings_file = "tests/fixtures/hooked.toml"
}

run "a_secret_that_is_missing" {
  command = plan
  variables {
    notify  = ["smn", "eventgrid"]
    secrets = { OTHER = "x" }
  }
  expect_failures = [output.settings]
}

run "a_kind_without_its_right" {
  command = plan
  variables {
    secrets = { HR_WEBHOOK_SECRET = "x" }
  }
  expect_failures = [output.settings]
}

run "what_is_there_is_taken" {
  command = plan
  variables {
    notify  = ["smn", "eventgrid"]
    secrets = { HR_WEBHOOK_SECRET = "x" }
  }
  assert {
    condition     = output.settings.secrets == toset(["HR_WEBHOOK_SECRET"])
    error_message = "Another secret than that of the settings is asked for."
  }
}

run "settings_that_are_not_there" {
  command = plan
  variables {
    settings_file = "tests/fixtures/none.toml"
  }
  expect_failures = [var.settings_file]
}
