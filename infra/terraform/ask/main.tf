# What a region and its site have, asked from the cloud. It makes nothing: a plan shows the answers.
#
#   terraform -chdir=infra/terraform/ask init
#   terraform -chdir=infra/terraform/ask plan -var region=ap-southeast-1
#
# Apart from the templates because not everybody who deploys may ask (reading roles is a right in IAM), and because a deployment
# must not hang on answers that may differ from one day to the next. Put what it answers into terraform.tfvars.

terraform {
  required_version = ">= 1.9"
  required_providers {
    huaweicloud = {
      source  = "huaweicloud/huaweicloud"
      version = ">= 1.93.0, < 2.0.0"
    }
  }
}

variable "region" {
  description = "The region that is asked."
  type        = string
}

variable "roles" {
  description = "More system policies to look for, as configuration_roles says them."
  type        = set(string)
  default     = []
}

provider "huaweicloud" {
  region = var.region
}

locals {
  duties = yamldecode(file("${path.module}/../../policies/functions.yaml")).duties
  types  = [for one in data.huaweicloud_fgs_trigger_types.there.types : upper(one)]
  # By the names that the templates grant them by: the site's own.
  sites = [
    for site in values(jsondecode(file("${path.module}/../regions.json")).sites) : site
    if anytrue([for beginning in site.regions_begin_with : startswith(var.region, beginning)])
  ]
  granted = flatten([for duty in values(local.duties) : try(duty.roles, [])])
  roles   = setunion(var.roles, [for role in local.granted : try(local.sites[0].roles[role], role)])
}

data "huaweicloud_fgs_trigger_types" "there" {}

data "huaweicloud_fgs_runtime_types" "there" {}

# Fails where there is none of that name: an agency would be given nothing instead, and nobody told.
data "huaweicloud_identity_role" "named" {
  for_each = local.roles

  display_name = each.value
}

output "upload_trigger" {
  description = "For upload_trigger."
  value       = contains(local.types, "EVENTGRID") ? "eventgrid" : "obs"

  precondition {
    condition     = length(setintersection(local.types, ["EVENTGRID", "OBS"])) > 0
    error_message = <<-EOT
      FunctionGraph in ${var.region} has neither trigger by uploads, EVENTGRID or OBS, only ${join(", ", local.types)}.
      Uploads would call nobody.
    EOT
  }
}

output "runtimes" {
  description = "For runtime: Python3.10 or Python3.12."
  value       = [for one in data.huaweicloud_fgs_runtime_types.there.types : one.type if startswith(one.type, "Python3.1")]
}

output "roles" {
  description = "The system policies that are there, by the names they were asked by. An unknown one is an error."
  value       = { for name, role in data.huaweicloud_identity_role.named : name => role.name }
}
