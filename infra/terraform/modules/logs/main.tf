# Where the functions' logs go.

variable "name" {
  description = "The name of group and stream."
  type        = string
}

variable "days" {
  description = "How long they are kept."
  type        = number
}

variable "enterprise_project_id" {
  description = "The enterprise project."
  type        = string
}

variable "tags" {
  description = "Tags."
  type        = map(string)
}

resource "huaweicloud_lts_group" "this" {
  group_name            = var.name
  ttl_in_days           = var.days
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

resource "huaweicloud_lts_stream" "this" {
  group_id              = huaweicloud_lts_group.this.id
  stream_name           = "${var.name}-functions"
  ttl_in_days           = var.days
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

output "log" {
  description = "The group and the stream."
  value = {
    group_id    = huaweicloud_lts_group.this.id
    group_name  = huaweicloud_lts_group.this.group_name
    stream_id   = huaweicloud_lts_stream.this.id
    stream_name = huaweicloud_lts_stream.this.stream_name
  }
}
