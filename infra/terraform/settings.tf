# What legible.toml asks of these inputs, for whoever plans by hand. Terraform reads no TOML, so this looks for names in its
# text; `make plan` and `make deploy` judge all of it, with each function's variables (infra/deploy/plan.py).

variable "settings_file" {
  description = "The settings that ship in the zip; the repository's legible.toml unless said."
  type        = string
  default     = ""
  validation {
    condition     = var.settings_file == "" ? true : fileexists(var.settings_file)
    error_message = "settings_file is \"${var.settings_file}\"; there is no such file."
  }
}

locals {
  settings = file(var.settings_file == "" ? "${local.root}/legible.toml" : var.settings_file)
  # Without comments: a name of a user variable and a kind hold no '#'.
  said    = replace(local.settings, "/(?m)#.*$/", "")
  needed  = toset(flatten(regexall("\\bsecret\\s*=\\s*[\"']([A-Z][A-Z0-9_]*)[\"']", local.said)))
  kinds   = toset(flatten(regexall("\\bkind\\s*=\\s*[\"'](smn|eventgrid)[\"']", local.said)))
  lacking = setsubtract(local.needed, concat(nonsensitive(keys(var.secrets)), keys(var.variables)))
}

output "settings" {
  description = "What legible.toml needs of these inputs: names of secrets, kinds of targets."
  value       = { secrets = local.needed, notify = local.kinds }
  precondition {
    condition     = length(local.lacking) == 0
    error_message = <<-EOT
      legible.toml names secrets of webhooks that are not in secrets: ${join(", ", local.lacking)}. No function that sends
      notices would start. Put each into secrets under its name (TF_VAR_secrets='{"NAME": "..."}').
    EOT
  }
  precondition {
    condition     = length(setsubtract(local.kinds, var.notify)) == 0
    error_message = <<-EOT
      legible.toml has targets that no function may send to: ${join(", ", setsubtract(local.kinds, var.notify))}. Add the kinds
      to notify.
    EOT
  }
}
