# A VPC for the functions. They reach OBS and OCR only with a way out of it: endpoints or a NAT gateway, which are yours.

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "cidr" {
  description = "The addresses of the VPC, all of which its one subnet has."
  type        = string
}

variable "enterprise_project_id" {
  description = "The enterprise project."
  type        = string
}

variable "tags" {
  description = "Tags."
  type        = map(string)
}

resource "huaweicloud_vpc" "this" {
  name                  = var.name
  cidr                  = var.cidr
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

resource "huaweicloud_vpc_subnet" "this" {
  name       = var.name
  vpc_id     = huaweicloud_vpc.this.id
  cidr       = var.cidr
  gateway_ip = cidrhost(var.cidr, 1)
  tags       = var.tags
}

output "network" {
  description = "The VPC and the subnet."
  value       = { vpc_id = huaweicloud_vpc.this.id, subnet_id = huaweicloud_vpc_subnet.this.id }
}
