variable "bucket_names" {
  description = "The buckets. They must send their events to EventBridge"
  type        = list(string)
  nullable    = false
}

variable "bus_arn" {
  description = "The output bus_arn of source-eventbridge in the queue's account"
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]+$", var.bus_arn))
    error_message = "It must be the ARN of an event bus."
  }
}
