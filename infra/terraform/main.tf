# Legible on Huawei Cloud. What exists is said in serverless.yml (functions, triggers, async policies) and in
# infra/policies/functions.yaml (rights); this puts the modules together.

locals {
  root     = "${path.module}/../.."
  packages = var.packages == "" ? "${local.root}/dist" : var.packages
  listed   = var.serverless_file == "" ? "${local.root}/serverless.yml" : var.serverless_file
  tags     = merge(var.tags, { legible = var.name })
  # Known before anything is there, so that a plan shows whole policies.
  buckets = {
    input  = var.input_bucket
    output = var.output_bucket
    code   = var.code_bucket == "" ? "${var.output_bucket}-code" : var.code_bucket
    # What is kept there must not depend on the output bucket, nor on its key.
    failures = var.failures_bucket == "" ? "${var.output_bucket}-failures" : var.failures_bucket
  }
  # What the vendor says of regions: `legible doctor` reads it too.
  regions = jsondecode(file("${path.module}/regions.json"))
  listed_for = {
    eventgrid = contains(local.regions.eventgrid_triggers.regions, var.region)
    flows     = contains(local.regions.function_flows.regions, var.region)
    runtime   = length(setintersection(["*", var.region], lookup(local.regions.runtimes.proven, local.runtime, []))) > 0
  }
  sites = [
    for site in values(local.regions.sites) : site
    if anytrue([for beginning in site.regions_begin_with : startswith(var.region, beginning)])
  ]
  # A region of no known site has the international site's names.
  role_names     = merge(try(local.sites[0], local.regions.sites.international).roles, var.role_names)
  upload_trigger = var.upload_trigger != "" ? var.upload_trigger : local.listed_for.eventgrid ? "eventgrid" : "obs"
  runtime        = var.runtime != "" ? var.runtime : module.listed.functions["on_upload"].runtime
  # Where `legible console` listens: the first of these ports that is free.
  console_origins = var.console_origins != null ? var.console_origins : [
    for port in range(8080, 8084) : "http://127.0.0.1:${port}" if var.apig_instance_id != ""
  ]
  own_agency = local.upload_trigger == "eventgrid" && var.eventgrid_agency == ""
  channel_id = try(data.huaweicloud_eg_event_channels.official[0].channels[0].id, "")
  in_network = var.network != null || var.vpc_cidr != ""
}

module "environment" {
  source = "./modules/environment"

  name       = var.name
  region     = var.region
  project_id = var.project_id
  # Zips are made again: their bucket may change.
  buckets = { for use, name in local.buckets : use => name if use != "code" }
}

module "listed" {
  source = "./modules/listed"

  file = local.listed
  name = var.name
}

module "buckets" {
  source = "./modules/buckets"

  buckets = {
    input = {
      name            = local.buckets.input
      versioning      = true
      kms_key_id      = var.kms_key_id
      origins         = local.console_origins
      forget_versions = var.old_version_days
    }
    # No versions: the ledger's journals are appended to.
    output = {
      name       = local.buckets.output
      kms_key_id = var.kms_key_id
      origins    = local.console_origins
      expire = {
        "work/"        = 1
        "requests/"    = var.request_days
        "failures/"    = var.failure_days
        "notices/log/" = var.failure_days
        # What was repaired longer ago is not asked for, and whose turn it was is of no day but its own.
        "sweep/repairs/" = 30
        "sweep/turns/"   = 30
      }
    }
    # FunctionGraph takes the zip by a way of its own, and nobody says that it is TLS: shut out, it would make no function.
    # Zips are no secret, and nobody else reads them.
    code = { name = local.buckets.code, tls_only = false }
    failures = {
      name   = local.buckets.failures
      expire = { "failures/" = var.failure_days }
    }
  }
  delete_documents      = var.delete_documents
  enterprise_project_id = var.enterprise_project_id
  tags                  = local.tags
}

module "agencies" {
  source = "./modules/agencies"

  file                = "${local.root}/infra/policies/functions.yaml"
  name                = var.name
  region              = var.region
  functions           = module.listed.functions
  input_bucket        = local.buckets.input
  output_bucket       = local.buckets.output
  failures_bucket     = local.buckets.failures
  kms_key_id          = var.kms_key_id
  notify              = var.notify
  ocr_regions         = var.ocr_regions
  role_names          = local.role_names
  classic_trigger     = local.upload_trigger == "obs"
  eventgrid           = local.own_agency
  network             = local.in_network
  configuration_roles = var.configuration_roles
}

module "logs" {
  source = "./modules/logs"

  name                  = var.name
  days                  = var.log_days
  enterprise_project_id = var.enterprise_project_id
  tags                  = local.tags
}

module "network" {
  source = "./modules/network"
  count  = var.vpc_cidr == "" ? 0 : 1

  name                  = var.name
  cidr                  = var.vpc_cidr
  enterprise_project_id = var.enterprise_project_id
  tags                  = local.tags
}

module "functions" {
  source = "./modules/functions"

  functions   = module.listed.functions
  region      = var.region
  runtime     = var.runtime
  packages    = local.packages
  code_bucket = module.buckets.names["code"]
  variables = merge(var.variables, {
    LEGIBLE_REGION          = var.region
    LEGIBLE_PROJECT_ID      = var.project_id
    LEGIBLE_INPUT_BUCKET    = local.buckets.input
    LEGIBLE_OUTPUT_BUCKET   = local.buckets.output
    LEGIBLE_FAILURES_BUCKET = local.buckets.failures
    LEGIBLE_UPLOAD_FUNCTION = module.listed.functions["on_upload"].name
    LEGIBLE_TIMER_FUNCTION  = module.listed.functions["on_timer"].name
  })
  secrets               = var.secrets
  configuration_agency  = module.agencies.configuration
  execution_agencies    = module.agencies.execution
  max_instances         = var.max_instances
  reserved_instances    = var.reserved_instances
  log                   = module.logs.log
  network               = var.vpc_cidr == "" ? var.network : module.network[0].network
  enterprise_project_id = var.enterprise_project_id
  tags                  = local.tags
}

module "async" {
  source = "./modules/async"

  functions    = module.listed.functions
  urns         = module.functions.urns
  bucket       = module.buckets.names["failures"]
  failure_days = var.failure_days
}

data "huaweicloud_eg_event_channels" "official" {
  count = local.upload_trigger == "eventgrid" ? 1 : 0

  provider_type = "OFFICIAL"
  name          = "default"
}

check "eventgrid" {
  assert {
    condition     = local.upload_trigger != "eventgrid" || local.channel_id != ""
    error_message = "EventGrid has no default channel in ${var.region}: enable EventGrid there, or set upload_trigger = \"obs\"."
  }
}

# Only what is retried is called: an upload in between would be lost at the first error.
module "triggers" {
  source     = "./modules/triggers"
  depends_on = [module.async]

  uploads        = module.listed.uploads
  timers         = module.listed.timers
  traces         = var.audit_by_trigger ? module.listed.traces : {}
  urns           = module.functions.urns
  bucket         = module.buckets.names["input"]
  upload_trigger = local.upload_trigger
  channel_id     = local.channel_id
  agency         = local.own_agency ? module.agencies.eventgrid : var.eventgrid_agency
}

module "api" {
  source = "./modules/api"
  count  = var.apig_instance_id == "" ? 0 : 1

  apis           = module.listed.apis
  name           = var.name
  urns           = module.functions.urns
  instance_id    = var.apig_instance_id
  calls_a_minute = var.calls_a_minute
  tags           = local.tags
}

module "notifications" {
  source = "./modules/notifications"

  name                  = var.name
  emails                = var.alarm_emails
  channel               = contains(var.notify, "eventgrid")
  tell_of_subscriptions = var.tell_of_subscriptions
  enterprise_project_id = var.enterprise_project_id
  tags                  = local.tags
}

module "alarms" {
  source = "./modules/alarms"

  functions             = module.listed.functions
  name                  = var.name
  topic_urn             = module.notifications.topic_urn
  ocr_failures          = var.ocr_failures
  deployment            = local.buckets.output
  stall_minutes         = var.stall_minutes
  dead_documents        = var.dead_documents
  cost_month            = var.cost_month
  package_left          = var.package_left
  enterprise_project_id = var.enterprise_project_id
}
