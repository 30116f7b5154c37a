output "rule_arn" {
  value       = aws_cloudwatch_event_rule.source.arn
  description = "One of the rule_arns of the main module"
}
output "undelivered_url" {
  value       = aws_sqs_queue.undelivered.url
  description = "The queue of events that could not be delivered"
}
output "bus_arn" {
  value       = one(aws_cloudwatch_event_bus.source[*].arn)
  description = "The variable bus_arn of source-eventbridge-forward in the buckets' account; null for buckets of this account"
}
