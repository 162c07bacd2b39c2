# The least that runs: uploads to one bucket become records and workbooks in another.
#
#   cp terraform.tfvars.example terraform.tfvars     # and fill it in
#   make package && make deploy                      # from the repository's root
#
# Keys come from HW_ACCESS_KEY and HW_SECRET_KEY, and are not in the state. What is: `secrets`, and the secret of the console's
# app where there is a gateway. Where several people deploy, keep it in a bucket of its own (backend "s3" over OBS).

terraform {
  required_version = ">= 1.9"
  required_providers {
    huaweicloud = {
      source  = "huaweicloud/huaweicloud"
      version = ">= 1.78.1"
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

variable "upload_trigger" {
  type    = string
  default = "eventgrid"
}

variable "eventgrid_agency" {
  type    = string
  default = ""
}

variable "apig_instance_id" {
  type    = string
  default = ""
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
  delete_documents = var.delete_documents
  packages         = var.packages
}

output "next" {
  value = module.legible.next
}

output "where" {
  value = module.legible.where
}
