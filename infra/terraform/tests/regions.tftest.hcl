# Each region of the catalog, with both kinds of trigger; both examples, as they are copied.

mock_provider "huaweicloud" {
  mock_data "huaweicloud_eg_event_channels" {
    defaults = { channels = [{ id = "b7a1ce8b-ff4e-4d8e-9ac0-2f1d9c0e3e54", name = "default" }] }
  }
}

variables {
  packages = "tests/fixtures"
}

run "every_region_and_trigger" {
  command = plan
  module {
    source = "./tests/fixtures/everywhere"
  }

  assert {
    condition     = length(output.regions) >= 8 && contains(output.regions, "ap-southeast-1")
    error_message = "The catalog's regions are not read."
  }
  assert {
    condition = output.chosen == {
      for region in output.regions : region => contains(
        jsondecode(file("regions.json")).eventgrid_triggers.regions, region
      ) ? "eventgrid" : "obs"
    }
    error_message = "A region's default is not what regions.json says."
  }
  assert {
    condition = alltrue([
      for region, chosen in output.chosen :
      output.delivers["${region} "] == chosen && output.delivers["${region} other"] != chosen
    ]) && toset(values(output.delivers)) == toset(["eventgrid", "obs"])
    error_message = "Uploads come another way than was chosen, or than the settings say."
  }
  assert {
    condition     = output.flows == setintersection(output.regions, jsondecode(file("regions.json")).function_flows.regions)
    error_message = "A flow is made where there are none, or none where there are."
  }
}
