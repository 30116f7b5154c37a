output "review_role_arn" {
  value       = aws_iam_role.review.arn
  description = "The role of jobs that review pull requests"
}
output "push_role_arn" {
  value       = aws_iam_role.push.arn
  description = "The role of the job that pushes what was merged"
}
