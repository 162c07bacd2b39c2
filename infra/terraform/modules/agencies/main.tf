# What the functions may do: an execution agency each, one configuration agency for all, one that EventGrid delivers as.
# The table of rights is infra/policies/functions.yaml.

variable "file" {
  description = "The path of functions.yaml."
  type        = string
}

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "region" {
  description = "The region, whose project has the same name."
  type        = string
}

variable "functions" {
  description = "The functions, as the module `listed` has them."
  type        = any
}

variable "input_bucket" {
  description = "The name of the bucket that documents come into."
  type        = string
}

variable "output_bucket" {
  description = "The name of the bucket that results go to."
  type        = string
}

variable "failures_bucket" {
  description = "The name of the bucket that keeps what failed for good."
  type        = string
}

variable "kms_key_id" {
  description = "The key of the buckets; empty for none."
  type        = string
}

variable "notify" {
  description = "The kinds of targets in legible.toml that need a right: smn, eventgrid."
  type        = set(string)
}

variable "ocr_regions" {
  description = "Regions beside `region` in which operations are called."
  type        = set(string)
}

variable "classic_trigger" {
  description = "Whether FunctionGraph itself writes the input bucket's notification."
  type        = bool
}

variable "eventgrid" {
  description = "Whether EventGrid delivers uploads."
  type        = bool
}

variable "network" {
  description = "Whether the functions are in a VPC."
  type        = bool
}

variable "role_names" {
  description = "The system policies that functions.yaml names, by the names that the site's IAM knows them by."
  type        = map(string)
}

variable "configuration_roles" {
  description = "System policies beside, for the configuration agency."
  type        = set(string)
}

locals {
  app = one(distinct([for one in values(var.functions) : one.app]))
  table = yamldecode(templatefile(var.file, {
    input    = var.input_bucket
    output   = var.output_bucket
    failures = var.failures_bucket
    app      = local.app
    name     = var.name
    key      = var.kms_key_id
  }))

  with_key = var.kms_key_id == "" ? [] : ["use-key"]
  telling  = [for kind in var.notify : "tell-${kind}"]
  duties = merge(
    {
      for key in keys(var.functions) : "exec-${replace(key, "_", "-")}" => concat(
        try(local.table.functions[key], []),
        contains(local.table.telling, key) ? local.telling : [],
        local.with_key
      )
    },
    {
      config = concat(
        local.table.configuration,
        var.classic_trigger ? ["notify-of-uploads"] : [],
        var.network ? ["join-network"] : [],
        local.with_key
      )
    },
    var.eventgrid ? { eventgrid = local.table.eventgrid } : {}
  )

  # Scope by scope, because OBS is granted for the account and everything else in the project.
  statements = {
    for scope in ["obs", "project"] : scope => {
      for agency, duties in local.duties : agency => flatten([
        for duty in duties : [
          for statement in try(local.table.duties[duty][scope], []) : merge(
            { Effect = "Allow", Action = statement.actions },
            try({ Resource = statement.resources }, {})
          )
        ]
      ])
    }
  }
  named_roles = {
    for agency, duties in local.duties : agency => flatten([for duty in duties : try(local.table.duties[duty].roles, [])])
  }
  unknown_roles = setsubtract(flatten(values(local.named_roles)), keys(var.role_names))
  system_roles = {
    for agency, roles in local.named_roles : agency => [for role in roles : lookup(var.role_names, role, role)]
  }
}

resource "huaweicloud_identity_role" "obs" {
  for_each = { for agency, statements in local.statements.obs : agency => statements if length(statements) > 0 }

  name        = "${var.name}-${each.key}-obs"
  description = "Legible: what ${each.key} does in OBS"
  type        = "AX"
  policy      = jsonencode({ Version = "1.1", Statement = each.value })
}

resource "huaweicloud_identity_role" "project" {
  for_each = { for agency, statements in local.statements.project : agency => statements if length(statements) > 0 }

  name        = "${var.name}-${each.key}-project"
  description = "Legible: what ${each.key} does in the project"
  type        = "XA"
  policy      = jsonencode({ Version = "1.1", Statement = each.value })
}

resource "huaweicloud_identity_agency" "this" {
  for_each = local.duties

  name                  = "${var.name}-${each.key}"
  description           = "Legible: ${each.key}"
  delegated_domain_name = each.key == "eventgrid" ? "op_svc_EG" : "op_svc_cff"
  all_resources_roles   = [for role in try([huaweicloud_identity_role.obs[each.key].name], []) : role]

  dynamic "project_role" {
    for_each = length(local.statements.project[each.key]) + length(local.system_roles[each.key]) == 0 ? [] : [var.region]
    content {
      project = project_role.value
      roles = concat(
        try([huaweicloud_identity_role.project[each.key].name], []),
        local.system_roles[each.key],
        each.key == "config" ? tolist(var.configuration_roles) : []
      )
    }
  }

  # An operation that is called in another region is called there with the same keys.
  dynamic "project_role" {
    for_each = length(local.system_roles[each.key]) == 0 ? [] : setsubtract(var.ocr_regions, [var.region])
    content {
      project = project_role.value
      roles   = local.system_roles[each.key]
    }
  }
}

output "execution" {
  description = "The names of the execution agencies, by function."
  value = {
    for key in keys(var.functions) : key => huaweicloud_identity_agency.this["exec-${replace(key, "_", "-")}"].name
  }

  precondition {
    condition     = length(setsubtract(keys(var.functions), keys(local.table.functions))) == 0
    error_message = <<-EOT
      ${var.file} says no rights for ${join(", ", setsubtract(keys(var.functions), keys(local.table.functions)))}.
      Say under `functions` which duties each of them has.
    EOT
  }

  precondition {
    condition     = length(local.unknown_roles) == 0
    error_message = <<-EOT
      No name is known for ${join(", ", local.unknown_roles)} in ${var.region} (regions.json). The provider passes over a role
      that IAM does not know, with a line in its log alone: the agencies would lack it after a green apply. Say its
      name in regions.json, under the site's roles, where `legible doctor` reads it too; or in role_names.
    EOT
  }

  precondition {
    condition = alltrue([
      for agency in keys(local.duties) : length("${var.name}-${agency}") <= 64
    ])
    error_message = "An agency's name may have 64 characters: name a function of ${var.file} shorter, or say a shorter name."
  }

  precondition {
    condition     = length(setsubtract(distinct(flatten(values(local.duties))), keys(local.table.duties))) == 0
    error_message = <<-EOT
      ${var.file} has no duty ${join(", ", setsubtract(distinct(flatten(values(local.duties))), keys(local.table.duties)))}.
      Allowed are: ${join(", ", keys(local.table.duties))}.
    EOT
  }
}

output "configuration" {
  description = "The name of the configuration agency."
  value       = huaweicloud_identity_agency.this["config"].name
}

output "eventgrid" {
  description = "The name of the agency that EventGrid delivers as; empty for none."
  value       = try(huaweicloud_identity_agency.this["eventgrid"].name, "")
}

output "policies" {
  description = "Every custom policy, by agency and scope."
  value = {
    for agency in keys(local.duties) : agency => {
      for scope in ["obs", "project"] : scope => local.statements[scope][agency]
    }
  }
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value       = huaweicloud_identity_agency.this
}
