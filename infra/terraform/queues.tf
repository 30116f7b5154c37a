resource "aws_sqs_queue" "events" {
  name                       = "${var.name}-Queue"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 345600 # 4 days
  visibility_timeout_seconds = 240    # 6 × the function's timeout, plus the batching window of up to 60 s
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5 # messages that are malformed, refused for good, or can't be sent to the retry queue
  })
  tags = local.tags
}

# Messages that could not be purged at once and that a retry may purge. Only the function sends to it. Messages that fail
# again are hidden for 5 to 300 s by the function; the queue's own timeout counts if an instance crashes.
resource "aws_sqs_queue" "retry" {
  name                       = "${var.name}-RetryQueue"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 1209600 # 14 days, the maximum: messages must become dead letters, and not expire
  visibility_timeout_seconds = 240     # as for the other queue
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.retry_receives
  })
  tags = local.tags
}

# Second purges (again_after). Only the function sends to it, each message with its own delay of up to 900 s. What can't be
# purged then is deferred to the retry queue, as new messages are.
resource "aws_sqs_queue" "delay" {
  name                       = "${var.name}-DelayQueue"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 345600 # 4 days
  visibility_timeout_seconds = 240    # as for the other queues
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
  tags = local.tags
}

# Messages that no retry could purge. Redrive them after the cause is fixed.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-DeadLetterQueue"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600 # 14 days, the maximum
  tags                      = local.tags
}

locals {
  has_buckets = length(var.bucket_arns) > 0
  has_topics  = length(var.topic_arns) > 0
  has_rules   = length(var.rule_arns) > 0
  accounts    = concat([local.account], var.source_accounts)
}

resource "aws_sqs_queue_policy" "events" {
  count     = local.has_buckets || local.has_topics || local.has_rules ? 1 : 0
  queue_url = aws_sqs_queue.events.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      # A bucket's ARN names no account, and another account may own the name later. So the account must match too.
      [for sid in local.has_buckets ? ["BucketsMaySend"] : [] : {
        Sid       = sid
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.events.arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = var.bucket_arns }
          StringEquals = { "aws:SourceAccount" = local.accounts }
        }
      }],
      # The ARNs of topics and rules name their accounts. It is not documented whether SNS and EventBridge send SourceAccount.
      [for sid in local.has_topics ? ["TopicsMaySend"] : [] : {
        Sid       = sid
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.events.arn
        Condition = {
          ArnEquals            = { "aws:SourceArn" = var.topic_arns }
          StringEqualsIfExists = { "aws:SourceAccount" = local.accounts }
        }
      }],
      # Rules are in this account: events of other accounts arrive on a bus here (modules/source-eventbridge).
      [for sid in local.has_rules ? ["RulesMaySend"] : [] : {
        Sid       = sid
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.events.arn
        Condition = {
          ArnEquals            = { "aws:SourceArn" = var.rule_arns }
          StringEqualsIfExists = { "aws:SourceAccount" = local.account }
        }
      }],
    )
  })
}
