# What is made of the cloud's answers.

mock_provider "huaweicloud" {
  mock_data "huaweicloud_fgs_trigger_types" {
    defaults = { types = ["TIMER", "OBS", "EVENTGRID"] }
  }
  mock_data "huaweicloud_fgs_runtime_types" {
    defaults = { types = [{ type = "Node.js18.15", display_name = "Node.js 18.15" }, { type = "Python3.10", display_name = "Python 3.10" }] }
  }
}

variables {
  region = "ap-southeast-1"
}

run "eventgrid_is_there" {
  command = plan
  assert {
    condition     = output.upload_trigger == "eventgrid" && jsonencode(output.runtimes) == jsonencode(["Python3.10"])
    error_message = "What the region has is not what is said."
  }
  assert {
    condition     = contains(keys(output.roles), "OCR ReadOnlyAccess")
    error_message = "Nobody looks for the role that the agencies are given."
  }
}

run "the_classic_trigger_alone" {
  command = plan
  override_data {
    target = data.huaweicloud_fgs_trigger_types.there
    values = { types = ["obs", "timer"] }
  }
  assert {
    condition     = output.upload_trigger == "obs"
    error_message = "A trigger is said that the region does not have."
  }
}

run "neither" {
  command = plan
  override_data {
    target = data.huaweicloud_fgs_trigger_types.there
    values = { types = ["TIMER"] }
  }
  expect_failures = [output.upload_trigger]
}
