"""Sample values of what AWS chooses: accounts, names, ARNs and URLs. Both sides get the same ones."""

ACCOUNT, REGION, PARTITION, STACK = "123456789012", "eu-west-1", "aws", "purge-router"

# The ARN of a resource of each type of CloudFormation, after the account. `{}` is its name.
_ARNS = {
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{}",
    "AWS::IAM::Role": "iam::{account}:role/{}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{}",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{}",
}
# What Ref means for these types. For all others it is the name.
_REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}


def generated_name(logical_id):
    """The name of a resource that has none in its template."""
    return f"{STACK}-{logical_id}"


def arn(kind, name):
    """The ARN of a resource, or None for a type that has none."""
    pattern = _ARNS.get(kind)
    return pattern and f"arn:{PARTITION}:" + pattern.format(name, region=REGION, account=ACCOUNT)


def queue_url(name):
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


def ref(kind, name):
    """The value of CloudFormation's Ref."""
    if kind == "AWS::SQS::Queue":
        return queue_url(name)
    return arn(kind, name) if kind in _REF_IS_ARN else name
