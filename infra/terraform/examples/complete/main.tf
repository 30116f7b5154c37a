# Two teams, and a bucket of each: one notifies the queue itself, the other sends its events to EventBridge.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1" # the buckets' region
}

module "purge_router" {
  source = "../.." # or git::https://…/purge-router.git//infra/terraform?ref=…, with `package` set

  alarm_email = "ops@website.com"
  bucket_arns = ["arn:aws:s3:::assets.website.com"]
  rule_arns   = [module.docs_events.rule_arn]
}

module "assets" {
  source = "../../modules/source-s3"

  bucket_name = "assets.website.com"
  queue_arn   = module.purge_router.queue_arn

  depends_on = [module.purge_router] # S3 sends a test message to the queue at once
}

module "docs_events" {
  source = "../../modules/source-eventbridge"

  name         = "purge-router-docs"
  bucket_names = ["docs-site"]
  team         = "docs"
  queue_arn    = module.purge_router.queue_arn
}

module "team" {
  source   = "../../modules/team"
  for_each = toset(["web", "docs"])

  team      = each.key
  table_arn = module.purge_router.table_arn
}

output "purge_router" {
  value = module.purge_router
}

output "team_policy_arns" {
  value = { for name, team in module.team : name => team.policy_arn }
}
