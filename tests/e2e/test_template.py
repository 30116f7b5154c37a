"""The templates are valid, and deploy what they should."""

import json
import pathlib
import re
import subprocess
import sys

import botocore.exceptions
import pytest

from aws import ACCOUNT, REGION, TEMPLATE, TEMPLATES, package, read_template
from conftest import BOOTSTRAP, BUCKETS, MAPPINGS_TTL


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_cfn_lint_finds_nothing(template):
    cfn_lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([cfn_lint, template], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr


def test_it_sets_the_function_as_its_parameters_say(_world):
    assert _world.stack.variables == {
        "MAPPINGS_TABLE": _world.stack.table,
        "MAPPINGS_TTL_SECONDS": str(MAPPINGS_TTL),
        "TOKEN_TTL_SECONDS": "300",
        "MAX_CONCURRENCY": "3",
        "RETRY_QUEUE_URL": _world.stack.retry_queue_url,
        "RETRY_CONCURRENCY": "2",
        "DEAD_LETTER_QUEUE_URL": _world.stack.dead_letters_url,
        "DELAY_QUEUE_URL": _world.stack.delay_queue_url,
        "DELAY_CONCURRENCY": "2",
        "LAST_PURGES_TABLE": _world.stack.last_purges_table,
        "CLOUDFLARE_BASE_URL": _world.cloudflare.api_url,
    }
    mappings = event_source_mappings(_world)
    assert {arn: it["ScalingConfig"] for arn, it in mappings.items()} == {
        _world.stack.queue_arn: {"MaximumConcurrency": 3},
        _world.stack.retry_queue_arn: {"MaximumConcurrency": 2},
        _world.stack.delay_queue_arn: {"MaximumConcurrency": 2},
    }
    for it in mappings.values():
        assert it["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert (int(it["BatchSize"]), int(it["MaximumBatchingWindowInSeconds"])) == (1000, 1)


def test_a_mapping_file_replaces_the_table_and_the_table_outlives_its_stack(ministack):
    name = "purge-router-of-a-file"
    stack = ministack.deploy(
        name, package(BOOTSTRAP), BucketArns="arn:aws:s3:::any", MappingsFile="of-the-package.toml"
    )
    assert stack.variables["MAPPINGS_FILE"] == "of-the-package.toml"
    assert "MAPPINGS_TABLE" not in stack.variables
    cloudformation = ministack.client("cloudformation")
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert ministack.client("dynamodb").describe_table(TableName=stack.table)["Table"]["TableStatus"] == "ACTIVE"


def test_options_that_cost_money_are_off_by_default(_world, ministack):
    client, logs, sns = (ministack.client(it) for it in ("lambda", "logs", "sns"))
    asked = ministack.deploy(
        "purge-router-with-more",
        package(BOOTSTRAP),
        AlarmEmail="ops@website.com",
        LogRetentionDays=7,
        MemorySize=1024,
        Tracing="Active",
    )

    def settings(stack):
        function = client.get_function_configuration(FunctionName=stack.function)
        groups = logs.describe_log_groups(logGroupNamePrefix=stack.log_group)["logGroups"]
        [group] = [it for it in groups if it["logGroupName"] == stack.log_group]
        subscribers = sns.list_subscriptions_by_topic(TopicArn=stack.alarm_topic_arn)["Subscriptions"]
        policy = ministack.client("iam").get_role_policy(
            RoleName=stack.role_arn.rpartition("/")[2], PolicyName="purge-router"
        )["PolicyDocument"]
        return {
            "memory": function["MemorySize"],
            "tracing": function["TracingConfig"]["Mode"],
            "may trace": any("xray" in str(it["Action"]) for it in policy["Statement"]),
            "retention": group["retentionInDays"],
            "subscribers": [(it["Protocol"], it["Endpoint"]) for it in subscribers],
            "takes messages": "Policy" in stack.queue,
        }

    usual = {"memory": 512, "tracing": "PassThrough", "may trace": False, "retention": 30, "subscribers": []}
    assert settings(_world.stack) == {**usual, "takes messages": True}
    assert settings(asked) == {
        "memory": 1024,
        "tracing": "Active",
        "may trace": True,
        "retention": 7,
        "subscribers": [("email", "ops@website.com")],
        "takes messages": False,
    }


def test_nothing_is_fetched_unless_hosts_are_allowed(_world, ministack):
    assert "VERIFY_HOSTS" not in _world.stack.variables and "VERIFY_EDGE" not in _world.stack.variables
    hosts = "www.website.com,*.website.co.uk"
    stack = ministack.deploy("purge-router-that-verifies", package(BOOTSTRAP), VerifyHosts=hosts)
    assert stack.variables["VERIFY_HOSTS"] == hosts
    pattern = read_template(TEMPLATE)["Parameters"]["VerifyHosts"]["AllowedPattern"]
    assert all(re.fullmatch(pattern, it) for it in ("", hosts, "a.b, *.c.d"))
    assert not any(re.fullmatch(pattern, it) for it in ("*", "https://a.b", "a.b,", "A.b", "a.b c.d"))


def test_the_table_costs_what_is_used_and_is_hard_to_lose(_world):
    table = read_template(TEMPLATE)["Resources"]["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    # The emulator does not store it.
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    deployed = described_table(_world)
    assert deployed["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert deployed["DeletionProtectionEnabled"] is True


def test_the_tables_partitions_are_teams_and_its_index_finds_whole_rows_by_bucket(_world):
    table = described_table(_world)
    keys = lambda schema: [(key["AttributeName"], key["KeyType"]) for key in schema["KeySchema"]]
    assert keys(table) == [("pk", "HASH"), ("sk", "RANGE")]
    [index] = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == ("by-bucket", {"ProjectionType": "ALL"})
    assert keys(index) == [("bucket", "HASH"), ("pk", "RANGE")]


def test_messages_are_redelivered_and_then_become_dead_letters(_world):
    stack = _world.stack
    for queue, receives in ((stack.queue, 5), (stack.retry_queue, 1000)):
        redrive = json.loads(queue["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"] == stack.dead_letters_arn
        assert int(redrive["maxReceiveCount"]) == receives
    # The age of a dead letter counts from the first send, so it must be kept for longer than a message.
    longest_retention = 14 * 86400
    assert int(stack.dead_letter_queue["MessageRetentionPeriod"]) == longest_retention
    assert int(stack.queue["MessageRetentionPeriod"]) < longest_retention
    # Between two receives, a message of the retry queue is hidden for at most 300 s, and an invocation takes at most 30 s.
    assert 1000 * (300 + 30) < int(stack.retry_queue["MessageRetentionPeriod"]) == longest_retention
    timeout = int(configuration(_world)["Timeout"])
    longest_window = read_template(TEMPLATE)["Parameters"]["BatchingWindowSeconds"]["MaxValue"]
    for queue in (stack.queue, stack.retry_queue):
        assert int(queue["VisibilityTimeout"]) >= 6 * timeout + longest_window


def test_logs_are_json_in_the_stacks_own_group(_world):
    logging = configuration(_world)["LoggingConfig"]
    assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", "INFO")
    assert logging["LogGroup"] == _world.stack.log_group == "/purge-router/purge-router"


def test_the_queue_accepts_messages_only_from_listed_buckets(_world):
    _world.s3.create_bucket(Bucket="stranger", CreateBucketConfiguration={"LocationConstraint": REGION})
    with pytest.raises(botocore.exceptions.ClientError, match="Unable to validate the following destination"):
        _world.stack.notify_from("stranger")
    [statement] = json.loads(_world.stack.queue["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{bucket}" for bucket in BUCKETS]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_alarms_watch_existing_metrics_and_notify_the_topic(_world):
    stack = _world.stack
    cloudwatch = _world.ministack.client("cloudwatch")
    all_alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    all_alarms = [it for it in all_alarms if it["AlarmActions"] == [stack.alarm_topic_arn]]
    delay_queue = {"Name": "QueueName", "Value": stack.delay_queue_arn.rpartition(":")[2]}
    [of_second_purges] = [it for it in all_alarms if it.get("Dimensions") == [delay_queue]]
    # Later than the longest delay by five minutes.
    assert (of_second_purges["MetricName"], of_second_purges["Threshold"]) == ("ApproximateAgeOfOldestMessage", 1200.0)
    alarms = {it["MetricName"]: it for it in all_alarms if "MetricName" in it and it is not of_second_purges}
    looks_at = {
        name: (it["Namespace"], {dimension["Name"]: dimension["Value"] for dimension in it["Dimensions"]})
        for name, it in alarms.items()
    }
    queue, dead_letters = (arn.rpartition(":")[2] for arn in (stack.queue_arn, stack.dead_letters_arn))
    assert looks_at == {
        "ApproximateNumberOfMessagesVisible": ("AWS/SQS", {"QueueName": dead_letters}),
        "ApproximateAgeOfOldestMessage": ("AWS/SQS", {"QueueName": queue}),
        "TokenRefused": ("purge-router", {"function": stack.function}),
        "StaleAfterPurge": ("purge-router", {"function": stack.function}),
        "Throttles": ("AWS/Lambda", {"FunctionName": stack.function}),
        "Errors": ("AWS/Lambda", {"FunctionName": stack.function}),
    }
    for it in all_alarms:
        assert re.search(
            rf"\. Run `purge-router (doctor|dead-letters list) --function {stack.function}`\. "
            r"Runbook: docs/(operations|dead-letters)\.md#[a-z-]+\. Log group: /purge-router/purge-router\. "
            rf"Dashboard: purge-router-{REGION}\.$",
            it["AlarmDescription"],
        )
        assert it["OKActions"] == [stack.alarm_topic_arn]
        assert (it["ComparisonOperator"], it["TreatMissingData"]) == ("GreaterThanThreshold", "notBreaching")
    # The statistic, the period in seconds, the number of periods, how many of them, and the threshold.
    when = ("Statistic", "Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold")
    assert {name: tuple(it.get(field) for field in when) for name, it in alarms.items()} == {
        "ApproximateNumberOfMessagesVisible": ("Maximum", 60, 1, None, 0.0),
        "ApproximateAgeOfOldestMessage": ("Maximum", 60, 2, None, 300.0),
        "TokenRefused": ("Sum", 300, 1, None, 0.0),
        "StaleAfterPurge": ("Sum", 300, 1, None, 0.0),
        "Throttles": ("Sum", 60, 5, 3, 0.0),
        "Errors": ("Sum", 300, 1, None, 0.0),
    }
    [of_retries] = [it for it in all_alarms if "MetricName" not in it]
    assert (of_retries["EvaluationPeriods"], of_retries["Threshold"]) == (15, 0.0)
    [total, *parts] = of_retries["Metrics"]
    assert (total["Expression"], [it["Id"] for it in parts]) == (
        "visible + hidden + delayed",
        ["visible", "hidden", "delayed"],
    )
    assert [it["ReturnData"] for it in parts] == [False, False, False]
    retry_queue = [{"Name": "QueueName", "Value": stack.retry_queue_arn.rpartition(":")[2]}]
    for it, name in zip(parts, ("Visible", "NotVisible", "Delayed"), strict=True):
        metric = {"Namespace": "AWS/SQS", "MetricName": f"ApproximateNumberOfMessages{name}", "Dimensions": retry_queue}
        assert it["MetricStat"] == {"Metric": metric, "Stat": "Minimum", "Period": 60}
    # The age of the oldest message excludes messages that were received three times.
    third_receive = 2 * int(stack.queue["VisibilityTimeout"])
    assert alarms["ApproximateAgeOfOldestMessage"]["Threshold"] + 2 * 60 < third_receive
    policy = _world.ministack.client("sns").get_topic_attributes(TopicArn=stack.alarm_topic_arn)["Attributes"]["Policy"]
    [statement] = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert sorted(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == sorted(it["AlarmArn"] for it in all_alarms)
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


METRICS = {
    ("function", "team", "zone"): {
        *("Purged", "ItemsRefused", "TokenMissing", "TokenRefused", "RequestRefused", "RateLimited", "Unreachable"),
        *("DeadlineExceeded", "Latency", "RateLimitHits"),
    },
    ("function",): {
        *("Unmatched", "Unchanged", "Rejected", "Unpurgeable", "ColdStart"),
        *("FreshAfterPurge", "StaleAfterPurge", "UnknownAfterPurge"),
    },
}


def test_the_dashboard_shows_existing_metrics(_world):
    cloudwatch = _world.ministack.client("cloudwatch")
    body = cloudwatch.get_dashboard(DashboardName=f"purge-router-{REGION}")["DashboardBody"]
    function, shown, queues = _world.stack.function, {dimensions: set() for dimensions in METRICS}, set()
    for widget in json.loads(body)["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            if metric[0] == "purge-router":
                assert metric[2:4] == ["function", function]
                shown["function",].add(metric[1])
            if metric[0] == "AWS/SQS":
                queues.add((metric[3], metric[1].removeprefix("ApproximateNumberOfMessages")))
            if isinstance(metric[0], dict):
                found = re.fullmatch(
                    r"SEARCH\('\{\"purge-router\",([a-z,]+)\} function=\"(.+?)\" MetricName=\"(\w+)\"', '(Sum|p95)', 60\)",
                    metric[0]["expression"],
                )
                assert found[2] == function
                shown[tuple(found[1].split(","))].add(found[3])
                assert found[4] == ("p95" if found[3] == "Latency" else "Sum")
    assert shown == METRICS
    stack = _world.stack
    arns = (stack.queue_arn, stack.retry_queue_arn, stack.delay_queue_arn, stack.dead_letters_arn)
    queue, retries, again, dead = (it.rpartition(":")[2] for it in arns)
    assert queues == {
        *((queue, "Visible"), (queue, "NotVisible"), (queue, "ApproximateAgeOfOldestMessage"), (dead, "Visible")),
        *((retries, "Visible"), (retries, "NotVisible"), (retries, "Delayed"), (retries, "NumberOfMessagesSent")),
        *((again, "Visible"), (again, "Delayed")),
    }
    assert f"SOURCE '{_world.stack.log_group}'" in body and "${" not in body.replace("${PROP", "")


WRONG_SOURCES = {
    "BucketArns": ["assets.website.com", "arn:aws:s3:::a, arn:aws:s3:::b", "arn:aws:sns:eu-west-1:000000000000:topic"],
    "TopicArns": ["topic", "arn:aws:events:eu-west-1:000000000000:rule/rule"],
    "RuleArns": ["rule", "arn:aws:sns:eu-west-1:000000000000:topic"],
    "SourceAccounts": ["another"],
}


@pytest.mark.parametrize(("parameter", "value"), [(name, it) for name, all in WRONG_SOURCES.items() for it in all])
def test_invalid_sources_are_refused(parameter, value):
    found = read_template(TEMPLATE)["Parameters"][parameter]
    # AWS checks each value of such a list; the emulator checks none.
    assert found["Type"] == "CommaDelimitedList" and re.match(found["AllowedPattern"], "")
    assert not all(re.fullmatch(found["AllowedPattern"], one) for one in value.split(","))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_resources_are_encrypted_and_tagged(template):
    tag = [{"Key": "application", "Value": "purge-router"}]
    for name, it in read_template(template)["Resources"].items():
        properties = it.get("Properties", {})
        if it["Type"] == "AWS::SQS::Queue":
            assert properties["SqsManagedSseEnabled"] is True, name
        if it["Type"] == "AWS::Serverless::Function":
            assert properties["Tags"] == {"application": "purge-router"}
        elif it["Type"] not in WITHOUT_TAGS:
            assert properties["Tags"] == tag, name


# Types without tags, and types whose tags nobody would use.
WITHOUT_TAGS = {
    *("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::Events::EventBusPolicy"),
    *("AWS::IAM::ManagedPolicy", "AWS::KMS::Alias", "AWS::CloudWatch::Dashboard"),
}


def configuration(world):
    return world.ministack.client("lambda").get_function_configuration(FunctionName=world.stack.function)


def described_table(world):
    return world.stack.dynamodb.describe_table(TableName=world.stack.table)["Table"]


def event_source_mappings(world):
    """By the ARN of their queues."""
    client = world.ministack.client("lambda")
    mappings = client.list_event_source_mappings(FunctionName=world.stack.function)["EventSourceMappings"]
    return {it["EventSourceArn"]: it for it in mappings}
