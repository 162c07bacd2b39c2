# What is changed on the gateway is published again, and keeps the console's AppCode.

mock_provider "huaweicloud" {}

variables {
  name           = "legible_dev"
  urns           = { http_api = "urn:fss:ap-southeast-1:0123456789abcdef0123456789abcdef:function:default:legible-http-api" }
  instance_id    = "0123456789abcdef0123456789abcdef"
  calls_a_minute = 600
  tags           = { legible = "legible-dev" }
  apis = {
    http_api-0 = {
      function = "http_api"
      data = {
        name  = "legible-api", path = "/", reqMethod = "ANY", protocol = "HTTPS", matchMode = "SWA", auth = "APP"
        envId = "DEFAULT_ENVIRONMENT_RELEASE_ID", timeout = 60000
      }
    }
  }
}

run "published" {
  module {
    source = "./modules/api"
  }
  assert {
    condition     = can(regex("^[0-9a-f]{128}$", nonsensitive(output.app_code)))
    error_message = "The console's app has no AppCode, or one that the gateway refuses."
  }
  assert {
    condition     = output.published.authorization.application_id == output.application_id
    error_message = "The app of the AppCode may not call."
  }
}

run "again_without_a_change" {
  module {
    source = "./modules/api"
  }
  assert {
    condition     = output.published == run.published.published
    error_message = "What did not change is published anew."
  }
  assert {
    condition     = nonsensitive(output.app_code) == nonsensitive(run.published.app_code)
    error_message = "Each apply makes another AppCode."
  }
}

run "a_changed_api" {
  module {
    source = "./modules/api"
  }
  variables {
    apis = {
      http_api-0 = {
        function = "http_api"
        data = {
          name  = "legible-api", path = "/", reqMethod = "ANY", protocol = "HTTPS", matchMode = "SWA", auth = "APP"
          envId = "DEFAULT_ENVIRONMENT_RELEASE_ID", timeout = 30000
        }
      }
    }
  }
  assert {
    condition = (
      output.published.publishment["http_api-0"].id != run.published.published.publishment["http_api-0"].id
      && output.made["http_api-0"].id == run.published.published.publishment["http_api-0"].api_id
    )
    error_message = "A changed API is saved, and never published."
  }
  assert {
    condition = (
      output.published.authorization.id != run.published.published.authorization.id
      && output.published.throttling.id != run.published.published.throttling.id
    )
    error_message = "What was published anew is called by nobody, or without a limit."
  }
  assert {
    condition     = nonsensitive(output.app_code) == nonsensitive(run.published.app_code)
    error_message = "A changed API has another AppCode."
  }
}
