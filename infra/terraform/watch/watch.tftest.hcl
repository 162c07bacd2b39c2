# What is made, by the provider's schema alone.

mock_provider "huaweicloud" {}

variables {
  region        = "ap-southeast-1"
  output_bucket = "example-legible-out"
}

run "one_dashboard_of_this_deployment" {
  command = apply

  assert {
    condition = alltrue(flatten([
      for widget in huaweicloud_ces_dashboard_widget.own : [
        for metric in widget.metrics : metric.namespace == "LEGIBLE.Documents" && one(metric.dimensions).values == tolist(["example-legible-out"])
      ]
    ]))
    error_message = "A graph shows another deployment."
  }
  assert {
    condition = length(distinct([
      for widget in concat(values(huaweicloud_ces_dashboard_widget.own), [huaweicloud_ces_dashboard_widget.ocr]) :
      "${one(widget.location).top},${one(widget.location).left}"
    ])) == length(huaweicloud_ces_dashboard_widget.own) + 1
    error_message = "Two graphs lie on one place."
  }
  assert {
    condition     = length(huaweicloud_lts_keywords_alarm_rule.word) == 0
    error_message = "There is an alarm on a log that nobody named."
  }
}

run "words_of_the_log_ring_where_it_is_named" {
  command = apply
  variables {
    log = { group_id = "g", stream_id = "s", topic_urn = "urn:smn:ap-southeast-1:0123456789abcdef0123456789abcdef:legible", user_name = "ops" }
  }

  assert {
    condition     = toset(keys(huaweicloud_lts_keywords_alarm_rule.word)) == toset(keys(var.words))
    error_message = "A word has no alarm."
  }
}

run "half_a_line" {
  command = plan
  variables {
    words = { defect = 0.5 }
  }
  expect_failures = [var.words]
}
