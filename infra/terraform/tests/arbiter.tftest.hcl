# Redis decides who may pay: the functions are where it is, and know where that is.

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
  settings_file = "tests/fixtures/strict.toml"
  network       = { vpc_id = "0d0466b0-e727-4d9c-b35d-f84bb474a37f", subnet_id = "5d9b1a0e-6d0a-4f8e-8f0e-6f3f5a0f2b11" }
  redis         = "rediss://redis-1.dcs.huaweicloud.com:6379/0"
  secrets       = { REDIS_PASSWORD = "x" }
}

run "every_function_is_where_redis_is" {
  command = plan
  assert {
    condition = alltrue([
      for one in module.functions.made : one.vpc_id == var.network.vpc_id && one.network_id == var.network.subnet_id
      && jsondecode(one.user_data).LEGIBLE_REDIS == var.redis
    ])
    error_message = "A function would not reach Redis."
  }
  assert {
    condition     = alltrue([for one in module.functions.made : !strcontains(one.user_data, "REDIS_PASSWORD")])
    error_message = "The password would lie open."
  }
  assert {
    condition     = anytrue([for one in output.policies["config"].project : contains(one.Action, "vpc:ports:create")])
    error_message = "FunctionGraph may not put the functions into the VPC."
  }
}

run "outside_of_its_network" {
  command = plan
  variables {
    network = null
  }
  expect_failures = [var.redis]
}

run "a_password_that_is_missing" {
  command = plan
  variables {
    secrets = {}
  }
  expect_failures = [output.settings]
}

run "a_password_in_its_address" {
  command = plan
  variables {
    redis = "rediss://:canary@redis-1.dcs.huaweicloud.com"
  }
  expect_failures = [var.redis]
}

run "one_that_nobody_asks" {
  command = plan
  variables {
    settings_file = "tests/fixtures/hooked.toml"
    notify        = ["smn", "eventgrid"]
    secrets       = { HR_WEBHOOK_SECRET = "x" }
  }
  expect_failures = [output.settings]
}

run "said_twice" {
  command = plan
  variables {
    variables = { LEGIBLE_REDIS = "redis://10.0.0.4" }
  }
  expect_failures = [var.redis]
}
