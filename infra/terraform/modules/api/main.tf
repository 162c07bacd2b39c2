# The HTTP API on a dedicated gateway: called by apps, with a time to answer, so many times a minute.

variable "apis" {
  description = "The APIs, as the module `listed` has them."
  type        = any
}

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "urns" {
  description = "The functions' URNs."
  type        = map(string)
}

variable "instance_id" {
  description = "The gateway."
  type        = string
}

variable "calls_a_minute" {
  description = "The most calls a minute, of all apps together."
  type        = number
}

variable "tags" {
  description = "Tags."
  type        = map(string)
}

locals {
  # An AppCode has 64 to 180 letters, digits and signs; this, 128.
  app_code = sensitive(sha512(terraform_data.app_code.triggers_replace))
}

resource "huaweicloud_apig_group" "this" {
  instance_id = var.instance_id
  name        = replace(var.name, "-", "_")
  description = "Legible: documents, results and the console over HTTP"
}

resource "huaweicloud_apig_api" "this" {
  for_each = var.apis

  instance_id             = var.instance_id
  group_id                = huaweicloud_apig_group.this.id
  name                    = each.value.data.name
  type                    = "Public"
  request_protocol        = each.value.data.protocol
  request_method          = each.value.data.reqMethod
  request_path            = each.value.data.path
  matching                = each.value.data.matchMode == "SWA" ? "Prefix" : "Exact"
  security_authentication = each.value.data.auth
  # An app may name itself by its code (X-Apig-AppCode) instead of a signature.
  simple_authentication  = true
  is_send_fg_body_base64 = true
  tags                   = [for key, value in var.tags : "${key}-${value}"]

  func_graph {
    function_urn    = var.urns[each.value.function]
    version         = "latest"
    network_type    = "V2"
    invocation_type = "sync"
    timeout         = each.value.data.timeout
  }

  # Whose documents they are: the gateway says who calls, whatever the caller said.
  backend_params {
    type     = "SYSTEM"
    name     = "x-legible-app"
    location = "HEADER"
    # The provider writes $context. before it and takes it off when it reads: with it here, every plan would differ.
    value             = "appId"
    system_param_type = "internal"
  }

  lifecycle {
    # IAM lets in every user of the cloud, of other accounts too, and names no app.
    precondition {
      condition     = each.value.data.auth == "APP"
      error_message = "${each.value.data.name}: auth is ${each.value.data.auth}; it must be APP, never IAM or NONE."
    }
    precondition {
      condition     = each.value.data.timeout >= 1 && each.value.data.timeout <= 60000
      error_message = "${each.value.data.name}: timeout is ${each.value.data.timeout} ms; it must be 1 to 60000."
    }
  }
}

resource "huaweicloud_apig_api_publishment" "this" {
  for_each = var.apis

  instance_id = var.instance_id
  api_id      = huaweicloud_apig_api.this[each.key].id
  env_id      = each.value.data.envId

  lifecycle {
    # It reacts to its own arguments alone: a changed API would be saved, and never published.
    replace_triggered_by = [huaweicloud_apig_api.this[each.key]]
  }
}

# What the AppCode is made of, once: uuid() is 122 random bits. `-replace` makes it anew.
resource "terraform_data" "app_code" {
  triggers_replace = sensitive(uuid())

  lifecycle {
    ignore_changes = [triggers_replace]
  }
}

resource "huaweicloud_apig_application" "console" {
  instance_id = var.instance_id
  name        = "${replace(var.name, "-", "_")}_console"
  description = "Legible: the app of its console"
  app_codes   = [local.app_code]
}

resource "huaweicloud_apig_application_authorization" "console" {
  instance_id    = var.instance_id
  application_id = huaweicloud_apig_application.console.id
  env_id         = one(distinct([for one in values(var.apis) : one.data.envId]))
  api_ids        = [for one in values(huaweicloud_apig_api.this) : one.id]

  depends_on = [huaweicloud_apig_api_publishment.this]

  lifecycle {
    # It is of what is published: whatever is published anew is authorized anew.
    replace_triggered_by = [huaweicloud_apig_api_publishment.this]
  }
}

resource "huaweicloud_apig_throttling_policy" "this" {
  instance_id      = var.instance_id
  name             = "${replace(var.name, "-", "_")}_calls"
  period           = 1
  period_unit      = "MINUTE"
  type             = "API-based"
  max_api_requests = var.calls_a_minute
}

resource "huaweicloud_apig_throttling_policy_associate" "this" {
  instance_id = var.instance_id
  policy_id   = huaweicloud_apig_throttling_policy.this.id
  publish_ids = [for one in values(huaweicloud_apig_api_publishment.this) : one.publish_id]

  lifecycle {
    replace_triggered_by = [huaweicloud_apig_api_publishment.this]
  }
}

output "group_id" {
  description = "The group of APIs, which a domain is bound to."
  value       = huaweicloud_apig_group.this.id
}

output "application_id" {
  description = "The app of the console."
  value       = huaweicloud_apig_application.console.id
}

output "app_code" {
  description = "The AppCode of the console's app."
  value       = local.app_code
  sensitive   = true
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value       = huaweicloud_apig_api.this
}

output "published" {
  description = "What is published, and to whom it is given."
  value = {
    publishment   = huaweicloud_apig_api_publishment.this
    authorization = huaweicloud_apig_application_authorization.console
    throttling    = huaweicloud_apig_throttling_policy_associate.this
  }
}
