"""The template is as CloudFormation wants it."""

import json
import pathlib
import subprocess
import sys

import botocore.exceptions
import pytest

from aws import ACCOUNT, REGION, TEMPLATE, packaged
from conftest import BUCKET, DOCS


def test_cfn_lint_finds_nothing():
    cfn_lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run([cfn_lint, TEMPLATE], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr


def test_it_sets_the_function_as_its_parameters_say(_world):
    assert _world.stack.variables == {
        "MAPPINGS_FILE": "mappings.toml",
        "TOKEN_TTL_SECONDS": "300",
        "MAX_CONCURRENCY": "3",
        "CLOUDFLARE_BASE_URL": _world.cloudflare.api_url,
    }
    [mapping] = event_source_mappings(_world)
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_messages_come_again_and_then_become_dead_letters(_world):
    stack = _world.stack
    redrive = json.loads(stack.queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == stack.dead_letters_arn
    assert int(redrive["maxReceiveCount"]) == 5
    # A dead letter keeps the time of its first sending, so it must be kept for longer than a message.
    assert int(stack.dead_letter_queue["MessageRetentionPeriod"]) > int(stack.queue["MessageRetentionPeriod"])
    timeout = int(configuration(_world)["Timeout"])
    template = json.loads(packaged(TEMPLATE.read_text(), "bucket", "key"))
    longest_window = template["Parameters"]["BatchingWindowSeconds"]["MaxValue"]
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
        "ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{bucket}" for bucket in (BUCKET, DOCS)]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def configuration(world):
    return world.ministack.client("lambda").get_function_configuration(FunctionName=world.stack.function)


def event_source_mappings(world):
    client = world.ministack.client("lambda")
    return client.list_event_source_mappings(FunctionName=world.stack.function)["EventSourceMappings"]
