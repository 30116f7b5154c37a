locals {
  package = coalesce(var.package, "${path.module}/../../target/package/bootstrap.zip")

  # Each queue has instances of its own, so that retries, which may take 30 s, and bursts of second purges delay no new message.
  reserved = var.reserve_concurrency ? var.maximum_concurrency + var.retry_concurrency + var.delay_concurrency : -1
}

resource "aws_lambda_function" "purge_router" {
  function_name                  = "${var.name}-Function"
  filename                       = local.package
  source_code_hash               = filebase64sha256(local.package)
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  memory_size                    = var.memory_size
  reserved_concurrent_executions = local.reserved # -1: none
  timeout                        = 30             # time for retries; new messages take about a second
  role                           = aws_iam_role.function.arn
  tags                           = local.tags

  tracing_config {
    mode = var.tracing
  }
  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    system_log_level      = "INFO"
    log_group             = aws_cloudwatch_log_group.function.name
  }
  environment {
    variables = merge(
      {
        MAPPINGS_TTL_SECONDS  = var.mappings_ttl_seconds
        TOKEN_TTL_SECONDS     = var.token_ttl_seconds
        MAX_CONCURRENCY       = var.maximum_concurrency
        RETRY_QUEUE_URL       = aws_sqs_queue.retry.url
        RETRY_CONCURRENCY     = var.retry_concurrency
        DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letters.url
        DELAY_QUEUE_URL       = aws_sqs_queue.delay.url
        DELAY_CONCURRENCY     = var.delay_concurrency
        LAST_PURGES_TABLE     = aws_dynamodb_table.last_purges.name
        CLOUDFLARE_BASE_URL   = var.cloudflare_base_url
      },
      # Exactly one of the two: with both, the function does not start.
      var.mappings_file == "" ? { MAPPINGS_TABLE = aws_dynamodb_table.mappings.name } : {},
      var.mappings_file == "" ? {} : { MAPPINGS_FILE = var.mappings_file },
      var.verify_hosts == "" ? {} : { VERIFY_HOSTS = var.verify_hosts },
    )
  }

  # Lambda checks that the role may take messages when an event source is created.
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_event_source_mapping" "events" {
  function_name                      = aws_lambda_function.purge_router.function_name
  event_source_arn                   = aws_sqs_queue.events.arn
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}

resource "aws_lambda_event_source_mapping" "retry" {
  function_name                      = aws_lambda_function.purge_router.function_name
  event_source_arn                   = aws_sqs_queue.retry.arn
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = var.retry_concurrency
  }
}

resource "aws_lambda_event_source_mapping" "delay" {
  function_name                      = aws_lambda_function.purge_router.function_name
  event_source_arn                   = aws_sqs_queue.delay.arn
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = var.delay_concurrency
  }
}
