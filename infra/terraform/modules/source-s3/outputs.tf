output "bucket_arn" {
  value       = aws_s3_bucket.source.arn
  description = "One of the bucket_arns of the main module"
}
