# What happens to an asynchronous event whose invocation fails: retried, and what fails for good is kept or told.

variable "functions" {
  description = "The functions, as the module `listed` has them."
  type        = any
}

variable "urns" {
  description = "Their URNs."
  type        = map(string)
}

variable "bucket" {
  description = "Where what failed is kept, below failures/, where no function takes it."
  type        = string
}

variable "failure_days" {
  description = "How long it is kept."
  type        = number
}

resource "huaweicloud_fgs_async_invoke_configuration" "this" {
  for_each = var.functions

  function_urn                   = var.urns[each.key]
  max_async_retry_attempts       = each.value.async.retries
  max_async_event_age_in_seconds = each.value.async.age
  enable_async_status_log        = true

  on_failure {
    destination = each.value.async.on_failure == "" ? "OBS" : "FunctionGraph"
    param = each.value.async.on_failure == "" ? jsonencode({
      bucket  = var.bucket
      prefix  = "failures/${each.key}"
      expires = var.failure_days
    }) : jsonencode({ func_urn = var.urns[each.value.async.on_failure] })
  }
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value       = huaweicloud_fgs_async_invoke_configuration.this
}
