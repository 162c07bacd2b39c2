# serverless.yml, read: the one list of functions and triggers, with the defaults the plugin has. It makes nothing.

variable "file" {
  description = "The path of serverless.yml."
  type        = string
}

variable "name" {
  description = "What takes the place of the service's name at the beginning of function and trigger names."
  type        = string
}

locals {
  document = yamldecode(file(var.file))
  provider = local.document.provider
  policies = try(local.document.custom.asyncInvocation, {})

  functions = {
    for key, entry in local.document.functions : key => {
      # The plugin's own name of a function that has none.
      name = replace(
        try(entry.name, "${local.document.service}-${key}"), "/^${local.document.service}(-|$)/", "${var.name}$1"
      )
      handler     = entry.handler
      description = try(entry.description, "")
      app         = try(entry.package, local.provider.package, "default")
      runtime     = try(entry.runtime, local.provider.runtime)
      memory      = try(entry.memorySize, local.provider.memorySize, 256)
      timeout     = try(entry.timeout, local.provider.timeout, 30)
      # What the framework would fill in is Terraform's to say.
      variables = { for name, text in try(entry.userData, {}) : name => tostring(text) if !can(regex("[$][{]", text)) }
      async = {
        retries    = try(local.policies[key].maxAsyncRetryAttempts, 1)
        age        = try(local.policies[key].maxAsyncEventAgeInSeconds, 3600)
        on_failure = try(local.policies[key].onFailure, "")
      }
    }
  }

  events = flatten([
    for key, entry in local.document.functions : [
      for number, event in try(entry.events, []) : {
        key      = "${key}-${number}"
        function = key
        type     = event.triggerTypeCode
        data     = event.eventData
      }
    ]
  ])
  named  = [for one in local.events : try(one.data.name, "") if contains(local.kinds, one.type)]
  kinds  = ["OBS", "TIMER", "CTS", "APIG", "DEDICATEDGATEWAY"]
  is_api = { for one in local.events : one.key => contains(["APIG", "DEDICATEDGATEWAY"], one.type) }
}

output "functions" {
  description = "The functions, by their keys in serverless.yml."
  value       = local.functions

  precondition {
    condition     = length(setsubtract(keys(local.functions), keys(local.policies))) == 0
    error_message = <<-EOT
      ${var.file} says no async policy for ${join(", ", setsubtract(keys(local.functions), keys(local.policies)))}.
      Without one the platform retries nothing. Say maxAsyncRetryAttempts and maxAsyncEventAgeInSeconds for each of them
      under custom.asyncInvocation.
    EOT
  }

  precondition {
    condition = alltrue([
      for one in values(local.functions) : one.async.on_failure == "" || contains(keys(local.functions), one.async.on_failure)
    ])
    error_message = "An onFailure under custom.asyncInvocation in ${var.file} names no function of the file."
  }

  precondition {
    condition = alltrue([
      for one in values(local.functions) :
      one.async.retries >= 0 && one.async.retries <= 3 && one.async.age >= 1 && one.async.age <= 86400
    ])
    error_message = "In ${var.file} maxAsyncRetryAttempts is 0 to 3 and maxAsyncEventAgeInSeconds is 1 to 86400."
  }
}

output "names" {
  description = "The names of functions and triggers, as the platform bounds them."
  value       = { functions = [for one in values(local.functions) : one.name], triggers = local.named }

  precondition {
    condition = alltrue([
      for one in values(local.functions) :
      can(regex("^[A-Za-z]([A-Za-z0-9_-]{0,58}[A-Za-z0-9])$", one.name)) && length("${one.app}-${one.name}") <= 64
    ])
    error_message = <<-EOT
      A function in ${var.file} has a name that FunctionGraph or its alarms refuse: it must be 2 to 60 letters, digits, '_' and
      '-', begin with a letter, end with a letter or digit, and have 64 characters at the most together with its app.
    EOT
  }

  precondition {
    condition = alltrue([
      for one in local.events : !contains(local.kinds, one.type) || can(
        regex(local.is_api[one.key] ? "^[A-Za-z][A-Za-z0-9_-]{2,63}$" : "^[A-Za-z][A-Za-z0-9_-]{0,63}$", one.data.name)
      )
    ])
    error_message = <<-EOT
      A trigger in ${var.file} has a name that is refused: it must be 1 to 64 letters, digits, '_' and '-' and begin with a
      letter; an API's must have 3 at the least.
    EOT
  }

  precondition {
    condition     = length(distinct([for one in values(local.functions) : one.name])) == length(local.functions)
    error_message = "Two functions in ${var.file} have one name."
  }
}

output "uploads" {
  description = "The triggers by uploads."
  value       = { for one in local.events : one.key => one if one.type == "OBS" }
}

output "timers" {
  description = "The triggers by time."
  value       = { for one in local.events : one.key => one if one.type == "TIMER" }
}

output "traces" {
  description = "The triggers by operations that CTS records."
  value       = { for one in local.events : one.key => one if one.type == "CTS" }
}

output "apis" {
  description = "The APIs of the gateway."
  value       = { for one in local.events : one.key => one if contains(["APIG", "DEDICATEDGATEWAY"], one.type) }

  precondition {
    condition = alltrue([
      for one in local.events : contains(local.kinds, one.type)
    ])
    error_message = <<-EOT
      ${var.file} has a trigger that these templates do not make:
      ${join(", ", distinct([for one in local.events : one.type]))}. Allowed are ${join(", ", local.kinds)}.
    EOT
  }
}
