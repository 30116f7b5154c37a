variable "bucket_name" {
  description = "The bucket that may notify the topic; it must be in this account"
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "It must be the name of a bucket: 3 to 63 lowercase letters, digits, dots and hyphens."
  }
}

variable "create_bucket" {
  description = "Creates the bucket, and lets it notify the topic"
  type        = bool
  default     = false
  nullable    = false
}

variable "queue_arn" {
  description = "The output queue_arn of the main module"
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.queue_arn))
    error_message = "It must be the ARN of a queue."
  }
}

variable "all_kinds" {
  description = "With create_bucket: sends restored, tagged and acl events too, for mappings whose `events` name them"
  type        = bool
  default     = false
  nullable    = false
}
