# The least that runs: uploads to one bucket become records and workbooks in another.
#
#   cp terraform.tfvars.example terraform.tfvars     # and fill it in
#   make package && make deploy                      # from the repository's root
#
# One folder and state an environment: copy this folder for another. Keys come from HW_ACCESS_KEY and HW_SECRET_KEY, and are not
# in the state. What is: `secrets`, and secret and AppCode of the console's app where there is a gateway. Where several people deploy, keep it in a bucket of its own (backend "s3" over OBS).

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

variable "input_bucket" {
  type = string
}

variable "output_bucket" {
  type = string
}

variable "alarm_emails" {
  type    = set(string)
  default = []
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

variable "apig_instance_id" {
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

# For plans where nothing was packaged: the tests'.
variable "packages" {
  type    = string
  default = ""
}

provider "huaweicloud" {
  region = var.region
}

module "legible" {
  source = "../.."

  region           = var.region
  project_id       = var.project_id
  input_bucket     = var.input_bucket
  output_bucket    = var.output_bucket
  alarm_emails     = var.alarm_emails
  runtime          = var.runtime
  upload_trigger   = var.upload_trigger
  eventgrid_agency = var.eventgrid_agency
  apig_instance_id = var.apig_instance_id
  console_origins  = var.console_origins
  flow             = var.flow
  delete_documents = var.delete_documents
  packages         = var.packages
}

output "next" {
  value = module.legible.next
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
