output "rule_arn" {
  value = aws_cloudwatch_event_rule.forward.arn
}
output "undelivered_url" {
  value       = aws_sqs_queue.undelivered.url
  description = "The queue of events that could not be delivered to the bus"
}
