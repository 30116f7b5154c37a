"""Objects change in S3, and exactly their URLs are refreshed at the edge, by the function as the template deploys it."""

import json
import re
from urllib.parse import quote

import pytest

from aws import printed, wait_for
from cloudflare import browser, strict
from conftest import BUCKET, DOCS, SITES, ZONES, s3_event

KEYS = [
    "plain.css",
    "with space/a b.css",
    "a+b.css",
    "100%.css",
    "50%25.css",
    "ünï/日本語 é.css",
    "app (1).css",
    "a&b=c;d.css",
    "it's-#1?really!.css",
    ("long/" + "k" * 991 + ".css"),
]


def urls(bucket, key):
    """All URLs of an object, in each spelling, and where it is visible: (host, path)."""
    places = [
        (host, key.removeprefix(prefix))
        for host, (of, prefix) in SITES.items()
        if of == bucket and key.startswith(prefix)
    ]
    return {f"https://{host}/{spell(path)}" for host, path in places for spell in (browser, strict)}, places


OBJECTS = [(bucket, prefix + key) for bucket, prefix in sorted(set(SITES.values())) for key in KEYS]


def test_exactly_the_urls_of_a_changed_object_are_refreshed(world):
    assert len(KEYS[-1]) == 1000
    # Four of the keys have two spellings, six one; two of the four hostnames show `uk/`.
    everything = set().union(*(urls(*it)[0] for it in OBJECTS))
    assert len(everything) == (4 * 2 + 6) * 4
    for bucket, key in OBJECTS:
        world.put(bucket, key, "first")
    world.purged(everything)
    for bucket, key in OBJECTS:
        for host, path in urls(bucket, key)[1]:
            assert world.cloudflare.visit(host, f"/{path}") == (200, "first"), (host, path)
    assert world.cloudflare.cached() == everything

    def put(bucket, key):
        world.put(bucket, key, "second")
        return 200, "second"

    def copy(bucket, key):
        source = {"Bucket": "sources", "Key": "third"}
        world.s3.copy_object(Bucket=bucket, Key=key, CopySource=source)
        return 200, "third"

    def delete(bucket, key):
        world.s3.delete_object(Bucket=bucket, Key=key)
        return 404, ""

    world.ministack.create_public_bucket("sources")
    world.put("sources", "third", "third")
    for change in (put, copy, delete):
        for bucket, key in OBJECTS:
            of_object, places = urls(bucket, key)
            shown = change(bucket, key)
            world.purged(of_object)
            assert world.cloudflare.cached() == everything - of_object, (change.__name__, key)
            for host, path in places:
                assert world.cloudflare.visit(host, f"/{path}") == shown, (change.__name__, host, path)
            if change is delete:
                everything -= of_object
    assert world.stack.dead_letters() == 0


def test_changes_without_a_purge_have_no_effect(world):
    """A test event, broken records and an unmapped bucket, in one batch with a good change."""
    world.put(DOCS, "guide.html", "first")
    world.stack.wait_until_handled()
    world.see("docs.website.dev", "guide.html", "first")
    world.cloudflare.purges()
    seen = len(world.stack.log())
    # No instance has read unmapped-bucket before, so its change is retried once before it counts as unmatched.
    world.stack.retry_quickly(receives=2, retries=100)
    half_broken = s3_event(DOCS, "half.html")
    half_broken["Records"].append({"eventSource": "aws:s3", "eventVersion": "3.0"})
    entries = [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": DOCS},
        s3_event("unmapped-bucket", "a.css"),
        s3_event(DOCS, "guide.html"),
        "{ this is no JSON",
        half_broken,
        s3_event(DOCS, "100%.html"),
    ]
    world.s3.put_object(Bucket=DOCS, Key="guide.html.tmp", Body=b"nothing maps this")
    # Each instance may be the first to read the bucket for it, and the second retry waits for up to 20 s.
    world.stack.wait_until_handled(60)
    with world.stack.held():
        world.stack.send(*entries)
    wait_for("three dead letters", lambda: world.stack.dead_letters() == 3, seconds=60)
    world.stack.wait_until_handled(60)
    assert world.stack.dead_letters() == 3
    files = [url for _, _, body, status in world.cloudflare.purges() for url in body["files"]]
    assert set(files) == {"https://docs.website.dev/guide.html", "https://docs.website.dev/half.html"}
    lines = world.stack.log()[seen:]
    together = {"changes": 3, "ignored": 1, "rejected": 4, "unmatched": 0, "batches": 1, "purged": 1, "failed": 4}
    assert any(together.items() <= line.items() for line in lines), "all came in one batch"
    logged = lambda message, field: {line[field] for line in lines if line["message"] == message}
    assert logged("unmatched", "key") == {"a.css", "guide.html.tmp"}
    reasons = logged("rejected", "reason")
    retried = "unmatched, but the known mappings of its bucket may be incomplete, so it is retried"
    # An instance that has read this team's bucket twice does not retry the second one.
    unmapped, maybe = f"s3://unmapped-bucket/a.css: {retried}", f"s3://{DOCS}/guide.html.tmp: {retried}"
    assert unmapped in reasons
    malformed = reasons - {unmapped, maybe}
    assert len(malformed) == 3, reasons
    assert all(reason.startswith("body") for reason in malformed), malformed


def test_a_revoked_token_stops_only_its_zone_and_a_redrive_purges_the_rest(world):
    """A dead letter of the retry queue; test_retries.py has messages that are purged before they are dead letters."""
    zone_id, parameter, token = ZONES["website.co.uk"]
    pages = [(BUCKET, "uk/page.html"), (BUCKET, "fr/page.html"), (DOCS, "page.html")]
    places = [place for page in pages for place in urls(*page)[1]]
    for page in pages:
        world.put(*page, "first")
    world.stack.wait_until_handled()
    for place in places:
        world.see(*place, "first")
    seen, counted_before = len(world.stack.log("batch")), world.stack.counted("TokenRefused")
    world.stack.retry_quickly(receives=2, retries=1)
    world.cloudflare.set_token(token, zone_id, "disabled")
    for page in pages:
        world.put(*page, "second")
    # Another zone of the same team has its own token.
    world.see("www.website.fr", "page.html", "second")
    world.see("docs.website.dev", "page.html", "second")
    wait_for("a dead letter", lambda: world.stack.dead_letters() == 1)
    world.stack.wait_until_handled()
    assert world.stack.dead_letters() == 1
    for host in ("www.website.co.uk", "assets.website.co.uk"):
        assert world.cloudflare.visit(host, "/page.html") == (200, "first"), host
    refused = [line for line in world.stack.log("batch")[seen:] if line["outcome"] != "purged"]
    batches = {(line["level"], line["team"], line["zone"], line["outcome"]) for line in refused}
    assert batches == {("WARN", "web", "website.co.uk", "token-refused")}
    assert "HTTP 401: 10000 Authentication error" in refused[0]["error"]
    # With the dimensions of the alarm and of the dashboard.
    lines = [line for line in printed(world.ministack, world.stack.log_group) if "TokenRefused" in line]
    directives = [(it["Namespace"], it["Dimensions"]) for line in lines for it in line["_aws"]["CloudWatchMetrics"]]
    for dimensions in (["function"], ["function", "team", "zone"]):
        assert ("purge-router", [dimensions]) in directives
    assert {line["function"] for line in lines} == {world.stack.function}
    counted = world.stack.counted("TokenRefused") - counted_before
    assert (counted["website.co.uk"], counted[None]) == (len(refused), len(refused))

    # Purges after the revocation continue too.
    world.put(DOCS, "page.html", "third")
    world.see("docs.website.dev", "page.html", "third")

    world.cloudflare.set_token("cfut_web-uk-0000-0000-2UK2", zone_id)
    world.ministack.put_token(parameter, "cfut_web-uk-0000-0000-2UK2")
    world.stack.restore_redelivery()
    world.stack.redrive()
    for host in ("www.website.co.uk", "assets.website.co.uk"):
        world.see(host, "page.html", "second")
    world.stack.wait_until_handled()
    assert world.stack.dead_letters() == 0


def test_a_replaced_token_loses_nothing(world):
    """The function has the old token in its cache when it is revoked. It reads the new one, and no message fails."""
    zone_id, parameter, token = ZONES["website.dev"]
    world.put(DOCS, "rotated.html", "first")
    world.stack.wait_until_handled()
    world.see("docs.website.dev", "rotated.html", "first")
    seen = len(world.stack.log("batch"))
    world.ministack.put_token(parameter, "cfut_docs-0000-0000-2DEV")
    world.cloudflare.set_token("cfut_docs-0000-0000-2DEV", zone_id)
    world.cloudflare.set_token(token, zone_id, "disabled")
    world.put(DOCS, "rotated.html", "second")
    world.see("docs.website.dev", "rotated.html", "second")
    world.stack.wait_until_handled()
    lines = world.stack.log("batch")[seen:]
    assert [(line["outcome"], line["attempts"]) for line in lines] == [("purged", 2)]


@pytest.mark.parametrize(("seconds", "second"), [("300", "1DEV"), ("0", "3DEV")])
def test_a_token_is_cached_for_its_ttl(world, seconds, second):
    zone_id, parameter, _ = ZONES["website.dev"]
    world.stack.restart(TOKEN_TTL_SECONDS=seconds)
    purge = lambda: world.stack.invoke(s3_event(DOCS, "kept.html"))
    assert purge() == ({"batchItemFailures": []}, False)
    # The old token is still valid, so only its TTL makes the function read the new one.
    world.cloudflare.set_token("cfut_docs-0000-0000-3DEV", zone_id)
    world.ministack.put_token(parameter, "cfut_docs-0000-0000-3DEV")
    assert purge() == ({"batchItemFailures": []}, False)
    assert [token for _, token, _, _ in world.cloudflare.purges()] == ["1DEV", second]


NOT_THERE = {
    "absent": ": SSM has no such parameter in this region; store the token there as a SecureString",
    "plain text": ": it is a String, not a SecureString; delete it, and store the token there again as a SecureString",
    "of a key that the role may not use": ": access denied: AccessDeniedException: .*; allow ssm:GetParameter for the command and ssm:GetParameters for the function",
}


@pytest.mark.parametrize("how", NOT_THERE)
def test_a_token_that_can_not_be_read_fails_only_its_own_messages(world, how):
    """Even though a function without cached tokens reads both teams' tokens in one call."""
    _, parameter, token = ZONES["website.dev"]
    ssm = world.ministack.client("ssm")
    ssm.delete_parameter(Name=parameter)
    if how == "plain text":
        ssm.put_parameter(Name=parameter, Value=token, Type="String")
    if how == "of a key that the role may not use":
        key = world.ministack.client("kms").create_key()["KeyMetadata"]["Arn"]
        ssm.put_parameter(Name=parameter, Value=token, Type="SecureString", KeyId=key)
    world.stack.restart()
    messages = {"of-web": s3_event(BUCKET, "uk/a.css"), "of-docs": s3_event(DOCS, "a.html")}
    reported, deferred = world.stack.process({name: json.dumps(event) for name, event in messages.items()})
    assert (reported, deferred) == ([], ["of-docs"])
    sent = [(zone_id, status) for zone_id, _, _, status in world.cloudflare.purges()]
    assert sent == [(ZONES["website.co.uk"][0], 200)]
    line = next(line for line in reversed(world.stack.log("batch")) if line["team"] == "docs")
    assert (line["level"], line["outcome"], line["attempts"]) == ("WARN", "token-missing", 0)
    assert re.match(f"team docs has no token for zone website.dev: {parameter}{NOT_THERE[how]}", line["error"]), line


def test_a_log_line_describes_a_whole_batch(world):
    key, seen = "lines/a b.css", len(world.stack.log("batch"))
    world.put(BUCKET, f"uk/{key}", "first")
    world.stack.wait_until_handled()
    [line] = world.stack.log("batch")[seen:]
    assert line.pop("timestamp").endswith("Z") and line.pop("ray").endswith("-SBX")
    assert isinstance(line.pop("milliseconds"), int)
    assert 0 <= line.pop("latency") < 30_000
    assert len(line.pop("span")["requestId"]) == 36
    assert line == {
        "level": "INFO",
        "message": "batch",
        "team": "web",
        "zone": "website.co.uk",
        "method": "files",
        "items": 2,
        "outcome": "purged",
        "attempts": 1,
    }
    bodies = [body for _, _, body, _ in world.cloudflare.purges()]
    hosts = ("www.website.co.uk", "assets.website.co.uk")
    assert bodies == [{"files": [f"https://{host}/{quote(key)}" for host in hosts]}]


def test_a_mapping_file_in_the_package_needs_no_table(world):
    world.stack.restart(MAPPINGS_TABLE=None, MAPPINGS_FILE="mappings.toml")
    reads = len(world.stack.log("mappings read"))
    with world.stack.without_dynamodb():
        world.put(BUCKET, "uk/page.html", "first")
        world.put(DOCS, "page.html", "first")
        world.purged(urls(BUCKET, "uk/page.html")[0] | urls(DOCS, "page.html")[0])
    assert len(world.stack.log("mappings read")) == reads


def test_a_table_and_a_file_together_stop_the_start_with_one_line(world):
    world.stack.set_variables(MAPPINGS_FILE="mappings.toml")
    error_message = lambda: world.stack.invoke({"Event": "s3:TestEvent"})[0].get("errorMessage", "")
    text = wait_for(
        "it does not start",
        lambda: re.match("bootstrap exited during init with code 1: (.*)", error_message(), re.DOTALL),
    )
    line = json.loads(text[1])
    assert (line["level"], line["message"]) == (
        "ERROR",
        "can't start: MAPPINGS_TABLE and MAPPINGS_FILE are both set: set one of them",
    )
