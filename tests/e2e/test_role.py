"""The rights of the function's role, tried for real: it reads mappings and tokens, receives messages and defers them, and
nothing else."""

import re
import time

import botocore.exceptions
import pytest

from aws import key, where
from conftest import BUCKET, ZONES


@pytest.fixture(scope="module")
def role(_world):
    credentials = _world.stack.role_credentials()
    return lambda service: _world.ministack.client(service, credentials)


def test_it_reads_the_tokens_of_all_teams(role):
    parameters = [parameter for _, parameter, _ in ZONES.values()]
    found = role("ssm").get_parameters(Names=parameters, WithDecryption=True)["Parameters"]
    assert sorted(it["Name"] for it in found) == sorted(parameters)


def test_it_reads_the_mappings_of_a_bucket_with_their_grant_and_zones(role, _world):
    dynamodb, table = role("dynamodb"), _world.stack.table
    found = dynamodb.query(TableName=table, IndexName="by-bucket", **where("bucket", BUCKET))
    assert sorted(row["prefix"]["S"] for row in found["Items"]) == ["fr/", "uk/"]
    keys = [key("GRANTS", "web"), key("TEAM#web", "ZONE#website.fr")]
    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    assert len(found["Responses"][table]) == 2


@pytest.mark.parametrize("queue", ["queue_url", "retry_queue_url", "delay_queue_url"])
def test_it_receives_messages(role, _world, queue):
    sqs, url = role("sqs"), getattr(_world.stack, queue)
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    _world.stack.empty_queues()
    with _world.stack.held():
        _world.stack.send({"Event": "s3:TestEvent"}, url=url)
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert _world.stack.waiting(url) == 0


def test_it_sends_to_the_retry_queue_and_hides_messages_there(role, _world):
    sqs, url = role("sqs"), {"QueueUrl": _world.stack.retry_queue_url}
    _world.stack.empty_queues()
    with _world.stack.held():
        sqs.send_message_batch(**url, Entries=[{"Id": "0", "MessageBody": "{}", "MessageGroupId": "web"}])
        [message] = sqs.receive_message(**url, VisibilityTimeout=0)["Messages"]
        hidden = {"Id": "0", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 60}
        answer = sqs.change_message_visibility_batch(**url, Entries=[hidden])
        assert [it["Id"] for it in answer["Successful"]] == ["0"] and not answer.get("Failed")
        assert "Messages" not in sqs.receive_message(**url)
        _world.stack.empty_queues()


def test_it_sends_to_the_delay_queue(role, _world):
    sqs, url = role("sqs"), {"QueueUrl": _world.stack.delay_queue_url}
    _world.stack.empty_queues()
    with _world.stack.held():
        entry = {"Id": "0", "MessageBody": "{}", "MessageGroupId": "web", "DelaySeconds": 1}
        answer = sqs.send_message_batch(**url, Entries=[entry])
        assert [it["Id"] for it in answer["Successful"]] == ["0"] and not answer.get("Failed")
        _world.stack.empty_queues()


def test_it_remembers_purges(role, _world):
    dynamodb, table = role("dynamodb"), _world.stack.last_purges_table
    item = {"object": {"S": "web/assets.website.com/a"}}
    dynamodb.put_item(TableName=table, Item=item)
    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": [item], "ConsistentRead": True}})
    assert found["Responses"] == {table: [item]}


def test_it_writes_its_log(role, _world):
    logs, group = role("logs"), _world.stack.log_group
    logs.create_log_stream(logGroupName=group, logStreamName="of-the-role")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="of-the-role",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "seen"}],
    )


TABLE, GRANT = {"TableName": "stack.table"}, key("GRANTS", "web")
LAST_PURGES, OBJECT = {"TableName": "stack.last_purges_table"}, {"object": {"S": "web/assets.website.com/a"}}
TOKEN = "/purge-router/web/website.co.uk"
HIDDEN = {"ReceiptHandle": "of-a-message", "VisibilityTimeout": 0}

# service, call, its arguments
REFUSED = [
    ("ssm", "get_parameters", {"Names": ["/other/secret"], "WithDecryption": True}),
    ("ssm", "get_parameters", {"Names": ["/purge-router-2/secret"], "WithDecryption": True}),
    ("ssm", "get_parameters", {"Names": [TOKEN, "/other/secret"], "WithDecryption": True}),
    ("ssm", "get_parameter", {"Name": TOKEN, "WithDecryption": True}),
    ("ssm", "get_parameters_by_path", {"Path": "/purge-router/", "Recursive": True}),
    ("ssm", "get_parameter_history", {"Name": TOKEN}),
    ("ssm", "describe_parameters", {}),
    ("ssm", "put_parameter", {"Name": TOKEN, "Value": "x", "Type": "SecureString", "Overwrite": True}),
    ("ssm", "delete_parameter", {"Name": TOKEN}),
    ("s3", "get_object", {"Bucket": "packages-of-purge-router", "Key": "bootstrap.zip"}),
    ("s3", "put_object", {"Bucket": BUCKET, "Key": "uk/role.html", "Body": b"x"}),
    ("s3", "list_buckets", {}),
    ("sqs", "send_message", {"QueueUrl": "stack.queue_url", "MessageBody": "{}"}),
    ("sqs", "send_message_batch", {"QueueUrl": "stack.queue_url", "Entries": [{"Id": "0", "MessageBody": "{}"}]}),
    ("sqs", "change_message_visibility", {"QueueUrl": "stack.queue_url", **HIDDEN}),
    ("sqs", "change_message_visibility_batch", {"QueueUrl": "stack.queue_url", "Entries": [{"Id": "0", **HIDDEN}]}),
    ("sqs", "change_message_visibility", {"QueueUrl": "stack.dead_letters_url", **HIDDEN}),
    ("sqs", "purge_queue", {"QueueUrl": "stack.queue_url"}),
    ("sqs", "purge_queue", {"QueueUrl": "stack.retry_queue_url"}),
    ("sqs", "purge_queue", {"QueueUrl": "stack.delay_queue_url"}),
    ("sqs", "set_queue_attributes", {"QueueUrl": "stack.retry_queue_url", "Attributes": {"VisibilityTimeout": "0"}}),
    ("sqs", "receive_message", {"QueueUrl": "stack.dead_letters_url"}),
    ("sqs", "list_queues", {}),
    ("dynamodb", "query", {**TABLE, **where("pk", "TEAM#web")}),
    ("dynamodb", "get_item", {**TABLE, "Key": GRANT}),
    ("dynamodb", "transact_get_items", {"TransactItems": [{"Get": {**TABLE, "Key": GRANT}}]}),
    ("dynamodb", "scan", TABLE),
    ("dynamodb", "scan", LAST_PURGES),
    ("dynamodb", "get_item", {**LAST_PURGES, "Key": OBJECT}),
    ("dynamodb", "delete_item", {**LAST_PURGES, "Key": OBJECT}),
    ("dynamodb", "scan", {**TABLE, "IndexName": "by-bucket"}),
    ("dynamodb", "put_item", {**TABLE, "Item": GRANT}),
    ("dynamodb", "update_item", {**TABLE, "Key": GRANT}),
    ("dynamodb", "delete_item", {**TABLE, "Key": GRANT}),
    ("dynamodb", "batch_write_item", {"RequestItems": {"stack.table": [{"DeleteRequest": {"Key": GRANT}}]}}),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Delete": {**TABLE, "Key": GRANT}}]}),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": {**TABLE, "Item": GRANT}}]}),
    ("dynamodb", "execute_statement", {"Statement": 'SELECT * FROM "stack.table"'}),
    ("dynamodb", "describe_table", TABLE),
    ("dynamodb", "update_table", {**TABLE, "DeletionProtectionEnabled": False}),
    ("dynamodb", "delete_table", TABLE),
    ("dynamodb", "list_tables", {}),
    ("kms", "list_keys", {}),
    ("iam", "list_roles", {}),
    ("lambda", "list_functions", {}),
    ("lambda", "update_function_configuration", {"FunctionName": "stack.function", "Timeout": 900}),
    ("logs", "describe_log_groups", {}),
    ("logs", "create_log_stream", {"logGroupName": "/purge-router/other", "logStreamName": "x"}),
    ("logs", "delete_log_group", {"logGroupName": "stack.log_group"}),
    ("cloudformation", "describe_stacks", {}),
]


def of_stack(stack, value):
    """Values in which names such as `stack.queue_url` are replaced by their values."""
    if isinstance(value, dict):
        return {of_stack(stack, name): of_stack(stack, it) for name, it in value.items()}
    if isinstance(value, list):
        return [of_stack(stack, it) for it in value]
    if isinstance(value, str):
        return re.sub(r"stack\.(\w+)", lambda name: getattr(stack, name[1]), value)
    return value


@pytest.mark.parametrize(("service", "call", "arguments"), REFUSED, ids=[f"{it[0]}-{it[1]}" for it in REFUSED])
def test_it_may_do_nothing_else(role, _world, service, call, arguments):
    arguments = of_stack(_world.stack, arguments)
    # The resource exists, so the call is not refused because it is missing.
    _world.ministack.put_token("/other/secret", "x")
    _world.ministack.put_token("/purge-router-2/secret", "x")
    logs = _world.ministack.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix="/purge-router/other")["logGroups"]:
        logs.create_log_group(logGroupName="/purge-router/other")
    if call.startswith(("get", "list", "describe", "query", "scan", "transact_get")):
        getattr(_world.ministack.client(service), call)(**arguments)
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        getattr(role(service), call)(**arguments)
    assert refusal.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), refusal.value
