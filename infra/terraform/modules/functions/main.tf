# The functions of serverless.yml, each with the zip that lies in the code bucket.

variable "functions" {
  description = "The functions, as the module `listed` has them."
  type        = any
}

variable "region" {
  description = "The region."
  type        = string
}

variable "runtime" {
  description = "The runtime of all of them; empty for the list's own."
  type        = string
}

variable "packages" {
  description = "A folder with the zip of each runtime, legible-<runtime>.zip, as `make package` names it; it serves all functions."
  type        = string
}

variable "code_bucket" {
  description = "The bucket that the zips are put into."
  type        = string
}

variable "variables" {
  description = "User variables of all functions."
  type        = map(string)
}

variable "secrets" {
  description = "Encrypted user variables of all functions."
  type        = map(string)
  sensitive   = true
}

variable "configuration_agency" {
  description = "The agency the platform uses."
  type        = string
}

variable "execution_agencies" {
  description = "The agency the code runs as, by function."
  type        = map(string)
}

variable "max_instances" {
  description = "The most instances of one function at once."
  type        = number
}

variable "reserved_instances" {
  description = "How many instances are kept warm, by function."
  type        = map(number)
}

variable "log" {
  description = "Where logs go."
  type        = object({ group_id = string, group_name = string, stream_id = string, stream_name = string })
}

variable "network" {
  description = "The VPC and subnet of the functions; null for none."
  type        = object({ vpc_id = string, subnet_id = string })
}

variable "enterprise_project_id" {
  description = "The enterprise project."
  type        = string
}

variable "tags" {
  description = "Tags."
  type        = map(string)
}

locals {
  zips = {
    for key in keys(var.functions) : key => (
      "${var.packages}/legible-${lower(var.runtime == "" ? var.functions[key].runtime : var.runtime)}.zip"
    )
  }
  # By content: a changed zip under the same name would go unnoticed. Destroying needs none.
  code = {
    for zip in distinct(values(local.zips)) :
    zip => "${trimsuffix(basename(zip), ".zip")}-${fileexists(zip) ? filesha256(zip) : "missing"}.zip"
  }
}

resource "huaweicloud_obs_bucket_object" "code" {
  for_each = local.code

  bucket       = var.code_bucket
  key          = each.value
  source       = each.key
  content_type = "application/zip"
  tags         = var.tags

  lifecycle {
    precondition {
      condition     = fileexists(each.key)
      error_message = <<-EOT
        There is no ${each.key}. Make it: make package, or for another runtime than serverless.yml says
        make package OPTIONS="--runtime Python3.10", with runtime in the settings.
      EOT
    }
  }
}

resource "huaweicloud_fgs_function" "this" {
  for_each = var.functions

  name        = each.value.name
  app         = each.value.app
  description = each.value.description
  handler     = each.value.handler
  runtime     = var.runtime == "" ? each.value.runtime : var.runtime
  memory_size = each.value.memory
  timeout     = each.value.timeout
  code_type   = "obs"
  code_url = join("", [
    "https://${var.code_bucket}.obs.${var.region}.myhuaweicloud.com/",
    huaweicloud_obs_bucket_object.code[local.zips[each.key]].key
  ])
  agency                = var.configuration_agency
  app_agency            = var.execution_agencies[each.key]
  max_instance_num      = tostring(var.max_instances)
  user_data             = jsonencode(merge(each.value.variables, var.variables))
  encrypted_user_data   = length(var.secrets) == 0 ? null : jsonencode(var.secrets)
  enable_lts_log        = true
  log_group_id          = var.log.group_id
  log_group_name        = var.log.group_name
  log_stream_id         = var.log.stream_id
  log_stream_name       = var.log.stream_name
  vpc_id                = try(var.network.vpc_id, null)
  network_id            = try(var.network.subnet_id, null)
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags

  dynamic "reserved_instances" {
    for_each = try([var.reserved_instances[each.key]], [])
    content {
      qualifier_type = "version"
      qualifier_name = "latest"
      count          = reserved_instances.value
    }
  }
}

output "urns" {
  description = "The functions' URNs, by their keys."
  value       = { for key, one in huaweicloud_fgs_function.this : key => one.urn }

  precondition {
    condition     = length(setsubtract(keys(var.reserved_instances), keys(var.functions))) == 0
    error_message = "reserved_instances names no function: allowed are ${join(", ", keys(var.functions))}."
  }
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value       = huaweicloud_fgs_function.this
  sensitive   = true
}
