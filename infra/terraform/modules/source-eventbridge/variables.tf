variable "name" {
  description = "The name of the bus for another account's events, and what the names of the rule and its queue begin with"
  type        = string
  default     = "purge-router-source"
  nullable    = false
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,31}$", var.name))
    error_message = "The name must have 1 to 32 letters, digits and hyphens, and begin with a letter."
  }
}

variable "bucket_names" {
  description = "The buckets"
  type        = list(string)
  nullable    = false
}

variable "prefix" {
  description = "Only objects with this prefix; empty for all"
  type        = string
  default     = ""
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

variable "team" {
  description = "The team that owns the buckets, for SQS fair queues: a team with many messages doesn't delay other teams. Empty for none"
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{0,31}$", var.team))
    error_message = "It must have 1 to 32 lowercase letters, digits and hyphens, and not begin with a hyphen, or be empty."
  }
}

variable "all_kinds" {
  description = "Sends restored, tagged and acl events too, for mappings whose `events` name them"
  type        = bool
  default     = false
  nullable    = false
}

variable "bucket_account" {
  description = "The account of the buckets, if it is not this one"
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^$|^[0-9]{12}$", var.bucket_account))
    error_message = "It must be the id of an account, twelve digits, or empty."
  }
}
