"""Twenty zones under load while all their tokens are rotated, one is rolled without notice and one is revoked for good: no
purge is lost, none is reported as done that was not, and failed purges wait in the retry queue for a valid token."""

import collections
import concurrent.futures
import contextlib
import json
import threading
import time

import pytest

import aws
import tokens_world
from conftest import BOOTSTRAP

BUCKET = "sites-under-load"
ZONES = [f"site{index:02}.com" for index in range(1, 21)]
ROLLED, REVOKED = ZONES[-2:]
PAGES = [f"page{index}.css" for index in range(4)]
ROTATIONS, AT_ONCE = 3, 8

# How long the function caches a token, and the command waits for that.
TOKEN_TTL, WAIT = 1, 3


def zone_id(zone):
    return f"{ZONES.index(zone) + 1:032x}"


def account(zone):
    """Every other zone is in the account that owns its tokens."""
    return tokens_world.ACCOUNT_ID if ZONES.index(zone) % 2 else None


def folder(zone):
    return zone.partition(".")[0]


def team(zone):
    return f"team{ZONES.index(zone) + 1:02}"


def mapping(zone):
    account_id = f'account_id = "{account(zone)}"\n' if account(zone) else ""
    return f"""[teams.{team(zone)}]
owns = ["s3://{BUCKET}/{folder(zone)}/"]
[teams.{team(zone)}.zones."{zone}"]
zone_id = "{zone_id(zone)}"
hostnames = ["www.{zone}"]
plan = "enterprise"
{account_id}[[teams.{team(zone)}.mappings]]
source = "s3://{BUCKET}/{folder(zone)}/"
zones = ["{zone}"]
strip_prefix = "{folder(zone)}/"
"""


class RotatedTokens(tokens_world.Tokens):
    """The function, twenty teams, and the tokens of their zones."""

    def __init__(self, ministack, where):
        zones = {zone: (zone_id(zone), account(zone), f"/purge-router/{team(zone)}/{zone}") for zone in ZONES}
        origins = {f"www.{zone}": f"{ministack.url}/{BUCKET}/{folder(zone)}/" for zone in ZONES}
        super().__init__(ministack, where, zones, "version = 1\n" + "".join(mapping(zone) for zone in ZONES), origins)
        try:
            self.first_tokens()
            self.stack = ministack.deploy(
                "rotation",
                aws.package(BOOTSTRAP, self.mappings),
                BucketArns=f"arn:aws:s3:::{BUCKET}",
                CloudflareBaseUrl=self.cloudflare.api_url,
                MappingsFile="mappings.toml",
                MaximumConcurrency=3,
                TokenTtlSeconds=TOKEN_TTL,
            )
            ministack.create_public_bucket(BUCKET)
            self.stack.notify_from(BUCKET)
            self.stack.wait_until_handled()
        except BaseException:
            self.close()
            raise

    def put(self, zone, page, text):
        key = f"{folder(zone)}/{page}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode(), CacheControl="public, max-age=86400")

    def shown(self, zone, page):
        return self.cloudflare.get(f"www.{zone}", f"/{page}")[1]

    def requests(self):
        """Each purge that the function sent: its zone, its URLs, and the status of the answer."""
        found = [it for it in self.cloudflare.control("GET", "/requests") if it["path"].endswith("/purge_cache")]
        zones = {zone_id(zone): zone for zone in ZONES}
        found = [(zones[it["path"].split("/")[4]], json.loads(it["body"])["files"], it["status"]) for it in found]
        # These are the command's trials of new tokens.
        return [it for it in found if "/.purge-router/" not in it[1][0]]


@pytest.fixture
def world(ministack, tmp_path):
    with contextlib.closing(RotatedTokens(ministack, tmp_path)) as world:
        yield world


class Load:
    """Uploads pages of every zone and visits them, until it is stopped."""

    def __init__(self, world):
        self.world, self.last, self.puts = world, {}, collections.Counter()
        self.over = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(len(ZONES))
        self.uploads = [self.pool.submit(self.upload, zone) for zone in ZONES]

    def upload(self, zone):
        number = 0
        while not self.over.is_set():
            page = PAGES[number % len(PAGES)]
            self.world.shown(zone, page)  # so that it is cached
            self.last[zone, page] = text = f"{zone} {page} {number}"
            self.world.put(zone, page, text)
            self.puts[zone] += 1
            number += 1
            time.sleep(0.5)  # the rate of the load, which runs beside the rotations

    def goes_on(self):
        """Waits until every page of every zone is uploaded twice more."""
        goal = {zone: self.puts[zone] + 2 * len(PAGES) for zone in ZONES}
        aws.wait_for("the load goes on", lambda: all(self.puts[zone] >= goal[zone] for zone in ZONES), 60)

    def stop(self):
        self.over.set()
        self.pool.shutdown()
        for upload in self.uploads:
            upload.result()


def rotate_three_times(world, zone):
    for _ in range(ROTATIONS):
        manager = world.owner(zone)[1]
        world.done("rotate", "--zone", zone, "--yes", "--take-over", "--wait", str(WAIT), manager=manager)


def both_wait(world):
    refused = {zone for zone, _, status in world.requests() if status not in (200, None)}
    return refused >= {ROLLED, REVOKED} and world.stack.waiting(world.stack.retry_queue_url) > 0


def test_twenty_zones_lose_no_purge_while_their_tokens_are_rotated(world):
    load = Load(world)
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            rotating = {zone: pool.submit(rotate_three_times, world, zone) for zone in (ROLLED, REVOKED, *ZONES[:-2])}
            rotating[ROLLED].result()
            rotating[REVOKED].result()
            # One is rolled at Cloudflare, and its team stores the new secret later.
            owner, manager = world.owner(ROLLED)
            [token] = world.of_zone(ROLLED)
            secret = world.api("PUT", f"{owner}/tokens/{token['id']}/value", manager, {})
            # One is deleted without notice.
            owner, manager = world.owner(REVOKED)
            [token] = world.of_zone(REVOKED)
            world.api("DELETE", f"{owner}/tokens/{token['id']}", manager)
            still_rotating = sum(not rotated.done() for rotated in rotating.values())
            aws.wait_for(
                "purges of both zones are refused and wait for a token", lambda: both_wait(world), 60, every=0.5
            )
            rotations_of_rolled = world.stored(ROLLED)["Version"] - 1
            world.done("put", "--zone", ROLLED, "--overwrite", stdin=secret, manager=None)
            for rotated in rotating.values():
                rotated.result()
        rotations = rotations_of_rolled + sum(world.stored(zone)["Version"] - 1 for zone in ZONES if zone != ROLLED)
        load.goes_on()  # with the last tokens
    finally:
        load.stop()
    fresh = lambda zone: [page for page in PAGES if world.shown(zone, page) == load.last[zone, page]]
    all_fresh = lambda: all(fresh(zone) == PAGES for zone in ZONES[:-1])
    aws.wait_for("all zones with a valid token are purged", all_fresh, 90, every=1)
    assert rotations == ROTATIONS * len(ZONES) and still_rotating > 0

    # Uploads of the zone with the revoked token wait, and are purged once there is a valid token.
    waiting = world.stack.waiting(world.stack.retry_queue_url)
    assert waiting > 0 and world.stack.waiting() == 0 and fresh(REVOKED) == []
    world.done("put", "--zone", REVOKED, "--overwrite", stdin=world.create(REVOKED), manager=None)
    aws.wait_for("the uploads that waited are purged", lambda: fresh(REVOKED) == PAGES, 120, every=1)
    world.stack.wait_until_handled(240)
    assert world.stack.dead_letters() == 0

    # Cloudflare has accepted every purge that was reported as done. On a slow machine, it may have accepted one whose answer
    # was too late for the function, which sent it again.
    logged, accepted = collections.Counter(), collections.Counter()
    batches = world.stack.log("batch")
    late = [line for line in batches if line["outcome"] in ("unreachable", "deadline-exceeded")]
    for line in batches:
        logged[line["zone"]] += line["items"] if line["outcome"] == "purged" else 0
    requests = world.requests()
    for zone, files, status in requests:
        accepted[zone] += len(files) if status == 200 else 0
    assert logged == accepted if not late else logged <= accepted
    # A token that is replaced in time is never refused.
    refusals = collections.Counter(zone for zone, _, status in requests if status not in (200, None))
    assert set(refusals) == {ROLLED, REVOKED}, refusals

    statuses = collections.Counter(status for _, _, status in requests)
    refused = [line for line in world.stack.log() if line.get("message", "").startswith("token refused")]
    print(
        f"\n{len(ZONES)} zones, {sum(load.puts.values())} uploads, {rotations} rotations, 1 roll, 1 revocation, while tokens "
        f"of {still_rotating} zones were rotated: "
        f"{statuses[200]} purges accepted with {sum(accepted.values())} URLs, {statuses[401]} refused for their token, "
        f"{len(refused)} pauses; {waiting} messages in the retry queue, all purged with the new token"
    )
    assert {line["zone"] for line in refused} <= {ROLLED, REVOKED}
