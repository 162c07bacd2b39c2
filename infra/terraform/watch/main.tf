# A dashboard of Cloud Eye about one deployment, and alarms on words of its log. Made after the deployment, by whoever wants it:
#
#   terraform -chdir=infra/terraform/watch init
#   terraform -chdir=infra/terraform/watch apply -var region=ap-southeast-1 -var output_bucket=example-legible-out
#
# Apart from the templates: an account has ten dashboards, some regions have no API for them (Qingdao, Mexico City1, Istanbul,
# Jakarta, Riyadh, Manila: api-ces, CreateDashboardWidgets), and an alarm on words of a log is made in the name of a user.

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
  description = "Where the deployment is."
  type        = string
}

variable "name" {
  description = "The deployment's name, as infra/terraform has it."
  type        = string
  default     = "legible"
}

variable "output_bucket" {
  description = "The deployment's output bucket: Cloud Eye knows its numbers by that name."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.output_bucket))
    error_message = "output_bucket must be 3 to 63 of a-z, 0-9 and '-'."
  }
}

variable "enterprise_project_id" {
  description = "The enterprise project of the dashboard."
  type        = string
  default     = "0"
}

variable "log" {
  description = "Where the functions' log is, and who is told of words in it, as a user of IAM; null for no such alarm."
  type = object({
    group_id  = string
    stream_id = string
    topic_urn = string
    user_name = string
  })
  default = null
}

variable "words" {
  description = "Which events of the log ring (docs/operate.md has them all), by how many lines in five minutes. A timer's come once in ten."
  type        = map(number)
  default = {
    defect              = 1
    settings-wrong      = 1
    notice-given-up     = 1
    metrics-not-written = 1
    not-audited         = 1
    retry               = 50
  }
  validation {
    condition     = alltrue([for lines in values(var.words) : lines >= 1 && floor(lines) == lines])
    error_message = "words must have whole numbers, 1 or more."
  }
}

provider "huaweicloud" {
  region = var.region
}

locals {
  # Two in a row, each six of the dashboard's twelve columns wide.
  graphs = [
    { title = "Documents ended today", unit = "count", metrics = [
      "documents_done", "documents_partial", "documents_rejected", "documents_dead",
    ] },
    { title = "Held, and checks that failed today", unit = "count", metrics = ["documents_held", "findings"] },
    { title = "Calls today", unit = "count", metrics = ["calls_paid", "calls_refused", "calls_throttled", "calls_unknown"] },
    { title = "Pages today", unit = "count", metrics = ["pages"] },
    { title = "What waits", unit = "count", metrics = ["uploads_waiting", "notices_waiting", "journals_waiting"] },
    { title = "For how long the oldest waits", unit = "minutes", metrics = [
      "uploads_oldest", "notices_oldest", "journals_oldest", "stall",
    ] },
    { title = "Repaired by the sweep today, and again in vain", unit = "count", metrics = ["sweep_repaired", "sweep_in_vain"] },
    { title = "Cost of this month", unit = "", metrics = ["cost_month"] },
    { title = "Left of the package that has least", unit = "%", metrics = ["package_left"] },
  ]
}

resource "huaweicloud_ces_dashboard" "this" {
  name                  = var.name
  row_widget_num        = 0
  enterprise_project_id = var.enterprise_project_id
}

resource "huaweicloud_ces_dashboard_widget" "own" {
  for_each = { for number, graph in local.graphs : graph.title => merge(graph, { number = number }) }

  dashboard_id        = huaweicloud_ces_dashboard.this.id
  title               = each.key
  view                = "line"
  metric_display_mode = length(each.value.metrics) > 1 ? "multiple" : "single"
  unit                = each.value.unit == "" ? null : each.value.unit

  dynamic "metrics" {
    for_each = each.value.metrics
    content {
      namespace   = "LEGIBLE.Documents"
      metric_name = metrics.value
      dimensions {
        name        = "deployment"
        filter_type = "specific_instances"
        values      = [var.output_bucket]
      }
    }
  }
  location {
    top    = 4 * floor(each.value.number / 2)
    left   = 6 * (each.value.number % 2)
    width  = 6
    height = 4
  }
}

# What the service itself counted, whoever called it.
resource "huaweicloud_ces_dashboard_widget" "ocr" {
  dashboard_id        = huaweicloud_ces_dashboard.this.id
  title               = "Calls that OCR counted, of every program"
  view                = "line"
  metric_display_mode = "multiple"

  dynamic "metrics" {
    for_each = ["successful_call_times_of_service", "failed_call_times_of_service"]
    content {
      namespace   = "SYS.OCR"
      metric_name = metrics.value
      dimensions {
        name        = "call_of_interface"
        filter_type = "all_instances"
        values      = []
      }
    }
  }
  location {
    top    = 4 * floor(length(local.graphs) / 2)
    left   = 6 * (length(local.graphs) % 2)
    width  = 6
    height = 4
  }
}

resource "huaweicloud_lts_keywords_alarm_rule" "word" {
  for_each = var.log == null ? {} : var.words

  name               = "${var.name}-${each.key}"
  description        = "Legible: ${each.key} in the functions' log"
  alarm_level        = "MAJOR"
  send_notifications = true

  keywords_requests {
    keywords               = each.key
    condition              = ">="
    number                 = each.value
    log_group_id           = var.log.group_id
    log_stream_id          = var.log.stream_id
    search_time_range_unit = "minute"
    search_time_range      = 5
  }
  frequency {
    type            = "FIXED_RATE"
    fixed_rate_unit = "minute"
    fixed_rate      = 5
  }
  notification_rule {
    template_name = "keywords_template"
    user_name     = var.log.user_name
    topics {
      name      = var.name
      topic_urn = var.log.topic_urn
    }
  }
}

output "dashboard" {
  description = "The dashboard's id."
  value       = huaweicloud_ces_dashboard.this.id
}
