"""A Terraform module of infra/ with its expressions evaluated, by HashiCorp's own implementation of HCL (tfparse).

Neither Terraform nor the AWS provider is needed. What the provider would know only after an apply, such as ARNs, is written into a
copy of the module as the sample values that templates get too.
"""

import json
import pathlib
import re
import tempfile

import tfparse

import aws
from parity import samples

MODULES = aws.INFRA / "terraform"
# The type in CloudFormation of each type of the provider that has a counterpart of its own.
TYPES = {
    "aws_cloudwatch_dashboard": "AWS::CloudWatch::Dashboard",
    "aws_cloudwatch_event_bus": "AWS::Events::EventBus",
    "aws_cloudwatch_event_bus_policy": "AWS::Events::EventBusPolicy",
    "aws_cloudwatch_event_rule": "AWS::Events::Rule",
    "aws_cloudwatch_log_group": "AWS::Logs::LogGroup",
    "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm",
    "aws_dynamodb_table": "AWS::DynamoDB::Table",
    "aws_iam_policy": "AWS::IAM::ManagedPolicy",
    "aws_iam_role": "AWS::IAM::Role",
    "aws_kms_alias": "AWS::KMS::Alias",
    "aws_kms_key": "AWS::KMS::Key",
    "aws_lambda_event_source_mapping": "AWS::Lambda::EventSourceMapping",
    "aws_lambda_function": "AWS::Lambda::Function",
    "aws_s3_bucket": "AWS::S3::Bucket",
    "aws_sns_topic": "AWS::SNS::Topic",
    "aws_sns_topic_policy": "AWS::SNS::TopicPolicy",
    "aws_sns_topic_subscription": "AWS::SNS::Subscription",
    "aws_sqs_queue": "AWS::SQS::Queue",
    "aws_sqs_queue_policy": "AWS::SQS::QueuePolicy",
}
_DATA = {
    "aws_caller_identity": {"account_id": samples.ACCOUNT},
    "aws_partition": {"partition": samples.PARTITION},
    "aws_region": {"region": samples.REGION},
}
# What tfparse adds, and what Terraform itself reads.
_NO_PROPERTIES = {"__tfmeta", "id", "depends_on", "count"}


class Module:
    """One module with values for its variables. `pairs` has the logical id of each resource, by its address."""

    def __init__(self, folder, pairs, variables=None, change=lambda file, text: text):
        with tempfile.TemporaryDirectory() as copy:
            for file in (MODULES / folder).glob("*.tf"):
                text = change(file.name, file.read_text())
                pathlib.Path(copy, file.name).write_text(_with_samples(text, pairs))
            values = "".join(f"{name} = {json.dumps(value)}\n" for name, value in (variables or {}).items())
            pathlib.Path(copy, "values.tfvars").write_text(values)
            self.tree = tfparse.load_from_path(copy, stop_on_hcl_error=True, vars_paths=["values.tfvars"])

    def resources(self):
        """All resources that exist with these values: address → attributes."""
        found = {}
        for kind, blocks in self.tree.items():
            for it in blocks:
                if it["__tfmeta"].get("type") == "resource":
                    address = re.sub(r"\[.*\]$", "", it["__tfmeta"]["path"])
                    assert address not in found, f"{address} exists twice"
                    assert address.startswith(f"{kind}.")
                    found[address] = _plain(it)
        return found

    def outputs(self):
        return {it["__tfmeta"]["label"]: it.get("value") for it in self.tree.get("output", [])}

    def variables(self):
        """The block of each variable."""
        return {it["__tfmeta"]["label"]: it for it in self.tree.get("variable", [])}

    def refused(self):
        """The names of the variables whose value is refused."""
        return {name for name, it in self.variables().items() if not _all_hold(it.get("validation"))}

    def unmet(self):
        """The addresses of the resources one of whose preconditions is not met."""
        lifecycles = {address: it.get("lifecycle", {}) for address, it in self.resources().items()}
        return {address for address, it in lifecycles.items() if not _all_hold(it.get("precondition"))}


def _with_samples(text, pairs):
    """The text of a file, with the sample values of its resources and data sources."""

    def resource(match):
        kind, label = match.groups()
        attributes = _known(kind, pairs.get(f"{kind}.{label}"), text[match.end() :].split("\n}\n")[0])
        return match[0] + "".join(f"\n  {name} = {value}" for name, value in attributes.items())

    def data(match):
        values = "".join(f"\n  {name} = {json.dumps(value)}" for name, value in _DATA[match[1]].items())
        return f"{match[0].removesuffix('}')}{values}\n}}"

    # tfparse overwrites `id`, which only the queries of an alarm set.
    text = re.sub(r"^    id( +=)", r"    query_id\1", text, flags=re.MULTILINE)
    text = re.sub(r'^data "(\w+)" "\w+" \{\}$', data, text, flags=re.MULTILINE)
    return re.sub(r'^resource "(\w+)" "(\w+)" \{$', resource, text, flags=re.MULTILINE)


def _known(kind, logical_id, body):
    """What the provider would set for a resource, as expressions."""
    if logical_id is None:
        return {}
    own = re.search(r"^  (?:name|bucket|function_name|alarm_name) += (.+?)(?: +#.*)?$", body, re.MULTILINE)
    # Within a string: `"${var.name}-Queue"` without its quotes, or a reference.
    name = samples.generated_name(logical_id) if not own else own[1][1:-1] if own[1][0] == '"' else f"${{{own[1]}}}"
    attributes = {"name": name} if "name_prefix" in body and not own else {}
    if not re.search(r"^  arn +=", body, re.MULTILINE):
        attributes["arn"] = samples.arn(TYPES.get(kind), name)
    if kind == "aws_sqs_queue":
        attributes["url"] = samples.queue_url(name)
    if kind == "aws_kms_key":
        attributes["key_id"] = name
    return {attribute: f'"{value}"' for attribute, value in attributes.items() if value}


def _plain(node):
    if isinstance(node, list):
        return [_plain(it) for it in node]
    if isinstance(node, dict):
        return {name: _plain(it) for name, it in node.items() if name not in _NO_PROPERTIES}
    return node


def _all_hold(blocks):
    blocks = blocks if isinstance(blocks, list) else [blocks] if blocks else []
    for it in blocks:
        assert isinstance(it.get("condition"), bool), f"a condition can't be evaluated: {it}"
    return all(it["condition"] for it in blocks)
