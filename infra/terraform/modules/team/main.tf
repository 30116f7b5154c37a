# The permissions of one team's editors in the table of mappings and in SSM. The same as ../../../team.yaml.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  folder    = var.token_folder == "" ? "/purge-router/${var.team}/" : var.token_folder
  tokens    = "arn:${local.partition}:ssm:${data.aws_region.current.region}:${local.account}:parameter${local.folder}*"
}

resource "aws_iam_policy" "editor" {
  name_prefix = "purge-router-team-${var.team}-"
  description = "Reads and writes the rows of team ${var.team} in purge-router's table, and its tokens"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      # No Scan, and no PartiQL, whose SELECT without a key is a Scan: they read other teams' rows. Nothing on the index
      # either: its keys are buckets, and its rows are those of all teams.
      {
        Sid    = "EditOwnRows"
        Effect = "Allow"
        Action = [
          "dynamodb:Query",
          "dynamodb:GetItem",
          "dynamodb:BatchGetItem",
          "dynamodb:PutItem",
          "dynamodb:UpdateItem",
          "dynamodb:DeleteItem",
          "dynamodb:ConditionCheckItem",
        ]
        Resource = var.table_arn
        Condition = {
          "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["TEAM#${var.team}"] }
          # ForAllValues is also true for a request without such keys, so they must be present.
          "Null" = { "dynamodb:LeadingKeys" = "false" }
        }
      },
      { # for the console
        Sid      = "ShowTable"
        Effect   = "Allow"
        Action   = "dynamodb:DescribeTable"
        Resource = var.table_arn
      },
      # By name only. No GetParametersByPath: it reads everything under a path, even parameters that are denied by name.
      {
        Sid      = "RotateOwnTokens"
        Effect   = "Allow"
        Action   = ["ssm:PutParameter", "ssm:GetParameter"]
        Resource = local.tokens
      },
      ],
      # SSM calls KMS on behalf of the editor: Encrypt for a standard parameter, GenerateDataKey for an advanced one (which
      # may be the account's default), and Decrypt to read either.
      [for key in aws_kms_key.tokens : {
        Sid       = "EncryptOwnTokens"
        Effect    = "Allow"
        Action    = ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = key.arn
        Condition = { StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = local.tokens } }
      }],
    )
  })
  lifecycle {
    precondition {
      condition     = var.token_folder != "/purge-router/"
      error_message = "token_folder must be the folder of this team, not the one with the folders of all teams."
    }
  }
}

# Without the key, what it encrypted is lost.
resource "aws_kms_key" "tokens" {
  count               = var.create_token_key ? 1 : 0
  description         = "Encrypts the tokens of team ${var.team} of purge-router"
  enable_key_rotation = true
  tags                = { application = "purge-router" }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # AWS's default. By itself it allows nothing, but it lets IAM policies allow: those of administrators, who could
      # otherwise lose access to the key, and the editors' policy above.
      {
        Sid       = "LetIamDecide"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      # This is enough: for a key in its own account that names it, the function's role needs no policy of its own.
      {
        Sid       = "FunctionReadsTokens"
        Effect    = "Allow"
        Principal = { AWS = var.function_role_arn }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = local.tokens } }
      },
    ]
  })
  lifecycle {
    prevent_destroy = true
    precondition {
      condition     = var.function_role_arn != ""
      error_message = "create_token_key needs function_role_arn; otherwise the function could not read the tokens."
    }
  }
}

resource "aws_kms_alias" "tokens" {
  count         = var.create_token_key ? 1 : 0
  name          = "alias/purge-router-${var.team}"
  target_key_id = one(aws_kms_key.tokens[*].key_id)
}
