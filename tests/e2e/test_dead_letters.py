"""`purge-router dead-letters`, with the rights of its own policy and no others."""

import contextlib
import json

import pytest

import aws
from aws import wait_for
from conftest import BUCKET, DOCS, ZONES, s3_event

UK, FR = "https://www.website.co.uk/page.html", "https://www.website.fr/page.html"
BROKEN = "{ not JSON"


@pytest.fixture
def call(world):
    """Runs a command as a person on call. Returns its exit code, output and errors."""
    return lambda *arguments: world.command("on-call", "dead-letters", *arguments)


def put_dead(world, *bodies):
    """Puts messages into the dead-letter queue, as the function does."""
    world.stack.send(*bodies, url=world.stack.dead_letters_url)


def visible(world):
    name = "ApproximateNumberOfMessages"
    found = world.stack.sqs.get_queue_attributes(QueueUrl=world.stack.dead_letters_url, AttributeNames=[name])
    return int(found["Attributes"][name])


def groups(out):
    return sorted((it["team"] or "-", it["zone"] or "-", it["cause"], it["messages"]) for it in json.loads(out))


@contextlib.contextmanager
def denied(world, action):
    """Meanwhile, the person on call may not do this."""
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    policy = {"UserName": "on-call", "PolicyName": "denied"}
    iam = world.ministack.client("iam")
    iam.put_user_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    try:
        yield
    finally:
        iam.delete_user_policy(**policy)


def test_what_is_there_is_grouped_and_stays(world, call):
    put_dead(world, s3_event(BUCKET, "uk/page.html"), s3_event(BUCKET, "uk/b.html"), s3_event(DOCS, "a.html"), BROKEN)
    code, out, errors = call("list", "-o", "json")
    assert code == 0, errors
    assert groups(out) == [
        ("-", "-", "rejected", 1),
        ("docs", "website.dev", "unknown", 1),
        ("web", "website.co.uk", "unknown", 2),
    ]
    assert visible(world) == 4, "all can be received at once"
    code, out, errors = call("list", "--team", "docs")
    assert code == 0 and [line.split()[:4] for line in out.splitlines()][1:] == [
        ["docs", "website.dev", "unknown", "1"]
    ]
    assert "3 messages more in the queue" in errors
    code, out, _ = call("explain", "--team", "web", "--limit", "1")
    assert code == 0 and "purge 2 URLs of website.co.uk" in out and "failed team web, website.co.uk: unknown" in out, (
        out
    )
    assert f"s3://{BUCKET}/uk/page.html created" in out or f"s3://{BUCKET}/uk/b.html created" in out, out
    assert "fires    TEAM#web/MAPPING#" in out, out
    code, out, _ = call("explain", "--json")
    assert code == 0 and len(json.loads(out)) == 4 and visible(world) == 4
    [docs] = [it for it in json.loads(out) if it["teams"] == ["docs"]]
    [change] = docs["explained"]["changes"]
    assert (change["object"], change["purged"]) == (f"s3://{DOCS}/a.html", True)
    assert docs["explained"]["batches"][0]["zone"] == "website.dev"


def test_the_log_says_why_and_a_redrive_purges_when_it_is_fixed(world, call):
    stack = world.stack
    world.put(BUCKET, "fr/page.html", "first")
    stack.wait_until_handled()
    world.see("www.website.fr", "page.html", "first")
    stack.retry_quickly(receives=2)
    with world.cloudflare.fault(ZONES["website.fr"][0], {"reject_url": {"url": FR}}):
        world.put(BUCKET, "fr/page.html", "second")
        wait_for("a dead letter", lambda: stack.dead_letters() == 1)
    code, out, errors = call("list", "-o", "jsonl")
    assert code == 0, errors
    group = json.loads(out)
    assert (group["team"], group["zone"], group["cause"]) == ("web", "website.fr", "items-refused"), group
    assert group["reason"]
    stack.restore_redelivery()
    code, out, errors = call("redrive")
    assert (code, out) == (0, f"redrove 1 message to {stack.queue_arn.rpartition(':')[2]}\n"), errors
    assert stack.dead_letters() == 0
    world.see("www.website.fr", "page.html", "second")


def test_one_team_is_brought_back_alone_and_shared_messages_are_told(world, call):
    shared = s3_event(BUCKET, "uk/page.html")
    shared["Records"] += s3_event(DOCS, "shared.html")["Records"]
    put_dead(world, s3_event(BUCKET, "uk/b.html"), s3_event(DOCS, "a.html"), shared)
    world.cloudflare.purges()
    code, out, errors = call("redrive", "--team", "web", "--json")
    assert code == 0, errors
    answer = json.loads(out)
    assert (answer["redriven"], answer["left"], answer["shared_with"], answer["errors"]) == (2, 1, {"docs": 1}, {})
    world.stack.wait_until_handled()
    purged = {url for _, _, body, _ in world.cloudflare.purges() for url in body["files"]}
    assert UK in purged and "https://docs.website.dev/shared.html" in purged
    assert "https://docs.website.dev/a.html" not in purged
    assert visible(world) == 1


def test_what_fails_again_is_not_redriven_for_ever(world, call):
    world.stack.retry_quickly(receives=1)
    put_dead(world, *(f"{BROKEN} {number}" for number in range(10)))
    put_dead(world, s3_event(DOCS, "a.html"))
    code, out, errors = call("redrive", "--json", "--max-per-second", "5")
    assert code == 0, errors
    answer = json.loads(out)
    assert answer["redriven"] == 11 and answer["errors"] == {}
    wait_for("the broken ones come back", lambda: world.stack.dead_letters() == 10, 30)


def test_nothing_is_lost_if_it_can_not_be_sent_or_deleted(world, call):
    put_dead(world, s3_event(BUCKET, "uk/page.html"))
    with denied(world, "sqs:SendMessage"):
        code, out, errors = call("redrive")
    assert code == 1 and out.startswith("redrove 0 messages") and "1 message: not sent: AccessDenied" in errors
    assert "SQS was called like this: you are user/on-call of account" in errors
    assert visible(world) == 1
    world.cloudflare.purges()
    with denied(world, "sqs:DeleteMessage"):
        code, out, errors = call("redrive", "--json")
    answer = json.loads(out)
    assert code == 1 and (answer["redriven"], answer["undeleted"]) == (0, 1), (answer, errors)
    assert visible(world) == 1
    wait_for("it is purged", lambda: world.cloudflare.purges())
    with denied(world, "logs:FilterLogEvents"):
        code, out, errors = call("list", "-o", "json")
    assert code == 0 and groups(out) == [("web", "website.co.uk", "unknown", 1)]


def test_only_what_is_named_is_dropped_and_not_without_a_yes(world, call):
    put_dead(world, s3_event(BUCKET, "uk/page.html"), BROKEN)
    code, _, errors = call("drop")
    assert code == 2 and "add --yes" in errors and visible(world) == 2
    _, out, _ = call("list", "-o", "json")
    [broken] = [it["ids"][0] for it in json.loads(out) if it["cause"] == "rejected"]
    code, out, errors = call("drop", "--yes", "--id", broken)
    assert (code, out) == (0, "deleted 1 message\n"), errors
    code, out, _ = call("list", "-o", "json")
    assert groups(out) == [("web", "website.co.uk", "unknown", 1)]


def test_others_may_not_look(world):
    code, out, errors = world.command("web", "dead-letters", "list")
    assert (code, out) == (1, "") and "can't read the settings of the function" in errors and "AccessDenied" in errors
    assert f"(you are user/web of account {aws.ACCOUNT}, region {aws.REGION}, " in errors, errors
    assert errors.endswith("; attach the policy that is the stack's output DeadLetterPolicyArn\n"), errors
