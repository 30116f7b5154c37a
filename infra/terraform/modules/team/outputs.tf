output "policy_arn" {
  value       = aws_iam_policy.editor.arn
  description = "Attach it to the editors of the team"
}
output "token_key_alias" {
  value       = one(aws_kms_alias.tokens[*].name)
  description = "Write it as kms_key into the team's grant; null without a key"
}
output "token_key_arn" {
  value       = one(aws_kms_key.tokens[*].arn)
  description = "The key that the alias names; null without a key"
}
