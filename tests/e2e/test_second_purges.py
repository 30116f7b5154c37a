"""Second purges (`again_after`) through the real queues: after the delay, once, and only those of the team's mapping."""

import json
import time

import pytest

from aws import wait_for
from conftest import DOCS, PACKAGE_MAPPINGS

AFTER = 3
URL = "https://docs.website.dev/again.html"


@pytest.fixture
def again(world, tmp_path):
    """The mapping of the team docs has an `again_after`."""
    text = PACKAGE_MAPPINGS.read_text().replace('exclude = ["*.tmp"]', f'exclude = ["*.tmp"]\nagain_after = {AFTER}')
    mappings = tmp_path / "mappings.toml"
    mappings.write_text(text)
    world.push("docs", mappings)
    world.let_mappings_expire()
    yield world
    world.stack.empty_queues()


def purges(world, seen):
    """Adds the new purges of the URL to those that were seen, each with the time."""
    for _, _, body, status in world.cloudflare.purges():
        assert (body, status) == ({"files": [URL]}, 200)
        seen.append(time.monotonic())
    return seen


def test_a_change_is_purged_twice_and_no_third_time(again):
    world, seen = again, []
    lines = len(world.stack.log())
    world.put(DOCS, "again.html", "text")
    wait_for("two purges", lambda: len(purges(world, seen)) == 2, AFTER + 20)
    first, second = seen
    assert second - first > AFTER - 1, "batches of messages are collected for a second"
    time.sleep(AFTER + 2)
    assert len(purges(world, seen)) == 2
    assert (world.stack.waiting(), world.stack.waiting(world.stack.delay_queue_url)) == (0, 0)
    assert world.stack.dead_letters() == 0
    messages = [line["message"] for line in world.stack.log()[lines:]]
    assert messages.count("queued for a second purge") == 1


def test_the_message_is_a_record_in_its_teams_group(again):
    world, stack = again, again.stack
    with stack.held(stack.delay_queue_arn):
        world.put(DOCS, "again.html", "text")
        messages = wait_for("it is due", lambda: stack.receive_all(stack.delay_queue_url), AFTER + 20)
        stack.sqs.purge_queue(QueueUrl=stack.delay_queue_url)
    [message] = messages
    assert message["Attributes"]["MessageGroupId"] == "docs"
    [record] = json.loads(message["Body"])["Records"]
    assert (record["s3"]["object"]["key"], record["purgeRouter"]) == ("again.html", {"secondPurgeOf": "docs"})
    world.cloudflare.purges()


def test_a_change_whose_second_purge_can_not_be_queued_is_retried(again):
    world, stack, seen = again, again.stack, []
    stack.retry_quickly(receives=100, retries=100)
    lines = len(stack.log())
    with stack.denied("sqs:SendMessage", stack.delay_queue_arn):
        world.put(DOCS, "again.html", "text")
        warning = "can't queue second purges: their messages are retried"
        wait_for("a warning", lambda: [it for it in stack.log()[lines:] if it["message"] == warning])
        wait_for("it is deferred", lambda: stack.waiting(stack.retry_queue_url) == 1)
    # Once by the first message, by each retry, and by the second purge.
    queued = lambda: [it for it in stack.log()[lines:] if it["message"] == "queued for a second purge"]
    wait_for("it is queued", queued, 60)
    before = len(purges(world, seen))
    wait_for("the second purge", lambda: len(purges(world, seen)) > before, AFTER + 20)
    stack.wait_until_handled(60)
    assert (len(queued()), stack.dead_letters()) == (1, 0)
