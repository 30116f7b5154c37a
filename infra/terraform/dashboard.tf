# The search expressions find all zones, including those that are added later.
resource "aws_cloudwatch_dashboard" "purge_router" {
  dashboard_name = "${var.name}-${local.region}" # dashboard names are unique in an account, across regions
  dashboard_body = <<-JSON
    {
      "periodOverride": "auto",
      "widgets": [
        { "type": "alarm", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {
          "title": "Alarms",
          "alarms": [
            "${aws_cloudwatch_metric_alarm.dead_letters.arn}", "${aws_cloudwatch_metric_alarm.oldest_message.arn}", "${aws_cloudwatch_metric_alarm.retries.arn}",
            "${aws_cloudwatch_metric_alarm.second_purges.arn}", "${aws_cloudwatch_metric_alarm.token_refused.arn}", "${aws_cloudwatch_metric_alarm.stale_after_purge.arn}", "${aws_cloudwatch_metric_alarm.throttles.arn}", "${aws_cloudwatch_metric_alarm.errors.arn}"
          ] } },
        { "type": "metric", "x": 0, "y": 2, "width": 12, "height": 6, "properties": {
          "title": "Batches purged, by team and zone", "region": "${local.region}", "view": "timeSeries", "stacked": true,
          "yAxis": { "left": { "min": 0, "showUnits": false, "label": "batches" } },
          "metrics": [[ { "id": "purged", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')}", "expression":
            "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"Purged\"', 'Sum', 60)" } ]] } },
        { "type": "metric", "x": 12, "y": 2, "width": 12, "height": 6, "properties": {
          "title": "From a change to its purge (p95), by team and zone", "region": "${local.region}", "view": "timeSeries",
          "yAxis": { "left": { "min": 0, "showUnits": false, "label": "ms" } },
          "metrics": [[ { "id": "latency", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')}", "expression":
            "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"Latency\"', 'p95', 60)" } ]] } },
        { "type": "metric", "x": 0, "y": 8, "width": 12, "height": 6, "properties": {
          "title": "Batches not purged, by team and zone", "region": "${local.region}", "view": "timeSeries",
          "yAxis": { "left": { "min": 0, "showUnits": false, "label": "batches" } },
          "metrics": [
            [ { "id": "items", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} items refused", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"ItemsRefused\"', 'Sum', 60)" } ],
            [ { "id": "missing", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} token missing", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"TokenMissing\"', 'Sum', 60)" } ],
            [ { "id": "token", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} token refused", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"TokenRefused\"', 'Sum', 60)" } ],
            [ { "id": "request", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} request refused", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"RequestRefused\"', 'Sum', 60)" } ],
            [ { "id": "limited", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} rate limited", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"RateLimited\"', 'Sum', 60)" } ],
            [ { "id": "deadline", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} deadline exceeded", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"DeadlineExceeded\"', 'Sum', 60)" } ],
            [ { "id": "unreachable", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')} unreachable", "expression":
              "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"Unreachable\"', 'Sum', 60)" } ]
          ] } },
        { "type": "metric", "x": 12, "y": 8, "width": 12, "height": 6, "properties": {
          "title": "Rate-limited answers, by team and zone", "region": "${local.region}", "view": "timeSeries",
          "yAxis": { "left": { "min": 0, "showUnits": false, "label": "answers" } },
          "metrics": [[ { "id": "limited", "label": "$${PROP('Dim.team')} $${PROP('Dim.zone')}", "expression":
            "SEARCH('{\"purge-router\",function,team,zone} function=\"${aws_lambda_function.purge_router.function_name}\" MetricName=\"RateLimitHits\"', 'Sum', 60)" } ]] } },
        { "type": "metric", "x": 0, "y": 14, "width": 8, "height": 6, "properties": {
          "title": "Changes without a purge, and verified URLs", "region": "${local.region}", "view": "timeSeries", "stat": "Sum", "period": 60,
          "yAxis": { "left": { "min": 0, "showUnits": false } },
          "metrics": [
            [ "purge-router", "Unmatched", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "unmatched" } ],
            [ "purge-router", "Unchanged", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "unchanged" } ],
            [ "purge-router", "Rejected", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "rejected" } ],
            [ "purge-router", "Unpurgeable", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "unpurgeable" } ],
            [ "purge-router", "StaleAfterPurge", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "stale after purge" } ],
            [ "purge-router", "UnknownAfterPurge", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "could not be verified" } ],
            [ "purge-router", "FreshAfterPurge", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "fresh after purge" } ]
          ] } },
        { "type": "metric", "x": 8, "y": 14, "width": 8, "height": 6, "properties": {
          "title": "The queues", "region": "${local.region}", "view": "timeSeries", "stat": "Maximum", "period": 60,
          "yAxis": { "left": { "min": 0, "showUnits": false, "label": "messages" },
            "right": { "min": 0, "showUnits": false, "label": "s" } },
          "metrics": [
            [ "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${aws_sqs_queue.events.name}", { "label": "waiting" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "${aws_sqs_queue.events.name}", { "label": "in flight" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${aws_sqs_queue.retry.name}", { "label": "retries waiting" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "${aws_sqs_queue.retry.name}", { "label": "retries hidden or in flight" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesDelayed", "QueueName", "${aws_sqs_queue.retry.name}", { "label": "retries delayed" } ],
            [ "AWS/SQS", "NumberOfMessagesSent", "QueueName", "${aws_sqs_queue.retry.name}", { "label": "deferred", "stat": "Sum" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesDelayed", "QueueName", "${aws_sqs_queue.delay.name}", { "label": "second purges, not yet due" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${aws_sqs_queue.delay.name}", { "label": "second purges waiting" } ],
            [ "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${aws_sqs_queue.dead_letters.name}", { "label": "dead letters" } ],
            [ "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${aws_sqs_queue.events.name}", { "label": "age of the oldest", "yAxis": "right" } ]
          ] } },
        { "type": "metric", "x": 16, "y": 14, "width": 8, "height": 6, "properties": {
          "title": "The function", "region": "${local.region}", "view": "timeSeries", "stat": "Sum", "period": 60,
          "yAxis": { "left": { "min": 0, "showUnits": false }, "right": { "min": 0, "showUnits": false, "label": "ms" } },
          "metrics": [
            [ "AWS/Lambda", "Invocations", "FunctionName", "${aws_lambda_function.purge_router.function_name}", { "label": "invocations" } ],
            [ "AWS/Lambda", "Errors", "FunctionName", "${aws_lambda_function.purge_router.function_name}", { "label": "errors" } ],
            [ "AWS/Lambda", "Throttles", "FunctionName", "${aws_lambda_function.purge_router.function_name}", { "label": "throttles" } ],
            [ "AWS/Lambda", "ConcurrentExecutions", "FunctionName", "${aws_lambda_function.purge_router.function_name}", { "label": "instances", "stat": "Maximum" } ],
            [ "purge-router", "ColdStart", "function", "${aws_lambda_function.purge_router.function_name}", { "label": "cold starts" } ],
            [ "AWS/Lambda", "Duration", "FunctionName", "${aws_lambda_function.purge_router.function_name}", { "label": "duration (p95)", "stat": "p95", "yAxis": "right" } ]
          ] } },
        { "type": "log", "x": 0, "y": 20, "width": 24, "height": 6, "properties": {
          "title": "Last warnings and errors", "region": "${local.region}", "view": "table",
          "query": "SOURCE '${aws_cloudwatch_log_group.function.name}' | fields @timestamp, level, message, team, zone, outcome, coalesce(error, reason) as cause | filter level in ['WARN', 'ERROR'] | sort @timestamp desc | limit 50" } }
      ]
    }
  JSON
}
