# Private buckets, encrypted; by TLS only, but for the one that FunctionGraph takes the code from.

variable "buckets" {
  description = "The buckets by their use: name, versions kept or not, lifecycle, the origins of pages that may use it."
  type = map(object({
    name       = string
    versioning = optional(bool, false)
    kms_key_id = optional(string, "")
    origins    = optional(list(string), [])
    tls_only   = optional(bool, true)
    # Days after which what lies below a folder goes. With its slash: `work` alone would mean workbooks/ too. None contains
    # another.
    expire = optional(map(number), {})
    # Days after which what was replaced or deleted goes; null for never. Only where versions are kept.
    forget_versions = optional(number)
  }))
  validation {
    condition     = alltrue([for one in var.buckets : alltrue([for folder in keys(one.expire) : endswith(folder, "/")])])
    error_message = "Every folder in expire must end with '/': work would mean workbooks/ too."
  }
}

variable "enterprise_project_id" {
  description = "The enterprise project."
  type        = string
}

variable "delete_documents" {
  description = "Whether destroying a bucket destroys what is in it."
  type        = bool
}

variable "tags" {
  description = "Tags."
  type        = map(string)
}

resource "huaweicloud_obs_bucket" "this" {
  for_each = var.buckets

  bucket                = each.value.name
  acl                   = "private"
  versioning            = each.value.versioning
  encryption            = true
  sse_algorithm         = each.value.kms_key_id == "" ? "AES256" : "kms"
  kms_key_id            = each.value.kms_key_id == "" ? null : each.value.kms_key_id
  force_destroy         = var.delete_documents
  enterprise_project_id = var.enterprise_project_id
  tags                  = var.tags

  dynamic "lifecycle_rule" {
    for_each = each.value.expire
    content {
      name    = replace(trimsuffix(lifecycle_rule.key, "/"), "/", "-")
      prefix  = lifecycle_rule.key
      enabled = true
      expiration {
        days = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.forget_versions == null ? [] : [each.value.forget_versions]
    content {
      name    = "versions"
      enabled = true
      noncurrent_version_expiration {
        days = lifecycle_rule.value
      }
      abort_incomplete_multipart_upload {
        days = 7
      }
    }
  }

  # A browser puts a file by a signed request, and gets results by signed URLs.
  dynamic "cors_rule" {
    for_each = length(each.value.origins) == 0 ? [] : [each.value.origins]
    content {
      allowed_origins = cors_rule.value
      allowed_methods = ["GET", "HEAD", "PUT"]
      allowed_headers = ["*"]
      expose_headers  = ["ETag", "x-obs-request-id"]
      max_age_seconds = 600
    }
  }
}

resource "huaweicloud_obs_bucket_policy" "tls" {
  for_each = { for use, one in var.buckets : use => one if one.tls_only }

  bucket = huaweicloud_obs_bucket.this[each.key].bucket
  policy = jsonencode({
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = { ID = ["*"] }
      Action    = ["*"]
      Resource  = [each.value.name, "${each.value.name}/*"]
      Condition = { Bool = { SecureTransport = ["false"] } }
    }]
  })
}

output "names" {
  description = "The buckets' names by their use, known when they are there."
  value       = { for use, bucket in huaweicloud_obs_bucket.this : use => bucket.bucket }
}

output "made" {
  description = "What this makes, whole, for whoever checks a plan."
  value       = { buckets = huaweicloud_obs_bucket.this, policies = huaweicloud_obs_bucket_policy.tls }
}
