# A rule that sends the events of a team's buckets to the queue (S3 → EventBridge → SQS). The same as
# ../../../source-eventbridge.yaml.
#
# Apply it in the queue's account and region, also for buckets of another account. Then add the output rule_arn to rule_arns of the
# main module. The buckets must send their events to EventBridge (docs/sources.md). Events of another account arrive on a bus
# here: the module source-eventbridge-forward in that account forwards them.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account          = data.aws_caller_identity.current.account_id
  is_other_account = var.bucket_account != "" && var.bucket_account != local.account
  buckets_account  = local.is_other_account ? var.bucket_account : local.account
  tags             = { application = "purge-router" }
  usual            = ["Object Created", "Object Deleted"]
  more             = ["Object Restore Completed", "Object Tags Added", "Object Tags Deleted", "Object ACL Updated"]
}

resource "aws_cloudwatch_event_bus" "source" {
  count       = local.is_other_account ? 1 : 0
  name        = var.name
  description = "Events of buckets of account ${var.bucket_account} for purge-router"
  tags        = local.tags
}

# Only S3 can send events with the source aws.s3, so the other account can't forge them.
resource "aws_cloudwatch_event_bus_policy" "source" {
  count          = local.is_other_account ? 1 : 0
  event_bus_name = one(aws_cloudwatch_event_bus.source[*].name)
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "BucketAccountMaySend"
      Effect    = "Allow"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${var.bucket_account}:root" }
      Action    = "events:PutEvents"
      Resource  = one(aws_cloudwatch_event_bus.source[*].arn)
      Condition = {
        # A call can have several events. ForAllValues is also true for a call without a source.
        "ForAllValues:StringEquals" = { "events:source" = ["aws.s3"] }
        "Null"                      = { "events:source" = "false" }
      }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "source" {
  name_prefix    = "${var.name}-"
  description    = "Sends the changes of buckets to purge-router"
  event_bus_name = local.is_other_account ? one(aws_cloudwatch_event_bus.source[*].name) : "default"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    account     = [local.buckets_account]
    detail-type = var.all_kinds ? concat(local.usual, local.more) : local.usual
    detail = {
      bucket = { name = var.bucket_names }
      object = { key = [{ prefix = var.prefix }] }
    }
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "queue" {
  rule           = aws_cloudwatch_event_rule.source.name
  event_bus_name = aws_cloudwatch_event_rule.source.event_bus_name
  target_id      = "queue"
  arn            = var.queue_arn
  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }
  dynamic "sqs_target" {
    for_each = var.team == "" ? [] : [var.team]
    content {
      message_group_id = sqs_target.value
    }
  }
}

# Events that the queue refused because rule_arns lacks this rule. Add the rule, then move them to the queue.
resource "aws_sqs_queue" "undelivered" {
  name_prefix               = "${var.name}-undelivered-"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600 # 14 days, the maximum
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RuleMaySend"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.undelivered.arn
      Condition = {
        ArnEquals            = { "aws:SourceArn" = aws_cloudwatch_event_rule.source.arn }
        StringEqualsIfExists = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}
