terraform {
  # 1.9: a validation may look at other variables.
  required_version = ">= 1.9"
  required_providers {
    huaweicloud = {
      source = "huaweicloud/huaweicloud"
      # 1.78.1: EventGrid triggers of functions.
      version = ">= 1.78.1"
    }
  }
}
