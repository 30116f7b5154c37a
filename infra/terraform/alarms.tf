# Notifications of the alarms below. They are not encrypted with a KMS key: CloudWatch can't use the key that AWS manages for
# SNS, and they contain no secret.
resource "aws_sns_topic" "alarms" {
  name = "${var.name}-AlarmTopic"
  tags = local.tags
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsMayPublish"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = {
        ArnEquals = {
          "aws:SourceArn" = [
            aws_cloudwatch_metric_alarm.dead_letters.arn,
            aws_cloudwatch_metric_alarm.oldest_message.arn,
            aws_cloudwatch_metric_alarm.retries.arn,
            aws_cloudwatch_metric_alarm.second_purges.arn,
            aws_cloudwatch_metric_alarm.token_refused.arn,
            aws_cloudwatch_metric_alarm.stale_after_purge.arn,
            aws_cloudwatch_metric_alarm.throttles.arn,
            aws_cloudwatch_metric_alarm.errors.arn,
          ]
        }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = var.alarm_email == "" ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# The runbook is docs/operations.md, and docs/dead-letters.md for dead letters.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${var.name}-DeadLettersAlarm"
  alarm_description   = "Messages are in the dead-letter queue: they are malformed, Cloudflare refuses what they purge, or ${var.retry_receives} retries failed. Run `purge-router dead-letters list --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/dead-letters.md#redrive. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  alarm_name          = "${var.name}-OldestMessageAlarm"
  alarm_description   = "New messages have waited for more than 5 minutes: there are too few instances, or the function does not run. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.events.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 300 # this metric excludes messages that were received three times, which takes 8 minutes
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

# The age of the oldest message would not do: SQS leaves out messages that were received three times, as these are in a minute.
# Hidden messages count as not visible, those that replace one of which a part was purged as delayed, and each is visible for
# a moment before it is received, so all are added.
resource "aws_cloudwatch_metric_alarm" "retries" {
  alarm_name          = "${var.name}-RetriesAlarm"
  alarm_description   = "The retry queue was not empty for 15 minutes: the purges of a zone keep failing, or more is rate limited than is retried. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  evaluation_periods  = 15
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "messages"
    expression  = "visible + hidden + delayed"
    label       = "messages that are retried"
    return_data = true
  }
  metric_query {
    id          = "visible"
    return_data = false
    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.retry.name }
      stat        = "Minimum"
      period      = 60
    }
  }
  metric_query {
    id          = "hidden"
    return_data = false
    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesNotVisible"
      dimensions  = { QueueName = aws_sqs_queue.retry.name }
      stat        = "Minimum"
      period      = 60
    }
  }
  metric_query {
    id          = "delayed"
    return_data = false
    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesDelayed"
      dimensions  = { QueueName = aws_sqs_queue.retry.name }
      stat        = "Minimum"
      period      = 60
    }
  }
}

# The delay may count as age, so the threshold is the longest delay and 5 minutes.
resource "aws_cloudwatch_metric_alarm" "second_purges" {
  alarm_name          = "${var.name}-SecondPurgesAlarm"
  alarm_description   = "Second purges are more than 5 minutes late: there are too few instances for them, or the function does not run. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.delay.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 1200
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "token_refused" {
  alarm_name          = "${var.name}-TokenRefusedAlarm"
  alarm_description   = "Cloudflare refused a zone's token. The log names the zone; its team must store a valid token. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "purge-router"
  metric_name         = "TokenRefused"
  dimensions          = { function = aws_lambda_function.purge_router.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "stale_after_purge" {
  alarm_name          = "${var.name}-StaleAfterPurgeAlarm"
  alarm_description   = "Cloudflare accepted a purge and still served the old object. The log names the URL, which is purged once more; if that fails, the log and the retries say so. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "purge-router"
  metric_name         = "StaleAfterPurge"
  dimensions          = { function = aws_lambda_function.purge_router.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${var.name}-ThrottlesAlarm"
  alarm_description   = "Lambda throttled the function: the account's concurrency is used up, or the function is invoked directly. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.purge_router.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-ErrorsAlarm"
  alarm_description   = "Whole invocations failed: the function does not start, or a direct invocation was not purged. Run `purge-router doctor --function ${aws_lambda_function.purge_router.function_name}`. Runbook: docs/operations.md#alarms. Log group: ${aws_cloudwatch_log_group.function.name}. Dashboard: ${var.name}-${local.region}."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.purge_router.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}
