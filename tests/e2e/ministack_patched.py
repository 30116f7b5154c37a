"""Runs ministack with fourteen of its bugs patched, each of which would make the tests give wrong results.

1. It checks ssm:GetParameters, GetParametersByPath and DeleteParameters against the resource `*`, so it always refuses a
   role that may read `parameter/purge-router/*`. AWS checks every name, and one refused name fails the call.
2. It encrypts and decrypts SecureStrings of customer keys without checking kms:Encrypt, GenerateDataKey or Decrypt.
3. It stores a template's `MaximumConcurrency: !Ref Number` as a string, and then stops polling all queues.
4. It does not know dynamodb:LeadingKeys, so a policy with this condition refuses every call.
5. It waits 5 ms for the next line of an invocation's log, and adds later lines to the log of the next invocation.
6. It does not know the encryption context of KMS calls, so a policy with this condition refuses every such call.
7. EventBridge sends messages to any queue, whatever the queue's policy says.
8. It omits the message group of messages that EventBridge sends to a standard queue.
9. It does not know the protocol and endpoint of a subscription, so a topic policy with these conditions refuses all.
10. It does not know AWS::Events::EventBusPolicy, and delivers nothing from a bus to one of another account.
11. It does not know Fn::Split in a template's conditions, and takes it for a string that equals nothing.
12. It creates no stack that has an alarm on a sum of metrics.
13. It checks sqs:SendMessageBatch and other actions that AWS does not have. AWS checks sqs:SendMessage for each message.
14. It checks cloudwatch:DescribeAlarms against the resource `*`, so it always refuses a user who may describe `alarm:*`.
"""

import contextvars
import dataclasses
import json
import pathlib
import uuid

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses
from ministack.services import dynamodb, eventbridge, kms, lambda_svc, sns, sqs, ssm
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

resource_arn_of = iam_actions.extract_resource_arn
enforce = iam_evaluator.enforce
concurrency_of = lambda_svc._sqs_esm_concurrency
invoke_target = eventbridge._invoke_target
evaluate_conditions = engine._evaluate_conditions
resource_policy_allows = iam_evaluator.resource_policy_allows
subscribe = sns._subscribe
dispatch_to_event_bus = eventbridge._dispatch_to_event_bus
dynamodb_context_of = iam_actions.dynamodb_service_context
request_context_of = iam_actions.request_tag_context
alarm_record = provisioners._cw_metric_alarm_record
action_of = iam_actions.extract_iam_action


class Resources(str):
    """The resource of one SSM call, with everything that must be allowed: (action or None, service, ARN, condition keys)."""

    checks: list


def action_without_batch(service, *args):
    action = action_of(service, *args)
    return action.removesuffix("Batch") if service == "sqs" and action else action


def resource_checks(service, method, path, headers, body, query_params, region, account_id):
    resource = resource_arn_of(service, method, path, headers, body, query_params, region, account_id)
    if service in ("cloudwatch", "monitoring") and resource == "*":
        return f"arn:aws:cloudwatch:{region}:{account_id}:alarm:*"
    if service != "ssm":
        return resource
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return resource
    checks = []
    for name in request.get("Names") or [request.get("Name") or request.get("Path")]:
        if not isinstance(name, str):
            return resource
        bare = name.split(":parameter/")[-1].split(":")[0].lstrip("/")
        arn = f"arn:aws:ssm:{region}:{account_id}:parameter/{bare}"
        checks.append((None, "ssm", arn, {}))
        action, key = kms_call(request, ssm._parameters.get(f"/{bare}"))
        if action and key and key != "alias/aws/ssm" and (record := kms._resolve_key(key)):
            checks.append((action, "kms", record["Arn"], {"kms:EncryptionContext:PARAMETER_ARN": arn}))
    resources = Resources(" ".join(arn for _, of, arn, _ in checks if of == "ssm"))
    resources.checks = checks
    return resources


def kms_call(request, stored):
    """The KMS action that SSM calls on behalf of its caller, and the key."""
    if "Value" in request:
        tier = request.get("Tier") or ssm._default_tier(request, request["Value"], stored)
        return ("kms:GenerateDataKey" if tier == "Advanced" else "kms:Encrypt"), request.get("KeyId")
    return ("kms:Decrypt" if request.get("WithDecryption") else None), (stored or {}).get("KeyId")


def enforce_all(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
    checks = getattr(resource_arn, "checks", [(None, service, resource_arn, {})])
    for action, of, arn, keys in checks:
        context = {**(service_context or {}), **keys}
        if denied := enforce(access_key_id, action or iam_action, of, region, arn, context):
            return denied
    return None


def leading_keys(request):
    """The partition keys in a DynamoDB call: of all its rows, or of its query; none for a Scan."""
    rows = [request, *(action for item in request.get("TransactItems", []) for action in item.values())]
    for table, batch in request.get("RequestItems", {}).items():
        rows += [{"TableName": table, "Key": key} for key in batch["Keys"]]
    keys = []
    for row in rows:
        table = dynamodb._tables[dynamodb._normalize_table_name(row["TableName"])] if "TableName" in row else {}
        indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
        schema = indexes.get(row.get("IndexName"), table).get("KeySchema", [])
        for name in (part["AttributeName"] for part in schema if part["KeyType"] == "HASH"):
            values, names = row.get("ExpressionAttributeValues", {}), row.get("ExpressionAttributeNames", {})
            queried = dynamodb._key_condition_av(row.get("KeyConditionExpression"), None, values, names, name)
            if value := queried or (row.get("Key") or row.get("Item") or {}).get(name):
                keys.extend(value.values())
    return keys


def dynamodb_context(body):
    context = dynamodb_context_of(body)
    try:
        keys = leading_keys(json.loads(body or b"{}"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return context  # a call that no team may make: without keys, it is refused
    return {**context, "dynamodb:LeadingKeys": keys} if keys else context


def request_context(service, iam_action, body, params):
    context = request_context_of(service, iam_action, body, params)
    if service != "kms":
        return context
    try:
        pairs = json.loads(body or b"{}").get("EncryptionContext") or {}
        return {**context, **{f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}}
    except (AttributeError, ValueError):
        return context


def concurrency_as_number(mapping, *args):
    scaling = mapping.get("ScalingConfig") or {}
    if limit := scaling.get("MaximumConcurrency"):
        scaling["MaximumConcurrency"] = int(limit)
    return concurrency_of(mapping, *args)


def whole_log(worker, **_):
    """All output of the function so far: up to a mark that is written into the same pipe, or up to its end."""
    mark, lines = str(uuid.uuid4()), []
    try:
        with pathlib.Path(f"/proc/{worker._proc.pid}/fd/1").open("a") as pipe:
            print(mark, file=pipe)
    except (AttributeError, OSError):  # the process has ended
        if thread := worker._log_thread:
            thread.join()
        return worker._drain_stderr()
    while (line := worker._stderr_queue.get(timeout=10)) != mark:
        lines.append(line)
    return "\n".join(lines)


def invoke_if_allowed(target, event, rule, view=None):
    """Delivers to a queue if its policy allows it, with the rule's message group."""
    arn, account = target["Arn"], responses.get_account_id()
    if ":sqs:" not in arn:
        return invoke_target(target, event, rule, view)
    if not sqs.queue_policy_allows(arn, "events.amazonaws.com", rule["Arn"], account):
        return print(f"EventBridge: the policy of {arn} denies delivery from {rule['Arn']}", flush=True)
    queue = sqs._queue_by_arn(arn)
    before = len(queue["messages"])
    invoke_target(target, event, rule, view)
    for message in queue["messages"][before:]:
        message["group_id"] = (target.get("SqsParameters") or {}).get("MessageGroupId")


def dispatch_to_bus(spec, event, rule, event_path, target_input_payload=None):
    """Also forwards to a bus of another account, if that bus's policy allows this account."""
    account = responses.get_account_id()
    there = responses._request_account_id.set(spec.account_id)
    try:
        policy = eventbridge._event_bus_policies.get(spec.resource.split("/", 1)[1])
        caller = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:iam::{account}:root",
            principal_type="AWS",
            principal_account=account,
            action="events:PutEvents",
            resource_arn=str(spec),
            region=spec.region,
            service_context={"events:source": [event["Source"]]},
        )
        if iam_evaluator.resource_policy_allows(policy, caller, account == spec.account_id):
            return dispatch_to_event_bus(spec, event, rule, event_path, target_input_payload)
        print(f"EventBridge: the policy of {spec} denies delivery from {rule['Arn']}", flush=True)
    finally:
        responses._request_account_id.reset(there)


# The condition keys of the subscription in progress.
subscription_keys = contextvars.ContextVar("subscription_keys", default=None)


def subscribe_with_keys(parameters):
    keys = {f"sns:{name.lower()}": sns._p(parameters, name) for name in ("Protocol", "Endpoint")}
    token = subscription_keys.set(keys)
    try:
        return subscribe(parameters)
    finally:
        subscription_keys.reset(token)


def resource_policy_allows_with_keys(policy, context, same_account):
    keys = {**(context.service_context or {}), **(subscription_keys.get() or {})}
    return resource_policy_allows(policy, dataclasses.replace(context, service_context=keys), same_account)


def create_bus_policy(logical_id, properties, stack_name):
    bus, statement = properties.get("EventBusName", "default"), properties["Statement"]
    policy = eventbridge._event_bus_policies.get(bus) or {"Version": "2012-10-17", "Statement": []}
    policy["Statement"].append({**statement, "Sid": properties["StatementId"]})
    eventbridge._event_bus_policies[bus] = policy
    return f"{bus}|{properties['StatementId']}", {}


def delete_bus_policy(physical_id, properties):
    eventbridge._remove_permission(properties)


def alarm_record_with_metrics(name, properties):
    """Such an alarm is stored and described. It is not evaluated: no alarm is, of metrics that nobody sends."""
    if not (metrics := properties.get("Metrics")):
        return alarm_record(name, properties)
    one = metrics[-1]["MetricStat"]["Metric"]
    names = {"MetricName": one["MetricName"], "Namespace": one["Namespace"]}
    record = alarm_record(name, {**properties, "Metrics": None, **names})
    of_one_metric = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")
    return {**{key: it for key, it in record.items() if key not in of_one_metric}, "Metrics": metrics}


def evaluate_conditions_with_split(template, parameters):
    values = {name: parameter["Value"] for name, parameter in parameters.items()}
    values["AWS::AccountId"] = responses.get_account_id()

    def resolved(node):
        if isinstance(node, list):
            return [resolved(it) for it in node]
        if not isinstance(node, dict):
            return node
        if node.get("Ref") == "AWS::AccountId":
            return values["AWS::AccountId"]
        if "Fn::Split" in node:
            between, text = node["Fn::Split"]
            return str(values[text["Ref"]]).split(between)
        return {name: resolved(it) for name, it in node.items()}

    return evaluate_conditions({**template, "Conditions": resolved(template.get("Conditions", {}))}, parameters)


for module in (changesets, engine, handlers, stacks):
    module._evaluate_conditions = evaluate_conditions_with_split
provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
    "create": create_bus_policy,
    "delete": delete_bus_policy,
}
provisioners._cw_metric_alarm_record = alarm_record_with_metrics
sns._subscribe = subscribe_with_keys
iam_evaluator.resource_policy_allows = resource_policy_allows_with_keys
eventbridge._invoke_target = invoke_if_allowed
eventbridge._dispatch_to_event_bus = dispatch_to_bus
iam_actions.extract_iam_action = action_without_batch
iam_actions.extract_resource_arn = resource_checks
iam_evaluator.enforce = enforce_all
iam_actions.dynamodb_service_context = dynamodb_context
iam_actions.request_tag_context = request_context
lambda_svc._sqs_esm_concurrency = concurrency_as_number
lambda_runtime.ProvidedWorker._drain_stderr_bounded = whole_log

if __name__ == "__main__":
    app.main()
