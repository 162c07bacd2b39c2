# Whose state this is. Settings of another environment over it, or beside it, would make its buckets anew: all of them, and the
# documents in those of before would stay behind, or go.

variable "name" {
  description = "What all names begin with."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "project_id" {
  description = "The region's project."
  type        = string
}

variable "buckets" {
  description = "The buckets that hold what nobody could make again, by their use: input, output, failures."
  type        = map(string)
}

locals {
  said = { name = var.name, region = var.region, project_id = var.project_id, buckets = var.buckets }
}

# Kept as it was at first, and compared with what the settings say.
resource "terraform_data" "this" {
  input = local.said

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = jsonencode(self.input) == jsonencode(local.said)
      error_message = <<-EOT
        This state is of ${self.input.name} in ${self.input.region} (project ${self.input.project_id}), with the buckets
        ${join(", ", values(self.input.buckets))}. The settings say ${var.name} in ${var.region} (project ${var.project_id}), with
        ${join(", ", values(var.buckets))}. Nothing was changed: each environment must have a folder and a state of its own
        (docs/deploy.md). If these buckets shall go: terraform apply -replace with the address above.
      EOT
    }
  }
}

output "of" {
  description = "Whose state this is."
  value       = terraform_data.this.input
}
