"""Resources of the AWS provider as CloudFormation describes them.

An attribute that is not listed here fails, so that nothing is left out of the comparison.
"""

import json

from parity import samples
from parity.modules import TYPES

IGNORED = object()


def as_cloudformation(resources, pairs):
    """All resources of a module: their types, properties, and whether a destroy keeps them, by logical id."""
    found = {}
    parts = {}
    for address, attributes in resources.items():
        kind, logical_id = address.split(".")[0], pairs[address]
        if kind in _PARTS:
            parts[address] = attributes
            continue
        lifecycle = attributes.pop("lifecycle", {})
        is_kept = lifecycle.get("prevent_destroy", False)
        properties = _convert(kind, attributes, logical_id)
        found[logical_id] = {"Type": TYPES[kind], "Properties": properties, "IsKept": is_kept}
    for address, attributes in parts.items():
        _PARTS[address.split(".")[0]](attributes, found[pairs[address]]["Properties"], pairs[address])
    return found


def _convert(kind, attributes, logical_id):
    properties = {}
    for name, value in attributes.items():
        if value in (None, []):
            continue
        if name in ("arn", "url", "key_id") and name not in _FIELDS[kind]:
            continue  # a sample value
        if name in ("name", "function_name", "alarm_name") and name not in _FIELDS[kind]:
            assert value == samples.generated_name(logical_id), f"{kind}: {name} = {value} of {logical_id}"
            continue
        if name == "name_prefix":
            assert value.startswith(samples.STACK) and value.endswith("-"), value
            continue
        assert name in _FIELDS[kind], f"{kind}: how {name} is called in CloudFormation is not known here"
        rule = _FIELDS[kind][name]
        if rule is IGNORED:
            continue
        properties.update({rule: value} if isinstance(rule, str) else rule(value))
    return properties


def _parsed(name):
    """JSON in a string."""
    return lambda text: {name: json.loads(text)}


def _listed(name):
    return lambda value: {name: [value]}


def _block(name, **fields):
    """A block with these attributes, as a property with other names."""
    return lambda value: {name: {fields[key]: it for key, it in value.items()}}


def _tags(tags):
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _blocks(value):
    return value if isinstance(value, list) else [value]


def _attribute_definitions(blocks):
    return {
        "AttributeDefinitions": [{"AttributeName": it["name"], "AttributeType": it["type"]} for it in _blocks(blocks)]
    }


def _key(attribute, kind):
    return {"AttributeName": attribute, "KeyType": kind}


def _index(block):
    assert block.keys() == {"name", "hash_key", "range_key", "projection_type"}, block
    keys = [_key(block["hash_key"], "HASH"), _key(block["range_key"], "RANGE")]
    projection = {"ProjectionType": block["projection_type"]}
    return {"GlobalSecondaryIndexes": [{"IndexName": block["name"], "KeySchema": keys, "Projection": projection}]}


def _dimensions(values):
    return {"Dimensions": [{"Name": name, "Value": value} for name, value in values.items()]}


def _queries(blocks):
    queries = []
    for it in _blocks(blocks):
        query = {"Id": it.pop("query_id")}
        if not it.pop("return_data"):
            query["ReturnData"] = False
        if metric := it.pop("metric", None):
            named = {"Namespace": metric.pop("namespace"), "MetricName": metric.pop("metric_name")}
            named |= _dimensions(metric.pop("dimensions"))
            query["MetricStat"] = {"Metric": named, "Stat": metric.pop("stat"), "Period": metric.pop("period")}
            assert not metric, metric
        query |= {key.capitalize(): it.pop(key) for key in ("label", "expression") if key in it}
        assert not it, it
        queries.append(query)
    return {"Metrics": queries}


def _statement_of_bus(text):
    policy = json.loads(text)
    [statement] = policy["Statement"]
    assert policy["Version"] == "2012-10-17", policy
    return {"StatementId": statement.pop("Sid"), "Statement": statement}


_POLICY = _parsed("PolicyDocument")
# Each attribute: its name in CloudFormation, or a function of its value that returns properties.
_FIELDS = {
    "aws_cloudwatch_dashboard": {"dashboard_name": "DashboardName", "dashboard_body": _parsed("DashboardBody")},
    "aws_cloudwatch_event_bus": {"name": "Name", "description": "Description", "tags": _tags},
    "aws_cloudwatch_event_bus_policy": {"event_bus_name": "EventBusName", "policy": _statement_of_bus},
    "aws_cloudwatch_event_rule": {
        "description": "Description",
        "event_bus_name": "EventBusName",
        "event_pattern": _parsed("EventPattern"),
        "tags": _tags,
    },
    "aws_cloudwatch_log_group": {"name": "LogGroupName", "retention_in_days": "RetentionInDays", "tags": _tags},
    "aws_cloudwatch_metric_alarm": {
        "alarm_description": "AlarmDescription",
        "namespace": "Namespace",
        "metric_name": "MetricName",
        "dimensions": _dimensions,
        "statistic": "Statistic",
        "period": "Period",
        "evaluation_periods": "EvaluationPeriods",
        "datapoints_to_alarm": "DatapointsToAlarm",
        "threshold": "Threshold",
        "comparison_operator": "ComparisonOperator",
        "treat_missing_data": "TreatMissingData",
        "alarm_actions": "AlarmActions",
        "ok_actions": "OKActions",
        "metric_query": _queries,
        "tags": _tags,
    },
    "aws_dynamodb_table": {
        "billing_mode": "BillingMode",
        "deletion_protection_enabled": "DeletionProtectionEnabled",
        "hash_key": lambda name: {"KeySchema": [_key(name, "HASH")]},
        "range_key": lambda name: {"RangeKey": name},  # joined with the hash key below
        "attribute": _attribute_definitions,
        "global_secondary_index": _index,
        "point_in_time_recovery": _block("PointInTimeRecoverySpecification", enabled="PointInTimeRecoveryEnabled"),
        "ttl": _block("TimeToLiveSpecification", attribute_name="AttributeName", enabled="Enabled"),
        "tags": _tags,
    },
    "aws_iam_policy": {"description": "Description", "policy": _POLICY},
    "aws_iam_role": {"assume_role_policy": _parsed("AssumeRolePolicyDocument"), "tags": _tags},
    "aws_kms_alias": {"name": "AliasName", "target_key_id": "TargetKeyId"},
    "aws_kms_key": {
        "description": "Description",
        "enable_key_rotation": "EnableKeyRotation",
        "policy": _parsed("KeyPolicy"),
        "tags": _tags,
    },
    "aws_lambda_event_source_mapping": {
        "function_name": "FunctionName",
        "event_source_arn": "EventSourceArn",
        "batch_size": "BatchSize",
        "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
        "function_response_types": "FunctionResponseTypes",
        "scaling_config": _block("ScalingConfig", maximum_concurrency="MaximumConcurrency"),
    },
    "aws_lambda_function": {
        "filename": lambda path: {
            "Code": path.removeprefix("./../")
        },  # of infra/terraform/, where templates count from infra/
        "source_code_hash": IGNORED,
        "runtime": "Runtime",
        "handler": "Handler",
        "architectures": "Architectures",
        "memory_size": "MemorySize",
        "reserved_concurrent_executions": lambda it: {} if it == -1 else {"ReservedConcurrentExecutions": it},
        "timeout": "Timeout",
        "role": "Role",
        "tracing_config": _block("TracingConfig", mode="Mode"),
        "logging_config": _block(
            "LoggingConfig",
            log_format="LogFormat",
            application_log_level="ApplicationLogLevel",
            system_log_level="SystemLogLevel",
            log_group="LogGroup",
        ),
        "environment": _block("Environment", variables="Variables"),
        "tags": _tags,
    },
    "aws_s3_bucket": {"bucket": "BucketName", "tags": _tags},
    "aws_sns_topic": {"tags": _tags},
    "aws_sns_topic_policy": {"arn": _listed("Topics"), "policy": _POLICY},
    "aws_sns_topic_subscription": {
        "topic_arn": "TopicArn",
        "protocol": "Protocol",
        "endpoint": "Endpoint",
        "raw_message_delivery": "RawMessageDelivery",
        "redrive_policy": _parsed("RedrivePolicy"),
    },
    "aws_sqs_queue": {
        "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
        "message_retention_seconds": "MessageRetentionPeriod",
        "visibility_timeout_seconds": "VisibilityTimeout",
        "redrive_policy": _parsed("RedrivePolicy"),
        "tags": _tags,
    },
    "aws_sqs_queue_policy": {"queue_url": _listed("Queues"), "policy": _POLICY},
}


def _add_role_policy(attributes, role, logical_id):
    assert attributes.keys() == {"name", "role", "policy"}, attributes.keys()
    assert attributes["role"] == samples.generated_name(logical_id), attributes
    policy = {"PolicyName": attributes["name"], "PolicyDocument": json.loads(attributes["policy"])}
    role.setdefault("Policies", []).append(policy)


def _add_target(attributes, rule, logical_id):
    fields = {"target_id": "Id", "arn": "Arn", "role_arn": "RoleArn"}
    blocks = {
        "dead_letter_config": _block("DeadLetterConfig", arn="Arn"),
        "sqs_target": _block("SqsParameters", message_group_id="MessageGroupId"),
    }
    assert attributes.pop("event_bus_name", None) == rule.get("EventBusName")
    assert attributes.pop("rule") == samples.generated_name(logical_id), attributes
    target = {fields[name]: value for name, value in attributes.items() if name not in blocks}
    for name in blocks.keys() & attributes.keys():
        target |= blocks[name](attributes[name])
    rule.setdefault("Targets", []).append(target)


def _add_notification(attributes, bucket, _):
    fields = {
        "queue": ("QueueConfigurations", "queue_arn", "Queue"),
        "topic": ("TopicConfigurations", "topic_arn", "Topic"),
    }
    assert attributes.pop("bucket") == bucket["BucketName"], attributes
    [kind] = attributes
    [block] = _blocks(attributes[kind])
    name, arn, target = fields[kind]
    prefix = block.pop("filter_prefix", None)
    rules = {"Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": prefix}]}}} if prefix is not None else {}
    events = [{"Event": event, target: block[arn], **rules} for event in block.pop("events")]
    assert block.keys() == {arn}, block
    bucket["NotificationConfiguration"] = {name: events}


# Resources of the provider that are parts of another one in CloudFormation, and how they are added to it.
_PARTS = {
    "aws_cloudwatch_event_target": _add_target,
    "aws_iam_role_policy": _add_role_policy,
    "aws_s3_bucket_notification": _add_notification,
}


def canonical(node):
    """One form of what means the same: scalars as text, a list of one as its item, JSON in text parsed."""
    if isinstance(node, dict):
        node = dict(node)
        if "RangeKey" in node:
            node["KeySchema"] = [*node["KeySchema"], _key(node.pop("RangeKey"), "RANGE")]
        return {key: canonical(value) for key, value in node.items()}
    if isinstance(node, list):
        return canonical(node[0]) if len(node) == 1 else [canonical(it) for it in node]
    if isinstance(node, bool):
        return str(node).lower()
    if isinstance(node, str) and node.lstrip().startswith("{"):
        return canonical(json.loads(node))
    return str(node)


def differences(expected, found, path=""):
    """The places at which two trees differ, each with both values."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [*expected, *(name for name in found if name not in expected)]
        parts = [differences(expected.get(it, "(absent)"), found.get(it, "(absent)"), f"{path}/{it}") for it in names]
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        parts = [differences(one, other, f"{path}/{index}") for index, (one, other) in pairs]
    else:
        return [] if expected == found else [f"{path}: {expected} in the template, {found} in the module"]
    return [it for part in parts for it in part]
