output "table_name" {
  value = aws_dynamodb_table.mappings.name
}
output "table_arn" {
  value       = aws_dynamodb_table.mappings.arn
  description = "The variable table_arn of each module team"
}
output "last_purges_table_name" {
  value       = aws_dynamodb_table.last_purges.name
  description = "What was purged last of each object"
}
output "operator_policy_arn" {
  value       = aws_iam_policy.operator.arn
  description = "Attach it to the operators who write the grants"
}
output "dead_letter_policy_arn" {
  value       = aws_iam_policy.dead_letters.arn
  description = "Attach it to people on call: it is for `purge-router dead-letters`"
}
output "doctor_policy_arn" {
  value       = aws_iam_policy.doctor.arn
  description = "Attach it to people who run `purge-router doctor`"
}
output "queue_arn" {
  value       = aws_sqs_queue.events.arn
  description = "The queue that buckets notify"
}
output "queue_url" {
  value = aws_sqs_queue.events.url
}
output "retry_queue_arn" {
  value       = aws_sqs_queue.retry.arn
  description = "The queue of messages that are retried"
}
output "retry_queue_url" {
  value = aws_sqs_queue.retry.url
}
output "delay_queue_arn" {
  value       = aws_sqs_queue.delay.arn
  description = "The delay queue of second purges"
}
output "delay_queue_url" {
  value = aws_sqs_queue.delay.url
}
output "dead_letter_queue_arn" {
  value       = aws_sqs_queue.dead_letters.arn
  description = "The queue of messages that no retry could purge"
}
output "dead_letter_queue_url" {
  value = aws_sqs_queue.dead_letters.url
}
output "function_name" {
  value = aws_lambda_function.purge_router.function_name
}
output "role_arn" {
  value       = aws_iam_role.function.arn
  description = "The variable function_role_arn of a team with a KMS key"
}
output "log_group_name" {
  value = aws_cloudwatch_log_group.function.name
}
output "alarm_topic_arn" {
  value       = aws_sns_topic.alarms.arn
  description = "Subscribe to it everyone who should receive alarms"
}
output "dashboard_name" {
  value = aws_cloudwatch_dashboard.purge_router.dashboard_name
}
