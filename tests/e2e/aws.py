"""AWS on this machine: ministack with IAM enforced, and stacks of the SAM template in it."""

import collections
import contextlib
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile

import boto3
import botocore.config
import yaml

HERE = pathlib.Path(__file__).parent
INFRA = HERE.parents[1] / "infra"
TEMPLATE, TEAM_TEMPLATE = INFRA / "template.yaml", INFRA / "team.yaml"
TEMPLATES = sorted(INFRA.glob("*.yaml"))
REGION = "eu-west-1"
ACCOUNT = "000000000000"
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
OTHER_ACCOUNT = "111111111111"
ROOT_OF_OTHER = {"aws_access_key_id": OTHER_ACCOUNT, "aws_secret_access_key": "test"}


def wait_for(what, look, seconds=20, every=0.05):
    """Returns the first truthy value of look(). `what` describes the condition in the error."""
    end = time.monotonic() + seconds
    while not (value := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(every)
    return value


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Ministack:
    """The process, in its own process group and with all its files in one folder, so that nothing is left behind."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "ministack.log"
        (folder / "tmp").mkdir(parents=True)
        # Functions inherit ministack's environment, so it gets only what it needs itself.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "AWS_ENDPOINT_URL": self.url,  # for the functions
            "AWS_LAMBDA_LOG_FORMAT": "JSON",  # ministack stores a function's LoggingConfig, but ignores it
        }
        self.process = subprocess.Popen(
            [sys.executable, HERE / "ministack_patched.py"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for("ministack is ready", self.is_ready, 60)
        except BaseException:
            self.stop()
            raise

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        try:
            # When ministack exits, the functions' processes keep running.
            reset = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
            urllib.request.urlopen(reset, timeout=20).read()
        except OSError:
            pass
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def client(self, service, credentials=None):
        """A client with these credentials, or with those of the account's root."""
        config = botocore.config.Config(retries={"max_attempts": 1}, read_timeout=60, s3={"addressing_style": "path"})
        options = {"endpoint_url": self.url, "region_name": REGION, "config": config}
        return boto3.client(service, **options, **(credentials or ROOT))

    def put_token(self, name, token, kind="SecureString"):
        self.client("ssm").put_parameter(Name=name, Value=token, Type=kind, Overwrite=True)

    def create_public_bucket(self, name):
        """Creates a bucket that the edge may read without credentials."""
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.make_public(name)

    def make_public(self, name):
        s3 = self.client("s3")
        s3.delete_public_access_block(Bucket=name)
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{name}/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))

    def create_user(self, name, policy_arn):
        """Creates a user with only this policy. Returns its credentials."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def assume_with_identity(self, role_arn, token):
        """Credentials of a role that trusts an identity provider, for a token of that provider."""
        arguments = {"RoleArn": role_arn, "RoleSessionName": "job", "WebIdentityToken": token}
        found = self.client("sts").assume_role_with_web_identity(**arguments)["Credentials"]
        return {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }

    def deploy(self, name, package, **parameters):
        """Creates a stack of the template with this package."""
        s3, bucket = self.client("s3"), f"packages-of-{name}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key="bootstrap.zip", Body=package)
        # As `aws cloudformation package` and `sam deploy` do.
        template = read_template(TEMPLATE)
        template["Resources"]["Function"]["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": "bootstrap.zip"}
        return Stack(self, self.create_stack(name, template, **parameters))

    def create_stack(self, name, template, credentials=None, **parameters):
        """Creates a stack. Returns its outputs."""
        cloudformation = self.client("cloudformation", credentials)
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=CAPABILITIES,
            Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
        )
        return self.stack_outputs(cloudformation, name)

    def update_stack(self, name, **changed):
        """Changes these parameters of a stack. Returns its outputs."""
        cloudformation = self.client("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        kept = [it["ParameterKey"] for it in stack["Parameters"] if it["ParameterKey"] not in changed]
        parameters = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
        parameters += [{"ParameterKey": key, "ParameterValue": value} for key, value in changed.items()]
        cloudformation.update_stack(
            StackName=name, UsePreviousTemplate=True, Capabilities=CAPABILITIES, Parameters=parameters
        )
        return self.stack_outputs(cloudformation, name)

    @staticmethod
    def stack_outputs(cloudformation, name):
        describe = lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        wait_for(f"stack {name} is done", lambda: not describe()["StackStatus"].endswith("IN_PROGRESS"), 60)
        stack = describe()
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), [
            (event["LogicalResourceId"], event.get("ResourceStatusReason"))
            for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            if "FAILED" in event["ResourceStatus"]
        ]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def read_template(path):
    """A template as plain data."""

    class Loader(yaml.SafeLoader):
        """Keeps CloudFormation's short functions, such as `!Ref`, as their long forms."""

    def function(loader, suffix, node):
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        return {name: loader.construct_sequence(node, deep=True)}

    Loader.add_multi_constructor("!", function)
    return yaml.load(path.read_text(), Loader)


def package(bootstrap, mappings=None):
    """The zip for Lambda: bootstrap, and a mapping file beside it."""
    files = {"bootstrap": pathlib.Path(bootstrap).read_bytes()}
    if mappings:
        files["mappings.toml"] = mappings.read_bytes()
    return zipped(files)


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def key(partition, sort):
    """The key of a row of the table."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def where(name, value):
    """The arguments of a DynamoDB query for all rows with this attribute."""
    names, values = {"#name": name}, {":value": {"S": value}}
    expressions = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    return {"KeyConditionExpression": "#name = :value", **expressions}


def invoke(client, function, event):
    """Invokes a function directly. Returns its answer, and whether it failed."""
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
    return json.load(answer["Payload"]), "FunctionError" in answer


def printed(ministack, group):
    """All JSON lines of a log group. Those of an invocation are there when it has ended."""
    pages = ministack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    texts = [event["message"] for page in pages for event in page["events"]]
    return [json.loads(text) for text in texts if text.startswith("{")]


def log_of(ministack, group):
    """The log lines without metrics."""
    return [line for line in printed(ministack, group) if "_aws" not in line]


class Stack:
    """A deployed stack."""

    def __init__(self, ministack, outputs):
        self.ministack = ministack
        self.queue_url, self.queue_arn = outputs["QueueUrl"], outputs["QueueArn"]
        self.retry_queue_url, self.retry_queue_arn = outputs["RetryQueueUrl"], outputs["RetryQueueArn"]
        self.delay_queue_url, self.delay_queue_arn = outputs["DelayQueueUrl"], outputs["DelayQueueArn"]
        self.dead_letters_url, self.dead_letters_arn = outputs["DeadLetterQueueUrl"], outputs["DeadLetterQueueArn"]
        self.function, self.role_arn, self.log_group = (
            outputs["FunctionName"],
            outputs["RoleArn"],
            outputs["LogGroupName"],
        )
        self.table, self.table_arn = outputs["TableName"], outputs["TableArn"]
        self.last_purges_table = outputs["LastPurgesTableName"]
        self.operator_policy_arn, self.alarm_topic_arn = outputs["OperatorPolicyArn"], outputs["AlarmTopicArn"]
        self.dead_letter_policy_arn, self.doctor_policy_arn = outputs["DeadLetterPolicyArn"], outputs["DoctorPolicyArn"]
        self.sqs, self.dynamodb = ministack.client("sqs"), ministack.client("dynamodb")
        configuration = ministack.client("lambda").get_function_configuration(FunctionName=self.function)
        self.variables = configuration["Environment"]["Variables"]
        attributes = lambda url: self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.queue, self.retry_queue = attributes(self.queue_url), attributes(self.retry_queue_url)
        self.dead_letter_queue = attributes(self.dead_letters_url)

    def retry_quickly(self, receives, retries=1):
        """Until `restore_redelivery`, redelivers messages that fail in the queue soon, and makes them dead letters after this
        many receives, and those of the retry queue after this many retries. The function hides those, for 5 to 10 s at first.
        """
        redrive = lambda count: json.dumps({"deadLetterTargetArn": self.dead_letters_arn, "maxReceiveCount": count})
        attributes = {"VisibilityTimeout": "2", "RedrivePolicy": redrive(receives)}
        self.sqs.set_queue_attributes(QueueUrl=self.queue_url, Attributes=attributes)
        self.sqs.set_queue_attributes(QueueUrl=self.retry_queue_url, Attributes={"RedrivePolicy": redrive(retries)})

    def restore_redelivery(self):
        """Restores the template's redelivery."""
        for url, queue in ((self.queue_url, self.queue), (self.retry_queue_url, self.retry_queue)):
            attributes = {name: queue[name] for name in ("VisibilityTimeout", "RedrivePolicy")}
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def empty_queues(self):
        """Deletes all messages, and restores the template's redelivery."""
        self.restore_redelivery()
        for url in (self.queue_url, self.retry_queue_url, self.delay_queue_url, self.dead_letters_url):
            self.sqs.purge_queue(QueueUrl=url)
        self.wait_until_handled()

    def notify_from(self, bucket, prefix=""):
        """Lets a bucket notify the queue, as the README describes."""
        events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
        configuration = {"QueueArn": self.queue_arn, "Events": events}
        if prefix:
            configuration["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
        self.ministack.client("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [configuration]}
        )

    def send(self, *bodies, url=None):
        """Sends messages, at most ten."""
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        entries = [{"Id": str(index), "MessageBody": text} for index, text in enumerate(texts)]
        answer = self.sqs.send_message_batch(QueueUrl=url or self.queue_url, Entries=entries)
        assert not answer.get("Failed"), answer

    def waiting(self, url=None):
        """How many messages are waiting, delayed or in flight."""
        names = [f"ApproximateNumberOfMessages{state}" for state in ("", "Delayed", "NotVisible")]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.queue_url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    @contextlib.contextmanager
    def held(self, queue_arn=None):
        """Pauses the delivery to the function, of this queue or of all. Afterwards, it gets the messages in one batch."""
        client = self.ministack.client("lambda")
        mappings = client.list_event_source_mappings(FunctionName=self.function)["EventSourceMappings"]
        ids = [it["UUID"] for it in mappings if queue_arn in (None, it["EventSourceArn"])]
        for mapping in ids:
            client.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            time.sleep(1)  # the last poll may still be in progress
            yield
        finally:
            for mapping in ids:
                client.update_event_source_mapping(UUID=mapping, Enabled=True)

    def wait_until_handled(self, seconds=30):
        """Waits until all messages are deleted or dead letters. S3 sends its notifications with a short delay."""
        present = lambda: self.waiting() + self.waiting(self.retry_queue_url)
        quiet = lambda: not any(present() or time.sleep(0.02) for _ in range(5))
        wait_for("the queues are empty", quiet, seconds)

    def process(self, bodies):
        """Invokes the function with these messages, by id, as the queue does. Returns the ids of the messages that it reports as
        failed, and of those that it defers. Those are deleted from the retry queue."""
        record = {"eventSource": "aws:sqs", "eventSourceARN": self.queue_arn}
        records = [{**record, "messageId": name, "body": body} for name, body in bodies.items()]
        with self.held(self.retry_queue_arn):
            assert self.waiting(self.retry_queue_url) == 0
            answer, failed = self.invoke({"Records": records})
            assert not failed, answer
            deferred = [it["Body"] for it in self.receive_all(self.retry_queue_url)]
            self.sqs.purge_queue(QueueUrl=self.retry_queue_url)
        assert set(deferred) <= set(bodies.values())
        reported = [it["itemIdentifier"] for it in answer["batchItemFailures"]]
        return sorted(reported), sorted(name for name, body in bodies.items() if body in deferred)

    def receive_all(self, url):
        """Receives the visible messages of a queue, with all attributes."""
        receive = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"]}
        receive["MessageAttributeNames"] = ["All"]
        found = []
        while some := self.sqs.receive_message(**receive).get("Messages"):
            found += some
        return found

    def dead_letters(self):
        return self.waiting(self.dead_letters_url)

    def redrive(self):
        """Moves dead letters to the queue of new messages. ministack has no StartMessageMoveTask."""
        for message in self.receive_all(self.dead_letters_url):
            self.send(message["Body"])
            self.sqs.delete_message(QueueUrl=self.dead_letters_url, ReceiptHandle=message["ReceiptHandle"])

    def invoke(self, event):
        return invoke(self.ministack.client("lambda"), self.function, event)

    def set_variables(self, **changed):
        """Changes some of the template's variables; None removes a variable."""
        variables = {name: value for name, value in {**self.variables, **changed}.items() if value is not None}
        self.ministack.client("lambda").update_function_configuration(
            FunctionName=self.function, Environment={"Variables": variables}
        )

    def restart(self, **changed):
        """Restarts the function with these variables changed, so that no instance has anything cached."""
        self.set_variables(**changed)
        # An invocation during the change may fail.
        wait_for("the function restarts", lambda: not self.invoke({"Event": "s3:TestEvent"})[1])

    def starts(self):
        """How many instances of the function have started so far."""
        return self.ministack.log.read_text().count(f"environment spawned for {self.function} ")

    def rows(self):
        """All rows of the table, by key."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return {(row["pk"]["S"], row["sk"]["S"]): row for page in pages for row in page["Items"]}

    def set_rows(self, rows):
        """Makes these the only rows of the table."""
        present = self.rows()
        for at in present.keys() - rows.keys():
            self.dynamodb.delete_item(TableName=self.table, Key=key(*at))
        for at, row in rows.items():
            if present.get(at) != row:
                self.dynamodb.put_item(TableName=self.table, Item=row)

    def without_dynamodb(self):
        """Meanwhile, DynamoDB refuses all calls of the function."""
        return self.denied("dynamodb:*")

    @contextlib.contextmanager
    def denied(self, action, resource="*"):
        """Meanwhile, the function may not do this."""
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        policy = {"RoleName": self.role_arn.rpartition("/")[2], "PolicyName": "denied"}
        iam = self.ministack.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(**policy, PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(**policy)

    def role_credentials(self):
        """Credentials of the function's role. Only ministack's root can assume it, because it trusts only Lambda."""
        answer = self.ministack.client("sts").assume_role(RoleArn=self.role_arn, RoleSessionName="test")
        found = answer["Credentials"]
        return {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }

    def log(self, message=None):
        """All log lines of the function so far, or those with this message."""
        return [line for line in log_of(self.ministack, self.log_group) if message in (None, line.get("message"))]

    def counted(self, metric):
        """The metric's count so far, by zone; the one without a zone is under `None`."""
        counts = collections.Counter()
        for line in printed(self.ministack, self.log_group):
            if "_aws" in line:
                counts[line.get("zone")] += line.get(metric, 0)
        return counts
