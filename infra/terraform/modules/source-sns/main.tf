# A topic between a bucket and the queue (S3 → SNS → SQS), for buckets that have other subscribers too. The same as
# ../../../source-sns.yaml.
#
# Apply it in the bucket's account and region. Then add the output topic_arn to topic_arns of the main module, and the account of
# a topic in another account to its source_accounts. Then let the bucket notify the topic (docs/sources.md).

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account       = data.aws_caller_identity.current.account_id
  partition     = data.aws_partition.current.partition
  queue_account = split(":", var.queue_arn)[4]
  is_queue_here = local.queue_account == local.account
  tags          = { application = "purge-router" }
  usual         = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
  more          = ["s3:ObjectRestore:Completed", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"]
}

resource "aws_sns_topic" "changes" {
  name_prefix = "purge-router-"
  tags        = local.tags
}

resource "aws_sns_topic_policy" "changes" {
  arn = aws_sns_topic.changes.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid       = "BucketMayPublish"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.changes.arn
        Condition = {
          ArnEquals    = { "aws:SourceArn" = "arn:${local.partition}:s3:::${var.bucket_name}" }
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      },
      ],
      # Subscribe a queue of another account there. A subscription from here would have to be confirmed by a message.
      [for sid in local.is_queue_here ? [] : ["QueueMaySubscribe"] : {
        Sid       = sid
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.queue_account}:root" }
        Action    = "sns:Subscribe"
        Resource  = aws_sns_topic.changes.arn
        Condition = { StringEquals = { "sns:Protocol" = "sqs", "sns:Endpoint" = var.queue_arn } }
      }],
    )
  })
}

resource "aws_sns_topic_subscription" "queue" {
  count                = local.is_queue_here ? 1 : 0
  topic_arn            = aws_sns_topic.changes.arn
  protocol             = "sqs"
  endpoint             = var.queue_arn
  raw_message_delivery = true # the function reads both forms; this one is smaller
  redrive_policy       = jsonencode({ deadLetterTargetArn = one(aws_sqs_queue.undelivered[*].arn) })
}

# Messages that the queue refused because topic_arns lacks this topic. Add the topic, then move them to the queue.
resource "aws_sqs_queue" "undelivered" {
  count                     = local.is_queue_here ? 1 : 0
  name_prefix               = "purge-router-undelivered-"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600 # 14 days, the maximum
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "undelivered" {
  count     = local.is_queue_here ? 1 : 0
  queue_url = one(aws_sqs_queue.undelivered[*].url)
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TopicMaySend"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = one(aws_sqs_queue.undelivered[*].arn)
      Condition = {
        ArnEquals            = { "aws:SourceArn" = aws_sns_topic.changes.arn }
        StringEqualsIfExists = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}

resource "aws_s3_bucket" "source" {
  count  = var.create_bucket ? 1 : 0
  bucket = var.bucket_name
  tags   = local.tags
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_notification" "source" {
  count  = var.create_bucket ? 1 : 0
  bucket = one(aws_s3_bucket.source[*].bucket)
  topic {
    events    = var.all_kinds ? concat(local.usual, local.more) : local.usual
    topic_arn = aws_sns_topic.changes.arn
  }

  # S3 sends a test message to the topic at once.
  depends_on = [aws_sns_topic_policy.changes]
}
