"""The templates are as CloudFormation wants them."""

import json
import pathlib
import subprocess
import sys

import botocore.exceptions
import pytest

from aws import ACCOUNT, REGION, TEAM_TEMPLATE, TEMPLATE, package, read_template
from conftest import BOOTSTRAP, BUCKETS, MAPPINGS_TTL


@pytest.mark.parametrize("template", [TEMPLATE, TEAM_TEMPLATE], ids=lambda template: template.name)
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
        "CLOUDFLARE_BASE_URL": _world.cloudflare.api_url,
    }
    [mapping] = event_source_mappings(_world)
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_mapping_file_stands_in_the_tables_place_and_the_table_outlives_its_stack(ministack):
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


def test_the_table_costs_what_is_used_and_is_hard_to_lose(_world):
    table = read_template(TEMPLATE)["Resources"]["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    # The emulator does not keep it.
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
    assert keys(index) == [("bucket", "HASH")]


def test_messages_come_again_and_then_become_dead_letters(_world):
    stack = _world.stack
    redrive = json.loads(stack.queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == stack.dead_letters_arn
    assert int(redrive["maxReceiveCount"]) == 5
    # A dead letter keeps the time of its first sending, so it must be kept for longer than a message.
    assert int(stack.dead_letter_queue["MessageRetentionPeriod"]) > int(stack.queue["MessageRetentionPeriod"])
    timeout = int(configuration(_world)["Timeout"])
    longest_window = read_template(TEMPLATE)["Parameters"]["BatchingWindowSeconds"]["MaxValue"]
    assert int(stack.queue["VisibilityTimeout"]) >= 6 * timeout + longest_window
    [mapping] = event_source_mappings(_world)
    assert (int(mapping["BatchSize"]), int(mapping["MaximumBatchingWindowInSeconds"])) == (1000, 1)


def test_logs_are_json_in_the_stacks_own_group(_world):
    logging = configuration(_world)["LoggingConfig"]
    assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", "INFO")
    assert logging["LogGroup"] == _world.stack.log_group == "/purge-router/purge-router"


def test_the_queue_takes_messages_of_the_named_buckets_only(_world):
    _world.s3.create_bucket(Bucket="stranger", CreateBucketConfiguration={"LocationConstraint": REGION})
    with pytest.raises(botocore.exceptions.ClientError, match="Unable to validate the following destination"):
        _world.stack.notify_from("stranger")
    [statement] = json.loads(_world.stack.queue["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{bucket}" for bucket in BUCKETS]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def configuration(world):
    return world.ministack.client("lambda").get_function_configuration(FunctionName=world.stack.function)


def described_table(world):
    return world.stack.dynamodb.describe_table(TableName=world.stack.table)["Table"]


def event_source_mappings(world):
    client = world.ministack.client("lambda")
    return client.list_event_source_mappings(FunctionName=world.stack.function)["EventSourceMappings"]
