variable "team" {
  description = "The team's name, as in its grant"
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.team))
    error_message = "It must have 1 to 32 lowercase letters, digits and hyphens, and not begin with a hyphen."
  }
}

variable "table_arn" {
  description = "The table: the output table_arn of the main module"
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.table_arn))
    error_message = "It must be the ARN of a table, without wildcards."
  }
}

variable "repository" {
  description = "The team's repository on GitHub, such as website/mappings"
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "It must be an owner and a name, such as website/mappings."
  }
}

variable "environment" {
  description = "The environment of the job that pushes. Restrict it to the protected branch in the repository's settings"
  type        = string
  default     = "purge-router"
  nullable    = false
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.environment))
    error_message = "It must have 1 to 64 letters, digits, hyphens and underscores."
  }
}
