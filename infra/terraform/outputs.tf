output "next" {
  description = "What to do next."
  value = <<-EOT
    1. Once for the account: subscribe to the OCR APIs you use in ${var.region}, and enable OBS authorization in the OCR
       console. Without it pages are sent inline, and the record says so.
    2. Drop a file here:  obs://${local.buckets.input}/passport/
    3. Open its workbook: obs://${local.buckets.output}/results/passport/<file>/record.xlsx
    4. ${var.apig_instance_id == "" ? "The HTTP API has no gateway yet: set apig_instance_id to one." : join("", [
  "Bind a domain to the API group ${module.api[0].group_id}, and run: ",
  "LEGIBLE_APP_CODE=$(terraform output -raw app_code) legible console --api https://<domain>"
])}
    5. ${length(var.alarm_emails) == 0 ? "Nobody gets the alarms yet: set alarm_emails." : "Confirm the mails that SMN sent to ${join(", ", var.alarm_emails)}."}
    6. For notices put into legible.toml: topic_urn = "${module.notifications.topic_urn}"
    7. Have it looked at, before anything is paid for (README.md says how to call the command):
       LEGIBLE_REGION=${var.region} LEGIBLE_PROJECT_ID=${var.project_id} LEGIBLE_INPUT_BUCKET=${local.buckets.input} \
       LEGIBLE_OUTPUT_BUCKET=${local.buckets.output} LEGIBLE_UPLOAD_FUNCTION=${module.listed.functions["on_upload"].name} legible doctor
    Agencies take ten to fifteen minutes until OBS knows them.
    %{if local.in_network~}
    The functions are in a VPC: they reach OBS and OCR only once it has a NAT gateway or endpoints, which are yours to make.
    %{endif~}
  EOT
}

output "by_region" {
  description = "What was chosen because of the region, and what nobody has proven there. A plan shows it."
  value = {
    upload_trigger = join("", [
      local.upload_trigger,
      var.upload_trigger == "" ? "" : ", as the settings say",
      ": FunctionGraph's page lists ${local.listed_for.eventgrid ? "" : "no "}EventGrid triggers for ${var.region}",
      ". The settings may say upload_trigger = \"${local.upload_trigger == "obs" ? "eventgrid" : "obs"}\" instead."
    ])
    runtime = local.listed_for.runtime ? "${local.runtime}: in every region." : join("", [
      "${local.runtime}: no page says that ${var.region} has it. If FunctionGraph refuses it: ",
      "make package OPTIONS=\"--runtime ${local.regions.runtimes.way_out}\", and runtime = \"${local.regions.runtimes.way_out}\"."
    ])
    flows = local.listed_for.flows ? (
      "Function flows run in ${var.region}, ${local.regions.function_flows.flows_an_account} an account (flow = true)."
    ) : "${var.region} has no function flows: they run in ${join(", ", local.regions.function_flows.regions)} only."
    roles = "The agencies are given ${join(", ", values(local.role_names))}; a name that IAM does not know is passed over silently."
  }
}

output "app_code" {
  description = "The AppCode of the console's app, for LEGIBLE_APP_CODE; empty without a gateway."
  value       = try(module.api[0].app_code, "")
  sensitive   = true
}

output "flow" {
  description = "The flow of infra/workflows for this deployment, as it is sent to FunctionGraph; empty unless `flow` is set."
  value = !var.flow ? "" : replace(
    templatefile("${local.root}/infra/workflows/document.json", { region = var.region, project_id = var.project_id }),
    ":function:default:legible-", ":function:${module.listed.functions["split"].app}:${var.name}-"
  )
}

output "buckets" {
  description = "The buckets."
  value       = local.buckets

  precondition {
    condition     = length(distinct(values(local.buckets))) == length(local.buckets)
    error_message = "Two of input_bucket, output_bucket, failures_bucket and code_bucket are one: none can be made twice."
  }
}

output "functions" {
  description = "The functions' URNs."
  value       = module.functions.urns
}

output "policies" {
  description = "What each agency may do."
  value       = module.agencies.policies
}

output "topic_urn" {
  description = "The topic of alarms and notices."
  value       = module.notifications.topic_urn
}

output "channel_id" {
  description = "The channel of notices; empty for none."
  value       = module.notifications.channel_id
}

output "where" {
  description = "How `make destroy` finds what remains: the tag of everything that takes one, region and project."
  value       = { tag = "legible=${var.name}", region = var.region, project_id = var.project_id }
}
