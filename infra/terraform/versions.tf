terraform {
  # 1.9: a validation may look at other variables.
  required_version = ">= 1.9"
  required_providers {
    huaweicloud = {
      source = "huaweicloud/huaweicloud"
      # 1.93.0: tags of objects. Below 2: what a next major version changes is not known.
      version = ">= 1.93.0, < 2.0.0"
    }
  }
}
