# The least that runs: uploads to one bucket become records and workbooks in another.
#
#   cp terraform.tfvars.example terraform.tfvars     # and fill it in
#   make package && make deploy                      # from the repository's root
#
# Keys come from HW_ACCESS_KEY and HW_SECRET_KEY. The state holds no key, but it does hold `secrets`: where several people
# deploy, keep it in a bucket of its own (backend "s3" over OBS).

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

  region        = var.region
  project_id    = var.project_id
  input_bucket  = var.input_bucket
  output_bucket = var.output_bucket
  alarm_emails  = var.alarm_emails
  packages      = var.packages
}

output "next" {
  value = module.legible.next
}

output "where" {
  value = module.legible.where
}
