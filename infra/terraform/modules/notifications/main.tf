# Whom things are told to: a topic for people, a channel for programs.

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "emails" {
  description = "Addresses that are asked whether they want the topic's messages."
  type        = set(string)
}

variable "channel" {
  description = "Whether notices go to a channel of EventGrid too."
  type        = bool
}

variable "tell_of_subscriptions" {
  description = "Whether the topic is told when somebody subscribes to an OCR API. CTS must be enabled."
  type        = bool
}

variable "enterprise_project_id" {
  description = "The enterprise project."
  type        = string
}

variable "tags" {
  description = "Tags."
  type        = map(string)
}

resource "huaweicloud_smn_topic" "this" {
  name                  = var.name
  display_name          = "Legible"
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags
}

resource "huaweicloud_smn_subscription" "email" {
  for_each = var.emails

  topic_urn = huaweicloud_smn_topic.this.id
  protocol  = "email"
  endpoint  = each.value
  remark    = "Legible"
}

resource "huaweicloud_eg_custom_event_channel" "this" {
  count = var.channel ? 1 : 0

  name                  = var.name
  description           = "Legible: how documents ended"
  enterprise_project_id = var.enterprise_project_id
}

resource "huaweicloud_eg_custom_event_source" "this" {
  count = var.channel ? 1 : 0

  channel_id  = huaweicloud_eg_custom_event_channel.this[0].id
  name        = var.name
  description = "Legible"
}

# What the user guide's chapter 9 lists: the one operation of OCR that CTS records.
resource "huaweicloud_cts_notification" "subscriptions" {
  count = var.tell_of_subscriptions ? 1 : 0

  name           = "${replace(var.name, "-", "_")}_ocr_subscriptions"
  operation_type = "customized"
  smn_topic      = huaweicloud_smn_topic.this.id

  operations {
    service     = "OCR"
    resource    = "ai_service"
    trace_names = ["subscribeAISubService"]
  }
}

output "topic_urn" {
  description = "The topic."
  value       = huaweicloud_smn_topic.this.id
}

output "channel_id" {
  description = "The channel; empty for none."
  value       = try(huaweicloud_eg_custom_event_channel.this[0].id, "")
}
