"""Zones in trouble: their messages wait in the retry queue, other zones are purged at once meanwhile, and when the trouble is
over, the purges arrive without anybody's help."""

import json
import time

import pytest

from aws import wait_for
from conftest import BUCKET, DOCS, ZONES, s3_event

SICK_ZONE, SICK = ZONES["website.fr"][0], ("www.website.fr", BUCKET, "fr/page.html")
HEALTHY = [("www.website.co.uk", BUCKET, "uk/page.html"), ("docs.website.dev", DOCS, "page.html")]
TROUBLE = {
    "it hangs": "hang",
    "server errors": {"status": {"status": 500, "code": 10000, "message": "Internal error"}},
    "resets": "reset",
    "a global rate limit": {"status": {"status": 429, "code": 971, "message": "Rate limited", "retry_after": 60}},
}

# Less than a request to a zone that hangs takes, at the second receive and later. Without trouble, it takes half a second.
AT_ONCE = 3


@pytest.fixture
def cached(world):
    """The edge has the first text of each page."""
    for host, bucket, key in (SICK, *HEALTHY):
        world.put(bucket, key, "first")
        world.stack.wait_until_handled()
        world.see(host, "page.html", "first")
    world.cloudflare.purges()
    return world


def shown(world, host):
    return world.cloudflare.visit(host, "/page.html")[1]


def retries(world):
    return world.stack.waiting(world.stack.retry_queue_url)


@pytest.mark.parametrize("trouble", ["it hangs", "server errors", "resets"])
def test_a_zone_in_trouble_delays_no_other_zone_and_is_purged_when_it_answers_again(cached, trouble):
    world, rounds = cached, 6
    seen = len(world.stack.log())
    with world.cloudflare.fault(SICK_ZONE, TROUBLE[trouble]):
        for number in range(rounds):
            text = f"{trouble} {number}"
            for _, bucket, key in (SICK, *HEALTHY):
                world.put(bucket, key, text)
            for host, _, _ in HEALTHY:
                world.see(host, "page.html", text, AT_ONCE)
            time.sleep(0.5)
        wait_for("all its messages are deferred", lambda: (world.stack.waiting(), retries(world)) == (0, rounds))
        assert shown(world, SICK[0]) == "first"
    world.see(SICK[0], "page.html", text, 90)
    world.stack.wait_until_handled(90)
    assert world.stack.dead_letters() == 0
    lines = world.stack.log()[seen:]
    count = lambda message: sum(line["messages"] for line in lines if line["message"] == message)
    assert count("deferred to the retry queue") == rounds
    assert count("hidden until the next retry") > 0
    assert not [line for line in lines if line["message"].startswith("can't")]


def test_a_retry_purges_only_what_was_not_purged(cached):
    world, stack = cached, cached.stack
    both = s3_event(BUCKET, "fr/page.html")
    both["Records"] += s3_event(BUCKET, "uk/page.html")["Records"]
    seen = len(stack.log("batch"))
    batches = lambda outcome: [it["zone"] for it in stack.log("batch")[seen:] if it["outcome"] == outcome]
    with world.cloudflare.fault(SICK_ZONE, TROUBLE["server errors"]):
        stack.send(both)
        wait_for("the zone in trouble is tried again", lambda: len(batches("unreachable")) > 1, 60)
    stack.wait_until_handled(90)
    assert batches("purged") == ["website.co.uk", "website.fr"], "each once"
    assert set(batches("unreachable")) == {"website.fr"}
    assert stack.dead_letters() == 0


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_deferred_message_is_the_same_in_its_teams_group(cached, trouble):
    world, stack = cached, cached.stack
    with world.cloudflare.fault(SICK_ZONE, TROUBLE[trouble]), stack.held(stack.retry_queue_arn):
        world.put(SICK[1], SICK[2], "second")
        wait_for("it is deferred", lambda: (stack.waiting(), retries(world)) == (0, 1))
        [message] = stack.receive_all(stack.retry_queue_url)
        stack.sqs.purge_queue(QueueUrl=stack.retry_queue_url)
    assert message["Attributes"]["MessageGroupId"] == "web"
    [record] = json.loads(message["Body"])["Records"]
    assert (record["eventSource"], record["s3"]["object"]["key"]) == ("aws:s3", SICK[2])
    assert stack.dead_letters() == 0


def test_what_no_retry_can_purge_stays_in_its_queue_until_it_is_a_dead_letter(cached):
    world, stack = cached, cached.stack
    stack.retry_quickly(receives=2)
    with world.cloudflare.fault(SICK_ZONE, {"reject_url": {"url": "https://www.website.fr/page.html"}}):
        world.put(SICK[1], SICK[2], "second")
        wait_for("a dead letter", lambda: stack.dead_letters() == 1)
    [message] = stack.receive_all(stack.dead_letters_url)
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == stack.queue_arn
    assert int(message["Attributes"]["ApproximateReceiveCount"]) >= 2
    assert (stack.waiting(), retries(world)) == (0, 0)


def test_what_a_retry_finds_refused_for_good_is_a_dead_letter_at_once(cached):
    world, stack = cached, cached.stack
    stack.retry_quickly(receives=100, retries=100)
    refused = {"reject_url": {"url": "https://www.website.fr/page.html"}}
    # Between the two faults the zone is healthy: a retry at that moment would purge. So the message is taken out of the
    # queue, and sent again under the second fault.
    with world.cloudflare.fault(SICK_ZONE, TROUBLE["server errors"]), stack.held(stack.retry_queue_arn):
        world.put(SICK[1], SICK[2], "second")
        wait_for("it is deferred", lambda: (stack.waiting(), retries(world)) == (0, 1))
        [deferred] = stack.receive_all(stack.retry_queue_url)
        stack.sqs.purge_queue(QueueUrl=stack.retry_queue_url)
    with world.cloudflare.fault(SICK_ZONE, refused):
        stack.send(deferred["Body"], url=stack.retry_queue_url)
        wait_for("a dead letter", lambda: stack.dead_letters() == 1, seconds=60)
    [message] = stack.receive_all(stack.dead_letters_url)
    assert "DeadLetterQueueSourceArn" not in message["Attributes"], "the function sent it"
    replaced = message["MessageAttributes"]["ReplacedMessageId"]["StringValue"]
    assert any(replaced in line.get("origins", "") for line in stack.log("batch")), "the log says why"
    assert (stack.waiting(), retries(world)) == (0, 0)
    stack.send(message["Body"])
    world.see(SICK[0], "page.html", "second", 60)


def test_what_the_retry_queue_does_not_take_is_redelivered_by_its_own_queue(cached):
    world, stack = cached, cached.stack
    stack.retry_quickly(receives=100, retries=100)
    seen = len(stack.log())
    with stack.denied("sqs:SendMessage"), world.cloudflare.fault(SICK_ZONE, TROUBLE["server errors"]):
        world.put(SICK[1], SICK[2], "second")
        lines = lambda: [line for line in stack.log()[seen:] if line["message"].startswith("can't defer")]
        line = wait_for("it can't be deferred", lines)[0]
        assert (line["level"], line["messages"]) == ("WARN", 1) and "AccessDenied" in line["error"], line
        assert (stack.waiting(), retries(world)) == (1, 0)
    world.see(SICK[0], "page.html", "second", 60)
    stack.wait_until_handled(60)
    assert stack.dead_letters() == 0
