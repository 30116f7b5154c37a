# purge-router: S3 object events → SQS → Lambda → Cloudflare purges for many sites and teams. The same as ../template.yaml,
# whose comments give the reasons; tests/e2e/test_terraform.py compares both.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
  tags      = { application = "purge-router" }
}

# The teams' mappings. The table exists even if mappings_file replaces it, so that trying a file loses no rows.
resource "aws_dynamodb_table" "mappings" {
  name                        = "${var.name}-Table"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "pk" # the team, for IAM's dynamodb:LeadingKeys
  range_key                   = "sk"
  tags                        = local.tags

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  attribute {
    name = "bucket"
    type = "S"
  }
  global_secondary_index {
    name            = "by-bucket"
    hash_key        = "bucket" # by team, so that a reader can skip the rows of a team that has too many
    range_key       = "pk"
    projection_type = "ALL"
  }
  point_in_time_recovery {
    enabled = true
  }
  lifecycle {
    prevent_destroy = true
  }
}

# What was purged last of each object, for mappings with skip_unchanged. Only the function reads and writes it. Without it,
# every object is purged once more, so it needs no backup.
resource "aws_dynamodb_table" "last_purges" {
  name         = "${var.name}-LastPurgesTable"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "object"
  tags         = local.tags

  attribute {
    name = "object"
    type = "S"
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/purge-router/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}
