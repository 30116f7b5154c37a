"""Each event source, deployed from its template as an operator does, for buckets of this account and of another one. The same
objects lead to the same purges, whatever the source, and only listed sources can send to the queue."""

import contextlib
import json
import time

import botocore.exceptions
import pytest

import aws
import cloudflare
from aws import ACCOUNT, INFRA, OTHER_ACCOUNT, REGION, ROOT, ROOT_OF_OTHER, wait_for
from conftest import BOOTSTRAP, PURGE_ROUTER, s3_event

THIRD = {"aws_access_key_id": "222222222222", "aws_secret_access_key": "test"}
HERE, THERE = ROOT, ROOT_OF_OTHER

# Each source with its bucket, which is named after it, and the owner of the bucket.
WAYS = {
    "s3-sqs": HERE,
    "s3-sqs-of-another-account": THERE,
    "s3-sns-sqs": HERE,
    "s3-sns-sqs-of-another-account": THERE,
    "s3-sns-sqs-wrapped": HERE,
    "s3-eventbridge-sqs": HERE,
    "s3-eventbridge-sqs-of-another-account": THERE,
    "s3-eventbridge-sqs-fair": HERE,
}
DOCS, WEB = (
    ("372e67954025e0ba6aaa6d586b9e0b59", "cfut_docs-0000-0000-1DEV"),
    (
        "023e105f4ecef8ad9ca31a8372d0c353",
        "cfut_web-0000-0000-1WEB",
    ),
)
MAPPINGS = f"""version = 1
[teams.docs]
owns = [{", ".join(f'"s3://{bucket}/"' for bucket in WAYS)}]
[teams.docs.zones."website.dev"]
zone_id = "{DOCS[0]}"
hostnames = ["docs.website.dev"]
plan = "enterprise"
[teams.web]
owns = ["s3://s3-sqs/web/"]
[teams.web.zones."website.com"]
zone_id = "{WEB[0]}"
hostnames = ["www.website.com"]
plan = "enterprise"
[[teams.web.mappings]]
source = "s3://s3-sqs/web/"
zones = ["website.com"]
strip_prefix = "web/"
""" + "".join(
    f"""[[teams.docs.mappings]]
source = "s3://{bucket}/docs/"
zones = ["website.dev"]
strip_prefix = "docs/"
spellings = ["chromium", "rfc3986"]
"""
    for bucket in WAYS
)


def template(name):
    return aws.read_template(INFRA / f"{name}.yaml")


class AllSources:
    """All sources together, with one function."""

    def __init__(self, ministack, folder):
        self.ministack = ministack
        mappings = folder / "mappings.toml"
        mappings.write_text(MAPPINGS)
        self.cloudflare = cloudflare.Cloudflare(PURGE_ROUTER, mappings, {"docs.website.dev": ministack.url})
        try:
            for name, (zone_id, token) in {"docs/website.dev": DOCS, "web/website.com": WEB}.items():
                self.cloudflare.set_token(token, zone_id)
                ministack.put_token(f"/purge-router/{name}", token)
            package = aws.package(BOOTSTRAP, mappings)
            self.stack = ministack.deploy(
                "sources",
                package,
                BucketArns="arn:aws:s3:::s3-sqs,arn:aws:s3:::s3-sqs-of-another-account,arn:aws:s3:::squatted",
                SourceAccounts=OTHER_ACCOUNT,
                CloudflareBaseUrl=self.cloudflare.api_url,
                MappingsFile="mappings.toml",
            )
            self.deploy_sources()
            self.stack.wait_until_handled()
            self.cloudflare.purges()
        except BaseException:
            self.cloudflare.stop()
            raise

    def create(self, name, source, credentials=None, **parameters):
        return self.ministack.create_stack(name, template(f"source-{source}"), credentials, **parameters)

    def deploy_sources(self):
        queue = self.stack.queue_arn
        create = self.create
        create("direct", "s3", BucketName="s3-sqs", QueueArn=queue, AllKinds="true")
        create("direct", "s3", THERE, BucketName="s3-sqs-of-another-account", QueueArn=queue, Prefix="docs/")

        with_bucket = {"BucketName": "s3-sns-sqs", "CreateBucket": "true", "AllKinds": "true"}
        topics = [create("topic", "sns", QueueArn=queue, **with_bucket)["TopicArn"]]
        # An existing bucket, and a subscription that is not in the topic's account.
        elsewhere = {"BucketName": "s3-sns-sqs-of-another-account"}
        topics.append(create("topic", "sns", THERE, QueueArn=queue, **elsewhere)["TopicArn"])
        self.notify("s3-sns-sqs-of-another-account", TopicConfigurations=[{"TopicArn": topics[1]}])
        self.subscribe(topics[1])
        topics.append(create("wrapped", "sns", BucketName="s3-sns-sqs-wrapped", QueueArn=queue)["TopicArn"])
        self.notify("s3-sns-sqs-wrapped", TopicConfigurations=[{"TopicArn": topics[2]}])
        self.wrap(topics[2])

        own = {"BucketNames": "s3-eventbridge-sqs", "AllKinds": "true"}
        rules = [create("rule", "eventbridge", QueueArn=queue, **own)["RuleArn"]]
        of_other = {"BucketNames": "s3-eventbridge-sqs-of-another-account", "BucketAccount": OTHER_ACCOUNT}
        outputs = create("bus", "eventbridge", QueueArn=queue, **of_other)
        rules.append(outputs["RuleArn"])
        forward = {"BucketNames": of_other["BucketNames"], "BusArn": outputs["BusArn"]}
        create("forward", "eventbridge-forward", THERE, **forward)
        fair = {"BucketNames": "s3-eventbridge-sqs-fair", "Team": "docs", "Prefix": "docs/"}
        rules.append(create("fair", "eventbridge", QueueArn=queue, **fair)["RuleArn"])
        for bucket in ("s3-eventbridge-sqs", of_other["BucketNames"], "s3-eventbridge-sqs-fair"):
            self.notify(bucket, EventBridgeConfiguration={})

        self.ministack.update_stack("sources", TopicArns=",".join(topics), RuleArns=",".join(rules))

    def s3(self, bucket):
        return self.ministack.client("s3", WAYS[bucket])

    def notify(self, bucket, **configuration):
        """Creates a bucket with these notifications, of the events in the README."""
        for configurations in configuration.values():
            for it in configurations:
                it["Events"] = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
        self.s3(bucket).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3(bucket).put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    def subscribe(self, topic):
        self.ministack.client("sns").subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=self.stack.queue_arn,
            Attributes={"RawMessageDelivery": "true"},
        )

    def wrap(self, topic):
        """Lets a topic deliver in its own envelope, as topics with other subscribers may do."""
        sns = self.ministack.client("sns")
        [subscription] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        sns.set_subscription_attributes(
            SubscriptionArn=subscription["SubscriptionArn"],
            AttributeName="RawMessageDelivery",
            AttributeValue="false",
        )

    def purged(self):
        """What has been purged since the last call, once all messages are processed."""
        time.sleep(0.3)  # S3 and EventBridge deliver with a short delay
        self.stack.wait_until_handled()
        return self.files()

    def files(self):
        return [url for _, _, body, status in self.cloudflare.purges() if status == 200 for url in body["files"]]

    def parameter(self, name):
        [stack] = self.ministack.client("cloudformation").describe_stacks(StackName="sources")["Stacks"]
        return next(it["ParameterValue"] for it in stack["Parameters"] if it["ParameterKey"] == name)

    def messages(self):
        """All messages of the queue. They stay in it, and have been received once."""
        found, receive = {}, {"MaxNumberOfMessages": 10, "VisibilityTimeout": 2, "MessageSystemAttributeNames": ["All"]}
        while some := self.stack.sqs.receive_message(QueueUrl=self.stack.queue_url, **receive).get("Messages"):
            found.update({it["MessageId"]: it for it in some})
        time.sleep(2.2)  # until they are visible again
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """In a separate AWS, whose accounts have no other stacks."""
    server = aws.Ministack(tmp_path_factory.mktemp("sources"))
    try:
        with contextlib.closing(contextlib.ExitStack()) as stack:
            world = AllSources(server, tmp_path_factory.mktemp("mappings"))
            stack.callback(world.cloudflare.stop)
            yield world
    finally:
        server.stop()


KEYS = ["plain.css", "with space/a b.css", "a+b.css", "100%.css", "ünï/日本語 é.css", "app (1).css", "a&b=c;d.css"]


@pytest.mark.parametrize("bucket", WAYS)
def test_the_same_objects_lead_to_the_same_purges(world, bucket):
    s3 = world.s3(bucket)
    urls = {
        f"https://docs.website.dev/{spell(key)}" for key in KEYS for spell in (cloudflare.browser, cloudflare.strict)
    }
    assert len(urls) == 7 + 3
    steps = {
        "put": lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"first"),
        "copy": lambda key: s3.copy_object(
            Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": "elsewhere/copied"}
        ),
        "delete": lambda key: s3.delete_object(Bucket=bucket, Key=key),
    }
    s3.put_object(Bucket=bucket, Key="elsewhere/copied", Body=b"second")
    assert world.purged() == [], "no mapping matches"
    for name, step in steps.items():
        for key in KEYS:
            step(f"docs/{key}")
        assert sorted(world.purged()) == sorted(urls), name
    assert world.stack.dead_letters() == 0


MORE = {"s3:ObjectRestore:Completed", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"}
USUAL = {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"}


def test_all_kinds_of_changes_are_sent_if_requested(world):
    """The emulator does not send events of tags and access lists."""

    def notified(bucket, credentials, of):
        s3 = world.ministack.client("s3", credentials)
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
        return {event for it in found[f"{of}Configurations"] for event in it["Events"]}

    assert notified("s3-sqs", HERE, "Queue") == notified("s3-sns-sqs", HERE, "Topic") == USUAL | MORE
    assert notified("s3-sqs-of-another-account", THERE, "Queue") == USUAL
    events = world.ministack.client("events")
    patterns = [json.loads(it["EventPattern"]) for it in events.list_rules()["Rules"]]
    kinds = {pattern["detail"]["bucket"]["name"][0]: len(pattern["detail-type"]) for pattern in patterns}
    assert (kinds["s3-eventbridge-sqs"], kinds["s3-eventbridge-sqs-fair"]) == (6, 2)


def test_messages_of_a_team_with_its_own_rule_are_a_fair_queue_group(world):
    with world.stack.held():
        for bucket in ("s3-eventbridge-sqs-fair", "s3-eventbridge-sqs"):
            world.s3(bucket).put_object(Bucket=bucket, Key="docs/fair.css", Body=b"")
        world.s3("s3-eventbridge-sqs-fair").put_object(Bucket="s3-eventbridge-sqs-fair", Key="other/fair.css", Body=b"")
        wait_for("two messages", lambda: world.stack.waiting() == 2)
        messages = world.messages().values()
    groups = {
        json.loads(it["Body"])["detail"]["bucket"]["name"]: it["Attributes"].get("MessageGroupId") for it in messages
    }
    assert groups == {"s3-eventbridge-sqs-fair": "docs", "s3-eventbridge-sqs": None}
    assert world.purged() == ["https://docs.website.dev/fair.css"]


def test_a_batch_of_all_sources_fails_or_defers_exactly_the_messages_that_were_not_purged(world):
    """Test events, broken bodies, and two teams, one without its token."""
    stack = world.stack
    stack.retry_quickly(receives=2, retries=1)
    world.cloudflare.set_token(WEB[1], WEB[0], "disabled")
    good, malformed, refused = {}, {}, {}
    purged = {f"https://docs.website.dev/{name}.css" for name in ("mixed", "beside-it", "half")}
    with stack.held():
        for bucket in WAYS:
            world.s3(bucket).put_object(Bucket=bucket, Key="docs/mixed.css", Body=b"")
        world.s3("s3-sqs").put_object(Bucket="s3-sqs", Key="web/lost.css", Body=b"")
        # A bucket is configured again: S3 sends a test event.
        [configurations] = [
            world.s3("s3-sqs").get_bucket_notification_configuration(Bucket="s3-sqs")["QueueConfigurations"]
        ]
        world.s3("s3-sqs").put_bucket_notification_configuration(
            Bucket="s3-sqs", NotificationConfiguration={"QueueConfigurations": configurations}
        )
        both = s3_event("s3-sqs", "web/lost-too.css")
        both["Records"] += s3_event("s3-sqs", "docs/beside-it.css")["Records"]
        half_broken = s3_event("s3-sqs", "docs/half.css")
        half_broken["Records"].append({"eventSource": "aws:s3"})
        stack.send("{ no JSON", {"Records": "none"}, half_broken, both, s3_event("unmapped-bucket", "a.css"))
        # One of each source, the lost one, at least one test event, and five.
        wait_for("all messages", lambda: stack.waiting() >= len(WAYS) + 1 + 1 + 5)
        messages = world.messages()
        for name, it in messages.items():
            text = it["Body"]
            is_malformed = any(part in text for part in ("{ no JSON", '"none"', "half.css"))
            (malformed if is_malformed else refused if "web/lost" in text else good)[name] = text
        assert (len(malformed), len(refused)) == (3, 2) and len(good) >= len(WAYS) + 2
        assert sum("s3:TestEvent" in text for text in good.values()) >= 1
        # The emulator makes small batches, so first all messages as one batch, then as the queue delivers them.
        reported, deferred = stack.process({name: it["Body"] for name, it in messages.items()})
        assert (reported, deferred) == (sorted(malformed), sorted(refused))
        assert set(world.files()) == purged
    wait_for("five dead letters", lambda: stack.dead_letters() == 5)
    stack.wait_until_handled()
    assert set(world.files()) == purged
    dead = stack.receive_all(stack.dead_letters_url)
    assert sorted(it["Body"] for it in dead) == sorted([*malformed.values(), *refused.values()])
    sources = {it["Body"]: it["Attributes"]["DeadLetterQueueSourceArn"] for it in dead}
    assert {sources[body] for body in malformed.values()} == {stack.queue_arn}
    assert {sources[body] for body in refused.values()} == {stack.retry_queue_arn}
    world.cloudflare.set_token(WEB[1], WEB[0])
    stack.empty_queues()


def test_an_unlisted_bucket_can_not_notify_the_queue(world):
    queue = {"QueueArn": world.stack.queue_arn, "Events": ["s3:ObjectCreated:*"]}
    # The third account owns the name of a listed bucket now.
    for bucket, credentials in {"not-named": HERE, "not-named-elsewhere": THERE, "squatted": THIRD}.items():
        s3 = world.ministack.client("s3", credentials)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        with pytest.raises(botocore.exceptions.ClientError, match="Unable to validate the following destination"):
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]}
            )


def forged(bucket="s3-sqs"):
    return json.dumps(s3_event(bucket, "docs/forged.css"))


def test_another_account_can_not_send_to_the_queue(world):
    for credentials in (THERE, THIRD):
        sqs = world.ministack.client("sqs", credentials)
        for call, arguments in {
            "send_message": {"MessageBody": forged()},
            "send_message_batch": {"Entries": [{"Id": "1", "MessageBody": forged()}]},
            "receive_message": {},
            "purge_queue": {},
        }.items():
            with pytest.raises(botocore.exceptions.ClientError) as refusal:
                getattr(sqs, call)(QueueUrl=world.stack.queue_url, **arguments)
            assert "AccessDenied" in refusal.value.response["Error"]["Code"], call
    assert world.purged() == []


@pytest.mark.parametrize("credentials", [HERE, THERE, THIRD], ids=["own", "another", "third"])
def test_an_unlisted_topic_sends_nothing(world, credentials):
    sns = world.ministack.client("sns", credentials)
    topic = sns.create_topic(Name="not-named")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=world.stack.queue_arn)
    with world.stack.held():
        sns.publish(TopicArn=topic, Message=forged())
        time.sleep(0.3)  # longer than a delivery takes: nothing must arrive
        assert world.messages() == {}


def test_a_topics_policy_allows_only_its_bucket(world):
    sns = world.ministack.client("sns", THERE)
    [topic] = [it["TopicArn"] for it in sns.list_topics()["Topics"] if ":topic-" in it["TopicArn"]]
    for credentials in (HERE, THIRD):
        with pytest.raises(botocore.exceptions.ClientError, match="AuthorizationError|AccessDenied"):
            world.ministack.client("sns", credentials).publish(TopicArn=topic, Message=forged())
    # The queue's account may subscribe the queue, and nothing else. No other account may do anything.
    for credentials, endpoint in (
        (HERE, f"arn:aws:sqs:{REGION}:{ACCOUNT}:another"),
        (THIRD, world.stack.queue_arn),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match="AuthorizationError|AccessDenied"):
            world.ministack.client("sns", credentials).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    s3 = world.ministack.client("s3", THERE)
    s3.create_bucket(Bucket="beside-the-topic", CreateBucketConfiguration={"LocationConstraint": REGION})
    with pytest.raises(botocore.exceptions.ClientError, match="Unable to validate the following destination"):
        s3.put_bucket_notification_configuration(
            Bucket="beside-the-topic",
            NotificationConfiguration={"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]},
        )


def test_an_unlisted_rule_sends_nothing(world):
    events = world.ministack.client("events")
    events.put_rule(Name="not-named", EventPattern=json.dumps({"source": ["forged"]}))
    events.put_targets(Rule="not-named", Targets=[{"Id": "1", "Arn": world.stack.queue_arn}])
    with world.stack.held():
        event = {"Source": "forged", "DetailType": "Object Created", "Detail": json.dumps({})}
        assert events.put_events(Entries=[event])["FailedEntryCount"] == 0
        time.sleep(0.3)  # longer than a delivery takes: nothing must arrive
        assert world.messages() == {}


def test_a_bus_accepts_only_events_of_its_account_and_buckets(world):
    """Two accounts forward to a bus that is for one of them, each from a listed bucket and from an unlisted one."""
    names = {"of-the-other": THERE, "of-the-third": THIRD}
    of_other = {"BucketNames": ",".join(names), "BucketAccount": OTHER_ACCOUNT}
    outputs = world.create("bus-of-two", "eventbridge", QueueArn=world.stack.queue_arn, **of_other)
    [rule] = world.ministack.client("events").list_rules(EventBusName="bus-of-two")["Rules"]
    assert json.loads(rule["EventPattern"])["account"] == [OTHER_ACCOUNT]
    named = world.parameter("RuleArns")
    world.ministack.update_stack("sources", RuleArns=f"{named},{outputs['RuleArn']}")
    for name, credentials in names.items():
        buckets = [name, f"beside-{name}"]
        forward = {"BucketNames": ",".join(buckets), "BusArn": outputs["BusArn"]}
        world.create("forward-to-two", "eventbridge-forward", credentials, **forward)
        s3 = world.ministack.client("s3", credentials)
        with world.stack.held():
            for bucket in buckets:
                s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
                s3.put_bucket_notification_configuration(
                    Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
                )
                s3.put_object(Bucket=bucket, Key="docs/forged.css", Body=b"")
            time.sleep(0.5)  # longer than a delivery takes: nothing else must arrive
            came = {json.loads(it["Body"])["detail"]["bucket"]["name"] for it in world.messages().values()}
        assert came == ({name} if credentials is THERE else set()), name
        world.purged()
