resource "aws_iam_role" "function" {
  name_prefix = "${var.name}-Role-"
  tags        = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  name = "purge-router"
  role = aws_iam_role.function.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ReadTokens"
        Effect   = "Allow"
        Action   = "ssm:GetParameters"
        Resource = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${var.token_folder}*"
      },
      {
        Sid      = "ReadMappings"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = "${aws_dynamodb_table.mappings.arn}/index/by-bucket"
      },
      {
        Sid      = "ReadGrantsAndZones"
        Effect   = "Allow"
        Action   = "dynamodb:BatchGetItem"
        Resource = aws_dynamodb_table.mappings.arn
      },
      {
        Sid      = "RememberPurges"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
        Resource = aws_dynamodb_table.last_purges.arn
      },
      {
        Sid      = "TakeMessages"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.events.arn, aws_sqs_queue.retry.arn, aws_sqs_queue.delay.arn]
      },
      {
        Sid      = "DeferAndHideMessages"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:ChangeMessageVisibility"]
        Resource = aws_sqs_queue.retry.arn
      },
      {
        Sid      = "QueueSecondPurges"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.delay.arn
      },
      {
        Sid      = "SendDeadLetters"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.dead_letters.arn
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [ # the group and its streams
          "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${aws_cloudwatch_log_group.function.name}",
          "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${aws_cloudwatch_log_group.function.name}:*",
        ]
      },
      ],
      [for sid in var.tracing == "Active" ? ["WriteTraces"] : [] : {
        Sid      = sid
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*" # these actions have no resources
      }],
    )
  })
}

# For operators, who write the grants. Each team has its own policy: modules/team.
resource "aws_iam_policy" "operator" {
  name_prefix = "${var.name}-OperatorPolicy-"
  description = "Reads and writes all rows of purge-router's table, including the grants"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "EditAllRows"
        Effect = "Allow"
        Action = [
          "dynamodb:Query",
          "dynamodb:GetItem",
          "dynamodb:BatchGetItem",
          "dynamodb:PutItem",
          "dynamodb:UpdateItem",
          "dynamodb:DeleteItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DescribeTable",
        ]
        Resource = aws_dynamodb_table.mappings.arn
      },
      {
        Sid      = "FindMappings"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = "${aws_dynamodb_table.mappings.arn}/index/by-bucket"
      },
    ]
  })
}

# For people on call: they look at dead letters, bring them back, and delete them.
resource "aws_iam_policy" "dead_letters" {
  name_prefix = "${var.name}-DeadLetterPolicy-"
  description = "Reads, redrives and deletes purge-router's dead letters, and reads mappings and log to explain them"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "HandleDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.dead_letters.arn
      },
      {
        Sid      = "SendThemAsNewMessages"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.events.arn
      },
      {
        Sid      = "FindQueues"
        Effect   = "Allow"
        Action   = "lambda:GetFunctionConfiguration"
        Resource = aws_lambda_function.purge_router.arn
      },
      {
        Sid      = "FindQueueOfNewMessages"
        Effect   = "Allow"
        Action   = "lambda:ListEventSourceMappings"
        Resource = "*" # this action has no resources
      },
      {
        Sid      = "ReadMappings"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = "${aws_dynamodb_table.mappings.arn}/index/by-bucket"
      },
      {
        Sid      = "ReadGrantsAndZones"
        Effect   = "Allow"
        Action   = "dynamodb:BatchGetItem"
        Resource = aws_dynamodb_table.mappings.arn
      },
      {
        Sid    = "ReadCauses"
        Effect = "Allow"
        Action = "logs:FilterLogEvents"
        Resource = [ # the group, written in both ways that IAM knows
          "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${aws_cloudwatch_log_group.function.name}",
          "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${aws_cloudwatch_log_group.function.name}:*",
        ]
      },
    ]
  })
}

# For `purge-router doctor`. It reads; what it may not read, such as tokens, doctor reports as unknown.
resource "aws_iam_policy" "doctor" {
  name_prefix = "${var.name}-DoctorPolicy-"
  description = "Reads how purge-router's function, queues, table, alarms and notifications are"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ReadFunction"
        Effect   = "Allow"
        Action   = "lambda:GetFunctionConfiguration"
        Resource = aws_lambda_function.purge_router.arn
      },
      {
        Sid      = "ReadWithoutResources"
        Effect   = "Allow"
        Action   = ["lambda:ListEventSourceMappings", "cloudwatch:DescribeAlarmsForMetric"]
        Resource = "*" # these actions have no resources
      },
      {
        Sid      = "ReadQueues"
        Effect   = "Allow"
        Action   = "sqs:GetQueueAttributes"
        Resource = [aws_sqs_queue.events.arn, aws_sqs_queue.retry.arn, aws_sqs_queue.dead_letters.arn]
      },
      {
        Sid      = "ReadRows"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = aws_dynamodb_table.mappings.arn
      },
      { # a search for the alarms of a topic looks at all
        Sid      = "ReadAlarms"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"
      },
      {
        Sid      = "ReadSubscribers"
        Effect   = "Allow"
        Action   = "sns:ListSubscriptionsByTopic"
        Resource = aws_sns_topic.alarms.arn
      },
      ],
      [for sid in local.has_buckets ? ["ReadNotifications"] : [] : {
        Sid      = sid
        Effect   = "Allow"
        Action   = "s3:GetBucketNotification"
        Resource = var.bucket_arns
      }],
    )
  })
}
