# Alarms: a function fails, is turned away, nears its time; OCR refuses calls; documents wait while none ends, or are given up.

variable "functions" {
  description = "The functions, as the module `listed` has them."
  type        = any
}

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "topic_urn" {
  description = "Who is told."
  type        = string
}

variable "ocr_failures" {
  description = "How many failed calls of one OCR API in five minutes are too many."
  type        = number
}

variable "deployment" {
  description = "The output bucket: by its name Cloud Eye knows the numbers of this deployment."
  type        = string
}

variable "stall_minutes" {
  description = "How long the oldest document may wait while none ends."
  type        = number
}

variable "dead_documents" {
  description = "How many documents given up in one day are too many."
  type        = number
}

variable "cost_month" {
  description = "What a month's calls may cost, in the currency of the prices; 0 for no bound."
  type        = number
}

variable "package_left" {
  description = "Of how many hundredths of a package's size or less is told; 0 for no bound."
  type        = number
}

variable "enterprise_project_id" {
  description = "The enterprise project."
  type        = string
}

resource "huaweicloud_ces_alarmrule" "function" {
  for_each = var.functions

  alarm_name            = each.value.name
  alarm_description     = "Legible: ${each.value.name} fails, is turned away (no log tells of that), or nears its time"
  alarm_type            = "MULTI_INSTANCE"
  enterprise_project_id = var.enterprise_project_id

  metric {
    namespace = "SYS.FunctionGraph"
  }
  resources {
    dimensions {
      name  = "package-functionname"
      value = "${each.value.app}-${each.value.name}"
    }
  }

  dynamic "condition" {
    for_each = {
      failcount   = { filter = "sum", value = 1, unit = "count" }
      rejectcount = { filter = "sum", value = 1, unit = "count" }
      # Milliseconds. A long document takes all but the last five seconds of 300, and goes on in a fresh invocation: that is
      # no alarm, but whoever needs those five seconds, too, was nearly cut.
      maxDuration = { filter = "max", value = each.value.timeout * 990, unit = "ms" }
    }
    content {
      metric_name         = condition.key
      period              = 300
      filter              = condition.value.filter
      comparison_operator = ">="
      value               = condition.value.value
      unit                = condition.value.unit
      count               = 1
      suppress_duration   = 3600
      alarm_level         = 2
    }
  }

  alarm_actions {
    type              = "notification"
    notification_list = [var.topic_urn]
  }
}

resource "huaweicloud_ces_alarmrule" "ocr" {
  alarm_name            = "${var.name}-ocr"
  alarm_description     = "Legible: calls of an OCR API fail"
  alarm_type            = "ALL_INSTANCE"
  enterprise_project_id = var.enterprise_project_id

  metric {
    namespace = "SYS.OCR"
  }
  resources {
    dimensions {
      name = "call_of_interface"
    }
  }
  condition {
    metric_name         = "failed_call_times_of_service"
    period              = 300
    filter              = "sum"
    comparison_operator = ">="
    value               = var.ocr_failures
    unit                = "times/min"
    count               = 1
    suppress_duration   = 3600
    alarm_level         = 2
  }
  alarm_actions {
    type              = "notification"
    notification_list = [var.topic_urn]
  }
}

# What on_report writes (legible/oversight/metrics.py): states, not amounts, every ten minutes. So a period of twenty minutes has a
# point, and its greatest one counts, of what is left its least. `stall` is the lesser of two times, because a rule knows no "and": how long the oldest upload
# waits, and how long no document has ended.
resource "huaweicloud_ces_alarmrule" "documents" {
  for_each = contains(keys(var.functions), "on_report") ? local.documents : {}

  alarm_name            = "${var.name}-${each.key}"
  alarm_description     = "Legible: ${each.value.means}"
  alarm_type            = "MULTI_INSTANCE"
  enterprise_project_id = var.enterprise_project_id

  metric {
    namespace = "LEGIBLE.Documents"
  }
  resources {
    dimensions {
      name  = "deployment"
      value = var.deployment
    }
  }
  condition {
    metric_name         = each.value.metric
    period              = 1200
    filter              = each.value.filter
    comparison_operator = each.value.operator
    value               = each.value.value
    unit                = each.value.unit
    count               = 1
    suppress_duration   = each.value.again
    alarm_level         = 2
  }
  alarm_actions {
    type              = "notification"
    notification_list = [var.topic_urn]
  }
}

locals {
  documents = {
    for key, one in {
      stall = {
        metric = "stall", value = var.stall_minutes, unit = "minutes", again = 3600
        means  = "the oldest upload waits, and no document ends", operator = ">=", filter = "max"
      }
      # A number of the day: told once, until midnight (UTC) begins it anew.
      dead = {
        metric = "documents_dead", value = var.dead_documents, unit = "count", again = 86400
        means  = "documents were given up today", operator = ">=", filter = "max"
      }
      # What the sweep repaired before, and found again: somebody must look.
      in_vain = {
        metric = "sweep_in_vain", value = 1, unit = "count", again = 86400
        means  = "the sweep repaired documents in vain", operator = ">=", filter = "max"
      }
      cost = {
        metric = "cost_month", value = var.cost_month, unit = "", again = 86400
        means  = "this month's calls have cost as much as was set", operator = ">=", filter = "max"
      }
      # None is written where no package is named.
      package = {
        metric = "package_left", value = var.package_left, unit = "%", again = 86400
        means  = "little is left of a package: pay-per-use is near", operator = "<=", filter = "min"
      }
    } : key => one if one.value > 0
  }
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value = {
    functions = huaweicloud_ces_alarmrule.function
    ocr       = huaweicloud_ces_alarmrule.ocr
    documents = huaweicloud_ces_alarmrule.documents
  }
}
