# The parameters of ../template.yaml, with the same defaults and bounds. `name` and `package` have no parameter: they are the
# stack's name and the template's CodeUri.

variable "name" {
  description = "What the names of all resources begin with, such as the queue purge-router-Queue; other deployments in the same account and region need another one"
  type        = string
  default     = "purge-router"
  nullable    = false
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,31}$", var.name))
    error_message = "The name must have 1 to 32 letters, digits and hyphens, and begin with a letter."
  }
}

variable "package" {
  description = "The path of the function's package, bootstrap.zip: what `cargo xtask release` builds; null for target/package/bootstrap.zip of this checkout"
  type        = string
  default     = null
}

variable "bucket_arns" {
  description = "ARNs of the buckets that may notify the queue, such as arn:aws:s3:::assets.website.com"
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for arn in var.bucket_arns : can(regex("^arn:[a-z-]+:s3:::[^ ]+$", arn))])
    error_message = "Each must be the ARN of a bucket, such as arn:aws:s3:::assets.website.com."
  }
}

variable "topic_arns" {
  description = "ARNs of the SNS topics that may send to the queue: the output topic_arn of each module source-sns"
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[^ ]+$", arn))])
    error_message = "Each must be the ARN of an SNS topic."
  }
}

variable "rule_arns" {
  description = "ARNs of the EventBridge rules that may send to the queue: the output rule_arn of each module source-eventbridge"
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for arn in var.rule_arns : can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:rule/[^ ]+$", arn))])
    error_message = "Each must be the ARN of an EventBridge rule."
  }
}

variable "source_accounts" {
  description = "Ids of the other accounts that own some of these buckets and topics"
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for account in var.source_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = "Each must be the id of an account, twelve digits."
  }
}

variable "mappings_file" {
  description = "A mapping file in the package, beside bootstrap, to use instead of the table; empty for the table"
  type        = string
  default     = ""
  nullable    = false
}

variable "mappings_ttl_seconds" {
  description = "How long the mappings of a bucket are cached before they are read again"
  type        = number
  default     = 30
  nullable    = false
  validation {
    condition     = var.mappings_ttl_seconds >= 0
    error_message = "It must be 0 or more."
  }
}

variable "token_folder" {
  description = "The SSM folder with the token folders of all teams; the function may read everything in it and nothing else"
  type        = string
  default     = "/purge-router/"
  nullable    = false
  validation {
    condition     = can(regex("^/([A-Za-z0-9._-]+/)+$", var.token_folder))
    error_message = "It must begin and end with a slash, such as /purge-router/."
  }
}

variable "token_ttl_seconds" {
  description = "How long a token is cached before it is read again; a refused token is read again at once"
  type        = number
  default     = 300
  nullable    = false
  validation {
    condition     = var.token_ttl_seconds >= 0
    error_message = "It must be 0 or more."
  }
}

variable "maximum_concurrency" {
  description = "How many instances of the function may run at once for new messages; each uses its share of Cloudflare's rate limits"
  type        = number
  default     = 2
  nullable    = false
  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000
    error_message = "It must be 2 to 1000."
  }
}

variable "retry_concurrency" {
  description = "How many more instances may run at once for messages that are retried"
  type        = number
  default     = 2
  nullable    = false
  validation {
    condition     = var.retry_concurrency >= 2 && var.retry_concurrency <= 1000
    error_message = "It must be 2 to 1000."
  }
}

variable "delay_concurrency" {
  description = "How many more instances may run at once for second purges, which mappings ask for with again_after"
  type        = number
  default     = 2
  nullable    = false
  validation {
    condition     = var.delay_concurrency >= 2 && var.delay_concurrency <= 1000
    error_message = "It must be 2 to 1000."
  }
}

variable "verify_hosts" {
  description = "The hosts that the function may ask whether a purge evicted (verify), such as www.website.com,*.website.co.uk; empty for none"
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^$|^[a-z0-9*][a-z0-9.*_-]+(, ?[a-z0-9*][a-z0-9.*_-]+)*$", var.verify_hosts))
    error_message = "It must be hostnames with commas between them, such as www.website.com,*.website.co.uk."
  }
}

variable "retry_receives" {
  description = "How often the retry queue delivers a message before it is a dead letter; the wait between two receives grows to 150 to 300 s, so 1000 last for 41 to 82 hours, 500 for 20 to 41"
  type        = number
  default     = 1000
  nullable    = false
  validation {
    condition     = var.retry_receives >= 500 && var.retry_receives <= 1000
    error_message = "It must be 500, so that an outage may last for hours, to 1000, which is what SQS allows."
  }
}

variable "batch_size" {
  description = "How many messages one invocation may get; more than 10 need a batching_window_seconds of 1 or more"
  type        = number
  default     = 1000
  nullable    = false
  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000
    error_message = "It must be 1 to 10000."
  }
}

variable "batching_window_seconds" {
  description = "How long messages are collected; 0 (with a batch_size of 10 or less) purges at once, in smaller requests"
  type        = number
  default     = 1
  nullable    = false
  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 60
    error_message = "It must be 0 to 60."
  }
}

variable "log_level" {
  description = "Leave INFO: with WARN or ERROR, there are no metrics, so two alarms and most of the dashboard stop"
  type        = string
  default     = "INFO"
  nullable    = false
  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "It must be DEBUG, INFO, WARN or ERROR."
  }
}

variable "log_retention_days" {
  description = "How long log events are kept"
  type        = number
  default     = 30
  nullable    = false
  validation {
    condition = contains([
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ], var.log_retention_days)
    error_message = "It must be a number of days that CloudWatch Logs offers, such as 7, 30 or 365."
  }
}

variable "alarm_email" {
  description = "An email address that receives the alarms; others may subscribe to the topic too"
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^$|^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "It must be an email address, or empty."
  }
}

variable "cloudflare_base_url" {
  description = "Cloudflare's API, or a proxy in front of it"
  type        = string
  default     = "https://api.cloudflare.com/client/v4"
  nullable    = false
}

variable "architecture" {
  description = "x86_64 is tested; arm64 has not been tried yet"
  type        = string
  default     = "x86_64"
  nullable    = false
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "It must be x86_64 or arm64."
  }
}

variable "memory_size" {
  description = "Memory of the function in MB; its processor time grows with it"
  type        = number
  default     = 512 # the function needs less than 100; the rest is for large mappings and events
  nullable    = false
  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "It must be 128 to 10240."
  }
}

variable "reserve_concurrency" {
  description = "Whether to reserve instances for the function, as many as all queues need together, which is then also its limit for direct invocations"
  type        = bool
  default     = false
  nullable    = false
}

variable "tracing" {
  description = "Active sends traces to AWS X-Ray"
  type        = string
  default     = "PassThrough"
  nullable    = false
  validation {
    condition     = contains(["PassThrough", "Active"], var.tracing)
    error_message = "It must be PassThrough or Active."
  }
}
