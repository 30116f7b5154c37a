"""The Terraform modules deploy what the templates deploy: the same resources, policies, alarms, settings, bounds and outputs."""

import re

import pytest

import aws
from parity import samples
from parity.conversion import as_cloudformation, canonical, differences
from parity.modules import MODULES, Module
from parity.templates import Template

# The resources of each module, with the logical ids of the template that it equals. An alarm or another resource that is in one
# of the two only fails the comparison.
MAIN = {
    "aws_dynamodb_table.mappings": "Table",
    "aws_dynamodb_table.last_purges": "LastPurgesTable",
    "aws_cloudwatch_log_group.function": "LogGroup",
    "aws_sqs_queue.events": "Queue",
    "aws_sqs_queue.retry": "RetryQueue",
    "aws_sqs_queue.delay": "DelayQueue",
    "aws_sqs_queue.dead_letters": "DeadLetterQueue",
    "aws_sqs_queue_policy.events": "QueuePolicy",
    "aws_iam_role.function": "Role",
    "aws_iam_role_policy.function": "Role",
    "aws_iam_policy.operator": "OperatorPolicy",
    "aws_iam_policy.dead_letters": "DeadLetterPolicy",
    "aws_iam_policy.doctor": "DoctorPolicy",
    "aws_lambda_function.purge_router": "Function",
    "aws_lambda_event_source_mapping.events": "FunctionQueue",
    "aws_lambda_event_source_mapping.retry": "FunctionRetryQueue",
    "aws_lambda_event_source_mapping.delay": "FunctionDelayQueue",
    "aws_sns_topic.alarms": "AlarmTopic",
    "aws_sns_topic_policy.alarms": "AlarmTopicPolicy",
    "aws_sns_topic_subscription.alarms": "AlarmSubscription",
    "aws_cloudwatch_metric_alarm.dead_letters": "DeadLettersAlarm",
    "aws_cloudwatch_metric_alarm.oldest_message": "OldestMessageAlarm",
    "aws_cloudwatch_metric_alarm.retries": "RetriesAlarm",
    "aws_cloudwatch_metric_alarm.second_purges": "SecondPurgesAlarm",
    "aws_cloudwatch_metric_alarm.token_refused": "TokenRefusedAlarm",
    "aws_cloudwatch_metric_alarm.stale_after_purge": "StaleAfterPurgeAlarm",
    "aws_cloudwatch_metric_alarm.throttles": "ThrottlesAlarm",
    "aws_cloudwatch_metric_alarm.errors": "ErrorsAlarm",
    "aws_cloudwatch_dashboard.purge_router": "Dashboard",
}
UNDELIVERED = {
    "aws_sqs_queue.undelivered": "Undelivered",
    "aws_sqs_queue_policy.undelivered": "UndeliveredPolicy",
}
PAIRS = {
    "template.yaml": (".", MAIN),
    "team.yaml": (
        "modules/team",
        {
            "aws_iam_policy.editor": "EditorPolicy",
            "aws_kms_key.tokens": "TokenKey",
            "aws_kms_alias.tokens": "TokenKeyAlias",
        },
    ),
    "team-ci.yaml": (
        "modules/team-ci",
        {
            "aws_iam_role.review": "ReviewRole",
            "aws_iam_role_policy.review": "ReviewRole",
            "aws_iam_role.push": "PushRole",
            "aws_iam_role_policy.push": "PushRole",
        },
    ),
    "source-s3.yaml": (
        "modules/source-s3",
        {"aws_s3_bucket.source": "Bucket", "aws_s3_bucket_notification.source": "Bucket"},
    ),
    "source-sns.yaml": (
        "modules/source-sns",
        {
            "aws_sns_topic.changes": "Topic",
            "aws_sns_topic_policy.changes": "TopicPolicy",
            "aws_sns_topic_subscription.queue": "Subscription",
            "aws_s3_bucket.source": "Bucket",
            "aws_s3_bucket_notification.source": "Bucket",
            **UNDELIVERED,
        },
    ),
    "source-eventbridge.yaml": (
        "modules/source-eventbridge",
        {
            "aws_cloudwatch_event_bus.source": "Bus",
            "aws_cloudwatch_event_bus_policy.source": "BusPolicy",
            "aws_cloudwatch_event_rule.source": "Rule",
            "aws_cloudwatch_event_target.queue": "Rule",
            **UNDELIVERED,
        },
    ),
    "source-eventbridge-forward.yaml": (
        "modules/source-eventbridge-forward",
        {
            "aws_iam_role.forward": "Role",
            "aws_iam_role_policy.forward": "Role",
            "aws_cloudwatch_event_rule.forward": "Rule",
            "aws_cloudwatch_event_target.bus": "Rule",
            **UNDELIVERED,
        },
    ),
}

OTHER_ACCOUNT = "210987654321"
QUEUE = samples.arn("AWS::SQS::Queue", "purge-router-Queue")
QUEUE_ELSEWHERE = QUEUE.replace(samples.ACCOUNT, OTHER_ACCOUNT)
TABLE = samples.arn("AWS::DynamoDB::Table", "purge-router-Table")
ROLE = samples.arn("AWS::IAM::Role", "purge-router-Role")
BUS = f"arn:aws:events:eu-west-1:{OTHER_ACCOUNT}:event-bus/of-other"
BUCKETS = ["arn:aws:s3:::assets.website.com", "arn:aws:s3:::docs-site"]
TOPICS = [samples.arn("AWS::SNS::Topic", "changes"), "arn:aws:sns:eu-west-1:210987654321:changes"]
RULES = [samples.arn("AWS::Events::Rule", "docs")]

# Values of parameters, under their names in the template.
SETTINGS = {
    "template.yaml": {
        "defaults": {},
        "a bucket": {"BucketArns": BUCKETS[:1]},
        "all sources": {
            "BucketArns": BUCKETS,
            "TopicArns": TOPICS,
            "RuleArns": RULES,
            "SourceAccounts": [OTHER_ACCOUNT, "333333333333"],
        },
        "topics": {"TopicArns": TOPICS[:1], "SourceAccounts": [OTHER_ACCOUNT]},
        "rules": {"RuleArns": RULES},
        "no default": {
            "MappingsFile": "mappings.toml",
            "MappingsTtlSeconds": 61,
            "TokenFolder": "/cf/tokens/",
            "TokenTtlSeconds": 302,
            "MaximumConcurrency": 13,
            "RetryConcurrency": 24,
            "DelayConcurrency": 35,
            "VerifyHosts": "www.website.com,*.website.co.uk",
            "RetryReceives": 746,
            "BatchSize": 97,
            "BatchingWindowSeconds": 8,
            "LogLevel": "WARN",
            "LogRetentionDays": 90,
            "AlarmEmail": "ops@website.com",
            "CloudflareBaseUrl": "https://proxy.website.com/v4",
            "Architecture": "arm64",
            "MemorySize": 1129,
            "ReserveConcurrency": 72,
            "Tracing": "Active",
        },
    },
    "team.yaml": {
        "defaults": {"Team": "web", "TableArn": TABLE},
        "key": {"Team": "web", "TableArn": TABLE, "CreateTokenKey": True, "FunctionRoleArn": ROLE},
        "folder": {
            "Team": "docs",
            "TableArn": TABLE,
            "TokenFolder": "/cf/docs/",
            "CreateTokenKey": True,
            "FunctionRoleArn": ROLE,
        },
    },
    "team-ci.yaml": {
        "defaults": {"Team": "web", "TableArn": TABLE, "Repository": "website/mappings"},
        "environment": {"Team": "docs", "TableArn": TABLE, "Repository": "a/b", "Environment": "production"},
    },
    "source-s3.yaml": {
        "defaults": {"BucketName": "assets.website.com", "QueueArn": QUEUE},
        "all": {"BucketName": "assets.website.com", "QueueArn": QUEUE, "Prefix": "uk/", "AllKinds": True},
    },
    "source-sns.yaml": {
        "defaults": {"BucketName": "assets.website.com", "QueueArn": QUEUE},
        "elsewhere": {"BucketName": "assets.website.com", "QueueArn": QUEUE_ELSEWHERE},
        "bucket": {"BucketName": "assets.website.com", "QueueArn": QUEUE, "CreateBucket": True},
        "all": {"BucketName": "docs-site", "QueueArn": QUEUE_ELSEWHERE, "CreateBucket": True, "AllKinds": True},
    },
    "source-eventbridge.yaml": {
        "defaults": {"BucketNames": ["docs-site"], "QueueArn": QUEUE},
        "here": {"BucketNames": ["docs-site"], "QueueArn": QUEUE, "BucketAccount": samples.ACCOUNT, "Team": "docs"},
        "elsewhere": {
            "BucketNames": ["docs-site", "assets.website.com"],
            "QueueArn": QUEUE,
            "BucketAccount": OTHER_ACCOUNT,
            "Prefix": "uk/",
            "AllKinds": True,
        },
    },
    "source-eventbridge-forward.yaml": {
        "one bucket": {"BucketNames": ["docs-site"], "BusArn": BUS},
        "two buckets": {"BucketNames": ["docs-site", "assets.website.com"], "BusArn": BUS},
    },
}
CASES = [(file, name) for file, settings in SETTINGS.items() for name in settings]

# Variables that no parameter has: they stand for the stack's name and for CodeUri.
OF_THE_STACK = {"name", "package"}


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def for_template(values):
    """Values of parameters as CloudFormation gets them."""
    text = lambda it: ",".join(it) if isinstance(it, list) else str(it).lower() if isinstance(it, bool) else it
    return {name: text(value) for name, value in values.items()}


def for_module(file, values):
    """The same values as variables."""
    variables = {snake(name): value for name, value in values.items()}
    if "reserve_concurrency" in variables:
        variables["reserve_concurrency"] = True  # Terraform can add up what to reserve
    return variables | ({"name": samples.STACK} if file == "source-eventbridge.yaml" else {})


def module_of(file, values, change=lambda name, text: text):
    folder, pairs = PAIRS[file]
    return Module(folder, pairs, for_module(file, values), change)


def described(file, values, change=lambda name, text: text):
    """What a template deploys, and what its module deploys."""
    template = canonical(Template(file, for_template(values)).resources())
    return template, canonical(as_cloudformation(module_of(file, values, change).resources(), PAIRS[file][1]))


def test_each_template_has_a_module():
    assert sorted(PAIRS) == sorted(SETTINGS) == sorted(it.name for it in aws.TEMPLATES)
    folders = {f"modules/{it.name}" for it in (MODULES / "modules").iterdir()}
    assert {folder for folder, _ in PAIRS.values()} == {".", *folders}


@pytest.mark.parametrize(("file", "case"), CASES)
def test_a_module_deploys_what_its_template_deploys(file, case):
    assert differences(*described(file, SETTINGS[file][case])) == []


@pytest.mark.parametrize(("file", "case"), CASES)
def test_a_module_has_the_outputs_of_its_template(file, case):
    values = SETTINGS[file][case]
    expected = {snake(name): value for name, value in Template(file, for_template(values)).outputs().items()}
    # An output without a value is null; in a template it is absent.
    outputs = {name: value for name, value in module_of(file, values).outputs().items() if value is not None}
    assert differences(canonical(expected), canonical(outputs)) == []


@pytest.mark.parametrize("file", PAIRS)
def test_each_parameter_is_a_variable_with_the_same_type_and_default(file):
    parameters = Template(file).parameters
    variables = module_of(file, next(iter(SETTINGS[file].values()))).variables()
    of_the_stack = OF_THE_STACK & variables.keys()
    assert variables.keys() - of_the_stack == {snake(name) for name in parameters}
    for name, parameter in parameters.items():
        variable = variables[snake(name)]
        assert (kind_of(name, parameter), variable["description"] != "") == (variable["type"], True), name
        assert ("Default" in parameter) == ("default" in variable), name
        if "Default" in parameter:
            is_empty = parameter["Type"] == "CommaDelimitedList" and parameter["Default"] == ""
            assert canonical(variable["default"]) == canonical([] if is_empty else parameter["Default"]), name


def kind_of(name, parameter):
    """The type of a variable, as tfparse writes it."""
    if name == "ReserveConcurrency" or parameter.get("AllowedValues") == ["true", "false"]:
        return "bool"
    return {"CommaDelimitedList": "list of string", "Number": "number", "String": "string"}[parameter["Type"]]


# Each is tried for each parameter, so that both sides must draw the line between the same two values.
TEXTS = [
    *("", " ", "x", "Web", "web", "web-eu", "-web", "web*", "a b", "web\n", "a" * 32, "a" * 33, "a" * 63, "a" * 64),
    *(
        "/",
        "//",
        "/a",
        "a/",
        "/a/",
        "/a//",
        "/a/b/",
        "/*/",
        "/a b/",
        "/purge-router/",
        "/a" * 14 + "/",
        "/a" * 15 + "/",
    ),
    *("@", "a@b", "a@", "ops@website.com", "a b@c", "a@b@c", "true", "false", "1"),
    *("a/b", "website/my.map_pings-2", "a/b/c", "a_b/c", "*/b", "a/*", "a" * 65),
    *("*", "*.a.b", "www.website.com", "a.b,c.d", "a.b, c.d", "a.b,  c.d", "a.b,", "https://a.b", "A.b", "a_b.c"),
    *("123456789012", "12345678901", "1234567890123", "12345678901x"),
    *("INFO", "info", "WARN", "TRACE", "x86_64", "arm64", "arm", "Active", "PassThrough", "active", "mappings.toml"),
    *(
        BUCKETS[0],
        "arn:aws-cn:s3:::a",
        "arn:aws:s3:::",
        "arn:aws:s3:::a b",
        "arn:aws:s3:eu-west-1::a",
        "x" + BUCKETS[0],
    ),
    *(
        TOPICS[0],
        TOPICS[0] + " x",
        "arn:aws:sns:eu-west-1:1234:t",
        RULES[0],
        RULES[0].replace("rule/", ""),
        BUS,
        BUS + "*",
    ),
    *(
        QUEUE,
        QUEUE + "*",
        QUEUE + ".fifo",
        TABLE,
        TABLE + "/index/i",
        TABLE + "*",
        ROLE,
        ROLE.replace("role/", "user/"),
    ),
    *(ROLE.replace("role/", "role/a/b/"), "assets.website.com", "a.b-c", "ab", "abc", ".abc", "abc.", "Abc"),
]


def is_accepted(parameter, value):
    """Whether CloudFormation accepts a value of a parameter, one of a list in the case of lists."""
    if "AllowedValues" in parameter and str(value) not in map(str, parameter["AllowedValues"]):
        return False
    if (
        "MinValue" in parameter
        and value < parameter["MinValue"]
        or "MaxValue" in parameter
        and value > parameter["MaxValue"]
    ):
        return False
    return "AllowedPattern" not in parameter or bool(
        re.search(parameter["AllowedPattern"].replace("$", r"\Z"), str(value))
    )


@pytest.mark.parametrize("file", PAIRS)
def test_parameters_and_variables_accept_the_same_values(file):
    parameters = Template(file).parameters
    needed = for_module(file, next(iter(SETTINGS[file].values())))
    folder, pairs = PAIRS[file]
    numbers = {it for one in parameters.values() if one["Type"] == "Number" for it in around(one)}
    seen = {name: set() for name in parameters}
    for kinds, values in (({"string", "list of string"}, TEXTS), ({"number"}, sorted(numbers))):
        tried = {name: it for name, it in parameters.items() if kind_of(name, it) in kinds}
        for value in values if tried else []:
            # An empty list is written as an empty string.
            given = {name: it for name, it in tried.items() if not (it["Type"] == "CommaDelimitedList" and value == "")}
            wrapped = {
                snake(name): [value] if it["Type"] == "CommaDelimitedList" else value for name, it in given.items()
            }
            expected = {name for name, it in given.items() if not is_accepted(it, value)}
            assert Module(folder, pairs, needed | wrapped, only_variables).refused() == {
                snake(name) for name in expected
            }, value
            for name in given:
                seen[name].add(name in expected)
    for name, parameter in parameters.items():
        has_bounds = parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue", "MaxValue"}
        if has_bounds and kind_of(name, parameter) != "bool":
            assert seen[name] == {True, False}, f"{name}: no value was accepted, or none refused"


def only_variables(file, text):
    """The bounds are in this file, and without the others it is evaluated faster."""
    return text if file == "variables.tf" else ""


def around(parameter):
    """Numbers at and beside the bounds of a parameter."""
    bounds = [parameter[name] for name in ("MinValue", "MaxValue") if name in parameter]
    return {it + step for it in [*bounds, *parameter.get("AllowedValues", [])] for step in (-1, 0, 1)}


def test_reserving_reserves_the_sum_of_all_queues():
    values = {"MaximumConcurrency": 13, "RetryConcurrency": 24, "DelayConcurrency": 35, "ReserveConcurrency": 1}
    function = module_of("template.yaml", values).resources()["aws_lambda_function.purge_router"]
    assert function["reserved_concurrent_executions"] == 13 + 24 + 35


def test_a_team_needs_a_folder_of_its_own_and_the_role_that_decrypts():
    needed = SETTINGS["team.yaml"]["defaults"]
    unmet = lambda **values: module_of("team.yaml", {**needed, **values}).unmet()
    assert unmet() == unmet(CreateTokenKey=True, FunctionRoleArn=ROLE) == set()
    assert unmet(TokenFolder="/purge-router/") == {"aws_iam_policy.editor"}
    assert unmet(CreateTokenKey=True) == {"aws_kms_key.tokens"}


# A change on one side only: the file, what is replaced, and what by. Each must be found.
CHANGES = {
    "a visibility timeout": (
        "queues.tf",
        "visibility_timeout_seconds = 240    # 6",
        "visibility_timeout_seconds = 60    # 6",
    ),
    "a retention of messages": ("queues.tf", "1209600 # 14 days, the maximum: messages", "345600 # 14 days"),
    "receives before a dead letter": ("queues.tf", "maxReceiveCount     = 5 # mess", "maxReceiveCount     = 6 # mess"),
    "a wrong dead-letter queue": (
        "queues.tf",
        "deadLetterTargetArn = aws_sqs_queue.dead_letters.arn\n    maxReceiveCount     = var",
        "deadLetterTargetArn = aws_sqs_queue.delay.arn\n    maxReceiveCount     = var",
    ),
    "an operator of a condition": ("queues.tf", "ArnLike      =", "ArnEquals    ="),
    "an account in a condition": ("queues.tf", "concat([local.account], var.source_accounts)", "[local.account]"),
    "an action more": (
        "policies.tf",
        '"dynamodb:Query"\n        Resource = "${',
        '["dynamodb:Query", "dynamodb:Scan"]\n        Resource = "${',
    ),
    "an action less": ("policies.tf", '          "dynamodb:DeleteItem",\n', ""),
    "a wider resource": ("policies.tf", "parameter${var.token_folder}*", "parameter/*"),
    "a missing statement": ("policies.tf", '"QueueSecondPurges"', '"SendDeadLetters"'),
    "a principal": ("policies.tf", "lambda.amazonaws.com", "events.amazonaws.com"),
    "a setting of the function": (
        "function.tf",
        "RETRY_CONCURRENCY     = var.retry_concurrency",
        "RETRY_CONCURRENCY     = var.delay_concurrency",
    ),
    "a setting less": ("function.tf", "        LAST_PURGES_TABLE     = aws_dynamodb_table.last_purges.name\n", ""),
    "a timeout": ("function.tf", "timeout                        = 30 ", "timeout                        = 29 "),
    "a concurrency": (
        "function.tf",
        "maximum_concurrency = var.delay_concurrency",
        "maximum_concurrency = var.retry_concurrency",
    ),
    "a response type": ("function.tf", '["ReportBatchItemFailures"]', "[]"),
    "a batch size": ("function.tf", "= var.batch_size\n", "= 10\n"),
    "the retention of logs": ("main.tf", "= var.log_retention_days", "= 30"),
    "a table that may be destroyed": ("main.tf", "prevent_destroy = true", "prevent_destroy = false"),
    "a key of the index": ("main.tf", 'range_key       = "pk"', 'range_key       = "sk"'),
    "no recovery": ("main.tf", "    enabled = true\n  }\n  lifecycle", "    enabled = false\n  }\n  lifecycle"),
    "a threshold": ("alarms.tf", "threshold           = 1200", "threshold           = 1201"),
    "a statistic": ("alarms.tf", 'statistic           = "Maximum"', 'statistic           = "Average"'),
    "a period of a query": ("alarms.tf", "      period      = 60\n", "      period      = 61\n"),
    "an alarm that may not publish": ("alarms.tf", "            aws_cloudwatch_metric_alarm.errors.arn,\n", ""),
    "an alarm on another queue": (
        "alarms.tf",
        "{ QueueName = aws_sqs_queue.dead_letters.name }",
        "{ QueueName = aws_sqs_queue.retry.name }",
    ),
    "a text of an alarm": ("alarms.tf", "docs/dead-letters.md#redrive", "docs/operations.md"),
    "a metric of the dashboard": ("dashboard.tf", "RateLimitHits", "RateLimited"),
    "a tag": ("main.tf", '"purge-router" }', '"purge" }'),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_module_alone_is_found(name):
    in_file, old, new = CHANGES[name]

    def change(file, text):
        assert file != in_file or old in text, f"{in_file} has no {old!r}"
        return text.replace(old, new, 1) if file == in_file else text

    settings = SETTINGS["template.yaml"]
    found = (differences(*described("template.yaml", settings[it], change)) for it in ("all sources", "no default"))
    assert any(found), f"{old!r} → {new!r} makes no difference"


def test_a_resource_of_the_module_alone_is_found():
    new = '\nresource "aws_sqs_queue" "more" {\n  name = "more"\n}\n'
    change = lambda file, text: text + new if file == "queues.tf" else text
    with pytest.raises(KeyError, match="aws_sqs_queue.more"):
        described("template.yaml", {}, change)


def leaves(node, path=()):
    """The path of each scalar of a tree."""
    if isinstance(node, dict):
        return [it for key, value in node.items() for it in leaves(value, (*path, key))]
    if isinstance(node, list):
        return [it for index, value in enumerate(node) for it in leaves(value, (*path, index))]
    return [path]


def test_a_change_of_any_value_of_a_template_is_found():
    """Changes each value of the resources of the main template, one after the other."""
    module = canonical(as_cloudformation(module_of("template.yaml", {}).resources(), MAIN))
    deployed = Template("template.yaml").resources()
    paths = leaves(deployed)
    assert len(paths) > 300 and differences(canonical(deployed), module) == []
    for path in paths:
        parent = deployed
        for step in path[:-1]:
            parent = parent[step]
        kept, parent[path[-1]] = parent[path[-1]], "changed"
        assert differences(canonical(deployed), module), path
        parent[path[-1]] = kept
