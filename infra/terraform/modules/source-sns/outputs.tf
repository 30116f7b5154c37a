output "topic_arn" {
  value       = aws_sns_topic.changes.arn
  description = "One of the topic_arns of the main module"
}
output "undelivered_url" {
  value       = one(aws_sqs_queue.undelivered[*].url)
  description = "The queue of messages that could not be delivered; null if the queue is in another account"
}
