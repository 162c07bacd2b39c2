# Everything that can be switched on: the HTTP API with its console, notices to programs, a key of one's own, a VPC, warm
# instances, an enterprise project.

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
  type = string
}

variable "project_id" {
  type = string
}

variable "enterprise_project_id" {
  type = string
}

variable "input_bucket" {
  type = string
}

variable "output_bucket" {
  type = string
}

variable "kms_key_id" {
  type = string
}

variable "apig_instance_id" {
  type = string
}

variable "alarm_emails" {
  type = set(string)
}

variable "secrets" {
  type      = map(string)
  default   = {}
  sensitive = true
}

variable "runtime" {
  type    = string
  default = ""
}

# Empty: as the region has it.
variable "upload_trigger" {
  type    = string
  default = ""
}

variable "eventgrid_agency" {
  type    = string
  default = ""
}

# Null: those of `legible console`, where there is a gateway.
variable "console_origins" {
  type    = list(string)
  default = null
}

variable "flow" {
  type    = bool
  default = false
}

variable "delete_documents" {
  type    = bool
  default = false
}

variable "packages" {
  type    = string
  default = ""
}

provider "huaweicloud" {
  region                = var.region
  enterprise_project_id = var.enterprise_project_id
}

module "legible" {
  source = "../.."

  name                  = "legible-prod"
  region                = var.region
  project_id            = var.project_id
  enterprise_project_id = var.enterprise_project_id
  tags                  = { team = "back-office" }
  packages              = var.packages
  runtime               = var.runtime
  upload_trigger        = var.upload_trigger
  eventgrid_agency      = var.eventgrid_agency

  input_bucket     = var.input_bucket
  output_bucket    = var.output_bucket
  kms_key_id       = var.kms_key_id
  old_version_days = 90
  delete_documents = var.delete_documents

  apig_instance_id   = var.apig_instance_id
  calls_a_minute     = 300
  console_origins    = var.console_origins
  reserved_instances = { http_api = 1 }
  max_instances      = 50
  vpc_cidr           = "10.20.0.0/24"

  flow                  = var.flow
  notify                = ["smn", "eventgrid"]
  alarm_emails          = var.alarm_emails
  tell_of_subscriptions = true
  audit_by_trigger      = true
  ocr_regions           = ["ap-southeast-3"]
  variables             = { LEGIBLE_LOG_LEVEL = "INFO" }
  secrets               = var.secrets
  log_days              = 90
}

output "next" {
  value = module.legible.next
}

output "channel_id" {
  value = module.legible.channel_id
}

output "by_region" {
  value = module.legible.by_region
}

# terraform output -raw app_code
output "app_code" {
  value     = module.legible.app_code
  sensitive = true
}

# terraform output -raw flow
output "flow" {
  value = module.legible.flow
}

output "where" {
  value = module.legible.where
}
