# A bucket that notifies the queue itself (S3 → SQS), in the queue's account or in another one. The same as
# ../../../source-s3.yaml. This creates a bucket; an existing one needs only the resource aws_s3_bucket_notification, which
# replaces all notifications of the bucket.
#
# First add the bucket's ARN to bucket_arns of the main module, and the account of a bucket in another account to
# source_accounts: S3 sends a test message to the queue at once.

locals {
  usual = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
  more  = ["s3:ObjectRestore:Completed", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"]
}

resource "aws_s3_bucket" "source" {
  bucket = var.bucket_name
  tags   = { application = "purge-router" }
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_notification" "source" {
  bucket = aws_s3_bucket.source.bucket
  queue {
    events        = var.all_kinds ? concat(local.usual, local.more) : local.usual
    queue_arn     = var.queue_arn
    filter_prefix = var.prefix
  }
}
