output "next" {
  description = "What to do next."
  value = <<-EOT
    1. Once for the account: subscribe to the OCR APIs you use in ${var.region}, and enable OBS authorization in the OCR
       console. Without it pages are sent inline, and the record says so.
    2. Drop a file here:  obs://${local.buckets.input}/passport/
    3. Open its workbook: obs://${local.buckets.output}/results/passport/<file>/record.xlsx
    4. ${var.apig_instance_id == "" ? "The HTTP API has no gateway yet: set apig_instance_id to one." : join("", [
  "Bind a domain to the API group ${module.api[0].group_id}, and run: ",
  "legible console --api https://<domain> (with the AppCode of ${var.name}'s app console)."
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

output "buckets" {
  description = "The buckets."
  value       = local.buckets
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
