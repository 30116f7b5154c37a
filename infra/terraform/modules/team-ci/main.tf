# The roles with which GitHub Actions of one team's repository review and push its mappings. The same as ../../../team-ci.yaml.
#
# The account needs the identity provider of GitHub, once: docs/ci.md.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  issuer   = "token.actions.githubusercontent.com"
  provider = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/${local.issuer}"
  own_rows = {
    "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["TEAM#${var.team}"] }
    # ForAllValues is also true for a request without such keys, so they must be present.
    "Null" = { "dynamodb:LeadingKeys" = "false" }
  }
}

# Reads the team's rows, and writes nothing. Every pull request may use it whose branch is in the repository.
resource "aws_iam_role" "review" {
  name_prefix = "purge-router-ci-review-"
  tags        = { application = "purge-router" }
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "repo:${var.repository}:pull_request"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "review" {
  name = "review"
  role = aws_iam_role.review.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ReadOwnRows"
      Effect    = "Allow"
      Action    = "dynamodb:Query"
      Resource  = var.table_arn
      Condition = local.own_rows
    }]
  })
}

# Edits the team's rows, but reads and writes no token. Only the job in this environment may use it.
resource "aws_iam_role" "push" {
  name_prefix = "purge-router-ci-push-"
  tags        = { application = "purge-router" }
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "repo:${var.repository}:environment:${var.environment}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "push" {
  name = "push"
  role = aws_iam_role.push.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "EditOwnRows"
      Effect = "Allow"
      Action = [
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
      ]
      Resource  = var.table_arn
      Condition = local.own_rows
    }]
  })
}
