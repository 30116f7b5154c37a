"""A template of infra/ with its functions resolved by parameters and sample values."""

import os
import re

from samtranslator.translator.transform import transform

import aws
from parity import samples

NO_VALUE = object()
# The properties that name a resource.
_NAMES = {
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Events::EventBus": "Name",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}


class Template:
    """One template with values for its parameters."""

    def __init__(self, file, parameters=None, tree=None):
        tree = tree or aws.read_template(aws.INFRA / file)
        self.parameters = tree.get("Parameters", {})
        self.tree = _without_sam(tree)
        self.given = parameters or {}

    def resources(self):
        """All resources that the conditions ask for: their types, properties, and whether they outlive the stack, by logical id."""
        found = {}
        for logical_id, it in self.tree["Resources"].items():
            if "Condition" in it and not self._condition(it["Condition"]):
                continue
            is_kept = str(it.get("DeletionPolicy", "Delete")).startswith("Retain")
            properties = self._resolve(it.get("Properties", {}))
            found[logical_id] = {"Type": it["Type"], "Properties": properties, "IsKept": is_kept}
        return found

    def outputs(self):
        """All outputs that the conditions ask for."""
        outputs = self.tree.get("Outputs", {}).items()
        asked = {name: it for name, it in outputs if "Condition" not in it or self._condition(it["Condition"])}
        return {name: self._resolve(it["Value"]) for name, it in asked.items()}

    def _condition(self, name):
        return self._resolve(self.tree["Conditions"][name])

    def _resolve(self, node):
        if isinstance(node, list):
            return [it for it in map(self._resolve, node) if it is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        [name] = node if len(node) == 1 else [None]
        if name in ("Ref", "Condition") or str(name).startswith("Fn::"):
            return self._call(name.removeprefix("Fn::"), node[name])
        resolved = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NO_VALUE}

    def _call(self, function, argument):
        if function == "Ref":
            return self._ref(argument)
        if function == "GetAtt":
            return self._attribute(*argument)
        if function == "Condition":
            return self._condition(argument)
        if function == "If":
            condition, yes, no = argument
            return self._resolve(yes if self._condition(condition) else no)
        if function == "Sub":
            text, values = argument if isinstance(argument, list) else (argument, {})
            return self._substitute(text, self._resolve(values))
        values = self._resolve(argument)
        pure = {
            "Equals": lambda one, other: str(one) == str(other),
            "Not": lambda it: not it,
            "And": lambda *all_of: all(all_of),
            "Or": lambda *any_of: any(any_of),
            "Select": lambda index, found: found[int(index)],
            "Join": lambda between, found: between.join(_list(found)),
            "Split": lambda between, text: text.split(between),
        }
        return pure[function](*values)

    def _ref(self, name):
        pseudo = {
            "AWS::AccountId": samples.ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": samples.PARTITION,
            "AWS::Region": samples.REGION,
            "AWS::StackName": samples.STACK,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            value = self.given.get(name, self.parameters[name].get("Default"))
            assert value is not None, f"the parameter {name} has no value"
            return str(value).split(",") if self.parameters[name]["Type"] == "CommaDelimitedList" else value
        kind, own_name = self._identity(name)
        return samples.ref(kind, own_name)

    def _attribute(self, logical_id, attribute):
        kind, name = self._identity(logical_id)
        return {"Arn": samples.arn(kind, name), "QueueName": name}[attribute]

    def _identity(self, logical_id):
        resource = self.tree["Resources"][logical_id]
        kind = resource["Type"]
        own_name = resource.get("Properties", {}).get(_NAMES.get(kind))
        return kind, self._resolve(own_name) if own_name else samples.generated_name(logical_id)

    def _substitute(self, text, values):
        def replace(match):
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in values:
                return values[name]
            return str(self._attribute(*name.split(".")) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)


def _without_sam(tree):
    """A template as SAM translates it, by its own translator."""
    if "Transform" not in tree:
        return tree
    # As `sam deploy` does. The translator refuses paths.
    function = tree["Resources"]["Function"]["Properties"]
    path, function["CodeUri"] = function["CodeUri"], {"Bucket": "packages", "Key": "bootstrap.zip"}
    os.environ.setdefault("AWS_DEFAULT_REGION", samples.REGION)
    translated = transform(tree, {}, _NoManagedPolicies())
    properties = translated["Resources"]["Function"]["Properties"]
    properties["Code"] = path
    properties["Tags"] = [it for it in properties["Tags"] if it["Key"] != "lambda:createdBy"]
    return translated


class _NoManagedPolicies:
    """The translator asks AWS for the ARNs of managed policies, which the template does not use."""

    def load(self):
        return {}


def _list(value):
    return value if isinstance(value, list) else [value]
