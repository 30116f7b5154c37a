"""`purge-router doctor` on a deployment: with the rights of its own policy, and with those of a team."""

import json

import pytest

import aws
from conftest import BUCKET, DOCS


def examined(world, user, *arguments):
    """The exit code, and what was found of each part: its state, its text and its fix."""
    code, out, errors = world.command(user, "doctor", "--json", *arguments)
    assert code in (0, 1), (code, out, errors)
    found = {it["what"]: (it["state"], it["found"], it.get("fix")) for it in json.loads(out)}
    assert (code == 1) == any(state == "bad" for state, _, _ in found.values()), (code, found)
    return found


@pytest.fixture
def subscribed(world):
    sns = world.ministack.client("sns")
    queue = {"Protocol": "sqs", "Endpoint": world.stack.retry_queue_arn, "ReturnSubscriptionArn": True}
    arn = sns.subscribe(TopicArn=world.stack.alarm_topic_arn, **queue)["SubscriptionArn"]
    # An earlier test may have changed the function a moment ago.
    updated = world.ministack.client("lambda").get_waiter("function_updated_v2")
    updated.wait(FunctionName=world.stack.function, WaiterConfig={"Delay": 1})
    yield world
    sns.unsubscribe(SubscriptionArn=arn)


def test_a_good_deployment_is_good_and_what_may_not_be_seen_is_unknown(subscribed):
    found = examined(subscribed, "doctor")
    states = {what: state for what, (state, _, _) in found.items()}
    unknown = {"tokens of website.dev, website.co.uk, website.fr"}
    assert {what for what, state in states.items() if state != "good"} == unknown, found
    assert {"region", "identity", "function", "table", "dead letters", "alarms", f"notifications of {BUCKET}"} <= set(
        states
    )
    assert sum(what.startswith("event source") for what in states) == 3


def test_each_fault_is_found_with_its_repair(world):
    stack, s3 = world.stack, world.ministack.client("s3")
    configuration = s3.get_bucket_notification_configuration(Bucket=DOCS)
    configuration.pop("ResponseMetadata")
    stack.send("{ not JSON", url=stack.dead_letters_url)
    with stack.held(stack.retry_queue_arn):
        s3.put_bucket_notification_configuration(Bucket=DOCS, NotificationConfiguration={})
        try:
            found = examined(world, "doctor")
        finally:
            s3.put_bucket_notification_configuration(Bucket=DOCS, NotificationConfiguration=configuration)
    bad = {what: (text, fix) for what, (state, text, fix) in found.items() if state == "bad"}
    assert set(bad) == {
        f"event source {stack.retry_queue_arn.rpartition(':')[2]}",
        f"notifications of {DOCS}",
        "dead letters",
        "subscribers of the alarms",
    }, bad
    assert bad["dead letters"][1] == f"purge-router dead-letters list --function {stack.function}"
    assert f"--topic-arn {stack.alarm_topic_arn}" in bad["subscribers of the alarms"][1]
    assert stack.queue_arn in bad[f"notifications of {DOCS}"][1]


def test_a_team_sees_its_own(world):
    arguments = ("--team", "web", "--table", world.stack.table)
    found = examined(world, "web", *arguments)
    assert found["grant of team web"][0] == "good" and found["table"][0] == "good"
    assert found["token of website.co.uk (team web)"][:2] == ("good", "it can purge the zone")
    assert "token of website.dev (team docs)" not in found
    for what in ("function, event sources, queues, alarms", f"notifications of {BUCKET}"):
        assert found[what] == ("unknown", "a team may not look at this: ask the operator", None), found
    world.cloudflare.revoke_all_tokens()
    found = examined(world, "web", *arguments)
    state, text, fix = found["token of website.co.uk (team web)"]
    assert state == "bad" and "can't purge website.co.uk" in text
    assert fix == "purge-router tokens put --zone website.co.uk --team web --overwrite"


def test_a_cloudflare_that_does_not_answer_is_one_line(world, monkeypatch):
    world.credentials["root"] = aws.ROOT
    monkeypatch.setattr(world.cloudflare, "api_url", f"http://127.0.0.1:{aws.free_port()}/client/v4")
    found = examined(world, "root", "--table", world.stack.table)
    tokens = {what: it for what, it in found.items() if what.startswith("token")}
    [(what, (state, text, _))] = tokens.items()
    assert what == "tokens of website.dev, website.co.uk, website.fr" and state == "unknown"
    assert text.startswith("Cloudflare does not answer: "), text


def test_a_function_that_does_not_exist_is_bad(world):
    world.credentials["root"] = aws.ROOT
    # Both are set in the environment, and there is no function to choose.
    code, _, errors = world.command("root", "doctor", "--function", "no-such-function")
    assert code == 2 and "MAPPINGS_FILE and MAPPINGS_TABLE are both set" in errors, errors
    found = examined(world, "root", "--function", "no-such-function", "--table", world.stack.table)
    assert found["function"][:2] == ("bad", "no-such-function does not exist in this region")
    assert found["event sources, queues, alarms"][0] == "unknown"
    assert found["table"][0] == "good"
