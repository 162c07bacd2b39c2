# What calls functions: uploads (through EventGrid, or by the classic trigger), time, operations that CTS records.

variable "uploads" {
  description = "The triggers by uploads, as the module `listed` has them."
  type        = any
}

variable "timers" {
  description = "The triggers by time."
  type        = any
}

variable "traces" {
  description = "The triggers by recorded operations."
  type        = any
}

variable "urns" {
  description = "The functions' URNs."
  type        = map(string)
}

variable "bucket" {
  description = "The bucket that documents come into."
  type        = string
}

variable "upload_trigger" {
  description = "eventgrid, or obs for the classic trigger."
  type        = string
}

variable "channel_id" {
  description = "EventGrid's own channel, on which the services' events come."
  type        = string
}

variable "agency" {
  description = "The agency that EventGrid delivers as."
  type        = string
}

locals {
  # All that makes an object: large files come by parts, and a copy is an upload too.
  creations = [
    "OBS:DWR:ObjectCreated:PUT",
    "OBS:DWR:ObjectCreated:POST",
    "OBS:DWR:ObjectCreated:COPY",
    "OBS:DWR:ObjectCreated:CompleteMultipartUpload",
  ]
}

# What the trigger by uploads is made of. A change makes the trigger anew, which would not see it by itself (below): uploads to
# another bucket would call nobody.
resource "terraform_data" "eventgrid" {
  for_each = var.upload_trigger == "eventgrid" ? var.uploads : {}

  input = jsonencode({
    channel_id   = var.channel_id
    channel_name = "default"
    source_name  = "HC.OBS.DWR"
    trigger_name = each.value.data.name
    agency       = var.agency
    bucket       = var.bucket
    event_types  = local.creations
    Key_encode   = true
  })
}

resource "huaweicloud_fgs_function_trigger" "eventgrid" {
  for_each = terraform_data.eventgrid

  function_urn                   = var.urns[var.uploads[each.key].function]
  type                           = "EVENTGRID"
  status                         = "ACTIVE"
  cascade_delete_eg_subscription = true
  event_data                     = each.value.input

  lifecycle {
    # The service does not return all of it.
    ignore_changes       = [event_data]
    replace_triggered_by = [terraform_data.eventgrid[each.key]]

    precondition {
      condition = (
        try(var.uploads[each.key].data.prefix, "") == "" && try(var.uploads[each.key].data.suffix, "") == ""
      )
      error_message = <<-EOT
        ${var.uploads[each.key].data.name} has a prefix or a suffix; whether an EventGrid trigger takes them is not documented.
        Leave both empty, or set upload_trigger = "obs".
      EOT
    }
  }
}

resource "huaweicloud_fgs_function_trigger" "obs" {
  for_each = var.upload_trigger == "obs" ? var.uploads : {}

  function_urn = var.urns[each.value.function]
  type         = "OBS"
  status       = "ACTIVE"
  # What is empty is left out: it is compared as text with what the service returns, which need not have it.
  event_data = jsonencode(merge(
    {
      name   = each.value.data.name
      bucket = var.bucket
      # Covers its four, and may not be combined with them.
      events = each.value.data.events
    },
    { for key in ["prefix", "suffix"] : key => each.value.data[key] if try(each.value.data[key], "") != "" }
  ))
}

resource "huaweicloud_fgs_function_trigger" "timer" {
  for_each = var.timers

  function_urn = var.urns[each.value.function]
  type         = "TIMER"
  status       = "ACTIVE"
  event_data = jsonencode(merge(
    {
      name          = each.value.data.name
      schedule_type = each.value.data.scheduleType
      schedule      = each.value.data.schedule
    },
    try(each.value.data.userEvent, "") == "" ? {} : { user_event = each.value.data.userEvent }
  ))
}

resource "huaweicloud_fgs_function_trigger" "cts" {
  for_each = var.traces

  function_urn = var.urns[each.value.function]
  type         = "CTS"
  status       = "ACTIVE"
  event_data = jsonencode({
    name       = each.value.data.name
    operations = each.value.data.operations
  })
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value = {
    eventgrid = huaweicloud_fgs_function_trigger.eventgrid
    obs       = huaweicloud_fgs_function_trigger.obs
    timer     = huaweicloud_fgs_function_trigger.timer
    cts       = huaweicloud_fgs_function_trigger.cts
  }
}
