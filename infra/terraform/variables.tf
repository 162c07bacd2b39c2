variable "region" {
  description = "Where everything is, such as ap-southeast-1: buckets, functions and OCR must be in one region."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region is \"${var.region}\"; it must be a region's id, such as ap-southeast-1 or cn-north-4."
  }
}

variable "project_id" {
  description = "The id of the region's project (console, My Credentials)."
  type        = string
  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.project_id))
    error_message = "project_id must be the project's id, 32 of 0-9 and a-f; the console has it under My Credentials."
  }
}

variable "name" {
  description = "What all names begin with; one for each environment of an account."
  type        = string
  default     = "legible"
  validation {
    # The longest name made of it is an alarm's dimension: default-<name>-recognize-pages, 64 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,28}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 30 of a-z, 0-9 and '-', begin with a letter and not end with '-'."
  }
  validation {
    condition     = length(var.name) >= 3 || var.apig_instance_id == ""
    error_message = "name must have 3 characters at the least where there is a gateway: its group is called by it."
  }
  validation {
    condition     = var.name != "default" || !contains(var.notify, "eventgrid")
    error_message = "name must not be default where a channel is made: EventGrid has one of that name."
  }
}

variable "input_bucket" {
  description = "The bucket that documents come into; its name is unique in all of OBS."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.input_bucket))
    error_message = "input_bucket must be 3 to 63 of a-z, 0-9 and '-'."
  }
}

variable "output_bucket" {
  description = "The bucket that results go to; never the input bucket, or every result would be an upload."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.output_bucket))
    error_message = "output_bucket must be 3 to 63 of a-z, 0-9 and '-'."
  }
  validation {
    condition     = var.output_bucket != var.input_bucket
    error_message = "output_bucket must not be input_bucket: every result would be an upload, and call the function again."
  }
}

variable "failures_bucket" {
  description = "The bucket that keeps events that failed for good; made of the output bucket's name unless said."
  type        = string
  default     = ""
  validation {
    condition     = var.failures_bucket == "" || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.failures_bucket))
    error_message = "failures_bucket must be empty, or 3 to 63 of a-z, 0-9 and '-'."
  }
  validation {
    condition = !contains(
      [var.input_bucket, var.output_bucket], coalesce(var.failures_bucket, "${var.output_bucket}-failures")
    )
    error_message = <<-EOT
      failures_bucket must be a bucket of its own: what could not be written to the output bucket must be kept elsewhere.
    EOT
  }
  validation {
    condition     = length(coalesce(var.failures_bucket, "${var.output_bucket}-failures")) <= 63
    error_message = <<-EOT
      The bucket of failures would be ${coalesce(var.failures_bucket, "${var.output_bucket}-failures")}; it must have 63
      characters at the most. Name one in failures_bucket.
    EOT
  }
}

variable "code_bucket" {
  description = "The bucket that the functions' zips are put into; made of the output bucket's name unless said."
  type        = string
  default     = ""
  validation {
    condition     = var.code_bucket == "" || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.code_bucket))
    error_message = "code_bucket must be empty, or 3 to 63 of a-z, 0-9 and '-'."
  }
  validation {
    condition     = !contains([var.input_bucket, var.output_bucket], coalesce(var.code_bucket, "${var.output_bucket}-code"))
    error_message = <<-EOT
      The bucket of the zips would be ${coalesce(var.code_bucket, "${var.output_bucket}-code")}; it must be a bucket of its
      own, neither input_bucket nor output_bucket. Name one in code_bucket.
    EOT
  }
  validation {
    condition     = length(coalesce(var.code_bucket, "${var.output_bucket}-code")) <= 63
    error_message = <<-EOT
      The bucket of the zips would be ${coalesce(var.code_bucket, "${var.output_bucket}-code")}; it must have 63 characters at
      the most. Name one in code_bucket.
    EOT
  }
}

variable "kms_key_id" {
  description = "A key of KMS that input and output bucket are encrypted with; empty for keys that OBS keeps (SSE-OBS)."
  type        = string
  default     = ""
  validation {
    condition     = var.kms_key_id == "" || can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.kms_key_id))
    error_message = "kms_key_id must be empty or a key's id, such as 0d0466b0-e727-4d9c-b35d-f84bb474a37f."
  }
}

variable "enterprise_project_id" {
  description = "The enterprise project that everything belongs to; \"0\" is the default one."
  type        = string
  default     = "0"
  validation {
    condition = var.enterprise_project_id == "0" || can(
      regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.enterprise_project_id)
    )
    error_message = "enterprise_project_id must be \"0\" or the id of an enterprise project: a wrong one is billed to a ghost."
  }
}

variable "tags" {
  description = "Tags of everything that takes them, beside legible = <name>, by which `make destroy` finds what remains."
  type        = map(string)
  default     = {}
  validation {
    condition = length(var.tags) <= 19 && !contains(keys(var.tags), "legible") && alltrue([
      for key, value in var.tags : can(regex("^[A-Za-z0-9_-]{1,36}$", key)) && can(regex("^[A-Za-z0-9_.-]{0,43}$", value))
    ])
    error_message = <<-EOT
      tags must be 19 at the most, none called legible; keys 1 to 36 letters, digits, '_' and '-', values at most 43 of
      these and '.'.
    EOT
  }
  validation {
    condition = var.apig_instance_id == "" || (
      length(var.tags) <= 9 && alltrue([for key in keys(var.tags) : can(regex("^[A-Za-z]", key))])
    )
    error_message = <<-EOT
      tags must be 9 at the most where there is a gateway, and each key begin with a letter: an API has 10, and legible is one.
    EOT
  }
}

variable "runtime" {
  description = <<-EOT
    Python3.10 or Python3.12, as the zip was built for; empty for what serverless.yml says. Which regions have Python3.12 is on no
    page: where FunctionGraph refuses it, Python3.10 is the way out.
  EOT
  type        = string
  default     = ""
  validation {
    condition     = contains(["", "Python3.10", "Python3.12"], var.runtime)
    error_message = "runtime is \"${var.runtime}\"; it must be Python3.10 or Python3.12, or empty."
  }
}

variable "packages" {
  description = "The folder of the zip that `make package` makes, legible-<runtime>.zip; the repository's dist/ unless said."
  type        = string
  default     = ""
  validation {
    condition     = var.packages == "" || try(length(fileset(var.packages, "*.zip")) > 0, false)
    error_message = "packages is \"${var.packages}\"; it must be a folder with zips in it. `make package` makes them."
  }
}

variable "serverless_file" {
  description = "The list of functions; the repository's serverless.yml unless said."
  type        = string
  default     = ""
  validation {
    condition     = var.serverless_file == "" ? true : fileexists(var.serverless_file)
    error_message = "serverless_file is \"${var.serverless_file}\"; there is no such file."
  }
}

variable "upload_trigger" {
  description = <<-EOT
    How uploads call the function: eventgrid, or obs (the classic trigger); empty for eventgrid where regions.json lists the
    region, else obs. infra/terraform/ask asks FunctionGraph which of them it has.
  EOT
  type        = string
  default     = ""
  validation {
    condition     = contains(["", "eventgrid", "obs"], var.upload_trigger)
    error_message = "upload_trigger is \"${var.upload_trigger}\"; it must be eventgrid or obs, or empty."
  }
}

variable "eventgrid_agency" {
  description = "An agency that EventGrid delivers uploads as; empty to make one that may call legible-on-upload alone."
  type        = string
  default     = ""
  validation {
    condition     = length(var.eventgrid_agency) <= 64 && trimspace(var.eventgrid_agency) == var.eventgrid_agency
    error_message = "eventgrid_agency must be empty or an agency's name, 64 characters at the most."
  }
}

variable "apig_instance_id" {
  description = "A dedicated gateway for the HTTP API and the console; empty for none."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[0-9a-z-]{0,64}$", var.apig_instance_id))
    error_message = "apig_instance_id must be empty or the id of a dedicated gateway."
  }
}

variable "calls_a_minute" {
  description = "The most calls of the HTTP API in a minute."
  type        = number
  default     = 600
  validation {
    condition = (
      var.calls_a_minute >= 1 && var.calls_a_minute <= 2147483647 && floor(var.calls_a_minute) == var.calls_a_minute
    )
    error_message = "calls_a_minute must be a whole number, 1 to 2147483647."
  }
}

variable "console_origins" {
  description = <<-EOT
    The pages that may put uploads and get results in a browser. Unless said, with a gateway those of `legible console`
    (http://127.0.0.1:8080 to 8083), without one none.
  EOT
  type        = list(string)
  default     = null
  validation {
    condition = var.console_origins == null ? true : alltrue([
      for origin in var.console_origins : can(regex("^https?://[^/*?#\\s]+$", origin))
    ])
    error_message = "console_origins must be origins: http:// or https://, a host, perhaps a port; no path and no '*'."
  }
}

variable "notify" {
  description = "The kinds of [notify] targets in legible.toml that need a right: smn, eventgrid (then a channel is made)."
  type        = set(string)
  default     = ["smn"]
  validation {
    condition     = length(setsubtract(var.notify, ["smn", "eventgrid"])) == 0
    error_message = "notify may hold smn and eventgrid; a webhook needs no right."
  }
}

variable "alarm_emails" {
  description = "Addresses that get alarms; each is asked first."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "ocr_failures" {
  description = "An alarm rings where so many calls of one OCR API failed within five minutes."
  type        = number
  default     = 5
  validation {
    condition     = var.ocr_failures >= 1
    error_message = "ocr_failures must be 1 or more."
  }
}

variable "stall_minutes" {
  description = <<-EOT
    An alarm rings where the oldest upload has waited for so many minutes while no document ended. A document's end is known when
    its function's time is over, and counted every ten minutes: below half an hour every quiet moment would ring.
  EOT
  type        = number
  default     = 60
  validation {
    condition     = var.stall_minutes >= 30 && var.stall_minutes <= 1440
    error_message = "stall_minutes must be 30 to 1440, a day: an upload waits no longer than that."
  }
}

variable "dead_documents" {
  description = "An alarm rings where so many documents were given up (dead) in one day (UTC)."
  type        = number
  default     = 1
  validation {
    condition     = var.dead_documents >= 1 && floor(var.dead_documents) == var.dead_documents
    error_message = "dead_documents must be a whole number, 1 or more."
  }
}

variable "cost_month" {
  description = <<-EOT
    An alarm rings where the calls of a month (UTC+8) have cost so much, in the currency of [prices] in legible.toml; without prices
    there is no cost. 0 for no alarm.
  EOT
  type        = number
  default     = 0
  validation {
    condition     = var.cost_month >= 0
    error_message = "cost_month must be 0 or more."
  }
}

variable "package_left" {
  description = <<-EOT
    An alarm rings where so many hundredths of the size of any package of [prices] in legible.toml are left, or less; without packages
    nothing is written, and nothing rings. 0 for no alarm.
  EOT
  type        = number
  default     = 10
  validation {
    condition     = var.package_left >= 0 && var.package_left <= 100
    error_message = "package_left must be 0 to 100."
  }
}

variable "ocr_regions" {
  description = "Other regions in which operations are called (`region` of [operations.<slug>] in legible.toml)."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for region in var.ocr_regions : can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", region))])
    error_message = "ocr_regions must be regions' ids, such as ap-southeast-3."
  }
}

variable "tell_of_subscriptions" {
  description = "Whether the topic is told when somebody subscribes to an OCR API. CTS must be enabled first."
  type        = bool
  default     = false
}

variable "audit_by_trigger" {
  description = <<-EOT
    Whether operations that CTS records come to the audit trail at once, by the CTS triggers in serverless.yml. CTS must be
    enabled first, and FunctionGraph needs a system policy of CTS (configuration_roles). Without them the trail gets the same
    operations from the list of CTS, within minutes.
  EOT
  type        = bool
  default     = false
}

variable "variables" {
  description = "More user variables of the functions (docs/settings.md), such as LEGIBLE_SOURCE."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.variables) : can(regex("^[A-Za-z][A-Za-z0-9_]*$", name))])
    error_message = "The names of variables must be letters, digits and '_', and begin with a letter."
  }
  validation {
    condition     = length(var.variables) <= 13
    error_message = "variables may be 13: a function has 20, of which these templates set seven."
  }
  validation {
    condition = length(setintersection(keys(var.variables), [
      "LEGIBLE_REGION", "LEGIBLE_PROJECT_ID", "LEGIBLE_INPUT_BUCKET", "LEGIBLE_OUTPUT_BUCKET", "LEGIBLE_FAILURES_BUCKET",
      "LEGIBLE_UPLOAD_FUNCTION", "LEGIBLE_TIMER_FUNCTION",
    ])) == 0
    error_message = <<-EOT
      variables may not hold region, project, buckets or the functions' names: the templates set them. Say region, project_id,
      input_bucket, output_bucket and name instead.
    EOT
  }
  validation {
    # Of the 4,096 that a function takes, the seven of the templates need up to 520.
    condition     = length(join("", concat(keys(var.variables), values(var.variables)))) <= 3500
    error_message = "variables may have 3500 characters, names and values together; put what is longer into legible.toml."
  }
}

variable "secrets" {
  description = "Encrypted user variables, such as the secrets of webhooks."
  type        = map(string)
  default     = {}
  sensitive   = true
  validation {
    condition     = alltrue([for name in keys(var.secrets) : can(regex("^[A-Za-z][A-Za-z0-9_]*$", name))])
    error_message = "The names of secrets must be letters, digits and '_', and begin with a letter."
  }
  validation {
    condition     = length(setintersection(keys(var.secrets), keys(var.variables))) == 0
    error_message = "No name may be in secrets and in variables: which of the two a function would get is not known."
  }
  validation {
    condition     = length(var.secrets) + length(var.variables) <= 14
    error_message = "variables and secrets together may be 14: a function has 20, of which these templates set six."
  }
}

variable "max_instances" {
  description = <<-EOT
    The most instances of one function at once. 0 stops all functions, and with them who tells of what was dropped: upload
    nothing meanwhile, or look afterwards for what has no record.
  EOT
  type        = number
  default     = 20
  validation {
    condition     = var.max_instances >= 0 && var.max_instances <= 1000 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances must be a whole number, 0 to 1000."
  }
}

variable "reserved_instances" {
  description = "Instances kept warm, by the function's key in serverless.yml, such as { http_api = 1 }. They cost by the hour."
  type        = map(number)
  default     = {}
  validation {
    condition     = alltrue([for count in values(var.reserved_instances) : count >= 1 && floor(count) == count])
    error_message = "reserved_instances must be whole numbers, 1 or more."
  }
}

variable "vpc_cidr" {
  description = <<-EOT
    Addresses of a VPC that is made for the functions, such as 10.20.0.0/24; empty for none. In a VPC functions reach OBS and
    OCR only by a NAT gateway or endpoints, which are yours to make: without them no document is read.
  EOT
  type        = string
  default     = ""
  validation {
    condition     = var.vpc_cidr == "" || try(cidrsubnet(var.vpc_cidr, 0, 0) == var.vpc_cidr, false)
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; it must be a block of addresses by its first one, such as 10.20.0.0/24."
  }
  validation {
    condition     = var.vpc_cidr == "" || try(tonumber(split("/", var.vpc_cidr)[1]) <= 28, false)
    error_message = "vpc_cidr is \"${var.vpc_cidr}\"; it must be /28 or larger: no subnet is smaller."
  }
}

variable "network" {
  description = "A VPC and a subnet that are there already, with a way out to OBS and OCR (see vpc_cidr); null for none."
  type        = object({ vpc_id = string, subnet_id = string })
  default     = null
  validation {
    condition     = var.network == null || var.vpc_cidr == ""
    error_message = "Say network (a VPC that is there) or vpc_cidr (one that is made), not both."
  }
  validation {
    condition     = var.network == null ? true : var.network.vpc_id != "" && var.network.subnet_id != ""
    error_message = "network must have both vpc_id and subnet_id."
  }
}

variable "role_names" {
  description = <<-EOT
    What the site's IAM calls the system policies that infra/policies/functions.yaml names, where regions.json does not know it,
    such as { "OCR ReadOnlyAccess" = "..." }. `legible doctor` reads regions.json alone: a name for good belongs there.
  EOT
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in values(var.role_names) : trimspace(name) != ""])
    error_message = "role_names must say a name for each."
  }
}

variable "flow" {
  description = "Whether the output `flow` has the flow of infra/workflows for this deployment, to be sent to FunctionGraph."
  type        = bool
  default     = false
  validation {
    condition = !var.flow || contains(
      jsondecode(file("${path.module}/regions.json")).function_flows.regions, var.region
    )
    error_message = <<-EOT
      flow may be true in ${join(", ", jsondecode(file("${path.module}/regions.json")).function_flows.regions)} only: FunctionGraph
      has no function flows in ${var.region}. Documents are read there without one.
    EOT
  }
}

variable "configuration_roles" {
  description = <<-EOT
    System policies beside for the configuration agency, as audit_by_trigger needs one. IAM's names: one that it
    does not know is passed over silently (infra/terraform/ask looks).
  EOT
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for role in var.configuration_roles : role != "" && trimspace(role) == role])
    error_message = "configuration_roles must be names of system policies."
  }
}

variable "old_version_days" {
  description = "How long replaced and deleted versions of documents are kept."
  type        = number
  default     = 30
  validation {
    condition     = var.old_version_days >= 1 && floor(var.old_version_days) == var.old_version_days
    error_message = "old_version_days must be a whole number, 1 or more."
  }
}

variable "request_days" {
  description = "How long an Idempotency-Key is remembered."
  type        = number
  default     = 30
  validation {
    condition     = var.request_days >= 1 && floor(var.request_days) == var.request_days
    error_message = "request_days must be a whole number, 1 or more."
  }
}

variable "failure_days" {
  description = "How long the events are kept that failed for good, and the log of notices."
  type        = number
  default     = 90
  validation {
    condition     = var.failure_days >= 1 && var.failure_days <= 365 && floor(var.failure_days) == var.failure_days
    error_message = "failure_days must be a whole number, 1 to 365."
  }
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
  validation {
    condition     = var.log_days >= 1 && var.log_days <= 365 && floor(var.log_days) == var.log_days
    error_message = "log_days must be a whole number, 1 to 365."
  }
}

variable "delete_documents" {
  description = <<-EOT
    Whether destroying this destroys the documents and results too. Else buckets that hold any are kept. Old versions in the
    input bucket may have to be removed by hand (docs/deploy.md).
  EOT
  type        = bool
  default     = false
}
