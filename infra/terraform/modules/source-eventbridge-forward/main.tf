# Forwards the events of buckets of this account to the bus of source-eventbridge in the queue's account. The same as
# ../../../source-eventbridge-forward.yaml.

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  tags    = { application = "purge-router" }
}

resource "aws_iam_role" "forward" {
  name_prefix = "purge-router-forward-"
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "forward" {
  name = "forward"
  role = aws_iam_role.forward.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = var.bus_arn
    }]
  })
}

resource "aws_cloudwatch_event_rule" "forward" {
  name_prefix = "purge-router-forward-"
  description = "Forwards the changes of buckets to purge-router's bus"
  event_pattern = jsonencode({
    source = ["aws.s3"]
    detail = { bucket = { name = var.bucket_names } }
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "bus" {
  rule      = aws_cloudwatch_event_rule.forward.name
  target_id = "bus"
  arn       = var.bus_arn
  role_arn  = aws_iam_role.forward.arn
  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }
}

# Events that could not be delivered to the bus.
resource "aws_sqs_queue" "undelivered" {
  name_prefix               = "purge-router-undelivered-"
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
        ArnEquals            = { "aws:SourceArn" = aws_cloudwatch_event_rule.forward.arn }
        StringEqualsIfExists = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}
