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

variable "token_folder" {
  description = "The team's own SSM folder, as `tokens` in its grant; empty for /purge-router/<team>/"
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^$|^/([A-Za-z0-9._-]+/){1,14}$", var.token_folder))
    error_message = "It must begin and end with a slash, such as /purge-router/web/, or be empty."
  }
}

variable "create_token_key" {
  description = "Creates a KMS key for the team's tokens; write its alias as `kms_key` into the team's grant"
  type        = bool
  default     = false
  nullable    = false
}

variable "function_role_arn" {
  description = "With create_token_key, the output role_arn of the main module: this role may decrypt"
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^$|^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", var.function_role_arn))
    error_message = "It must be the ARN of a role, or empty."
  }
}
